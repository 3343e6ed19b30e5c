//! The structures as DICOM objects for other programs: `RS_auto.dcm`, `RS_custom.dcm`, `SEG_auto.dcm`.
//!
//! Automatic structures (segmentation engines) go to the first and the last, derived ones to the second; manual ones are in the structure
//! set that they came from. Rules: `spec/segmentation.md` 5.4 and 5.6, `spec/ingest.md` 7.2.

use std::collections::BTreeMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use rt_cli::StageReport;
use rt_course::manifest::{CourseRecord, ImageRecord};
use rt_course::sidecar::{ImageSidecar, LabelIndex};
use rt_course::{CourseDir, read_json, write_atomic};
use rt_dicom::{
    NewRoi, NewSegment, NewSegmentation, NewStructureSet, Origin, OriginSlice, SegWriteError, write_segmentation, write_structures,
};
use rt_image::{TraceOptions, trace};
use rt_structures::StructuresConfig;

use crate::region::Region;
use crate::{automatic, codes, derived, manual};

/// `SeriesNumber` of the automatic structure set; those of the others follow.
const FIRST_SERIES: i64 = 9001;

/// The DICOM file whose header says whom the image is of: its first slice, when the course keeps DICOM files.
pub fn header_file(course: &CourseDir, record: &CourseRecord, facts: &ImageSidecar) -> Option<Utf8PathBuf> {
    let first = &facts.slices.first()?.sop_uid;
    let file = record.files.iter().find(|f| f.sop_uid == *first && !f.path.is_empty())?;
    course.file(&file.path).ok().filter(|path| path.is_file())
}

/// What the objects take from the planning CT. Without DICOM files in the course, patient and dates are those of `course.json`.
fn origin(course: &CourseDir, record: &CourseRecord, ct: &ImageRecord, facts: &ImageSidecar) -> Origin {
    let known = header_file(course, record, facts).and_then(|path| match Origin::read(path.as_std_path()) {
        Ok(origin) => Some(origin),
        Err(e) => {
            tracing::warn!(event = "warn", code = e.code(), "written without names and dates of the CT: {e}");
            None
        }
    });
    let mut origin = known.unwrap_or_else(|| Origin {
        patient_id: record.patient_id.clone(),
        date: record.start.clone().unwrap_or_default().replace('-', ""),
        ..Origin::default()
    });
    origin.study_uid.clone_from(&ct.study_uid);
    origin.series_uid.clone_from(&ct.series_uid);
    origin.frame_uid.clone_from(&ct.frame_of_reference);
    origin.sop_class.clone_from(&facts.sop_class_uid);
    let normal = facts.grid.normal();
    origin.normal = if normal.dot(facts.grid.direction().z_axis) < 0.0 {
        -normal
    } else {
        normal
    };
    let slice = |s: &rt_course::sidecar::SliceRef| OriginSlice {
        sop_uid: s.sop_uid.clone(),
        position_mm: s.position_mm,
    };
    origin.slices = facts.slices.iter().map(slice).collect();
    origin
}

/// Writes the objects that the configuration asks for and that have something in them.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    course: &CourseDir,
    record: &CourseRecord,
    ct: &ImageRecord,
    facts: &ImageSidecar,
    regions: &[Region],
    config: &StructuresConfig,
    report: &mut StageReport,
) -> Result<(), anyhow::Error> {
    if !config.write_rtstruct && !config.write_seg {
        return Ok(());
    }
    let made: Vec<&Region> = regions
        .iter()
        .filter(|r| !r.mask.is_empty() && r.entry.source != manual::SOURCE)
        .collect();
    let (custom, auto): (Vec<&Region>, Vec<&Region>) = made.into_iter().partition(|r| r.entry.source == derived::SOURCE);
    if custom.is_empty() && auto.is_empty() {
        return Ok(());
    }
    let origin = origin(course, record, ct, facts);
    let makers = makers(course);
    if config.write_rtstruct {
        let sets = [
            (course.rs_auto(), &auto, "Automatic", FIRST_SERIES),
            (course.rs_custom(), &custom, "Derived", FIRST_SERIES + 1),
        ];
        for (path, members, kind, number) in sets.into_iter().filter(|(_, members, ..)| !members.is_empty()) {
            let set = structure_set(kind, number, members, &makers, config);
            object(&path, report, |sink| write_structures(sink, &set, &origin))?;
        }
    }
    if config.write_seg && !auto.is_empty() {
        let segmentation = NewSegmentation {
            description: "Automatic structures (rtpipeline)".to_owned(),
            series_number: FIRST_SERIES + 2,
            segments: auto.iter().map(|r| segment(r, &makers)).collect(),
        };
        object(&course.seg_auto(), report, |sink| {
            write_segmentation(sink, &segmentation, &origin).map_err(|e| match e {
                SegWriteError::Io(e) => e,
                other => io::Error::new(io::ErrorKind::InvalidInput, other),
            })
        })?;
    }
    Ok(())
}

fn object(
    path: &Utf8Path,
    report: &mut StageReport,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<String>,
) -> Result<(), anyhow::Error> {
    write_atomic(path, |file| write(file).map(drop))?;
    report.wrote(path);
    Ok(())
}

/// What made the label map of each folder, as people and programs name it.
fn makers(course: &CourseDir) -> BTreeMap<String, String> {
    let maker = |folder: &Utf8PathBuf| {
        let index: LabelIndex = read_json(&CourseDir::seg_names(folder)).ok()?;
        let text = format!("{} {} {}", index.engine, index.task, index.engine_version);
        Some((automatic::origin(folder), text))
    };
    automatic::folders(course).iter().filter_map(maker).collect()
}

fn made_by(region: &Region, makers: &BTreeMap<String, String>) -> String {
    if region.entry.expression.is_empty() {
        makers
            .get(&region.entry.origin)
            .cloned()
            .unwrap_or_else(|| region.entry.origin.clone())
    } else {
        region.entry.expression.clone()
    }
}

fn structure_set(
    kind: &str,
    series_number: i64,
    members: &[&Region],
    makers: &BTreeMap<String, String>,
    config: &StructuresConfig,
) -> NewStructureSet {
    let options = TraceOptions {
        holes: config.holes,
        ..TraceOptions::default()
    };
    let roi = |region: &&Region| NewRoi {
        name: region.entry.name.clone(),
        made_by: made_by(region, makers),
        algorithm: "AUTOMATIC".to_owned(),
        interpreted_type: interpreted_type(region),
        colour: None,
        contours: trace(&region.mask, options),
    };
    NewStructureSet {
        label: format!("{kind} rtpipe"),
        description: format!("{kind} structures (rtpipeline)"),
        series_number,
        name_max: config.roi_name_max,
        rois: members.par_iter().map(roi).collect(),
    }
}

/// The type that was given, else that of the patient's outline, else an organ; derived structures have none unless their recipe says so.
fn interpreted_type(region: &Region) -> String {
    let entry = &region.entry;
    if !entry.interpreted_type.is_empty() {
        return entry.interpreted_type.clone();
    }
    let name = entry.original_name.to_lowercase();
    match (entry.source.as_str(), name.as_str()) {
        (_, "body" | "external" | "skin" | "body_trunc") => "EXTERNAL",
        (derived::SOURCE, _) => "",
        _ => "ORGAN",
    }
    .to_owned()
}

fn segment<'a>(region: &'a Region, makers: &BTreeMap<String, String>) -> NewSegment<'a> {
    let (code, laterality) = codes::of(&region.entry.original_name);
    NewSegment {
        name: region.entry.name.clone(),
        algorithm: made_by(region, makers),
        algorithm_type: "AUTOMATIC".to_owned(),
        code,
        laterality,
        mask: &region.mask,
    }
}
