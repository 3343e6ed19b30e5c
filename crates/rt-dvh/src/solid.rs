//! A region of interest as a pile of prisms: what both contours and masks become before dose is looked at.

use rt_image::{ContourSet, Edge, Mask, PlaneFrame, PlaneStack, Point2, Region, StackNotes, StackOptions};

use crate::error::DvhError;
use crate::loft::loft;

/// A region of space made of slabs, each a plane region extruded along the common normal.
#[derive(Debug, Clone, PartialEq)]
pub struct Solid {
    /// Directions of the slabs; coordinates below are in this frame (see [`PlaneFrame`]).
    pub frame: PlaneFrame,
    /// Slabs in ascending order along the normal, not overlapping.
    pub slabs: Vec<Slab>,
    /// What was seen while contours were sorted; empty for a mask.
    pub notes: StackNotes,
    /// Most frequent distance of the contour planes, mm; `None` for a mask or a single plane.
    pub nominal_gap_mm: Option<f64>,
    /// Gaps that a lofted solid bridges with prisms, because their contours branch or do not correspond.
    pub prism_gaps: usize,
    /// Where extremes of the dose are looked for, when that is not the slabs themselves.
    surface: Option<Vec<Slab>>,
}

/// A plane region between two positions along the normal.
#[derive(Debug, Clone, PartialEq)]
pub struct Slab {
    /// Lower and upper end, mm.
    pub range_mm: [f64; 2],
    /// The region.
    pub region: Region,
    /// Its whole outline as drawn, horizontal pieces included: where extremes of the dose are looked for.
    pub outline: Vec<[Point2; 2]>,
}

impl Slab {
    /// Thickness, mm.
    pub fn thickness_mm(&self) -> f64 {
        self.range_mm[1] - self.range_mm[0]
    }

    /// Volume, mm3.
    pub fn volume_mm3(&self) -> f64 {
        self.region.area_mm2() * self.thickness_mm()
    }
}

impl Solid {
    /// Prisms over the contour planes.
    ///
    /// # Errors
    /// [`DvhError::Planes`] when the contours enclose nothing, are not parallel, or lie in one plane of unknown thickness.
    pub fn from_contours(contours: &ContourSet, options: &StackOptions) -> Result<Self, DvhError> {
        let stack = PlaneStack::new(contours, options)?;
        let slabs = stack.planes.into_iter().map(|plane| Slab {
            range_mm: plane.slab_mm,
            outline: plane.polygons.iter().flat_map(|p| sides(p)).collect(),
            region: plane.region,
        });
        Ok(Self {
            frame: stack.frame,
            slabs: slabs.collect(),
            notes: stack.notes,
            nominal_gap_mm: stack.nominal_gap_mm,
            prism_gaps: 0,
            surface: None,
        })
    }

    /// Boundaries that run straight from plane to plane, half-gap prisms at the ends; thin prisms stand for it so finely that a share of
    /// `detail` of the volume may lie at a wrong height. Volume is exact.
    ///
    /// # Errors
    /// As [`Solid::from_contours`].
    pub fn lofted(contours: &ContourSet, options: &StackOptions, detail: f64) -> Result<Self, DvhError> {
        let stack = PlaneStack::new(contours, options)?;
        let lofted = loft(&stack, options.overlap, detail);
        Ok(Self {
            frame: stack.frame,
            slabs: lofted.slabs,
            notes: stack.notes,
            nominal_gap_mm: stack.nominal_gap_mm,
            prism_gaps: lofted.prism_gaps,
            surface: Some(lofted.surface),
        })
    }

    /// Where extremes of the dose are looked for: prisms with what lies inside, and outlines.
    pub fn surface(&self) -> &[Slab] {
        self.surface.as_deref().unwrap_or(&self.slabs)
    }

    /// The boxes of the voxels of a mask: its volume is the number of voxels times the voxel volume.
    ///
    /// Slices of a sheared grid (gantry tilt) become right prisms around their voxel centres.
    ///
    /// # Errors
    /// [`DvhError::EmptyMask`] for a mask without voxels.
    pub fn from_mask(mask: &Mask) -> Result<Self, DvhError> {
        let grid = mask.grid();
        let direction = grid.direction();
        let (u, n) = (direction.x_axis, grid.normal());
        let frame = PlaneFrame { u, v: n.cross(u), n };
        if mask.is_empty() {
            return Err(DvhError::EmptyMask);
        }
        let (lo, block) = (mask.lo(), mask.block());
        let spacing = grid.spacing();
        let position = |k: usize| frame.project(grid.origin() + direction.z_axis * grid.offset(k));
        let mut slabs = Vec::with_capacity(block.dim().0);
        for (dk, slice) in block.outer_iter().enumerate() {
            let k = lo[2] + dk;
            let (range_mm, base) = (slice_range(grid.size()[2], k, spacing[2], &|k| position(k)[2]), position(k));
            let at = |i: usize, j: usize| {
                let index = [(lo[0] + i) as f64 - 0.5, (lo[1] + j) as f64 - 0.5];
                [base[0] + index[0] * spacing[0], base[1] + index[1] * spacing[1]]
            };
            let (edges, outline) = pixel_outline(&slice, &at);
            if !edges.is_empty() {
                slabs.push(Slab {
                    range_mm,
                    region: Region::from_edges(edges),
                    outline,
                });
            }
        }
        slabs.sort_by(|a, b| a.range_mm[0].total_cmp(&b.range_mm[0]));
        Ok(Self {
            frame,
            slabs,
            notes: StackNotes::default(),
            nominal_gap_mm: None,
            prism_gaps: 0,
            surface: None,
        })
    }

    /// A box in a frame: `lo` and `hi` are frame coordinates.
    pub fn from_box(frame: PlaneFrame, lo: [f64; 3], hi: [f64; 3]) -> Self {
        let corners = vec![[lo[0], lo[1]], [hi[0], lo[1]], [hi[0], hi[1]], [lo[0], hi[1]]];
        let outline = sides(&corners).collect();
        Self {
            frame,
            slabs: vec![Slab {
                range_mm: [lo[2], hi[2]],
                region: Region::from_polygons(&[corners], rt_image::Overlap::Xor),
                outline,
            }],
            notes: StackNotes::default(),
            nominal_gap_mm: None,
            prism_gaps: 0,
            surface: None,
        }
    }

    /// Volume, mm3, exact to rounding.
    pub fn volume_mm3(&self) -> f64 {
        rt_core::float::sum(self.slabs.iter().map(Slab::volume_mm3))
    }

    /// Lowest and highest frame coordinates; `None` without slabs.
    pub fn bounds(&self) -> Option<[[f64; 3]; 2]> {
        let boxes = self
            .slabs
            .iter()
            .filter_map(|s| s.region.bounds().map(|[lo, hi]| (s.range_mm, lo, hi)));
        boxes.fold(None, |acc: Option<[[f64; 3]; 2]>, (range, lo, hi)| {
            let ([a, b], [c, d]) = ([lo, hi], range);
            Some(acc.map_or([[a[0], a[1], c], [b[0], b[1], d]], |[l, h]| {
                [
                    [l[0].min(a[0]), l[1].min(a[1]), l[2].min(c)],
                    [h[0].max(b[0]), h[1].max(b[1]), h[2].max(d)],
                ]
            }))
        })
    }
}

/// Sides of a closed polygon.
pub(crate) fn sides(polygon: &[Point2]) -> impl Iterator<Item = [Point2; 2]> + '_ {
    polygon.iter().zip(polygon.iter().cycle().skip(1)).map(|(a, b)| [*a, *b])
}

/// From half way to the slice below to half way to the slice above, in ascending order; outer halves mirror the inner ones.
fn slice_range(n: usize, k: usize, spacing: f64, position: &dyn Fn(usize) -> f64) -> [f64; 2] {
    let here = position(k);
    let below = (k > 0).then(|| here - position(k - 1));
    let above = (k + 1 < n).then(|| position(k + 1) - here);
    let (below, above) = match (below, above) {
        (None, None) => (spacing, spacing),
        (below, above) => (below.or(above).unwrap_or(spacing), above.or(below).unwrap_or(spacing)),
    };
    let (a, b) = (here - below / 2.0, here + above / 2.0);
    [a.min(b), a.max(b)]
}

/// Boundary of the pixels of a slice: oriented vertical pieces (joined over rows), and all pieces. `at(i, j)` is the lower left corner of a pixel.
fn pixel_outline(slice: &ndarray::ArrayView2<'_, u8>, at: &dyn Fn(usize, usize) -> Point2) -> (Vec<Edge>, Vec<[Point2; 2]>) {
    let (nj, ni) = slice.dim();
    let inside = |j: usize, i: usize| j < nj && i < ni && slice[[j, i]] != 0;
    let mut edges = Vec::new();
    let mut outline = Vec::new();
    for i in 0..=ni {
        // +1: the region lies to the right of the line x = i (left border), -1: to its left.
        let side = |j: usize| i8::from(inside(j, i)) - i8::from(i > 0 && inside(j, i - 1));
        for (j, end, kind) in runs(nj, &side) {
            let (a, b) = (at(i, j), at(i, end));
            outline.push([a, b]);
            edges.push(if kind > 0 { Edge { a: b, b: a } } else { Edge { a, b } });
        }
    }
    for j in 0..=nj {
        let side = |i: usize| i8::from(inside(j, i)) - i8::from(j > 0 && inside(j - 1, i));
        outline.extend(runs(ni, &side).map(|(i, end, _)| [at(i, j), at(end, j)]));
    }
    (edges, outline)
}

/// Runs of equal non-zero values: start, end (one past), value.
fn runs(n: usize, value: &dyn Fn(usize) -> i8) -> impl Iterator<Item = (usize, usize, i8)> {
    let mut out = Vec::new();
    let mut start = 0;
    for i in 1..=n {
        if i == n || value(i) != value(start) {
            if value(start) != 0 {
                out.push((start, i, value(start)));
            }
            start = i;
        }
    }
    out.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;
    use rt_core::{Grid, Mat3, Vec3};
    use std::sync::Arc;

    #[test]
    fn a_mask_keeps_the_volume_of_its_voxels_and_their_place() {
        // Voxel order of NIfTI: j towards the front. 3 x 2 x 2 block with one corner voxel missing.
        let d = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
        let grid = Arc::new(Grid::new([10, 8, 6], Vec3::new(-5.0, 20.0, 3.0), [1.0, 2.0, 3.0], d).unwrap());
        let mut block = Array3::ones((2, 2, 3));
        block[[0, 0, 0]] = 0;
        let solid = Solid::from_mask(&Mask::from_block(&grid, [4, 3, 2], block).unwrap()).unwrap();
        assert!((solid.volume_mm3() - 11.0 * 6.0).abs() < 1e-9);
        let [lo, hi] = solid.bounds().unwrap();
        let (a, b) = (solid.frame.lift(lo), solid.frame.lift(hi));
        let (first, last) = (grid.centre(4, 4, 2), grid.centre(6, 3, 3));
        assert!((a.min(b) - (first - Vec3::new(0.5, 1.0, 1.5))).length() < 1e-9, "{a} {b}");
        assert!((a.max(b) - (last + Vec3::new(0.5, 1.0, 1.5))).length() < 1e-9, "{a} {b}");
    }

    #[test]
    fn a_hole_in_a_mask_stays_a_hole() {
        let grid = Arc::new(Grid::axis_aligned([7, 7, 3], Vec3::ZERO, [1.0; 3]).unwrap());
        let mut block = Array3::ones((1, 5, 5));
        block[[0, 2, 2]] = 0;
        let solid = Solid::from_mask(&Mask::from_block(&grid, [1, 1, 1], block).unwrap()).unwrap();
        assert!((solid.volume_mm3() - 24.0).abs() < 1e-12);
        assert!(!solid.slabs[0].region.contains([3.0, 3.0]) && solid.slabs[0].region.contains([2.0, 3.0]));
        // Outer square: two joined vertical pieces; the hole: two more.
        assert_eq!(solid.slabs[0].region.edges().len(), 4);
        assert_eq!(solid.slabs[0].outline.len(), 8);
    }

    #[test]
    fn an_empty_mask_is_an_error_with_a_code() {
        let grid = Arc::new(Grid::axis_aligned([2, 2, 2], Vec3::ZERO, [1.0; 3]).unwrap());
        assert_eq!(Solid::from_mask(&Mask::empty(&grid)).unwrap_err().code(), "dvh.empty");
    }

    #[test]
    fn a_sheared_mask_keeps_its_volume() {
        let tilt = 15f64.to_radians();
        let d = Mat3::from_cols(Vec3::X, Vec3::Y, Vec3::new(0.0, tilt.sin(), tilt.cos()));
        let grid = Arc::new(Grid::new([4, 4, 4], Vec3::ZERO, [1.0, 1.0, 2.0], d).unwrap());
        let solid = Solid::from_mask(&Mask::from_block(&grid, [1, 1, 0], Array3::ones((3, 2, 2))).unwrap()).unwrap();
        assert!((solid.volume_mm3() - 12.0 * grid.voxel_volume_mm3()).abs() < 1e-9);
    }
}
