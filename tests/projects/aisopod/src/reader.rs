//! Reads values and collects what is wrong with them instead of stopping at the first.

use std::net::IpAddr;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::config::{Problem, Variable};
use crate::log::Level;

/// Sections that agents and channels of later versions read; their keys are not judged here.
const UNUSED: [&str; 3] = ["models", "agents", "channels"];

const SECTIONS: [&str; 7] = ["gateway", "data_dir", "logging", "auth", "models", "agents", "channels"];

const PORT: &str = "a number from 1 to 65535";
const ADDRESS: &str = "an IP address";

/// What the file says, each key absent when it is not there or was refused.
#[derive(Default)]
pub struct File {
    pub port: Option<u16>,
    pub address: Option<IpAddr>,
    pub data_dir: Option<String>,
    pub level: Option<Level>,
    pub asks_token: bool,
    pub token: Option<Secret>,
    pub unused: Vec<&'static str>,
}

/// A secret itself, or where it is: `{"env": "NAME"}`, `{"file": "PATH"}`.
#[derive(Debug, PartialEq)]
pub enum Secret {
    Text(String),
    Variable(String),
    File(String),
}

#[derive(Default)]
pub struct Reader {
    pub problems: Vec<Problem>,
}

impl Reader {
    pub fn problem(&mut self, path: &str, what: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), what: what.into() });
    }

    pub fn file(&mut self, root: &Value) -> File {
        let mut file = File::default();
        let Some(root) = self.table("", root, &SECTIONS) else {
            return file;
        };
        if let Some(gateway) = self.section("gateway", root, &["server", "bind"]) {
            (file.address, file.port) = self.gateway(gateway);
        }
        file.data_dir = self.read("data_dir", root, "the path of a folder", filled);
        if let Some(logging) = self.section("logging", root, &["level"]) {
            let expected = "error, warn, info or debug";
            file.level = self.read("logging.level", logging, expected, |value| parsed(value.as_str()?));
        }
        if let Some(auth) = self.section("auth", root, &["mode", "token"]) {
            file.asks_token = self.read("auth.mode", auth, "none or token", asks_token).unwrap_or(false);
            let expected = "a text that is not empty, {\"env\": NAME} or {\"file\": PATH}";
            file.token = self.read("auth.token", auth, expected, secret);
        }
        for name in UNUSED {
            if self.read(name, root, "an object", |value| value.as_object().map(|_| ())).is_some() {
                file.unused.push(name);
            }
        }
        file
    }

    fn gateway(&mut self, gateway: &Map<String, Value>) -> (Option<IpAddr>, Option<u16>) {
        let port = self
            .section("gateway.server", gateway, &["port"])
            .and_then(|server| self.read("gateway.server.port", server, PORT, port_number));
        let address = self.section("gateway.bind", gateway, &["address"]).and_then(|bind| {
            self.read("gateway.bind.address", bind, ADDRESS, |value| parsed(value.as_str()?))
        });
        (address, port)
    }

    /// The table at `path`, whose last part is a key of `parent`.
    fn section<'v>(
        &mut self,
        path: &str,
        parent: &'v Map<String, Value>,
        known: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        parent.get(last(path)).and_then(|value| self.table(path, value, known))
    }

    fn table<'v>(&mut self, path: &str, value: &'v Value, known: &[&str]) -> Option<&'v Map<String, Value>> {
        let Some(table) = value.as_object() else {
            self.problem(if path.is_empty() { "(the file)" } else { path }, "expected an object");
            return None;
        };
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.problem(&path, format!("unknown key; known here: {}", known.join(", ")));
        }
        Some(table)
    }

    /// The value at `path`, absent without a problem, or `None` with one when `read` refuses it.
    fn read<T>(
        &mut self,
        path: &str,
        table: &Map<String, Value>,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = table.get(last(path))?;
        let found = read(value);
        if found.is_none() {
            // A token is a secret: an error may tell where it is, never what it is.
            let got = if path == "auth.token" { String::new() } else { format!(", got {value}") };
            self.problem(path, format!("expected {expected}{got}"));
        }
        found
    }

    pub fn port(&mut self, name: &str, variable: Variable<'_>) -> Option<u16> {
        self.variable(name, variable(name)?, PORT, |text| parsed(text).filter(|port| *port != 0))
    }

    pub fn address(&mut self, name: &str, variable: Variable<'_>) -> Option<IpAddr> {
        self.variable(name, variable(name)?, ADDRESS, parsed)
    }

    /// What a secret is, or `None` with a problem where it cannot be had.
    pub fn secret(&mut self, path: &str, secret: Secret, variable: Variable<'_>) -> Option<String> {
        let (found, place) = match secret {
            Secret::Text(text) => (Some(text), String::new()),
            Secret::Variable(name) => (variable(&name), format!("the variable {name}")),
            Secret::File(place) => {
                (std::fs::read_to_string(&place).ok().map(|text| text.trim_end().to_owned()), place)
            }
        };
        let found = found.filter(|text| !text.is_empty());
        if found.is_none() {
            self.problem(path, format!("{place} is empty, or not there"));
        }
        found
    }

    fn variable<T>(
        &mut self,
        name: &str,
        text: String,
        expected: &str,
        read: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = read(&text);
        if found.is_none() {
            self.problem(name, format!("expected {expected}, got {text:?}"));
        }
        found
    }
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn filled(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn secret(value: &Value) -> Option<Secret> {
    if value.is_string() {
        return filled(value).map(Secret::Text);
    }
    let table = value.as_object().filter(|table| table.len() == 1)?;
    let (kind, name) = table.iter().next()?;
    match kind.as_str() {
        "env" => filled(name).map(Secret::Variable),
        "file" => filled(name).map(Secret::File),
        _ => None,
    }
}

fn port_number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
}

fn asks_token(value: &Value) -> Option<bool> {
    match value.as_str()? {
        "none" => Some(false),
        "token" => Some(true),
        _ => None,
    }
}
