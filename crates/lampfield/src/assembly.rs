//! The house, assembled: the only place that knows every part. It decides nothing.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use lampfield_api::{ApiState, RestGateway, Secrets};
use lampfield_core::directory::{ApiKey, Role};
use lampfield_core::{AccountId, Clock, Timestamp};
use lampfield_delivery::{Delivery, DeliveryConfig};
use lampfield_engine::{Engine, Intake};
use lampfield_journal::embedded::{EmbeddedConfig, EmbeddedStore, OpenError};
use lampfield_journal::{
    AuditPage, BoxFuture, Contents, DirectoryChange, DirectoryStore, Journal, MemoryJournal,
    OnCommit, Registry, StoreError,
};
use uuid::Uuid;

use crate::cli::Common;
use crate::clock::SystemClock;
use crate::commands::code_of_open;
use crate::config::Settings;
use crate::exit::{Code, Failure};
use crate::secret::{self, ServerKey};
use crate::telemetry;

/// Name of the key with which a command enters a house that was opened for it alone.
pub(crate) const GUEST_KEY_NAME: &str = "(this command)";

/// Where everything is kept.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) directory: Arc<dyn DirectoryStore>,
    embedded: Option<Arc<EmbeddedStore>>,
}

impl Store {
    /// Returns a store that is forgotten when the process ends.
    pub(crate) fn in_memory() -> Self {
        let memory = Arc::new(MemoryJournal::new());
        Self { journal: Arc::clone(&memory) as _, directory: memory, embedded: None }
    }

    /// Opens a data directory; makes it when it does not exist.
    ///
    /// # Errors
    /// [`Failure`] that says what to do.
    pub(crate) fn open(dir: &Path, config: EmbeddedConfig) -> anyhow::Result<Self> {
        let store = EmbeddedStore::open(dir, config)
            .map_err(|error| Failure::new(code_of_open(&error), error.to_string()))?;
        Ok(Self::of(store))
    }
}

impl Store {
    fn of(store: Arc<EmbeddedStore>) -> Self {
        Self {
            journal: Arc::clone(&store) as _,
            directory: Arc::clone(&store) as _,
            embedded: Some(store),
        }
    }
}

/// The whole house, running on the present tokio runtime.
pub(crate) struct House {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) intake: Intake,
    pub(crate) engine: Engine,
    pub(crate) delivery: Delivery,
    pub(crate) api: ApiState,
    router: Router,
    embedded: Option<Arc<EmbeddedStore>>,
}

impl House {
    /// Puts the house together and starts it.
    ///
    /// # Errors
    /// When the store cannot be read or delivery cannot be started.
    pub(crate) fn start(
        settings: &Settings,
        store: &Store,
        key: &ServerKey,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let registry = Arc::new(Registry::open(Arc::clone(&store.directory)).map_err(|error| {
            Failure::new(Code::Io, format!("the directory of the store cannot be read: {error}"))
        })?);
        let journal = Arc::clone(&store.journal);
        telemetry::follow(journal.as_ref());
        // A second copy of what is derived from the server's key: it opens signing secrets.
        let vault = Arc::new(Secrets::new(key));
        let delivery = Delivery::start(
            DeliveryConfig { vault, ..settings.delivery.clone() },
            Arc::clone(&journal),
            Arc::clone(&registry),
            Arc::clone(&clock),
        )?;
        let (engine, intake) = Engine::start(
            settings.engine.clone(),
            Arc::clone(&journal),
            Arc::clone(&registry),
            Arc::clone(&clock),
        );
        let mut config = settings.api.clone();
        config.policy = settings.engine.policy;
        config.administrators_see_all = settings.delivery.administrators_see_all;
        let api = ApiState::new(
            journal,
            Arc::clone(&registry),
            intake.clone(),
            delivery.clone(),
            Arc::clone(&clock),
            config,
            Secrets::new(key),
        );
        delivery.set_gateway(Arc::new(RestGateway::new(api.clone())));
        let router = lampfield_api::router(api.clone());
        Ok(Self {
            clock,
            registry,
            intake,
            engine,
            delivery,
            api,
            router,
            embedded: store.embedded.clone(),
        })
    }

    /// Opens the data directory for one command: no network, no deliveries. Returns the house and
    /// the key with which the command enters.
    ///
    /// # Errors
    /// [`Failure`] that says what to do, above all when a running server has the directory.
    pub(crate) fn for_one_command(common: &Common) -> anyhow::Result<(Self, String)> {
        let settings = common.load()?.settings;
        let dir = &settings.data;
        if !dir.exists() {
            let message = format!(
                "there is no data directory {}; `lampfield init` makes one, --data names another, \
                 and --server URL --key KEY reaches a running server",
                dir.display()
            );
            return Err(Failure::new(Code::Failed, message).into());
        }
        let mut store = open_alone(dir, settings.store.clone())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let (key, guest) = guest_key(clock.now())?;
        store.directory = Arc::new(WithGuest { inner: store.directory, guest });
        let server_key = secret::key_of(dir)?;
        Ok((Self::start(&settings, &store, &server_key, clock)?, key))
    }

    /// Returns every path of the house.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// Returns the embedded store, if that is where everything is kept.
    pub(crate) const fn embedded(&self) -> Option<&Arc<EmbeddedStore>> {
        self.embedded.as_ref()
    }

    /// Stops: what was begun is finished, cursors are saved, sockets are closed and can come back.
    pub(crate) async fn stop(self) {
        self.delivery.stop().await;
        self.engine.stop().await;
        if let Some(store) = self.embedded {
            // Copies the log into the data file. When that breaks down, the log is read at the next
            // start: nothing is lost.
            let _ = tokio::task::spawn_blocking(move || store.close()).await;
        }
    }
}

/// Opens a data directory that no running server may have.
fn open_alone(dir: &Path, config: EmbeddedConfig) -> anyhow::Result<Store> {
    match EmbeddedStore::open(dir, config) {
        Err(OpenError::InUse { .. }) => {
            let message = "the data directory is in use by a running server; \
                           add --server URL --key KEY";
            Err(Failure::new(Code::Failed, message).into())
        }
        Err(error) => Err(Failure::new(code_of_open(&error), error.to_string()).into()),
        Ok(store) => Ok(Store::of(store)),
    }
}

/// Makes an administrator's key that is never stored.
fn guest_key(now: Timestamp) -> anyhow::Result<(String, ApiKey)> {
    let (text, hash) = Secrets::new(&secret::fresh_key()?).random_secret()?;
    let key = ApiKey {
        id: Uuid::nil(),
        name: GUEST_KEY_NAME.into(),
        hash,
        account: None,
        role: Role::Admin,
        created_at: now,
    };
    Ok((text, key))
}

/// A directory that shows one more key than is stored, and no subscriptions: a command that
/// administers must not begin to deliver.
#[derive(Debug)]
struct WithGuest {
    inner: Arc<dyn DirectoryStore>,
    guest: ApiKey,
}

impl DirectoryStore for WithGuest {
    fn load(&self) -> Result<Contents, StoreError> {
        let mut contents = self.inner.load()?;
        contents.keys.push(self.guest.clone());
        contents.subscriptions.clear();
        contents.cursors.clear();
        Ok(contents)
    }

    fn apply(
        &self,
        changes: Vec<DirectoryChange>,
        on_commit: OnCommit,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        self.inner.apply(changes, on_commit)
    }

    fn audit(
        &self,
        account: Option<AccountId>,
        skip: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<AuditPage, StoreError>> {
        self.inner.audit(account, skip, limit)
    }
}
