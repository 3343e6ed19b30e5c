//! What is done slice by slice: holes and straight thin runs.

use ndarray::{Array3, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

/// Which holes of a slice are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holes {
    /// All of them.
    All,
    /// Those of at most so many pixels.
    UpTo(usize),
}

/// Fills holes slice by slice: background that no path of face neighbours joins to the border of the slice.
pub(crate) fn fill_holes(block: &mut Array3<u8>, holes: Holes) {
    block
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .for_each_init(Vec::new, |stack, mut plane| fill_plane(&mut plane, holes, stack));
}

/// Marks of pixels while holes are looked for; set pixels are 1.
const OPEN: u8 = 0;
const OUTSIDE: u8 = 2;
const KEPT: u8 = 3;

fn fill_plane(plane: &mut ArrayViewMut2<'_, u8>, holes: Holes, stack: &mut Vec<(usize, usize)>) {
    let (nj, ni) = plane.dim();
    if nj == 0 || ni == 0 || plane.iter().all(|v| *v == 0) {
        return;
    }
    let border = (0..ni)
        .flat_map(|i| [(0, i), (nj - 1, i)])
        .chain((0..nj).flat_map(|j| [(j, 0), (j, ni - 1)]));
    for at in border {
        flood(plane, at, OUTSIDE, stack, |_| ());
    }
    for j in 0..nj {
        for i in 0..ni {
            if plane[[j, i]] != OPEN {
                continue;
            }
            let mut hole = Vec::new();
            flood(plane, (j, i), KEPT, stack, |at| hole.push(at));
            let fills = match holes {
                Holes::All => true,
                Holes::UpTo(most) => hole.len() <= most,
            };
            if fills {
                for (j, i) in hole {
                    plane[[j, i]] = 1;
                }
            }
        }
    }
    plane.mapv_inplace(|v| u8::from(v == 1));
}

/// Marks the open pixels that are joined to `seed` by faces.
fn flood(
    plane: &mut ArrayViewMut2<'_, u8>,
    seed: (usize, usize),
    mark: u8,
    stack: &mut Vec<(usize, usize)>,
    mut visit: impl FnMut((usize, usize)),
) {
    let (nj, ni) = plane.dim();
    stack.clear();
    stack.push(seed);
    while let Some((j, i)) = stack.pop() {
        if plane[[j, i]] != OPEN {
            continue;
        }
        // The whole open run through this pixel at once, then the openings above and below it.
        let mut start = i;
        while start > 0 && plane[[j, start - 1]] == OPEN {
            start -= 1;
        }
        let mut end = i;
        while end < ni && plane[[j, end]] == OPEN {
            plane[[j, end]] = mark;
            visit((j, end));
            end += 1;
        }
        for x in start..i {
            plane[[j, x]] = mark;
            visit((j, x));
        }
        for other in [j.checked_sub(1), Some(j + 1).filter(|o| *o < nj)].into_iter().flatten() {
            let mut before = false;
            for x in start..end {
                let open = plane[[other, x]] == OPEN;
                if open && !before {
                    stack.push((other, x));
                }
                before = open;
            }
        }
    }
}

/// For every row, the number of pixels that are set and belong to a run across rows of at most `thickness` pixels.
pub(crate) fn thin_pixels_by_row(plane: ArrayView2<'_, u8>, thickness: usize) -> Vec<usize> {
    let (nj, ni) = plane.dim();
    let mut thin = vec![0; nj];
    for i in 0..ni {
        let mut j = 0;
        while j < nj {
            if plane[[j, i]] == 0 {
                j += 1;
                continue;
            }
            let end = (j..nj).find(|y| plane[[*y, i]] == 0).unwrap_or(nj);
            if end - j <= thickness {
                thin[j..end].iter_mut().for_each(|n| *n += 1);
            }
            j = end;
        }
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(rows: &[&str]) -> Array3<u8> {
        let (nj, ni) = (rows.len(), rows[0].len());
        Array3::from_shape_fn((1, nj, ni), |(_, j, i)| u8::from(rows[j].as_bytes()[i] == b'#'))
    }

    #[test]
    fn holes_are_filled_and_bays_are_not() {
        let mut b = picture(&["#####..", "#...#..", "#.#.###", "#...#..", "#####..", "..#.#.."]);
        fill_holes(&mut b, Holes::All);
        assert_eq!(b, picture(&["#####..", "#####..", "#######", "#####..", "#####..", "..#.#.."]));
    }

    #[test]
    fn a_diagonal_gap_is_no_door() {
        let mut b = picture(&[".#.", "#.#", ".#."]);
        fill_holes(&mut b, Holes::All);
        assert_eq!(b, picture(&[".#.", "###", ".#."]));
    }

    #[test]
    fn large_holes_may_stay() {
        let mut b = picture(&["#######", "#.#...#", "###...#", "#######"]);
        fill_holes(&mut b, Holes::UpTo(5));
        assert_eq!(b, picture(&["#######", "###...#", "###...#", "#######"]));
    }

    #[test]
    fn thin_runs_are_counted_by_row() {
        let b = picture(&["##...", "##...", "#####", "##...", "....."]);
        // Columns 0 and 1 are 4 thick, columns 2 to 4 are 1 thick.
        assert_eq!(thin_pixels_by_row(b.index_axis(Axis(0), 0), 2), vec![0, 0, 3, 0, 0]);
        assert_eq!(thin_pixels_by_row(b.index_axis(Axis(0), 0), 4), vec![2, 2, 5, 2, 0]);
    }
}
