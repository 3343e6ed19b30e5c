//! Texture families with all their aggregations (IBSI manual 3.6 to 3.11).

use rayon::prelude::*;

use super::Aggregation;
use super::prepare::{Levels, Region};
use super::zones::{Space, Zone, border_distance, zones};
use crate::discretise::Discretised;
use crate::features::size_matrix::{Summary, dependences};
use crate::features::textures::added;
use crate::features::{glcm, ngtdm};
use crate::registry::{Glcm as G, Ngtdm as N};
use crate::roi::{Roi, Run};
use crate::texture::directions::{DirectionCounts, Runs, Wanted, scan};
use crate::texture::neighbours::{self, Neighbourhood};
use crate::texture::sizes::SizeEntry;
use crate::texture::{LevelField, half_steps};

const GLCM: [&str; 25] = [
    "joint_max",
    "joint_avg",
    "joint_var",
    "joint_entr",
    "diff_avg",
    "diff_var",
    "diff_entr",
    "sum_avg",
    "sum_var",
    "sum_entr",
    "energy",
    "contrast",
    "dissimilarity",
    "inv_diff",
    "inv_diff_norm",
    "inv_diff_mom",
    "inv_diff_mom_norm",
    "inv_var",
    "corr",
    "auto_corr",
    "clust_tend",
    "clust_shade",
    "clust_prom",
    "info_corr1",
    "info_corr2",
];

/// The same features under PyRadiomics' names, in the same order.
const GLCM_OF: [G; 25] = [
    G::MaximumProbability,
    G::JointAverage,
    G::SumSquares,
    G::JointEntropy,
    G::DifferenceAverage,
    G::DifferenceVariance,
    G::DifferenceEntropy,
    G::SumAverage,
    G::ClusterTendency,
    G::SumEntropy,
    G::JointEnergy,
    G::Contrast,
    G::DifferenceAverage,
    G::Id,
    G::Idn,
    G::Idm,
    G::Idmn,
    G::InverseVariance,
    G::Correlation,
    G::Autocorrelation,
    G::ClusterTendency,
    G::ClusterShade,
    G::ClusterProminence,
    G::Imc1,
    G::Imc2,
];

const GLRLM: [&str; 16] = [
    "sre",
    "lre",
    "lgre",
    "hgre",
    "srlge",
    "srhge",
    "lrlge",
    "lrhge",
    "glnu",
    "glnu_norm",
    "rlnu",
    "rlnu_norm",
    "r_perc",
    "gl_var",
    "rl_var",
    "rl_entr",
];
const GLSZM: [&str; 16] = [
    "sze",
    "lze",
    "lgze",
    "hgze",
    "szlge",
    "szhge",
    "lzlge",
    "lzhge",
    "glnu",
    "glnu_norm",
    "zsnu",
    "zsnu_norm",
    "z_perc",
    "gl_var",
    "zs_var",
    "zs_entr",
];
const GLDZM: [&str; 16] = [
    "sde",
    "lde",
    "lgze",
    "hgze",
    "sdlge",
    "sdhge",
    "ldlge",
    "ldhge",
    "glnu",
    "glnu_norm",
    "zdnu",
    "zdnu_norm",
    "z_perc",
    "gl_var",
    "zd_var",
    "zd_entr",
];
const NGTDM: [&str; 5] = ["coarseness", "contrast", "busyness", "complexity", "strength"];
const NGTDM_OF: [N; 5] = [N::Coarseness, N::Contrast, N::Busyness, N::Complexity, N::Strength];
const NGLDM: [&str; 17] = [
    "lde",
    "hde",
    "lgce",
    "hgce",
    "ldlge",
    "ldhge",
    "hdlge",
    "hdhge",
    "glnu",
    "glnu_norm",
    "dcnu",
    "dcnu_norm",
    "dc_perc",
    "gl_var",
    "dc_var",
    "dc_entr",
    "dc_energy",
];

/// How matrices without directions are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pooling {
    SliceMean,
    SlicesMerged,
    Volume,
}

impl Pooling {
    /// Those that the aggregations ask for, in order.
    fn of(aggregations: &[Aggregation]) -> Vec<Self> {
        let mut out = Vec::new();
        for a in aggregations {
            let pooling = match a {
                Aggregation::SliceMean | Aggregation::SliceMerged => Self::SliceMean,
                Aggregation::DirectionMerged | Aggregation::SlicesMerged => Self::SlicesMerged,
                Aggregation::VolumeMean | Aggregation::VolumeMerged => Self::Volume,
            };
            if !out.contains(&pooling) {
                out.push(pooling);
            }
        }
        out
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::SliceMean => "2d",
            Self::SlicesMerged => "2_5d",
            Self::Volume => "3d",
        }
    }
}

/// Tags of all texture features, in the order of [`features`].
pub(super) fn names(aggregations: &[Aggregation]) -> Vec<String> {
    let mut out = Vec::new();
    for (family, features) in [("cm", &GLCM[..]), ("rlm", &GLRLM[..])] {
        for a in aggregations {
            out.extend(features.iter().map(|f| format!("{family}_{f}_{}", a.suffix())));
        }
    }
    for (family, features) in [("szm", &GLSZM[..]), ("dzm", &GLDZM[..]), ("ngt", &NGTDM[..]), ("ngl", &NGLDM[..])] {
        for p in Pooling::of(aggregations) {
            out.extend(features.iter().map(|f| format!("{family}_{f}_{}", p.suffix())));
        }
    }
    out
}

/// The intensity mask, or a slice of it, with its levels.
struct Part {
    roi: Roi,
    field: LevelField,
    counts: Vec<u64>,
}

impl Part {
    fn new(roi: Roi, levels: &Discretised, codes: Vec<u16>) -> Self {
        let mut counts = vec![0; levels.levels.len()];
        for code in &codes {
            counts[usize::from(*code) - 1] += 1;
        }
        let own = Discretised {
            levels: levels.levels.clone(),
            counts: counts.clone(),
            codes,
        };
        Self {
            field: LevelField::new(&roi, &own, 1),
            roi,
            counts,
        }
    }
}

/// Every slice that holds a voxel, as a region of one slice.
fn slices(roi: &Roi, levels: &Discretised) -> Vec<Part> {
    let mut out = Vec::new();
    let mut next = 0;
    for runs in roi.runs.chunk_by(|a, b| a.k == b.k) {
        let count: usize = runs.iter().map(|r| r.len).sum();
        let slice = Roi {
            size: [roi.size[0], roi.size[1], 1],
            spacing: roi.spacing,
            runs: runs.iter().map(|r| Run { k: 0, ..*r }).collect(),
            count,
        };
        out.push(Part::new(slice, levels, levels.codes[next..next + count].to_vec()));
        next += count;
    }
    out
}

/// All texture features in the order of [`names`].
pub(super) fn features(region: &Region, levels: &Levels, aggregations: &[Aggregation]) -> Vec<f64> {
    let d = &levels.discretised;
    let flat: Vec<Part> = if aggregations.iter().any(|a| !a.is_volume()) {
        slices(&region.intensity, d)
    } else {
        Vec::new()
    };
    let volume = aggregations
        .iter()
        .any(|a| a.is_volume())
        .then(|| Part::new(region.intensity.clone(), d, d.codes.clone()));
    let directions = Directions::new(&flat, volume.as_ref());
    let mut out: Vec<f64> = aggregations.iter().flat_map(|a| directions.glcm(*a, levels)).collect();
    out.extend(aggregations.iter().flat_map(|a| directions.glrlm(*a, levels)));
    let poolings = Pooling::of(aggregations);
    out.extend(zone_families(region, levels, &poolings));
    out.extend(neighbour_families(&flat, volume.as_ref(), levels, &poolings));
    out
}

impl Aggregation {
    fn is_volume(self) -> bool {
        matches!(self, Self::VolumeMean | Self::VolumeMerged)
    }
}

/// Pairs and runs of each slice and direction, and of each direction of the volume.
struct Directions {
    slices: Vec<Vec<DirectionCounts>>,
    volume: Vec<DirectionCounts>,
}

impl Directions {
    fn new(flat: &[Part], volume: Option<&Part>) -> Self {
        let wanted = Wanted {
            pairs: true,
            runs: Runs::All,
        };
        let count = |part: &Part, step: &[isize; 3]| scan(&part.field, &part.roi, *step, wanted);
        let in_plane = half_steps(&[1], [2; 3], Some(2));
        let all = half_steps(&[1], [2; 3], None);
        Self {
            slices: flat
                .par_iter()
                .map(|part| in_plane.iter().map(|step| count(part, step)).collect())
                .collect(),
            volume: volume.map_or_else(Vec::new, |part| all.par_iter().map(|step| count(part, step)).collect()),
        }
    }

    /// The matrices of an aggregation: each a set of directions to be added up.
    fn matrices(&self, aggregation: Aggregation) -> Vec<Vec<&DirectionCounts>> {
        let n = self.slices.first().map_or(0, Vec::len);
        match aggregation {
            Aggregation::SliceMean => self.slices.iter().flatten().map(|c| vec![c]).collect(),
            Aggregation::SliceMerged => self.slices.iter().map(|s| s.iter().collect()).collect(),
            Aggregation::DirectionMerged => (0..n).map(|d| self.slices.iter().map(|s| &s[d]).collect()).collect(),
            Aggregation::SlicesMerged => vec![self.slices.iter().flatten().collect()],
            Aggregation::VolumeMean => self.volume.iter().map(|c| vec![c]).collect(),
            Aggregation::VolumeMerged => vec![self.volume.iter().collect()],
        }
    }

    fn glcm(&self, aggregation: Aggregation, levels: &Levels) -> Vec<f64> {
        let n = levels.discretised.levels.len();
        let rows = self.matrices(aggregation).into_iter().filter_map(|set| {
            let pairs = set.iter().flat_map(|c| c.pairs.iter().map(|(a, b, n)| (*a, *b, f64::from(*n))));
            let values = glcm::without_mcc(glcm::cells(pairs, n, true), &levels.discretised.levels, f64::from(levels.ng))?;
            Some(GLCM_OF.map(|f| values[f as usize]).to_vec())
        });
        mean(rows, GLCM.len())
    }

    fn glrlm(&self, aggregation: Aggregation, levels: &Levels) -> Vec<f64> {
        let rows = self.matrices(aggregation).into_iter().filter_map(|set| {
            let runs = added(set.iter().flat_map(|c| c.runs.iter().copied()).collect());
            let s = Summary::new(&runs, &levels.discretised.levels)?;
            Some(sixteen(&s, s.voxels))
        });
        mean(rows, GLRLM.len())
    }
}

/// Means over rows, leaving out what is not a number.
fn mean(rows: impl Iterator<Item = Vec<f64>>, n: usize) -> Vec<f64> {
    let (mut sums, mut counts) = (vec![0.0; n], vec![0u32; n]);
    for row in rows {
        for (at, v) in row.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            sums[at] += v;
            counts[at] += 1;
        }
    }
    sums.iter().zip(counts).map(|(s, n)| s / f64::from(n)).collect()
}

/// The sixteen features that run length and zone matrices share; `voxels` is what the percentage is of.
fn sixteen(s: &Summary, voxels: f64) -> Vec<f64> {
    vec![
        s.small,
        s.large,
        s.low,
        s.high,
        s.small_low,
        s.small_high,
        s.large_low,
        s.large_high,
        s.level_non_uniformity,
        s.level_non_uniformity / s.items,
        s.size_non_uniformity,
        s.size_non_uniformity / s.items,
        s.items / voxels,
        s.level_variance,
        s.size_variance,
        s.entropy,
    ]
}

/// GLSZM, then GLDZM.
fn zone_families(region: &Region, levels: &Levels, poolings: &[Pooling]) -> Vec<f64> {
    let found = |space: Space| {
        let distance = border_distance(region.block.view(), space);
        zones(&region.intensity, &levels.discretised.codes, &distance, space)
    };
    let flat = if poolings.iter().any(|p| *p != Pooling::Volume) {
        found(Space::Slices)
    } else {
        Vec::new()
    };
    let volume = if poolings.contains(&Pooling::Volume) {
        found(Space::Volume)
    } else {
        Vec::new()
    };
    let by_size: &dyn Fn(&Zone) -> u32 = &|z| z.size;
    let by_distance: &dyn Fn(&Zone) -> u32 = &|z| z.distance;
    let mut out = Vec::new();
    for measure in [by_size, by_distance] {
        for pooling in poolings {
            let matrices: Vec<Vec<Zone>> = match pooling {
                Pooling::SliceMean => flat.clone(),
                Pooling::SlicesMerged => vec![flat.concat()],
                Pooling::Volume => volume.clone(),
            };
            let rows = matrices.iter().filter_map(|zones| {
                let entry = |z: &Zone| SizeEntry {
                    code: z.code,
                    size: measure(z),
                    count: 1.0,
                };
                let entries = added(zones.iter().map(entry).collect());
                let voxels = zones.iter().map(|z| f64::from(z.size)).sum();
                Some(sixteen(&Summary::new(&entries, &levels.discretised.levels)?, voxels))
            });
            out.extend(mean(rows, GLSZM.len()));
        }
    }
    out
}

/// NGTDM, then NGLDM (coarseness 0, distance 1).
fn neighbour_families(flat: &[Part], volume: Option<&Part>, levels: &Levels, poolings: &[Pooling]) -> Vec<f64> {
    let sums = |part: &Part, axis: Option<usize>| {
        let half = half_steps(&[1], [2; 3], axis);
        let offsets: Vec<isize> = half.iter().map(|s| part.field.lattice.offset(*s)).flat_map(|o| [-o, o]).collect();
        (neighbours::scan(&part.field, &part.roi, &offsets, 0), part.counts.clone())
    };
    let flat: Vec<(Neighbourhood, Vec<u64>)> = flat.par_iter().map(|part| sums(part, Some(2))).collect();
    let volume = volume.map(|part| sums(part, None));
    let merged = || {
        let mut parts = flat.iter();
        let first = parts.next()?.clone();
        let add = |(sum, mut counts): (Neighbourhood, Vec<u64>), (other, more): &(Neighbourhood, Vec<u64>)| {
            counts.iter_mut().zip(more).for_each(|(a, b)| *a += b);
            (sum.add(other), counts)
        };
        Some(parts.fold(first, add))
    };
    let matrices = |pooling: &Pooling| -> Vec<(Neighbourhood, Vec<u64>)> {
        match pooling {
            Pooling::SliceMean => flat.clone(),
            Pooling::SlicesMerged => merged().into_iter().collect(),
            Pooling::Volume => volume.iter().cloned().collect(),
        }
    };
    let names = &levels.discretised.levels;
    let mut out = Vec::new();
    for pooling in poolings {
        let rows = matrices(pooling)
            .into_iter()
            .map(|(sums, counts)| tone_differences(&sums, names, &counts));
        out.extend(mean(rows, NGTDM.len()));
    }
    for pooling in poolings {
        let rows = matrices(pooling).into_iter().filter_map(|(sums, _)| {
            let s = Summary::new(&dependences(&sums), names)?;
            let mut row = sixteen(&s, s.items);
            row.push(s.energy);
            Some(row)
        });
        out.extend(mean(rows, NGLDM.len()));
    }
    out
}

/// NGTDM features; voxels without a neighbour do not count, unlike in PyRadiomics.
fn tone_differences(sums: &Neighbourhood, levels: &[u32], counts: &[u64]) -> Vec<f64> {
    let s = ngtdm::differences(sums, levels.len());
    let (mut kept, mut own, mut n) = (Vec::new(), Vec::new(), Vec::new());
    for (at, level) in levels.iter().enumerate() {
        let with_neighbours = counts[at] - sums.isolated[at + 1];
        if with_neighbours > 0 {
            kept.push(*level);
            own.push(s[at]);
            n.push(with_neighbours);
        }
    }
    if kept.is_empty() {
        return vec![f64::NAN; NGTDM.len()];
    }
    let values = ngtdm::of_sums(&own, &kept, &n);
    NGTDM_OF.map(|f| values[f as usize]).to_vec()
}
