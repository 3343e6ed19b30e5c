//! A histogram that a planning system stored, beside ours.
//!
//! Its units are not taken for granted: files that say GY and hold cGy or percent of the prescription, or that say CM3 and hold percent,
//! exist. The reading whose quantiles come closest to ours is taken, and said when it is not the one that the file states.

use rt_core::Gy;

use crate::roi::Dvh;

/// A stored cumulative histogram, as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredCurve<'a> {
    /// Doses, ascending from 0.
    pub dose: &'a [f64],
    /// Volume with that dose or more.
    pub volume: &'a [f64],
    /// Unit of the doses that the file states: `GY`, `RELATIVE`.
    pub dose_units: &'a str,
    /// Unit of the volumes that the file states: `CM3`, `PERCENT`, `PER_U`.
    pub volume_units: &'a str,
}

/// What the numbers of a stored histogram are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoseReading {
    /// Gy.
    Gy,
    /// cGy.
    CentiGy,
    /// Percent of the prescription.
    PercentOfRx,
}

impl DoseReading {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gy => "Gy",
            Self::CentiGy => "cGy",
            Self::PercentOfRx => "percent of prescription",
        }
    }
}

/// Both histograms side by side. Differences are theirs minus ours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// How the stored doses were read.
    pub reading: DoseReading,
    /// Whether that is what the file states.
    pub is_stated: bool,
    /// Stored volume, cm3; `None` when the volumes are relative.
    pub volume_cc: Option<f64>,
    /// Whether the volumes are what the file states (percent that is called cm3 is not).
    pub volume_is_stated: bool,
    /// Stored D98, D95, D50, D2, Gy.
    pub doses: [f64; 4],
    /// Ours.
    pub ours: [f64; 4],
    /// Mean of the stored curve, Gy.
    pub mean: f64,
    /// Largest difference of the relative volumes at any stored dose, percent points.
    pub largest_volume_difference: f64,
}

/// Shares of the volume that are compared.
pub const SHARES: [f64; 4] = [0.98, 0.95, 0.5, 0.02];

/// Another reading than the stated one is believed when it comes this much closer.
const CLEARLY: f64 = 0.2;

/// Compares a stored histogram with ours; `None` when it holds no falling curve.
pub fn compare(stored: &StoredCurve<'_>, ours: &Dvh, rx: Option<Gy>) -> Option<Comparison> {
    let whole = *stored.volume.first()?;
    if stored.dose.len() != stored.volume.len() || stored.dose.len() < 2 || whole <= 0.0 {
        return None;
    }
    let raw = SHARES.map(|s| dose_at(stored, s * whole));
    let own = SHARES.map(|s| ours.distribution.dose_at_share(s));
    let off = |factor: f64| raw.iter().zip(own).map(|(r, o)| (r * factor - o).abs()).sum::<f64>();
    let rx = rx.map(Gy::value).filter(|r| *r > 0.0);
    let stated = match (stored.dose_units, rx) {
        ("RELATIVE", Some(rx)) => (DoseReading::PercentOfRx, rx / 100.0),
        ("CGY", _) => (DoseReading::CentiGy, 0.01),
        _ => (DoseReading::Gy, 1.0),
    };
    let mut others = vec![(DoseReading::Gy, 1.0), (DoseReading::CentiGy, 0.01)];
    others.extend(rx.map(|rx| (DoseReading::PercentOfRx, rx / 100.0)));
    let best = others
        .into_iter()
        .fold(stated, |best, o| if off(o.1) < CLEARLY * off(best.1) { o } else { best });
    let (reading, factor) = best;
    let own_cc = ours.volume.value();
    let says_cc = !matches!(stored.volume_units, "PERCENT" | "PER_U");
    // 100 where ours is not near 100: percent.
    let is_percent = (whole - 100.0).abs() < 0.5 && (own_cc / 100.0 - 1.0).abs() > 0.05;
    let volume_cc = (says_cc && !is_percent).then_some(whole);
    let difference = |(dose, volume): (&f64, &f64)| {
        let theirs = volume / whole;
        let own = ours.distribution.volume_at(dose * factor) / ours.distribution.volume_mm3();
        (100.0 * (theirs - own)).abs()
    };
    Some(Comparison {
        reading,
        is_stated: reading == stated.0 || stored.dose_units == "RELATIVE" && rx.is_none(),
        volume_cc,
        volume_is_stated: !(says_cc && is_percent),
        doses: raw.map(|d| d * factor),
        ours: own,
        mean: factor * mean(stored, whole),
        largest_volume_difference: stored.dose.iter().zip(stored.volume).map(difference).fold(0.0, f64::max),
    })
}

/// Dose at which the curve falls to a volume, linear between its points.
fn dose_at(stored: &StoredCurve<'_>, volume: f64) -> f64 {
    let after = stored.volume.iter().position(|v| *v < volume).unwrap_or(stored.volume.len() - 1);
    let before = after.saturating_sub(1);
    let (v0, v1) = (stored.volume[before], stored.volume[after]);
    let part = if v0 > v1 {
        ((v0 - volume) / (v0 - v1)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    stored.dose[before] + part * (stored.dose[after] - stored.dose[before])
}

/// Mean dose of a cumulative curve: the area below it.
fn mean(stored: &StoredCurve<'_>, whole: f64) -> f64 {
    let area = |(d, v): (&[f64], &[f64])| (d[1] - d[0]) * 0.5 * (v[0] + v[1]);
    stored.dose.windows(2).zip(stored.volume.windows(2)).map(area).sum::<f64>() / whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Accumulator;
    use crate::roi::Sampling;
    use rt_core::Cc;

    /// 2 cm3 evenly from 10 to 20 Gy.
    fn ours() -> Dvh {
        let mut acc = Accumulator::new(10.0, 20.0);
        acc.add(15.0, 10.0, 2000.0);
        Dvh {
            volume: Cc(2.0),
            covered: Cc(2.0),
            distribution: acc.distribution(10.0, 20.0).unwrap(),
            sampling: Sampling {
                cells: 1,
                cell_mm: [1.0; 3],
                finest_part: 1,
                error_gy: 0.0,
                converged: true,
            },
            warnings: Vec::new(),
        }
    }

    /// The same as a planning system would store it, doses times `factor`, volumes from `whole`.
    fn stored(factor: f64, whole: f64) -> (Vec<f64>, Vec<f64>) {
        let dose: Vec<f64> = (0..=200).map(|k| f64::from(k) * 0.1).collect();
        let volume = dose.iter().map(|d| whole * ((20.0 - d) / 10.0).clamp(0.0, 1.0)).collect();
        (dose.iter().map(|d| d * factor).collect(), volume)
    }

    fn compared(factor: f64, whole: f64, dose_units: &str, volume_units: &str) -> Comparison {
        let (dose, volume) = stored(factor, whole);
        let curve = StoredCurve {
            dose: &dose,
            volume: &volume,
            dose_units,
            volume_units,
        };
        compare(&curve, &ours(), Some(Gy(25.0))).unwrap()
    }

    #[test]
    fn the_same_curve_has_no_difference() {
        let c = compared(1.0, 2.0, "GY", "CM3");
        assert!(c.is_stated && c.volume_is_stated && c.reading == DoseReading::Gy);
        assert!(c.largest_volume_difference < 0.01 && (c.mean - 15.0).abs() < 1e-6);
        for (a, b) in c.doses.iter().zip(c.ours) {
            assert!((a - b).abs() < 1e-3, "{a} {b}");
        }
        assert_eq!(c.volume_cc, Some(2.0));
    }

    #[test]
    fn units_that_the_file_misstates_are_found() {
        // Percent of 25 Gy called GY, percent of the volume called CM3.
        let c = compared(4.0, 100.0, "GY", "CM3");
        assert!(!c.is_stated && c.reading == DoseReading::PercentOfRx);
        assert!(!c.volume_is_stated && c.volume_cc.is_none());
        assert!((c.doses[2] - 15.0).abs() < 1e-3 && c.largest_volume_difference < 0.01);
        let c = compared(100.0, 2.0, "GY", "CM3");
        assert!(!c.is_stated && c.reading == DoseReading::CentiGy);
        let c = compared(4.0, 100.0, "RELATIVE", "PERCENT");
        assert!(c.is_stated && c.volume_is_stated && c.reading == DoseReading::PercentOfRx);
    }
}
