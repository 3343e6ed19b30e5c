//! What to compute, and how: the settings of PyRadiomics under plain names.
//!
//! [`Settings::default`] is PyRadiomics without a parameter file: original image, bins of width 25, 107 features. A parameter file is read
//! by [`Settings::from_pyradiomics_yaml`].

use crate::filters::{Bank, lbp3d_names, wavelet_names};
use crate::registry::{FeatureClass, sort_key};

/// How values become grey levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Binning {
    /// Bins of this width, edges at multiples of it.
    Width(f64),
    /// This many equal bins between minimum and maximum of the region.
    Count(u32),
}

/// Norm that weights the directions of GLCM and GLRLM before they are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightingNorm {
    /// Sum of the distances along the axes.
    Manhattan,
    /// Straight distance.
    Euclidean,
    /// Largest distance along an axis.
    Infinity,
    /// All directions alike: one merged matrix.
    None,
}

/// Settings of the texture and first-order classes; an image type may override them.
#[derive(Debug, Clone, PartialEq)]
pub struct TextureSettings {
    /// Discretisation (`binWidth`, `binCount`).
    pub binning: Binning,
    /// Chebyshev distances of GLCM, GLDM and NGTDM neighbours (`distances`).
    pub distances: Vec<usize>,
    /// `None`: features per direction, then their mean; otherwise one weighted matrix (`weightingNorm`).
    pub weighting: Option<WeightingNorm>,
    /// Count each pair in both orders (`symmetricalGLCM`).
    pub symmetrical_glcm: bool,
    /// Largest level difference of dependent neighbours (`gldm_a`).
    pub gldm_alpha: u32,
    /// Added to values in energies (`voxelArrayShift`).
    pub voxel_array_shift: f64,
    /// Axis `[i, j, k]` across which neighbours are not looked at (`force2D`, `force2Ddimension` counted from the other end).
    pub force_2d: Option<usize>,
}

impl Default for TextureSettings {
    fn default() -> Self {
        Self {
            binning: Binning::Width(25.0),
            distances: vec![1],
            weighting: None,
            symmetrical_glcm: true,
            gldm_alpha: 0,
            voxel_array_shift: 0.0,
            force_2d: None,
        }
    }
}

/// How values between voxel centres are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolator {
    /// Nearest voxel.
    Nearest,
    /// Trilinear.
    Linear,
    /// Cubic B-spline through the samples.
    BSpline,
}

/// What happens to interpolated values of integer images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// Truncated toward zero, as PyRadiomics (ITK) does.
    #[default]
    Truncate,
    /// Rounded to the nearest integer, as IBSI asks for CT.
    Nearest,
}

/// Resampling to a new voxel spacing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// New spacing `[i, j, k]` in mm; 0 keeps the spacing of that axis.
    pub spacing: [f64; 3],
    /// Interpolator of the image; the mask is always taken from the nearest voxel.
    pub interpolator: Interpolator,
    /// Rounding of integer images.
    pub rounding: Rounding,
}

/// Where mean and standard deviation of a normalisation come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormaliseScope {
    /// All voxels of the image, as PyRadiomics does.
    Image,
    /// The voxels of the region.
    Region,
}

/// Normalisation before anything else: (x - mean) / sample standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalisation {
    /// Where mean and deviation come from.
    pub scope: NormaliseScope,
    /// Factor afterwards (`normalizeScale`).
    pub scale: f64,
    /// Values beyond this many standard deviations are set to the limit (`removeOutliers`).
    pub outliers: Option<f64>,
}

/// Meaning of the thresholds of a resegmentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResegmentMode {
    /// Image units.
    Absolute,
    /// Fractions of the maximum in the region.
    Relative,
    /// Standard deviations around the mean of the region.
    Sigma,
}

/// Keep only voxels of the region with values between thresholds, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resegmentation {
    /// Meaning of the thresholds.
    pub mode: ResegmentMode,
    /// Lower threshold.
    pub lower: f64,
    /// Upper threshold; `None` for none.
    pub upper: Option<f64>,
    /// Shape of the resegmented region instead of the whole (`resegmentShape`).
    pub shape: bool,
}

/// A way to derive an image before features are extracted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// The image as it is.
    Original,
    /// Laplacian of Gaussian, one image a scale.
    LoG {
        /// Scales in output order.
        sigmas: Vec<Sigma>,
    },
    /// Undecimated wavelet transform: seven details a level and the last approximation.
    Wavelet {
        /// The filters.
        bank: Bank,
        /// Levels.
        level: usize,
        /// Levels whose details are left out first.
        start_level: usize,
        /// Axis `[i, j, k]` that is not transformed, with `force2D`.
        flat: Option<usize>,
    },
    /// Squares, scaled back to the range of the image.
    Square,
    /// Square roots of the magnitude with its sign, scaled.
    SquareRoot,
    /// Logarithms of the magnitude plus one with its sign, scaled.
    Logarithm,
    /// Exponentials of the scaled values.
    Exponential,
    /// Magnitude of the gradient.
    Gradient {
        /// Per mm, else per voxel.
        use_spacing: bool,
    },
    /// Local binary patterns in slices, uniform.
    Lbp2d {
        /// Radius in voxels.
        radius: f64,
        /// Points on the circle.
        samples: usize,
        /// Axis `[i, j, k]` across the slices.
        axis: usize,
    },
    /// Local binary patterns on a sphere.
    Lbp3d {
        /// Degrees of spherical harmonics, from 0.
        levels: usize,
        /// Radius in voxels.
        radius: f64,
        /// Times that the faces of the icosahedron are split.
        subdivision: usize,
    },
}

/// A scale of a filter in mm. Its text is part of column names: 1 and 1.0 give different ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Sigma {
    /// Standard deviation of the Gaussian, mm.
    pub mm: f64,
    /// As written in the parameter file.
    pub text: String,
}

impl Sigma {
    /// A scale as Python prints the number: 1 as `1.0`.
    pub fn new(mm: f64) -> Self {
        Self {
            mm,
            text: format!("{mm:?}"),
        }
    }

    /// `log-sigma-1-0-mm-3D`.
    pub(crate) fn image_name(&self) -> String {
        format!("log-sigma-{}-mm-3D", self.text.replace('.', "-"))
    }
}

impl Filter {
    /// One level of a wavelet of `PyWavelets`.
    ///
    /// # Errors
    /// [`SettingsError::Unsupported`] for a wavelet that this version does not have.
    pub fn wavelet(name: &str) -> Result<Self, SettingsError> {
        Ok(Self::Wavelet {
            bank: Bank::from_name(name)?,
            level: 1,
            start_level: 0,
            flat: None,
        })
    }

    /// Name in a parameter file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Original => "Original",
            Self::LoG { .. } => "LoG",
            Self::Wavelet { .. } => "Wavelet",
            Self::Square => "Square",
            Self::SquareRoot => "SquareRoot",
            Self::Logarithm => "Logarithm",
            Self::Exponential => "Exponential",
            Self::Gradient { .. } => "Gradient",
            Self::Lbp2d { .. } => "LBP2D",
            Self::Lbp3d { .. } => "LBP3D",
        }
    }

    /// Names of the images it makes, as in column names.
    pub(crate) fn image_names(&self) -> Vec<String> {
        match self {
            Self::LoG { sigmas } => sigmas.iter().map(Sigma::image_name).collect(),
            Self::Wavelet { level, flat, .. } => wavelet_names(*level, *flat),
            Self::Lbp2d { .. } => vec!["lbp-2D".to_owned()],
            Self::Lbp3d { levels, .. } => lbp3d_names(*levels),
            Self::Original | Self::Square | Self::SquareRoot | Self::Logarithm | Self::Exponential | Self::Gradient { .. } => {
                vec![self.name().to_lowercase()]
            }
        }
    }

    /// The filter of a name, with the reference's default settings.
    ///
    /// # Errors
    /// [`SettingsError`] for a name that does not exist or a filter that this version does not have.
    pub fn from_name(name: &str) -> Result<Self, SettingsError> {
        Ok(match name {
            "Original" => Self::Original,
            // The reference has no default scale: without one it makes no image.
            "LoG" => Self::LoG { sigmas: Vec::new() },
            "Wavelet" => Self::wavelet("coif1")?,
            "Square" => Self::Square,
            "SquareRoot" => Self::SquareRoot,
            "Logarithm" => Self::Logarithm,
            "Exponential" => Self::Exponential,
            "Gradient" => Self::Gradient { use_spacing: true },
            "LBP2D" => Self::Lbp2d {
                radius: 1.0,
                samples: 8,
                axis: 2,
            },
            "LBP3D" => Self::Lbp3d {
                levels: 2,
                radius: 1.0,
                subdivision: 1,
            },
            other => return Err(SettingsError::UnknownImageType(other.to_owned())),
        })
    }
}

/// One image type: a filter and the settings its images are measured with.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageType {
    /// The filter.
    pub filter: Filter,
    /// Settings of the classes on its images.
    pub texture: TextureSettings,
}

/// A feature class and the features wanted from it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassSelection {
    /// The class.
    pub class: FeatureClass,
    /// Wanted features in output order.
    features: Vec<&'static str>,
}

impl ClassSelection {
    /// Every feature of a class that is on by default.
    pub fn all(class: FeatureClass) -> Self {
        Self {
            class,
            features: class.features().to_vec(),
        }
    }

    /// The named features of a class, deprecated ones included; an empty list means all that are on by default.
    ///
    /// # Errors
    /// [`SettingsError::UnknownFeature`] for a name that the class does not have.
    pub fn named<S: AsRef<str>>(class: FeatureClass, names: &[S]) -> Result<Self, SettingsError> {
        if names.is_empty() {
            return Ok(Self::all(class));
        }
        let known = || class.features().iter().chain(class.deprecated()).copied();
        let find = |name: &str| {
            known().find(|f| *f == name).ok_or_else(|| SettingsError::UnknownFeature {
                class: class.name(),
                feature: name.to_owned(),
                known: class.features().join(", "),
            })
        };
        let mut features = names.iter().map(|n| find(n.as_ref())).collect::<Result<Vec<_>, _>>()?;
        features.sort_by_key(|f| sort_key(f));
        features.dedup();
        Ok(Self { class, features })
    }

    /// Wanted features in output order.
    pub fn features(&self) -> &[&'static str] {
        &self.features
    }
}

/// Everything that decides the features of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Value of the region in a mask file (`label`).
    pub label: u32,
    /// Normalisation (`normalize`).
    pub normalise: Option<Normalisation>,
    /// Resampling (`resampledPixelSpacing`, `interpolator`).
    pub resample: Option<Resampling>,
    /// Voxels kept around the box of the region when resampling or pre-cropping (`padDistance`).
    pub pad_distance: usize,
    /// Filters see the box and the padding only, not the whole image (`preCrop`; without effect when resampling).
    pub pre_crop: bool,
    /// Resegmentation (`resegmentRange`).
    pub resegment: Option<Resegmentation>,
    /// Least number of axes along which the box is longer than one voxel (`minimumROIDimensions`).
    pub minimum_dimensions: usize,
    /// A region of this many voxels or fewer is refused (`minimumROISize`).
    pub minimum_size: Option<usize>,
    /// Relative tolerance when grids are compared (`geometryTolerance`).
    pub geometry_tolerance: f64,
    /// A mask on another grid is resampled onto the image (`correctMask`) instead of refused.
    pub correct_mask: bool,
    /// Columns about image, mask and versions come with the features (`additionalInfo`).
    pub additional_info: bool,
    /// Image types in output order.
    pub image_types: Vec<ImageType>,
    /// Classes in output order.
    pub classes: Vec<ClassSelection>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            label: 1,
            normalise: None,
            resample: None,
            pad_distance: 5,
            pre_crop: false,
            resegment: None,
            minimum_dimensions: 2,
            minimum_size: None,
            geometry_tolerance: 1e-6,
            correct_mask: false,
            additional_info: true,
            image_types: vec![ImageType {
                filter: Filter::Original,
                texture: TextureSettings::default(),
            }],
            classes: FeatureClass::DEFAULT.map(ClassSelection::all).to_vec(),
        }
    }
}

impl Settings {
    /// The axis that `setting: force2D` leaves out, as the first image type has it.
    pub(crate) fn force_2d(&self) -> Option<usize> {
        self.image_types.first().and_then(|t| t.texture.force_2d)
    }

    /// Column names of every feature that these settings can give, in output order. A region may have fewer: its image may be too small for a
    /// filter, or the region not flat enough for `shape2D`.
    pub fn feature_names(&self) -> Vec<String> {
        let mut out = Vec::new();
        let mut add = |image: &str, selection: &ClassSelection| {
            let class = selection.class.name();
            out.extend(selection.features().iter().map(|f| format!("{image}_{class}_{f}")));
        };
        for class in [FeatureClass::Shape, FeatureClass::Shape2D] {
            self.classes.iter().filter(|c| c.class == class).for_each(|c| add("original", c));
        }
        for image in self.image_types.iter().flat_map(|t| t.filter.image_names()) {
            self.classes.iter().filter(|c| !c.class.is_shape()).for_each(|c| add(&image, c));
        }
        out
    }

    /// What is measured of a region that is too large for everything: shape and first order of the original image at 2 mm.
    #[must_use]
    pub fn reduced(&self) -> Self {
        let texture = self.image_types.first().map(|t| t.texture.clone()).unwrap_or_default();
        Self {
            resample: Some(Resampling {
                spacing: [2.0; 3],
                interpolator: Interpolator::BSpline,
                rounding: self.resample.map_or(Rounding::Truncate, |r| r.rounding),
            }),
            image_types: vec![ImageType {
                filter: Filter::Original,
                texture,
            }],
            classes: [FeatureClass::Shape, FeatureClass::FirstOrder].map(ClassSelection::all).to_vec(),
            ..self.clone()
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The text is no YAML.
    #[error("the parameter file cannot be read: {0}")]
    Syntax(String),
    /// A key that nothing reads.
    #[error("{place}: unknown key {key:?}{hint}")]
    UnknownKey {
        /// Section of the file.
        place: &'static str,
        /// The key.
        key: String,
        /// A similar key, as `; did you mean ...?`, or nothing.
        hint: String,
    },
    /// A value of the wrong type or out of range.
    #[error("{key}: {found} is not {wanted}")]
    BadValue {
        /// The key.
        key: String,
        /// What stands there.
        found: String,
        /// What is allowed.
        wanted: &'static str,
    },
    /// A class that does not exist.
    #[error("unknown feature class {0:?}; there are shape, firstorder, glcm, glrlm, glszm, gldm, ngtdm and shape2D")]
    UnknownClass(String),
    /// A feature that the class does not have.
    #[error("class {class} has no feature {feature:?}; it has {known}")]
    UnknownFeature {
        /// The class.
        class: &'static str,
        /// The name.
        feature: String,
        /// Names of the class.
        known: String,
    },
    /// An image type that does not exist.
    #[error("unknown image type {0:?}")]
    UnknownImageType(String),
    /// Something that this version cannot do; nothing is left out silently.
    #[error("{what} is not supported yet; remove it from the parameter file to go on without it")]
    Unsupported {
        /// What it is.
        what: String,
    },
}

impl SettingsError {
    /// Stable code for JSON and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "radiomics.params_syntax",
            Self::UnknownKey { .. } => "radiomics.params_unknown_key",
            Self::BadValue { .. } => "radiomics.params_bad_value",
            Self::UnknownClass(_) => "radiomics.params_unknown_class",
            Self::UnknownFeature { .. } => "radiomics.params_unknown_feature",
            Self::UnknownImageType(_) => "radiomics.params_unknown_image_type",
            Self::Unsupported { .. } => "radiomics.params_unsupported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_features_come_in_output_order_and_once() {
        let s = ClassSelection::named(FeatureClass::FirstOrder, &["Mean", "10Percentile", "Mean", "StandardDeviation"]).unwrap();
        assert_eq!(s.features(), ["10Percentile", "Mean", "StandardDeviation"]);
        let error = ClassSelection::named(FeatureClass::Glcm, &["Homogeneity1"]).unwrap_err();
        assert_eq!(error.code(), "radiomics.params_unknown_feature");
    }
}
