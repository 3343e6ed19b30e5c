//! One mapping of a parameter file, taken apart key by key.

use serde_norway::Value;

use super::{bad, whole};
use crate::settings::SettingsError;

/// A mapping whose keys are taken out as they are read; what is left at the end is unknown.
#[derive(Debug)]
pub(super) struct Section {
    place: &'static str,
    entries: Vec<(String, Value)>,
}

/// A key that holds a name, or null, or is not there: null switches off what a missing key leaves at its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    Missing,
    Null,
    Given(String),
}

impl Name {
    /// The name, when there is one.
    pub(super) fn given(&self) -> Option<&str> {
        match self {
            Self::Given(name) => Some(name),
            Self::Missing | Self::Null => None,
        }
    }
}

impl Section {
    /// From a value that is a mapping or nothing.
    pub(super) fn new(place: &'static str, value: Value) -> Result<Self, SettingsError> {
        let entries = match value {
            Value::Null => Vec::new(),
            Value::Mapping(map) => map
                .into_iter()
                .map(|(key, value)| (plain(&key).unwrap_or_default(), value))
                .collect(),
            other => return Err(bad(place, &shown(&other), "a section with keys")),
        };
        Ok(Self { place, entries })
    }

    /// Keys in order.
    pub(super) fn keys(&self) -> Vec<String> {
        self.entries.iter().map(|e| e.0.clone()).collect()
    }

    /// Lays another section over this one.
    pub(super) fn overlay(&mut self, other: Self) {
        for (key, value) in other.entries {
            self.entries.retain(|e| e.0 != key);
            self.entries.push((key, value));
        }
    }

    /// Takes a value out.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        let at = self.entries.iter().position(|e| e.0 == key)?;
        Some(self.entries.remove(at).1)
    }

    /// Takes a sub-section out; a missing one is empty.
    pub(super) fn section(&mut self, key: &str, place: &'static str) -> Result<Self, SettingsError> {
        Self::new(place, self.take(key).unwrap_or(Value::Null))
    }

    /// A number that `holds`; text that reads as a number counts (YAML takes `1e-6` for text).
    pub(super) fn number(&mut self, key: &str, wanted: &'static str, holds: impl Fn(f64) -> bool) -> Result<Option<f64>, SettingsError> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match as_number(&value) {
                Some(v) if holds(v) => Ok(Some(v)),
                _ => Err(bad(key, &shown(&value), wanted)),
            },
        }
    }

    /// A whole number, 0 or above.
    pub(super) fn count(&mut self, key: &str, wanted: &'static str) -> Result<Option<usize>, SettingsError> {
        let number = self.number(key, wanted, |v| v >= 0.0 && v.fract() == 0.0)?;
        number.map(|v| whole(key, v)).transpose()
    }

    /// true or false.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, SettingsError> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(v)) => Ok(Some(v)),
            Some(other) => Err(bad(key, &shown(&other), "true or false")),
        }
    }

    /// A name or null.
    pub(super) fn name(&mut self, key: &str) -> Result<Name, SettingsError> {
        match self.take(key) {
            None => Ok(Name::Missing),
            Some(Value::Null) => Ok(Name::Null),
            Some(value) => match plain(&value) {
                Some(text) => Ok(Name::Given(text)),
                None => Err(bad(key, &shown(&value), "a name")),
            },
        }
    }

    /// A list of numbers, or one number.
    pub(super) fn numbers(&mut self, key: &str) -> Result<Option<Vec<f64>>, SettingsError> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Sequence(list)) => {
                let each = list.iter().map(|v| as_number(v).ok_or_else(|| bad(key, &shown(v), "a number")));
                each.collect::<Result<_, _>>().map(Some)
            }
            Some(value) => match as_number(&value) {
                Some(v) => Ok(Some(vec![v])),
                None => Err(bad(key, &shown(&value), "a list of numbers")),
            },
        }
    }

    /// A list of numbers, or one number, each with its text as Python writes it.
    pub(super) fn numbers_with_text(&mut self, key: &str) -> Result<Option<Vec<(f64, String)>>, SettingsError> {
        let of = |v: &Value| {
            let number = as_number(v).ok_or_else(|| bad(key, &shown(v), "a number"))?;
            let text = match v {
                Value::Number(n) if n.is_f64() => format!("{number:?}"),
                other => shown(other),
            };
            Ok((number, text))
        };
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Sequence(list)) => list.iter().map(of).collect::<Result<_, _>>().map(Some),
            Some(value) => Ok(Some(vec![of(&value)?])),
        }
    }

    /// A list of names; nothing is an empty list.
    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<String>, SettingsError> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Sequence(list)) => {
                let each = list.iter().map(|v| plain(v).ok_or_else(|| bad(key, &shown(v), "a name")));
                each.collect()
            }
            Some(value) => Err(bad(key, &shown(&value), "a list of names")),
        }
    }

    /// Refuses what is left; `known` are the keys of this place.
    pub(super) fn finish(self, known: &[&str]) -> Result<(), SettingsError> {
        let Some((key, _)) = self.entries.into_iter().next() else {
            return Ok(());
        };
        let nearest = known.iter().map(|k| (distance(&key, k), *k)).min();
        let hint = match nearest {
            Some((d, name)) if d <= 3 => format!("; did you mean {name:?}?"),
            _ => String::new(),
        };
        Err(SettingsError::UnknownKey {
            place: self.place,
            key,
            hint,
        })
    }
}

/// A scalar as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    serde_norway::to_string(value).map_or_else(|_| "the value".to_owned(), |t| t.trim().to_owned())
}

/// Edit distance without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (n, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = n + 1;
        for (m, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[m + 1];
            row[m + 1] = change.min(row[m] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
