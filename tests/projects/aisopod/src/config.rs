//! The configuration: a JSON file, variables and flags become one `Settings`, or the list of all that is wrong.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::GatewayArgs;
use crate::log::Level;
use crate::reader::{File, Reader};

pub const PORT: u16 = 18789;

#[derive(Debug, PartialEq)]
pub struct Settings {
    pub address: IpAddr,
    pub port: u16,
    /// Folder for state; without one the gateway writes nothing.
    pub data_dir: Option<PathBuf>,
    pub level: Level,
    /// What `/v1/status` asks for; `None` leaves it open.
    pub token: Option<String>,
    /// Whether a file was read.
    pub configured: bool,
    /// Sections of the file that this version does not use.
    pub unused: Vec<&'static str>,
}

#[derive(Debug, PartialEq)]
pub struct Problem {
    /// Dotted key, variable or file.
    pub path: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path, self.what)
    }
}

/// Looks a variable of the environment up.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What stands at the path of the configuration.
#[derive(Debug)]
pub enum Source {
    Missing,
    File(Value),
}

impl Source {
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let problem = |what: String| Problem { path: path.display().to_string(), what };
        match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Self::File)
                .map_err(|error| problem(format!("not valid JSON: {error}"))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::Missing),
            Err(error) => Err(problem(error.to_string())),
        }
    }
}

/// A flag wins over a variable, a variable over the file, the file over the default.
/// Every source is read to its end, so that all problems come at once.
pub fn resolve(
    source: &Source,
    variable: Variable<'_>,
    args: &GatewayArgs,
) -> Result<Settings, Vec<Problem>> {
    let mut reader = Reader::default();
    let file = match source {
        Source::File(root) => reader.file(root),
        Source::Missing => File::default(),
    };
    let port = reader.port("AISOPOD_GATEWAY_PORT", variable);
    let address = reader.address("AISOPOD_BIND", variable);
    // A variable that says it wins, so that what the file refers to need not be there then.
    let token = match (file.asks_token, variable("AISOPOD_AUTH_TOKEN"), file.token) {
        (false, ..) => None,
        (true, Some(said), _) => Some(said),
        (true, None, Some(secret)) => reader.secret("auth.token", secret, variable),
        (true, None, None) => {
            reader.problem("auth.token", "auth.mode is token: set this key or AISOPOD_AUTH_TOKEN");
            None
        }
    };
    let settings = Settings {
        address: args.bind.or(address).or(file.address).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: args.port.or(port).or(file.port).unwrap_or(PORT),
        data_dir: variable("AISOPOD_DATA_DIR").or(file.data_dir).map(PathBuf::from),
        level: file.level.unwrap_or(Level::Info),
        token,
        configured: matches!(source, Source::File(_)),
        unused: file.unused,
    };
    if reader.problems.is_empty() { Ok(settings) } else { Err(reader.problems) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::Template;

    fn with(file: Value, variables: &[(&str, &str)], args: &GatewayArgs) -> Result<Settings, Vec<Problem>> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        resolve(&Source::File(file), &variable, args)
    }

    fn paths(problems: &[Problem]) -> Vec<&str> {
        problems.iter().map(|problem| problem.path.as_str()).collect()
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        let expected = Settings {
            address: IpAddr::from([127, 0, 0, 1]),
            port: 18789,
            data_dir: None,
            level: Level::Info,
            token: None,
            configured: true,
            unused: vec![],
        };
        assert_eq!(Ok(expected), with(json!({}), &[], &GatewayArgs::default()));
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
        let file =
            json!({"gateway": {"server": {"port": 1}, "bind": {"address": "10.0.0.1"}}, "data_dir": "a"});
        let variables = [("AISOPOD_GATEWAY_PORT", "2"), ("AISOPOD_BIND", "::"), ("AISOPOD_DATA_DIR", "b")];
        let flag = GatewayArgs { port: Some(3), ..GatewayArgs::default() };
        let ports =
            |settings: Result<Settings, _>| settings.map(|s| (s.port, s.address.to_string(), s.data_dir));
        let expected =
            |port, address: &str, folder: &str| Ok((port, address.to_owned(), Some(PathBuf::from(folder))));
        assert_eq!(expected(1, "10.0.0.1", "a"), ports(with(file.clone(), &[], &GatewayArgs::default())));
        assert_eq!(expected(2, "::", "b"), ports(with(file.clone(), &variables, &GatewayArgs::default())));
        assert_eq!(expected(3, "::", "b"), ports(with(file, &variables, &flag)));
    }

    #[test]
    fn every_problem_is_reported_at_once_with_its_path() {
        let file = json!({
            "gatewya": {},
            "gateway": {"server": {"port": 70000}, "bind": {"address": "everywhere"}},
            "data_dir": 7,
            "logging": {"level": "loud"},
            "auth": {"mode": "magic"},
            "models": [],
        });
        let problems =
            with(file, &[("AISOPOD_GATEWAY_PORT", "0")], &GatewayArgs::default()).err().unwrap_or_default();
        let expected = vec![
            "gatewya",
            "gateway.server.port",
            "gateway.bind.address",
            "data_dir",
            "logging.level",
            "auth.mode",
            "models",
            "AISOPOD_GATEWAY_PORT",
        ];
        assert_eq!(expected, paths(&problems));
    }

    #[test]
    fn a_file_that_is_no_object_is_one_problem() {
        let problems = with(json!([]), &[], &GatewayArgs::default()).err().unwrap_or_default();
        assert_eq!(vec!["(the file)"], paths(&problems));
    }

    #[test]
    fn token_mode_needs_a_token_from_the_file_or_the_variable() {
        let file = json!({"auth": {"mode": "token"}});
        let problems = with(file.clone(), &[], &GatewayArgs::default()).err().unwrap_or_default();
        assert_eq!(vec!["auth.token"], paths(&problems));
        let settings = with(file, &[("AISOPOD_AUTH_TOKEN", "from-env")], &GatewayArgs::default());
        assert_eq!(Ok(Some("from-env".to_owned())), settings.map(|s| s.token));
    }

    #[test]
    fn a_refused_token_is_never_printed() {
        for token in [json!(987_654_321), json!({"text": "987"}), json!({"env": "X", "file": "987"})] {
            let file = json!({"auth": {"mode": "token", "token": token}});
            let problems = with(file, &[], &GatewayArgs::default()).err().unwrap_or_default();
            assert_eq!(Some(&"auth.token"), paths(&problems).first());
            assert!(!problems.iter().any(|problem| problem.to_string().contains("987")));
        }
    }

    #[test]
    fn a_token_can_be_in_another_variable_or_in_a_file() {
        let place = std::env::temp_dir().join(format!("aisopod-token-{}", std::process::id()));
        let written = fs::write(&place, "from-file\n");
        let token = |reference| {
            let file = json!({"auth": {"mode": "token", "token": reference}});
            with(file, &[("OTHER", "from-other")], &GatewayArgs::default()).map(|settings| settings.token)
        };
        let said = |text: &str| Ok(Some(text.to_owned()));
        assert!(written.is_ok());
        assert_eq!(said("from-other"), token(json!({"env": "OTHER"})));
        assert_eq!(said("from-file"), token(json!({"file": place.clone()})));
        assert!(fs::remove_file(&place).is_ok());
        for missing in [json!({"env": "NONE"}), json!({"file": place})] {
            assert_eq!(vec!["auth.token"], paths(&token(missing).err().unwrap_or_default()));
        }
    }

    #[test]
    fn sections_of_later_versions_are_accepted_and_named() {
        let settings = with(json!({"agents": {"any": 1}}), &[], &GatewayArgs::default());
        assert_eq!(Ok(vec!["agents"]), settings.map(|s| s.unused));
    }

    #[test]
    fn every_template_loads_and_uses_all_it_says() {
        for template in [Template::Development, Template::Production, Template::Docker] {
            let file = serde_json::from_str(template.text()).unwrap_or_default();
            let settings = with(file, &[("AISOPOD_AUTH_TOKEN", "t")], &GatewayArgs::default());
            assert_eq!(Ok((18789, vec![])), settings.map(|s| (s.port, s.unused)));
        }
    }
}
