//! Marching-cubes surface of a voxel mask: area, enclosed volume and largest diameters, for shape features; its facets and the distance
//! to them, for comparing contours.
//!
//! The surface runs halfway between the centres of inside and outside voxels (iso-level 0.5 of a binary mask), so every vertex is the
//! midpoint of a lattice edge and every 2x2x2 cube of voxel centres has one of 256 states. Area and volume are therefore sums over a
//! histogram of states. Sources: Lorensen and Cline 1987; `spec/radiomics-conventions.md` section 6.
//!
//! ```
//! use ndarray::Array3;
//! use rt_image::mesh::{BitGrid, surface};
//! let one = BitGrid::new(Array3::<u8>::ones((1, 1, 1)).view());
//! let s = surface(&one, [2.0, 2.0, 2.0]);
//! assert!((s.volume_mm3 - 8.0 / 6.0).abs() < 1e-12); // an octahedron of half-axis 1 mm
//! ```

mod bits;
mod diameter;
mod nearest;
mod soup;
mod table;

pub use bits::BitGrid;
pub use diameter::{Diameters, diameters};
pub use nearest::SurfaceIndex;
pub use soup::{Facet, facet_area, facet_centre, facets};

use table::{CORNERS, TABLE};

/// Area and enclosed volume of a marching-cubes surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surface {
    /// Area of all triangles, mm2.
    pub area_mm2: f64,
    /// Sum of the signed tetrahedra between the triangles and the corner of the padded box, mm3.
    pub volume_mm3: f64,
}

/// How often each cube state occurs, and the sums of the cube positions (padded voxel index i, j, k).
struct States {
    count: [u64; 256],
    position: [[u64; 3]; 256],
}

/// Area and volume of the surface of a mask with voxel spacing `[i, j, k]` in mm.
///
/// The mask is closed at its borders (everything outside the block is outside). An empty mask has area and volume 0.
pub fn surface(mask: &BitGrid, spacing: [f64; 3]) -> Surface {
    let states = count_states(mask);
    let (mut area, mut volume) = (0.0, 0.0);
    for (state, triangles) in TABLE.iter().enumerate() {
        let count = states.count[state] as f64;
        if states.count[state] == 0 {
            continue;
        }
        for t in triangles {
            let [a, b, c] = t.map(|edge| edge.midpoint(spacing));
            let normal = cross(sub(b, a), sub(c, a));
            area += count * 0.5 * dot(normal, normal).sqrt();
            // (a+t) x (b+t) . (c+t) = a x b . c + t . (a x b + b x c + c x a), and the bracket is the normal.
            let at: [f64; 3] = std::array::from_fn(|i| states.position[state][i] as f64 * spacing[i]);
            volume += count * dot(cross(a, b), c) + dot(at, normal);
        }
    }
    Surface {
        area_mm2: area,
        volume_mm3: volume / 6.0,
    }
}

fn count_states(mask: &BitGrid) -> States {
    let mut states = States {
        count: [0; 256],
        position: [[0; 3]; 256],
    };
    visit(mask, |state, at| {
        states.count[state] += 1;
        for (sum, at) in states.position[state].iter_mut().zip(at) {
            *sum += at;
        }
    });
    states
}

/// Calls `see` with state and position (padded voxel index i, j, k) of every cube that the surface passes through.
fn visit(mask: &BitGrid, mut see: impl FnMut(usize, [u64; 3])) {
    let [_, ny, nz] = mask.padded_size();
    for k in 0..nz - 1 {
        for j in 0..ny - 1 {
            let rows = [mask.row(j, k), mask.row(j + 1, k), mask.row(j, k + 1), mask.row(j + 1, k + 1)];
            visit_row(&rows, [j as u64, k as u64], &mut see);
        }
    }
}

/// The cubes between four bit rows: (j, k), (j+1, k), (j, k+1), (j+1, k+1).
#[inline]
fn visit_row(rows: &[&[u64]; 4], [j, k]: [u64; 2], see: &mut impl FnMut(usize, [u64; 3])) {
    for w in 0..rows[0].len() {
        let here = rows.map(|r| r[w]);
        let next = rows.map(|r| (r[w] >> 1) | r.get(w + 1).map_or(0, |n| n << 63));
        let any = (0..4).fold(0, |acc, r| acc | here[r] | next[r]);
        let all = (0..4).fold(u64::MAX, |acc, r| acc & here[r] & next[r]);
        let mut mixed = any & !all;
        while mixed != 0 {
            let bit = mixed.trailing_zeros();
            mixed &= mixed - 1;
            let state = CORNERS.iter().enumerate().fold(0usize, |acc, (corner, [di, dj, dk])| {
                let row = dj + 2 * dk;
                let word = if *di == 0 { here[row] } else { next[row] };
                acc | usize::from(word >> bit & 1 == 1) << corner
            });
            see(state, [w as u64 * 64 + u64::from(bit), j, k]);
        }
    }
}

fn sub(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn one_voxel_is_an_octahedron() {
        // Half-axes 0.5, 1, 1.5 mm: volume 4/3 abc = 1 mm3; eight faces of 0.5 sqrt((ab)^2 + (bc)^2 + (ca)^2) each.
        let s = surface(&BitGrid::new(Array3::<u8>::ones((1, 1, 1)).view()), [1.0, 2.0, 3.0]);
        assert!((s.volume_mm3 - 1.0).abs() < 1e-14, "{s:?}");
        let face = 0.5 * (0.25_f64 + 2.25 + 0.5625).sqrt();
        assert!((s.area_mm2 - 8.0 * face).abs() < 1e-13, "{s:?}");
    }

    #[test]
    fn a_box_loses_its_edges_and_corners() {
        // A block of n^3 unit voxels is the cube of edge n minus 12 edge prisms (1/8 mm2 x (n-1)) and 8 corner pieces (1/8 - 1/48 each).
        let n = 70;
        let s = surface(&BitGrid::new(Array3::<u8>::ones((n, n, n)).view()), [1.0; 3]);
        let e = n as f64;
        let expected = e.powi(3) - 12.0 * (e - 1.0) / 8.0 - 8.0 * (1.0 / 8.0 - 1.0 / 48.0);
        assert!((s.volume_mm3 - expected).abs() < 1e-8, "{} {expected}", s.volume_mm3);
    }

    #[test]
    fn a_sphere_has_nearly_its_volume_and_diameter() {
        let (n, r) = (61usize, 28.0);
        let ball = Array3::from_shape_fn((n, n, n), |(k, j, i)| {
            let d2: f64 = [k, j, i].iter().map(|v| (*v as f64 - 30.0).powi(2)).sum();
            u8::from(d2 <= r * r)
        });
        let bits = BitGrid::new(ball.view());
        let s = surface(&bits, [1.0; 3]);
        let exact = 4.0 / 3.0 * std::f64::consts::PI * r * r * r;
        assert!((s.volume_mm3 / exact - 1.0).abs() < 0.005, "{s:?}");
        let d = diameters(&bits, [1.0; 3]);
        assert!((d.max_3d - 2.0 * r - 1.0).abs() < 0.3, "{d:?}");
    }

    #[test]
    fn an_empty_mask_has_no_surface() {
        let bits = BitGrid::new(Array3::<u8>::zeros((0, 0, 0)).view());
        let s = surface(&bits, [1.0; 3]);
        assert!(s.area_mm2.abs() < f64::EPSILON && s.volume_mm3.abs() < f64::EPSILON);
        assert!(diameters(&bits, [1.0; 3]).max_3d.abs() < f64::EPSILON);
    }
}
