//! What is kept of each file: enough to link, to group and to decide, without opening it again.
//!
//! No direct identifier but the patient id is kept (`spec/reliability.md` 9): names and physicians are read again where they are
//! asked for. Attribute list: `spec/ingest.md` 1.2.

use serde::{Deserialize, Serialize};

use crate::gate::{Finding, NotDicom};
use crate::value::{Date, Time};

/// One file of the input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Which of the roots it lies under.
    pub root: u16,
    /// Path below that root, parts joined by `/`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Time of last change, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// What came of looking at it.
    pub outcome: FileOutcome,
}

impl FileEntry {
    /// The DICOM object, when it is one.
    pub fn object(&self) -> Option<&Object> {
        match &self.outcome {
            FileOutcome::Dicom(object) => Some(object),
            FileOutcome::NotDicom(_) | FileOutcome::Refused { .. } | FileOutcome::NotRead { .. } => None,
        }
    }
}

/// What came of looking at one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FileOutcome {
    /// A DICOM object whose header could be read.
    Dicom(Box<Object>),
    /// Something else.
    NotDicom(NotDicom),
    /// Begins like DICOM but cannot be read safely.
    Refused {
        /// Stable code.
        code: String,
        /// Place and fact.
        detail: String,
    },
    /// Could not be opened, or is no ordinary file.
    NotRead {
        /// Stable code: `file.unreadable`, `file.special`, `file.dangling_link`, `file.name`.
        code: String,
        /// The reason.
        detail: String,
    },
}

/// The header of one DICOM object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// `SOPClassUID`, else that of the meta header; empty when both are missing.
    pub sop_class: String,
    /// `SOPInstanceUID`, empty when missing.
    pub sop_uid: String,
    /// `Modality`, empty when missing.
    pub modality: String,
    /// `TransferSyntaxUID`, empty when missing.
    pub syntax: String,
    /// The meta header names another instance than the data set.
    pub meta_mismatch: bool,
    /// Tolerances that reading it needed.
    pub findings: Vec<Finding>,
    /// First byte of the data set and first byte after its last element.
    pub content: (u64, u64),
    /// SHA-256 of the content, once it was needed.
    pub content_hash: Option<[u8; 32]>,
    /// `InstanceCreationDate` and `InstanceCreationTime`.
    pub created: Option<(Date, Option<Time>)>,
    /// `PatientID`, empty when missing.
    pub patient_id: String,
    /// Digests that tell persons apart.
    pub person: Person,
    /// `StudyInstanceUID`, empty when missing.
    pub study_uid: String,
    /// `SeriesInstanceUID`, empty when missing.
    pub series_uid: String,
    /// `FrameOfReferenceUID` of the object itself, empty when missing.
    pub frame_uid: String,
    /// `SeriesNumber`.
    pub series_number: Option<i64>,
    /// `StudyDate`.
    pub study_date: Option<Date>,
    /// `SeriesDate`, else `AcquisitionDate`.
    pub series_date: Option<Date>,
    /// `SeriesDescription`, empty when missing.
    pub series_description: String,
    /// `Manufacturer` and `ManufacturerModelName`, joined by a blank; empty when missing.
    pub device: String,
    /// What kind of object it is, with the facts of that kind.
    pub kind: ObjectKind,
}

impl Object {
    /// The last element is cut.
    pub fn is_truncated(&self) -> bool {
        self.findings.iter().any(|f| f.tolerance == crate::gate::Tolerance::Truncated)
    }
}

/// Digests that tell persons apart without naming them; 0 where a part is missing.
///
/// Each is the first 64 bits of a SHA-256. The birth date never stands alone in one: a date is soon guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// Of `PatientName` (letters and digits, upper case) with the patient id.
    pub name: u64,
    /// Of `PatientBirthDate` with the patient id.
    pub birth: u64,
    /// Of name and birth date together, whatever the patient id.
    pub name_and_birth: u64,
}

/// Kinds of objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ObjectKind {
    /// CT, MR or PET image, one frame or many.
    Image(Box<ImageFacts>),
    /// RTSTRUCT.
    Structures(Box<StructureFacts>),
    /// RTPLAN or RT Ion Plan.
    Plan(Box<PlanFacts>),
    /// RTDOSE.
    Dose(Box<DoseFacts>),
    /// Treatment record.
    Record {
        /// Plans that it refers to.
        plans: Vec<String>,
    },
    /// Spatial registration.
    Registration(Box<RegistrationFacts>),
    /// DICOM SEG.
    Segmentation,
    /// DICOMDIR.
    Directory,
    /// A class without use here, or none.
    Other,
}

/// How samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelFormat {
    /// Rows of a frame.
    pub rows: u32,
    /// Columns of a frame.
    pub columns: u32,
    /// Frames.
    pub frames: u32,
    /// Samples per pixel.
    pub samples: u16,
    /// Bits of a cell.
    pub allocated: u16,
    /// Bits in use.
    pub stored: u16,
    /// Highest bit in use.
    pub high: u16,
    /// Two's complement.
    pub signed: bool,
}

impl PixelFormat {
    /// Bytes of one frame; `None` when that number is beyond reason.
    pub fn frame_bytes(&self) -> Option<u64> {
        let pixels = u64::from(self.rows)
            .checked_mul(u64::from(self.columns))?
            .checked_mul(u64::from(self.samples))?;
        if self.allocated == 1 {
            return Some(pixels.div_ceil(8));
        }
        pixels.checked_mul(u64::from(self.allocated.div_ceil(8)))
    }

    /// Bytes of all frames.
    pub fn total_bytes(&self) -> Option<u64> {
        if self.allocated == 1 {
            let bits = u64::from(self.rows)
                .checked_mul(u64::from(self.columns))?
                .checked_mul(u64::from(self.frames))?;
            return Some(bits.div_ceil(8));
        }
        self.frame_bytes()?.checked_mul(u64::from(self.frames))
    }
}

/// What is needed of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// Sample format; `None` when Rows, Columns or the bits are missing.
    pub format: Option<PixelFormat>,
    /// Why the numbers of the format are no numbers, when that is so.
    pub bad_value: Option<String>,
    /// Pixel data: bytes declared (`None`: encapsulated) and bytes there; `None` without pixel data.
    pub pixels: Option<(Option<u64>, u64)>,
    /// Geometry of each frame; empty without geometry.
    pub planes: Vec<Plane>,
    /// `SliceThickness`, mm.
    pub thickness: Option<f64>,
    /// `ImageType`, values joined by a backslash.
    pub image_type: String,
    /// What tells reconstructions of one series apart.
    pub acquisition: Acquisition,
    /// `LossyImageCompression` is 01, or the transfer syntax is lossy.
    pub lossy: bool,
}

/// Position, size and rescale of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Plane {
    /// Frame number, from 0.
    pub frame: u32,
    /// `ImagePositionPatient`: centre of the first pixel, LPS mm.
    pub position: [f64; 3],
    /// `ImageOrientationPatient`: direction of a row, direction of a column.
    pub orientation: [f64; 6],
    /// `PixelSpacing`: between rows, between columns, mm.
    pub spacing: [f64; 2],
    /// `RescaleSlope` (1 when missing).
    pub slope: f64,
    /// `RescaleIntercept` (0 when missing).
    pub intercept: f64,
    /// `TemporalPositionIndex` of an enhanced frame, else 0.
    pub temporal: i32,
}

/// Keys that tell stacks at the same positions apart, in order of use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Acquisition {
    /// `AcquisitionNumber`.
    pub number: i64,
    /// `TemporalPositionIdentifier`.
    pub temporal: i64,
    /// `EchoNumbers`.
    pub echo: i64,
    /// `DiffusionBValue`, as text.
    pub b_value: String,
    /// `ConvolutionKernel`.
    pub kernel: String,
    /// `ContentTime`.
    pub content_time: Option<Time>,
}

/// What is needed of a structure set to link it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StructureFacts {
    /// `StructureSetLabel`.
    pub label: String,
    /// `StructureSetDate` and `StructureSetTime`.
    pub date: Option<(Date, Option<Time>)>,
    /// `ApprovalStatus`.
    pub approval: String,
    /// Frames of reference of its contours, in stored order.
    pub frames: Vec<String>,
    /// Series that it refers to.
    pub series: Vec<String>,
    /// Images that it refers to, the first few.
    pub images: Vec<String>,
    /// Regions.
    pub roi_count: usize,
}

/// What is needed of a plan to link it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanFacts {
    /// `RTPlanLabel`, else `RTPlanName`.
    pub label: String,
    /// `RTPlanDate` and `RTPlanTime`.
    pub date: Option<(Date, Option<Time>)>,
    /// `ApprovalStatus`.
    pub approval: String,
    /// Structure sets that it refers to.
    pub structures: Vec<String>,
    /// Other plans that it refers to.
    pub plans: Vec<String>,
}

/// What is needed of a dose to link it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoseFacts {
    /// `DoseSummationType`.
    pub summation: String,
    /// Plans that it refers to.
    pub plans: Vec<String>,
    /// Structure sets that it refers to.
    pub structures: Vec<String>,
}

/// What is needed of a registration to link it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegistrationFacts {
    /// Frames of reference that it joins.
    pub frames: Vec<String>,
    /// Series that it refers to.
    pub series: Vec<String>,
    /// A deformation field (SOP class 66.3) instead of matrices.
    pub is_deformable: bool,
}
