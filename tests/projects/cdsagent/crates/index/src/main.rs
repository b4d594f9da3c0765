//! The index service: it takes documents, and answers which of them are about a question.

mod http;
mod index;
mod metrics;
mod service;
mod settings;

use std::process::ExitCode;

const USAGE: &str = "usage: cds-index [--version | --defaults]";
/// sysexits.h: the configuration is wrong, and starting again will not help.
const EX_CONFIG: u8 = 78;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => serve(),
        ["--version"] => {
            println!("cds-index {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        ["--defaults"] => {
            for (name, value) in settings::DEFAULTS {
                println!("{name}={value}");
            }
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn serve() -> ExitCode {
    let settings = match settings::read(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(problems) => {
            for problem in problems {
                eprintln!("cds-index: {problem}");
            }
            return ExitCode::from(EX_CONFIG);
        }
    };
    match service::run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cds-index: {error}");
            ExitCode::FAILURE
        }
    }
}
