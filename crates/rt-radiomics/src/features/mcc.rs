//! Maximal correlation coefficient of a co-occurrence matrix.
//!
//! `Q(i,j) = sum_k p(i,k) p(j,k) / (px(i) py(k))` is similar to `S S^T` with `S = Dx^-1/2 P Dy^-1/2`; the coefficient is the square root of its
//! second largest eigenvalue: the second largest singular value of S. For a symmetrical matrix S is symmetric and its singular values are
//! the magnitudes of its eigenvalues.

use nalgebra::{DMatrix, DVector};

use super::glcm::Cell;

/// The coefficient; 1 when the region has one grey level.
pub(crate) fn coefficient(cells: &[Cell], px: &[f64], py: &[f64], symmetrical: bool) -> f64 {
    if px.len() < 2 {
        return 1.0;
    }
    // Levels without a pair in this direction add an eigenvalue of 0.
    let (rows, columns) = (Places::new(px), Places::new(py));
    if rows.kept.min(columns.kept) < 2 {
        return 0.0;
    }
    let mut s = DMatrix::<f64>::zeros(rows.kept, columns.kept);
    for c in cells {
        let (i, j) = (usize::from(c.i), usize::from(c.j));
        s[(rows.place[i], columns.place[j])] = c.p / (px[i] * py[j]).sqrt();
    }
    let matrix = if symmetrical { s } else { &s * s.transpose() };
    let mut values: Vec<f64> = matrix.symmetric_eigenvalues().iter().copied().collect();
    values.sort_unstable_by(|a, b| b.abs().total_cmp(&a.abs()));
    let squared = if symmetrical { values[1] * values[1] } else { values[1] };
    let exact = if f64::EPSILON / (rows.smallest * columns.smallest) > NEGLIGIBLE {
        with_epsilon(squared, cells, px, py, &rows, &columns)
    } else {
        squared
    };
    exact.max(0.0).sqrt()
}

/// Relative change by the epsilon in the reference's denominator below which it is left out.
const NEGLIGIBLE: f64 = 1e-11;

/// Which levels have a pair, numbered from 0, and the smallest probability among them.
struct Places {
    place: Vec<usize>,
    kept: usize,
    smallest: f64,
}

impl Places {
    fn new(p: &[f64]) -> Self {
        let mut place = vec![usize::MAX; p.len()];
        let present = (0..p.len()).filter(|n| p[*n] > 0.0);
        let kept = present.enumerate().map(|(to, from)| place[from] = to).count();
        let smallest = p.iter().copied().filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        Self { place, kept, smallest }
    }
}

/// The reference divides by px py + eps. Rare levels of large regions have px py of 1e-13, and then it shows: here the eigenvalue of that Q
/// nearest to the one without epsilon, by Rayleigh quotient iteration.
fn with_epsilon(squared: f64, cells: &[Cell], px: &[f64], py: &[f64], rows: &Places, columns: &Places) -> f64 {
    let mut joint = DMatrix::<f64>::zeros(rows.kept, columns.kept);
    let mut scaled = joint.clone();
    for c in cells {
        let (i, j) = (usize::from(c.i), usize::from(c.j));
        let at = (rows.place[i], columns.place[j]);
        joint[at] = c.p;
        scaled[at] = c.p / (px[i] * py[j] + f64::EPSILON);
    }
    let matrix = scaled * joint.transpose();
    let size = matrix.nrows();
    // Any start that is not orthogonal to the vector; these numbers have no symmetry.
    let mut vector = DVector::from_fn(size, |k, _| ((k * 37 + 11) % 101) as f64 / 101.0 - 0.37).normalize();
    let mut value = squared * (1.0 + 1e-12);
    for _ in 0..6 {
        let mut shifted = matrix.clone();
        for k in 0..size {
            shifted[(k, k)] -= value;
        }
        let solved = shifted.lu().solve(&vector);
        let Some(next) = solved.filter(|v| v.norm().is_finite() && v.norm() > 0.0) else {
            break;
        };
        let step = vector.dot(&vector) / vector.dot(&next);
        vector = next.normalize();
        if !step.is_finite() {
            break;
        }
        value += step;
        if step.abs() <= 1e-15 * value.abs() {
            break;
        }
    }
    // The epsilon is a small change: anything else means that the iteration went to another eigenvalue.
    if (value - squared).abs() < 1e-2 * squared { value } else { squared }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_levels_have_no_correlation_and_separate_ones_have_all() {
        let cell = |i, j, p| Cell { i, j, p };
        let independent = [cell(0, 0, 0.25), cell(0, 1, 0.25), cell(1, 0, 0.25), cell(1, 1, 0.25)];
        assert!(coefficient(&independent, &[0.5, 0.5], &[0.5, 0.5], true) < 1e-12);
        let separate = [cell(0, 0, 0.5), cell(1, 1, 0.5)];
        assert!((coefficient(&separate, &[0.5, 0.5], &[0.5, 0.5], true) - 1.0).abs() < 1e-12);
        // Not symmetrical: [[1/2, 0], [1/4, 1/4]]: S S^T = [[2/3, sqrt 2/3], [sqrt 2/3, 1/3 + 1/2]], trace 3/2, so the other is 1/2... with
        // px = (1/2, 1/2), py = (3/4, 1/4): S = [[sqrt(2/3), 0], [1/sqrt 6, 1/sqrt 2]], det S = 1/sqrt 3.
        let skewed = [cell(0, 0, 0.5), cell(1, 0, 0.25), cell(1, 1, 0.25)];
        assert!((coefficient(&skewed, &[0.5, 0.5], &[0.75, 0.25], false) - 3.0_f64.sqrt().recip()).abs() < 1e-12);
    }
}
