//! Which sockets and subscriptions there are, over all shards: who holds a subscription, since when
//! nobody does, how many sockets a log-in has.

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::RandomState;
use lampfield_core::{SessionId, SubscriptionId, Timestamp};
use parking_lot::Mutex;

/// A socket: its shard, its slot there, and which of the sockets that the slot ever had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SocketKey {
    /// The shard.
    pub(crate) shard: u16,
    /// The slot in the shard's slab.
    pub(crate) slot: u32,
    /// Grows with each socket of the shard.
    pub(crate) life: u32,
}

/// Where a subscription is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On a socket.
    Attached(SocketKey),
    /// On none: it waits for its client to come back.
    Detached {
        since: Timestamp,
        /// Up to where it was told; unknown after a restart.
        told: Option<u64>,
    },
    /// Nowhere, and nobody may come back to it: it is to be removed.
    Over,
}

/// Why a socket is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crowded {
    /// The log-in has as many sockets as it may have.
    Session,
    /// The server has.
    Server,
    /// Even refusing would be too much.
    Hopeless,
}

/// Sockets above the limit that are let in to be told so.
const REFUSED_MAX: usize = 1024;

/// The roster.
#[derive(Debug, Default)]
pub(crate) struct Roster(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    subscriptions: HashMap<SubscriptionId, Place, RandomState>,
    sessions: HashMap<SessionId, u32, RandomState>,
    sockets: usize,
}

impl Roster {
    /// Counts a socket in, of a log-in if its token was good. Every socket that is let in, also one
    /// to be refused politely, is counted out by [`Roster::leave`].
    ///
    /// # Errors
    /// [`Crowded`]; the socket is counted, but not for its log-in, unless it is hopeless.
    pub(crate) fn enter(
        &self,
        session: Option<SessionId>,
        sockets_max: usize,
        per_session_max: usize,
    ) -> Result<(), Crowded> {
        let mut lists = self.0.lock();
        if lists.sockets >= sockets_max.saturating_add(REFUSED_MAX) {
            return Err(Crowded::Hopeless);
        }
        lists.sockets += 1;
        if lists.sockets > sockets_max {
            return Err(Crowded::Server);
        }
        let Some(session) = session else { return Ok(()) };
        let count = lists.sessions.entry(session).or_default();
        if usize::try_from(*count).unwrap_or(usize::MAX) >= per_session_max {
            return Err(Crowded::Session);
        }
        *count += 1;
        Ok(())
    }

    /// Counts a socket out; `session` only if it was counted for it.
    pub(crate) fn leave(&self, session: Option<SessionId>) {
        let mut lists = self.0.lock();
        lists.sockets = lists.sockets.saturating_sub(1);
        let Some(session) = session else { return };
        if let Some(count) = lists.sessions.get_mut(&session) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                lists.sessions.remove(&session);
            }
        }
    }

    /// Returns how many sockets there are.
    pub(crate) fn sockets(&self) -> usize {
        self.0.lock().sockets
    }

    /// Notes a subscription of which nobody knows since the start, or whose socket was gone before
    /// it could be attached.
    pub(crate) fn adopt(&self, id: SubscriptionId, now: Timestamp) {
        let place = Place::Detached { since: now, told: None };
        self.0.lock().subscriptions.entry(id).or_insert(place);
    }

    /// Attaches a subscription to a socket, whatever was before; returns up to where it was told
    /// before, and the socket that had it.
    pub(crate) fn attach(
        &self,
        id: SubscriptionId,
        socket: SocketKey,
    ) -> (Option<u64>, Option<SocketKey>) {
        match self.0.lock().subscriptions.insert(id, Place::Attached(socket)) {
            Some(Place::Attached(before)) => (None, Some(before).filter(|it| *it != socket)),
            Some(Place::Detached { told, .. }) => (told, None),
            Some(Place::Over) | None => (None, None),
        }
    }

    /// Attaches a subscription that is recovered; returns the socket that still had it. Refuses
    /// when it is gone: its window is over.
    pub(crate) fn recover(
        &self,
        id: SubscriptionId,
        socket: SocketKey,
    ) -> Result<Option<SocketKey>, Gone> {
        let mut lists = self.0.lock();
        let place = lists.subscriptions.get_mut(&id).ok_or(Gone)?;
        let before = match *place {
            Place::Attached(before) => Some(before),
            Place::Detached { .. } => None,
            Place::Over => return Err(Gone),
        };
        *place = Place::Attached(socket);
        Ok(before)
    }

    /// Tells whether a subscription is there to be recovered.
    pub(crate) fn knows(&self, id: SubscriptionId) -> bool {
        self.0.lock().subscriptions.get(&id).is_some_and(|place| *place != Place::Over)
    }

    /// Returns the socket that holds a subscription.
    pub(crate) fn holder(&self, id: SubscriptionId) -> Option<SocketKey> {
        match self.0.lock().subscriptions.get(&id) {
            Some(Place::Attached(socket)) => Some(*socket),
            Some(Place::Detached { .. } | Place::Over) | None => None,
        }
    }

    /// Notes that a socket is gone that held a subscription; nothing happens if another holds it now.
    pub(crate) fn detach(
        &self,
        id: SubscriptionId,
        socket: SocketKey,
        told: Option<u64>,
        now: Timestamp,
    ) {
        if let Some(place) = self.0.lock().subscriptions.get_mut(&id)
            && *place == Place::Attached(socket)
        {
            *place = Place::Detached { since: now, told };
        }
    }

    /// Gives up a subscription that has no socket: it is taken out with the next that are over.
    pub(crate) fn give_up(&self, id: SubscriptionId) {
        self.0.lock().subscriptions.insert(id, Place::Over);
    }

    /// Forgets a subscription that is removed.
    pub(crate) fn forget(&self, id: SubscriptionId) {
        self.0.lock().subscriptions.remove(&id);
    }

    /// Takes out the subscriptions that waited for `window` and are to be removed, at most `limit`.
    pub(crate) fn take_over(
        &self,
        now: Timestamp,
        window: Duration,
        limit: usize,
    ) -> Vec<SubscriptionId> {
        let mut lists = self.0.lock();
        let over = |place: &Place| match place {
            Place::Detached { since, .. } => now.since(*since) >= window,
            Place::Attached(_) => false,
            Place::Over => true,
        };
        let mut ids: Vec<_> = lists
            .subscriptions
            .iter()
            .filter(|(_, place)| over(place))
            .map(|(id, _)| *id)
            .take(limit)
            .collect();
        ids.sort_unstable();
        for id in &ids {
            lists.subscriptions.remove(id);
        }
        ids
    }
}

/// The subscription is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const WINDOW: Duration = Duration::from_secs(180);

    fn id(number: u128) -> SubscriptionId {
        SubscriptionId(Uuid::from_u128(number))
    }

    fn socket(life: u32) -> SocketKey {
        SocketKey { shard: 0, slot: 0, life }
    }

    #[test]
    fn a_subscription_waits_for_the_window_and_is_gone_then() {
        let roster = Roster::default();
        roster.attach(id(1), socket(1));
        assert_eq!(roster.take_over(Timestamp(999_999), WINDOW, 9), []);

        roster.detach(id(1), socket(1), Some(7), Timestamp(1000));
        assert_eq!(roster.take_over(Timestamp(180_999), WINDOW, 9), []);
        assert_eq!(roster.take_over(Timestamp(181_000), WINDOW, 9), [id(1)]);
        assert_eq!(roster.recover(id(1), socket(2)), Err(Gone));
    }

    #[test]
    fn what_is_given_up_is_taken_out_at_once_and_cannot_be_recovered() {
        let roster = Roster::default();
        roster.attach(id(1), socket(1));
        roster.give_up(id(1));

        assert!(!roster.knows(id(1)));
        assert_eq!(roster.holder(id(1)), None);
        assert_eq!(roster.recover(id(1), socket(2)), Err(Gone));
        assert_eq!(roster.take_over(Timestamp(0), WINDOW, 9), [id(1)]);
    }

    #[test]
    fn the_old_sockets_end_does_not_detach_what_a_new_one_holds() {
        let roster = Roster::default();
        roster.attach(id(1), socket(1));
        assert_eq!(roster.recover(id(1), socket(2)), Ok(Some(socket(1))));

        roster.detach(id(1), socket(1), Some(7), Timestamp(0));
        assert_eq!(roster.holder(id(1)), Some(socket(2)));
    }

    #[test]
    fn sockets_are_counted_by_log_in_and_over_all() {
        let roster = Roster::default();
        let (a, b) = (SessionId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        assert_eq!(roster.enter(Some(a), 3, 1), Ok(()));
        assert_eq!(roster.enter(Some(a), 3, 1), Err(Crowded::Session));
        assert_eq!(roster.enter(Some(b), 3, 1), Ok(()));
        assert_eq!(roster.enter(None, 3, 1), Err(Crowded::Server));

        roster.leave(Some(a));
        roster.leave(None);
        roster.leave(None);
        assert_eq!(roster.sockets(), 1);
        assert_eq!(roster.enter(Some(a), 3, 1), Ok(()));
    }
}
