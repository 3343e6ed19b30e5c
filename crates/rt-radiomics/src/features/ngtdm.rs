//! Features of the neighbouring grey tone difference matrix (Amadasun and King 1989).

use crate::registry::Ngtdm as N;
use crate::texture::neighbours::Neighbourhood;

/// Features from the neighbourhood sums. `levels` are the grey levels that occur, `counts` their voxels.
pub(crate) fn features(neighbourhood: &Neighbourhood, levels: &[u32], counts: &[u64]) -> [f64; N::COUNT] {
    of_sums(&differences(neighbourhood, levels.len()), levels, counts)
}

/// Features from the sum of differences `s` and the number of voxels of each level; every count is above 0.
#[expect(clippy::many_single_char_names, reason = "the names of the formulas")]
pub(crate) fn of_sums(s: &[f64], levels: &[u32], counts: &[u64]) -> [f64; N::COUNT] {
    let voxels = counts.iter().sum::<u64>() as f64;
    let p: Vec<f64> = counts.iter().map(|c| *c as f64 / voxels).collect();
    let i: Vec<f64> = levels.iter().map(|l| f64::from(*l)).collect();
    let n = levels.len();
    let total: f64 = s.iter().sum();
    let weighted: f64 = p.iter().zip(s).map(|(p, s)| p * s).sum();
    let (mut contrast, mut busyness, mut complexity, mut strength) = (0.0, 0.0, 0.0, 0.0);
    for a in 0..n {
        for b in 0..n {
            let d = i[a] - i[b];
            contrast += p[a] * p[b] * d * d;
            busyness += (i[a] * p[a] - i[b] * p[b]).abs();
            complexity += d.abs() * (p[a] * s[a] + p[b] * s[b]) / (p[a] + p[b]);
            strength += (p[a] + p[b]) * d * d;
        }
    }
    let mut out = [0.0; N::COUNT];
    let ratio = |above: f64, below: f64| if below == 0.0 { 0.0 } else { above / below };
    out[N::Coarseness as usize] = if weighted == 0.0 { 1e6 } else { 1.0 / weighted };
    let pairs = n as f64 * (n as f64 - 1.0);
    out[N::Contrast as usize] = if n > 1 { contrast / pairs * (total / voxels) } else { 0.0 };
    out[N::Busyness as usize] = ratio(weighted, busyness);
    out[N::Complexity as usize] = complexity / voxels;
    out[N::Strength as usize] = ratio(strength, total);
    out
}

/// `s_i`: over the voxels of a level, the sum of |level - mean level of the neighbours|.
pub(crate) fn differences(neighbourhood: &Neighbourhood, n: usize) -> Vec<f64> {
    let rows = neighbourhood.difference.chunks(neighbourhood.width).skip(1).take(n);
    rows.map(|row| row.iter().enumerate().skip(1).map(|(c, sum)| *sum as f64 / c as f64).sum())
        .collect()
}
