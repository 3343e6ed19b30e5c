//! The DVH of one region: from its shape and the dose to a distribution of known accuracy.

use rt_core::{Cc, Vec3};
use rt_image::{ContourSet, Mask, Overlap, SlabEnds, StackOptions, VolumeView};

use crate::error::{DvhError, Status, Warning};
use crate::extremes::{self, Extremes};
use crate::field::{DoseField, FrameField, SumMissing};
use crate::histogram::{Accumulator, Distribution};
use crate::integral::{Focus, Level, Outside, integrate};
use crate::refine::Refinement;
use crate::solid::Solid;

/// The region as it was drawn or segmented.
#[derive(Debug, Clone, Copy)]
pub enum RoiShape<'a> {
    /// Closed contours in parallel planes.
    Contours(&'a ContourSet),
    /// Voxels of an image; the boxes of the voxels are the region.
    Mask(&'a Mask),
}

/// How contours are read along the normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planes {
    /// Prisms half way to the neighbouring planes, half a gap beyond the ends.
    #[default]
    Prism,
    /// The same, ending at the outermost planes.
    PrismNocap,
    /// Straight from plane to plane, half-gap prisms at the ends.
    Loft,
}

/// How a DVH is computed. The default is what clinical systems do, to 0.02 Gy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DvhOptions {
    /// Reading of contours along the normal.
    pub planes: Planes,
    /// Reading of contours of one plane that overlap without nesting.
    pub overlap: Overlap,
    /// Parts without dose.
    pub outside: Outside,
    /// Cells are halved until the estimated error of every quantile of interest is within this, Gy.
    pub tolerance_gy: f64,
    /// Thickness of a region drawn in one plane only, mm; without it the spacing of the dose is taken and a warning given.
    pub slice_thickness_mm: Option<f64>,
    /// Cells that are aimed at first.
    pub start_cells: f64,
    /// No refinement beyond this number of cells.
    pub max_cells: f64,
}

impl Default for DvhOptions {
    fn default() -> Self {
        Self {
            planes: Planes::Prism,
            overlap: Overlap::Xor,
            outside: Outside::Partial,
            tolerance_gy: 0.02,
            slice_thickness_mm: None,
            start_cells: 20_000.0,
            max_cells: 4e6,
        }
    }
}

/// How a result was reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Cells that were counted.
    pub cells: u64,
    /// Cell size in the plane and along the normal, mm.
    pub cell_mm: [f64; 3],
    /// Cells that hold a dose of interest were cut into this many parts along each axis.
    pub finest_part: u32,
    /// Estimated largest error of a quantile, Gy, from its change when cells were halved.
    pub error_gy: f64,
    /// Whether that is within the tolerance.
    pub converged: bool,
}

/// Dose and volume of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct Dvh {
    /// Whole volume of the region.
    pub volume: Cc,
    /// Volume that has a dose; with [`Outside::Zero`] the distribution holds the rest at 0 Gy.
    pub covered: Cc,
    /// Volume over dose of the covered part.
    pub distribution: Distribution,
    /// Accuracy.
    pub sampling: Sampling,
    /// What is worth knowing.
    pub warnings: Vec<Warning>,
}

/// Covered shares from here on count as whole (`spec/dvh-algorithms.md` 6).
pub const WHOLE_COVERAGE: f64 = 0.9995;

/// Cells are not cut into more parts than this along each axis.
const MAX_PARTS: u32 = 16;

/// Regions of more cells at the first level look ahead for where finer cells will be needed, instead of running twice.
const LARGE_CELLS: f64 = 1e5;

impl Dvh {
    /// Share of the volume that has a dose, 0 to 1.
    pub fn covered_fraction(&self) -> f64 {
        (self.covered / self.volume).clamp(0.0, 1.0)
    }

    /// Whether the figures are those of the whole region.
    pub fn status(&self) -> Status {
        if self.covered_fraction() >= WHOLE_COVERAGE {
            Status::Ok
        } else {
            Status::Partial
        }
    }
}

/// The DVH of one region in a single dose.
///
/// # Errors
/// [`DvhError`] when the region encloses nothing, its planes are not parallel, or it lies wholly outside the dose.
pub fn dvh(dose: VolumeView<'_, f32>, roi: RoiShape<'_>, options: &DvhOptions) -> Result<Dvh, DvhError> {
    dvh_in(&DoseField::single(dose)?, roi, options)
}

/// The DVH of one region in a sum of doses.
///
/// # Errors
/// As [`dvh`], and [`DvhError::SumIncomplete`] with [`SumMissing::Null`].
pub fn dvh_in(field: &DoseField<'_>, roi: RoiShape<'_>, options: &DvhOptions) -> Result<Dvh, DvhError> {
    let mut warnings = Vec::new();
    let solid = solid_of(field, roi, options, &mut warnings)?;
    let mut dvh = solid_dvh(field, &solid, options)?;
    if !dvh.sampling.converged {
        let s = dvh.sampling;
        let detail = format!(
            "{} cells of {:.2} mm: doses may be off by up to {:.3} Gy",
            s.cells, s.cell_mm[0], s.error_gy
        );
        warnings.push(warning("dvh.not_converged", detail));
    }
    if dvh.status() == Status::Partial {
        let detail = format!(
            "{:.2} % of the volume lies in the dose grid; figures refer to that part",
            100.0 * dvh.covered_fraction()
        );
        warnings.push(warning("dvh.partial_coverage", detail));
    }
    dvh.warnings = warnings;
    Ok(dvh)
}

/// Whole volume of a region, whatever the dose.
///
/// # Errors
/// As [`dvh`] for the shape.
pub fn volume_of(roi: RoiShape<'_>, options: &DvhOptions) -> Result<Cc, DvhError> {
    let solid = match roi {
        RoiShape::Contours(set) => read(set, options, &stack_options(options, options.slice_thickness_mm, None))?,
        RoiShape::Mask(mask) => Solid::from_mask(mask)?,
    };
    Ok(Cc::from_mm3(solid.volume_mm3()))
}

pub(crate) fn stack_options(options: &DvhOptions, thickness: Option<f64>, axis: Option<Vec3>) -> StackOptions {
    StackOptions {
        axis,
        single_plane_thickness_mm: thickness,
        ends: match options.planes {
            Planes::Prism | Planes::Loft => SlabEnds::HalfGap,
            Planes::PrismNocap => SlabEnds::None,
        },
        overlap: options.overlap,
    }
}

/// Share of a volume that may lie at a wrong height in a lofted solid, for a tolerance of 1 Gy.
const LOFT_DETAIL: f64 = 1.5e-3;

/// The solid of contours, as the options read them.
fn read(set: &ContourSet, options: &DvhOptions, stack: &StackOptions) -> Result<Solid, DvhError> {
    match options.planes {
        Planes::Prism | Planes::PrismNocap => Solid::from_contours(set, stack),
        Planes::Loft => Solid::lofted(set, stack, LOFT_DETAIL * options.tolerance_gy),
    }
}

fn warning(code: &'static str, detail: String) -> Warning {
    Warning { code, detail }
}

/// The solid of a region, with warnings about how it was drawn.
fn solid_of(field: &DoseField<'_>, roi: RoiShape<'_>, options: &DvhOptions, warnings: &mut Vec<Warning>) -> Result<Solid, DvhError> {
    let set = match roi {
        RoiShape::Mask(mask) => return Solid::from_mask(mask),
        RoiShape::Contours(set) => set,
    };
    let guess = field.terms().first().map(|t| t.dose.grid().spacing()[2]);
    let thickness = options.slice_thickness_mm.or(guess);
    let mut solid = read(set, options, &stack_options(options, thickness, None))?;
    if let Some(axis) = grid_axis(field, &solid) {
        solid = read(set, options, &stack_options(options, thickness, Some(axis)))?;
    }
    if solid.prism_gaps > 0 {
        let detail = format!(
            "{} gaps between contour planes read as prisms: contours branch or do not correspond",
            solid.prism_gaps
        );
        warnings.push(warning("dvh.loft_prism_gaps", detail));
    }
    let notes = &solid.notes;
    if solid.nominal_gap_mm.is_none() && options.slice_thickness_mm.is_none() {
        let detail = format!(
            "one contour plane and no image: thickness taken from the dose grid, {:.3} mm",
            thickness.unwrap_or_default()
        );
        warnings.push(warning("dvh.thickness_guessed", detail));
    }
    if notes.skipped() > 0 {
        let detail = format!(
            "{} open and {} degenerate contours left out",
            notes.open_contours, notes.degenerate_contours
        );
        warnings.push(warning("dvh.contours_skipped", detail));
    }
    if notes.duplicate_contours > 0 {
        let detail = format!("{} contours drawn twice in their plane counted once", notes.duplicate_contours);
        warnings.push(warning("dvh.duplicate_contour", detail));
    }
    if notes.overlap_fraction > 0.01 {
        let detail = format!(
            "contours of one plane overlap by up to {:.1} % of its area",
            100.0 * notes.overlap_fraction
        );
        warnings.push(warning("dvh.contour_overlap", detail));
    }
    // The nominal gap itself when the spacing of the image is not known (`spec/analysis.md` 1.15).
    let usual = solid.nominal_gap_mm.map(|g| options.slice_thickness_mm.map_or(g, |t| g.min(t)));
    if let Some(usual) = usual.filter(|g| notes.largest_gap_mm > 1.5 * g + 0.01) {
        let detail = format!(
            "largest gap between contour planes {:.2} mm, {usual:.2} mm expected, {} not bridged",
            notes.largest_gap_mm, notes.breaks
        );
        warnings.push(warning("dvh.contour_gap", detail));
    }
    Ok(solid)
}

/// Axis of the first dose grid that the planes should follow, when its slices, rows or columns are parallel to them but turned.
fn grid_axis(field: &DoseField<'_>, solid: &Solid) -> Option<Vec3> {
    let direction = field.terms().first()?.dose.grid().direction();
    let axes = [direction.x_axis, direction.y_axis, direction.z_axis];
    let frame = &solid.frame;
    let along = |a: Vec3, b: Vec3| a.cross(b).length() < 1e-5;
    let across = axes.iter().position(|a| along(*a, frame.n))?;
    let free = axes[(across + 1) % 3];
    (!along(free, frame.u) && !along(free, frame.v)).then_some(free)
}

/// The DVH of a solid.
///
/// # Errors
/// [`DvhError::NoOverlap`] when no part has a dose, [`DvhError::SumIncomplete`] with [`SumMissing::Null`].
pub fn solid_dvh(field: &DoseField<'_>, solid: &Solid, options: &DvhOptions) -> Result<Dvh, DvhError> {
    let volume = Cc::from_mm3(solid.volume_mm3());
    let none = DvhError::NoOverlap { volume_cc: volume.value() };
    let seen = field.in_frame(&solid.frame);
    let [lo, hi] = solid.bounds().ok_or_else(|| none.clone())?;
    let surface = surface_extremes(field, &seen, solid);
    let exact = seen.is_aligned() && surface.is_known();
    let mut range = if exact { [surface.min, surface.max] } else { seen.range_in(lo, hi) };
    if options.outside == Outside::Zero {
        range[0] = range[0].min(0.0);
    }
    let empty = Accumulator::new(range[0], range[1]);
    let level = Level::new(&seen, (solid.volume_mm3() / options.start_cells).cbrt());
    let measure = |level: &Level, focus: Option<&Focus>| integrate(solid, &seen, level, focus, options.outside, &empty);
    let wider = level.coarser_ratio();
    let coarse = measure(&level.coarser(wider), None).volumes.distribution(range[0], range[1]);
    let mut focus = Refinement::default();
    if wider == 3 && solid.volume_mm3() / level.edge_mm().powi(3) > LARGE_CELLS {
        let coarsest = measure(&level.coarser(5), None).volumes.distribution(range[0], range[1]);
        focus.foresee(coarsest.as_ref(), coarse.as_ref(), options.tolerance_gy);
    }
    loop {
        let found = measure(&level, focus.focus().as_ref());
        let share = 1.0 - found.missing_mm3 / solid.volume_mm3();
        if share <= 1e-9 {
            return Err(none);
        }
        if field.missing() == SumMissing::Null && share < WHOLE_COVERAGE {
            return Err(DvhError::SumIncomplete {
                covered: share,
                volume_cc: volume.value(),
            });
        }
        let mut ends = if exact { surface } else { surface.join(found.extremes) };
        if options.outside == Outside::Zero && share < 1.0 {
            ends.see(0.0);
        }
        let distribution = found.volumes.distribution(ends.min, ends.max).ok_or_else(|| none.clone())?;
        let uncut = found.uncut.and_then(|mut uncut| {
            uncut.merge(&found.volumes);
            uncut.distribution(ends.min, ends.max)
        });
        let errors = focus.errors(f64::from(wider), coarse.as_ref(), uncut.as_ref(), &distribution);
        let error_gy = errors.iter().copied().fold(0.0, f64::max);
        let cells = found.volumes.pieces();
        let converged = error_gy <= options.tolerance_gy;
        if converged || focus.parts >= MAX_PARTS || cells as f64 > options.max_cells {
            return Ok(Dvh {
                volume,
                covered: volume * share.min(1.0),
                distribution,
                sampling: Sampling {
                    cells,
                    cell_mm: [level.lattice.step[0], level.lattice.step[1], level.layer_mm],
                    finest_part: focus.parts,
                    error_gy,
                    converged,
                },
                warnings: Vec::new(),
            });
        }
        focus.narrow(&errors, &distribution, options.tolerance_gy);
    }
}

/// Extremes on the surface of the solid and, where the grids have its axes, inside.
fn surface_extremes(field: &DoseField<'_>, seen: &FrameField<'_>, solid: &Solid) -> Extremes {
    use rayon::prelude::*;
    let simple = field.missing() != SumMissing::Zero || field.terms().len() == 1;
    if !(seen.is_aligned() && simple) {
        return extremes::on_outline(solid, seen).join(extremes::at_nodes(solid, field, seen));
    }
    let slabs = solid.surface();
    let n = slabs.len();
    if n <= SLABS_PER_TASK {
        return extremes::exact(slabs, 0..n, seen);
    }
    let parts = (0..n.div_ceil(SLABS_PER_TASK)).into_par_iter().map(|task| {
        let from = task * SLABS_PER_TASK;
        extremes::exact(slabs, from..(from + SLABS_PER_TASK).min(n), seen)
    });
    parts.reduce(Extremes::default, Extremes::join)
}

/// Slabs whose extremes one task looks for.
const SLABS_PER_TASK: usize = 16;
