//! Names of feature classes and features: the only place where they are spelled.
//!
//! Order within a class is that of PyRadiomics' output: ASCII order of `<name>FeatureValue`, the end of its method names (so
//! `MeanAbsoluteDeviation` comes before `Mean`). Features that PyRadiomics calls deprecated stand in a
//! list of their own; they are computed only when named.

/// Declares the features of a class as an enum, so that an extractor fills its result by name and not by position.
macro_rules! class {
    ($(#[$doc:meta])* $class:ident { $($feature:ident),* $(,)? } deprecated { $($old:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $class { $($feature,)* $($old,)* }

        impl $class {
            pub(crate) const NAMES: &'static [&'static str] = &[$(name(stringify!($feature)),)*];
            pub(crate) const DEPRECATED: &'static [&'static str] = &[$(name(stringify!($old)),)*];
            pub(crate) const COUNT: usize = Self::NAMES.len() + Self::DEPRECATED.len();
        }
    };
}

/// A feature's printed name where it is no Rust identifier of good form.
const fn name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        b"Percentile10" => "10Percentile",
        b"Percentile90" => "90Percentile",
        b"Mcc" => "MCC",
        _ => identifier,
    }
}

class! {
    /// Shape in three dimensions.
    Shape {
        Elongation, Flatness, LeastAxisLength, MajorAxisLength, Maximum2DDiameterColumn, Maximum2DDiameterRow,
        Maximum2DDiameterSlice, Maximum3DDiameter, MeshVolume, MinorAxisLength, Sphericity, SurfaceArea,
        SurfaceVolumeRatio, VoxelVolume,
    } deprecated { Compactness1, Compactness2, SphericalDisproportion }
}

class! {
    /// Shape of a region of one slice.
    Shape2D {
        Elongation, MajorAxisLength, MaximumDiameter, MeshSurface, MinorAxisLength, Perimeter, PerimeterSurfaceRatio,
        PixelSurface, Sphericity,
    } deprecated { SphericalDisproportion }
}

class! {
    /// Distribution of the values.
    FirstOrder {
        Percentile10, Percentile90, Energy, Entropy, InterquartileRange, Kurtosis, Maximum, MeanAbsoluteDeviation, Mean,
        Median, Minimum, Range, RobustMeanAbsoluteDeviation, RootMeanSquared, Skewness, TotalEnergy, Uniformity, Variance,
    } deprecated { StandardDeviation }
}

class! {
    /// Grey level co-occurrence.
    Glcm {
        Autocorrelation, ClusterProminence, ClusterShade, ClusterTendency, Contrast, Correlation, DifferenceAverage,
        DifferenceEntropy, DifferenceVariance, Id, Idm, Idmn, Idn, Imc1, Imc2, InverseVariance, JointAverage, JointEnergy,
        JointEntropy, Mcc, MaximumProbability, SumAverage, SumEntropy, SumSquares,
    } deprecated {}
}

class! {
    /// Grey level run lengths.
    Glrlm {
        GrayLevelNonUniformity, GrayLevelNonUniformityNormalized, GrayLevelVariance, HighGrayLevelRunEmphasis,
        LongRunEmphasis, LongRunHighGrayLevelEmphasis, LongRunLowGrayLevelEmphasis, LowGrayLevelRunEmphasis, RunEntropy,
        RunLengthNonUniformity, RunLengthNonUniformityNormalized, RunPercentage, RunVariance, ShortRunEmphasis,
        ShortRunHighGrayLevelEmphasis, ShortRunLowGrayLevelEmphasis,
    } deprecated {}
}

class! {
    /// Grey level size zones.
    Glszm {
        GrayLevelNonUniformity, GrayLevelNonUniformityNormalized, GrayLevelVariance, HighGrayLevelZoneEmphasis,
        LargeAreaEmphasis, LargeAreaHighGrayLevelEmphasis, LargeAreaLowGrayLevelEmphasis, LowGrayLevelZoneEmphasis,
        SizeZoneNonUniformity, SizeZoneNonUniformityNormalized, SmallAreaEmphasis, SmallAreaHighGrayLevelEmphasis,
        SmallAreaLowGrayLevelEmphasis, ZoneEntropy, ZonePercentage, ZoneVariance,
    } deprecated {}
}

class! {
    /// Grey level dependence.
    Gldm {
        DependenceEntropy, DependenceNonUniformity, DependenceNonUniformityNormalized, DependenceVariance,
        GrayLevelNonUniformity, GrayLevelVariance, HighGrayLevelEmphasis, LargeDependenceEmphasis,
        LargeDependenceHighGrayLevelEmphasis, LargeDependenceLowGrayLevelEmphasis, LowGrayLevelEmphasis,
        SmallDependenceEmphasis, SmallDependenceHighGrayLevelEmphasis, SmallDependenceLowGrayLevelEmphasis,
    } deprecated {}
}

class! {
    /// Neighbouring grey tone difference.
    Ngtdm { Busyness, Coarseness, Complexity, Contrast, Strength } deprecated {}
}

/// What PyRadiomics sorts features by.
pub(crate) fn sort_key(feature: &str) -> String {
    format!("{feature}FeatureValue")
}

/// A feature class of PyRadiomics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FeatureClass {
    /// Shape in three dimensions (`shape`), from the mask alone.
    Shape,
    /// Shape of a one-slice region (`shape2D`), from the mask alone.
    Shape2D,
    /// Distribution of the values (`firstorder`).
    FirstOrder,
    /// Grey level co-occurrence (`glcm`).
    Glcm,
    /// Grey level run lengths (`glrlm`).
    Glrlm,
    /// Grey level size zones (`glszm`).
    Glszm,
    /// Grey level dependence (`gldm`).
    Gldm,
    /// Neighbouring grey tone difference (`ngtdm`).
    Ngtdm,
}

impl FeatureClass {
    /// Every class, `shape2D` last.
    pub const ALL: [Self; 8] = [
        Self::Shape,
        Self::FirstOrder,
        Self::Glcm,
        Self::Glrlm,
        Self::Glszm,
        Self::Gldm,
        Self::Ngtdm,
        Self::Shape2D,
    ];

    /// The classes that are on by default: all but `shape2D`.
    pub const DEFAULT: [Self; 7] = [
        Self::Shape,
        Self::FirstOrder,
        Self::Glcm,
        Self::Glrlm,
        Self::Glszm,
        Self::Gldm,
        Self::Ngtdm,
    ];

    /// Name in column names and parameter files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Shape2D => "shape2D",
            Self::FirstOrder => "firstorder",
            Self::Glcm => "glcm",
            Self::Glrlm => "glrlm",
            Self::Glszm => "glszm",
            Self::Gldm => "gldm",
            Self::Ngtdm => "ngtdm",
        }
    }

    /// The class of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }

    /// Names of the features that are on by default, in output order.
    pub fn features(self) -> &'static [&'static str] {
        match self {
            Self::Shape => Shape::NAMES,
            Self::Shape2D => Shape2D::NAMES,
            Self::FirstOrder => FirstOrder::NAMES,
            Self::Glcm => Glcm::NAMES,
            Self::Glrlm => Glrlm::NAMES,
            Self::Glszm => Glszm::NAMES,
            Self::Gldm => Gldm::NAMES,
            Self::Ngtdm => Ngtdm::NAMES,
        }
    }

    /// Names of the features that are computed only when named.
    pub fn deprecated(self) -> &'static [&'static str] {
        match self {
            Self::Shape => Shape::DEPRECATED,
            Self::Shape2D => Shape2D::DEPRECATED,
            Self::FirstOrder => FirstOrder::DEPRECATED,
            Self::Glcm => Glcm::DEPRECATED,
            Self::Glrlm => Glrlm::DEPRECATED,
            Self::Glszm => Glszm::DEPRECATED,
            Self::Gldm => Gldm::DEPRECATED,
            Self::Ngtdm => Ngtdm::DEPRECATED,
        }
    }

    /// Whether the class describes the mask alone: computed once, named `original_...`.
    pub fn is_shape(self) -> bool {
        matches!(self, Self::Shape | Self::Shape2D)
    }

    /// Whether the class needs grey levels.
    pub(crate) fn is_texture(self) -> bool {
        !self.is_shape() && self != Self::FirstOrder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_order_are_those_of_the_reference() {
        let counts: Vec<usize> = FeatureClass::ALL.iter().map(|c| c.features().len()).collect();
        assert_eq!(counts, [14, 18, 24, 16, 16, 14, 5, 9]);
        assert_eq!(FeatureClass::DEFAULT.iter().map(|c| c.features().len()).sum::<usize>(), 107);
        for class in FeatureClass::ALL {
            assert_eq!(FeatureClass::from_name(class.name()), Some(class));
            assert!(class.features().is_sorted_by_key(|n| sort_key(n)), "{}", class.name());
        }
        assert_eq!(FirstOrder::NAMES[FirstOrder::Percentile90 as usize], "90Percentile");
    }
}
