//! Driver of the robustness stage: reads the planning CT and the masks of a course, lets `rt_radiomics::robustness` perturb and measure them,
//! writes `robustness/robustness_ct.parquet` (a row per perturbation and feature) and `robustness/status.parquet` (a row per structure).
//!
//! Off unless `robustness.enabled`. Structures are chosen by name, of every source; one that cannot be perturbed has its reason in the status
//! table and leaves the others alone. Statistics over the cohort are made in aggregate. Source: `spec/analysis.md` 2R, `design/architecture.md` 7.
//!
//! ```
//! use rt_cli::{Environment, Outcome, execute};
//! use rt_config::Document;
//! use rt_course::{Cohort, write_bytes};
//! use rt_robustness_cli::Robustness;
//!
//! # fn main() -> Result<(), anyhow::Error> {
//! // A course without images has nothing to perturb.
//! let folder = tempfile::tempdir()?;
//! let course = Cohort::new(folder.path())?.course("P01", "C1")?;
//! write_bytes(course.course_json(), include_str!("../tests/it/empty_course.json").as_bytes())?;
//! let document = Document::from_toml("example.toml", "[robustness]\nenabled = true\n")?;
//! let outcome = execute(&Robustness, &course, &Environment::for_tests(&document)?)?;
//! assert!(matches!(outcome, Outcome::Ran { .. }));
//! assert!(!course.robustness(rt_course::Radiomics::Ct).exists());
//! # Ok(())
//! # }
//! ```

mod regions;
mod rows;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use rt_cli::{Failure, Input, Stage, StageContext, StageReport};
use rt_config::{ConfigIssue, Validate};
use rt_course::manifest::CourseRecord;
use rt_course::{CourseDir, Radiomics as Table};
use rt_image::AnyVolume;
use rt_radiomics::robustness::{Measured, PerturbGrid, RobustnessConfig, Sharing, geometries, measure, noisy};
use rt_radiomics::{ImageKind, RadiomicsConfig, Samples, Settings};
use serde::{Deserialize, Serialize};

use regions::Region;
use rows::Outcome;

/// The sections that decide the result: what is perturbed, and which features are taken.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Config {
    /// `[robustness]`
    pub robustness: RobustnessConfig,
    /// `[radiomics]`
    pub radiomics: RadiomicsConfig,
}

impl Validate for Config {
    fn validate(&self) -> Result<(), ConfigIssue> {
        self.robustness.validate().map_err(|e| e.within("robustness"))?;
        self.radiomics.validate().map_err(|e| e.within("radiomics"))
    }
}

/// The robustness stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Robustness;

impl Stage for Robustness {
    const NAME: &'static str = "robustness";
    const FORMAT: u32 = 1;
    const SECTIONS: &'static [&'static str] = &["robustness", "radiomics"];
    type Config = Config;

    fn inputs(&self, course: &CourseDir, config: &Config) -> Vec<Input> {
        let mut inputs = vec![
            Input::json(course.course_json(), "organize", &["/patient_id", "/course_id", "/images"]),
            Input::optional(course.masks_json()),
            Input::optional(course.masks()),
            Input::optional(course.ct()),
        ];
        let params = config.radiomics.params.as_deref().and_then(Utf8Path::from_path);
        inputs.extend(params.map(Input::optional));
        inputs
    }

    fn outputs(&self, _course: &CourseDir, _config: &Config) -> Vec<Utf8PathBuf> {
        // Which tables there are depends on the names of the structures.
        Vec::new()
    }

    fn threads(&self, config: &Config, available: usize) -> usize {
        config.robustness.thread_limit.given().unwrap_or(available).min(available)
    }

    fn run(&self, cx: &StageContext<'_>, config: &Config) -> Result<StageReport, anyhow::Error> {
        let record = cx.record()?;
        if !cx.place.ct().exists() {
            return Ok(StageReport::skipped("the course has no planning CT"));
        }
        if !cx.place.masks_json().exists() {
            return Ok(StageReport::skipped("the course has no structures"));
        }
        let chosen = regions::read(cx.place, &config.robustness)?;
        if chosen.is_empty() {
            let patterns = config.robustness.apply_to_structures.join(", ");
            return Ok(StageReport::skipped(format!(
                "robustness.no_match: no structure with voxels is called {patterns} (robustness.apply_to_structures)"
            )));
        }
        perturb(cx, config, &record, &chosen)
    }
}

/// The settings that the radiomics stage has for CT, without the columns about images and versions.
fn settings_of(config: &RadiomicsConfig) -> Result<Settings, anyhow::Error> {
    let file = config
        .params_of(ImageKind::Ct)
        .filter(|_| config.parameters_of(ImageKind::Ct).is_none());
    let read = file.map(|path| {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the parameter file {}", path.display()))?;
        let is_toml = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
        let settings = if is_toml {
            Settings::from_parameters(&rt_config::parse_toml(&path.display().to_string(), &text)?)
        } else {
            Settings::from_pyradiomics_yaml(&text)
        };
        settings.map_err(|e| anyhow::Error::from(Failure::usage(e.code(), format!("{}: {e}", path.display()))))
    });
    let settings = config.settings(ImageKind::Ct, read.transpose()?.as_ref());
    let mut settings = settings.map_err(|e| Failure::usage(e.code(), format!("section [radiomics]: {e}")))?;
    settings.additional_info = false;
    Ok(settings)
}

/// Perturbs and measures the regions, noise level by noise level: each altered image is made once for all of them.
fn perturb(cx: &StageContext<'_>, config: &Config, record: &CourseRecord, chosen: &[Region]) -> Result<StageReport, anyhow::Error> {
    let settings = settings_of(&config.radiomics)?;
    let grid = PerturbGrid::new(&config.robustness).map_err(|e| Failure::usage(e.code(), e.to_string()))?;
    let image: AnyVolume = rt_nifti::read_any(cx.place.ct().as_std_path())?;
    let mut outcomes: Vec<Outcome> = chosen
        .iter()
        .map(|region| match geometries(&region.mask, &grid) {
            Ok(states) => Outcome::Ready {
                states,
                levels: Vec::new(),
            },
            Err(e) => Outcome::Refused {
                code: e.code(),
                message: e.to_string(),
            },
        })
        .collect();
    cx.progress.begin("robustness", (grid.noise.len() * chosen.len()) as u64);
    for sd in &grid.noise {
        let altered = noisy(&Samples::from(&image), *sd, grid.seed);
        for outcome in &mut outcomes {
            if cx.progress.cancelled() {
                return Err(Failure::new("interrupted", "stopped before all perturbations were measured").into());
            }
            outcome.add(|states| measure(altered.view(), states, &settings, Sharing::On));
            cx.progress.inc(1);
        }
    }
    let mut report = StageReport::new();
    for (region, outcome) in chosen.iter().zip(&outcomes) {
        let name = region.entry.name.as_str();
        match outcome {
            Outcome::Ready { .. } => report.done(name),
            Outcome::Refused { code, message } => report.failed(name, code, message),
        }
    }
    let ids = grid.perturbations();
    for path in rows::write(cx.place, record, chosen, &outcomes, &ids)? {
        report.wrote(path);
    }
    Ok(report)
}

/// Path of the table of one course, as aggregate reads it.
pub fn table(course: &CourseDir) -> Utf8PathBuf {
    course.robustness(Table::Ct)
}

/// The features of one perturbation out of those of its noise level.
fn of_geometry(level: &[Measured], geometry: usize) -> Option<&Measured> {
    level.iter().find(|m| m.geometry == geometry)
}
