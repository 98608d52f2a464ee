//! Running a server: listening, signals, stopping in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lampfield_core::Clock;
use lampfield_journal::embedded::OnFatal;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::assembly::{House, Store};
use crate::cli::{Common, ServeArgs};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::exit::{Code, Failure};
use crate::figures::{LagFigures, StoreFigures};
use crate::page::Pages;
use crate::screen::Screen;
use crate::{secret, telemetry};

/// Tells the running server that the store has stopped, and why.
pub(crate) type Fatal = watch::Receiver<Option<String>>;

/// `lampfield serve`.
pub(crate) async fn serve(
    args: ServeArgs,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let ServeArgs { listen, public_url, log_format, log_level } = args;
    let loaded = common.load_with(&[
        ("--listen", "listen", listen),
        ("--public-url", "public_url", public_url),
        ("--log-format", "log.format", log_format),
        ("--log-level", "log.level", log_level),
    ])?;
    let settings = loaded.settings;
    telemetry::start(settings.log_format, settings.log_level);
    for warning in &loaded.warnings {
        tracing::warn!("{}: {}", warning.place, warning.what);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let listener = listen_on(settings.listen).await?;
    let (store, fatal) = open_store(&settings, &clock)?;
    let key = secret::key_of(&settings.data)?;
    let house = House::start(&settings, &store, &key, clock)?;
    let address = listener.local_addr()?;
    let file = loaded.file.map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    tracing::info!(
        listen = %address, data = %settings.data.display(), config = %file,
        accounts = house.registry.accounts().len(), "the server is ready"
    );
    if house.registry.keys().is_empty() {
        tracing::warn!(
            "there is no API key yet: stop the server and run `lampfield key add NAME --role admin`"
        );
    }
    // Nobody may be there to read it: the server serves all the same.
    let _ = screen.say(&format!("Lampfield serves http://{address}"));
    run(house, &settings, listener, fatal, || Ok(()), || {}).await
}

/// Opens the data directory of `settings`; the receiver tells when the store has to stop.
pub(crate) fn open_store(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Store, Fatal)> {
    let (tell, fatal) = watch::channel(None);
    let on_fatal: OnFatal = Arc::new(move |why| {
        tell.send_replace(Some(why.to_owned()));
    });
    let mut config = settings.store.clone();
    config.clock = Some(Arc::clone(clock));
    config.on_fatal = Some(on_fatal);
    Ok((Store::open(&settings.data, config)?, fatal))
}

/// Takes the address.
///
/// # Errors
/// [`Failure`] when it is taken by somebody else or does not exist.
pub(crate) async fn listen_on(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let message =
            format!("cannot listen on {address}: {error}; --listen names another address");
        Failure::new(Code::Io, message).into()
    })
}

/// Serves until a signal or a fatal error of the store; then stops in order.
///
/// # Errors
/// [`Failure`] with [`Code::Io`] when the store had to stop.
pub(crate) async fn run(
    house: House,
    settings: &Settings,
    listener: TcpListener,
    mut fatal: Fatal,
    on_ready: impl FnOnce() -> anyhow::Result<()>,
    on_stop: impl FnOnce(),
) -> anyhow::Result<()> {
    let stopping = Arc::new(AtomicBool::new(false));
    let pages = Pages {
        registry: Arc::clone(&house.registry),
        intake: house.intake.clone(),
        figures: Arc::new(figures(&house)),
        figures_public: settings.metrics_public,
        stopping: Arc::clone(&stopping),
    };
    let router = pages.beside(house.router());
    let (stop, mut stopped) = watch::channel(());
    let server =
        tokio::spawn(lampfield_api::serve(listener, router, settings.server.clone(), async move {
            // An error means that the sender is gone, which is as good as a signal.
            let _ = stopped.changed().await;
        }));
    on_ready()?;
    let reason = tokio::select! {
        name = terminated() => Ok(name?),
        why = told(&mut fatal) => Err(why),
    };
    stopping.store(true, Ordering::Relaxed);
    match &reason {
        Ok(signal) => tracing::info!(signal, "stopping"),
        Err(why) => tracing::error!(%why, "the store has stopped; the server must too"),
    }
    on_stop();
    let ended = tokio::time::timeout(settings.stop_within, async {
        stop.send_replace(());
        // Sockets and streams end first, or connections would wait for them.
        house.stop().await;
        let _ = server.await;
    });
    if ended.await.is_err() {
        tracing::warn!(
            within_ms = settings.stop_within.as_millis(),
            "not everything ended in time; stopping all the same"
        );
    }
    reason
        .map(|_| ())
        .map_err(|why| Failure::new(Code::Io, format!("the store has stopped: {why}")).into())
}

async fn terminated() -> std::io::Result<&'static str> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// Waits until the store has to stop; for ever when nobody can tell.
async fn told(fatal: &mut Fatal) -> String {
    match fatal.wait_for(Option::is_some).await {
        Ok(why) => why.clone().unwrap_or_default(),
        Err(_) => std::future::pending().await,
    }
}

/// Collects the figures of all parts.
fn figures(house: &House) -> prometheus_client::registry::Registry {
    let mut figures = prometheus_client::registry::Registry::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    figures.register(
        "lampfield_build",
        "The version that runs",
        prometheus_client::metrics::info::Info::new(version),
    );
    house.engine.metrics().register(&mut figures);
    house.delivery.register(&mut figures);
    if let Some(store) = house.embedded() {
        figures.register_collector(Box::new(StoreFigures(Arc::clone(store))));
    }
    figures.register_collector(Box::new(LagFigures(house.delivery.clone())));
    figures
}
