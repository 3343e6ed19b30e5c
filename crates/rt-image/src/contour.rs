//! The contours of one region as they were drawn, the planes they lie in and the regions they enclose.

pub mod planes;
pub mod region;

use rt_core::Vec3;

/// `ContourGeometricType` (3006,0042), DICOM PS3.3 C.8.8.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContourKind {
    /// A closed polygon.
    ClosedPlanar,
    /// A closed polygon combined with the others of its plane by exclusive or.
    ClosedPlanarXor,
    /// An open line in a plane: no volume.
    OpenPlanar,
    /// An open line in space: no volume.
    OpenNonplanar,
    /// A point: no volume.
    Point,
}

impl ContourKind {
    /// The DICOM defined term.
    pub fn term(self) -> &'static str {
        match self {
            Self::ClosedPlanar => "CLOSED_PLANAR",
            Self::ClosedPlanarXor => "CLOSEDPLANAR_XOR",
            Self::OpenPlanar => "OPEN_PLANAR",
            Self::OpenNonplanar => "OPEN_NONPLANAR",
            Self::Point => "POINT",
        }
    }

    /// From a DICOM defined term; `None` for an unknown one.
    pub fn from_term(term: &str) -> Option<Self> {
        [
            Self::ClosedPlanar,
            Self::ClosedPlanarXor,
            Self::OpenPlanar,
            Self::OpenNonplanar,
            Self::Point,
        ]
        .into_iter()
        .find(|k| k.term() == term.trim())
    }

    /// Whether it encloses an area.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::ClosedPlanar | Self::ClosedPlanarXor)
    }
}

/// One contour: points in LPS mm, in drawing order, the first not repeated at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Contour {
    /// What the points mean.
    pub kind: ContourKind,
    /// Points, LPS mm.
    pub points: Vec<Vec3>,
}

/// All contours of one region, in stored order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContourSet {
    /// The contours.
    pub contours: Vec<Contour>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_round_trip() {
        assert_eq!(ContourKind::from_term("CLOSEDPLANAR_XOR "), Some(ContourKind::ClosedPlanarXor));
        assert_eq!(ContourKind::from_term("CIRCLE"), None);
        assert!(!ContourKind::Point.is_closed());
    }
}
