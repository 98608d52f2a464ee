//! Somebody who watches an account in every way there is.

use axum::body::Body;
use http_body_util::BodyExt;
use lampfield_core::ExtensionType;
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};

use crate::house::{ANNA, House, STRANGER, extension, jwt_of, presence_of, text};
use crate::listener::Stream;
use crate::receiver::Receiver;
use crate::server::{Client, Server};

/// Who calls the subject.
pub(crate) const CALLER: &str = "+12025550199";
/// Whose presence is watched.
pub(crate) const SUBJECT: u64 = ANNA;
/// A colleague who stands on no list.
pub(crate) const DORA: u64 = 1004;
/// Somebody everybody sees; when they change, whatever was to be told before has been told.
const FENCE: u64 = 1005;
const FILTER: &str = "/restapi/v1.0/account/~/presence?detailedTelephonyState=true";

/// The ways of being told.
pub(crate) const TOLD: [&str; 3] = ["socket", "webhook", "stream"];
/// The ways of looking.
pub(crate) const READ: [&str; 5] = ["REST one", "REST list", "REST bulk", "snapshot", "why"];

/// Adds the people whom only these tests need.
pub(crate) async fn people(house: &House) {
    for user in [DORA, FENCE] {
        house.apply(DirectoryChange::PutExtension(extension(user, ExtensionType::User))).await;
        house.apply(DirectoryChange::PutCredential(jwt_of(user))).await;
    }
}

/// Changes something that everybody of the watcher's account is told.
async fn fence(server: &Server, user: u64) -> String {
    let fence = if user == STRANGER { STRANGER } else { FENCE };
    server.house.toggle(fence).await;
    fence.to_string()
}

/// A watcher with everything open.
pub(crate) struct Watcher {
    user: u64,
    token: String,
    socket: Client,
    receiver: Receiver,
    received: usize,
    stream: Stream,
}

/// A socket that was left, and can be come back to.
pub(crate) struct Away {
    query: String,
    user: u64,
}

impl Watcher {
    pub(crate) async fn new(server: &Server, user: u64) -> Self {
        let token = server.house.log_in(user).await;
        let socket_token = text(&server.wstoken(&token).await, "ws_access_token");
        let (mut socket, _) = server.open_greeted(&format!("?access_token={socket_token}")).await;
        assert_eq!(socket.subscribe(&[FILTER]).await[0]["status"], 200);
        let receiver = Receiver::new().await;
        let body = receiver.body(&[FILTER]);
        server.call(&token, "POST", "/restapi/v1.0/subscription", &body).await.expect(200);
        let stream = open_stream(server, &token).await;
        Self { user, token, socket, receiver, received: 1, stream }
    }

    /// Makes a second socket with a subscription and leaves it.
    pub(crate) async fn leave(&self, server: &Server) -> Away {
        let socket_token = text(&server.wstoken(&self.token).await, "ws_access_token");
        let query = format!("?access_token={socket_token}");
        let (mut socket, _) = server.open_greeted(&query).await;
        let made = socket.subscribe(&[FILTER]).await;
        let wsc = text(&made[0]["wsc"], "token");
        Away { query: format!("{query}&wsc={wsc}"), user: self.user }
    }

    /// Returns what was told of the subject since the last time, by way.
    pub(crate) async fn told(&mut self, server: &Server) -> Vec<String> {
        let fence = fence(server, self.user).await;
        let Self { socket, receiver, received, stream, .. } = self;
        let over_socket = until(&fence, async || socket.told().await[1]["body"].clone()).await;
        let by_webhook = until(&fence, async || {
            let request = receiver.after(*received).await;
            *received += 1;
            request.json()["body"].clone()
        });
        let by_webhook = by_webhook.await;
        let on_stream =
            until(&fence, async || stream.next("presence").await.1["body"].clone()).await;
        vec![over_socket, by_webhook, on_stream]
    }

    /// Returns what looking shows of the subject, by way.
    pub(crate) async fn read(&self, server: &Server) -> Vec<String> {
        let flags = "detailedTelephonyState=true";
        let get = async |path: &str| server.get(&self.token, path).await;
        let one = get(&format!("{}?{flags}", presence_of(SUBJECT))).await;
        let list = get(&format!("/restapi/v1.0/account/~/presence?{flags}")).await;
        let bulk =
            format!("/restapi/v1.0/account/~/extension/{SUBJECT},{}/presence?{flags}", self.user);
        let bulk = server
            .request(&self.token, "GET", &bulk)
            .header("accept", "application/vnd.ringcentral.multipart+json")
            .body(Body::empty());
        let bulk = server.send(bulk.unwrap()).await.expect(207).json()[0].clone();
        let listed = list.expect(200).json();
        let is_subject = |it: &&Value| it["extension"]["id"] == json!(SUBJECT);
        let record = listed["records"].as_array().unwrap().iter().find(is_subject);
        let mut ways = vec![
            if one.status == 200 { seen(&one.json()) } else { one.status.to_string() },
            record.map_or_else(|| "not there".to_owned(), seen),
            if bulk["status"] == 200 { seen(&bulk["body"]) } else { bulk["status"].to_string() },
        ];
        ways.extend(own_ways(server, &self.token).await);
        ways
    }
}

impl Away {
    /// Comes back and returns what was missed.
    pub(crate) async fn back(self, server: &Server) -> String {
        let fence = fence(server, self.user).await;
        let (mut socket, hello) = server.open_greeted(&self.query).await;
        assert_eq!(hello[1]["recoveryState"], "Successful", "{hello}");
        until(&fence, async || socket.told().await[1]["body"].clone()).await
    }
}

/// Opens a stream that begins with the next change.
pub(crate) async fn open_stream(server: &Server, token: &str) -> Stream {
    let path = "/lampfield/v1/accounts/~/stream?snapshot=false&detail=detailed";
    let path = if token.starts_with("key-") { path.replace('~', "1000") } else { path.to_owned() };
    let request = server.request(token, "GET", &path).body(Body::empty()).unwrap();
    let (parts, body) = server.ask(request).await.into_parts();
    assert_eq!(parts.status, 200);
    let mut body = Body::new(body);
    // The preamble is there: changes are told from here on.
    body.frame().await.unwrap().unwrap();
    Stream::of(body)
}

/// Returns what an operator is told on a stream until everybody was told of somebody else.
pub(crate) async fn told_on(server: &Server, stream: &mut Stream) -> String {
    let fence = fence(server, FENCE).await;
    until(&fence, async || stream.next("presence").await.1["body"].clone()).await
}

/// Returns what snapshot and `why` show of the subject.
pub(crate) async fn own_ways(server: &Server, token: &str) -> [String; 2] {
    let account = if token.starts_with("key-") { "1000" } else { "~" };
    let base = format!("/lampfield/v1/accounts/{account}");
    let snapshot = server.get(token, &format!("{base}/snapshot?detail=detailed")).await;
    let snapshot = snapshot.expect(200).json();
    let is_subject = |it: &&Value| it["extension"]["id"] == *SUBJECT.to_string();
    let record = snapshot["records"].as_array().unwrap().iter().find(is_subject);
    let why = server.get(token, &format!("{base}/extensions/{SUBJECT}/why")).await;
    let explained = match why.status {
        200 => match why.json()["claims"].as_array().unwrap().as_slice() {
            [] => "idle".to_owned(),
            [claim, ..] if claim.get("from").is_some() => "full".to_owned(),
            _ => "no callers".to_owned(),
        },
        status => status.to_string(),
    };
    [record.map_or_else(|| "not there".to_owned(), |it| seen(&it["presence"])), explained]
}

/// Reads bodies until one is of `fence`; returns what was seen of the subject before it.
async fn until(fence: &str, mut next: impl AsyncFnMut() -> Value) -> String {
    let mut told = Vec::new();
    loop {
        let body = next().await;
        if body["extensionId"] == fence {
            return if told.is_empty() { "nothing".to_owned() } else { told.join(", ") };
        }
        if body["extensionId"] == *SUBJECT.to_string() {
            told.push(seen(&body));
        }
    }
}

/// Tells how much a body or a resource shows: all, all but callers, or the mask of who hides.
fn seen(body: &Value) -> String {
    let call = body["activeCalls"].as_array().and_then(|calls| calls.first());
    let is_masked = body["presenceStatus"] == "Offline"
        && body["allowSeeMyPresence"] == false
        && call.is_none()
        && ["userStatus", "telephonyStatus", "meetingStatus", "dndStatus"]
            .iter()
            .zip(["Offline", "NoCall", "Disconnected", "TakeAllCalls"])
            .all(|(&name, masked)| body.get(name).is_none_or(|value| value == masked));
    let tells_caller = body.to_string().contains(CALLER);
    match call {
        _ if is_masked && !tells_caller => "hidden",
        Some(call) if call.get("from").is_some() => "full",
        Some(_) if tells_caller => "no callers, but for a leak",
        Some(_) => "no callers",
        None => "idle",
    }
    .to_owned()
}
