//! A CT in HU: mapped when it is stored so, else read and rounded.

use std::path::Path;

use rt_image::{Volume, VolumeView};
use rt_nifti::{MapError, MappedVolume, ReadError};

/// A CT in whole HU.
pub(crate) enum Ct {
    /// Looked at in the file.
    Mapped(MappedVolume<i16>),
    /// In memory.
    Read(Volume<i16>),
}

impl Ct {
    /// The samples.
    pub(crate) fn view(&self) -> VolumeView<'_, i16> {
        match self {
            Self::Mapped(volume) => volume.view(),
            Self::Read(volume) => volume.view(),
        }
    }
}

/// Opens a CT; samples of other types are rounded to whole HU, values beyond 16 bits (and what is not a number) are cut.
pub(crate) fn read_ct(path: &Path) -> Result<Ct, ReadError> {
    match rt_nifti::map::<i16>(path) {
        Ok(volume) => Ok(Ct::Mapped(volume)),
        Err(MapError::Read(error)) => Err(error),
        Err(_) => {
            let volume = rt_nifti::read::<f32>(path)?;
            Ok(Ct::Read(volume.map(|v| whole(*v))))
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast cuts at the limits of the type; air for what is not a number"
)]
fn whole(hu: f32) -> i16 {
    if hu.is_nan() { -1024 } else { hu.round() as i16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_and_cut() {
        let values = [-0.6f32, 1e9, -1e9, f32::NAN, 3071.4].map(whole);
        assert_eq!(values, [-1, i16::MAX, i16::MIN, -1024, 3071]);
    }
}
