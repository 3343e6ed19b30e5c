//! What the stages cost, from `provenance`.

use std::collections::BTreeMap;

use rt_records::tables::{STATUS, provenance as p};
use rt_records::{Row, Table};
use serde::Serialize;

use super::embed::{bytes, number, seconds};
use super::svg::{Bar, gantt};
use crate::summary::Spread;

/// Courses that the time chart can show; more would make it longer than anyone scrolls.
const MAX_ROWS: u32 = 400;

/// Section on cost.
#[derive(Debug, Serialize)]
pub(super) struct Stages {
    rows: Vec<StageRow>,
    slowest: Vec<SlowRow>,
    chart: String,
    legend: Vec<String>,
}

#[derive(Debug, Serialize)]
struct StageRow {
    stage: String,
    runs: usize,
    wall_total: String,
    wall_median: String,
    wall_max: String,
    cpu: String,
    peak_rss: String,
    read: String,
    written: String,
    items: String,
}

#[derive(Debug, Serialize)]
struct SlowRow {
    course: String,
    stage: String,
    wall: String,
    rss: String,
}

fn course(row: Row<'_>) -> String {
    match (row.text(&p::PATIENT_ID), row.text(&p::COURSE_ID)) {
        (Some(patient), Some(course)) => format!("{patient} / {course}"),
        _ => "whole cohort".to_owned(),
    }
}

pub(super) fn stages(table: &Table) -> Stages {
    let mut order: Vec<&str> = Vec::new();
    for row in table.iter() {
        let stage = row.text(&p::STAGE).unwrap_or_default();
        if !order.contains(&stage) {
            order.push(stage);
        }
    }
    let rank = |name: &str| {
        [
            "organize",
            "segment",
            "structures",
            "dvh",
            "radiomics",
            "robustness",
            "qc",
            "aggregate",
        ]
        .iter()
        .position(|s| *s == name)
    };
    order.sort_by_key(|name| rank(name).unwrap_or(usize::MAX));
    let rows = order.iter().map(|stage| stage_row(table, stage)).collect();
    Stages {
        rows,
        slowest: slowest(table),
        chart: chart(table, &order),
        legend: order.into_iter().map(str::to_owned).collect(),
    }
}

fn stage_row(table: &Table, stage: &str) -> StageRow {
    let rows: Vec<Row<'_>> = table.iter().filter(|r| r.text(&p::STAGE) == Some(stage)).collect();
    let all = |column| rows.iter().filter_map(|r| r.float(column)).collect::<Vec<f64>>();
    let total = |column| all(column).into_iter().fold(0.0, |a, b| a + b);
    let wall = Spread::of(all(&p::WALL_S));
    let cpu = if total(&p::WALL_S) > 0.0 {
        100.0 * total(&p::CPU_S) / total(&p::WALL_S)
    } else {
        0.0
    };
    let partial = rows.iter().filter(|r| r.text(&STATUS) == Some("partial")).count();
    let items = format!(
        "{} done, {} skipped, {} failed",
        total(&p::ITEMS_DONE),
        total(&p::ITEMS_SKIPPED),
        total(&p::ITEMS_FAILED)
    );
    StageRow {
        stage: stage.to_owned(),
        runs: rows.len(),
        wall_total: seconds(total(&p::WALL_S)),
        wall_median: wall.map(|w| seconds(w.median)).unwrap_or_default(),
        wall_max: wall.map(|w| seconds(w.max)).unwrap_or_default(),
        cpu: format!("{} %", number(cpu)),
        peak_rss: Spread::of(all(&p::PEAK_RSS_BYTES)).map(|s| bytes(s.max)).unwrap_or_default(),
        read: bytes(total(&p::READ_BYTES)),
        written: bytes(total(&p::WRITE_BYTES)),
        items: if partial > 0 {
            format!("{items}; {partial} runs partial")
        } else {
            items
        },
    }
}

fn slowest(table: &Table) -> Vec<SlowRow> {
    let mut rows: Vec<Row<'_>> = table.iter().collect();
    rows.sort_by(|a, b| b.float(&p::WALL_S).unwrap_or(0.0).total_cmp(&a.float(&p::WALL_S).unwrap_or(0.0)));
    rows.truncate(10);
    rows.into_iter()
        .map(|r| SlowRow {
            course: course(r),
            stage: r.text(&p::STAGE).unwrap_or_default().to_owned(),
            wall: seconds(r.float(&p::WALL_S).unwrap_or(0.0)),
            rss: r.float(&p::PEAK_RSS_BYTES).map(bytes).unwrap_or_default(),
        })
        .collect()
}

/// When each stage of each course ran, from the last run that computed it. Times that are no RFC 3339 in UTC are left out.
fn chart(table: &Table, order: &[&str]) -> String {
    let timed = || table.iter().filter_map(|r| Some((r, instant(r.text(&p::STARTED)?)?)));
    let first = timed().map(|(_, t)| t).fold(f64::INFINITY, f64::min);
    let mut places: BTreeMap<String, u32> = BTreeMap::new();
    let mut next = 0;
    let mut bars = Vec::new();
    for (row, started) in timed() {
        let name = course(row);
        let place = *places.entry(name.clone()).or_insert_with(|| {
            next += 1;
            next - 1
        });
        let stage = row.text(&p::STAGE).unwrap_or_default();
        let length = row.float(&p::WALL_S).unwrap_or(0.0);
        let bar = Bar {
            row: place,
            colour: order.iter().position(|s| *s == stage).unwrap_or(0) % 8,
            from: started - first,
            length,
        };
        bars.push((bar, format!("{name}: {stage}, {}", seconds(length))));
    }
    // Runs of different days do not fit one axis: then the chart would show gaps, not work.
    let busy: f64 = bars.iter().map(|(b, _)| b.length).fold(0.0, |a, b| a + b);
    let end = bars.iter().map(|(b, _)| b.from + b.length).fold(0.0, f64::max);
    if next > MAX_ROWS || end > 50.0 * busy.max(1.0) {
        return String::new();
    }
    gantt(next, &bars)
}

/// Seconds since 1970 of `2026-01-31T10:00:00.123Z`.
fn instant(text: &str) -> Option<f64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let mut clock = time.splitn(3, ':').map(str::parse::<f64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days of the civil calendar, counted in years that begin in March (so that the leap day is the last one).
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_known_days() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("2000-02-29T12:00:00Z", 951_825_600.0),
            ("2026-11-22T19:47:05Z", 1_795_376_825.0),
        ] {
            let found = instant(text).unwrap();
            assert!((found - seconds).abs() < 1e-6, "{text}: {found}");
        }
        assert_eq!(instant("2026-13-01T00:00:00Z"), None);
        assert_eq!(instant("yesterday"), None);
    }
}
