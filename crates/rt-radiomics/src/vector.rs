//! The result of one region: named values in order, what they were measured on, and what was odd.

use crate::diagnostics::Diagnostics;

/// Something a reader of the values should know; the values stand nevertheless.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageWarning {
    /// Image type it concerns, as in column names.
    pub image_type: String,
    /// Stable code.
    pub code: &'static str,
    /// In words, with numbers.
    pub message: String,
}

/// Features of one region in PyRadiomics' order.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureVector {
    names: Vec<String>,
    values: Vec<f64>,
    /// Facts about image and mask.
    pub diagnostics: Diagnostics,
    /// What was odd, per image type.
    pub warnings: Vec<ImageWarning>,
    /// Voxels of the region after resampling, before resegmentation.
    pub voxels: usize,
}

impl FeatureVector {
    pub(crate) fn new(diagnostics: Diagnostics) -> Self {
        Self {
            names: Vec::new(),
            values: Vec::new(),
            diagnostics,
            warnings: Vec::new(),
            voxels: 0,
        }
    }

    pub(crate) fn push(&mut self, name: String, value: f64) {
        self.names.push(name);
        self.values.push(value);
    }

    /// Column names, `<imageType>_<class>_<Feature>`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Values in the order of the names; NaN where the reference has none.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.names.iter().map(String::as_str).zip(self.values.iter().copied())
    }

    /// The value of a column.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.names.iter().position(|n| n == name).map(|at| self.values[at])
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no feature.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
