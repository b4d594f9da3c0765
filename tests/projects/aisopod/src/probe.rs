//! Asks a running gateway for its health, from within an image that has nothing else to ask with.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Of the whole answer; Docker's own default for a check is longer.
const PATIENCE: Duration = Duration::from_secs(4);
/// More than any answer of ours.
const MOST: usize = 16 * 1024;

/// Asks the gateway on this machine; the problem is one sentence.
pub fn health(port: u16) -> Result<(), String> {
    let answer = ask(port).map_err(|error| format!("no answer on port {port}: {error}"))?;
    let healthy = answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"status\":\"ok\"");
    if healthy { Ok(()) } else { Err(format!("unhealthy: {}", answer.lines().next().unwrap_or_default())) }
}

fn ask(port: u16) -> std::io::Result<String> {
    let end = Instant::now() + PATIENCE;
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    while answer.len() < MOST {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => break,
            count => answer.extend_from_slice(&part[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    fn against(answer: &'static [u8]) -> Result<(), String> {
        let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) else {
            return Err("no port".to_owned());
        };
        let Ok(address) = listener.local_addr() else { return Err("no address".to_owned()) };
        let served = thread::spawn(move || {
            if let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(answer);
            }
        });
        let found = health(address.port());
        let _ = served.join();
        found
    }

    #[test]
    fn only_a_good_answer_is_healthy() {
        assert_eq!(Ok(()), against(b"HTTP/1.1 200 OK\r\n\r\n{\"status\":\"ok\"}"));
        for bad in
            [b"HTTP/1.1 503 Busy\r\n\r\n{\"status\":\"ok\"}".as_slice(), b"HTTP/1.1 200 OK\r\n\r\n{}", b""]
        {
            assert!(against(bad).is_err());
        }
    }

    #[test]
    fn nobody_there_is_unhealthy() {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|free| free.local_addr())
            .map(|at| at.port());
        assert!(port.is_ok_and(|port| health(port).is_err_and(|said| said.starts_with("no answer"))));
    }
}
