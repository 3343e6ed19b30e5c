//! Section `[radiomics]` of the configuration.

use std::path::PathBuf;

use indexmap::IndexMap;
use rt_config::{AutoOr, ConfigIssue, Validate};
use serde::{Deserialize, Serialize};

use crate::course::BATCH_BELOW;
use crate::ibsi::{Aggregation, Filter as IbsiFilter, IbsiSettings, Interpolation, IvhLevels};
use crate::params::Parameters;
use crate::registry::FeatureClass;
use crate::settings::{
    Binning, ClassSelection, Filter, ImageType, Interpolator, Normalisation, NormaliseScope, Resampling, Rounding, Settings, SettingsError,
    Sigma,
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

/// Which features are taken when neither a parameter file nor keys say more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureSet {
    /// Those of the Python rtpipeline's parameter files: 1,223 columns for CT, 386 for MR, 1,130 for PET.
    Reference,
    /// Those of PyRadiomics without a parameter file: 107 columns, the original image as it is.
    #[default]
    Basic,
}

/// `[radiomics.ibsi]`: what `flavour = "ibsi"` needs beyond `bin_width`, `bin_count` and `resample_mm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IbsiKeys {
    /// Interpolation of the image.
    pub interpolation: Interpolation,
    /// Re-segmentation range `[lower, upper]`; bins of a width start at its lower bound. Empty for none.
    pub range: Vec<f64>,
    /// Intensities beyond this many standard deviations are left out.
    pub outlier_sigma: Option<f64>,
    /// Width of a bin of the intensity-volume histogram; by default the intensities as they are.
    pub ivh_bin_width: Option<f64>,
    /// Number of bins of the intensity-volume histogram, instead of a width.
    pub ivh_bin_count: Option<u32>,
    /// Aggregations of the texture matrices.
    pub aggregations: Vec<Aggregation>,
    /// Filters by name, `[radiomics.ibsi.filters.log3]` with `kind = {log = {sigma_mm = 3}}`, `space = "3d"` and `boundary = "mirror"`.
    pub filters: IndexMap<String, serde_json::Value>,
}

impl Default for IbsiKeys {
    fn default() -> Self {
        Self {
            interpolation: Interpolation::Linear,
            range: Vec::new(),
            outlier_sigma: None,
            ivh_bin_width: None,
            ivh_bin_count: None,
            aggregations: vec![Aggregation::VolumeMean, Aggregation::VolumeMerged],
            filters: IndexMap::new(),
        }
    }
}

impl IbsiKeys {
    /// The filters, checked.
    fn filters(&self) -> Result<Vec<(String, IbsiFilter)>, SettingsError> {
        let read = |(name, value): (&String, &serde_json::Value)| {
            let filter: IbsiFilter =
                serde_json::from_value(value.clone()).map_err(|e| SettingsError::Syntax(format!("filter {name}: {e}")))?;
            filter.validate()?;
            Ok((name.clone(), filter))
        };
        self.filters.iter().map(read).collect()
    }

    fn validate(&self) -> Result<(), ConfigIssue> {
        let issue = |key: &str, message: &str| Err(ConfigIssue::new(format!("ibsi.{key}"), message));
        let range = self.range.is_empty() || matches!(self.range[..], [a, b] if a < b);
        if !range {
            return issue("range", "must be a lower and a higher intensity, or empty");
        }
        if self.outlier_sigma.is_some_and(|k| k.is_nan() || k <= 0.0) {
            return issue("outlier_sigma", "must be above 0");
        }
        if self.ivh_bin_width.is_some_and(|w| !w.is_finite() || w <= 0.0) {
            return issue("ivh_bin_width", "must be above 0");
        }
        if self.ivh_bin_count == Some(0) || (self.ivh_bin_count.is_some() && self.ivh_bin_width.is_some()) {
            return issue("ivh_bin_count", "must be at least 1 and not stand beside ivh_bin_width");
        }
        if self.aggregations.is_empty() {
            return issue("aggregations", "must name at least one, \"3d_comb\" for example");
        }
        self.filters()
            .map(drop)
            .map_err(|e| ConfigIssue::new("ibsi.filters", e.to_string()))
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
    /// What the keys from `image_types` to `resample_mm` start from.
    pub feature_set: FeatureSet,
    /// PyRadiomics parameter file for all images but MR, YAML or the same in TOML; instead of the keys from `feature_set` to `resample_mm`.
    pub params: Option<PathBuf>,
    /// PyRadiomics parameter file for MR.
    pub mr_params: Option<PathBuf>,
    /// A parameter file for CT in place, as tables `[radiomics.ct.setting]`, `[radiomics.ct.imageType.LoG]`, `[radiomics.ct.featureClass]`.
    pub ct: Option<Parameters>,
    /// The same for MR.
    pub mr: Option<Parameters>,
    /// The same for PET.
    pub pet: Option<Parameters>,
    /// The same for dose.
    pub dose: Option<Parameters>,
    /// Image types by PyRadiomics' names; empty for those of `feature_set`.
    pub image_types: Vec<String>,
    /// Scales of image type `LoG`, mm; empty for those of `feature_set`.
    pub log_sigma_mm: Vec<f64>,
    /// Wavelet of image type `Wavelet` by its name in `PyWavelets`.
    pub wavelet: String,
    /// Chebyshev distances of GLCM, GLDM and NGTDM neighbours; empty for those of `feature_set`.
    pub distances: Vec<usize>,
    /// Feature classes by PyRadiomics' names; empty for all but `shape2D`.
    pub classes: Vec<String>,
    /// Width of a grey level bin in image units; by default 25 HU, 0.5 (MR after its normalisation), 0.25 SUV, 1 Gy.
    pub bin_width: Option<f64>,
    /// Number of grey level bins, instead of a width.
    pub bin_count: Option<u32>,
    /// New voxel spacing `[i, j, k]` in mm, 0 to keep an axis; empty for that of `feature_set`.
    pub resample_mm: Vec<f64>,
    /// Keys of the flavour `ibsi`.
    pub ibsi: IbsiKeys,
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
            feature_set: FeatureSet::default(),
            params: None,
            mr_params: None,
            ct: None,
            mr: None,
            pet: None,
            dose: None,
            image_types: Vec::new(),
            log_sigma_mm: Vec::new(),
            wavelet: "coif1".to_owned(),
            distances: Vec::new(),
            classes: Vec::new(),
            bin_width: None,
            bin_count: None,
            resample_mm: Vec::new(),
            ibsi: IbsiKeys::default(),
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
        self.ibsi.validate()?;
        if self.flavour == Flavour::Ibsi
            && let Some(key) = self.pyradiomics_key()
        {
            return issue(
                key,
                "belongs to the flavour \"pyradiomics\"; with \"ibsi\" set bin_width, bin_count, resample_mm and [radiomics.ibsi]".into(),
            );
        }
        let own = [
            ("image_types", !self.image_types.is_empty()),
            ("log_sigma_mm", !self.log_sigma_mm.is_empty()),
            ("distances", !self.distances.is_empty()),
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
        if !self.log_sigma_mm.iter().all(|v| v.is_finite() && *v > 0.0) {
            return issue("log_sigma_mm", "must be scales in mm, above 0".into());
        }
        if self.distances.contains(&0) {
            return issue("distances", "must be whole numbers above 0".into());
        }
        Filter::wavelet(&self.wavelet).map_err(|e| ConfigIssue::new("wavelet", e.to_string()))?;
        for (key, kind) in [
            ("ct", ImageKind::Ct),
            ("mr", ImageKind::Mr),
            ("pet", ImageKind::Pet),
            ("dose", ImageKind::Dose),
        ] {
            if let Some(parameters) = self.parameters_of(kind) {
                Settings::from_parameters(parameters).map_err(|e| ConfigIssue::new(key, format!("cannot be used: {e}")))?;
            }
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
        names(&self.image_types, "image_types", &|name| Filter::from_name(name).map(drop))?;
        // Image type LoG without scales.
        self.own_settings(ImageKind::Ct)
            .map(drop)
            .map_err(|e| ConfigIssue::new("log_sigma_mm", e.to_string()))
    }
}

impl RadiomicsConfig {
    /// The first key that was set and has no meaning for the flavour `ibsi`.
    fn pyradiomics_key(&self) -> Option<&'static str> {
        let keys = [
            ("params", self.params.is_some()),
            ("mr_params", self.mr_params.is_some()),
            ("ct", self.ct.is_some()),
            ("mr", self.mr.is_some()),
            ("pet", self.pet.is_some()),
            ("dose", self.dose.is_some()),
            ("image_types", !self.image_types.is_empty()),
            ("log_sigma_mm", !self.log_sigma_mm.is_empty()),
            ("classes", !self.classes.is_empty()),
            ("distances", !self.distances.is_empty()),
        ];
        keys.into_iter().find(|(_, set)| *set).map(|(key, _)| key)
    }

    /// The settings of the flavour `ibsi` for an image: the spacing of `feature_set` unless `resample_mm` says another; whole numbers on CT.
    ///
    /// # Errors
    /// [`SettingsError`] of the keys.
    pub fn ibsi_settings(&self, image: ImageKind) -> Result<IbsiSettings, SettingsError> {
        let own = self.own_settings(image)?;
        let binning = own
            .image_types
            .first()
            .map_or(Binning::Width(image.default_bin_width()), |t| t.texture.binning);
        let keys = &self.ibsi;
        Ok(IbsiSettings {
            spacing: own.resample.map(|r| r.spacing),
            interpolation: keys.interpolation,
            round: image == ImageKind::Ct,
            range: <[f64; 2]>::try_from(keys.range.as_slice()).ok(),
            outlier_sigma: keys.outlier_sigma,
            binning,
            ivh: match (keys.ivh_bin_width, keys.ivh_bin_count) {
                (Some(width), _) => IvhLevels::Width(width),
                (None, Some(count)) => IvhLevels::Count(count),
                (None, None) => IvhLevels::AsIs,
            },
            aggregations: keys.aggregations.clone(),
            filters: keys.filters()?,
            ..IbsiSettings::default()
        })
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

    /// The settings for an image: of its tables in the configuration; else of `params`, what stands in the file that
    /// [`RadiomicsConfig::params_of`] names; else of the keys.
    ///
    /// # Errors
    /// [`SettingsError`] of the parameters.
    pub fn settings(&self, image: ImageKind, params: Option<&Settings>) -> Result<Settings, SettingsError> {
        let mut out = match (self.parameters_of(image), params) {
            (Some(own), _) => Settings::from_parameters(own)?,
            (None, Some(file)) => file.clone(),
            (None, None) => self.own_settings(image)?,
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

    /// The parameters for an image that stand in the configuration itself.
    pub fn parameters_of(&self, image: ImageKind) -> Option<&Parameters> {
        match image {
            ImageKind::Ct => self.ct.as_ref(),
            ImageKind::Mr => self.mr.as_ref(),
            ImageKind::Pet => self.pet.as_ref(),
            ImageKind::Dose => self.dose.as_ref(),
        }
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
        let mut out = match self.feature_set {
            FeatureSet::Reference => Settings::reference(image)?,
            FeatureSet::Basic => Settings::default(),
        };
        let mut texture = out.image_types.first().map(|t| t.texture.clone()).unwrap_or_default();
        texture.binning = match self.bin_count {
            Some(count) => Binning::Count(count),
            None => Binning::Width(self.bin_width.unwrap_or_else(|| image.default_bin_width())),
        };
        if !self.distances.is_empty() {
            texture.distances.clone_from(&self.distances);
            texture.distances.sort_unstable();
            texture.distances.dedup();
        }
        let mut filters: Vec<Filter> = out.image_types.into_iter().map(|t| t.filter).collect();
        let scales = filters.iter().find_map(|f| {
            if let Filter::LoG { sigmas } = f {
                Some(sigmas.clone())
            } else {
                None
            }
        });
        if !self.image_types.is_empty() {
            filters = self.image_types.iter().map(|n| Filter::from_name(n)).collect::<Result<_, _>>()?;
        }
        for filter in &mut filters {
            match filter {
                Filter::LoG { sigmas } if self.log_sigma_mm.is_empty() => *sigmas = scales.clone().unwrap_or_default(),
                Filter::LoG { sigmas } => *sigmas = self.log_sigma_mm.iter().map(|mm| Sigma::new(*mm)).collect(),
                Filter::Wavelet { .. } => *filter = Filter::wavelet(&self.wavelet)?,
                _ => {}
            }
        }
        if filters.iter().any(|f| matches!(f, Filter::LoG { sigmas } if sigmas.is_empty())) {
            return Err(SettingsError::BadValue {
                key: "log_sigma_mm".to_owned(),
                found: "nothing".to_owned(),
                wanted: "a list of scales in mm: image type LoG makes no image without one",
            });
        }
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
    fn keys_change_the_reference_set_and_tables_stand_for_a_parameter_file() {
        let config = RadiomicsConfig {
            feature_set: FeatureSet::Reference,
            image_types: vec!["Original".into(), "LoG".into(), "Wavelet".into()],
            log_sigma_mm: vec![2.5],
            wavelet: "db3".into(),
            distances: vec![1],
            bin_width: Some(10.0),
            ..RadiomicsConfig::default()
        };
        let settings = config.settings(ImageKind::Ct, None).unwrap();
        let names = settings.feature_names();
        assert_eq!(names.len(), 14 + 93 * 10);
        assert!(names.contains(&"log-sigma-2-5-mm-3D_firstorder_Mean".to_owned()));
        assert_eq!(settings.image_types[2].texture.binning, Binning::Width(10.0));
        assert_eq!(config.validate(), Ok(()));
        let basic = RadiomicsConfig {
            feature_set: FeatureSet::Basic,
            ..RadiomicsConfig::default()
        };
        assert_eq!(basic.settings(ImageKind::Ct, None).unwrap(), Settings::default());
        let no_scales = RadiomicsConfig {
            image_types: vec!["LoG".into()],
            ..basic.clone()
        };
        assert_eq!(no_scales.validate().unwrap_err().key, "log_sigma_mm");
        let mut tables = basic;
        let json = r#"{"setting": {"binWidth": 5}, "featureClass": {"glcm": [], "firstorder": ["Mean"]}}"#;
        tables.pet = Some(serde_json::from_str(json).unwrap());
        let pet = tables.settings(ImageKind::Pet, None).unwrap();
        assert_eq!(pet.feature_names().len(), 25);
        assert_eq!(pet.feature_names()[0], "original_glcm_Autocorrelation");
        tables.pet = Some(serde_json::from_str(r#"{"setting": {"binwidth": 5}}"#).unwrap());
        assert_eq!(tables.validate().unwrap_err().key, "pet");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let key = |config: RadiomicsConfig| config.validate().unwrap_err().key;
        let default = RadiomicsConfig::default;
        assert_eq!(
            key(RadiomicsConfig {
                flavour: Flavour::Ibsi,
                classes: vec!["glcm".into()],
                ..default()
            }),
            "classes"
        );
        let ibsi = IbsiKeys {
            range: vec![5.0, -5.0],
            ..IbsiKeys::default()
        };
        assert_eq!(key(RadiomicsConfig { ibsi, ..default() }), "ibsi.range");
        let filters = |json: &str| RadiomicsConfig {
            ibsi: IbsiKeys {
                filters: serde_json::from_str(json).unwrap(),
                ..IbsiKeys::default()
            },
            ..default()
        };
        assert_eq!(
            key(filters(r#"{"laws": {"kind": {"laws": {"kernels": ["E5"]}}, "space": "3d"}}"#)),
            "ibsi.filters"
        );
        assert_eq!(key(filters(r#"{"a": {"kind": {"median": {}}, "space": "3d"}}"#)), "ibsi.filters");
        let good = filters(r#"{"log3": {"kind": {"log": {"sigma_mm": 3}}, "space": "2d", "boundary": "zero"}}"#);
        assert_eq!(good.validate(), Ok(()));
        let names = good.ibsi_settings(ImageKind::Ct).unwrap().feature_names();
        assert_eq!(names.last().map(String::as_str), Some("log3_stat_rms"));
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
