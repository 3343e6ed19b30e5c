//! Zones of equal level with their size and distance from the border of the morphological mask (GLSZM and GLDZM).

use ndarray::ArrayView3;

use crate::roi::Roi;

/// A connected set of voxels of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Zone {
    /// 1 + position of the level.
    pub(super) code: u16,
    pub(super) size: u32,
    /// Least distance of its voxels, 1 at the border.
    pub(super) distance: u32,
}

/// Whether slices are looked at one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// 8 neighbours of a zone, 4 of a distance.
    Slices,
    /// 26 neighbours of a zone, 6 of a distance.
    Volume,
}

/// Steps along the axes to the border of a mask, `[k, j, i]` in storage order: 1 for a voxel with a neighbour outside.
pub(super) fn border_distance(block: ArrayView3<'_, u8>, space: Space) -> Vec<u32> {
    let (nk, nj, ni) = block.dim();
    let far = u32::MAX / 2;
    let mut out: Vec<u32> = block.iter().map(|v| if *v == 0 { 0 } else { far }).collect();
    // City-block distance to the outside: two sweeps of each axis are exact for it.
    let mut sweep = |n: usize, stride: usize, starts: &mut dyn Iterator<Item = usize>| {
        for start in starts {
            let mut last = 0;
            for at in (0..n).map(|x| start + x * stride) {
                last = out[at].min(last + 1);
                out[at] = last;
            }
            last = 0;
            for at in (0..n).rev().map(|x| start + x * stride) {
                last = out[at].min(last + 1);
                out[at] = last;
            }
        }
    };
    sweep(ni, 1, &mut (0..nj * nk).map(|n| n * ni));
    sweep(nj, ni, &mut (0..ni * nk).map(|n| n / ni * ni * nj + n % ni));
    if space == Space::Volume {
        sweep(nk, ni * nj, &mut (0..ni * nj));
    }
    out
}

/// The zones of every slice, one list a slice, or of the whole region in one list. `codes` are those of the region's voxels.
pub(super) fn zones(roi: &Roi, codes: &[u16], distance: &[u32], space: Space) -> Vec<Vec<Zone>> {
    let [ni, nj, nk] = roi.size;
    let mut level = vec![0u16; ni * nj * nk];
    let mut next = 0;
    for run in &roi.runs {
        let at = (run.k * nj + run.j) * ni + run.i;
        level[at..at + run.len].copy_from_slice(&codes[next..next + run.len]);
        next += run.len;
    }
    let lists = if space == Space::Slices { nk } else { 1 };
    let mut out = vec![Vec::new(); lists];
    let depth = isize::from(space == Space::Volume);
    let mut open = Vec::new();
    for start in 0..level.len() {
        let code = level[start];
        if code == 0 {
            continue;
        }
        level[start] = 0;
        open.push(start);
        let mut zone = Zone {
            code,
            size: 0,
            distance: u32::MAX,
        };
        while let Some(at) = open.pop() {
            zone.size += 1;
            zone.distance = zone.distance.min(distance[at]);
            let [i, j, k] = [at % ni, at / ni % nj, at / (ni * nj)];
            for dk in -depth..=depth {
                for dj in -1..=1 {
                    for di in -1..=1 {
                        let to = [i.checked_add_signed(di), j.checked_add_signed(dj), k.checked_add_signed(dk)];
                        let [Some(i), Some(j), Some(k)] = to else { continue };
                        if i < ni && j < nj && k < nk && level[(k * nj + j) * ni + i] == code {
                            level[(k * nj + j) * ni + i] = 0;
                            open.push((k * nj + j) * ni + i);
                        }
                    }
                }
            }
        }
        out[if space == Space::Slices { start / (ni * nj) } else { 0 }].push(zone);
    }
    out
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn distances_count_steps_to_the_outside() {
        let block = Array3::<u8>::ones((3, 3, 5));
        let volume = border_distance(block.view(), Space::Volume);
        assert_eq!(&volume[15 + 5..15 + 10], [1, 2, 2, 2, 1]);
        let slices = border_distance(Array3::<u8>::ones((1, 5, 5)).view(), Space::Slices);
        assert_eq!(&slices[10..15], [1, 2, 3, 2, 1]);
    }

    #[test]
    fn zones_touch_by_corners() {
        // Two slices of 2 x 2: level 1 at opposite corners of the box, level 2 elsewhere.
        let roi = Roi::new(Array3::<u8>::ones((2, 2, 2)).view(), [1.0; 3]);
        let codes = [1, 2, 2, 2, 2, 2, 2, 1];
        let found = zones(&roi, &codes, &[1; 8], Space::Volume);
        let sizes: Vec<(u16, u32)> = found[0].iter().map(|z| (z.code, z.size)).collect();
        assert_eq!(sizes, [(1, 2), (2, 6)]);
        let slices = zones(&roi, &codes, &[1; 8], Space::Slices);
        assert_eq!(slices.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    }
}
