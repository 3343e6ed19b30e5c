//! `comparison`: two delineations of one structure, one row a pair. Definitions in `rt_qc::compare`.

use crate::schema::TableSchema;
pub use crate::tables::{COURSE_ID, ERROR_CODE, MESSAGE, PATIENT_ID, STATUS};
use crate::tables::{IDS, OUTCOME, contract};

columns! {
    /// Who is compared with whom.
    PAIR:
    STANDARD_NAME = Text "standard_name" [""] "Name that both stand for (TG-263 where there is one)";
    ROI_REFERENCE = Text "roi_reference" [""] "Name of A, the reference";
    SOURCE_REFERENCE = Text "source_reference" [""] "Where A comes from: Manual, AutoRTS, ..., or its file";
    ROI_OTHER = Text "roi_other" [""] "Name of B";
    SOURCE_OTHER = Text "source_other" [""] "Where B comes from";
}

columns! {
    /// What they differ in.
    FIGURES:
    VOLUME_REFERENCE_CC = Float "volume_reference_cc" ["cm3"] "Volume of A";
    VOLUME_OTHER_CC = Float "volume_other_cc" ["cm3"] "Volume of B";
    VOLUME_DIFFERENCE_CC = Float "volume_difference_cc" ["cm3"] "B - A";
    VOLUME_RATIO = Float "volume_ratio" ["1"] "B / A";
    DICE = Float "dice" ["1"] "2 |A and B| / (|A| + |B|); empty when both are";
    JACCARD = Float "jaccard" ["1"] "|A and B| / |A or B|";
    HAUSDORFF_MM = Float "hausdorff_mm" ["mm"] "Largest distance of a point of one surface from the other, both directions";
    HD95_MM = Float "hd95_mm" ["mm"] "Distance that 95 % of a surface's area stays below, the larger of both directions";
    HD99_MM = Float "hd99_mm" ["mm"] "The same for 99 %";
    MEAN_SURFACE_DISTANCE_MM = Float "mean_surface_distance_mm" ["mm"] "Mean distance over both surfaces, weighted by area";
    SURFACE_DICE_1MM = Float "surface_dice_1mm" ["1"] "Share of both surfaces within 1 mm of the other";
    SURFACE_DICE_2MM = Float "surface_dice_2mm" ["1"] "Share of both surfaces within 2 mm of the other";
    SURFACE_DICE_3MM = Float "surface_dice_3mm" ["1"] "Share of both surfaces within 3 mm of the other";
    ADDED_PATH_LENGTH_MM = Float "added_path_length_mm" ["mm"] "Length of A's outline where B has none, all slices: what would have to be drawn again";
    SHIFT_X_MM = Float "shift_x_mm" ["mm"] "Centre of B - centre of A, towards the patient's left";
    SHIFT_Y_MM = Float "shift_y_mm" ["mm"] "Centre of B - centre of A, towards the patient's back";
    SHIFT_Z_MM = Float "shift_z_mm" ["mm"] "Centre of B - centre of A, towards the head";
}

columns! {
    /// What the difference does to the dose; empty without dose.
    DOSE:
    DELTA_DMEAN_GY = Float "delta_Dmean_Gy" ["Gy"] "DmeanGy of B - DmeanGy of A";
    DELTA_DMAX_GY = Float "delta_Dmax_Gy" ["Gy"] "DmaxGy of B - DmaxGy of A";
    DELTA_D95_GY = Float "delta_D95_Gy" ["Gy"] "D95Gy of B - D95Gy of A";
    DELTA_D2_GY = Float "delta_D2_Gy" ["Gy"] "D2Gy of B - D2Gy of A";
}

/// The table.
pub fn schema() -> TableSchema {
    contract("comparison", &[IDS, PAIR, FIGURES, DOSE, OUTCOME])
}
