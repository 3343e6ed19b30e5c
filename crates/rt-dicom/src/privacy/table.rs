//! Table E.1-1 of PS3.15, as data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dicom::core::Tag;

/// What an option says of an attribute (the columns of the table that are used here).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Device,
    Institution,
    Patient,
    ShiftedDates,
    Descriptors,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Action of the Basic Profile: `X`, `Z`, `D`, `U`, or alternatives joined by `/`.
    pub(super) basic: &'static str,
    options: &'static str,
}

impl Row {
    /// `K` (keep), `C` (clean) or nothing.
    pub(super) fn option(self, column: Column) -> Option<char> {
        let letter = match column {
            Column::Device => 'd',
            Column::Institution => 'i',
            Column::Patient => 's',
            Column::ShiftedDates => 't',
            Column::Descriptors => 'c',
        };
        let mut letters = self.options.chars();
        letters.find(|c| *c == letter)?;
        letters.next()
    }
}

const TEXT: &str = include_str!("table_e1_1.txt");

static ROWS: LazyLock<BTreeMap<Tag, Row>> = LazyLock::new(|| lines().filter_map(|(tag, row)| Some((parse(tag)?, row))).collect());

/// The lines of the table, repeating groups and the line of private attributes among them.
pub(super) fn lines() -> impl Iterator<Item = (&'static str, Row)> {
    TEXT.lines().filter(|l| !l.starts_with('#')).filter_map(|line| {
        let mut parts = line.split(' ');
        let (tag, basic) = (parts.next()?, parts.next()?);
        let options = parts.next().unwrap_or("");
        Some((tag, Row { basic, options }))
    })
}

fn parse(text: &str) -> Option<Tag> {
    let number = |range| u16::from_str_radix(text.get(range)?, 16).ok();
    Some(Tag(number(0..4)?, number(4..8)?))
}

/// The row of a tag; overlays and curves are whole groups that go.
pub(super) fn row(tag: Tag) -> Option<Row> {
    if is_graphics(tag) {
        return Some(Row { basic: "X", options: "" });
    }
    ROWS.get(&tag).copied()
}

/// Whether a tag belongs to a curve (50xx) or an overlay (60xx).
pub(super) fn is_graphics(tag: Tag) -> bool {
    matches!(tag.group() >> 8, 0x50 | 0x60)
}

/// Words that may stay in labels.
pub(super) static WORDS: LazyLock<std::collections::BTreeSet<&'static str>> = LazyLock::new(|| {
    let text = include_str!("words.txt");
    text.lines()
        .filter(|l| !l.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use dicom::dictionary_std::tags;

    #[test]
    fn rows_are_those_of_the_standard() {
        assert_eq!(lines().count(), 621);
        assert_eq!(row(tags::PATIENT_NAME).unwrap().basic, "Z");
        assert_eq!(row(tags::STUDY_DATE).unwrap().option(Column::ShiftedDates), Some('C'));
        assert_eq!(row(tags::ROI_NAME).unwrap().option(Column::Descriptors), Some('C'));
        assert_eq!(row(tags::STATION_NAME).unwrap().option(Column::Device), Some('K'));
        assert_eq!(row(Tag(0x6002, 0x0010)).unwrap().basic, "X");
        assert!(row(tags::CONTOUR_DATA).is_none());
    }

    #[test]
    fn the_table_is_that_of_the_shared_data() {
        let Some(path) = rt_testdata::shared("data/deid/ps3_15_table_e1_1.csv") else {
            return;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let mut theirs: BTreeMap<String, String> = BTreeMap::new();
        // Cells in quotes may hold commas and line ends.
        let mut rows: Vec<Vec<String>> = vec![vec![String::new()]];
        let mut quoted = false;
        for c in text.chars() {
            let row = rows.last_mut().unwrap();
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(String::new()),
                '\n' if !quoted => rows.push(vec![String::new()]),
                c => row.last_mut().unwrap().push(c),
            }
        }
        for cells in rows.iter().skip(1).filter(|r| r.len() > 5 && r[0] != "GGGG") {
            theirs.insert(cells[0].replace(',', ""), cells[5].clone());
        }
        theirs.insert("GGGGEEEE".into(), "X".into());
        let ours: BTreeMap<String, String> = lines().map(|(t, r)| (t.to_owned(), r.basic.to_owned())).collect();
        assert_eq!(ours, theirs);
    }
}
