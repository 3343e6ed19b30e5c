//! From the files of a series to one stack of slices: pure geometry, no pixels.
//!
//! Order is by position along the slice normal, never by `InstanceNumber`. Slices of another orientation, size or spacing are left
//! out; two reconstructions at the same positions are told apart and never mixed. Sources: PS3.3 C.7.6.2.1.1, `spec/reliability.md` 3.4.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;

use rt_core::geometry::angle_deg;
use rt_core::{Grid, Mat3, Vec3};

use crate::entry::{Acquisition, PixelFormat, Plane};
use crate::notice::Notice;
use crate::series::{SeriesEntry, SeriesError, SliceGap, is_localizer};
use crate::value::{Date, Time};

/// Two slices nearer than this lie at one position, mm.
const SAME_POSITION_MM: f64 = 0.01;
/// A slice direction that leans less than this from the normal is the normal, degrees.
const TILT_DEG: f64 = 0.1;
/// Slice origins may leave their common line by this much, mm.
const OFF_LINE_MM: f64 = 0.1;

/// One slice of a [`Stack`].
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    pub(crate) path: PathBuf,
    pub(crate) sop_uid: String,
    pub(crate) sop_class: String,
    pub(crate) plane: Plane,
    pub(crate) format: PixelFormat,
    pub(crate) thickness: Option<f64>,
    pub(crate) lossy: bool,
    acquisition: Acquisition,
    image_type: String,
    created: Option<(Date, Option<Time>)>,
    frame_uid: String,
}

impl Slice {
    fn origin(&self) -> Vec3 {
        Vec3::from(self.plane.position)
    }

    fn same_lattice(&self, other: &Self) -> bool {
        let near = |a: &[f64], b: &[f64], tol: f64| a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tol);
        let spacing = self
            .plane
            .spacing
            .iter()
            .zip(other.plane.spacing)
            .all(|(a, b)| (a - b).abs() <= 1e-4 * a.abs());
        (self.format.rows, self.format.columns, &self.frame_uid) == (other.format.rows, other.format.columns, &other.frame_uid)
            && near(&self.plane.orientation, &other.plane.orientation, 1e-4)
            && spacing
    }
}

/// Slices of one lattice in order along the normal.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) slices: Vec<Slice>,
    /// Positions along the slice direction from the first slice, mm, ascending.
    pub(crate) offsets: Vec<f64>,
    /// Unit directions of a row, of a column, and from slice to slice.
    pub(crate) axes: [Vec3; 3],
    /// Evenly spaced within the tolerance.
    pub(crate) is_even: bool,
    /// Median distance of neighbours, mm (the thickness for a single slice).
    pub(crate) step: f64,
    /// Angle between slice direction and normal, degrees; 0 when below the tolerance.
    pub(crate) tilt_deg: f64,
    pub(crate) notices: Vec<Notice>,
}

impl Stack {
    /// Lattice of the volume in the voxel order of dcm2niix: i along rows, j against columns, k along the normal (`spec/ingest.md` 1.15).
    pub(crate) fn grid(&self, series: &str) -> Result<Grid, SeriesError> {
        let wrap = |source| SeriesError::Grid {
            series: series.to_owned(),
            source,
        };
        let Some(first) = self.slices.first() else {
            return Err(SeriesError::NoSlices { series: series.to_owned() });
        };
        let [u, v, w] = self.axes;
        let [row_gap, column_gap] = first.plane.spacing;
        let rows = first.format.rows;
        let origin = first.origin() + v * (row_gap * f64::from(rows.saturating_sub(1)));
        let length = self.offsets.last().copied().unwrap_or(0.0);
        let n = self.slice_count();
        let step = if self.is_even && n > 1 {
            length / (n - 1) as f64
        } else {
            self.step
        };
        let size = [first.format.columns as usize, rows as usize, n];
        Grid::new(size, origin, [column_gap, row_gap, step], Mat3::from_cols(u, -v, w)).map_err(wrap)
    }

    /// Slices of the volume: those there, or as many as fit at the median distance.
    fn slice_count(&self) -> usize {
        if self.is_even {
            return self.slices.len();
        }
        let length = self.offsets.last().copied().unwrap_or(0.0);
        whole(length / self.step + 1e-6) + 1
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of slices: clamped to what can be one before the cast"
)]
fn whole(x: f64) -> usize {
    x.floor().clamp(0.0, 1e6) as usize
}

/// Chooses, orders and checks the slices of a series.
pub(crate) fn stack(series: &SeriesEntry, gap: SliceGap) -> Result<Stack, SeriesError> {
    let uid = || series.series_uid.clone();
    let mut notices = Vec::new();
    let all = collect(series);
    let lattice = largest_lattice(all, &mut notices).ok_or_else(|| SeriesError::NoSlices { series: uid() })?;
    let Some(first) = lattice.first() else {
        return Err(SeriesError::NoSlices { series: uid() });
    };
    let (u, v) = directions(first.plane.orientation).ok_or_else(|| SeriesError::Orientation {
        series: uid(),
        orientation: first.plane.orientation,
    })?;
    let normal = u.cross(v).normalize();
    let slices =
        one_reconstruction(lattice, normal, &mut notices).map_err(|count| SeriesError::DuplicatePosition { series: uid(), count })?;
    let (Some(first), Some(last)) = (slices.first(), slices.last()) else {
        return Err(SeriesError::NoSlices { series: uid() });
    };
    let line = last.origin() - first.origin();
    let mut tilt_deg = if slices.len() > 1 { angle_deg(line, normal) } else { 0.0 };
    let mut w = normal;
    if tilt_deg > TILT_DEG {
        w = line.normalize();
        notices.push(Notice::new(
            "image.gantry_tilt",
            format!("slices lean by {tilt_deg:.2} degrees; the shear is kept in the volume"),
        ));
    } else {
        tilt_deg = 0.0;
    }
    let start = first.origin();
    let offsets: Vec<f64> = slices.iter().map(|s| (s.origin() - start).dot(w)).collect();
    let off_mm = slices
        .iter()
        .zip(&offsets)
        .map(|(s, t)| (s.origin() - start - w * *t).length())
        .fold(0.0, f64::max);
    if off_mm > OFF_LINE_MM {
        return Err(SeriesError::Misaligned { series: uid(), off_mm });
    }
    let (is_even, step) = spacing(&slices, &offsets, gap, &uid(), &mut notices)?;
    Ok(Stack {
        slices,
        offsets,
        axes: [u, v, w],
        is_even,
        step,
        tilt_deg,
        notices,
    })
}

/// Unit directions of a row and of a column; `None` when they are not unit and perpendicular within 1e-3.
pub(crate) fn directions(orientation: [f64; 6]) -> Option<(Vec3, Vec3)> {
    let (row, column) = orientation.split_at(3);
    let (u, v) = (Vec3::from_slice(row), Vec3::from_slice(column));
    let unit = |x: Vec3| (x.length() - 1.0).abs() < 1e-3;
    let sound = unit(u) && unit(v) && u.dot(v).abs() < 1e-3;
    sound.then(|| (u.normalize(), v.normalize()))
}

fn collect(series: &SeriesEntry) -> Vec<Slice> {
    let slices_of = |localizers: bool| {
        let mut out = Vec::new();
        for (file, image) in series.images().filter(|(_, image)| localizers || !is_localizer(image)) {
            let (Some(object), Some(format)) = (file.entry.object(), image.format) else {
                continue;
            };
            out.extend(image.planes.iter().map(|plane| Slice {
                path: file.path.clone(),
                sop_uid: object.sop_uid.clone(),
                sop_class: object.sop_class.clone(),
                plane: *plane,
                format,
                thickness: image.thickness,
                lossy: image.lossy,
                acquisition: Acquisition {
                    temporal: image.acquisition.temporal + i64::from(plane.temporal),
                    ..image.acquisition.clone()
                },
                image_type: image.image_type.clone(),
                created: object.created,
                frame_uid: object.frame_uid.clone(),
            }));
        }
        out
    };
    let plain = slices_of(false);
    if plain.is_empty() { slices_of(true) } else { plain }
}

/// The largest set of slices of one size, spacing, orientation and frame of reference; of equal ones the first.
fn largest_lattice(all: Vec<Slice>, notices: &mut Vec<Notice>) -> Option<Vec<Slice>> {
    let total = all.len();
    let mut groups: Vec<Vec<Slice>> = Vec::new();
    for slice in all {
        let home = groups.iter_mut().find(|g| g.first().is_some_and(|f| f.same_lattice(&slice)));
        match home {
            Some(group) => group.push(slice),
            None => groups.push(vec![slice]),
        }
    }
    let kinds = groups.len();
    let best = groups.into_iter().rev().max_by_key(Vec::len)?;
    if kinds > 1 {
        notices.push(Notice::new(
            "series.mixed_geometry",
            format!(
                "{} of {total} slices have another orientation, size or spacing and are left out",
                total - best.len()
            ),
        ));
    }
    Some(best)
}

/// Sorted along the normal; `Err(n)` when `n` slices are too many and nothing tells the stacks apart.
fn one_reconstruction(mut slices: Vec<Slice>, normal: Vec3, notices: &mut Vec<Notice>) -> Result<Vec<Slice>, usize> {
    let position = |s: &Slice| s.origin().dot(normal);
    slices.sort_by(|a, b| {
        position(a)
            .total_cmp(&position(b))
            .then_with(|| a.acquisition.cmp(&b.acquisition))
            .then_with(|| a.sop_uid.cmp(&b.sop_uid))
    });
    let doubles = |list: &[Slice]| {
        list.iter()
            .zip(list.iter().skip(1))
            .filter(|(a, b)| position(b) - position(a) < SAME_POSITION_MM)
            .count()
    };
    let too_many = doubles(&slices);
    if too_many == 0 {
        return Ok(slices);
    }
    let places = slices.len() - too_many;
    for (name, key) in STACK_KEYS {
        let mut stacks: BTreeMap<String, Vec<Slice>> = BTreeMap::new();
        for slice in &slices {
            stacks.entry(key(slice)).or_default().push(slice.clone());
        }
        let whole = stacks.values().all(|s| doubles(s) == 0);
        let kinds = stacks.len();
        let best = stacks.into_values().rev().max_by_key(Vec::len).unwrap_or_default();
        if kinds > 1 && whole && best.len() > 1 && best.len() * 2 >= places {
            notices.push(Notice::new(
                "series.several_stacks",
                format!("{kinds} stacks told apart by {name}; the one of {} slices is used", best.len()),
            ));
            return Ok(best);
        }
    }
    if too_many * 20 > places.max(20) {
        return Err(too_many);
    }
    notices.push(Notice::new(
        "series.duplicate_position",
        format!("{too_many} slices share their position with another one; the one created last is used"),
    ));
    Ok(winners(slices, position))
}

/// A key of a slice as text that sorts.
type Key = fn(&Slice) -> String;

/// What tells stacks apart, in order.
const STACK_KEYS: [(&str, Key); 7] = [
    ("AcquisitionNumber", |s| format!("{:020}", s.acquisition.number)),
    ("TemporalPosition", |s| format!("{:020}", s.acquisition.temporal)),
    ("EchoNumber", |s| format!("{:020}", s.acquisition.echo)),
    ("DiffusionBValue", |s| format!("{:>20}", s.acquisition.b_value)),
    ("ConvolutionKernel", |s| s.acquisition.kernel.clone()),
    ("ImageType", |s| s.image_type.clone()),
    ("ContentTime", |s| {
        s.acquisition
            .content_time
            .map_or(String::new(), |t| format!("{:020.6}", t.seconds()))
    }),
];

/// Of the slices at one position the one created last, then the smaller UID.
fn winners(slices: Vec<Slice>, position: impl Fn(&Slice) -> f64) -> Vec<Slice> {
    let mut out: Vec<Slice> = Vec::new();
    for slice in slices {
        match out.last_mut() {
            Some(last) if position(&slice) - position(last) < SAME_POSITION_MM => {
                if (slice.created, Reverse(&slice.sop_uid)) > (last.created, Reverse(&last.sop_uid)) {
                    *last = slice;
                }
            }
            _ => out.push(slice),
        }
    }
    out
}

/// Whether the slices are evenly spaced, and their distance.
fn spacing(slices: &[Slice], offsets: &[f64], rule: SliceGap, series: &str, notices: &mut Vec<Notice>) -> Result<(bool, f64), SeriesError> {
    let gaps: Vec<f64> = offsets.iter().zip(offsets.iter().skip(1)).map(|(a, b)| b - a).collect();
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    let Some(median_mm) = sorted.get(sorted.len() / 2).copied() else {
        let thickness = slices.first().and_then(|s| s.thickness).filter(|t| *t > 0.0);
        notices.push(Notice::new(
            "series.single_slice",
            "one slice only: its thickness is taken for the slice distance",
        ));
        return Ok((true, thickness.unwrap_or(1.0)));
    };
    let uneven = |g: &f64| (g - median_mm).abs() > SAME_POSITION_MM.max(0.01 * median_mm);
    if !gaps.iter().any(uneven) {
        return Ok((true, median_mm));
    }
    let widest = gaps.iter().zip(offsets).max_by(|a, b| a.0.total_cmp(b.0));
    let (gap_mm, at_mm) = widest.map_or((0.0, 0.0), |(g, t)| (*g, *t));
    let refused = match rule {
        SliceGap::Auto => gap_mm > 2.0 * median_mm * 1.01,
        SliceGap::Fail => true,
        SliceGap::Resample => false,
    };
    if refused {
        return Err(SeriesError::SliceGap {
            series: series.to_owned(),
            gap_mm,
            median_mm,
            at_mm,
        });
    }
    let listed: Vec<String> = gaps
        .iter()
        .zip(offsets)
        .filter(|(g, _)| uneven(g))
        .take(8)
        .map(|(g, t)| format!("{g:.3} after {t:.2}"))
        .collect();
    notices.push(Notice::new(
        "series.uneven_spacing",
        format!(
            "slices are not evenly spaced (mm from the first slice: {}); resampled to {median_mm:.3} mm",
            listed.join(", ")
        ),
    ));
    Ok((false, median_mm))
}
