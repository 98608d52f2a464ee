//! Webhooks: one HTTP request per event, a cursor per subscription (contract section 7).
//!
//! At least once, in order per extension, a repeat with the same uuid. A receiver that was away gets
//! everything it missed; where that is no longer kept, the newest event of each extension.
//!
//! [`guard`](Guard) says which addresses may be dialled, `connector` and `client` carry one request,
//! `handshake` asks a new receiver; `worker` serves one subscription, with the pure `window` of what
//! is under way; `cursors` saves how far all of them are.

mod attempt;
mod client;
mod connector;
mod cursors;
mod eyes;
mod guard;
mod handshake;
mod health;
mod reminding;
mod shared;
mod signature;
mod standing;
#[cfg(test)]
mod tests;
mod window;
mod worker;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use foldhash::fast::RandomState;
use futures_util::FutureExt;
use lampfield_core::subscription::SubscriptionStatus;
use lampfield_core::{AccountId, Position, SubscriptionId};
use lampfield_journal::RegistryError;
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::alerts::Alert;
use crate::house::House;
use crate::webhook::client::Client;
use crate::webhook::cursors::Cursors;
use crate::webhook::health::Ledger;
use crate::webhook::shared::{Hosts, Shared};
use crate::webhook::worker::Worker;

pub use guard::{Guard, Range, Refused, Scheme, range_of};
pub use handshake::{HandshakeError, parse_address};
pub use health::{WebhookAttempt, WebhookHealth};

/// The wait before a worker that failed by a fault of ours starts again.
const RESTART_WAIT: Duration = Duration::from_secs(1);

/// The webhooks of the house. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    shared: Arc<Shared>,
    crew: Arc<Mutex<Crew>>,
}

/// Who is at work.
#[derive(Default)]
struct Crew {
    tasks: JoinSet<()>,
    members: HashMap<SubscriptionId, Member, RandomState>,
}

struct Member {
    account: AccountId,
    bell: Arc<Notify>,
    ledger: Arc<Mutex<Ledger>>,
}

/// Why a subscription was not taken up again.
#[derive(Debug, thiserror::Error)]
pub enum ReactivateError {
    /// There is no such webhook subscription.
    #[error("subscription {0} is no webhook of this server")]
    Unknown(SubscriptionId),
    /// Its receiver does not want to be one, or does not answer.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] RegistryError),
}

impl Webhooks {
    /// Takes up every webhook subscription of the registry where its cursor stands.
    ///
    /// # Errors
    /// When the configuration makes no client.
    pub fn start(house: Arc<House>) -> io::Result<Self> {
        let client = Client::new(&house.config.webhook)?;
        Ok(Self::start_with(house, client))
    }

    fn start_with(house: Arc<House>, client: Client) -> Self {
        let shared = Arc::new(Shared {
            client,
            cursors: Cursors::default(),
            hosts: Hosts::new(house.config.webhook.per_host_max),
            stop: CancellationToken::new(),
            chance: SystemRandom::new(),
            house,
        });
        let webhooks = Self { shared: Arc::clone(&shared), crew: Arc::default() };
        let keeper = Arc::clone(&shared);
        webhooks.crew.lock().tasks.spawn(async move {
            keeper.cursors.keep(&keeper.house.registry, &keeper.stop).await;
        });
        for subscription in shared.house.registry.subscriptions() {
            webhooks.subscription_changed(subscription.id);
        }
        webhooks
    }

    /// Asks a receiver whether it wants to be one (contract 7.1). To be called before its
    /// subscription is stored; it takes as long as the receiver takes, at most the timeout.
    ///
    /// # Errors
    /// [`HandshakeError`], with its code.
    pub async fn validate(&self, address: &str) -> Result<(), HandshakeError> {
        handshake::shake_hands(&self.shared.client, address).await
    }

    /// Takes note that a subscription was made, changed, renewed or removed in the registry. Of one
    /// that was removed nothing is sent any more but what is on the wire already.
    pub fn subscription_changed(&self, id: SubscriptionId) {
        let found = self.shared.house.registry.subscription(id);
        let mut crew = self.crew.lock();
        while crew.tasks.try_join_next().is_some() {}
        if let Some(member) = crew.members.get(&id) {
            member.bell.notify_one();
            return;
        }
        let Some(subscription) = found.filter(|found| !found.is_socket()) else { return };
        if self.shared.stop.is_cancelled() {
            return;
        }
        let ledger = Arc::new(Mutex::new(Ledger::new(subscription.from)));
        let account = subscription.account;
        let member = Member { account, bell: Arc::new(Notify::new()), ledger };
        let worker = Worker {
            shared: Arc::clone(&self.shared),
            id,
            bell: Arc::clone(&member.bell),
            ledger: Arc::clone(&member.ledger),
        };
        crew.members.insert(id, member);
        let roll = Arc::downgrade(&self.crew);
        crew.tasks.spawn(supervise(worker, roll));
    }

    /// Serves a blacklisted subscription again, from its cursor, if its receiver answers the
    /// handshake. Does nothing for one that is active. For renewals and updates (contract 7.5).
    ///
    /// # Errors
    /// [`ReactivateError`]; the subscription stays blacklisted then.
    pub async fn reactivate(&self, id: SubscriptionId) -> Result<(), ReactivateError> {
        let registry = &self.shared.house.registry;
        let found = registry.subscription(id).ok_or(ReactivateError::Unknown(id))?;
        let address = attempt::address_of(&found).ok_or(ReactivateError::Unknown(id))?;
        if found.status == SubscriptionStatus::Active {
            return Ok(());
        }
        self.validate(address).await?;
        standing::activate(&self.shared.house, id).await?;
        self.subscription_changed(id);
        Ok(())
    }

    /// Returns how the receiver of a subscription is doing; none for what is no webhook at work.
    #[must_use]
    pub fn health(&self, id: SubscriptionId) -> Option<WebhookHealth> {
        let crew = self.crew.lock();
        let member = crew.members.get(&id)?;
        let (account, ledger) = (member.account, Arc::clone(&member.ledger));
        drop(crew);
        let report = ledger.lock().report(self.head(account));
        Some(report)
    }

    /// Returns how a subscription's receiver is doing as operators were told, if it is or was in
    /// trouble.
    #[must_use]
    pub fn alert(&self, id: SubscriptionId) -> Option<Alert> {
        self.shared.house.alerts.of(id)
    }

    /// Returns how many webhooks are at work.
    pub(crate) fn count(&self) -> usize {
        self.crew.lock().members.len()
    }

    /// Returns how many records of its account each subscription has not settled yet, by id.
    #[must_use]
    pub fn lags(&self) -> Vec<(SubscriptionId, u64)> {
        let crew = self.crew.lock();
        let members = crew.members.iter();
        let ledgers: Vec<_> =
            members.map(|(id, one)| (*id, one.account, Arc::clone(&one.ledger))).collect();
        drop(crew);
        let lag = |(id, account, ledger): (_, _, Arc<Mutex<Ledger>>)| {
            (id, ledger.lock().lag(self.head(account)))
        };
        let mut lags: Vec<_> = ledgers.into_iter().map(lag).collect();
        lags.sort_unstable();
        lags
    }

    fn head(&self, account: AccountId) -> Position {
        self.shared.house.journal.head(account).position
    }

    /// Stops: nothing new is sent, what is under way comes to its end within the timeout, cursors
    /// are saved.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        let mut tasks = std::mem::take(&mut self.crew.lock().tasks);
        while tasks.join_next().await.is_some() {}
        self.shared.cursors.save(&self.shared.house.registry).await;
    }
}

/// Keeps a worker at work: a fault of ours in it concerns no other subscription, and it starts again
/// from its cursor.
async fn supervise(worker: Worker, roll: Weak<Mutex<Crew>>) {
    loop {
        while AssertUnwindSafe(worker.run()).catch_unwind().await.is_err() {
            tracing::error!(subscription.id = %worker.id, "webhook worker failed; it starts again");
            tokio::time::sleep(RESTART_WAIT).await;
        }
        let Some(crew) = roll.upgrade() else { return };
        let mut crew = crew.lock();
        let registry = &worker.shared.house.registry;
        // Made again with the same id, between the worker's last look and this one.
        let is_back = registry.subscription(worker.id).is_some_and(|found| !found.is_socket());
        if !is_back || worker.shared.stop.is_cancelled() {
            crew.members.remove(&worker.id);
            return;
        }
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_work = self.crew.lock().members.len();
        f.debug_struct("Webhooks").field("at_work", &at_work).finish_non_exhaustive()
    }
}
