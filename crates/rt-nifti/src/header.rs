//! The header: from bytes to facts, and from a grid to bytes.

use std::io::Read;
use std::sync::Arc;

use nifti::NiftiHeader;
use rt_core::Grid;
use serde::{Deserialize, Serialize};

use crate::error::{Fault, WriteError};
use crate::geometry::{Affine, GeometrySource, Qform};
use crate::sample::{ByteOrder, DataType, Layout, Scale};

/// Length of a NIfTI-1 header and its four extension bytes.
const HEADER_1: usize = 352;
/// Length of a NIfTI-2 header and its four extension bytes.
const HEADER_2: usize = 544;
/// Most bytes of header extensions that are read.
const MAX_EXTENSION_BYTES: u64 = 16 << 20;
/// `NIFTI_ECODE_COMMENT`: plain text.
const ECODE_COMMENT: i32 = 6;

/// A block of data between header and samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Registered meaning: 0 unknown, 2 DICOM, 4 AFNI, 6 comment, ...
    pub code: i32,
    /// Its bytes; padding zeros at the end may be part of them.
    pub data: Vec<u8>,
}

/// The facts of a file.
#[derive(Debug, Clone)]
pub struct Header {
    /// Where the voxels lie, LPS mm.
    pub grid: Arc<Grid>,
    /// Volumes on that grid, one after the other: 1 for a 3-D file.
    pub layers: usize,
    /// Type of the stored numbers.
    pub data_type: DataType,
    /// From stored numbers to values.
    pub scale: Scale,
    /// Byte order of the file.
    pub order: ByteOrder,
    /// Which fields gave the grid.
    pub geometry: GeometrySource,
    /// Free text, without padding; bytes that are not UTF-8 are replaced.
    pub description: String,
    /// Blocks between header and samples, in file order, without the one that holds our exact grid.
    pub extensions: Vec<Extension>,
    /// First byte of the samples.
    pub(crate) offset: u64,
}

impl Header {
    /// Bytes of all samples in the file.
    ///
    /// # Errors
    /// [`Fault::TooLarge`] when the product does not fit 64 bits.
    pub fn data_bytes(&self) -> Result<u64, Fault> {
        let factors = [self.grid.len() as u64, self.layers as u64, self.data_type.bytes() as u64];
        let product = factors.iter().try_fold(1u64, |n, f| n.checked_mul(*f));
        product.ok_or(Fault::TooLarge(u64::MAX))
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout {
            data_type: self.data_type,
            order: self.order,
            scale: self.scale,
        }
    }

    /// Reads header and extensions; afterwards `input` stands at the first sample.
    pub(crate) fn read(input: &mut dyn Read) -> Result<Self, Fault> {
        let mut start = [0u8; 4];
        input.read_exact(&mut start).map_err(|e| short(&e))?;
        let sizes = [i32::from_le_bytes(start), i32::from_be_bytes(start)];
        let order = match sizes {
            [348 | 540, _] => ByteOrder::Little,
            [_, 348 | 540] => ByteOrder::Big,
            _ => return Err(Fault::NotNifti("the first four bytes are not a header length of 348 or 540".into())),
        };
        let two = sizes.contains(&540);
        let mut bytes = vec![0u8; if two { HEADER_2 } else { HEADER_1 }];
        bytes[..4].copy_from_slice(&start);
        input.read_exact(&mut bytes[4..]).map_err(|e| short(&e))?;
        let fields = if two {
            Fields::of_nifti_2(&bytes, order)?
        } else {
            Fields::of_nifti_1(&bytes, order)?
        };
        let extra = fields.extension_bytes(bytes.len())?;
        let mut block = vec![0u8; extra];
        input.read_exact(&mut block).map_err(|e| short(&e))?;
        let has_extensions = bytes[bytes.len() - 4] != 0;
        let extensions = if has_extensions {
            split_extensions(&block, order)
        } else {
            Vec::new()
        };
        fields.into_header(order, extensions)
    }
}

/// A header that ends early is not a NIfTI file; any other failure is the system's.
fn short(e: &std::io::Error) -> Fault {
    match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Fault::NotNifti("it ends inside the header".into()),
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => Fault::Damaged(e.to_string()),
        kind => Fault::Io(std::io::Error::new(kind, e.to_string())),
    }
}

/// What both versions of the header say, in one form.
struct Fields {
    dim: [i64; 8],
    pixdim: [f64; 8],
    data_type: i32,
    offset: f64,
    slope: f64,
    inter: f64,
    units: i32,
    sform: Option<Affine>,
    qform: Option<Qform>,
    description: Vec<u8>,
}

impl Fields {
    fn of_nifti_1(bytes: &[u8], order: ByteOrder) -> Result<Self, Fault> {
        let h = NiftiHeader::from_reader(&bytes[..348]).map_err(|e| Fault::NotNifti(e.to_string()))?;
        let crate_order = match h.endianness {
            nifti::Endianness::Little => ByteOrder::Little,
            nifti::Endianness::Big => ByteOrder::Big,
        };
        if crate_order != order {
            return Err(Fault::NotNifti("header length and dimensions are of different byte orders".into()));
        }
        if &h.magic != b"n+1\0" {
            return Err(Fault::Pair);
        }
        let rows = [h.srow_x, h.srow_y, h.srow_z].map(|row| row.map(f64::from));
        let pixdim = h.pixdim.map(f64::from);
        Ok(Self {
            dim: h.dim.map(|d| i64::from(d.cast_signed())),
            pixdim,
            data_type: i32::from(h.datatype),
            offset: f64::from(h.vox_offset),
            slope: f64::from(h.scl_slope),
            inter: f64::from(h.scl_inter),
            units: i32::from(h.xyzt_units),
            sform: (h.sform_code > 0).then_some(Affine(rows)),
            qform: (h.qform_code > 0).then(|| Qform {
                bcd: [h.quatern_b, h.quatern_c, h.quatern_d].map(f64::from),
                offset: [h.quatern_x, h.quatern_y, h.quatern_z].map(f64::from),
                spacing: [pixdim[1], pixdim[2], pixdim[3]],
                handedness: if pixdim[0] < 0.0 { -1.0 } else { 1.0 },
            }),
            description: h.descrip,
        })
    }

    /// Field positions from `nifti2.h`.
    fn of_nifti_2(bytes: &[u8], order: ByteOrder) -> Result<Self, Fault> {
        if &bytes[4..8] == b"ni2\0" {
            return Err(Fault::Pair);
        }
        if &bytes[4..12] != b"n+2\0\r\n\x1a\n" {
            return Err(Fault::NotNifti("the magic bytes of NIfTI-2 are missing".into()));
        }
        let field = Cursor2 { bytes, order };
        let pixdim: [f64; 8] = std::array::from_fn(|n| field.f64(104 + 8 * n));
        let row = |at: usize| std::array::from_fn(|n| field.f64(at + 8 * n));
        #[expect(clippy::cast_precision_loss, reason = "an offset beyond 2^53 is refused as too large all the same")]
        let offset = field.i64(168) as f64;
        Ok(Self {
            dim: std::array::from_fn(|n| field.i64(16 + 8 * n)),
            pixdim,
            data_type: i32::from(field.i16(12)),
            offset,
            slope: field.f64(176),
            inter: field.f64(184),
            units: field.i32(500),
            sform: (field.i32(348) > 0).then(|| Affine([row(400), row(432), row(464)])),
            qform: (field.i32(344) > 0).then(|| Qform {
                bcd: std::array::from_fn(|n| field.f64(352 + 8 * n)),
                offset: std::array::from_fn(|n| field.f64(376 + 8 * n)),
                spacing: [pixdim[1], pixdim[2], pixdim[3]],
                handedness: if pixdim[0] < 0.0 { -1.0 } else { 1.0 },
            }),
            description: bytes[240..320].to_vec(),
        })
    }

    /// Bytes between the fixed header and the samples.
    fn extension_bytes(&self, fixed: usize) -> Result<usize, Fault> {
        let bad = |why| Fault::BadField {
            field: "vox_offset",
            value: self.offset.to_string(),
            why,
        };
        // Some writers leave 0 where they mean "right after the header".
        if self.offset == 0.0 {
            return Ok(0);
        }
        let extra = self.offset - fixed as f64;
        if !extra.is_finite() || extra < 0.0 || extra.fract() != 0.0 {
            return Err(bad("not a position after the header"));
        }
        if extra > MAX_EXTENSION_BYTES as f64 {
            return Err(bad("further than any header extension reaches (16 MiB)"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, not negative and below 16 MiB"
        )]
        Ok(extra as usize)
    }

    fn into_header(self, order: ByteOrder, mut extensions: Vec<Extension>) -> Result<Header, Fault> {
        let (size, layers) = self.shape()?;
        let data_type = DataType::from_code(self.data_type)?;
        let (mut grid, mut geometry) = self.grid(size)?;
        let found = extensions.iter().enumerate().find_map(|(n, e)| Some((n, ExactGrid::parse(e)?)));
        if let Some((n, exact)) = found {
            extensions.remove(n);
            if self.sform.is_some_and(|sform| exact.agrees(size, &sform)) {
                (grid, geometry) = (exact.grid, GeometrySource::Exact);
            }
        }
        let end = self.description.iter().position(|b| *b == 0).unwrap_or(self.description.len());
        Ok(Header {
            grid: Arc::new(grid),
            layers,
            data_type,
            scale: Scale::from_fields(self.slope, self.inter)?,
            order,
            geometry,
            description: String::from_utf8_lossy(&self.description[..end]).into_owned(),
            extensions,
            offset: 0,
        })
    }

    /// Voxels along i, j, k and the number of volumes.
    fn shape(&self) -> Result<([usize; 3], usize), Fault> {
        let bad = |value: i64, why| Fault::BadField {
            field: "dim",
            value: value.to_string(),
            why,
        };
        let rank = self.dim[0];
        if !(1..=7).contains(&rank) {
            return Err(bad(rank, "not a number of dimensions from 1 to 7"));
        }
        let rank = usize::try_from(rank).unwrap_or(0);
        let length = |axis: usize| -> Result<usize, Fault> {
            if axis > rank {
                return Ok(1);
            }
            let n = self.dim[axis];
            usize::try_from(n)
                .ok()
                .filter(|n| *n > 0)
                .ok_or(bad(n, "not a positive number of voxels"))
        };
        let layers = (4..8).try_fold(1usize, |all, axis| {
            let n = length(axis)?;
            all.checked_mul(n).ok_or(Fault::TooLarge(u64::MAX))
        })?;
        let size = [length(1)?, length(2)?, length(3)?];
        let voxels = size.iter().try_fold(layers, |all, n| all.checked_mul(*n));
        voxels.ok_or(Fault::TooLarge(u64::MAX))?;
        Ok((size, layers))
    }

    /// The sform when set, else the qform, else `pixdim`; the order that the definition recommends.
    fn grid(&self, size: [usize; 3]) -> Result<(Grid, GeometrySource), Fault> {
        let mm = match self.units & 7 {
            1 => 1000.0,
            3 => 0.001,
            _ => 1.0,
        };
        let spacing = [1, 2, 3].map(|n| {
            if self.dim[0] < n {
                1.0
            } else {
                self.pixdim[usize::try_from(n).unwrap_or(1)]
            }
        });
        let (affine, source) = match (self.sform, self.qform) {
            (Some(sform), _) => (sform, GeometrySource::Sform),
            (None, Some(qform)) => (Affine::of_qform(&qform), GeometrySource::Qform),
            (None, None) => (Affine::of_pixdim(spacing), GeometrySource::PixdimOnly),
        };
        Ok((affine.scaled(mm).to_grid(size, spacing.map(|s| s.abs() * mm))?, source))
    }
}

/// Reads fields of a NIfTI-2 header; positions are constants inside the 544 bytes.
struct Cursor2<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
}

impl Cursor2<'_> {
    fn raw<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut raw = [0u8; N];
        raw.copy_from_slice(&self.bytes[at..at + N]);
        if self.order == ByteOrder::Big {
            raw.reverse();
        }
        raw
    }
    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.raw(at))
    }
    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.raw(at))
    }
    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.raw(at))
    }
    fn f64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.raw(at))
    }
}

/// Cuts the bytes between header and samples into extensions; stops at the first one whose length makes no sense.
fn split_extensions(mut block: &[u8], order: ByteOrder) -> Vec<Extension> {
    let number = |raw: [u8; 4]| match order {
        ByteOrder::Little => i32::from_le_bytes(raw),
        ByteOrder::Big => i32::from_be_bytes(raw),
    };
    let mut found = Vec::new();
    while let Some((head, _)) = block.split_first_chunk::<8>() {
        let half = |at: usize| number([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (size, code) = (half(0), half(4));
        let Ok(size) = usize::try_from(size) else { break };
        if size < 8 || size > block.len() {
            break;
        }
        found.push(Extension {
            code,
            data: block[8..size].to_vec(),
        });
        block = &block[size..];
    }
    found
}

/// Our own extension: the grid in `f64`, as JSON in a comment.
#[derive(Debug, Serialize, Deserialize)]
struct ExactGrid {
    /// Version of this form.
    rtpipeline_grid: u32,
    grid: Grid,
}

impl ExactGrid {
    fn parse(e: &Extension) -> Option<Self> {
        if e.code != ECODE_COMMENT || !e.data.starts_with(b"{\"rtpipeline_grid\":1,") {
            return None;
        }
        let end = e.data.iter().rposition(|b| *b != 0)? + 1;
        serde_json::from_slice(&e.data[..end]).ok()
    }

    /// Whether the header still says the same: a program that moved or cut the image and copied the extension does not fool us.
    fn agrees(&self, size: [usize; 3], sform: &Affine) -> bool {
        self.grid.size() == size && single(&Affine::of_grid(&self.grid)) == single(sform)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the header holds single precision")]
fn single(a: &Affine) -> [[f32; 4]; 3] {
    a.0.map(|row| row.map(|x| x as f32))
}

/// What [`encode`] writes beside the grid.
pub(crate) struct Encode<'a> {
    pub(crate) layers: usize,
    pub(crate) data_type: DataType,
    pub(crate) description: &'a str,
    pub(crate) extensions: &'a [Extension],
}

/// Header and extensions of a little-endian NIfTI-1 file, up to the first sample.
pub(crate) fn encode(grid: &Grid, facts: &Encode<'_>) -> Result<Vec<u8>, WriteError> {
    let axis = |n: usize| i16::try_from(n).map_err(|_| WriteError::TooManyVoxels(n));
    let [ni, nj, nk] = grid.size();
    let rank = if facts.layers == 1 { 3 } else { 4 };
    let dim = [rank, axis(ni)?, axis(nj)?, axis(nk)?, axis(facts.layers)?, 1, 1, 1];
    let sform = single(&Affine::of_grid(grid));
    let qform = Qform::of_grid(grid);
    let blocks = extension_bytes(grid, facts.extensions);
    let s = grid.spacing();
    let handedness = qform.map_or(1.0, |q| q.handedness);
    let mut w = Encoder(Vec::with_capacity(HEADER_1 + blocks.len()));
    w.i32(348);
    w.zeros(36); // data_type, db_name, extents, session_error, regular, dim_info
    for d in dim {
        w.i16(d);
    }
    w.zeros(14); // intent_p1..3, intent_code
    w.i16(facts.data_type.code());
    w.i16(facts.data_type.bits());
    w.zeros(2); // slice_start
    for p in [handedness, s[0], s[1], s[2], 1.0, 1.0, 1.0, 1.0] {
        w.f32(p);
    }
    w.f32((HEADER_1 + blocks.len()) as f64);
    w.f32(1.0); // scl_slope
    w.f32(0.0); // scl_inter
    w.zeros(3); // slice_end, slice_code
    w.0.push(if facts.layers == 1 { 2 } else { 10 }); // mm; mm and seconds, as other programs write 4-D files
    w.zeros(24); // cal_max, cal_min, slice_duration, toffset, glmax, glmin
    w.text(facts.description, 80);
    w.zeros(24); // aux_file
    w.i16(i16::from(qform.is_some()));
    w.i16(1); // sform_code: scanner coordinates
    let (bcd, offset) = qform.map_or(([0.0; 3], [0.0; 3]), |q| (q.bcd, q.offset));
    bcd.into_iter().chain(offset).for_each(|x| w.f32(x));
    sform.into_iter().flatten().for_each(|x| w.0.extend(x.to_le_bytes()));
    w.zeros(16); // intent_name
    w.0.extend(b"n+1\0");
    w.0.extend([u8::from(!blocks.is_empty()), 0, 0, 0]);
    debug_assert_eq!(w.0.len(), HEADER_1);
    w.0.extend(blocks);
    Ok(w.0)
}

/// Extensions as they stand in a file: the given ones, then our exact grid; each padded with zeros to a multiple of 16.
fn extension_bytes(grid: &Grid, extensions: &[Extension]) -> Vec<u8> {
    let exact = ExactGrid {
        rtpipeline_grid: 1,
        grid: grid.clone(),
    };
    let exact = serde_json::to_vec(&exact).ok().map(|data| Extension { code: ECODE_COMMENT, data });
    let mut out = Vec::new();
    for e in extensions.iter().chain(exact.as_ref()) {
        let length = (e.data.len() + 8).next_multiple_of(16);
        let Ok(stored) = i32::try_from(length) else { continue };
        out.extend(stored.to_le_bytes());
        out.extend(e.code.to_le_bytes());
        out.extend(&e.data);
        out.resize(out.len() + length - 8 - e.data.len(), 0);
    }
    out
}

/// Appends little-endian fields.
struct Encoder(Vec<u8>);

impl Encoder {
    fn i16(&mut self, v: i16) {
        self.0.extend(v.to_le_bytes());
    }
    fn i32(&mut self, v: i32) {
        self.0.extend(v.to_le_bytes());
    }
    #[expect(clippy::cast_possible_truncation, reason = "the header holds single precision")]
    fn f32(&mut self, v: f64) {
        self.0.extend((v as f32).to_le_bytes());
    }
    fn zeros(&mut self, n: usize) {
        self.0.resize(self.0.len() + n, 0);
    }
    /// Text cut to `n - 1` bytes at a character, zeros behind.
    fn text(&mut self, text: &str, n: usize) {
        let end = text.floor_char_boundary(text.len().min(n - 1));
        self.0.extend(&text.as_bytes()[..end]);
        self.zeros(n - end);
    }
}
