//! Published and recorded reference values beside what our engines give, as tables.
//!
//! Knows: the engines and where reference values lie. Must not know: courses, command line. Sources: each module names its data.
//!
//! ```no_run
//! let report = rt_conformance::pyradiomics::run(std::path::Path::new("../shared/data/radiomics-golden"))?;
//! println!("{report}");
//! # Ok::<(), rt_conformance::pyradiomics::ConformanceError>(())
//! ```

pub mod dvh_analytic;
pub mod ibsi;
pub mod ibsi2;
pub mod pyradiomics;
