//! The images of a course that features are taken from.

use std::path::Path;
use std::sync::Arc;

use camino::Utf8PathBuf;
use rt_cli::Failure;
use rt_core::Grid;
use rt_course::CourseDir;
use rt_course::manifest::{CourseRecord, ImageRole};
use rt_image::{AnyVolume, Kernel, ResampleOptions, Rim, VolumeView, resample, upright_grid};
use rt_nifti::{MapError, MappedVolume};
use rt_radiomics::{ImageKind, RadiomicsConfig, Samples};

/// Files of masks that belong to one image alone.
#[derive(Debug, Clone)]
pub(crate) struct MaskFiles {
    pub(crate) index: Utf8PathBuf,
    pub(crate) volume: Utf8PathBuf,
}

/// One image to measure.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) kind: ImageKind,
    /// Path in the course folder, `images/ct.nii`.
    pub(crate) path: String,
    pub(crate) volume: Utf8PathBuf,
    pub(crate) series_uid: String,
    pub(crate) series_dir: String,
    /// Masks that were made on it, when there are any.
    pub(crate) own_masks: Option<MaskFiles>,
    /// Whether it lies in the frame of reference of the planning CT, so that the CT's masks hold for it.
    pub(crate) in_ct_frame: bool,
}

impl Subject {
    /// What messages call it: `ct`, `mr_01`.
    pub(crate) fn name(&self) -> &str {
        let file = self.path.rsplit('/').next().unwrap_or(&self.path);
        file.strip_suffix(".nii").unwrap_or(file)
    }

    /// `CT`, `MR`, `PT` or `DOSE`.
    pub(crate) fn modality(&self) -> &'static str {
        match self.kind {
            ImageKind::Ct => "CT",
            ImageKind::Mr => "MR",
            ImageKind::Pet => "PT",
            ImageKind::Dose => "DOSE",
        }
    }
}

/// The images that the configuration names and the course has, in the order of `course.json`.
pub(crate) fn subjects(course: &CourseDir, record: &CourseRecord, config: &RadiomicsConfig) -> Vec<Subject> {
    let ct_frame = record.planning_ct().map_or("", |ct| ct.frame_of_reference.as_str());
    let linked = |frame: &str| !frame.is_empty() && frame == ct_frame;
    let mut out = Vec::new();
    for image in &record.images {
        let kind = match image.role {
            ImageRole::PlanningCt => ImageKind::Ct,
            ImageRole::Mr => ImageKind::Mr,
            ImageRole::Pet => ImageKind::Pet,
            ImageRole::Ct => continue,
        };
        let Ok(volume) = course.file(&image.nifti) else { continue };
        if !config.images.contains(&kind) || !volume.exists() {
            continue;
        }
        out.push(Subject {
            kind,
            path: image.nifti.clone(),
            own_masks: (kind == ImageKind::Mr).then(|| mr_masks(course, &image.nifti)).flatten(),
            in_ct_frame: kind == ImageKind::Ct || linked(&image.frame_of_reference),
            volume,
            series_uid: image.series_uid.clone(),
            series_dir: image.dicom_dir.clone(),
        });
    }
    if let Some(dose) = record.dose.as_ref().filter(|_| config.images.contains(&ImageKind::Dose))
        && let Ok(volume) = course.file(&dose.nifti)
        && volume.exists()
    {
        out.push(Subject {
            kind: ImageKind::Dose,
            path: dose.nifti.clone(),
            volume,
            series_uid: dose.source_doses.first().cloned().unwrap_or_default(),
            series_dir: String::new(),
            own_masks: None,
            in_ct_frame: linked(&dose.frame_of_reference),
        });
    }
    out
}

/// Masks made on `images/mr_NN.nii`.
fn mr_masks(course: &CourseDir, nifti: &str) -> Option<MaskFiles> {
    let number = nifti.strip_suffix(".nii")?.rsplit('_').next()?.parse().ok()?;
    let files = MaskFiles {
        index: course.masks_mr_json(number),
        volume: course.masks_mr(number),
    };
    (files.index.exists() && files.volume.exists()).then_some(files)
}

/// A volume of the course: mapped where the file allows it.
pub(crate) enum CourseImage {
    /// Mapped 16-bit integers.
    I16(MappedVolume<i16>),
    /// Mapped 32-bit floats.
    F32(MappedVolume<f32>),
    /// Read, or resampled to a right-angled grid.
    Held(AnyVolume),
}

impl CourseImage {
    fn read(path: &Path) -> Result<Self, MapError> {
        match rt_nifti::map::<i16>(path) {
            Err(MapError::NotMappable { .. }) => {}
            integers => return integers.map(Self::I16),
        }
        match rt_nifti::map::<f32>(path) {
            Err(MapError::NotMappable { .. }) => Ok(Self::Held(rt_nifti::read_any(path)?)),
            floats => floats.map(Self::F32),
        }
    }

    /// Opens a volume. A sheared or uneven grid is resampled here, linearly, onto the upright grid that holds it: `true` says so.
    pub(crate) fn open(subject: &Subject) -> Result<(Self, bool), anyhow::Error> {
        let path = &subject.volume;
        let mut image = Self::read(path.as_std_path()).map_err(|e| Failure::damaged(path, "organize", e.code(), e))?;
        let upright = match &image {
            Self::I16(volume) => upright_copy(volume.view(), subject.kind)?,
            Self::F32(volume) => upright_copy(volume.view(), subject.kind)?,
            Self::Held(volume) => straighten(volume, subject.kind)?,
        };
        let straightened = upright.is_some();
        if let Some(upright) = upright {
            image = Self::Held(upright);
        }
        Ok((image, straightened))
    }

    /// The samples.
    pub(crate) fn samples(&self) -> Samples<'_> {
        match self {
            Self::I16(volume) => volume.view().into(),
            Self::F32(volume) => volume.view().into(),
            Self::Held(volume) => volume.into(),
        }
    }
}

/// A copy on a right-angled grid of a volume that is on another; `None` when the grid is right-angled and even.
pub(crate) fn straighten(volume: &AnyVolume, kind: ImageKind) -> Result<Option<AnyVolume>, anyhow::Error> {
    if is_regular(volume.grid()) {
        return Ok(None);
    }
    upright_copy(volume.to_f64().view(), kind)
}

fn is_regular(grid: &Grid) -> bool {
    grid.is_uniform() && grid.is_right_angled(0.1)
}

fn upright_copy<T: Copy + Into<f64> + Sync>(view: VolumeView<'_, T>, kind: ImageKind) -> Result<Option<AnyVolume>, anyhow::Error> {
    if is_regular(view.grid()) {
        return Ok(None);
    }
    let upright = Arc::new(upright_grid(view.grid())?);
    let options = ResampleOptions {
        kernel: Kernel::Linear,
        // What lies beyond the field of view: air in HU, nothing elsewhere.
        outside: if kind == ImageKind::Ct { -1024.0 } else { 0.0 },
        rim: Rim::HalfVoxel,
    };
    Ok(Some(resample(view, &upright, options).into()))
}
