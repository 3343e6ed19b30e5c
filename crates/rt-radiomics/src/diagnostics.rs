//! Facts about image and mask that come before the features: PyRadiomics' `diagnostics_*` columns.

use std::fmt;

use ndarray::ArrayView3;
use rt_core::{Grid, Vec3};
use rt_image::components::{Components, Connectivity};

use crate::sample::Samples;
use crate::sha1::Sha1;

/// A value of a diagnostics column.
#[derive(Debug, Clone, PartialEq)]
pub enum DiagnosticValue {
    /// Not known here.
    Missing,
    /// Text.
    Text(String),
    /// One number.
    Number(f64),
    /// A count.
    Count(u64),
    /// Several numbers: spacing or a position, `[i, j, k]` or LPS mm.
    Numbers(Vec<f64>),
    /// Several counts: a size or a box (`[i0, j0, k0, ni, nj, nk]`).
    Counts(Vec<u64>),
}

impl fmt::Display for DiagnosticValue {
    /// As PyRadiomics writes it into a CSV cell: sequences in round brackets, floats with a point, missing as nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Number(v) => write!(f, "{v:?}"),
            Self::Count(n) => write!(f, "{n}"),
            Self::Numbers(list) => {
                let parts: Vec<String> = list.iter().map(|v| format!("{v:?}")).collect();
                write!(f, "({})", parts.join(", "))
            }
            Self::Counts(list) => {
                let parts: Vec<String> = list.iter().map(u64::to_string).collect();
                write!(f, "({})", parts.join(", "))
            }
        }
    }
}

/// Diagnostics columns in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnostics {
    entries: Vec<(String, DiagnosticValue)>,
}

impl Diagnostics {
    /// The versions and configuration columns. Versions of Python packages are missing: none is used.
    pub(crate) fn new(settings: String, image_types: String) -> Self {
        let mut out = Self::default();
        for package in ["PyRadiomics", "Numpy", "SimpleITK", "PyWavelet", "Python"] {
            out.push(format!("Versions_{package}"), DiagnosticValue::Missing);
        }
        out.push("Configuration_Settings".into(), DiagnosticValue::Text(settings));
        out.push("Configuration_EnabledImageTypes".into(), DiagnosticValue::Text(image_types));
        out
    }

    /// The version of this program, after all columns of the reference.
    pub(crate) fn push_own_version(&mut self) {
        self.push(
            "Versions_RtRadiomics".into(),
            DiagnosticValue::Text(env!("CARGO_PKG_VERSION").into()),
        );
    }

    /// Columns and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &DiagnosticValue)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of a column.
    pub fn get(&self, name: &str) -> Option<&DiagnosticValue> {
        self.entries.iter().find(|e| e.0 == name).map(|e| &e.1)
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no column (`additionalInfo: false`).
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Fills in the hash of the whole image ([`sample_hash`]), which is not computed unless somebody asks for it.
    pub fn set_image_hash(&mut self, hash: String) {
        self.set("diagnostics_Image-original_Hash", hash);
    }

    /// Fills in the hash of the whole mask ([`label_hash`]).
    pub fn set_mask_hash(&mut self, hash: String) {
        self.set("diagnostics_Mask-original_Hash", hash);
    }

    fn set(&mut self, name: &str, text: String) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.0 == name) {
            entry.1 = DiagnosticValue::Text(text);
        }
    }

    fn push(&mut self, name: String, value: DiagnosticValue) {
        self.entries.push((format!("diagnostics_{name}"), value));
    }

    /// Columns of an image of state `state` (`original`, `interpolated`).
    pub(crate) fn push_image(&mut self, state: &str, geometry: Geometry, range: ValueRange) {
        let original = state == "original";
        let mut add = |what: &str, value| self.push(format!("Image-{state}_{what}"), value);
        if original {
            add("Hash", DiagnosticValue::Missing);
            add("Dimensionality", DiagnosticValue::Text("3D".into()));
        }
        add("Spacing", DiagnosticValue::Numbers(geometry.spacing.to_vec()));
        add("Size", counts(&geometry.size));
        add("Mean", DiagnosticValue::Number(range.mean));
        add("Minimum", DiagnosticValue::Number(range.min));
        add("Maximum", DiagnosticValue::Number(range.max));
    }

    /// Columns of a mask of state `state`; `range` of the values under it is given for all but the original.
    pub(crate) fn push_mask(&mut self, state: &str, geometry: Geometry, facts: &MaskFacts, range: Option<ValueRange>) {
        let original = state == "original";
        let mut add = |what: &str, value| self.push(format!("Mask-{state}_{what}"), value);
        if original {
            add("Hash", DiagnosticValue::Missing);
        }
        add("Spacing", DiagnosticValue::Numbers(geometry.spacing.to_vec()));
        add("Size", counts(&geometry.size));
        add("BoundingBox", counts(&[facts.lo, facts.size].concat()));
        add("VoxelNum", DiagnosticValue::Count(facts.voxels as u64));
        add("VolumeNum", DiagnosticValue::Count(facts.parts as u64));
        add("CenterOfMassIndex", DiagnosticValue::Numbers(facts.centre.to_vec()));
        add("CenterOfMass", DiagnosticValue::Numbers(facts.position.to_vec()));
        if let Some(range) = range {
            add("Mean", DiagnosticValue::Number(range.mean));
            add("Minimum", DiagnosticValue::Number(range.min));
            add("Maximum", DiagnosticValue::Number(range.max));
        }
    }
}

fn counts(values: &[usize]) -> DiagnosticValue {
    DiagnosticValue::Counts(values.iter().map(|v| *v as u64).collect())
}

/// Size and spacing `[i, j, k]` of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Geometry {
    pub(crate) size: [usize; 3],
    pub(crate) spacing: [f64; 3],
}

/// Mean and range of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ValueRange {
    pub(crate) mean: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl ValueRange {
    pub(crate) fn of(values: &[f64]) -> Self {
        let (min, max) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
        Self {
            mean: rt_core::float::sum(values.iter().copied()) / values.len() as f64,
            min,
            max,
        }
    }
}

/// Facts of a mask.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MaskFacts {
    lo: [usize; 3],
    size: [usize; 3],
    voxels: usize,
    parts: usize,
    centre: [f64; 3],
    position: [f64; 3],
}

impl MaskFacts {
    /// Of a tight block whose first voxel is `lo` of `grid`.
    pub(crate) fn new(grid: &Grid, lo: [usize; 3], block: ArrayView3<'_, u8>) -> Self {
        let (nk, nj, ni) = block.dim();
        let (mut voxels, mut sums) = (0u64, [0u64; 3]);
        for ((k, j, i), v) in block.indexed_iter() {
            if *v != 0 {
                voxels += 1;
                for (sum, at) in sums.iter_mut().zip([i, j, k]) {
                    *sum += at as u64;
                }
            }
        }
        let centre: [f64; 3] = std::array::from_fn(|a| lo[a] as f64 + sums[a] as f64 / voxels as f64);
        Self {
            lo,
            size: [ni, nj, nk],
            voxels: usize::try_from(voxels).unwrap_or(usize::MAX),
            parts: Components::find(block, Connectivity::TwentySix, |v| v != 0).count(),
            centre,
            position: grid.index_to_world(Vec3::from(centre)).into(),
        }
    }
}

/// SHA-1 of the samples of an image in storage order, little endian, in hexadecimal: PyRadiomics' image hash.
pub fn sample_hash(image: &Samples<'_>) -> String {
    let mut sha = Sha1::default();
    for k in 0..image.size()[2] {
        image.bytes_of_slice(k, &mut |bytes| sha.update(bytes));
    }
    sha.hex()
}

/// SHA-1 of a label volume widened to 32-bit unsigned integers: PyRadiomics' mask hash.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "labels are small whole numbers; others are cast as the reference casts"
)]
pub fn label_hash(labels: &Samples<'_>) -> String {
    let mut sha = Sha1::default();
    for k in 0..labels.size()[2] {
        labels.for_chunks(k, &mut |chunk| {
            let bytes: Vec<u8> = chunk.iter().flat_map(|v| (*v as u32).to_le_bytes()).collect();
            sha.update(&bytes);
        });
    }
    sha.hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_python_prints_them() {
        let text = |v: DiagnosticValue| v.to_string();
        assert_eq!(text(DiagnosticValue::Numbers(vec![1.0, 2.5])), "(1.0, 2.5)");
        assert_eq!(text(DiagnosticValue::Counts(vec![4, 5])), "(4, 5)");
        assert_eq!(text(DiagnosticValue::Number(-3.0)), "-3.0");
        assert_eq!(text(DiagnosticValue::Missing), "");
    }
}
