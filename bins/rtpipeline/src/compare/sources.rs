//! What is compared: the structures of a course folder, or the labels of a NIfTI file.

use std::path::Path;
use std::sync::Arc;

use camino::Utf8Path;
use rt_cli::Failure;
use rt_cli::masks::read_masks;
use rt_course::sidecar::LabelIndex;
use rt_course::{CourseDir, read_json};
use rt_image::Mask;
use rt_qc_cli::comparison::metrics_of;
use rt_records::{Row, Table, parquet};

/// One structure of one side.
pub(super) struct Delineation {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) mask: Mask,
}

/// Structures of one origin.
pub(super) struct Side {
    /// As the user named it.
    pub(super) label: String,
    pub(super) patient_id: String,
    pub(super) course_id: String,
    pub(super) structures: Vec<Delineation>,
    dose: Option<Table>,
}

impl Side {
    /// The dose metrics of a structure, where its course has them.
    pub(super) fn dose_of(&self, structure: &Delineation) -> Option<Row<'_>> {
        metrics_of(self.dose.as_ref()?, &structure.name, &structure.source)
    }
}

/// Both sides. Of one course the manual structures against the automatic ones.
///
/// # Errors
/// [`Failure`] naming what cannot be read.
pub(super) fn load(reference: &Path, other: Option<&Path>) -> Result<(Side, Side), anyhow::Error> {
    if let Some(other) = other {
        return Ok((side(reference)?, side(other)?));
    }
    if !reference.is_dir() {
        return Err(Failure::usage(
            "usage.arguments",
            format!("{} is one file: there is nothing to compare it with", reference.display()),
        )
        .hint("give B, or a course folder as A")
        .into());
    }
    let mut manual = course(reference)?;
    let mut automatic = course(reference)?;
    manual.structures.retain(|d| d.source == "Manual");
    automatic.structures.retain(|d| d.source != "Manual" && d.source != "Custom");
    manual.label = format!("the manual structures of {}", reference.display());
    "its automatic ones".clone_into(&mut automatic.label);
    Ok((manual, automatic))
}

fn side(path: &Path) -> Result<Side, anyhow::Error> {
    if path.is_dir() { course(path) } else { labels(path) }
}

fn course(path: &Path) -> Result<Side, anyhow::Error> {
    let place = CourseDir::open(path)?;
    let record: rt_course::manifest::CourseRecord = place.read_record()?;
    let structures = read_masks(&place.masks_json(), &place.masks(), |_| true)?
        .into_iter()
        .map(|(entry, mask)| Delineation {
            name: entry.name,
            source: entry.source,
            mask,
        });
    let dose = place.dvh_metrics();
    Ok(Side {
        label: path.display().to_string(),
        patient_id: record.patient_id,
        course_id: record.course_id,
        structures: structures.collect(),
        dose: if dose.exists() {
            Some(parquet::read(dose.as_std_path())?)
        } else {
            None
        },
    })
}

/// Every value of a label map that is not 0. Names come from `labels.json` beside the file; a file with the only value 1 is a mask, named after itself.
fn labels(path: &Path) -> Result<Side, anyhow::Error> {
    let volume = rt_nifti::read::<i32>(path)
        .map_err(|e| Failure::new(e.code(), e.to_string()).hint("give a course folder, or a 3-D NIfTI file of whole numbers"))?;
    let beside = path.with_file_name("labels.json");
    let index: Option<LabelIndex> = match Utf8Path::from_path(&beside) {
        Some(beside) if beside.exists() => Some(read_json(beside)?),
        _ => None,
    };
    let mut values: Vec<i32> = volume.data().iter().copied().filter(|v| *v != 0).collect();
    values.sort_unstable();
    values.dedup();
    let stem = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = stem.trim_end_matches(".gz").trim_end_matches(".nii").to_owned();
    let name = |value: i32| {
        let entry = index.iter().flat_map(|i| &i.labels).find(|l| i32::from(l.value) == value);
        match entry {
            Some(entry) => entry.name.clone(),
            None if values == [1] => stem.clone(),
            None => format!("label {value}"),
        }
    };
    let grid: &Arc<_> = volume.grid();
    let structures = values.iter().map(|&value| {
        Ok(Delineation {
            name: name(value),
            source: path.display().to_string(),
            mask: Mask::from_array(grid, volume.data().view(), |v| *v == value)?,
        })
    });
    Ok(Side {
        label: path.display().to_string(),
        patient_id: String::new(),
        course_id: String::new(),
        structures: structures.collect::<Result<_, anyhow::Error>>()?,
        dose: None,
    })
}
