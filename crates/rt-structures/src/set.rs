//! The structures that there are.

use std::sync::Arc;

use rt_core::Grid;
use rt_image::Mask;

use crate::naming::NameTable;

/// The structures that a recipe may use, of one grid. Where names agree the earlier one counts: push manual structures first.
#[derive(Debug, Clone)]
pub struct MaskSet<'a> {
    grid: Arc<Grid>,
    names: Vec<String>,
    masks: Vec<&'a Mask>,
}

impl<'a> MaskSet<'a> {
    /// An empty set on a grid.
    pub fn new(grid: &Arc<Grid>) -> Self {
        Self {
            grid: Arc::clone(grid),
            names: Vec::new(),
            masks: Vec::new(),
        }
    }

    /// Adds a structure.
    pub fn push(&mut self, name: impl Into<String>, mask: &'a Mask) {
        self.names.push(name.into());
        self.masks.push(mask);
    }

    /// The grid of the results.
    pub fn grid(&self) -> &Arc<Grid> {
        &self.grid
    }

    /// The structure that a name means; one with voxels before one without.
    pub fn find(&self, name: &str, table: &NameTable) -> Option<&'a Mask> {
        let filled: Vec<usize> = (0..self.masks.len()).filter(|n| !self.masks[*n].is_empty()).collect();
        let found = table.find(name, filled.iter().map(|n| self.names[*n].as_str()));
        found.map(|at| self.masks[filled[at]])
    }

    /// The structures with voxels whose name matches.
    pub(crate) fn matching(&self, pattern: &regex::Regex) -> Vec<&'a Mask> {
        let named = self.names.iter().zip(&self.masks);
        named
            .filter(|(n, m)| pattern.is_match(n) && !m.is_empty())
            .map(|(_, m)| *m)
            .collect()
    }
}
