//! The way in: a bounded queue to the engine.

use std::sync::Arc;
use std::time::Duration;

use lampfield_core::{
    AccountId, Claim, Command, Document, ExtensionId, ExtensionKey, Refusal, Sequence, SourceId,
    Standing, Timestamp,
};
use lampfield_journal::{Head, Record};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::leases::Leases;
use crate::metrics::{EngineMetrics, Outcome};
use crate::sources::SourceBoard;

/// One command for one presentity.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whose presence it is about.
    pub key: ExtensionKey,
    /// What is wanted.
    pub command: Command,
    /// When the source saw it; for the latency figures.
    pub observed_at: Timestamp,
}

/// What became of an order; durable when it is there.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// Whether something visible changed; then the record is the change.
    pub changed: bool,
    /// The newest record of the presentity after the order; none if it never changed.
    pub record: Option<Arc<Record>>,
    /// The end of the account's log after the order.
    pub head: Head,
}

/// What became of a full picture.
#[derive(Debug, Clone, Default)]
pub struct PictureReceipt {
    /// Extensions that changed visibly.
    pub changed: usize,
    /// Claims that the picture did not repeat.
    pub withdrawn: usize,
    /// Extensions whose part was refused, and why.
    pub refused: Vec<(ExtensionId, SubmitError)>,
    /// The account's sequence after the picture.
    pub sequence: Sequence,
}

/// Why an order was not carried out. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// No such extension in the account.
    #[error("extension {0} does not exist")]
    UnknownExtension(ExtensionKey),
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The intake is full: come back after the given wait.
    #[error("too many changes at once; try again in {} ms", .0.as_millis())]
    Overloaded(Duration),
    /// The store cannot take it now (disk full): come back after the given wait.
    #[error("the store takes no changes now ({reason}); try again in {} s", .wait.as_secs())]
    Unavailable {
        /// Why, for people.
        reason: String,
        /// When to come back.
        wait: Duration,
    },
    /// The engine has stopped.
    #[error("the engine has stopped")]
    Stopped,
}

/// Where a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourcePhase {
    /// It has reported and nothing is amiss.
    Live,
    /// Known from before a restart; its full picture is awaited until the given moment.
    Awaited(Timestamp),
    /// Lost since then; its claims are stale.
    Lost(Timestamp),
}

/// How a source of an account is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// Which.
    pub source: SourceId,
    /// Where it stands.
    pub phase: SourcePhase,
    /// When it last reported anything.
    pub last_seen: Timestamp,
    /// When it last showed a full picture.
    pub last_picture: Option<Timestamp>,
    /// How many claims of it live.
    pub claims: usize,
}

/// A directory change that presence depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingChange {
    /// Of which extension.
    pub key: ExtensionKey,
    /// Its type and status before.
    pub before: Standing,
    /// Its type and status now.
    pub after: Standing,
}

/// What one letter answers: a result per order.
pub(crate) type Receipts = Vec<Result<Receipt, SubmitError>>;

/// What travels to the engine.
#[derive(Debug)]
pub(crate) enum Letter {
    /// Orders of one caller, answered together.
    Orders(Vec<Order>, oneshot::Sender<Receipts>),
    /// Directory changes, answered together.
    Standings(Vec<StandingChange>, oneshot::Sender<Receipts>),
    /// Everything a source knows of an account.
    Picture {
        account: AccountId,
        source: SourceId,
        claims: Vec<(ExtensionId, Vec<Claim>)>,
        observed_at: Timestamp,
        answer: oneshot::Sender<Result<PictureReceipt, SubmitError>>,
    },
    /// A source is lost.
    Lost { account: AccountId, source: SourceId, answer: oneshot::Sender<Result<(), SubmitError>> },
}

/// A letter and the room that it takes in the intake until it is answered.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) letter: Letter,
    pub(crate) room: OwnedSemaphorePermit,
}

/// The way in. Cheap to clone; every caller waits until its change is durable.
#[derive(Debug, Clone)]
pub struct Intake {
    pub(crate) letters: mpsc::Sender<Parcel>,
    /// One permit per order that may wait.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) room_max: u32,
    pub(crate) board: Arc<SourceBoard>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) metrics: EngineMetrics,
    /// How long a caller waits for room in the queue before it is told to come back.
    pub(crate) patience: Duration,
}

impl Intake {
    /// Carries out one order.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, order: Order) -> Result<Receipt, SubmitError> {
        let mut receipts = self.submit_all(vec![order]).await;
        receipts.pop().unwrap_or(Err(SubmitError::Stopped))
    }

    /// Carries out orders in their sequence, each for itself; one result per order.
    pub async fn submit_all(&self, orders: Vec<Order>) -> Vec<Result<Receipt, SubmitError>> {
        let count = orders.len();
        if count == 0 {
            return Vec::new();
        }
        let (answer, receipts) = oneshot::channel();
        match self.post(Letter::Orders(orders, answer), count).await {
            Ok(()) => receipts.await.unwrap_or_else(|_| vec![Err(SubmitError::Stopped); count]),
            Err(error) => vec![Err(error); count],
        }
    }

    /// Tells the engine that the directory changed an extension's type or status.
    ///
    /// Comes after the directory's own change: `before` is what held until then, so that the
    /// change is seen of an extension, too, whose presence never changed.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn stand(&self, change: StandingChange) -> Result<Receipt, SubmitError> {
        let mut receipts = self.stand_all(vec![change]).await;
        receipts.pop().unwrap_or(Err(SubmitError::Stopped))
    }

    /// Like [`Intake::stand`], for many extensions: one result per change.
    pub async fn stand_all(
        &self,
        changes: Vec<StandingChange>,
    ) -> Vec<Result<Receipt, SubmitError>> {
        let count = changes.len();
        if count == 0 {
            return Vec::new();
        }
        let (answer, receipts) = oneshot::channel();
        match self.post(Letter::Standings(changes, answer), count).await {
            Ok(()) => receipts.await.unwrap_or_else(|_| vec![Err(SubmitError::Stopped); count]),
            Err(error) => vec![Err(error); count],
        }
    }

    /// Takes a source's full picture of an account: what it does not repeat is withdrawn, and its
    /// claims are no longer stale.
    ///
    /// # Errors
    /// [`SubmitError`] when it was not taken whole. Up to `group_max` extensions are one durable write;
    /// of a larger picture a part may be true already. Showing it again is safe.
    pub async fn picture(
        &self,
        account: AccountId,
        source: SourceId,
        claims: Vec<(ExtensionId, Vec<Claim>)>,
        observed_at: Timestamp,
    ) -> Result<PictureReceipt, SubmitError> {
        let (answer, receipt) = oneshot::channel();
        let size = claims.len();
        let letter = Letter::Picture { account, source, claims, observed_at, answer };
        self.post(letter, size).await?;
        receipt.await.unwrap_or(Err(SubmitError::Stopped))
    }

    /// Reports a source lost: its claims become stale and end after the configured grace. Whatever
    /// it reports later makes it live again.
    ///
    /// # Errors
    /// [`SubmitError`] when not all of its claims could be marked.
    pub async fn lose(&self, account: AccountId, source: SourceId) -> Result<(), SubmitError> {
        let (answer, done) = oneshot::channel();
        self.post(Letter::Lost { account, source, answer }, 1).await?;
        done.await.unwrap_or(Err(SubmitError::Stopped))
    }

    /// Returns how the sources of an account are doing, by name.
    #[must_use]
    pub fn sources(&self, account: AccountId) -> Vec<SourceReport> {
        self.board.reports(account)
    }

    /// Returns the document of a presentity with its true leases, where they are not those of
    /// `newest`, its newest record.
    ///
    /// The journal's newest document may show a lease that ends earlier than it truly does: a
    /// renewal is stored only when it moves the end by more than the restart grace.
    #[must_use]
    pub fn true_leases(&self, key: ExtensionKey, newest: Option<&Record>) -> Option<Arc<Document>> {
        self.leases.get(key, newest.map_or(0, |record| record.offset))
    }

    /// Tells whether the engine still takes orders.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.letters.is_closed()
    }

    async fn post(&self, letter: Letter, orders: usize) -> Result<(), SubmitError> {
        // A letter larger than the whole intake waits until it is alone.
        let size = u32::try_from(orders).unwrap_or(u32::MAX).clamp(1, self.room_max);
        let room = Arc::clone(&self.room).acquire_many_owned(size);
        let room = match tokio::time::timeout(self.patience, room).await {
            Ok(Ok(room)) => room,
            Ok(Err(_closed)) => return Err(self.refused(Outcome::Stopped, SubmitError::Stopped)),
            Err(_elapsed) => {
                let error = SubmitError::Overloaded(self.patience);
                return Err(self.refused(Outcome::Overloaded, error));
            }
        };
        // There is a place for every permit: this waits for nothing.
        let sent = self.letters.send(Parcel { letter, room }).await;
        sent.map_err(|_| self.refused(Outcome::Stopped, SubmitError::Stopped))
    }

    fn refused(&self, outcome: Outcome, error: SubmitError) -> SubmitError {
        self.metrics.count(outcome);
        error
    }
}
