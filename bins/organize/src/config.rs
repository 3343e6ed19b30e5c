//! The sections that decide what organize makes.

use std::path::PathBuf;

use rt_config::{ConfigIssue, Validate};
use rt_dicom::dose_choice::FractionsCounted;
use rt_dicom::dose_sum::SumGrid;
use rt_dicom::gate::Limits;
use rt_dicom::link::{ImageOnly, LinkRules, LinkStep, RegisteredFrames, RelatedImages};
use rt_dicom::series::SliceGap;
use rt_image::suv::SuvKind;
use serde::{Deserialize, Serialize};

/// All sections of the stage, its own first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizeSections {
    /// `[organize]`
    pub organize: OrganizeConfig,
    /// `[limits]`
    pub limits: Limits,
    /// `[privacy]`
    pub privacy: PrivacyConfig,
    /// `[cohort]`
    pub cohort: CohortFolders,
}

impl Validate for OrganizeSections {
    fn validate(&self) -> Result<(), ConfigIssue> {
        if self.organize.min_slices == 0 {
            return Err(ConfigIssue::new("min_slices", "must be at least 1"));
        }
        Ok(())
    }
}

/// `[cohort]`: the folder to read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CohortFolders {
    /// Folder of DICOM files, read only.
    pub input: Option<PathBuf>,
    /// Folder for everything that is made.
    pub output: Option<PathBuf>,
}

/// How the DICOM files come into the course folders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placing {
    /// Another name of the same file; copied where the file system cannot.
    #[default]
    Hardlink,
    /// A link to the input; copied where the file system cannot.
    Symlink,
    /// A copy.
    Copy,
    /// Not at all: later stages do not need them.
    None,
}

/// What PET images are turned into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suv {
    /// Uptake by body weight.
    #[default]
    Bw,
    /// Uptake by lean body mass after Janmahasatian.
    Lbm,
    /// Uptake by lean body mass after James.
    LbmJames,
    /// Uptake by body surface.
    Bsa,
    /// Stored activity, as it is.
    None,
}

impl Suv {
    /// The kind of value; `None` when none is wanted.
    pub fn kind(self) -> Option<SuvKind> {
        match self {
            Self::Bw => Some(SuvKind::BodyWeight),
            Self::Lbm => Some(SuvKind::LeanMass),
            Self::LbmJames => Some(SuvKind::LeanMassJames),
            Self::Bsa => Some(SuvKind::BodySurface),
            Self::None => None,
        }
    }
}

/// `[organize]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganizeConfig {
    /// How DICOM files come into the course folders.
    pub place: Placing,
    /// Image series that nothing refers to and that have fewer slices are left out.
    pub min_slices: usize,
    /// By what objects may be joined: references, the same frame of reference, the same study.
    pub link: Vec<LinkStep>,
    /// Longest time between the plans of one course, days.
    pub max_days: Option<u32>,
    /// What to do about slices that are not evenly spaced.
    pub slice_gap: SliceGap,
    /// Grid of a summed dose.
    pub dose_sum_grid: SumGrid,
    /// Look at every file again instead of trusting size and time of change.
    pub cache_verify: bool,
    /// Make courses of images that no structure set, plan or dose belongs to.
    pub image_only_courses: ImageOnly,
    /// Go into folders that are symbolic links.
    pub follow_symlinks: bool,
    /// Which MR and PET series come with a course.
    pub mr_import: RelatedImages,
    /// Kind of uptake values that PET images are turned into.
    pub suv: Suv,
    /// Which fractions a sum of doses counts.
    pub fractions: FractionsCounted,
    /// File of rules (`dose_rules.toml`) that decide for single courses which doses are evaluated; empty for none.
    pub dose_rules: String,
    /// Doses of several frames of reference that rigid registrations join: one course each, or one course.
    pub registered_frames: RegisteredFrames,
}

impl Default for OrganizeConfig {
    fn default() -> Self {
        let rules = LinkRules::default();
        Self {
            place: Placing::default(),
            min_slices: rules.min_slices,
            link: rules.steps,
            max_days: rules.max_days,
            slice_gap: SliceGap::default(),
            dose_sum_grid: SumGrid::default(),
            cache_verify: false,
            image_only_courses: rules.image_only,
            follow_symlinks: false,
            mr_import: rules.mr,
            suv: Suv::default(),
            fractions: FractionsCounted::default(),
            dose_rules: String::new(),
            registered_frames: rules.registered_frames,
        }
    }
}

impl OrganizeConfig {
    /// The rules of linking.
    pub fn rules(&self) -> LinkRules {
        LinkRules {
            steps: self.link.clone(),
            max_days: self.max_days,
            min_slices: self.min_slices,
            image_only: self.image_only_courses,
            mr: self.mr_import,
            registered_frames: self.registered_frames,
        }
    }
}

/// `[privacy]`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacyConfig {
    /// Write names, birth dates and physicians to tables.
    pub identifiers: bool,
}
