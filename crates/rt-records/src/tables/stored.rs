//! `dvh_compare`: histograms that the planning system stored in the dose, beside ours; one row per stored histogram.

use crate::schema::TableSchema;
pub use crate::tables::dvh::{ROI_NAME, ROI_NUMBER, SEGMENTATION_SOURCE};
pub use crate::tables::{COURSE_ID, ERROR_CODE, MESSAGE, PATIENT_ID, STATUS};
use crate::tables::{IDS, OUTCOME, contract};

columns! {
    /// Columns after the identity of the structure. Differences are theirs minus ours.
    STORED:
    STATED_DOSE_UNITS = Text "stated_dose_units" [""] "DoseUnits (3004,0002) of the stored histogram";
    DOSE_READING = Text "dose_reading" [""] "What its doses are: Gy, cGy, or percent of prescription; another reading than the stated one when it fits clearly better";
    STATED_VOLUME_UNITS = Text "stated_volume_units" [""] "DVHVolumeUnits (3004,0054)";
    STORED_VOLUME_CC = Float "stored_volume_cc" ["cm3"] "Stored volume; empty when the volumes are relative";
    VOLUME_CC = Float "volume_cc" ["cm3"] "Ours";
    VOLUME_DIFFERENCE_PERCENT = Float "volume_difference_percent" ["%"] "Difference of the volumes in percent of ours";
    STORED_DMEAN_GY = Float "stored_Dmean_Gy" ["Gy"] "Mean of the stored curve";
    DMEAN_DIFFERENCE_GY = Float "Dmean_difference_Gy" ["Gy"] "Difference of the means";
    STORED_D98_GY = Float "stored_D98_Gy" ["Gy"] "D98% of the stored curve";
    D98_DIFFERENCE_GY = Float "D98_difference_Gy" ["Gy"] "Difference of D98%";
    STORED_D95_GY = Float "stored_D95_Gy" ["Gy"] "D95% of the stored curve";
    D95_DIFFERENCE_GY = Float "D95_difference_Gy" ["Gy"] "Difference of D95%";
    STORED_D50_GY = Float "stored_D50_Gy" ["Gy"] "D50% of the stored curve";
    D50_DIFFERENCE_GY = Float "D50_difference_Gy" ["Gy"] "Difference of D50%";
    STORED_D2_GY = Float "stored_D2_Gy" ["Gy"] "D2% of the stored curve";
    D2_DIFFERENCE_GY = Float "D2_difference_Gy" ["Gy"] "Difference of D2%";
    LARGEST_DIFFERENCE_PERCENT = Float "largest_volume_difference_percent" ["%"] "Largest difference of the relative volumes at any stored dose, percent points";
}

/// Identity of the structure between ids and figures.
static WHO: &[&crate::schema::ColumnDef] = &[&ROI_NUMBER, &ROI_NAME, &SEGMENTATION_SOURCE];

/// The table.
pub fn schema() -> TableSchema {
    contract("dvh_compare", &[IDS, WHO, STORED, OUTCOME])
}
