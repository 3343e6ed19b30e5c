//! What the configuration names besides numbers: clinical goals, response models, standard names. Built-in ones, or the user's files.

use camino::Utf8PathBuf;
use rt_cli::{Failure, Input};
use rt_config::{Validate, parse_toml};
use rt_dvh::{DvhConfig, GoalFile, ModelFile};
use rt_structures::{NameFile, NameTable};
use serde::de::DeserializeOwned;

/// Sets of goals that are part of the program: name and text.
const GOALS: [(&str, &str); 2] = [
    ("quantec", include_str!("../../../configs/goals/quantec.toml")),
    ("targets", include_str!("../../../configs/goals/targets.toml")),
];
/// Models that are part of the program.
const MODELS: [(&str, &str); 1] = [("published", include_str!("../../../configs/models/published.toml"))];
/// Standard names that are part of the program.
const NAMES: [(&str, &str); 1] = [("tg263", include_str!("../../../configs/names/tg263.toml"))];

/// All of it, read.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// Sets of goals in the order named.
    pub(crate) goals: Vec<GoalFile>,
    /// Models.
    pub(crate) models: ModelFile,
    names: NameTable,
}

/// One thing that a key names.
enum Choice {
    BuiltIn(&'static str, &'static str),
    File(Utf8PathBuf),
}

/// What a key names: nothing, built-in ones by their names with commas between, or a file.
fn choices(key: &str, built_in: &[(&'static str, &'static str)]) -> Vec<Choice> {
    let words = key.split(',').map(str::trim).filter(|w| !w.is_empty() && *w != "none");
    words
        .map(|word| {
            let own = built_in.iter().find(|(name, _)| *name == word);
            own.map_or_else(|| Choice::File(word.into()), |(name, text)| Choice::BuiltIn(name, text))
        })
        .collect()
}

/// What of it belongs to the staleness key.
pub(crate) fn inputs(config: &DvhConfig) -> Vec<Input> {
    let names = Input::value("standard names", NAMES[0].1);
    let chosen = choices(&config.goals, &GOALS)
        .into_iter()
        .chain(choices(&config.models, &MODELS))
        .chain(choices(&config.names, &NAMES));
    let chosen = chosen.map(|choice| match choice {
        Choice::BuiltIn(name, text) => Input::value(name, text),
        Choice::File(path) => Input::optional(path),
    });
    chosen.chain([names]).collect()
}

fn read<T: DeserializeOwned + Validate>(key: &str, what: &str, built_in: &[(&'static str, &'static str)]) -> Result<Vec<T>, anyhow::Error> {
    let mut all = Vec::new();
    for choice in choices(key, built_in) {
        all.push(match choice {
            Choice::BuiltIn(name, text) => parse_toml(name, text)?,
            Choice::File(path) => {
                let text = std::fs::read_to_string(&path).map_err(|e| {
                    let known: Vec<&str> = built_in.iter().map(|(name, _)| *name).collect();
                    Failure::usage("dvh.setting_unreadable", format!("dvh.{what}: {path} cannot be read"))
                        .hint(format!("dvh.{what} is a TOML file, or one of {}", known.join(", ")))
                        .because(e)
                })?;
                parse_toml(path.as_str(), &text)?
            }
        });
    }
    Ok(all)
}

impl Extras {
    /// Reads and checks what the configuration names.
    ///
    /// # Errors
    /// [`Failure`] or [`rt_config::ConfigError`] naming the file and the place.
    pub(crate) fn load(config: &DvhConfig) -> Result<Self, anyhow::Error> {
        let models: Vec<ModelFile> = read(&config.models, "models", &MODELS)?;
        let mut names: Vec<NameFile> = read(&config.names, "names", &NAMES)?;
        names.push(parse_toml(NAMES[0].0, NAMES[0].1)?);
        Ok(Self {
            goals: read(&config.goals, "goals", &GOALS)?,
            models: ModelFile {
                schema: None,
                models: models.into_iter().flat_map(|m| m.models).collect(),
            },
            names: NameTable::new(&names)?,
        })
    }

    /// The standard name of a structure.
    pub(crate) fn standard_name(&self, name: &str) -> Option<String> {
        self.names.canonical(name).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_sets_are_valid_and_name_standard_structures() {
        let config = DvhConfig {
            goals: "targets, quantec".into(),
            models: "published".into(),
            ..DvhConfig::default()
        };
        let extras = Extras::load(&config).unwrap();
        assert_eq!(extras.goals.len(), 2);
        assert!(extras.goals.iter().all(|g| !g.goals.is_empty()) && !extras.models.models.is_empty());
        let standard: NameFile = parse_toml("names", NAMES[0].1).unwrap();
        let known = |pattern: &rt_dvh::RoiPattern| standard.entries.iter().any(|e| pattern.matches(&e.name));
        let organs = extras.goals[1]
            .goals
            .iter()
            .map(|g| &g.roi)
            .chain(extras.models.models.iter().map(|m| &m.roi));
        for roi in organs {
            assert!(known(roi), "{} is no standard name", roi.as_str());
        }
        assert_eq!(extras.standard_name("Harnblase").as_deref(), Some("Bladder"));
        assert_eq!(inputs(&config).len(), 4);
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_what_could_be_meant() {
        let config = DvhConfig {
            goals: "nowhere/mine.toml".into(),
            ..DvhConfig::default()
        };
        let error = format!("{:#}", Extras::load(&config).unwrap_err());
        assert!(error.contains("nowhere/mine.toml"), "{error}");
    }
}
