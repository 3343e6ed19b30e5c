//! Fourier transform of boxes of complex numbers, axis by axis.

use rayon::prelude::*;
use rustfft::{FftPlanner, num_complex::Complex};

pub(super) type C = Complex<f64>;

/// Direction of a transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To frequencies.
    Forward,
    /// Back, divided by the number of samples.
    Inverse,
}

/// The smallest length of at least `n` with no prime factor above 5.
pub(super) fn good_length(n: usize) -> usize {
    let smooth = |mut v: usize| {
        for p in [2, 3, 5] {
            while v.is_multiple_of(p) {
                v /= p;
            }
        }
        v == 1
    };
    // There is a power of two at least.
    (n.max(1)..=2 * n.max(1)).find(|v| smooth(*v)).unwrap_or(n)
}

/// Transforms a box `[i, j, k]`, i fastest, in place along the given axes.
pub(super) fn transform(data: &mut [C], size: [usize; 3], axes: &[usize], way: Way) {
    let mut planner = FftPlanner::new();
    let [ni, nj, nk] = size;
    let plane = ni * nj;
    for axis in axes {
        let plan = match way {
            Way::Forward => planner.plan_fft_forward(size[*axis]),
            Way::Inverse => planner.plan_fft_inverse(size[*axis]),
        };
        let scratch = || vec![C::default(); plan.get_inplace_scratch_len()];
        match axis {
            0 => data
                .par_chunks_mut(ni)
                .for_each_init(scratch, |s, row| plan.process_with_scratch(row, s)),
            1 => data.par_chunks_mut(plane).for_each_init(scratch, |s, slice| {
                let mut line = vec![C::default(); nj];
                for i in 0..ni {
                    (0..nj).for_each(|j| line[j] = slice[j * ni + i]);
                    plan.process_with_scratch(&mut line, s);
                    (0..nj).for_each(|j| slice[j * ni + i] = line[j]);
                }
            }),
            _ => {
                // Lines across slices are gathered row by row.
                let lines: Vec<Vec<C>> = (0..plane)
                    .into_par_iter()
                    .map_init(scratch, |s, at| {
                        let mut line: Vec<C> = (0..nk).map(|k| data[k * plane + at]).collect();
                        plan.process_with_scratch(&mut line, s);
                        line
                    })
                    .collect();
                data.par_chunks_mut(plane).enumerate().for_each(|(k, slice)| {
                    slice.iter_mut().zip(&lines).for_each(|(out, line)| *out = line[k]);
                });
            }
        }
        if way == Way::Inverse {
            let factor = 1.0 / size[*axis] as f64;
            data.par_iter_mut().for_each(|v| *v *= factor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_identity_and_an_impulse_is_flat() {
        let size = [5, 4, 6];
        let mut data: Vec<C> = (0..120).map(|n| C::new(f64::from(n * n % 17), f64::from(n % 7))).collect();
        let before = data.clone();
        transform(&mut data, size, &[0, 1, 2], Way::Forward);
        transform(&mut data, size, &[0, 1, 2], Way::Inverse);
        assert!(data.iter().zip(&before).all(|(a, b)| (a - b).norm() < 1e-12));
        let mut impulse = vec![C::default(); 120];
        impulse[0] = C::new(1.0, 0.0);
        transform(&mut impulse, size, &[0, 1, 2], Way::Forward);
        assert!(impulse.iter().all(|v| (v - C::new(1.0, 0.0)).norm() < 1e-13));
        assert_eq!([7, 11, 13, 17].map(good_length), [8, 12, 15, 18]);
    }
}
