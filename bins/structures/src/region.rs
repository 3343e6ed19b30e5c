//! One structure of the course: its line in `masks.json` and its voxels.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rt_cli::StageReport;
use rt_core::Grid;
use rt_course::sidecar::MaskEntry;
use rt_image::Mask;
use rt_structures::{cut_faces, partial_name};

/// Fewer voxels than these are worth a remark.
const FEW_VOXELS: usize = 10;

/// A structure and what is written about it. Layer and label are set when the masks are packed.
#[derive(Debug, Clone)]
pub struct Region {
    /// The line of `masks.json`.
    pub entry: MaskEntry,
    /// Its voxels; none unless the status is `ok` or `partial`.
    pub mask: Mask,
    /// Faces of the image that it touches, by patient direction.
    pub cut_faces: Vec<&'static str>,
    /// Operands that were missing, for derived structures.
    pub missing: Vec<String>,
}

/// Where a structure comes from.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// `Manual`, `AutoRTS`, `Custom` or `CustomModel:<name>`.
    pub source: String,
    /// Structure set or label map.
    pub origin: String,
    /// `ROINumber` of a manual structure.
    pub number: Option<i32>,
    /// Name as drawn or defined.
    pub name: String,
    /// `RTROIInterpretedType`.
    pub interpreted_type: String,
    /// Expression of a derived structure.
    pub expression: String,
}

/// Why a structure has no mask.
#[derive(Debug, Clone)]
pub struct Absence {
    /// `skipped` or `failed`.
    pub status: &'static str,
    /// Stable code.
    pub code: &'static str,
    /// The reason in words.
    pub message: String,
}

impl Absence {
    /// A structure that is left out for a reason that lies in the data.
    pub fn skipped(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: "skipped",
            code,
            message: message.into(),
        }
    }

    /// A structure that could not be made.
    pub fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: "failed",
            code,
            message: message.into(),
        }
    }
}

/// A mask and what there is to say about it.
#[derive(Debug, Clone)]
pub struct Made {
    /// The voxels.
    pub mask: Mask,
    /// Part of the structure lies beyond the image.
    pub leaves_image: bool,
    /// Operands that were missing.
    pub missing: Vec<String>,
    /// Remarks for people.
    pub remarks: Vec<String>,
}

impl Made {
    /// A mask without remarks.
    pub fn new(mask: Mask) -> Self {
        Self {
            mask,
            leaves_image: false,
            missing: Vec::new(),
            remarks: Vec::new(),
        }
    }
}

impl Region {
    /// Judges a result: complete, partial (cut by the image, or with missing operands), or absent.
    pub fn new(identity: Identity, grid: &Arc<Grid>, made: Result<Made, Absence>) -> Self {
        let made = made.and_then(|m| if m.mask.is_empty() { Err(empty(&m, &identity)) } else { Ok(m) });
        let (made, absence) = match made {
            Ok(made) => (made, None),
            Err(absence) => (Made::new(Mask::empty(grid)), Some(absence)),
        };
        let mut remarks = made.remarks;
        let voxels = made.mask.count();
        let touches_border = made.mask.touches_border();
        let cut = cut_faces(&made.mask);
        let partial = !cut.is_empty() || made.leaves_image || !made.missing.is_empty();
        let mut code = "";
        if !cut.is_empty() {
            remarks.insert(0, format!("touches the image border: {}", cut.join(", ")));
            code = "structures.touches_border";
        } else if made.leaves_image {
            remarks.insert(0, "its contours go beyond the image".to_owned());
            code = "structures.leaves_image";
        }
        if !made.missing.is_empty() {
            remarks.insert(0, format!("made without {}", made.missing.join(", ")));
            code = "structures.missing_operand";
        }
        if absence.is_none() && voxels < FEW_VOXELS {
            remarks.push(format!("only {voxels} voxels"));
        }
        let (status, code, message) = match absence {
            Some(a) => (a.status, a.code, a.message),
            None => (if partial { "partial" } else { "ok" }, code, remarks.join("; ")),
        };
        let name = if partial && status == "partial" {
            partial_name(&identity.name)
        } else {
            identity.name.clone()
        };
        let entry = MaskEntry {
            source: identity.source,
            origin: identity.origin,
            number: identity.number,
            name,
            original_name: identity.name,
            standard_name: String::new(),
            interpreted_type: identity.interpreted_type,
            layer: None,
            label: 0,
            lo: made.mask.lo(),
            size: made.mask.size(),
            voxels,
            volume_cc: made.mask.volume().value(),
            touches_border,
            expression: identity.expression,
            status: status.to_owned(),
            error_code: code.to_owned(),
            message,
        };
        Self {
            entry,
            mask: made.mask,
            cut_faces: cut,
            missing: made.missing,
        }
    }

    /// Tells the report how this structure ended.
    pub fn report(&self, report: &mut StageReport) {
        let e = &self.entry;
        let item = format!("{}: {}", e.source, e.original_name);
        match e.status.as_str() {
            "ok" => report.done(item),
            "partial" => report.partial(item, &e.error_code, &e.message),
            "skipped" => report.skip(item, &e.error_code, &e.message),
            _ => report.failed(item, &e.error_code, &e.message),
        }
    }
}

/// Why a result without voxels is absent.
fn empty(made: &Made, identity: &Identity) -> Absence {
    if made.leaves_image {
        Absence::skipped("structures.outside_image", "lies outside the planning CT")
    } else if identity.expression.is_empty() {
        Absence::skipped("structures.empty", "has no voxels")
    } else {
        Absence::skipped("structures.empty_result", "the operation leaves no voxels")
    }
}

/// The last net under the work on one structure: a panic becomes its failure, not the course's.
///
/// # Errors
/// Those of the work, and `internal.panic`.
pub fn caught<T>(work: impl FnOnce() -> Result<T, Absence>) -> Result<T, Absence> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = "an error in the program stopped this structure; please report it with the structure set";
        Err(Absence::failed("internal.panic", message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;
    use rt_core::Vec3;

    fn grid() -> Arc<Grid> {
        Arc::new(Grid::axis_aligned([20, 20, 20], Vec3::ZERO, [1.0; 3]).unwrap())
    }

    fn identity(name: &str) -> Identity {
        Identity {
            source: "Manual".into(),
            name: name.into(),
            ..Identity::default()
        }
    }

    fn cube(lo: usize, n: usize) -> Mask {
        Mask::from_block(&grid(), [lo; 3], Array3::ones((n, n, n))).unwrap()
    }

    #[test]
    fn complete_partial_and_absent() {
        let ok = Region::new(identity("PTV"), &grid(), Ok(Made::new(cube(5, 3))));
        assert_eq!(
            (ok.entry.status.as_str(), ok.entry.name.as_str(), ok.entry.voxels),
            ("ok", "PTV", 27)
        );
        let cut = Region::new(identity("Body"), &grid(), Ok(Made::new(cube(0, 3))));
        assert_eq!((cut.entry.status.as_str(), cut.entry.name.as_str()), ("partial", "Body__partial"));
        assert_eq!(
            (cut.entry.original_name.as_str(), cut.entry.error_code.as_str()),
            ("Body", "structures.touches_border")
        );
        assert_eq!(cut.cut_faces, ["right", "anterior", "inferior"]);
        let union = Made {
            missing: vec!["colon".into()],
            ..Made::new(cube(5, 2))
        };
        let union = Region::new(identity("bowel"), &grid(), Ok(union));
        assert_eq!(
            (union.entry.error_code.as_str(), union.entry.message.as_str()),
            ("structures.missing_operand", "made without colon; only 8 voxels")
        );
        let away = Made {
            leaves_image: true,
            ..Made::new(Mask::empty(&grid()))
        };
        let away = Region::new(identity("far"), &grid(), Ok(away));
        assert_eq!(
            (away.entry.status.as_str(), away.entry.error_code.as_str()),
            ("skipped", "structures.outside_image")
        );
        assert_eq!(away.entry.name, "far");
    }

    #[test]
    fn a_panic_is_one_structure_s_failure() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let caught = caught::<()>(|| panic!("broken"));
        std::panic::set_hook(hook);
        assert_eq!(caught.unwrap_err().code, "internal.panic");
    }
}
