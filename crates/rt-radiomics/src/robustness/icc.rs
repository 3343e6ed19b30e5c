//! Intraclass correlation with exact intervals from the F distribution (Shrout and Fleiss 1979; `McGraw` and Wong 1996).
#![allow(clippy::many_single_char_names, reason = "the letters of the formulas")]

use serde::{Deserialize, Serialize};

use super::beta::f_quantile;

/// Which intraclass correlation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IccKind {
    /// One-way random, single rating: ICC(1,1).
    #[serde(rename = "ICC1", alias = "ICC(1,1)")]
    Icc1,
    /// Two-way random, absolute agreement: ICC(2,1).
    #[serde(rename = "ICC2", alias = "ICC(2,1)", alias = "ICC(A,1)")]
    Icc2,
    /// Two-way mixed, consistency: ICC(3,1).
    #[default]
    #[serde(rename = "ICC3", alias = "ICC(3,1)", alias = "ICC(C,1)")]
    Icc3,
    /// One-way random, mean of all ratings: ICC(1,k).
    #[serde(rename = "ICC1k")]
    Icc1k,
    /// Two-way random, absolute agreement, mean of all ratings: ICC(2,k).
    #[serde(rename = "ICC2k")]
    Icc2k,
    /// Two-way mixed, consistency, mean of all ratings: ICC(3,k).
    #[serde(rename = "ICC3k")]
    Icc3k,
}

impl IccKind {
    /// Name in the configuration and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Icc1 => "ICC1",
            Self::Icc2 => "ICC2",
            Self::Icc3 => "ICC3",
            Self::Icc1k => "ICC1k",
            Self::Icc2k => "ICC2k",
            Self::Icc3k => "ICC3k",
        }
    }
}

/// Why a statistic does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatError {
    /// Rows of unlike length.
    #[error("row {row} has {found} ratings, the first has {expected}")]
    Ragged {
        /// Row, from 0.
        row: usize,
        /// Its length.
        found: usize,
        /// Length of the first.
        expected: usize,
    },
    /// Fewer than two subjects or raters.
    #[error("{subjects} subjects and {raters} raters; at least two of each are needed")]
    TooFew {
        /// Subjects.
        subjects: usize,
        /// Raters.
        raters: usize,
    },
    /// A value that is no finite number.
    #[error("a rating is not a finite number")]
    NotFinite,
}

impl StatError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "robustness.ragged",
            Self::TooFew { .. } => "robustness.too_few",
            Self::NotFinite => "robustness.not_finite",
        }
    }
}

/// Ratings: a row a subject, a column a rater.
#[derive(Debug, Clone, PartialEq)]
pub struct RatingTable {
    raters: usize,
    values: Vec<f64>,
}

impl RatingTable {
    /// From rows of equal length.
    ///
    /// # Errors
    /// [`StatError`] for rows of unlike length, values that are not finite, and fewer than two subjects or raters.
    pub fn new(rows: &[Vec<f64>]) -> Result<Self, StatError> {
        let raters = rows.first().map_or(0, Vec::len);
        if let Some((row, found)) = rows.iter().map(Vec::len).enumerate().find(|(_, n)| *n != raters) {
            return Err(StatError::Ragged {
                row,
                found,
                expected: raters,
            });
        }
        if rows.len() < 2 || raters < 2 {
            return Err(StatError::TooFew {
                subjects: rows.len(),
                raters,
            });
        }
        let values = rows.concat();
        if values.iter().any(|v| !v.is_finite()) {
            return Err(StatError::NotFinite);
        }
        Ok(Self { raters, values })
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks(self.raters)
    }

    fn subjects(&self) -> usize {
        self.values.len() / self.raters
    }
}

/// Mean squares of a two-way table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanSquares {
    /// Between subjects.
    pub subjects: f64,
    /// Between raters.
    pub raters: f64,
    /// What neither explains.
    pub error: f64,
    /// Within subjects.
    pub within: f64,
}

impl MeanSquares {
    /// Of a table.
    pub fn of(table: &RatingTable) -> Self {
        let (n, k) = (table.subjects() as f64, table.raters as f64);
        let sum = |values: &mut dyn Iterator<Item = f64>| rt_core::float::sum(values);
        let grand = sum(&mut table.values.iter().copied()) / (n * k);
        let of_row = |row: &[f64]| sum(&mut row.iter().copied()) / k;
        let of_column = |c: usize| sum(&mut table.rows().map(|row| row[c])) / n;
        let columns: Vec<f64> = (0..table.raters).map(of_column).collect();
        let between = k * sum(&mut table.rows().map(|row| (of_row(row) - grand).powi(2)));
        let among = n * sum(&mut columns.iter().map(|m| (m - grand).powi(2)));
        // The residuals themselves: the difference of the sums would lose digits where agreement is good.
        let residual = |row: &[f64]| {
            let mean = of_row(row);
            sum(&mut row.iter().zip(&columns).map(|(v, c)| (v - mean - c + grand).powi(2)))
        };
        let error = sum(&mut table.rows().map(residual));
        let spread = |row: &[f64]| {
            let mean = of_row(row);
            sum(&mut row.iter().map(|v| (v - mean).powi(2)))
        };
        let within = sum(&mut table.rows().map(spread));
        Self {
            subjects: between / (n - 1.0),
            raters: among / (k - 1.0),
            error: error / ((n - 1.0) * (k - 1.0)),
            within: within / (n * (k - 1.0)),
        }
    }
}

/// An intraclass correlation and its 95 % limits; NaN where all values are equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Icc {
    /// The coefficient.
    pub value: f64,
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

/// Tail on each side of the interval.
const TAIL: f64 = 0.025;

/// Intraclass correlation of a table.
///
/// # Errors
/// None beyond those of [`RatingTable::new`]; the result is one for later kinds that need more.
pub fn icc(table: &RatingTable, kind: IccKind) -> Result<Icc, StatError> {
    let (n, k) = (table.subjects() as f64, table.raters as f64);
    let m = MeanSquares::of(table);
    // Single and mean ratings have one interval, transformed.
    let single = match kind {
        IccKind::Icc1 | IccKind::Icc1k => consistency(m.subjects, m.within, k, [n - 1.0, n * (k - 1.0)]),
        IccKind::Icc3 | IccKind::Icc3k => consistency(m.subjects, m.error, k, [n - 1.0, (n - 1.0) * (k - 1.0)]),
        IccKind::Icc2 | IccKind::Icc2k => agreement(&m, n, k),
    };
    let mean = |r: f64| k * r / (1.0 + (k - 1.0) * r);
    Ok(match kind {
        IccKind::Icc1 | IccKind::Icc2 | IccKind::Icc3 => single,
        IccKind::Icc1k | IccKind::Icc2k | IccKind::Icc3k => Icc {
            value: mean(single.value),
            low: mean(single.low),
            high: mean(single.high),
        },
    })
}

/// ICC(1,1) and ICC(3,1): an F ratio and its limits.
fn consistency(between: f64, other: f64, k: f64, [d1, d2]: [f64; 2]) -> Icc {
    let f = between / other;
    let low = f / f_quantile(1.0 - TAIL, d1, d2);
    let high = f * f_quantile(1.0 - TAIL, d2, d1);
    // Without error the ratio is infinite and the limits are 1.
    let limit = |f: f64| if f.is_infinite() { 1.0 } else { (f - 1.0) / (f + k - 1.0) };
    Icc {
        value: (between - other) / (between + (k - 1.0) * other),
        low: limit(low),
        high: limit(high),
    }
}

/// ICC(2,1).
fn agreement(m: &MeanSquares, n: f64, k: f64) -> Icc {
    let (b, j, e) = (m.subjects, m.raters, m.error);
    let r = (b - e) / (b + (k - 1.0) * e + k * (j - e) / n);
    let ratio = j / e;
    let a = n * (1.0 + (k - 1.0) * r) - k * r;
    // For an infinite ratio the terms with it remain.
    let v = if ratio.is_finite() {
        (n - 1.0) * (k - 1.0) * (k * r * ratio + a).powi(2) / ((n - 1.0) * (k * r * ratio).powi(2) + a * a)
    } else {
        k - 1.0
    };
    let above = f_quantile(1.0 - TAIL, n - 1.0, v);
    let below = f_quantile(1.0 - TAIL, v, n - 1.0);
    let common = k * j + (k * n - k - n) * e;
    Icc {
        value: r,
        low: n * (b - above * e) / (above * common + n * b),
        high: n * (below * b - e) / (common + n * below * b),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_tables_of_the_reference_are_met() {
        let root = std::env::var("RT_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
        let path = std::path::Path::new(&root).join("data/golden/icc.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: {} is not there", path.display());
            return;
        };
        let golden: Value = serde_json::from_str(&text).unwrap();
        for (name, set) in golden["sets"].as_object().unwrap() {
            let rows: Vec<Vec<f64>> = serde_json::from_value(set["data"].clone()).unwrap();
            let table = RatingTable::new(&rows).unwrap();
            for (key, kind) in [("ICC1", IccKind::Icc1), ("ICC2", IccKind::Icc2), ("ICC3", IccKind::Icc3)] {
                let theirs: [f64; 3] = serde_json::from_value(set[key].clone()).unwrap();
                let ours = icc(&table, kind).unwrap();
                for (a, b) in [ours.value, ours.low, ours.high].iter().zip(theirs) {
                    assert!((a - b).abs() < 1e-10, "{name} {key}: {ours:?} {theirs:?}");
                }
            }
        }
    }

    #[test]
    fn the_table_of_shrout_and_fleiss() {
        let rows = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]];
        let table = RatingTable::new(&rows.map(|r| r.map(f64::from).to_vec())).unwrap();
        // Published, two digits: ICC(1,1) 0.17, ICC(2,1) 0.29, ICC(3,1) 0.71, ICC(1,4) 0.44, ICC(2,4) 0.62, ICC(3,4) 0.91.
        let kinds = [
            IccKind::Icc1,
            IccKind::Icc2,
            IccKind::Icc3,
            IccKind::Icc1k,
            IccKind::Icc2k,
            IccKind::Icc3k,
        ];
        for (kind, expected) in kinds.into_iter().zip([0.17, 0.29, 0.71, 0.44, 0.62, 0.91]) {
            assert!((icc(&table, kind).unwrap().value - expected).abs() < 0.005, "{kind:?}");
        }
    }

    #[test]
    fn what_has_no_correlation_is_told() {
        assert_eq!(RatingTable::new(&[vec![1.0, 2.0]]).unwrap_err().code(), "robustness.too_few");
        assert_eq!(
            RatingTable::new(&[vec![1.0, 2.0], vec![1.0]]).unwrap_err().code(),
            "robustness.ragged"
        );
        let flat = RatingTable::new(&[vec![1.0, 1.0], vec![1.0, 1.0]]).unwrap();
        assert!(icc(&flat, IccKind::Icc3).unwrap().value.is_nan());
        // Perfect agreement of different subjects.
        let perfect = RatingTable::new(&[vec![1.0, 1.0], vec![2.0, 2.0]]).unwrap();
        let all = icc(&perfect, IccKind::Icc3).unwrap();
        assert!((all.value - 1.0).abs() < 1e-15 && (all.low - 1.0).abs() < 1e-15);
    }
}
