//! All texture classes of one derived image, from one set of counts.

use rayon::prelude::*;

use super::{glcm, nan_mean, ngtdm, size_matrix};
use crate::discretise::Discretised;
use crate::registry::{FeatureClass, Glcm, Glrlm};
use crate::roi::Roi;
use crate::settings::{ClassSelection, TextureSettings, WeightingNorm};
use crate::texture::directions::{DirectionCounts, Runs, Wanted, scan};
use crate::texture::sizes::SizeEntry;
use crate::texture::{LevelField, half_steps, neighbours, zones};

/// Values of the texture classes; NaN where the reference has none.
pub(crate) struct Textures {
    glcm: [f64; Glcm::COUNT],
    glrlm: [f64; Glrlm::COUNT],
    glszm: Option<Vec<f64>>,
    gldm: Option<Vec<f64>>,
    ngtdm: Option<Vec<f64>>,
}

impl Textures {
    pub(crate) fn of(&self, class: FeatureClass) -> Option<&[f64]> {
        match class {
            FeatureClass::Glcm => Some(&self.glcm),
            FeatureClass::Glrlm => Some(&self.glrlm),
            FeatureClass::Glszm => self.glszm.as_deref(),
            FeatureClass::Gldm => self.gldm.as_deref(),
            FeatureClass::Ngtdm => self.ngtdm.as_deref(),
            FeatureClass::Shape | FeatureClass::Shape2D | FeatureClass::FirstOrder => None,
        }
    }

    pub(crate) fn new(roi: &Roi, levels: &Discretised, texture: &TextureSettings, classes: &[ClassSelection]) -> Self {
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

/// GLCM and GLRLM features: means over the directions, or those of one weighted sum of all directions.
fn along_directions(
    field: &LevelField,
    roi: &Roi,
    texture: &TextureSettings,
    pairs: bool,
    runs: bool,
) -> ([f64; Glcm::COUNT], [f64; Glrlm::COUNT]) {
    let steps = half_steps(&[&[1], texture.distances.as_slice()].concat(), roi.size, texture.force_2d);
    let count = |step: &[isize; 3]| {
        let length = step.iter().map(|d| d.unsigned_abs()).max().unwrap_or(0);
        let wanted = Wanted {
            pairs: pairs && texture.distances.contains(&length),
            runs: if runs && length == 1 { Runs::OfSharedLines } else { Runs::No },
        };
        scan(field, roi, *step, wanted)
    };
    if let Some(norm) = texture.weighting {
        let counts = each(roi, &steps, count);
        return merged(field, roi, texture, norm, &steps, &counts);
    }
    let rows = each(roi, &steps, |step| {
        let counts = count(step);
        let weighted = counts.pairs.iter().map(|(a, b, n)| (*a, *b, f64::from(*n)));
        let cells = glcm::cells(weighted, field.n(), texture.symmetrical_glcm);
        (
            glcm::features(cells, &field.levels, texture.symmetrical_glcm),
            size_matrix::glrlm(&counts.runs, &field.levels),
        )
    });
    let (glcm, glrlm): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let glcm: Vec<_> = glcm.into_iter().flatten().collect();
    let glrlm: Vec<_> = glrlm.into_iter().flatten().collect();
    (nan_mean(&glcm), nan_mean(&glrlm))
}

/// Maps the steps, on several threads when the region is large.
fn each<T: Send>(roi: &Roi, steps: &[[isize; 3]], f: impl Fn(&[isize; 3]) -> T + Sync + Send) -> Vec<T> {
    if roi.is_large() {
        steps.par_iter().map(f).collect()
    } else {
        steps.iter().map(f).collect()
    }
}

/// Features of the matrices summed over all directions with the weights of a norm.
fn merged(
    field: &LevelField,
    roi: &Roi,
    texture: &TextureSettings,
    norm: WeightingNorm,
    steps: &[[isize; 3]],
    counts: &[DirectionCounts],
) -> ([f64; Glcm::COUNT], [f64; Glrlm::COUNT]) {
    let lengths: Vec<f64> = steps.iter().map(|step| length(*step, roi.spacing, norm)).collect();
    // Co-occurrences are weighted by exp(-length^2), runs by the length itself.
    let pair_weight = |length: f64| {
        if norm == WeightingNorm::None {
            1.0
        } else {
            (-length * length).exp()
        }
    };
    let pairs = counts.iter().zip(&lengths).flat_map(|(c, l)| {
        let weight = pair_weight(*l);
        c.pairs.iter().map(move |(a, b, n)| (*a, *b, f64::from(*n) * weight))
    });
    let cells = glcm::cells(pairs, field.n(), texture.symmetrical_glcm);
    let glcm = glcm::features(cells, &field.levels, texture.symmetrical_glcm);
    let runs = counts
        .iter()
        .zip(&lengths)
        .flat_map(|(c, l)| c.runs.iter().map(move |r| (*r, r.count * l)));
    let runs: Vec<SizeEntry> = runs.map(|(r, count)| SizeEntry { count, ..r }).collect();
    let glrlm = size_matrix::glrlm(&added(runs), &field.levels);
    (glcm.unwrap_or([f64::NAN; Glcm::COUNT]), glrlm.unwrap_or([f64::NAN; Glrlm::COUNT]))
}

/// Entries of one level and size added up.
pub(crate) fn added(mut entries: Vec<SizeEntry>) -> Vec<SizeEntry> {
    entries.sort_by_key(|e| (e.code, e.size));
    let same = |a: &SizeEntry, b: &SizeEntry| (a.code, a.size) == (b.code, b.size);
    let sum = |group: &[SizeEntry]| SizeEntry {
        count: group.iter().map(|e| e.count).sum(),
        ..group[0]
    };
    entries.chunk_by(same).map(sum).collect()
}

/// Length of a step in mm under a norm; 1 where directions are not weighted.
fn length(step: [isize; 3], spacing: [f64; 3], norm: WeightingNorm) -> f64 {
    let along: [f64; 3] = std::array::from_fn(|a| step[a].unsigned_abs() as f64 * spacing[a]);
    match norm {
        WeightingNorm::Manhattan => along.iter().sum(),
        WeightingNorm::Euclidean => along.iter().map(|v| v * v).sum::<f64>().sqrt(),
        WeightingNorm::Infinity => along.iter().copied().fold(0.0, f64::max),
        WeightingNorm::None => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_follow_the_norms() {
        let of = |norm| length([2, -1, 0], [1.5, 4.0, 9.0], norm);
        assert!((of(WeightingNorm::Manhattan) - 7.0).abs() < 1e-15);
        assert!((of(WeightingNorm::Euclidean) - 5.0).abs() < 1e-15);
        assert!((of(WeightingNorm::Infinity) - 4.0).abs() < 1e-15);
        assert!((of(WeightingNorm::None) - 1.0).abs() < 1e-15);
    }
}
