//! `dvh_goals`: one row per clinical goal and structure that it is for.

use crate::schema::TableSchema;
pub use crate::tables::dvh::{DOSE, ROI_NAME, ROI_NUMBER, SEGMENTATION_SOURCE, STANDARD_NAME};
pub use crate::tables::{COURSE_ID, PATIENT_ID};
use crate::tables::{IDS, contract};

columns! {
    /// Columns after the identity of the structure.
    GOAL:
    GOALS = Text "goals" [""] "Name of the set of goals";
    GOAL_ROI = Text "goal_roi" [""] "Structure that the goal names; a goal that no structure of the course fits has a row without a structure";
    GOAL_TEXT = Text "goal" [""] "Figure, side and limit, as written in the set";
    METRIC = Text "metric" [""] "The figure";
    UNIT = Text "unit" [""] "Unit of value, limits, margin and half_range";
    LIMIT = Float "limit" [""] "The limit";
    ACCEPTABLE_LIMIT = Float "acceptable_limit" [""] "The weaker limit that is still acceptable";
    VALUE = Float "value" [""] "What the structure has";
    RESULT = Text "result" [""] "pass, acceptable, fail or not_evaluable";
    MARGIN = Float "margin" [""] "Distance to the limit, positive on the good side";
    HALF_RANGE = Float "half_range" [""] "Half the distance between the two readings of the contours: a smaller margin decides nothing";
    REASON = Text "reason" [""] "Why it is not evaluable: goal.no_structure, goal.no_prescription, goal.partial_coverage, goal.undefined, goal.no_eqd2, or the code of the structure";
    PRIORITY = Int "priority" [""] "1 is the most important";
    ENDPOINT = Text "endpoint" [""] "What is to be avoided or reached";
    SOURCE = Text "source" [""] "Publication of the goal";
}

/// Identity of the structure between ids and goal.
static WHO: &[&crate::schema::ColumnDef] = &[&ROI_NUMBER, &ROI_NAME, &SEGMENTATION_SOURCE, &STANDARD_NAME, &DOSE];

/// The table.
pub fn schema() -> TableSchema {
    contract("dvh_goals", &[IDS, WHO, GOAL])
}
