//! Subscriptions come to sockets and leave them.

use std::sync::Arc;

use lampfield_core::subscription::Subscription;
use lampfield_core::{SessionId, SubscriptionId};

use crate::watching::filters_of;
use crate::websocket::codec::close;
use crate::websocket::roster::SocketKey;
use crate::websocket::shard::{Command, Shard};
use crate::websocket::socket::Socket;
use crate::websocket::subscriber::{Flow, Moved, Subscriber, Watched};

impl Shard {
    /// Puts a subscription on a socket, in place of any other; it is told of everything after
    /// `cursor` as soon as the socket is ready. The roster knows already.
    pub(super) fn attach(&mut self, slot: usize, subscription: Arc<Subscription>, cursor: u64) {
        self.take_off(slot);
        let account = subscription.account;
        let index = usize::from(self.handle.index);
        let context = &self.context;
        let watched = self.accounts.entry(account).or_insert_with(|| {
            let lane = context.house.feed.lane(account);
            // Watched before the head is read: what comes later is told.
            lane.watch(index);
            Watched::new(lane)
        });
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        let house = &context.house;
        let wants = filters_of(&house.registry, house.journal.newest(), &subscription);
        let mut subscriber = Subscriber::new(subscription, wants, cursor, watched.seen);
        watched.enlist(number(slot), &mut subscriber);
        socket.subscriber = Some(Box::new(subscriber));
    }

    /// Takes the subscription off a socket that goes: it waits for its client.
    pub(super) fn detach(&mut self, slot: usize) {
        let key = self.key(slot);
        let seen = self
            .sockets
            .get(slot)
            .and_then(|socket| socket.subscriber.as_ref())
            .and_then(|subscriber| self.accounts.get(&subscriber.subscription.account))
            .map_or(0, |watched| watched.seen);
        let Some(subscriber) = self.take_off(slot) else { return };
        let told = match subscriber.flow {
            Flow::Live { floor } => seen.max(floor),
            Flow::Behind(behind) => behind.place(),
        };
        let now = self.context.now();
        self.context.roster.detach(subscriber.subscription.id, key, Some(told), now);
    }

    /// Takes the subscription off a socket for good: nothing of it is written any more.
    pub(super) fn unsubscribe(&mut self, slot: usize) {
        if let Some(subscriber) = self.take_off(slot) {
            self.context.roster.forget(subscriber.subscription.id);
        }
        if let Some(socket) = self.sockets.get_mut(slot) {
            socket.hold = None;
        }
    }

    /// Serves a changed subscription from where it stands.
    pub(super) fn update(&mut self, slot: usize, subscription: Arc<Subscription>) {
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        let Some(mut subscriber) = socket.subscriber.take() else { return };
        let house = &self.context.house;
        let wants = filters_of(&house.registry, house.journal.newest(), &subscription);
        if wants == subscriber.wants {
            subscriber.subscription = subscription;
            socket.subscriber = Some(subscriber);
            return;
        }
        let account = subscriber.subscription.account;
        let Some(watched) = self.accounts.get_mut(&account) else { return };
        let moved = watched.strike(number(slot), &subscriber);
        subscriber.wants = wants;
        subscriber.subscription = subscription;
        watched.enlist(number(slot), &mut subscriber);
        socket.subscriber = Some(subscriber);
        if let Some(moved) = moved {
            self.reseat(moved);
        }
    }

    /// Lists a socket anew whose followed lists have changed.
    pub(super) fn relist(&mut self, slot: usize) {
        let Some(subscriber) = self.sockets.get_mut(slot).and_then(|it| it.subscriber.as_mut())
        else {
            return;
        };
        if !subscriber.is_listed_wrongly() {
            return;
        }
        let Some(watched) = self.accounts.get_mut(&subscriber.subscription.account) else { return };
        let moved = watched.strike(number(slot), subscriber);
        watched.enlist(number(slot), subscriber);
        if let Some(moved) = moved {
            self.reseat(moved);
        }
    }

    /// Looks a subscription up that somebody else changed or removed.
    pub(super) fn refresh(&mut self, key: SocketKey, id: SubscriptionId) {
        let Some(slot) = self.slot(key) else { return };
        if self.sockets.get(slot).and_then(Socket::subscription) != Some(id) {
            return;
        }
        match self.context.house.registry.subscription(id) {
            Some(subscription) if subscription.is_socket() => self.update(slot, subscription),
            Some(_) | None => self.unsubscribe(slot),
        }
    }

    /// Closes a socket whose subscription lives on another now.
    pub(super) fn supersede(&mut self, key: SocketKey, id: SubscriptionId) {
        let Some(slot) = self.slot(key) else { return };
        if self.sockets.get(slot).and_then(Socket::subscription) == Some(id) {
            self.close(slot, close::NORMAL, "superseded");
        }
    }

    /// Closes the sockets of a log-in that was revoked.
    pub(super) fn revoke(&mut self, session: SessionId) {
        for slot in self.slots() {
            let theirs = self.sockets.get(slot).and_then(|socket| socket.session.as_ref());
            if theirs.is_some_and(|theirs| theirs.id == session) {
                self.close(slot, close::POLICY, "session is revoked");
            }
        }
    }

    /// Leaves word for the shard of a socket whose subscription was taken from it.
    pub(super) fn send_supersede(&self, before: SocketKey, subscription: SubscriptionId) {
        self.context.command(before, Command::Supersede { socket: before, subscription });
    }

    fn take_off(&mut self, slot: usize) -> Option<Box<Subscriber>> {
        let subscriber = self.sockets.get_mut(slot)?.subscriber.take()?;
        let account = subscriber.subscription.account;
        let watched = self.accounts.get_mut(&account)?;
        let moved = watched.strike(number(slot), &subscriber);
        if watched.is_empty() {
            watched.lane.unwatch(usize::from(self.handle.index));
            self.accounts.remove(&account);
        }
        if let Some(moved) = moved {
            self.reseat(moved);
        }
        Some(subscriber)
    }

    fn reseat(&mut self, moved: Moved) {
        let Ok(slot) = usize::try_from(moved.slot) else { return };
        let socket = self.sockets.get_mut(slot);
        if let Some(subscriber) = socket.and_then(|socket| socket.subscriber.as_mut()) {
            moved.apply(subscriber);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a shard has fewer than 2^32 sockets")]
const fn number(slot: usize) -> u32 {
    slot as u32
}
