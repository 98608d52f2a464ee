//! Query strings: parsing for frames and filters, flags of the contract.

use serde_json::Value;

/// Reads a query string (without `?`) into decoded pairs; a name without `=` has an empty value.
/// What is no valid percent escape or no UTF-8 stays as it stands.
#[must_use]
pub fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Returns the first value of a query parameter.
pub(crate) fn first<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Reads a boolean query parameter as clients write it: `true`, `True`, or the bare name. Anything
/// else is `None`, except `false` in any case.
pub(crate) fn parse_flag(value: &str) -> Option<bool> {
    if value.is_empty() || value.eq_ignore_ascii_case("true") || value == "1" {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") || value == "0" {
        Some(false)
    } else {
        None
    }
}

/// Returns a JSON scalar as it would stand in a query.
pub(crate) fn value_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| hex_pair(bytes.get(at + 1..at + 3)?)).flatten();
        if let Some(byte) = escaped {
            out.push(byte);
            at += 3;
        } else {
            out.push(if *byte == b'+' { b' ' } else { *byte });
            at += 1;
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Vec<(String, String)> {
        parse_query(query)
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn pairs_are_decoded_in_order() {
        assert_eq!(
            pairs("page=2&q=a%20b+c&flag&&empty=&page=3"),
            [
                pair("page", "2"),
                pair("q", "a b c"),
                pair("flag", ""),
                pair("empty", ""),
                pair("page", "3")
            ]
        );
    }

    #[test]
    fn broken_escapes_stay_as_they_stand() {
        assert_eq!(
            pairs("q=100%&r=%zz&s=%ff"),
            [pair("q", "100%"), pair("r", "%zz"), pair("s", "%ff")]
        );
    }

    #[test]
    fn flags_are_read_as_clients_write_them() {
        assert_eq!(["", "true", "True", "1"].map(parse_flag), [Some(true); 4]);
        assert_eq!(["false", "False", "0"].map(parse_flag), [Some(false); 3]);
        assert_eq!(parse_flag("maybe"), None);
    }
}
