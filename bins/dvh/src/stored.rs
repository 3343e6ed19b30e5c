//! Histograms that the planning system stored in the dose, beside ours.

use rt_core::Gy;
use rt_course::manifest::CourseRecord;
use rt_course::sidecar::StoredHistogram;
use rt_dvh::compare::DoseReading;
use rt_dvh::{Comparison, StoredCurve, compare};
use rt_records::TableError;
use rt_records::table::{RowMut, Table, TableBuilder};
use rt_records::tables::{status, stored as t};
use serde::Serialize;

use crate::evaluation::{Evaluation, Outcome};

/// One stored histogram and the structure that it is of.
pub(crate) struct Compared<'a> {
    pub(crate) stored: &'a StoredHistogram,
    pub(crate) row: Option<&'a Evaluation>,
    pub(crate) found: Option<Comparison>,
}

/// Compares every stored histogram of a single region with the row of that region; `is_drawn` says whether its numbers hold for a row.
pub(crate) fn compared<'a>(
    stored: &'a [StoredHistogram],
    rows: &'a [Evaluation],
    is_drawn: &dyn Fn(&Evaluation) -> bool,
) -> Vec<Compared<'a>> {
    let one = |histogram: &'a StoredHistogram| {
        let number = match histogram.rois.as_slice() {
            [only] if !histogram.excludes => Some(*only),
            _ => None,
        };
        let row = rows
            .iter()
            .find(|r| r.dose == "course" && is_drawn(r) && number.is_some() && r.region.number.map(i64::from) == number);
        let curve = StoredCurve {
            dose: &histogram.dose,
            volume: &histogram.volume,
            dose_units: &histogram.dose_units,
            volume_units: &histogram.volume_units,
        };
        let found = row.and_then(|r| match &r.outcome {
            Outcome::Computed(found) => compare(&curve, &found.dvh, r.rx.gy.map(Gy)),
            Outcome::Reference(..) | Outcome::Refused { .. } => None,
        });
        Compared {
            stored: histogram,
            row,
            found,
        }
    };
    stored.iter().map(one).collect()
}

impl Compared<'_> {
    /// Status, code and message of its row.
    pub(crate) fn outcome(&self) -> (&'static str, &'static str, String) {
        let wrong = |reading: DoseReading| {
            let units = &self.stored.dose_units;
            format!("the stored doses say {units} and fit {} clearly better", reading.as_str())
        };
        match (self.row, &self.found) {
            (None, _) => {
                let message = format!("no drawn structure with the numbers {:?} alone", self.stored.rois);
                (status::SKIPPED, "dvh.stored_no_structure", message)
            }
            (Some(_), None) => (
                status::SKIPPED,
                "dvh.stored_not_comparable",
                "there are no figures to compare with".to_owned(),
            ),
            (_, Some(c)) if !c.is_stated => (status::PARTIAL, "dvh.stored_units", wrong(c.reading)),
            (_, Some(c)) if !c.volume_is_stated => {
                let message = format!("the stored volumes say {} and hold percent", self.stored.volume_units);
                (status::PARTIAL, "dvh.stored_units", message)
            }
            _ => (status::OK, "", String::new()),
        }
    }
}

/// The table of a course.
///
/// # Errors
/// [`TableError`] never, unless a column is not in the contract.
pub(crate) fn table(record: &CourseRecord, compared: &[Compared<'_>]) -> Result<Table, TableError> {
    let mut builder = TableBuilder::new(&t::schema());
    for one in compared {
        let mut out = builder.row();
        let (word, code, message) = one.outcome();
        out.set(&t::PATIENT_ID, record.patient_id.as_str())
            .set(&t::COURSE_ID, record.course_id.as_str())
            .set(&t::STATED_DOSE_UNITS, one.stored.dose_units.as_str())
            .set(&t::STATED_VOLUME_UNITS, one.stored.volume_units.as_str())
            .set(&t::STATUS, word)
            .set(&t::ERROR_CODE, code)
            .set(&t::MESSAGE, message.as_str());
        let Some(row) = one.row else { continue };
        out.set(&t::ROI_NUMBER, row.region.number.unwrap_or(-1))
            .set(&t::ROI_NAME, row.region.name.as_str())
            .set(&t::SEGMENTATION_SOURCE, row.region.source.as_str());
        if let (Some(c), Outcome::Computed(found)) = (&one.found, &row.outcome) {
            figures(&mut out, c, found.dvh.volume.value(), found.dvh.distribution.mean());
        }
    }
    builder.finish()
}

fn figures(out: &mut RowMut<'_>, c: &Comparison, volume_cc: f64, mean: f64) {
    out.set(&t::DOSE_READING, c.reading.as_str())
        .set(&t::STORED_VOLUME_CC, c.volume_cc)
        .set(&t::VOLUME_CC, volume_cc)
        .set(&t::VOLUME_DIFFERENCE_PERCENT, c.volume_cc.map(|v| 100.0 * (v / volume_cc - 1.0)))
        .set(&t::STORED_DMEAN_GY, c.mean)
        .set(&t::DMEAN_DIFFERENCE_GY, c.mean - mean)
        .set(&t::LARGEST_DIFFERENCE_PERCENT, c.largest_volume_difference);
    let columns = [
        (&t::STORED_D98_GY, &t::D98_DIFFERENCE_GY),
        (&t::STORED_D95_GY, &t::D95_DIFFERENCE_GY),
        (&t::STORED_D50_GY, &t::D50_DIFFERENCE_GY),
        (&t::STORED_D2_GY, &t::D2_DIFFERENCE_GY),
    ];
    for ((stored, difference), (theirs, ours)) in columns.into_iter().zip(c.doses.into_iter().zip(c.ours)) {
        out.set(stored, theirs).set(difference, theirs - ours);
    }
}

/// One comparison in the JSON of `rt-dvh files`.
#[derive(Debug, Clone, Serialize)]
pub struct StoredResult {
    /// `ROIName`; none when no structure fits.
    pub name: Option<String>,
    /// `ROINumber`s of the stored histogram.
    pub numbers: Vec<i64>,
    /// `ok`, `partial` or `skipped`.
    pub status: &'static str,
    /// The reason when it is not `ok`.
    pub error_code: Option<&'static str>,
    /// The reason in words.
    pub message: String,
    /// What the stored doses are.
    pub dose_reading: Option<&'static str>,
    /// Stored volume, cm3.
    pub volume_cc: Option<f64>,
    /// Stored D98%, D95%, D50%, D2%, Gy.
    pub doses_gy: Option<[f64; 4]>,
    /// The same minus ours.
    pub differences_gy: Option<[f64; 4]>,
    /// Largest difference of the relative volumes, percent points.
    pub largest_volume_difference_percent: Option<f64>,
}

impl From<&Compared<'_>> for StoredResult {
    fn from(one: &Compared<'_>) -> Self {
        let (status, code, message) = one.outcome();
        let c = one.found;
        Self {
            name: one.row.map(|r| r.region.original_name.clone()),
            numbers: one.stored.rois.clone(),
            status,
            error_code: (!code.is_empty()).then_some(code),
            message,
            dose_reading: c.map(|c| c.reading.as_str()),
            volume_cc: c.and_then(|c| c.volume_cc),
            doses_gy: c.map(|c| c.doses),
            differences_gy: c.map(|c| std::array::from_fn(|i| c.doses[i] - c.ours[i])),
            largest_volume_difference_percent: c.map(|c| c.largest_volume_difference),
        }
    }
}
