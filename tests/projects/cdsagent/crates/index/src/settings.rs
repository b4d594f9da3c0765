//! What the environment says, or the defaults; all that is wrong with it at once.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Every variable that is read, and its value where it is not set.
pub const DEFAULTS: [(&str, &str); 7] = [
    ("ENV_PROFILE", "prod"),
    ("CDS_BIND", "127.0.0.1"),
    ("CDS_PORT", "3030"),
    ("CDS_MAX_CONNECTIONS", "100"),
    ("CDS_REQUEST_TIMEOUT", "30"),
    ("CDS_GRAPH_INDEX", "volumes/graph_index"),
    ("CDS_BM25_INDEX", "volumes/bm25_index"),
];
const PROFILES: [&str; 3] = ["dev", "staging", "prod"];

#[derive(Debug, PartialEq)]
pub struct Settings {
    pub address: IpAddr,
    pub port: u16,
    pub connections: usize,
    pub timeout: Duration,
    pub graph: PathBuf,
    pub bm25: PathBuf,
    /// Each request is logged, and not those alone that change or fail.
    pub verbose: bool,
}

/// Reads them. The problems name variables and say what was expected.
pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, Vec<String>> {
    let mut reader = Reader { variable, problems: Vec::new() };
    let profile = reader.text("ENV_PROFILE");
    if !PROFILES.contains(&profile.as_str()) {
        reader.wrong("ENV_PROFILE", &format!("one of {}", PROFILES.join(", ")), &profile);
    }
    let address = reader.parsed("CDS_BIND", "an IP address", |_: &IpAddr| true);
    let port = reader.parsed("CDS_PORT", "a number from 0 to 65535", |_: &u16| true);
    let connections = reader.parsed("CDS_MAX_CONNECTIONS", "a number above 0", |number: &usize| *number > 0);
    let seconds = reader.parsed("CDS_REQUEST_TIMEOUT", "seconds above 0", |number: &u64| *number > 0);
    let (graph, bm25) = (reader.text("CDS_GRAPH_INDEX").into(), reader.text("CDS_BM25_INDEX").into());
    match (address, port, connections, seconds) {
        (Some(address), Some(port), Some(connections), Some(seconds)) if reader.problems.is_empty() => {
            let (timeout, verbose) = (Duration::from_secs(seconds), profile == "dev");
            Ok(Settings { address, port, connections, timeout, graph, bm25, verbose })
        }
        _ => Err(reader.problems),
    }
}

struct Reader<F> {
    variable: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    /// An empty variable is one that is not set: files of variables have such lines.
    fn text(&self, name: &str) -> String {
        let default = DEFAULTS.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        (self.variable)(name).filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned())
    }

    fn parsed<T: FromStr>(&mut self, name: &str, expected: &str, fits: fn(&T) -> bool) -> Option<T> {
        let text = self.text(name);
        let found = text.parse().ok().filter(fits);
        if found.is_none() {
            self.wrong(name, expected, &text);
        }
        found
    }

    fn wrong(&mut self, name: &str, expected: &str, found: &str) {
        self.problems.push(format!("{name}: expected {expected}, got {found:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn defaults_are_those_that_are_told() {
        let told: Vec<(&str, &str)> = DEFAULTS.to_vec();
        assert_eq!(of(&told), of(&[]));
        assert!(of(&[]).is_ok_and(|found| found.port == 3030 && found.connections == 100));
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let wrong = [("ENV_PROFILE", "production"), ("CDS_BIND", "here"), ("CDS_PORT", "70000")];
        let said = of(&wrong).err().unwrap_or_default().join("\n");
        for (name, value) in wrong {
            assert!(said.contains(&format!("{name}: expected")) && said.contains(value));
        }
        assert!(of(&[("CDS_MAX_CONNECTIONS", "0")]).is_err());
        assert!(of(&[("CDS_REQUEST_TIMEOUT", "0")]).is_err());
    }
}
