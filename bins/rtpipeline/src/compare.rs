//! `rtpipeline compare`: manual against automatic contours of a course, or two observers, or any two label maps.

mod sources;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use rt_cli::command::{run_with, say};
use rt_cli::{CommonArgs, Exit, Failure, Settings, logging};
use rt_image::{Mask, resample_mask};
use rt_qc::Comparison;
use rt_records::csv::CsvEncoding;
use rt_records::tables::comparison as columns;
use rt_records::tables::status;
use rt_records::{RowMut, Table, TableBuilder, csv};
use rt_structures::NameTable;
use rt_structures_cli::recipes::Names;

use crate::text::{row, table};
use sources::{Delineation, Side};

/// Arguments of `rtpipeline compare`.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// The reference: a course folder, or a NIfTI file of labels or of one mask
    #[arg(value_name = "A")]
    pub reference: PathBuf,
    /// What is compared with it, in the same forms; without it the automatic structures of course A are compared with its manual ones
    #[arg(value_name = "B")]
    pub other: Option<PathBuf>,
    /// Form of the result on standard output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Only structures of this name, as either side calls it; may repeat
    #[arg(long, value_name = "NAME")]
    pub roi: Vec<String>,
}

/// Form of the result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The main figures, for a person.
    #[default]
    Table,
    /// Every column, in the form of the tables of a cohort.
    Csv,
}

/// Runs the command.
pub fn run(args: &CompareArgs, common: &CommonArgs) -> ExitCode {
    run_with(common, || {
        let settings = Settings::load(common, None, &[])?;
        logging::init(settings.logging);
        let names = Names::load(&settings.document.section("structures")?)?;
        let (reference, other) = sources::load(&args.reference, args.other.as_deref())?;
        let pairs = pairs(&reference, &other, &names, &args.roi);
        if pairs.is_empty() {
            return Err(nothing_in_common(&reference, &other).into());
        }
        let table = compare_all(&reference, &other, &pairs)?;
        match args.format {
            Format::Table => say(&for_people(&table))?,
            Format::Csv => say(String::from_utf8(csv::write(Vec::new(), &table, CsvEncoding::default())?)?.trim_end())?,
        }
        let failed = table.iter().any(|r| r.text(&columns::STATUS) == Some(status::FAILED));
        Ok(if failed { Exit::Partial } else { Exit::Done })
    })
}

/// Two structures of one meaning.
struct Pair<'a> {
    name: String,
    reference: &'a Delineation,
    other: &'a Delineation,
}

/// Structures of both sides that stand for the same name, in the order of the reference; each is used once.
fn pairs<'a>(reference: &'a Side, other: &'a Side, names: &NameTable, wanted: &[String]) -> Vec<Pair<'a>> {
    let meaning = |name: &str| {
        let name = name.trim_end_matches("__partial");
        names
            .canonical(name)
            .map_or_else(|| rt_structures::naming::normalised(name), str::to_owned)
    };
    let mut free: Vec<(String, &Delineation)> = other.structures.iter().map(|d| (meaning(&d.name), d)).collect();
    let mut out = Vec::new();
    for delineation in &reference.structures {
        let name = meaning(&delineation.name);
        let Some(at) = free.iter().position(|(n, _)| *n == name) else {
            continue;
        };
        let (_, partner) = free.remove(at);
        let called = |text: &String| meaning(text) == name || [&delineation.name, &partner.name].contains(&text);
        if wanted.is_empty() || wanted.iter().any(called) {
            let drawn = delineation.name.trim_end_matches("__partial");
            out.push(Pair {
                name: names.canonical(drawn).unwrap_or(drawn).to_owned(),
                reference: delineation,
                other: partner,
            });
        }
    }
    out
}

fn nothing_in_common(reference: &Side, other: &Side) -> Failure {
    let list = |side: &Side| {
        let names: Vec<&str> = side.structures.iter().map(|d| d.name.as_str()).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let message = format!(
        "no structure of {} has a counterpart in {}: {} against {}",
        reference.label,
        other.label,
        list(reference),
        list(other)
    );
    Failure::new("compare.no_pair", message).hint("names are matched by `structures.synonyms`; add the pair to a table of names of yours")
}

fn compare_all(reference: &Side, other: &Side, pairs: &[Pair<'_>]) -> Result<Table, anyhow::Error> {
    let schema = columns::schema();
    let mut rows = TableBuilder::new(&schema);
    for pair in pairs {
        let mut row = rows.row();
        row.set(&columns::PATIENT_ID, &reference.patient_id)
            .set(&columns::COURSE_ID, &reference.course_id)
            .set(&columns::STANDARD_NAME, &pair.name)
            .set(&columns::ROI_REFERENCE, &pair.reference.name)
            .set(&columns::SOURCE_REFERENCE, &pair.reference.source)
            .set(&columns::ROI_OTHER, &pair.other.name)
            .set(&columns::SOURCE_OTHER, &pair.other.source);
        let a = &pair.reference.mask;
        let b = on_grid_of(a, &pair.other.mask);
        match rt_qc::compare(a, &b) {
            Ok(found) => figures(&mut row, &found),
            Err(error) => {
                row.set(&columns::STATUS, status::FAILED)
                    .set(&columns::ERROR_CODE, error.code())
                    .set(&columns::MESSAGE, &error.to_string());
            }
        }
        dose(&mut row, reference, other, pair);
    }
    Ok(rows.finish()?)
}

/// `mask` itself when it lies on the grid of `reference`, else the nearest voxels of it there.
fn on_grid_of(reference: &Mask, mask: &Mask) -> Mask {
    if reference.grid().same_as(mask.grid(), rt_core::GridTolerance::default()) {
        return mask.clone();
    }
    resample_mask(mask, reference.grid())
}

fn figures(row: &mut RowMut<'_>, found: &Comparison) {
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
        row.set(column, value.unwrap_or(f64::NAN));
    }
    if found.hausdorff_mm.is_some() {
        row.set(&columns::STATUS, status::OK);
        return;
    }
    row.set(&columns::STATUS, status::PARTIAL)
        .set(&columns::ERROR_CODE, "compare.empty")
        .set(&columns::MESSAGE, "one of the two has no voxel: there are no distances");
}

fn dose(row: &mut RowMut<'_>, reference: &Side, other: &Side, pair: &Pair<'_>) {
    let (Some(a), Some(b)) = (reference.dose_of(pair.reference), other.dose_of(pair.other)) else {
        return;
    };
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

/// The main figures.
fn for_people(found: &Table) -> String {
    let head = row([
        &"structure",
        &"A cm3",
        &"B cm3",
        &"Dice",
        &"surface Dice 2 mm",
        &"HD95 mm",
        &"mean mm",
        &"added path mm",
        &"delta Dmean Gy",
    ]);
    let mut lines = vec![head];
    for line in found.iter() {
        let number = |column, digits: usize| line.float(column).map_or_else(String::new, |x| format!("{x:.digits$}"));
        lines.push(row([
            &line.text(&columns::STANDARD_NAME).unwrap_or_default(),
            &number(&columns::VOLUME_REFERENCE_CC, 2),
            &number(&columns::VOLUME_OTHER_CC, 2),
            &number(&columns::DICE, 3),
            &number(&columns::SURFACE_DICE_2MM, 3),
            &number(&columns::HD95_MM, 2),
            &number(&columns::MEAN_SURFACE_DISTANCE_MM, 2),
            &number(&columns::ADDED_PATH_LENGTH_MM, 0),
            &number(&columns::DELTA_DMEAN_GY, 2),
        ]));
    }
    table(&lines)
}
