//! `daemon install`, `daemon uninstall`: the gateway as a service of systemd, for one user or for the machine.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::config::Variable;
use crate::template::{self, Template};

const UNIT: &str = "aisopod.service";

/// Where a service of one scope lies.
#[derive(Debug, PartialEq)]
pub struct Place {
    pub system: bool,
    pub unit: PathBuf,
    pub config: PathBuf,
}

impl Place {
    pub fn of(system: bool, variable: Variable<'_>) -> Result<Self, String> {
        let (units, config) = if system {
            (PathBuf::from("/etc/systemd/system"), PathBuf::from("/etc/aisopod"))
        } else {
            let own = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            let top = own.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
            let top = top.ok_or("HOME is not set: whose service is it? --system is for the machine")?;
            (top.join("systemd/user"), top.join("aisopod"))
        };
        Ok(Self { system, unit: units.join(UNIT), config: config.join("aisopod.json") })
    }

    /// The unit. systemd makes the account of the machine's service when nobody has.
    pub fn text(&self, program: &Path) -> Result<String, String> {
        let user = if self.system { "User=aisopod\nDynamicUser=yes\n" } else { "" };
        let target = if self.system { "multi-user.target" } else { "default.target" };
        let program = word(utf8(program)?).replace('$', "$$");
        let config = word(&format!("AISOPOD_CONFIG={}", utf8(&self.config)?));
        Ok(format!(
            "# Written by `aisopod daemon install`; `aisopod daemon uninstall` removes it.\n\
             [Unit]\nDescription=Aisopod AI Gateway\nAfter=network.target\n\n\
             [Service]\nType=simple\n{user}ExecStart={program} gateway\n\
             Environment={config}\nEnvironment=AISOPOD_DATA_DIR=%S/aisopod\nStateDirectory=aisopod\n\
             Restart=on-failure\nRestartSec=5\nRestartPreventExitStatus=78\nNoNewPrivileges=yes\n\n\
             [Install]\nWantedBy={target}\n"
        ))
    }

    fn systemctl(&self, words: &[&str]) -> Result<(), String> {
        let scope: &[&str] = if self.system { &[] } else { &["--user"] };
        let told = format!("systemctl {}", [scope, words].concat().join(" "));
        match Command::new("systemctl").args(scope).args(words).output() {
            Ok(done) if done.status.success() => Ok(()),
            Ok(done) => Err(format!("{told}: {}", String::from_utf8_lossy(&done.stderr).trim())),
            Err(error) => Err(format!("{told}: {error}; without systemd, `aisopod gateway` runs by itself")),
        }
    }
}

/// Writes the unit and, where there is none, a configuration; starts the service, now and always.
/// A unit that says something else stays and is an error, unless `force`.
pub fn install(place: &Place, force: bool) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|error| format!("where this program is: {error}"))?;
    let text = place.text(&program)?;
    let found = read(&place.unit)?;
    let fresh = found.as_deref() != Some(text.as_str());
    if fresh && found.is_some() && !force {
        return Err(format!("{} says something else; --force replaces it", place.unit.display()));
    }
    let mut told = String::new();
    if read(&place.config)?.is_none() {
        template::write(&place.config, Template::Development, false)?;
        told += &format!("wrote {}\n", place.config.display());
    }
    if !fresh {
        place.systemctl(&["enable", "--now", UNIT])?;
        return Ok(told + "aisopod is installed\n");
    }
    template::write_text(&place.unit, &text, true)?;
    place.systemctl(&["daemon-reload"])?;
    place.systemctl(&["enable", UNIT])?;
    place.systemctl(&["restart", UNIT])?;
    Ok(format!("{told}wrote {}\naisopod is installed\n", place.unit.display()))
}

/// Stops the service and removes its unit; configuration and data stay.
pub fn uninstall(place: &Place) -> Result<String, String> {
    if read(&place.unit)?.is_none() {
        return Ok("aisopod is not installed\n".to_owned());
    }
    place.systemctl(&["disable", "--now", UNIT])?;
    fs::remove_file(&place.unit).map_err(|error| failed(&place.unit, &error))?;
    place.systemctl(&["daemon-reload"])?;
    Ok(format!("removed {}\n", place.unit.display()))
}

fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn utf8(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8, which systemd wants", path.display()))
}

/// A word as systemd.syntax(7) has it; `%` would begin a specifier.
fn word(text: &str) -> String {
    let text = text.replace('%', "%%");
    if text.contains(|letter: char| letter.is_whitespace() || "\"'\\".contains(letter)) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(system: bool, variables: &[(&str, &str)]) -> Result<Place, String> {
        Place::of(system, &|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_user_has_it_below_the_home_and_the_machine_below_etc() {
        let units = |place: Result<Place, String>| place.map(|place| place.unit.display().to_string());
        let expected = |path: &str| Ok(path.to_owned());
        assert_eq!(expected("/h/.config/systemd/user/aisopod.service"), units(of(false, &[("HOME", "/h")])));
        let both = [("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")];
        assert_eq!(expected("/x/systemd/user/aisopod.service"), units(of(false, &both)));
        assert_eq!(expected("/etc/systemd/system/aisopod.service"), units(of(true, &[])));
        assert!(of(false, &[]).is_err());
    }

    #[test]
    fn the_unit_has_what_the_specification_says() {
        let text = of(true, &[])
            .and_then(|place| place.text(Path::new("/usr/local/bin/aisopod")))
            .unwrap_or_default();
        for line in [
            "After=network.target",
            "Type=simple",
            "User=aisopod",
            "ExecStart=/usr/local/bin/aisopod gateway",
            "Restart=on-failure",
            "RestartSec=5",
            "WantedBy=multi-user.target",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    fn a_path_is_one_word_whatever_is_in_it() {
        let text = of(false, &[("HOME", "/a b/100%")])
            .and_then(|place| place.text(Path::new("/o $x/\"q\"/aisopod")))
            .unwrap_or_default();
        assert!(text.contains("ExecStart=\"/o $$x/\\\"q\\\"/aisopod\" gateway\n"), "{text}");
        assert!(text.contains("\"AISOPOD_CONFIG=/a b/100%%/.config/aisopod/aisopod.json\""), "{text}");
        assert!(!text.contains("User="), "{text}");
    }
}
