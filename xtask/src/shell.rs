//! Other programs: run them in the workspace root, echo what is run, keep what they say when it must be read.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::root;

/// Cargo, the one that runs us.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    in_root(program)
}

/// A command that starts in the workspace root.
pub(crate) fn in_root(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    // Set for our own build by the cargo that runs us; a nested cargo decides for itself.
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PKG_NAME",
        "CARGO_PKG_VERSION",
        "RUSTC_WRAPPER_INNER",
    ] {
        command.env_remove(name);
    }
    command
}

/// The command as one would type it.
pub(crate) fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let name = |word: &OsStr| {
        let path = Path::new(word);
        let short = if path.is_absolute() {
            path.file_name().unwrap_or(word)
        } else {
            word
        };
        short.to_string_lossy().into_owned()
    };
    words.map(name).collect::<Vec<_>>().join(" ")
}

/// Runs a command, its output going where ours goes.
///
/// # Errors
/// When it cannot be started or ends with another code than 0.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    println!("$ {}", typed(command));
    let status = command.status().with_context(|| format!("cannot start `{}`", typed(command)))?;
    anyhow::ensure!(status.success(), "`{}` ended with {status}", typed(command));
    Ok(())
}

/// Runs a command, passes its output on, and returns all of it (standard output, then standard error) with success.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn run_and_read(command: &mut Command) -> anyhow::Result<(bool, String)> {
    println!("$ {}", typed(command));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", typed(command)))?;
    let errors = child.stderr.take();
    let reader = std::thread::spawn(move || errors.map_or_else(String::new, |e| pass_on(e, std::io::stderr())));
    let mut text = child.stdout.take().map_or_else(String::new, |o| pass_on(o, std::io::stdout()));
    text.push_str(&reader.join().unwrap_or_default());
    let status = child.wait().with_context(|| format!("lost `{}`", typed(command)))?;
    Ok((status.success(), text))
}

/// Copies lines as they come and keeps them.
fn pass_on(from: impl std::io::Read, mut to: impl Write) -> String {
    let mut text = String::new();
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(n) if n > 0) {
        // Nobody reads any more: go on to the end all the same.
        let _ = to.write_all(&line);
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    text
}

/// What a command prints on standard output; `None` when it cannot be started or fails.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The folder into which this workspace is built.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}
