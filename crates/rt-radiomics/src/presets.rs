//! Settings of the Python rtpipeline's parameter files, one for each kind of image (`spec/analysis.md` 2.1).
//!
//! With all classes, the columns are 1,223 for CT (13 images), 386 for MR (4) and 1,130 for PET (12).

use crate::config::ImageKind;
use crate::settings::{Binning, Filter, ImageType, Interpolator, Resampling, Rounding, Settings, SettingsError, Sigma, TextureSettings};

/// What one parameter file says, beyond what all have in common.
struct Preset {
    spacing_mm: f64,
    distances: &'static [usize],
    sigmas_mm: &'static [f64],
    wavelet: Option<&'static str>,
    correct_mask: bool,
}

/// The preset of a kind of image; dose has none of its own in the reference and is taken as PET is.
fn preset(kind: ImageKind) -> Preset {
    match kind {
        ImageKind::Ct => Preset {
            spacing_mm: 1.0,
            distances: &[1, 2],
            sigmas_mm: &[1.0, 2.0, 3.0, 5.0],
            wavelet: Some("coif1"),
            correct_mask: true,
        },
        ImageKind::Mr => Preset {
            spacing_mm: 1.0,
            distances: &[1],
            sigmas_mm: &[2.0, 3.0, 4.0],
            wavelet: None,
            correct_mask: false,
        },
        ImageKind::Pet | ImageKind::Dose => Preset {
            spacing_mm: 3.0,
            distances: &[1, 2],
            sigmas_mm: &[1.0, 2.0, 3.0],
            wavelet: Some("coif1"),
            correct_mask: true,
        },
    }
}

impl Settings {
    /// The settings of the reference's parameter file for a kind of image, with its bin width.
    ///
    /// # Errors
    /// [`SettingsError`] of the wavelet, which the tests exclude.
    pub fn reference(kind: ImageKind) -> Result<Self, SettingsError> {
        let preset = preset(kind);
        let texture = TextureSettings {
            binning: Binning::Width(kind.default_bin_width()),
            distances: preset.distances.to_vec(),
            ..TextureSettings::default()
        };
        let mut filters = vec![Filter::Original];
        filters.push(Filter::LoG {
            sigmas: preset.sigmas_mm.iter().map(|mm| Sigma::new(*mm)).collect(),
        });
        if let Some(name) = preset.wavelet {
            filters.push(Filter::wavelet(name)?);
        }
        Ok(Self {
            resample: Some(Resampling {
                spacing: [preset.spacing_mm; 3],
                interpolator: Interpolator::BSpline,
                rounding: Rounding::Truncate,
            }),
            minimum_size: Some(64),
            correct_mask: preset.correct_mask,
            image_types: filters
                .into_iter()
                .map(|filter| ImageType {
                    filter,
                    texture: texture.clone(),
                })
                .collect(),
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_many_as_the_reference_has() {
        let names = |kind| Settings::reference(kind).unwrap().feature_names();
        let ct = names(ImageKind::Ct);
        assert_eq!(
            (ct.len(), names(ImageKind::Mr).len(), names(ImageKind::Pet).len()),
            (1223, 386, 1130)
        );
        assert_eq!(ct[0], "original_shape_Elongation");
        assert!(ct.contains(&"log-sigma-5-0-mm-3D_glszm_ZoneEntropy".to_owned()));
        assert_eq!(ct[1222], "wavelet-LLL_ngtdm_Strength");
    }
}
