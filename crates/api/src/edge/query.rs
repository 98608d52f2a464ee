//! Queries: pairs of decoded text, in order, repeats kept.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use lampfield_contract::parse_query;

/// The query of a request. Unknown names are for nobody; flags without a value have an empty one.
#[derive(Debug, Clone, Default)]
pub struct Query(pub Vec<(String, String)>);

impl Query {
    /// Returns the first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// Returns every value of a name; one value may hold several, parted by commas.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self.0.iter().filter(move |(one, _)| one == name);
        values.flat_map(|(_, value)| value.split(',')).filter(|value| !value.is_empty())
    }

    /// Tells whether a flag is set: there, without a value or with a true one, in any case.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| {
            value.is_empty() || value.eq_ignore_ascii_case("true") || value == "1"
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parse_query(parts.uri.query().unwrap_or(""))))
    }
}

/// Writes one value for a query.
#[must_use]
pub fn encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_set_with_or_without_a_value_and_in_any_case() {
        let query = Query(parse_query("a&b=True&c=false&d=1&e=no"));
        let set: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|name| query.is_set(name)).into();
        assert_eq!(set, [true, true, false, true, false, false]);
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let text = "Grüße & 100% + more=1";
        assert_eq!(
            parse_query(&format!("q={}", encode(text))),
            [("q".to_owned(), text.to_owned())]
        );
    }
}
