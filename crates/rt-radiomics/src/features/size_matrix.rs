//! Features of the matrices that count grey levels by a size: run length (GLRLM), zone size (GLSZM), dependence (GLDM).

use super::entropy_term;
use crate::registry::{Gldm, Glrlm, Glszm};
use crate::texture::neighbours::Neighbourhood;
use crate::texture::sizes::SizeEntry;

/// What the three matrices have in common; sums divided by the number of items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summary {
    pub(crate) items: f64,
    pub(crate) voxels: f64,
    pub(crate) small: f64,
    pub(crate) large: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) small_low: f64,
    pub(crate) small_high: f64,
    pub(crate) large_low: f64,
    pub(crate) large_high: f64,
    pub(crate) level_non_uniformity: f64,
    pub(crate) size_non_uniformity: f64,
    pub(crate) level_variance: f64,
    pub(crate) size_variance: f64,
    pub(crate) entropy: f64,
    /// Sum of the squared shares of the cells.
    pub(crate) energy: f64,
}

impl Summary {
    /// `None` for a matrix without items. No level and size may stand twice.
    pub(crate) fn new(entries: &[SizeEntry], levels: &[u32]) -> Option<Self> {
        let items: f64 = entries.iter().map(|e| e.count).sum();
        if items <= 0.0 {
            return None;
        }
        let mut out = Self {
            items,
            voxels: 0.0,
            small: 0.0,
            large: 0.0,
            low: 0.0,
            high: 0.0,
            small_low: 0.0,
            small_high: 0.0,
            large_low: 0.0,
            large_high: 0.0,
            level_non_uniformity: squares_by(entries, items, |e| u32::from(e.code)),
            size_non_uniformity: squares_by(entries, items, |e| e.size),
            level_variance: 0.0,
            size_variance: 0.0,
            entropy: 0.0,
            energy: 0.0,
        };
        let level = |e: &SizeEntry| f64::from(levels[usize::from(e.code) - 1]);
        let (mut mean_level, mut mean_size) = (0.0, 0.0);
        for e in entries {
            let (i, j, p) = (level(e), f64::from(e.size), e.count / items);
            let (i2, j2) = (i * i, j * j);
            out.voxels += e.count * j;
            out.small += p / j2;
            out.large += p * j2;
            out.low += p / i2;
            out.high += p * i2;
            out.small_low += p / (i2 * j2);
            out.small_high += p * i2 / j2;
            out.large_low += p * j2 / i2;
            out.large_high += p * i2 * j2;
            out.entropy += entropy_term(p);
            out.energy += p * p;
            mean_level += p * i;
            mean_size += p * j;
        }
        for e in entries {
            let p = e.count / items;
            out.level_variance += p * (level(e) - mean_level).powi(2);
            out.size_variance += p * (f64::from(e.size) - mean_size).powi(2);
        }
        Some(out)
    }
}

/// Sum over the groups of (items of the group)^2 / items.
fn squares_by(entries: &[SizeEntry], items: f64, key: impl Fn(&SizeEntry) -> u32) -> f64 {
    let mut keyed: Vec<(u32, f64)> = entries.iter().map(|e| (key(e), e.count)).collect();
    keyed.sort_by_key(|e| e.0);
    let groups = keyed.chunk_by(|a, b| a.0 == b.0);
    groups.map(|g| g.iter().map(|e| e.1).sum::<f64>().powi(2)).sum::<f64>() / items
}

/// Features of the runs of one direction, or of a weighted sum of directions; `None` without runs.
pub(crate) fn glrlm(entries: &[SizeEntry], levels: &[u32]) -> Option<[f64; Glrlm::COUNT]> {
    use Glrlm as R;
    let s = Summary::new(entries, levels)?;
    let mut out = [0.0; R::COUNT];
    let mut set = |feature: R, value: f64| out[feature as usize] = value;
    set(R::GrayLevelNonUniformity, s.level_non_uniformity);
    set(R::GrayLevelNonUniformityNormalized, s.level_non_uniformity / s.items);
    set(R::GrayLevelVariance, s.level_variance);
    set(R::HighGrayLevelRunEmphasis, s.high);
    set(R::LongRunEmphasis, s.large);
    set(R::LongRunHighGrayLevelEmphasis, s.large_high);
    set(R::LongRunLowGrayLevelEmphasis, s.large_low);
    set(R::LowGrayLevelRunEmphasis, s.low);
    set(R::RunEntropy, s.entropy);
    set(R::RunLengthNonUniformity, s.size_non_uniformity);
    set(R::RunLengthNonUniformityNormalized, s.size_non_uniformity / s.items);
    set(R::RunPercentage, s.items / s.voxels);
    set(R::RunVariance, s.size_variance);
    set(R::ShortRunEmphasis, s.small);
    set(R::ShortRunHighGrayLevelEmphasis, s.small_high);
    set(R::ShortRunLowGrayLevelEmphasis, s.small_low);
    Some(out)
}

/// Features of the zones.
pub(crate) fn glszm(entries: &[SizeEntry], levels: &[u32]) -> Option<[f64; Glszm::COUNT]> {
    use Glszm as Z;
    let s = Summary::new(entries, levels)?;
    let mut out = [0.0; Z::COUNT];
    let mut set = |feature: Z, value: f64| out[feature as usize] = value;
    set(Z::GrayLevelNonUniformity, s.level_non_uniformity);
    set(Z::GrayLevelNonUniformityNormalized, s.level_non_uniformity / s.items);
    set(Z::GrayLevelVariance, s.level_variance);
    set(Z::HighGrayLevelZoneEmphasis, s.high);
    set(Z::LargeAreaEmphasis, s.large);
    set(Z::LargeAreaHighGrayLevelEmphasis, s.large_high);
    set(Z::LargeAreaLowGrayLevelEmphasis, s.large_low);
    set(Z::LowGrayLevelZoneEmphasis, s.low);
    set(Z::SizeZoneNonUniformity, s.size_non_uniformity);
    set(Z::SizeZoneNonUniformityNormalized, s.size_non_uniformity / s.items);
    set(Z::SmallAreaEmphasis, s.small);
    set(Z::SmallAreaHighGrayLevelEmphasis, s.small_high);
    set(Z::SmallAreaLowGrayLevelEmphasis, s.small_low);
    set(Z::ZoneEntropy, s.entropy);
    set(Z::ZonePercentage, s.items / s.voxels);
    set(Z::ZoneVariance, s.size_variance);
    Some(out)
}

/// Voxels by level and dependence: 1 + number of dependent neighbours.
pub(crate) fn dependences(neighbourhood: &Neighbourhood) -> Vec<SizeEntry> {
    let mut out = Vec::new();
    for (code, row) in neighbourhood.dependent.chunks(neighbourhood.width).enumerate().skip(1) {
        for (size, count) in (1u32..).zip(row).filter(|(_, count)| **count > 0) {
            out.push(SizeEntry {
                code: u16::try_from(code).unwrap_or(u16::MAX),
                size,
                count: *count as f64,
            });
        }
    }
    out
}

/// Features of the dependences.
pub(crate) fn gldm(entries: &[SizeEntry], levels: &[u32]) -> Option<[f64; Gldm::COUNT]> {
    use Gldm as D;
    let s = Summary::new(entries, levels)?;
    let mut out = [0.0; D::COUNT];
    let mut set = |feature: D, value: f64| out[feature as usize] = value;
    set(D::DependenceEntropy, s.entropy);
    set(D::DependenceNonUniformity, s.size_non_uniformity);
    set(D::DependenceNonUniformityNormalized, s.size_non_uniformity / s.items);
    set(D::DependenceVariance, s.size_variance);
    set(D::GrayLevelNonUniformity, s.level_non_uniformity);
    set(D::GrayLevelVariance, s.level_variance);
    set(D::HighGrayLevelEmphasis, s.high);
    set(D::LargeDependenceEmphasis, s.large);
    set(D::LargeDependenceHighGrayLevelEmphasis, s.large_high);
    set(D::LargeDependenceLowGrayLevelEmphasis, s.large_low);
    set(D::LowGrayLevelEmphasis, s.low);
    set(D::SmallDependenceEmphasis, s.small);
    set(D::SmallDependenceHighGrayLevelEmphasis, s.small_high);
    set(D::SmallDependenceLowGrayLevelEmphasis, s.small_low);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level 2: two items of size 1; level 3: one of size 4. N = 3, 6 voxels.
    #[test]
    fn three_items_by_hand() {
        let entry = |code, size, count| SizeEntry { code, size, count };
        let f = glszm(&[entry(1, 1, 2.0), entry(2, 4, 1.0)], &[2, 3]).unwrap();
        let check = |feature: Glszm, expected: f64| {
            let got = f[feature as usize];
            assert!((got - expected).abs() < 1e-12, "{feature:?}: {got} {expected}");
        };
        check(Glszm::SmallAreaEmphasis, (2.0 + 1.0 / 16.0) / 3.0);
        check(Glszm::LargeAreaEmphasis, (2.0 + 16.0) / 3.0);
        check(Glszm::LowGrayLevelZoneEmphasis, (2.0 / 4.0 + 1.0 / 9.0) / 3.0);
        check(Glszm::HighGrayLevelZoneEmphasis, (8.0 + 9.0) / 3.0);
        check(Glszm::SmallAreaHighGrayLevelEmphasis, (8.0 + 9.0 / 16.0) / 3.0);
        check(Glszm::LargeAreaLowGrayLevelEmphasis, (2.0 / 4.0 + 16.0 / 9.0) / 3.0);
        check(Glszm::GrayLevelNonUniformity, 5.0 / 3.0);
        check(Glszm::SizeZoneNonUniformityNormalized, 5.0 / 9.0);
        check(Glszm::ZonePercentage, 0.5);
        // Mean level 7/3: (2 (1/3)^2 + (2/3)^2) / 3 = 2/9; mean size 2: (2 x 1 + 4) / 3 = 2.
        check(Glszm::GrayLevelVariance, 2.0 / 9.0);
        check(Glszm::ZoneVariance, 2.0);
        let entropy = -(2.0 / 3.0 * (2.0_f64 / 3.0).log2() + 1.0 / 3.0 * (1.0_f64 / 3.0).log2());
        check(Glszm::ZoneEntropy, entropy);
        assert!(glrlm(&[], &[1]).is_none());
    }
}
