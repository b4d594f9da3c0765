//! Arguments to a `Command`, without a parser library: there are eight flags.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::template::Template;

pub const HELP: &str = "\
aisopod: a small gateway for AI agents

Usage:
  aisopod gateway [--config FILE] [--bind ADDR] [--port N] [--allow-unconfigured]
  aisopod health [--port N]
  aisopod config init [--config FILE] [--template NAME] [--force]
  aisopod daemon install [--system] [--force] | daemon uninstall [--system]
  aisopod --version | --help

gateway       serve GET /health and GET /v1/status until SIGTERM or Ctrl-C
  --config FILE           configuration, JSON (default: $AISOPOD_CONFIG, else aisopod.json)
  --bind ADDR             address to listen on (default 127.0.0.1)
  --port N                port to listen on (default 18789; 0 takes a free one)
  --allow-unconfigured    start with the defaults when the file does not exist

health        ask the gateway on this machine; exit 0 when it is healthy, 1 when not
  --port N                its port (default: $AISOPOD_GATEWAY_PORT, else 18789)

config init   write a configuration file
  --template NAME         development (default), production or docker
  --force                 replace the file when it exists

daemon         keep the gateway running by systemd; uninstall leaves configuration and data
  --system                for the whole machine, as root (default: for this user)
  --force                 replace a unit that says something else

Variables: AISOPOD_CONFIG, AISOPOD_GATEWAY_PORT, AISOPOD_BIND, AISOPOD_DATA_DIR, AISOPOD_AUTH_TOKEN.
A flag wins over a variable, a variable over the file.

Exit codes: 0 stopped as asked, 1 failed, 2 bad usage, 78 bad or missing configuration.
";

#[derive(Debug, PartialEq)]
pub enum Command {
    Gateway(GatewayArgs),
    Health(Option<u16>),
    ConfigInit(InitArgs),
    Daemon(DaemonArgs),
    Version,
    Help,
}

#[derive(Debug, Default, PartialEq)]
pub struct GatewayArgs {
    pub config: Option<PathBuf>,
    pub bind: Option<IpAddr>,
    pub port: Option<u16>,
    pub allow_unconfigured: bool,
}

#[derive(Debug, PartialEq)]
pub struct InitArgs {
    pub config: Option<PathBuf>,
    pub template: Template,
    pub force: bool,
}

#[derive(Debug, PartialEq)]
pub struct DaemonArgs {
    pub install: bool,
    pub system: bool,
    pub force: bool,
}

/// Reads the arguments after the program's name. An error is one sentence for the user.
pub fn parse(args: impl Iterator<Item = String>) -> Result<Command, String> {
    let args: Vec<String> = args.collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        return Ok(Command::Help);
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--version" | "-V"] => Ok(Command::Version),
        ["gateway", flags @ ..] => gateway(flags).map(Command::Gateway),
        ["health", flags @ ..] => health(flags).map(Command::Health),
        ["config", "init", flags @ ..] => config_init(flags).map(Command::ConfigInit),
        ["daemon", verb @ ("install" | "uninstall"), flags @ ..] => daemon(verb, flags).map(Command::Daemon),
        [] => Err("expected a command: gateway, health, config init, daemon install".to_owned()),
        [other, ..] => Err(format!("unknown command: {other}")),
    }
}

fn gateway(flags: &[&str]) -> Result<GatewayArgs, String> {
    let mut args = GatewayArgs::default();
    let mut flags = Flags(flags.iter());
    while let Some((name, inline)) = flags.next() {
        match name {
            "--config" => args.config = Some(flags.value(name, inline)?.into()),
            "--bind" => args.bind = Some(parsed(name, flags.value(name, inline)?, "an IP address")?),
            "--port" => args.port = Some(parsed(name, flags.value(name, inline)?, "a port, 0 to 65535")?),
            "--allow-unconfigured" if inline.is_none() => args.allow_unconfigured = true,
            other => return Err(format!("unknown argument of gateway: {other}")),
        }
    }
    Ok(args)
}

fn health(flags: &[&str]) -> Result<Option<u16>, String> {
    let mut port = None;
    let mut flags = Flags(flags.iter());
    while let Some((name, inline)) = flags.next() {
        match name {
            "--port" => port = Some(parsed(name, flags.value(name, inline)?, "a port, 1 to 65535")?),
            other => return Err(format!("unknown argument of health: {other}")),
        }
    }
    Ok(port)
}

fn config_init(flags: &[&str]) -> Result<InitArgs, String> {
    let mut args = InitArgs { config: None, template: Template::Development, force: false };
    let mut flags = Flags(flags.iter());
    while let Some((name, inline)) = flags.next() {
        match name {
            "--config" => args.config = Some(flags.value(name, inline)?.into()),
            "--template" => {
                args.template =
                    parsed(name, flags.value(name, inline)?, "development, production or docker")?;
            }
            "--force" if inline.is_none() => args.force = true,
            other => return Err(format!("unknown argument of config init: {other}")),
        }
    }
    Ok(args)
}

fn daemon(verb: &str, flags: &[&str]) -> Result<DaemonArgs, String> {
    let mut args = DaemonArgs { install: verb == "install", system: false, force: false };
    for flag in flags {
        match *flag {
            "--system" => args.system = true,
            "--force" if args.install => args.force = true,
            other => return Err(format!("unknown argument of daemon {verb}: {other}")),
        }
    }
    Ok(args)
}

struct Flags<'a>(std::slice::Iter<'a, &'a str>);

impl<'a> Flags<'a> {
    /// The next argument; `--name=value` comes as both parts.
    fn next(&mut self) -> Option<(&'a str, Option<&'a str>)> {
        let arg = *self.0.next()?;
        Some(match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        })
    }

    fn value(&mut self, name: &str, inline: Option<&'a str>) -> Result<&'a str, String> {
        inline.or_else(|| self.0.next().copied()).ok_or_else(|| format!("{name} needs a value"))
    }
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str, expected: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name}: expected {expected}, got {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn gateway_takes_values_after_a_space_or_an_equals_sign() {
        let expected = Command::Gateway(GatewayArgs {
            config: Some("a.json".into()),
            bind: Some(IpAddr::from([0, 0, 0, 0])),
            port: Some(9000),
            allow_unconfigured: true,
        });
        let line = "gateway --config a.json --bind=0.0.0.0 --port 9000 --allow-unconfigured";
        assert_eq!(Ok(expected), of(line));
    }

    #[test]
    fn config_init_defaults_to_the_development_template() {
        let expected = InitArgs { config: None, template: Template::Development, force: false };
        assert_eq!(Ok(Command::ConfigInit(expected)), of("config init"));
    }

    #[test]
    fn health_takes_a_port() {
        assert_eq!(Ok(Command::Health(None)), of("health"));
        assert_eq!(Ok(Command::Health(Some(9000))), of("health --port 9000"));
    }

    #[test]
    fn daemon_is_installed_and_uninstalled() {
        let expected = DaemonArgs { install: true, system: true, force: true };
        assert_eq!(Ok(Command::Daemon(expected)), of("daemon install --system --force"));
        let expected = DaemonArgs { install: false, system: false, force: false };
        assert_eq!(Ok(Command::Daemon(expected)), of("daemon uninstall"));
    }

    #[test]
    fn version_and_help_are_commands() {
        assert_eq!(Ok(Command::Version), of("--version"));
        assert_eq!(Ok(Command::Help), of("gateway --help"));
    }

    #[test]
    fn every_mistake_names_the_argument() {
        for (line, named) in [
            ("", "expected a command"),
            ("serve", "serve"),
            ("gateway --prot 1", "--prot"),
            ("gateway --port", "--port needs a value"),
            ("gateway --port 65536", "65536"),
            ("gateway --bind somewhere", "somewhere"),
            ("gateway --allow-unconfigured=yes", "--allow-unconfigured"),
            ("health --prot 1", "--prot"),
            ("config init --template staging", "staging"),
            ("daemon restart", "daemon"),
            ("daemon uninstall --force", "--force"),
        ] {
            let problem = of(line).err().unwrap_or_default();
            assert!(problem.contains(named), "{line:?} said {problem:?}");
        }
    }
}
