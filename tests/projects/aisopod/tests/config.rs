//! Configuration as a user meets it: exit codes, messages, `config init`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod common;

use std::fs;

use common::{Gateway, aisopod, body, folder, run, stderr};

#[test]
fn version_is_the_name_and_the_number() {
    let output = run(&mut aisopod(&["--version"]));
    assert_eq!(Some(0), output.status.code());
    assert_eq!(format!("aisopod {}\n", env!("CARGO_PKG_VERSION")).as_bytes(), output.stdout);
}

#[test]
fn a_wrong_argument_is_exit_2() {
    assert_eq!(Some(2), run(&mut aisopod(&["gateway", "--prot", "1"])).status.code());
}

#[test]
fn without_a_configuration_it_refuses_and_says_what_to_do() {
    let output = run(aisopod(&["gateway"]).current_dir(folder("unconfigured")));
    assert_eq!(Some(78), output.status.code());
    for part in ["aisopod.json does not exist", "config init", "--allow-unconfigured"] {
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
}

#[test]
fn a_bad_configuration_is_exit_78_with_every_problem() {
    let config = folder("bad").join("bad.json");
    fs::write(&config, r#"{"gateway": {"server": {"port": "x"}, "bind": 1}, "loging": {}}"#).unwrap();
    let output = run(aisopod(&["gateway", "--allow-unconfigured"])
        .env("AISOPOD_CONFIG", &config)
        .env("AISOPOD_BIND", "?"));
    assert_eq!(Some(78), output.status.code());
    for path in ["gateway.server.port", "gateway.bind", "loging", "AISOPOD_BIND", "bad.json"] {
        assert!(stderr(&output).contains(path), "{}", stderr(&output));
    }
}

#[test]
fn broken_json_is_exit_78_with_line_and_column() {
    let config = folder("broken").join("broken.json");
    fs::write(&config, "{\n  \"gateway\": ,\n}").unwrap();
    let output = run(&mut aisopod(&["gateway", "--config", config.to_str().unwrap()]));
    assert_eq!(Some(78), output.status.code());
    assert!(stderr(&output).contains("line 2 column 14"), "{}", stderr(&output));
}

#[test]
fn init_writes_a_file_that_starts_and_replaces_it_only_by_force() {
    let folder = folder("init");
    for template in ["development", "production", "docker"] {
        let file = folder.join(template).join("aisopod.json");
        let path = file.to_str().unwrap();
        let init = ["config", "init", "--config", path, "--template", template];
        assert_eq!(Some(0), run(&mut aisopod(&init)).status.code());
        let written = fs::read(&file).unwrap();

        fs::write(&file, "mine").unwrap();
        let again = run(&mut aisopod(&init));
        assert_eq!(Some(1), again.status.code());
        assert!(stderr(&again).contains("--force"));
        assert_eq!("mine", fs::read_to_string(&file).unwrap());

        assert_eq!(Some(0), run(aisopod(&init).arg("--force")).status.code());
        assert_eq!(written, fs::read(&file).unwrap());

        let gateway = Gateway::start(
            aisopod(&["gateway", "--config", path, "--bind", "127.0.0.1", "--port", "0"])
                .env("AISOPOD_DATA_DIR", folder.join(template))
                .env("AISOPOD_AUTH_TOKEN", "t"),
        );
        assert_eq!("ok", body(&gateway.get("/health"))["status"]);
    }
}
