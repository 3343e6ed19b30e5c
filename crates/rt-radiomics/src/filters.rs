//! Derived images, measured where the region is.
//!
//! The reference filters the whole pre-processed image and then crops it. The values inside the region depend on a neighbourhood only (and
//! on the maximum of the image, for point filters), so each filter here works on a window around the region that is wide enough for the
//! same values. Sources: `spec/radiomics-conventions.md` section 5; ITK; `PyWavelets`; scikit-image.

mod gradient;
mod lbp2d;
mod lbp3d;
mod log;
mod pointwise;
mod wavelet;

use crate::image::Base;
use crate::roi::Roi;
use crate::sample::SampleKind;
use crate::settings::Filter;
use crate::vector::ImageWarning;

pub(crate) use lbp3d::image_names as lbp3d_names;
pub use wavelet::Bank;
pub(crate) use wavelet::image_names as wavelet_names;

/// Values of a region in one derived image.
#[derive(Debug, Clone)]
pub(crate) struct Derived {
    /// Name in columns.
    pub(crate) name: String,
    /// Values in storage order of the region.
    pub(crate) values: Vec<f64>,
    /// Type that the reference's image has.
    pub(crate) kind: SampleKind,
}

/// Hands the derived images of a filter to `measure` one after the other, in the order of the columns. An image that cannot be made gives a
/// warning instead.
pub(crate) fn derive(
    filter: &Filter,
    base: &Base<'_, '_>,
    lo: [usize; 3],
    roi: &Roi,
    measure: &mut dyn FnMut(Derived),
) -> Vec<ImageWarning> {
    let kind = base.kind();
    let mut warnings = Vec::new();
    match filter {
        Filter::Original => measure(Derived {
            name: "original".to_owned(),
            values: base.values(lo, roi),
            kind,
        }),
        Filter::LoG { sigmas } => {
            for sigma in sigmas {
                match log::values(base, lo, roi, sigma.mm) {
                    Ok(values) => measure(Derived {
                        name: sigma.image_name(),
                        values,
                        kind: SampleKind::F32,
                    }),
                    Err(message) => warnings.push(ImageWarning {
                        image_type: sigma.image_name(),
                        code: "radiomics.log_too_small",
                        message,
                    }),
                }
            }
        }
        Filter::Wavelet {
            bank,
            level,
            start_level,
            flat,
        } => {
            let transform = wavelet::Transform {
                bank,
                start_level: *start_level,
                level: *level,
                flat: *flat,
            };
            wavelet::derive(base, lo, roi, transform, measure);
        }
        Filter::Square | Filter::SquareRoot | Filter::Logarithm | Filter::Exponential => {
            let mut values = base.values(lo, roi);
            pointwise::apply(filter, &mut values, base.largest());
            measure(Derived {
                name: filter.name().to_lowercase(),
                values,
                kind: SampleKind::F64,
            });
        }
        Filter::Gradient { use_spacing } => measure(Derived {
            name: "gradient".to_owned(),
            values: gradient::values(base, lo, roi, *use_spacing),
            kind: SampleKind::F32,
        }),
        Filter::Lbp3d {
            levels,
            radius,
            subdivision,
        } => {
            let sphere = lbp3d::Sphere {
                levels: *levels,
                radius: *radius,
                subdivision: *subdivision,
            };
            lbp3d::derive(base, lo, roi, sphere, measure);
        }
        Filter::Lbp2d { radius, samples, axis } => measure(Derived {
            name: "lbp-2D".to_owned(),
            values: lbp2d::values(base, lo, roi, *radius, *samples, *axis),
            kind,
        }),
    }
    warnings
}
