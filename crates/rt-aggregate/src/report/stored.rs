//! The section on histograms of the planning system: where they differ most from ours.

use rt_records::Table;
use rt_records::tables::stored as t;
use serde::Serialize;

use super::embed::number_or_blank;
use super::sections::name_of;

/// Rows that are listed.
const MOST: usize = 50;

/// One stored histogram beside ours.
#[derive(Debug, Serialize)]
pub(super) struct StoredRow {
    course: String,
    structure: String,
    reading: String,
    figures: Vec<String>,
    status: String,
    message: String,
}

/// The histograms whose curves differ most, those with misstated units before all.
pub(super) fn stored_rows(table: &Table) -> Vec<StoredRow> {
    let mut rows: Vec<(bool, f64, StoredRow)> = table
        .iter()
        .filter(|row| row.text(&t::ROI_NAME).is_some())
        .map(|row| {
            let text = |column| row.text(column).unwrap_or_default().to_owned();
            let columns = [
                &t::VOLUME_DIFFERENCE_PERCENT,
                &t::DMEAN_DIFFERENCE_GY,
                &t::D98_DIFFERENCE_GY,
                &t::D95_DIFFERENCE_GY,
                &t::D2_DIFFERENCE_GY,
                &t::LARGEST_DIFFERENCE_PERCENT,
            ];
            let shown = StoredRow {
                course: name_of(row),
                structure: text(&t::ROI_NAME),
                reading: text(&t::DOSE_READING),
                figures: columns.into_iter().map(|c| number_or_blank(row.float(c))).collect(),
                status: text(&t::STATUS),
                message: text(&t::MESSAGE),
            };
            let is_odd = row.text(&t::ERROR_CODE) == Some("dvh.stored_units");
            (is_odd, row.float(&t::LARGEST_DIFFERENCE_PERCENT).unwrap_or_default(), shown)
        })
        .collect();
    rows.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    rows.into_iter().take(MOST).map(|(_, _, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_records::TableBuilder;

    #[test]
    fn misstated_units_come_first_then_the_largest_difference() {
        let mut builder = TableBuilder::new(&t::schema());
        for (name, code, difference) in [("A", "", 1.0), ("B", "", 3.0), ("C", "dvh.stored_units", 0.1)] {
            builder
                .row()
                .set(&t::PATIENT_ID, "P")
                .set(&t::COURSE_ID, "C1")
                .set(&t::ROI_NAME, name)
                .set(&t::ERROR_CODE, code)
                .set(&t::LARGEST_DIFFERENCE_PERCENT, difference);
        }
        let rows = stored_rows(&builder.finish().unwrap());
        assert_eq!(rows.iter().map(|r| r.structure.as_str()).collect::<String>(), "CBA");
    }
}
