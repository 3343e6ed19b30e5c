//! A generated cohort as tables: courses with a target and organs whose curves are logistic falls of dose. Numbers mean nothing.

use rt_aggregate::report::{CourseLine, Curve, CurveCollector, ReportInput};
use rt_aggregate::{RoiColumns, TableSink, preferred};
use rt_records::tables::{aggregation, curves, dvh, goals, provenance, qc, stored};
use rt_records::{Table, TableBuilder};

/// Structures of every course: name, source, typical volume (cm3), dose at half volume (Gy), width of the fall (Gy).
const STRUCTURES: &[(&str, &str, f64, f64, f64)] = &[
    ("PTV", "Manual", 120.0, 60.5, 0.5),
    ("CTV", "Manual", 60.0, 61.0, 0.4),
    ("Rectum", "Manual", 65.0, 28.0, 7.0),
    ("Bladder", "Manual", 180.0, 24.0, 9.0),
    ("Femoral_Head_L", "Manual", 70.0, 14.0, 5.0),
    ("Femoral_Head_R", "Manual", 70.0, 13.0, 5.0),
    ("rectum", "AutoRTS", 60.0, 27.0, 7.0),
    ("urinary_bladder", "AutoRTS", 175.0, 25.0, 9.0),
    ("body", "AutoRTS", 21_000.0, 3.0, 4.0),
    ("ring_10mm", "Custom", 90.0, 45.0, 6.0),
];

/// Everything that the page needs.
pub(crate) struct Sample {
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) courses: Vec<CourseLine>,
    pub(crate) dvh: Table,
    pub(crate) goals: Table,
    pub(crate) stored: Table,
    pub(crate) curve_table: Table,
    pub(crate) curves: Vec<Curve>,
    pub(crate) checks: Table,
    pub(crate) provenance: Table,
    pub(crate) parts: Table,
}

/// A number in 0..1 that depends on its arguments alone.
fn noise(course: u32, item: u32) -> f64 {
    let mut x = (u64::from(course) << 32) | (u64::from(item) + 1);
    for _ in 0..3 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    (x % 10_000) as f64 / 10_000.0
}

impl Sample {
    /// `courses` courses; the names of the first one's structures come from `names` as far as they go.
    pub(crate) fn new(courses: u32, names: &[&str]) -> Self {
        let mut sample = Self {
            facts: vec![
                ("program".to_owned(), "rtpipeline 0.1.0".to_owned()),
                ("configuration".to_owned(), "blake3 5d41402a".to_owned()),
            ],
            courses: Vec::new(),
            dvh: Table::empty(&dvh::schema()),
            goals: Table::empty(&goals::schema()),
            stored: Table::empty(&stored::schema()),
            curve_table: Table::empty(&curves::schema()),
            curves: Vec::new(),
            checks: Table::empty(&qc::schema()),
            provenance: Table::empty(&provenance::schema()),
            parts: Table::empty(&aggregation::schema()),
        };
        for course in 0..courses {
            sample.add(course, if course == 0 { names } else { &[] });
        }
        let mut collector = CurveCollector::default();
        collector.write(&sample.curve_table).expect("curves");
        sample.curves = collector.into_curves();
        sample
    }

    /// What `render` takes.
    pub(crate) fn input(&self) -> ReportInput<'_> {
        ReportInput {
            facts: &self.facts,
            courses: &self.courses,
            dvh: &self.dvh,
            goals: &self.goals,
            stored: &self.stored,
            curves: &self.curves,
            checks: &self.checks,
            provenance: &self.provenance,
            parts: &self.parts,
            radiomics: &[],
            min_courses: 1,
        }
    }

    fn add(&mut self, course: u32, names: &[&str]) {
        let (patient, id) = (format!("{:05}", 100 + course), "2024-03".to_owned());
        let without_dose = course % 7 == 6;
        self.courses.push(CourseLine {
            page: format!("../{patient}/{id}/qc/report.html"),
            stages: ["organize", "segment", "structures", "dvh", "radiomics", "qc"]
                .map(|s| (s.to_owned(), if without_dose && s == "dvh" { "skipped" } else { "ok" }.to_owned()))
                .to_vec(),
            holdings: if without_dose {
                "CT, structures"
            } else {
                "CT, structures, plan, dose"
            }
            .to_owned(),
            slices: Some(160),
            spacing: "0.98 x 0.98 x 3".to_owned(),
            rx_gy: (!without_dose).then_some(60.0),
            fractions: Some(20),
            warnings: if without_dose { vec!["no dose".to_owned()] } else { Vec::new() },
            patient_id: patient.clone(),
            course_id: id.clone(),
            reason: String::new(),
        });
        if !without_dose {
            self.dose_rows(course, &patient, &id, names);
        }
        self.check_rows(course, &patient, &id, without_dose);
        self.cost_rows(course, &patient, &id);
        let mut parts = TableBuilder::new(&aggregation::schema());
        parts
            .row()
            .set(&aggregation::PATIENT_ID, &patient)
            .set(&aggregation::COURSE_ID, &id)
            .set(&aggregation::TABLE, "dvh_metrics")
            .set(&aggregation::STATUS, if without_dose { "skipped" } else { "ok" })
            .set(&aggregation::ROWS, if without_dose { 0 } else { STRUCTURES.len() });
        self.parts.append(parts.finish().expect("parts")).expect("parts");
    }

    fn dose_rows(&mut self, course: u32, patient: &str, id: &str, names: &[&str]) {
        let mut rows = TableBuilder::new(&dvh::schema());
        let mut lines = TableBuilder::new(&curves::schema());
        let mut item = 0;
        for (i, &(name, source, volume, half, width)) in STRUCTURES.iter().enumerate() {
            item += 1;
            let name = names.get(i).copied().unwrap_or(name);
            let volume = volume * (0.6 + 0.9 * noise(course, item));
            let half = half * (0.93 + 0.1 * noise(course, item + 100));
            #[expect(clippy::cast_possible_truncation, reason = "a curve")]
            let curve: Vec<f32> = (0..7000_u32)
                .map(|k| (volume / (1.0 + ((f64::from(k) * 0.01 - half) / width).exp()) * (1.0 + (-half / width).exp())) as f32)
                .take_while(|cc| *cc > 1e-4)
                .collect();
            let partial = name == "body";
            let mean = half + width * noise(course, item + 200);
            rows.row()
                .set(&dvh::PATIENT_ID, patient)
                .set(&dvh::COURSE_ID, id)
                .set(&dvh::ROI_NAME, name)
                .set(&dvh::SEGMENTATION_SOURCE, source)
                .set(&dvh::DOSE, "course")
                .set(&dvh::VOLUME_CM3, volume)
                .set(&dvh::COVERED_FRACTION, if partial { 0.62 } else { 1.0 })
                .set(&dvh::DMEAN_GY, mean)
                .set(&dvh::DMAX_GY, half + 6.0 * width)
                .set(&dvh::D95_GY, (half - 2.9 * width).max(0.0))
                .set(&dvh::D2_GY, half + 3.8 * width)
                .set(&dvh::RX_GY, 60.0)
                .set(&dvh::STATUS, if partial { "partial" } else { "ok" })
                .set(&dvh::ERROR_CODE, partial.then_some("dvh.partial_coverage"));
            lines
                .row()
                .set(&curves::PATIENT_ID, patient)
                .set(&curves::COURSE_ID, id)
                .set(&curves::ROI_NAME, name)
                .set(&curves::SEGMENTATION_SOURCE, source)
                .set(&curves::DOSE, "course")
                .set(&curves::VOLUME_CC, volume)
                .set(&curves::BIN_WIDTH_GY, 0.01)
                .set(&curves::CUMULATIVE_CC, &curve);
        }
        let rows = preferred::mark(rows.finish().expect("rows"), RoiColumns::dvh()).expect("marks");
        self.dvh.append(rows).expect("rows");
        self.curve_table.append(lines.finish().expect("curves")).expect("curves");
    }

    fn check_rows(&mut self, course: u32, patient: &str, id: &str, without_dose: bool) {
        let mut rows = TableBuilder::new(&qc::schema());
        let mut line = |check: &str, result: &str, item: Option<&str>, finding: &str, value: Option<f64>, limit: Option<f64>| {
            let code = format!("qc.{check}");
            rows.row()
                .set(&qc::PATIENT_ID, patient)
                .set(&qc::COURSE_ID, id)
                .set(&qc::CHECK, check)
                .set(&qc::RESULT, result)
                .set(&qc::CODE, code.as_str())
                .set(&qc::ITEM, item)
                .set(&qc::FINDING, finding)
                .set(&qc::VALUE, value)
                .set(&qc::LIMIT, limit);
        };
        line("outputs", "PASS", None, "every stage wrote its files", None, None);
        line(
            "frame_of_reference",
            if course == 3 { "FAIL" } else { "PASS" },
            None,
            "one frame of reference",
            None,
            None,
        );
        line("geometry", "PASS", None, "grids agree", None, None);
        if without_dose {
            line("dose_coverage", "SKIP", None, "no dose", None, None);
        } else {
            line("dose_coverage", "WARNING", None, "a structure leaves the dose grid", None, None);
            line("dose_coverage", "WARNING", Some("body"), "covered in part", Some(0.62), Some(0.95));
        }
        if course == 3 {
            line(
                "frame_of_reference",
                "FAIL",
                Some("images/dose.nii"),
                "another frame of reference",
                None,
                None,
            );
        }
        line("empty_structures", "PASS", None, "no structure is empty", None, None);
        self.checks.append(rows.finish().expect("checks")).expect("checks");
    }

    fn cost_rows(&mut self, course: u32, patient: &str, id: &str) {
        let mut rows = TableBuilder::new(&provenance::schema());
        let mut start = f64::from(course / 2) * 14.0;
        for (i, stage) in (0_u32..).zip(["segment", "structures", "dvh", "radiomics", "qc"]) {
            let wall = [5.0, 2.0, 1.5, 8.0, 0.2][i as usize] * (0.7 + 0.6 * noise(course, 300 + i));
            let minute = (start / 60.0).floor();
            let started = format!("2026-01-31T10:{minute:02}:{:06.3}Z", start - 60.0 * minute);
            rows.row()
                .set(&provenance::PATIENT_ID, patient)
                .set(&provenance::COURSE_ID, id)
                .set(&provenance::STAGE, stage)
                .set(&provenance::STARTED, &started)
                .set(&provenance::WALL_S, wall)
                .set(&provenance::CPU_S, wall * 1.6)
                .set(&provenance::PEAK_RSS_BYTES, 400_000_000 + i64::from(i) * 50_000_000)
                .set(&provenance::READ_BYTES, 90_000_000_i64)
                .set(&provenance::WRITE_BYTES, 12_000_000_i64)
                .set(&provenance::ITEMS_DONE, 10)
                .set(&provenance::ITEMS_FAILED, 0)
                .set(&provenance::ITEMS_SKIPPED, 0)
                .set(&provenance::STATUS, "ok");
            start += wall;
        }
        self.provenance.append(rows.finish().expect("cost")).expect("cost");
    }
}
