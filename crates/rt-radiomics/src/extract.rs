//! Features of one region.

use rt_image::Mask;
use rt_image::mesh::BitGrid;

use crate::diagnostics::Diagnostics;
use crate::discretise::{Discretised, TooManyLevels, discretise};
use crate::error::ExtractError;
use crate::features::textures::Textures;
use crate::features::{firstorder, shape, shape2d};
use crate::filters::{Derived, derive};
use crate::image::ImageSource;
use crate::prepare::{Placed, Prepared, prepare};
use crate::registry::FeatureClass;
use crate::roi::Roi;
use crate::sample::Samples;
use crate::settings::{ClassSelection, Settings, TextureSettings};
use crate::vector::{FeatureVector, ImageWarning};

/// Extracts the features of one region.
///
/// `image` is a [`rt_image::VolumeView`] of any sample type, `mask` a region on the same grid. The result has PyRadiomics' names and order.
/// Work inside a large region is shared between the threads of the current rayon pool; the result does not depend on their number.
///
/// # Errors
/// [`ExtractError`] where the reference refuses the region too, and where image and mask do not fit.
pub fn extract<'a>(image: impl Into<Samples<'a>>, mask: &Mask, settings: &Settings) -> Result<FeatureVector, ExtractError> {
    extract_from(&ImageSource::new(image), mask, settings)
}

/// [`extract`] from an image whose whole-image facts are shared between regions.
///
/// # Errors
/// As [`extract`].
pub fn extract_from(source: &ImageSource<'_>, mask: &Mask, settings: &Settings) -> Result<FeatureVector, ExtractError> {
    let mut diagnostics = if settings.additional_info {
        Diagnostics::new(settings.describe(), settings.describe_image_types())
    } else {
        Diagnostics::default()
    };
    let prepared = prepare(source, mask, settings, &mut diagnostics)?;
    if settings.additional_info {
        diagnostics.push_own_version();
    }
    let mut out = FeatureVector::new(diagnostics);
    out.voxels = prepared.shape.as_ref().map_or(prepared.roi.count, |(_, roi)| roi.count);
    let (shape, images) = rayon::join(
        || {
            let (placed, roi) = prepared.shape.as_ref().map_or((&prepared.mask, &prepared.roi), |(p, r)| (p, r));
            shape_features(placed, roi, settings)
        },
        || -> Result<Vec<ImageResult>, ExtractError> { image_features(&prepared, settings) },
    );
    for image in std::iter::once(shape).chain(images?) {
        for (name, value) in image.features {
            out.push(name, value);
        }
        out.warnings.extend(image.warnings);
    }
    Ok(out)
}

/// Named features of one derived image.
#[derive(Debug, Default)]
pub(crate) struct ImageResult {
    pub(crate) features: Vec<(String, f64)>,
    warnings: Vec<ImageWarning>,
}

/// The wanted features of a class out of all that were computed, under their column names.
fn named(image: &str, selection: &ClassSelection, values: &[f64]) -> Vec<(String, f64)> {
    let class = selection.class;
    let all = || class.features().iter().chain(class.deprecated());
    let value = |feature: &str| all().position(|f| *f == feature).map_or(f64::NAN, |at| values[at]);
    selection
        .features()
        .iter()
        .map(|f| (format!("{image}_{}_{f}", class.name()), value(f)))
        .collect()
}

/// Shape classes, whatever image types are enabled.
pub(crate) fn shape_features(placed: &Placed, roi: &Roi, settings: &Settings) -> ImageResult {
    let mut out = ImageResult::default();
    let selected = |class| settings.classes.iter().find(|c| c.class == class);
    if let Some(selection) = selected(FeatureClass::Shape) {
        let values = shape::features(roi, &BitGrid::new(placed.block.view()));
        out.features.extend(named("original", selection, &values));
    }
    if let Some(selection) = selected(FeatureClass::Shape2D) {
        let flat = settings.force_2d().filter(|axis| roi.size[*axis] == 1);
        if let Some(axis) = flat {
            let values = shape2d::features(roi, placed.block.view(), axis);
            out.features.extend(named("original", selection, &values));
        } else {
            out.warnings.push(ImageWarning {
                image_type: "original".to_owned(),
                code: "radiomics.not_flat",
                message: format!(
                    "shape2D needs force2D and a region of one slice along force2Ddimension; the box has {:?} voxels",
                    roi.size
                ),
            });
        }
    }
    out
}

/// All image types, one image at a time.
fn image_features(prepared: &Prepared<'_, '_>, settings: &Settings) -> Result<Vec<ImageResult>, ExtractError> {
    let mut out = Vec::new();
    for image_type in &settings.image_types {
        let mut measured = |image: Derived| out.push(measure(&image, &prepared.roi, &image_type.texture, &settings.classes));
        let warnings = derive(&image_type.filter, &prepared.base, prepared.mask.lo, &prepared.roi, &mut measured);
        out.push(Ok(ImageResult {
            features: Vec::new(),
            warnings,
        }));
    }
    out.into_iter().collect()
}

/// All classes but shape on one derived image.
pub(crate) fn measure(
    input: &Derived,
    roi: &Roi,
    texture: &TextureSettings,
    classes: &[ClassSelection],
) -> Result<ImageResult, ExtractError> {
    let bad = input.values.iter().filter(|v| !v.is_finite()).count();
    if bad > 0 {
        return Err(ExtractError::NotFinite { count: bad });
    }
    let mut out = ImageResult::default();
    let levels = match discretise(&input.values, input.kind, texture.binning) {
        Ok(levels) => levels,
        Err(TooManyLevels(count)) => {
            out.warnings.push(ImageWarning {
                image_type: input.name.clone(),
                code: "radiomics.too_many_levels",
                message: format!("{count} grey levels: features that need them are left empty; raise the bin width or set a bin count"),
            });
            Discretised {
                levels: Vec::new(),
                counts: Vec::new(),
                codes: Vec::new(),
            }
        }
    };
    let usable = !levels.levels.is_empty();
    if levels.levels.len() == 1 {
        out.warnings.push(ImageWarning {
            image_type: input.name.clone(),
            code: "radiomics.flat",
            message: "one grey level: texture features have their limiting values".to_owned(),
        });
    }
    let textures = usable && classes.iter().any(|c| c.class.is_texture());
    let (first, matrices) = rayon::join(
        || {
            let shift = texture.voxel_array_shift;
            firstorder::features(&input.values, input.kind, &levels.counts, shift, roi.voxel_volume())
        },
        || textures.then(|| Textures::new(roi, &levels, texture, classes)),
    );
    for selection in classes.iter().filter(|c| !c.class.is_shape()) {
        let values: Option<&[f64]> = match selection.class {
            FeatureClass::FirstOrder => Some(&first),
            other => matrices.as_ref().and_then(|m| m.of(other)),
        };
        let missing = vec![f64::NAN; selection.class.features().len()];
        out.features.extend(named(&input.name, selection, values.unwrap_or(&missing)));
    }
    if !usable {
        let level_based = |name: &String| name.ends_with("_firstorder_Entropy") || name.ends_with("_firstorder_Uniformity");
        out.features.iter_mut().filter(|f| level_based(&f.0)).for_each(|f| f.1 = f64::NAN);
    }
    Ok(out)
}
