//! Small volumes, and headers written field by field from the definition (not by the code under test).

use std::sync::Arc;

use ndarray::Array3;
use rt_core::{Grid, Vec3};
use rt_image::Volume;
use rt_nifti::{Encoding, WriteOptions, write_to};

pub fn ramp(grid: impl Into<Arc<Grid>>) -> Volume<i16> {
    let grid = grid.into();
    let shape = grid.shape();
    let data = Array3::from_shape_fn(shape, |(k, j, i)| i16::try_from(k * 100 + j * 10 + i).unwrap() - 50);
    Volume::new(grid, data).unwrap()
}

pub fn small_grid() -> Grid {
    Grid::axis_aligned([4, 3, 2], Vec3::new(1.5, -2.25, 7.0), [0.5, 0.75, 3.0]).unwrap()
}

pub fn bytes_of(volume: &Volume<i16>, encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    let options = WriteOptions {
        encoding,
        ..WriteOptions::default()
    };
    write_to(&mut out, volume.view(), &options).unwrap();
    out
}

/// A NIfTI-1 header by `nifti1.h`: offsets as written there.
pub struct Raw1(pub Vec<u8>);

impl Raw1 {
    pub fn new(dim: [i16; 8], code: i16, bits: i16) -> Self {
        let mut raw = Self(vec![0; 352]);
        raw.put(0, &348i32.to_le_bytes());
        for (n, d) in dim.iter().enumerate() {
            raw.put(40 + 2 * n, &d.to_le_bytes());
        }
        raw.put(70, &code.to_le_bytes());
        raw.put(72, &bits.to_le_bytes());
        for n in 0..8 {
            raw.put(76 + 4 * n, &1f32.to_le_bytes());
        }
        raw.put(108, &352f32.to_le_bytes());
        raw.put(344, b"n+1\0");
        raw
    }

    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub fn sform(&mut self, rows: [[f32; 4]; 3]) {
        self.put(254, &1i16.to_le_bytes());
        for (n, v) in rows.iter().flatten().enumerate() {
            self.put(280 + 4 * n, &v.to_le_bytes());
        }
    }

    pub fn with(mut self, samples: &[u8]) -> Vec<u8> {
        self.0.extend(samples);
        self.0
    }
}
