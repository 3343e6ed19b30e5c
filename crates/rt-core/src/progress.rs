//! How a library reports what it is doing, and hears that it should stop.

/// Receives progress; implemented by the command line, silent elsewhere. Methods may be called from many threads.
pub trait Progress: Sync {
    /// A piece of work of `total` steps begins.
    fn begin(&self, what: &str, total: u64);
    /// `steps` more are done.
    fn inc(&self, steps: u64);
    /// Something worth a line for the person who watches.
    fn note(&self, message: &str);
    /// Whether the user asked to stop; long loops look at this between items.
    fn cancelled(&self) -> bool;
}

/// Shows nothing and is never cancelled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total: u64) {}
    fn inc(&self, _steps: u64) {}
    fn note(&self, _message: &str) {}
    fn cancelled(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_progress_never_cancels() {
        let p = Silent;
        p.begin("work", 3);
        p.inc(3);
        p.note("done");
        assert!(!p.cancelled());
    }
}
