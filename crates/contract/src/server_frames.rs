//! Frames to a WebSocket client (contract 8.2, 8.3): compact JSON, `headers` always there and all
//! values in it strings.

use lampfield_core::Timestamp;
use uuid::Uuid;

use crate::json::{CUT, write_number, write_string, write_uuid};
use crate::timestamp::write_timestamp_with_offset;

/// The recovery token as it stands in a frame. The client sends back the last one that it processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wsc<'a> {
    /// Opaque and URL-safe: clients put it into an address without escaping.
    pub token: &'a str,
    /// Rises over all sessions of a client; at most 2^31 - 1, since one client reads it as int32.
    pub sequence: u32,
}

/// The limits that `ConnectionDetails` announces; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `maxConnectionsPerSession`.
    pub max_connections_per_session: u64,
    /// `recoveryBufferSize`.
    pub recovery_buffer_size: u64,
    /// `recoveryTimeout`.
    pub recovery_timeout: u64,
    /// `idleTimeout`.
    pub idle_timeout: u64,
    /// `absoluteTimeout`.
    pub absolute_timeout: u64,
    /// `maxActiveRequests`.
    pub max_active_requests: u64,
}

/// How a recovery went; told only to a client that asked for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// The same subscription goes on.
    Successful,
    /// A new session begins; the client subscribes anew.
    Failed {
        /// Code such as `WSG-1005`.
        code: &'static str,
    },
}

/// No such subscription any more, or the recovery window is over (`recoveryErrorCode`).
pub const RECOVERY_NOTHING_TO_RECOVER: &str = "WSG-1005";
/// The recovery token belongs to another OAuth session (`recoveryErrorCode`).
pub const RECOVERY_OTHER_SESSION: &str = "WSG-1003";

/// What ends a notification after its envelope, and every other frame.
pub const FRAME_END: &[u8] = b"]";

/// Appends the `ConnectionDetails` frame, the first of every socket. `message_id` is made by the
/// server, without characters that need escaping.
pub fn write_connection_details(
    out: &mut Vec<u8>,
    message_id: &str,
    wsc: Wsc<'_>,
    limits: &ConnectionLimits,
    recovery: Option<RecoveryOutcome>,
    now: Timestamp,
) {
    write_meta(out, "ConnectionDetails", message_id);
    out.extend_from_slice(b",\"status\":200,");
    write_wsc(out, wsc);
    out.push(b',');
    write_request_id(out, message_id);
    out.extend_from_slice(b"},{\"creationTime\":\"");
    write_timestamp_with_offset(out, now);
    out.push(b'"');
    for (name, value) in [
        ("maxConnectionsPerSession", limits.max_connections_per_session),
        ("recoveryBufferSize", limits.recovery_buffer_size),
        ("recoveryTimeout", limits.recovery_timeout),
        ("idleTimeout", limits.idle_timeout),
        ("absoluteTimeout", limits.absolute_timeout),
        ("maxActiveRequests", limits.max_active_requests),
    ] {
        append(out, &[",\"", name, "\":"]);
        write_number(out, value);
    }
    match recovery {
        None => {}
        Some(RecoveryOutcome::Successful) => append(out, &[",\"recoveryState\":\"Successful\""]),
        Some(RecoveryOutcome::Failed { code }) => {
            append(out, &[",\"recoveryState\":\"Failed\",\"recoveryErrorCode\":\"", code, "\""]);
        }
    }
    out.extend_from_slice(b"}]");
}

/// Appends a `Heartbeat` frame with the client's own id.
pub fn write_heartbeat(out: &mut Vec<u8>, message_id: &str) {
    write_meta(out, "Heartbeat", message_id);
    out.extend_from_slice(b"}]");
}

/// Appends an `Error` frame. `message_id` is the client's where it is known, else one of the server.
pub fn write_error(out: &mut Vec<u8>, message_id: &str, status: u16, code: &str, message: &str) {
    write_meta(out, "Error", message_id);
    write_status(out, status);
    write_request_id(out, message_id);
    out.extend_from_slice(b"},{\"errorCode\":");
    write_string(out, code);
    out.extend_from_slice(b",\"message\":");
    write_string(out, message);
    out.extend_from_slice(b"}]");
}

/// Appends the answer to a `ClientRequest`. `body` is JSON, or a multipart answer, which stands in
/// the frame as it is (contract 8.3); without one the frame has one element.
pub fn write_response(
    out: &mut Vec<u8>,
    message_id: &str,
    status: u16,
    headers: &[(String, String)],
    body: Option<&[u8]>,
) {
    write_meta(out, "ClientRequest", message_id);
    write_status(out, status);
    out.extend_from_slice(b"\"headers\":{");
    for (at, (name, value)) in headers.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_string(out, value);
    }
    out.extend_from_slice(b"}}");
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        out.push(b',');
        append_body(out, body);
    }
    out.extend_from_slice(FRAME_END);
}

/// Appends a body in which nothing looks like the beginning of a multipart answer but its own. In
/// JSON that stands in texts only, where a comma may be escaped.
fn append_body(out: &mut Vec<u8>, body: &[u8]) {
    let mut rest = body;
    while let Some(at) = rest.windows(CUT.len()).position(|it| it[0] == b',' && it == CUT) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"\\u002c");
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Appends a `ServerNotification` frame up to where its envelope begins; after the envelope comes
/// [`FRAME_END`].
pub fn write_notification_head(out: &mut Vec<u8>, uuid: Uuid, wsc: Wsc<'_>) {
    out.extend_from_slice(b"[{\"type\":\"ServerNotification\",\"messageId\":\"");
    write_uuid(out, uuid);
    out.extend_from_slice(b"\",\"status\":200,");
    write_wsc(out, wsc);
    out.extend_from_slice(b",\"headers\":{\"RCRequestId\":\"");
    write_uuid(out, uuid);
    out.extend_from_slice(b"\"}},");
}

fn write_meta(out: &mut Vec<u8>, kind: &str, message_id: &str) {
    append(out, &["[{\"type\":\"", kind, "\",\"messageId\":"]);
    write_string(out, message_id);
}

fn write_status(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(b",\"status\":");
    write_number(out, u64::from(status));
    out.push(b',');
}

fn write_request_id(out: &mut Vec<u8>, id: &str) {
    out.extend_from_slice(b"\"headers\":{\"RCRequestId\":");
    write_string(out, id);
    out.push(b'}');
}

fn write_wsc(out: &mut Vec<u8>, wsc: Wsc<'_>) {
    out.extend_from_slice(b"\"wsc\":{\"token\":");
    write_string(out, wsc.token);
    out.extend_from_slice(b",\"sequence\":");
    write_number(out, u64::from(wsc.sequence));
    out.push(b'}');
}

fn append(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_body_begins_no_multipart_answer_unless_it_is_one() {
        let body = serde_json::json!({ "message": ",--Boundary", "list": ["a,--Boundary_x", "b"] });
        let frame =
            written(|out| write_response(out, "1", 200, &[], Some(body.to_string().as_bytes())));
        assert!(!frame.contains(",--Boundary"), "{frame}");
        let frame: Vec<Value> = serde_json::from_str(&frame).expect("JSON");
        assert_eq!(frame[1], body);

        let parts = b"--Boundary_1\r\n\r\n{\"message\":\"x,--Boundary\"}\r\n--Boundary_1--";
        let frame = written(|out| write_response(out, "1", 207, &[], Some(parts)));
        assert_eq!(frame.matches(",--Boundary").count(), 1, "{frame}");
        assert!(frame.contains("},--Boundary_1\r\n"), "{frame}");
    }

    const NOW: Timestamp = Timestamp(1_767_607_200_000);
    const WSC: Wsc<'_> = Wsc { token: "abc-_", sequence: 7 };
    const LIMITS: ConnectionLimits = ConnectionLimits {
        max_connections_per_session: 50,
        recovery_buffer_size: 100,
        recovery_timeout: 180,
        idle_timeout: 1800,
        absolute_timeout: 86_400,
        max_active_requests: 10,
    };

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    fn details(recovery: Option<RecoveryOutcome>) -> String {
        written(|out| write_connection_details(out, "m-1", WSC, &LIMITS, recovery, NOW))
    }

    #[test]
    fn the_first_frame_is_the_contracts() {
        assert_eq!(
            details(None),
            concat!(
                r#"[{"type":"ConnectionDetails","messageId":"m-1","status":200,"#,
                r#""wsc":{"token":"abc-_","sequence":7},"headers":{"RCRequestId":"m-1"}},"#,
                r#"{"creationTime":"2026-01-05T10:00:00.000+0000","maxConnectionsPerSession":50,"#,
                r#""recoveryBufferSize":100,"recoveryTimeout":180,"idleTimeout":1800,"#,
                r#""absoluteTimeout":86400,"maxActiveRequests":10}]"#
            )
        );
    }

    #[test]
    fn a_recovery_is_told_only_to_who_asked_for_one() {
        assert!(!details(None).contains("recoveryState"));
        assert!(
            details(Some(RecoveryOutcome::Successful))
                .ends_with(r#""maxActiveRequests":10,"recoveryState":"Successful"}]"#)
        );
        let failed = RecoveryOutcome::Failed { code: RECOVERY_OTHER_SESSION };
        assert!(
            details(Some(failed))
                .ends_with(r#","recoveryState":"Failed","recoveryErrorCode":"WSG-1003"}]"#)
        );
    }

    #[test]
    fn an_answer_has_headers_always_and_a_body_only_where_there_is_one() {
        let headers = [("RCRequestId".to_owned(), "r-\"1".to_owned())];
        assert_eq!(
            written(|out| write_response(out, "a/0", 200, &headers, Some(b"{\"id\":1}"))),
            r#"[{"type":"ClientRequest","messageId":"a/0","status":200,"headers":{"RCRequestId":"r-\"1"}},{"id":1}]"#
        );
        for body in [None, Some(b"".as_slice())] {
            assert_eq!(
                written(|out| write_response(out, "a/0", 204, &[], body)),
                r#"[{"type":"ClientRequest","messageId":"a/0","status":204,"headers":{}}]"#
            );
        }
        assert_eq!(
            written(|out| write_response(out, "1", 207, &[], Some(b"--Boundary_1"))),
            r#"[{"type":"ClientRequest","messageId":"1","status":207,"headers":{}},--Boundary_1]"#
        );
    }

    #[test]
    fn errors_and_heartbeats_are_compact_and_escaped() {
        assert_eq!(
            written(|out| write_error(out, "m\"1", 401, "WSG-401", "Token \"x\"")),
            r#"[{"type":"Error","messageId":"m\"1","status":401,"headers":{"RCRequestId":"m\"1"}},{"errorCode":"WSG-401","message":"Token \"x\""}]"#
        );
        assert_eq!(
            written(|out| write_heartbeat(out, "h\n1")),
            r#"[{"type":"Heartbeat","messageId":"h\n1"}]"#
        );
    }

    #[test]
    fn a_notification_bears_its_uuid_and_the_place_to_recover_from() {
        let uuid = Uuid::from_u128(0x045b_81dc_9f73_4864_84de_08aa_6324_a7f5);
        let frame = written(|out| {
            write_notification_head(out, uuid, WSC);
            out.extend_from_slice(b"{}");
            out.extend_from_slice(FRAME_END);
        });

        assert_eq!(
            frame,
            concat!(
                r#"[{"type":"ServerNotification","messageId":"045b81dc-9f73-4864-84de-08aa6324a7f5","#,
                r#""status":200,"wsc":{"token":"abc-_","sequence":7},"#,
                r#""headers":{"RCRequestId":"045b81dc-9f73-4864-84de-08aa6324a7f5"}},{}]"#
            )
        );
        let frame: Value = serde_json::from_str(&frame).expect("JSON");
        assert_eq!(frame.as_array().map(Vec::len), Some(2));
    }
}
