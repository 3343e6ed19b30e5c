//! `dvh_metrics`: one row per course, dose and structure of each source (`spec/analysis.md` 1.11).

use crate::schema::{ColumnDef, Kind, TableSchema};
pub use crate::tables::metric::{Unit, half_range_column, metric_column};
use crate::tables::metric::{dose_to_percent, dose_to_volume, volume_at_dose, volume_at_relative_dose};
pub use crate::tables::{COURSE_ID, ERROR_CODE, MESSAGE, PATIENT_ID, STATUS};
use crate::tables::{IDS, OUTCOME, cloned};

columns! {
    /// Columns 1 to 22 of the reference.
    FIRST:
    DMEAN_GY = Float "DmeanGy" ["Gy"] "Mean dose";
    DMAX_GY = Float "DmaxGy" ["Gy"] "Largest dose";
    DMIN_GY = Float "DminGy" ["Gy"] "Smallest dose; empty when less than dvh.min_coverage of the structure lies in the dose grid";
    D95_GY = Float "D95Gy" ["Gy"] "Dose that 95 % of the volume receives at least";
    D98_GY = Float "D98Gy" ["Gy"] "Dose that 98 % of the volume receives at least (near minimum, ICRU 83)";
    D2_GY = Float "D2Gy" ["Gy"] "Dose that 2 % of the volume receives at least (near maximum, ICRU 83)";
    D50_GY = Float "D50Gy" ["Gy"] "Median dose";
    HI = Float "HI" ["1"] "Homogeneity index (D2Gy - D98Gy) / D50Gy (ICRU 83)";
    SPREAD_GY = Float "SpreadGy" ["Gy"] "DmaxGy - DminGy";
    D1CC_GY = Float "D1ccGy" ["Gy"] "Dose to the hottest 1 cm3; empty for smaller structures";
    D0_1CC_GY = Float "D0.1ccGy" ["Gy"] "Dose to the hottest 0.1 cm3; empty for smaller structures";
    DMEAN_PERCENT = Float "Dmean%" ["% of rx"] "DmeanGy in percent of the prescription";
    DMAX_PERCENT = Float "Dmax%" ["% of rx"] "DmaxGy in percent of the prescription";
    DMIN_PERCENT = Float "Dmin%" ["% of rx"] "DminGy in percent of the prescription";
    D95_PERCENT = Float "D95%" ["% of rx"] "D95Gy in percent of the prescription";
    D98_PERCENT = Float "D98%" ["% of rx"] "D98Gy in percent of the prescription";
    D2_PERCENT = Float "D2%" ["% of rx"] "D2Gy in percent of the prescription";
    D50_PERCENT = Float "D50%" ["% of rx"] "D50Gy in percent of the prescription";
    HI_PERCENT = Float "HI%" ["1"] "(D2% - D98%) / D50%";
    SPREAD_PERCENT = Float "Spread%" ["% of rx"] "Dmax% - Dmin%";
    VOLUME_CM3 = Float "Volume (cm³)" ["cm3"] "Volume of the whole structure, also the part outside the dose grid";
    INTEGRAL_DOSE = Float "IntegralDose_Gycm3" ["Gy cm3"] "Mean dose times the volume that it refers to";
}

columns! {
    /// The provenance columns of the reference, in its order.
    PROVENANCE:
    ROI_NUMBER = Int "ROI_Number" [""] "ROINumber (3006,0022) of a drawn structure; -1 for masks that have none";
    ROI_NAME = Text "ROI_Name" [""] "Name; __partial is appended when the structure is cut by the border of the image";
    ROI_ORIGINAL_NAME = Text "ROI_OriginalName" [""] "Name as drawn or defined";
    SEGMENTATION_SOURCE = Text "Segmentation_Source" [""] "Manual, AutoRTS, Custom, CustomModel:<name> or NIfTI_Direct";
    STRUCTURE_CROPPED = Bool "structure_cropped" [""] "The structure touches a face of the image";
    RTSTRUCT_SOP_INSTANCE_UID = Text "rtstruct_sop_instance_uid" [""] "Structure set that the structure comes from; empty for masks";
    RTSTRUCT_PATH = Text "rtstruct_path" [""] "Its file, relative to the course folder";
    RX_SOURCE = Text "rx_source" [""] "Where the prescription comes from: explicit, rtplan_dicom, beam_dose, none, ...";
    DOSE_RESOLUTION = Text "dose_resolution" [""] "Class of the decision which dose is evaluated: single_plan_dose, plan_sum, ...";
    DOSE_RESOLUTION_REASON = Text "dose_resolution_reason" [""] "That decision in words";
    DOSE_SOP_INSTANCE_UID = Text "dose_sop_instance_uid" [""] "Dose object that was evaluated, the sum when it is one";
    DOSE_SUMMATION_TYPE = Text "dose_summation_type" [""] "DoseSummationType (3004,000A) of it, or PLAN_SUM, BEAM_SUM";
    SOURCE_DOSE_SOP_INSTANCE_UIDS = Text "source_dose_sop_instance_uids" [""] "Dose objects that it was made from, joined by ;";
    SOURCE_DOSE_SUMMATION_TYPES = Text "source_dose_summation_types" [""] "Their summation types, joined by ;";
    SOURCE_PLAN_SOP_INSTANCE_UIDS = Text "source_plan_sop_instance_uids" [""] "Plans that they belong to, joined by ;";
    RTSTRUCT_RESOLUTION = Text "rtstruct_resolution" [""] "plan_referenced_rtstruct or course_rtstruct";
    RTSTRUCT_RESOLUTION_REASON = Text "rtstruct_resolution_reason" [""] "That decision in words";
    PLAN_REFERENCED_RTSTRUCT_UIDS = Text "plan_referenced_rtstruct_sop_instance_uids" [""] "Structure sets that the plans refer to, joined by ;";
    CONTRAST_PHASE = Text "contrast_phase" [""] "Contrast phase of the image, where it is known";
    IMAGE_MODALITY = Text "image_modality" [""] "Modality of the image that the structures belong to";
    BODY_REGIONS = Text "body_regions" [""] "Body regions in the image, comma list, where they are known";
}

columns! {
    /// Columns of ours, after those of the reference.
    OURS_LAST:
    GEUD_A8_GY = Float "gEUD_a8_Gy" ["Gy"] "Generalised equivalent uniform dose (mean d^a)^(1/a) with a = 8 (Niemierko 1997)";
    GEUD_A_MINUS_10_GY = Float "gEUD_a-10_Gy" ["Gy"] "Generalised equivalent uniform dose with a = -10";
    CI_RTOG = Float "CI_RTOG" ["1"] "Targets: volume of the prescription isodose over volume of the target (RTOG, Shaw 1993)";
    CI_PADDICK = Float "CI_Paddick" ["1"] "Targets: TV_Rx^2 / (TV x V_Rx) (Paddick 2000)";
    GI = Float "GI" ["1"] "Gradient index: volume of half the prescription over volume of the prescription, whole dose grid (Paddick 2006)";
    DOSE = Text "dose" [""] "Which dose the row is of: course (the evaluated one, a sum where plans are summed), the label of one plan, or course EQD2, course BED: all Gy of such a row are of that dose";
    ALPHA_BETA_GY = Float "alpha_beta_gy" ["Gy"] "Alpha/beta ratio of a row of EQD2 or BED";
    SURFACE_CM2 = Float "surface_cm2" ["cm2"] "Area of the wall of a structure of dvh.surface, without its flat ends; its histogram stands in dvh_curves";
    SURFACE_DMEAN_GY = Float "surface_Dmean_Gy" ["Gy"] "Mean dose of that wall, where it has a dose";
    NTCP_PERCENT = Float "NTCP_percent" ["%"] "Probability of complication by the model of dvh.models that fits the structure";
    TCP_PERCENT = Float "TCP_percent" ["%"] "Probability of control by the model of dvh.models that fits the structure";
    RESPONSE_MODEL = Text "response_model" [""] "Name of that model, and the dose it was fed with: physical, or EQD2 with its alpha/beta ratio";
    RX_GY = Float "rx_gy" ["Gy"] "Prescription that the relative columns refer to";
    RX_LEVELS_GY = Text "rx_levels_gy" ["Gy"] "All prescribed levels of the course, joined by ;";
    VOLUME_IN_GRID_CC = Float "volume_in_grid_cc" ["cm3"] "Volume inside the dose grid, which all dose figures refer to";
    COVERED_FRACTION = Float "covered_fraction" ["1"] "volume_in_grid_cc over the whole volume, 0 to 1";
    SEGMENTATION_ENGINE = Text "segmentation_engine" [""] "Engine that made an automatic structure";
    IS_PLAN_REFERENCED = Bool "is_plan_referenced" [""] "The structure set is the one that the plan refers to";
    INTERPRETED_TYPE = Text "interpreted_type" [""] "RTROIInterpretedType (3006,00A4): PTV, CTV, GTV, ORGAN, EXTERNAL, ...";
    STANDARD_NAME = Text "standard_name" [""] "Standard name (TG-263) that the name stands for; empty when it is not known";
    ROI_KEY = Text "roi_key" [""] "Name for joining: lower case, __partial dropped, blanks, hyphens and underscores as one underscore";
    PREFERRED = Bool "preferred" [""] "One row per course, dose and roi_key is marked: Manual before Custom, CustomModel, AutoRTS, NIfTI_Direct; computed before not computed";
    SAMPLING = Text "sampling" [""] "exact or reference";
    WARNINGS = Text "warnings" [""] "Codes of what a person should know about the row, joined by ;";
}

/// Doses of the columns `V1Gy` to `V60Gy`, Gy.
const REFERENCE_DOSES: std::ops::RangeInclusive<u32> = 1..=60;

/// The 146 metric columns of the reference, in its order.
pub fn reference_metrics() -> Vec<ColumnDef> {
    let mut all: Vec<ColumnDef> = cloned(FIRST).collect();
    for relative in [95.0, 100.0] {
        all.push(volume_at_relative_dose(relative, Unit::Cm3));
        all.push(volume_at_relative_dose(relative, Unit::Percent));
    }
    all.extend(REFERENCE_DOSES.map(|d| volume_at_dose(f64::from(d), Unit::Cm3)));
    all.extend(REFERENCE_DOSES.map(|d| volume_at_dose(f64::from(d), Unit::Percent)));
    all
}

/// The metric columns that are ours, in order, without the indices of [`OURS_LAST`].
pub fn more_metrics() -> Vec<ColumnDef> {
    let mut all = Vec::new();
    for unit in [Unit::Cm3, Unit::Percent] {
        all.extend((13..=20).map(|d| volume_at_dose(f64::from(d * 5), unit)));
    }
    all.extend([1.0, 5.0, 10.0, 30.0, 70.0, 90.0, 99.0, 99.9].map(dose_to_percent));
    all.extend([0.03, 2.0, 5.0, 10.0].map(dose_to_volume));
    for relative in [107.0, 110.0] {
        all.push(volume_at_relative_dose(relative, Unit::Cm3));
        all.push(volume_at_relative_dose(relative, Unit::Percent));
    }
    all
}

/// The table: ids, 146 metrics and the provenance of the reference, then our metrics and columns, status last.
pub fn schema() -> TableSchema {
    schema_with(std::iter::empty())
}

/// Metrics of every table that have their half-range beside them; those that the user names have it too.
pub const HALF_RANGES: [&str; 24] = [
    "Volume",
    "Dmean",
    "Dmax",
    "Dmin",
    "D99%",
    "D98%",
    "D95%",
    "D90%",
    "D50%",
    "D10%",
    "D5%",
    "D2%",
    "D1%",
    "D0.03cc",
    "D0.1cc",
    "D1cc",
    "D2cc",
    "D5cc",
    "D10cc",
    "HI",
    "V95%Rx",
    "V100%Rx",
    "gEUD_a8",
    "gEUD_a-10",
];

/// The table with metrics that the user asked for (and their half-ranges), after those that are always there.
pub fn schema_with(extra: impl IntoIterator<Item = ColumnDef>) -> TableSchema {
    let extra: Vec<ColumnDef> = extra.into_iter().collect();
    let columns = cloned(IDS)
        .chain(reference_metrics())
        .chain(cloned(PROVENANCE))
        .chain(more_metrics())
        .chain(extra)
        .chain(HALF_RANGES.iter().filter_map(|m| half_range_column(m)))
        .chain(cloned(OURS_LAST))
        .chain(cloned(OUTCOME));
    TableSchema::first_wins("dvh_metrics", columns)
}

/// Names of all columns that hold metrics in [`schema`]: those that `rt-dvh files` prints under `metrics`.
pub fn metric_names() -> Vec<String> {
    let indices = [&GEUD_A8_GY, &GEUD_A_MINUS_10_GY, &CI_RTOG, &CI_PADDICK, &GI].map(Clone::clone);
    let halves = HALF_RANGES.iter().filter_map(|m| half_range_column(m));
    let all = reference_metrics().into_iter().chain(more_metrics()).chain(halves).chain(indices);
    all.filter(|c| c.kind == Kind::Float).map(|c| c.name.into_owned()).collect()
}
