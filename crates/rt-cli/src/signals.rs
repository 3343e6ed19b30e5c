//! Ctrl-C and termination: the first asks the work to stop, which it has five seconds for; the second ends the process at once.

use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Exit;

/// Time that running work has to reach a safe point.
const GRACE: Duration = Duration::from_secs(5);

static RECEIVED: AtomicU8 = AtomicU8::new(0);

/// The exit that a signal asked for, when one came in.
pub fn received() -> Option<Exit> {
    match RECEIVED.load(Ordering::Relaxed) {
        0 => None,
        130 => Some(Exit::Interrupted),
        _ => Some(Exit::Terminated),
    }
}

/// Begins to listen; a second call does nothing. Where the system refuses, signals keep their default effect.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Ok(signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) {
            std::thread::spawn(move || watch(signals));
        }
    });
}

fn watch(mut signals: Signals) {
    for signal in signals.forever() {
        let exit = if signal == SIGINT { Exit::Interrupted } else { Exit::Terminated };
        if RECEIVED.swap(exit.code(), Ordering::Relaxed) != 0 {
            leave(exit);
        }
        tracing::warn!(event = "interrupted", "stopping; run the same command again to do the rest");
        std::thread::spawn(move || {
            std::thread::sleep(GRACE);
            leave(exit);
        });
    }
}

fn leave(exit: Exit) -> ! {
    rt_course::atomic::remove_own_temporaries();
    std::process::exit(exit.code().into())
}
