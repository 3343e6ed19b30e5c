//! The feature classes. Each takes values, levels or counts and fills an array indexed by the enums of [`crate::registry`].
//!
//! Formulas: PyRadiomics documentation, "Radiomic Features"; `spec/radiomics-conventions.md` sections 6 to 8. In logarithms of base 2 the
//! reference adds the machine epsilon to the argument; so do we, as single-level regions show it.

pub(crate) mod firstorder;
pub(crate) mod glcm;
pub(crate) mod mcc;
pub(crate) mod ngtdm;
pub(crate) mod pairwise;
pub(crate) mod shape;
pub(crate) mod shape2d;
pub(crate) mod size_matrix;
pub(crate) mod textures;

/// `-p log2(p + eps)`.
pub(crate) fn entropy_term(p: f64) -> f64 {
    -p * (p + f64::EPSILON).log2()
}

/// Means over the rows, leaving out what is not a number; NaN where nothing is left.
pub(crate) fn nan_mean<const N: usize>(rows: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|n| {
        let (mut sum, mut count) = (0.0, 0u32);
        for row in rows.iter().filter(|row| !row[n].is_nan()) {
            sum += row[n];
            count += 1;
        }
        if count == 0 { f64::NAN } else { sum / f64::from(count) }
    })
}
