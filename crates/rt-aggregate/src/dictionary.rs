//! `columns.md`: what every column of every table means.

use std::collections::BTreeMap;
use std::fmt::Write;

use rt_records::{ColumnDef, Kind, TableSchema};

/// The dictionary of these tables, as Markdown: a section a table with what it is about, a line a column. Features of radiomics are told
/// by image type and class: their names say all else.
pub fn columns_md(tables: &[(TableSchema, &str)]) -> String {
    let mut out = String::from(
        "# Columns\n\nEvery table of this folder. An empty cell is a missing value, never 0. Ids are text. The same definitions stand in each Parquet file \
         (key-value metadata `rtpipeline.columns`) and in the sheet `dictionary` of each workbook.\n",
    );
    for (schema, about) in tables {
        let _ = write!(
            out,
            "\n## {}\n\n{about}\n\n| column | unit | kind | meaning |\n| --- | --- | --- | --- |\n",
            schema.name()
        );
        let (features, plain): (Vec<&ColumnDef>, Vec<&ColumnDef>) = schema.columns().iter().partition(|c| is_feature(c));
        for column in plain {
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                cell(&column.name),
                cell(&column.unit),
                column.kind.name(),
                cell(&column.doc)
            );
        }
        write_features(&mut out, &features);
    }
    out
}

/// A feature: a number without a sentence, named image type, class, feature.
fn is_feature(column: &ColumnDef) -> bool {
    column.kind == Kind::Float && column.doc.is_empty() && column.name.splitn(3, '_').count() == 3
}

fn write_features(out: &mut String, features: &[&ColumnDef]) {
    if features.is_empty() {
        return;
    }
    let mut images: Vec<&str> = Vec::new();
    let mut classes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for column in features {
        let mut parts = column.name.splitn(3, '_');
        let (image, class, feature) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        if !images.contains(&image) {
            images.push(image);
        }
        let names = classes.entry(class).or_default();
        if !names.contains(&feature) {
            names.push(feature);
        }
    }
    let _ = write!(
        out,
        "\n{} features, named `<image type>_<class>_<feature>` as PyRadiomics names them (definitions: Image Biomarker Standardisation Initiative).\n\n\
         Image types: `{}`\n\n| class | features |\n| --- | --- |\n",
        features.len(),
        images.join("`, `")
    );
    for (class, names) in classes {
        let _ = writeln!(out, "| {class} | {} |", names.join(", "));
    }
}

/// Text in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ")
}
