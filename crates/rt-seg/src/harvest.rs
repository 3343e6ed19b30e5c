//! From what an engine gave to a result that may be published: the grid is that of the image, every label has a known name, voxels are counted.

use rt_core::{Grid, GridDifference, GridTolerance};
use rt_image::LabelMap;

use crate::plan::Step;

/// A checked label map.
#[derive(Debug, Clone)]
pub struct Segmentation {
    /// The regions.
    pub labels: LabelMap,
    /// Their sizes, in order of value.
    pub regions: Vec<Region>,
}

/// Size of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Voxel value.
    pub value: u16,
    /// Name.
    pub name: String,
    /// Voxels of that value.
    pub voxels: usize,
    /// Their volume in cm3.
    pub volume_cc: f64,
}

/// Why a result cannot be published.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HarvestError {
    /// The label map is not on the grid of the image.
    #[error("the label map of {task} is not on the grid of {image}: {difference}")]
    Grid {
        /// Name of the task.
        task: &'static str,
        /// The image.
        image: String,
        /// The first difference.
        difference: GridDifference,
    },
    /// Voxels with a value that no label has.
    #[error("the label map of {task} has {voxels} voxels of the value {value}, which has no name")]
    Unnamed {
        /// Name of the task.
        task: &'static str,
        /// The value.
        value: u16,
        /// How many.
        voxels: usize,
    },
    /// A label that the task does not have, or twice.
    #[error("the label map of {task} names \"{name}\" as {value}, which the task does not have or has already")]
    Name {
        /// Name of the task.
        task: &'static str,
        /// The name.
        name: String,
        /// The value.
        value: u16,
    },
}

impl HarvestError {
    /// Stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Grid { .. } => "seg.grid_mismatch",
            Self::Unnamed { .. } | Self::Name { .. } => "seg.labels",
        }
    }
}

/// Checks the label map of a step against the grid of its image and the regions that the step may give, and counts voxels.
///
/// # Errors
/// [`HarvestError`] for another grid, an unknown or repeated name or value, or voxels without a name.
pub fn harvest(step: &Step, labels: LabelMap, expected: &Grid) -> Result<Segmentation, HarvestError> {
    let task = step.task.name();
    if let Some(difference) = expected.difference(labels.volume.grid(), GridTolerance::default()) {
        return Err(HarvestError::Grid {
            task,
            image: step.image.clone(),
            difference,
        });
    }
    for (n, label) in labels.labels.iter().enumerate() {
        let repeated = labels.labels[..n].iter().any(|l| l.value == label.value || l.name == label.name);
        let foreign = !step.expected.is_empty() && !step.expected.contains(&label.name);
        if label.value == 0 || repeated || foreign {
            return Err(HarvestError::Name {
                task,
                name: label.name.clone(),
                value: label.value,
            });
        }
    }
    let mut counts = vec![0usize; 1 << 16];
    for v in labels.volume.data() {
        counts[usize::from(*v)] += 1;
    }
    let named = |value: usize| labels.labels.iter().any(|l| usize::from(l.value) == value);
    if let Some((value, voxels)) = (1..=u16::MAX)
        .zip(&counts[1..])
        .find(|(value, n)| **n > 0 && !named(usize::from(*value)))
    {
        return Err(HarvestError::Unnamed {
            task,
            value,
            voxels: *voxels,
        });
    }
    let voxel_cc = expected.voxel_volume_mm3() / 1000.0;
    let mut regions: Vec<Region> = labels
        .labels
        .iter()
        .map(|l| Region {
            value: l.value,
            name: l.name.clone(),
            voxels: counts[usize::from(l.value)],
            volume_cc: counts[usize::from(l.value)] as f64 * voxel_cc,
        })
        .collect();
    regions.sort_by_key(|r| r.value);
    Ok(Segmentation { labels, regions })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::plan::Task;
    use crate::task::{ClassicalTask, Engine};
    use rt_core::Vec3;
    use rt_image::{Label, Volume};

    fn step() -> Step {
        Step {
            engine: Engine::Classical,
            task: Task::Classical(ClassicalTask::Body),
            image: "images/ct.nii".into(),
            device: Device::Cpu,
            expected: vec!["classical_body".into(), "classical_couch".into()],
        }
    }

    fn map(values: [u16; 4], names: &[(u16, &str)]) -> (LabelMap, Grid) {
        let grid = Grid::axis_aligned([4, 1, 1], Vec3::ZERO, [10.0, 10.0, 5.0]).unwrap();
        let data = ndarray::Array3::from_shape_vec((1, 1, 4), values.to_vec()).unwrap();
        let labels = names
            .iter()
            .map(|(value, name)| Label {
                value: *value,
                name: (*name).into(),
            })
            .collect();
        let volume = Volume::new(grid.clone(), data).unwrap();
        (LabelMap { volume, labels }, grid)
    }

    #[test]
    fn voxels_are_counted_by_label() {
        let (labels, grid) = map([1, 2, 1, 1], &[(1, "classical_body"), (2, "classical_couch")]);
        let s = harvest(&step(), labels, &grid).unwrap();
        // 3 voxels of 10 x 10 x 5 mm are 1.5 cm3.
        assert_eq!((s.regions[0].voxels, s.regions[1].voxels), (3, 1));
        assert!((s.regions[0].volume_cc - 1.5).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (labels, grid) = map([1, 5, 0, 0], &[(1, "classical_body")]);
        assert!(matches!(
            harvest(&step(), labels, &grid),
            Err(HarvestError::Unnamed { value: 5, voxels: 1, .. })
        ));
        for names in [
            &[(1, "liver")][..],
            &[(0, "classical_body")],
            &[(1, "classical_body"), (1, "classical_couch")],
        ] {
            let (labels, grid) = map([0, 0, 0, 0], names);
            assert!(
                matches!(harvest(&step(), labels, &grid), Err(HarvestError::Name { .. })),
                "{names:?}"
            );
        }
        let (labels, _) = map([0; 4], &[]);
        let moved = Grid::axis_aligned([4, 1, 1], Vec3::new(0.0, 0.0, 1.0), [10.0, 10.0, 5.0]).unwrap();
        let error = harvest(&step(), labels, &moved).unwrap_err();
        assert_eq!(error.code(), "seg.grid_mismatch");
        assert!(error.to_string().contains("images/ct.nii"), "{error}");
    }
}
