//! `rtpipeline init DIR`: a configuration to begin with, from what a folder of DICOM holds. Written to standard output.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rt_cli::command::{run_with, say};
use rt_cli::{CommonArgs, Exit, Failure, Machine, Settings, logging};
use rt_core::progress::Silent;
use rt_dicom::cache::MetaCache;
use rt_dicom::scan::{Index, ScanOptions, scan};
use rt_structures::NameTable;
use rt_structures_cli::recipes::Names;

use crate::text::count;

/// Arguments of `rtpipeline init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Folder of DICOM files; read, never written to
    #[arg(value_name = "DIR")]
    pub input: PathBuf,
}

/// Runs the command.
pub fn run(args: &InitArgs, common: &CommonArgs) -> ExitCode {
    run_with(common, || {
        let settings = Settings::load(common, None, &[])?;
        logging::init(settings.logging);
        let input = std::path::absolute(&args.input)?;
        let index = scan(
            std::slice::from_ref(&input),
            &mut MetaCache::default(),
            &ScanOptions::default(),
            &Silent,
        )
        .map_err(|e| Failure::usage(e.code(), e.to_string()).hint("give a folder of DICOM files"))?;
        let found = Found::new(&index);
        if found.objects.is_empty() {
            let message = format!("{}: {}, none of them DICOM", input.display(), count(index.files.len(), "file"));
            return Err(Failure::new("init.no_dicom", message)
                .hint("give the folder above the DICOM files")
                .into());
        }
        let names = Names::load(&settings.document.section("structures")?)?;
        say(found.config(&input, &names, Machine::detect())?.trim_end())?;
        Ok(Exit::Done)
    })
}

/// What a folder holds.
#[derive(Debug, Default)]
struct Found {
    files: usize,
    patients: BTreeSet<String>,
    /// Modality to number of objects.
    objects: BTreeMap<String, usize>,
    /// Structure names as drawn, with the number of structure sets that have them.
    structures: BTreeMap<String, usize>,
}

impl Found {
    fn new(index: &Index) -> Self {
        let mut found = Self {
            files: index.files.len(),
            ..Self::default()
        };
        for file in &index.files {
            let Some(object) = file.entry.object() else { continue };
            found.patients.insert(object.patient_id.clone());
            *found.objects.entry(object.modality.clone()).or_default() += 1;
            if object.modality == "RTSTRUCT" {
                found.names(&index.absolute(&file.entry));
            }
        }
        found
    }

    /// Counts the names of one structure set; one that cannot be read is told and left out.
    fn names(&mut self, path: &Path) {
        match rt_dicom::read_structures(path) {
            Ok(set) => {
                let names: BTreeSet<String> = set.rois.into_iter().map(|roi| roi.name).collect();
                for name in names {
                    *self.structures.entry(name).or_default() += 1;
                }
            }
            Err(error) => tracing::warn!(code = error.code(), "{error}"),
        }
    }

    fn config(&self, input: &Path, names: &NameTable, machine: Machine) -> Result<String, anyhow::Error> {
        let objects: Vec<String> = self.objects.iter().map(|(modality, n)| format!("{n} {modality}")).collect();
        let memory = machine
            .memory_bytes
            .map_or_else(String::new, |bytes| format!(" and {:.0} GB of memory", bytes as f64 / 1e9));
        let mut text = format!(
            "# Configuration of rtpipeline; every key with its default: rtpipeline config show
# Found: {}, {}; DICOM objects: {}

[cohort]
input = {}
output = \"out\"

[resources]
# This machine has {}{memory}; by default all of it is used.
# workers = {}

[organize]
# How files come into the course folders: hardlink, symlink, copy, none
# place = \"hardlink\"

[segmentation]
# devices = [0, 1]

[dvh]
# Metrics beside the standard ones
# metrics = [\"D0.03cc\", \"V20Gy\"]
",
            count(self.files, "file"),
            count(self.patients.len(), "patient"),
            objects.join(", "),
            quoted(&input.display().to_string())?,
            count(machine.cores, "core"),
            machine.cores,
        );
        self.list_names(names, &mut text)?;
        Ok(text)
    }

    /// The names that were drawn, with what each is taken for, ready to be edited.
    fn list_names(&self, names: &NameTable, text: &mut String) -> Result<(), anyhow::Error> {
        text.push_str(
            "
# Structure names of the input, how many structure sets have them, and what each is taken for. To say otherwise, copy lines into a
# file names.toml below `schema = 1` and `[seen]`, and name it here.
[structures]
# synonyms = \"names.toml\"
",
        );
        for (name, sets) in &self.structures {
            let meant = names.canonical(name).unwrap_or_default();
            writeln!(text, "# {} = {}  # {}", quoted(name)?, quoted(meant)?, count(*sets, "set"))?;
        }
        Ok(())
    }
}

/// A TOML string: that of JSON is one.
fn quoted(text: &str) -> Result<String, anyhow::Error> {
    Ok(serde_json::to_string(text)?.replace('\u{7f}', "\\u007f"))
}
