//! The whole comparison as text: both readings of the contours, our line beside those of the peers (`peers/dvh.md`), and the largest
//! error at each refinement tolerance.

use std::fmt::Write as _;
use std::path::Path;

use rt_dvh::{DvhConfig, Planes};

use super::{ConformanceError, Report, run, run_with};

/// Refinement tolerances that are tried, Gy.
const TOLERANCES_GY: [f64; 3] = [0.1, 0.05, 0.02];

/// Everything that `cargo xtask conformance dvh` prints, and how many rows or tolerances are missed.
///
/// # Errors
/// [`ConformanceError`] as [`run`].
pub fn whole_table(shared: &Path) -> Result<(String, usize), ConformanceError> {
    let folder = shared.join("data/dvh-analytic");
    let prism = run(&folder)?;
    let loft = run_with(
        &folder,
        &DvhConfig {
            planes: Planes::Loft,
            ..DvhConfig::default()
        },
    )?;
    let mut text = format!("prism (default)\n{prism}\n\nloft\n{loft}\n\n{HEAD}\n{}\n", prism.line("rt-dvh"));
    if let Ok(peers) = std::fs::read_to_string(shared.join("peers/dvh.md")) {
        text.extend(peer_lines(&peers).into_iter().map(|line| line + "\n"));
    }
    let mut loose = 0;
    for tolerance_gy in TOLERANCES_GY {
        let config = DvhConfig {
            tolerance_gy,
            ..DvhConfig::default()
        };
        let error = run_with(&folder, &config)?.largest_quantile_error();
        loose += usize::from(error > tolerance_gy);
        let _ = write!(
            text,
            "\nlargest error of D99 to D1 at tolerance {tolerance_gy} Gy (linear doses): {error:.4} Gy"
        );
    }
    Ok((text, prism.misses().len() + loft.misses().len() + loose))
}

/// Figures of that table, by their names in the truth; the first is relative, in percent.
const FIGURES: [&str; 7] = ["volume_cc", "Dmean", "D98", "D95", "D2", "D0.03cc", "D2.0cc"];

impl Report {
    /// Absolute error of a figure in every row that has it: percent for the volume, Gy for doses.
    pub fn errors(&self, figure: &str) -> Vec<f64> {
        let of = |f: &super::Figure| {
            let (ours, truth) = (f.ours?, f.truth?);
            let error = (ours - truth).abs();
            Some(if figure == "volume_cc" { 100.0 * error / truth } else { error })
        };
        let figures = self.rows.iter().flat_map(|r| &r.figures).filter(|f| f.name == figure);
        figures.filter_map(of).collect()
    }

    /// Largest error of a dose to a share of the volume (D99 to D1) in cases with a linear dose, Gy: there interpolation adds none.
    pub fn largest_quantile_error(&self) -> f64 {
        let is_quantile = |name: &str| name.strip_prefix('D').is_some_and(|p| p.parse::<f64>().is_ok());
        let linear = |case: &str| !case.starts_with("gauss") && !case.starts_with("quad");
        let rows = self.rows.iter().filter(|r| linear(&r.case) && !r.case.contains("relative"));
        let figures = rows.flat_map(|r| &r.figures).filter(|f| is_quantile(&f.name));
        figures.filter_map(|f| Some((f.ours? - f.truth?).abs())).fold(0.0, f64::max)
    }

    /// One line of the table: median and maximum of the error of each figure over all rows.
    pub fn line(&self, name: &str) -> String {
        let failed = self.rows.iter().filter(|r| r.problem.is_some()).count();
        let mut line = format!("| {name} | {} | {failed} |", self.rows.len());
        for figure in FIGURES {
            let mut errors = self.errors(figure);
            errors.sort_by(f64::total_cmp);
            let middle = errors.get(errors.len() / 2).copied().unwrap_or(f64::NAN);
            let most = errors.last().copied().unwrap_or(f64::NAN);
            let _ = write!(line, " {middle:.4} / {most:.4} |");
        }
        line
    }
}

/// The lines over all cases of each peer, out of the text of `peers/dvh.md`.
fn peer_lines(text: &str) -> Vec<String> {
    let mut name = "";
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            name = heading.trim();
        } else if let Some(rest) = line.strip_prefix("| ALL |") {
            lines.push(format!("| {name} |{rest}"));
        }
    }
    lines
}

/// The head of the table.
const HEAD: &str = "| engine | rows | failed | volume error % med / max | Dmean Gy med / max | D98 | D95 | D2 | D0.03cc | D2cc |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_peers_carry_their_names() {
        let text = "### a\n| group | x |\n| ALL | 195 | 5 | 1 / 2 |\n### b\n| ALL | 3 |\n";
        assert_eq!(peer_lines(text), ["| a | 195 | 5 | 1 / 2 |", "| b | 3 |"]);
    }
}
