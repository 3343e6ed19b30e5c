//! Filters of IBSI 2 beside the reference response maps (phase 1) and the consensus values of filtered CT (phase 2), `data/ibsi/ibsi2`.
//!
//! A map passes when every voxel differs by at most 1 % of the range of the reference map. Values pass as those of IBSI 1 do.

use std::fmt;
use std::path::Path;

use rt_image::{AnyVolume, Mask};
use rt_radiomics::Samples;
use rt_radiomics::ibsi::response::{Boundary, Filter, Kind, Pooling, Space};
use rt_radiomics::ibsi::{IbsiSettings, Interpolation, response_map, response_statistics, statistics_tags};
use rt_radiomics::{ImageSource, ibsi};

use crate::ibsi::{IbsiError, Report, Row, read, read_mask, read_table};

/// One reference response map and ours.
#[derive(Debug, Clone, PartialEq)]
pub struct MapRow {
    /// `4_a_2`.
    pub name: &'static str,
    /// Largest difference of a voxel over the range of the reference.
    pub largest: f64,
}

/// Share of the reference's range that a voxel may differ by.
pub const MAP_TOLERANCE: f64 = 0.01;

/// Both phases.
#[derive(Debug, Clone, PartialEq)]
pub struct Report2 {
    /// Response maps.
    pub maps: Vec<MapRow>,
    /// Values.
    pub values: Report,
}

impl Report2 {
    /// Maps with a voxel beyond the tolerance.
    pub fn map_misses(&self) -> Vec<&MapRow> {
        self.maps
            .iter()
            .filter(|m| m.largest.is_nan() || m.largest > MAP_TOLERANCE)
            .collect()
    }
}

impl fmt::Display for Report2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "response maps: {} of {}",
            self.maps.len() - self.map_misses().len(),
            self.maps.len()
        )?;
        for map in &self.maps {
            writeln!(f, "  {} largest difference {:.5} % of the range", map.name, 100.0 * map.largest)?;
        }
        write!(f, "{}", self.values)
    }
}

fn in_volume(kind: Kind, boundary: Boundary) -> Filter {
    Filter {
        kind,
        boundary,
        space: Space::Volume,
    }
}

fn in_slices(kind: Kind, boundary: Boundary) -> Filter {
    Filter {
        kind,
        boundary,
        space: Space::Slices,
    }
}

fn laws(kernels: &[&str]) -> Kind {
    Kind::Laws {
        kernels: kernels.iter().map(|k| (*k).to_owned()).collect(),
        rotations: Some(Pooling::Max),
        energy: Some(7),
    }
}

fn wavelet(name: &str, bands: &str, level: usize, rotations: Option<Pooling>) -> Kind {
    Kind::Separable {
        wavelet: name.to_owned(),
        bands: bands.to_owned(),
        level,
        rotations,
    }
}

fn log(sigma_mm: f64) -> Kind {
    Kind::LoG { sigma_mm, cutoff: 4.0 }
}

fn gabor(sigma_mm: f64, lambda_mm: f64, gamma: f64, steps: u32) -> Kind {
    // The modulus is the same for an angle and its opposite: half a turn is enough.
    let step = std::f64::consts::PI / f64::from(steps);
    Kind::Gabor {
        sigma_mm,
        lambda_mm,
        gamma,
        thetas: (0..steps).map(|n| f64::from(n) * step).collect(),
    }
}

/// Map, phantom and filter of phase 1.
fn phase_1() -> Vec<(&'static str, &'static str, Filter)> {
    let mean = Kind::Mean { support: 15 };
    vec![
        ("1_a_1", "checkerboard", in_volume(mean.clone(), Boundary::Zero)),
        ("1_a_4", "checkerboard", in_volume(mean.clone(), Boundary::Mirror)),
        ("1_b_1", "impulse", in_slices(mean, Boundary::Zero)),
        ("2_a", "impulse", in_volume(log(3.0), Boundary::Zero)),
        ("2_b", "checkerboard", in_volume(log(5.0), Boundary::Mirror)),
        ("2_c", "checkerboard", in_slices(log(5.0), Boundary::Mirror)),
        ("3_b_3", "checkerboard", in_volume(laws(&["E3", "W5", "R5"]), Boundary::Mirror)),
        ("3_c_3", "checkerboard", in_slices(laws(&["L5", "S5"]), Boundary::Mirror)),
        ("4_a_2", "impulse", in_volume(gabor(10.0, 4.0, 0.5, 4), Boundary::Zero)),
        ("5_a_1", "impulse", in_volume(wavelet("db2", "LHL", 1, None), Boundary::Zero)),
        ("6_a_1", "sphere", in_volume(wavelet("coif1", "HHL", 1, None), Boundary::Periodic)),
        (
            "7_a_1",
            "checkerboard",
            in_volume(wavelet("haar", "LLL", 2, Some(Pooling::Mean)), Boundary::Mirror),
        ),
    ]
}

/// Filters of phase 2 by configuration; `None` for the image itself.
fn phase_2() -> Vec<(&'static str, Option<Filter>)> {
    let mean = Kind::Mean { support: 5 };
    let mirror = Boundary::Mirror;
    let pooled = Some(Pooling::Mean);
    vec![
        ("1.A", None),
        ("1.B", None),
        ("2.A", Some(in_slices(mean.clone(), mirror))),
        ("2.B", Some(in_volume(mean, mirror))),
        ("3.A", Some(in_slices(log(1.5), mirror))),
        ("3.B", Some(in_volume(log(1.5), mirror))),
        ("4.A", Some(in_slices(laws(&["L5", "E5"]), mirror))),
        ("4.B", Some(in_volume(laws(&["L5", "E5", "E5"]), mirror))),
        ("5.A", Some(in_slices(gabor(5.0, 2.0, 1.5, 8), mirror))),
        ("5.B", Some(in_volume(gabor(5.0, 2.0, 1.5, 8), mirror))),
        ("6.A", Some(in_slices(wavelet("db3", "LH", 1, pooled), mirror))),
        ("6.B", Some(in_volume(wavelet("db3", "LLH", 1, pooled), mirror))),
        ("7.A", Some(in_slices(wavelet("db3", "HH", 2, pooled), mirror))),
        ("7.B", Some(in_volume(wavelet("db3", "HHH", 2, pooled), mirror))),
        ("8.A", Some(in_slices(Kind::Simoncelli { level: 1 }, mirror))),
        ("8.B", Some(in_volume(Kind::Simoncelli { level: 1 }, mirror))),
        ("9.A", Some(in_slices(Kind::Simoncelli { level: 2 }, mirror))),
        ("9.B", Some(in_volume(Kind::Simoncelli { level: 2 }, mirror))),
    ]
}

/// Compares both phases.
///
/// # Errors
/// [`IbsiError`] when a file cannot be read or a phantom is refused.
pub fn run(folder: &Path) -> Result<Report2, IbsiError> {
    let refused = |config: &str| {
        let config = config.to_owned();
        move |e: rt_radiomics::ExtractError| IbsiError::Refused {
            config,
            reason: e.to_string(),
        }
    };
    let mut maps = Vec::new();
    for (name, phantom, filter) in phase_1() {
        let image = read(&folder.join(format!("ibsi2/phantoms/{phantom}.nii.gz")))?;
        let reference = read(&folder.join(format!("ibsi2/response_maps/{name}.nii.gz")))?.to_f64();
        let ours = response_map(Samples::from(&image), &filter).map_err(refused(name))?;
        let (low, high) = reference
            .data()
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        let apart = ours
            .data()
            .iter()
            .zip(reference.data())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        maps.push(MapRow {
            name,
            largest: apart / (high - low),
        });
    }
    let phantom = folder.join("ibsi1/ct_phantom/nifti");
    let image: AnyVolume = read(&phantom.join("phantom.nii.gz"))?;
    let mask: Mask = read_mask(&phantom.join("mask.nii.gz"))?;
    let table = read_table(&folder.join("ibsi2/reference_values.tsv"), [0, 2, 3, 4])?;
    let source = ImageSource::new(Samples::from(&image));
    let mut values = Report::default();
    for (config, filter) in phase_2() {
        let settings = settings(config.ends_with('B'));
        let ours = if let Some(filter) = &filter {
            response_statistics(&source, &mask, &settings, filter).map_err(refused(config))?
        } else {
            let features = ibsi::extract_from(&source, &mask, &settings).map_err(refused(config))?;
            statistics_tags().iter().filter_map(|tag| features.get(tag)).collect()
        };
        values.rows.extend(table.iter().filter(|r| r.config == config).map(|r| {
            Row {
                ours: statistics_tags()
                    .iter()
                    .position(|tag| *tag == r.tag)
                    .and_then(|at| ours.get(at).copied()),
                ..r.clone()
            }
        }));
    }
    Ok(Report2 { maps, values })
}

/// Slices as they are, or the volume at 1 mm by cubic splines.
fn settings(volume: bool) -> IbsiSettings {
    IbsiSettings {
        spacing: volume.then_some([1.0; 3]),
        interpolation: Interpolation::Cubic,
        round: true,
        range: Some([-1000.0, 400.0]),
        ..IbsiSettings::default()
    }
}
