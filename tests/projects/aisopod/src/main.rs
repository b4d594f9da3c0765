//! The `aisopod` program: reads its arguments, does one command, ends with an exit code.

mod cli;
mod config;
mod daemon;
mod gateway;
mod http;
mod listener;
mod log;
mod probe;
mod reader;
mod state;
mod stop;
mod template;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cli::{Command, DaemonArgs, GatewayArgs};
use config::Source;
use log::{Level, Logger};

/// The file that is read and written when nothing names another one.
const DEFAULT_CONFIG: &str = "aisopod.json";

const FAILED: u8 = 1;
const USAGE: u8 = 2;
/// `EX_CONFIG` of sysexits.h: a service manager should not restart on it.
const BAD_CONFIG: u8 = 78;

fn main() -> ExitCode {
    match cli::parse(env::args().skip(1)) {
        Ok(Command::Version) => say(&format!("aisopod {}\n", env!("CARGO_PKG_VERSION"))),
        Ok(Command::Help) => say(cli::HELP),
        Ok(Command::Gateway(args)) => run_gateway(&args),
        Ok(Command::Health(port)) => match probe::health(port.unwrap_or_else(usual_port)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => fail(FAILED, &problem),
        },
        Ok(Command::ConfigInit(args)) => {
            let path = config_path(args.config.as_deref());
            match template::write(&path, args.template, args.force) {
                Ok(()) => say(&format!("wrote {}\n", path.display())),
                Err(problem) => fail(FAILED, &problem),
            }
        }
        Ok(Command::Daemon(args)) => run_daemon(&args),
        Err(problem) => fail(USAGE, &format!("{problem}\nRun `aisopod --help` for the usage.")),
    }
}

fn run_gateway(args: &GatewayArgs) -> ExitCode {
    let path = config_path(args.config.as_deref());
    let source = match Source::read(&path) {
        Ok(Source::Missing) if !args.allow_unconfigured => {
            return fail(
                BAD_CONFIG,
                &format!(
                    "no configuration: {} does not exist.\n\
                     Write one with `aisopod config init`, name one with --config or AISOPOD_CONFIG,\n\
                     or start with the defaults: `aisopod gateway --allow-unconfigured`.",
                    path.display()
                ),
            );
        }
        Ok(source) => source,
        Err(problem) => return fail(BAD_CONFIG, &problem.to_string()),
    };
    match config::resolve(&source, &variable, args) {
        Ok(settings) => {
            let log = Logger::new(settings.level);
            match gateway::run(settings, log) {
                Ok(()) => ExitCode::SUCCESS,
                Err(problem) => {
                    log.write(Level::Error, format_args!("{problem}"));
                    ExitCode::from(FAILED)
                }
            }
        }
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(|p| format!("  {p}")).collect();
            fail(BAD_CONFIG, &format!("bad configuration ({}):\n{}", path.display(), lines.join("\n")))
        }
    }
}

fn run_daemon(args: &DaemonArgs) -> ExitCode {
    let done = daemon::Place::of(args.system, &variable).and_then(|place| {
        if args.install { daemon::install(&place, args.force) } else { daemon::uninstall(&place) }
    });
    match done {
        Ok(told) => say(&told),
        Err(problem) => fail(FAILED, &problem),
    }
}

/// Where a gateway of this environment listens, unless its file says otherwise.
fn usual_port() -> u16 {
    variable("AISOPOD_GATEWAY_PORT").and_then(|port| port.parse().ok()).unwrap_or(config::PORT)
}

fn config_path(named: Option<&Path>) -> PathBuf {
    named
        .map(Path::to_path_buf)
        .or_else(|| variable("AISOPOD_CONFIG").map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from(DEFAULT_CONFIG))
}

/// An empty variable counts as unset: compose files and unit files write `NAME=` for that.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn say(text: &str) -> ExitCode {
    use std::io::Write;
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(FAILED),
    }
}

fn fail(code: u8, text: &str) -> ExitCode {
    use std::io::Write;
    // Nothing can be said about a closed stderr; the exit code still tells.
    let _ = writeln!(std::io::stderr(), "aisopod: {text}");
    ExitCode::from(code)
}
