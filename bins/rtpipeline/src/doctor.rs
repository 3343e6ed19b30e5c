//! `rtpipeline doctor`: what this installation is, and with `--verify` whether it computes what it should.

mod dicom;
mod page;
mod phantoms;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use rt_cli::command::{run_with, say};
use rt_cli::{CommonArgs, Exit, Failure, Machine, Settings, logging};
use serde::Serialize;

use crate::text::{row, table};
use phantoms::Check;

/// Arguments of `rtpipeline doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Run analytic phantoms through the installed binaries and compare every figure with its closed form
    #[arg(long)]
    pub verify: bool,
    /// Write the result of --verify as a page that can be filed (HTML)
    #[arg(short, long, value_name = "FILE", requires = "verify")]
    pub output: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    pub json: bool,
}

/// What this installation is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Installation {
    version: String,
    commit: String,
    compiler: String,
    system: String,
    cores: usize,
    memory_bytes: Option<u64>,
    /// Binaries that belong to it, and whether they stand beside this one.
    binaries: Vec<(String, bool)>,
}

/// The JSON form.
#[derive(Debug, Serialize)]
struct Document<'a> {
    installation: &'a Installation,
    checks: &'a [Check],
}

/// Binaries of the stages.
const BINARIES: [&str; 7] = [
    "rt-organize",
    "rt-segment",
    "rt-structures",
    "rt-dvh",
    "rt-radiomics",
    "rt-qc",
    "rt-aggregate",
];

/// Runs the command.
pub fn run(args: &DoctorArgs, common: &CommonArgs) -> ExitCode {
    run_with(common, || {
        let settings = Settings::load(common, None, &[])?;
        logging::init(settings.logging);
        let installation = installation()?;
        let checks = if args.verify { verified()? } else { Vec::new() };
        if let Some(path) = &args.output {
            std::fs::write(path, page::html(&installation, &checks)).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if args.json {
            let document = Document {
                installation: &installation,
                checks: &checks,
            };
            say(&serde_json::to_string(&document)?)?;
        } else {
            tell(&installation, &checks)?;
        }
        let missed = checks.iter().filter(|c| !c.passes()).count();
        if missed > 0 {
            return Err(Failure::new(
                "doctor.verify",
                format!("{missed} of {} figures are outside their tolerance", checks.len()),
            )
            .hint("do not use this installation; build it again, and report the page if that does not help")
            .into());
        }
        Ok(Exit::Done)
    })
}

/// All phantoms through the installed binary, their files in a folder of their own that goes afterwards.
fn verified() -> Result<Vec<Check>, anyhow::Error> {
    let binary = binary("rt-dvh")?;
    let folder = std::env::temp_dir().join(format!("rtpipeline-doctor-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let checks = phantoms::verify(&binary, &folder);
    std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    checks
}

/// A binary beside this one.
fn binary(name: &str) -> Result<PathBuf, anyhow::Error> {
    let path = beside(name)?;
    if path.is_file() {
        return Ok(path);
    }
    let message = format!("{} is not there", path.display());
    Err(Failure::new("doctor.binary_missing", message)
        .hint("build all binaries with `cargo build --release`, or install them in one folder")
        .into())
}

fn beside(name: &str) -> Result<PathBuf, anyhow::Error> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    let folder = own.parent().unwrap_or_else(|| Path::new("."));
    Ok(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

fn installation() -> Result<Installation, anyhow::Error> {
    let program = rt_cli::runner::program();
    let machine = Machine::detect();
    let there = |name: &str| -> Result<(String, bool), anyhow::Error> { Ok((name.to_owned(), beside(name)?.is_file())) };
    Ok(Installation {
        version: program.version,
        commit: program.commit,
        compiler: program.rustc,
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cores: machine.cores,
        memory_bytes: machine.memory_bytes,
        binaries: BINARIES.iter().map(|n| there(n)).collect::<Result<_, _>>()?,
    })
}

fn tell(installation: &Installation, checks: &[Check]) -> Result<(), anyhow::Error> {
    for (name, value) in installation.facts() {
        say(&format!("{name:<10} {value}"))?;
    }
    if checks.is_empty() {
        return say("run with --verify to compare figures of analytic phantoms with their closed forms");
    }
    let head = row([&"phantom", &"figure", &"expected", &"computed", &"tolerance", &"result"]);
    let rows = checks.iter().map(|c| {
        let computed = c.computed.map_or_else(|| "none".to_owned(), |v| format!("{v:.4}"));
        let result = if c.passes() { "pass" } else { "FAIL" };
        row([
            &c.phantom,
            &c.figure,
            &format!("{:.4}", c.expected),
            &computed,
            &format!("{:.4}", c.tolerance),
            &result,
        ])
    });
    say("")?;
    say(&table(&std::iter::once(head).chain(rows).collect::<Vec<_>>()))?;
    let passed = checks.iter().filter(|c| c.passes()).count();
    say(&format!("{passed} of {} figures within their tolerance", checks.len()))
}

impl Installation {
    /// Lines of the head.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let missing: Vec<&str> = self.binaries.iter().filter(|(_, there)| !there).map(|(n, _)| n.as_str()).collect();
        let binaries = if missing.is_empty() {
            "all there".to_owned()
        } else {
            format!("missing: {}", missing.join(", "))
        };
        let memory = self
            .memory_bytes
            .map_or_else(|| "unknown".to_owned(), |b| format!("{:.1} GiB", b as f64 / f64::from(1 << 30)));
        vec![
            ("version", format!("{} ({})", self.version, self.commit)),
            ("compiler", self.compiler.clone()),
            ("system", format!("{}, {} cores, {memory}", self.system, self.cores)),
            ("binaries", binaries),
        ]
    }
}
