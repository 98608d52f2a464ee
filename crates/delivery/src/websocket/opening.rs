//! How a socket begins: it is let in or refused, and what it asks to recover is looked for, before
//! anything is written to it.
//!
//! Whether a recovery succeeds is decided before `ConnectionDetails` says so: the client is told
//! of everything it has missed, or that it must begin anew; never of a part.

use std::net::TcpStream;
use std::sync::Arc;

use bytes::Bytes;
use lampfield_contract::{
    RECOVERY_NOTHING_TO_RECOVER, RECOVERY_OTHER_SESSION, RecoveryOutcome, Wsc,
    write_connection_details, write_error,
};
use lampfield_core::directory::Session;
use lampfield_core::subscription::Subscription;
use lampfield_core::{Position, SessionId, SubscriptionId};

use crate::feed::{Caught, catch_up};
use crate::gateway::{Hello, Welcome};
use crate::metrics::Greeted;
use crate::websocket::codec::{begin_text, close, end_text};
use crate::websocket::context::Context;
use crate::websocket::roster::Crowded;
use crate::websocket::shard::{Command, Shard};
use crate::websocket::token::RecoveryToken;

/// A socket on its way to a shard.
#[derive(Debug)]
pub(crate) struct Opening {
    stream: TcpStream,
    read_ahead: Bytes,
    greeting: Greeting,
}

/// How a socket is greeted.
#[derive(Debug)]
enum Greeting {
    /// With an Error frame and a close frame.
    Refuse(Refusal),
    /// With `ConnectionDetails`. `base` is the number of their recovery token.
    Welcome { session: Arc<Session>, base: u32, recovery: Option<Recovery> },
}

#[derive(Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    close: u16,
    /// The log-in for which the socket was counted.
    counted: Option<SessionId>,
}

/// What became of a client's wish to recover.
#[derive(Debug)]
enum Recovery {
    /// It goes on where it was.
    Successful { subscription: Arc<Subscription>, position: Position },
    /// It begins anew.
    Failed { code: &'static str },
}

impl Opening {
    /// Tells for which log-in the socket was counted.
    fn counted(&self) -> Option<SessionId> {
        match &self.greeting {
            Greeting::Refuse(refusal) => refusal.counted,
            Greeting::Welcome { session, .. } => Some(session.id),
        }
    }
}

/// Decides how a socket is greeted, and leaves it to a shard.
pub(super) async fn open(
    context: Arc<Context>,
    stream: TcpStream,
    read_ahead: Bytes,
    hello: Hello,
    shard: usize,
) {
    let session = hello.as_ref().ok().map(|welcome| welcome.session.id);
    let config = context.config();
    let entered = context.roster.enter(session, config.sockets_max, config.sockets_per_session_max);
    let greeting = match (entered, hello) {
        // Nothing can be said in order: the connection just ends.
        (Err(Crowded::Hopeless), _) => return,
        (Err(crowded), _) => Greeting::Refuse(crowding(crowded)),
        (Ok(()), Err(refusal)) => Greeting::Refuse(Refusal {
            status: refusal.status,
            code: refusal.code,
            message: refusal.message,
            close: close::POLICY,
            counted: None,
        }),
        (Ok(()), Ok(welcome)) => greet(&context, welcome).await,
    };
    let opening = Opening { stream, read_ahead, greeting };
    match context.shards().get(shard) {
        Some(shard) => shard.send(Command::Open(Box::new(opening))),
        None => context.roster.leave(opening.counted()),
    }
}

fn crowding(crowded: Crowded) -> Refusal {
    match crowded {
        Crowded::Session => Refusal {
            status: 429,
            code: "WSG-429",
            message: "Maximum number of connections of this session is reached".to_owned(),
            close: close::POLICY,
            counted: None,
        },
        Crowded::Server | Crowded::Hopeless => Refusal {
            status: 503,
            code: "WSG-503",
            message: "The server has as many connections as it can take".to_owned(),
            close: close::OVERLOAD,
            counted: None,
        },
    }
}

fn revoked() -> Refusal {
    Refusal {
        status: 401,
        code: "WSG-401",
        message: "The log-in of this token has ended".to_owned(),
        close: close::POLICY,
        counted: None,
    }
}

async fn greet(context: &Context, welcome: Welcome) -> Greeting {
    let Welcome { session, wsc } = welcome;
    let token = match wsc.as_deref().map(RecoveryToken::parse).transpose() {
        Ok(token) => token,
        Err(malformed) => {
            return Greeting::Refuse(Refusal {
                status: 400,
                code: "WSG-400",
                message: malformed.to_string(),
                close: close::POLICY,
                counted: Some(session.id),
            });
        }
    };
    let base = match context.numbering.base(&context.house.registry, context.now()).await {
        Ok(base) => base,
        Err(error) => {
            tracing::error!(%error, "no recovery tokens can be given out");
            return Greeting::Refuse(Refusal {
                status: 503,
                code: "WSG-503",
                message: "The server takes no connections now".to_owned(),
                close: close::OVERLOAD,
                counted: Some(session.id),
            });
        }
    };
    let recovery = match token {
        Some(token) => Some(look_for(context, &session, token).await),
        None => None,
    };
    Greeting::Welcome { session, base, recovery }
}

/// Looks for what a token tells to recover.
async fn look_for(context: &Context, session: &Session, token: RecoveryToken) -> Recovery {
    let nothing = Recovery::Failed { code: RECOVERY_NOTHING_TO_RECOVER };
    if token.session != session.id {
        return Recovery::Failed { code: RECOVERY_OTHER_SESSION };
    }
    let house = &context.house;
    let Some(id) = token.subscription else { return nothing };
    let Some(subscription) = house.registry.subscription(id) else { return nothing };
    if !subscription.is_socket() || !context.roster.knows(id) {
        return nothing;
    }
    if subscription.session != session.id {
        return Recovery::Failed { code: RECOVERY_OTHER_SESSION };
    }
    let position = no_earlier(token.position, subscription.from);
    let lane = house.feed.lane(subscription.account);
    match catch_up(house.journal.as_ref(), &lane, position, 1, None).await {
        Ok(Caught::Events(_) | Caught::Newest { .. }) => {
            Recovery::Successful { subscription, position }
        }
        Ok(Caught::Unrecoverable) => nothing,
        Err(error) => {
            tracing::error!(%error, subscription.id = %id, "a session cannot be recovered");
            nothing
        }
    }
}

/// A token cannot reach back before its subscription began.
fn no_earlier(token: Position, from: Position) -> Position {
    let same = token.epoch == from.epoch && token.offset < from.offset;
    if same { from } else { token }
}

impl Shard {
    /// Takes over a socket: greets it, then listens.
    pub(super) fn open(&mut self, opening: Opening) {
        let counted = opening.counted();
        let Opening { stream, read_ahead, greeting } = opening;
        let slot = match self.admit(stream) {
            Ok(slot) => slot,
            Err(error) => {
                tracing::warn!(%error, "a socket cannot be taken over");
                return self.context.roster.leave(counted);
            }
        };
        if let Some(socket) = self.sockets.get_mut(slot) {
            socket.counted_for = counted;
        }
        match greeting {
            Greeting::Refuse(refusal) => self.refuse(slot, &refusal),
            Greeting::Welcome { session, base, recovery } => {
                self.welcome(slot, session, base, recovery);
            }
        }
        if self.is_stopping() {
            self.close(slot, close::GOING_AWAY, "server stops");
        }
        self.read_ahead(slot, &read_ahead);
    }

    fn refuse(&mut self, slot: usize, refusal: &Refusal) {
        self.context.metrics.greeted(Greeted::Refused);
        self.send_error(slot, None, refusal.status, refusal.code, &refusal.message);
        self.close(slot, refusal.close, &refusal.message);
    }

    fn welcome(
        &mut self,
        slot: usize,
        session: Arc<Session>,
        base: u32,
        recovery: Option<Recovery>,
    ) {
        let id = session.id;
        // Its token was looked at a while ago; whoever is revoked later finds the socket here.
        if self.context.gateway().is_some_and(|gateway| !gateway.is_alive(id)) {
            return self.refuse(slot, &revoked());
        }
        if let Some(socket) = self.sockets.get_mut(slot) {
            socket.session = Some(session);
            socket.number = base;
        }
        self.context.numbering.note(usize::from(self.handle.index), base);
        let nowhere = Position { epoch: self.context.epoch(), offset: 0 };
        match recovery {
            None => {
                self.context.metrics.greeted(Greeted::Fresh);
                self.send_details(slot, id, None, nowhere, None);
            }
            Some(Recovery::Failed { code }) => {
                self.context.metrics.greeted(Greeted::RecoveryFailed);
                let outcome = RecoveryOutcome::Failed { code };
                self.send_details(slot, id, None, nowhere, Some(outcome));
            }
            Some(Recovery::Successful { subscription, position }) => {
                self.welcome_back(slot, id, subscription, position);
            }
        }
    }

    /// Gives a subscription to the socket on which its client came back, if it is still there.
    fn welcome_back(
        &mut self,
        slot: usize,
        session: SessionId,
        subscription: Arc<Subscription>,
        position: Position,
    ) {
        let id = subscription.id;
        let key = self.key(slot);
        let Ok(before) = self.context.roster.recover(id, key) else {
            self.context.metrics.greeted(Greeted::RecoveryFailed);
            let outcome = RecoveryOutcome::Failed { code: RECOVERY_NOTHING_TO_RECOVER };
            let nowhere = Position { offset: 0, ..position };
            return self.send_details(slot, session, None, nowhere, Some(outcome));
        };
        if let Some(before) = before {
            self.send_supersede(before, id);
        }
        self.context.metrics.greeted(Greeted::Recovered);
        let outcome = Some(RecoveryOutcome::Successful);
        self.attach(slot, subscription, position.offset);
        self.send_details(slot, session, Some(id), position, outcome);
        // Nothing may reach the client in the same read as ConnectionDetails (clients.md 1).
        self.hold(slot);
    }

    fn send_details(
        &mut self,
        slot: usize,
        session: SessionId,
        subscription: Option<SubscriptionId>,
        position: Position,
        outcome: Option<RecoveryOutcome>,
    ) {
        let Some(socket) = self.sockets.get(slot) else { return };
        let token = RecoveryToken { subscription, session, position }.text();
        let wsc = Wsc { token: token.as_str(), sequence: socket.number };
        let id = socket.connection.hyphenated().to_string();
        let (limits, now) = (self.context.limits(), self.context.now());
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let start = begin_text(&mut out);
        write_connection_details(&mut out, &id, wsc, &limits, outcome, now);
        end_text(&mut out, start);
        self.send(slot, &out);
        self.out = out;
    }

    /// Sends an Error frame. `message_id` is the client's, where it is known.
    pub(super) fn send_error(
        &mut self,
        slot: usize,
        message_id: Option<&str>,
        status: u16,
        code: &str,
        message: &str,
    ) {
        let Some(socket) = self.sockets.get(slot) else { return };
        let own = socket.connection.hyphenated().to_string();
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        let start = begin_text(&mut out);
        write_error(&mut out, message_id.unwrap_or(&own), status, code, message);
        end_text(&mut out, start);
        self.send(slot, &out);
        self.out = out;
    }
}
