//! Advisory locks: one process at a time on a stage of a course, or on a slot of a device.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

/// A lock could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Another process holds it.
    #[error("{path} is held by another run ({holder})")]
    Held {
        /// The lock file.
        path: Utf8PathBuf,
        /// What the holder wrote about itself.
        holder: String,
    },
    /// The caller asked to stop waiting.
    #[error("interrupted while waiting for {path}")]
    Interrupted {
        /// The lock file.
        path: Utf8PathBuf,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot lock {path}")]
    Io {
        /// The lock file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl LeaseError {
    /// Stable code: `lease.held`, `lease.interrupted` or `lease.io`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "lease.held",
            Self::Interrupted { .. } => "lease.interrupted",
            Self::Io { .. } => "lease.io",
        }
    }

    /// What the user can do, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Held { .. } => Some("wait for the other run to end, or leave out --no-wait to queue behind it"),
            Self::Interrupted { .. } => None,
            Self::Io { .. } => Some("the output folder must be writable and its file system must support file locks"),
        }
    }
}

/// A held lock; released when dropped, also when the process dies.
#[derive(Debug)]
pub struct Lease {
    file: File,
    path: Utf8PathBuf,
}

impl Lease {
    /// Takes the lock if it is free: `Ok(None)` when another process holds it. `holder` is shown to those who find it taken.
    ///
    /// # Errors
    /// [`LeaseError::Io`].
    pub fn try_acquire(path: &Utf8Path, holder: &str) -> Result<Option<Self>, LeaseError> {
        let io = |source| LeaseError::Io {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(io)?;
        Ok(Some(Self {
            file,
            path: path.to_owned(),
        }))
    }

    /// Takes the lock or says who holds it.
    ///
    /// # Errors
    /// [`LeaseError::Held`] or [`LeaseError::Io`].
    pub fn acquire_now(path: &Utf8Path, holder: &str) -> Result<Self, LeaseError> {
        Self::try_acquire(path, holder)?.ok_or_else(|| LeaseError::Held {
            path: path.to_owned(),
            holder: holder_of(path),
        })
    }

    /// Waits for the lock, looking five times a second; `waiting` is called once with the holder's words before the first pause.
    ///
    /// # Errors
    /// [`LeaseError::Interrupted`] as soon as `stop` says so, or [`LeaseError::Io`].
    pub fn acquire(path: &Utf8Path, holder: &str, stop: impl Fn() -> bool, waiting: impl FnOnce(&str)) -> Result<Self, LeaseError> {
        let mut waiting = Some(waiting);
        loop {
            if let Some(lease) = Self::try_acquire(path, holder)? {
                return Ok(lease);
            }
            if let Some(tell) = waiting.take() {
                tell(&holder_of(path));
            }
            if stop() {
                return Err(LeaseError::Interrupted { path: path.to_owned() });
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Whether some process holds the lock now; nothing is made or written.
    pub fn is_held(path: &Utf8Path) -> bool {
        File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// The lock file.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Emptied, not removed: removing a lock file that another process has open would let two of them hold it.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn holder_of(path: &Utf8Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|f| f.take(200).read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown holder".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn lock_file() -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().join("state/dvh.lock")).unwrap();
        (dir, path)
    }

    #[test]
    fn the_second_is_told_who_holds_it_and_gets_it_after_release() {
        let (_guard, path) = lock_file();
        let first = Lease::acquire_now(&path, "pid 1 on here").unwrap();
        assert!(Lease::is_held(&path));
        let error = Lease::acquire_now(&path, "pid 2").unwrap_err();
        assert_eq!(error.code(), "lease.held");
        assert!(error.to_string().contains("pid 1 on here"), "{error}");
        drop(first);
        assert!(!Lease::is_held(&path));
        Lease::acquire_now(&path, "pid 2").unwrap();
    }

    #[test]
    fn a_waiter_hears_the_holder_and_may_give_up() {
        let (_guard, path) = lock_file();
        let _first = Lease::acquire_now(&path, "the first").unwrap();
        let heard = Cell::new(String::new());
        let waited = Lease::acquire(&path, "the second", || true, |holder| heard.set(holder.to_owned()));
        assert_eq!(waited.unwrap_err().code(), "lease.interrupted");
        assert_eq!(heard.into_inner(), "the first");
    }
}
