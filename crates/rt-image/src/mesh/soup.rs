//! The marching-cubes surface as a list of triangles.

use super::bits::BitGrid;
use super::table::TABLE;
use super::{cross, dot, sub, visit};

/// Three corners `[i, j, k]` in mm from the centre of the first voxel of the block, wound with the normal outwards.
pub type Facet = [[f64; 3]; 3];

/// The surface of [`super::surface`], facet by facet, in order of the cubes; empty for an empty mask.
pub fn facets(mask: &BitGrid, spacing: [f64; 3]) -> Vec<Facet> {
    let mut out = Vec::new();
    visit(mask, |state, at| {
        // Cubes are counted from the padding voxel, one before the first of the block.
        let corner: [f64; 3] = std::array::from_fn(|a| (at[a] as f64 - 1.0) * spacing[a]);
        for triangle in &TABLE[state] {
            out.push(triangle.map(|edge| {
                let inner = edge.midpoint(spacing);
                std::array::from_fn(|a| corner[a] + inner[a])
            }));
        }
    });
    out
}

/// Area of a facet, mm2.
pub fn facet_area(facet: &Facet) -> f64 {
    let [a, b, c] = *facet;
    let normal = cross(sub(b, a), sub(c, a));
    0.5 * dot(normal, normal).sqrt()
}

/// Centre of gravity of a facet.
pub fn facet_centre(facet: &Facet) -> [f64; 3] {
    std::array::from_fn(|a| (facet[0][a] + facet[1][a] + facet[2][a]) / 3.0)
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::mesh::surface;

    #[test]
    fn the_facets_have_the_area_of_the_surface_and_lie_around_the_voxel() {
        let grid = BitGrid::new(Array3::<u8>::ones((1, 1, 1)).view());
        let spacing = [1.0, 2.0, 3.0];
        let all = facets(&grid, spacing);
        assert_eq!(all.len(), 8);
        let area: f64 = all.iter().map(facet_area).sum();
        assert!((area - surface(&grid, spacing).area_mm2).abs() < 1e-12);
        // The octahedron of half-axes 0.5, 1, 1.5 mm around the centre of the only voxel.
        for corner in all.iter().flatten() {
            let onto = (corner[0] / 0.5).abs() + corner[1].abs() + (corner[2] / 1.5).abs();
            assert!((onto - 1.0).abs() < 1e-12, "{corner:?}");
        }
    }
}
