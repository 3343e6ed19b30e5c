//! Spatial registrations (PS3.3 C.20.2): rigid matrices between frames of reference, and what they do to a lattice.
//!
//! Only rigid matrices are ever applied. Scaling and affine ones are read and told; deformation fields (class 66.3) are not read at all.

use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use rt_core::{Grid, GridError, Mat3, Vec3};

use crate::dataset::Fields;
use crate::gate::Limits;
use crate::notice::Notice;
use crate::open::{OpenError, open};

/// A rotation may leave unit length and right angles by this much.
const RIGID_TOLERANCE: f64 = 1e-3;
/// Two registrations agree when no point within half a metre of the origin goes elsewhere by more than this, mm.
const AGREEMENT_MM: f64 = 0.1;

/// Why a registration cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The file cannot be opened as DICOM.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A matrix that is none.
    #[error("{path}: FrameOfReferenceTransformationMatrix {reason}")]
    Matrix {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl RegistrationError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(e) => e.code(),
            Self::Matrix { .. } => "reg.matrix",
        }
    }
}

/// Rotation and shift: `p` goes to `rotation * p + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rigid {
    /// Proper rotation.
    pub rotation: Mat3,
    /// Shift, mm.
    pub shift: Vec3,
}

impl Rigid {
    /// Nothing moves.
    pub const IDENTITY: Self = Self {
        rotation: Mat3::IDENTITY,
        shift: Vec3::ZERO,
    };

    /// Where a point goes.
    pub fn apply(&self, p: Vec3) -> Vec3 {
        self.rotation * p + self.shift
    }

    /// The way back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let rotation = self.rotation.transpose();
        Self {
            rotation,
            shift: -(rotation * self.shift),
        }
    }

    /// First `self`, then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self {
            rotation: next.rotation * self.rotation,
            shift: next.apply(self.shift),
        }
    }

    /// Where a lattice comes to lie; its samples stay as they are.
    ///
    /// # Errors
    /// [`GridError`] when the moved lattice cannot be built (never for a proper rotation).
    pub fn move_grid(&self, grid: &Grid) -> Result<Grid, GridError> {
        let moved = Grid::new(
            grid.size(),
            self.apply(grid.origin()),
            grid.spacing(),
            self.rotation * grid.direction(),
        )?;
        match grid.offsets() {
            Some(offsets) => moved.with_offsets(offsets.to_vec()),
            None => Ok(moved),
        }
    }

    fn agrees(&self, other: &Self) -> bool {
        let far = [Vec3::ZERO, Vec3::X * 500.0, Vec3::Y * 500.0, Vec3::Z * 500.0];
        far.iter().all(|p| (self.apply(*p) - other.apply(*p)).length() <= AGREEMENT_MM)
    }
}

/// `FrameOfReferenceTransformationMatrixType`, checked against the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixKind {
    /// Rotation and shift.
    Rigid,
    /// Also scaling along the axes.
    RigidScale,
    /// Any affine map.
    Affine,
}

impl MatrixKind {
    /// The DICOM defined term.
    pub fn term(self) -> &'static str {
        match self {
            Self::Rigid => "RIGID",
            Self::RigidScale => "RIGID_SCALE",
            Self::Affine => "AFFINE",
        }
    }
}

/// One frame that a registration maps to its own.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredFrame {
    /// The frame of reference whose points the matrix takes.
    pub frame_uid: String,
    /// Sixteen numbers, row by row, all matrices of the item multiplied; maps to the registration's own frame.
    pub matrix: [f64; 16],
    /// What the matrix is.
    pub kind: MatrixKind,
}

impl RegisteredFrame {
    /// The rigid motion; `None` for other kinds.
    pub fn rigid(&self) -> Option<Rigid> {
        let [x, y, z, shift] = columns(&self.matrix);
        (self.kind == MatrixKind::Rigid).then(|| Rigid {
            rotation: Mat3::from_cols(x, y, z),
            shift,
        })
    }
}

/// A registration object.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// `SOPInstanceUID`.
    pub sop_uid: String,
    /// The frame that all others are mapped to.
    pub frame_uid: String,
    /// Frames with their matrices, in stored order.
    pub frames: Vec<RegisteredFrame>,
    /// A deformation field: it has no matrices that could stand for it.
    pub is_deformable: bool,
    /// Findings.
    pub notices: Vec<Notice>,
}

impl Registration {
    /// The rigid motion that takes points of `from` to `to`; `None` when this object does not join them rigidly.
    pub fn between(&self, from: &str, to: &str) -> Option<Rigid> {
        if self.is_deformable {
            return None;
        }
        let to_own = |frame: &str| {
            let listed = self.frames.iter().find(|f| f.frame_uid == frame);
            match listed {
                Some(f) => f.rigid(),
                None => (frame == self.frame_uid).then_some(Rigid::IDENTITY),
            }
        };
        Some(to_own(from)?.then(&to_own(to)?.inverse()))
    }
}

/// What the registrations of a course say about two frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Joined {
    /// One motion; all registrations that join the frames agree on it.
    By(Rigid),
    /// Registrations contradict each other.
    Contradicted,
    /// None joins them rigidly.
    Not,
}

/// The rigid motion from one frame to another over single registrations; several must agree.
pub fn join(registrations: &[Registration], from: &str, to: &str) -> Joined {
    if from.is_empty() || to.is_empty() {
        return Joined::Not;
    }
    let mut found = registrations.iter().filter_map(|r| r.between(from, to));
    let Some(first) = found.next() else { return Joined::Not };
    if found.all(|other| first.agrees(&other)) {
        Joined::By(first)
    } else {
        Joined::Contradicted
    }
}

const REG_TAGS: &[Tag] = &[
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::FRAME_OF_REFERENCE_UID,
    tags::REGISTRATION_SEQUENCE,
];

/// Reads a registration file; of a deformable one only its identity.
///
/// # Errors
/// [`RegistrationError`] when it is none or a matrix is no matrix.
pub fn read_registration_with(path: &Path, limits: &Limits) -> Result<Registration, RegistrationError> {
    let opened = open(path, limits, REG_TAGS)?;
    let f = opened.fields();
    let class = f.code(tags::SOP_CLASS_UID).unwrap_or_else(|| opened.gated.media_class.clone());
    let modality = f.code(tags::MODALITY).unwrap_or_default();
    if crate::sop::family(&class, &modality) != crate::sop::Family::Registration {
        return Err(OpenError::WrongKind {
            path: path.to_path_buf(),
            expected: "a registration",
            found: if class.is_empty() { modality } else { class },
        }
        .into());
    }
    crate::open::refuse_cut(path, &opened.gated)?;
    let bad = |reason| RegistrationError::Matrix {
        path: path.to_path_buf(),
        reason,
    };
    let mut out = Registration {
        sop_uid: f.code(tags::SOP_INSTANCE_UID).unwrap_or_default(),
        frame_uid: f.code(tags::FRAME_OF_REFERENCE_UID).unwrap_or_default(),
        frames: Vec::new(),
        is_deformable: crate::sop::is_deformable(&class),
        notices: Vec::new(),
    };
    if out.is_deformable {
        return Ok(out);
    }
    for item in f.items(tags::REGISTRATION_SEQUENCE) {
        let Some(frame_uid) = item.code(tags::FRAME_OF_REFERENCE_UID) else {
            continue;
        };
        let matrix = product(item).map_err(bad)?;
        let kind = kind_of(&matrix);
        if kind != MatrixKind::Rigid {
            let text = format!("the matrix of frame {frame_uid} is {}: it is listed and never applied", kind.term());
            out.notices.push(Notice::new("reg.not_rigid", text));
        }
        out.frames.push(RegisteredFrame { frame_uid, matrix, kind });
    }
    Ok(out)
}

/// All matrices of one item, the first applied first (PS3.3 C.20.2.1.1).
fn product(item: Fields<'_>) -> Result<[f64; 16], &'static str> {
    let mut out = IDENTITY;
    for registration in item.items(tags::MATRIX_REGISTRATION_SEQUENCE) {
        for matrix in registration.items(tags::MATRIX_SEQUENCE) {
            let next: [f64; 16] = matrix
                .array(tags::FRAME_OF_REFERENCE_TRANSFORMATION_MATRIX)
                .ok_or("is not sixteen numbers")?;
            out = times(&next, &out);
        }
    }
    let [.., p, q, r, s] = out;
    let last_row = p.abs().max(q.abs()).max(r.abs()).max((s - 1.0).abs());
    if last_row > 1e-6 {
        Err("does not end in 0, 0, 0, 1")
    } else {
        Ok(out)
    }
}

const IDENTITY: [f64; 16] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];

/// The upper three numbers of each column.
fn columns(m: &[f64; 16]) -> [Vec3; 4] {
    let mut out = [Vec3::ZERO; 4];
    for (row, axis) in m.chunks_exact(4).zip([Vec3::X, Vec3::Y, Vec3::Z]) {
        for (column, value) in out.iter_mut().zip(row) {
            *column += axis * *value;
        }
    }
    out
}

/// Product of two matrices stored row by row.
fn times(a: &[f64; 16], b: &[f64; 16]) -> [f64; 16] {
    let column = |j: usize| b.iter().skip(j).step_by(4);
    let mut out = [0.0; 16];
    for (row, cells) in a.chunks_exact(4).zip(out.chunks_exact_mut(4)) {
        for (j, cell) in cells.iter_mut().enumerate() {
            *cell = row.iter().zip(column(j)).map(|(x, y)| x * y).sum();
        }
    }
    out
}

/// What the numbers are, whatever the object calls them.
fn kind_of(m: &[f64; 16]) -> MatrixKind {
    let [x, y, z, _] = columns(m);
    let right = [x.dot(y), y.dot(z), z.dot(x)];
    let scale = x.length() * y.length() * z.length();
    if right.iter().any(|cosine| cosine.abs() > RIGID_TOLERANCE * scale.max(1e-12)) || x.cross(y).dot(z) <= 0.0 {
        return MatrixKind::Affine;
    }
    let unit = [x, y, z].iter().all(|v| (v.length() - 1.0).abs() <= RIGID_TOLERANCE);
    if unit { MatrixKind::Rigid } else { MatrixKind::RigidScale }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quarter turn about z, then 10 mm along x: (1, 0, 0) goes to (10, 1, 0).
    const TURN: [f64; 16] = [0.0, -1.0, 0.0, 10.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];

    fn registration(own: &str, frames: &[(&str, [f64; 16])]) -> Registration {
        let frames = frames.iter().map(|(uid, matrix)| RegisteredFrame {
            frame_uid: (*uid).to_owned(),
            matrix: *matrix,
            kind: kind_of(matrix),
        });
        Registration {
            sop_uid: "1".into(),
            frame_uid: own.into(),
            frames: frames.collect(),
            is_deformable: false,
            notices: vec![],
        }
    }

    #[track_caller]
    fn goes(by: Rigid, from: Vec3, to: Vec3) {
        assert!((by.apply(from) - to).length() < 1e-12, "{}", by.apply(from));
    }

    #[test]
    fn a_matrix_takes_points_of_its_item_to_the_own_frame_and_back() {
        let r = registration("CT", &[("MR", TURN)]);
        goes(r.between("MR", "CT").unwrap(), Vec3::X, Vec3::new(10.0, 1.0, 0.0));
        goes(r.between("CT", "MR").unwrap(), Vec3::new(10.0, 1.0, 0.0), Vec3::X);
        assert_eq!(r.between("PT", "CT"), None);
    }

    #[test]
    fn two_frames_meet_over_a_third() {
        // Both go to the atlas: A by the turn, B by 5 mm along z. From A to B: the turn, then 5 mm back.
        let mut shift = IDENTITY;
        shift[11] = 5.0;
        let r = registration("ATLAS", &[("A", TURN), ("B", shift)]);
        goes(r.between("A", "B").unwrap(), Vec3::X, Vec3::new(10.0, 1.0, -5.0));
    }

    #[test]
    fn registrations_that_contradict_each_other_join_nothing() {
        let one = registration("CT", &[("MR", TURN)]);
        let mut other = one.clone();
        assert_eq!(
            join(&[one.clone(), other.clone()], "MR", "CT"),
            Joined::By(one.between("MR", "CT").unwrap())
        );
        other.frames[0].matrix[3] = 12.0;
        assert_eq!(join(&[one.clone(), other], "MR", "CT"), Joined::Contradicted);
        assert_eq!(join(&[one], "PT", "CT"), Joined::Not);
    }

    #[test]
    fn only_rotations_are_rigid() {
        assert_eq!(kind_of(&TURN), MatrixKind::Rigid);
        let mut m = TURN;
        m[10] = 1.1;
        assert_eq!(kind_of(&m), MatrixKind::RigidScale);
        m[10] = -1.0;
        assert_eq!(kind_of(&m), MatrixKind::Affine, "a mirror is no rotation");
        let mut sheared = IDENTITY;
        sheared[1] = 0.2;
        assert_eq!(kind_of(&sheared), MatrixKind::Affine);
        assert_eq!(registration("CT", &[("MR", m)]).between("MR", "CT"), None);
    }

    #[test]
    fn a_moved_lattice_keeps_its_voxels_where_the_points_go() {
        let grid = Grid::axis_aligned([3, 4, 3], Vec3::new(1.0, 2.0, 3.0), [1.0, 2.0, 3.0])
            .unwrap()
            .with_offsets(vec![0.0, 2.0, 7.0])
            .unwrap();
        let by = registration("CT", &[("MR", TURN)]).between("MR", "CT").unwrap();
        let moved = by.move_grid(&grid).unwrap();
        for (i, j, k) in [(0, 0, 0), (2, 3, 1), (1, 0, 2)] {
            assert!((moved.centre(i, j, k) - by.apply(grid.centre(i, j, k))).length() < 1e-12);
        }
    }

    #[test]
    fn the_first_matrix_is_applied_first() {
        let mut shift = IDENTITY;
        shift[3] = 1.0;
        // Shift by 1 along x, then turn: the origin goes to (1, 0, 0), then to (10, 1, 0).
        let both = times(&TURN, &shift);
        assert_eq!((both[3], both[7], both[11]), (10.0, 1.0, 0.0));
    }
}
