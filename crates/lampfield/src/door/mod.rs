//! The way to the own API: over HTTP to a running server, or straight into a house opened here.
//!
//! Every command that administers goes through this door, so that there is one code path and one
//! set of rules, whoever asks.

mod http;
mod sse;

use std::time::Duration;

use ::http::{Method, StatusCode, header};
use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tower::ServiceExt;

use crate::assembly::House;
use crate::cli::Common;
use crate::exit::{Code, Failure};

use http::Client;
pub(crate) use sse::{Frame, Frames};

/// The largest answer that is taken into memory, in bytes.
const ANSWER_MAX: usize = 1 << 30;
/// How long an ordinary request may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an import may take.
const LONG_PATIENCE: Duration = Duration::from_secs(1800);
/// Prefix of the own API.
const OWN: &str = "/lampfield/v1";

/// The way to the own API.
pub(crate) struct Door {
    way: Way,
    key: String,
    account: String,
}

enum Way {
    /// To a running server.
    Server(Client),
    /// Into a data directory that is opened for this one command.
    House(Box<House>),
}

/// An answer in full.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// What is sent along.
pub(crate) enum Content {
    None,
    Json(Value),
    Csv(Body),
    /// One JSON object a line.
    Lines(String),
}

impl Door {
    /// Opens the door that `common` names: a server, or else the data directory.
    pub(crate) fn open(common: &Common) -> anyhow::Result<Self> {
        let account = common.account.clone().unwrap_or_else(|| "~".to_owned());
        if let Some(server) = &common.server {
            let key = common.key.clone().ok_or_else(|| {
                Failure::new(Code::Usage, "a server needs an API key: --key KEY, or LAMPFIELD_KEY")
            })?;
            return Ok(Self { way: Way::Server(Client::new(server)?), key, account });
        }
        let (house, key) = House::for_one_command(common)?;
        Ok(Self { way: Way::House(Box::new(house)), key, account })
    }

    /// Opens the door to a running server; there must be one.
    pub(crate) fn to_server(common: &Common) -> anyhow::Result<Self> {
        if common.server.is_none() {
            let message = "this command needs a running server: add --server URL --key KEY, \
                           or LAMPFIELD_SERVER and LAMPFIELD_KEY";
            return Err(Failure::new(Code::Usage, message).into());
        }
        Self::open(common)
    }

    /// Returns the path of the account, with `rest` behind it.
    pub(crate) fn of_account(&self, rest: &str) -> String {
        format!("/accounts/{}{rest}", self.account)
    }

    /// Returns the account that was named; none for the only one.
    pub(crate) fn named_account(&self) -> Option<&str> {
        (self.account != "~").then_some(self.account.as_str())
    }

    /// Asks and returns the JSON answer.
    ///
    /// # Errors
    /// [`Failure`] with the server's own sentence when it refuses.
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let content = body.map_or(Content::None, Content::Json);
        let reply = self.ask(method, path, content).await?;
        if reply.body.is_empty() {
            return Ok(Value::Null);
        }
        let unreadable = |_| {
            let message = "the server's answer is not JSON: is it a Lampfield server?";
            Failure::new(Code::Failed, message)
        };
        Ok(serde_json::from_slice(&reply.body).map_err(unreadable)?)
    }

    /// Reads.
    ///
    /// # Errors
    /// As [`Door::json`].
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.json(Method::GET, path, None).await
    }

    /// Asks and returns the answer as it is; refusals are errors.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        content: Content,
    ) -> anyhow::Result<Reply> {
        let patience = match content {
            Content::Csv(_) => LONG_PATIENCE,
            Content::None | Content::Json(_) | Content::Lines(_) => PATIENCE,
        };
        let asked = async {
            let response = self.send(method, path, content, &[]).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
            let body = body.map_err(|error| lost(&error.to_string()))?.to_bytes();
            anyhow::Ok(Reply { status, body })
        };
        let reply = tokio::time::timeout(patience, asked).await.map_err(|_| {
            let message = format!("no answer within {} s", patience.as_secs());
            Failure::new(Code::Unavailable, message)
        })??;
        if reply.status.is_success() { Ok(reply) } else { Err(self.refusal(&reply).into()) }
    }

    /// Opens an event stream.
    ///
    /// # Errors
    /// [`Failure`] with the server's own sentence when it refuses.
    pub(crate) async fn stream(
        &self,
        path: &str,
        last_event: Option<&str>,
    ) -> anyhow::Result<Frames> {
        let last: Vec<(&str, &str)> =
            last_event.map(|id| ("last-event-id", id)).into_iter().collect();
        let response = self.send(Method::GET, path, Content::None, &last).await?;
        let status = response.status();
        if !status.is_success() {
            let body = Limited::new(response.into_body(), 1 << 16).collect().await;
            let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            return Err(self.refusal(&Reply { status, body }).into());
        }
        Ok(Frames::new(response.into_body()))
    }

    /// Closes the door; a house that was opened for the command is left in order.
    pub(crate) async fn close(self) {
        if let Way::House(house) = self.way {
            house.stop().await;
        }
    }

    /// Makes the failure of an answer that refuses: the server's words, and what a person can do.
    fn refusal(&self, reply: &Reply) -> Failure {
        let said: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let message = said["message"].as_str().unwrap_or("the server gave no reason");
        let code = said["errorCode"].as_str().map(|code| format!(" ({code})")).unwrap_or_default();
        let is_unknown =
            |what: &str| reply.status == StatusCode::NOT_FOUND && message.contains(what);
        let hint = if self.named_account().is_none()
            && said["errorCode"] == "CMN-101"
            && message.contains('~')
        {
            "; name it with --account ID, `lampfield account list` shows all accounts"
        } else if is_unknown("[accountId]") {
            "; `lampfield account list` shows all accounts"
        } else if is_unknown("[extensionId]") {
            "; `lampfield extension list` shows all extensions"
        } else {
            ""
        };
        let exit = match reply.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Code::NotAllowed,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Code::Unavailable,
            _ => Code::Failed,
        };
        Failure::new(exit, format!("{message}{code}{hint}"))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content: Content,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<::http::Response<Body>> {
        let mut request = ::http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        let (kind, body) = match content {
            Content::None => (None, Body::empty()),
            Content::Json(value) => (Some("application/json"), Body::from(value.to_string())),
            Content::Csv(body) => (Some("text/csv"), body),
            Content::Lines(text) => (Some("application/x-ndjson"), Body::from(text)),
        };
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let path = format!("{OWN}{path}");
        match &self.way {
            Way::Server(client) => client.send(request, &path, body).await,
            Way::House(house) => {
                let request = request.uri(path).header(header::HOST, "localhost").body(body)?;
                Ok(house.router().oneshot(request).await.unwrap_or_else(|never| match never {}))
            }
        }
    }
}

/// Returns the records of a list answer.
pub(crate) fn records(answer: &Value) -> &[Value] {
    let list = answer.get("records").unwrap_or(answer);
    list.as_array().map_or(&[], Vec::as_slice)
}

/// The connection broke.
pub(crate) fn lost(why: &str) -> Failure {
    Failure::new(Code::Unavailable, format!("the connection to the server was lost: {why}"))
}
