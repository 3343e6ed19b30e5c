//! The structures of the primary structure set, rasterised once on the planning CT.

use std::sync::Arc;

use anyhow::Context;
use camino::Utf8Path;
use indexmap::IndexMap;
use rayon::prelude::*;
use rt_cli::Failure;
use rt_core::{Grid, Progress, Vec3};
use rt_course::manifest::{ImageRecord, StructureSetRecord};
use rt_image::{Contour, ContourKind, ContourSet, Raster, RasterOptions, rasterize};
use rt_records::parquet;
use rt_records::tables::contours::{self, ContourRow};

use crate::region::{Absence, Identity, Made, Region, caught};

/// Value of `Segmentation_Source` for contours of a structure set.
pub const SOURCE: &str = "Manual";

/// One region of a structure set with its contours.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnRoi {
    /// `ROINumber`.
    pub number: i32,
    /// `ROIName`.
    pub name: String,
    /// `RTROIInterpretedType`.
    pub interpreted_type: String,
    /// Frame of reference.
    pub frame: String,
    /// Its contours, LPS mm.
    pub contours: ContourSet,
}

/// Reads `contours/rs_NN.parquet`; regions in stored order.
///
/// # Errors
/// When the file cannot be read or is another table.
pub fn read(path: &Utf8Path) -> Result<Vec<DrawnRoi>, anyhow::Error> {
    let rows = contours::from_table(&parquet::read(path.as_std_path()).map_err(|e| Failure::damaged(path, "organize", e.code(), e))?)
        .with_context(|| format!("{path} is no table of contours"))?;
    Ok(grouped(rows))
}

fn grouped(rows: Vec<ContourRow>) -> Vec<DrawnRoi> {
    let mut by_number: IndexMap<i32, DrawnRoi> = IndexMap::new();
    for row in rows {
        let roi = by_number.entry(row.roi_number).or_insert_with(|| DrawnRoi {
            number: row.roi_number,
            name: row.roi_name.clone(),
            interpreted_type: row.interpreted_type.clone(),
            frame: row.frame_of_reference.clone(),
            contours: ContourSet::default(),
        });
        if row.contour_index.is_some() {
            roi.contours.contours.push(Contour {
                // A term that the standard does not know encloses nothing.
                kind: ContourKind::from_term(&row.kind).unwrap_or(ContourKind::OpenNonplanar),
                points: row.points.into_iter().map(Vec3::from_array).collect(),
            });
        }
    }
    by_number.into_values().collect()
}

/// Rasterises all regions of a structure set, in parallel; one that fails does not stop the others.
///
/// # Errors
/// When the contours cannot be read.
pub fn regions(
    path: &Utf8Path,
    set: &StructureSetRecord,
    ct: &ImageRecord,
    grid: &Arc<Grid>,
    progress: &dyn Progress,
) -> Result<Vec<Region>, anyhow::Error> {
    let rois = read(path)?;
    progress.begin("contours to masks", rois.len() as u64);
    let regions = rois
        .into_par_iter()
        .map(|roi| {
            let made = caught(|| mask(&roi, set, ct, grid));
            let identity = Identity {
                source: SOURCE.to_owned(),
                origin: set.id.clone(),
                number: Some(roi.number),
                name: if roi.name.is_empty() {
                    format!("ROI {}", roi.number)
                } else {
                    roi.name
                },
                interpreted_type: roi.interpreted_type,
                expression: String::new(),
            };
            progress.inc(1);
            Region::new(identity, grid, made)
        })
        .collect();
    Ok(regions)
}

fn mask(roi: &DrawnRoi, set: &StructureSetRecord, ct: &ImageRecord, grid: &Arc<Grid>) -> Result<Made, Absence> {
    if roi.contours.contours.is_empty() {
        return Err(Absence::skipped("structures.empty", "has no contours"));
    }
    if !drawn_on(roi, set, ct) {
        let message = format!(
            "its frame of reference {} is not that of the planning CT ({}), and the structure set does not refer to this CT: register the images first",
            roi.frame, ct.frame_of_reference
        );
        return Err(Absence::failed("structures.frame_mismatch", message));
    }
    let raster = rasterize(&roi.contours, grid, RasterOptions::default()).map_err(|e| match e.code() {
        "structures.empty" => Absence::skipped(e.code(), e.to_string()),
        code => Absence::failed(code, e.to_string()),
    })?;
    Ok(Made {
        remarks: remarks(&raster),
        leaves_image: raster.leaves_grid,
        missing: Vec::new(),
        mask: raster.mask,
    })
}

/// Whether the contours are in the coordinates of the CT: same frame of reference, none given, or drawn on this very series.
fn drawn_on(roi: &DrawnRoi, set: &StructureSetRecord, ct: &ImageRecord) -> bool {
    roi.frame.is_empty()
        || ct.frame_of_reference.is_empty()
        || roi.frame == ct.frame_of_reference
        || set.referenced_series.contains(&ct.series_uid)
}

/// What a person should know about the reading of the contours.
fn remarks(raster: &Raster) -> Vec<String> {
    let notes = &raster.notes;
    let mut remarks = Vec::new();
    let mut count = |n: usize, what: &str| {
        if n > 0 {
            remarks.push(format!("{n} {what}"));
        }
    };
    count(notes.open_contours, "points or open lines left out");
    count(notes.degenerate_contours, "contours without area left out");
    count(notes.duplicate_contours, "contours drawn twice counted once");
    count(notes.breaks, "gaps between slices not bridged");
    count(raster.marked, "contours smaller than a voxel");
    if notes.overlap_fraction > 0.01 {
        let percent = 100.0 * notes.overlap_fraction;
        remarks.push(format!(
            "contours overlap on up to {percent:.0} % of a slice: the overlap counts as outside"
        ));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: i32, name: &str, index: Option<usize>, kind: &str) -> ContourRow {
        ContourRow {
            roi_number: number,
            roi_name: name.into(),
            contour_index: index,
            kind: kind.into(),
            points: vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
            ..ContourRow::default()
        }
    }

    #[test]
    fn rows_are_grouped_by_number_not_by_name() {
        let rois = grouped(vec![
            row(4, "PTV", Some(0), "CLOSED_PLANAR"),
            row(7, "PTV", Some(0), "POINT"),
            row(4, "PTV", Some(1), "SPIRAL"),
            row(9, "", None, ""),
        ]);
        let seen: Vec<(i32, usize)> = rois.iter().map(|r| (r.number, r.contours.contours.len())).collect();
        assert_eq!(seen, [(4, 2), (7, 1), (9, 0)]);
        assert_eq!(rois[0].contours.contours[1].kind, ContourKind::OpenNonplanar);
    }
}
