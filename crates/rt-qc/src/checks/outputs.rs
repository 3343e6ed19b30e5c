//! Missing outputs: a stage that did not finish, or files of it that are gone.

use super::{Check, Texts, conclude};
use crate::config::QcConfig;
use crate::facts::{CourseFacts, StageFact, StageState};
use crate::report::{CheckResult, Finding, QcStatus};

pub(super) const CHECK: Check = Check {
    id: "outputs",
    code: "qc.missing_output",
    about: "every stage finished and its files are in place",
    run,
};

const TEXTS: Texts = Texts {
    pass: "every stage finished and its outputs are in place",
    skip: "no stage was to run before qc",
    remedy: "run the named stage again (its log stands in logs/<stage>.jsonl); results that depend on it are missing from the cohort tables",
};

fn run(facts: &CourseFacts, _cfg: &QcConfig) -> CheckResult {
    let judged: Vec<&StageFact> = facts.stages.iter().filter(|s| s.state != StageState::Disabled).collect();
    let mut findings = Vec::new();
    for stage in &judged {
        if stage.state == StageState::Missing {
            findings.push(fail(&stage.name, "the stage did not finish".to_owned()));
        }
        for path in &stage.missing_outputs {
            findings.push(fail(&stage.name, format!("its output {path} is missing or was changed")));
        }
    }
    conclude(&CHECK, judged.len(), findings, &TEXTS)
}

fn fail(stage: &str, message: String) -> Finding {
    Finding {
        status: QcStatus::Fail,
        item: format!("stage {stage}"),
        message,
        value: None,
        limit: None,
    }
}
