//! The running gateway: what it answers, what it refuses, how it stops.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod common;

use std::fs;
use std::io::Write;

use common::{Gateway, aisopod, body, folder};

#[test]
fn health_tells_status_version_and_uptime() {
    let gateway = Gateway::unconfigured();
    let answer = gateway.get("/health");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let health = body(&answer);
    assert_eq!("ok", health["status"]);
    assert_eq!(env!("CARGO_PKG_VERSION"), health["version"]);
    assert!(health["uptime_seconds"].is_u64());
}

#[test]
fn head_is_get_without_the_body() {
    let answer = Gateway::unconfigured().exchange(b"HEAD /health HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn other_requests_get_the_status_that_says_why() {
    let gateway = Gateway::unconfigured();
    let long = format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9000));
    for (request, status) in [
        ("GET /nothing HTTP/1.1\r\n\r\n", "404"),
        ("POST /health HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody", "405"),
        ("hello\r\n\r\n", "400"),
        (long.as_str(), "431"),
    ] {
        let answer = gateway.exchange(request.as_bytes());
        assert_eq!(Some(status), answer.split(' ').nth(1), "{request:.40}");
    }
    assert!(gateway.get("/health").contains(" 200 "));
}

#[test]
fn idle_clients_do_not_keep_a_probe_waiting() {
    let gateway = Gateway::unconfigured();
    let idle: Vec<_> = (0..20).map(|_| gateway.connect()).collect();
    assert!(gateway.get("/health").contains(" 200 "));
    drop(idle);
}

#[test]
fn more_connections_than_the_limit_are_told_to_come_back() {
    let gateway = Gateway::unconfigured();
    let idle: Vec<_> = (0..64).map(|_| gateway.connect()).collect();
    let mut one_more = gateway.connect();
    let answer = common::answer(&mut one_more);
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After: 1"), "{answer}");
    drop(idle);
}

#[test]
fn status_asks_for_the_token_and_health_does_not() {
    let folder = folder("token");
    let config = folder.join("aisopod.json");
    fs::write(&config, r#"{"auth": {"mode": "token"}}"#).unwrap();
    let gateway = Gateway::start(
        aisopod(&["gateway", "--port", "0"])
            .env("AISOPOD_CONFIG", &config)
            .env("AISOPOD_AUTH_TOKEN", "correct"),
    );
    let with = |token: &str| {
        gateway
            .exchange(format!("GET /v1/status HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n").as_bytes())
    };
    assert!(gateway.get("/health").contains(" 200 "));
    assert!(gateway.get("/v1/status").contains(" 401 "));
    assert!(with("wrong").contains(" 401 "));
    assert_eq!(true, body(&with("correct"))["configured"]);
}

#[test]
fn starts_are_counted_in_the_data_folder() {
    let folder = folder("starts").join("made/on/start");
    for start in 1..=3 {
        let gateway = Gateway::start(
            aisopod(&["gateway", "--allow-unconfigured", "--port", "0"]).env("AISOPOD_DATA_DIR", &folder),
        );
        assert_eq!(start, body(&gateway.get("/v1/status"))["starts"]);
    }
}

#[test]
fn unreadable_state_is_an_error_and_stays_as_it_was() {
    let folder = folder("unreadable");
    fs::write(folder.join("state.json"), "half of").unwrap();
    let output = common::run(
        aisopod(&["gateway", "--allow-unconfigured", "--port", "0"]).env("AISOPOD_DATA_DIR", &folder),
    );
    assert_eq!(Some(1), output.status.code());
    assert!(common::stderr(&output).contains("state.json"));
    assert_eq!("half of", fs::read_to_string(folder.join("state.json")).unwrap());
}

#[test]
fn a_port_in_use_is_an_error_with_its_number() {
    let gateway = Gateway::unconfigured();
    let port = gateway.address.rsplit(':').next().unwrap();
    let output = common::run(&mut aisopod(&["gateway", "--allow-unconfigured", "--port", port]));
    assert_eq!(Some(1), output.status.code());
    assert!(common::stderr(&output).contains(port));
}

#[cfg(unix)]
#[test]
fn the_log_has_a_line_for_a_request_and_no_raw_control_characters() {
    let gateway = Gateway::unconfigured();
    gateway.exchange(b"GET /a\x1b[31m HTTP/1.1\r\n\r\n");
    signal("TERM", &gateway);
    let (_, log) = gateway.wait();
    assert!(log.contains("status=404") && log.contains(r"\u{1b}") && !log.contains('\x1b'), "{log}");
}

#[cfg(unix)]
fn signal(name: &str, gateway: &Gateway) {
    let sent = std::process::Command::new("kill").args(["-s", name, &gateway.id()]).status().unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_code_0_and_frees_the_port() {
    for name in ["TERM", "INT"] {
        let gateway = Gateway::unconfigured();
        let address = gateway.address.clone();
        signal(name, &gateway);
        let (code, log) = gateway.wait();
        assert_eq!(Some(0), code, "{log}");
        assert!(log.contains("stopped requests=0"), "{log}");
        assert!(std::net::TcpStream::connect(address).is_err());
    }
}

#[cfg(unix)]
#[test]
fn a_request_that_began_before_the_signal_is_answered() {
    let gateway = Gateway::unconfigured();
    let mut stream = gateway.connect();
    stream.write_all(b"GET /health HTTP/1.1\r\n").unwrap();
    // Its thread runs once a later connection was answered: connections are accepted in order.
    gateway.get("/health");
    signal("TERM", &gateway);
    std::thread::sleep(std::time::Duration::from_millis(200));
    stream.write_all(b"\r\n").unwrap();
    assert!(common::answer(&mut stream).contains(" 200 "));
    assert_eq!(Some(0), gateway.wait().0);
}

#[cfg(unix)]
#[test]
fn a_socket_of_the_service_manager_is_used() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // The shell does what systemd does: descriptor 3 is the socket, LISTEN_PID the process that gets it.
    let script = format!(
        "exec 3<&0; LISTEN_PID=$$ LISTEN_FDS=1 exec {:?} gateway --allow-unconfigured --port 1",
        env!("CARGO_BIN_EXE_aisopod")
    );
    let gateway = Gateway::start(
        std::process::Command::new("sh").args(["-c", &script]).stdin(std::os::fd::OwnedFd::from(listener)),
    );
    assert_eq!(address, gateway.address);
    assert!(gateway.get("/health").contains(" 200 "));
}
