//! Writes the report of a generated cohort: `cargo run --example report -p rt-aggregate -- 20 report.html`.
#![allow(clippy::expect_used, reason = "an example")]

mod sample;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let courses = arguments.next().unwrap_or_else(|| "20".to_owned()).parse()?;
    let target = arguments.next().unwrap_or_else(|| "report.html".to_owned());
    let cohort = sample::Sample::new(courses, &[]);
    std::fs::write(target, rt_aggregate::render(&cohort.input())?)?;
    Ok(())
}
