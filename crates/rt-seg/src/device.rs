//! What an engine runs on.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Devices as asked for: `"auto"`, `"cpu"`, or numbers as a list (`[0, 1]`) or a text (`"0,1"`, the form of `--seg-devices`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// GPUs where an engine and the machine have them, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// GPUs by number.
    Gpus(Vec<u32>),
}

impl DeviceChoice {
    /// From the text of an argument.
    ///
    /// # Errors
    /// A sentence that says which forms there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            list => {
                let numbers: Result<Vec<u32>, _> = list.split(',').map(|n| n.trim().parse::<u32>()).collect();
                numbers.map(Self::Gpus).map_err(|_| forms(list))
            }
        }
    }
}

fn forms(given: &str) -> String {
    format!("\"{given}\" is no choice of devices; expected \"auto\", \"cpu\" or numbers such as [0, 1]")
}

impl Serialize for DeviceChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Cpu => serializer.serialize_str("cpu"),
            Self::Gpus(list) => list.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for DeviceChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            List(Vec<u32>),
            One(u32),
        }
        match Form::deserialize(deserializer) {
            Ok(Form::Text(text)) => Self::parse(&text).map_err(D::Error::custom),
            Ok(Form::List(list)) if !list.is_empty() => Ok(Self::Gpus(list)),
            Ok(Form::One(number)) => Ok(Self::Gpus(vec![number])),
            Ok(Form::List(_)) | Err(_) => Err(D::Error::custom("expected \"auto\", \"cpu\" or device numbers such as [0, 1]")),
        }
    }
}

/// A device that one step runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// A GPU by number.
    Gpu(u32),
}

/// Devices of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// Numbers of the GPUs that engines may use.
    pub gpus: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_in_every_form() {
        for (json, expected) in [
            ("\"auto\"", DeviceChoice::Auto),
            ("\"cpu\"", DeviceChoice::Cpu),
            ("\"0, 2\"", DeviceChoice::Gpus(vec![0, 2])),
            ("[1]", DeviceChoice::Gpus(vec![1])),
            ("3", DeviceChoice::Gpus(vec![3])),
        ] {
            assert_eq!(serde_json::from_str::<DeviceChoice>(json).unwrap(), expected);
        }
        for bad in ["\"gpu\"", "[]", "[-1]", "1.5", "\"\""] {
            assert!(serde_json::from_str::<DeviceChoice>(bad).is_err(), "{bad}");
        }
    }
}
