//! Where requests that come over a socket are answered: the REST half of the house.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use lampfield_core::directory::Session;
use lampfield_core::subscription::Subscription;
use lampfield_core::{SessionId, SubscriptionId};
use lampfield_journal::BoxFuture;

/// What a new socket is greeted with; decided from its token before the upgrade.
pub type Hello = Result<Welcome, HelloRefusal>;

/// A socket whose token is good.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// The OAuth session it belongs to.
    pub session: Arc<Session>,
    /// The recovery token (`wsc`) that the client presented, unparsed.
    pub wsc: Option<String>,
}

/// A socket whose token is not: it is upgraded, told so in an Error frame, and closed (clients.md 3).
#[derive(Debug, Clone)]
pub struct HelloRefusal {
    /// HTTP status in the frame.
    pub status: u16,
    /// Code such as `WSG-401`.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
}

/// A `ClientRequest`.
#[derive(Debug, Clone)]
pub struct SocketRequest {
    /// Who asks.
    pub session: Arc<Session>,
    /// The socket's request id base; the answer's `RCRequestId` is made from it.
    pub request_id: String,
    /// The subscription that lives on this socket, if any.
    pub subscription: Option<SubscriptionId>,
    /// Method, upper case.
    pub method: String,
    /// Absolute path without query.
    pub path: String,
    /// Query, decoded.
    pub query: Vec<(String, String)>,
    /// Headers that the client put into the frame.
    pub headers: Vec<(String, String)>,
    /// Body; empty when there is none.
    pub body: Bytes,
}

/// The answer to a `ClientRequest`.
#[derive(Debug, Clone)]
pub struct SocketAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers for the frame.
    pub headers: Vec<(String, String)>,
    /// JSON (or multipart) body; empty for none.
    pub body: Bytes,
    /// What it does to the socket, in the same moment as the answer is written.
    pub effect: SocketEffect,
}

/// What an answer does to its socket.
#[derive(Debug, Clone)]
pub enum SocketEffect {
    /// Nothing.
    None,
    /// This subscription now lives on the socket (created, replaced or updated); it is already durable.
    /// Notifications start at [`Subscription::from`] for a new one and go on for an updated one.
    Subscribed(Arc<Subscription>),
    /// The socket's subscription is gone: nothing of it is written any more.
    Unsubscribed(SubscriptionId),
}

/// Answers requests that come over sockets.
pub trait Gateway: Send + Sync + fmt::Debug {
    /// Answers one request. Never fails: errors are answers.
    fn call(&self, request: SocketRequest) -> BoxFuture<'static, SocketAnswer>;

    /// Tells whether a session still lives; asked when a socket has been quiet.
    fn is_alive(&self, session: SessionId) -> bool;
}
