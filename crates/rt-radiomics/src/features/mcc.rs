//! Maximal correlation coefficient of a co-occurrence matrix.
//!
//! `Q(i,j) = sum_k p(i,k) p(j,k) / (px(i) py(k))` is similar to `S S^T` with `S = Dx^-1/2 P Dy^-1/2`; the coefficient is the square root of its
//! second largest eigenvalue: the second largest singular value of S. For a symmetrical matrix S is symmetric and its singular values are
//! the magnitudes of its eigenvalues.

use nalgebra::DMatrix;

use super::glcm::Cell;

/// The coefficient; 1 when the region has one grey level.
pub(crate) fn coefficient(cells: &[Cell], px: &[f64], py: &[f64], symmetrical: bool) -> f64 {
    if px.len() < 2 {
        return 1.0;
    }
    // Levels without a pair in this direction add an eigenvalue of 0.
    let kept = |p: &[f64]| {
        let mut place = vec![usize::MAX; p.len()];
        let present = (0..p.len()).filter(|n| p[*n] > 0.0);
        let count = present.enumerate().map(|(to, from)| place[from] = to).count();
        (place, count)
    };
    let ((rows, nr), (columns, nc)) = (kept(px), kept(py));
    if nr.min(nc) < 2 {
        return 0.0;
    }
    let mut s = DMatrix::<f64>::zeros(nr, nc);
    for c in cells {
        let (i, j) = (usize::from(c.i), usize::from(c.j));
        s[(rows[i], columns[j])] = c.p / (px[i] * py[j]).sqrt();
    }
    let mut singular: Vec<f64> = if symmetrical {
        s.symmetric_eigenvalues().iter().map(|v| v.abs()).collect()
    } else {
        (&s * s.transpose())
            .symmetric_eigenvalues()
            .iter()
            .map(|v| v.max(0.0).sqrt())
            .collect()
    };
    singular.sort_unstable_by(|a, b| b.total_cmp(a));
    singular[1]
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
