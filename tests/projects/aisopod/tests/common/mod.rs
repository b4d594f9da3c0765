//! Starts the real program and talks to it over a socket, as a user's probe does.
#![allow(dead_code, reason = "each test file uses its own part of this module")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// The program in an empty environment. Windows cannot open sockets without its SystemRoot.
pub fn aisopod(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aisopod"));
    command.args(args).env_clear();
    if let Ok(root) = std::env::var("SystemRoot") {
        command.env("SystemRoot", root);
    }
    command
}

pub fn run(command: &mut Command) -> Output {
    command.output().expect("the program runs")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An empty folder of this test's own.
pub fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

pub struct Gateway {
    child: Child,
    /// As the log says it: `127.0.0.1:43211`.
    pub address: String,
    log: Option<JoinHandle<String>>,
}

impl Gateway {
    /// Starts `command` and waits until it listens.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut text = String::new();
        let address = loop {
            let before = text.len();
            assert!(lines.read_line(&mut text).expect("a line") > 0, "ended before it listened: {text}");
            if let Some(rest) = text[before..].split("listening address=").nth(1) {
                break rest.split_whitespace().next().expect("an address").to_owned();
            }
        };
        let log = std::thread::spawn(move || {
            let _ = lines.read_to_string(&mut text);
            text
        });
        Self { child, address, log: Some(log) }
    }

    /// One with the defaults, on a free port.
    pub fn unconfigured() -> Self {
        Self::start(&mut aisopod(&["gateway", "--allow-unconfigured", "--port", "0"]))
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream
    }

    /// Sends the bytes and returns all that comes back.
    pub fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).expect("sent");
        answer(&mut stream)
    }

    pub fn get(&self, path: &str) -> String {
        self.exchange(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes())
    }

    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Waits for the end: exit code and the whole log.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("the program ends").code();
        let log = self.log.take().map(|log| log.join().expect("the log")).unwrap_or_default();
        (code, log)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

/// The body of an answer as JSON.
pub fn body(answer: &str) -> serde_json::Value {
    let (_, body) = answer.split_once("\r\n\r\n").expect("headers end");
    serde_json::from_str(body).expect("JSON")
}
