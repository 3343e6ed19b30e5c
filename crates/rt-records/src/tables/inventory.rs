//! `inventory`: one row per file that organize found, whatever it is. Written by organize; the XLSX follows in aggregate.

use crate::schema::TableSchema;
pub use crate::tables::{COURSE_ID, PATIENT_ID};
use crate::tables::{IDS, contract};

columns! {
    /// Columns after the ids.
    COLUMNS:
    PATH = Text "path" [""] "File relative to the input folder; control characters escaped";
    BYTES = Int "bytes" ["B"] "Size";
    CLASS = Text "class" [""] "What the file is: image, rt, seg, other_dicom, duplicate, conflict, repaired, unreadable, not_dicom";
    REASON = Text "reason" [""] "CODE[+CODE];use=USE[;key=value]: ok, or the codes of what was found, and facts that belong to them";
    USE = Text "use" [""] "used (it can be), ignored (left aside with a reason) or failed (lost with a reason)";
    DETAIL = Text "detail" [""] "The reason in words; for a usable file in no course the code and the reason of that";
    ROLE = Text "role" [""] "What it is in its course: planning_ct, ct, mr, pet, structures, plan, dose, record, registration";
    LINK = Text "link" [""] "The rule that brought it there: plan_reference, referenced, same_frame, registration, ...";
    LINK_CONFIDENCE = Text "link_confidence" [""] "high (a reference by UID), medium (frame of reference or registration) or low (study, or for want of better)";
    REFERS_TO = Text "refers_to" [""] "UIDs of objects and series that it names, joined by ;";
    MISSING_REFERENCES = Text "missing_references" [""] "Those of them that no file of the input has, joined by ;";
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
