//! `daemon install` as a user meets it, with a systemctl that only notes what it is told.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use common::{aisopod, folder, run, stderr};

/// Runs `aisopod daemon …` for a user whose home is `home`; systemctl ends with `status`.
fn daemon(home: &Path, words: &str, status: i32) -> Output {
    let tools = home.join("tools");
    fs::create_dir_all(&tools).unwrap();
    let script = format!("#!/bin/sh\necho \"$@\" >> {}/told\nexit {status}\n", home.display());
    fs::write(tools.join("systemctl"), script).unwrap();
    fs::set_permissions(tools.join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
    let args: Vec<&str> = std::iter::once("daemon").chain(words.split_whitespace()).collect();
    run(aisopod(&args).env("HOME", home).env("PATH", tools))
}

fn told(home: &Path) -> String {
    let text = fs::read_to_string(home.join("told")).unwrap_or_default();
    let _ = fs::remove_file(home.join("told"));
    text
}

#[test]
fn twice_is_once_an_edit_stays_and_uninstall_leaves_the_configuration() {
    let home = folder("daemon");
    let unit = home.join(".config/systemd/user/aisopod.service");
    let config = home.join(".config/aisopod/aisopod.json");
    assert_eq!(Some(0), daemon(&home, "install", 0).status.code());
    let written = fs::read_to_string(&unit).unwrap();
    let aisopod = env!("CARGO_BIN_EXE_aisopod");
    assert!(written.contains(&format!("ExecStart={aisopod} gateway\n")), "{written}");
    assert!(config.exists());
    let begun = "--user daemon-reload\n--user enable aisopod.service\n--user restart aisopod.service\n";
    assert_eq!(begun, told(&home));

    assert_eq!(Some(0), daemon(&home, "install", 0).status.code());
    assert_eq!("--user enable --now aisopod.service\n", told(&home));

    fs::write(&unit, "mine\n").unwrap();
    fs::write(&config, "{}\n").unwrap();
    let refused = daemon(&home, "install", 0);
    assert_eq!((Some(1), String::new()), (refused.status.code(), told(&home)));
    assert!(stderr(&refused).contains("--force"), "{}", stderr(&refused));
    assert_eq!("mine\n", fs::read_to_string(&unit).unwrap());
    assert_eq!(Some(0), daemon(&home, "install --force", 0).status.code());
    assert_eq!(written, fs::read_to_string(&unit).unwrap());
    assert_eq!("{}\n", fs::read_to_string(&config).unwrap());

    told(&home);
    for expected in ["--user disable --now aisopod.service\n--user daemon-reload\n", ""] {
        assert_eq!(Some(0), daemon(&home, "uninstall", 0).status.code());
        assert_eq!(expected, told(&home));
        assert_eq!((false, true), (unit.exists(), config.exists()));
    }
}

#[test]
fn what_systemd_refuses_is_said() {
    let home = folder("daemon-refused");
    let refused = daemon(&home, "install", 1);
    assert_eq!(Some(1), refused.status.code());
    assert!(stderr(&refused).contains("systemctl --user daemon-reload"), "{}", stderr(&refused));
}
