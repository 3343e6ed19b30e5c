//! Features of a grey level co-occurrence matrix.

use super::{entropy_term, mcc};
use crate::registry::Glcm as G;

/// A non-zero cell: positions of the two levels in the list of levels, and its probability or weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    pub(crate) i: u16,
    pub(crate) j: u16,
    pub(crate) p: f64,
}

/// Largest side of a dense matrix for merging.
const DENSE_SIDE: usize = 512;

/// Cells from counted pairs of codes (1 and up), weighted; with `symmetrical` every pair counts in both orders.
pub(crate) fn cells(counts: impl Iterator<Item = (u16, u16, f64)>, n: usize, symmetrical: bool) -> Vec<Cell> {
    let both = counts.flat_map(|(a, b, w)| {
        let forward = (a - 1, b - 1, w);
        let backward = symmetrical.then_some((b - 1, a - 1, w));
        [Some(forward), backward].into_iter().flatten()
    });
    if n <= DENSE_SIDE {
        let mut dense = vec![0.0; n * n];
        both.for_each(|(a, b, w)| dense[usize::from(a) * n + usize::from(b)] += w);
        let index = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        return dense
            .iter()
            .enumerate()
            .filter(|(_, p)| **p != 0.0)
            .map(|(at, p)| Cell {
                i: index(at / n),
                j: index(at % n),
                p: *p,
            })
            .collect();
    }
    let mut all: Vec<(u16, u16, f64)> = both.collect();
    all.sort_by_key(|c| (c.0, c.1));
    all.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
        .map(|same| Cell {
            i: same[0].0,
            j: same[0].1,
            p: same.iter().map(|c| c.2).sum(),
        })
        .collect()
}

/// Sums over the matrix that several features share.
struct Marginals {
    px: Vec<f64>,
    py: Vec<f64>,
    /// Probability of each absolute level difference.
    difference: Vec<f64>,
    /// Probability of each sum of levels.
    sum: Vec<f64>,
}

impl Marginals {
    fn new(cells: &[Cell], levels: &[u32]) -> Self {
        let ng = levels.last().map_or(0, |l| *l as usize);
        let mut m = Self {
            px: vec![0.0; levels.len()],
            py: vec![0.0; levels.len()],
            difference: vec![0.0; ng.max(1)],
            sum: vec![0.0; 2 * ng + 1],
        };
        for c in cells {
            let (a, b) = (levels[usize::from(c.i)] as usize, levels[usize::from(c.j)] as usize);
            m.px[usize::from(c.i)] += c.p;
            m.py[usize::from(c.j)] += c.p;
            m.difference[a.abs_diff(b)] += c.p;
            m.sum[a + b] += c.p;
        }
        m
    }
}

/// Features of one matrix; `None` for a matrix without pairs. `levels` are the grey levels of the region, the last of them is Ng.
pub(crate) fn features(cells: Vec<Cell>, levels: &[u32], symmetrical: bool) -> Option<[f64; G::COUNT]> {
    let ng = levels.last().map_or(1.0, |l| f64::from(*l));
    let (mut out, cells, m) = measured(cells, levels, ng)?;
    out[G::Mcc as usize] = mcc::coefficient(&cells, &m.px, &m.py, symmetrical);
    Some(out)
}

/// All features but MCC, which stays 0, with a given number of levels `ng`.
pub(crate) fn without_mcc(cells: Vec<Cell>, levels: &[u32], ng: f64) -> Option<[f64; G::COUNT]> {
    measured(cells, levels, ng).map(|(out, ..)| out)
}

fn measured(mut cells: Vec<Cell>, levels: &[u32], ng: f64) -> Option<([f64; G::COUNT], Vec<Cell>, Marginals)> {
    let total: f64 = cells.iter().map(|c| c.p).sum();
    if total <= 0.0 {
        return None;
    }
    for c in &mut cells {
        c.p /= total;
    }
    let m = Marginals::new(&cells, levels);
    let mut out = [0.0; G::COUNT];
    joint(&cells, levels, &m, &mut out);
    differences_and_sums(&m, ng, &mut out);
    information(&cells, &m, &mut out);
    Some((out, cells, m))
}

/// Moments of the joint distribution.
fn joint(cells: &[Cell], levels: &[u32], m: &Marginals, out: &mut [f64; G::COUNT]) {
    let level = |n: usize| f64::from(levels[n]);
    let mean = |p: &[f64]| p.iter().enumerate().map(|(n, p)| level(n) * p).sum::<f64>();
    let (ux, uy) = (mean(&m.px), mean(&m.py));
    let deviation = |p: &[f64], u: f64| p.iter().enumerate().map(|(n, p)| p * (level(n) - u).powi(2)).sum::<f64>().sqrt();
    let (sx, sy) = (deviation(&m.px, ux), deviation(&m.py, uy));
    let (mut product, mut cluster, mut contrast, mut covariance) = (0.0, [0.0; 3], 0.0, 0.0);
    let (mut energy, mut maximum, mut squares) = (0.0, 0.0f64, 0.0);
    for c in cells {
        let (i, j) = (level(usize::from(c.i)), level(usize::from(c.j)));
        let s = i + j - ux - uy;
        product += i * j * c.p;
        cluster[0] += s * s * c.p;
        cluster[1] += s * s * s * c.p;
        cluster[2] += s * s * s * s * c.p;
        contrast += (i - j) * (i - j) * c.p;
        covariance += (i - ux) * (j - uy) * c.p;
        squares += (i - ux) * (i - ux) * c.p;
        energy += c.p * c.p;
        maximum = maximum.max(c.p);
    }
    let mut set = |feature: G, value: f64| out[feature as usize] = value;
    set(G::Autocorrelation, product);
    set(G::JointAverage, ux);
    set(G::ClusterTendency, cluster[0]);
    set(G::ClusterShade, cluster[1]);
    set(G::ClusterProminence, cluster[2]);
    set(G::Contrast, contrast);
    let spread = sx * sy;
    set(
        G::Correlation,
        if spread == 0.0 { 1.0 } else { covariance / (spread + f64::EPSILON) },
    );
    set(G::JointEnergy, energy);
    set(G::MaximumProbability, maximum);
    set(G::SumSquares, squares);
}

/// Features of the distributions of level differences and level sums.
fn differences_and_sums(m: &Marginals, ng: f64, out: &mut [f64; G::COUNT]) {
    let mut set = |feature: G, value: f64| out[feature as usize] = value;
    let over = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        let present = m.difference.iter().enumerate().filter(|(_, p)| **p != 0.0);
        present.map(|(k, p)| f(k as f64, *p)).sum()
    };
    let average = over(&|k, p| k * p);
    set(G::DifferenceAverage, average);
    set(G::DifferenceEntropy, over(&|_, p| entropy_term(p)));
    set(G::DifferenceVariance, over(&|k, p| p * (k - average).powi(2)));
    set(G::Id, over(&|k, p| p / (1.0 + k)));
    set(G::Idm, over(&|k, p| p / (1.0 + k * k)));
    set(G::Idn, over(&|k, p| p / (1.0 + k / ng)));
    set(G::Idmn, over(&|k, p| p / (1.0 + k * k / (ng * ng))));
    set(G::InverseVariance, over(&|k, p| if k > 0.0 { p / (k * k) } else { 0.0 }));
    let sums = || m.sum.iter().enumerate().filter(|(_, p)| **p != 0.0);
    set(G::SumAverage, sums().map(|(k, p)| k as f64 * p).sum());
    set(G::SumEntropy, sums().map(|(_, p)| entropy_term(*p)).sum());
}

/// Side up to which the entropy of the product of the marginals is summed cell by cell.
const DIRECT_SIDE: usize = 64;

/// Joint entropy and the two informational measures of correlation.
fn information(cells: &[Cell], m: &Marginals, out: &mut [f64; G::COUNT]) {
    let hxy: f64 = cells.iter().map(|c| entropy_term(c.p)).sum();
    let hx: f64 = m.px.iter().map(|p| entropy_term(*p)).sum();
    let hy: f64 = m.py.iter().map(|p| entropy_term(*p)).sum();
    let hxy1: f64 = cells
        .iter()
        .map(|c| -c.p * (m.px[usize::from(c.i)] * m.py[usize::from(c.j)] + f64::EPSILON).log2())
        .sum();
    let hxy2 = product_entropy(&m.px, &m.py);
    let mut set = |feature: G, value: f64| out[feature as usize] = value;
    let largest = hx.max(hy);
    set(G::JointEntropy, hxy);
    set(G::Imc1, if largest == 0.0 { 0.0 } else { (hxy - hxy1) / largest });
    let gain = hxy2 - hxy;
    set(G::Imc2, if gain == 0.0 { 0.0 } else { (1.0 - (-2.0 * gain).exp()).sqrt() });
}

/// -sum px py log2(px py + eps) over all cells.
///
/// For large matrices the logarithm is split: log2(px py + eps) = log2 px + log2 py + eps / (px py ln 2) up to eps^2 / (px py)^2, so that
/// the double sum becomes two single ones and a count.
fn product_entropy(px: &[f64], py: &[f64]) -> f64 {
    if px.len() <= DIRECT_SIDE {
        return px.iter().map(|a| py.iter().map(|b| entropy_term(a * b)).sum::<f64>()).sum();
    }
    let plain = |p: &[f64]| p.iter().filter(|p| **p > 0.0).map(|p| -p * p.log2()).sum::<f64>();
    let present = |p: &[f64]| p.iter().filter(|p| **p > 0.0).count() as f64;
    plain(px) + plain(py) - present(px) * present(py) * f64::EPSILON * std::f64::consts::LOG2_E
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs (1,1) x 1, (1,2) x 1 counted in both orders: p = [[1/2, 1/4], [1/4, 0]].
    #[test]
    fn a_two_level_matrix_by_hand() {
        let counts = [(1, 1, 1.0), (1, 2, 1.0)];
        let f = features(cells(counts.into_iter(), 2, true), &[1, 2], true).unwrap();
        let check = |feature: G, expected: f64| {
            let got = f[feature as usize];
            assert!((got - expected).abs() < 1e-12, "{feature:?}: {got} {expected}");
        };
        // px = (3/4, 1/4), mean 5/4, variance 3/16; E[ij] = 1/2 + 2/4 + 2/4 = 3/2.
        check(G::JointAverage, 1.25);
        check(G::Autocorrelation, 1.5);
        check(G::SumSquares, 3.0 / 16.0);
        check(G::Correlation, (1.5 - 25.0 / 16.0) / (3.0 / 16.0));
        check(G::Contrast, 0.5);
        check(G::DifferenceAverage, 0.5);
        check(G::DifferenceVariance, 0.25);
        check(G::Id, 0.5 + 0.25);
        check(G::Idn, 0.5 + 0.5 / 1.5);
        check(G::Idmn, 0.5 + 0.5 / 1.25);
        check(G::InverseVariance, 0.5);
        check(G::JointEntropy, 1.5);
        check(G::SumEntropy, 1.0);
        check(G::SumAverage, 2.5);
        check(G::JointEnergy, 0.25 + 2.0 / 16.0);
        check(G::MaximumProbability, 0.5);
        // S = D^-1/2 P D^-1/2 = [[2/3, 1/sqrt 3], [1/sqrt 3, 0]]: eigenvalues 1 and -1/3.
        check(G::Mcc, 1.0 / 3.0);
    }

    #[test]
    fn one_level_has_the_values_of_the_reference() {
        let f = features(cells([(1, 1, 3.0)].into_iter(), 1, true), &[1], true).unwrap();
        assert!((f[G::Correlation as usize] - 1.0).abs() < 1e-15);
        assert!(f[G::Imc1 as usize].abs() < 1e-300 && f[G::Imc2 as usize].abs() < 1e-300);
        assert!((f[G::Mcc as usize] - 1.0).abs() < 1e-15);
        assert!(features(Vec::new(), &[1], true).is_none());
    }

    #[test]
    fn the_split_entropy_equals_the_double_sum() {
        let p: Vec<f64> = (1..=80).map(|n| f64::from(n) / 3240.0).collect();
        let direct: f64 = p.iter().map(|a| p.iter().map(|b| entropy_term(a * b)).sum::<f64>()).sum();
        assert!((product_entropy(&p, &p) / direct - 1.0).abs() < 1e-13);
    }
}
