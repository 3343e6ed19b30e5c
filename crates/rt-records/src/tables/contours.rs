//! `contours/rs_NN.parquet` of a course: every contour of a structure set as read, one row a contour. Not a cohort table.

use crate::error::TableError;
use crate::schema::TableSchema;
use crate::table::{Row, Table, TableBuilder};
use crate::tables::contract;

columns! {
    /// Columns in order.
    COLUMNS:
    ROI_NUMBER = Int "roi_number" [""] "ROINumber (3006,0022): the identity of the structure within its set";
    ROI_NAME = Text "roi_name" [""] "ROIName (3006,0026)";
    INTERPRETED_TYPE = Text "interpreted_type" [""] "RTROIInterpretedType (3006,00A4)";
    COLOUR = Text "colour" [""] "ROIDisplayColor (3006,002A) as #rrggbb";
    FRAME_OF_REFERENCE = Text "frame_of_reference" [""] "ReferencedFrameOfReferenceUID (3006,0024) of the structure";
    CONTOUR_INDEX = Int "contour_index" [""] "Place of the contour in its structure, from 0; empty in the one row of a structure without contours";
    KIND = Text "kind" [""] "ContourGeometricType (3006,0042): CLOSED_PLANAR, POINT, OPEN_PLANAR, ...";
    PLANE_MM = Float "plane_mm" ["mm"] "Position of the contour's plane along the normal of the image slices (LPS; z for axial images)";
    REFERENCED_SOP_UID = Text "referenced_sop_uid" [""] "Image slice that the contour names (3006,0016)";
    POINTS = Floats "points" ["mm"] "x, y, z of each point in turn, LPS";
}

/// The table.
pub fn schema() -> TableSchema {
    contract("contours", &[COLUMNS])
}

/// One contour, or the one line of a structure that has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContourRow {
    /// `ROINumber`.
    pub roi_number: i32,
    /// `ROIName`, empty when missing.
    pub roi_name: String,
    /// `RTROIInterpretedType`, empty when missing.
    pub interpreted_type: String,
    /// `ROIDisplayColor`.
    pub colour: Option<[u8; 3]>,
    /// Frame of reference of the structure, empty when missing.
    pub frame_of_reference: String,
    /// Place of the contour in its structure; `None` for a structure without contours.
    pub contour_index: Option<usize>,
    /// `ContourGeometricType`, empty for a structure without contours.
    pub kind: String,
    /// Position of its plane along the slice normal, mm.
    pub plane_mm: Option<f64>,
    /// Slice that it names, empty when missing.
    pub referenced_sop_uid: String,
    /// Points, LPS mm.
    pub points: Vec<[f64; 3]>,
}

/// The table of these rows, in their order.
///
/// # Errors
/// None in practice: the schema is fixed; the type is that of every builder.
pub fn to_table<'a>(rows: impl IntoIterator<Item = &'a ContourRow>) -> Result<Table, TableError> {
    let mut b = TableBuilder::new(&schema());
    for r in rows {
        let colour = r.colour.map(|[red, green, blue]| format!("#{red:02x}{green:02x}{blue:02x}"));
        let points = r.points.as_flattened();
        b.row()
            .set(&ROI_NUMBER, r.roi_number)
            .set(&ROI_NAME, &r.roi_name)
            .set(&INTERPRETED_TYPE, &r.interpreted_type)
            .set(&COLOUR, colour.as_deref())
            .set(&FRAME_OF_REFERENCE, &r.frame_of_reference)
            .set(&CONTOUR_INDEX, r.contour_index)
            .set(&KIND, &r.kind)
            .set(&PLANE_MM, r.plane_mm)
            .set(&REFERENCED_SOP_UID, &r.referenced_sop_uid)
            .set(&POINTS, (!points.is_empty()).then_some(points));
    }
    b.finish()
}

/// The rows of a table that [`to_table`] made.
///
/// # Errors
/// [`TableError::UnknownColumn`] when the ROI number of a row is missing or the table is another one; a list of points whose length is
/// no multiple of three is [`TableError::WrongKind`].
pub fn from_table(table: &Table) -> Result<Vec<ContourRow>, TableError> {
    table.iter().map(from_row).collect()
}

fn from_row(row: Row<'_>) -> Result<ContourRow, TableError> {
    let text = |column| row.text(column).unwrap_or_default().to_owned();
    let roi_number = row
        .int(&ROI_NUMBER)
        .and_then(|n| i32::try_from(n).ok())
        .ok_or_else(|| TableError::UnknownColumn {
            table: "contours".to_owned(),
            column: ROI_NUMBER.name.to_string(),
        })?;
    let (points, rest) = row.get(&POINTS).as_floats().unwrap_or_default().as_chunks::<3>();
    if !rest.is_empty() {
        return Err(TableError::WrongKind {
            table: "contours".to_owned(),
            column: POINTS.name.to_string(),
            expected: "triples",
            found: "a list whose length is no multiple of three",
        });
    }
    Ok(ContourRow {
        roi_number,
        roi_name: text(&ROI_NAME),
        interpreted_type: text(&INTERPRETED_TYPE),
        colour: row.text(&COLOUR).and_then(colour),
        frame_of_reference: text(&FRAME_OF_REFERENCE),
        contour_index: row.int(&CONTOUR_INDEX).and_then(|n| usize::try_from(n).ok()),
        kind: text(&KIND),
        plane_mm: row.float(&PLANE_MM),
        referenced_sop_uid: text(&REFERENCED_SOP_UID),
        points: points.to_vec(),
    })
}

fn colour(text: &str) -> Option<[u8; 3]> {
    let hex = text.strip_prefix('#').filter(|h| h.len() == 6)?;
    let number = u32::from_str_radix(hex, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}
