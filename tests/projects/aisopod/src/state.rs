//! What the gateway keeps in its data folder: how often it was started, as a proof that the folder persists.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use serde_json::{Value, json};

const FILE: &str = "state.json";

/// Counts this start in `folder` and returns the number, 1 for the first.
/// An unreadable state is an error: replacing it would hide that data was lost.
pub fn count_start(folder: &Path) -> Result<u64> {
    fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
    let path = folder.join(FILE);
    let starts = read(&path)? + 1;
    let partial = folder.join(format!("{FILE}.partial"));
    let write = || {
        fs::write(&partial, format!("{}\n", json!({ "starts": starts })))?;
        fs::rename(&partial, &path)
    };
    write().map_err(|error| about(&path, &error))?;
    Ok(starts)
}

fn read(path: &Path) -> Result<u64> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(about(path, &error)),
    };
    let state: Value = serde_json::from_slice(&text).map_err(|error| about(path, &error.into()))?;
    let starts = state.get("starts").and_then(Value::as_u64).filter(|starts| *starts < u64::MAX);
    starts.ok_or_else(|| about(path, &Error::new(ErrorKind::InvalidData, "no count of starts")))
}

fn about(path: &Path, error: &Error) -> Error {
    Error::new(error.kind(), format!("data_dir: {}: {error}", path.display()))
}
