//! `inventory`: one row per file that organize found, whatever it is. Written by organize; the XLSX follows in aggregate.

use crate::schema::TableSchema;
pub use crate::tables::{COURSE_ID, PATIENT_ID};
use crate::tables::{IDS, contract};

columns! {
    /// Columns after the ids.
    COLUMNS:
    PATH = Text "path" [""] "File relative to the input folder; control characters escaped";
    BYTES = Int "bytes" ["B"] "Size";
    CLASS = Text "class" [""] "What the file is: image, plan, dose, structures, record, registration, other_dicom, not_dicom, unreadable, ...";
    REASON = Text "reason" [""] "ok, or the code of why the file is not used";
    USE = Text "use" [""] "used, ignored, duplicate, conflict or failed";
    DETAIL = Text "detail" [""] "The reason in words";
    MODALITY = Text "modality" [""] "Modality (0008,0060)";
    SOP_CLASS_UID = Text "sop_class_uid" [""] "SOPClassUID (0008,0016)";
    SOP_INSTANCE_UID = Text "sop_instance_uid" [""] "SOPInstanceUID (0008,0018)";
    STUDY_INSTANCE_UID = Text "study_instance_uid" [""] "StudyInstanceUID (0020,000D)";
    SERIES_INSTANCE_UID = Text "series_instance_uid" [""] "SeriesInstanceUID (0020,000E)";
    FRAME_OF_REFERENCE_UID = Text "frame_of_reference_uid" [""] "FrameOfReferenceUID (0020,0052)";
    TRANSFER_SYNTAX_UID = Text "transfer_syntax_uid" [""] "TransferSyntaxUID (0002,0010)";
}

/// The table.
pub fn schema() -> TableSchema {
    contract("inventory", &[IDS, COLUMNS])
}
