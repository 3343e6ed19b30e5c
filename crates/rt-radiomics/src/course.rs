//! Many regions of one image.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rt_core::{Progress, RoiName};
use rt_image::Mask;

use crate::error::ExtractError;
use crate::extract::extract_from;
use crate::image::ImageSource;
use crate::sample::Samples;
use crate::settings::Settings;
use crate::vector::FeatureVector;

/// A region and its name.
#[derive(Debug, Clone)]
pub struct NamedMask {
    /// Name; it may repeat.
    pub name: RoiName,
    /// Voxels, on the grid of the image.
    pub mask: Mask,
}

/// Voxels of small regions that make one piece of work together.
const BATCH: usize = 16_000;

/// Regions below this many voxels go into batches, when the caller has no other wish.
pub const BATCH_BELOW: usize = 1_000;

/// Extracts the features of every region, in the order given.
///
/// Work is handed out the largest region first, so that one huge region does not start last; regions of fewer than
/// [`BATCH_BELOW`] voxels go out in batches. Whole-image facts are found once. A region that cannot be measured gives its error and leaves
/// the others alone, a panic included.
pub fn course<'a>(
    image: impl Into<Samples<'a>>,
    rois: &[NamedMask],
    settings: &Settings,
    progress: &dyn Progress,
) -> Vec<(RoiName, Result<FeatureVector, ExtractError>)> {
    let source = ImageSource::new(image);
    let masks: Vec<&Mask> = rois.iter().map(|r| &r.mask).collect();
    let results = extract_all(&source, &masks, settings, BATCH_BELOW, progress);
    rois.iter().map(|r| r.name.clone()).zip(results).collect()
}

/// [`course`] without names, from an image whose facts are shared, with batches of regions below `batch_below` voxels.
pub fn extract_all(
    source: &ImageSource<'_>,
    masks: &[&Mask],
    settings: &Settings,
    batch_below: usize,
    progress: &dyn Progress,
) -> Vec<Result<FeatureVector, ExtractError>> {
    progress.begin("radiomics", masks.len() as u64);
    let work = plan(masks, batch_below);
    let next = AtomicUsize::new(0);
    let results: Vec<OnceLock<Result<FeatureVector, ExtractError>>> = masks.iter().map(|_| OnceLock::new()).collect();
    let worker = || {
        while let Some(batch) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            for &at in batch {
                let result = if progress.cancelled() {
                    Err(ExtractError::Cancelled)
                } else {
                    guarded(source, masks[at], settings)
                };
                // Every index is in one batch, so this is the only result of the region.
                let _ = results[at].set(result);
                progress.inc(1);
            }
        }
    };
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads().min(work.len()) {
            scope.spawn(|_| worker());
        }
    });
    let done = results.into_iter().map(OnceLock::into_inner);
    done.map(|r| r.unwrap_or(Err(ExtractError::Cancelled))).collect()
}

/// The regions by number, largest first, small ones in batches.
fn plan(masks: &[&Mask], batch_below: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<(usize, usize)> = masks.iter().map(|m| m.count()).zip(0..).collect();
    order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut work: Vec<Vec<usize>> = Vec::new();
    let mut filled = BATCH;
    for (voxels, at) in order {
        match work.last_mut() {
            Some(batch) if voxels < batch_below && filled < BATCH => batch.push(at),
            _ => {
                work.push(vec![at]);
                filled = if voxels < batch_below { 0 } else { BATCH };
            }
        }
        if voxels < batch_below {
            // A region costs something even when it has no voxel.
            filled += voxels + 100;
        }
    }
    work
}

/// The last net: a defect met in one region must not lose the others.
fn guarded(source: &ImageSource<'_>, mask: &Mask, settings: &Settings) -> Result<FeatureVector, ExtractError> {
    catch_unwind(AssertUnwindSafe(|| extract_from(source, mask, settings))).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Err(ExtractError::Internal(text.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ndarray::Array3;
    use rt_core::{Grid, Silent, Vec3};
    use rt_image::Volume;

    use super::*;

    fn ball(grid: &Arc<Grid>, centre: [f64; 3], radius: f64) -> Mask {
        let shape = grid.shape();
        let block = Array3::from_shape_fn(shape, |(k, j, i)| {
            let d: f64 = [i, j, k].iter().zip(centre).map(|(v, c)| (*v as f64 - c).powi(2)).sum();
            u8::from(d <= radius * radius)
        });
        Mask::from_block(grid, [0; 3], block).unwrap()
    }

    /// A fixed pattern without structure: a multiplicative hash of the index.
    fn image(grid: &Arc<Grid>) -> Volume<i16> {
        let data = Array3::from_shape_fn(grid.shape(), |(k, j, i)| {
            let h = u32::try_from(k * 7919 + j * 104_729 + i * 1_299_709).unwrap();
            i16::try_from((h.wrapping_mul(2_654_435_761) >> 20) % 700).unwrap() - 200
        });
        Volume::new(Arc::clone(grid), data).unwrap()
    }

    #[test]
    fn the_largest_goes_first_and_the_small_ones_together() {
        let grid = Arc::new(Grid::axis_aligned([40, 40, 40], Vec3::ZERO, [1.0; 3]).unwrap());
        let masks: Vec<Mask> = [1.0, 12.0, 2.0, 15.0, 0.5].iter().map(|r| ball(&grid, [20.0; 3], *r)).collect();
        let masks: Vec<&Mask> = masks.iter().collect();
        assert_eq!(plan(&masks, 1000), vec![vec![3], vec![1], vec![2, 0, 4]]);
        assert_eq!(plan(&masks, 0).len(), 5);
    }

    #[test]
    fn results_are_the_same_bits_on_any_number_of_threads() {
        // One region is large enough to be cut into pieces.
        let grid = Arc::new(Grid::axis_aligned([70, 70, 60], Vec3::ZERO, [0.9, 0.9, 2.5]).unwrap());
        let image = image(&grid);
        let masks = [
            ball(&grid, [34.0, 35.0, 30.0], 28.0),
            ball(&grid, [10.0, 10.0, 10.0], 4.0),
            Mask::empty(&grid),
            ball(&grid, [50.0, 50.0, 40.0], 9.0),
        ];
        assert!(masks[0].count() > crate::roi::LARGE);
        let masks: Vec<&Mask> = masks.iter().collect();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| extract_all(&ImageSource::new(image.view()), &masks, &Settings::default(), 1000, &Silent))
        };
        let one = run(1);
        assert_eq!(one[2], Err(ExtractError::Empty));
        let bits =
            |r: &Result<FeatureVector, ExtractError>| r.as_ref().ok().map(|f| f.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        assert_eq!(bits(&one[0]).unwrap().len(), 107);
        for threads in [2, 8] {
            let many = run(threads);
            assert!(one.iter().zip(&many).all(|(a, b)| bits(a) == bits(b)), "{threads} threads");
        }
    }
}
