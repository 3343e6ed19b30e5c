//! Images and doses whose samples are a linear function of the patient position: any wrong flip, order or spacing shows at once.

use rt_core::{Silent, Vec3};
use rt_dicom::{MetaCache, ScanOptions, SeriesEntry, SeriesFile, scan};
use rt_testdata::Scratch;
use rt_testdata::dicom::{DataSet, DicomFile, Lengths, Syntax, Value, meta_header, tag};

/// What a voxel at `p` holds.
pub fn field(p: Vec3) -> f64 {
    200.0 + 1.5 * p.x - 2.0 * p.y + 2.5 * p.z
}

/// Directions of a row and of a column.
pub type Axes = (Vec3, Vec3);

/// Axial, head first supine.
pub const AXIAL: Axes = (Vec3::X, Vec3::Y);

/// A stack of slices to be written.
#[derive(Clone)]
pub struct Slices {
    pub axes: Axes,
    /// Between rows, between columns.
    pub spacing: [f64; 2],
    pub rows: u16,
    pub columns: u16,
    pub positions: Vec<Vec3>,
    /// Bits allocated, stored, signed.
    pub cells: (u16, u16, bool),
    pub rescale: (f64, f64),
    /// Changes of one slice by its number.
    pub edit: fn(usize, DataSet) -> DataSet,
}

impl Slices {
    /// `n` slices of 6 rows and 5 columns, 3 mm apart along the normal.
    pub fn new(axes: Axes, n: usize) -> Self {
        let normal = axes.0.cross(axes.1);
        let start = Vec3::new(-4.0, 7.0, -11.0);
        Self {
            axes,
            spacing: [2.0, 1.5],
            rows: 6,
            columns: 5,
            positions: (0..n).map(|k| start + normal * (3.0 * k as f64)).collect(),
            cells: (16, 16, true),
            rescale: (1.0, -1024.0),
            edit: |_, set| set,
        }
    }

    pub fn set(&self, k: usize) -> DataSet {
        let (u, v) = self.axes;
        let at = self.positions[k];
        let mut cells = Vec::new();
        for r in 0..self.rows {
            for c in 0..self.columns {
                let p = at + u * (f64::from(c) * self.spacing[1]) + v * (f64::from(r) * self.spacing[0]);
                cells.push(((field(p) - self.rescale.1) / self.rescale.0).round());
            }
        }
        let (allocated, stored, signed) = self.cells;
        let pixels = match allocated {
            8 => Value::Bytes(cells.iter().map(|c| *c as i16 as u8).collect()),
            16 => Value::Words(cells.iter().map(|c| *c as i32 as u16).collect()),
            _ => Value::Longs(cells.iter().map(|c| *c as i64 as u32).collect()),
        };
        let set = DataSet::new()
            .text(tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2")
            .text(tag::SOP_INSTANCE_UID, &format!("1.2.3.{k}"))
            .text(tag::MODALITY, "CT")
            .text(tag::PATIENT_ID, "P")
            .text(tag::STUDY_INSTANCE_UID, "1.2")
            .text(tag::SERIES_INSTANCE_UID, "1.2.3")
            .text(tag::FRAME_OF_REFERENCE_UID, "1.9")
            .decimals(tag::IMAGE_POSITION_PATIENT, &at.to_array())
            .decimals(tag::IMAGE_ORIENTATION_PATIENT, &[u.to_array(), v.to_array()].concat())
            .decimals(tag::PIXEL_SPACING, &self.spacing)
            .decimals(tag::RESCALE_SLOPE, &[self.rescale.0])
            .decimals(tag::RESCALE_INTERCEPT, &[self.rescale.1])
            .word(tag::SAMPLES_PER_PIXEL, 1)
            .word(tag::ROWS, self.rows)
            .word(tag::COLUMNS, self.columns)
            .word(tag::BITS_ALLOCATED, allocated)
            .word(tag::BITS_STORED, stored)
            .word(tag::HIGH_BIT, stored - 1)
            .word(tag::PIXEL_REPRESENTATION, u16::from(signed))
            .with(tag::PIXEL_DATA, *b"OW", pixels);
        (self.edit)(k, set).in_order()
    }

    /// Writes the slices under names that run against their order, and gathers them as a series.
    pub fn write(&self, folder: &Scratch) -> SeriesEntry {
        for k in 0..self.positions.len() {
            folder.write(&format!("{:03}", 999 - k), DicomFile::new(self.set(k)).to_bytes());
        }
        series(folder)
    }
}

/// All image files of a folder as one series.
pub fn series(folder: &Scratch) -> SeriesEntry {
    let roots = [folder.path().to_path_buf()];
    let index = scan(&roots, &mut MetaCache::default(), &ScanOptions::default(), &Silent).unwrap();
    let file = |f: &rt_dicom::ScannedFile| SeriesFile {
        path: index.absolute(&f.entry),
        entry: std::sync::Arc::clone(&f.entry),
    };
    SeriesEntry::new(index.files.iter().map(file).collect()).unwrap()
}

/// A dose to be written.
#[derive(Clone)]
pub struct Dosed {
    pub axes: Axes,
    /// `GridFrameOffsetVector` as stored; the frame positions along the normal are `along`.
    pub vector: Option<Vec<f64>>,
    pub along: Vec<f64>,
    pub bits: u16,
    pub syntax: Syntax,
    pub units: &'static str,
    pub edit: fn(DataSet) -> DataSet,
}

/// Gy at a position, positive over the grid.
pub fn gray(p: Vec3) -> f64 {
    40.0 + 0.3 * p.x + 0.2 * p.y - 0.4 * p.z
}

/// `DoseGridScaling` of every dose made here.
pub const SCALING: f64 = 0.002;

impl Dosed {
    /// Frames at the offsets along the normal, stored in the relative form.
    pub fn new(axes: Axes, along: &[f64]) -> Self {
        Self {
            axes,
            vector: Some(along.to_vec()),
            along: along.to_vec(),
            bits: 32,
            syntax: Syntax::ExplicitLittle,
            units: "GY",
            edit: |set| set,
        }
    }

    /// `ImagePositionPatient`.
    pub fn position() -> Vec3 {
        Vec3::new(-6.0, -9.0, 12.0)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let (u, v) = self.axes;
        let normal = u.cross(v);
        let (rows, columns, spacing) = (4_u16, 3_u16, [2.5, 2.0]);
        let mut cells = Vec::new();
        for offset in &self.along {
            for r in 0..rows {
                for c in 0..columns {
                    let p = Self::position() + normal * *offset + u * (f64::from(c) * spacing[1]) + v * (f64::from(r) * spacing[0]);
                    cells.push((gray(p) / SCALING).round());
                }
            }
        }
        let pixels = match self.bits {
            16 => Value::Words(cells.iter().map(|c| *c as u16).collect()),
            _ => Value::Longs(cells.iter().map(|c| *c as u32).collect()),
        };
        let plan = DataSet::new()
            .text(tag::REFERENCED_SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.481.5")
            .text(tag::REFERENCED_SOP_INSTANCE_UID, "1.5.1");
        let mut set = DataSet::new()
            .text(tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.481.2")
            .text(tag::SOP_INSTANCE_UID, "1.4.1")
            .text(tag::MODALITY, "RTDOSE")
            .text(tag::FRAME_OF_REFERENCE_UID, "1.9")
            .decimals(tag::IMAGE_POSITION_PATIENT, &Self::position().to_array())
            .decimals(tag::IMAGE_ORIENTATION_PATIENT, &[u.to_array(), v.to_array()].concat())
            .decimals(tag::PIXEL_SPACING, &spacing)
            .integers(tag::NUMBER_OF_FRAMES, &[i64::try_from(self.along.len()).unwrap()])
            .word(tag::SAMPLES_PER_PIXEL, 1)
            .word(tag::ROWS, rows)
            .word(tag::COLUMNS, columns)
            .word(tag::BITS_ALLOCATED, self.bits)
            .word(tag::BITS_STORED, self.bits)
            .word(tag::HIGH_BIT, self.bits - 1)
            .word(tag::PIXEL_REPRESENTATION, 0)
            .text(tag::DOSE_UNITS, self.units)
            .text(tag::DOSE_TYPE, "PHYSICAL")
            .text(tag::DOSE_SUMMATION_TYPE, "PLAN")
            .decimals(tag::DOSE_GRID_SCALING, &[SCALING])
            .items(tag::REFERENCED_RT_PLAN_SEQUENCE, vec![plan])
            .with(tag::PIXEL_DATA, *b"OW", pixels);
        if let Some(vector) = &self.vector {
            set = set.decimals(tag::GRID_FRAME_OFFSET_VECTOR, vector);
        }
        let set = (self.edit)(set).in_order();
        let mut bytes = meta_header("1.2.840.10008.5.1.4.1.1.481.2", "1.4.1", self.syntax.uid());
        bytes.extend(set.encode(self.syntax, Lengths::Undefined));
        bytes
    }
}
