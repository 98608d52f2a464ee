//! What clients say: requests and heartbeats, pings and goodbyes; and the answers to them.

use std::panic::AssertUnwindSafe;

use bytes::Bytes;
use futures_util::FutureExt;
use lampfield_contract::{
    ApiError, ClientFrame, ClientRequest, Wsc, parse_client_frame, write_heartbeat, write_response,
};
use lampfield_core::{Position, SubscriptionId};

use crate::gateway::{SocketAnswer, SocketEffect, SocketRequest};
use crate::websocket::codec::{Incoming, Opcode, append_control, begin_text, close, end_text};
use crate::websocket::numbering;
use crate::websocket::roster::SocketKey;
use crate::websocket::shard::{Command, Shard};
use crate::websocket::socket::Phase;
use crate::websocket::token::RecoveryToken;

/// Frames that cannot be understood, after which a client is given up.
const FAULTS_MAX: u32 = 16;

impl Shard {
    /// Hears one thing from a client.
    pub(super) fn hear(&mut self, slot: usize, incoming: Incoming) {
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        if let Phase::Closing { .. } = socket.phase {
            // Our close frame is on its way: only its answer matters.
            if matches!(incoming, Incoming::Close(_)) {
                self.drop_socket(slot);
            }
            return;
        }
        match incoming {
            Incoming::Text(text) => self.frame(slot, &text),
            Incoming::Ping(payload) => {
                let mut pong = Vec::with_capacity(payload.len() + 2);
                append_control(&mut pong, Opcode::Pong, &payload);
                self.send(slot, &pong);
            }
            Incoming::Pong(payload) => {
                if socket.pong(&payload) {
                    self.resume(slot);
                }
            }
            Incoming::Close(code) => {
                self.close(slot, code.unwrap_or(close::NORMAL), "");
                if let Some(socket) = self.sockets.get_mut(slot)
                    && let Phase::Closing { until, .. } = socket.phase
                {
                    socket.phase = Phase::Closing { until, is_answer: true };
                }
                self.settle(slot);
            }
        }
    }

    fn frame(&mut self, slot: usize, text: &str) {
        match parse_client_frame(text) {
            Ok(ClientFrame::Heartbeat { message_id }) => {
                self.send_text(slot, |out| write_heartbeat(out, &message_id));
            }
            Ok(ClientFrame::Request(request)) => self.request(slot, request),
            Err(error) => {
                let message = error.problem.to_string();
                self.send_error(slot, error.message_id.as_deref(), 400, "WSG-400", &message);
                let Some(socket) = self.sockets.get_mut(slot) else { return };
                socket.faults += 1;
                if socket.faults >= FAULTS_MAX {
                    self.close(slot, close::POLICY, "too many frames that are none");
                }
            }
        }
    }

    /// Has a request answered beside the shard.
    fn request(&mut self, slot: usize, request: ClientRequest) {
        let requests_max = self.context.config().requests_max;
        let key = self.key(slot);
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        if usize::try_from(socket.requests).unwrap_or(usize::MAX) >= requests_max {
            return self.send_failure(slot, &request.message_id, &ApiError::too_many_at_once());
        }
        let Some(gateway) = self.context.gateway() else {
            return self.send_failure(slot, &request.message_id, &ApiError::overloaded(1));
        };
        let Some(session) = socket.session.clone() else { return };
        socket.requests += 1;
        socket.requests_total = socket.requests_total.wrapping_add(1);
        let ClientRequest { message_id, method, path, query, headers, body } = request;
        let request = SocketRequest {
            session,
            request_id: format!("{}-{}", socket.connection.hyphenated(), socket.requests_total),
            subscription: socket.subscription(),
            method,
            path,
            query,
            headers,
            body: Bytes::from(body),
        };
        let context = std::sync::Arc::clone(&self.context);
        self.context.runtime.spawn(async move {
            let call = AssertUnwindSafe(gateway.call(request)).catch_unwind();
            let answer = Box::new(call.await.unwrap_or_else(|_| failure(&ApiError::internal())));
            context.command(key, Command::Answer { socket: key, message_id, answer });
        });
    }

    /// Writes an answer; what it does to the socket happens in the same moment.
    pub(super) fn answer(&mut self, key: SocketKey, message_id: &str, answer: SocketAnswer) {
        let SocketAnswer { status, headers, body, effect } = answer;
        let Some(slot) = self.slot(key) else { return self.answer_nobody(effect) };
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        socket.requests = socket.requests.saturating_sub(1);
        if socket.phase != Phase::Open {
            return self.answer_nobody(effect);
        }
        let begins = self.take_effect(slot, effect);
        let wsc = begins.and_then(|(id, offset)| self.next_token(slot, id, offset));
        self.send_text(slot, |out| {
            let start = out.len();
            write_response(out, message_id, status, &headers, Some(body.as_ref()));
            if let Some((token, sequence)) = &wsc {
                insert_wsc(out, start, Wsc { token, sequence: *sequence });
            }
        });
        if begins.is_some() {
            // Nothing may reach the client in the same read as this answer (clients.md 1).
            self.hold(slot);
        }
    }

    /// Does what an answer does to its socket; returns what begins on it, and after which offset.
    fn take_effect(&mut self, slot: usize, effect: SocketEffect) -> Option<(SubscriptionId, u64)> {
        let socket = self.sockets.get(slot)?;
        match effect {
            SocketEffect::None => None,
            SocketEffect::Subscribed(subscription) => {
                let id = subscription.id;
                // Somebody may have removed or changed it since the answer was made.
                let subscription = self.context.house.registry.subscription(id)?;
                if socket.subscription() == Some(id) {
                    self.update(slot, subscription);
                    return None;
                }
                if let Some(before) = socket.subscription() {
                    self.replace(slot, before);
                }
                let (told, before) = self.context.roster.attach(id, self.key(slot));
                if let Some(before) = before {
                    self.send_supersede(before, id);
                }
                let cursor = self.beginning(&subscription, told);
                self.attach(slot, subscription, cursor);
                Some((id, cursor))
            }
            SocketEffect::Unsubscribed(id) => {
                if socket.subscription() == Some(id) {
                    self.unsubscribe(slot);
                }
                self.context.roster.forget(id);
                None
            }
        }
    }

    /// Takes what lived on a socket off it. A request that was made before that lived there could not
    /// remove it: then it is still there, and is removed now.
    fn replace(&mut self, slot: usize, before: SubscriptionId) {
        self.unsubscribe(slot);
        if self.context.house.registry.subscription(before).is_some() {
            self.context.roster.give_up(before);
        }
    }

    /// Returns after which offset a subscription is told that begins on a socket.
    fn beginning(
        &self,
        subscription: &lampfield_core::subscription::Subscription,
        told: Option<u64>,
    ) -> u64 {
        let head = self.context.house.journal.head(subscription.account).position;
        let from = if subscription.from.epoch == head.epoch {
            subscription.from.offset.min(head.offset)
        } else {
            head.offset
        };
        told.map_or(from, |told| told.max(from))
    }

    /// Takes note of what an answer did whose socket is gone.
    fn answer_nobody(&self, effect: SocketEffect) {
        match effect {
            SocketEffect::None => {}
            SocketEffect::Subscribed(subscription) => {
                let is_there = self.context.house.registry.subscription(subscription.id).is_some();
                if is_there {
                    self.context.roster.adopt(subscription.id, self.context.now());
                }
            }
            SocketEffect::Unsubscribed(id) => self.context.roster.forget(id),
        }
    }

    /// Makes the recovery token of a subscription that begins: a client that loses its socket before
    /// the first notification recovers too.
    fn next_token(
        &mut self,
        slot: usize,
        subscription: SubscriptionId,
        offset: u64,
    ) -> Option<(String, u32)> {
        let epoch = self.context.epoch();
        let socket = self.sockets.get_mut(slot)?;
        let session = socket.session.as_ref()?.id;
        socket.number = numbering::next(socket.number);
        self.context.numbering.note(usize::from(self.handle.index), socket.number);
        let position = Position { epoch, offset };
        let token = RecoveryToken { subscription: Some(subscription), session, position }.text();
        Some((token.as_str().to_owned(), socket.number))
    }

    fn send_failure(&mut self, slot: usize, message_id: &str, error: &ApiError) {
        let SocketAnswer { status, headers, body, effect: _ } = failure(error);
        self.send_text(slot, |out| {
            write_response(out, message_id, status, &headers, Some(body.as_ref()));
        });
    }

    fn send_text(&mut self, slot: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let start = begin_text(&mut out);
        write(&mut out);
        end_text(&mut out, start);
        self.send(slot, &out);
        self.out = out;
    }
}

/// Makes the answer of an error.
fn failure(error: &ApiError) -> SocketAnswer {
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if let Some(seconds) = error.retry_after {
        headers.push(("Retry-After".to_owned(), seconds.to_string()));
    }
    let body = Bytes::from(error.body().to_string());
    SocketAnswer { status: error.status, headers, body, effect: SocketEffect::None }
}

/// Puts a recovery token in front of the other members of a frame's meta; any frame may bear one.
fn insert_wsc(out: &mut Vec<u8>, start: usize, wsc: Wsc<'_>) {
    let member = format!("\"wsc\":{{\"token\":\"{}\",\"sequence\":{}}},", wsc.token, wsc.sequence);
    let at = start + "[{".len();
    out.splice(at..at, member.into_bytes());
}
