//! The combined configuration, read section by section into the structs of those who own them.

use std::fmt::Write;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::de::Fault;
use crate::error::{ConfigError, ConfigIssue, Validate};
use crate::names::{PATHS, SECTIONS, SectionKind, section_kind};
use crate::node::{Node, Origin, Table, Value, parse};

/// A configuration after all layers are combined: only what someone set; defaults stand in the structs of the sections.
#[derive(Debug, Clone, Default)]
pub struct Document {
    pub(crate) sections: Table,
}

/// A TOML file of its own (a recipe, a table of names, goals) as its owner's struct, checked; `name` stands for the file in errors.
///
/// # Errors
/// [`ConfigError::At`] with the place of what is no TOML, an unknown key, a wrong kind of value or a refused value.
pub fn parse_toml<T: DeserializeOwned + Validate>(name: &str, text: &str) -> Result<T, ConfigError> {
    let at = Origin::new(name);
    let sections = parse(&at, text)?;
    let node = Node {
        at,
        value: Value::Table(sections.clone()),
    };
    Document { sections }.checked(&node, str::to_owned, name)
}

impl Document {
    /// One section as its owner's struct, checked.
    ///
    /// # Errors
    /// [`ConfigError::At`] with the place of an unknown key, a wrong kind of value or a refused value.
    pub fn section<T: DeserializeOwned + Validate>(&self, name: &str) -> Result<T, ConfigError> {
        self.checked(&self.own_keys(name), |key| format!("{name}.{key}"), name)
    }

    /// Several sections as one struct with a field for each; one section alone as its own struct.
    ///
    /// # Errors
    /// As [`Document::section`].
    pub fn sections<T: DeserializeOwned + Validate>(&self, names: &[&str]) -> Result<T, ConfigError> {
        if let [name] = names {
            return self.section(name);
        }
        let table = names.iter().map(|name| ((*name).to_owned(), self.own_keys(name))).collect();
        self.checked(
            &Node {
                at: Origin::new("configuration"),
                value: Value::Table(table),
            },
            str::to_owned,
            &names.join("], ["),
        )
    }

    fn checked<T: DeserializeOwned + Validate>(&self, node: &Node, full: impl Fn(&str) -> String, shown: &str) -> Result<T, ConfigError> {
        let value = T::deserialize(node).map_err(|fault| self.fault(fault, node, shown))?;
        match value.validate() {
            Ok(()) => Ok(value),
            Err(ConfigIssue { key, message }) => {
                let name = full(&key);
                let at = self.origin(&name).cloned().unwrap_or_else(|| node.at.clone());
                Err(ConfigError::At {
                    at,
                    message: format!("`{name}` {message}"),
                    code: "config.value",
                })
            }
        }
    }

    /// Adds the name of the innermost table or key to a serde error.
    fn fault(&self, fault: Fault, node: &Node, shown: &str) -> ConfigError {
        let at = fault.at.unwrap_or_else(|| node.at.clone());
        let message = if fault.unknown {
            let section = self.table_holding(&at).unwrap_or_else(|| shown.to_owned());
            match fault.message.split_once(';') {
                Some((what, rest)) => format!("{what} in [{section}];{rest}"),
                None => format!("{} in [{section}]", fault.message),
            }
        } else {
            match self.name_at(&at) {
                Some(name) => format!("`{name}`: {}", fault.message),
                None => fault.message,
            }
        };
        ConfigError::At {
            at,
            message,
            code: if fault.unknown { "config.unknown" } else { "config.value" },
        }
    }

    /// Whether a stage is switched on: `enabled` of its section.
    ///
    /// # Errors
    /// [`ConfigError::At`] when `enabled` is neither true nor false.
    pub fn enabled(&self, section: &str) -> Result<bool, ConfigError> {
        let default = matches!(section_kind(section), Some(SectionKind::Stage(true)));
        match self.node(&format!("{section}.enabled")) {
            None => Ok(default),
            Some(Node {
                value: Value::Bool(on), ..
            }) => Ok(*on),
            Some(node) => {
                let message = format!("`{section}.enabled` is true or false");
                Err(ConfigError::At {
                    at: node.at.clone(),
                    message,
                    code: "config.value",
                })
            }
        }
    }

    /// Where a value was set (`dvh.bin_width_gy`); `None` when it has its default.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.node(name).map(|node| &node.at)
    }

    /// Files and folders that were set: full name of the key, path, place. Bare words name something built in and are left out.
    pub fn paths(&self) -> Vec<(&'static str, std::path::PathBuf, Origin)> {
        let path = |name: &'static str| match self.node(name)? {
            Node {
                at,
                value: Value::Text(text),
            } if is_path(text) => Some((name, text.into(), at.clone())),
            _ => None,
        };
        PATHS.into_iter().filter_map(path).collect()
    }

    /// Sections that were set, in the order of [`SECTIONS`].
    pub fn present(&self) -> Vec<&'static str> {
        SECTIONS
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| self.sections.contains_key(*name))
            .collect()
    }

    /// TOML text of what was set outside presets and that results may depend on, for `_COHORT/config.toml`: `[resources]` and `[logging]`
    /// belong to one run. Relative paths are made absolute from the working folder.
    pub fn to_toml(&self) -> String {
        let mut text = String::from("# What was set for the last run; keys that are not here have their defaults.\n");
        for (name, _) in SECTIONS {
            let Some(Node {
                value: Value::Table(keys), ..
            }) = self.sections.get(name)
            else {
                continue;
            };
            if ["resources", "logging"].contains(&name) {
                continue;
            }
            let kept: Vec<_> = keys.iter().filter(|(_, node)| !node.at.is_preset()).collect();
            if !kept.is_empty() {
                let _ = write!(text, "\n[{name}]\n");
            }
            for (key, node) in kept {
                let _ = writeln!(text, "{key} = {}", absolute(&format!("{name}.{key}"), node));
            }
        }
        text
    }

    fn node(&self, name: &str) -> Option<&Node> {
        let mut parts = name.split('.');
        let first = self.sections.get(parts.next()?)?;
        parts.try_fold(first, |node, part| match &node.value {
            Value::Table(table) => table.get(part),
            _ => None,
        })
    }

    /// The section without `enabled` where that belongs to the runner; an empty table when nothing was set.
    fn own_keys(&self, name: &str) -> Node {
        let mut node = self.sections.get(name).cloned().unwrap_or_else(|| Node {
            at: Origin::new("configuration"),
            value: Value::Table(Table::new()),
        });
        if let (Some(SectionKind::Stage(_)), Value::Table(table)) = (section_kind(name), &mut node.value) {
            table.shift_remove("enabled");
        }
        node
    }

    fn name_at(&self, at: &Origin) -> Option<String> {
        find(&self.sections, "", at)
    }

    fn table_holding(&self, at: &Origin) -> Option<String> {
        self.name_at(at)
            .and_then(|name| name.rsplit_once('.').map(|(table, _)| table.to_owned()))
    }
}

/// The full name of the innermost entry set at a place.
fn find(table: &Table, prefix: &str, at: &Origin) -> Option<String> {
    table.iter().find_map(|(key, node)| {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        let inside = match &node.value {
            Value::Table(inner) => find(inner, &name, at),
            _ => None,
        };
        inside.or_else(|| (node.at == *at).then_some(name))
    })
}

/// Whether a text is meant as a path rather than as the name of something built in: it has a folder or an extension.
pub(crate) fn is_path(text: &str) -> bool {
    let path = std::path::Path::new(text);
    path.is_absolute() || path.components().count() > 1 || path.extension().is_some()
}

fn absolute(name: &str, node: &Node) -> String {
    match &node.value {
        Value::Text(text) if PATHS.contains(&name) && is_path(text) => {
            let path = std::path::absolute(text).map_or_else(|_| text.clone(), |p| p.display().to_string());
            toml::Value::from(path).to_string()
        }
        _ => node.to_toml().to_string(),
    }
}

/// One value in TOML, on one line; `None` for what TOML cannot say (null).
pub fn toml_value(value: &Json) -> Option<String> {
    toml::Value::try_from(value).ok().map(|v| v.to_string())
}
