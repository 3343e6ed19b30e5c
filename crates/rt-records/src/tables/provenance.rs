//! `provenance`: one row per course and stage: what it cost, with which version and key. Outside the promise of equal bytes.

use crate::schema::TableSchema;
pub use crate::tables::{COURSE_ID, PATIENT_ID, STATUS};
use crate::tables::{IDS, contract};

columns! {
    /// Columns after the ids.
    COLUMNS:
    STAGE = Text "stage" [""] "organize, segment, structures, dvh, radiomics, qc, aggregate";
    STARTED = Text "started" [""] "Start of the last run that computed, UTC, RFC 3339";
    WALL_S = Float "wall_s" ["s"] "Wall time";
    CPU_S = Float "cpu_s" ["s"] "CPU time, user and system, child processes included";
    CPU_PERCENT = Float "cpu_pct" ["%"] "CPU time over wall time; 200 = two cores busy";
    PEAK_RSS_BYTES = Int "peak_rss_bytes" ["B"] "Largest resident memory";
    READ_BYTES = Int "read_bytes" ["B"] "Bytes read";
    WRITE_BYTES = Int "write_bytes" ["B"] "Bytes written";
    THREADS = Int "threads" [""] "Threads of the stage's pool";
    ITEMS_DONE = Int "items_done" [""] "Items done (structures, series)";
    ITEMS_FAILED = Int "items_failed" [""] "Items failed";
    ITEMS_SKIPPED = Int "items_skipped" [""] "Items skipped";
    CODE_VERSION = Text "code_version" [""] "Version of the program";
    COMMIT = Text "commit" [""] "Commit it was built from";
    CONFIG_DIGEST = Text "config_digest" [""] "Digest of the configuration sections that the stage depends on";
    KEY = Text "key" [""] "Staleness key: stage, version, configuration and inputs";
    INPUTS = Int "inputs" [""] "Input files";
    OUTPUTS = Int "outputs" [""] "Output files";
    OUTPUT_BYTES = Int "output_bytes" ["B"] "Size of the output files";
}

static END: &[&crate::schema::ColumnDef] = &[&STATUS];

/// The table.
pub fn schema() -> TableSchema {
    contract("provenance", &[IDS, COLUMNS, END])
}
