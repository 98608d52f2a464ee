//! Several extensions in one request: status 207, each for itself (contract 2.5).

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use lampfield_contract::{ApiError, is_too_deep};
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::edge::answer::{Answer, Refusal, json as json_answer};
use crate::state::ApiState;

/// The most extensions of one request.
const ITEMS_MAX: usize = 30;
/// What a client accepts that wants one JSON array instead of parts.
const JSON_FORM: &str = "application/vnd.ringcentral.multipart+json";

/// Ids and the bodies that are for them, in the order in which they are carried out.
pub(crate) type Changes = Vec<(String, Vec<u8>)>;

/// What became of one extension of several.
pub(crate) struct Item {
    id: String,
    href: String,
    status: u16,
    body: Value,
}

impl Item {
    /// Makes the part of the extension `id` in the answer; `tail` is what stands behind it in its path.
    pub(crate) fn of(
        id: &str,
        tail: &str,
        base: &str,
        caller: &Caller,
        outcome: Result<Value, ApiError>,
    ) -> Self {
        let (status, body) = match outcome {
            Ok(body) => (200, body),
            Err(error) => (error.status, error.body()),
        };
        let id = if id == "~" { caller.key().extension.to_string() } else { id.to_owned() };
        let account = caller.account();
        let href = format!("{base}/restapi/v1.0/account/{account}/extension/{id}{tail}");
        Self { id, href, status, body }
    }
}

/// Takes a list of ids apart. `what` is what is asked of each, in the words of the refusal.
///
/// # Errors
/// 400 for too many and for empty ones.
pub(crate) fn split<'a>(ids: &'a str, what: &str) -> Result<Vec<&'a str>, ApiError> {
    let ids: Vec<_> = ids.split(',').map(str::trim).collect();
    if ids.len() > ITEMS_MAX {
        let message = format!("{what} multipart request is limited to {ITEMS_MAX} extensions");
        return Err(ApiError::new(400, "InvalidMultipartRequest", message));
    }
    if ids.iter().any(|id| id.is_empty()) {
        return Err(ApiError::invalid_parameter("extensionId"));
    }
    Ok(ids)
}

/// Takes a change of several extensions apart, each with its own body: those of a list of ids in the
/// path in their order, those of a `*` in the path by the id beside them. None for one id in the path.
///
/// # Errors
/// 400 for too many, and when ids and bodies do not fit together.
pub(crate) fn changes(
    ids: &str,
    what: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Option<Changes>, ApiError> {
    if ids == "*" {
        let named = named(body)?;
        let ids = named.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(",");
        return split(&ids, what).map(|_| Some(named));
    }
    if !ids.contains(',') {
        return Ok(None);
    }
    let ids = split(ids, what)?;
    let bodies = bodies(headers, body, ids.len())?;
    Ok(Some(ids.into_iter().map(str::to_owned).zip(bodies).collect()))
}

/// Reads an array, perhaps as `records`, of `{"resourceId", "body"}` or of bodies with their `id`.
fn named(body: &[u8]) -> Result<Changes, ApiError> {
    if is_too_deep(body) {
        return Err(ApiError::bad_json());
    }
    let mut list: Value = serde_json::from_slice(body).map_err(|_| ApiError::bad_json())?;
    let list = list.get_mut("records").map(Value::take).unwrap_or(list);
    let records = list.as_array().ok_or_else(|| ApiError::invalid_parameter("records"))?;
    let one = |record: &Value| {
        let id = match record.get("resourceId").or_else(|| record.get("id"))? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((id, record.get("body").unwrap_or(record).to_string().into_bytes()))
    };
    let named: Option<Vec<_>> = records.iter().map(one).collect();
    named.ok_or_else(|| ApiError::invalid_parameter("resourceId"))
}

/// Takes the bodies of a change apart: one part or one array member for each id, in their order.
///
/// # Errors
/// 400 when there are more or fewer than `count`, or they cannot be told apart.
fn bodies(headers: &HeaderMap, body: &Bytes, count: usize) -> Result<Vec<Vec<u8>>, ApiError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let bodies = if kind.starts_with("multipart/") {
        parts(kind, body).ok_or_else(ApiError::cannot_parse)?
    } else {
        members(body)?
    };
    if bodies.len() == count { Ok(bodies) } else { Err(ApiError::cannot_parse()) }
}

/// Members may be the bodies themselves, or `{"resourceId", "body"}` as in answers.
fn members(body: &[u8]) -> Result<Vec<Vec<u8>>, ApiError> {
    if is_too_deep(body) {
        return Err(ApiError::bad_json());
    }
    let members: Vec<Value> = serde_json::from_slice(body).map_err(|_| ApiError::bad_json())?;
    let bodies =
        members.iter().map(|member| member.get("body").unwrap_or(member).to_string().into_bytes());
    Ok(bodies.collect())
}

/// Reads `multipart/mixed`: what stands behind the first empty line of each part.
fn parts(kind: &str, body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let boundary = kind.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    let text = std::str::from_utf8(body).ok().filter(|_| !boundary.is_empty())?;
    let delimiter = format!("--{boundary}");
    let mut sections = text.split(delimiter.as_str()).skip(1);
    let mut bodies = Vec::new();
    loop {
        let section = sections.next()?;
        if section.starts_with("--") {
            return Some(bodies);
        }
        let section = section.replace("\r\n", "\n");
        // A part without headers begins with the empty line at once.
        let content = match section.strip_prefix("\n\n") {
            Some(content) => content,
            None => section.split_once("\n\n").map(|(_, content)| content)?,
        };
        bodies.push(content.trim().as_bytes().to_vec());
    }
}

/// Answers with one array, or with parts, as the client accepts it.
pub(crate) fn answer(state: &ApiState, headers: &HeaderMap, items: Vec<Item>) -> Answer {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if accepts.contains(JSON_FORM) {
        let mut response = array(items);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON_FORM));
        return Ok(response);
    }
    let boundary = format!("Boundary_{}", state.secrets.random_id()?.simple());
    mixed(&boundary, &items)
}

/// Answers with one array, whatever the client accepts.
pub(crate) fn array(items: Vec<Item>) -> Response {
    let list = items
        .into_iter()
        .map(|item| json!({ "resourceId": item.id, "status": item.status, "body": item.body }));
    json_answer(StatusCode::MULTI_STATUS, &Value::Array(list.collect()))
}

fn mixed(boundary: &str, items: &[Item]) -> Result<Response, Refusal> {
    let summary: Vec<_> = items
        .iter()
        .map(|item| {
            json!({
                "href": item.href,
                "status": item.status,
                "responseDescription": description(item.status),
            })
        })
        .collect();
    let head = json!({ "response": summary });
    let parts = std::iter::once(&head).chain(items.iter().map(|item| &item.body));
    let parts = parts
        .map(|part| format!("--{boundary}\r\nContent-Type: application/json\r\n\r\n{part}\r\n"));
    let body = parts.chain([format!("--{boundary}--\r\n")]).collect::<String>();
    let kind = HeaderValue::from_str(&format!("multipart/mixed; boundary={boundary}"))
        .map_err(|_| ApiError::internal())?;
    Ok((StatusCode::MULTI_STATUS, [(CONTENT_TYPE, kind)], body).into_response())
}

fn description(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|one| one.canonical_reason()).unwrap_or("Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_apart_whatever_their_line_ends_and_headers() {
        let body =
            "--B_1\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n--B_1\n\n{}\n--B_1--";
        let parts = parts("multipart/mixed; boundary=\"B_1\"", body.as_bytes()).unwrap();

        assert_eq!(parts, [br#"{"a":1}"#.to_vec(), b"{}".to_vec()]);
    }

    #[test]
    fn broken_parts_are_refused_and_not_guessed() {
        for (kind, body) in [
            ("multipart/mixed", "--B\n\n{}\n--B--"),
            ("multipart/mixed; boundary=", "--\n\n{}\n----"),
            ("multipart/mixed; boundary=B", "--B\n\n{}\n"),
            ("multipart/mixed; boundary=B", "--B\n{}\n--B--"),
            ("multipart/mixed; boundary=B", ""),
        ] {
            assert_eq!(parts(kind, body.as_bytes()), None, "{kind} {body:?}");
        }
    }

    #[test]
    fn a_star_takes_the_ids_from_the_body() {
        let changes = |ids: &str, body: &str| {
            changes(ids, "X", &HeaderMap::new(), &Bytes::copy_from_slice(body.as_bytes()))
        };
        let both = [("7", r#"{"a":1}"#), ("8", r#"{"id":8,"a":2}"#)]
            .map(|(id, body)| (id.to_owned(), body.as_bytes().to_vec()));
        let list = r#"[{"resourceId":"7","body":{"a":1}},{"id":8,"a":2}]"#;

        assert_eq!(changes("*", list), Ok(Some(both.to_vec())));
        assert_eq!(changes("*", &format!(r#"{{"records":{list}}}"#)), Ok(Some(both.to_vec())));
        assert_eq!(changes("7", list), Ok(None));
        for (body, parameter) in [
            ("{}", Some("records")),
            ("[{}]", Some("resourceId")),
            ("[]", Some("extensionId")),
            (r#"[{"id":"7,8"},{"id":""}]"#, Some("extensionId")),
            ("[", None),
        ] {
            let error = changes("*", body).unwrap_err();
            assert_eq!((error.status, error.parameter.as_deref()), (400, parameter), "{body}");
        }
        let many: Vec<_> = (0..31).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
        let error = changes("*", &format!("[{}]", many.join(","))).unwrap_err();
        assert_eq!(error.code, "InvalidMultipartRequest");
    }

    #[test]
    fn more_than_thirty_are_refused_with_the_contracts_words() {
        let ids = vec!["1"; 31].join(",");
        let error = split(&ids, "X").unwrap_err();
        assert_eq!((error.status, error.code), (400, "InvalidMultipartRequest"));
        assert_eq!(error.message, "X multipart request is limited to 30 extensions");
        assert_eq!(split(&ids[2..], "X").map(|ids| ids.len()), Ok(30));
        assert_eq!(split("1,,2", "X").unwrap_err().code, "CMN-101");
    }
}
