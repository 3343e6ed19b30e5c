//! Spatial autocorrelation of intensities: Moran's I and Geary's C with inverse distances (IBSI manual 3.1.24, 3.1.25).

use super::fft::{C, Way, good_length, transform};
use super::prepare::Region;

/// Moran's I and Geary's C. Sums over all pairs of voxels are convolutions with the inverse distance, done by Fourier transform.
pub(super) fn moran_geary(region: &Region) -> [f64; 2] {
    let n = region.values.len() as f64;
    if region.values.len() < 2 {
        return [f64::NAN; 2];
    }
    let mean = rt_core::float::sum(region.values.iter().copied()) / n;
    let size = region.intensity.size;
    let padded: [usize; 3] = std::array::from_fn(|a| good_length(2 * size[a] - 1));
    let at = |i: usize, j: usize, k: usize| (k * padded[1] + j) * padded[0] + i;
    let total = padded.iter().product::<usize>();
    // Deviations in the real part, the mask in the imaginary part.
    let mut both = vec![C::default(); total];
    let mut next = region.values.iter();
    for run in &region.intensity.runs {
        for (i, v) in (run.i..run.i + run.len).zip(&mut next) {
            both[at(i, run.j, run.k)] = C::new(v - mean, 1.0);
        }
    }
    let deviations = both.clone();
    let mut kernel = vec![C::default(); total];
    let distance = |n: usize, a: usize| n.min(padded[a] - n) as f64 * region.intensity.spacing[a];
    for k in 0..padded[2] {
        for j in 0..padded[1] {
            for i in 0..padded[0] {
                let square = distance(i, 0).powi(2) + distance(j, 1).powi(2) + distance(k, 2).powi(2);
                if square > 0.0 {
                    kernel[at(i, j, k)] = C::new(1.0 / square.sqrt(), 0.0);
                }
            }
        }
    }
    transform(&mut both, padded, &[0, 1, 2], Way::Forward);
    transform(&mut kernel, padded, &[0, 1, 2], Way::Forward);
    both.iter_mut().zip(&kernel).for_each(|(a, b)| *a *= b);
    transform(&mut both, padded, &[0, 1, 2], Way::Inverse);
    let (mut weights, mut products, mut squares, mut own) = (0.0, 0.0, 0.0, 0.0);
    for (sum, d) in both.iter().zip(&deviations).filter(|(_, d)| d.im > 0.5) {
        weights += sum.im;
        products += d.re * sum.re;
        squares += d.re * d.re;
        // (a - b)^2 summed over ordered pairs is twice (a^2 times the weights) less twice the products.
        own += d.re * d.re * sum.im;
    }
    let moran = n / weights * products / squares;
    let geary = (n - 1.0) / (2.0 * weights) * (2.0 * own - 2.0 * products) / squares;
    [moran, geary]
}
