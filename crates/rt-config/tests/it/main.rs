//! Behaviour of layered configuration, through the public interface.

use std::fs;

use rt_config::{ConfigError, ConfigIssue, Document, Sources, Validate};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Count {
    Number(usize),
    Auto(Auto),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Auto {
    Auto,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Exact,
    Reference,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Dvh {
    bin_width_gy: f64,
    mode: Mode,
    metrics: Vec<String>,
    threads: Count,
}

impl Default for Dvh {
    fn default() -> Self {
        Self {
            bin_width_gy: 0.01,
            mode: Mode::Exact,
            metrics: vec!["D95%".into()],
            threads: Count::Auto(Auto::Auto),
        }
    }
}

impl Validate for Dvh {
    fn validate(&self) -> Result<(), ConfigIssue> {
        if self.bin_width_gy > 0.0 {
            Ok(())
        } else {
            Err(ConfigIssue::new("bin_width_gy", "must be above 0 Gy"))
        }
    }
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Crop {
    enabled: bool,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Both {
    dvh: Dvh,
    crop: Crop,
}

impl Validate for Both {
    fn validate(&self) -> Result<(), ConfigIssue> {
        self.dvh.validate().map_err(|issue| issue.within("dvh"))
    }
}

fn message(result: Result<Dvh, ConfigError>) -> String {
    result.map_or_else(|error| error.to_string(), |section| format!("no error: {section:?}"))
}

fn dvh(text: &str) -> Result<Dvh, ConfigError> {
    Document::from_toml("c.toml", text)?.section("dvh")
}

#[test]
fn later_layers_win_key_by_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    fs::write(&file, "[dvh]\nbin_width_gy = 0.1\nmode = 'reference'\nmetrics = ['Dmean', 'D2%']\n").unwrap();
    let sources = Sources {
        preset: Some("server".into()),
        file: Some(file),
        environment: Some("dvh.mode=exact; dvh.threads=3".into()),
        set: vec!["dvh.threads=auto".into(), "dvh.metrics=[\"V20Gy\"]".into()],
    };
    let document = sources.load().unwrap();
    let expected = Dvh {
        bin_width_gy: 0.1,
        mode: Mode::Exact,
        metrics: vec!["V20Gy".into()],
        threads: Count::Auto(Auto::Auto),
    };
    assert_eq!(document.section::<Dvh>("dvh").unwrap(), expected);
    assert_eq!(document.origin("dvh.mode").unwrap().to_string(), "RT_SET dvh.mode=exact");
    assert!(document.origin("dvh.bin_width_gy").unwrap().to_string().ends_with("c.toml:2:1"));
    assert_eq!(document.origin("resources.workers").unwrap().to_string(), "preset server:5:1");
    assert!(document.origin("dvh.nothing").is_none());
}

#[test]
fn errors_name_file_line_and_the_nearest_name() {
    assert_eq!(
        message(dvh("\n[dvh]\nmetrcs = []\n")),
        "c.toml:3:1: unknown key `metrcs` in [dvh]; did you mean `metrics`?"
    );
    assert_eq!(message(dvh("[dhv]\n")), "c.toml:1:2: unknown section `dhv`; did you mean `dvh`?");
    assert_eq!(
        message(dvh("[dvh]\nmode = 'exat'\n")),
        "c.toml:2:1: `dvh.mode`: unknown value `exat`; did you mean `exact`?"
    );
    assert_eq!(
        message(dvh("[dvh]\nbin_width_gy = 'wide'\n")),
        "c.toml:2:1: `dvh.bin_width_gy`: invalid type: string \"wide\", expected f64"
    );
    assert_eq!(
        message(dvh("[dvh]\n\nbin_width_gy = -1\n")),
        "c.toml:3:1: `dvh.bin_width_gy` must be above 0 Gy"
    );
    assert_eq!(
        message(dvh("dvh = 3\n")),
        "c.toml:1:1: `dvh` is a section: write [dvh] and its keys below"
    );
    let syntax = dvh("[dvh]\nmode = \n").unwrap_err();
    assert_eq!(syntax.code(), "config.syntax");
    assert!(syntax.to_string().starts_with("c.toml:2:"), "{syntax}");
}

#[test]
fn command_line_faults_are_named_as_typed() {
    let load = |set: &str| {
        Sources {
            set: vec![set.into()],
            ..Sources::default()
        }
        .load()
    };
    assert_eq!(
        load("dvh.mode").unwrap_err().to_string(),
        "--set `dvh.mode` is not of the form section.key=value"
    );
    assert_eq!(load("mode=1").unwrap_err().code(), "config.assignment");
    let unknown = load("dvh.mod=exact").unwrap().section::<Dvh>("dvh").unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "--set dvh.mod=exact: unknown key `mod` in [dvh]; did you mean `mode`?"
    );
    let preset = Sources {
        preset: Some("laptop".into()),
        ..Sources::default()
    }
    .load()
    .unwrap_err();
    assert_eq!(preset.to_string(), "unknown preset `laptop`; there are workstation, server, hpc");
    let missing = Sources {
        file: Some("absent.toml".into()),
        ..Sources::default()
    }
    .load()
    .unwrap_err();
    assert_eq!(missing.code(), "config.read");
}

#[test]
fn several_sections_load_as_one_struct_with_right_places() {
    let document = Document::from_toml("c.toml", "[crop]\nenabled = true\n[dvh]\nenabled = false\nbin_width_gy = 1\n").unwrap();
    let both: Both = document.sections(&["dvh", "crop"]).unwrap();
    assert_eq!(
        both,
        Both {
            dvh: Dvh {
                bin_width_gy: 1.0,
                ..Dvh::default()
            },
            crop: Crop { enabled: true }
        }
    );
    assert!(!document.enabled("dvh").unwrap() && document.enabled("qc").unwrap() && !document.enabled("robustness").unwrap());
    let bad = Document::from_toml("c.toml", "[crop]\nenabld = true\n").unwrap();
    let error = bad.sections::<Both>(&["dvh", "crop"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "c.toml:2:1: unknown key `enabld` in [crop]; did you mean `enabled`?"
    );
    let bad = Document::from_toml("c.toml", "[dvh]\nbin_width_gy = 0\n").unwrap();
    assert_eq!(
        bad.sections::<Both>(&["dvh", "crop"]).unwrap_err().to_string(),
        "c.toml:2:1: `dvh.bin_width_gy` must be above 0 Gy"
    );
}

#[test]
fn the_names_of_the_optimisation_brief_are_valid() {
    let brief = "workers = 24\n[segmentation]\nworkers = 8\nthreads_per_worker = 4\n[custom_models]\nworkers = 2\n\
                 [radiomics]\nthread_limit = 8\n[aggregation]\nthreads = 16\n";
    let document = Document::from_toml("brief.toml", brief).unwrap();
    assert_eq!(document.origin("resources.workers").unwrap().to_string(), "brief.toml:1:1");
    let set = Sources {
        set: vec!["seg_workers=3".into(), "workers=2".into()],
        ..Sources::default()
    }
    .load()
    .unwrap();
    assert!(set.origin("segmentation.workers").is_some() && set.origin("resources.workers").is_some());
}

#[test]
fn paths_in_a_file_are_relative_to_it_and_words_stay_words() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    fs::write(
        &file,
        "[structures]\nrecipe = 'structures/pelvis.toml'\nsynonyms = 'tg263'\n[dvh]\ngoals = 'g.toml'\n",
    )
    .unwrap();
    let saved = Sources {
        file: Some(file),
        ..Sources::default()
    }
    .load()
    .unwrap()
    .to_toml();
    let folder = dir.path().display();
    assert!(saved.contains(&format!("recipe = \"{folder}/structures/pelvis.toml\"")), "{saved}");
    assert!(
        saved.contains("synonyms = \"tg263\"") && saved.contains(&format!("goals = \"{folder}/g.toml\"")),
        "{saved}"
    );
}

#[test]
fn what_is_saved_loads_again_and_holds_no_preset() {
    let sources = Sources {
        preset: Some("hpc".into()),
        set: vec![
            "dvh.metrics=[\"D2cc\", \"V20Gy\"]".into(),
            "qc.html=false".into(),
            "workers=3".into(),
        ],
        ..Sources::default()
    };
    let saved = sources.load().unwrap().to_toml();
    let again = Document::from_toml("saved.toml", &saved).unwrap();
    assert_eq!(again.section::<Dvh>("dvh").unwrap().metrics, ["D2cc", "V20Gy"]);
    assert!(again.origin("resources.workers").is_none(), "{saved}");
    assert_eq!(saved, again.to_toml());
}

#[test]
fn every_preset_is_valid_toml_of_known_sections() {
    for preset in rt_config::PRESETS {
        Sources {
            preset: Some(preset.name.into()),
            ..Sources::default()
        }
        .load()
        .unwrap();
    }
}

#[test]
fn a_file_of_its_own_is_read_with_places_in_errors() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Recipe {
        name: String,
        structure: Vec<Entry>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        expression: String,
    }
    impl Validate for Recipe {
        fn validate(&self) -> Result<(), ConfigIssue> {
            let ok = !self.name.is_empty();
            ok.then_some(()).ok_or_else(|| ConfigIssue::new("name", "is empty"))
        }
    }
    let read = |text: &str| rt_config::parse_toml::<Recipe>("r.toml", text).map_err(|e| e.to_string());
    let good = read("name = \"pelvis\"\n[[structure]]\nexpression = \"a | b\"\n").unwrap();
    assert_eq!((good.name.as_str(), good.structure[0].expression.as_str()), ("pelvis", "a | b"));
    let typo = read("name = \"x\"\n[[structure]]\nexpresion = \"a\"\n").unwrap_err();
    assert!(
        typo.starts_with("r.toml:3:1: unknown key `expresion`") && typo.contains("did you mean `expression`"),
        "{typo}"
    );
    assert_eq!(read("name = \"\"\nstructure = []\n").unwrap_err(), "r.toml:1:1: `name` is empty");
    assert!(read("name = ").unwrap_err().starts_with("r.toml:1:"));
}
