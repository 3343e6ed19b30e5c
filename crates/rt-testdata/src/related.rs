//! Objects beside a course: registrations, treatment records, PET slices, enhanced multi-frame images (PS3.3 A.39, A.29, A.21, A.38).

use crate::dicom::{DataSet, Tag, Value, tag};

/// One beam of a [`beam_record`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivered {
    /// `ReferencedBeamNumber`.
    pub beam: i64,
    /// `CurrentFractionNumber`; left out when `None`.
    pub fraction: Option<i64>,
    /// `SpecifiedPrimaryMeterset`.
    pub specified: f64,
    /// `DeliveredPrimaryMeterset`.
    pub delivered: f64,
    /// `TreatmentTerminationStatus`.
    pub termination: &'static str,
}

/// Patient, study and identity of an object of a class.
fn header(patient: &str, class: &str, modality: &str, uid: &str) -> DataSet {
    DataSet::new()
        .text(tag::SOP_CLASS_UID, class)
        .text(tag::SOP_INSTANCE_UID, uid)
        .text(tag::MODALITY, modality)
        .text(tag::PATIENT_ID, patient)
        .text(tag::STUDY_INSTANCE_UID, "2.25.900")
        .text(tag::SERIES_INSTANCE_UID, &format!("{uid}.1"))
}

/// A spatial registration: the matrix (row by row) takes points of `from` to `to`, the object's own frame.
pub fn registration(patient: &str, uid: &str, from: &str, to: &str, matrix: [f64; 16]) -> DataSet {
    let matrix = DataSet::new()
        .decimals(tag::FRAME_OF_REFERENCE_TRANSFORMATION_MATRIX, &matrix)
        .text(tag::FRAME_OF_REFERENCE_TRANSFORMATION_MATRIX_TYPE, "RIGID");
    let inner = DataSet::new().items(tag::MATRIX_SEQUENCE, vec![matrix]);
    let item = DataSet::new()
        .text(tag::FRAME_OF_REFERENCE_UID, from)
        .items(tag::MATRIX_REGISTRATION_SEQUENCE, vec![inner]);
    header(patient, "1.2.840.10008.5.1.4.1.1.66.1", "REG", uid)
        .text(tag::FRAME_OF_REFERENCE_UID, to)
        .items(tag::REGISTRATION_SEQUENCE, vec![item])
        .in_order()
}

/// A beams treatment record of one session.
pub fn beam_record(patient: &str, uid: &str, plan: &str, day: &str, time: &str, beams: &[Delivered]) -> DataSet {
    let session = beams.iter().map(|b| {
        let set = DataSet::new()
            .text(tag::TREATMENT_TERMINATION_STATUS, b.termination)
            .decimals(tag::SPECIFIED_PRIMARY_METERSET, &[b.specified])
            .decimals(tag::DELIVERED_PRIMARY_METERSET, &[b.delivered])
            .text(tag::TREATMENT_DELIVERY_TYPE, "TREATMENT")
            .integers(tag::REFERENCED_BEAM_NUMBER, &[b.beam]);
        match b.fraction {
            Some(n) => set.integers(tag::CURRENT_FRACTION_NUMBER, &[n]),
            None => set,
        }
    });
    let machine = DataSet::new().text(tag::TREATMENT_MACHINE_NAME, "LINAC1");
    let reference = DataSet::new()
        .text(tag::REFERENCED_SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.481.5")
        .text(tag::REFERENCED_SOP_INSTANCE_UID, plan);
    header(patient, "1.2.840.10008.5.1.4.1.1.481.4", "RTRECORD", uid)
        .text(tag::TREATMENT_DATE, day)
        .text(tag::TREATMENT_TIME, time)
        .items(tag::TREATMENT_SESSION_BEAM_SEQUENCE, session.collect())
        .items(tag::TREATMENT_MACHINE_SEQUENCE, vec![machine])
        .items(tag::REFERENCED_RT_PLAN_SEQUENCE, vec![reference])
        .in_order()
}

/// A CT slice as a PET slice of the same place: 70 kg, 1e8 Bq of a nuclide of 3600 s half-life, half an hour before the scan.
pub fn pet(slice: DataSet, series: &str) -> DataSet {
    let uid = format!("{}.7", slice.text_of(tag::SOP_INSTANCE_UID).unwrap_or("2.25.7"));
    let drug = DataSet::new()
        .text(tag::RADIOPHARMACEUTICAL, "Fluorodeoxyglucose")
        .text(tag::RADIOPHARMACEUTICAL_START_TIME, "100000")
        .decimals(tag::RADIONUCLIDE_TOTAL_DOSE, &[1e8])
        .decimals(tag::RADIONUCLIDE_HALF_LIFE, &[3600.0]);
    slice
        .text(tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.128")
        .text(tag::SOP_INSTANCE_UID, &uid)
        .text(tag::SERIES_INSTANCE_UID, series)
        .text(tag::MODALITY, "PT")
        .text(tag::SERIES_DATE, "20240105")
        .text(tag::ACQUISITION_DATE, "20240105")
        .text(tag::SERIES_TIME, "103000")
        .text(tag::ACQUISITION_TIME, "103000")
        .text(tag::PATIENT_SEX, "F")
        .decimals(tag::PATIENT_SIZE, &[1.7])
        .decimals(tag::PATIENT_WEIGHT, &[70.0])
        .text(tag::CORRECTED_IMAGE, "DECY\\ATTN\\SCAT")
        .text(tag::UNITS, "BQML")
        .text(tag::DECAY_CORRECTION, "START")
        .items(tag::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, vec![drug])
        .in_order()
}

/// Classic slices as one Enhanced CT object: position and rescale of each frame in its own group, frames in the order given.
pub fn enhanced(slices: &[DataSet]) -> DataSet {
    let mut words = Vec::new();
    let mut frames = Vec::new();
    for slice in slices {
        if let Some(Value::Words(own)) = slice.get(tag::PIXEL_DATA).map(|e| &e.value) {
            words.extend(own);
        }
        frames.push(frame(slice));
    }
    let mut set = slices.first().cloned().unwrap_or_default();
    let own = [
        tag::IMAGE_POSITION_PATIENT,
        tag::IMAGE_ORIENTATION_PATIENT,
        tag::PIXEL_SPACING,
        tag::RESCALE_SLOPE,
        tag::RESCALE_INTERCEPT,
        tag::SLICE_THICKNESS,
    ];
    let shared = DataSet::new()
        .items(tag::PLANE_ORIENTATION_SEQUENCE, vec![only(&set, &[tag::IMAGE_ORIENTATION_PATIENT])])
        .items(
            tag::PIXEL_MEASURES_SEQUENCE,
            vec![only(&set, &[tag::PIXEL_SPACING, tag::SLICE_THICKNESS])],
        );
    for tag in own {
        set.remove(tag);
    }
    set.text(tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2.1")
        .text(tag::SOP_INSTANCE_UID, "2.25.808")
        .integers(tag::NUMBER_OF_FRAMES, &[i64::try_from(slices.len()).unwrap_or(0)])
        .items(tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared])
        .items(tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames)
        .with(tag::PIXEL_DATA, *b"OW", Value::Words(words))
        .in_order()
}

fn frame(slice: &DataSet) -> DataSet {
    DataSet::new()
        .items(tag::PLANE_POSITION_SEQUENCE, vec![only(slice, &[tag::IMAGE_POSITION_PATIENT])])
        .items(
            tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
            vec![only(slice, &[tag::RESCALE_INTERCEPT, tag::RESCALE_SLOPE])],
        )
}

/// Some elements of a data set.
fn only(set: &DataSet, tags: &[Tag]) -> DataSet {
    DataSet {
        elements: set.elements.iter().filter(|e| tags.contains(&e.tag)).cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_object_holds_the_pixels_of_all_slices() {
        let slice = |z: f64| {
            DataSet::new()
                .text(tag::SOP_INSTANCE_UID, "2.25.1")
                .decimals(tag::IMAGE_POSITION_PATIENT, &[0.0, 0.0, z])
                .decimals(tag::PIXEL_SPACING, &[1.0, 1.0])
                .with(tag::PIXEL_DATA, *b"OW", Value::Words(vec![1, 2]))
        };
        let mut set = enhanced(&[slice(0.0), slice(3.0)]);
        assert_eq!(set.get(tag::PIXEL_DATA).map(|e| &e.value), Some(&Value::Words(vec![1, 2, 1, 2])));
        assert!(set.get(tag::IMAGE_POSITION_PATIENT).is_none());
        let second = &mut set.items_mut(tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)[1];
        let position = second.items_mut(tag::PLANE_POSITION_SEQUENCE)[0]
            .text_of(tag::IMAGE_POSITION_PATIENT)
            .map(str::to_owned);
        assert_eq!(position.as_deref(), Some("0\\0\\3"));
    }
}
