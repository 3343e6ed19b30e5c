//! The structures of the segmentation engines: label maps on the planning CT.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use rt_cli::Failure;
use rt_core::{Grid, GridTolerance};
use rt_course::sidecar::LabelIndex;
use rt_course::{CourseDir, read_json};
use rt_image::{Label, LabelMap, Volume};

use crate::region::{Absence, Identity, Made, Region};

/// Folders of the course that hold a label map and its names, sorted; other files in `seg/` are ignored.
pub fn folders(course: &CourseDir) -> Vec<Utf8PathBuf> {
    let mut found: Vec<Utf8PathBuf> = course
        .seg_dir()
        .read_dir_utf8()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(camino::Utf8DirEntry::into_path))
        .filter(|folder| CourseDir::seg_names(folder).is_file() && CourseDir::seg_labels(folder).is_file())
        .collect();
    found.sort();
    found
}

/// `seg/<folder>`, as tables name where a structure comes from.
pub fn origin(folder: &Utf8Path) -> String {
    format!("seg/{}", folder.file_name().unwrap_or_default())
}

/// One label map and what its values mean.
#[derive(Debug)]
pub struct Segmentation {
    origin: String,
    index: LabelIndex,
    volume: Volume<u16>,
}

impl Segmentation {
    /// Reads `labels.json` and `labels.nii.gz` of a folder.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(course: &CourseDir, folder: &Utf8Path) -> Result<Self, anyhow::Error> {
        let index: LabelIndex = read_json(&CourseDir::seg_names(folder))?;
        let path = CourseDir::seg_labels(folder);
        let inside = path.strip_prefix(course.root()).unwrap_or(&path).to_owned();
        let volume = rt_nifti::read::<u16>(path.as_std_path()).map_err(|e| Failure::damaged(inside, "segment", e.code(), e))?;
        Ok(Self {
            origin: origin(folder),
            index,
            volume,
        })
    }

    /// The labels as structures on the grid of the planning CT.
    pub fn regions(self, grid: &Arc<Grid>) -> Vec<Region> {
        let Self { origin, index, volume } = self;
        let identity = |name: &str| Identity {
            source: index.source.clone(),
            origin: origin.clone(),
            name: name.to_owned(),
            ..Identity::default()
        };
        let refused = |why: String| {
            let absent = |name: &String| Region::new(identity(name), grid, Err(Absence::failed("structures.other_grid", why.clone())));
            index.labels.iter().map(|l| absent(&l.name)).collect()
        };
        if let Some(difference) = grid.difference(volume.grid(), GridTolerance::default()) {
            return refused(format!(
                "{origin} is not on the grid of the planning CT: {difference}; run the segment stage again"
            ));
        }
        let labels = index.labels.iter().map(|l| Label {
            value: l.value,
            name: l.name.clone(),
        });
        let data = volume.into_data();
        // The CT's own grid, so that all masks share it.
        let map = match Volume::new(Arc::clone(grid), data) {
            Ok(volume) => LabelMap {
                volume,
                labels: labels.collect(),
            },
            Err(e) => return refused(e.to_string()),
        };
        match map.to_masks() {
            Ok(masks) => {
                let named = map.labels.iter().zip(masks);
                named
                    .map(|(label, mask)| Region::new(identity(&label.name), grid, Ok(Made::new(mask))))
                    .collect()
            }
            Err(e) => refused(e.to_string()),
        }
    }
}
