//! The contour sequence straight from the bytes: numbers are parsed where they lie, no text value is built for them.

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;
use rt_core::Vec3;
use rt_image::{Contour, ContourKind};

use crate::gate::{Collector, Encoding, Sink};
use crate::value;

/// One item of `ROIContourSequence`.
#[derive(Debug, Default)]
pub(super) struct RoiContours {
    pub(super) number: Option<i64>,
    pub(super) colour: Option<[u8; 3]>,
    pub(super) contours: Vec<Contour>,
}

/// What was wrong with contours, counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Faults {
    /// Data that are no numbers, or not three a point.
    pub(super) unreadable: usize,
    /// Contours without points.
    pub(super) empty: usize,
    /// `NumberOfContourPoints` that is not the number of points.
    pub(super) miscounted: usize,
    /// Missing or unknown `ContourGeometricType`, read as a closed polygon.
    pub(super) untyped: usize,
}

/// Collects root elements as [`Collector`] does, and takes `ROIContourSequence` apart.
pub(super) struct StructSink {
    collector: Collector,
    /// The root element at hand is the contour sequence.
    inside: bool,
    roi: RoiContours,
    kind: Option<ContourKind>,
    typed: bool,
    stated: Option<i64>,
    points: Option<Result<Vec<Vec3>, ()>>,
    pub(super) rois: Vec<RoiContours>,
    pub(super) faults: Faults,
    encoding: Encoding,
}

impl StructSink {
    pub(super) fn new(collector: Collector) -> Self {
        Self {
            collector,
            inside: false,
            roi: RoiContours::default(),
            kind: None,
            typed: false,
            stated: None,
            points: None,
            rois: Vec::new(),
            faults: Faults::default(),
            encoding: Encoding::default(),
        }
    }

    fn close_contour(&mut self) {
        let kind = self.kind.take();
        self.typed = false;
        let stated = self.stated.take();
        let mut points = match self.points.take() {
            Some(Ok(points)) if !points.is_empty() => points,
            Some(Err(())) => {
                self.faults.unreadable += 1;
                return;
            }
            Some(Ok(_)) | None => {
                self.faults.empty += 1;
                return;
            }
        };
        if stated.is_some_and(|n| usize::try_from(n) != Ok(points.len())) {
            self.faults.miscounted += 1;
        }
        let kind = kind.unwrap_or_else(|| {
            self.faults.untyped += 1;
            ContourKind::ClosedPlanar
        });
        if kind.is_closed() && points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        self.roi.contours.push(Contour { kind, points });
    }

    fn colour(bytes: &[u8]) -> Option<[u8; 3]> {
        let parts: Vec<u8> = bytes
            .split(|b| *b == b'\\')
            .map(|t| value::integer(t).and_then(|v| u8::try_from(v).ok()))
            .collect::<Option<_>>()?;
        parts.get(..3)?.try_into().ok()
    }
}

/// Triplets of decimal strings; `Err` when one is no finite number or they are not three a point.
fn triplets(bytes: &[u8]) -> Result<Vec<Vec3>, ()> {
    let bytes = bytes.trim_ascii();
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    // A coordinate takes 8 to 16 bytes with its separator.
    let mut points = Vec::with_capacity(bytes.len() / 24 + 1);
    let mut numbers = bytes.split(|b| *b == b'\\').map(value::decimal);
    while let Some(x) = numbers.next() {
        let (Some(x), Some(Some(y)), Some(Some(z))) = (x, numbers.next(), numbers.next()) else {
            return Err(());
        };
        points.push(Vec3::new(x, y, z));
    }
    Ok(points)
}

impl AsMut<Collector> for StructSink {
    fn as_mut(&mut self) -> &mut Collector {
        &mut self.collector
    }
}

impl Sink for StructSink {
    fn begin(&mut self, encoding: Encoding) {
        self.encoding = encoding;
        self.collector.begin(encoding);
    }

    fn wants(&mut self, tag: Tag) -> bool {
        self.inside = tag == tags::ROI_CONTOUR_SEQUENCE;
        self.inside || self.collector.wants(tag)
    }

    fn value(&mut self, depth: usize, tag: Tag, vr: VR, bytes: &[u8]) {
        if !self.inside {
            return self.collector.value(depth, tag, vr, bytes);
        }
        match (depth, tag) {
            (1, tags::REFERENCED_ROI_NUMBER) => self.roi.number = value::integer(bytes),
            (1, tags::ROI_DISPLAY_COLOR) => self.roi.colour = Self::colour(bytes),
            (2, tags::CONTOUR_GEOMETRIC_TYPE) => {
                let term = String::from_utf8_lossy(bytes);
                self.kind = ContourKind::from_term(term.trim_matches(|c: char| c == '\0' || c.is_whitespace()));
                self.typed = true;
            }
            (2, tags::NUMBER_OF_CONTOUR_POINTS) => self.stated = value::integer(bytes),
            (2, tags::CONTOUR_DATA) => self.points = Some(triplets(bytes)),
            _ => {}
        }
    }

    fn begin_sequence(&mut self, depth: usize, tag: Tag) {
        if !self.inside {
            self.collector.begin_sequence(depth, tag);
        }
    }

    fn begin_item(&mut self, depth: usize) {
        if !self.inside {
            self.collector.begin_item(depth);
        }
    }

    fn end_item(&mut self, depth: usize) {
        if !self.inside {
            return self.collector.end_item(depth);
        }
        match depth {
            1 => self.rois.push(std::mem::take(&mut self.roi)),
            2 if self.typed || self.points.is_some() || self.stated.is_some() => self.close_contour(),
            _ => {}
        }
    }

    fn end_sequence(&mut self, depth: usize, tag: Tag) {
        if !self.inside {
            self.collector.end_sequence(depth, tag);
        }
    }

    fn discard(&mut self) {
        if self.inside {
            self.rois.clear();
        } else {
            self.collector.discard();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_parsed_where_they_lie() {
        assert_eq!(
            triplets(b"1.5\\-2\\3e1\\ 4 \\5\\6 ").unwrap(),
            [Vec3::new(1.5, -2.0, 30.0), Vec3::new(4.0, 5.0, 6.0)]
        );
        assert_eq!(triplets(b""), Ok(vec![]));
        assert_eq!(triplets(b"1\\2"), Err(()));
        assert_eq!(triplets(b"1\\nan\\3"), Err(()));
        assert_eq!(triplets(b"1\\\\3"), Err(()));
    }

    #[test]
    fn colours_have_three_bytes() {
        assert_eq!(StructSink::colour(b"255\\0\\12 "), Some([255, 0, 12]));
        assert_eq!(StructSink::colour(b"256\\0\\12"), None);
        assert_eq!(StructSink::colour(b"1\\2"), None);
    }
}
