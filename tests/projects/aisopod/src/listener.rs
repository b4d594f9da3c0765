//! Where connections come from: a port of our own, or a socket that systemd holds for us.

use std::io::Result;
use std::net::{IpAddr, SocketAddr, TcpListener};

/// The inherited socket when there is one, else a new one on `address` and `port`.
pub fn open(address: IpAddr, port: u16) -> Result<TcpListener> {
    match inherited() {
        Some(listener) => Ok(listener),
        None => TcpListener::bind(SocketAddr::new(address, port)).map_err(|error| {
            std::io::Error::new(error.kind(), format!("cannot listen on {address} port {port}: {error}"))
        }),
    }
}

/// Protocol of sd_listen_fds(3): LISTEN_PID is this process, LISTEN_FDS counts descriptors from 3 on.
#[cfg(unix)]
fn inherited() -> Option<TcpListener> {
    use std::os::fd::{FromRawFd, OwnedFd};

    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID")? != std::process::id() || number("LISTEN_FDS")? == 0 {
        return None;
    }
    // SAFETY: the service manager opened descriptor 3 for this process, and this is its only owner:
    // `open` is called once, before any other file is opened by number.
    let socket = unsafe { OwnedFd::from_raw_fd(3) };
    Some(TcpListener::from(socket))
}

#[cfg(not(unix))]
fn inherited() -> Option<TcpListener> {
    None
}
