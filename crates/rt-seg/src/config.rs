//! The `[segmentation]` and `[custom_models]` sections.
//!
//! Every key of the contract is read and checked, also those of engines that this version does not have: a configuration written for them stays
//! valid, and asking for such an engine is refused with what is available.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rt_config::{AutoOr, ConfigIssue, Validate};
use serde::{Deserialize, Serialize};

use crate::device::DeviceChoice;
use crate::task::{ClassicalTask, Engine};
use crate::totalseg::{Modality, TASKS, TotalTask};

/// Both sections of the segment stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegSections {
    /// `[segmentation]`.
    pub segmentation: SegConfig,
    /// `[custom_models]`.
    pub custom_models: CustomModelsConfig,
}

impl Validate for SegSections {
    fn validate(&self) -> Result<(), ConfigIssue> {
        self.segmentation.validate().map_err(|i| i.within("segmentation"))?;
        self.custom_models.validate().map_err(|i| i.within("custom_models"))
    }
}

/// Section `[segmentation]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegConfig {
    /// Who segments.
    pub engine: Engine,
    /// Tasks of the engine; empty: its usual ones (`classical`: body, lungs, bones).
    pub tasks: Vec<String>,
    /// Regions that are wanted; engines that can then do less work. Empty: all.
    pub roi_subset: Vec<String>,
    /// The quick, coarse model of an engine that has one.
    pub fast: bool,
    /// Devices for engines that use them.
    pub devices: DeviceChoice,
    /// Segmentation jobs at once, over all devices.
    pub workers: AutoOr<usize>,
    /// Jobs at once on one device.
    pub slots_per_device: usize,
    /// Threads of one job.
    pub threads_per_worker: AutoOr<usize>,
    /// An external engine is stopped after so many minutes.
    pub timeout_min: f64,
    /// Folder of the device locks.
    pub lease_dir: Option<PathBuf>,
    /// Python that an external engine is installed in.
    pub python: Option<String>,
    /// Folder of model weights of an external engine.
    pub weights_dir: Option<PathBuf>,
    /// Folder of a model package for engine `onnx`.
    pub model_dir: Option<PathBuf>,
    /// Container image that an external engine runs in.
    pub container: Option<String>,
    /// Body regions that a model needs, by model.
    pub region_requirements: BTreeMap<String, RegionRequirement>,
}

impl Default for SegConfig {
    fn default() -> Self {
        Self {
            engine: Engine::Classical,
            tasks: Vec::new(),
            roi_subset: Vec::new(),
            fast: false,
            devices: DeviceChoice::default(),
            workers: AutoOr::Auto,
            slots_per_device: 1,
            threads_per_worker: AutoOr::Auto,
            timeout_min: 60.0,
            lease_dir: None,
            python: None,
            weights_dir: None,
            model_dir: None,
            container: None,
            region_requirements: BTreeMap::new(),
        }
    }
}

/// What a model needs to see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegionRequirement {
    /// `HEAD_NECK`, `THORAX`, `ABDOMEN`, `PELVIS`.
    pub regions: Vec<BodyRegion>,
    /// Least confidence, 0 to 1.
    pub min_confidence: f64,
}

impl Default for RegionRequirement {
    fn default() -> Self {
        Self {
            regions: Vec::new(),
            min_confidence: 0.5,
        }
    }
}

/// A part of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BodyRegion {
    /// Head and neck.
    HeadNeck,
    /// Thorax.
    Thorax,
    /// Abdomen.
    Abdomen,
    /// Pelvis.
    Pelvis,
}

impl Validate for SegConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        if !self.engine.is_available() {
            return Err(ConfigIssue::new("engine", unavailable(self.engine)));
        }
        if self.engine == Engine::Classical {
            for name in &self.tasks {
                if ClassicalTask::from_name(name).is_none() {
                    let known = ClassicalTask::ALL.map(|t| format!("\"{}\"", t.name())).join(", ");
                    return Err(ConfigIssue::new(
                        "tasks",
                        format!("names \"{name}\"; the engine \"classical\" has {known}"),
                    ));
                }
            }
            if !self.roi_subset.is_empty() {
                let message = "chooses among the regions of a trained model; the engine \"classical\" is asked with `tasks`";
                return Err(ConfigIssue::new("roi_subset", message));
            }
        }
        if self.engine == Engine::TotalSegmentator {
            self.check_total()?;
        }
        at_least_one("slots_per_device", Some(self.slots_per_device))?;
        at_least_one("workers", self.workers.given())?;
        at_least_one("threads_per_worker", self.threads_per_worker.given())?;
        if !(self.timeout_min.is_finite() && self.timeout_min > 0.0) {
            return Err(ConfigIssue::new("timeout_min", "must be above 0 minutes"));
        }
        for (model, need) in &self.region_requirements {
            if !(0.0..=1.0).contains(&need.min_confidence) {
                let key = format!("region_requirements.{model}.min_confidence");
                return Err(ConfigIssue::new(key, "must lie between 0 and 1"));
            }
        }
        Ok(())
    }
}

impl SegConfig {
    /// The tasks of TotalSegmentator that are asked for; `total` when none is.
    pub fn total_tasks(&self) -> Vec<&'static TotalTask> {
        if self.tasks.is_empty() {
            return TotalTask::find("total").into_iter().collect();
        }
        self.tasks.iter().filter_map(|name| TotalTask::find(name)).collect()
    }

    fn check_total(&self) -> Result<(), ConfigIssue> {
        if self.container.is_some() {
            let message = "cannot be used: rt-segment runs the TotalSegmentator that is installed; name its Python with `python`";
            return Err(ConfigIssue::new("container", message));
        }
        for name in &self.tasks {
            match TotalTask::find(name) {
                Some(task) if task.modality == Modality::Ct => {}
                Some(_) => {
                    let message = format!("names \"{name}\", which takes MR; rt-segment segments the planning CT");
                    return Err(ConfigIssue::new("tasks", message));
                }
                None => {
                    let known: Vec<&str> = TASKS.iter().filter(|t| t.modality == Modality::Ct).map(|t| t.name).collect();
                    let message = format!("names \"{name}\"; TotalSegmentator has {}", known.join(", "));
                    return Err(ConfigIssue::new("tasks", message));
                }
            }
        }
        let whole = |t: &&TotalTask| t.name.starts_with("total");
        if !self.roi_subset.is_empty() && !self.total_tasks().iter().all(whole) {
            return Err(ConfigIssue::new(
                "roi_subset",
                "goes with the tasks \"total\" and \"total_v3\" only",
            ));
        }
        Ok(())
    }

    /// The tasks of the classical engine that are asked for, in the order of work.
    pub fn classical_tasks(&self) -> Vec<ClassicalTask> {
        let wanted = |t: &ClassicalTask| self.tasks.is_empty() || self.tasks.iter().any(|name| name == t.name());
        ClassicalTask::ALL.into_iter().filter(wanted).collect()
    }
}

/// Section `[custom_models]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CustomModelsConfig {
    /// Whether custom models run.
    pub enabled: bool,
    /// Folder with one sub-folder a model.
    pub root: Option<PathBuf>,
    /// Names of the models to run; empty: all that are found.
    pub models: Vec<String>,
    /// Folds to average; empty: those that the model names.
    pub folds: Vec<u32>,
    /// Devices.
    pub devices: DeviceChoice,
    /// Jobs at once.
    pub workers: AutoOr<usize>,
}

impl Validate for CustomModelsConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        if self.enabled {
            let message = "must be false: custom models need an engine that this version does not have yet";
            return Err(ConfigIssue::new("enabled", message));
        }
        at_least_one("workers", self.workers.given())
    }
}

fn at_least_one(key: &str, value: Option<usize>) -> Result<(), ConfigIssue> {
    if value == Some(0) {
        return Err(ConfigIssue::new(key, "must be at least 1"));
    }
    Ok(())
}

/// What is said of an engine that this version does not have.
pub(crate) fn unavailable(engine: Engine) -> String {
    let have: Vec<String> = Engine::ALL
        .into_iter()
        .filter(|e| e.is_available())
        .map(|e| format!("\"{}\"", e.name()))
        .collect();
    format!(
        "is \"{}\", which this version does not have; available: {}",
        engine.name(),
        have.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use rt_config::Document;

    use super::*;

    fn load(text: &str) -> Result<SegSections, String> {
        let document = Document::from_toml("test.toml", text).map_err(|e| e.to_string())?;
        document.sections(&["segmentation", "custom_models"]).map_err(|e| e.to_string())
    }

    #[test]
    fn every_key_of_the_contract_is_read() {
        let text = r#"
            [segmentation]
            enabled = true
            engine = "classical"
            tasks = ["body", "bones"]
            roi_subset = []
            fast = true
            devices = [0, 1]
            workers = 4
            slots_per_device = 2
            threads_per_worker = 4
            timeout_min = 90
            lease_dir = "leases"
            python = "python3"
            weights_dir = "weights"
            container = "image.sif"
            [segmentation.region_requirements.heart]
            regions = ["THORAX", "HEAD_NECK"]
            min_confidence = 0.6
            [custom_models]
            enabled = false
            root = "models"
            models = ["heart"]
            folds = [0]
            devices = "cpu"
            workers = 1
        "#;
        let c = load(text).unwrap();
        assert_eq!(c.segmentation.classical_tasks(), vec![ClassicalTask::Body, ClassicalTask::Bones]);
        assert_eq!(c.segmentation.devices, DeviceChoice::Gpus(vec![0, 1]));
        assert_eq!(c.custom_models.devices, DeviceChoice::Cpu);
        assert_eq!(load("").unwrap(), SegSections::default());
    }

    #[test]
    fn the_presets_of_the_optimisation_brief_are_valid() {
        for (seg, threads, custom) in [(2, "4", 1), (8, "4", 2), (16, "\"auto\"", 4)] {
            let text = format!("[segmentation]\nworkers = {seg}\nthreads_per_worker = {threads}\n[custom_models]\nworkers = {custom}\n");
            assert_eq!(load(&text).unwrap().segmentation.workers, AutoOr::Given(seg));
        }
        assert!(load("[segmentation]\ndevices = \"auto\"\nworkers = \"auto\"\n").is_ok());
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_what_can() {
        for (text, expected) in [
            (
                "[segmentation]\nengine = \"nnunetv2\"",
                "available: \"classical\", \"totalsegmentator\", \"none\"",
            ),
            ("[segmentation]\nengine = \"onnx\"", "available: \"classical\""),
            (
                "[segmentation]\nengine = \"totalsegmentator\"\ntasks = [\"liver\"]",
                "liver_vessels",
            ),
            ("[segmentation]\nengine = \"totalsegmentator\"\ntasks = [\"total_mr\"]", "takes MR"),
            (
                "[segmentation]\nengine = \"totalsegmentator\"\ntasks = [\"body\"]\nroi_subset = [\"body\"]",
                "roi_subset",
            ),
            ("[segmentation]\nengine = \"magic\"", "engine"),
            ("[segmentation]\ntasks = [\"total\"]", "has \"body\", \"lungs\", \"bones\""),
            ("[segmentation]\nroi_subset = [\"liver\"]", "roi_subset"),
            ("[segmentation]\nworkers = 0", "at least 1"),
            ("[segmentation]\ntimeout_min = -1", "above 0"),
            ("[segmentation]\ndevices = \"gpu\"", "devices"),
            ("[segmentation]\nengin = \"none\"", "engin"),
            ("[custom_models]\nenabled = true", "custom models need an engine"),
            ("[segmentation.region_requirements.x]\nmin_confidence = 2", "between 0 and 1"),
        ] {
            let error = load(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
