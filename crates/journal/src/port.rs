//! What the house needs from a store.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::audit::AuditEntry;
use lampfield_core::directory::{Account, ApiKey, App, Credential, Extension, Session};
use lampfield_core::subscription::Subscription;
use lampfield_core::{
    AccountId, AppId, Document, Epoch, ExtensionKey, Position, PresenceEvent, Sequence, SessionId,
    SubscriptionId,
};
use uuid::Uuid;

use crate::newest::Newest;

/// A future on the heap: ports are trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A committed change at its place in the account's log: state, event and outbox in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the account's log: the n-th record of the account, counted from 1.
    pub offset: u64,
    /// The change.
    pub event: PresenceEvent,
}

/// The end of an account's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Place of the newest record.
    pub position: Position,
    /// Its sequence; 0 when nothing has changed yet.
    pub sequence: Sequence,
}

/// One thing to commit.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A change. Its offset must follow the account's head, its sequence must grow.
    Change(Arc<Record>),
    /// Leases of a presentity without a visible change: the newest document is replaced, no
    /// record is added, nobody is told.
    Renewal {
        /// Whose.
        key: ExtensionKey,
        /// The document with the new leases.
        document: Document,
    },
}

/// What a reader gets.
#[derive(Debug, Clone)]
pub enum Page {
    /// Records after the reader's place, in order; empty at the end.
    Records(Vec<Arc<Record>>),
    /// The reader's place was trimmed, or belongs to another epoch: only a fresh picture helps.
    Unrecoverable {
        /// Where the log stands.
        head: Position,
    },
}

/// Why a commit did not happen. Nothing of the batch is stored; only of a store that has stopped
/// it is not known before it is opened again.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else wrote to the account: the batch's offsets do not follow the head.
    #[error("the log of account {account} stands at {head}, which the batch does not follow")]
    Conflict {
        /// The account.
        account: AccountId,
        /// Where it stands.
        head: Position,
    },
    /// There is no room; try again later.
    #[error("there is no room to store the change: {0}")]
    Full(String),
    /// The store has stopped: what it says can no longer be trusted to be durable.
    #[error("the store has stopped: {0}")]
    Stopped(String),
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A stored record is damaged; it is never served.
    #[error("record {offset} of account {account} is damaged: {what}")]
    Damaged {
        /// The account.
        account: AccountId,
        /// The record.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The store cannot be read.
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
}

/// Is told of every committed batch, after it is durable and adopted by [`Newest`].
///
/// Called on the writer's thread, in commit order: it must hand over and return at once.
pub trait CommitWatcher: Send + Sync {
    /// Takes the records of one committed batch, in order.
    fn committed(&self, records: &[Arc<Record>]);
}

/// The log of committed changes.
///
/// Order: records of an account are committed and read in the order of their offsets, without a
/// gap. Atomicity: a batch is stored whole or not at all. Durability: [`Journal::commit`] resolves
/// when the batch survives a power cut. Visibility: [`Journal::newest`] and watchers show a record
/// only after that.
pub trait Journal: Send + Sync + fmt::Debug {
    /// Returns the present generation.
    fn epoch(&self) -> Epoch;

    /// Returns the end of an account's log; offset 0 for an account that never changed.
    fn head(&self, account: AccountId) -> Head;

    /// Stores a batch durably. Batches are stored in the order of the calls; several may share one
    /// durable write.
    ///
    /// # Errors
    /// [`CommitError`]; nothing of the batch is stored then.
    fn commit(&self, batch: Vec<Entry>) -> BoxFuture<'static, Result<(), CommitError>>;

    /// Reads at most `limit` records of `account` after a place.
    ///
    /// # Errors
    /// [`ReadError`]; a trimmed place is not an error but [`Page::Unrecoverable`].
    fn read(
        &self,
        account: AccountId,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'static, Result<Page, ReadError>>;

    /// Returns the newest record of `key` whose sequence is not after `sequence`, if it is still
    /// kept.
    ///
    /// # Errors
    /// [`ReadError`].
    fn as_of(
        &self,
        key: ExtensionKey,
        sequence: Sequence,
    ) -> BoxFuture<'static, Result<Option<Arc<Record>>, ReadError>>;

    /// Returns the newest committed documents.
    fn newest(&self) -> &Newest;

    /// Adds a watcher; it is told of every batch committed from now on.
    fn watch(&self, watcher: Arc<dyn CommitWatcher>);
}

/// One durable change of the directory.
#[derive(Debug, Clone)]
pub enum DirectoryChange {
    /// Makes or replaces an account.
    PutAccount(Account),
    /// Makes or replaces an extension.
    PutExtension(Extension),
    /// Removes an extension, its credentials and its newest document.
    RemoveExtension(ExtensionKey),
    /// Makes or replaces an application.
    PutApp(App),
    /// Removes an application.
    RemoveApp(AppId),
    /// Makes or replaces a credential.
    PutCredential(Credential),
    /// Removes a credential.
    RemoveCredential(Uuid),
    /// Makes or replaces a session.
    PutSession(Session),
    /// Ends a session.
    RemoveSession(SessionId),
    /// Makes or replaces an API key.
    PutKey(ApiKey),
    /// Removes an API key.
    RemoveKey(Uuid),
    /// Makes or replaces a subscription.
    PutSubscription(Subscription),
    /// Removes a subscription and its cursor.
    RemoveSubscription(SubscriptionId),
    /// Moves a subscription's cursor, if the subscription is there. Need not be durable at once:
    /// losing it repeats deliveries.
    PutCursor(SubscriptionId, Position),
    /// Adds an entry to the audit trail, together with the changes of which it tells.
    Audit(Box<AuditEntry>),
    /// Keeps a small value of the house itself, such as a counter's reserve.
    PutHouse(&'static str, Vec<u8>),
}

/// Everything in the directory.
#[derive(Debug, Default)]
pub struct Contents {
    /// Accounts.
    pub accounts: Vec<Account>,
    /// Extensions.
    pub extensions: Vec<Extension>,
    /// Applications.
    pub apps: Vec<App>,
    /// Credentials.
    pub credentials: Vec<Credential>,
    /// Sessions.
    pub sessions: Vec<Session>,
    /// API keys.
    pub keys: Vec<ApiKey>,
    /// Subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Cursors.
    pub cursors: Vec<(SubscriptionId, Position)>,
    /// Values of the house.
    pub house: Vec<(String, Vec<u8>)>,
}

/// An entry of the audit trail at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number: the n-th entry of its account, or of the whole house, counted from 1.
    pub number: u64,
    /// The entry.
    pub entry: AuditEntry,
}

/// Some of an audit trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// Entries, newest first.
    pub records: Vec<AuditRecord>,
    /// How many are kept of this trail.
    pub total: u64,
}

/// How much is kept of the audit trail. The newest entry of each trail stays whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditRetention {
    /// Entries older than this go; none: age does not matter.
    pub age_max: Option<Duration>,
    /// At most this many entries of each account, and of the whole house, stay.
    pub entries_max: u64,
}

impl Default for AuditRetention {
    /// Four hundred days, at most a hundred thousand entries of each account.
    fn default() -> Self {
        Self { age_max: Some(Duration::from_secs(400 * 86_400)), entries_max: 100_000 }
    }
}

/// Why the directory could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no room; try again later.
    #[error("there is no room to store the change: {0}")]
    Full(String),
    /// A stored item is damaged.
    #[error("{what} in the directory is damaged: {why}")]
    Damaged {
        /// Which item.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The store has stopped or cannot be used.
    #[error("the store cannot be used: {0}")]
    Unusable(String),
}

/// Runs once, after the change is durable, in commit order, on the writer's thread.
pub type OnCommit = Box<dyn FnOnce() + Send>;

/// Where the directory is kept. [`Registry`](crate::Registry) is the way to use it.
pub trait DirectoryStore: Send + Sync + fmt::Debug {
    /// Reads everything.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load(&self) -> Result<Contents, StoreError>;

    /// Stores changes durably and atomically, then runs `on_commit`, then resolves.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is stored and `on_commit` does not run then.
    fn apply(
        &self,
        changes: Vec<DirectoryChange>,
        on_commit: OnCommit,
    ) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Reads at most `limit` entries of the audit trail of `account`, or of what belongs to the
    /// whole house, newest first and after the `skip` newest.
    ///
    /// # Errors
    /// [`StoreError`].
    fn audit(
        &self,
        account: Option<AccountId>,
        skip: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<AuditPage, StoreError>>;
}
