//! `rtpipeline compare`: manual against automatic contours of a course, or two observers, or any two label maps.

mod sources;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use rt_cli::command::{run_with, say};
use rt_cli::{CommonArgs, Exit, Failure, Settings, logging};
use rt_image::{Mask, resample_mask};
use rt_qc_cli::comparison::{dose, figures, names};
use rt_records::csv::CsvEncoding;
use rt_records::tables::comparison as columns;
use rt_records::tables::status;
use rt_records::{Table, TableBuilder, csv};
use rt_structures::NameTable;
use rt_structures::naming::{bare_name, normalised};
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
        let table_of_names = Names::load(&settings.document.section("structures")?)?;
        let (reference, other) = sources::load(&args.reference, args.other.as_deref())?;
        let pairs = pairs(&reference, &other, &table_of_names, &args.roi);
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
    let meaning = |name: &str| names.canonical(name).map_or_else(|| normalised(name), str::to_owned);
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
            let drawn = bare_name(&delineation.name);
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
            .set(&columns::STANDARD_NAME, &pair.name);
        let (a, b) = (pair.reference, pair.other);
        names(&mut row, [&a.name, &a.source], [&b.name, &b.source]);
        figures(&mut row, rt_qc::compare(&a.mask, &on_grid_of(&a.mask, &b.mask)));
        dose(&mut row, reference.dose_of(a), other.dose_of(b));
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
