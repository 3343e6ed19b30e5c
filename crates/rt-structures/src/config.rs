//! Section `[structures]` of the configuration.

use rt_config::{ConfigIssue, Validate};
use rt_image::HoleStyle;
use rt_image::morphology::{ImageEdge, MarginOptions, Reference};
use serde::{Deserialize, Serialize};

/// Settings of the structures stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StructuresConfig {
    /// Derived structures: a file, the name of a built-in set (`pelvis`, `thorax`, `sbrt`), `none`, or `auto`: of the built-in site
    /// sets the structures whose operands are all there.
    pub recipe: String,
    /// What margins are measured from.
    pub margin_reference: Reference,
    /// What lies beyond the image when a structure shrinks.
    pub image_edge: ImageEdge,
    /// A file of further names, beside the built-in ones; empty for none.
    pub synonyms: String,
    /// A missing operand is an error, in unions too.
    pub strict: bool,
    /// Write `RS_auto.dcm` and `RS_custom.dcm`.
    pub write_rtstruct: bool,
    /// Write `SEG_auto.dcm`.
    pub write_seg: bool,
    /// Longest `ROIName`, 16 to 64 characters; the whole of a name that is cut stands in `ROIDescription`.
    pub roi_name_max: usize,
    /// How holes are written: `inner` contours, or joined to the outer one by a `keyhole`.
    pub holes: HoleStyle,
}

impl Default for StructuresConfig {
    fn default() -> Self {
        Self {
            recipe: "auto".to_owned(),
            margin_reference: Reference::default(),
            image_edge: ImageEdge::default(),
            synonyms: String::new(),
            strict: false,
            write_rtstruct: true,
            write_seg: true,
            roi_name_max: 64,
            holes: HoleStyle::default(),
        }
    }
}

impl StructuresConfig {
    /// Whether any DICOM object is written.
    pub fn writes_dicom(&self) -> bool {
        self.write_rtstruct || self.write_seg
    }

    /// How margins are made.
    pub fn margin_options(&self) -> MarginOptions {
        MarginOptions {
            reference: self.margin_reference,
            edge: self.image_edge,
        }
    }
}

impl Validate for StructuresConfig {
    fn validate(&self) -> Result<(), ConfigIssue> {
        if self.recipe.trim().is_empty() {
            return Err(ConfigIssue::new(
                "recipe",
                "is a file, `pelvis`, `thorax`, `sbrt`, `auto` or `none`",
            ));
        }
        if !(16..=64).contains(&self.roi_name_max) {
            return Err(ConfigIssue::new("roi_name_max", "is a number of characters from 16 to 64"));
        }
        Ok(())
    }
}
