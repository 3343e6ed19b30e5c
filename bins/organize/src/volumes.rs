//! Images and doses of a course as NIfTI volumes with their sidecars.

use std::io;

use camino::Utf8Path;
use rt_course::manifest::{SCHEMA_VERSION, Warning};
use rt_course::sidecar::{DoseSidecar, ImageSidecar, SliceRef, StoredHistogram};
use rt_course::{CourseDir, WriteError, write_atomic, write_json};
use rt_dicom::image::{ImageData, ImageSeries};
use rt_dicom::rtdose::Dose;
use rt_dicom::series::SeriesEntry;
use rt_dicom::{Notice, StoredDvh};
use rt_nifti::{Sample, WriteOptions};

/// Findings as `course.json` keeps them.
pub(crate) fn warnings(notices: &[Notice]) -> Vec<Warning> {
    notices
        .iter()
        .map(|n| Warning {
            code: n.code.to_owned(),
            detail: n.detail.clone(),
        })
        .collect()
}

/// Writes an image volume and its sidecar. `frame` is the frame of reference that its grid stands in: that of the series, or the course's
/// when a registration brought it there.
///
/// # Errors
/// [`WriteError`] naming the file.
pub(crate) fn write_image(nifti: &Utf8Path, series: &SeriesEntry, frame: &str, image: &ImageSeries) -> Result<(), WriteError> {
    match &image.data {
        ImageData::I16(volume) => write_volume(nifti, volume)?,
        ImageData::F32(volume) => write_volume(nifti, volume)?,
    }
    let sidecar = ImageSidecar {
        schema_version: SCHEMA_VERSION,
        modality: series.modality.clone(),
        series_uid: series.series_uid.clone(),
        study_uid: series.study_uid.clone(),
        frame_of_reference: frame.to_owned(),
        sop_class_uid: image.header.sop_class.clone(),
        unit: image.header.unit.clone(),
        grid: image.data.grid().as_ref().clone(),
        slices: image
            .slices
            .iter()
            .map(|s| SliceRef {
                sop_uid: s.sop_uid.clone(),
                position_mm: s.position_mm,
            })
            .collect(),
        resampled_slices: image.resampled_slices,
        gantry_tilt_deg: image.gantry_tilt_deg,
        lossy: image.lossy,
        warnings: warnings(&image.notices),
    };
    write_json(CourseDir::sidecar(nifti), &sidecar)
}

/// Writes a dose volume and its sidecar. The sidecar's grid is the truth: a NIfTI header cannot hold uneven frames.
///
/// # Errors
/// [`WriteError`] naming the file.
pub(crate) fn write_dose(nifti: &Utf8Path, dose: &Dose) -> Result<(), WriteError> {
    write_volume(nifti, &dose.volume)?;
    let header = &dose.header;
    let sidecar = DoseSidecar {
        schema_version: SCHEMA_VERSION,
        grid: dose.volume.grid().as_ref().clone(),
        units: header.units.term().to_owned(),
        dose_type: header.dose_type.clone(),
        frame_of_reference: header.frame_uid.clone(),
        min: header.min,
        max: header.max,
        mean: header.mean,
        scaling: (!header.sop_uid.is_empty()).then_some(header.scaling),
        stored_dvhs: header.stored_dvhs.iter().map(stored).collect(),
        warnings: warnings(&dose.notices),
    };
    write_json(CourseDir::sidecar(nifti), &sidecar)
}

/// A stored histogram as the sidecar keeps it.
fn stored(histogram: &StoredDvh) -> StoredHistogram {
    StoredHistogram {
        rois: histogram.rois.clone(),
        excludes: histogram.excludes,
        dose_units: histogram.dose_units.clone(),
        volume_units: histogram.volume_units.clone(),
        dose: histogram.dose.clone(),
        volume: histogram.volume.clone(),
    }
}

fn write_volume<T: Sample>(path: &Utf8Path, volume: &rt_image::Volume<T>) -> Result<(), WriteError> {
    write_atomic(path, |file| {
        rt_nifti::write_to(file, volume.view(), &WriteOptions::default()).map_err(io::Error::other)
    })
}
