//! `radiomics_ct`, `radiomics_mr`, `radiomics_pet`, `radiomics_dose`: one row per course, image and structure of each source.
//!
//! Features and diagnostics are columns named as PyRadiomics names them (`original_glcm_Contrast`); they are spelled in
//! `rt_radiomics::registry` alone and come as lists of names. In a course they are packed ([`crate::packed`]), in `_RESULTS` wide.

use crate::schema::{ColumnDef, TableSchema};
pub use crate::tables::dvh::{BODY_REGIONS, CONTRAST_PHASE, IMAGE_MODALITY, INTERPRETED_TYPE, PREFERRED, ROI_KEY, SEGMENTATION_ENGINE};
pub use crate::tables::{COURSE_ID, ERROR_CODE, MESSAGE, PATIENT_ID, STATUS};
use crate::tables::{IDS, OUTCOME, contract};

columns! {
    /// The columns of the reference after the features, in its order (`spec/analysis.md` 2.5, 2.6).
    PROVENANCE:
    MODALITY = Text "modality" [""] "CT, MR, PT or DOSE";
    SEGMENTATION_SOURCE = Text "segmentation_source" [""] "Manual, AutoRTS, Custom, CustomModel:<name> or NIfTI_Direct";
    ROI_NAME = Text "roi_name" [""] "Name; __partial is appended when the structure is cut by the border of the image";
    ROI_ORIGINAL_NAME = Text "roi_original_name" [""] "Name as drawn or defined";
    COURSE_DIR = Text "course_dir" [""] "Course folder relative to the output folder";
    STRUCTURE_CROPPED = Bool "structure_cropped" [""] "The structure touches a face of the image";
    SERIES_DIR = Text "series_dir" [""] "Folder of the image's DICOM files, relative to the course folder";
    SERIES_UID = Text "series_uid" [""] "SeriesInstanceUID of the image";
    NIFTI_PATH = Text "nifti_path" [""] "Image file, relative to the course folder";
}

columns! {
    /// Columns of ours.
    OURS:
    ROI_NUMBER = Int "roi_number" [""] "ROINumber (3006,0022) of a drawn structure; -1 for masks that have none";
    SETTINGS = Text "settings" [""] "Name of the settings: ct, mr, pet, dose, reduced or the parameter file";
    FLAVOUR = Text "flavour" [""] "pyradiomics or ibsi: whose definitions hold where they differ";
    MR_NORMALISATION = Text "mr_normalisation" [""] "image_zscore, roi_zscore or none";
    MR_WEIGHTING = Text "mr_weighting" [""] "Weighting of the MR series, where its names tell";
    VOLUME_CC = Float "volume_cc" ["cm3"] "Volume of the mask on the image grid";
    VOXELS_NATIVE = Int "voxels_native" ["voxels"] "Voxels of the mask on the image grid";
    VOXELS_RESAMPLED = Int "voxels_resampled" ["voxels"] "Voxels of the mask that the features were computed on";
}

static ENDING: &[&ColumnDef] = &[&CONTRAST_PHASE, &IMAGE_MODALITY, &BODY_REGIONS];
static EXTRA: &[&ColumnDef] = &[&SEGMENTATION_ENGINE, &INTERPRETED_TYPE, &ROI_KEY, &PREFERRED];

/// The columns without features and diagnostics; `name` is the table, `radiomics_ct`.
pub fn schema(name: &str) -> TableSchema {
    contract(name, &[IDS, PROVENANCE, ENDING, OURS, EXTRA, OUTCOME])
}
