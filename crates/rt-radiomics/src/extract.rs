//! Features of one region.

use rayon::prelude::*;
use rt_image::Mask;
use rt_image::mesh::BitGrid;

use crate::diagnostics::Diagnostics;
use crate::discretise::{Discretised, TooManyLevels, discretise};
use crate::error::ExtractError;
use crate::features::{firstorder, glcm, nan_mean, ngtdm, shape, shape2d, size_matrix};
use crate::image::ImageSource;
use crate::prepare::{Prepared, prepare};
use crate::registry::{FeatureClass, Glcm, Glrlm};
use crate::roi::Roi;
use crate::sample::{SampleKind, Samples};
use crate::settings::{ClassSelection, Filter, Settings, TextureSettings};
use crate::texture::{LevelField, directions, half_steps, neighbours, zones};
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
        || shape_features(&prepared, settings),
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
struct ImageResult {
    features: Vec<(String, f64)>,
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
fn shape_features(prepared: &Prepared<'_>, settings: &Settings) -> ImageResult {
    let (placed, roi) = prepared.shape.as_ref().map_or((&prepared.mask, &prepared.roi), |(p, r)| (p, r));
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

fn image_features(prepared: &Prepared<'_>, settings: &Settings) -> Result<Vec<ImageResult>, ExtractError> {
    let mut out = Vec::new();
    for image_type in &settings.image_types {
        match image_type.filter {
            Filter::Original => {
                let values = prepared.base.values(prepared.mask.lo, &prepared.roi);
                let input = Measured {
                    name: "original",
                    values,
                    kind: prepared.base.kind(),
                };
                out.push(measure(&input, &prepared.roi, &image_type.texture, &settings.classes)?);
            }
        }
    }
    Ok(out)
}

/// Values of a region in one derived image.
struct Measured<'a> {
    name: &'a str,
    values: Vec<f64>,
    kind: SampleKind,
}

/// All classes but shape on one derived image.
fn measure(input: &Measured<'_>, roi: &Roi, texture: &TextureSettings, classes: &[ClassSelection]) -> Result<ImageResult, ExtractError> {
    let bad = input.values.iter().filter(|v| !v.is_finite()).count();
    if bad > 0 {
        return Err(ExtractError::NotFinite { count: bad });
    }
    let mut out = ImageResult::default();
    let levels = match discretise(&input.values, input.kind, texture.binning) {
        Ok(levels) => levels,
        Err(TooManyLevels(count)) => {
            out.warnings.push(ImageWarning {
                image_type: input.name.to_owned(),
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
            image_type: input.name.to_owned(),
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
        out.features.extend(named(input.name, selection, values.unwrap_or(&missing)));
    }
    if !usable {
        let level_based = |name: &String| name.ends_with("_firstorder_Entropy") || name.ends_with("_firstorder_Uniformity");
        out.features.iter_mut().filter(|f| level_based(&f.0)).for_each(|f| f.1 = f64::NAN);
    }
    Ok(out)
}

/// Values of the texture classes; NaN where the reference has none.
struct Textures {
    glcm: [f64; Glcm::COUNT],
    glrlm: [f64; Glrlm::COUNT],
    glszm: Option<Vec<f64>>,
    gldm: Option<Vec<f64>>,
    ngtdm: Option<Vec<f64>>,
}

impl Textures {
    fn of(&self, class: FeatureClass) -> Option<&[f64]> {
        match class {
            FeatureClass::Glcm => Some(&self.glcm),
            FeatureClass::Glrlm => Some(&self.glrlm),
            FeatureClass::Glszm => self.glszm.as_deref(),
            FeatureClass::Gldm => self.gldm.as_deref(),
            FeatureClass::Ngtdm => self.ngtdm.as_deref(),
            FeatureClass::Shape | FeatureClass::Shape2D | FeatureClass::FirstOrder => None,
        }
    }

    fn new(roi: &Roi, levels: &Discretised, texture: &TextureSettings, classes: &[ClassSelection]) -> Self {
        let wants = |class| classes.iter().any(|c| c.class == class);
        let reach = texture.distances.iter().copied().max().unwrap_or(1).max(1);
        let field = LevelField::new(roi, levels, reach);
        let along = || along_directions(&field, roi, texture, wants(FeatureClass::Glcm), wants(FeatureClass::Glrlm));
        let zones = || {
            let entries = wants(FeatureClass::Glszm).then(|| zones::scan(&field, roi, texture.force_2d))?;
            size_matrix::glszm(&entries, &field.levels).map(Vec::from)
        };
        let around = || {
            if !wants(FeatureClass::Gldm) && !wants(FeatureClass::Ngtdm) {
                return (None, None);
            }
            let half = half_steps(&texture.distances, roi.size, texture.force_2d);
            let offsets: Vec<isize> = half.iter().map(|s| field.lattice.offset(*s)).flat_map(|o| [-o, o]).collect();
            let sums = neighbours::scan(&field, roi, &offsets, texture.gldm_alpha);
            let dependences = size_matrix::dependences(&sums);
            let gldm = size_matrix::gldm(&dependences, &field.levels).map(Vec::from);
            (gldm, Some(ngtdm::features(&sums, &field.levels, &levels.counts).to_vec()))
        };
        let (lines, (glszm, (gldm, ngtdm))) = if roi.is_large() {
            rayon::join(along, || rayon::join(zones, around))
        } else {
            (along(), (zones(), around()))
        };
        Self {
            glcm: lines.0,
            glrlm: lines.1,
            glszm,
            gldm,
            ngtdm,
        }
    }
}

/// GLCM and GLRLM features: means over the directions.
fn along_directions(
    field: &LevelField,
    roi: &Roi,
    texture: &TextureSettings,
    pairs: bool,
    runs: bool,
) -> ([f64; Glcm::COUNT], [f64; Glrlm::COUNT]) {
    let steps = half_steps(&[&[1], texture.distances.as_slice()].concat(), roi.size, texture.force_2d);
    let of_step = |step: &[isize; 3]| {
        let length = step.iter().map(|d| d.unsigned_abs()).max().unwrap_or(0);
        let wanted = directions::Wanted {
            pairs: pairs && texture.distances.contains(&length),
            runs: runs && length == 1,
        };
        let counts = directions::scan(field, roi, *step, wanted);
        let weighted = counts.pairs.iter().map(|(a, b, n)| (*a, *b, f64::from(*n)));
        let cells = glcm::cells(weighted, field.n(), texture.symmetrical_glcm);
        (
            glcm::features(cells, &field.levels, texture.symmetrical_glcm),
            size_matrix::glrlm(&counts.runs, &field.levels),
        )
    };
    let rows: Vec<_> = if roi.is_large() {
        steps.par_iter().map(of_step).collect()
    } else {
        steps.iter().map(of_step).collect()
    };
    let (glcm, glrlm): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let present = |rows: Vec<Option<[f64; Glcm::COUNT]>>| rows.into_iter().flatten().collect::<Vec<_>>();
    (nan_mean(&present(glcm)), nan_mean(&glrlm.into_iter().flatten().collect::<Vec<_>>()))
}
