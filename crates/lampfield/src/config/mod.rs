//! Configuration: flags over environment over file over defaults, checked once, at the start.
//!
//! Every key stands in one table (`keys`). Unknown keys are errors with a suggestion.

mod file;
mod keys;
mod literal;
mod page;
mod suggest;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lampfield_api::{ApiConfig, ServerLimits};
use lampfield_delivery::DeliveryConfig;
use lampfield_engine::EngineConfig;
use lampfield_journal::embedded::EmbeddedConfig;

use crate::telemetry::{LogFormat, LogLevel};

use keys::{KEYS, Key};
pub(crate) use literal::Literal;
pub(crate) use page::{default_file, effective_file, reference_page};

/// The file that is read when none is named and it is there.
pub(crate) const FILE: &str = "lampfield.toml";
/// The default address.
pub(crate) const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8650);

/// Everything that can be configured.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) stop_within: Duration,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
    pub(crate) metrics_public: bool,
    pub(crate) engine: EngineConfig,
    pub(crate) delivery: DeliveryConfig,
    pub(crate) api: ApiConfig,
    pub(crate) store: EmbeddedConfig,
    pub(crate) server: ServerLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            data: PathBuf::from("lampfield-data"),
            stop_within: Duration::from_secs(10),
            log_format: LogFormat::Human,
            log_level: LogLevel::Info,
            metrics_public: false,
            engine: EngineConfig::default(),
            delivery: DeliveryConfig::default(),
            api: ApiConfig::default(),
            store: EmbeddedConfig::default(),
            server: ServerLimits::default(),
        }
    }
}

/// What is wrong with one value, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// File and line, environment variable, or flag.
    pub(crate) place: String,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

/// A configuration that cannot be used: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError(pub(crate) Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { place, what }) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{place}: {what}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Where settings come from.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// A file that was named; it must be there. Otherwise [`FILE`] is read if it is there.
    pub(crate) file: Option<PathBuf>,
    /// Environment variables.
    pub(crate) variables: Vec<(String, String)>,
    /// `--set key=value` and the flags that are short for it: place, key, value.
    pub(crate) flags: Vec<(String, String, String)>,
}

/// Settings, and what a person should know about them.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// What looks like a mistake but does not stop the program.
    pub(crate) warnings: Vec<Problem>,
}

impl Sources {
    /// Returns the variables of the process that are meant for Lampfield.
    pub(crate) fn of_process(file: Option<PathBuf>, flags: Vec<(String, String, String)>) -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        Self { file, variables, flags }
    }

    /// Sets what flags say in `settings`, without file and environment.
    pub(crate) fn only_flags(
        flags: &[(String, String)],
        mut settings: Settings,
    ) -> Result<Settings, ConfigError> {
        let mut problems = Vec::new();
        for (name, value) in flags {
            set("--set", name, value, &mut settings, &mut problems);
        }
        problems.extend(check_together(&settings));
        if problems.is_empty() { Ok(settings) } else { Err(ConfigError(problems)) }
    }

    /// Reads everything, checks it and puts it together.
    pub(crate) fn load(self) -> Result<Loaded, ConfigError> {
        let mut settings = Settings::default();
        let mut problems = Vec::new();
        let file = self.file.clone().or_else(|| {
            let usual = Path::new(FILE);
            usual.exists().then(|| usual.to_owned())
        });
        if let Some(path) = &file {
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    let place = path.display().to_string();
                    problems.extend(file::read(&place, &text, &mut settings));
                }
                Err(error) => problems.push(Problem {
                    place: path.display().to_string(),
                    what: format!("cannot be read: {error}"),
                }),
            }
        }
        let warnings = take_variables(&self.variables, &mut settings, &mut problems);
        for (place, name, value) in &self.flags {
            set(place, name, value, &mut settings, &mut problems);
        }
        problems.extend(check_together(&settings));
        if problems.is_empty() {
            Ok(Loaded { settings, file, warnings })
        } else {
            Err(ConfigError(problems))
        }
    }
}

const PREFIX: &str = "LAMPFIELD_";

/// Variables that are for clients and scripts, not for the configuration.
const OTHER_VARIABLES: [&str; 10] = [
    "LAMPFIELD_CONFIG",
    "LAMPFIELD_SERVER",
    "LAMPFIELD_KEY",
    "LAMPFIELD_ACCOUNT_ID",
    "LAMPFIELD_ADMIN_TOKEN",
    "LAMPFIELD_USERNAME",
    "LAMPFIELD_EXTENSION",
    "LAMPFIELD_PASSWORD",
    "LAMPFIELD_OTHER_JWT",
    "LAMPFIELD_STRANGER_JWT",
];

/// Unknown variables are warnings only: surroundings such as Kubernetes put variables of their own
/// beginning with a service's name into the environment.
fn take_variables(
    variables: &[(String, String)],
    settings: &mut Settings,
    problems: &mut Vec<Problem>,
) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for (variable, value) in variables {
        if let Some(key) = KEYS.iter().find(|key| key.variable() == *variable) {
            set(variable, key.name, value, settings, problems);
            continue;
        }
        if OTHER_VARIABLES.contains(&variable.as_str()) {
            continue;
        }
        let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
        if let Some(meant) = suggest::nearest(variable, known.iter().map(String::as_str)) {
            let what = format!("is not a setting; did you mean {meant}?");
            warnings.push(Problem { place: variable.clone(), what });
        }
    }
    warnings
}

fn set(place: &str, name: &str, value: &str, settings: &mut Settings, problems: &mut Vec<Problem>) {
    let result = match Key::named(name) {
        Some(key) => key.set(settings, value).map_err(|what| format!("{name}: {what}")),
        None => Err(unknown(name)),
    };
    if let Err(what) = result {
        problems.push(Problem { place: place.to_owned(), what });
    }
}

/// Says that a key does not exist, and which one may be meant.
fn unknown(name: &str) -> String {
    let names = || KEYS.iter().map(|key| key.name);
    let (section, last) = name.rsplit_once('.').unwrap_or(("", name));
    // The right key in the wrong section, then a slip of the pen in this section, then anywhere.
    let meant = names()
        .find(|known| known.rsplit_once('.').map_or(*known, |(_, last)| last) == last)
        .or_else(|| {
            let here = KEYS.iter().filter(|key| key.parts().0 == section);
            let near = suggest::nearest(last, here.map(|key| key.parts().1))?;
            KEYS.iter().find(|key| key.parts() == (section, near)).map(|key| key.name)
        })
        .or_else(|| suggest::nearest(name, names()));
    match meant {
        Some(meant) => format!("unknown key {name}; did you mean {meant}?"),
        None => format!("unknown key {name}; `lampfield config print --default` shows all keys"),
    }
}

/// Checks what no value can be checked for alone.
fn check_together(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |place: &str, what: &str| {
        problems.push(Problem { place: place.to_owned(), what: what.to_owned() });
    };
    if let Some(url) = &settings.api.public_url {
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@', ' '])) {
            refuse(
                "public_url",
                "write scheme and host only, such as https://presence.example.org, no slash at the end",
            );
        }
    }
    let sockets = &settings.delivery.websocket;
    if sockets.absolute_timeout < sockets.idle_timeout {
        refuse("websocket.absolute_timeout", "is less than websocket.idle_timeout");
    }
    if settings.api.tokens.socket_accepted < settings.api.tokens.socket_announced {
        refuse("tokens.socket_accepted", "is less than tokens.socket_announced");
    }
    if settings.delivery.coalesce_after > settings.delivery.ring_max.saturating_mul(1000) {
        refuse("delivery.coalesce_after", "is more than a thousand times delivery.ring_max");
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: &str,
        variables: &[(&str, &str)],
        flags: &[(&str, &str)],
    ) -> Result<Loaded, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lampfield.toml");
        std::fs::write(&path, file).unwrap();
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        let flags = owned(flags).into_iter().map(|(key, value)| ("--set".to_owned(), key, value));
        let sources = Sources {
            file: Some(path.clone()),
            variables: owned(variables),
            flags: flags.collect(),
        };
        let shown = path.display().to_string();
        sources.load().map_err(|error| error.to_string().replace(&shown, "lampfield.toml"))
    }

    #[test]
    fn flags_win_over_variables_over_file_over_defaults() {
        let file = "listen = \"127.0.0.1:1\"\ndata = \"a\"\n[websocket]\nsockets_max = 1\n";
        let variables =
            [("LAMPFIELD_LISTEN", "127.0.0.1:2"), ("LAMPFIELD_WEBSOCKET_SOCKETS_MAX", "2")];
        let loaded = load(file, &variables, &[("listen", "127.0.0.1:3")]).unwrap();
        assert_eq!(loaded.settings.listen.port(), 3);
        assert_eq!(loaded.settings.delivery.websocket.sockets_max, 2);
        assert_eq!(loaded.settings.data, PathBuf::from("a"));
        assert_eq!(loaded.settings.api.body_max, ApiConfig::default().body_max);
        assert!(loaded.warnings.is_empty());
    }

    #[test]
    fn unknown_keys_are_errors_with_line_and_suggestion() {
        let file = "lisen = \"127.0.0.1:1\"\n\n[websocket]\n# a comment\nsocket_max = 5\n";
        assert_eq!(
            load(file, &[], &[]).unwrap_err(),
            "lampfield.toml:1: unknown key lisen; did you mean listen?\n\
             lampfield.toml:5: unknown key websocket.socket_max; did you mean websocket.sockets_max?"
        );
        let wrong_section = load("sockets_max = 5\n", &[], &[]).unwrap_err();
        assert!(wrong_section.ends_with("did you mean websocket.sockets_max?"), "{wrong_section}");
        let section = load("[websockets]\nsockets_max = 5\n", &[], &[]).unwrap_err();
        assert_eq!(
            section,
            "lampfield.toml:1: unknown section websockets; did you mean websocket?"
        );
        let flag = load("", &[], &[("web.sockets", "1")]).unwrap_err();
        assert!(flag.starts_with("--set: unknown key web.sockets"), "{flag}");
    }

    #[test]
    fn wrong_values_are_all_reported_with_their_lines() {
        let file = "listen = \"here\"\n[engine]\nintake_max = 0\npatience = \"5\"\n\
                    [webhook]\nallow_http = 1\nallow_private = [\"10.0.0.0/40\"]\n";
        let message = load(file, &[], &[]).unwrap_err();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 5, "{message}");
        for (number, begin) in [
            "lampfield.toml:1: listen: \"here\" is not an address",
            "lampfield.toml:3: engine.intake_max: 0 is not between 1 and 10000000",
            "lampfield.toml:4: engine.patience: \"5\" is not a duration",
            "lampfield.toml:6: webhook.allow_http: \"1\" is neither true nor false",
            "lampfield.toml:7: webhook.allow_private: \"10.0.0.0/40\" is not a network",
        ]
        .iter()
        .enumerate()
        {
            assert!(lines[number].starts_with(begin), "{}", lines[number]);
        }
    }

    #[test]
    fn broken_toml_says_where() {
        let message = load("listen = \n", &[], &[]).unwrap_err();
        assert!(message.starts_with("lampfield.toml:1: "), "{message}");
        let twice = load("data = \"a\"\ndata = \"b\"\n", &[], &[]).unwrap_err();
        assert!(twice.starts_with("lampfield.toml:2: "), "{twice}");
    }

    #[test]
    fn misspelt_variables_warn_and_strange_ones_do_not_matter() {
        let variables = [
            ("LAMPFIELD_LISTN", "x"),
            ("LAMPFIELD_SERVICE_PORT_8650_TCP", "tcp://10.0.0.1"),
            ("LAMPFIELD_KEY", "secret"),
        ];
        let loaded = load("", &variables, &[]).unwrap();
        assert_eq!(
            loaded.warnings,
            [Problem {
                place: "LAMPFIELD_LISTN".to_owned(),
                what: "is not a setting; did you mean LAMPFIELD_LISTEN?".to_owned()
            }]
        );
    }

    #[test]
    fn values_that_do_not_fit_together_are_refused() {
        let file = "public_url = \"https://x.example/\"\n[tokens]\nsocket_accepted = \"1s\"\n";
        let message = load(file, &[], &[]).unwrap_err();
        assert!(message.contains("public_url: write scheme and host only"), "{message}");
        assert!(message.contains("tokens.socket_accepted: is less"), "{message}");
    }

    #[test]
    fn a_named_file_must_be_there() {
        let file = Some(PathBuf::from("no/such/file.toml"));
        let error = Sources { file, ..Sources::default() }.load().unwrap_err();
        assert!(error.to_string().starts_with("no/such/file.toml: cannot be read"), "{error}");
    }
}
