//! The body of PUT presence: a partial update (contract 2.4).

use lampfield_core::settings::MESSAGE_MAX;
use lampfield_core::{CallerIdVisibility, DndStatus, ExtensionId, SettingsPatch, UserStatus};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::json::is_too_deep;

/// Reads a partial update of a presence resource. What is not named keeps its value; read-only and
/// unknown members are ignored, as typed clients send whole resources back. An empty body, `null`
/// and `{}` change nothing.
///
/// # Errors
/// 400 CMN-103 for what is no JSON object; 400 CMN-101 with the member's name for a value outside the
/// contract's set or a message longer than 75 characters.
pub fn parse_presence_update(body: &[u8]) -> Result<SettingsPatch, ApiError> {
    let members = parse_object(body)?;
    Ok(SettingsPatch {
        user_status: word(&members, "userStatus", UserStatus::parse)?,
        dnd_status: word(&members, "dndStatus", DndStatus::parse)?,
        message: message(&members)?,
        allow_see_my_presence: flag(&members, "allowSeeMyPresence")?,
        ring_on_monitored_call: flag(&members, "ringOnMonitoredCall")?,
        pick_up_calls_on_hold: flag(&members, "pickUpCallsOnHold")?,
        caller_id_visibility: word(&members, "callerIdVisibility", CallerIdVisibility::parse)?,
        ..SettingsPatch::default()
    })
}

/// Reads a body that is a JSON object; nothing, white space and `null` are an empty one.
///
/// # Errors
/// 400 CMN-103 for anything else, and for nesting deeper than
/// [`JSON_DEPTH_MAX`](crate::JSON_DEPTH_MAX).
pub fn parse_object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    if is_too_deep(body) {
        return Err(ApiError::bad_json());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) | Err(_) => Err(ApiError::bad_json()),
    }
}

/// Reads the records of a list that replaces or changes another: `{"records": […]}`, or the bare array
/// that some clients send.
///
/// # Errors
/// 400 CMN-103 for what is no such JSON; 400 CMN-101 `records` for an object without the list.
pub(crate) fn parse_records(body: &[u8]) -> Result<Vec<Map<String, Value>>, ApiError> {
    let wrong = || ApiError::invalid_parameter("records");
    if is_too_deep(body) {
        return Err(ApiError::bad_json());
    }
    let list = match serde_json::from_slice(body) {
        Ok(Value::Array(list)) => list,
        Ok(Value::Object(mut members)) => match members.remove("records") {
            Some(Value::Array(list)) => list,
            Some(_) | None => return Err(wrong()),
        },
        Ok(_) => return Err(wrong()),
        Err(_) if body.trim_ascii().is_empty() => return Err(wrong()),
        Err(_) => return Err(ApiError::bad_json()),
    };
    let record = |one| match one {
        Value::Object(members) => Ok(members),
        _ => Err(wrong()),
    };
    list.into_iter().map(record).collect()
}

/// Reads an id, which may be text or a number.
pub(crate) fn id_of(value: &Value) -> Option<ExtensionId> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => ExtensionId::new(number.as_u64()?).ok(),
        _ => None,
    }
}

/// Reads the id of an object that a record names, such as `"extension": {"id": "7"}`.
pub(crate) fn id_in(record: &Map<String, Value>, object: &str) -> Result<ExtensionId, ApiError> {
    let id = given(record, object).and_then(|named| named.get("id")).and_then(id_of);
    id.ok_or_else(|| ApiError::invalid_parameter(&format!("{object}.id")))
}

pub(crate) fn word<T>(
    members: &Map<String, Value>,
    name: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    match given(members, name) {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(parse)
            .map(Some)
            .ok_or_else(|| ApiError::invalid_parameter(name)),
    }
}

pub(crate) fn flag(members: &Map<String, Value>, name: &str) -> Result<Option<bool>, ApiError> {
    match given(members, name) {
        None => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or_else(|| ApiError::invalid_parameter(name)),
    }
}

fn message(members: &Map<String, Value>) -> Result<Option<Box<str>>, ApiError> {
    match given(members, "message") {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .filter(|text| text.chars().count() <= MESSAGE_MAX)
            .map(|text| Some(text.into()))
            .ok_or_else(|| ApiError::invalid_parameter("message")),
    }
}

/// `null` stands for "not given": typed clients write it for members that were never set.
pub(crate) fn given<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_changes() {
        let patch = parse_presence_update(br#"{"dndStatus":"DoNotAcceptDepartmentCalls"}"#);

        assert_eq!(
            patch,
            Ok(SettingsPatch {
                dnd_status: Some(DndStatus::DoNotAcceptDepartmentCalls),
                ..SettingsPatch::default()
            })
        );
    }

    #[test]
    fn every_writable_member_is_read() {
        let body = br#"{"userStatus":"Busy","dndStatus":"TakeAllCalls","message":"back at 3",
            "allowSeeMyPresence":false,"callerIdVisibility":"PermittedUsers",
            "ringOnMonitoredCall":true,"pickUpCallsOnHold":true}"#;

        assert_eq!(
            parse_presence_update(body),
            Ok(SettingsPatch {
                user_status: Some(UserStatus::Busy),
                dnd_status: Some(DndStatus::TakeAllCalls),
                message: Some("back at 3".into()),
                allow_see_my_presence: Some(false),
                ring_on_monitored_call: Some(true),
                pick_up_calls_on_hold: Some(true),
                caller_id_visibility: Some(CallerIdVisibility::PermittedUsers),
                ..SettingsPatch::default()
            })
        );
    }

    #[test]
    fn nothing_changes_nothing() {
        let read_only = br#"{"presenceStatus":"Busy","telephonyStatus":"NoCall","uri":"x",
            "extension":{"id":1},"activeCalls":[],"dndStatusPersonal":"Unknown","userStatus":null}"#;
        for body in [b"".as_slice(), b"  \n", b"{}", b"null", read_only] {
            assert_eq!(parse_presence_update(body), Ok(SettingsPatch::default()));
        }
    }

    #[test]
    fn what_is_outside_the_contract_names_its_member() {
        let long = format!(r#"{{"message":"{}"}}"#, "ü".repeat(76));
        for (body, name) in [
            (r#"{"userStatus":"Away"}"#, "userStatus"),
            (r#"{"userStatus":"busy"}"#, "userStatus"),
            (r#"{"dndStatus":"TakeDepartmentCallsOnly"}"#, "dndStatus"),
            (r#"{"dndStatus":"Unknown"}"#, "dndStatus"),
            (r#"{"dndStatus":7}"#, "dndStatus"),
            (r#"{"allowSeeMyPresence":"true"}"#, "allowSeeMyPresence"),
            (r#"{"callerIdVisibility":"Some"}"#, "callerIdVisibility"),
            (r#"{"message":7}"#, "message"),
            (&long, "message"),
        ] {
            assert_eq!(
                parse_presence_update(body.as_bytes()),
                Err(ApiError::invalid_parameter(name)),
                "{body}"
            );
        }
    }

    #[test]
    fn a_message_of_75_characters_fits_and_an_empty_one_removes_it() {
        let longest = "ü".repeat(75);
        let patch = parse_presence_update(format!(r#"{{"message":"{longest}"}}"#).as_bytes());
        assert_eq!(patch.map(|patch| patch.message), Ok(Some(longest.into())));

        let patch = parse_presence_update(br#"{"message":""}"#);
        assert_eq!(patch.map(|patch| patch.message), Ok(Some("".into())));
    }

    #[test]
    fn what_is_no_object_cannot_be_parsed() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
        for body in [b"[]".as_slice(), b"{", b"\"x\"", b"{\"a\":\xff}", deep.as_bytes()] {
            assert_eq!(parse_presence_update(body), Err(ApiError::bad_json()));
        }
    }
}
