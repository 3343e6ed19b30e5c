//! PyRadiomics parameter files (YAML; JSON is a subset of it) as [`Settings`].
//!
//! Three levels: `setting`, `imageType`, `featureClass`, and `voxelSetting`, which is laid over `setting` as the reference does. Every key is
//! read or refused: a key that does not exist, a value of the wrong type, and what this version cannot do are errors, never left out.

mod describe;
mod section;

use indexmap::IndexMap;
use rt_config::{ConfigIssue, Validate};
use serde::{Deserialize, Serialize};
use serde_norway::Value;

use crate::filters::Bank;
use crate::registry::FeatureClass;
use crate::settings::{
    Binning, ClassSelection, Filter, ImageType, Interpolator, Normalisation, NormaliseScope, Resampling, ResegmentMode, Resegmentation,
    Rounding, Settings, SettingsError, Sigma, TextureSettings, WeightingNorm,
};
use section::{Name, Section};

/// The sections of a PyRadiomics parameter file as they stand in TOML: the same keys and values. The order of image types and classes is
/// that of the columns; a class with an empty list has all its features.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Parameters {
    /// `setting`
    pub setting: IndexMap<String, serde_json::Value>,
    /// `voxelSetting`
    pub voxel_setting: IndexMap<String, serde_json::Value>,
    /// `imageType`
    pub image_type: IndexMap<String, serde_json::Value>,
    /// `featureClass`
    pub feature_class: IndexMap<String, serde_json::Value>,
}

impl Validate for Parameters {
    fn validate(&self) -> Result<(), ConfigIssue> {
        let issue = |e: SettingsError| ConfigIssue::new("setting", e.to_string());
        Settings::from_parameters(self).map(drop).map_err(issue)
    }
}

/// Keys that decide nothing in the features of a whole region: how voxel maps are made, and how the reference runs.
const WITHOUT_EFFECT: [&str; 7] = [
    "kernelRadius",
    "maskedKernel",
    "initValue",
    "voxelBatch",
    "enableCExtensions",
    "verbose",
    "enableDiagnostics",
];

impl Settings {
    /// Settings of a PyRadiomics parameter file.
    ///
    /// # Errors
    /// [`SettingsError`] names the key, what stands there and what is allowed.
    pub fn from_pyradiomics_yaml(text: &str) -> Result<Self, SettingsError> {
        let document: Value = serde_norway::from_str(text).map_err(|e| SettingsError::Syntax(e.to_string()))?;
        Self::from_document(document)
    }

    /// Settings of a parameter file that was read already, from TOML for one.
    ///
    /// # Errors
    /// As [`Settings::from_pyradiomics_yaml`].
    pub fn from_parameters(parameters: &Parameters) -> Result<Self, SettingsError> {
        Self::from_document(serde_norway::to_value(parameters).map_err(|e| SettingsError::Syntax(e.to_string()))?)
    }

    fn from_document(document: Value) -> Result<Self, SettingsError> {
        let mut top = Section::new("parameter file", document)?;
        let mut setting = top.section("setting", "setting")?;
        setting.overlay(top.section("voxelSetting", "voxelSetting")?);
        let image_types = top.section("imageType", "imageType")?;
        let classes = top.take("featureClass");
        top.finish(&["setting", "imageType", "featureClass", "voxelSetting"])?;
        let mut out = Self::default();
        let mut texture = TextureSettings::default();
        read_texture(&mut setting, &mut texture)?;
        read_setting(&mut setting, &mut out)?;
        setting.finish(&setting_keys())?;
        out.image_types = read_image_types(image_types, &texture)?;
        out.classes = read_classes(classes)?;
        Ok(out)
    }
}

const TEXTURE_KEYS: [&str; 9] = [
    "binWidth",
    "binCount",
    "distances",
    "weightingNorm",
    "symmetricalGLCM",
    "gldm_a",
    "voxelArrayShift",
    "force2D",
    "force2Ddimension",
];

const SETTING_KEYS: [&str; 19] = [
    "label",
    "label_channel",
    "normalize",
    "normalizeScale",
    "removeOutliers",
    "resampledPixelSpacing",
    "interpolator",
    "interpolation_rounding",
    "padDistance",
    "preCrop",
    "resegmentRange",
    "resegmentMode",
    "resegmentShape",
    "minimumROIDimensions",
    "minimumROISize",
    "geometryTolerance",
    "correctMask",
    "additionalInfo",
    "voxelBased",
];

fn setting_keys() -> Vec<&'static str> {
    TEXTURE_KEYS.into_iter().chain(SETTING_KEYS).chain(WITHOUT_EFFECT).collect()
}

/// Keys that an image type may override.
fn read_texture(s: &mut Section, out: &mut TextureSettings) -> Result<(), SettingsError> {
    if let Some(width) = s.number("binWidth", "a number above 0", |v| v > 0.0)? {
        out.binning = Binning::Width(width);
    }
    if let Some(count) = s.count("binCount", "a whole number above 0")?.filter(|n| *n > 0) {
        out.binning = Binning::Count(u32::try_from(count).unwrap_or(u32::MAX));
    }
    if let Some(list) = s.numbers("distances")? {
        out.distances = list.into_iter().map(|v| whole("distances", v)).collect::<Result<_, _>>()?;
        if out.distances.is_empty() || out.distances.contains(&0) {
            return Err(bad("distances", "[]", "a list of whole numbers above 0"));
        }
        out.distances.sort_unstable();
        out.distances.dedup();
    }
    out.weighting = match s.name("weightingNorm")? {
        Name::Missing => out.weighting,
        Name::Null => None,
        Name::Given(name) => Some(match name.as_str() {
            "manhattan" => WeightingNorm::Manhattan,
            "euclidean" => WeightingNorm::Euclidean,
            "infinity" => WeightingNorm::Infinity,
            "no_weighting" => WeightingNorm::None,
            other => return Err(bad("weightingNorm", other, "manhattan, euclidean, infinity, no_weighting or null")),
        }),
    };
    if let Some(v) = s.flag("symmetricalGLCM")? {
        out.symmetrical_glcm = v;
    }
    if let Some(alpha) = s.count("gldm_a", "a whole number, 0 or above")? {
        out.gldm_alpha = u32::try_from(alpha).unwrap_or(u32::MAX);
    }
    if let Some(shift) = s.number("voxelArrayShift", "a number", f64::is_finite)? {
        out.voxel_array_shift = shift;
    }
    let axis = s.count("force2Ddimension", "0, 1 or 2")?;
    let flat = s.flag("force2D")?;
    if let Some(axis) = axis.filter(|a| *a > 2) {
        return Err(bad("force2Ddimension", &axis.to_string(), "0, 1 or 2"));
    }
    // The reference counts axes from the slices; ours is [i, j, k].
    out.force_2d = match (flat, axis) {
        (Some(false), _) => None,
        (Some(true), axis) => Some(2 - axis.unwrap_or(0)),
        (None, Some(axis)) => out.force_2d.map(|_| 2 - axis),
        (None, None) => out.force_2d,
    };
    Ok(())
}

/// The rest of the section.
fn read_setting(s: &mut Section, out: &mut Settings) -> Result<(), SettingsError> {
    for key in WITHOUT_EFFECT {
        s.take(key);
    }
    if s.count("label_channel", "0")?.is_some_and(|c| c != 0) {
        return Err(unsupported("label_channel other than 0 (masks with several channels)"));
    }
    if s.flag("voxelBased")? == Some(true) {
        return Err(unsupported("voxelBased extraction (feature maps)"));
    }
    if let Some(label) = s.count("label", "a whole number above 0")? {
        out.label = u32::try_from(label).unwrap_or(u32::MAX);
    }
    read_normalisation(s, out)?;
    read_resampling(s, out)?;
    read_resegmentation(s, out)?;
    if let Some(n) = s.count("minimumROIDimensions", "1, 2 or 3")? {
        if !(1..=3).contains(&n) {
            return Err(bad("minimumROIDimensions", &n.to_string(), "1, 2 or 3"));
        }
        out.minimum_dimensions = n;
    }
    out.minimum_size = s.count("minimumROISize", "a whole number or null")?;
    if let Some(t) = s.number("geometryTolerance", "a number above 0", |v| v > 0.0)? {
        out.geometry_tolerance = t;
    }
    if let Some(v) = s.flag("correctMask")? {
        out.correct_mask = v;
    }
    if let Some(v) = s.flag("additionalInfo")? {
        out.additional_info = v;
    }
    Ok(())
}

fn read_normalisation(s: &mut Section, out: &mut Settings) -> Result<(), SettingsError> {
    let scale = s.number("normalizeScale", "a number above 0", |v| v > 0.0)?;
    let outliers = s.number("removeOutliers", "a number above 0 or null", |v| v > 0.0)?;
    if s.flag("normalize")? == Some(true) {
        out.normalise = Some(Normalisation {
            scope: NormaliseScope::Image,
            scale: scale.unwrap_or(1.0),
            outliers,
        });
    }
    Ok(())
}

fn read_resampling(s: &mut Section, out: &mut Settings) -> Result<(), SettingsError> {
    if let Some(pad) = s.count("padDistance", "a whole number, 0 or above")? {
        out.pad_distance = pad;
    }
    if let Some(v) = s.flag("preCrop")? {
        out.pre_crop = v;
    }
    let spacing = s.numbers("resampledPixelSpacing")?;
    let interpolator = match s.name("interpolator")? {
        Name::Missing => Some(Interpolator::BSpline),
        Name::Null => None,
        Name::Given(name) => Some(match name.as_str() {
            "sitkNearestNeighbor" | "1" => Interpolator::Nearest,
            "sitkLinear" | "2" => Interpolator::Linear,
            "sitkBSpline" | "3" => Interpolator::BSpline,
            other => {
                return Err(unsupported(&format!(
                    "interpolator {other:?} (sitkBSpline, sitkLinear and sitkNearestNeighbor are)"
                )));
            }
        }),
    };
    let rounding = match s.name("interpolation_rounding")?.given() {
        None | Some("pyradiomics") => Rounding::Truncate,
        Some("nearest") => Rounding::Nearest,
        Some(other) => return Err(bad("interpolation_rounding", other, "pyradiomics or nearest")),
    };
    let Some(list) = spacing else { return Ok(()) };
    let spacing: [f64; 3] = list
        .as_slice()
        .try_into()
        .map_err(|_| bad("resampledPixelSpacing", &format!("{list:?}"), "a list of three numbers"))?;
    if spacing.iter().any(|v| !v.is_finite() || *v < 0.0) {
        return Err(bad(
            "resampledPixelSpacing",
            &format!("{list:?}"),
            "three spacings in mm, 0 for an axis to keep",
        ));
    }
    out.resample = interpolator.map(|interpolator| Resampling {
        spacing,
        interpolator,
        rounding,
    });
    Ok(())
}

fn read_resegmentation(s: &mut Section, out: &mut Settings) -> Result<(), SettingsError> {
    let shape = s.flag("resegmentShape")?.unwrap_or(false);
    let mode = match s.name("resegmentMode")?.given() {
        None | Some("absolute") => ResegmentMode::Absolute,
        Some("relative") => ResegmentMode::Relative,
        Some("sigma") => ResegmentMode::Sigma,
        Some(other) => return Err(bad("resegmentMode", other, "absolute, relative or sigma")),
    };
    out.resegment = match s.numbers("resegmentRange")?.as_deref() {
        None | Some([]) => None,
        Some([lower]) => Some((*lower, None)),
        Some([a, b]) => Some((a.min(*b), Some(a.max(*b)))),
        Some(list) => return Err(bad("resegmentRange", &format!("{list:?}"), "one or two numbers")),
    }
    .map(|(lower, upper)| Resegmentation { mode, lower, upper, shape });
    Ok(())
}

fn read_image_types(mut section: Section, texture: &TextureSettings) -> Result<Vec<ImageType>, SettingsError> {
    let mut out = Vec::new();
    for name in section.keys() {
        let mut own = section.section(&name, "imageType")?;
        let mut texture = texture.clone();
        read_texture(&mut own, &mut texture)?;
        let filter = read_filter(&name, &mut own, &texture)?;
        own.finish(&TEXTURE_KEYS)?;
        out.push(ImageType { filter, texture });
    }
    if out.is_empty() {
        out.push(ImageType {
            filter: Filter::Original,
            texture: texture.clone(),
        });
    }
    Ok(out)
}

/// The filter of an image type with its own settings.
fn read_filter(name: &str, own: &mut Section, texture: &TextureSettings) -> Result<Filter, SettingsError> {
    let mut filter = Filter::from_name(name)?;
    match &mut filter {
        Filter::LoG { sigmas } => {
            for (mm, text) in own.numbers_with_text("sigma")?.unwrap_or_default() {
                if !mm.is_finite() || mm <= 0.0 {
                    return Err(bad("sigma", &text, "scales in mm, above 0"));
                }
                sigmas.push(Sigma { mm, text });
            }
            if sigmas.is_empty() {
                return Err(bad(
                    "sigma",
                    "nothing",
                    "a list of scales in mm: image type LoG makes no image without one",
                ));
            }
        }
        Filter::Wavelet {
            bank,
            level,
            start_level,
            flat,
        } => {
            *flat = texture.force_2d;
            if let Some(name) = own.name("wavelet")?.given() {
                *bank = Bank::from_name(name)?;
            }
            *level = own.count("level", "a whole number above 0")?.filter(|n| *n > 0).unwrap_or(1);
            *start_level = own.count("start_level", "a whole number, 0 or above")?.unwrap_or(0);
            if *level + *start_level > 8 {
                return Err(bad("level", &level.to_string(), "at most 8 levels together with start_level"));
            }
        }
        Filter::Gradient { use_spacing } => {
            *use_spacing = own.flag("gradientUseSpacing")?.unwrap_or(true);
        }
        Filter::Lbp2d { radius, samples, axis } => {
            *radius = own
                .number("lbp2DRadius", "a number above 0", |v| v > 0.0 && v < 100.0)?
                .unwrap_or(1.0);
            *samples = own.count("lbp2DSamples", "a whole number above 0")?.filter(|n| *n > 0).unwrap_or(8);
            *axis = texture.force_2d.unwrap_or(2);
            if own.name("lbp2DMethod")?.given().is_some_and(|m| m != "uniform") {
                return Err(unsupported("lbp2DMethod other than uniform"));
            }
        }
        Filter::Lbp3d {
            levels,
            radius,
            subdivision,
        } => {
            *levels = own.count("lbp3DLevels", "a whole number from 1 to 10")?.unwrap_or(2);
            *radius = own
                .number("lbp3DIcosphereRadius", "a number above 0", |v| v > 0.0 && v < 100.0)?
                .unwrap_or(1.0);
            *subdivision = own.count("lbp3DIcosphereSubdivision", "a whole number from 0 to 4")?.unwrap_or(1);
            if !(1..=10).contains(levels) {
                return Err(bad("lbp3DLevels", &levels.to_string(), "a whole number from 1 to 10"));
            }
            if *subdivision > 4 {
                return Err(bad(
                    "lbp3DIcosphereSubdivision",
                    &subdivision.to_string(),
                    "a whole number from 0 to 4",
                ));
            }
        }
        Filter::Original | Filter::Square | Filter::SquareRoot | Filter::Logarithm | Filter::Exponential => {}
    }
    Ok(filter)
}

fn read_classes(value: Option<Value>) -> Result<Vec<ClassSelection>, SettingsError> {
    let mut out = Vec::new();
    let class = |name: &str| FeatureClass::from_name(name).ok_or_else(|| SettingsError::UnknownClass(name.to_owned()));
    match value {
        None | Some(Value::Null) => {}
        // A plain list of class names, as the reference's own settings print them.
        Some(Value::Sequence(list)) => {
            for item in list {
                let name = item.as_str().unwrap_or_default().to_owned();
                out.push(ClassSelection::all(class(&name)?));
            }
        }
        Some(other) => {
            let mut section = Section::new("featureClass", other)?;
            for name in section.keys() {
                let features = section.texts(&name)?;
                out.push(ClassSelection::named(class(&name)?, &features)?);
            }
        }
    }
    if out.is_empty() {
        out = FeatureClass::DEFAULT.map(ClassSelection::all).to_vec();
    }
    Ok(out)
}

fn bad(key: &str, found: &str, wanted: &'static str) -> SettingsError {
    SettingsError::BadValue {
        key: key.to_owned(),
        found: found.to_owned(),
        wanted,
    }
}

fn unsupported(what: &str) -> SettingsError {
    SettingsError::Unsupported { what: what.to_owned() }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and not negative"
)]
fn whole(key: &str, v: f64) -> Result<usize, SettingsError> {
    if v >= 0.0 && v.fract() == 0.0 && v < 1e15 {
        Ok(v as usize)
    } else {
        Err(bad(key, &v.to_string(), "a whole number, 0 or above"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Settings::from_pyradiomics_yaml("").unwrap(), Settings::default());
        assert_eq!(
            Settings::from_pyradiomics_yaml("imageType:\n  Original: {}\n").unwrap(),
            Settings::default()
        );
    }

    #[test]
    fn a_file_is_read_key_by_key() {
        let text = "
setting:
  binWidth: 10
  binCount: 16
  label: 2
  normalize: true
  normalizeScale: 100
  removeOutliers: 3
  resampledPixelSpacing: [2, 2, 0]
  interpolator: sitkLinear
  padDistance: 7
  geometryTolerance: '1e-4'
  distances: [2, 1]
  force2D: true
  force2Ddimension: 0
  resegmentRange: [-3, 3]
  resegmentMode: sigma
  weightingNorm: null
  minimumROISize: null
voxelSetting:
  kernelRadius: 2
  label: 3
imageType:
  Original:
    binWidth: 5
featureClass:
  shape:
  firstorder: [Mean, Energy]
";
        let s = Settings::from_pyradiomics_yaml(text).unwrap();
        assert_eq!(s.label, 3);
        assert_eq!(
            s.normalise,
            Some(Normalisation {
                scope: NormaliseScope::Image,
                scale: 100.0,
                outliers: Some(3.0)
            })
        );
        let resample = s.resample.unwrap();
        assert_eq!(
            (resample.interpolator, resample.rounding),
            (Interpolator::Linear, Rounding::Truncate)
        );
        assert_eq!(s.pad_distance, 7);
        assert!((s.geometry_tolerance - 1e-4).abs() < 1e-18);
        assert_eq!(s.resegment.unwrap().mode, ResegmentMode::Sigma);
        let texture = &s.image_types[0].texture;
        assert_eq!(
            (texture.binning, texture.force_2d, texture.distances.as_slice()),
            (Binning::Width(5.0), Some(2), &[1, 2][..])
        );
        assert_eq!(s.classes[1].features(), ["Energy", "Mean"]);
    }

    #[test]
    fn what_is_described_reads_back_as_it_was() {
        let text =
            "setting: {binWidth: 10, force2D: true, resampledPixelSpacing: [1, 1, 0], resegmentRange: [-3, 3], resegmentMode: sigma}";
        let settings = Settings::from_pyradiomics_yaml(text).unwrap();
        let again = format!("setting: {}\nimageType: {}\n", settings.describe(), settings.describe_image_types());
        assert_eq!(Settings::from_pyradiomics_yaml(&again).unwrap(), settings);
    }

    #[test]
    fn nothing_is_ignored() {
        let code = |text: &str| Settings::from_pyradiomics_yaml(text).unwrap_err();
        let e = code("setting:\n  binwidth: 3\n");
        assert!(e.to_string().contains("did you mean \"binWidth\""), "{e}");
        assert_eq!(code("settings: {}\n").code(), "radiomics.params_unknown_key");
        assert_eq!(code("setting:\n  binWidth: wide\n").code(), "radiomics.params_bad_value");
        assert_eq!(code("imageType:\n  Sobel: {}\n").code(), "radiomics.params_unknown_image_type");
        assert_eq!(code("featureClass:\n  glcmm:\n").code(), "radiomics.params_unknown_class");
        assert_eq!(
            code("setting:\n  interpolator: sitkGaussian\n").code(),
            "radiomics.params_unsupported"
        );
        assert_eq!(code("a: [").code(), "radiomics.params_syntax");
    }
}
