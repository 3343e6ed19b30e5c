//! Slices of the planning CT with the outlines of all structures, as SVG, for the course page.
//!
//! Slices lie evenly through the target, or through everything that is drawn when there is none. The picture is as a person faces the
//! patient: patient right on the left, front on top. Manual structures are solid lines, others dashed. Colours: Okabe and Ito 2008,
//! told apart by the colour-blind.

mod png;

use std::fmt::Write as _;

use rt_core::{Grid, Vec3};
use rt_image::{Mask, TraceOptions, VolumeView, trace};

/// Colours of the structures, in turn.
const COLOURS: [&str; 7] = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#0072B2"];

/// Grey values of black and white, HU: the usual soft-tissue window (level 40, width 400).
const WINDOW_HU: [f64; 2] = [-160.0, 240.0];

/// Longest side of a picture in pixels.
const LONGEST_SIDE: usize = 256;

/// Slices of a page.
const SLICES: usize = 6;

/// A structure to draw.
#[derive(Debug, Clone, Copy)]
pub struct Drawn<'a> {
    /// Its name.
    pub name: &'a str,
    /// Drawn by a person: a solid line.
    pub is_manual: bool,
    /// A target: the slices are laid through it.
    pub is_target: bool,
    /// Its voxels, on the grid of the CT.
    pub mask: &'a Mask,
}

/// One slice.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Picture {
    /// Slice of the CT, from 0.
    pub slice: usize,
    /// Position of its centre along the patient, mm (LPS z).
    pub z_mm: f64,
    /// A whole `<svg>` element.
    pub svg: String,
}

/// Line of the legend.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LegendEntry {
    /// Name of the structure.
    pub name: String,
    /// Its colour.
    pub colour: &'static str,
    /// Drawn by a person.
    pub is_manual: bool,
}

/// The pictures and their legend; nothing when no structure has a voxel.
pub fn montage(ct: VolumeView<'_, i16>, structures: &[Drawn<'_>]) -> (Vec<Picture>, Vec<LegendEntry>) {
    let grid = ct.grid();
    let all: Vec<&Drawn<'_>> = structures
        .iter()
        .filter(|s| !s.mask.is_empty() && s.mask.grid().size() == grid.size())
        .collect();
    let pictures = chosen(&all).into_iter().map(|k| Picture {
        slice: k,
        z_mm: grid.centre(grid.size()[0] / 2, grid.size()[1] / 2, k).z,
        svg: picture(ct, k, &all),
    });
    let legend = all.iter().enumerate().map(|(n, s)| LegendEntry {
        name: s.name.to_owned(),
        colour: COLOURS[n % COLOURS.len()],
        is_manual: s.is_manual,
    });
    (pictures.collect(), legend.collect())
}

/// Slices evenly through the targets, else through all structures; ascending, each once.
fn chosen(all: &[&Drawn<'_>]) -> Vec<usize> {
    let has_target = all.iter().any(|s| s.is_target);
    let range = |s: &&&Drawn<'_>| (s.mask.lo()[2], s.mask.lo()[2] + s.mask.size()[2] - 1);
    let ranges: Vec<(usize, usize)> = all.iter().filter(|s| s.is_target || !has_target).map(|s| range(&s)).collect();
    let (Some(first), Some(last)) = (ranges.iter().map(|r| r.0).min(), ranges.iter().map(|r| r.1).max()) else {
        return Vec::new();
    };
    let mut slices: Vec<usize> = (0..SLICES).map(|n| first + (last - first) * (2 * n + 1) / (2 * SLICES)).collect();
    slices.dedup();
    slices
}

/// Where a voxel lies on the picture: in mm from its upper left corner.
struct Frame {
    spacing: [f64; 2],
    size: [usize; 2],
    mirrored: [bool; 2],
}

impl Frame {
    fn new(grid: &Grid) -> Self {
        let direction = grid.direction();
        Self {
            spacing: [grid.spacing()[0], grid.spacing()[1]],
            size: [grid.size()[0], grid.size()[1]],
            // Patient left (+x) to the right, back (+y) down.
            mirrored: [direction.x_axis.x < 0.0, direction.y_axis.y < 0.0],
        }
    }

    fn extent(&self) -> [f64; 2] {
        [0, 1].map(|a| self.size[a] as f64 * self.spacing[a])
    }

    fn place(&self, index: Vec3) -> [f64; 2] {
        let at = [index.x, index.y];
        [0, 1].map(|a| {
            let from = if self.mirrored[a] {
                self.size[a] as f64 - 1.0 - at[a]
            } else {
                at[a]
            };
            (from + 0.5) * self.spacing[a]
        })
    }
}

fn picture(ct: VolumeView<'_, i16>, k: usize, all: &[&Drawn<'_>]) -> String {
    let frame = Frame::new(ct.grid());
    let [width, height] = frame.extent();
    let (columns, pixels) = grey(ct, k, &frame);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width:.2} {height:.2}\" role=\"img\" aria-label=\"Slice {k} of the planning CT with the outlines of the structures\">\
         <image width=\"{width:.2}\" height=\"{height:.2}\" preserveAspectRatio=\"none\" href=\"{}\"/>",
        png::data_address(columns, &pixels)
    );
    for (n, structure) in all.iter().enumerate() {
        let path = outline(structure.mask, k, &frame);
        if !path.is_empty() {
            let dash = if structure.is_manual { "" } else { " stroke-dasharray=\"5 3\"" };
            // Writing to a String cannot fail.
            let _ = write!(svg, "<path d=\"{path}\" stroke=\"{}\"{dash}/>", COLOURS[n % COLOURS.len()]);
        }
    }
    svg.push_str("</svg>");
    svg
}

/// The slice as a person sees it, coarse enough for a page: the mean of the pixels that one stands for. Gives columns and grey values.
fn grey(ct: VolumeView<'_, i16>, k: usize, frame: &Frame) -> (usize, Vec<u8>) {
    let plane = ct.data();
    let plane = plane.index_axis(ndarray::Axis(0), k);
    let step = frame.size[0].max(frame.size[1]).div_ceil(LONGEST_SIDE).max(1);
    let [columns, rows] = frame.size.map(|n| n.div_ceil(step));
    // Of a mirrored axis the last pixel stands first.
    let span = |n: usize, a: usize| {
        let (lo, hi) = (n * step, ((n + 1) * step).min(frame.size[a]));
        if frame.mirrored[a] {
            frame.size[a] - hi..frame.size[a] - lo
        } else {
            lo..hi
        }
    };
    let mut pixels = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        for column in 0..columns {
            let part = plane.slice(ndarray::s![span(row, 1), span(column, 0)]);
            let mean = part.iter().map(|v| f64::from(*v)).sum::<f64>() / part.len().max(1) as f64;
            pixels.push(shade(mean));
        }
    }
    (columns, pixels)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
fn shade(hu: f64) -> u8 {
    let share = (hu - WINDOW_HU[0]) / (WINDOW_HU[1] - WINDOW_HU[0]);
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// Path of the outlines of a mask on one slice; empty where it has none.
fn outline(mask: &Mask, k: usize, frame: &Frame) -> String {
    let (lo, size) = (mask.lo(), mask.size());
    if !(lo[2]..lo[2] + size[2]).contains(&k) {
        return String::new();
    }
    let grid = mask.grid();
    // The box is part of the mask's own, so this cannot fail.
    let slice = mask
        .block_in([lo[0], lo[1], k], [size[0], size[1], 1])
        .ok()
        .and_then(|block| Mask::from_block(grid, [lo[0], lo[1], k], block).ok());
    let mut path = String::new();
    for contour in slice.map(|s| trace(&s, TraceOptions::default()).contours).unwrap_or_default() {
        for (n, point) in contour.points.iter().enumerate() {
            let [x, y] = frame.place(grid.world_to_index(*point));
            let _ = write!(path, "{}{x:.1} {y:.1}", if n == 0 { 'M' } else { 'L' });
        }
        path.push('Z');
    }
    path
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ndarray::Array3;
    use rt_core::Mat3;
    use rt_image::Volume;

    use super::*;

    /// 20 x 16 x 10 voxels of 2 x 2 x 3 mm; rows to the front, as dcm2niix writes them.
    fn grid() -> Arc<Grid> {
        let direction = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
        Arc::new(Grid::new([20, 16, 10], Vec3::new(0.0, 30.0, -5.0), [2.0, 2.0, 3.0], direction).unwrap())
    }

    fn cuboid(lo: [usize; 3], size: [usize; 3]) -> Mask {
        Mask::from_block(&grid(), lo, Array3::ones((size[2], size[1], size[0]))).unwrap()
    }

    fn ct() -> Volume<i16> {
        Volume::new(
            grid(),
            Array3::from_shape_fn((10, 16, 20), |(_, j, _)| if j == 15 { 240 } else { -160 }),
        )
        .unwrap()
    }

    #[test]
    fn slices_go_through_the_target() {
        let (target, body) = (cuboid([5, 5, 4], [3, 3, 3]), cuboid([0, 0, 0], [20, 16, 10]));
        let drawn = |mask, is_target| Drawn {
            name: "x",
            is_manual: true,
            is_target,
            mask,
        };
        let (with, without) = ([drawn(&body, false), drawn(&target, true)], [drawn(&body, false)]);
        let slices = |all: &[Drawn<'_>]| montage(ct().view(), all).0.iter().map(|p| p.slice).collect::<Vec<_>>();
        assert_eq!(slices(&with), [4, 5]);
        assert_eq!(slices(&without), [0, 2, 3, 5, 6, 8]);
        assert!(slices(&[drawn(&Mask::empty(&grid()), true)]).is_empty());
    }

    #[test]
    fn the_patient_is_faced() {
        // The last row of the file is the front of the patient: it is on top, and white.
        let frame = Frame::new(&grid());
        let (columns, pixels) = grey(ct().view(), 0, &frame);
        assert_eq!((columns, pixels.len()), (20, 320));
        assert!(pixels[..20].iter().all(|p| *p == 255) && pixels[20..].iter().all(|p| *p == 0));
        // Voxel (0, 15) is the upper left pixel of 2 x 2 mm.
        let rounded = |p: [f64; 2]| p.map(|v| format!("{v:.3}"));
        assert_eq!(rounded(frame.place(Vec3::new(0.0, 15.0, 0.0))), ["1.000", "1.000"]);
        assert_eq!(rounded(frame.extent()), ["40.000", "32.000"]);
    }

    #[test]
    fn outlines_are_lines_of_their_source_where_the_structure_is() {
        let mask = cuboid([5, 5, 4], [3, 3, 3]);
        let drawn = [
            Drawn {
                name: "PTV",
                is_manual: true,
                is_target: true,
                mask: &mask,
            },
            Drawn {
                name: "auto",
                is_manual: false,
                is_target: false,
                mask: &mask,
            },
        ];
        let (pictures, legend) = montage(ct().view(), &drawn);
        // Columns 5 to 7 are 10 to 16 mm from the left; the line runs through the middles between inner and outer centres.
        assert!(
            pictures[0].svg.contains("M10.0 ") || pictures[0].svg.contains("L10.0 "),
            "{}",
            pictures[0].svg
        );
        assert_eq!(pictures[0].svg.matches("<path").count(), 2);
        assert_eq!(pictures[0].svg.matches("stroke-dasharray").count(), 1);
        assert_eq!(
            legend.iter().map(|l| (l.name.as_str(), l.is_manual)).collect::<Vec<_>>(),
            [("PTV", true), ("auto", false)]
        );
        assert!(outline(&mask, 3, &Frame::new(&grid())).is_empty());
    }
}
