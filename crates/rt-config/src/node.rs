//! A parsed configuration with the place of every value.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::ConfigError;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    source: Arc<str>,
    position: Option<(usize, usize)>,
    preset: bool,
}

impl Origin {
    /// A place without lines: `--set`, `RT_SET`.
    pub(crate) fn new(source: &str) -> Self {
        Self {
            source: source.into(),
            position: None,
            preset: false,
        }
    }

    /// A preset, whose values are not saved with a cohort.
    pub(crate) fn preset(name: &str) -> Self {
        Self {
            source: format!("preset {name}").into(),
            position: None,
            preset: true,
        }
    }

    /// The same source at a byte offset of its text.
    fn at(&self, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self {
            position: Some((line, column)),
            ..self.clone()
        }
    }

    pub(crate) fn is_preset(&self) -> bool {
        self.preset
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.source),
            None => f.write_str(&self.source),
        }
    }
}

/// A value and where it was set; in a table, where its key stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Origin,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Table),
}

pub(crate) type Table = IndexMap<String, Node>;

impl Node {
    /// Puts `newer` over this value: tables combine key by key, everything else is replaced.
    pub(crate) fn overlay(&mut self, newer: Node) {
        match (&mut self.value, newer.value) {
            (Value::Table(old), Value::Table(new)) => overlay(old, new),
            (value, new) => {
                *value = new;
                self.at = newer.at;
            }
        }
    }

    pub(crate) fn to_toml(&self) -> toml::Value {
        match &self.value {
            Value::Bool(b) => (*b).into(),
            Value::Int(i) => (*i).into(),
            Value::Float(x) => (*x).into(),
            Value::Text(t) => t.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_toml).collect::<Vec<_>>().into(),
            Value::Table(table) => toml::Value::Table(table.iter().map(|(k, v)| (k.clone(), v.to_toml())).collect()),
        }
    }
}

pub(crate) fn overlay(old: &mut Table, new: Table) {
    for (key, node) in new {
        match old.get_mut(&key) {
            Some(existing) => existing.overlay(node),
            None => drop(old.insert(key, node)),
        }
    }
}

/// Reads TOML text; `origin` names the source in errors.
pub(crate) fn parse(origin: &Origin, text: &str) -> Result<Table, ConfigError> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or_else(|| origin.clone(), |span| origin.at(text, span.start));
        ConfigError::At {
            at,
            message: error.message().to_owned(),
            code: "config.syntax",
        }
    })?;
    convert_table(origin, text, table.get_ref())
}

/// Reads one TOML value, or takes the text itself where it is none (`--set segmentation.engine=none`).
pub(crate) fn parse_value(origin: &Origin, text: &str) -> Node {
    let parsed = DeValue::parse(text).ok().and_then(|value| convert(origin, text, &value, None).ok());
    let mut node = parsed.unwrap_or_else(|| Node {
        at: origin.clone(),
        value: Value::Text(text.to_owned()),
    });
    place(&mut node, origin);
    node
}

/// Positions within one assignment say nothing: all of it stands at its source.
fn place(node: &mut Node, origin: &Origin) {
    node.at = origin.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|n| place(n, origin)),
        Value::Table(table) => table.values_mut().for_each(|n| place(n, origin)),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {}
    }
}

fn convert_table(origin: &Origin, text: &str, table: &DeTable<'_>) -> Result<Table, ConfigError> {
    // Sorted by position, so that files are shown in the order in which they were written.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let node = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| convert(origin, text, value, Some(key.span().start));
    entries
        .into_iter()
        .map(|entry| Ok((entry.0.get_ref().to_string(), node(entry)?)))
        .collect()
}

fn convert(origin: &Origin, text: &str, value: &Spanned<DeValue<'_>>, key_start: Option<usize>) -> Result<Node, ConfigError> {
    let at = origin.at(text, key_start.unwrap_or(value.span().start));
    let bad = |what: &str| ConfigError::At {
        at: at.clone(),
        message: format!("{what} is out of range"),
        code: "config.value",
    };
    let value = match value.get_ref() {
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Integer(i) => Value::Int(i64::from_str_radix(i.as_str(), i.radix()).map_err(|_| bad(i.as_str()))?),
        DeValue::Float(x) => Value::Float(x.as_str().parse().map_err(|_| bad(x.as_str()))?),
        DeValue::String(t) => Value::Text(t.to_string()),
        DeValue::Datetime(d) => Value::Text(d.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| convert(origin, text, item, None))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => Value::Table(convert_table(origin, text, table)?),
    };
    Ok(Node { at, value })
}
