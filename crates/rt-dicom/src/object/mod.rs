//! DICOM objects that this crate makes: a tree of elements, its encoding, identifiers, and what an object takes from its image.

mod encode;
pub mod origin;
mod tree;
pub(crate) mod uid;
mod whole;

pub(crate) use encode::{EXPLICIT_LITTLE, encode, write_file};
pub(crate) use origin::NewSeries;
pub use origin::{Origin, OriginSlice};
pub(crate) use tree::{DataSet, Value};
pub use uid::derived_uid;
pub(crate) use whole::{Whole, WholeError, read_whole};

use std::collections::HashSet;
use std::io;

use rt_core::{Grid, Vec3};
use sha2::{Digest as _, Sha256};

/// Name that our objects give as their maker.
pub(crate) const MANUFACTURER: &str = "rtpipeline";

/// The identifier of an object with this content, which belongs to this image: equal content gives the equal UID.
pub(crate) fn content_uid(kind: &str, origin: &Origin, body: &DataSet) -> io::Result<String> {
    let mut bytes = Vec::new();
    encode(&mut bytes, body)?;
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .fold(String::new(), |text, b| text + &format!("{b:02x}"));
    Ok(derived_uid(kind, &[&origin.study_uid, &origin.series_uid, &digest]))
}

/// Names for a value of at most `limit` characters (at most 64), all distinct without regard to case: one that is too long is cut,
/// one that is taken gets `~2`, `~3`, ... at its end.
pub(crate) fn distinct_names<'a>(names: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<String> {
    let limit = limit.clamp(8, 64);
    let mut taken: HashSet<String> = HashSet::new();
    let cut = |text: &str, n: usize| text.chars().take(n).collect::<String>().trim().to_owned();
    names
        .into_iter()
        .map(|name| {
            let clean: String = name.chars().map(|c| if c == '\\' || c.is_control() { ' ' } else { c }).collect();
            let clean = if clean.trim().is_empty() { "unnamed" } else { clean.trim() };
            let mut candidate = cut(clean, limit);
            for n in 2_usize.. {
                if taken.insert(candidate.to_lowercase()) {
                    break;
                }
                let suffix = format!("~{n}");
                candidate = cut(clean, limit - suffix.len()) + &suffix;
            }
            candidate
        })
        .collect()
}

/// Rows and frames of a grid as an image of it stores them: rows chosen so that frames run along `row x column`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    /// Rows are stored against the direction of j.
    pub(crate) rows_reversed: bool,
    /// `ImageOrientationPatient`: along a row, then along a column.
    pub(crate) orientation: [f64; 6],
    size: [usize; 3],
}

impl Layout {
    /// The layout of a grid. A volume in the voxel order of dcm2niix gets the rows of its source image back.
    pub(crate) fn of(grid: &Grid) -> Self {
        let axes = grid.direction();
        let (u, v) = (axes.x_axis, axes.y_axis);
        let rows_reversed = u.cross(v).dot(axes.z_axis) < 0.0;
        let v = if rows_reversed { -v } else { v };
        Self {
            rows_reversed,
            orientation: [u.x, u.y, u.z, v.x, v.y, v.z],
            size: grid.size(),
        }
    }

    /// j of a stored row.
    pub(crate) fn j(&self, row: usize) -> usize {
        if self.rows_reversed { self.size[1] - 1 - row } else { row }
    }

    /// `ImagePositionPatient` of slice k.
    pub(crate) fn position(&self, grid: &Grid, k: usize) -> Vec3 {
        grid.centre(0, self.j(0), k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::Mat3;

    #[test]
    fn names_stay_distinct_when_they_are_cut() {
        let long = "x".repeat(300);
        let names = ["Heart", "heart", "a\\b", "a b", "", "\u{1b}", &long, &format!("{long}y")];
        let got = distinct_names(names, 64);
        assert_eq!(got[..6], ["Heart", "heart~2", "a b", "a b~2", "unnamed", "unnamed~2"]);
        assert_eq!((got[6].len(), got[7].len()), (64, 64));
        assert_ne!(got[6], got[7]);
        assert_eq!(
            distinct_names(["Left parotid gland", "Left parotid glandular"], 16),
            ["Left parotid gla", "Left parotid g~2"]
        );
    }

    #[test]
    fn rows_run_so_that_frames_ascend() {
        let flipped = Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::Z);
        let grid = Grid::new([4, 3, 2], Vec3::new(1.0, 20.0, 5.0), [2.0, 3.0, 4.0], flipped).unwrap();
        let layout = Layout::of(&grid);
        assert!(layout.rows_reversed);
        let expected = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert!(layout.orientation.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(layout.position(&grid, 1), Vec3::new(1.0, 14.0, 9.0));
        let straight = Grid::axis_aligned([4, 3, 2], Vec3::ZERO, [1.0; 3]).unwrap();
        assert!(!Layout::of(&straight).rows_reversed);
    }
}
