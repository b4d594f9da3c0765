//! The part of HTTP/1.1 (RFC 9112) that a health endpoint needs: one request and one answer for a connection.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A request line with its headers may be this long.
const HEAD_LIMIT: usize = 8 * 1024;
/// A client has this long to send them, however slowly the bytes drip.
const HEAD_TIME: Duration = Duration::from_secs(5);
const WRITE_TIME: Duration = Duration::from_secs(5);
/// After an early answer the rest of a body is read up to here, so that the answer is not lost in a reset.
const LINGER_BYTES: usize = 64 * 1024;
const LINGER_TIME: Duration = Duration::from_millis(500);

#[derive(Debug, PartialEq)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The credential of `Authorization: Bearer`.
    pub token: Option<String>,
}

#[derive(Debug, PartialEq)]
pub enum Refused {
    /// The client went away, or sent nothing: there is nobody to answer.
    Gone,
    Slow,
    TooLong,
    Malformed,
}

/// Reads up to the empty line that ends the headers.
pub fn read_request(stream: &mut TcpStream) -> std::result::Result<Request, Refused> {
    let deadline = Instant::now() + HEAD_TIME;
    let mut head = Vec::with_capacity(1024);
    let mut part = [0; 1024];
    loop {
        match read_until(stream, &mut part, deadline) {
            Ok(0) => {
                return Err(if head.is_empty() { Refused::Gone } else { Refused::Malformed });
            }
            Ok(size) => head.extend_from_slice(&part[..size]),
            Err(error) if is_timeout(error.kind()) => {
                return Err(if head.is_empty() { Refused::Gone } else { Refused::Slow });
            }
            Err(_) => return Err(Refused::Gone),
        }
        if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            return if end > HEAD_LIMIT { Err(Refused::TooLong) } else { parse(&head[..end]) };
        }
        if head.len() > HEAD_LIMIT {
            return Err(Refused::TooLong);
        }
    }
}

fn read_until(stream: &mut TcpStream, part: &mut [u8], deadline: Instant) -> Result<usize> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(part) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Unix reports an elapsed socket timeout as WouldBlock, Windows as TimedOut.
fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn parse(head: &[u8]) -> std::result::Result<Request, Refused> {
    let text = std::str::from_utf8(head).map_err(|_| Refused::Malformed)?;
    let mut lines = text.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.0" | "HTTP/1.1"] = words.as_slice() else {
        return Err(Refused::Malformed);
    };
    if method.is_empty() || !target.starts_with('/') {
        return Err(Refused::Malformed);
    }
    let mut token = None;
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Refused::Malformed)?;
        if name.eq_ignore_ascii_case("authorization") {
            token = bearer(value.trim());
        }
    }
    let path = target.split('?').next().unwrap_or(target);
    Ok(Request { method: (*method).to_owned(), path: path.to_owned(), token })
}

fn bearer(value: &str) -> Option<String> {
    let (scheme, credential) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim().to_owned())
}

#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// A header that the status asks for.
    pub header: Option<&'static str>,
}

/// Sends the answer and ends the connection. `with_body` is false for HEAD.
pub fn send(stream: &mut TcpStream, answer: &Answer, with_body: bool) -> Result<()> {
    let body = format!("{}\n", answer.body);
    let header = answer.header.map(|line| format!("{line}\r\n")).unwrap_or_default();
    let mut text = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n{header}\r\n",
        answer.status,
        reason(answer.status),
        body.len(),
    );
    if with_body {
        text.push_str(&body);
    }
    stream.set_write_timeout(Some(WRITE_TIME))?;
    stream.write_all(text.as_bytes())?;
    stream.shutdown(Shutdown::Write)
}

/// Reads and drops what a refused client still sends.
pub fn linger(stream: &mut TcpStream) {
    let deadline = Instant::now() + LINGER_TIME;
    let mut part = [0; 4096];
    let mut total = 0;
    while total < LINGER_BYTES {
        match read_until(stream, &mut part, deadline) {
            Ok(0) | Err(_) => return,
            Ok(size) => total += size,
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_its_method_path_and_token() {
        let head = b"GET /v1/status?full=1 HTTP/1.1\r\nHost: a\r\nauthorization: bearer  s3cret";
        let expected = Request {
            method: "GET".to_owned(),
            path: "/v1/status".to_owned(),
            token: Some("s3cret".to_owned()),
        };
        assert_eq!(Ok(expected), parse(head));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for head in [
            &b""[..],
            b"GET /health",
            b"GET  /health HTTP/1.1",
            b"GET health HTTP/1.1",
            b"GET /health HTTP/2",
            b"GET /health HTTP/1.1\r\nno colon",
            b"\x16\x03\x01\x02\x00\x01",
        ] {
            assert_eq!(Err(Refused::Malformed), parse(head));
        }
    }
}
