//! The way in: a bounded queue to the engine.

use std::sync::Arc;
use std::time::Duration;

use lampfield_core::{
    AccountId, Claim, Command, ExtensionId, ExtensionKey, Refusal, Sequence, SourceId, Timestamp,
};
use lampfield_journal::{Head, Record};
use tokio::sync::{mpsc, oneshot};

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

/// What travels to the engine.
#[derive(Debug)]
pub(crate) enum Letter {
    /// Orders of one caller, answered together.
    Orders(Vec<Order>, oneshot::Sender<Vec<Result<Receipt, SubmitError>>>),
    /// Everything a source knows of an account.
    Picture {
        account: AccountId,
        source: SourceId,
        claims: Vec<(ExtensionId, Vec<Claim>)>,
        observed_at: Timestamp,
        answer: oneshot::Sender<Result<PictureReceipt, SubmitError>>,
    },
    /// A source is lost.
    Lost { account: AccountId, source: SourceId },
}

/// The way in. Cheap to clone; every caller waits until its change is durable.
#[derive(Debug, Clone)]
pub struct Intake {
    pub(crate) letters: mpsc::Sender<Letter>,
    pub(crate) board: Arc<SourceBoard>,
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
        let (answer, receipts) = oneshot::channel();
        match self.post(Letter::Orders(orders, answer)).await {
            Ok(()) => receipts.await.unwrap_or_else(|_| vec![Err(SubmitError::Stopped); count]),
            Err(error) => vec![Err(error); count],
        }
    }

    /// Takes a source's full picture of an account: what it does not repeat is withdrawn, and its
    /// claims are no longer stale.
    ///
    /// # Errors
    /// [`SubmitError`] when none of it could be taken.
    pub async fn picture(
        &self,
        account: AccountId,
        source: SourceId,
        claims: Vec<(ExtensionId, Vec<Claim>)>,
        observed_at: Timestamp,
    ) -> Result<PictureReceipt, SubmitError> {
        let (answer, receipt) = oneshot::channel();
        self.post(Letter::Picture { account, source, claims, observed_at, answer }).await?;
        receipt.await.unwrap_or(Err(SubmitError::Stopped))
    }

    /// Reports a source lost: its claims become stale and end after the configured grace.
    ///
    /// # Errors
    /// [`SubmitError`] when the engine cannot be reached.
    pub async fn lose(&self, account: AccountId, source: SourceId) -> Result<(), SubmitError> {
        self.post(Letter::Lost { account, source }).await
    }

    /// Returns how the sources of an account are doing, by name.
    #[must_use]
    pub fn sources(&self, account: AccountId) -> Vec<SourceReport> {
        self.board.reports(account)
    }

    async fn post(&self, letter: Letter) -> Result<(), SubmitError> {
        match self.letters.send_timeout(letter, self.patience).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                Err(SubmitError::Overloaded(self.patience))
            }
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(SubmitError::Stopped),
        }
    }
}
