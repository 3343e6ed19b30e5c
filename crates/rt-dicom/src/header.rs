//! One file through the gate to its [`Object`].

use std::path::Path;

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use sha2::{Digest, Sha256};

use crate::dataset::{Dataset, Fields};
use crate::entry::{
    Acquisition, DoseFacts, FileOutcome, ImageFacts, Object, ObjectKind, Person, PixelFormat, PlanFacts, Plane, RegistrationFacts,
    StructureFacts,
};
use crate::gate::{self, Finding, GateError, Gated, Limits, Tolerance, Want};
use crate::sop::{self, Family};

/// Images of a structure set that are kept to find its series when it names none.
const MAX_IMAGE_REFERENCES: usize = 16;
/// Frames of one file that are kept.
const MAX_FRAMES: usize = 100_000;

/// Root elements that the scan reads, ascending.
const SCAN_TAGS: &[Tag] = &[
    tags::IMAGE_TYPE,
    tags::INSTANCE_CREATION_DATE,
    tags::INSTANCE_CREATION_TIME,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::SERIES_DATE,
    tags::ACQUISITION_DATE,
    tags::CONTENT_TIME,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::SERIES_DESCRIPTION,
    tags::MANUFACTURER_MODEL_NAME,
    tags::REFERENCED_SERIES_SEQUENCE,
    tags::STUDIES_CONTAINING_OTHER_REFERENCED_INSTANCES_SEQUENCE,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::SLICE_THICKNESS,
    tags::ECHO_NUMBERS,
    tags::CONVOLUTION_KERNEL,
    tags::DIFFUSION_B_VALUE,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::ACQUISITION_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::TEMPORAL_POSITION_IDENTIFIER,
    tags::SAMPLES_PER_PIXEL,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::REGISTRATION_SEQUENCE,
    tags::DOSE_SUMMATION_TYPE,
    tags::STRUCTURE_SET_LABEL,
    tags::STRUCTURE_SET_DATE,
    tags::STRUCTURE_SET_TIME,
    tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
    tags::STRUCTURE_SET_ROI_SEQUENCE,
    tags::RT_PLAN_LABEL,
    tags::RT_PLAN_NAME,
    tags::RT_PLAN_DATE,
    tags::RT_PLAN_TIME,
    tags::REFERENCED_RT_PLAN_SEQUENCE,
    tags::REFERENCED_STRUCTURE_SET_SEQUENCE,
    tags::APPROVAL_STATUS,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
];

/// Reads the header of one file. Never fails: what is wrong is the outcome.
pub(crate) fn read(path: &Path, limits: &Limits) -> FileOutcome {
    let gated = match gate::open(path, limits, Want::Tags(SCAN_TAGS)) {
        Ok(gated) => gated,
        Err(GateError::NotDicom { kind }) => return FileOutcome::NotDicom(kind),
        Err(GateError::Io(error)) => {
            return FileOutcome::NotRead {
                code: "file.unreadable".to_owned(),
                detail: error.to_string(),
            };
        }
        Err(error @ GateError::Rejected { .. }) => return refused(&error),
    };
    match Dataset::of(&gated) {
        Ok(dataset) => FileOutcome::Dicom(Box::new(object(&gated, &dataset))),
        Err(error) => refused(&error),
    }
}

fn refused(error: &GateError) -> FileOutcome {
    FileOutcome::Refused {
        code: error.code().to_owned(),
        detail: error.to_string(),
    }
}

fn object(gated: &Gated, dataset: &Dataset) -> Object {
    let f = dataset.fields();
    let text = |tag| f.text(tag).unwrap_or_default();
    let code = |tag| f.code(tag).unwrap_or_default();
    let sop_class = f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| gated.media_class.clone());
    let mut modality = code(tags::MODALITY);
    let family = sop::family(&sop_class, &modality);
    if modality.is_empty() {
        sop::modality_of(&sop_class).clone_into(&mut modality);
    }
    let sop_uid = code(tags::SOP_INSTANCE_UID);
    let mut object = Object {
        meta_mismatch: !sop_uid.is_empty() && !gated.media_instance.is_empty() && sop_uid != gated.media_instance,
        modality,
        syntax: gated.syntax.clone(),
        findings: gated.findings.clone(),
        content: (gated.content_start, gated.content_end),
        content_hash: None,
        created: f
            .date(tags::INSTANCE_CREATION_DATE)
            .map(|d| (d, f.time(tags::INSTANCE_CREATION_TIME))),
        person: person(f),
        patient_id: text(tags::PATIENT_ID),
        study_uid: code(tags::STUDY_INSTANCE_UID),
        series_uid: code(tags::SERIES_INSTANCE_UID),
        frame_uid: code(tags::FRAME_OF_REFERENCE_UID),
        series_number: f.integer(tags::SERIES_NUMBER),
        study_date: f.date(tags::STUDY_DATE),
        series_date: f.date(tags::SERIES_DATE).or_else(|| f.date(tags::ACQUISITION_DATE)),
        series_description: text(tags::SERIES_DESCRIPTION),
        device: format!("{} {}", text(tags::MANUFACTURER), text(tags::MANUFACTURER_MODEL_NAME))
            .trim()
            .to_owned(),
        kind: kind(family, gated, f),
        sop_class,
        sop_uid,
    };
    if dataset.charset().is_unknown() || dataset.charset().is_lossy() {
        object.findings.push(Finding {
            tolerance: Tolerance::Charset,
            offset: gated.content_start,
            tag: Some((8, 5)),
            detail: String::new(),
        });
    }
    object
}

fn kind(family: Family, gated: &Gated, f: Fields<'_>) -> ObjectKind {
    match family {
        Family::Image => ObjectKind::Image(Box::new(image(gated, f))),
        Family::Structures => ObjectKind::Structures(Box::new(structures(f))),
        Family::Plan => ObjectKind::Plan(Box::new(PlanFacts {
            label: f
                .text(tags::RT_PLAN_LABEL)
                .or_else(|| f.text(tags::RT_PLAN_NAME))
                .unwrap_or_default(),
            date: f.date(tags::RT_PLAN_DATE).map(|d| (d, f.time(tags::RT_PLAN_TIME))),
            approval: f.code(tags::APPROVAL_STATUS).unwrap_or_default(),
            structures: f.references(tags::REFERENCED_STRUCTURE_SET_SEQUENCE),
            plans: f.references(tags::REFERENCED_RT_PLAN_SEQUENCE),
        })),
        Family::Dose => ObjectKind::Dose(Box::new(DoseFacts {
            summation: f.code(tags::DOSE_SUMMATION_TYPE).unwrap_or_default(),
            plans: f.references(tags::REFERENCED_RT_PLAN_SEQUENCE),
            structures: f.references(tags::REFERENCED_STRUCTURE_SET_SEQUENCE),
        })),
        Family::Record => ObjectKind::Record {
            plans: f.references(tags::REFERENCED_RT_PLAN_SEQUENCE),
        },
        Family::Registration => ObjectKind::Registration(Box::new(registration(gated, f))),
        Family::Segmentation => ObjectKind::Segmentation,
        Family::Directory => ObjectKind::Directory,
        Family::Other | Family::Unknown => ObjectKind::Other,
    }
}

fn registration(gated: &Gated, f: Fields<'_>) -> RegistrationFacts {
    let class = f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| gated.media_class.clone());
    let items = f.items(tags::REGISTRATION_SEQUENCE);
    let mut frames: Vec<String> = items.filter_map(|i| i.code(tags::FRAME_OF_REFERENCE_UID)).collect();
    frames.extend(f.code(tags::FRAME_OF_REFERENCE_UID));
    let series_in = |level: Fields<'_>| -> Vec<String> {
        let items = level.items(tags::REFERENCED_SERIES_SEQUENCE);
        items.filter_map(|s| s.code(tags::SERIES_INSTANCE_UID)).collect()
    };
    let mut series = series_in(f);
    for study in f.items(tags::STUDIES_CONTAINING_OTHER_REFERENCED_INSTANCES_SEQUENCE) {
        series.extend(series_in(study));
    }
    RegistrationFacts {
        frames: unique(frames),
        series: unique(series),
        // By its class: the vector field itself is large and is not looked at.
        is_deformable: sop::is_deformable(&class),
    }
}

/// Digests of name and birth date; of the stored bytes, so that a wrong character set makes no other person.
fn person(f: Fields<'_>) -> Person {
    let part = |tag: Tag| -> Vec<u8> {
        let stored = f.bytes(tag).unwrap_or_default();
        let kept = stored.iter().filter(|b| b.is_ascii_alphanumeric() || **b > 127);
        kept.map(u8::to_ascii_uppercase).collect()
    };
    let (name, birth) = (part(tags::PATIENT_NAME), part(tags::PATIENT_BIRTH_DATE));
    let id = f.bytes(tags::PATIENT_ID).unwrap_or_default();
    let digest = |needed: &[&[u8]], parts: &[&[u8]]| {
        if needed.iter().any(|p| p.is_empty()) {
            return 0;
        }
        let hash = Sha256::digest(parts.join(&b"|"[..]));
        hash.iter().take(8).fold(0_u64, |n, b| n << 8 | u64::from(*b)).max(1)
    };
    Person {
        name: digest(&[&name], &[b"name", &id, &name]),
        birth: digest(&[&birth], &[b"birth", &id, &birth]),
        name_and_birth: digest(&[&name, &birth], &[b"person", &name, &birth]),
    }
}

/// The same list without repetitions, in order of first appearance.
pub(crate) fn unique(list: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for item in list {
        if !item.is_empty() && !out.contains(&item) {
            out.push(item);
        }
    }
    out
}

fn structures(f: Fields<'_>) -> StructureFacts {
    let mut frames = Vec::new();
    let mut series = Vec::new();
    let mut images = Vec::new();
    for frame in f.items(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE) {
        frames.extend(frame.code(tags::FRAME_OF_REFERENCE_UID));
        for study in frame.items(tags::RT_REFERENCED_STUDY_SEQUENCE) {
            for item in study.items(tags::RT_REFERENCED_SERIES_SEQUENCE) {
                series.extend(item.code(tags::SERIES_INSTANCE_UID));
                let references = item.items(tags::CONTOUR_IMAGE_SEQUENCE);
                images.extend(
                    references
                        .filter_map(|i| i.code(tags::REFERENCED_SOP_INSTANCE_UID))
                        .take(MAX_IMAGE_REFERENCES),
                );
            }
        }
    }
    let mut roi_count = 0;
    let mut by_roi = Vec::new();
    for roi in f.items(tags::STRUCTURE_SET_ROI_SEQUENCE) {
        roi_count += 1;
        by_roi.extend(roi.code(tags::REFERENCED_FRAME_OF_REFERENCE_UID));
    }
    if frames.is_empty() {
        frames = by_roi;
    }
    StructureFacts {
        label: f.text(tags::STRUCTURE_SET_LABEL).unwrap_or_default(),
        date: f.date(tags::STRUCTURE_SET_DATE).map(|d| (d, f.time(tags::STRUCTURE_SET_TIME))),
        approval: f.code(tags::APPROVAL_STATUS).unwrap_or_default(),
        frames: unique(frames),
        series: unique(series),
        images: unique(images),
        roi_count,
    }
}

fn image(gated: &Gated, f: Fields<'_>) -> ImageFacts {
    let (format, bad_value) = match pixel_format(f) {
        Ok(format) => (format, None),
        Err(what) => (None, Some(what)),
    };
    let (planes, bad_plane) = match planes(f, format.map_or(1, |p| p.frames)) {
        Ok(planes) => (planes, None),
        Err(what) => (Vec::new(), Some(what)),
    };
    ImageFacts {
        planes,
        format,
        bad_value: bad_value.or(bad_plane),
        pixels: gated.pixels.as_ref().map(|p| (p.declared, p.have)),
        thickness: f.f64(tags::SLICE_THICKNESS),
        image_type: f.texts(tags::IMAGE_TYPE).join("\\"),
        acquisition: Acquisition {
            number: f.integer(tags::ACQUISITION_NUMBER).unwrap_or(0),
            temporal: f.integer(tags::TEMPORAL_POSITION_IDENTIFIER).unwrap_or(0),
            echo: f.integer(tags::ECHO_NUMBERS).unwrap_or(0),
            b_value: f.f64(tags::DIFFUSION_B_VALUE).map(|v| v.to_string()).unwrap_or_default(),
            kernel: f.texts(tags::CONVOLUTION_KERNEL).join("\\"),
            content_time: f.time(tags::CONTENT_TIME),
        },
        lossy: sop::is_lossy(&gated.syntax) || f.code(tags::LOSSY_IMAGE_COMPRESSION).as_deref() == Some("01"),
    }
}

/// The sample format: `Ok(None)` when an attribute is missing.
///
/// # Errors
/// The name of an attribute whose value is no number.
pub(crate) fn pixel_format(f: Fields<'_>) -> Result<Option<PixelFormat>, String> {
    let number = |tag: Tag, name: &str, missing: Option<u32>| match f.unsigned::<u32>(tag) {
        Some(v) => Ok(Some(v)),
        None if f.text(tag).is_some() => Err(name.to_owned()),
        None => Ok(missing),
    };
    let small = |v: Option<u32>| v.and_then(|v| u16::try_from(v).ok());
    let rows = number(tags::ROWS, "Rows", None)?;
    let columns = number(tags::COLUMNS, "Columns", None)?;
    let frames = number(tags::NUMBER_OF_FRAMES, "NumberOfFrames", Some(1))?;
    let samples = small(number(tags::SAMPLES_PER_PIXEL, "SamplesPerPixel", Some(1))?);
    let allocated = small(number(tags::BITS_ALLOCATED, "BitsAllocated", None)?);
    let stored = small(number(tags::BITS_STORED, "BitsStored", None)?).or(allocated);
    let high = small(number(tags::HIGH_BIT, "HighBit", None)?).or(stored.map(|s| s.saturating_sub(1)));
    let signed = number(tags::PIXEL_REPRESENTATION, "PixelRepresentation", Some(0))? == Some(1);
    let parts = (rows, columns, frames, samples, allocated, stored, high);
    let (Some(rows), Some(columns), Some(frames), Some(samples), Some(allocated), Some(stored), Some(high)) = parts else {
        return Ok(None);
    };
    Ok(Some(PixelFormat {
        rows,
        columns,
        frames: frames.max(1),
        samples,
        allocated,
        stored,
        high,
        signed,
    }))
}

/// Geometry of each frame: from the root, or from the functional groups of an enhanced object (PS3.3 C.7.6.16).
///
/// # Errors
/// The name of an attribute that has a value, and no usable one.
pub(crate) fn planes(f: Fields<'_>, frames: u32) -> Result<Vec<Plane>, String> {
    let shared = f.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let mut out = Vec::new();
    for (frame, own) in f.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).enumerate().take(MAX_FRAMES) {
        let Ok(frame) = u32::try_from(frame) else { break };
        out.extend(plane(frame, f, shared, Some(own))?);
    }
    if out.is_empty() && frames == 1 {
        out.extend(plane(0, f, shared, None)?);
    }
    Ok(out)
}

fn plane(frame: u32, root: Fields<'_>, shared: Option<Fields<'_>>, own: Option<Fields<'_>>) -> Result<Option<Plane>, String> {
    // The frame's own group first, then the shared one, then the root of a classic object.
    let group = |macro_tag: Tag| {
        [own, shared]
            .into_iter()
            .flatten()
            .find_map(|level| level.item(macro_tag))
            .unwrap_or(root)
    };
    let position = numbers(
        group(tags::PLANE_POSITION_SEQUENCE),
        tags::IMAGE_POSITION_PATIENT,
        "ImagePositionPatient",
    )?;
    let orientation = numbers(
        group(tags::PLANE_ORIENTATION_SEQUENCE),
        tags::IMAGE_ORIENTATION_PATIENT,
        "ImageOrientationPatient",
    )?;
    let spacing: Option<[f64; 2]> = numbers(group(tags::PIXEL_MEASURES_SEQUENCE), tags::PIXEL_SPACING, "PixelSpacing")?;
    if spacing.is_some_and(|s| s.iter().any(|v| *v <= 0.0)) {
        return Err("PixelSpacing".to_owned());
    }
    let values = group(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
    let slope: Option<[f64; 1]> = numbers(values, tags::RESCALE_SLOPE, "RescaleSlope")?;
    let intercept: Option<[f64; 1]> = numbers(values, tags::RESCALE_INTERCEPT, "RescaleIntercept")?;
    let (Some(position), Some(orientation), Some(spacing)) = (position, orientation, spacing) else {
        return Ok(None);
    };
    Ok(Some(Plane {
        frame,
        position,
        orientation,
        spacing,
        slope: slope.map_or(1.0, |[v]| v),
        intercept: intercept.map_or(0.0, |[v]| v),
        temporal: group(tags::FRAME_CONTENT_SEQUENCE)
            .unsigned(tags::TEMPORAL_POSITION_INDEX)
            .unwrap_or(0),
    }))
}

/// The first `N` numbers of an element; `None` when it is missing or empty.
///
/// # Errors
/// The name, when there is a value that is no `N` finite numbers: nothing may stand in for it.
fn numbers<const N: usize>(f: Fields<'_>, tag: Tag, name: &str) -> Result<Option<[f64; N]>, String> {
    match f.array(tag) {
        None if f.text(tag).is_some() => Err(name.to_owned()),
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_tags_are_sorted() {
        assert!(SCAN_TAGS.windows(2).all(|w| w[0] < w[1]));
    }
}
