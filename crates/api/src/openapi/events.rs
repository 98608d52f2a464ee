//! The AsyncAPI document: events over WebSocket, webhook and stream.

use serde_json::{Map, Value, json};

use crate::openapi::schema::{
    Named, Schema, anything, count, may, must, named, object, text, word,
};
use crate::openapi::{notifications, subject};

const ABOUT: &str = "Events of presence: over a WebSocket in RingCentral's frames, to a webhook, or as \
    a stream of server-sent events. Whichever way it comes, a change has the same body and the same \
    `sequence`; a repeat has the same `uuid`.";

/// A message: its name, what it is, what it carries.
type Message = (&'static str, &'static str, Schema);

/// A channel: its name, address and meaning; what the server sends on it and what it receives.
struct Channel {
    name: &'static str,
    address: &'static str,
    about: &'static str,
    binding: Value,
    sends: Vec<Message>,
    receives: Vec<Message>,
}

/// Returns the AsyncAPI document.
pub(super) fn document() -> Value {
    let channels = [socket(), webhook(), stream()];
    let mut messages = Map::new();
    let mut operations = Map::new();
    let mut addresses = Map::new();
    for channel in channels {
        for (name, about, payload) in channel.sends.iter().chain(&channel.receives) {
            messages.insert((*name).to_owned(), message(name, about, payload));
        }
        operations.extend(channel.operations());
        addresses.insert(channel.name.to_owned(), channel.into_value());
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Lampfield",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "channels": addresses,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas() },
    })
}

impl Channel {
    fn operations(&self) -> Map<String, Value> {
        let mut operations = Map::new();
        // Named from the server's side, as the specification wants it.
        for (action, messages) in [("send", &self.sends), ("receive", &self.receives)] {
            if messages.is_empty() {
                continue;
            }
            let list: Vec<_> = messages
                .iter()
                .map(|(name, ..)| link(&format!("#/channels/{}/messages/{name}", self.name)))
                .collect();
            let operation = json!({
                "action": action,
                "channel": link(&format!("#/channels/{}", self.name)),
                "messages": list,
            });
            operations.insert(format!("{action}-{}", self.name), operation);
        }
        operations
    }

    fn into_value(self) -> Value {
        let names = self.sends.iter().chain(&self.receives).map(|(name, ..)| *name);
        let messages: Map<_, _> = names
            .map(|name| (name.to_owned(), link(&format!("#/components/messages/{name}"))))
            .collect();
        json!({
            "address": self.address,
            "description": self.about,
            "messages": messages,
            "bindings": self.binding,
        })
    }
}

fn link(target: &str) -> Value {
    json!({ "$ref": target })
}

fn message(name: &str, about: &str, payload: &Schema) -> Value {
    json!({ "name": name, "summary": about, "payload": payload.clone().into_value() })
}

fn socket() -> Channel {
    let query = object([
        must("access_token", text().about("The token of `POST /restapi/oauth/wstoken`.")),
        may("wsc", text().about("The last recovery token that was processed.")),
    ]);
    Channel {
        name: "socket",
        address: "/ws",
        about: "Frames are JSON arrays: what it is, and what it carries. REST works over it as well.",
        binding: json!({ "ws": { "method": "GET", "query": query.into_value() } }),
        sends: vec![
            (
                "connectionDetails",
                "The first frame.",
                frame("ConnectionMeta", Some("ConnectionDetails")),
            ),
            ("serverNotification", "An event.", frame("NotificationMeta", Some("Notification"))),
            ("heartbeatEcho", "The client's heartbeat back.", frame("HeartbeatMeta", None)),
            ("serverResponse", "The answer to a request.", frame("ResponseMeta", Some("Anything"))),
            ("serverError", "What is wrong.", frame("ErrorMeta", Some("FrameError"))),
        ],
        receives: vec![
            ("heartbeat", "Is the server there?", frame("HeartbeatMeta", None)),
            (
                "clientRequest",
                "A request of the REST interface.",
                frame("RequestMeta", Some("Anything")),
            ),
        ],
    }
}

/// A frame: its meta, and its body if it may have one.
fn frame(meta: &str, body: Option<&str>) -> Schema {
    let parts: Vec<_> = [meta].into_iter().chain(body).map(|it| named(it).into_value()).collect();
    Schema::tuple(parts)
}

fn webhook() -> Channel {
    Channel {
        name: "webhook",
        address: "{address}",
        about: "Requests to the address of a subscription. Answer within the time limit with 200; the \
                header `Validation-Token` of the first one must be given back. With a signing secret \
                each one has `webhook-id`, `webhook-timestamp` and `webhook-signature` as Standard \
                Webhooks have them.",
        binding: json!({ "http": {} }),
        sends: vec![
            ("notification", "An event.", named("Notification")),
            ("cloudEvent", "An event, where `format` is `CloudEvents`.", named("CloudEvent")),
        ],
        receives: Vec::new(),
    }
}

fn stream() -> Channel {
    Channel {
        name: "stream",
        address: "/lampfield/v1/accounts/{account}/stream",
        about: "Server-sent events. Reconnect with `Last-Event-ID` and it goes on exactly there.",
        binding: json!({ "http": {} }),
        sends: vec![
            ("snapshot", "`event: snapshot`, a piece of the picture.", named("SnapshotPiece")),
            ("presence", "`event: presence`, a change.", named("StreamNotification")),
            (
                "subscription",
                "`event: subscription`, for admin keys: how a webhook's receiver is doing now.",
                named("ReceiverAlert"),
            ),
            ("reset", "`event: reset`: the place is no more, a picture follows.", named("Reset")),
        ],
        receives: Vec::new(),
    }
}

/// Schemas of events, and those of the REST interface that they speak of.
fn schemas() -> Map<String, Value> {
    const SHARED: [&str; 4] = ["Body", "ActiveCall", "SipData", "SnapshotRecord"];
    let shared = subject::all().into_iter().flat_map(|subject| subject.schemas);
    let shared = shared.filter(|(name, _)| SHARED.contains(name));
    let all: Vec<Named> =
        notifications::schemas().into_iter().chain(frames()).chain(shared).collect();
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema.into_value())).collect()
}

fn frames() -> Vec<Named> {
    let meta = |kind: &'static str| [must("type", word(&[kind])), must("messageId", text())];
    let headers = || must("headers", anything());
    let status = || must("status", count());
    let wsc = || must("wsc", object([must("token", text()), must("sequence", count())]));
    vec![
        ("ConnectionMeta", object(meta("ConnectionDetails")).and([status(), wsc(), headers()])),
        ("ConnectionDetails", connection_details()),
        ("NotificationMeta", object(meta("ServerNotification")).and([status(), wsc(), headers()])),
        ("HeartbeatMeta", object(meta("Heartbeat"))),
        ("ResponseMeta", object(meta("ClientRequest")).and([status(), headers()])),
        (
            "RequestMeta",
            object(meta("ClientRequest")).and([
                must("method", word(&["GET", "POST", "PUT", "PATCH", "DELETE"])),
                must("path", text()),
                may("query", anything().or_null()),
                may("headers", anything().or_null()),
            ]),
        ),
        ("ErrorMeta", object(meta("Error")).and([status(), headers()])),
        ("FrameError", object([must("errorCode", text()), must("message", text())])),
        ("Anything", Schema::any()),
    ]
}

fn connection_details() -> Schema {
    object([
        must("creationTime", text()),
        must("maxConnectionsPerSession", count()),
        must("recoveryBufferSize", count()),
        must("recoveryTimeout", count().about("Seconds.")),
        must("idleTimeout", count().about("Seconds.")),
        must("absoluteTimeout", count().about("Seconds.")),
        must("maxActiveRequests", count()),
        may("recoveryState", word(&["Successful", "Failed"])),
        may("recoveryErrorCode", text()),
    ])
}
