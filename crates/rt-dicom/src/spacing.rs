//! Slice spacing of images from headers alone: what a structure drawn in one plane needs to have a thickness.

use std::collections::BTreeMap;

use rt_core::Vec3;

use crate::entry::{ObjectKind, Plane};
use crate::scan::Index;

/// Median distance of neighbouring slices in mm of the series that a structure set names, else of the series with most slices.
///
/// Only images with a position count (CT, MR, PET). `None` without two slices at different positions.
pub fn slice_spacing_mm(index: &Index, series: &[String]) -> Option<f64> {
    let mut planes: BTreeMap<&str, Vec<&Plane>> = BTreeMap::new();
    for object in index.files.iter().filter_map(|f| f.entry.object()) {
        if let ObjectKind::Image(image) = &object.kind {
            planes.entry(object.series_uid.as_str()).or_default().extend(&image.planes);
        }
    }
    let named = series.iter().find_map(|uid| planes.get(uid.as_str()));
    let most = || planes.values().max_by_key(|p| p.len());
    median_gap(named.or_else(most)?)
}

fn median_gap(planes: &[&Plane]) -> Option<f64> {
    let ([row, column], _) = planes.first()?.orientation.as_chunks::<3>() else {
        return None;
    };
    let normal = Vec3::from(*row).cross(Vec3::from(*column)).try_normalize()?;
    let mut positions: Vec<f64> = planes.iter().map(|p| normal.dot(Vec3::from(p.position))).collect();
    positions.sort_by(f64::total_cmp);
    let mut gaps: Vec<f64> = positions
        .iter()
        .zip(positions.iter().skip(1))
        .map(|(lower, upper)| upper - lower)
        .filter(|g| *g > 0.01)
        .collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(z: f64) -> Plane {
        Plane {
            frame: 0,
            position: [0.0, 0.0, z],
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            spacing: [1.0, 1.0],
            slope: 1.0,
            intercept: 0.0,
            temporal: 0,
        }
    }

    #[test]
    fn the_usual_gap_counts_not_a_missing_slice_or_a_copy() {
        let planes = [0.0, 2.0, 2.0, 4.0, 8.0, 10.0].map(plane);
        let planes: Vec<&Plane> = planes.iter().collect();
        assert!((median_gap(&planes).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(median_gap(&[&plane(1.0)]), None);
        assert_eq!(median_gap(&[]), None);
    }
}
