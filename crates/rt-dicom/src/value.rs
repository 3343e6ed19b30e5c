//! Values of DICOM text elements: decimal and integer strings, dates, times.

use serde::{Deserialize, Serialize};

/// A decimal string (DS) of PS3.5 6.2 as written in the wild: blanks around it, `+`, exponents, any length. `None` for what is no
/// finite number. A decimal comma is accepted.
pub(crate) fn decimal(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    let text = text.strip_suffix(b"\0").unwrap_or(text).trim_ascii();
    short_decimal(text).or_else(|| long_decimal(text))
}

/// Exact powers of ten: m / 10^k and m * 10^k with m < 2^53 and k <= 22 round once, so the result is the nearest double
/// (Clinger 1990).
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Digits with a point, at most 15 of them, without exponent: nearly every coordinate of every contour.
fn short_decimal(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let mut mantissa = 0_u64;
    let mut count = 0_usize;
    let mut point = None;
    for (at, b) in digits.iter().enumerate() {
        match b {
            b'0'..=b'9' => {
                mantissa = mantissa.checked_mul(10)?.checked_add(u64::from(b - b'0'))?;
                count += 1;
            }
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    if count == 0 || mantissa >= 1 << 53 {
        return None;
    }
    let fraction = point.map_or(0, |at| digits.len() - at - 1);
    let value = mantissa as f64 / POWERS.get(fraction)?;
    Some(if negative { -value } else { value })
}

fn long_decimal(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let number = |t: &str| t.parse::<f64>().ok().filter(|v| v.is_finite());
    number(text).or_else(|| {
        let one_comma = text.matches(',').count() == 1 && !text.contains('.');
        one_comma.then(|| text.replace(',', ".")).and_then(|t| number(&t))
    })
}

/// An integer string (IS); `1.0` is accepted, what does not fit is not.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let plain = std::str::from_utf8(text).ok()?;
    let plain = plain.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    plain.parse::<i64>().ok().or_else(|| {
        let value = decimal(text)?;
        (value.fract().abs() < f64::EPSILON && value.abs() < 9e15).then(|| format!("{value:.0}").parse().ok())?
    })
}

/// A calendar day (DA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Date(u32);

impl Date {
    /// From `YYYYMMDD`, `YYYY-MM-DD`, `YYYY.MM.DD` or `DD-MM-YYYY`; `None` for anything else, and for days that do not exist.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        let parts: Vec<&str> = text.split(['-', '.']).collect();
        let number = |t: &str| t.bytes().all(|b| b.is_ascii_digit()).then(|| t.parse::<u32>().ok())?;
        let (y, m, d) = match parts.as_slice() {
            [one] if one.len() == 8 => (number(one.get(..4)?)?, number(one.get(4..6)?)?, number(one.get(6..8)?)?),
            [y, m, d] if y.len() == 4 => (number(y)?, number(m)?, number(d)?),
            [d, m, y] if y.len() == 4 => (number(y)?, number(m)?, number(d)?),
            _ => return None,
        };
        let civil = jiff::civil::Date::new(i16::try_from(y).ok()?, i8::try_from(m).ok()?, i8::try_from(d).ok()?);
        civil.ok().map(|_| Self(y * 10_000 + m * 100 + d))
    }

    /// `YYYY-MM-DD`.
    pub fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }

    /// Whole days from `earlier` to this day; negative when it lies before.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.ordinal() - earlier.ordinal()
    }

    /// The day that lies so many days later; `None` beyond the calendar.
    pub(crate) fn plus_days(self, days: i64) -> Option<Self> {
        let part = |n: u32| i8::try_from(n % 100).ok();
        let civil = jiff::civil::Date::new(i16::try_from(self.0 / 10_000).ok()?, part(self.0 / 100)?, part(self.0)?).ok()?;
        let moved = civil.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        let [y, m, d] = [i32::from(moved.year()), i32::from(moved.month()), i32::from(moved.day())];
        u32::try_from(y * 10_000 + m * 100 + d).ok().map(Self)
    }

    /// Days since 0000-03-01 of the proleptic Gregorian calendar.
    fn ordinal(self) -> i64 {
        let (y, m, d) = (i64::from(self.0 / 10_000), i64::from(self.0 / 100 % 100), i64::from(self.0 % 100));
        let (y, m) = if m > 2 { (y, m - 3) } else { (y - 1, m + 9) };
        365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d
    }
}

/// A time of day (TM), microseconds since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(u64);

impl Time {
    /// From `HH[MM[SS[.ffffff]]]`, colons allowed; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).replace(':', "");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        if !digits || !matches!(whole.len(), 2 | 4 | 6) {
            return None;
        }
        let pair = |at: usize| whole.get(at..at + 2).map_or(Some(0), |t| t.parse::<u64>().ok());
        let (h, m, s) = (pair(0)?, pair(2)?, pair(4)?);
        let micro: u64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        (h < 24 && m < 60 && s < 61).then_some(Self(((h * 60 + m) * 60 + s) * 1_000_000 + micro))
    }

    /// `HH:MM:SS`, fractions of a second cut.
    pub fn iso(self) -> String {
        let s = self.0 / 1_000_000;
        format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    /// Seconds since midnight.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_of_the_wild() {
        for (text, value) in [
            ("1.5", Some(1.5)),
            (" -0.35 ", Some(-0.35)),
            ("+2\0", Some(2.0)),
            ("1.0E-3", Some(0.001)),
            ("12345678901234567890", Some(12_345_678_901_234_567_890.0)),
            ("-182.62890625", Some(-182.628_906_25)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1,5", Some(1.5)),
            ("1,000.5", None),
            ("nan", None),
            ("inf", None),
            ("1e999", None),
            ("", None),
            (".", None),
            ("1..2", None),
            ("0x10", None),
        ] {
            assert_eq!(decimal(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn integers_of_the_wild() {
        for (text, value) in [
            ("12 ", Some(12)),
            ("1.0", Some(1)),
            ("-3", Some(-3)),
            ("1A", None),
            ("1.5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(integer(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn dates_and_times_of_the_wild() {
        for (text, iso) in [
            ("20240229", Some("2024-02-29")),
            ("2024-02-29 ", Some("2024-02-29")),
            ("29-02-2024", Some("2024-02-29")),
            ("2024.02.29", Some("2024-02-29")),
            ("20230229", None),
            ("2024", None),
            ("2024022\u{663}", None),
        ] {
            assert_eq!(Date::parse(text).map(Date::iso).as_deref(), iso, "{text:?}");
        }
        assert_eq!(Time::parse("101530.25").map(Time::iso).as_deref(), Some("10:15:30"));
        assert_eq!(Time::parse("10:15").map(Time::iso).as_deref(), Some("10:15:00"));
        assert!((Time::parse("000001.5").unwrap().seconds() - 1.5).abs() < 1e-12);
        assert_eq!(Time::parse("2515"), None);
    }

    #[test]
    fn days_are_counted_over_leap_years() {
        let day = |t| Date::parse(t).unwrap();
        // 1900 has no leap day, 2000 has one.
        assert_eq!(day("19000301").days_since(day("19000228")), 1);
        assert_eq!(day("20000301").days_since(day("20000228")), 2);
        assert_eq!(day("20240101").days_since(day("20230101")), 365);
    }

    proptest! {
        #[test]
        fn the_quick_way_equals_the_library(value in -2000.0f64..2000.0, digits in 0usize..12) {
            let text = format!("{value:.digits$}");
            prop_assert_eq!(decimal(text.as_bytes()).unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
        }
    }
}
