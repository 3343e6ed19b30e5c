//! What an image series is for, by what its headers say of themselves (`spec/ingest.md` 1.22).
//!
//! The class decides only where nothing refers to a series: a reference of a structure set always wins. So a verification scan or a
//! breathing phase is not taken for the planning CT because it happens to have the most slices.

use crate::series::SeriesEntry;

/// Kinds of image series, the likeliest planning CT first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeriesClass {
    /// A CT with nothing special about it.
    PlainCt,
    /// Average over the phases of a 4D CT.
    AverageCt,
    /// One phase of a 4D CT.
    PhaseCt,
    /// Cone-beam CT of a treatment machine.
    ConeBeamCt,
    /// Maximum, minimum or mean projection over slices or phases.
    Projection,
    /// Magnetic resonance.
    Mr,
    /// Positron emission tomography.
    Pet,
    /// Anything else.
    Other,
}

impl SeriesClass {
    /// Name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlainCt => "ct",
            Self::AverageCt => "4dct_average",
            Self::PhaseCt => "4dct_phase",
            Self::ConeBeamCt => "cbct",
            Self::Projection => "projection",
            Self::Mr => "mr",
            Self::Pet => "pet",
            Self::Other => "other",
        }
    }

    /// From the headers of a series.
    pub fn of(series: &SeriesEntry) -> Self {
        let image_type = series
            .images()
            .next()
            .map(|(_, image)| image.image_type.clone())
            .unwrap_or_default();
        match series.modality.as_str() {
            "CT" => ct(&series.device, &series.description, &image_type),
            "MR" => Self::Mr,
            "PT" => Self::Pet,
            _ => Self::Other,
        }
    }
}

/// Devices and words of cone-beam CT; pairs of words stand for words next to each other.
const CONE_BEAM: [&str; 9] = [
    "cbct",
    "xvi",
    "obi",
    "conebeam",
    "cone beam",
    "kvct",
    "pva",
    "patient verification",
    "halcyon",
];
/// Words of projections.
const PROJECTIONS: [&str; 5] = ["mip", "minip", "maxip", "mip thin", "projection image"];
/// Words of averages over the phases of a 4D CT.
const AVERAGES: [&str; 4] = ["ave", "avg", "average", "aip"];
/// Words of 4D CT, and devices that only make such series.
const FOUR_D: [&str; 6] = ["4d", "4dct", "resp", "respiratory", "advanced reconstruction", "aria rtm"];

fn ct(device: &str, description: &str, image_type: &str) -> SeriesClass {
    let text = format!("{description} {image_type}");
    let all = format!("{device} {text}");
    if holds(&text, &PROJECTIONS) || text.to_lowercase().contains("min(") || text.to_lowercase().contains("max(") {
        SeriesClass::Projection
    } else if holds(&all, &CONE_BEAM) {
        SeriesClass::ConeBeamCt
    } else if holds(&text, &AVERAGES) && (holds(&all, &FOUR_D) || !states_phase(&text)) {
        SeriesClass::AverageCt
    } else if states_phase(&text) || holds(&all, &FOUR_D) {
        SeriesClass::PhaseCt
    } else {
        SeriesClass::PlainCt
    }
}

/// Whether one of the phrases stands in the text as whole words.
fn holds(text: &str, phrases: &[&str]) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    phrases.iter().any(|phrase| {
        let parts: Vec<&str> = phrase.split(' ').collect();
        words.windows(parts.len()).any(|w| w == parts)
    })
}

/// A breathing phase: a number of at most three digits with a percent sign, as in `T=50%` or `Thorax 30 %`.
fn states_phase(text: &str) -> bool {
    text.split('%').rev().skip(1).any(|before| {
        let digits = before.trim_end().chars().rev().take_while(char::is_ascii_digit).count();
        (1..=3).contains(&digits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_say_what_they_are() {
        for (device, description, image_type, class) in [
            (
                "SIEMENS SOMATOM",
                "Pelvis 3.0 B30f",
                "ORIGINAL\\PRIMARY\\AXIAL",
                SeriesClass::PlainCt,
            ),
            ("Varian Medical Systems Patient Verification", "CT", "", SeriesClass::ConeBeamCt),
            ("ELEKTA XVI", "3D", "ORIGINAL\\PRIMARY\\AXIAL", SeriesClass::ConeBeamCt),
            ("SIEMENS", "kV-CBCT Thorax", "", SeriesClass::ConeBeamCt),
            ("Philips", "T=50%", "", SeriesClass::PhaseCt),
            ("Philips", "Thorax 30 % ", "", SeriesClass::PhaseCt),
            ("GE Advanced Reconstruction", "lung", "", SeriesClass::PhaseCt),
            ("Philips", "4D average", "", SeriesClass::AverageCt),
            ("SIEMENS", "AVG 4DCT", "", SeriesClass::AverageCt),
            ("SIEMENS", "MIP thorax", "", SeriesClass::Projection),
            ("SIEMENS", "lung", "DERIVED\\SECONDARY\\MIP", SeriesClass::Projection),
            // Words inside words say nothing: MIP in "shipment", AVE in "cave", OBI in "obie".
            ("SIEMENS", "shipment cave obie 100 mAs", "", SeriesClass::PlainCt),
        ] {
            assert_eq!(
                ct(device, description, image_type),
                class,
                "{device} / {description} / {image_type}"
            );
        }
    }
}
