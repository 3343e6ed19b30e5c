//! Section `[radiomics]` of the configuration.

use std::path::PathBuf;

use rt_config::{AutoOr, ConfigIssue, Validate};
use serde::{Deserialize, Serialize};

use crate::course::BATCH_BELOW;
use crate::registry::FeatureClass;
use crate::settings::{
    Binning, ClassSelection, Filter, ImageType, Interpolator, Normalisation, NormaliseScope, Resampling, Rounding, Settings, SettingsError,
    TextureSettings,
};

/// Whose definitions hold where they differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// PyRadiomics 3.
    #[default]
    Pyradiomics,
    /// Image Biomarker Standardisation Initiative.
    Ibsi,
}

/// An image that features are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// Planning CT, HU.
    Ct,
    /// MR, arbitrary units.
    Mr,
    /// PET, SUV.
    Pet,
    /// Dose, Gy.
    Dose,
}

impl ImageKind {
    /// Bin width when none is configured: 25 HU; 0.5 standard deviations; 0.25 SUV; 1 Gy.
    pub fn default_bin_width(self) -> f64 {
        match self {
            Self::Ct => 25.0,
            Self::Mr => 0.5,
            Self::Pet => 0.25,
            Self::Dose => 1.0,
        }
    }
}

/// How MR values, which have no unit, are made comparable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MrNormalise {
    /// By mean and standard deviation of the whole image.
    #[default]
    ImageZscore,
    /// By mean and standard deviation of the region.
    RoiZscore,
    /// Not at all.
    None,
}

impl MrNormalise {
    /// Name in the configuration and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageZscore => "image_zscore",
            Self::RoiZscore => "roi_zscore",
            Self::None => "none",
        }
    }
}

/// `[radiomics]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RadiomicsConfig {
    /// Whose definitions hold where they differ.
    pub flavour: Flavour,
    /// Images that features are taken from.
    pub images: Vec<ImageKind>,
    /// PyRadiomics parameter file for all images but MR; instead of the keys from `image_types` to `resample_mm`.
    pub params: Option<PathBuf>,
    /// PyRadiomics parameter file for MR.
    pub mr_params: Option<PathBuf>,
    /// Image types by PyRadiomics' names; empty for the original image alone.
    pub image_types: Vec<String>,
    /// Feature classes by PyRadiomics' names; empty for all but `shape2D`.
    pub classes: Vec<String>,
    /// Width of a grey level bin in image units; by default 25 HU, 0.5 (MR after its normalisation), 0.25 SUV, 1 Gy.
    pub bin_width: Option<f64>,
    /// Number of grey level bins, instead of a width.
    pub bin_count: Option<u32>,
    /// New voxel spacing `[i, j, k]` in mm, 0 to keep an axis; empty for no resampling.
    pub resample_mm: Vec<f64>,
    /// Normalisation of MR.
    pub mr_normalise: MrNormalise,
    /// Regions with fewer voxels on their image are skipped.
    pub min_voxels: usize,
    /// Regions with more voxels on their image get shape and first-order features at 2 mm only.
    pub max_voxels: usize,
    /// Names of regions that are left out; upper and lower case and characters other than letters and digits do not count.
    pub skip_rois: Vec<String>,
    /// Threads of one course.
    pub thread_limit: AutoOr<usize>,
    /// Memory of one course, MiB.
    pub memory_mb: AutoOr<u64>,
    /// Regions below this many voxels are worked on in batches.
    pub batch_below_voxels: usize,
}

impl Default for RadiomicsConfig {
    fn default() -> Self {
        let skip = [
            "body",
            "couchsurface",
            "couchinterior",
            "couchexterior",
            "bones",
            "m1",
            "m2",
            "table",
            "support",
        ];
        Self {
            flavour: Flavour::default(),
            images: vec![ImageKind::Ct, ImageKind::Mr, ImageKind::Pet],
            params: None,
            mr_params: None,
            image_types: Vec::new(),
            classes: Vec::new(),
            bin_width: None,
            bin_count: None,
            resample_mm: Vec::new(),
            mr_normalise: MrNormalise::default(),
            min_voxels: 64,
            max_voxels: 1_500_000_000,
            skip_rois: skip.map(str::to_owned).to_vec(),
            thread_limit: AutoOr::Auto,
            memory_mb: AutoOr::Auto,
            batch_below_voxels: BATCH_BELOW,
        }
    }
}

impl Validate for RadiomicsConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        let issue = |key: &str, message: String| Err(ConfigIssue::new(key, message));
        if self.flavour == Flavour::Ibsi {
            return issue("flavour", "\"ibsi\" is not supported yet; use \"pyradiomics\"".into());
        }
        let own = [
            ("image_types", !self.image_types.is_empty()),
            ("classes", !self.classes.is_empty()),
            ("bin_width", self.bin_width.is_some()),
            ("bin_count", self.bin_count.is_some()),
            ("resample_mm", !self.resample_mm.is_empty()),
        ];
        if self.params.is_some()
            && let Some((key, _)) = own.iter().find(|(_, set)| *set)
        {
            return issue(key, "stands beside `params`, which decides it too; keep one of them".into());
        }
        if self.bin_width.is_some() && self.bin_count.is_some() {
            return issue("bin_count", "stands beside bin_width; keep one of them".into());
        }
        if self.bin_width.is_some_and(|w| !w.is_finite() || w <= 0.0) {
            return issue("bin_width", "must be above 0".into());
        }
        if self.bin_count == Some(0) {
            return issue("bin_count", "must be at least 1".into());
        }
        let good_spacing = |v: &f64| v.is_finite() && *v >= 0.0;
        if !self.resample_mm.is_empty() && (self.resample_mm.len() != 3 || !self.resample_mm.iter().all(good_spacing)) {
            return issue("resample_mm", "must be three spacings in mm, 0 to keep an axis".into());
        }
        if self.thread_limit.given() == Some(0) {
            return issue("thread_limit", "must be \"auto\" or at least 1".into());
        }
        if self.max_voxels < self.min_voxels {
            return issue("max_voxels", format!("is below min_voxels ({})", self.min_voxels));
        }
        let names = |list: &[String], key: &str, check: &dyn Fn(&str) -> Result<(), SettingsError>| {
            list.iter()
                .try_for_each(|name| check(name).map_err(|e| ConfigIssue::new(key, e.to_string())))
        };
        names(&self.classes, "classes", &|name| class_of(name).map(drop))?;
        names(&self.image_types, "image_types", &|name| Filter::from_name(name).map(drop))
    }
}

fn class_of(name: &str) -> Result<FeatureClass, SettingsError> {
    FeatureClass::from_name(name).ok_or_else(|| SettingsError::UnknownClass(name.to_owned()))
}

/// What becomes of a region before its features are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// All features.
    Full,
    /// Shape and first-order features at 2 mm: the region is above `max_voxels`.
    Reduced,
    /// None: its name is on the skip list.
    Listed,
    /// None: fewer than `min_voxels`.
    TooSmall,
}

impl Admission {
    /// Code for tables; empty for [`Admission::Full`].
    pub fn code(self) -> &'static str {
        match self {
            Self::Full => "",
            Self::Reduced => "radiomics.reduced",
            Self::Listed => "radiomics.skip_list",
            Self::TooSmall => "radiomics.too_small",
        }
    }
}

impl RadiomicsConfig {
    /// What becomes of a region, by name and number of voxels on its image.
    pub fn admit(&self, name: &str, voxels: usize) -> Admission {
        let plain = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
        let wanted = plain(name);
        if self.skip_rois.iter().any(|skip| plain(skip) == wanted) {
            Admission::Listed
        } else if voxels < self.min_voxels {
            Admission::TooSmall
        } else if voxels > self.max_voxels {
            Admission::Reduced
        } else {
            Admission::Full
        }
    }

    /// The settings for an image; `params` is the text of the parameter file that [`RadiomicsConfig::params_of`] names.
    ///
    /// # Errors
    /// [`SettingsError`] of the parameter file.
    pub fn settings(&self, image: ImageKind, params: Option<&str>) -> Result<Settings, SettingsError> {
        let mut out = match params {
            Some(text) => Settings::from_pyradiomics_yaml(text)?,
            None => self.own_settings(image)?,
        };
        if image == ImageKind::Mr && out.normalise.is_none() {
            let scope = match self.mr_normalise {
                MrNormalise::ImageZscore => Some(NormaliseScope::Image),
                MrNormalise::RoiZscore => Some(NormaliseScope::Region),
                MrNormalise::None => None,
            };
            out.normalise = scope.map(|scope| Normalisation {
                scope,
                scale: 1.0,
                outliers: None,
            });
        }
        Ok(out)
    }

    /// The parameter file for an image.
    pub fn params_of(&self, image: ImageKind) -> Option<&PathBuf> {
        if image == ImageKind::Mr {
            self.mr_params.as_ref()
        } else {
            self.params.as_ref()
        }
    }

    fn own_settings(&self, image: ImageKind) -> Result<Settings, SettingsError> {
        let texture = TextureSettings {
            binning: match self.bin_count {
                Some(count) => Binning::Count(count),
                None => Binning::Width(self.bin_width.unwrap_or_else(|| image.default_bin_width())),
            },
            ..TextureSettings::default()
        };
        let mut out = Settings::default();
        let filters = if self.image_types.is_empty() {
            vec![Filter::Original]
        } else {
            self.image_types.iter().map(|n| Filter::from_name(n)).collect::<Result<_, _>>()?
        };
        out.image_types = filters
            .into_iter()
            .map(|filter| ImageType {
                filter,
                texture: texture.clone(),
            })
            .collect();
        if !self.classes.is_empty() {
            let classes = self.classes.iter().map(|n| class_of(n).map(ClassSelection::all));
            out.classes = classes.collect::<Result<_, _>>()?;
        }
        if let [i, j, k] = self.resample_mm[..] {
            out.resample = Some(Resampling {
                spacing: [i, j, k],
                interpolator: Interpolator::BSpline,
                rounding: Rounding::Truncate,
            });
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_skip_list_match_however_they_are_written() {
        let config = RadiomicsConfig::default();
        assert_eq!(config.admit("Couch Surface", 500), Admission::Listed);
        assert_eq!(config.admit("BODY", 10_000_000), Admission::Listed);
        assert_eq!(config.admit("Body_inner", 500), Admission::Full);
        assert_eq!(config.admit("PTV", 63), Admission::TooSmall);
        assert_eq!(config.admit("PTV", 64), Admission::Full);
        let strict = RadiomicsConfig { max_voxels: 100, ..config };
        assert_eq!(strict.admit("PTV", 101), Admission::Reduced);
    }

    #[test]
    fn each_image_has_its_own_defaults() {
        let config = RadiomicsConfig::default();
        let binning = |image| config.settings(image, None).unwrap().image_types[0].texture.binning;
        assert_eq!(binning(ImageKind::Ct), Binning::Width(25.0));
        assert_eq!(binning(ImageKind::Mr), Binning::Width(0.5));
        assert!(config.settings(ImageKind::Ct, None).unwrap().normalise.is_none());
        assert!(config.settings(ImageKind::Mr, None).unwrap().normalise.is_some());
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let key = |config: RadiomicsConfig| config.validate().unwrap_err().key;
        let default = RadiomicsConfig::default;
        assert_eq!(
            key(RadiomicsConfig {
                flavour: Flavour::Ibsi,
                ..default()
            }),
            "flavour"
        );
        assert_eq!(
            key(RadiomicsConfig {
                classes: vec!["glmc".into()],
                ..default()
            }),
            "classes"
        );
        assert_eq!(
            key(RadiomicsConfig {
                resample_mm: vec![1.0],
                ..default()
            }),
            "resample_mm"
        );
        let both = RadiomicsConfig {
            params: Some("ct.yaml".into()),
            bin_width: Some(10.0),
            ..default()
        };
        assert_eq!(key(both), "bin_width");
        assert!(default().validate().is_ok());
    }
}
