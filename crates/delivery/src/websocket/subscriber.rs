//! Who on a shard watches what: subscriptions on sockets, by account and by extension.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use lampfield_core::ExtensionId;
use lampfield_core::subscription::{FilterSet, Subscription};

use crate::feed::Lane;

/// The subscription of a socket.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) subscription: Arc<Subscription>,
    /// Its filters as far as they may be served now.
    pub(super) wants: FilterSet,
    pub(super) flow: Flow,
    /// Its place among the account-wide watchers.
    seat: u32,
    /// How it is listed, where its wants may change by themselves.
    listing: Option<Box<Listing>>,
}

/// Under which extensions a socket is listed.
#[derive(Debug, Default)]
struct Listing {
    extensions: Vec<ExtensionId>,
    /// What is on the lists that it follows has changed since.
    is_outdated: bool,
}

/// How far a socket has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Everything that its shard has seen of the account, and everything up to the floor.
    Live {
        /// Events up to here have been told, although the shard has not seen them yet.
        floor: u64,
    },
    /// Less.
    Behind(Behind),
}

/// Where a socket stands that is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Behind {
    /// Events up to here have been told, or given way to newer ones.
    pub(super) cursor: u64,
    /// Events up to here stand for earlier ones that were left out: each is told.
    pub(super) whole_until: u64,
    /// Before the cursor is here, every event is told, however many: what a client has missed that
    /// comes back. After that, what was left out begins here: whoever goes before all that stands for
    /// it was told must come back here.
    pub(super) edge: u64,
    /// A page is being read.
    pub(super) is_reading: bool,
}

impl Behind {
    /// Stands after `cursor`, and the newest event of each extension will do if that is far behind.
    pub(super) const fn at(cursor: u64) -> Self {
        Self { cursor, whole_until: 0, edge: 0, is_reading: false }
    }

    /// Takes note that events up to `until` stand for earlier ones that are left out.
    pub(super) const fn leave_out(&mut self, until: u64) {
        if until <= self.whole_until {
            return;
        }
        if self.cursor >= self.whole_until {
            self.edge = self.cursor;
        }
        self.whole_until = until;
    }

    /// Returns up to where a client was told of everything that has got the event at `offset` and all
    /// that were told before it.
    pub(super) const fn place_at(&self, offset: u64) -> u64 {
        let is_amid = offset <= self.whole_until && self.edge < offset;
        if is_amid { self.edge } else { offset }
    }

    /// Returns up to where everything has been told.
    pub(super) const fn place(&self) -> u64 {
        if self.cursor < self.whole_until { self.place_at(self.cursor) } else { self.cursor }
    }

    /// Tells whether the next event is told, however many there are.
    pub(super) const fn is_exact(&self) -> bool {
        self.cursor < self.edge
    }
}

impl Subscriber {
    /// Takes up a subscription that is told of everything after `cursor`: of each event up to
    /// `head`, where its account stands now, then as everybody is.
    pub(super) const fn new(
        subscription: Arc<Subscription>,
        wants: FilterSet,
        cursor: u64,
        head: u64,
    ) -> Self {
        let behind = Behind { edge: head, ..Behind::at(cursor) };
        let flow = Flow::Behind(behind);
        Self { subscription, wants, flow, seat: u32::MAX, listing: None }
    }

    /// Returns up to where a client was told of everything that has got the event at `offset` and all
    /// that were told before it: what its recovery token says.
    pub(super) const fn place_at(&self, offset: u64) -> u64 {
        match &self.flow {
            Flow::Live { .. } => offset,
            Flow::Behind(behind) => behind.place_at(offset),
        }
    }

    /// Takes note that what it wants has changed, when it `has`.
    pub(super) fn wants_changed(&mut self, has: bool) {
        if has {
            self.listing.get_or_insert_default().is_outdated = true;
        }
    }

    /// Tells whether it is listed as it was, not as it is.
    pub(super) fn is_listed_wrongly(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| listing.is_outdated)
    }
}

/// What a shard knows of an account that some of its sockets watch.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) lane: Arc<Lane>,
    /// Up to here the shard has seen the lane.
    pub(super) seen: u64,
    /// Slots of sockets that watch the whole account.
    pub(super) wide: Vec<u32>,
    /// Slots of sockets that watch single extensions.
    pub(super) named: HashMap<ExtensionId, Vec<u32>, RandomState>,
    members: usize,
}

/// A socket's place among the account-wide watchers that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) slot: u32,
    pub(super) seat: u32,
}

impl Watched {
    /// Begins to watch an account.
    pub(super) fn new(lane: Arc<Lane>) -> Self {
        let seen = lane.head();
        Self { lane, seen, wide: Vec::new(), named: HashMap::default(), members: 0 }
    }

    /// Tells whether nobody watches it any more.
    pub(super) const fn is_empty(&self) -> bool {
        self.members == 0
    }

    /// Lists a socket where its filters want it.
    #[expect(clippy::cast_possible_truncation, reason = "a shard has fewer than 2^32 sockets")]
    pub(super) fn enlist(&mut self, slot: u32, subscriber: &mut Subscriber) {
        self.members += 1;
        subscriber.listing = None;
        if subscriber.wants.is_account_wide() {
            subscriber.seat = self.wide.len() as u32;
            self.wide.push(slot);
            return;
        }
        let listed = subscriber.wants.extensions();
        for extension in &listed {
            self.named.entry(*extension).or_default().push(slot);
        }
        if !subscriber.wants.is_simple() {
            let extensions = listed.into_iter().collect();
            subscriber.listing = Some(Box::new(Listing { extensions, is_outdated: false }));
        }
    }

    /// Strikes a socket from the lists; returns whose place has changed by it.
    pub(super) fn strike(&mut self, slot: u32, subscriber: &Subscriber) -> Option<Moved> {
        self.members = self.members.saturating_sub(1);
        if subscriber.wants.is_account_wide() {
            let seat = subscriber.seat;
            let at = usize::try_from(seat).ok().filter(|at| self.wide.get(*at) == Some(&slot))?;
            self.wide.swap_remove(at);
            return self.wide.get(at).map(|moved| Moved { slot: *moved, seat });
        }
        let listed = match &subscriber.listing {
            Some(listing) => listing.extensions.clone(),
            None => subscriber.wants.extensions().into_iter().collect(),
        };
        for extension in listed {
            if let Some(slots) = self.named.get_mut(&extension) {
                slots.retain(|one| *one != slot);
                if slots.is_empty() {
                    self.named.remove(&extension);
                }
            }
        }
        None
    }
}

impl Moved {
    /// Tells the subscriber its new place.
    pub(super) const fn apply(self, subscriber: &mut Subscriber) {
        subscriber.seat = self.seat;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lampfield_core::subscription::EventFilter;
    use lampfield_core::visibility::Detail;

    use super::*;
    use crate::config::DeliveryConfig;
    use crate::stage::{Stage, account, id};

    async fn watched() -> (Watched, Arc<Subscription>) {
        let stage = Stage::new(DeliveryConfig::default()).await;
        let subscription = Arc::new(stage.subscription("https://example.com"));
        (Watched::new(stage.house.feed.lane(account())), subscription)
    }

    fn listed(watched: &Watched) -> BTreeSet<u32> {
        let all: Vec<_> = watched.wide.iter().chain(watched.named.values().flatten()).collect();
        let set: BTreeSet<_> = all.iter().map(|slot| **slot).collect();
        assert_eq!(set.len(), all.len(), "nobody twice: {all:?}");
        set
    }

    #[tokio::test]
    async fn sockets_leave_in_any_order_and_nobody_else_is_struck() {
        let (mut watched, subscription) = watched().await;
        let filters =
            [EventFilter::Account(Detail::Plain), EventFilter::Extension(id(2), Detail::Plain)];
        for order in
            [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 4, 0, 5, 3, 1], [1, 0, 4, 3, 2, 5]]
        {
            let mut members: Vec<_> = (0..6u32)
                .map(|slot| {
                    let wants = FilterSet::of([&filters[usize::from(slot == 3)]]);
                    let mut one = Subscriber::new(Arc::clone(&subscription), wants, 0, 0);
                    watched.enlist(slot, &mut one);
                    Some(one)
                })
                .collect();
            let mut left: BTreeSet<_> = (0..6).collect();
            for slot in order {
                assert_eq!(listed(&watched), left);
                let leaving = members[slot as usize].take().expect("once");
                if let Some(moved) = watched.strike(slot, &leaving) {
                    let other = members[moved.slot as usize].as_mut().expect("not gone");
                    moved.apply(other);
                }
                left.remove(&slot);
                assert_eq!(watched.is_empty(), left.is_empty());
            }
        }
        assert!(listed(&watched).is_empty());
    }

    #[test]
    fn who_goes_amid_the_newest_events_comes_back_to_before_them() {
        let mut behind = Behind::at(10);
        assert_eq!((behind.place_at(11), behind.place()), (11, 10));
        behind.leave_out(500);
        behind.cursor = 200;
        assert_eq!((behind.place_at(200), behind.place_at(500), behind.place()), (10, 10, 10));
        // Behind once more before the end.
        behind.leave_out(900);
        assert_eq!((behind.place_at(600), behind.place_at(901), behind.place()), (10, 901, 10));
        behind.cursor = 900;
        assert_eq!(behind.place(), 900);
        behind.leave_out(2000);
        assert_eq!((behind.place_at(1000), behind.place()), (900, 900));
    }

    #[test]
    fn a_client_that_came_back_is_told_every_event_only_up_to_where_it_did() {
        let behind = Behind { edge: 5, ..Behind::at(4) };
        assert!(behind.is_exact());
        assert!(!Behind { cursor: 5, ..behind }.is_exact());
        assert!(!Behind::at(0).is_exact());
    }
}
