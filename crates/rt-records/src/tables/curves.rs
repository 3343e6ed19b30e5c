//! `dvh_curves`: one packed row per structure, so that a curve can be drawn again exactly. Parquet only.

use crate::schema::TableSchema;
pub use crate::tables::dvh::{DOSE, ROI_NAME, ROI_NUMBER, SEGMENTATION_SOURCE};
pub use crate::tables::{COURSE_ID, PATIENT_ID};
use crate::tables::{IDS, contract};

columns! {
    /// Columns after the identity of the structure.
    CURVE:
    VOLUME_CC = Float "volume_cc" ["cm3"] "Volume of the whole structure";
    COVERED_FRACTION = Float "covered_fraction" ["1"] "Share of it inside the dose grid; the curve is of that part";
    BIN_WIDTH_GY = Float "bin_width_gy" ["Gy"] "Step of the curve";
    CUMULATIVE_CC = Singles "cumulative_cc" ["cm3"] "Volume that receives i x bin_width_gy or more, from i = 0; the tail of zeros is cut";
    SURFACE_CUMULATIVE_CM2 = Singles "surface_cumulative_cm2" ["cm2"] "Area of the wall that receives i x bin_width_gy or more; empty unless dvh.surface names the structure";
}

/// Identity of the structure between ids and curve.
static WHO: &[&crate::schema::ColumnDef] = &[&ROI_NUMBER, &ROI_NAME, &SEGMENTATION_SOURCE, &DOSE];

/// The table.
pub fn schema() -> TableSchema {
    contract("dvh_curves", &[IDS, WHO, CURVE])
}
