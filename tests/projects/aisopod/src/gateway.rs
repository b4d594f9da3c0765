//! The service: accepts connections, answers each in its thread, and stops when a signal asks for it.

use std::io::Result;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::config::Settings;
use crate::http::{self, Answer, Refused, Request};
use crate::log::{Level, Logger};
use crate::{listener, state, stop};

/// Connections that are served at once; one more is told to come back.
const CONNECTIONS: usize = 64;
/// How long open requests may take once a signal came. Docker kills after 10 s, so this is less.
const DRAIN_TIME: Duration = Duration::from_secs(6);
/// A signal is seen within this time; the standard library cannot wait for a signal on every system.
const TICK: Duration = Duration::from_millis(50);

struct Service {
    started: Instant,
    settings: Settings,
    /// How often the gateway was started on this data folder.
    starts: Option<u64>,
    requests: AtomicU64,
    active: AtomicUsize,
    stopping: AtomicBool,
    log: Logger,
}

/// Serves until a signal asks to stop, then finishes the open requests.
/// An error says what could not be opened: the data folder, the port.
pub fn run(settings: Settings, log: Logger) -> Result<()> {
    let signalled = stop::flag()?;
    let starts = settings.data_dir.as_deref().map(state::count_start).transpose()?;
    let listener = listener::open(settings.address, settings.port)?;
    let address = listener.local_addr()?;
    warn(&settings, address, log);
    let service = Arc::new(Service {
        started: Instant::now(),
        settings,
        starts,
        requests: AtomicU64::new(0),
        active: AtomicUsize::new(0),
        stopping: AtomicBool::new(false),
        log,
    });
    let acceptor = {
        let service = Arc::clone(&service);
        Builder::new().name("accept".to_owned()).spawn(move || accept(&service, &listener))?
    };
    log.write(Level::Info, format_args!("listening address={address} version={}", env!("CARGO_PKG_VERSION")));
    while !signalled.load(SeqCst) {
        thread::sleep(TICK);
    }
    log.write(Level::Info, format_args!("stopping"));
    service.stopping.store(true, SeqCst);
    // The acceptor waits for a connection, so give it one; whatever it took before, it still serves.
    if TcpStream::connect_timeout(&reachable(address), Duration::from_secs(1)).is_ok() {
        let _ = acceptor.join();
    }
    let deadline = Instant::now() + DRAIN_TIME;
    while service.active.load(SeqCst) > 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    log.write(Level::Info, format_args!("stopped requests={}", service.requests.load(SeqCst)));
    Ok(())
}

fn warn(settings: &Settings, address: SocketAddr, log: Logger) {
    if !settings.configured {
        log.write(Level::Warn, format_args!("no configuration file, running with the defaults"));
    }
    for name in &settings.unused {
        log.write(Level::Warn, format_args!("{name}: this version does not use this section"));
    }
    if !address.ip().is_loopback() && settings.token.is_none() {
        log.write(Level::Warn, format_args!("{address} is reachable from outside and auth.mode is none"));
    }
}

/// An unspecified address can be listened on but, on Windows, not connected to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn accept(service: &Arc<Service>, listener: &TcpListener) {
    loop {
        match listener.accept() {
            Ok((stream, peer)) => start(service, stream, peer),
            Err(error) => {
                // Out of descriptors, or the client left in the queue: neither ends the service.
                service.log.write(Level::Warn, format_args!("accept: {error}"));
                thread::sleep(TICK);
            }
        }
        if service.stopping.load(SeqCst) {
            return;
        }
    }
}

/// Counted as active from here on, so that a stop waits for it.
struct Active(Arc<Service>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, SeqCst);
    }
}

fn start(service: &Arc<Service>, mut stream: TcpStream, peer: SocketAddr) {
    let busy = service.active.fetch_add(1, SeqCst) >= CONNECTIONS;
    let active = Active(Arc::clone(service));
    if busy {
        service.log.write(Level::Warn, format_args!("busy: {CONNECTIONS} connections are open"));
        let _ = http::send(&mut stream, &problem(503, "busy, come back", Some("Retry-After: 1")), true);
        return;
    }
    let spawned = Builder::new().name("request".to_owned()).spawn(move || {
        if let Err(error) = serve(&active.0, &mut stream, peer) {
            active.0.log.write(Level::Debug, format_args!("peer={peer} error={error}"));
        }
    });
    if let Err(error) = spawned {
        service.log.write(Level::Error, format_args!("no thread for a request: {error}"));
    }
}

fn serve(service: &Service, stream: &mut TcpStream, peer: SocketAddr) -> Result<()> {
    let request = http::read_request(stream);
    let (answer, with_body) = match &request {
        Ok(request) => (respond(service, request), request.method != "HEAD"),
        Err(Refused::Gone) => return Ok(()),
        Err(Refused::Slow) => (problem(408, "the request took too long", None), true),
        Err(Refused::TooLong) => (problem(431, "the headers are too long", None), true),
        Err(Refused::Malformed) => (problem(400, "not an HTTP/1.1 request", None), true),
    };
    service.requests.fetch_add(1, SeqCst);
    http::send(stream, &answer, with_body)?;
    let (method, path) = request.as_ref().map_or(("-", "-"), |r| (r.method.as_str(), r.path.as_str()));
    // Probes come every few seconds and would drown the rest.
    let level = if path == "/health" { Level::Debug } else { Level::Info };
    service
        .log
        .write(level, format_args!("peer={peer} method={method:?} path={path:?} status={}", answer.status));
    if answer.status >= 400 {
        http::linger(stream);
    }
    Ok(())
}

fn respond(service: &Service, request: &Request) -> Answer {
    let known = matches!(request.path.as_str(), "/health" | "/v1/status");
    if known && !matches!(request.method.as_str(), "GET" | "HEAD") {
        return problem(405, "only GET and HEAD", Some("Allow: GET, HEAD"));
    }
    match request.path.as_str() {
        "/health" => health(service),
        "/v1/status" if allowed(service.settings.token.as_deref(), request.token.as_deref()) => {
            status(service)
        }
        "/v1/status" => problem(401, "a bearer token is needed", Some("WWW-Authenticate: Bearer")),
        _ => problem(404, "no such path", None),
    }
}

/// Compares without an early end, so that the time taken tells nothing about the token.
fn allowed(wanted: Option<&str>, given: Option<&str>) -> bool {
    match (wanted, given) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wanted), Some(given)) => {
            let differences = wanted.bytes().zip(given.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b));
            wanted.len() == given.len() && differences == 0
        }
    }
}

fn health(service: &Service) -> Answer {
    let body = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": service.started.elapsed().as_secs(),
    });
    Answer { status: 200, body, header: None }
}

fn status(service: &Service) -> Answer {
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "configured": service.settings.configured,
        "uptime_seconds": service.started.elapsed().as_secs(),
        "requests": service.requests.load(SeqCst),
        "starts": service.starts,
    });
    Answer { status: 200, body, header: None }
}

fn problem(status: u16, what: &str, header: Option<&'static str>) -> Answer {
    Answer { status, body: json!({ "error": what }), header }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_is_allowed() {
        assert!(allowed(None, None));
        assert!(allowed(Some("abc"), Some("abc")));
        for given in [None, Some(""), Some("ab"), Some("abd"), Some("abcd")] {
            assert!(!allowed(Some("abc"), given));
        }
    }

    #[test]
    fn an_unspecified_address_is_reached_through_loopback() {
        let of = |text: &str| text.parse().map(reachable).map(|a| a.to_string());
        assert_eq!(Ok("127.0.0.1:80".to_owned()), of("0.0.0.0:80"));
        assert_eq!(Ok("[::1]:80".to_owned()), of("[::]:80"));
        assert_eq!(Ok("10.1.2.3:80".to_owned()), of("10.1.2.3:80"));
    }
}
