//! The metric grammar of the configuration <-> the columns of `dvh_metrics`. Nowhere else is one turned into the other.
//!
//! | grammar | column |
//! | --- | --- |
//! | `Dmean`, `Dmax`, `Dmin` | `DmeanGy` ... |
//! | `D95%` | `D95Gy`: dose that 95 % of the volume receives at least |
//! | `D2cc` | `D2ccGy`: dose to the hottest 2 cm3 |
//! | `V20Gy`, `V20Gy_cc` | `V20Gy (%)`, `V20Gy (cm³)` |
//! | `CV20Gy`, `CV20Gy_cc` | `CV20Gy (%)`, `CV20Gy (cm³)`: the volume that receives less |
//! | `V95%Rx`, `V95%Rx_cc` | `V95%Rx (%)`, `V95%Rx (cm³)` |
//! | `D95%/Rx`, `Dmean/Rx` | `D95%`, `Dmean%`: in percent of the prescription |
//! | `gEUD_a8` | `gEUD_a8_Gy` |
//! | `HI`, `HI_D5/D95`, `HI_(D2-D98)/Rx` | `HI`, `HI_D5_D95`, `HI_D2_D98_Rx` |
//! | half-range of any of these | `half_range_` and the metric, units in ASCII: [`half_range_column`] |

use crate::schema::{ColumnDef, Kind};

/// Unit of a volume metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Percent of the covered volume.
    Percent,
    /// Absolute.
    Cm3,
}

impl Unit {
    fn suffix(self) -> &'static str {
        match self {
            Self::Percent => " (%)",
            Self::Cm3 => " (cm³)",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Cm3 => "cm3",
        }
    }
}

/// `V20Gy (%)`: volume that receives a dose (Gy) or more.
pub fn volume_at_dose(gy: f64, unit: Unit) -> ColumnDef {
    column(
        format!("V{gy}Gy{}", unit.suffix()),
        unit.name(),
        format!("Volume that receives {gy} Gy or more"),
    )
}

/// `CV20Gy (%)`: volume that receives less than a dose (Gy).
pub fn cold_volume(gy: f64, unit: Unit) -> ColumnDef {
    column(
        format!("CV{gy}Gy{}", unit.suffix()),
        unit.name(),
        format!("Volume that receives less than {gy} Gy"),
    )
}

/// `V95%Rx (%)`: volume that receives a share (percent) of the prescription or more.
pub fn volume_at_relative_dose(percent: f64, unit: Unit) -> ColumnDef {
    let doc = format!("Volume that receives {percent} % of the prescription or more");
    column(format!("V{percent}%Rx{}", unit.suffix()), unit.name(), doc)
}

/// `D95Gy`: dose that a share (percent) of the volume receives at least.
pub fn dose_to_percent(percent: f64) -> ColumnDef {
    column(
        format!("D{percent}Gy"),
        "Gy",
        format!("Dose that {percent} % of the volume receives at least"),
    )
}

/// `D95%`: the same in percent of the prescription.
pub fn relative_dose_to_percent(percent: f64) -> ColumnDef {
    column(
        format!("D{percent}%"),
        "% of rx",
        format!("D{percent}Gy in percent of the prescription"),
    )
}

/// `D2ccGy`: dose to the hottest part of a size (cm3).
pub fn dose_to_volume(cc: f64) -> ColumnDef {
    column(
        format!("D{cc}ccGy"),
        "Gy",
        format!("Dose to the hottest {cc} cm3; empty for smaller structures"),
    )
}

/// `gEUD_a8_Gy`: generalised equivalent uniform dose.
pub fn geud(a: f64) -> ColumnDef {
    column(
        format!("gEUD_a{a}_Gy"),
        "Gy",
        format!("Generalised equivalent uniform dose (mean d^a)^(1/a) with a = {a}"),
    )
}

fn column(name: String, unit: &str, doc: String) -> ColumnDef {
    ColumnDef::new(name, Kind::Float, unit, doc)
}

/// The column of a metric of the grammar above; `None` for what is no metric.
pub fn metric_column(metric: &str) -> Option<ColumnDef> {
    if let Some(absolute) = metric.strip_suffix("/Rx") {
        return relative_column(absolute);
    }
    if let Some(name) = ["Dmean", "Dmax", "Dmin"].into_iter().find(|&m| m == metric) {
        return super::dvh::FIRST
            .iter()
            .find(|c| c.name.strip_suffix("Gy") == Some(name))
            .map(|&c| c.clone());
    }
    if metric == "HI" {
        return Some(super::dvh::HI.clone());
    }
    match metric {
        "HI_D5/D95" => return Some(column("HI_D5_D95".to_owned(), "1", "Homogeneity index D5Gy / D95Gy".to_owned())),
        "HI_(D2-D98)/Rx" => {
            let doc = "Homogeneity index (D2Gy - D98Gy) / rx_gy".to_owned();
            return Some(column("HI_D2_D98_Rx".to_owned(), "1", doc));
        }
        _ => {}
    }
    if let Some(a) = metric.strip_prefix("gEUD_a") {
        return a.parse().ok().filter(|a: &f64| a.is_finite()).map(geud);
    }
    if let Some(rest) = metric.strip_prefix("CV") {
        let (rest, unit) = volume_unit(rest);
        return Some(cold_volume(amount(rest.strip_suffix("Gy")?)?, unit));
    }
    if let Some(rest) = metric.strip_prefix('V') {
        let (rest, unit) = volume_unit(rest);
        return match rest.strip_suffix("%Rx") {
            Some(percent) => Some(volume_at_relative_dose(amount(percent)?, unit)),
            None => Some(volume_at_dose(amount(rest.strip_suffix("Gy")?)?, unit)),
        };
    }
    let rest = metric.strip_prefix('D')?;
    match rest.strip_suffix('%') {
        Some(percent) => Some(dose_to_percent(amount(percent).filter(|&p| p <= 100.0)?)),
        None => Some(dose_to_volume(amount(rest.strip_suffix("cc")?)?)),
    }
}

fn relative_column(absolute: &str) -> Option<ColumnDef> {
    if let Some(name) = ["Dmean", "Dmax", "Dmin"].into_iter().find(|&m| m == absolute) {
        return super::dvh::FIRST
            .iter()
            .find(|c| c.name.strip_suffix('%') == Some(name))
            .map(|&c| c.clone());
    }
    let rest = absolute.strip_prefix('D')?;
    if let Some(percent) = rest.strip_suffix('%') {
        return Some(relative_dose_to_percent(amount(percent).filter(|&p| p <= 100.0)?));
    }
    let cc = amount(rest.strip_suffix("cc")?)?;
    Some(column(
        format!("D{cc}cc%"),
        "% of rx",
        format!("D{cc}ccGy in percent of the prescription; empty for smaller structures"),
    ))
}

/// The column of the half-range of a metric: half the distance between its values with the two readings of the contours.
///
/// `D95%` becomes `half_range_D95_Gy`, `V20Gy_cc` `half_range_V20Gy_cc`; relative doses have none, theirs is that of the dose.
pub fn half_range_column(metric: &str) -> Option<ColumnDef> {
    if metric.ends_with("/Rx") {
        return None;
    }
    let (name, unit) = match metric {
        "Volume" => ("Volume_cc".to_owned(), "cm3"),
        "HI" => ("HI".to_owned(), "1"),
        "HI_D5/D95" => ("HI_D5_D95".to_owned(), "1"),
        _ => half_range_name(metric)?,
    };
    let doc = format!("Half the distance between {metric} with contours read as prisms and as lofted: how far the contours leave it open");
    Some(column(format!("half_range_{name}"), unit, doc))
}

fn half_range_name(metric: &str) -> Option<(String, &'static str)> {
    metric_column(metric)?;
    if let Some(volume) = metric.strip_suffix("_cc") {
        return Some((format!("{}_cc", volume.replace('%', "")), "cm3"));
    }
    if metric.starts_with('V') || metric.starts_with("CV") {
        return Some((format!("{}_percent", metric.replace('%', "")), "%"));
    }
    Some((format!("{}_Gy", metric.replace('%', "")), "Gy"))
}

fn volume_unit(rest: &str) -> (&str, Unit) {
    rest.strip_suffix("_cc").map_or((rest, Unit::Percent), |rest| (rest, Unit::Cm3))
}

/// A plain decimal number, not negative.
fn amount(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}
