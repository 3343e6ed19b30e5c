//! Layered configuration: built-in defaults, preset, file, environment, command line; every error says file, line and the nearest name.
//!
//! Knows: TOML, the names of the sections ([`names`]), how layers combine, what enters a staleness key. Must not know: what a section
//! means; each algorithm crate owns the struct of its section and checks its values ([`Validate`]). Reads no environment variable and
//! no file that it was not given. Sources: `design/architecture.md` section 9, `design/contract.md` (configuration names).
//!
//! ```
//! use rt_config::{ConfigIssue, Document, Validate};
//!
//! #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! #[serde(deny_unknown_fields, default)]
//! struct Dvh {
//!     bin_width_gy: f64,
//! }
//! impl Default for Dvh {
//!     fn default() -> Self {
//!         Self { bin_width_gy: 0.01 }
//!     }
//! }
//! impl Validate for Dvh {
//!     fn validate(&self) -> Result<(), ConfigIssue> {
//!         if self.bin_width_gy > 0.0 { Ok(()) } else { Err(ConfigIssue::new("bin_width_gy", "must be above 0 Gy")) }
//!     }
//! }
//!
//! let document = Document::from_toml("my.toml", "[dvh]\nbin_width_gy = 0.1\n")?;
//! assert_eq!(document.section::<Dvh>("dvh")?, Dvh { bin_width_gy: 0.1 });
//!
//! let typo = Document::from_toml("my.toml", "[dvh]\nbin_widht_gy = 0.1\n")?;
//! let error = typo.section::<Dvh>("dvh").unwrap_err();
//! assert_eq!(error.to_string(), "my.toml:2:1: unknown key `bin_widht_gy` in [dvh]; did you mean `bin_width_gy`?");
//! # Ok::<(), rt_config::ConfigError>(())
//! ```

pub mod auto;
mod de;
pub mod digest;
pub mod error;
pub mod names;
mod node;
pub mod section;
pub mod source;

pub use auto::AutoOr;
pub use digest::{canonical_json, key_parts, section_digest};
pub use error::{ConfigError, ConfigIssue, Validate};
pub use node::Origin;
pub use section::{Document, parse_toml};
pub use source::{PRESETS, Preset, Sources, text_assignment};
