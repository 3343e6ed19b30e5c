//! Configuration as part of a staleness key: independent of order, comments, spelling of numbers, and of keys that only steer speed.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::names::{PATHS, UNKEYED};

/// One line of JSON with sorted keys and no blanks: equal for equal values whatever their order.
///
/// ```
/// use rt_config::canonical_json;
/// use serde_json::json;
/// assert_eq!(canonical_json(&json!({"b": [1, {"y": 0.5, "x": null}], "a": "é\n"})), r#"{"a":"é\n","b":[1,{"x":null,"y":0.5}]}"#);
/// ```
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(&mut text, value);
    text
}

fn write_canonical(text: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                write_canonical(text, item);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            text.push('{');
            for (n, (key, item)) in sorted.into_iter().enumerate() {
                let comma = if n > 0 { "," } else { "" };
                let _ = write!(text, "{comma}{}:", Value::String(key.clone()));
                write_canonical(text, item);
            }
            text.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

/// The values of a section that results depend on, by full name (`dvh.bin_width_gy`), each in canonical form; paths and keys that only
/// steer speed ([`crate::names`]) are left out, and so are the sections `resources`, `logging` and `cohort`.
pub fn key_parts(section: &str, value: &Value) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    if !["resources", "logging", "cohort"].contains(&section) {
        collect(section, value, &mut parts);
    }
    parts
}

fn collect(name: &str, value: &Value, parts: &mut BTreeMap<String, String>) {
    if UNKEYED.contains(&name) || PATHS.contains(&name) {
        return;
    }
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, item)| collect(&format!("{name}.{key}"), item, parts)),
        _ => drop(parts.insert(name.to_owned(), canonical_json(value))),
    }
}

/// BLAKE3, hex, of [`key_parts`].
pub fn section_digest(section: &str, value: &Value) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, value) in key_parts(section, value) {
        hasher.update(format!("{name}={value}\n").as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_does_not_count_values_do() {
        let a = section_digest("dvh", &json!({"bin_width_gy": 0.01, "metrics": ["D95%", "Dmean"]}));
        let b = section_digest("dvh", &json!({"metrics": ["D95%", "Dmean"], "bin_width_gy": 0.01}));
        let c = section_digest("dvh", &json!({"metrics": ["Dmean", "D95%"], "bin_width_gy": 0.01}));
        assert_eq!(a, b);
        assert_ne!(a, c);
    }

    #[test]
    fn speed_and_paths_do_not_count() {
        let parts = key_parts(
            "segmentation",
            &json!({"engine": "classical", "workers": 4, "weights_dir": "/w", "region": {"a": 1}}),
        );
        let names: Vec<_> = parts.keys().map(String::as_str).collect();
        assert_eq!(names, ["segmentation.engine", "segmentation.region.a"]);
        assert!(key_parts("resources", &json!({"workers": 4})).is_empty());
    }
}
