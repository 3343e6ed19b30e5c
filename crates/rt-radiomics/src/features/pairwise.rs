//! Sums in the order of numpy: pairwise over blocks of 128, eight running sums inside a block.
//!
//! The error grows with the logarithm of the number of terms only. The order matters where a region is flat: whether a mean equals the one
//! value exactly decides between a kurtosis of 0 and of 1 in the reference.

use std::ops::Add;

/// Terms that are summed without halving.
const BLOCK: usize = 128;

/// The sum of `at(0)` to `at(n - 1)`.
pub(crate) fn sum<T: Copy + Default + Add<Output = T>>(n: usize, at: &impl Fn(usize) -> T) -> T {
    part(0, n, at)
}

fn part<T: Copy + Default + Add<Output = T>>(start: usize, n: usize, at: &impl Fn(usize) -> T) -> T {
    if n < 8 {
        return (start..start + n).fold(T::default(), |sum, i| sum + at(i));
    }
    if n <= BLOCK {
        let mut lanes: [T; 8] = std::array::from_fn(|lane| at(start + lane));
        let whole = n - n % 8;
        for i in (8..whole).step_by(8) {
            for (lane, total) in lanes.iter_mut().enumerate() {
                *total = *total + at(start + i + lane);
            }
        }
        let pair = |lane: usize| lanes[lane] + lanes[lane + 1];
        let blocks = (pair(0) + pair(2)) + (pair(4) + pair(6));
        return (start + whole..start + n).fold(blocks, |sum, i| sum + at(i));
    }
    let half = n / 2 - n / 2 % 8;
    part(start, half, at) + part(start + half, n - half, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_counts_once() {
        for n in [0, 1, 7, 8, 9, 127, 128, 129, 1000, 4099] {
            let expected = (n * n) as f64 / 2.0 - n as f64 / 2.0;
            assert!((sum(n, &|i| i as f64) - expected).abs() < 1e-9, "{n}");
        }
    }

    #[test]
    fn the_mean_of_a_constant_may_miss_it() {
        // Ten times 0.1: eight lanes give 0.8 exactly rounded, then two more; plain addition gives 0.9999999999999999.
        assert_eq!(sum(10, &|_| 0.1_f64).to_bits(), 1.0_f64.to_bits());
    }
}
