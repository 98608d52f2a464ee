//! What an operator should know of subscriptions: which receivers are in trouble, and which are out.
//!
//! The newest state of each subscription is kept, not a queue of events: whoever looks late sees how
//! it is now, and nothing overflows. States are kept in memory only; after a restart suspensions are
//! told again from the directory.

use std::collections::BTreeMap;

use lampfield_core::{AccountId, AppId, ExtensionId, SubscriptionId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::watch;

/// States that are no trouble any more and are still told to whoever looks; beyond, the oldest go.
const QUIET_MAX: usize = 256;

/// How a subscription's receiver is doing, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// It has failed for minutes and will be suspended soon.
    Failing,
    /// It failed, and takes notifications again.
    Recovered,
    /// It failed for too long: nothing is sent any more.
    Suspended,
    /// It was suspended, and is served again from where it stood.
    Reactivated,
    /// It failed or was suspended, and is removed or over now.
    Ended,
}

impl AlertState {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Recovered => "recovered",
            Self::Suspended => "suspended",
            Self::Reactivated => "reactivated",
            Self::Ended => "ended",
        }
    }

    /// Tells whether something is wrong.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Failing | Self::Suspended)
    }
}

/// A state with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Whose receiver it is.
    pub subscription: SubscriptionId,
    /// The account.
    pub account: AccountId,
    /// The extension that made the subscription.
    pub owner: ExtensionId,
    /// The application that made it.
    pub app: AppId,
    /// How it is doing.
    pub state: AlertState,
    /// Since when.
    pub at: Timestamp,
    /// Why, for operators only: it may name what is in the network.
    pub reason: Option<String>,
    /// When it will be suspended if it fails until then.
    pub suspended_at: Option<Timestamp>,
}

/// The newest state of each subscription that is or was in trouble.
#[derive(Debug)]
pub(crate) struct Alerts {
    board: Mutex<Board>,
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Board {
    version: u64,
    states: BTreeMap<SubscriptionId, (u64, Alert)>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { board: Mutex::default(), version: watch::Sender::new(0) }
    }
}

impl Alerts {
    /// Takes note of a state. Returns whether it is news: the same state again is none, and only
    /// trouble can end.
    pub(crate) fn tell(&self, alert: Alert) -> bool {
        let mut board = self.board.lock();
        let before = board.states.get(&alert.subscription).map(|(_, before)| before.state);
        let is_news = match alert.state {
            AlertState::Failing | AlertState::Suspended => before != Some(alert.state),
            AlertState::Recovered => before == Some(AlertState::Failing),
            AlertState::Reactivated => before != Some(AlertState::Reactivated),
            AlertState::Ended => before.is_some_and(AlertState::is_trouble),
        };
        if is_news {
            board.put(alert);
            self.version.send_replace(board.version);
        }
        is_news
    }

    /// Returns the state of a subscription, if it is known.
    pub(crate) fn of(&self, subscription: SubscriptionId) -> Option<Alert> {
        self.board.lock().states.get(&subscription).map(|(_, alert)| alert.clone())
    }

    /// Counts those that fail and those that are suspended.
    pub(crate) fn troubled(&self) -> (usize, usize) {
        let board = self.board.lock();
        let count = |state| board.states.values().filter(|(_, it)| it.state == state).count();
        (count(AlertState::Failing), count(AlertState::Suspended))
    }

    /// Returns a reader of one account's states that begins with what is in trouble now.
    pub(crate) fn reader(&self, account: AccountId) -> AlertReader {
        AlertReader { account, seen: None, moved: self.version.subscribe() }
    }
}

impl Board {
    fn put(&mut self, alert: Alert) {
        self.version += 1;
        self.states.insert(alert.subscription, (self.version, alert));
        let quiet = self.states.iter().filter(|(_, (_, alert))| !alert.state.is_trouble());
        let quiet: Vec<_> = quiet.map(|(id, (version, _))| (*version, *id)).collect();
        if quiet.len() > QUIET_MAX
            && let Some((_, oldest)) = quiet.into_iter().min()
        {
            self.states.remove(&oldest);
        }
    }
}

/// Reads the states of one account as they change.
#[derive(Debug)]
pub(crate) struct AlertReader {
    account: AccountId,
    /// The newest that was read; none before the first look.
    seen: Option<u64>,
    moved: watch::Receiver<u64>,
}

impl AlertReader {
    /// Returns what is new, oldest first; at first what is in trouble.
    pub(crate) fn news(&mut self, alerts: &Alerts) -> Vec<Alert> {
        let board = alerts.board.lock();
        if self.seen == Some(board.version) {
            return Vec::new();
        }
        let seen = self.seen.replace(board.version);
        let mut news: Vec<_> = board
            .states
            .values()
            .filter(|(_, alert)| alert.account == self.account)
            .filter(|(version, alert)| match seen {
                Some(seen) => *version > seen,
                None => alert.state.is_trouble(),
            })
            .collect();
        news.sort_unstable_by_key(|(version, _)| *version);
        news.into_iter().map(|(_, alert)| alert.clone()).collect()
    }

    /// Waits until there may be news.
    pub(crate) async fn moved(&mut self) {
        // The sender lives as long as the house, and the house as long as any reader.
        if self.moved.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    fn alert(number: u128, account: u64, state: AlertState) -> Alert {
        Alert {
            subscription: SubscriptionId(Uuid::from_u128(number)),
            account: AccountId::new(account).unwrap(),
            owner: ExtensionId::new(1).unwrap(),
            app: AppId::new("app").unwrap(),
            state,
            at: Timestamp(0),
            reason: None,
            suspended_at: None,
        }
    }

    fn states(alerts: &[Alert]) -> Vec<(u128, AlertState)> {
        alerts.iter().map(|alert| (alert.subscription.0.as_u128(), alert.state)).collect()
    }

    #[test]
    fn the_same_state_is_told_once_and_only_trouble_recovers_or_ends() {
        use AlertState::{Ended, Failing, Reactivated, Recovered, Suspended};
        let alerts = Alerts::default();
        let told = |state| alerts.tell(alert(1, 1, state));

        assert!(!told(Recovered), "it never failed");
        assert!(!told(Ended), "it was never in trouble");
        assert!(told(Failing) && !told(Failing));
        assert!(told(Recovered) && !told(Recovered));
        assert!(told(Failing) && told(Suspended) && !told(Suspended));
        assert!(!told(Recovered), "what is suspended does not recover by itself");
        assert!(told(Reactivated) && !told(Ended));
        assert!(told(Suspended) && told(Ended) && !told(Ended));
    }

    #[test]
    fn a_reader_begins_with_the_trouble_and_goes_on_with_the_news_of_its_account() {
        let alerts = Alerts::default();
        for (number, account, state) in [
            (1, 1, AlertState::Failing),
            (2, 1, AlertState::Suspended),
            (3, 2, AlertState::Failing),
            (4, 1, AlertState::Failing),
            (4, 1, AlertState::Recovered),
        ] {
            alerts.tell(alert(number, account, state));
        }
        let mut reader = alerts.reader(AccountId::new(1).unwrap());

        let first = reader.news(&alerts);
        assert_eq!(states(&first), [(1, AlertState::Failing), (2, AlertState::Suspended)]);
        assert!(reader.news(&alerts).is_empty());
        alerts.tell(alert(2, 1, AlertState::Reactivated));
        alerts.tell(alert(3, 2, AlertState::Suspended));
        alerts.tell(alert(1, 1, AlertState::Suspended));
        let next = reader.news(&alerts);
        assert_eq!(states(&next), [(2, AlertState::Reactivated), (1, AlertState::Suspended)]);
    }

    #[test]
    fn what_is_quiet_is_bounded_and_what_is_in_trouble_is_never_forgotten() {
        let alerts = Alerts::default();
        for number in 1..=1000 {
            alerts.tell(alert(number, 1, AlertState::Suspended));
            if number % 2 == 0 {
                alerts.tell(alert(number, 1, AlertState::Reactivated));
            }
        }

        assert_eq!(alerts.troubled(), (0, 500));
        assert_eq!(alerts.board.lock().states.len(), 500 + QUIET_MAX);
        assert_eq!(alerts.of(SubscriptionId(Uuid::from_u128(2))), None, "the oldest went first");
        assert!(alerts.of(SubscriptionId(Uuid::from_u128(1000))).is_some());
    }

    #[tokio::test]
    async fn a_reader_wakes_when_something_is_told() {
        let alerts = std::sync::Arc::new(Alerts::default());
        let mut reader = alerts.reader(AccountId::new(1).unwrap());
        reader.news(&alerts);
        let waiting = tokio::spawn(async move {
            reader.moved().await;
        });
        alerts.tell(alert(1, 1, AlertState::Failing));

        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    }
}
