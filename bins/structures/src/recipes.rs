//! Which recipe and which names a run uses: built-in ones, or the user's files.

use camino::Utf8PathBuf;
use rt_cli::{Failure, Input};
use rt_config::parse_toml;
use rt_structures::{NameFile, NameTable, Recipe, StructuresConfig};

/// Recipes that are part of the program: name and text.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("pelvis", include_str!("../../../configs/structures/pelvis.toml")),
    ("thorax", include_str!("../../../configs/structures/thorax.toml")),
    ("sbrt", include_str!("../../../configs/structures/sbrt.toml")),
    ("stopstorm", include_str!("../../../configs/structures/stopstorm.toml")),
];
/// Recipes of which `auto` takes what it can.
const SITES: [&str; 2] = ["pelvis", "thorax"];
/// Standard names that are part of the program.
pub const NAMES: &str = include_str!("../../../configs/names/tg263.toml");

/// A recipe, and what is done with structures whose operands are missing.
#[derive(Debug, Clone, Default)]
pub struct LoadedRecipe {
    /// The structures.
    pub recipe: Recipe,
    /// Leave out, without a word, structures whose operands are not all there.
    pub only_complete: bool,
}

/// What `structures.recipe` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipeChoice {
    /// Nothing.
    None,
    /// Of the site recipes the structures whose operands are all there.
    Auto,
    /// A built-in one.
    BuiltIn(&'static str, &'static str),
    /// A file.
    File(Utf8PathBuf),
}

impl RecipeChoice {
    /// From the configuration.
    pub fn of(config: &StructuresConfig) -> Self {
        match config.recipe.trim() {
            "none" => Self::None,
            "auto" => Self::Auto,
            name => BUILT_IN
                .into_iter()
                .find(|(n, _)| *n == name)
                .map_or_else(|| Self::File(name.into()), |(name, text)| Self::BuiltIn(name, text)),
        }
    }

    /// What of it belongs to the staleness key.
    pub fn inputs(&self) -> Vec<Input> {
        match self {
            Self::None => Vec::new(),
            Self::Auto => BUILT_IN
                .iter()
                .filter(|(name, _)| SITES.contains(name))
                .map(|(name, text)| Input::value(name, text))
                .collect(),
            Self::BuiltIn(name, text) => vec![Input::value(name, text)],
            Self::File(path) => vec![Input::optional(path)],
        }
    }

    /// Reads and checks it.
    ///
    /// # Errors
    /// [`Failure`] or [`rt_config::ConfigError`] naming the file and the place.
    pub fn load(&self) -> Result<LoadedRecipe, anyhow::Error> {
        match self {
            Self::None => Ok(LoadedRecipe::default()),
            Self::Auto => {
                let mut all = Recipe::default();
                for (name, text) in BUILT_IN.into_iter().filter(|(name, _)| SITES.contains(name)) {
                    let one: Recipe = parse_toml(name, text)?;
                    all.structures.extend(one.structures);
                }
                Ok(LoadedRecipe {
                    recipe: all,
                    only_complete: true,
                })
            }
            Self::BuiltIn(name, text) => Ok(LoadedRecipe {
                recipe: parse_toml(name, text)?,
                only_complete: false,
            }),
            Self::File(path) => {
                let names = BUILT_IN.map(|(name, _)| name).join(", ");
                let hint = format!("structures.recipe is a file, `auto`, `none` or one of {names}");
                Ok(LoadedRecipe {
                    recipe: parse_toml(path.as_str(), &text_of(path, "recipe", &hint)?)?,
                    only_complete: false,
                })
            }
        }
    }
}

/// The table of names.
#[derive(Debug, Clone, Copy)]
pub struct Names;

impl Names {
    /// What of it belongs to the staleness key.
    pub fn inputs(config: &StructuresConfig) -> Vec<Input> {
        let own = user_names(config).map(Input::optional);
        own.into_iter().chain([Input::value("standard names", NAMES)]).collect()
    }

    /// The user's names, then the built-in ones.
    ///
    /// # Errors
    /// As [`RecipeChoice::load`].
    pub fn load(config: &StructuresConfig) -> Result<NameTable, anyhow::Error> {
        let mut files: Vec<NameFile> = Vec::new();
        if let Some(path) = user_names(config) {
            let hint = "structures.synonyms is a TOML file of names, in the form of configs/names/tg263.toml";
            files.push(parse_toml(path.as_str(), &text_of(&path, "table of names", hint)?)?);
        }
        files.push(parse_toml("standard names", NAMES)?);
        Ok(NameTable::new(&files)?)
    }
}

fn user_names(config: &StructuresConfig) -> Option<Utf8PathBuf> {
    let path = config.synonyms.trim();
    (!path.is_empty()).then(|| path.into())
}

fn text_of(path: &Utf8PathBuf, what: &str, hint: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|e| {
        Failure::usage("structures.recipe_unreadable", format!("the {what} {path} cannot be read"))
            .hint(hint)
            .because(e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_recipes_and_names_are_valid() {
        for (name, text) in BUILT_IN {
            let recipe: Recipe = parse_toml(name, text).unwrap();
            assert_eq!(recipe.name, name);
            assert!(!recipe.structures.is_empty());
        }
        let auto = RecipeChoice::Auto.load().unwrap();
        auto.recipe.validate().unwrap();
        assert!(auto.only_complete);
        let table = Names::load(&StructuresConfig::default()).unwrap();
        for (name, meant) in [
            ("Harnblase", "Bladder"),
            ("classical_body", "BODY"),
            ("LUNG LT", "Lung_L"),
            ("kidney_right", "Kidney_R"),
        ] {
            assert_eq!(table.canonical(name), Some(meant), "{name}");
        }
        assert_eq!(table.canonical("PTV_6000"), None);
    }

    #[test]
    fn a_recipe_file_that_is_missing_is_a_usage_error_that_names_it() {
        let config = StructuresConfig {
            recipe: "nowhere/mine.toml".into(),
            ..StructuresConfig::default()
        };
        let e = RecipeChoice::of(&config).load().unwrap_err();
        assert!(e.to_string().contains("nowhere/mine.toml"));
        assert_eq!(rt_cli::Exit::of(&e), rt_cli::Exit::Usage);
    }
}
