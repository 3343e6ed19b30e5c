//! The umbrella: the graph of stages in one process, and the verbs around it.
//!
//! Knows: which stages there are, in which order ([`graph`]), and how to run them side by side within the machine's means
//! ([`schedule`]). Must not know: what any stage computes. Sources: `design/contract.md` (commands, exit codes), `design/architecture.md`
//! sections 7 to 9, `spec/user-experience.md` 1 and 2.
//!
//! ```
//! let graph = rtpipeline::graph::Graph::new();
//! assert_eq!(graph.names(), ["organize", "segment", "structures", "dvh", "radiomics", "robustness", "qc", "aggregate"]);
//! assert_eq!(graph.after("qc"), ["dvh", "radiomics"]);
//! ```

pub mod anonymize;
pub mod compare;
pub mod config;
pub mod convert;
pub mod doctor;
pub mod graph;
pub mod init;
pub mod inspect;
pub mod plan;
pub mod run;
pub mod schedule;
pub mod select;
pub mod status;
pub mod text;
