//! Convex hull of lattice points, exact in integers (quickhull: Barber, Dobkin, Huhdanpaa 1996).
#![allow(clippy::many_single_char_names, reason = "corners and edges carry the letters of the formulas")]

type Point = [i64; 3];

/// Volume and area of a hull, with the lattice spacing `[i, j, k]` of a coordinate of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hull {
    pub(super) volume: f64,
    pub(super) area: f64,
}

/// A triangle, its neighbours across the edges (0-1, 1-2, 2-0), and the points above it.
struct Face {
    corners: [usize; 3],
    neighbours: [usize; 3],
    above: Vec<usize>,
    alive: bool,
}

struct Builder<'a> {
    points: &'a [Point],
    faces: Vec<Face>,
}

/// The hull of points; `None` when they lie in one plane.
pub(super) fn hull(points: &[Point], spacing: [f64; 3]) -> Option<Hull> {
    let first = simplex(points)?;
    let mut builder = Builder { points, faces: Vec::new() };
    builder.start(first);
    let mut next = 0;
    while next < builder.faces.len() {
        match builder.highest(next) {
            Some(point) => builder.add(next, point),
            None => next += 1,
        }
    }
    let (mut volume, mut area) = (0.0, 0.0);
    let mm = |p: Point| -> [f64; 3] { std::array::from_fn(|a| p[a] as f64 * spacing[a]) };
    let origin = mm(points[first[0]]);
    for face in builder.faces.iter().filter(|f| f.alive) {
        let [a, b, c] = face.corners.map(|n| {
            let p = mm(points[n]);
            [p[0] - origin[0], p[1] - origin[1], p[2] - origin[2]]
        });
        let (u, v): ([f64; 3], [f64; 3]) = (std::array::from_fn(|n| b[n] - a[n]), std::array::from_fn(|n| c[n] - a[n]));
        let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
        area += normal.iter().map(|n| n * n).sum::<f64>().sqrt() / 2.0;
        volume += normal.iter().zip(a).map(|(n, p)| n * p).sum::<f64>() / 6.0;
    }
    Some(Hull { volume, area })
}

fn minus(a: Point, b: Point) -> Point {
    std::array::from_fn(|n| a[n] - b[n])
}

fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn dot(a: Point, b: Point) -> i64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Six times the signed volume of a tetrahedron: positive when `d` is above the triangle `a b c`.
fn height(a: Point, b: Point, c: Point, d: Point) -> i64 {
    dot(cross(minus(b, a), minus(c, a)), minus(d, a))
}

/// Four points that span space, the last below the triangle of the first three.
fn simplex(points: &[Point]) -> Option<[usize; 4]> {
    let a = 0;
    let far = |score: &dyn Fn(Point) -> i64| (0..points.len()).max_by_key(|n| (score(points[*n]), std::cmp::Reverse(*n)));
    let b = far(&|p| dot(minus(p, points[a]), minus(p, points[a])))?;
    let along = minus(points[b], points[a]);
    let off = |p: Point| {
        let n = cross(along, minus(p, points[a]));
        n.iter().map(|v| v.abs()).max().unwrap_or(0)
    };
    let c = far(&off)?;
    let d = far(&|p| height(points[a], points[b], points[c], p).abs())?;
    match height(points[a], points[b], points[c], points[d]) {
        0 => None,
        h if h > 0 => Some([a, c, b, d]),
        _ => Some([a, b, c, d]),
    }
}

impl Builder<'_> {
    fn height(&self, face: usize, point: usize) -> i64 {
        let [a, b, c] = self.faces[face].corners.map(|n| self.points[n]);
        height(a, b, c, self.points[point])
    }

    /// The tetrahedron with all other points on its faces.
    fn start(&mut self, [a, b, c, d]: [usize; 4]) {
        // Face n leaves out corner n of (d, c, a, b); neighbours share an edge each.
        let faces = [[a, b, c], [a, d, b], [b, d, c], [c, d, a]];
        let neighbours = [[1, 2, 3], [3, 2, 0], [1, 3, 0], [2, 1, 0]];
        for (corners, neighbours) in faces.into_iter().zip(neighbours) {
            self.faces.push(Face {
                corners,
                neighbours,
                above: Vec::new(),
                alive: true,
            });
        }
        let all: Vec<usize> = (0..self.points.len()).collect();
        self.hand_out(&all, 0);
    }

    /// Gives each point to the first face from `from` on that it is above.
    fn hand_out(&mut self, points: &[usize], from: usize) {
        for point in points {
            let found = (from..self.faces.len()).find(|face| self.height(*face, *point) > 0);
            if let Some(face) = found {
                self.faces[face].above.push(*point);
            }
        }
    }

    /// The point highest above a living face.
    fn highest(&self, face: usize) -> Option<usize> {
        let f = &self.faces[face];
        if !f.alive {
            return None;
        }
        f.above
            .iter()
            .copied()
            .max_by_key(|p| (self.height(face, *p), std::cmp::Reverse(*p)))
    }

    /// Replaces the faces that a point is above by a fan from it to their rim.
    fn add(&mut self, start: usize, point: usize) {
        let mut seen = vec![start];
        let mut rim = Vec::new();
        self.faces[start].alive = false;
        let mut at = 0;
        while at < seen.len() {
            let face = seen[at];
            at += 1;
            for edge in 0..3 {
                let other = self.faces[face].neighbours[edge];
                if !self.faces[other].alive {
                    continue;
                }
                if self.height(other, point) > 0 {
                    self.faces[other].alive = false;
                    seen.push(other);
                }
            }
        }
        for face in &seen {
            for edge in 0..3 {
                let other = self.faces[*face].neighbours[edge];
                if self.faces[other].alive {
                    let corners = self.faces[*face].corners;
                    rim.push((corners[edge], corners[(edge + 1) % 3], other));
                }
            }
        }
        let first = self.faces.len();
        for (from, to, other) in &rim {
            let new = self.faces.len();
            // The face beyond the rim has the edge the other way round.
            if let Some(edge) = (0..3).find(|e| self.faces[*other].corners[*e] == *to && self.faces[*other].corners[(e + 1) % 3] == *from) {
                self.faces[*other].neighbours[edge] = new;
            }
            let position = |corner: usize, of: &dyn Fn(&(usize, usize, usize)) -> usize| rim.iter().position(|r| of(r) == corner);
            let after = position(*to, &|r| r.0).map_or(new, |n| first + n);
            let before = position(*from, &|r| r.1).map_or(new, |n| first + n);
            self.faces.push(Face {
                corners: [*from, *to, point],
                neighbours: [*other, after, before],
                above: Vec::new(),
                alive: true,
            });
        }
        let mut orphans: Vec<usize> = seen.iter().flat_map(|f| std::mem::take(&mut self.faces[*f].above)).collect();
        orphans.retain(|p| *p != point);
        self.hand_out(&orphans, first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cube_and_an_octahedron_by_hand() {
        // All lattice points of a cube of side 4, faces and inside included.
        let cube: Vec<Point> = (0..125).map(|n| [n % 5, n / 5 % 5, n / 25]).collect();
        let h = hull(&cube, [1.0, 2.0, 0.5]).unwrap();
        assert!((h.volume - 64.0).abs() < 1e-12);
        assert!((h.area - 2.0 * (4.0 * 8.0 + 4.0 * 2.0 + 8.0 * 2.0)).abs() < 1e-12);
        let octahedron: Vec<Point> = (0..3)
            .flat_map(|a| [-3, 3].map(|v| std::array::from_fn(|n| if n == a { v } else { 0 })))
            .collect();
        let h = hull(&octahedron, [1.0; 3]).unwrap();
        assert!((h.volume - 36.0).abs() < 1e-12 && (h.area - 36.0 * 3.0_f64.sqrt()).abs() < 1e-12);
        assert!(hull(&[[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 0]], [1.0; 3]).is_none());
    }

    #[test]
    fn a_ball_is_nearly_its_hull() {
        let r = 20i64;
        let side = 2 * r + 1;
        let points: Vec<Point> = (0..side * side * side)
            .map(|n| [n % side - r, n / side % side - r, n / side / side - r])
            .filter(|p| dot(*p, *p) <= r * r)
            .collect();
        let h = hull(&points, [1.0; 3]).unwrap();
        let sphere = 4.0 / 3.0 * std::f64::consts::PI * (r as f64).powi(3);
        assert!(h.volume < sphere && h.volume > 0.95 * sphere, "{} {sphere}", h.volume);
    }
}
