//! TotalSegmentator: what must be there before anything starts, one run per task, and its label map as ours.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use camino::Utf8Path;
use rt_cli::Failure;
use rt_core::{Grid, Progress, Silent};
use rt_image::{Kernel, Label, LabelMap, ResampleOptions, Rim, Volume, VolumeView, resample, resample_labels, upright_grid};
use rt_seg::totalseg::{Call, Capabilities, Trouble, environment};
use rt_seg::{Device, Devices, Finding, RunError, Runner, SegConfig, Step, StepOutcome, Task, TotalTask};
use serde_json::{Map, Value, json};

use crate::process::{Ended, Job, run, tail};
use crate::slots::acquire;

const PROGRAM: &str = "TotalSegmentator";

/// The installed program with its weights.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
    weights: PathBuf,
    licence: Option<String>,
}

impl Program {
    /// Looks for program, weights and licence without starting anything, and without any connection.
    ///
    /// # Errors
    /// [`Failure`] that says what is missing and how to get it.
    pub(crate) fn find(config: &SegConfig) -> Result<Self, anyhow::Error> {
        let path = program(config)?;
        let home = std::env::var_os("TOTALSEG_HOME_DIR").map(PathBuf::from).or_else(|| {
            let user = std::env::var_os("HOME")?;
            Some(PathBuf::from(user).join(".totalsegmentator"))
        });
        let home = home.unwrap_or_default();
        let named = config
            .weights_dir
            .clone()
            .or_else(|| std::env::var_os("TOTALSEG_WEIGHTS_PATH").map(PathBuf::from));
        let found = Self {
            path,
            weights: named.unwrap_or_else(|| home.join("nnunet/results")),
            licence: licence(&home.join("config.json")),
        };
        for task in config.total_tasks() {
            found.check(task, config.fast)?;
        }
        Ok(found)
    }

    /// Weights and licence of one task.
    fn check(&self, task: &TotalTask, fast: bool) -> Result<(), anyhow::Error> {
        let there: Vec<String> = fs::read_dir(&self.weights)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        let missing: Vec<String> = task
            .models(fast)
            .iter()
            .filter(|id| !there.iter().any(|name| name.starts_with(&format!("Dataset{id:03}_"))))
            .map(|id| format!("Dataset{id:03}"))
            .collect();
        if !missing.is_empty() {
            let message = format!(
                "the weights of TotalSegmentator's task {} are not in {}: {} missing",
                task.name,
                self.weights.display(),
                missing.join(", ")
            );
            let hint = format!(
                "fetch them once with `totalseg_download_weights -t {}`, or name their folder with segmentation.weights_dir; rt-segment never downloads",
                task.name
            );
            return Err(Failure::new("seg.weights_missing", message).hint(hint).into());
        }
        if task.licensed && self.licence.is_none() {
            let message = format!("TotalSegmentator's task {} needs a licence, and none is set", task.name);
            return Err(Failure::new("seg.licence", message).hint(Trouble::Licence.hint()).into());
        }
        Ok(())
    }

    /// What decides the result beside the image: for the staleness key. Read from the installation, without starting the program.
    pub(crate) fn identity(config: &SegConfig) -> Value {
        let Ok(path) = program(config) else {
            return Value::String("not installed".to_owned());
        };
        Value::String(installed_version(&path).unwrap_or_else(|| path.to_string_lossy().into_owned()))
    }

    /// Asks the program for its version and options, once in this process.
    fn capabilities(&self, scratch: &Path) -> Result<Capabilities, RunError> {
        static KNOWN: OnceLock<Mutex<HashMap<PathBuf, Capabilities>>> = OnceLock::new();
        let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&self.path) {
            return Ok(found.clone());
        }
        let version = self.answer("--version", &scratch.join("version.txt"))?;
        let help = self.answer("--help", &scratch.join("help.txt"))?;
        let found = Capabilities::parse(&version, &help);
        known.insert(self.path.clone(), found.clone());
        Ok(found)
    }

    fn answer(&self, argument: &str, log: &Path) -> Result<String, RunError> {
        let job = Job {
            program: &self.path,
            arguments: vec![argument.to_owned()],
            environment: Vec::new(),
            log: log.to_owned(),
            timeout: Duration::from_mins(2),
        };
        match run(&job, &Silent) {
            Ok(Ended::Exit(0)) => Ok(fs::read_to_string(log).unwrap_or_default()),
            Ok(ended) => Err(external(
                "seg.engine_failed",
                format!("`{} {argument}` ended with {ended:?}: {}", self.path.display(), tail(log)),
            )),
            Err(error) => Err(external(
                "seg.engine_missing",
                format!("{} cannot be started: {error}", self.path.display()),
            )),
        }
    }
}

fn external(code: &'static str, message: String) -> RunError {
    RunError::External { code, message }
}

/// Beside the configured Python, else on the search path.
fn program(config: &SegConfig) -> Result<PathBuf, anyhow::Error> {
    let folders: Vec<PathBuf> = match &config.python {
        Some(python) => Path::new(python).parent().map(Path::to_owned).into_iter().collect(),
        None => std::env::var_os("PATH")
            .map(|p| std::env::split_paths(&p).collect())
            .unwrap_or_default(),
    };
    if let Some(found) = folders.iter().map(|folder| folder.join(PROGRAM)).find(|path| path.is_file()) {
        return Ok(found);
    }
    let place = match &config.python {
        Some(python) => format!("beside {python}"),
        None => "on the search path".to_owned(),
    };
    Err(Failure::new("seg.engine_missing", format!("{PROGRAM} is not {place}"))
        .hint("install it (`pip install TotalSegmentator`) and name its Python with segmentation.python, or use segmentation.engine = \"classical\"")
        .into())
}

/// `2.18.0`, from the folder that pip made for the package.
fn installed_version(program: &Path) -> Option<String> {
    let library = program.parent()?.parent()?.join("lib");
    let packages = fs::read_dir(library)
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("site-packages"));
    let names = packages.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().to_ascii_lowercase())
        .find_map(|name| {
            let version = name.strip_prefix("totalsegmentator-")?.strip_suffix(".dist-info")?;
            Some(version.to_owned())
        })
}

fn licence(config: &Path) -> Option<String> {
    let text = fs::read(config).ok()?;
    let value: Value = serde_json::from_slice(&text).ok()?;
    // A key has 18 characters.
    value["license_number"].as_str().filter(|key| key.len() == 18).map(str::to_owned)
}

/// Runs the program on the planning CT of one course.
pub(crate) struct Total<'v, 'a> {
    pub(crate) program: Program,
    pub(crate) config: &'a SegConfig,
    pub(crate) devices: Devices,
    pub(crate) ct: VolumeView<'v, i16>,
    /// The file of that CT.
    pub(crate) image: &'a Utf8Path,
    /// Folder for what is gone afterwards: beside the result.
    pub(crate) scratch: &'a Path,
    /// Folder of the logs.
    pub(crate) logs: &'a Utf8Path,
    pub(crate) threads: usize,
    /// For whom, in messages.
    pub(crate) who: &'a str,
}

impl Runner for Total<'_, '_> {
    fn run(&mut self, step: &Step, progress: &dyn Progress) -> Result<StepOutcome, RunError> {
        let Task::Total(task) = step.task else {
            return Err(external(
                "seg.wrong_engine",
                format!("{} is no task of TotalSegmentator", step.task.name()),
            ));
        };
        progress.begin(&format!("TotalSegmentator {}", task.name), 1);
        let have = self.program.capabilities(self.scratch)?;
        let image = self.upright_image()?;
        let slot = acquire(self.config, &self.devices, self.who, progress).map_err(|e| {
            if progress.cancelled() {
                RunError::Cancelled
            } else {
                external("lease.io", format!("{e:#}"))
            }
        })?;
        let output = self.scratch.join(format!("{}.nii.gz", task.name));
        let report = self.scratch.join(format!("{}.json", task.name));
        self.attempts(task, &have, &image, [&output, &report], slot.device, progress)?;
        drop(slot);
        let labels = self.harvested(&output)?;
        progress.inc(1);
        Ok(StepOutcome {
            findings: findings(&labels),
            labels,
            engine_version: have.version,
            parameters: self.parameters(task),
        })
    }
}

impl Total<'_, '_> {
    /// The CT as the program can read it: a sheared or uneven one is resampled onto the right-angled grid that holds it.
    fn upright_image(&self) -> Result<PathBuf, RunError> {
        let grid = self.ct.grid();
        if is_upright(grid) {
            return Ok(self.image.as_std_path().to_owned());
        }
        let upright = upright_grid(grid).map_err(|e| external("seg.geometry", e.to_string()))?;
        let options = ResampleOptions {
            kernel: Kernel::Linear,
            outside: -1024.0,
            rim: Rim::HalfVoxel,
        };
        let path = self.scratch.join("upright.nii");
        rt_nifti::write(
            &path,
            &resample(self.ct, &Arc::new(upright), options),
            &rt_nifti::WriteOptions::default(),
        )
        .map_err(|e| external(e.code(), e.to_string()))?;
        Ok(path)
    }

    /// One run, and a second that saves memory when the first had too little.
    fn attempts(
        &self,
        task: &'static TotalTask,
        have: &Capabilities,
        image: &Path,
        [output, report]: [&PathBuf; 2],
        device: Device,
        progress: &dyn Progress,
    ) -> Result<(), RunError> {
        let log = self.logs.join(format!("totalsegmentator-{}.log", task.name)).into_std_path_buf();
        let gpu = match device {
            Device::Cpu => None,
            Device::Gpu(number) => Some(number),
        };
        let home = self.home()?;
        for frugal in [false, true] {
            let (image, output, report) = (image.to_string_lossy(), output.to_string_lossy(), report.to_string_lossy());
            let call = Call {
                task,
                image: &image,
                output: &output,
                report: &report,
                gpu: gpu.is_some(),
                fast: self.config.fast,
                roi_subset: &self.config.roi_subset,
                frugal,
                threads: self.threads,
            };
            let job = Job {
                program: &self.program.path,
                arguments: call.arguments(have),
                environment: environment(&home.to_string_lossy(), &self.program.weights.to_string_lossy(), gpu, self.threads),
                log: log.clone(),
                timeout: Duration::from_secs_f64(60.0 * self.config.timeout_min),
            };
            let ended = run(&job, progress).map_err(|e| {
                external(
                    "seg.engine_missing",
                    format!("{} cannot be started: {e}", self.program.path.display()),
                )
            })?;
            let trouble = match ended {
                Ended::Exit(0) => return on_the_device(Path::new(&*report), gpu),
                Ended::Cancelled => return Err(RunError::Cancelled),
                Ended::TooLong => {
                    let message = format!(
                        "TotalSegmentator {} was stopped after {} minutes (segmentation.timeout_min); log: {}",
                        task.name,
                        self.config.timeout_min,
                        log.display()
                    );
                    return Err(external("seg.timeout", message));
                }
                Ended::Exit(code) => Trouble::of(Some(code), &tail(&log)),
                Ended::Killed => Trouble::of(None, &tail(&log)),
            };
            if frugal || !trouble.is_memory() {
                let message = format!(
                    "TotalSegmentator {} failed ({ended:?}): {}; log: {}\n{}",
                    task.name,
                    trouble.hint(),
                    log.display(),
                    tail(&log)
                );
                return Err(external(trouble.code(), message));
            }
            tracing::warn!(
                event = "retry",
                code = trouble.code(),
                "{}: {}; once more with less memory",
                self.who,
                task.name
            );
        }
        Ok(())
    }

    /// Settings of this run alone: the program rewrites them without a lock. Usage statistics are off.
    fn home(&self) -> Result<PathBuf, RunError> {
        let home = self.scratch.join("home");
        let mut settings = json!({ "totalseg_id": "rtpipeline", "send_usage_stats": false, "prediction_counter": 0 });
        if let Some(licence) = &self.program.licence {
            settings["license_number"] = json!(licence);
        }
        fs::create_dir_all(&home)
            .and_then(|()| fs::write(home.join("config.json"), settings.to_string()))
            .map_err(|e| external("write.io", format!("{}: {e}", home.display())))?;
        Ok(home)
    }

    /// The label map with the names of its header, on the grid of the CT; classes without a voxel are left out.
    fn harvested(&self, output: &Path) -> Result<LabelMap, RunError> {
        let unusable = |e: rt_nifti::ReadError| external("seg.output", format!("TotalSegmentator's result cannot be used: {e}"));
        let names = rt_nifti::label_names(&rt_nifti::header(output).map_err(unusable)?);
        let mut volume: Volume<u16> = rt_nifti::read(output).map_err(unusable)?;
        let grid = self.ct.grid();
        if !is_upright(grid) {
            volume = resample_labels(volume.view(), grid, 0);
        }
        let mut present = vec![false; 1 << 16];
        for value in volume.data() {
            present[usize::from(*value)] = true;
        }
        let label = |(value, name): (u32, String)| {
            let value = u16::try_from(value).ok().filter(|v| *v > 0 && present[usize::from(*v)])?;
            Some(Label { value, name })
        };
        let mut labels: Vec<Label> = names.into_iter().filter_map(label).collect();
        labels.sort_by_key(|l| l.value);
        Ok(LabelMap { volume, labels })
    }

    fn parameters(&self, task: &TotalTask) -> Map<String, Value> {
        let models: Vec<String> = task.models(self.config.fast).iter().map(|id| format!("Dataset{id:03}")).collect();
        let mut subset = self.config.roi_subset.clone();
        subset.sort_unstable();
        [
            ("models", json!(models)),
            ("fast", json!(self.config.fast && !task.fast_models.is_empty())),
            ("roi_subset", json!(subset)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
    }
}

/// Whether the program gets the file of the CT itself, and gives its labels on the same grid.
fn is_upright(grid: &Grid) -> bool {
    grid.is_uniform() && grid.is_right_angled(0.05)
}

/// The program falls back to the processor without a word when it cannot use its GPU: that is a failure here.
fn on_the_device(report: &Path, gpu: Option<u32>) -> Result<(), RunError> {
    let (Some(gpu), Ok(text)) = (gpu, fs::read(report)) else {
        return Ok(());
    };
    let said: Value = serde_json::from_slice(&text).unwrap_or_default();
    if said["device"].as_str().is_some_and(|d| d.contains("cpu")) {
        let message = format!(
            "TotalSegmentator was given GPU {gpu} and ran on the processor; check driver and PyTorch, or ask for segmentation.devices = \"cpu\""
        );
        return Err(external("seg.cpu_fallback", message));
    }
    Ok(())
}

fn findings(labels: &LabelMap) -> Vec<Finding> {
    if !labels.labels.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        code: "seg.empty",
        detail: "no class was found".to_owned(),
    }]
}
