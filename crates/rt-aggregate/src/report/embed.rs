//! Putting text of ours and data of others into one HTML file without either becoming the other.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// JSON for `<script type="application/json">`: no character that HTML or JavaScript could take for an end of it.
///
/// # Errors
/// When the value has no JSON form.
pub(super) fn json_for_script<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(value)?;
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// The Content Security Policy of a page with exactly this style and this script: nothing else runs, nothing is loaded or sent
/// (CSP level 3, hash sources).
pub(super) fn policy(style: &str, script: &str) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

fn hash(text: &str) -> String {
    base64(&Sha256::digest(text.as_bytes()))
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4_usize {
            let letter = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Text as HTML, also inside quotes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A number for people: four significant digits, no exponent for ordinary sizes.
pub(super) fn number(x: f64) -> String {
    let size = x.abs();
    if x.total_cmp(&0.0).is_eq() || size < 1e-12 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{x:.3e}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "between -4 and 7")]
    let magnitude = size.log10().floor() as i32;
    let decimals = usize::try_from(3 - magnitude).unwrap_or(0);
    format!("{x:.decimals$}")
}

/// A number that may be missing.
pub(super) fn number_or_blank(x: Option<f64>) -> String {
    x.map(number).unwrap_or_default()
}

/// Bytes for people, binary units.
pub(super) fn bytes(n: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut n = n;
    let mut unit = 0;
    while n >= 1024.0 && unit + 1 < units.len() {
        n /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{n:.0} B")
    } else {
        format!("{n:.1} {}", units[unit])
    }
}

/// Seconds for people.
pub(super) fn seconds(s: f64) -> String {
    if s < 60.0 {
        format!("{s:.1} s")
    } else if s < 3600.0 {
        format!("{:.1} min", s / 60.0)
    } else {
        format!("{:.2} h", s / 3600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_vectors_of_rfc_4648() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn data_cannot_end_its_script() {
        let json = json_for_script(&"</script><img src=x>&\u{2028}\u{2029}").unwrap();
        assert_eq!(json, "\"\\u003c/script\\u003e\\u003cimg src=x\\u003e\\u0026\\u2028\\u2029\"");
        assert_eq!(
            serde_json::from_str::<String>(&json).unwrap(),
            "</script><img src=x>&\u{2028}\u{2029}"
        );
    }

    #[test]
    fn numbers_have_four_digits() {
        for (x, text) in [
            (60.123_4, "60.12"),
            (0.012_345, "0.01235"),
            (16_406.4, "16406"),
            (-1.0, "-1.000"),
            (0.0, "0"),
            (1e9, "1.000e9"),
            (2e-7, "2.000e-7"),
        ] {
            assert_eq!(number(x), text);
        }
        assert_eq!(bytes(1536.0), "1.5 KiB");
        assert_eq!(seconds(90.0), "1.5 min");
    }
}
