//! What the loop has in hand: letters taken apart into steps, and whom to answer.

use std::collections::{BTreeMap, VecDeque};

use lampfield_core::{
    AccountId, Claim, Command, ExtensionId, ExtensionKey, Sequence, SourceId, Timestamp,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::group::{Done, Step};
use crate::intake::{Letter, Order, Parcel, PictureReceipt, Receipts, StandingChange, SubmitError};
use crate::tracking::Tracker;

/// Steps in order, and the errands that they belong to, in the same order.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) steps: Vec<Step>,
    pub(crate) errands: VecDeque<Errand>,
}

/// One letter: how many steps it has, and who waits for them.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) count: usize,
    pub(crate) caller: Caller,
    /// Gives the letter's room in the intake back when the errand is done.
    _room: OwnedSemaphorePermit,
}

/// Who waits for an errand.
#[derive(Debug)]
pub(crate) enum Caller {
    Orders(oneshot::Sender<Receipts>),
    Picture {
        account: AccountId,
        source: SourceId,
        /// The extensions that the picture names, one for each of the first steps.
        named: Vec<ExtensionId>,
        answer: oneshot::Sender<Result<PictureReceipt, SubmitError>>,
    },
    Lost {
        account: AccountId,
        source: SourceId,
        answer: oneshot::Sender<Result<(), SubmitError>>,
    },
}

/// What became of the steps of one errand.
pub(crate) type Results = Vec<Result<Done, SubmitError>>;

impl Work {
    /// Takes a letter apart. What concerns a whole source is looked up in `tracker`, which must
    /// know of everything that came before.
    pub(crate) fn add(&mut self, parcel: Parcel, tracker: &Tracker, settings: Settings) {
        let before = self.steps.len();
        let caller = match parcel.letter {
            Letter::Orders(orders, answer) => {
                self.steps.extend(orders.into_iter().map(Step::of_order));
                Caller::Orders(answer)
            }
            Letter::Standings(changes, answer) => {
                self.steps
                    .extend(changes.into_iter().map(|it| Step::of_standing(it, settings.now)));
                Caller::Orders(answer)
            }
            Letter::Picture { account, source, claims, observed_at, answer } => {
                let named = self.add_picture(account, &source, claims, observed_at, tracker);
                Caller::Picture { account, source, named, answer }
            }
            Letter::Lost { account, source, answer } => {
                self.add_loss(account, &source, tracker, settings);
                Caller::Lost { account, source, answer }
            }
        };
        let count = self.steps.len() - before;
        self.errands.push_back(Errand { count, caller, _room: parcel.room });
    }

    fn add_picture(
        &mut self,
        account: AccountId,
        source: &SourceId,
        claims: Vec<(ExtensionId, Vec<Claim>)>,
        observed_at: Timestamp,
        tracker: &Tracker,
    ) -> Vec<ExtensionId> {
        let mut pictured: BTreeMap<ExtensionId, Vec<Claim>> = BTreeMap::new();
        for (extension, claims) in claims {
            // A source speaks for itself only.
            let own = claims.into_iter().map(|claim| Claim { source: source.clone(), ..claim });
            pictured.entry(extension).or_default().extend(own);
        }
        let named: Vec<_> = pictured.keys().copied().collect();
        let unnamed: Vec<_> = tracker
            .extensions_of(account, source)
            .into_iter()
            .filter(|extension| !pictured.contains_key(extension))
            .map(|extension| (extension, Vec::new()))
            .collect();
        for (extension, claims) in pictured.into_iter().chain(unnamed) {
            let command = Command::Picture { source: source.clone(), claims };
            self.steps.push(Step {
                key: ExtensionKey { account, extension },
                command,
                observed_at,
                standing_before: None,
            });
        }
        named
    }

    fn add_loss(
        &mut self,
        account: AccountId,
        source: &SourceId,
        tracker: &Tracker,
        settings: Settings,
    ) {
        for extension in tracker.extensions_of(account, source) {
            self.steps.push(Step {
                key: ExtensionKey { account, extension },
                command: Command::Lose { source: source.clone(), grace: settings.lost_grace },
                observed_at: settings.now,
                standing_before: None,
            });
        }
    }
}

/// What taking letters apart depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) now: Timestamp,
    pub(crate) lost_grace: std::time::Duration,
}

impl Step {
    fn of_order(order: Order) -> Self {
        let Order { key, command, observed_at } = order;
        Self { key, command, observed_at, standing_before: None }
    }

    pub(crate) const fn of_standing(change: StandingChange, now: Timestamp) -> Self {
        Self {
            key: change.key,
            command: Command::Stand(change.after),
            observed_at: now,
            standing_before: Some(change.before),
        }
    }

    /// Returns the source that speaks in this step, if one does.
    pub(crate) const fn speaker(&self) -> Option<&SourceId> {
        match &self.command {
            Command::Publish(claim) => Some(&claim.source),
            Command::Withdraw { source, .. } | Command::Picture { source, .. } => Some(source),
            Command::Lose { .. } | Command::Configure(_) | Command::Stand(_) | Command::Expire => {
                None
            }
        }
    }
}

impl Parcel {
    /// Tells whether it must be taken apart after everything before it was adopted.
    pub(crate) const fn concerns_a_whole_source(&self) -> bool {
        matches!(self.letter, Letter::Picture { .. } | Letter::Lost { .. })
    }
}

/// Returns why an errand failed as a whole, if it did.
pub(crate) fn failure_of(results: &Results) -> Option<SubmitError> {
    results.iter().find_map(|result| match result {
        Err(
            error @ (SubmitError::Overloaded(_)
            | SubmitError::Unavailable { .. }
            | SubmitError::Stopped),
        ) => Some(error.clone()),
        Err(SubmitError::Refused(_) | SubmitError::UnknownExtension(_)) | Ok(_) => None,
    })
}

/// Sums up what became of a picture. Refusals of extensions that it does not name are not told:
/// such an extension is gone.
pub(crate) fn picture_receipt(
    named: &[ExtensionId],
    results: Results,
    sequence: Sequence,
) -> PictureReceipt {
    let mut receipt = PictureReceipt { sequence, ..PictureReceipt::default() };
    for (place, result) in results.into_iter().enumerate() {
        match (result, named.get(place)) {
            (Ok(done), _) => {
                receipt.changed += usize::from(done.receipt.changed);
                receipt.withdrawn += done.withdrawn;
            }
            (Err(error), Some(extension)) => receipt.refused.push((*extension, error)),
            (Err(_), None) => {}
        }
    }
    receipt
}
