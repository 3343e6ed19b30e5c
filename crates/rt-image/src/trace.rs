//! A mask to contours: closed polygons around its voxels, slice by slice.
//!
//! The outline follows the sides between inner and outer pixels. [`Outline::Midpoints`] joins the middles of these sides (marching
//! squares at one half of a binary image); [`Outline::PixelEdges`] follows the pixels' own edges. Both give the mask back when
//! they are filled by pixel centres, because no line runs through a centre. Pixels that touch only at a corner are apart.
//! Points on a straight line are left out; nothing else is simplified. (`spec/segmentation.md` 5.4.)

use ndarray::{Array2, ArrayView2};
use rt_core::Vec3;
use serde::{Deserialize, Serialize};

use crate::{Contour, ContourKind, ContourSet, Mask};

/// Where the outline runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outline {
    /// Through the middles between inner and outer pixel centres; corners are cut.
    #[default]
    Midpoints,
    /// Along the edges of the pixels; the enclosed area is exactly theirs.
    PixelEdges,
}

/// How holes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoleStyle {
    /// Contours of their own, for readers that fill by even-odd.
    #[default]
    Inner,
    /// Joined to the outer contour by a channel of no width.
    Keyhole,
}

/// How masks are traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceOptions {
    /// Where the outline runs.
    pub outline: Outline,
    /// How holes are written.
    pub holes: HoleStyle,
}

/// A point in half pixels of the block.
type HalfPoint = [i64; 2];
/// Directions along +i, +j, -i, -j.
const STEPS: [HalfPoint; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// The contours of a mask, slice by slice in ascending k; points in LPS mm on the slice planes.
///
/// Outer contours run from +i towards +j (positive area in index coordinates), holes the other way round.
pub fn trace(mask: &Mask, options: TraceOptions) -> ContourSet {
    let grid = mask.grid();
    let lo = mask.lo();
    let mut contours = Vec::new();
    for (at, plane) in mask.block().outer_iter().enumerate() {
        let mut rings = rings(plane, options.outline);
        if options.holes == HoleStyle::Keyhole {
            rings = join_holes(rings);
        }
        for ring in rings {
            let to_world = |p: &HalfPoint| {
                let [i, j] = [0, 1].map(|a| p[a] as f64 / 2.0 + lo[a] as f64);
                grid.index_to_world(Vec3::new(i, j, (lo[2] + at) as f64))
            };
            contours.push(Contour {
                kind: ContourKind::ClosedPlanar,
                points: ring.iter().map(to_world).collect(),
            });
        }
    }
    ContourSet { contours }
}

/// Closed outlines of a plane `[j, i]`, in half pixels: pixel (i, j) has its centre at (2i, 2j).
fn rings(plane: ArrayView2<'_, u8>, outline: Outline) -> Vec<Vec<HalfPoint>> {
    let mut sides = open_sides(plane);
    let mut rings = Vec::new();
    for j in 0..sides.nrows() {
        for i in 0..sides.ncols() {
            while let Some(direction) = (0..4).find(|d| sides[[j, i]] & 1 << d != 0) {
                rings.push(straightened(&follow(&mut sides, [i, j], direction, outline)));
            }
        }
    }
    rings
}

/// For each corner of the pixels, the directions in which a side between an inner and an outer pixel leaves it, the inner pixel on
/// the side that one turns to from +i to +j.
fn open_sides(plane: ArrayView2<'_, u8>) -> Array2<u8> {
    let (nj, ni) = plane.dim();
    let mut sides = Array2::<u8>::zeros((nj + 1, ni + 1));
    let inside = |j: Option<usize>, i: Option<usize>| j.zip(i).and_then(|at| plane.get(at)).is_some_and(|v| *v != 0);
    for ((j, i), v) in plane.indexed_iter() {
        if *v == 0 {
            continue;
        }
        let neighbours = [
            (inside(j.checked_sub(1), Some(i)), [j, i], 0),
            (inside(Some(j), Some(i + 1)), [j, i + 1], 1),
            (inside(Some(j + 1), Some(i)), [j + 1, i + 1], 2),
            (inside(Some(j), i.checked_sub(1)), [j + 1, i], 3),
        ];
        for (covered, corner, direction) in neighbours {
            if !covered {
                sides[corner] |= 1 << direction;
            }
        }
    }
    sides
}

/// Walks along the sides from a corner until it is back, taking them away.
fn follow(sides: &mut Array2<u8>, start: [usize; 2], direction: usize, outline: Outline) -> Vec<HalfPoint> {
    let mut points = Vec::new();
    let (mut at, mut direction) = (start, direction);
    loop {
        sides[[at[1], at[0]]] &= !(1 << direction);
        let step = STEPS[direction];
        let corner = at.map(|v| 2 * i64::try_from(v).unwrap_or(i64::MAX / 4) - 1);
        points.push(match outline {
            Outline::Midpoints => [corner[0] + step[0], corner[1] + step[1]],
            Outline::PixelEdges => corner,
        });
        at = [0, 1].map(|a| match step[a] {
            1 => at[a] + 1,
            -1 => at[a] - 1,
            _ => at[a],
        });
        // Where two pixels touch at a corner, the turn to the inside stays with the same pixel.
        let left = sides[[at[1], at[0]]];
        let Some(next) = [1, 0, 3]
            .into_iter()
            .map(|turn| (direction + turn) % 4)
            .find(|d| left & 1 << d != 0)
        else {
            return points;
        };
        direction = next;
    }
}

/// The ring without the points that lie on the line between their neighbours.
fn straightened(ring: &[HalfPoint]) -> Vec<HalfPoint> {
    let n = ring.len();
    let turns = |k: usize| {
        let (a, b, c) = (ring[(k + n - 1) % n], ring[k], ring[(k + 1) % n]);
        (b[0] - a[0]) * (c[1] - b[1]) != (b[1] - a[1]) * (c[0] - b[0])
    };
    (0..n).filter(|k| turns(*k)).map(|k| ring[k]).collect()
}

/// Twice the signed area.
fn twice_area(ring: &[HalfPoint]) -> i64 {
    (0..ring.len())
        .map(|k| (ring[k], ring[(k + 1) % ring.len()]))
        .map(|(a, b)| a[0] * b[1] - b[0] * a[1])
        .sum()
}

/// Joins every hole to the smallest outer ring around it.
fn join_holes(rings: Vec<Vec<HalfPoint>>) -> Vec<Vec<HalfPoint>> {
    let (mut outer, mut holes): (Vec<_>, Vec<_>) = rings.into_iter().partition(|r| twice_area(r) > 0);
    // Holes from above downwards: a channel then seldom runs through another hole; if it does, it cancels itself all the same.
    holes.sort_by_key(|h| h.iter().map(|p| (p[1], p[0])).min());
    let areas: Vec<i64> = outer.iter().map(|r| twice_area(r)).collect();
    let originals = outer.clone();
    for hole in holes {
        let around = (0..outer.len())
            .filter(|n| surrounds(&originals[*n], &hole))
            .min_by_key(|n| areas[*n]);
        if let Some(n) = around {
            outer[n] = with_channel(&outer[n], &hole);
        }
    }
    outer
}

/// Whether a ring holds a hole: tested on the row a quarter pixel off the hole's first point, where no vertex lies.
fn surrounds(ring: &[HalfPoint], hole: &[HalfPoint]) -> bool {
    let scaled = |p: &HalfPoint| p.map(|v| v * 4);
    let p = [hole[0][0] * 4, hole[0][1] * 4 + 1];
    let mut odd = false;
    for k in 0..ring.len() {
        let (a, b) = (scaled(&ring[k]), scaled(&ring[(k + 1) % ring.len()]));
        if (a[1] <= p[1]) != (b[1] <= p[1]) {
            let (low, high) = if a[1] < b[1] { (a, b) } else { (b, a) };
            odd ^= (p[0] - low[0]) * (high[1] - low[1]) > (high[0] - low[0]) * (p[1] - low[1]);
        }
    }
    odd
}

/// The outer ring with a way from its vertex nearest to the hole's lowest vertex into the hole, around it and back.
fn with_channel(outer: &[HalfPoint], hole: &[HalfPoint]) -> Vec<HalfPoint> {
    let lowest = (0..hole.len()).min_by_key(|k| (hole[*k][1], hole[*k][0])).unwrap_or(0);
    let far = |p: &HalfPoint| (0..2).map(|a| (p[a] - hole[lowest][a]).pow(2)).sum::<i64>();
    let gate = (0..outer.len()).min_by_key(|k| far(&outer[*k])).unwrap_or(0);
    let mut joined = outer[..=gate].to_vec();
    joined.extend((0..=hole.len()).map(|k| hole[(lowest + k) % hole.len()]));
    joined.extend_from_slice(&outer[gate..]);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::{RasterOptions, Reading, rasterize};
    use ndarray::Array3;
    use proptest::prelude::*;
    use rt_core::{Grid, Mat3};
    use std::sync::Arc;

    fn grid(size: [usize; 3]) -> Arc<Grid> {
        // Rows stored bottom-up and unequal spacing, as NIfTI volumes have them.
        let d = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
        Arc::new(Grid::new(size, Vec3::new(-10.3, 55.7, -200.0), [0.7, 1.1, 2.5], d).unwrap())
    }

    fn plane(rows: &[&str]) -> Mask {
        let g = grid([rows[0].len(), rows.len(), 1]);
        let b = Array3::from_shape_fn((1, rows.len(), rows[0].len()), |(_, j, i)| u8::from(rows[j].as_bytes()[i] == b'#'));
        Mask::from_block(&g, [0; 3], b).unwrap()
    }

    /// Points in index coordinates.
    fn indices(m: &Mask, options: TraceOptions) -> Vec<Vec<[f64; 2]>> {
        let to_index = |p: &Vec3| {
            let q = m.grid().world_to_index(*p);
            [q.x, q.y].map(|v| (v * 1e6).round() / 1e6)
        };
        trace(m, options)
            .contours
            .iter()
            .map(|c| c.points.iter().map(to_index).collect())
            .collect()
    }

    #[test]
    fn one_pixel_is_a_diamond_or_a_square() {
        let m = plane(&["...", ".#.", "..."]);
        assert_eq!(
            indices(&m, TraceOptions::default()),
            [[[1.0, 0.5], [1.5, 1.0], [1.0, 1.5], [0.5, 1.0]]]
        );
        let square = TraceOptions {
            outline: Outline::PixelEdges,
            ..TraceOptions::default()
        };
        assert_eq!(indices(&m, square), [[[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [0.5, 1.5]]]);
    }

    #[test]
    fn straight_sides_have_no_points_in_between() {
        let m = plane(&["#####", "#####", "#####"]);
        let rings = indices(&m, TraceOptions::default());
        // Four sides and four cut corners.
        assert_eq!((rings.len(), rings[0].len()), (1, 8));
    }

    #[test]
    fn diagonal_pixels_are_apart_and_a_hole_is_an_inner_contour() {
        assert_eq!(indices(&plane(&["#.", ".#"]), TraceOptions::default()).len(), 2);
        let ring = plane(&["####", "#..#", "#..#", "####"]);
        let areas: Vec<f64> = indices(
            &ring,
            TraceOptions {
                outline: Outline::PixelEdges,
                ..TraceOptions::default()
            },
        )
        .iter()
        .map(|r| {
            (0..r.len())
                .map(|k| (r[k], r[(k + 1) % r.len()]))
                .map(|(a, b)| a[0] * b[1] - b[0] * a[1])
                .sum::<f64>()
                / 2.0
        })
        .collect();
        assert_eq!(areas.len(), 2);
        assert!((areas[0] - 16.0).abs() < 1e-9 && (areas[1] + 4.0).abs() < 1e-9, "{areas:?}");
    }

    #[test]
    fn a_keyhole_is_one_contour_for_each_part() {
        // A ring with an island in its hole: the island is a part of its own.
        let m = plane(&["#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"]);
        let options = TraceOptions {
            holes: HoleStyle::Keyhole,
            ..TraceOptions::default()
        };
        assert_eq!(trace(&m, TraceOptions::default()).contours.len(), 4);
        assert_eq!(trace(&m, options).contours.len(), 2);
    }

    #[test]
    fn contours_lie_on_the_slice_planes() {
        let m = Mask::from_block(&grid([4, 4, 5]), [1, 1, 1], Array3::ones((3, 2, 2))).unwrap();
        let zs: Vec<f64> = trace(&m, TraceOptions::default()).contours.iter().map(|c| c.points[0].z).collect();
        assert_eq!(zs.len(), 3);
        assert!(zs.iter().zip([-197.5, -195.0, -192.5]).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    proptest! {
        #[test]
        fn contours_of_a_mask_give_the_mask_back(bits in proptest::collection::vec(0u8..3, 3 * 7 * 9), dense in any::<bool>()) {
            let g = grid([11, 8, 4]);
            let block = Array3::from_shape_vec((3, 7, 9), bits).unwrap().mapv(|v| u8::from((v == 0) != dense));
            let m = Mask::from_block(&g, [1, 1, 0], block).unwrap();
            prop_assume!(!m.is_empty());
            for outline in [Outline::Midpoints, Outline::PixelEdges] {
                for holes in [HoleStyle::Inner, HoleStyle::Keyhole] {
                    let contours = trace(&m, TraceOptions { outline, holes });
                    let options = RasterOptions { reading: Reading::OwnSlice, ..RasterOptions::default() };
                    let back = rasterize(&contours, &g, options).unwrap();
                    prop_assert_eq!(&back.mask, &m);
                    prop_assert_eq!((back.marked, back.leaves_grid), (0, false));
                }
            }
        }
    }
}
