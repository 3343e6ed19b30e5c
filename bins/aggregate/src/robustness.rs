//! The cohort's summary of robustness: one row per structure, source and feature, from the values of all courses.

use std::collections::HashMap;

use indexmap::IndexMap;
use rt_aggregate::TableSink;
use rt_radiomics::robustness::{FeatureSummary, IccKind, RobustnessConfig, Subject, Thresholds, summarise};
use rt_records::tables::robustness as t;
use rt_records::{Table, TableBuilder, TableError, WriteError};

/// Values of one structure and source over the cohort.
#[derive(Debug, Default)]
struct Group {
    features: IndexMap<String, usize>,
    perturbations: IndexMap<String, usize>,
    subjects: IndexMap<(String, String), HashMap<(usize, usize), f64>>,
}

/// Collects values while the table of all courses is written.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    groups: IndexMap<(String, String), Group>,
}

impl TableSink for Collector {
    fn write(&mut self, rows: &Table) -> Result<(), WriteError> {
        let text = |v: Option<&str>| v.unwrap_or_default().to_owned();
        for row in rows.iter() {
            let key = (text(row.text(&t::STRUCTURE)), text(row.text(&t::SEGMENTATION_SOURCE)));
            let group = self.groups.entry(key).or_default();
            let feature = number(&mut group.features, row.text(&t::FEATURE_NAME).unwrap_or_default());
            let perturbation = number(&mut group.perturbations, row.text(&t::PERTURBATION_ID).unwrap_or_default());
            let subject = (text(row.text(&t::PATIENT_ID)), text(row.text(&t::COURSE_ID)));
            // A second structure of one name in a course is no second subject: the first counts.
            group
                .subjects
                .entry(subject)
                .or_default()
                .entry((feature, perturbation))
                .or_insert(row.float(&t::VALUE).unwrap_or(f64::NAN));
        }
        Ok(())
    }
}

/// The place of a name, given to new ones in order.
fn number(names: &mut IndexMap<String, usize>, name: &str) -> usize {
    if let Some(n) = names.get(name) {
        return *n;
    }
    let n = names.len();
    names.insert(name.to_owned(), n);
    n
}

impl Collector {
    /// The summary, in the order in which structures and features first came.
    pub(crate) fn into_table(self, config: &RobustnessConfig) -> Result<Table, TableError> {
        let how = Thresholds {
            kind: config.icc_type,
            limits: config.thresholds,
        };
        let mut rows = TableBuilder::new(&t::summary_schema());
        for ((structure, source), group) in &self.groups {
            for (feature, place) in &group.features {
                let of = |values: &HashMap<(usize, usize), f64>| Subject {
                    values: (0..group.perturbations.len())
                        .map(|p| values.get(&(*place, p)).copied().unwrap_or(f64::NAN))
                        .collect(),
                };
                let subjects: Vec<Subject> = group.subjects.values().map(of).collect();
                let mut row = rows.row();
                row.set(&t::STRUCTURE, structure.as_str())
                    .set(&t::SEGMENTATION_SOURCE, source.as_str())
                    .set(&t::FEATURE_NAME, feature.as_str());
                fill(&mut row, &summarise(&subjects, how), how.kind);
            }
        }
        rows.finish()
    }
}

fn fill(row: &mut rt_records::RowMut<'_>, s: &FeatureSummary, kind: IccKind) {
    let given = |v: f64| v.is_finite().then_some(v);
    row.set(&t::N_SUBJECTS, s.subjects)
        .set(&t::N_SUBJECTS_COMPLETE, s.complete)
        .set(&t::N_SUBJECTS_DROPPED, s.subjects - s.complete)
        .set(&t::N_COURSES, s.subjects)
        .set(&t::N_PERTURBATIONS, s.perturbations)
        .set(&t::ICC, s.icc.map(|i| i.value))
        .set(&t::ICC_LOW, s.icc.and_then(|i| given(i.low)))
        .set(&t::ICC_HIGH, s.icc.and_then(|i| given(i.high)))
        .set(&t::COV_PCT, given(s.cov.median))
        .set(&t::COV_Q1, given(s.cov.q1))
        .set(&t::COV_Q3, given(s.cov.q3))
        .set(&t::N_SUBJECTS_COV, s.cov.subjects)
        .set(&t::COV_STATUS, s.cov.status)
        .set(&t::QCD, given(s.qcd.median))
        .set(&t::QCD_Q1, given(s.qcd.q1))
        .set(&t::QCD_Q3, given(s.qcd.q3))
        .set(&t::N_SUBJECTS_QCD, s.qcd.subjects)
        .set(&t::QCD_STATUS, s.qcd.status)
        .set(&t::ROBUSTNESS_LABEL, s.label)
        .set(&t::PASS, s.passes())
        .set(&t::ICC_TYPE, kind.name())
        .set(&t::ICC_LABEL, s.icc_label)
        .set(&t::WITHIN_BETWEEN_RATIO, given(s.within_between));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_courses_become_one_row_a_feature() {
        let mut values = TableBuilder::new(&t::schema());
        // Two courses that differ by 10, three perturbations that differ by 1 and nothing else.
        for (course, base) in [("C1", 100.0), ("C2", 110.0)] {
            for (p, shift) in [("ntcv_v0", 0.0), ("ntcv_v-15", 1.0), ("ntcv_v+15", 2.0)] {
                values
                    .row()
                    .set(&t::PATIENT_ID, "P")
                    .set(&t::COURSE_ID, course)
                    .set(&t::SEGMENTATION_SOURCE, "Manual")
                    .set(&t::STRUCTURE, "GTV")
                    .set(&t::PERTURBATION_ID, p)
                    .set(&t::FEATURE_NAME, "original_firstorder_Mean")
                    .set(&t::VALUE, base + shift);
            }
        }
        let mut collector = Collector::default();
        collector.write(&values.finish().unwrap()).unwrap();
        let table = collector.into_table(&RobustnessConfig::default()).unwrap();
        assert_eq!(table.rows(), 1);
        let row = table.row(0);
        assert_eq!((row.int(&t::N_SUBJECTS), row.int(&t::N_PERTURBATIONS)), (Some(2), Some(3)));
        // Consistency is perfect.
        assert!((row.float(&t::ICC).unwrap() - 1.0).abs() < 1e-12);
        // sd 1 of mean 101 and of 111: the median lies between.
        let cov = f64::midpoint(100.0 / 101.0, 100.0 / 111.0);
        assert!((row.float(&t::COV_PCT).unwrap() - cov).abs() < 1e-12);
        assert_eq!(row.text(&t::ROBUSTNESS_LABEL), Some("robust"));
    }
}
