//! Settings as the JSON that PyRadiomics prints in its diagnostics.

use serde_json::{Map, Value, json};

use crate::settings::{Binning, Filter, Interpolator, ResegmentMode, Settings, TextureSettings, WeightingNorm};

impl Settings {
    /// All settings under PyRadiomics' keys, as JSON text; texture settings are those of the first image type.
    pub(crate) fn describe(&self) -> String {
        let mut out = Map::new();
        let mut set = |key: &str, value: Value| {
            out.insert(key.to_owned(), value);
        };
        set("label", json!(self.label));
        set("minimumROIDimensions", json!(self.minimum_dimensions));
        set("minimumROISize", json!(self.minimum_size));
        set("normalize", json!(self.normalise.is_some()));
        set("normalizeScale", json!(self.normalise.map_or(1.0, |n| n.scale)));
        set("removeOutliers", json!(self.normalise.and_then(|n| n.outliers)));
        set("resampledPixelSpacing", json!(self.resample.map(|r| r.spacing)));
        set(
            "interpolator",
            json!(match self.resample.map_or(Interpolator::BSpline, |r| r.interpolator) {
                Interpolator::Nearest => "sitkNearestNeighbor",
                Interpolator::Linear => "sitkLinear",
                Interpolator::BSpline => "sitkBSpline",
            }),
        );
        set("padDistance", json!(self.pad_distance));
        set("preCrop", json!(self.pre_crop));
        if let Some(rule) = self.resegment {
            set(
                "resegmentRange",
                json!([Some(rule.lower), rule.upper].into_iter().flatten().collect::<Vec<_>>()),
            );
            set(
                "resegmentMode",
                json!(match rule.mode {
                    ResegmentMode::Absolute => "absolute",
                    ResegmentMode::Relative => "relative",
                    ResegmentMode::Sigma => "sigma",
                }),
            );
            set("resegmentShape", json!(rule.shape));
        } else {
            set("resegmentRange", Value::Null);
        }
        set("geometryTolerance", json!(self.geometry_tolerance));
        set("correctMask", json!(self.correct_mask));
        set("additionalInfo", json!(self.additional_info));
        if let Some(first) = self.image_types.first() {
            describe_texture(&first.texture, &mut set);
        }
        Value::Object(out).to_string()
    }

    /// Image types and their own settings, as JSON text.
    pub(crate) fn describe_image_types(&self) -> String {
        let types = self
            .image_types
            .iter()
            .map(|t| (t.filter.name().to_owned(), describe_filter(&t.filter)));
        Value::Object(types.collect()).to_string()
    }
}

fn describe_texture(texture: &TextureSettings, set: &mut dyn FnMut(&str, Value)) {
    match texture.binning {
        Binning::Width(width) => set("binWidth", json!(width)),
        Binning::Count(count) => set("binCount", json!(count)),
    }
    set("distances", json!(texture.distances));
    set(
        "weightingNorm",
        json!(texture.weighting.map(|norm| match norm {
            WeightingNorm::Manhattan => "manhattan",
            WeightingNorm::Euclidean => "euclidean",
            WeightingNorm::Infinity => "infinity",
            WeightingNorm::None => "no_weighting",
        })),
    );
    set("symmetricalGLCM", json!(texture.symmetrical_glcm));
    set("gldm_a", json!(texture.gldm_alpha));
    set("voxelArrayShift", json!(texture.voxel_array_shift));
    set("force2D", json!(texture.force_2d.is_some()));
    set("force2Ddimension", json!(texture.force_2d.map_or(0, |axis| 2 - axis)));
}

fn describe_filter(filter: &Filter) -> Value {
    match filter {
        Filter::LoG { sigmas } => json!({ "sigma": sigmas.iter().map(|s| s.mm).collect::<Vec<_>>() }),
        Filter::Wavelet {
            bank, level, start_level, ..
        } => {
            json!({ "wavelet": bank.name(), "level": level, "start_level": start_level })
        }
        Filter::Gradient { use_spacing } => json!({ "gradientUseSpacing": use_spacing }),
        Filter::Lbp2d { radius, samples, .. } => {
            json!({ "lbp2DRadius": radius, "lbp2DSamples": samples, "lbp2DMethod": "uniform" })
        }
        Filter::Lbp3d {
            levels,
            radius,
            subdivision,
        } => {
            json!({ "lbp3DLevels": levels, "lbp3DIcosphereRadius": radius, "lbp3DIcosphereSubdivision": subdivision })
        }
        Filter::Original | Filter::Square | Filter::SquareRoot | Filter::Logarithm | Filter::Exponential => json!({}),
    }
}
