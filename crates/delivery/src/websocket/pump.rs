//! Telling the sockets of a shard: all that are live in one round as their account moves, and each
//! that is behind at its own pace.

use std::sync::Arc;

use lampfield_core::SubscriptionId;

use crate::feed::{Lane, Slice};
use crate::metrics::Transport;
use crate::outgoing::Outgoing;
use crate::watching::FOLLOWED;
use crate::websocket::codec::close;
use crate::websocket::press::{Printed, Told};
use crate::websocket::reading::{PAGE, ReadPage, read_for};
use crate::websocket::roster::SocketKey;
use crate::websocket::shard::Shard;
use crate::websocket::subscriber::{Behind, Flow};

/// Events of a round. More are told in further rounds, so that other accounts and requests have
/// their turn; so many in one write cost little more each than the copying.
const ROUND: usize = 64;

impl Shard {
    /// Tells of what is new on a lane.
    pub(super) fn lane_moved(&mut self, lane: &Arc<Lane>) {
        lane.acknowledge(usize::from(self.handle.index));
        let account = lane.account();
        let Some(watched) = self.accounts.get_mut(&account) else { return };
        let before = watched.seen;
        match watched.lane.after(before, ROUND) {
            Slice::Events(events) => {
                let Some(last) = events.last() else { return };
                watched.seen = last.offset();
                if events.len() == ROUND {
                    self.unfinished.push(Arc::clone(lane));
                }
                // Whom an event concerns that comes behind a change of lists is looked up anew.
                let changes_lists = |event: &Arc<Outgoing>| event.changes().touches(FOLLOWED);
                let mut told = before;
                for run in events.split_inclusive(changes_lists) {
                    self.round(lane, told, run);
                    told = run.last().map_or(told, |event| event.offset());
                }
                if let Some(at) = last.committed() {
                    self.context.metrics.took(Transport::Websocket, at);
                }
            }
            Slice::Behind => {
                // The whole shard was left behind: everybody reads the journal.
                watched.seen = watched.lane.head();
                self.leave_behind(lane, before);
            }
        }
    }

    /// Tells every live socket of the account. The lists are taken out meanwhile: nothing in a
    /// round changes them.
    fn round(&mut self, lane: &Lane, before: u64, events: &[Arc<Outgoing>]) {
        let Some(watched) = self.accounts.get_mut(&lane.account()) else { return };
        let wide = std::mem::take(&mut watched.wide);
        let mut named: Vec<(u32, u32)> = Vec::new();
        for (at, event) in (0u32..).zip(events) {
            if let Some(slots) = watched.named.get(&event.record().event.key.extension) {
                named.extend(slots.iter().map(|slot| (*slot, at)));
            }
        }
        let mut lost = Vec::new();
        for slot in &wide {
            self.tell(*slot, before, events.iter(), &mut lost);
        }
        named.sort_unstable();
        for run in named.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(slot, _)) = run.first() else { continue };
            let picked = run.iter().filter_map(|(_, at)| events.get(usize::try_from(*at).ok()?));
            self.tell(slot, before, picked, &mut lost);
        }
        if let Some(watched) = self.accounts.get_mut(&lane.account()) {
            watched.wide = wide;
        }
        for slot in std::mem::take(&mut self.to_relist) {
            self.relist(slot);
        }
        for slot in lost {
            self.drop_socket(slot);
        }
    }

    /// Tells one socket, if it is live; what it cannot take makes it fall behind.
    fn tell<'e>(
        &mut self,
        slot: u32,
        before: u64,
        events: impl Iterator<Item = &'e Arc<Outgoing>>,
        lost: &mut Vec<usize>,
    ) {
        let Ok(slot) = usize::try_from(slot) else { return };
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        let Some(Flow::Live { floor }) = socket.subscriber.as_ref().map(|it| it.flow) else {
            return;
        };
        let printed = if socket.is_ready() {
            self.press.print(&self.context, socket, events, floor, Told::Live)
        } else {
            Ok(Printed::UpTo(before.max(floor)))
        };
        if socket.subscriber.as_ref().is_some_and(|subscriber| subscriber.is_listed_wrongly()) {
            self.to_relist.push(slot);
        }
        match printed {
            Ok(Printed::All) => {}
            Ok(Printed::UpTo(cursor)) => {
                if let Some(subscriber) = &mut socket.subscriber {
                    subscriber.flow = Flow::Behind(Behind::at(cursor.max(floor)));
                }
            }
            Err(_) => lost.push(slot),
        }
    }

    /// Makes every live socket of an account read on from `before`.
    fn leave_behind(&mut self, lane: &Lane, before: u64) {
        let account = lane.account();
        let mut left = Vec::new();
        for (slot, socket) in &mut self.sockets {
            if let Some(subscriber) = &mut socket.subscriber
                && subscriber.subscription.account == account
                && let Flow::Live { floor } = subscriber.flow
            {
                subscriber.flow = Flow::Behind(Behind::at(before.max(floor)));
                left.push(slot);
            }
        }
        for slot in left {
            self.resume(slot);
        }
    }

    /// Goes on telling a socket that is behind, until it is full, live, or must read the journal.
    pub(super) fn resume(&mut self, slot: usize) {
        while self.resume_once(slot) {}
    }

    /// Makes one step; tells whether another makes sense.
    fn resume_once(&mut self, slot: usize) -> bool {
        let key = self.key(slot);
        let Some(socket) = self.sockets.get_mut(slot) else { return false };
        if !socket.is_ready() {
            return false;
        }
        let Some(subscriber) = &mut socket.subscriber else { return false };
        let Flow::Behind(behind) = &mut subscriber.flow else { return false };
        let account = subscriber.subscription.account;
        let Some(watched) = self.accounts.get(&account) else { return false };
        if behind.is_reading {
            return false;
        }
        if behind.cursor >= watched.seen && behind.cursor >= behind.whole_until {
            subscriber.flow = Flow::Live { floor: behind.cursor };
            return false;
        }
        let missed = watched.seen.saturating_sub(behind.cursor);
        let may_coalesce =
            !behind.is_exact() && missed > self.context.house.config.coalesce_after as u64;
        if behind.cursor >= behind.whole_until
            && !may_coalesce
            && let Slice::Events(events) = watched.lane.after(behind.cursor, PAGE)
            && let Some(last) = events.last()
        {
            let next = last.offset();
            return self.catch(slot, &events, next);
        }
        behind.is_reading = true;
        let lane = Arc::clone(&watched.lane);
        read_for(&self.context, key, subscriber.subscription.id, lane, *behind);
        false
    }

    /// Goes on with a page that was read; without one the past is gone and the socket is closed:
    /// its client comes back and is told so.
    pub(super) fn page(
        &mut self,
        key: SocketKey,
        subscription: SubscriptionId,
        page: Option<ReadPage>,
    ) {
        let Some(slot) = self.slot(key) else { return };
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        if socket.subscription() != Some(subscription) {
            return;
        }
        let is_ready = socket.is_ready();
        let Some(subscriber) = &mut socket.subscriber else { return };
        let Flow::Behind(behind) = &mut subscriber.flow else { return };
        behind.is_reading = false;
        let Some(page) = page else {
            return self.close(slot, close::INTERNAL, "missed notifications are not kept any more");
        };
        if page.events.is_empty() && page.next <= behind.cursor {
            let account = subscriber.subscription.account;
            tracing::error!(account.id = %account, "the journal lacks what its feed has told");
            return self.close(slot, close::INTERNAL, "missed notifications cannot be read");
        }
        if !is_ready {
            return;
        }
        behind.leave_out(page.whole_until);
        if self.catch(slot, &page.events, page.next) {
            self.resume(slot);
        }
    }

    /// Tells a socket that is behind of `events`; after all of them it stands at `next`. Tells
    /// whether it took all.
    fn catch(&mut self, slot: usize, events: &[Arc<Outgoing>], next: u64) -> bool {
        let Some(socket) = self.sockets.get_mut(slot) else { return false };
        let Some(Flow::Behind(behind)) = socket.subscriber.as_ref().map(|it| it.flow) else {
            return false;
        };
        let floor = behind.cursor;
        let printed = self.press.print(&self.context, socket, events.iter(), floor, Told::Late);
        let (cursor, took_all) = match printed {
            Ok(Printed::All) => (next, true),
            Ok(Printed::UpTo(cursor)) => (cursor, false),
            Err(_) => {
                self.drop_socket(slot);
                return false;
            }
        };
        if let Some(subscriber) = &mut socket.subscriber {
            subscriber.flow = Flow::Behind(Behind { cursor: cursor.max(floor), ..behind });
        }
        self.relist(slot);
        took_all
    }
}
