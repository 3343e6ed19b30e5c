//! Value representations as the gate needs them: is this one, how is its length written, how wide is a value.

use dicom::core::dictionary::{DataDictionary as _, DataDictionaryEntry, VirtualVr};
use dicom::core::{Tag, VR};
use dicom::dictionary_std::StandardDataDictionary;

/// Whether the explicit header of this VR has two reserved bytes and a 32-bit length (PS3.5 table 7.1-1).
pub(crate) fn is_long(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::SQ | VR::SV | VR::UC | VR::UN | VR::UR | VR::UT | VR::UV
    )
}

/// Width in bytes of one binary number of this VR; `None` for text, byte streams and sequences.
pub(crate) fn width(vr: VR) -> Option<u32> {
    match vr {
        VR::US | VR::SS => Some(2),
        VR::UL | VR::SL | VR::FL | VR::AT => Some(4),
        VR::FD | VR::SV | VR::UV => Some(8),
        _ => None,
    }
}

fn is_text(vr: VR) -> bool {
    matches!(
        vr,
        VR::AE
            | VR::AS
            | VR::CS
            | VR::DA
            | VR::DS
            | VR::DT
            | VR::IS
            | VR::LO
            | VR::LT
            | VR::PN
            | VR::SH
            | VR::ST
            | VR::TM
            | VR::UC
            | VR::UI
            | VR::UR
            | VR::UT
    )
}

/// What the data dictionary says about a tag; `None` for private and unknown ones.
pub(crate) fn of_dictionary(tag: Tag) -> Option<VirtualVr> {
    if tag.group() % 2 == 1 {
        return None;
    }
    StandardDataDictionary.by_tag(tag).map(DataDictionaryEntry::vr)
}

/// The VR to take for a tag whose stored VR is unknown.
pub(crate) fn resolve(tag: Tag) -> VR {
    match of_dictionary(tag) {
        Some(VirtualVr::Exact(vr)) => vr,
        Some(VirtualVr::Xs | VirtualVr::Lt) => VR::US,
        Some(VirtualVr::Ox | VirtualVr::Px) => VR::OW,
        Some(_) | None => VR::UN,
    }
}

/// Whether the dictionary leaves open whether the tag's numbers are signed.
pub(crate) fn vr_of_sign(tag: Tag) -> bool {
    of_dictionary(tag) == Some(VirtualVr::Xs)
}

/// Whether the dictionary says that the tag is a sequence.
pub(crate) fn is_sequence(tag: Tag) -> bool {
    of_dictionary(tag) == Some(VirtualVr::Exact(VR::SQ))
}

/// Whether a stored VR may stand for the tag. One text VR in place of another is no fault that changes a value: editions of the
/// standard differ in them.
pub(crate) fn agrees(tag: Tag, stored: VR) -> bool {
    match of_dictionary(tag) {
        Some(VirtualVr::Exact(vr)) => {
            vr == stored || is_text(vr) && is_text(stored) || matches!((vr, stored), (VR::OB | VR::OW | VR::UN, VR::OB | VR::OW | VR::UN))
        }
        Some(VirtualVr::Xs | VirtualVr::Lt) => matches!(stored, VR::US | VR::SS | VR::OW),
        Some(VirtualVr::Ox | VirtualVr::Px) => matches!(stored, VR::OB | VR::OW),
        Some(_) | None => true,
    }
}
