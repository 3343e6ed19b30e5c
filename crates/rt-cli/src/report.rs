//! What a stage says when it has run: item by item.

use camino::Utf8PathBuf;
use indexmap::IndexMap;
use rt_course::Status;
use rt_course::stamp::Counts;

/// How one item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemStatus {
    /// Completely.
    Done,
    /// With a result that covers part of it.
    Partial,
    /// Left out for a stated reason.
    Skipped,
    /// Without a result.
    Failed,
}

/// One structure, file, course or model that a stage worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What a person calls it.
    pub name: String,
    /// How it ended.
    pub status: ItemStatus,
    /// Stable code of the reason, empty when done.
    pub code: String,
    /// The reason in words.
    pub message: String,
}

/// The result of [`crate::Stage::run`]. Record items as they end: each becomes an event at once.
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    items: Vec<Item>,
    skipped: Option<String>,
    wrote: Vec<Utf8PathBuf>,
    tools: IndexMap<String, String>,
}

impl StageReport {
    /// A stage that ran.
    pub fn new() -> Self {
        Self::default()
    }

    /// A stage that has nothing to do here, for instance because the course has no dose. Its earlier outputs are removed.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self {
            skipped: Some(reason.into()),
            ..Self::default()
        }
    }

    /// An item was done.
    pub fn done(&mut self, name: impl Into<String>) {
        let name = name.into();
        tracing::debug!(event = "item.done", item = name, "{name} done");
        self.push(name, ItemStatus::Done, "", String::new());
    }

    /// An item has a result for part of it.
    pub fn partial(&mut self, name: impl Into<String>, code: &str, message: impl Into<String>) {
        let (name, message) = (name.into(), message.into());
        tracing::debug!(event = "item.partial", item = name, code, "{name} done in part: {message}");
        self.push(name, ItemStatus::Partial, code, message);
    }

    /// An item was left out.
    pub fn skip(&mut self, name: impl Into<String>, code: &str, message: impl Into<String>) {
        let (name, message) = (name.into(), message.into());
        tracing::debug!(event = "item.skipped", item = name, code, "{name} skipped: {message}");
        self.push(name, ItemStatus::Skipped, code, message);
    }

    /// An item failed: the stage ends with exit code 3.
    pub fn failed(&mut self, name: impl Into<String>, code: &str, message: impl Into<String>) {
        let (name, message) = (name.into(), message.into());
        tracing::warn!(event = "item.failed", item = name, code, "{name} failed: {message}");
        self.push(name, ItemStatus::Failed, code, message);
    }

    fn push(&mut self, name: String, status: ItemStatus, code: &str, message: String) {
        self.items.push(Item {
            name,
            status,
            code: code.to_owned(),
            message,
        });
    }

    /// A file was written that [`crate::Stage::outputs`] does not list because only the run could know it.
    pub fn wrote(&mut self, path: impl Into<Utf8PathBuf>) {
        self.wrote.push(path.into());
    }

    /// An external program or model was used.
    pub fn tool(&mut self, name: impl Into<String>, version: impl Into<String>) {
        self.tools.insert(name.into(), version.into());
    }

    /// Items in the order in which they ended.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Why the whole stage was skipped.
    pub fn skip_reason(&self) -> Option<&str> {
        self.skipped.as_deref()
    }

    pub(crate) fn written(&self) -> &[Utf8PathBuf] {
        &self.wrote
    }

    pub(crate) fn tools(&self) -> &IndexMap<String, String> {
        &self.tools
    }

    /// Number of items by status.
    pub fn counts(&self) -> Counts {
        let of = |status| self.items.iter().filter(|item| item.status == status).count();
        Counts {
            done: of(ItemStatus::Done),
            partial: of(ItemStatus::Partial),
            skipped: of(ItemStatus::Skipped),
            failed: of(ItemStatus::Failed),
        }
    }

    /// Status of the stage: `partial` only when an item failed.
    pub fn status(&self) -> Status {
        if self.skipped.is_some() {
            Status::Skipped
        } else if self.items.iter().any(|item| item.status == ItemStatus::Failed) {
            Status::Partial
        } else {
            Status::Ok
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_item_makes_a_stage_partial() {
        let mut report = StageReport::new();
        report.done("ptv");
        report.partial("body", "dvh.partial_coverage", "62 % in the dose grid");
        report.skip("empty", "dvh.empty", "no contours");
        assert_eq!(report.status(), Status::Ok);
        report.failed("x", "dvh.relative_dose", "dose is not in Gy");
        assert_eq!(report.status(), Status::Partial);
        assert_eq!(
            report.counts(),
            Counts {
                done: 1,
                partial: 1,
                skipped: 1,
                failed: 1
            }
        );
        assert_eq!(StageReport::skipped("no dose").status(), Status::Skipped);
    }
}
