//! Time and the end of sockets: pings, limits of silence and of age, holds that last too long, and
//! how a socket is closed.

use std::time::Duration;

use lampfield_core::Timestamp;

use crate::websocket::codec::close;
use crate::websocket::shard::{Hold, Laggard, Shard};
use crate::websocket::socket::{Phase, Socket};
use crate::websocket::subscriber::Flow;

/// Between two looks at all sockets.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a socket is due for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    Ping,
    /// It is dead.
    Drop,
    Idle,
    TooOld,
}

impl Shard {
    /// Does what time demands.
    pub(super) fn tick(&mut self) {
        let now = self.context.now();
        self.end_holds(now);
        if now.since(self.ticked_at) < LOOK_EVERY {
            return;
        }
        self.ticked_at = now;
        for slot in self.slots() {
            match self.sockets.get(slot).map_or(Due::Nothing, |socket| self.due(socket, now)) {
                Due::Nothing => {}
                Due::Ping => self.ping(slot, now),
                Due::Drop => self.drop_socket(slot),
                Due::Idle => {
                    self.send_error(slot, None, 408, "WSG-902", "Idle timeout expired");
                    self.close(slot, close::NORMAL, "idle timeout expired");
                }
                Due::TooOld => {
                    self.send_error(slot, None, 408, "WSG-903", "Absolute timeout expired");
                    self.close(slot, close::NORMAL, "absolute timeout expired");
                }
            }
        }
        self.publish_lag();
    }

    fn due(&self, socket: &Socket, now: Timestamp) -> Due {
        let config = self.context.config();
        if let Phase::Closing { until, .. } = socket.phase {
            return if now >= until { Due::Drop } else { Due::Nothing };
        }
        if now.since(socket.opened_at) >= config.absolute_timeout {
            return Due::TooOld;
        }
        if now.since(socket.heard_at) >= config.idle_timeout {
            return Due::Idle;
        }
        if socket.is_blocked {
            // A ping would stand behind all that waits: what counts is whether anything moves.
            let since = socket.moved_at.max(socket.heard_at).max(socket.pinged_at);
            let patience = config.ping_every + config.pong_within;
            return if now.since(since) >= patience { Due::Drop } else { Due::Nothing };
        }
        let was_answered = socket.pings == 0 || socket.heard_at >= socket.pinged_at;
        let waited = now.since(socket.pinged_at);
        // A slow reader may still have the ping before it: it lives while it takes anything.
        if !was_answered && now.since(socket.pinged_at.max(socket.moved_at)) >= config.pong_within {
            return Due::Drop;
        }
        if waited >= config.ping_every { Due::Ping } else { Due::Nothing }
    }

    /// Asks a socket for a sign of life, and the other half whether its log-in still lives; looks
    /// whether its filters may still be served.
    fn ping(&mut self, slot: usize, now: Timestamp) {
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        let session = socket.session.as_ref().map(|session| session.id);
        if let Some(session) = session
            && let Some(gateway) = self.context.gateway()
            && !gateway.is_alive(session)
        {
            return self.close(slot, close::POLICY, "session has ended");
        }
        let mut ping = Vec::with_capacity(8);
        socket.ping(&mut ping, now);
        let subscription = socket.subscription();
        self.send(slot, &ping);
        if let Some(subscription) = subscription {
            self.refresh(self.key(slot), subscription);
        }
    }

    /// Sends a ping and lets notifications wait for its pong. `hold_max` is the longest wait.
    pub(super) fn hold(&mut self, slot: usize) {
        let now = self.context.now();
        let key = self.key(slot);
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        if socket.phase != Phase::Open {
            return;
        }
        let mut frame = Vec::with_capacity(8);
        let ping = socket.ping(&mut frame, now);
        socket.hold = Some(ping);
        let until = now.after(self.context.config().hold_max);
        self.holds.push_back(Hold { until, socket: key, ping });
        self.send(slot, &frame);
    }

    fn end_holds(&mut self, now: Timestamp) {
        while let Some(hold) = self.holds.front().copied().filter(|hold| hold.until <= now) {
            self.holds.pop_front();
            let Some(slot) = self.slot(hold.socket) else { continue };
            let Some(socket) = self.sockets.get_mut(slot) else { continue };
            if socket.hold == Some(hold.ping) {
                socket.hold = None;
                self.resume(slot);
            }
        }
    }

    /// Writes frames to a socket, behind everything that waits for it; drops it when too much does.
    pub(super) fn send(&mut self, slot: usize, frames: &[u8]) {
        let waiting_max = self.context.config().answer_backlog_max;
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        if socket.phase == Phase::Open && socket.send(frames, waiting_max).is_err() {
            self.drop_socket(slot);
        }
    }

    /// Begins to close a socket; its subscription waits for its client from now on.
    pub(super) fn close(&mut self, slot: usize, code: u16, reason: &str) {
        self.detach(slot);
        let config = self.context.config();
        let until = self.context.now().after(config.pong_within);
        let waiting_max = config.answer_backlog_max;
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        if socket.close(code, reason, waiting_max, until).is_err() {
            return self.drop_socket(slot);
        }
        self.settle(slot);
    }

    /// Shows outside which sockets are behind, and by how much the slowest is.
    fn publish_lag(&self) {
        let laggards: Vec<_> =
            self.sockets.iter().filter_map(|(_, socket)| self.laggard(socket)).collect();
        *self.handle.laggards.lock() = laggards;
        self.context.publish_lag();
    }

    fn laggard(&self, socket: &Socket) -> Option<Laggard> {
        let subscriber = socket.subscriber.as_ref()?;
        let Flow::Behind(behind) = subscriber.flow else { return None };
        let watched = self.accounts.get(&subscriber.subscription.account)?;
        let lane = std::sync::Arc::clone(&watched.lane);
        let subscription = subscriber.subscription.id;
        Some(Laggard { subscription, lane, cursor: behind.cursor })
    }
}
