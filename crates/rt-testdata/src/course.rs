//! One treatment course, described as a sentence: image, structures, plans with their doses.

use std::sync::Arc;

use rt_core::{Mat3, Vec3};

use crate::dicom::{Lengths, Syntax};
use crate::field::Field;
use crate::objects::Object;
use crate::phantom::{Part, Phantom};
use crate::seed::{Seed, Stream};
use crate::shape::{Shape, Solid};

mod filling;

/// Where the local frame lies in the patient: `position = origin + axes * local`, LPS mm. Image, structures and dose move together.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Pose {
    /// Patient position of the local origin (the middle of the image), LPS mm.
    pub origin: Vec3,
    /// Local axes in the patient; a rotation.
    pub axes: Mat3,
}

impl Pose {
    /// Patient position of a local point.
    pub fn place(&self, local: Vec3) -> Vec3 {
        self.origin + self.axes * local
    }
}

/// Size and spacing of an image or dose around the local origin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    /// Voxels along i, j, k.
    pub size: [usize; 3],
    /// Spacing along i, j, k in mm.
    pub spacing: [f64; 3],
    /// Local coordinates of the middle.
    pub centre: Vec3,
}

impl Lattice {
    /// Local coordinates along one axis.
    pub fn line(&self, axis: usize) -> Vec<f64> {
        let middle = (self.size[axis] - 1) as f64 / 2.0;
        (0..self.size[axis])
            .map(|n| self.centre[axis] + (n as f64 - middle) * self.spacing[axis])
            .collect()
    }

    /// Half of the extent from the outer face to the outer face, mm.
    pub fn half(&self) -> Vec3 {
        let side = |a: usize| self.size[a] as f64 * self.spacing[a] / 2.0;
        Vec3::new(side(0), side(1), side(2))
    }
}

/// A region of interest.
#[derive(Debug, Clone, PartialEq)]
pub struct Structure {
    /// Name (3006,0026).
    pub name: String,
    /// `RTROIInterpretedType` (3006,00A4).
    pub kind: &'static str,
    /// Its solid.
    pub shape: Shape,
}

/// A plan, and the dose that was computed for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Treatment {
    /// `RTPlanLabel` (300A,0002).
    pub label: String,
    /// Prescribed dose, Gy.
    pub rx_gy: f64,
    /// Planned fractions.
    pub fractions: u32,
    /// The dose; `None` for a plan that was never computed or exported.
    pub dose: Option<Field>,
}

/// How the files are called and arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Folders by modality, names with `.dcm`.
    Tidy,
    /// One folder, running numbers in no order, no extension: as a hospital's disc looks.
    Disc,
}

/// Changes an object before it is written: returns nothing to drop it, one to keep or change it, several to repeat it.
pub type Edit = Arc<dyn Fn(Object) -> Vec<Object> + Send + Sync>;

/// A course to be written. Every setter returns the course, so that a description reads as a sentence.
#[derive(Clone)]
pub struct Course {
    pub(crate) patient: String,
    pub(crate) label: String,
    pub(crate) day: u32,
    pub(crate) seed: Seed,
    pub(crate) ct: Lattice,
    pub(crate) mr: Option<Lattice>,
    pub(crate) dose_grid: Option<Lattice>,
    pub(crate) pose: Pose,
    pub(crate) phantom: Option<Phantom>,
    pub(crate) lesions: Vec<Part>,
    pub(crate) structures: Vec<Structure>,
    pub(crate) treatments: Vec<Treatment>,
    pub(crate) syntax: Syntax,
    pub(crate) lengths: Lengths,
    pub(crate) naming: Naming,
    pub(crate) signed: bool,
    pub(crate) decimals: usize,
    pub(crate) edits: Vec<Edit>,
}

impl Course {
    pub(crate) fn new(seed: Seed, number: usize) -> Self {
        let mut course = Self {
            patient: format!("RT{number:04}"),
            label: "C1".into(),
            day: u32::try_from(number * 3 % 336).unwrap_or(0),
            seed,
            ct: Lattice {
                size: [64, 64, 32],
                spacing: [7.0, 7.0, 7.0],
                centre: Vec3::ZERO,
            },
            mr: None,
            dose_grid: None,
            pose: Pose {
                origin: Vec3::new(0.0, -180.0, -300.0),
                axes: Mat3::IDENTITY,
            },
            phantom: None,
            lesions: Vec::new(),
            structures: Vec::new(),
            treatments: Vec::new(),
            syntax: Syntax::ExplicitLittle,
            lengths: Lengths::Defined,
            naming: Naming::Tidy,
            signed: false,
            decimals: 2,
            edits: Vec::new(),
        };
        course.ct.spacing = fitted(course.ct.size);
        course
    }

    /// Patient id (default `RT` and the number of the course in four digits).
    #[must_use]
    pub fn patient(mut self, id: &str) -> Self {
        self.patient = id.into();
        self
    }

    /// Name of the course's folder below the patient's (default `C1`).
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.label = label.into();
        self
    }

    /// Day of the study, counted from 1 January 2024 in months of 28 days.
    #[must_use]
    pub fn day(mut self, day: u32) -> Self {
        self.day = day;
        self
    }

    /// A planning CT of this many voxels, 448 mm wide and 240 mm long unless [`Course::spacing`] says otherwise.
    #[must_use]
    pub fn ct(mut self, size: [usize; 3]) -> Self {
        self.ct.size = size;
        self.ct.spacing = fitted(size);
        self
    }

    /// Voxel spacing of the CT along i, j, k in mm.
    #[must_use]
    pub fn spacing(mut self, mm: [f64; 3]) -> Self {
        self.ct.spacing = mm;
        self
    }

    /// An MR series beside the CT, in the same frame of reference, of this many voxels over the same extent.
    #[must_use]
    pub fn mr(mut self, size: [usize; 3]) -> Self {
        let extent = self.ct.half() * 2.0;
        let spacing = [0, 1, 2].map(|a| extent[a] * 0.8 / size[a] as f64);
        self.mr = Some(Lattice {
            size,
            spacing,
            centre: Vec3::ZERO,
        });
        self
    }

    /// Moves and turns the whole case.
    #[must_use]
    pub fn pose(mut self, origin: Vec3, axes: Mat3) -> Self {
        self.pose = Pose { origin, axes };
        self
    }

    /// What is scanned (default: a torso that varies with the seed).
    #[must_use]
    pub fn phantom(mut self, phantom: Phantom) -> Self {
        self.phantom = Some(phantom);
        self
    }

    /// A structure of any shape, local mm.
    #[must_use]
    pub fn structure(mut self, name: &str, shape: Shape) -> Self {
        self.structures.push(Structure {
            name: name.into(),
            kind: interpreted_type(name),
            shape,
        });
        self
    }

    /// A sphere around the local origin.
    #[must_use]
    pub fn sphere(self, name: &str, radius: f64) -> Self {
        self.structure(name, Shape::sphere(Vec3::ZERO, radius))
    }

    /// Structures of the phantom's organs: body, lungs, heart, liver, kidneys, cord.
    #[must_use]
    pub fn organs(mut self) -> Self {
        let phantom = self.anatomy();
        for name in ["Body", "Lung_L", "Lung_R", "Heart", "Liver", "Kidney_L", "Kidney_R", "SpinalCord"] {
            if let Some(part) = phantom.part(name) {
                // Body and cord go on beyond the image; nobody contours what was not scanned.
                let mut shape = part.shape;
                if shape.solid == Solid::Cylinder {
                    shape.half.z = shape.half.z.min(self.ct.half().z);
                }
                self = self.structure(name, shape);
            }
        }
        self
    }

    /// A tumour with GTV in CTV in PTV (nested ellipsoids) at a local position; radii of the PTV in mm. The GTV is solid tissue in the image.
    #[must_use]
    pub fn targets(mut self, at: Vec3, radii: Vec3) -> Self {
        self.lesions.push(Part {
            name: "Tumour",
            shape: Shape::ellipsoid(at, radii * 0.6),
            hu: 38.0,
            signal: 550.0,
        });
        self.structure("PTV", Shape::ellipsoid(at, radii))
            .structure("CTV", Shape::ellipsoid(at, radii * 0.8))
            .structure("GTV", Shape::ellipsoid(at, radii * 0.6))
    }

    /// Adds structures until there are `n`: the difficult ones first (tiny, hollow, tube, touching the border, leaving the dose grid),
    /// then solids of 0.5 to 1,500 cm3 anywhere in the body.
    #[must_use]
    pub fn fill(mut self, n: usize) -> Self {
        filling::fill(&mut self, n);
        self
    }

    /// A plan without a dose.
    #[must_use]
    pub fn plan(mut self, label: &str, rx_gy: f64, fractions: u32) -> Self {
        self.treatments.push(Treatment {
            label: label.into(),
            rx_gy,
            fractions,
            dose: None,
        });
        self
    }

    /// A plan with its dose (of all fractions).
    #[must_use]
    pub fn treat(mut self, label: &str, rx_gy: f64, fractions: u32, dose: Field) -> Self {
        self.treatments.push(Treatment {
            label: label.into(),
            rx_gy,
            fractions,
            dose: Some(dose),
        });
        self
    }

    /// A plan of one prescription with a linear dose: `gy` at the local origin, changing by `per_mm` along x, y, z.
    #[must_use]
    pub fn dose_gradient(self, gy: f64, per_mm: Vec3) -> Self {
        let field = Field::Gradient {
            at: Vec3::ZERO,
            gy,
            per_mm,
        };
        self.treat("Plan", gy, 30, field)
    }

    /// Size and spacing of the dose grids (default: 4 mm, nine tenths of the image's width and height, seven tenths of its length).
    #[must_use]
    pub fn dose_grid(mut self, lattice: Lattice) -> Self {
        self.dose_grid = Some(lattice);
        self
    }

    /// Encoding of the files (default Explicit VR Little Endian with defined lengths).
    #[must_use]
    pub fn encoding(mut self, syntax: Syntax, lengths: Lengths) -> Self {
        self.syntax = syntax;
        self.lengths = lengths;
        self
    }

    /// How files are called (default [`Naming::Tidy`]).
    #[must_use]
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// CT pixels stored signed with intercept 0, instead of unsigned with intercept -1024.
    #[must_use]
    pub fn signed_pixels(mut self) -> Self {
        self.signed = true;
        self
    }

    /// Digits after the point of contour coordinates (default 2).
    #[must_use]
    pub fn contour_decimals(mut self, decimals: usize) -> Self {
        self.decimals = decimals;
        self
    }

    /// Changes, drops or repeats objects before they are written.
    #[must_use]
    pub fn edit(mut self, edit: impl Fn(Object) -> Vec<Object> + Send + Sync + 'static) -> Self {
        self.edits.push(Arc::new(edit));
        self
    }

    /// The phantom that will be scanned.
    pub fn anatomy(&self) -> Phantom {
        let mut phantom = match &self.phantom {
            Some(phantom) => phantom.clone(),
            None => Phantom::torso(self.ct.half(), &mut self.random("anatomy")),
        };
        phantom.parts.extend(self.lesions.iter().cloned());
        phantom
    }

    /// Random numbers of one purpose, fixed by the course's seed.
    pub fn random(&self, purpose: &str) -> Stream {
        self.seed.child(purpose, 0).stream()
    }

    pub(crate) fn dose_lattice(&self) -> Lattice {
        self.dose_grid.unwrap_or_else(|| {
            let extent = self.ct.half() * 2.0 * Vec3::new(0.9, 0.9, 0.7);
            let spacing = 4.0_f64.max(extent.max_element() / 256.0);
            Lattice {
                size: [0, 1, 2].map(|a| whole(extent[a] / spacing)),
                spacing: [spacing; 3],
                centre: Vec3::ZERO,
            }
        })
    }
}

/// Spacing that makes an image 448 mm wide and high and 240 mm long, for few voxels less (at most 8 mm a voxel).
fn fitted(size: [usize; 3]) -> [f64; 3] {
    let across = (448.0 / size[0].max(size[1]) as f64).min(8.0);
    [across, across, (240.0 / size[2] as f64).clamp(1.0, 8.0)]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a clamped number of voxels")]
fn whole(x: f64) -> usize {
    x.round().clamp(2.0, 1024.0) as usize
}

/// What a planning system would say of a structure of this name.
fn interpreted_type(name: &str) -> &'static str {
    match name {
        "Body" => "EXTERNAL",
        _ if name.starts_with("PTV") => "PTV",
        _ if name.starts_with("CTV") => "CTV",
        _ if name.starts_with("GTV") => "GTV",
        _ => "ORGAN",
    }
}
