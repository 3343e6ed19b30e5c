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

/// How the work on many regions is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Regions below this many voxels are worked on in batches.
    pub batch_below: usize,
    /// Most memory that regions worked on at once may need together; one region is worked on whatever it needs.
    pub memory_bytes: Option<u64>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            batch_below: BATCH_BELOW,
            memory_bytes: None,
        }
    }
}

impl Schedule {
    /// Regions at once, for needs with the largest first: as many as fit the budget when all the largest meet.
    fn workers(&self, needs: impl Iterator<Item = u64>, threads: usize) -> usize {
        let Some(budget) = self.memory_bytes else { return threads };
        let mut sum = 0u64;
        let fitting = needs.take_while(|need| {
            sum = sum.saturating_add(*need);
            sum <= budget
        });
        fitting.count().clamp(1, threads.max(1))
    }
}

/// Images of the resampled box that are alive at once in the middle of a filter, and then some.
const IMAGES: u64 = 6;

/// Memory that a region needs, estimated from its box, the new spacing and the padding.
fn needed_bytes(mask: &Mask, settings: &Settings) -> u64 {
    let old = mask.grid().spacing();
    let side = |a: usize| {
        let wanted = settings.resample.map_or(0.0, |r| r.spacing[a]);
        let ratio = if wanted > 0.0 { old[a] / wanted } else { 1.0 };
        mask.size()[a] as f64 * ratio + 2.0 * settings.pad_distance as f64 + 2.0
    };
    let voxels = side(0) * side(1) * side(2);
    8 * IMAGES * bounded(voxels)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive; too large ones saturate"
)]
pub(crate) fn bounded(v: f64) -> u64 {
    (v as u64).min(1 << 50)
}

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
    let results = extract_all(&source, &masks, settings, Schedule::default(), progress);
    rois.iter().map(|r| r.name.clone()).zip(results).collect()
}

/// [`course`] without names, from an image whose facts are shared, with batches and a memory budget.
pub fn extract_all(
    source: &ImageSource<'_>,
    masks: &[&Mask],
    settings: &Settings,
    schedule: Schedule,
    progress: &dyn Progress,
) -> Vec<Result<FeatureVector, ExtractError>> {
    let needs = |mask: &Mask| needed_bytes(mask, settings);
    each_mask(masks, schedule, progress, &needs, &|mask| extract_from(source, mask, settings))
}

/// Calls `measure` for every region, the largest first and small ones in batches, and gives the results in the order of the regions.
/// `needs` is the memory of a region in bytes, for the budget.
pub fn each_mask<T: Send + Sync>(
    masks: &[&Mask],
    schedule: Schedule,
    progress: &dyn Progress,
    needs: &dyn Fn(&Mask) -> u64,
    measure: &(dyn Fn(&Mask) -> Result<T, ExtractError> + Sync),
) -> Vec<Result<T, ExtractError>> {
    progress.begin("radiomics", masks.len() as u64);
    let work = plan(masks, schedule.batch_below);
    let mut bytes: Vec<u64> = masks.iter().map(|m| needs(m)).collect();
    bytes.sort_unstable_by(|a, b| b.cmp(a));
    let workers = schedule.workers(bytes.into_iter(), rayon::current_num_threads()).min(work.len());
    let next = AtomicUsize::new(0);
    let results: Vec<OnceLock<Result<T, ExtractError>>> = masks.iter().map(|_| OnceLock::new()).collect();
    let worker = || {
        while let Some(batch) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            for &at in batch {
                let result = if progress.cancelled() {
                    Err(ExtractError::Cancelled)
                } else {
                    guarded(masks[at], measure)
                };
                // Every index is in one batch, so this is the only result of the region.
                let _ = results[at].set(result);
                progress.inc(1);
            }
        }
    };
    rayon::scope(|scope| {
        for _ in 0..workers {
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
fn guarded<T>(mask: &Mask, measure: &(dyn Fn(&Mask) -> Result<T, ExtractError> + Sync)) -> Result<T, ExtractError> {
    catch_unwind(AssertUnwindSafe(|| measure(mask))).unwrap_or_else(|panic| {
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
    fn a_budget_limits_how_many_regions_meet() {
        let budget = |bytes| Schedule {
            memory_bytes: Some(bytes),
            ..Schedule::default()
        };
        let needs = [50u64, 30, 20, 1];
        let workers = |bytes| budget(bytes).workers(needs.into_iter(), 8);
        assert_eq!([10, 50, 79, 80, 100, 1000].map(workers), [1, 1, 1, 2, 3, 4]);
        assert_eq!(Schedule::default().workers(needs.into_iter(), 8), 8);
        // 10 x 10 x 10 voxels of 2 mm at 1 mm, padded by 5 and one more: 32 a side.
        let grid = Arc::new(Grid::axis_aligned([40; 3], Vec3::ZERO, [2.0; 3]).unwrap());
        let mask = Mask::from_block(&grid, [5; 3], Array3::ones((10, 10, 10))).unwrap();
        let settings = Settings::reference(crate::config::ImageKind::Ct).unwrap();
        assert_eq!(needed_bytes(&mask, &settings), 8 * 6 * 32 * 32 * 32);
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
            pool.install(|| {
                extract_all(
                    &ImageSource::new(image.view()),
                    &masks,
                    &Settings::default(),
                    Schedule::default(),
                    &Silent,
                )
            })
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
