//! One request and one answer for a connection of HTTP/1.1 (RFC 9112).

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

const HEAD_LIMIT: usize = 8 * 1024;
const BODY_LIMIT: usize = 4 * 1024 * 1024;
const HEADERS: usize = 64;

#[derive(Debug, Default, PartialEq)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub body: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: String,
}

/// Reads a whole request within the time. The error is the status to answer with; 0 where nobody is there any more.
pub fn read(stream: &mut TcpStream, time: Duration) -> std::result::Result<Request, u16> {
    let deadline = Instant::now() + time;
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if let Some((request, size)) = head(&bytes)? {
            return body(stream, request, bytes.split_off(size.begin), size.length, deadline);
        }
        if bytes.len() > HEAD_LIMIT {
            return Err(431);
        }
        let silent = bytes.is_empty();
        match more(stream, &mut bytes, deadline) {
            Ok(0) => return Err(if silent { 0 } else { 400 }),
            Ok(_) => {}
            Err(status) => return Err(if silent { 0 } else { status }),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Size {
    /// Where the body begins.
    begin: usize,
    length: usize,
}

/// The request without its body, once its head is whole.
fn head(bytes: &[u8]) -> std::result::Result<Option<(Request, Size)>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let begin = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(begin)) => begin,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(_) => return Err(400),
    };
    let mut length = 0;
    for header in parsed.headers.iter() {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(501);
        }
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).map_err(|_| 400_u16)?;
            length = text.trim().parse().map_err(|_| 400_u16)?;
        }
    }
    if length > BODY_LIMIT {
        return Err(413);
    }
    let path = parsed.path.unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    let request = Request { method: parsed.method.unwrap_or_default().to_owned(), path, body: Vec::new() };
    Ok(Some((request, Size { begin, length })))
}

fn body(
    stream: &mut TcpStream,
    request: Request,
    mut bytes: Vec<u8>,
    length: usize,
    deadline: Instant,
) -> std::result::Result<Request, u16> {
    while bytes.len() < length {
        if more(stream, &mut bytes, deadline)? == 0 {
            return Err(400);
        }
    }
    bytes.truncate(length);
    Ok(Request { body: bytes, ..request })
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, deadline: Instant) -> std::result::Result<usize, u16> {
    let mut part = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(408);
        }
        stream.set_read_timeout(Some(left)).map_err(|_| 0_u16)?;
        match stream.read(&mut part) {
            Ok(size) => {
                bytes.extend_from_slice(&part[..size]);
                return Ok(size);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(408);
            }
            Err(_) => return Err(0),
        }
    }
}

/// Sends the answer and ends the connection.
pub fn send(stream: &mut TcpStream, answer: &Answer, time: Duration, with_body: bool) -> Result<()> {
    let Answer { status, kind, body } = answer;
    let size = body.len();
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n",
        reason(*status)
    );
    stream.set_write_timeout(Some(time))?;
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(body.as_bytes())?;
    }
    stream.shutdown(Shutdown::Write)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        _ => "Service Unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_where_its_body_is() {
        let bytes = b"POST /v1/search?x=1 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
        let request = Request { method: "POST".to_owned(), path: "/v1/search".to_owned(), body: Vec::new() };
        assert_eq!(Ok(Some((request, Size { begin: bytes.len() - 5, length: 5 }))), head(bytes));
        assert_eq!(Ok(None), head(&bytes[..20]));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert_eq!(Err(400), head(b"\x16\x03\x01"));
        assert_eq!(Err(400), head(b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"));
        assert_eq!(Err(413), head(b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"));
        assert_eq!(Err(501), head(b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
    }
}
