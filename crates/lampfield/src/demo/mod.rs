//! `lampfield demo`: a whole office, without configuration and network.

mod furnish;
mod players;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use lampfield_api::RateConfig;
use lampfield_core::Clock;
use tokio::sync::watch;

use crate::assembly::{House, Store};
use crate::cli::{Common, DemoArgs, Switch};
use crate::clock::SystemClock;
use crate::config::{ConfigError, Settings, Sources};
use crate::screen::{Colour, Screen};
use crate::serve::{listen_on, open_store, run};
use crate::telemetry::{self, LogLevel};
use crate::{exit, secret};

use furnish::Access;

/// Runs the demo until it is interrupted.
pub(crate) async fn demo(
    args: DemoArgs,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let settings = settings_of(&args, common)?;
    telemetry::start(settings.log_format, settings.log_level);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let listener = listen_on(settings.listen).await?;
    let (store, fatal, key) = match &common.data {
        Some(data) => {
            let (store, fatal) = open_store(&settings, &clock)?;
            (store, fatal, secret::key_of(data)?)
        }
        None => (Store::in_memory(), watch::channel(None).1, secret::fresh_key()?),
    };
    let house = House::start(&settings, &store, &key, clock)?;
    let (office, access) = furnish::furnish(&house, args.seed, common.data.as_deref()).await?;
    let players = match args.calls {
        Switch::On => Some(players::start(&house, &office, args.seed).await?),
        Switch::Off => {
            players::clear(&house, &office).await?;
            None
        }
    };
    let url = format!("http://{}", listener.local_addr()?);
    let ready = ready_file(args.env_file.as_deref(), &url, &access);
    // Nobody may be there to read it: the demo goes on all the same.
    let _ = greet(screen, &url, &args, &access);
    run(house, &settings, listener, fatal, ready, || {
        if let Some(players) = players {
            players.abort();
        }
    })
    .await
}

/// A demo has no limits of requests, delivers webhooks to this machine, and shows its figures; `--set`
/// changes even that.
fn settings_of(args: &DemoArgs, common: &Common) -> Result<Settings, ConfigError> {
    let mut settings = Settings {
        listen: args.listen,
        metrics_public: true,
        log_level: LogLevel::Warn,
        ..Settings::default()
    };
    settings.api.rates = RateConfig::off();
    settings.api.login_failures_max = 0;
    settings.delivery.webhook.allow_http = true;
    settings.delivery.webhook.allow_private =
        vec![(IpAddr::from([127, 0, 0, 0]), 8), (IpAddr::from(std::net::Ipv6Addr::LOCALHOST), 128)];
    let mut settings = Sources::only_flags(&common.set, settings)?;
    if let Some(data) = &common.data {
        settings.data.clone_from(data);
    }
    Ok(settings)
}

/// Returns what writes the environment file once the server answers.
fn ready_file<'a>(
    file: Option<&'a Path>,
    url: &'a str,
    access: &'a Access,
) -> impl FnOnce() -> anyhow::Result<()> + 'a {
    move || {
        let Some(file) = file else { return Ok(()) };
        secret::write_private(file, environment(url, access).as_bytes()).map_err(|error| {
            let message = format!("{} cannot be written: {error}", file.display());
            exit::Failure::new(exit::Code::Io, message).into()
        })
    }
}

/// Returns the lines that other programs are configured with.
fn environment(url: &str, access: &Access) -> String {
    let lines = [
        ("RC_SERVER_URL", url),
        ("RC_CLIENT_ID", &access.client_id),
        ("RC_CLIENT_SECRET", &access.client_secret),
        ("RC_JWT", &access.jwt),
        ("LAMPFIELD_USERNAME", &access.username),
        ("LAMPFIELD_EXTENSION", &access.extension),
        ("LAMPFIELD_PASSWORD", &access.password),
        ("LAMPFIELD_OTHER_JWT", &access.other_jwt),
        ("LAMPFIELD_STRANGER_JWT", &access.stranger_jwt),
        ("LAMPFIELD_ADMIN_TOKEN", &access.admin_key),
        ("LAMPFIELD_ACCOUNT_ID", &access.account_id),
        ("LAMPFIELD_SERVER", url),
        ("LAMPFIELD_KEY", &access.admin_key),
    ];
    let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.join("\n") + "\n"
}

fn greet(screen: &mut Screen, url: &str, args: &DemoArgs, access: &Access) -> anyhow::Result<()> {
    let calls = match args.calls {
        Switch::On => "people call, hold, park and meet",
        Switch::Off => "nobody does anything by themselves",
    };
    let title = format!("The demo office is open at {url}");
    screen.say(&screen.painted(Colour::Bold, &title))?;
    screen.say(&format!(
        "  seed {}: 40 people (101-140), queues 600 and 601, park slots 701-703; {calls}\n\
         \n\
         \x20 account      {}, main number {}\n\
         \x20 you          extension {} ({}), password {}\n\
         \x20 client id    {}\n\
         \x20 secret       {}\n\
         \x20 JWT          {}\n\
         \x20 admin key    {}\n\
         \n\
         Watch it in a browser:\n\
         \x20 {url}/#token={}&account={}\n\
         \n\
         Try in another terminal:\n\
         \x20 export LAMPFIELD_SERVER={url} LAMPFIELD_KEY={} LAMPFIELD_ACCOUNT_ID={}\n\
         \x20 lampfield tail\n\
         \x20 lampfield set {} --status Busy --message \"Trying Lampfield\" --for 10m\n\
         \x20 lampfield why {}",
        args.seed,
        access.account_id,
        access.username,
        access.extension,
        access.name,
        access.password,
        access.client_id,
        access.client_secret,
        access.jwt,
        access.admin_key,
        access.admin_key,
        access.account_id,
        access.admin_key,
        access.account_id,
        access.extension,
        access.extension,
    ))?;
    if let Some(file) = &args.env_file {
        screen.say(&format!("\nFor other programs: set -a; . {}; set +a", file.display()))?;
    }
    Ok(screen.say("\nStop it with Ctrl-C.")?)
}
