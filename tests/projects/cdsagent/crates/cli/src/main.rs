//! `cds`: asks the index from a shell, and prints its answer as it came.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

const USAGE: &str = "\
usage: cds search WORD...          the documents that are about these words
       cds add ID [--link ID]...   a document, whose text comes from the input
       cds health                  whether the index is ready; exit code 0 or 1
       cds watch                   a line for each time that this changes, until it is stopped
       cds --version | --defaults";
/// Every variable that is read, and its value where it is not set.
const DEFAULTS: [(&str, &str); 3] =
    [("ENV_PROFILE", "prod"), ("CDS_INDEX_URL", "http://127.0.0.1:3030"), ("CDS_TIMEOUT", "10")];
const PROFILES: [&str; 3] = ["dev", "staging", "prod"];
const EVERY: Duration = Duration::from_secs(5);
/// sysexits.h: the configuration is wrong, and starting again will not help.
const EX_CONFIG: u8 = 78;

struct Settings {
    url: String,
    seconds: u64,
}

enum Failed {
    Config(String),
    Usage,
    /// Nobody answers, or not with a success.
    Index(String),
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(Failed::Usage) => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
        Err(Failed::Config(why)) => {
            eprintln!("cds: {why}");
            ExitCode::from(EX_CONFIG)
        }
        Err(Failed::Index(why)) => {
            eprintln!("cds: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<String, Failed> {
    match words {
        ["--version"] => return Ok(format!("cds {}", env!("CARGO_PKG_VERSION"))),
        ["--defaults"] => {
            return Ok(DEFAULTS.map(|(name, value)| format!("{name}={value}")).join("\n"));
        }
        _ => {}
    }
    let settings = settings(|name| std::env::var(name).ok()).map_err(Failed::Config)?;
    match words {
        ["search", words @ ..] if !words.is_empty() => {
            ask(&settings, "/v1/search", Some(&json!({ "query": words.join(" ") })))
        }
        ["add", id, links @ ..] => {
            let links = linked(links).ok_or(Failed::Usage)?;
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|error| Failed::Index(format!("the input: {error}")))?;
            ask(&settings, "/v1/documents", Some(&json!({ "id": id, "text": text, "links": links })))
        }
        ["health"] => ask(&settings, "/health", None),
        ["watch"] => watch(&settings),
        _ => Err(Failed::Usage),
    }
}

fn settings(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, String> {
    let text = |name: &str| {
        let default = DEFAULTS.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        variable(name).filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned())
    };
    let (profile, url, seconds) = (text("ENV_PROFILE"), text("CDS_INDEX_URL"), text("CDS_TIMEOUT"));
    if !PROFILES.contains(&profile.as_str()) {
        return Err(format!("ENV_PROFILE: expected one of {}, got {profile:?}", PROFILES.join(", ")));
    }
    if !url.starts_with("http://") {
        return Err(format!("CDS_INDEX_URL: expected http://HOST:PORT, got {url:?}"));
    }
    let wrong = || format!("CDS_TIMEOUT: expected seconds above 0, got {seconds:?}");
    let seconds = seconds.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    Ok(Settings { url: url.trim_end_matches('/').to_owned(), seconds })
}

fn linked(words: &[&str]) -> Option<Vec<String>> {
    let pairs = words.chunks(2).map(|pair| match pair {
        ["--link", id] => Some((*id).to_owned()),
        _ => None,
    });
    pairs.collect()
}

fn ask(settings: &Settings, path: &str, body: Option<&Value>) -> Result<String, Failed> {
    let url = format!("{}{path}", settings.url);
    let request = match body {
        Some(body) => minreq::post(&url).with_body(body.to_string()),
        None => minreq::get(&url),
    };
    let answer = request.with_timeout(settings.seconds).send();
    let answer = answer.map_err(|error| Failed::Index(format!("{url}: {error}")))?;
    let text = answer.as_str().unwrap_or_default().trim_end().to_owned();
    match answer.status_code {
        200..=299 => Ok(text),
        status => Err(Failed::Index(format!("{url}: {status}: {text}"))),
    }
}

/// Stays, so that a container of it does too.
fn watch(settings: &Settings) -> ! {
    let mut last = None;
    loop {
        let ready = ask(settings, "/health", None).is_ok();
        if last.replace(ready) != Some(ready) {
            println!("{} is {}", settings.url, if ready { "ready" } else { "not ready" });
        }
        std::thread::sleep(EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Result<Settings, String> {
        settings(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (name, value) in [("ENV_PROFILE", "test"), ("CDS_INDEX_URL", "ftp://x"), ("CDS_TIMEOUT", "0")] {
            assert!(of(name, value).is_err_and(|why| why.starts_with(name) && why.contains(value)));
        }
        assert!(
            of("CDS_INDEX_URL", "http://index:3030/").is_ok_and(|found| found.url == "http://index:3030")
        );
        assert!(of("CDS_TIMEOUT", "").is_ok_and(|found| found.seconds == 10));
    }

    #[test]
    fn links_come_in_pairs() {
        assert_eq!(Some(vec!["a".to_owned(), "b".to_owned()]), linked(&["--link", "a", "--link", "b"]));
        assert_eq!(None, linked(&["--link"]));
        assert_eq!(None, linked(&["a", "b"]));
    }
}
