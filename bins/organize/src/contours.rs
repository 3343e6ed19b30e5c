//! The contours of a structure set as `contours/rs_NN.parquet`.

use std::io;

use camino::Utf8Path;
use rt_course::manifest::RoiRecord;
use rt_course::{WriteError, write_atomic};
use rt_dicom::rtstruct::{Roi, StructureSet};
use rt_records::parquet::{self, FileInfo};
use rt_records::tables::contours::{ContourRow, to_table};

/// Writes every contour of every region, and one row for a region without any.
///
/// # Errors
/// [`WriteError`] naming the file.
pub(crate) fn write_contours(path: &Utf8Path, set: &StructureSet) -> Result<(), WriteError> {
    let rows: Vec<ContourRow> = set.rois.iter().flat_map(rows_of).collect();
    write_atomic(path, |file| {
        let table = to_table(&rows).map_err(io::Error::other)?;
        parquet::write(file, &table, &FileInfo::new(env!("CARGO_PKG_VERSION"))).map_err(io::Error::other)?;
        Ok(())
    })
}

fn rows_of(roi: &Roi) -> Vec<ContourRow> {
    let base = ContourRow {
        roi_number: roi.number,
        roi_name: roi.name.clone(),
        interpreted_type: roi.interpreted_type.clone(),
        colour: roi.colour,
        frame_of_reference: roi.frame_uid.clone(),
        ..ContourRow::default()
    };
    if roi.contours.contours.is_empty() {
        return vec![base];
    }
    roi.contours
        .contours
        .iter()
        .enumerate()
        .map(|(index, contour)| ContourRow {
            contour_index: Some(index),
            kind: contour.kind.term().to_owned(),
            // Contours of patients are drawn on axial images; the plane of others is left to whoever fits it.
            plane_mm: contour.points.first().map(|p| p.z),
            points: contour.points.iter().map(|p| [p.x, p.y, p.z]).collect(),
            ..base.clone()
        })
        .collect()
}

/// The regions of a set as `course.json` lists them.
pub(crate) fn roi_records(set: &StructureSet) -> Vec<RoiRecord> {
    set.rois
        .iter()
        .map(|roi| RoiRecord {
            number: roi.number,
            name: roi.name.clone(),
            interpreted_type: roi.interpreted_type.clone(),
            colour: roi.colour,
            n_contours: roi.contours.contours.len(),
        })
        .collect()
}
