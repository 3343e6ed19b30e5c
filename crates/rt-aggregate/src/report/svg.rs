//! Drawings as SVG text: axes, curves, strips, bars. Colours come from the page's style, so that they follow it in print and dark mode.

use std::fmt::Write;

use super::curves::{Band, Curve};
use super::embed::{escape, number};

/// A linear or logarithmic map from values to pixels.
#[derive(Debug, Clone, Copy)]
struct Scale {
    from: f64,
    to: f64,
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    fn linear(from: f64, to: f64, low: f64, high: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Self {
            from,
            to,
            low,
            high,
            log: false,
        }
    }

    /// Powers of ten around positive values.
    fn decades(min: f64, max: f64, low: f64, high: f64) -> Self {
        let from = min.max(1e-3).log10().floor();
        let to = max.max(1e-3).log10().ceil().max(from + 1.0);
        Self {
            from,
            to,
            low,
            high,
            log: true,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let v = if self.log { value.max(1e-9).log10() } else { value };
        self.low + (self.high - self.low) * ((v - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// Values at round places, at most about `wanted`.
    fn ticks(&self, wanted: f64) -> Vec<f64> {
        let (mut values, mut at) = (Vec::new(), self.from);
        if self.log {
            while at <= self.to + 1e-9 {
                values.push(10_f64.powf(at));
                at += 1.0;
            }
            return values;
        }
        let raw = (self.to - self.from) / wanted;
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|s| *s >= raw)
            .unwrap_or(raw);
        at = (self.from / step).ceil() * step;
        while at <= self.to + step * 1e-6 {
            values.push(at);
            at += step;
        }
        values
    }
}

fn tick_text(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Begins a drawing with a name that screen readers say.
fn open(width: u32, height: u32, class: &str, title: &str) -> String {
    format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">",
        escape(title)
    )
}

fn polyline(out: &mut String, class: &str, points: impl Iterator<Item = (f64, f64)>) {
    let _ = write!(out, "<polyline class=\"{class}\" points=\"");
    for (x, y) in points {
        let _ = write!(out, "{x:.1},{y:.1} ");
    }
    out.push_str("\"/>");
}

fn text(out: &mut String, at: (f64, f64), class: &str, words: &str) {
    let _ = write!(
        out,
        "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        at.0,
        at.1,
        escape(words)
    );
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = write!(
        out,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

/// Curves of one structure over its courses: thin lines (up to 60), the 10 to 90 % band and the median (from 5 curves).
pub(super) fn curve_panel(title: &str, curves: &[&Curve]) -> String {
    let (width, height) = (320_u32, 222_u32);
    let end = curves.iter().map(|c| f64::from(c.end())).fold(0.0, f64::max);
    let x = Scale::linear(0.0, end * 1.02, 38.0, 312.0);
    let y = Scale::linear(0.0, 100.0, 188.0, 22.0);
    let mut out = open(
        width,
        height,
        "dvh",
        &format!("Dose-volume curves of {title}, {} courses", curves.len()),
    );
    axes(&mut out, x, y, "dose (Gy)", "volume (%)");
    let place = |dose: f32, percent: f32| (x.at(f64::from(dose)), y.at(f64::from(percent)));
    if curves.len() >= 5 {
        let band = Band::of(curves);
        let upper = band.points.iter().map(|p| place(p[0], p[3]));
        let lower = band.points.iter().rev().map(|p| place(p[0], p[1]));
        let _ = write!(out, "<polygon class=\"band\" points=\"");
        for (px, py) in upper.chain(lower) {
            let _ = write!(out, "{px:.1},{py:.1} ");
        }
        out.push_str("\"/>");
        if curves.len() <= 60 {
            for curve in curves {
                polyline(&mut out, "thin", curve.points.iter().map(|p| place(p[0], p[1])));
            }
        }
        polyline(&mut out, "median", band.points.iter().map(|p| place(p[0], p[2])));
    } else {
        for curve in curves {
            polyline(&mut out, "single", curve.points.iter().map(|p| place(p[0], p[1])));
        }
    }
    out.push_str("</svg>");
    out
}

fn axes(out: &mut String, x: Scale, y: Scale, x_name: &str, y_name: &str) {
    for value in x.ticks(6.0) {
        line(out, "grid", (x.at(value), y.low), (x.at(value), y.high));
        text(out, (x.at(value), y.low + 13.0), "tick mid", &tick_text(value));
    }
    for value in y.ticks(5.0) {
        line(out, "grid", (x.low, y.at(value)), (x.high, y.at(value)));
        text(out, (x.low - 4.0, y.at(value) + 3.5), "tick end", &tick_text(value));
    }
    line(out, "axis", (x.low, y.low), (x.high, y.low));
    line(out, "axis", (x.low, y.low), (x.low, y.high));
    text(out, (x.high, y.low + 28.0), "tick end", x_name);
    text(out, (x.low - 32.0, y.high - 8.0), "tick", y_name);
}

/// One row of a strip plot.
#[derive(Debug, Clone)]
pub(super) struct Strip {
    /// Name at the left.
    pub(super) name: String,
    /// What stands after it, smaller.
    pub(super) detail: String,
    /// Values, positive.
    pub(super) values: Vec<f64>,
    /// Median.
    pub(super) median: f64,
    /// 10th and 90th percentile.
    pub(super) band: (f64, f64),
}

/// Values of several structures on one logarithmic axis: a point a course, a bar from the 10th to the 90th percentile, a tick at the median.
pub(super) fn strips(rows: &[Strip], axis: &str) -> String {
    let all = || rows.iter().flat_map(|r| r.values.iter().copied()).filter(|v| *v > 0.0);
    let (min, max) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    if max <= 0.0 {
        return String::new();
    }
    let row_height = 18_u32;
    let bottom = 14 + row_height * u32::try_from(rows.len()).unwrap_or(u32::MAX / 64);
    let x = Scale::decades(min, max, 260.0, 780.0);
    let mut out = open(800, bottom + 34, "strips", &format!("{axis} of {} structures", rows.len()));
    for value in x.ticks(6.0) {
        line(&mut out, "grid", (x.at(value), 8.0), (x.at(value), f64::from(bottom)));
        text(&mut out, (x.at(value), f64::from(bottom) + 13.0), "tick mid", &tick_text(value));
    }
    text(&mut out, (780.0, f64::from(bottom) + 28.0), "tick end", axis);
    for (row, i) in rows.iter().zip(0_u32..) {
        let y = f64::from(14 + row_height * i) + 6.0;
        text(
            &mut out,
            (250.0, y + 4.0),
            "name end",
            &shorten(&format!("{} {}", row.name, row.detail), 38),
        );
        line(&mut out, "spread", (x.at(row.band.0), y), (x.at(row.band.1), y));
        for value in &row.values {
            let _ = write!(out, "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"2.2\"/>", x.at(*value));
        }
        line(&mut out, "mark", (x.at(row.median), y - 6.0), (x.at(row.median), y + 6.0));
    }
    out.push_str("</svg>");
    out
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// One bar of the time chart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    /// Row, from 0.
    pub(super) row: u32,
    /// Which colour, from 0.
    pub(super) colour: usize,
    /// Begin, seconds from the first one.
    pub(super) from: f64,
    /// Length, seconds.
    pub(super) length: f64,
}

/// Which stage of which course ran when: one row a course.
pub(super) fn gantt(rows: u32, bars: &[(Bar, String)]) -> String {
    let end = bars.iter().map(|(b, _)| b.from + b.length).fold(0.0, f64::max);
    if rows == 0 || end <= 0.0 {
        return String::new();
    }
    let pitch = if rows <= 40 { 10_u32 } else { 4 };
    let bottom = 8 + rows * pitch;
    let x = Scale::linear(0.0, end, 10.0, 780.0);
    let mut out = open(
        800,
        bottom + 34,
        "gantt",
        &format!("Stages of {rows} courses over {} s", number(end)),
    );
    for value in x.ticks(8.0) {
        line(&mut out, "grid", (x.at(value), 4.0), (x.at(value), f64::from(bottom)));
        text(&mut out, (x.at(value), f64::from(bottom) + 13.0), "tick mid", &tick_text(value));
    }
    text(
        &mut out,
        (780.0, f64::from(bottom) + 28.0),
        "tick end",
        "time since the first stage began (s)",
    );
    for (bar, title) in bars {
        let (left, right) = (x.at(bar.from), x.at(bar.from + bar.length));
        let _ = write!(
            out,
            "<rect class=\"k{}\" x=\"{left:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\"><title>{}</title></rect>",
            bar.colour,
            8 + bar.row * pitch,
            (right - left).max(0.8),
            pitch - 1,
            escape(title)
        );
    }
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_values() {
        assert_eq!(Scale::linear(0.0, 63.5, 0.0, 1.0).ticks(6.0), [0.0, 20.0, 40.0, 60.0]);
        let decades = Scale::decades(0.5, 1500.0, 0.0, 100.0);
        let ticks: Vec<String> = decades.ticks(6.0).into_iter().map(tick_text).collect();
        assert_eq!(ticks, ["0.1", "1", "10", "100", "1000", "10000"]);
        // Four fifths of the way from 0.1 to 10,000 is 1,000.
        assert!((decades.at(1000.0) - 80.0).abs() < 1e-9);
    }

    #[test]
    fn names_in_a_drawing_are_text() {
        let strip = Strip {
            name: "</svg><script>alert(1)</script>".into(),
            detail: "\"".into(),
            values: vec![1.0, 10.0],
            median: 5.0,
            band: (1.0, 10.0),
        };
        let drawing = strips(&[strip], "volume (cm3)");
        assert!(!drawing.contains("<script"), "{drawing}");
        assert!(drawing.contains("&lt;/svg&gt;&lt;script"));
        assert_eq!(drawing.matches("</svg>").count(), 1);
    }
}
