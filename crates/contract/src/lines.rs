//! `presence/line`: whom a user monitors (contract 1.10, 2.4).
//!
//! Lines have numbers from 1. The first two are always the user's own; the monitored extensions
//! follow in the user's order.

use lampfield_core::directory::Extension;
use lampfield_core::{ExtensionId, ExtensionKey};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::presence::extension_uri;
use crate::update::{given, id_in, parse_records};

/// How many lines, the first ones, are the user's own.
pub const OWN_LINES: usize = 2;

/// Returns the address of the list of lines of `owner`.
#[must_use]
pub fn lines_uri(base_uri: &str, owner: ExtensionKey) -> String {
    format!("{}/presence/line", extension_uri(base_uri, owner))
}

/// Returns the line with a number, which shows `extension`.
#[must_use]
pub fn line_resource(
    base_uri: &str,
    owner: ExtensionKey,
    number: usize,
    extension: &Extension,
) -> Value {
    json!({
        "id": number.to_string(),
        "uri": format!("{}/{number}", lines_uri(base_uri, owner)),
        "extension": {
            "id": extension.key.extension.to_string(),
            "uri": extension_uri(base_uri, extension.key),
            "extensionNumber": &*extension.number,
            "type": extension.standing.kind.as_str(),
        },
    })
}

/// Reads a new list of lines of `owner`: `{"records": [{"id", "extension": {"id"}}]}` or a bare array.
/// Returns the monitored extensions in the order of the body, each once; what names the owner is one
/// of the own lines and not in it.
///
/// # Errors
/// 400 CMN-103 for what is no JSON; 400 CMN-101 for a record without an extension, and for one of the
/// first two lines that names another extension than `owner`.
pub fn parse_lines(body: &[u8], owner: ExtensionId) -> Result<Vec<ExtensionId>, ApiError> {
    let mut monitored = Vec::new();
    for record in parse_records(body)? {
        let extension = id_in(&record, "extension")?;
        if extension == owner || monitored.contains(&extension) {
            continue;
        }
        if is_own_line(&record) {
            return Err(ApiError::invalid_parameter("id").with_message(
                "The first two lines are the extension's own and cannot be changed",
            ));
        }
        monitored.push(extension);
    }
    Ok(monitored)
}

fn is_own_line(record: &Map<String, Value>) -> bool {
    let number = given(record, "id").and_then(|id| match id {
        Value::String(text) => text.parse::<usize>().ok(),
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        _ => None,
    });
    number.is_some_and(|number| (1..=OWN_LINES).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ExtensionId {
        ExtensionId::new(number).expect("an id")
    }

    #[test]
    fn both_shapes_of_the_body_are_read_in_their_order() {
        let list = r#"[{"id":"1","extension":{"id":"7"}},{"id":"2","extension":{"id":"7"}},
            {"id":"4","extension":{"id":"9"}},{"id":"3","extension":{"id":8}},
            {"extension":{"id":"9"}}]"#;
        let whole = format!(r#"{{"records":{list},"uri":"ignored"}}"#);

        for body in [list, &whole] {
            assert_eq!(parse_lines(body.as_bytes(), id(7)), Ok(vec![id(9), id(8)]), "{body}");
        }
        assert_eq!(parse_lines(b"[]", id(7)), Ok(Vec::new()));
    }

    #[test]
    fn the_first_two_lines_are_the_owners_and_stay_so() {
        for line in [r#""1""#, "2"] {
            let body = format!(r#"[{{"id":{line},"extension":{{"id":"8"}}}}]"#);
            let error = parse_lines(body.as_bytes(), id(7)).expect_err("not to be changed");
            assert_eq!(error.parameter.as_deref(), Some("id"), "{body}");
        }
    }

    #[test]
    fn what_is_no_list_of_lines_is_refused_by_name() {
        for (body, code, parameter) in [
            ("", "CMN-101", Some("records")),
            ("null", "CMN-101", Some("records")),
            ("{}", "CMN-101", Some("records")),
            (r#"{"records":{}}"#, "CMN-101", Some("records")),
            ("[7]", "CMN-101", Some("records")),
            ("[{}]", "CMN-101", Some("extension.id")),
            (r#"[{"extension":{"id":"x"}}]"#, "CMN-101", Some("extension.id")),
            (r#"[{"extension":"8"}]"#, "CMN-101", Some("extension.id")),
            ("[", "CMN-103", None),
        ] {
            let error = parse_lines(body.as_bytes(), id(7)).expect_err(body);
            assert_eq!((error.status, error.code), (400, code), "{body}");
            assert_eq!(error.parameter.as_deref(), parameter, "{body}");
        }
    }
}
