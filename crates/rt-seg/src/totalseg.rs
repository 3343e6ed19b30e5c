//! TotalSegmentator, an external program: which tasks it has, how it is called, and what its failures mean.
//!
//! Pure: nothing is run here. Source: `spec/segmentation.md` 1 (facts of version 2.18.0); task and model numbers are those of the
//! program's registry.

use std::collections::BTreeSet;

/// Kind of image that a task takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modality {
    /// CT in HU.
    Ct,
    /// MR.
    Mr,
}

/// One task of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalTask {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it takes.
    pub modality: Modality,
    /// Whether its weights need a licence.
    pub licensed: bool,
    /// Numbers of the models that it runs.
    pub models: &'static [u16],
    /// The same with `--fast`; empty when the task has no quick model.
    pub fast_models: &'static [u16],
}

const CT: Modality = Modality::Ct;
const MR: Modality = Modality::Mr;
const OPEN: bool = false;
const LICENSED: bool = true;

const fn task(name: &'static str, modality: Modality, licensed: bool, models: &'static [u16], fast_models: &'static [u16]) -> TotalTask {
    TotalTask {
        name,
        modality,
        licensed,
        models,
        fast_models,
    }
}

/// The tasks.
pub static TASKS: &[TotalTask] = &[
    task("total", CT, OPEN, &[291, 292, 293, 294, 295], &[297]),
    task("total_v3", CT, OPEN, &[831, 832, 833, 834, 835], &[836]),
    task("body", CT, OPEN, &[299], &[300]),
    task("body_mr", MR, OPEN, &[597], &[598]),
    task("vertebrae_mr", MR, OPEN, &[756], &[]),
    task("lung_vessels", CT, OPEN, &[117], &[]),
    task("lung_vessels_LEGACY", CT, OPEN, &[258], &[]),
    task("cerebral_bleed", CT, OPEN, &[150], &[]),
    task("hip_implant", CT, OPEN, &[260], &[]),
    task("coronary_arteries", CT, LICENSED, &[509], &[]),
    task("coronary_arteries_LEGACY", CT, LICENSED, &[507], &[]),
    task("pleural_pericard_effusion", CT, OPEN, &[315], &[]),
    task("appendicular_bones", CT, LICENSED, &[304], &[]),
    task("appendicular_bones_mr", MR, LICENSED, &[855], &[]),
    task("tissue_types", CT, LICENSED, &[481], &[]),
    task("heartchambers_highres", CT, LICENSED, &[301], &[]),
    task("face", CT, LICENSED, &[303], &[]),
    task("vertebrae_body", CT, OPEN, &[305], &[]),
    task("vertebrae_pp", CT, OPEN, &[803], &[]),
    task("vertebrae_pp_refined", CT, OPEN, &[803], &[]),
    task("total_mr", MR, OPEN, &[850, 851], &[852]),
    task("tissue_types_mr", MR, LICENSED, &[925], &[]),
    task("tissue_4_types", CT, LICENSED, &[485], &[]),
    task("face_mr", MR, LICENSED, &[856], &[]),
    task("head_glands_cavities", CT, OPEN, &[775], &[]),
    task("head_muscles", CT, OPEN, &[777], &[]),
    task("headneck_bones_vessels", CT, OPEN, &[776], &[]),
    task("headneck_muscles", CT, OPEN, &[778, 779], &[]),
    task("brain_structures", CT, LICENSED, &[409], &[]),
    task("liver_vessels", CT, OPEN, &[8], &[]),
    task("liver_lesions", CT, OPEN, &[591], &[]),
    task("liver_lesions_mr", MR, OPEN, &[589], &[]),
    task("oculomotor_muscles", CT, OPEN, &[351], &[]),
    task("thigh_shoulder_muscles", CT, LICENSED, &[857], &[]),
    task("thigh_shoulder_muscles_mr", MR, LICENSED, &[857], &[]),
    task("lung_nodules", CT, OPEN, &[913], &[]),
    task("kidney_cysts", CT, OPEN, &[789], &[]),
    task("breasts", CT, OPEN, &[527], &[]),
    task("ventricle_parts", CT, OPEN, &[552], &[]),
    task("aortic_sinuses", CT, LICENSED, &[920], &[]),
    task("liver_segments", CT, OPEN, &[570], &[]),
    task("liver_segments_mr", MR, OPEN, &[576], &[]),
    task("craniofacial_structures", CT, OPEN, &[115], &[]),
    task("abdominal_muscles", CT, OPEN, &[952], &[]),
    task("teeth", CT, OPEN, &[113], &[]),
    task("trunk_cavities", CT, OPEN, &[343], &[]),
    task("brain_aneurysm", MR, OPEN, &[615], &[]),
    task("renal_arteries", CT, LICENSED, &[710], &[]),
    task("aorta_annulus", CT, LICENSED, &[713], &[]),
    task("aortic_dissection", CT, LICENSED, &[716], &[]),
    task("pulmonary_artery_landmarks", CT, LICENSED, &[514], &[]),
];

impl TotalTask {
    /// The task of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        TASKS.iter().find(|t| t.name == name)
    }

    /// Numbers of the models that a run needs.
    pub fn models(&self, fast: bool) -> &'static [u16] {
        if fast && !self.fast_models.is_empty() {
            self.fast_models
        } else {
            self.models
        }
    }
}

/// What an installed program can do: versions differ in their options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `2.18.0`
    pub version: String,
    /// Long options that its help names, with the dashes.
    pub options: BTreeSet<String>,
}

impl Capabilities {
    /// From what `--version` and `--help` print.
    pub fn parse(version: &str, help: &str) -> Self {
        let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let options = help
            .split(|c: char| !is_name(c))
            .filter(|word| word.len() > 2 && word.starts_with("--"))
            .map(str::to_owned)
            .collect();
        Self {
            version: version.split_whitespace().find(number).unwrap_or("unknown").to_owned(),
            options,
        }
    }

    fn has(&self, option: &str) -> bool {
        self.options.contains(option)
    }
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call<'a> {
    /// What to find.
    pub task: &'static TotalTask,
    /// The image, NIfTI.
    pub image: &'a str,
    /// The label map to write, NIfTI.
    pub output: &'a str,
    /// The run report to write, JSON.
    pub report: &'a str,
    /// GPU or processor.
    pub gpu: bool,
    /// The quick, coarse model.
    pub fast: bool,
    /// Only these classes.
    pub roi_subset: &'a [String],
    /// Save memory at the price of time: after a run that ran out of it.
    pub frugal: bool,
    /// Threads for resampling.
    pub threads: usize,
}

impl Call<'_> {
    /// The arguments. Options that the installed version does not have are left out when the result does not depend on them.
    pub fn arguments(&self, have: &Capabilities) -> Vec<String> {
        let mut out: Vec<String> = ["-i", self.image, "-o", self.output, "--ml", "-ta", self.task.name]
            .map(str::to_owned)
            .to_vec();
        // The device is chosen by CUDA_VISIBLE_DEVICES, so it is always the first that the program sees.
        out.extend(["-d", if self.gpu { "gpu" } else { "cpu" }].map(str::to_owned));
        out.extend(["-nr".to_owned(), self.threads.to_string()]);
        if self.fast && !self.task.fast_models.is_empty() {
            out.push("--fast".to_owned());
        }
        if !self.roi_subset.is_empty() {
            out.push("--roi_subset".to_owned());
            out.extend(self.roi_subset.iter().cloned());
        }
        if self.frugal {
            out.extend(["--force_split", "-ns", "1"].map(str::to_owned));
        }
        if have.has("--report") {
            out.extend(["--report", self.report].map(str::to_owned));
        }
        out
    }
}

/// Environment of a call. `home` is a folder of this call alone: the program rewrites its settings there without a lock.
pub fn environment(home: &str, weights: &str, gpu: Option<u32>, threads: usize) -> Vec<(&'static str, String)> {
    let threads = threads.to_string();
    vec![
        ("TOTALSEG_HOME_DIR", home.to_owned()),
        ("TOTALSEG_WEIGHTS_PATH", weights.to_owned()),
        ("CUDA_VISIBLE_DEVICES", gpu.map_or_else(String::new, |n| n.to_string())),
        ("OMP_NUM_THREADS", threads.clone()),
        ("MKL_NUM_THREADS", threads.clone()),
        ("nnUNet_def_n_proc", threads),
        ("nnUNet_compile", "f".to_owned()),
    ]
}

/// Why a call failed, as far as it decides what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The memory of the device did not suffice.
    DeviceMemory,
    /// Killed from outside: nearly always the memory of the machine.
    Killed,
    /// A licence is missing.
    Licence,
    /// The program wanted to fetch something.
    Network,
    /// The program does not know an argument.
    Argument,
    /// Anything else.
    Other,
}

impl Trouble {
    /// From how the program ended and what it printed last.
    pub fn of(exit: Option<i32>, tail: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|w| tail.contains(w));
        match exit {
            None => Self::Killed,
            _ if says(&["CUDA out of memory", "OutOfMemoryError", "out of memory"]) => Self::DeviceMemory,
            _ if says(&["license number", "licence", "set_license"]) => Self::Licence,
            _ if says(&[
                "ConnectionError",
                "Max retries exceeded",
                "Failed to establish a new connection",
                "Temporary failure in name resolution",
            ]) =>
            {
                Self::Network
            }
            Some(2) => Self::Argument,
            Some(_) => Self::Other,
        }
    }

    /// Whether the same call may succeed with less memory.
    pub fn is_memory(self) -> bool {
        matches!(self, Self::DeviceMemory | Self::Killed)
    }

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::DeviceMemory => "seg.device_memory",
            Self::Killed => "seg.killed",
            Self::Licence => "seg.licence",
            Self::Network => "seg.network",
            Self::Argument => "seg.argument",
            Self::Other => "seg.engine_failed",
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::DeviceMemory => "use a device with more memory, or segmentation.fast = true",
            Self::Killed => "give the job more memory, or lower segmentation.workers",
            Self::Licence => "set the licence with `totalseg_set_license -l KEY`, or choose another task",
            Self::Network => "fetch the weights once with `totalseg_download_weights -t TASK`; rt-segment never downloads",
            Self::Argument => "the installed TotalSegmentator is too old or too new for this task; update it",
            Self::Other => "read the log of the engine",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "usage: TotalSegmentator [-h] [-i filepath] [--ml] [--fast]\n  --report REPORT, -rp  run report";

    fn call(task: &str) -> Call<'static> {
        Call {
            task: TotalTask::find(task).unwrap(),
            image: "ct.nii",
            output: "out.nii.gz",
            report: "report.json",
            gpu: true,
            fast: true,
            roi_subset: &[],
            frugal: false,
            threads: 4,
        }
    }

    #[test]
    fn the_registry_is_that_of_the_program() {
        assert_eq!(TotalTask::find("total").unwrap().models(false), [291, 292, 293, 294, 295]);
        assert_eq!(TotalTask::find("total").unwrap().models(true), [297]);
        // A task without a quick model runs its usual one.
        assert_eq!(TotalTask::find("lung_vessels").unwrap().models(true), [117]);
        assert!(TotalTask::find("tissue_types").unwrap().licensed && TotalTask::find("total_mr").unwrap().modality == Modality::Mr);
        assert_eq!(TASKS.iter().filter(|t| t.licensed).count(), 18);
        assert!(TotalTask::find("organs").is_none());
    }

    #[test]
    fn options_of_another_version_are_left_out() {
        let have = Capabilities::parse("TotalSegmentator 2.18.0\n", HELP);
        assert_eq!(have.version, "2.18.0");
        let words = call("total").arguments(&have).join(" ");
        assert_eq!(
            words,
            "-i ct.nii -o out.nii.gz --ml -ta total -d gpu -nr 4 --fast --report report.json"
        );
        let old = Capabilities::parse("2.0.5", "usage: [--ml] [--fast]");
        assert!(!call("total").arguments(&old).join(" ").contains("--report"));
        let frugal = Call {
            frugal: true,
            gpu: false,
            ..call("lung_vessels")
        };
        assert_eq!(
            frugal.arguments(&old).join(" "),
            "-i ct.nii -o out.nii.gz --ml -ta lung_vessels -d cpu -nr 4 --force_split -ns 1"
        );
    }

    #[test]
    fn failures_are_told_apart() {
        for (exit, tail, expected) in [
            (Some(1), "torch.OutOfMemoryError: CUDA out of memory. Tried", Trouble::DeviceMemory),
            (None, "", Trouble::Killed),
            (
                Some(1),
                "ERROR: In order to use this task you need a license number",
                Trouble::Licence,
            ),
            (
                Some(1),
                "requests.exceptions.ConnectionError: Max retries exceeded",
                Trouble::Network,
            ),
            (Some(2), "error: unrecognized arguments: --report", Trouble::Argument),
            (Some(1), "ValueError: bad image", Trouble::Other),
        ] {
            assert_eq!(Trouble::of(exit, tail), expected, "{tail}");
        }
    }

    #[test]
    fn a_call_sees_one_device_and_its_own_home() {
        let env = environment("/tmp/h", "/w", Some(3), 8);
        let of = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        assert_eq!(
            (of("CUDA_VISIBLE_DEVICES"), of("TOTALSEG_HOME_DIR"), of("OMP_NUM_THREADS")),
            (Some("3"), Some("/tmp/h"), Some("8"))
        );
        assert_eq!(environment("h", "w", None, 1)[2].1, "");
    }
}
