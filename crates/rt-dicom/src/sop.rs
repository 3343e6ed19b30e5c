//! SOP classes that the pipeline knows (PS3.4 B.5, PS3.6 annex A).

/// Common prefix of storage classes.
const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";

/// Families of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Image,
    Structures,
    Plan,
    Dose,
    Record,
    Registration,
    Segmentation,
    Directory,
    Other,
    /// Neither class nor modality.
    Unknown,
}

/// Family of an object by its SOP class; without one, by its modality.
pub(crate) fn family(class: &str, modality: &str) -> Family {
    if class == "1.2.840.10008.1.3.10" {
        return Family::Directory;
    }
    if let Some(tail) = class.strip_prefix(STORAGE) {
        return match tail {
            "2" | "2.1" | "2.2" | "4" | "4.1" | "4.4" | "128" | "128.1" | "130" => Family::Image,
            "481.3" => Family::Structures,
            "481.5" | "481.8" => Family::Plan,
            "481.2" => Family::Dose,
            "481.4" | "481.6" | "481.7" | "481.9" => Family::Record,
            "66.1" | "66.3" => Family::Registration,
            "66.4" | "66.7" => Family::Segmentation,
            _ => Family::Other,
        };
    }
    if !class.is_empty() {
        return Family::Other;
    }
    match modality {
        "" => Family::Unknown,
        "CT" | "MR" | "PT" => Family::Image,
        "RTSTRUCT" => Family::Structures,
        "RTPLAN" => Family::Plan,
        "RTDOSE" => Family::Dose,
        "RTRECORD" => Family::Record,
        "REG" => Family::Registration,
        "SEG" => Family::Segmentation,
        _ => Family::Other,
    }
}

/// Modality that an image class implies, for objects that do not say.
pub(crate) fn modality_of(class: &str) -> &'static str {
    match class.strip_prefix(STORAGE) {
        Some("2" | "2.1" | "2.2") => "CT",
        Some("4" | "4.1" | "4.4") => "MR",
        Some("128" | "128.1" | "130") => "PT",
        _ => "",
    }
}

/// Whether a transfer syntax loses information.
pub(crate) fn is_lossy(syntax: &str) -> bool {
    let jpeg = syntax.strip_prefix("1.2.840.10008.1.2.4.");
    matches!(
        jpeg,
        Some("50" | "51" | "52" | "53" | "54" | "55" | "56" | "81" | "91" | "93" | "112" | "203")
    )
}

/// Whether a registration class holds a deformation field.
pub(crate) fn is_deformable(class: &str) -> bool {
    class.strip_prefix(STORAGE) == Some("66.3")
}
