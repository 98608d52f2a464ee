//! What every handler has at hand.

use std::ops::Deref;
use std::sync::Arc;

use lampfield_core::{Clock, Timestamp};
use lampfield_delivery::Delivery;
use lampfield_engine::Intake;
use lampfield_journal::{Journal, Registry};
use parking_lot::Mutex;

use crate::auth::{LoginGuard, PasswordError, Passwords, Secrets};
use crate::config::ApiConfig;
use crate::oauth::Spent;
use crate::rate::Rates;

/// The rest of the house, as the REST half sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ApiState(Arc<Parts>);

/// What [`ApiState`] shares; reached through it.
#[derive(Debug)]
pub struct Parts {
    /// Committed changes; reads of presence.
    pub journal: Arc<dyn Journal>,
    /// Accounts, extensions, applications, log-ins, subscriptions.
    pub registry: Arc<Registry>,
    /// Changes of presence.
    pub intake: Intake,
    /// Sockets, webhooks, streams.
    pub delivery: Delivery,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Every bound.
    pub config: ApiConfig,
    /// The server's key.
    pub secrets: Secrets,
    pub(crate) rates: Rates,
    pub(crate) logins: LoginGuard,
    pub(crate) passwords: Passwords,
    /// Sessions that ended while their code could still be used.
    pub(crate) spent: Mutex<Spent>,
    /// When sessions that are over were last looked for.
    pub(crate) swept_at: Mutex<Timestamp>,
}

impl ApiState {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        journal: Arc<dyn Journal>,
        registry: Arc<Registry>,
        intake: Intake,
        delivery: Delivery,
        clock: Arc<dyn Clock>,
        config: ApiConfig,
        secrets: Secrets,
    ) -> Self {
        Self(Arc::new(Parts {
            rates: Rates::new(config.rates.clone()),
            logins: LoginGuard::new(config.login_failures_max),
            passwords: Passwords::new(config.password_checks_max),
            spent: Mutex::default(),
            swept_at: Mutex::default(),
            journal,
            registry,
            intake,
            delivery,
            clock,
            config,
            secrets,
        }))
    }

    /// Returns the present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Hashes a person's password for keeping in
    /// [`Proof::Password`](lampfield_core::directory::Proof::Password).
    ///
    /// # Errors
    /// [`PasswordError`] for one that is empty or too long.
    pub async fn hash_password(&self, password: &str) -> Result<Box<str>, PasswordError> {
        self.passwords.hash(password).await
    }
}

impl Deref for ApiState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
