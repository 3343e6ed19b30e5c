//! `fractions`: one row per delivered fraction of a plan, from treatment records (`spec/analysis.md` 4.2).

use crate::schema::TableSchema;
pub use crate::tables::{COURSE_ID, PATIENT_ID};
use crate::tables::{IDS, contract};

columns! {
    /// Columns after the ids, those of the reference.
    COLUMNS:
    TREATMENT_DATE = Text "treatment_date" [""] "TreatmentDate (3008,0250), YYYY-MM-DD";
    TREATMENT_TIME = Text "treatment_time" [""] "TreatmentTime (3008,0251) of the first record, HH:MM:SS";
    TREATMENT_TIME_END = Text "treatment_time_end" [""] "TreatmentTime of the last record of the fraction, HH:MM:SS";
    PLAN_SOP = Text "plan_sop" [""] "SOPInstanceUID of the plan that was delivered";
    FRACTION_NUMBER = Int "fraction_number" [""] "CurrentFractionNumber (3008,0022)";
    TREATMENT_MACHINE = Text "treatment_machine" [""] "TreatmentMachineName (300A,00B2)";
    SOURCE_PATH = Text "source_path" [""] "First treatment record, relative to the course folder";
    SOURCE_PATHS_ALL = Text "source_paths_all" [""] "All records of the fraction, joined by ;";
    SOP_INSTANCE_UID = Text "sop_instance_uid" [""] "SOPInstanceUID of the first record";
    SOP_INSTANCE_UIDS_ALL = Text "sop_instance_uids_all" [""] "Of all records, joined by ;";
    DELIVERED_DOSE_GY = Float "delivered_dose_gy" ["Gy"] "Dose delivered in the fraction, where the records say";
    BEAM_METERSET = Float "beam_meterset" ["MU"] "Delivered meterset, all beams";
    RECORDS_MERGED = Int "records_merged" [""] "Records that were merged into this row";
    COMPONENT_TIMES = Text "component_times" [""] "Times of the merged records, joined by ;";
    TERMINATION_STATUS = Text "termination_status" [""] "TreatmentTerminationStatus (3008,002A): NORMAL, or that of the first beam that ended otherwise";
    IS_PARTIAL = Bool "is_partial" [""] "A beam was ended early and not made up for: the fraction does not count as delivered";
    IS_NUMBER_INFERRED = Bool "is_number_inferred" [""] "The records state no number: it is the rank of the session";
    TREATMENT_DAY = Int "treatment_day" ["d"] "Days from the first date of the course; filled where dates are withheld too";
}

/// The table.
pub fn schema() -> TableSchema {
    contract("fractions", &[IDS, COLUMNS])
}
