//! The program itself: it starts, answers, keeps what it was given, and stops when it is asked.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Outcome = Result<(), Box<dyn Error>>;

struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(folder: &Path) -> Result<Running, Box<dyn Error>> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cds-index"))
        .env("CDS_PORT", "0")
        .env("CDS_GRAPH_INDEX", folder.join("graph"))
        .env("CDS_BM25_INDEX", folder.join("bm25"))
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
    let first = lines.next().ok_or("it said nothing")??;
    std::thread::spawn(move || lines.for_each(drop));
    let address = first.split("address=").nth(1).and_then(|rest| rest.split(' ').next());
    let running = Running { child, address: address.ok_or(first.clone())?.to_owned() };
    let deadline = Instant::now() + Duration::from_secs(20);
    while !ask(&running, "GET", "/health", "")?.starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < deadline, "it is not ready");
    }
    Ok(running)
}

fn ask(running: &Running, method: &str, path: &str, body: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = TcpStream::connect(&running.address)?;
    let size = body.len();
    stream
        .write_all(format!("{method} {path} HTTP/1.1\r\nContent-Length: {size}\r\n\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn documents_are_found_again_after_a_restart() -> Outcome {
    let folder = std::env::temp_dir().join(format!("cds-service-{}", std::process::id()));
    let document = r#"{"id": "src/lib.rs", "text": "the parser", "links": ["src/main.rs"]}"#;
    for round in 0..2 {
        let running = start(&folder)?;
        if round == 0 {
            assert!(ask(&running, "POST", "/v1/documents", document)?.starts_with("HTTP/1.1 201"));
        }
        let found = ask(&running, "POST", "/v1/search", r#"{"query": "parser"}"#)?;
        assert!(found.contains(r#""id":"src/lib.rs""#) && found.contains("src/main.rs"), "{found}");
        assert!(ask(&running, "GET", "/metrics", "")?.contains("cds_index_documents 1"));
        assert!(ask(&running, "POST", "/health", "")?.starts_with("HTTP/1.1 405"));
        assert!(ask(&running, "GET", "/nowhere", "")?.starts_with("HTTP/1.1 404"));
        assert!(ask(&running, "POST", "/v1/search", "words")?.starts_with("HTTP/1.1 400"));
    }
    Ok(std::fs::remove_dir_all(folder)?)
}

#[test]
fn a_wrong_variable_ends_it_at_once() -> Outcome {
    let done = Command::new(env!("CARGO_BIN_EXE_cds-index")).env("ENV_PROFILE", "test").output()?;
    assert_eq!(Some(78), done.status.code());
    assert!(String::from_utf8(done.stderr)?.contains("ENV_PROFILE"));
    Ok(())
}
