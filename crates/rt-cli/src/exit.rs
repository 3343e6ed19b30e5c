//! Exit codes, and how an error is told: what failed, one cause a line, then what to do.

use std::fmt::Write;
use std::process::ExitCode;

use rt_config::ConfigError;
use rt_course::{DigestError, LayoutError, LeaseError, ReadError, WriteError};

/// How a command ends. The numbers are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or nothing to do.
    Done,
    /// 1: failed, nothing usable was written.
    Failed,
    /// 2: usage or configuration, nothing was attempted.
    Usage,
    /// 3: done in part.
    Partial,
    /// 130: stopped by Ctrl-C.
    Interrupted,
    /// 143: stopped by a termination signal.
    Terminated,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What an error ends with: a signal that came in wins, then usage, else failure.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(signal) = crate::signals::received() {
            return signal;
        }
        let usage = error.chain().any(|cause| {
            cause.is::<ConfigError>() || cause.is::<LayoutError>() || cause.downcast_ref::<Failure>().is_some_and(|f| f.exit == Self::Usage)
        });
        if usage { Self::Usage } else { Self::Failed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// An error of a driver: a stable code, a message that names the file or item, and a remedy. Wrap it or a library error with
/// [`anyhow::Context`] for more detail.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    code: &'static str,
    message: String,
    hint: Option<String>,
    exit: Exit,
    #[source]
    source: Option<anyhow::Error>,
}

impl Failure {
    /// An error that ends a command with [`Exit::Failed`].
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            exit: Exit::Failed,
            source: None,
        }
    }

    /// An error in what the user asked for: [`Exit::Usage`].
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::new(code, message)
        }
    }

    /// A file that the stage `maker` made and that cannot be read now: `code` is that of the reason.
    pub fn damaged(path: impl std::fmt::Display, maker: &str, code: &'static str, reason: impl Into<anyhow::Error>) -> Self {
        Self::new(code, format!("cannot read {path}"))
            .because(reason)
            .hint(format!("run the {maker} stage again with --force: it makes this file"))
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

/// Code of the outermost cause that has one; `internal.error` when none has.
pub fn code_of(error: &anyhow::Error) -> &'static str {
    error.chain().find_map(known).map_or("internal.error", |(code, _)| code)
}

/// Remedy of the outermost cause that has one.
pub fn hint_of(error: &anyhow::Error) -> Option<String> {
    error.chain().filter_map(known).find_map(|(_, hint)| hint)
}

fn known(cause: &(dyn std::error::Error + 'static)) -> Option<(&'static str, Option<String>)> {
    if let Some(e) = cause.downcast_ref::<Failure>() {
        return Some((e.code, e.hint.clone()));
    }
    let own = |hint: &str| Some(hint.to_owned());
    if let Some(e) = cause.downcast_ref::<ConfigError>() {
        return Some((e.code(), own(e.hint())));
    }
    if let Some(e) = cause.downcast_ref::<LayoutError>() {
        return Some((e.code(), own(e.hint())));
    }
    if let Some(e) = cause.downcast_ref::<ReadError>() {
        return Some((e.code(), own(e.hint())));
    }
    if let Some(e) = cause.downcast_ref::<LeaseError>() {
        return Some((e.code(), e.hint().map(str::to_owned)));
    }
    if let Some(e) = cause.downcast_ref::<WriteError>() {
        return Some((e.code(), e.hint().map(str::to_owned)));
    }
    cause.downcast_ref::<DigestError>().map(|e| (e.code(), own(e.hint())))
}

/// The lines that a person reads: `error[code]: message`, each further cause on its own line, then `hint:`. Control characters are
/// shown as escapes. A cause that the line above already tells is left out.
pub fn describe(error: &anyhow::Error) -> String {
    let mut text = format!("error[{}]: ", code_of(error));
    let mut before = String::new();
    for (n, cause) in error.chain().enumerate() {
        let message = escape(&cause.to_string());
        if n == 0 {
            text.push_str(&message);
        } else if !before.contains(&message) {
            let _ = write!(text, "\n  caused by: {message}");
        }
        before = message;
    }
    if let Some(hint) = hint_of(error) {
        let _ = write!(text, "\nhint: {}", escape(&hint));
    }
    text
}

/// Text from files, made harmless for a terminal: control characters and direction overrides become `\u{1b}`.
pub fn escape(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control() && c != '\n' && c != '\t' || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.chars().any(harmful) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| {
            if harmful(c) {
                c.escape_unicode().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn an_error_is_told_with_code_causes_and_remedy() {
        let io = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let failure = Failure::new("dose.frame_mismatch", "cannot map dose to CT")
            .hint("export the REG object too")
            .because(io);
        let error = anyhow::Error::new(failure).context("course P01/C1");
        assert_eq!(
            describe(&error),
            "error[dose.frame_mismatch]: course P01/C1\n  caused by: cannot map dose to CT\n  caused by: no such file\nhint: export the REG object too"
        );
        assert_eq!(Exit::of(&error), Exit::Failed);
    }

    #[test]
    fn configuration_faults_are_usage_errors() {
        let error = rt_config::Document::from_toml("c.toml", "[dhv]")
            .map(|_| ())
            .context("cannot start")
            .unwrap_err();
        assert_eq!(Exit::of(&error).code(), 2);
        assert_eq!(code_of(&error), "config.unknown");
        assert_eq!(Exit::of(&anyhow::anyhow!("odd")), Exit::Failed);
        assert_eq!(code_of(&anyhow::anyhow!("odd")), "internal.error");
    }

    #[test]
    fn terminal_escapes_in_names_are_shown_and_not_obeyed() {
        assert_eq!(escape("a\u{1b}[31mb\u{202e}c\u{7}"), "a\\u{1b}[31mb\\u{202e}c\\u{7}");
        assert_eq!(escape("ü ok\n"), "ü ok\n");
    }
}
