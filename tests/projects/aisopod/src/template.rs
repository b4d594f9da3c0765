//! `config init`: ready configurations for the three places where the gateway runs.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Template {
    Development,
    Production,
    Docker,
}

impl Template {
    pub fn text(self) -> &'static str {
        match self {
            Self::Development => include_str!("../templates/development.json"),
            Self::Production => include_str!("../templates/production.json"),
            Self::Docker => include_str!("../templates/docker.json"),
        }
    }
}

impl FromStr for Template {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            "docker" => Ok(Self::Docker),
            _ => Err(()),
        }
    }
}

/// Writes the template to `path`, with its folders. Without `force` an existing file stays and is an error.
pub fn write(path: &Path, template: Template, force: bool) -> Result<(), String> {
    write_text(path, template.text(), force)
}

/// Writes any text in the same way.
pub fn write_text(path: &Path, text: &str, force: bool) -> Result<(), String> {
    let written = make_parent(path).and_then(|()| {
        let mut options = fs::OpenOptions::new();
        // create_new decides and creates in one call, so two runs at once cannot both win.
        options.write(true).create(force).truncate(force).create_new(!force);
        options.open(path)?.write_all(text.as_bytes())
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!("{} exists; --force replaces it", path.display()),
        _ => format!("cannot write {}: {error}", path.display()),
    })
}

fn make_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::create_dir_all(folder),
        _ => Ok(()),
    }
}
