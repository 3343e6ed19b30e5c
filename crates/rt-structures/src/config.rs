//! Section `[structures]` of the configuration.

use rt_config::{ConfigIssue, Validate};
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
}

impl Default for StructuresConfig {
    fn default() -> Self {
        Self {
            recipe: "auto".to_owned(),
            margin_reference: Reference::default(),
            image_edge: ImageEdge::default(),
            synonyms: String::new(),
            strict: false,
        }
    }
}

impl StructuresConfig {
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
        Ok(())
    }
}
