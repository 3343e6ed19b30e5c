//! Quality control of one course: checks over plain facts, a report with the worst status, and its page.
//!
//! Knows: what a check may look at ([`CourseFacts`]) and what it says; how two delineations of one structure are compared. Must not know: files, DICOM, tables, other stages' code.
//! Each check has its own code, severity, text and remedy; a finding is a result, not an error. Sources: `spec/analysis.md`
//! section 3, AAPM TG-275 (completeness and consistency of plan data), TG-53 (geometry of images, structures and dose).
//!
//! ```
//! use rt_qc::{CourseFacts, QcConfig, QcStatus, RoiFact, check};
//! let mut facts = CourseFacts { course_id: "2024-01".into(), ..CourseFacts::default() };
//! facts.rois.push(RoiFact { name: "GTV".into(), source: "Manual".into(), ..RoiFact::default() });
//! let report = check(&facts, &QcConfig::default());
//! assert_eq!(report.status, QcStatus::Fail);
//! assert_eq!(report.raised_codes(), ["qc.missing_object", "qc.empty_structure"]);
//! ```

pub mod checks;
pub mod compare;
pub mod config;
pub mod facts;
pub mod montage;
pub mod page;
pub mod report;

pub use compare::{CompareError, Comparison, compare};
pub use config::QcConfig;
pub use facts::{CourseFacts, Cut, DoseFact, DoseObjectFact, ImageFact, IndexBox, RoiFact, StageFact, StageState, StructureSetFact};
pub use montage::{Drawn, LegendEntry, Picture, montage};
pub use page::{PageError, render};
pub use report::{CheckResult, Finding, QcReport, QcStatus};

/// Runs every enabled check over the facts of one course; pure and total: a check never fails, it reports.
pub fn check(facts: &CourseFacts, cfg: &QcConfig) -> QcReport {
    let checks = checks::ALL
        .iter()
        .filter(|c| cfg.checks.is_empty() || cfg.checks.iter().any(|id| id == c.id))
        .map(|c| (c.run)(facts, cfg))
        .collect();
    QcReport::new(&facts.patient_id, &facts.course_id, checks)
}
