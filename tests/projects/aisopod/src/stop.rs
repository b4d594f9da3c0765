//! How the outside asks the program to stop: signals on Unix, console events on Windows.

use std::io::Result;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that becomes true on SIGTERM or SIGINT.
#[cfg(unix)]
pub fn flag() -> Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// A flag that becomes true on Ctrl-C, Ctrl-Break, a closed console, log-off or shutdown.
#[cfg(windows)]
pub fn flag() -> Result<Arc<AtomicBool>> {
    let flag = console::FLAG.get_or_init(|| Arc::new(AtomicBool::new(false)));
    // SAFETY: the handler is a function of the documented type that lives as long as the program.
    match unsafe { console::SetConsoleCtrlHandler(Some(console::handle), 1) } {
        0 => Err(std::io::Error::last_os_error()),
        _ => Ok(Arc::clone(flag)),
    }
}

/// Console control handlers, wincon.h.
#[cfg(windows)]
mod console {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, OnceLock};
    use std::time::Duration;

    pub static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

    const CTRL_CLOSE_EVENT: u32 = 2;

    type Handler = unsafe extern "system" fn(event: u32) -> i32;

    unsafe extern "system" {
        pub fn SetConsoleCtrlHandler(handler: Option<Handler>, add: i32) -> i32;
    }

    /// Runs in a thread that the system starts for the event.
    pub unsafe extern "system" fn handle(event: u32) -> i32 {
        if let Some(flag) = FLAG.get() {
            flag.store(true, Ordering::SeqCst);
        }
        if event >= CTRL_CLOSE_EVENT {
            // The system ends the program when this returns, so leave the main thread its time to drain.
            std::thread::sleep(Duration::from_secs(10));
        }
        1
    }
}
