//! The service: accepts connections, answers each in its thread, and stops when a signal asks for it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Result;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::http::{self, Answer, Request};
use crate::index::{self, Index};
use crate::metrics::{Metrics, Sizes};
use crate::settings::Settings;

/// How long open requests may take once a signal came. Docker kills after 10 s, so this is less.
const DRAIN_TIME: Duration = Duration::from_secs(6);
const TICK: Duration = Duration::from_millis(20);
/// Hits of one answer.
const MOST: usize = 10;
const JSON: &str = "application/json";

struct Service {
    settings: Settings,
    /// Says in every answer which process it came from.
    instance: String,
    /// Empty until both indexes are loaded.
    index: OnceLock<RwLock<Index>>,
    /// Held while the folders are written.
    saving: Mutex<()>,
    metrics: Mutex<Metrics>,
    active: AtomicUsize,
}

/// Serves until a signal asks to stop. An error says what could not be opened: the port, an index.
pub fn run(settings: Settings) -> Result<()> {
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stopping))?;
    }
    let listener = TcpListener::bind((settings.address, settings.port))?;
    let service = Arc::new(Service {
        settings,
        instance: format!("{:016x}", RandomState::new().hash_one(std::process::id())),
        index: OnceLock::new(),
        saving: Mutex::new(()),
        metrics: Mutex::default(),
        active: AtomicUsize::new(0),
    });
    eprintln!("cds-index: listening address={} instance={}", listener.local_addr()?, service.instance);
    let loading = {
        let service = Arc::clone(&service);
        thread::spawn(move || load(&service))
    };
    let accepting = Arc::clone(&service);
    thread::spawn(move || accept(&accepting, &listener));
    let mut loading = Some(loading);
    while !stopping.load(SeqCst) {
        if let Some(done) = loading.take_if(|running| running.is_finished()) {
            done.join().unwrap_or_else(|_| Err(std::io::Error::other("the indexes could not be loaded")))?;
        }
        thread::sleep(TICK);
    }
    let deadline = Instant::now() + DRAIN_TIME;
    while service.active.load(SeqCst) > 0 && Instant::now() < deadline {
        thread::sleep(TICK);
    }
    eprintln!("cds-index: stopped");
    Ok(())
}

fn load(service: &Service) -> Result<()> {
    let begin = Instant::now();
    let index = Index::load(&service.settings.bm25, &service.settings.graph)?;
    let documents = index.documents();
    let _ = service.index.set(RwLock::new(index));
    eprintln!("cds-index: ready documents={documents} seconds={:.3}", begin.elapsed().as_secs_f64());
    Ok(())
}

/// Ends with the process.
fn accept(service: &Arc<Service>, listener: &TcpListener) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => begin(service, stream),
            Err(error) => {
                eprintln!("cds-index: accept: {error}");
                thread::sleep(TICK);
            }
        }
    }
}

/// Counted from here on, so that a stop waits for it.
struct Active(Arc<Service>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, SeqCst);
    }
}

fn begin(service: &Arc<Service>, mut stream: TcpStream) {
    let busy = service.active.fetch_add(1, SeqCst) >= service.settings.connections;
    let active = Active(Arc::clone(service));
    let spawned = thread::Builder::new().spawn(move || {
        let service = &active.0;
        if busy {
            let answer = problem(503, "too many connections");
            let _ = http::send(&mut stream, &answer, service.settings.timeout, true);
            return;
        }
        serve(service, &mut stream);
    });
    if let Err(error) = spawned {
        eprintln!("cds-index: no thread for a request: {error}");
    }
}

fn serve(service: &Service, stream: &mut TcpStream) {
    let (begin, time) = (Instant::now(), service.settings.timeout);
    let (request, (route, answer)) = match http::read(stream, time) {
        Ok(request) => {
            let answer = service.respond(&request);
            (request, answer)
        }
        Err(0) => return,
        Err(status) => (Request::default(), ("none", problem(status, "the request cannot be read"))),
    };
    let sent = http::send(stream, &answer, time, request.method != "HEAD");
    let (status, took) = (answer.status, begin.elapsed());
    locked(&service.metrics).count(&request.method, route, status, took);
    if service.settings.verbose || request.method == "POST" || status >= 400 {
        let Request { method, path, .. } = request;
        let seconds = took.as_secs_f64();
        eprintln!("cds-index: {method} {path:?} status={status} seconds={seconds:.4} sent={}", sent.is_ok());
    }
}

impl Service {
    fn respond(&self, request: &Request) -> (&'static str, Answer) {
        let wanted = match request.path.as_str() {
            "/health" => ("/health", "GET"),
            "/metrics" => ("/metrics", "GET"),
            "/v1/search" => ("/v1/search", "POST"),
            "/v1/documents" => ("/v1/documents", "POST"),
            _ => return ("other", problem(404, "there is no such path")),
        };
        let (route, method) = wanted;
        if request.method != method && !(method == "GET" && request.method == "HEAD") {
            return (route, problem(405, &format!("only {method}")));
        }
        let answer = match (route, self.index.get()) {
            ("/metrics", index) => self.measured(index),
            (_, None) => self.told(503, json!({ "status": "starting" })),
            ("/health", Some(_)) => self.told(200, json!({ "status": "ok" })),
            ("/v1/search", Some(index)) => self.search(index, &request.body),
            (_, Some(index)) => self.add(index, &request.body),
        };
        (route, answer)
    }

    fn search(&self, index: &RwLock<Index>, body: &[u8]) -> Answer {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(question) = asked["query"].as_str() else {
            return problem(400, "expected {\"query\": TEXT}");
        };
        let hits = index.read().unwrap_or_else(PoisonError::into_inner).search(question, MOST);
        let hits: Vec<Value> = hits
            .into_iter()
            .map(|hit| json!({ "id": hit.id, "score": hit.score, "links": hit.links }))
            .collect();
        self.told(200, json!({ "hits": hits }))
    }

    fn add(&self, index: &RwLock<Index>, body: &[u8]) -> Answer {
        let given: Value = serde_json::from_slice(body).unwrap_or_default();
        let (Some(id), Some(text)) =
            (given["id"].as_str().filter(|id| !id.is_empty()), given["text"].as_str())
        else {
            return problem(400, "expected {\"id\": TEXT, \"text\": TEXT, \"links\": [TEXT, ...]}");
        };
        let _saving = locked(&self.saving);
        index.write().unwrap_or_else(PoisonError::into_inner).add(id, text, index::strings(&given["links"]));
        let known = index.read().unwrap_or_else(PoisonError::into_inner);
        match known.save(&self.settings.bm25, &self.settings.graph) {
            Ok(()) => self.told(201, json!({ "id": id, "documents": known.documents() })),
            Err(error) => problem(500, &format!("the index cannot be written: {error}")),
        }
    }

    fn measured(&self, index: Option<&RwLock<Index>>) -> Answer {
        let (documents, links) = index.map_or((0, 0), |index| {
            let known = index.read().unwrap_or_else(PoisonError::into_inner);
            (known.documents(), known.edges())
        });
        let (bm25, graph) = (size(&self.settings.bm25), size(&self.settings.graph));
        let body = locked(&self.metrics).text(&Sizes { documents, links, bm25, graph }, index.is_some());
        Answer { status: 200, kind: "text/plain; version=0.0.4; charset=utf-8", body }
    }

    fn told(&self, status: u16, mut body: Value) -> Answer {
        body["instance"] = json!(self.instance);
        body["version"] = json!(env!("CARGO_PKG_VERSION"));
        Answer { status, kind: JSON, body: format!("{body}\n") }
    }
}

fn problem(status: u16, what: &str) -> Answer {
    Answer { status, kind: JSON, body: format!("{}\n", json!({ "error": what })) }
}

/// Bytes of the files in a folder; 0 where it cannot be looked into.
fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
