//! The layers of a configuration: defaults < preset < file < `RT_SET` < `--set`.

use std::path::{Path, PathBuf};

use crate::de::unknown;
use crate::error::ConfigError;
use crate::names::{ALIASES, PATHS, SECTIONS, section_kind};
use crate::node::{Node, Origin, Table, Value, overlay, parse, parse_value};
use crate::section::{Document, is_path};

/// A preset that is compiled in; the same text lies in `configs/`.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// What `--preset` takes.
    pub name: &'static str,
    /// Its TOML text.
    pub text: &'static str,
}

/// All presets.
pub const PRESETS: [Preset; 3] = [
    Preset {
        name: "workstation",
        text: include_str!("../../../configs/workstation.toml"),
    },
    Preset {
        name: "server",
        text: include_str!("../../../configs/server.toml"),
    },
    Preset {
        name: "hpc",
        text: include_str!("../../../configs/hpc.toml"),
    },
];

pub(crate) fn preset_names() -> String {
    PRESETS.map(|p| p.name).join(", ")
}

/// Where a configuration comes from. The caller reads the environment; nothing is looked up here.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Name of a preset.
    pub preset: Option<String>,
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// Value of `RT_SET`: assignments `section.key=value` separated by `;`.
    pub environment: Option<String>,
    /// Each `--set section.key=value`, in order.
    pub set: Vec<String>,
}

impl Sources {
    /// Reads and combines all layers. Section names are checked here, keys when a section is read ([`Document::section`]).
    ///
    /// # Errors
    /// [`ConfigError`] naming the place.
    pub fn load(&self) -> Result<Document, ConfigError> {
        let mut document = Document::default();
        if let Some(name) = &self.preset {
            let preset = PRESETS
                .iter()
                .find(|p| p.name == name)
                .ok_or_else(|| ConfigError::UnknownPreset { name: name.clone() })?;
            document.overlay(parse(&Origin::preset(name), preset.text)?)?;
        }
        if let Some(path) = &self.file {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
                path: path.clone(),
                source,
            })?;
            let mut table = parse(&Origin::new(&path.display().to_string()), &text)?;
            if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
                resolve_paths(&mut table, folder);
            }
            document.overlay(table)?;
        }
        let from_environment = self
            .environment
            .iter()
            .flat_map(|text| text.split(';'))
            .map(str::trim)
            .filter(|text| !text.is_empty());
        for text in from_environment {
            document.overlay(assignment("RT_SET", text)?)?;
        }
        for text in &self.set {
            document.overlay(assignment("--set", text)?)?;
        }
        Ok(document)
    }
}

impl Document {
    /// A configuration from TOML text; `name` stands for the file in errors.
    ///
    /// # Errors
    /// [`ConfigError`] for text that is no TOML and for unknown sections.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, ConfigError> {
        let mut document = Self::default();
        document.overlay(parse(&Origin::new(name), text)?)?;
        Ok(document)
    }

    /// Puts a further layer on top.
    fn overlay(&mut self, layer: Table) -> Result<(), ConfigError> {
        for (name, node) in layer {
            if let Some((_, section, key)) = ALIASES.iter().find(|(alias, _, _)| *alias == name) {
                let at = node.at.clone();
                let table = Table::from_iter([((*key).to_owned(), node)]);
                overlay(
                    &mut self.sections,
                    Table::from_iter([(
                        (*section).to_owned(),
                        Node {
                            at,
                            value: Value::Table(table),
                        },
                    )]),
                );
                continue;
            }
            let fault = |message| ConfigError::At {
                at: node.at.clone(),
                message,
                code: "config.unknown",
            };
            if section_kind(&name).is_none() {
                return Err(fault(unknown("section", &name, &SECTIONS.map(|(n, _)| n))));
            }
            if !matches!(node.value, Value::Table(_)) {
                return Err(fault(format!("`{name}` is a section: write [{name}] and its keys below")));
            }
            overlay(&mut self.sections, Table::from_iter([(name, node)]));
        }
        Ok(())
    }
}

/// An assignment for [`Sources::set`] whose value is this text, whatever it looks like (a folder may be called `12`).
pub fn text_assignment(name: &str, text: &str) -> String {
    format!("{name}={}", toml::Value::from(text))
}

/// `section.key=value` as a layer.
fn assignment(origin: &'static str, text: &str) -> Result<Table, ConfigError> {
    let bad = || ConfigError::BadAssignment {
        origin,
        text: text.to_owned(),
    };
    let (name, value) = text.split_once('=').ok_or_else(bad)?;
    let parts: Vec<&str> = name.trim().split('.').map(str::trim).collect();
    let alias = parts.len() == 1 && ALIASES.iter().any(|(alias, _, _)| *alias == parts[0]);
    if parts.iter().any(|p| p.is_empty()) || (parts.len() < 2 && !alias) {
        return Err(bad());
    }
    let at = Origin::new(&format!("{origin} {text}"));
    let leaf = parse_value(&at, value.trim());
    let nested = parts.iter().rev().fold(leaf, |node, part| {
        let table = Table::from_iter([((*part).to_owned(), node)]);
        Node {
            at: at.clone(),
            value: Value::Table(table),
        }
    });
    match nested.value {
        Value::Table(table) => Ok(table),
        _ => Err(bad()),
    }
}

/// Makes relative file names of a file's layer relative to its folder. A bare word (`recipe = "pelvis"`) names something built in.
fn resolve_paths(table: &mut Table, folder: &Path) {
    for name in PATHS {
        let Some((section, key)) = name.split_once('.') else { continue };
        let node = table.get_mut(section).and_then(|node| match &mut node.value {
            Value::Table(keys) => keys.get_mut(key),
            _ => None,
        });
        if let Some(Value::Text(text)) = node.map(|n| &mut n.value) {
            let path = Path::new(text.as_str());
            if path.is_relative() && is_path(text) {
                *text = folder.join(path).display().to_string();
            }
        }
    }
}
