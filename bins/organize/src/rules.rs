//! `organize.dose_rules`: a file in which the user decides for single courses which doses are evaluated.
//!
//! ```toml
//! [[rule]]
//! patient = "P017"
//! course = "2024-01"            # every course of the patient when left out
//! action = "use"                # or "leave_out"
//! doses = ["1.2.840.1", "1.2.840.2"]
//! ```

use anyhow::Context;
use rt_cli::Input;
use rt_config::{ConfigIssue, Validate, parse_toml};
use rt_dicom::dose_choice::UserRule;
use serde::Deserialize;

use crate::config::OrganizeConfig;

/// The rules of a file, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoseRules {
    #[serde(default)]
    rule: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    patient: String,
    course: Option<String>,
    action: Action,
    doses: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Use,
    LeaveOut,
}

impl Validate for DoseRules {
    fn validate(&self) -> Result<(), ConfigIssue> {
        match self.rule.iter().position(|r| r.doses.is_empty()) {
            Some(at) => Err(ConfigIssue::new(format!("rule[{at}].doses"), "names no dose")),
            None => Ok(()),
        }
    }
}

impl DoseRules {
    /// Reads the file that the configuration names; no file, no rules.
    ///
    /// # Errors
    /// When the file cannot be read or says something unknown.
    pub(crate) fn read(config: &OrganizeConfig) -> Result<Self, anyhow::Error> {
        if config.dose_rules.is_empty() {
            return Ok(Self::default());
        }
        let path = &config.dose_rules;
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read organize.dose_rules = {path}"))?;
        Ok(parse_toml(path, &text)?)
    }

    /// The first rule for a course.
    pub(crate) fn of(&self, patient: &str, course: &str) -> Option<UserRule> {
        let fits = |r: &&Rule| r.patient == patient && r.course.as_deref().is_none_or(|c| c == course);
        self.rule.iter().find(fits).map(|r| match r.action {
            Action::Use => UserRule::Use(r.doses.clone()),
            Action::LeaveOut => UserRule::LeaveOut(r.doses.clone()),
        })
    }
}

/// The file as an input of the stage.
pub(crate) fn input(config: &OrganizeConfig) -> Option<Input> {
    (!config.dose_rules.is_empty()).then(|| Input::optional(config.dose_rules.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_of_a_course_counts() {
        let text = "[[rule]]\npatient = \"P1\"\ncourse = \"2024-01\"\naction = \"leave_out\"\ndoses = [\"1.1\"]\n\
                    [[rule]]\npatient = \"P1\"\naction = \"use\"\ndoses = [\"1.2\", \"1.3\"]\n";
        let rules: DoseRules = parse_toml("rules", text).unwrap();
        assert_eq!(rules.of("P1", "2024-01"), Some(UserRule::LeaveOut(vec!["1.1".into()])));
        assert_eq!(rules.of("P1", "2024-07"), Some(UserRule::Use(vec!["1.2".into(), "1.3".into()])));
        assert_eq!(rules.of("P2", "2024-01"), None);
        assert!(parse_toml::<DoseRules>("rules", "[[rule]]\npatient = \"P\"\naction = \"use\"\ndoses = []\n").is_err());
        assert!(parse_toml::<DoseRules>("rules", "[[rule]]\npatiant = \"P\"\naction = \"use\"\ndoses = [\"1\"]\n").is_err());
    }
}
