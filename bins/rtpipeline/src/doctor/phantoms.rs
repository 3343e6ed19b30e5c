//! Analytic phantoms: boxes and a sphere in linear doses, written as DICOM, read and evaluated by the installed `rt-dvh`.
//!
//! The dose over a box in a linear field is the sum of three even distributions; its cumulative distribution is a polynomial in pieces
//! (inclusion and exclusion over the corners), so every figure has a closed form for gradients along any direction. Contours lie on
//! slices whose prisms make up exactly the box. Tolerances are those of `data/dvh-analytic`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow};
use serde::Serialize;
use serde_json::Value;

use super::dicom;

/// One figure of one phantom.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    pub(crate) phantom: String,
    pub(crate) figure: String,
    pub(crate) expected: f64,
    pub(crate) computed: Option<f64>,
    pub(crate) tolerance: f64,
}

impl Check {
    pub(crate) fn passes(&self) -> bool {
        self.computed.is_some_and(|v| (v - self.expected).abs() <= self.tolerance)
    }
}

/// A slice distance, half sides of a box that are whole slices high, and a gradient in Gy/mm.
const BOXES: [(f64, [f64; 3], [f64; 3]); 6] = [
    (1.0, [12.0, 9.0, 10.0], [0.8, 0.0, 0.0]),
    (2.0, [12.0, 9.0, 10.0], [0.0, 0.8, 0.0]),
    (3.0, [12.0, 9.0, 12.0], [0.0, 0.0, 0.8]),
    (2.0, [15.0, 8.0, 12.0], [0.3, -0.4, 0.5]),
    (3.0, [3.3, 2.7, 3.0], [0.5, 0.2, -0.6]),
    (1.0, [1.4, 1.6, 2.0], [0.0, 0.6, 0.6]),
];
/// Dose in the middle, Gy.
const MIDDLE_GY: f64 = 40.0;
/// Radius of the sphere, mm.
const RADIUS: f64 = 12.0;

/// Runs all phantoms through a `rt-dvh` binary; their files lie in `folder` meanwhile.
pub(crate) fn verify(binary: &Path, folder: &Path) -> Result<Vec<Check>, anyhow::Error> {
    let mut checks = Vec::new();
    for (slices, half, gradient) in BOXES {
        let phantom = format!("box {half:?} mm, slices {slices} mm, {gradient:?} Gy/mm");
        let [x, y, z] = half;
        let square = |z: f64| vec![[-x, -y, z], [x, -y, z], [x, y, z], [-x, y, z]];
        let metrics = evaluate(binary, folder, &stack(z, slices, square), gradient)?;
        checks.extend(of_box(half, gradient).into_iter().map(|(figure, expected, tolerance)| Check {
            phantom: phantom.clone(),
            computed: metrics[figure].as_f64(),
            figure: figure.to_owned(),
            expected,
            tolerance,
        }));
    }
    checks.extend(sphere(binary, folder)?);
    Ok(checks)
}

/// A sphere: its volume is that of its polygons, and by symmetry mean and median are the dose in its middle.
fn sphere(binary: &Path, folder: &Path) -> Result<Vec<Check>, anyhow::Error> {
    let (slices, gradient, corners) = (2.0, [0.3, -0.4, 0.5], 180);
    let step = std::f64::consts::TAU / f64::from(corners);
    let ring = |z: f64| {
        let radius = (RADIUS * RADIUS - z * z).sqrt();
        let point = |corner: i32| {
            let (sin, cos) = (f64::from(corner) * step).sin_cos();
            [radius * cos, radius * sin, z]
        };
        (0..corners).map(point).collect()
    };
    let contours = stack(RADIUS, slices, ring);
    let area = |z: f64| 0.5 * f64::from(corners) * (RADIUS * RADIUS - z * z) * step.sin();
    let volume = contours.iter().map(|c| area(c[0][2]) * slices).sum::<f64>() / 1000.0;
    let metrics = evaluate(binary, folder, &contours, gradient)?;
    let figures = [
        ("Volume (cm³)", volume, 1e-4 * volume),
        ("DmeanGy", MIDDLE_GY, 0.005),
        ("D50Gy", MIDDLE_GY, 0.015),
    ];
    Ok(figures
        .map(|(figure, expected, tolerance)| Check {
            phantom: format!("sphere {RADIUS} mm, slices {slices} mm, {gradient:?} Gy/mm"),
            figure: figure.to_owned(),
            expected,
            computed: metrics[figure].as_f64(),
            tolerance,
        })
        .to_vec())
}

/// Contours half a slice distance off the ends of a body of this half height, so that their prisms end with it.
fn stack(half_height: f64, slices: f64, section: impl Fn(f64) -> Vec<[f64; 3]>) -> Vec<Vec<[f64; 3]>> {
    let mut contours = Vec::new();
    let mut z = -half_height + 0.5 * slices;
    while z < half_height {
        contours.push(section(z));
        z += slices;
    }
    contours
}

/// Figures of one region by the binary.
fn evaluate(binary: &Path, folder: &Path, contours: &[Vec<[f64; 3]>], gradient: [f64; 3]) -> Result<Value, anyhow::Error> {
    let write = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        Ok::<_, anyhow::Error>(path)
    };
    // No sample stands in the middle of the body or on its faces.
    let linear = |p: [f64; 3]| MIDDLE_GY + p.iter().zip(gradient).map(|(x, g)| x * g).sum::<f64>();
    let structures = write("rs.dcm", dicom::structures(contours))?;
    let dose = write("rd.dcm", dicom::dose([19, 19, 19], 2.5, [-22.9, -22.1, -21.7], linear))?;
    let output = Command::new(binary)
        .args(["files", "--structures"])
        .arg(&structures)
        .arg("--dose")
        .arg(&dose)
        .output()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(anyhow!("{} failed on a phantom: {said}", binary.display()));
    }
    let result: Value = serde_json::from_slice(&output.stdout).context("rt-dvh printed no JSON")?;
    Ok(result["rois"][0]["metrics"].clone())
}

/// Column, closed form and tolerance of each figure of a box.
fn of_box(half: [f64; 3], gradient: [f64; 3]) -> Vec<(&'static str, f64, f64)> {
    let reach: Vec<f64> = half.iter().zip(gradient).map(|(h, g)| h * g.abs()).filter(|a| *a > 0.0).collect();
    let most: f64 = reach.iter().sum();
    let volume = 8.0 * half[0] * half[1] * half[2] / 1000.0;
    let range = 2.0 * most;
    let dose = 0.005 + 0.0005 * range;
    let extreme = 0.005 + 0.0015 * range;
    let quantile = |share: f64| {
        let (mut lo, mut hi) = (-most, most);
        for _ in 0..60 {
            let middle = 0.5 * (lo + hi);
            if share_below(&reach, middle) < 1.0 - share {
                lo = middle;
            } else {
                hi = middle;
            }
        }
        MIDDLE_GY + 0.5 * (lo + hi)
    };
    vec![
        ("Volume (cm³)", volume, 1e-4 * volume),
        ("DmeanGy", MIDDLE_GY, 0.002 + 0.0002 * range),
        ("DminGy", MIDDLE_GY - most, extreme),
        ("DmaxGy", MIDDLE_GY + most, extreme),
        ("D98Gy", quantile(0.98), dose),
        ("D95Gy", quantile(0.95), dose),
        ("D50Gy", MIDDLE_GY, dose),
        ("D2Gy", quantile(0.02), dose),
        ("V40Gy (%)", 50.0, 0.1),
        ("V42Gy (%)", 100.0 * (1.0 - share_below(&reach, 2.0)), 0.1),
    ]
}

/// Share of a box whose dose lies less than `x` above its middle: the sum of even distributions over `[-a, a]`.
fn share_below(reach: &[f64], x: f64) -> f64 {
    let m = i32::try_from(reach.len()).unwrap_or_default();
    let sum: f64 = (0..1_u32 << reach.len())
        .map(|corner| {
            let minus = |i: usize| (corner >> i) & 1 == 1;
            let shift: f64 = reach.iter().enumerate().map(|(i, a)| if minus(i) { -a } else { *a }).sum();
            let sign = if corner.count_ones() % 2 == 1 { -1.0 } else { 1.0 };
            sign * (x + shift).max(0.0).powi(m)
        })
        .sum();
    let factorial: f64 = (1..=m).map(f64::from).product();
    let scale: f64 = reach.iter().map(|a| 2.0 * a).product();
    (sum / (factorial * scale)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_even_distributions() {
        // One: a straight line. Two equal ones: a triangle, 1/8 below minus half its reach. Three: symmetric, and 1/48 below -2 of 3.
        assert!((share_below(&[2.0], 1.0) - 0.75).abs() < 1e-12);
        assert!((share_below(&[1.0, 1.0], -1.0) - 0.125).abs() < 1e-12);
        assert!((share_below(&[1.0, 1.0, 1.0], 0.0) - 0.5).abs() < 1e-12);
        assert!((share_below(&[1.0, 1.0, 1.0], -2.0) - 1.0 / 48.0).abs() < 1e-12);
    }
}
