//! One name, several sources: which row of a structure an analysis should take.

use std::collections::HashMap;

use rt_records::tables::{dvh, radiomics, status, structures};
use rt_records::{ColumnDef, Table, TableError};

/// Name for joining tables: lower case, trimmed, `__partial` dropped, runs of blanks, hyphens and underscores as one underscore.
///
/// ```
/// assert_eq!(rt_aggregate::roi_key(" PTV - 60 Gy__partial "), "ptv_60_gy");
/// ```
pub fn roi_key(name: &str) -> String {
    let lower = name.trim().to_lowercase();
    let plain = lower.strip_suffix("__partial").unwrap_or(&lower).trim();
    let mut key = String::with_capacity(plain.len());
    for c in plain.chars() {
        let separator = c.is_whitespace() || c == '-' || c == '_';
        if !separator {
            key.push(c);
        } else if !key.ends_with('_') {
            key.push('_');
        }
    }
    key
}

/// Where a table keeps the identity of a structure.
#[derive(Debug, Clone, Copy)]
pub struct RoiColumns {
    /// Name of the structure.
    pub name: &'static ColumnDef,
    /// Source of the structure.
    pub source: &'static ColumnDef,
    /// What else tells rows of one structure apart: the dose, the image.
    pub also: &'static ColumnDef,
}

impl RoiColumns {
    /// `dvh_metrics`.
    pub fn dvh() -> Self {
        Self {
            name: &dvh::ROI_NAME,
            source: &dvh::SEGMENTATION_SOURCE,
            also: &dvh::DOSE,
        }
    }

    /// `radiomics_ct` and its siblings.
    pub fn radiomics() -> Self {
        Self {
            name: &radiomics::ROI_NAME,
            source: &radiomics::SEGMENTATION_SOURCE,
            also: &radiomics::SERIES_UID,
        }
    }

    /// `structures`.
    pub fn structures() -> Self {
        Self {
            name: &structures::ROI_NAME,
            source: &structures::SEGMENTATION_SOURCE,
            also: &structures::IMAGE,
        }
    }
}

/// Order of sources: the smaller, the sooner taken.
fn rank(source: &str) -> u8 {
    match source {
        "Manual" | "PlanRTSTRUCT" => 0,
        "Custom" | "Merged" => 1,
        s if s.starts_with("CustomModel") => 2,
        s if s.starts_with("Auto") => 3,
        _ => 4,
    }
}

/// Fills `roi_key` and `preferred` in the table of one course; columns that it does not have yet are added at its end.
///
/// Of the rows with one key (and one dose, one image) the one is marked that was computed, comes from the best source and stands
/// first, in this order of weight.
///
/// # Errors
/// [`TableError`] when the table has one of the two columns with another kind.
pub fn mark(table: Table, columns: RoiColumns) -> Result<Table, TableError> {
    let mut table = table.with_columns([dvh::ROI_KEY.clone(), dvh::PREFERRED.clone()]);
    let mut best: HashMap<(String, String), (bool, u8, usize)> = HashMap::new();
    let mut keys = Vec::with_capacity(table.rows());
    for row in table.iter() {
        let key = roi_key(row.text(columns.name).unwrap_or_default());
        let computed = matches!(row.text(&dvh::STATUS), Some(status::OK | status::PARTIAL));
        let standing = (!computed, rank(row.text(columns.source).unwrap_or_default()), row.number());
        let whole = (row.text(columns.also).unwrap_or_default().to_owned(), key.clone());
        let kept = best.entry(whole).or_insert(standing);
        *kept = standing.min(*kept);
        keys.push(key);
    }
    let mut chosen = vec![false; keys.len()];
    for (_, _, row) in best.into_values() {
        chosen[row] = true;
    }
    for (row, (key, chosen)) in keys.iter().zip(chosen).enumerate() {
        table.set(row, &dvh::ROI_KEY, key)?;
        table.set(row, &dvh::PREFERRED, chosen)?;
    }
    Ok(table)
}
