//! The command line: every command, its arguments and examples. What they do is in `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{LISTEN, Literal};

/// A self-hosted presence server.
///
/// It takes in what phones, meeting systems and people report, and tells every change in RingCentral's
/// own words over webhooks, WebSockets and event streams.
#[derive(Debug, Parser)]
#[command(name = "lampfield", version, after_help = CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const CODES: &str = "\
Exit codes: 0 done; 1 failed or refused; 2 wrong usage; 69 the server cannot be reached;
74 the disk or the store failed; 77 not allowed; 78 the configuration is wrong.

Commands that administer talk to a running server (--server, --key) or, without one, to the data
directory itself.

Examples:
  lampfield demo                       a whole office to play with, in two seconds
  lampfield init && lampfield serve    a server of your own
  lampfield tail                       watch presence change";

/// Where the server and its configuration are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Common {
    /// Configuration file [default: lampfield.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "LAMPFIELD_CONFIG", hide_env = true)]
    pub(crate) config: Option<PathBuf>,
    /// A running server, such as http://127.0.0.1:8650 [env: LAMPFIELD_SERVER]
    #[arg(long, global = true, value_name = "URL", env = "LAMPFIELD_SERVER", hide_env = true)]
    pub(crate) server: Option<String>,
    /// Its API key [env: LAMPFIELD_KEY]
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        env = "LAMPFIELD_KEY",
        hide_env = true,
        hide_env_values = true
    )]
    pub(crate) key: Option<String>,
    /// Account id; not needed where there is only one [env: LAMPFIELD_ACCOUNT_ID]
    #[arg(long, global = true, value_name = "ID", env = "LAMPFIELD_ACCOUNT_ID", hide_env = true)]
    pub(crate) account: Option<String>,
    /// Data directory, without a running server
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Answers as JSON instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Sets a configuration key; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole demo office: 40 people who call, hold, park, meet. No configuration, no network.
    Demo(DemoArgs),
    /// Run the server.
    Serve(ServeArgs),
    /// Begin: write a commented lampfield.toml, make the data directory and the first admin key.
    Init(InitArgs),
    /// Accounts: the tenants.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Extensions: people, queues, park slots.
    #[command(subcommand)]
    Extension(ExtensionCommand),
    /// Applications that may log in.
    #[command(subcommand)]
    App(AppCommand),
    /// Log-ins of people: JWT credentials and passwords.
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Keys for Lampfield's own API.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show who changed what in the directory, and who changed other people's presence.
    Audit(AuditArgs),
    /// Subscriptions and how their receivers are doing; needs a running server.
    #[command(subcommand, alias = "subscription")]
    Subscriptions(SubscriptionCommand),
    /// Show presence changes as they happen.
    Tail(TailArgs),
    /// Set somebody's status, do-not-disturb or message.
    #[command(name = "set", after_help = SET_EXAMPLES)]
    SetPresence(SetArgs),
    /// Explain somebody's presence: which claims, which rule, since when, until when, who sees it.
    Why(WhyArgs),
    /// Let simulated people use a running server.
    Simulate(SimulateArgs),
    /// Receive webhooks on this machine and print them.
    Listen(ListenArgs),
    /// Copy the store into one file, while the server runs or not.
    Backup {
        /// The file to write; it must not exist
        file: PathBuf,
    },
    /// Make a data directory from a backup; sequences jump, so that no number is used twice.
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Check every record of the store.
    Verify,
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions for a shell.
    #[command(
        after_help = "Example:\n  lampfield completions bash > /etc/bash_completion.d/lampfield"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Address and port; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = LISTEN)]
    pub(crate) listen: SocketAddr,
    /// Where people sit and what they do; the same seed gives the same office
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Whether the simulated people do anything
    #[arg(long, value_enum, default_value_t = Switch::On)]
    pub(crate) calls: Switch,
    /// Write credentials for other programs into this file (readable by you only)
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Address under which clients reach the server
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// human or json
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    /// error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = INIT_EXAMPLES)]
pub(crate) struct InitArgs {
    /// Put everything into this folder: DIR/lampfield.toml and DIR/data
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "data"])]
    pub(crate) dir: Option<PathBuf>,
    /// Name of the first account
    #[arg(long, value_name = "NAME", requires = "main_number")]
    pub(crate) account_name: Option<String>,
    /// Its main number, by which people log in
    #[arg(long, value_name = "NUMBER", requires = "account_name")]
    pub(crate) main_number: Option<String>,
}

const INIT_EXAMPLES: &str = "\
Examples:
  lampfield init
  lampfield init --dir /var/lib/lampfield --account-name \"Harbour Ltd\" --main-number +12055550100";

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Add an account.
    #[command(
        after_help = "Example:\n  lampfield account add \"Harbour Ltd\" --main-number +12055550100"
    )]
    Add {
        /// Its name
        name: String,
        /// Its main number, by which people log in
        #[arg(long, value_name = "NUMBER")]
        main_number: String,
        /// Its id; chosen when not given
        #[arg(long)]
        id: Option<String>,
    },
    /// List accounts.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExtensionCommand {
    /// Add an extension.
    #[command(
        after_help = "Example:\n  lampfield extension add 101 \"Mia Okafor\" --group Sales --queue 600"
    )]
    Add(ExtensionArgs),
    /// List extensions.
    List {
        /// Only those whose number, name or address contains this
        #[arg(long, short)]
        query: Option<String>,
    },
    /// Remove an extension with its log-ins and presence.
    Remove {
        /// Number, or id: and its id
        extension: ExtensionName,
    },
    /// Take extensions over from a CSV file. Good rows are taken, every bad row is reported.
    #[command(after_help = IMPORT_HELP)]
    Import {
        /// The file; - for standard input
        file: PathBuf,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Write all extensions as CSV; importing it again changes nothing.
    Export {
        /// The file; standard output when not given
        file: Option<PathBuf>,
    },
}

const IMPORT_HELP: &str = "\
Columns (a header row is required): number,name,email,type,status,groups,queues,id,admin
Groups and queue numbers are separated by ; inside their column. Ends with code 1 if any row was
rejected.

Example:
  lampfield extension import people.csv --dry-run";

#[derive(Debug, Args)]
pub(crate) struct ExtensionArgs {
    /// Short number
    pub(crate) number: String,
    /// Name
    pub(crate) name: String,
    /// Mail address
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// User, Department, ParkLocation, Room, …
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Enabled, Disabled, Frozen, NotActivated or Unassigned
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Group under which it is shown; may be repeated
    #[arg(long = "group", value_name = "NAME")]
    pub(crate) groups: Vec<String>,
    /// Number of a queue it is a member of; may be repeated
    #[arg(long = "queue", value_name = "NUMBER")]
    pub(crate) queues: Vec<String>,
    /// Its user may change others
    #[arg(long)]
    pub(crate) admin: bool,
    /// Its id; chosen when not given
    #[arg(long)]
    pub(crate) id: Option<String>,
}

const GRANTS: [&str; 4] = ["authorization_code", "jwt-bearer", "password", "refresh_token"];

#[derive(Debug, Subcommand)]
pub(crate) enum AppCommand {
    /// Add an application; its secret is shown once.
    #[command(
        after_help = "Example:\n  lampfield app add \"Wallboard\" --scope ReadAccounts --scope WebSocketsSubscription"
    )]
    Add {
        /// Its name
        name: String,
        /// What it may do; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// It cannot keep a secret (a browser, a phone) and gets none
        #[arg(long)]
        public: bool,
        /// Where its log-in page may send people back to; may be repeated
        #[arg(long = "redirect-uri", value_name = "URI")]
        redirect_uris: Vec<String>,
        /// How people may log in through it; may be repeated; every way when not given
        #[arg(long = "grant", value_name = "GRANT", value_parser = GRANTS)]
        grants: Vec<String>,
        /// Only the account given by --account may use it
        #[arg(long)]
        only_account: bool,
        /// Its id (client_id); chosen when not given
        #[arg(long)]
        id: Option<String>,
    },
    /// Change an application; each list that is given replaces the one before.
    Update {
        /// Its id (client_id)
        id: String,
        /// Its name
        #[arg(long)]
        name: Option<String>,
        /// What it may do; may be repeated
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Where its log-in page may send people back to; may be repeated
        #[arg(long = "redirect-uri", value_name = "URI")]
        redirect_uris: Vec<String>,
        /// How people may log in through it; may be repeated
        #[arg(long = "grant", value_name = "GRANT", value_parser = GRANTS)]
        grants: Vec<String>,
    },
    /// List applications.
    List,
    /// Remove an application; its log-ins end.
    Remove {
        /// Its id (client_id)
        id: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lampfield audit --limit 20")]
pub(crate) struct AuditArgs {
    /// How many entries, newest first
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// What belongs to the whole house, such as keys for all accounts, instead of one account
    #[arg(long)]
    pub(crate) house: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Make a JWT credential; it is shown once.
    #[command(after_help = "Example:\n  lampfield credential jwt 101 --expires-in-days 365")]
    Jwt {
        /// Number, or id: and its id
        extension: ExtensionName,
        /// The only application that may present it
        #[arg(long, value_name = "ID")]
        app: Option<String>,
        /// When it ends; never when not given
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
    },
    /// Set a password, read from standard input.
    #[command(after_help = "Example:\n  lampfield credential password 101 < password.txt")]
    Password {
        /// Number, or id: and its id
        extension: ExtensionName,
    },
    /// List log-ins.
    List,
    /// Revoke a log-in.
    Revoke {
        /// Its id, as listed
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Add a key; it is shown once.
    #[command(after_help = "Example:\n  lampfield key add \"pbx in the cellar\" --role ingest")]
    Add {
        /// Its name
        name: String,
        /// What it may do: read, ingest (and read), admin (everything)
        #[arg(long, value_parser = ["read", "ingest", "admin"])]
        role: String,
        /// Only for the account given by --account
        #[arg(long)]
        only_account: bool,
    },
    /// List keys.
    List,
    /// Remove a key.
    Remove {
        /// Its id, as listed
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SubscriptionCommand {
    /// List subscriptions with the state of their receivers.
    #[command(after_help = "Example:\n  lampfield subscriptions list --state suspended")]
    List {
        /// Only those in this state
        #[arg(long, value_parser = ["well", "failing", "suspended"])]
        state: Option<String>,
        /// Only those told in this way
        #[arg(long, value_parser = ["webhook", "websocket"], ignore_case = true)]
        transport: Option<String>,
    },
    /// Show the last attempts, the lag and the last error of one.
    Health {
        /// Its id, as listed
        id: String,
    },
    /// Sign a webhook with a new secret; it is shown once. The old one signs on for a while.
    #[command(after_help = "Example:\n  lampfield subscriptions sign ID --overlap 48h")]
    Sign {
        /// Its id, as listed
        id: String,
        /// How long the old secret still signs, such as 48h; 0s ends it at once
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        overlap: Option<Duration>,
    },
    /// Sign a webhook no more.
    Unsign {
        /// Its id, as listed
        id: String,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "With --json every line is an event as RingCentral would send it.\n\nExample:\n  lampfield tail --detail detailed"
)]
pub(crate) struct TailArgs {
    /// How much of calls is shown
    #[arg(long, default_value = "plain", value_parser = ["plain", "detailed", "sip"])]
    pub(crate) detail: String,
    /// Begin with the next change instead of a picture of everybody
    #[arg(long)]
    pub(crate) no_snapshot: bool,
}

const SET_EXAMPLES: &str = "\
Examples:
  lampfield set 101 --status Busy --message \"Writing\" --for 30m
  lampfield set 101 --dnd DoNotAcceptAnyCalls
  lampfield set 101 --status Available --dnd TakeAllCalls --message \"\"";

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Number, or id: and its id
    pub(crate) extension: ExtensionName,
    /// What the person chooses
    #[arg(long, value_parser = ["Available", "Busy", "Offline"])]
    pub(crate) status: Option<String>,
    /// Do not disturb
    #[arg(long, value_parser = ["TakeAllCalls", "DoNotAcceptAnyCalls", "DoNotAcceptDepartmentCalls"])]
    pub(crate) dnd: Option<String>,
    /// Status message; an empty one removes it
    #[arg(long)]
    pub(crate) message: Option<String>,
    /// How long status and do-not-disturb hold, such as 30m; until changed when not given
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  lampfield why 101\n  lampfield why 101 --sequence 2698")]
pub(crate) struct WhyArgs {
    /// Number, or id: and its id
    pub(crate) extension: ExtensionName,
    /// As it was at this sequence
    #[arg(long)]
    pub(crate) sequence: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lampfield simulate --rate 50 --for 10m")]
pub(crate) struct SimulateArgs {
    /// The same seed gives the same play
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// About how many changes a second, over the whole account [default: human pace]
    #[arg(long, value_name = "CHANGES")]
    pub(crate) rate: Option<f64>,
    /// How long; until interrupted when not given
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) lasting: Option<Duration>,
    /// As which source it reports
    #[arg(long, default_value = "simulation")]
    pub(crate) source: String,
    /// Numbers of people to leave alone; may be repeated
    #[arg(long = "leave-alone", value_name = "NUMBER")]
    pub(crate) left_alone: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  lampfield listen --listen 127.0.0.1:9000 --verification-token s3cret"
)]
pub(crate) struct ListenArgs {
    /// Address and port to receive on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9000")]
    pub(crate) listen: SocketAddr,
    /// The Verification-Token that every delivery must carry
    #[arg(long, value_name = "TOKEN")]
    pub(crate) verification_token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say what is wrong with the configuration.
    Check,
    /// Print the configuration that holds.
    Print {
        /// Every key with its default, commented
        #[arg(long)]
        default: bool,
        /// The reference page in Markdown
        #[arg(long, conflicts_with = "default", hide = true)]
        reference: bool,
    },
}

/// An extension as people name it: its number, or `id:` and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExtensionName(String);

impl ExtensionName {
    /// Returns it as it stands in a path of the own API.
    pub(crate) fn segment(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ExtensionName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"*#+-_".contains(&b))
        };
        match text.strip_prefix("id:") {
            Some(id) if plain(id) => Ok(Self(id.to_owned())),
            None if plain(text) => Ok(Self(format!("n:{}", text.replace('#', "%23")))),
            _ => Err("write a number such as 101, or id: and an id".to_owned()),
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::read(text)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write key=value, such as listen=127.0.0.1:0")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_extension_is_named_by_number_or_by_id() {
        let segment =
            |text: &str| text.parse::<ExtensionName>().map(|name| name.segment().to_owned());
        assert_eq!(segment("101"), Ok("n:101".to_owned()));
        assert_eq!(segment("id:6610372004"), Ok("6610372004".to_owned()));
        for wrong in ["", "id:", "10/1", "a b", "id:../x", "101?x"] {
            assert!(segment(wrong).is_err(), "{wrong:?}");
        }
    }
}
