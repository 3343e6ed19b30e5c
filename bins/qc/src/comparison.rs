//! `qc/comparison.parquet`: the automatic structures of a course against its manual ones.

use rt_course::CourseDir;
use rt_course::manifest::CourseRecord;
use rt_course::sidecar::MaskEntry;
use rt_image::Mask;
use rt_qc::{CompareError, Comparison, compare};
use rt_records::tables::comparison as columns;
use rt_records::tables::{dvh, status};
use rt_records::{Row, RowMut, Table, TableBuilder, parquet};

/// Every manual structure with the automatic ones that stand for the same name. Without a pair the table has no row.
///
/// # Errors
/// When metrics are there and cannot be read.
pub(crate) fn table(course: &CourseDir, record: &CourseRecord, masks: &[(MaskEntry, Mask)]) -> Result<Table, anyhow::Error> {
    let schema = columns::schema();
    let mut rows = TableBuilder::new(&schema);
    let known = masks
        .iter()
        .filter(|(entry, _)| entry.source != "Custom" && !entry.standard_name.is_empty());
    let (manual, automatic): (Vec<_>, Vec<_>) = known.partition(|(entry, _)| entry.source == "Manual");
    let doses = course.dvh_metrics();
    let doses = doses.exists().then(|| parquet::read(doses.as_std_path())).transpose()?;
    for (drawn, a) in manual {
        for (found, b) in automatic.iter().filter(|(entry, _)| entry.standard_name == drawn.standard_name) {
            let mut row = rows.row();
            row.set(&columns::PATIENT_ID, &record.patient_id)
                .set(&columns::COURSE_ID, &record.course_id)
                .set(&columns::STANDARD_NAME, &drawn.standard_name);
            names(&mut row, [&drawn.name, &drawn.source], [&found.name, &found.source]);
            figures(&mut row, compare(a, b));
            if let Some(doses) = &doses {
                dose(&mut row, dose_of(doses, drawn), dose_of(doses, found));
            }
        }
    }
    Ok(rows.finish()?)
}

fn dose_of<'t>(doses: &'t Table, entry: &MaskEntry) -> Option<Row<'t>> {
    metrics_of(doses, &entry.name, &entry.source)
}

/// The first row of dose metrics of a structure.
pub fn metrics_of<'t>(doses: &'t Table, name: &str, source: &str) -> Option<Row<'t>> {
    let mut rows = doses.iter();
    rows.find(|r| r.text(&dvh::ROI_NAME) == Some(name) && r.text(&dvh::SEGMENTATION_SOURCE) == Some(source))
}

/// Names and sources of a pair.
pub fn names(row: &mut RowMut<'_>, [roi_a, source_a]: [&str; 2], [roi_b, source_b]: [&str; 2]) {
    row.set(&columns::ROI_REFERENCE, roi_a)
        .set(&columns::SOURCE_REFERENCE, source_a)
        .set(&columns::ROI_OTHER, roi_b)
        .set(&columns::SOURCE_OTHER, source_b);
}

/// The figures of a pair with their status, or why there are none.
pub fn figures(row: &mut RowMut<'_>, found: Result<Comparison, CompareError>) {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            row.set(&columns::STATUS, status::FAILED)
                .set(&columns::ERROR_CODE, error.code())
                .set(&columns::MESSAGE, &error.to_string());
            return;
        }
    };
    let surface = found.surface_dice.map(|s| s.map(Some)).unwrap_or_default();
    let shift = found.centre_shift_mm.map(|s| s.map(Some)).unwrap_or_default();
    let cells = [
        (&columns::VOLUME_REFERENCE_CC, Some(found.reference_cc)),
        (&columns::VOLUME_OTHER_CC, Some(found.other_cc)),
        (&columns::VOLUME_DIFFERENCE_CC, Some(found.difference_cc)),
        (&columns::VOLUME_RATIO, found.volume_ratio),
        (&columns::DICE, found.dice),
        (&columns::JACCARD, found.jaccard),
        (&columns::HAUSDORFF_MM, found.hausdorff_mm),
        (&columns::HD95_MM, found.hd95_mm),
        (&columns::HD99_MM, found.hd99_mm),
        (&columns::MEAN_SURFACE_DISTANCE_MM, found.mean_surface_distance_mm),
        (&columns::SURFACE_DICE_1MM, surface[0]),
        (&columns::SURFACE_DICE_2MM, surface[1]),
        (&columns::SURFACE_DICE_3MM, surface[2]),
        (&columns::ADDED_PATH_LENGTH_MM, found.added_path_length_mm),
        (&columns::SHIFT_X_MM, shift[0]),
        (&columns::SHIFT_Y_MM, shift[1]),
        (&columns::SHIFT_Z_MM, shift[2]),
    ];
    for (column, value) in cells {
        row.set(column, value);
    }
    if found.hausdorff_mm.is_some() {
        row.set(&columns::STATUS, status::OK);
        return;
    }
    row.set(&columns::STATUS, status::PARTIAL)
        .set(&columns::ERROR_CODE, "compare.empty")
        .set(&columns::MESSAGE, "one of the two has no voxel: there are no distances");
}

/// What the difference of two structures does to their dose metrics, where both have them.
pub fn dose(row: &mut RowMut<'_>, a: Option<Row<'_>>, b: Option<Row<'_>>) {
    let (Some(a), Some(b)) = (a, b) else { return };
    for (column, metric) in [
        (&columns::DELTA_DMEAN_GY, "DmeanGy"),
        (&columns::DELTA_DMAX_GY, "DmaxGy"),
        (&columns::DELTA_D95_GY, "D95Gy"),
        (&columns::DELTA_D2_GY, "D2Gy"),
    ] {
        if let (Some(from), Some(to)) = (a.named(metric).as_float(), b.named(metric).as_float()) {
            row.set(column, to - from);
        }
    }
}
