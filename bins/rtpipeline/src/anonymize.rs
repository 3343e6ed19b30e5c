//! `rtpipeline anonymize`: DICOM without identities, and the proof that it is.
//!
//! Cleaning and checking are two programs in one: what is written is read again by the checker, and only what it has looked at is called
//! clean. The key stays outside the output; with it the same patient gets the same pseudonym in every run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use rt_cli::command::say;
use rt_cli::{CommonArgs, Exit, Failure, Machine, Resources};
use rt_core::Silent;
use rt_course::{write_atomic, write_json};
use rt_dicom::privacy::{CheckReport, Cleaned, DatePolicy, DeidError, DeidKey, DeidOptions, Deidentifier, Retain, RoiNames, check};
use rt_structures::StructuresConfig;
use rt_structures_cli::recipes::Names;
use serde::Serialize;

use crate::text::count;

/// Files that are cleaned before they are written in order.
const BATCH: usize = 64;
/// Findings that are shown; the report holds all of them.
const SHOWN: usize = 20;
/// The report in the output folder.
const REPORT: &str = "DEIDENTIFICATION.json";

/// What becomes of dates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Dates {
    /// Moved by whole weeks, per patient: intervals stay
    #[default]
    Shift,
    /// Emptied, or a dummy where a value must be
    Remove,
}

/// What becomes of the names of regions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum NamePolicy {
    /// Standard names where known, else numbers
    #[default]
    Map,
    /// Words of anatomy, targets and sides stay
    Clean,
    /// All become numbers
    Drop,
    /// All stay (needs --i-have-checked)
    Keep,
}

/// What may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kept {
    /// Device names and serial numbers
    Device,
    /// Institution
    Institution,
    /// Sex, age (at most 90), size, weight: PET uptake values need the weight
    Patient,
}

/// Arguments of `rtpipeline anonymize`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "The folder is checked after it was written; `--check IN OUT` checks again at any time. Exit 1: the check found something, \
do not pass the folder on. Objects that may show or tell who the patient is (secondary captures, reports, documents) are withheld.

Examples:
  rtpipeline anonymize --input dicom --output shared --key study.key
  rtpipeline anonymize --check dicom shared"
)]
pub struct AnonymizeArgs {
    /// Folder of DICOM files
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    pub input: Option<PathBuf>,
    /// New folder for the cleaned files
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    pub output: Option<PathBuf>,
    /// File of the secret key; made when it is not there. Keep it: the same key gives the same pseudonyms
    #[arg(long, value_name = "FILE", required_unless_present = "check")]
    pub key: Option<PathBuf>,
    /// Also write a table of old and new patient ids to this file, outside the output
    #[arg(long, value_name = "FILE")]
    pub lookup: Option<PathBuf>,
    /// What becomes of dates
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub dates: Dates,
    /// What becomes of the names of regions
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    pub roi_names: NamePolicy,
    /// What may stay; repeat it for more
    #[arg(long, value_enum, value_name = "WHAT")]
    pub retain: Vec<Kept>,
    /// A person has read the names of all regions: `--roi-names keep` is allowed
    #[arg(long)]
    pub i_have_checked: bool,
    /// Only check: a folder and what was made from it
    #[arg(long, num_args = 2, value_names = ["IN", "OUT"], conflicts_with_all = ["input", "output", "key"])]
    pub check: Option<Vec<PathBuf>>,
}

/// What stands in the output folder about how it was made.
#[derive(Serialize)]
struct Report {
    tool: &'static str,
    profile: &'static str,
    dates: String,
    roi_names: String,
    retained: Vec<String>,
    files: usize,
    released: usize,
    not_dicom: usize,
    withheld: BTreeMap<String, usize>,
    warnings: BTreeMap<String, usize>,
    check: Option<Checked>,
}

/// The result of the check.
#[derive(Serialize)]
struct Checked {
    clean: bool,
    originals: usize,
    released: usize,
    paired: usize,
    originals_unread: usize,
    values_looked_for: usize,
    findings: BTreeMap<String, usize>,
}

/// Cleans a folder and checks the result, or only checks.
pub fn run(args: &AnonymizeArgs, common: &CommonArgs) -> ExitCode {
    rt_cli::command::run_command(common, |settings| {
        let threads = Resources::for_one(&settings.resources, Machine::detect()).threads;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .context("cannot start threads")?;
        pool.install(|| match (&args.check, &args.input, &args.output, &args.key) {
            (Some(folders), ..) => match folders.as_slice() {
                [input, output] => judged(&checked(input, output)?),
                _ => Err(Failure::usage("deid.usage", "--check takes two folders").into()),
            },
            (None, Some(input), Some(output), Some(key)) => anonymize(args, input, output, key),
            _ => Err(Failure::usage("deid.usage", "--input, --output and --key are needed").into()),
        })
    })
}

fn anonymize(args: &AnonymizeArgs, input: &Path, output: &Path, key: &Path) -> Result<Exit, anyhow::Error> {
    let folder = place(args, input, output, key)?;
    let secret = secret(key)?;
    let names = Names::load(&StructuresConfig::default())?;
    let canonical = |name: &str| names.canonical(name).map(str::to_owned);
    let options = options(args);
    let cleaner = Deidentifier::new(secret, options, &canonical);
    let files = files(input)?;
    let mut report = Report {
        tool: concat!("rtpipeline ", env!("CARGO_PKG_VERSION")),
        profile: "DICOM PS3.15 Annex E, Basic Application Confidentiality Profile",
        dates: format!("{:?}", args.dates).to_lowercase(),
        roi_names: format!("{:?}", args.roi_names).to_lowercase(),
        retained: args.retain.iter().map(|r| format!("{r:?}").to_lowercase()).collect(),
        files: files.len(),
        released: 0,
        not_dicom: 0,
        withheld: BTreeMap::new(),
        warnings: BTreeMap::new(),
        check: None,
    };
    let done = clean_all(&cleaner, &files, input, &folder, &mut report)?;
    for (code, what) in [
        (
            "deid.face",
            "images of heads: a face can be made from them; nothing was done about that",
        ),
        (
            "deid.maybe_burned_in",
            "derived images that do not say whether text stands in their pixels: look at them",
        ),
    ] {
        if let Some(n) = report.warnings.get(code) {
            tracing::warn!(event = "warn", code, "{n} {what}");
        }
    }
    if let Some(path) = &args.lookup {
        lookup(path, &done.patients)?;
    }
    if report.released == 0 {
        return Err(Failure::new("deid.nothing", format!("{}: no object that can be released", input.display())).into());
    }
    let result = checked(input, output)?;
    report.check = Some(summary(&result));
    write_json(folder.join(REPORT), &report)?;
    say(&format!(
        "{folder}: {} of {}, {} withheld",
        count(report.released, "object"),
        count(done.patients.len(), "patient"),
        report.withheld.values().sum::<usize>()
    ))?;
    match judged(&result)? {
        Exit::Done if done.unreadable > 0 => Ok(Exit::Partial),
        other => Ok(other),
    }
}

/// What was met on the way.
struct Met {
    /// Old to new patient ids.
    patients: BTreeMap<String, String>,
    /// DICOM files that cannot be read.
    unreadable: usize,
}

/// Cleans and writes every object, in the order of the files; what is withheld is told and counted.
fn clean_all(
    cleaner: &Deidentifier<'_>,
    files: &[PathBuf],
    input: &Path,
    folder: &Utf8Path,
    report: &mut Report,
) -> Result<Met, anyhow::Error> {
    let mut met = Met {
        patients: BTreeMap::new(),
        unreadable: 0,
    };
    for batch in files.chunks(BATCH) {
        let objects: Vec<Result<Cleaned, DeidError>> = batch.par_iter().map(|path| cleaner.clean(path)).collect();
        for (path, result) in batch.iter().zip(objects) {
            match result {
                Ok(object) => {
                    write(folder, &object)?;
                    report.released += 1;
                    for (code, _) in &object.warnings {
                        *report.warnings.entry((*code).to_owned()).or_default() += 1;
                    }
                    met.patients.insert(object.original_patient_id.clone(), object.patient_id.clone());
                }
                Err(DeidError::NotDicom) => report.not_dicom += 1,
                Err(e) => {
                    met.unreadable += usize::from(matches!(e, DeidError::Unreadable { .. }));
                    let inside = path.strip_prefix(input).unwrap_or(path);
                    let name = rt_cli::exit::escape(&inside.to_string_lossy());
                    tracing::warn!(event = "warn", code = e.code(), "{name}: withheld: {e}");
                    *report.withheld.entry(e.code().to_owned()).or_default() += 1;
                }
            }
        }
    }
    Ok(met)
}

fn options(args: &AnonymizeArgs) -> DeidOptions {
    DeidOptions {
        dates: match args.dates {
            Dates::Shift => DatePolicy::Shift,
            Dates::Remove => DatePolicy::Remove,
        },
        roi_names: match args.roi_names {
            NamePolicy::Map => RoiNames::Map,
            NamePolicy::Clean => RoiNames::Clean,
            NamePolicy::Drop => RoiNames::Drop,
            NamePolicy::Keep => RoiNames::Keep,
        },
        retain: args
            .retain
            .iter()
            .map(|kept| match kept {
                Kept::Device => Retain::Device,
                Kept::Institution => Retain::Institution,
                Kept::Patient => Retain::Patient,
            })
            .collect(),
    }
}

/// The output folder, after everything that cannot work was refused.
fn place(args: &AnonymizeArgs, input: &Path, output: &Path, key: &Path) -> Result<Utf8PathBuf, anyhow::Error> {
    let usage = |message: String, hint: &str| -> anyhow::Error { Failure::usage("deid.usage", message).hint(hint).into() };
    if args.roi_names == NamePolicy::Keep && !args.i_have_checked {
        let hint = "read the names of all regions first, then add --i-have-checked";
        return Err(usage("--roi-names keep lets through whatever people typed".to_owned(), hint));
    }
    let root = input.canonicalize().map_err(|e| {
        usage(
            format!("{} cannot be read: {e}", input.display()),
            "give the folder of the DICOM files",
        )
    })?;
    let taken = fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        let hint = "choose a new folder: what lies there already would not be clean";
        return Err(usage(format!("{} is not empty", output.display()), hint));
    }
    fs::create_dir_all(output).with_context(|| format!("cannot make the folder {}", output.display()))?;
    let folder = output
        .canonicalize()
        .with_context(|| format!("cannot use the folder {}", output.display()))?;
    if folder.starts_with(&root) || root.starts_with(&folder) {
        return Err(usage(
            format!("{} and the input lie in one another", output.display()),
            "choose a folder beside the input",
        ));
    }
    for file in std::iter::once(key).chain(args.lookup.as_deref()) {
        let parent = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = parent
            .canonicalize()
            .map_err(|e| usage(format!("{} cannot be used: {e}", parent.display()), "make the folder first"))?;
        if parent.starts_with(&folder) {
            let hint = "whoever has the key or the table can undo the work: keep them elsewhere";
            return Err(usage(format!("{} lies in the output", file.display()), hint));
        }
    }
    Utf8PathBuf::from_path_buf(folder).map_err(|p| usage(format!("{} is not valid Unicode", p.display()), "choose another output folder"))
}

/// The key of a file; a new one where there is none.
fn secret(path: &Path) -> Result<DeidKey, anyhow::Error> {
    let mut bytes = [0_u8; 32];
    if path.exists() {
        let mut file = File::open(path).with_context(|| format!("cannot read the key {}", path.display()))?;
        let wrong = |_| Failure::usage("deid.key", format!("{} is no key: it must hold 32 bytes", path.display()));
        file.read_exact(&mut bytes).map_err(wrong)?;
        if file.read(&mut [0])? != 0 {
            return Err(Failure::usage("deid.key", format!("{} is no key: it must hold 32 bytes", path.display())).into());
        }
    } else {
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut bytes))
            .context("cannot get random bytes for a key")?;
        private(path)?
            .write_all(&bytes)
            .with_context(|| format!("cannot write the key {}", path.display()))?;
    }
    Ok(DeidKey::new(bytes))
}

/// A new file that only its owner can read.
fn private(path: &Path) -> Result<File, anyhow::Error> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

fn lookup(path: &Path, patients: &BTreeMap<String, String>) -> Result<(), anyhow::Error> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let lines: Vec<String> = patients.iter().map(|(old, new)| format!("{},{new}\n", quoted(old))).collect();
    private(path)?
        .write_all(format!("patient_id,pseudonym\n{}", lines.concat()).as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Every file of a folder and below, sorted.
fn files(root: &Path) -> Result<Vec<PathBuf>, anyhow::Error> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `<patient>/<study>/<series>/<object>.dcm`, all new names; a second object of one UID gets a number.
fn write(folder: &Utf8Path, object: &Cleaned) -> Result<(), anyhow::Error> {
    let series = folder.join(&object.patient_id).join(&object.study_uid).join(&object.series_uid);
    fs::create_dir_all(&series).with_context(|| format!("cannot make the folder {series}"))?;
    let mut path = series.join(format!("{}.dcm", object.sop_uid));
    for n in 2_u32.. {
        if !path.exists() {
            break;
        }
        path = series.join(format!("{}_{n}.dcm", object.sop_uid));
    }
    write_atomic(&path, |file| object.write(file))?;
    // The time of writing says nothing; the time of the source would say too much.
    let fixed = SystemTime::UNIX_EPOCH + Duration::from_hours(87_648);
    File::options().write(true).open(&path)?.set_modified(fixed)?;
    Ok(())
}

fn checked(input: &Path, output: &Path) -> Result<CheckReport, anyhow::Error> {
    check(input, output, &Silent).map_err(|e| Failure::usage("deid.check", e.to_string()).into())
}

fn summary(report: &CheckReport) -> Checked {
    let mut findings: BTreeMap<String, usize> = BTreeMap::new();
    for finding in &report.findings {
        *findings.entry(finding.code.to_owned()).or_default() += 1;
    }
    Checked {
        clean: report.is_clean(),
        originals: report.originals,
        released: report.released,
        paired: report.paired,
        originals_unread: report.unread,
        values_looked_for: report.secrets,
        findings,
    }
}

/// Says what the check found.
fn judged(report: &CheckReport) -> Result<Exit, anyhow::Error> {
    say(&format!(
        "checked {} against {}: {} values looked for, {} certain pairs, {} withheld",
        count(report.released, "object"),
        count(report.originals, "original"),
        report.secrets,
        report.paired,
        report.withheld
    ))?;
    for finding in report.findings.iter().take(SHOWN) {
        tracing::error!(
            event = "item.failed",
            code = finding.code,
            "{} {}: {}",
            rt_cli::exit::escape(&finding.file),
            finding.element,
            finding.detail
        );
    }
    if report.is_clean() {
        say("clean: no value of the input was found, and every rule of the table is kept")?;
        return Ok(Exit::Done);
    }
    if report.released == 0 || report.originals == 0 {
        return Err(Failure::new("deid.nothing", "there is nothing to check, so nothing is called clean").into());
    }
    let more = report.findings.len().saturating_sub(SHOWN);
    let tail = if more > 0 { format!(" ({more} more)") } else { String::new() };
    Err(Failure::new(
        "deid.not_clean",
        format!("{}{tail}: do not pass the folder on", count(report.findings.len(), "finding")),
    )
    .into())
}
