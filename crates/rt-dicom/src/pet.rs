//! PET images to standardised uptake values: the tags that decide, the guards, and the factor (`spec/analysis.md` 5.3).
//!
//! Activity is decayed from the injection to the time that the scanner corrected to. What is missing or contradicts itself is told by a
//! code, and the image stays as stored: a wrong factor is worse than none. Sources: PS3.3 C.8.9.1 and C.8.9.4; QIBA FDG-PET/CT
//! profile, appendix on SUV calculation.

use std::path::Path;

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use rt_image::suv::{self, Body, Sex, SuvKind};

use crate::dataset::{Dataset, Fields};
use crate::gate::{self, Want};
use crate::image::{ImageData, ImageSeries};
use crate::notice::Notice;
use crate::series::{SeriesEntry, SeriesOptions};
use crate::value::{Date, Time};

/// A decay factor may differ from the computed one by this share.
const DECAY_TOLERANCE: f64 = 0.02;
/// Longest time between injection and scan, s.
const LONGEST_S: f64 = 24.0 * 3600.0;
/// FDG needs this long to be taken up, s: less is told.
const UPTAKE_S: f64 = 1800.0;

/// Why an image has no uptake values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SuvError {
    /// Units that no dose explains.
    #[error("its units are not BQML")]
    Units,
    /// An enhanced object.
    #[error("it is a multi-frame object")]
    MultiFrame,
    /// Attenuation or decay was not corrected.
    #[error("CorrectedImage does not list attenuation, scatter and decay")]
    Corrections,
    /// Corrected to a time that is not known.
    #[error("DecayCorrection is neither START nor ADMIN")]
    DecayCorrection,
    /// No patient weight, or a height or sex that the kind of value needs.
    #[error("weight, or the height or sex that this kind of value needs, is missing or cannot be")]
    Body,
    /// No administered activity.
    #[error("RadionuclideTotalDose is missing or not positive")]
    Dose,
    /// No half-life.
    #[error("RadionuclideHalfLife is missing or not positive")]
    HalfLife,
    /// No time of injection or of the scan.
    #[error("the time of injection or of the scan is missing")]
    Times,
    /// Injected after the scan.
    #[error("the injection lies after the scan")]
    Negative,
    /// More than a day between injection and scan.
    #[error("more than 24 hours lie between injection and scan")]
    TooLong,
    /// Stored decay factors contradict half-life and times.
    #[error("DecayFactor contradicts the half-life and FrameReferenceTime")]
    DecayFactor,
    /// A slice could not be opened again.
    #[error("a slice could not be read again")]
    Unreadable,
}

impl SuvError {
    /// Stable code; those of the reference's ledger with `pet.` before them.
    pub fn code(self) -> &'static str {
        match self {
            Self::Units => "pet.non_bqml_units",
            Self::MultiFrame => "pet.unsupported_multiframe",
            Self::Corrections => "pet.missing_required_corrections",
            Self::DecayCorrection => "pet.unsupported_decay_correction",
            Self::Body => "pet.missing_invalid_weight",
            Self::Dose => "pet.missing_invalid_dose",
            Self::HalfLife => "pet.missing_invalid_half_life",
            Self::Times => "pet.missing_times",
            Self::Negative => "pet.negative_delta_t",
            Self::TooLong => "pet.timing_anomaly",
            Self::DecayFactor => "pet.failed_decay_factor_guard",
            Self::Unreadable => "pet.unreadable",
        }
    }
}

/// What one slice says of dose, decay and time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PetFacts {
    /// `Units`.
    pub units: String,
    /// `SUVType`.
    pub suv_type: String,
    /// `CorrectedImage`.
    pub corrected: Vec<String>,
    /// `DecayCorrection`.
    pub decay_correction: String,
    /// Frames of the object.
    pub frames: u32,
    /// `PatientWeight`, kg.
    pub weight_kg: Option<f64>,
    /// `PatientSize`, m.
    pub height_m: Option<f64>,
    /// `PatientSex`.
    pub sex: String,
    /// `RadionuclideTotalDose`, Bq.
    pub dose_bq: Option<f64>,
    /// `RadionuclideHalfLife`, s.
    pub half_life_s: Option<f64>,
    /// Names of the substance and the nuclide, for the uptake check.
    pub tracer: String,
    /// `RadiopharmaceuticalStartDateTime`, else `RadiopharmaceuticalStartTime` on the day of the series.
    pub injected: Option<(Date, Time)>,
    /// `SeriesDate` and `SeriesTime`.
    pub series: Option<(Date, Time)>,
    /// `AcquisitionDate` and `AcquisitionTime`.
    pub acquired: Option<(Date, Time)>,
    /// `FrameReferenceTime`, ms.
    pub frame_reference_ms: Option<f64>,
    /// `DecayFactor`.
    pub decay_factor: Option<f64>,
}

/// Factor from stored units to the uptake value, with what should be told.
#[derive(Debug, Clone, PartialEq)]
pub struct SuvFactor {
    /// Factor.
    pub factor: f64,
    /// Findings.
    pub notices: Vec<Notice>,
}

/// The factor of a series from the facts of all its slices.
///
/// # Errors
/// [`SuvError`] with the first guard that fails.
pub fn suv_factor(slices: &[PetFacts], kind: SuvKind) -> Result<SuvFactor, SuvError> {
    let first = slices.first().ok_or(SuvError::Unreadable)?;
    let mut notices = Vec::new();
    if first.frames > 1 {
        return Err(SuvError::MultiFrame);
    }
    if first.units == "GML" && matches!(first.suv_type.as_str(), "" | "BW") && kind == SuvKind::BodyWeight {
        notices.push(Notice::new(
            "pet.stored_suv",
            "the samples are uptake values by body weight already (Units GML)",
        ));
        return Ok(SuvFactor { factor: 1.0, notices });
    }
    if first.units != "BQML" {
        return Err(SuvError::Units);
    }
    if !["ATTN", "SCAT", "DECY"].iter().all(|c| first.corrected.iter().any(|v| v == c)) {
        return Err(SuvError::Corrections);
    }
    let dose = first.dose_bq.filter(|v| *v > 0.0).ok_or(SuvError::Dose)?;
    let half_life = first.half_life_s.filter(|v| *v > 0.0).ok_or(SuvError::HalfLife)?;
    let seconds = match first.decay_correction.as_str() {
        "START" => since_injection(slices, &mut notices)?,
        "ADMIN" => 0.0,
        _ => return Err(SuvError::DecayCorrection),
    };
    if first.decay_correction == "START" {
        decay_guard(slices, half_life)?;
        let fdg = ["FDG", "FLUORODEOXYGLUCOSE", "FLUDEOXYGLUCOSE"];
        if seconds < UPTAKE_S && fdg.iter().any(|n| first.tracer.to_uppercase().contains(n)) {
            let text = format!("only {seconds:.0} s between the injection of FDG and the scan");
            notices.push(Notice::new("pet.short_uptake", text));
        }
    }
    let body = Body {
        weight_kg: first.weight_kg.filter(|v| *v > 0.0).ok_or(SuvError::Body)?,
        height_m: first.height_m.filter(|v| (0.2..3.0).contains(v)),
        sex: match first.sex.as_str() {
            "F" => Some(Sex::Female),
            "M" => Some(Sex::Male),
            _ => None,
        },
    };
    let factor = suv::factor(kind, &body, suv::decayed(dose, half_life, seconds)).ok_or(SuvError::Body)?;
    Ok(SuvFactor { factor, notices })
}

/// Seconds from the injection to the start of the series. A series that is stamped after its first acquisition was made later from other
/// images: then the earliest acquisition counts.
fn since_injection(slices: &[PetFacts], notices: &mut Vec<Notice>) -> Result<f64, SuvError> {
    let injected = slices.first().and_then(|s| s.injected).ok_or(SuvError::Times)?;
    let acquired = slices.iter().filter_map(|s| s.acquired).min();
    let series = slices.first().and_then(|s| s.series);
    let start = match (series, acquired) {
        (Some(series), Some(acquired)) if series > acquired => {
            notices.push(Notice::new(
                "pet.series_time_late",
                "SeriesTime lies after the first acquisition: the acquisition's time is used",
            ));
            acquired
        }
        (Some(series), _) => series,
        (None, Some(acquired)) => acquired,
        (None, None) => return Err(SuvError::Times),
    };
    let days = start.0.days_since(injected.0) as f64;
    let seconds = days * 86_400.0 + start.1.seconds() - injected.1.seconds();
    if seconds < 0.0 {
        Err(SuvError::Negative)
    } else if seconds > LONGEST_S {
        Err(SuvError::TooLong)
    } else {
        Ok(seconds)
    }
}

/// Every slice's stored decay factor must be that of its reference time.
fn decay_guard(slices: &[PetFacts], half_life: f64) -> Result<(), SuvError> {
    let wrong = |s: &PetFacts| match (s.frame_reference_ms, s.decay_factor) {
        (Some(ms), Some(stored)) if stored > 0.0 => {
            let computed = 1.0 / suv::decayed(1.0, half_life, ms / 1000.0);
            (computed - stored).abs() > DECAY_TOLERANCE * stored
        }
        _ => false,
    };
    if slices.iter().any(wrong) {
        Err(SuvError::DecayFactor)
    } else {
        Ok(())
    }
}

const PET_TAGS: &[Tag] = &[
    tags::SERIES_DATE,
    tags::ACQUISITION_DATE,
    tags::SERIES_TIME,
    tags::ACQUISITION_TIME,
    tags::PATIENT_SEX,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::NUMBER_OF_FRAMES,
    tags::CORRECTED_IMAGE,
    tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE,
    tags::UNITS,
    tags::SUV_TYPE,
    tags::DECAY_CORRECTION,
    tags::FRAME_REFERENCE_TIME,
    tags::DECAY_FACTOR,
];

fn facts(f: Fields<'_>) -> PetFacts {
    let both = |day: Tag, time: Tag| f.date(day).zip(f.time(time));
    let series = both(tags::SERIES_DATE, tags::SERIES_TIME);
    let acquired = both(tags::ACQUISITION_DATE, tags::ACQUISITION_TIME);
    let drug = f.item(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE);
    let stated = drug
        .and_then(|d| d.code(tags::RADIOPHARMACEUTICAL_START_DATE_TIME))
        .and_then(|t| date_time(&t));
    let day = series.or(acquired).map(|(day, _)| day);
    let timed = || day.zip(drug.and_then(|d| d.time(tags::RADIOPHARMACEUTICAL_START_TIME)));
    let name = drug.and_then(|d| d.text(tags::RADIOPHARMACEUTICAL));
    let code = drug
        .and_then(|d| d.item(tags::RADIOPHARMACEUTICAL_CODE_SEQUENCE))
        .and_then(|c| c.text(tags::CODE_MEANING));
    PetFacts {
        units: f.code(tags::UNITS).unwrap_or_default(),
        suv_type: f.code(tags::SUV_TYPE).unwrap_or_default(),
        corrected: f.texts(tags::CORRECTED_IMAGE),
        decay_correction: f.code(tags::DECAY_CORRECTION).unwrap_or_default(),
        frames: f.unsigned(tags::NUMBER_OF_FRAMES).unwrap_or(1),
        weight_kg: f.f64(tags::PATIENT_WEIGHT),
        height_m: f.f64(tags::PATIENT_SIZE),
        sex: f.code(tags::PATIENT_SEX).unwrap_or_default(),
        dose_bq: drug.and_then(|d| d.f64(tags::RADIONUCLIDE_TOTAL_DOSE)),
        half_life_s: drug.and_then(|d| d.f64(tags::RADIONUCLIDE_HALF_LIFE)),
        tracer: [name, code].into_iter().flatten().collect::<Vec<_>>().join(" "),
        injected: stated.or_else(timed),
        series,
        acquired,
        frame_reference_ms: f.f64(tags::FRAME_REFERENCE_TIME),
        decay_factor: f.f64(tags::DECAY_FACTOR),
    }
}

/// Day and time of a DT value, its offset from UTC left aside: all times of one object are of one clock.
fn date_time(text: &str) -> Option<(Date, Time)> {
    let plain = text.split(['+', '-', '&']).next()?.trim();
    Some((Date::parse(plain.get(..8)?)?, Time::parse(plain.get(8..)?)?))
}

/// The uptake values of a PET series, or the series as it was with the reason among its findings.
pub fn to_suv(mut image: ImageSeries, series: &SeriesEntry, opts: &SeriesOptions, kind: SuvKind) -> ImageSeries {
    let outcome = read_facts(series, opts).and_then(|slices| suv_factor(&slices, kind));
    match outcome {
        Ok(found) => {
            image.data = ImageData::F32(times(&image.data, found.factor));
            unit_of(kind).clone_into(&mut image.header.unit);
            image.notices.extend(found.notices);
        }
        Err(error) => {
            let text = format!("no uptake values were made ({error}); the samples stay in {}", image.header.unit);
            image.notices.push(Notice::new(error.code(), text));
        }
    }
    image
}

fn unit_of(kind: SuvKind) -> &'static str {
    match kind {
        SuvKind::BodyWeight => "SUV",
        SuvKind::LeanMass | SuvKind::LeanMassJames => "SUVlbm",
        SuvKind::BodySurface => "SUVbsa",
    }
}

#[expect(clippy::cast_possible_truncation, reason = "samples are kept in single precision")]
fn times(data: &ImageData, factor: f64) -> rt_image::Volume<f32> {
    match data {
        ImageData::I16(v) => v.map(|x| (f64::from(*x) * factor) as f32),
        ImageData::F32(v) => v.map(|x| (f64::from(*x) * factor) as f32),
    }
}

fn read_facts(series: &SeriesEntry, opts: &SeriesOptions) -> Result<Vec<PetFacts>, SuvError> {
    let read = |path: &Path| -> Result<PetFacts, SuvError> {
        let gated = gate::open(path, &opts.limits, Want::Tags(PET_TAGS)).map_err(|_| SuvError::Unreadable)?;
        let dataset = Dataset::of(&gated).map_err(|_| SuvError::Unreadable)?;
        Ok(facts(dataset.fields()))
    };
    series.files.iter().map(|f| read(&f.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice() -> PetFacts {
        let at = |day: &str, time: &str| Date::parse(day).zip(Time::parse(time));
        PetFacts {
            units: "BQML".into(),
            corrected: ["DECY", "ATTN", "SCAT", "DTIM"].map(str::to_owned).to_vec(),
            decay_correction: "START".into(),
            frames: 1,
            weight_kg: Some(70.0),
            dose_bq: Some(1e8),
            half_life_s: Some(3600.0),
            injected: at("20240105", "100000"),
            series: at("20240105", "103000"),
            acquired: at("20240105", "103000"),
            ..PetFacts::default()
        }
    }

    fn code(change: impl Fn(&mut PetFacts)) -> &'static str {
        let mut one = slice();
        change(&mut one);
        suv_factor(&[one], SuvKind::BodyWeight).unwrap_err().code()
    }

    #[test]
    fn the_worked_example_of_the_reference() {
        // 70 kg, 100 MBq, half-life 3600 s, 1800 s after injection: 70,000 / (1e8 x 2^-0.5); activities 200 and 300 Bq/mL.
        let found = suv_factor(&[slice()], SuvKind::BodyWeight).unwrap();
        assert!((200.0 * found.factor - 0.197_989_899).abs() < 1e-6 && (300.0 * found.factor - 0.296_984_848).abs() < 1e-6);
        assert!(found.notices.is_empty());
    }

    #[test]
    fn corrected_to_the_injection_the_dose_does_not_decay() {
        let mut one = slice();
        one.decay_correction = "ADMIN".into();
        let found = suv_factor(&[one], SuvKind::BodyWeight).unwrap();
        assert!((found.factor - 70_000.0 / 1e8).abs() < 1e-15);
    }

    #[test]
    fn an_injection_before_midnight_counts_over_the_day() {
        let mut one = slice();
        one.injected = Date::parse("20240104").zip(Time::parse("233000"));
        one.series = Date::parse("20240105").zip(Time::parse("003000"));
        one.acquired = one.series;
        // 3600 s: one half-life.
        let found = suv_factor(&[one], SuvKind::BodyWeight).unwrap();
        assert!((found.factor - 70_000.0 / 5e7).abs() < 1e-12);
    }

    #[test]
    fn a_series_made_later_counts_from_its_first_acquisition() {
        let mut one = slice();
        one.series = Date::parse("20240105").zip(Time::parse("180000"));
        let mut earlier = slice();
        earlier.acquired = Date::parse("20240105").zip(Time::parse("103000"));
        let found = suv_factor(&[one, earlier], SuvKind::BodyWeight).unwrap();
        assert!((200.0 * found.factor - 0.197_989_899).abs() < 1e-6);
        assert_eq!(found.notices[0].code, "pet.series_time_late");
    }

    #[test]
    fn what_is_missing_or_contradicts_itself_gives_its_code() {
        assert_eq!(code(|s| s.units = "CNTS".into()), "pet.non_bqml_units");
        assert_eq!(code(|s| s.corrected = vec!["ATTN".into()]), "pet.missing_required_corrections");
        assert_eq!(code(|s| s.decay_correction = "NONE".into()), "pet.unsupported_decay_correction");
        assert_eq!(code(|s| s.weight_kg = None), "pet.missing_invalid_weight");
        assert_eq!(code(|s| s.weight_kg = Some(0.0)), "pet.missing_invalid_weight");
        assert_eq!(code(|s| s.dose_bq = None), "pet.missing_invalid_dose");
        assert_eq!(code(|s| s.half_life_s = Some(0.0)), "pet.missing_invalid_half_life");
        assert_eq!(code(|s| s.injected = None), "pet.missing_times");
        assert_eq!(code(|s| s.frames = 20), "pet.unsupported_multiframe");
        assert_eq!(
            code(|s| s.injected = Date::parse("20240105").zip(Time::parse("110000"))),
            "pet.negative_delta_t"
        );
        assert_eq!(
            code(|s| s.injected = Date::parse("20240103").zip(Time::parse("100000"))),
            "pet.timing_anomaly"
        );
        // The example of the reference: 583.75396 s at 4062.6 s is 1.10473.
        let guard = |factor: f64| {
            move |s: &mut PetFacts| {
                s.half_life_s = Some(4062.6);
                s.frame_reference_ms = Some(583_753.96);
                s.decay_factor = Some(factor);
            }
        };
        assert_eq!(code(guard(1.2)), "pet.failed_decay_factor_guard");
        let mut good = slice();
        guard(1.10478)(&mut good);
        assert!(suv_factor(&[good], SuvKind::BodyWeight).is_ok());
        // Lean mass needs height and sex.
        assert_eq!(suv_factor(&[slice()], SuvKind::LeanMass).unwrap_err(), SuvError::Body);
    }

    #[test]
    fn stored_uptake_values_are_kept() {
        let mut one = slice();
        (one.units, one.suv_type) = ("GML".into(), "BW".into());
        let found = suv_factor(&[one], SuvKind::BodyWeight).unwrap();
        assert!((found.factor - 1.0).abs() < 1e-15);
        assert_eq!(found.notices[0].code, "pet.stored_suv");
    }

    #[test]
    fn date_times_of_the_wild() {
        for text in ["20240105103000", "20240105103000.000000+0100", "20240105103000&0000"] {
            assert_eq!(date_time(text), Date::parse("20240105").zip(Time::parse("1030")), "{text}");
        }
        assert_eq!(date_time("20240105"), None);
    }

    #[test]
    fn wanted_tags_are_sorted() {
        assert!(PET_TAGS.windows(2).all(|w| w[0] < w[1]));
    }
}
