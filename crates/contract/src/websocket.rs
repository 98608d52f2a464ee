//! Frames from a WebSocket client (contract 8.3): `[meta]` or `[meta, body]`.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::{JSON_DEPTH_MAX, is_too_deep};
use crate::query::{parse_query, value_text};

/// What a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientFrame {
    /// To be echoed.
    Heartbeat {
        /// The client's id of it: any string.
        message_id: String,
    },
    /// A REST call.
    Request(ClientRequest),
}

/// A REST call over the socket.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRequest {
    /// The client's id of it, any non-empty string; the answer bears the same.
    pub message_id: String,
    /// Method, upper case.
    pub method: String,
    /// Absolute path without query, as sent: a trailing slash is still there.
    pub path: String,
    /// Query from the path and from meta, decoded.
    pub query: Vec<(String, String)>,
    /// Headers from meta, names as sent.
    pub headers: Vec<(String, String)>,
    /// JSON body; empty when there is none (`""`, `null` or missing).
    pub body: Vec<u8>,
}

/// Leaves headers, query and body out: they may hold secrets.
impl std::fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientRequest")
            .field("message_id", &self.message_id)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a frame is not one. The socket stays open; the client is told in an `Error` frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct FrameError {
    /// What is wrong.
    pub problem: FrameProblem,
    /// The client's `messageId`, where it could be read: the Error frame repeats it.
    pub message_id: Option<String>,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameProblem {
    /// It is not JSON.
    #[error("frame is not valid JSON")]
    NotJson,
    /// It nests too deep.
    #[error("frame nests deeper than {JSON_DEPTH_MAX} levels")]
    TooDeep,
    /// It is not `[meta]` or `[meta, body]`.
    #[error("frame is not an array of one or two elements that begins with an object")]
    NotAFrame,
    /// `messageId` is missing, empty or no string.
    #[error("messageId is missing or is not a non-empty string")]
    NoMessageId,
    /// `type` is missing or is none that clients send.
    #[error("type is not ClientRequest or Heartbeat")]
    UnknownType,
    /// A request without a usable `method`.
    #[error("method is missing or is not one of GET, POST, PUT, PATCH, DELETE")]
    NoMethod,
    /// A request without a usable `path`.
    #[error("path is missing or does not begin with /")]
    NoPath,
    /// A request whose `query` or `headers` is no object of plain values.
    #[error("query or headers is not an object of strings, numbers and booleans")]
    BadMeta,
}

/// Unknown members are ignored; each member is checked by hand so that one bad value does not hide
/// the `messageId`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    r#type: Value,
    message_id: Value,
    method: Value,
    path: Value,
    query: Value,
    headers: Value,
}

/// Reads a text frame of a client.
pub fn parse_client_frame(text: &str) -> Result<ClientFrame, FrameError> {
    let anonymous = |problem| FrameError { problem, message_id: None };
    if is_too_deep(text.as_bytes()) {
        return Err(anonymous(FrameProblem::TooDeep));
    }
    let parts: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(parts) => parts,
        Err(error) if error.is_data() => return Err(anonymous(FrameProblem::NotAFrame)),
        Err(_) => return Err(anonymous(FrameProblem::NotJson)),
    };
    let (meta, body) = match parts.as_slice() {
        [meta] => (meta, None),
        [meta, body] => (meta, Some(*body)),
        _ => return Err(anonymous(FrameProblem::NotAFrame)),
    };
    let meta: Meta = Some(meta.get())
        .filter(|meta| meta.starts_with('{'))
        .and_then(|meta| serde_json::from_str(meta).ok())
        .ok_or_else(|| anonymous(FrameProblem::NotAFrame))?;
    let Value::String(message_id) = &meta.message_id else {
        return Err(anonymous(FrameProblem::NoMessageId));
    };
    if message_id.is_empty() {
        return Err(anonymous(FrameProblem::NoMessageId));
    }
    let message_id = message_id.clone();
    let named = |problem| FrameError { problem, message_id: Some(message_id.clone()) };
    match meta.r#type.as_str() {
        Some("Heartbeat") => Ok(ClientFrame::Heartbeat { message_id }),
        Some("ClientRequest") => {
            request(&message_id, &meta, body).map(ClientFrame::Request).map_err(named)
        }
        _ => Err(named(FrameProblem::UnknownType)),
    }
}

fn request(
    message_id: &str,
    meta: &Meta,
    body: Option<&RawValue>,
) -> Result<ClientRequest, FrameProblem> {
    let method = meta.method.as_str().unwrap_or_default().to_ascii_uppercase();
    if !matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
        return Err(FrameProblem::NoMethod);
    }
    let target = meta.path.as_str().filter(|path| path.starts_with('/'));
    let target = target.ok_or(FrameProblem::NoPath)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut query = parse_query(query);
    for (name, value) in members(&meta.query)? {
        query.push((name, value));
    }
    Ok(ClientRequest {
        message_id: message_id.to_owned(),
        method,
        path: path.to_owned(),
        query,
        headers: members(&meta.headers)?,
        body: body.map(RawValue::get).filter(|body| !is_none(body)).unwrap_or("").into(),
    })
}

/// Clients write "no body" in three ways (contract 8.3).
fn is_none(body: &str) -> bool {
    matches!(body, "null" | "\"\"")
}

/// Flattens an object of plain values; a list gives its name several times, `null` none.
fn members(object: &Value) -> Result<Vec<(String, String)>, FrameProblem> {
    let mut flat = Vec::new();
    let members = match object {
        Value::Null => return Ok(flat),
        Value::Object(members) => members,
        _ => return Err(FrameProblem::BadMeta),
    };
    for (name, value) in members {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            Value::Null => &[],
            one => std::slice::from_ref(one),
        };
        for value in values {
            let value = value_text(value).ok_or(FrameProblem::BadMeta)?;
            flat.push((name.clone(), value));
        }
    }
    Ok(flat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> (FrameProblem, Option<String>) {
        let error = parse_client_frame(text).expect_err(text);
        (error.problem, error.message_id)
    }

    fn request(text: &str) -> ClientRequest {
        match parse_client_frame(text).expect(text) {
            ClientFrame::Request(request) => request,
            ClientFrame::Heartbeat { .. } => panic!("a heartbeat: {text}"),
        }
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_sdks_subscription_is_read() {
        let body = r#"{"deliveryMode":{"transportType":"WebSocket"},"eventFilters":["/a"]}"#;
        let frame = format!(
            r#"[{{"type":"ClientRequest","messageId":"7e/swlW3RZ+crA4BD4lDCA/0","method":"POST","path":"/restapi/v1.0/subscription","headers":{{"X-User-Agent":"a"}}}},{body}]"#
        );

        assert_eq!(
            request(&frame),
            ClientRequest {
                message_id: "7e/swlW3RZ+crA4BD4lDCA/0".to_owned(),
                method: "POST".to_owned(),
                path: "/restapi/v1.0/subscription".to_owned(),
                query: Vec::new(),
                headers: vec![pair("X-User-Agent", "a")],
                body: body.as_bytes().to_vec(),
            }
        );
    }

    #[test]
    fn no_body_is_written_in_many_ways() {
        let meta = r#"{"type":"ClientRequest","messageId":"1","method":"GET","path":"/x/"}"#;
        for frame in [
            format!("[{meta}]"),
            format!(r#"[{meta},""]"#),
            format!("[{meta},null]"),
            format!(" [ {meta} , null ] "),
        ] {
            let request = request(&frame);
            assert!(request.body.is_empty(), "{frame}");
            assert_eq!(request.path, "/x/");
        }
        assert_eq!(request(&format!("[{meta},{{}}]")).body, b"{}");
    }

    #[test]
    fn a_query_stands_in_the_path_or_in_meta() {
        let frame = r#"[{"type":"ClientRequest","messageId":"1","method":"get",
            "path":"/x?a=1%202","query":{"detailedTelephonyState":true,"perPage":1,"n":null,"l":["p",2]}}]"#;
        let request = request(frame);

        assert_eq!(request.method, "GET");
        assert_eq!(request.path, "/x");
        assert_eq!(
            request.query,
            [
                pair("a", "1 2"),
                pair("detailedTelephonyState", "true"),
                pair("perPage", "1"),
                pair("l", "p"),
                pair("l", "2"),
            ]
        );
    }

    #[test]
    fn a_heartbeat_keeps_its_id() {
        let frame = parse_client_frame(r#"[{"type":"Heartbeat","messageId":"ü/1"}]"#);

        assert_eq!(frame, Ok(ClientFrame::Heartbeat { message_id: "ü/1".to_owned() }));
    }

    #[test]
    fn what_is_no_frame_says_why() {
        for (text, expected) in [
            ("", FrameProblem::NotJson),
            ("[", FrameProblem::NotJson),
            ("hello", FrameProblem::NotJson),
            ("{}", FrameProblem::NotAFrame),
            ("7", FrameProblem::NotAFrame),
            ("[]", FrameProblem::NotAFrame),
            ("[1]", FrameProblem::NotAFrame),
            ("[[]]", FrameProblem::NotAFrame),
            ("[{},{},{}]", FrameProblem::NotAFrame),
            ("[{}]", FrameProblem::NoMessageId),
            (r#"[{"type":"Heartbeat"}]"#, FrameProblem::NoMessageId),
            (r#"[{"type":"Heartbeat","messageId":""}]"#, FrameProblem::NoMessageId),
            (r#"[{"type":"Heartbeat","messageId":7}]"#, FrameProblem::NoMessageId),
        ] {
            assert_eq!(problem(text), (expected, None), "{text}");
        }
        let deep = format!(r#"[{{"type":"Heartbeat","messageId":"1"}},{}]"#, "[".repeat(40));
        assert_eq!(problem(&deep), (FrameProblem::TooDeep, None));
    }

    #[test]
    fn a_bad_request_is_answered_under_its_own_id() {
        for (meta, expected) in [
            (r#""type":"ClientNotification""#, FrameProblem::UnknownType),
            (r#""method":"GET""#, FrameProblem::UnknownType),
            (r#""type":"ClientRequest","path":"/x""#, FrameProblem::NoMethod),
            (r#""type":"ClientRequest","path":"/x","method":"TRACE""#, FrameProblem::NoMethod),
            (r#""type":"ClientRequest","method":"GET""#, FrameProblem::NoPath),
            (r#""type":"ClientRequest","method":"GET","path":"x""#, FrameProblem::NoPath),
            (
                r#""type":"ClientRequest","method":"GET","path":"/x","query":"a=1""#,
                FrameProblem::BadMeta,
            ),
            (
                r#""type":"ClientRequest","method":"GET","path":"/x","headers":{"a":{}}"#,
                FrameProblem::BadMeta,
            ),
        ] {
            let text = format!(r#"[{{"messageId":"7",{meta}}}]"#);
            assert_eq!(problem(&text), (expected, Some("7".to_owned())), "{text}");
        }
    }

    #[test]
    fn a_log_shows_neither_body_nor_headers() {
        let frame = r#"[{"type":"ClientRequest","messageId":"1","method":"POST","path":"/x",
            "headers":{"Authorization":"hush"}},{"password":"hush"}]"#;

        assert!(!format!("{:?}", request(frame)).contains("hush"));
    }
}
