//! Members of a JSON object, read into values: each error names the member, with its path.

use lampfield_contract::{ApiError, parse_timestamp};
use lampfield_core::Timestamp;
use serde_json::{Map, Value};

/// A JSON object and where it stands in the body, such as `extensions[2].calls[0]`.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// Reads members of a whole body.
    pub(super) const fn of(members: &'a Map<String, Value>) -> Self {
        Self { members, path: String::new() }
    }

    /// Tells the path of a member, as errors name it.
    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Returns the error that a member is wrong, with a sentence about what it should be.
    pub(super) fn wrong(&self, name: &str, expected: &str) -> ApiError {
        wrong_at(&self.path_of(name), expected)
    }

    /// Returns a member that is there and not `null`.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// Reads a text of at most `max` characters without control characters.
    pub(super) fn text(&self, name: &str, max: usize) -> Result<Option<&'a str>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().filter(|text| is_plain(text, max));
        text.map(Some).ok_or_else(|| {
            self.wrong(name, &format!("a text of at most {max} characters without line breaks"))
        })
    }

    /// Reads a text that must be there and not be empty.
    pub(super) fn needed_text(&self, name: &str, max: usize) -> Result<&'a str, ApiError> {
        self.text(name, max)?
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| self.wrong(name, "given and not empty"))
    }

    /// Reads a word of a closed set.
    pub(super) fn word<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        words: &str,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let word = value.as_str().and_then(parse);
        word.map(Some).ok_or_else(|| self.wrong(name, &format!("one of {words}")))
    }

    /// Reads `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(name, "true or false"))
    }

    /// Reads a whole number between two bounds.
    pub(super) fn number(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().filter(|number| (min..=max).contains(number));
        number
            .map(Some)
            .ok_or_else(|| self.wrong(name, &format!("a whole number from {min} to {max}")))
    }

    /// Reads a moment in ISO 8601.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let moment = value.as_str().and_then(parse_timestamp);
        moment
            .map(Some)
            .ok_or_else(|| self.wrong(name, "a moment such as 2016-02-18T09:37:24.597Z"))
    }

    /// Reads an id, written as text or as a number.
    pub(super) fn id(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        id_text(value).map(Some).ok_or_else(|| self.wrong(name, "an id"))
    }

    /// Reads a list; none is an empty one.
    pub(super) fn list(&self, name: &str) -> Result<Option<&'a Vec<Value>>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_array().map(Some).ok_or_else(|| self.wrong(name, "a list"))
    }

    /// Reads a list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        let texts: Option<Vec<_>> = list.iter().map(id_text).collect();
        texts.map(Some).ok_or_else(|| self.wrong(name, "a list of texts"))
    }

    /// Reads an object.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let members = value.as_object().ok_or_else(|| self.wrong(name, "an object"))?;
        Ok(Some(Self { members, path: self.path_of(name) }))
    }

    /// Reads a list of objects; none is an empty one.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, ApiError> {
        let list = self.list(name)?.map_or(&[][..], Vec::as_slice);
        let path = self.path_of(name);
        let one = |(place, value): (usize, &'a Value)| {
            let path = format!("{path}[{place}]");
            match value.as_object() {
                Some(members) => Ok(Self { members, path }),
                None => Err(wrong_at(&path, "an object")),
            }
        };
        list.iter().enumerate().map(one).collect()
    }
}

/// Tells whether a text has at most `max` characters and no control characters.
pub(super) fn is_plain(text: &str, max: usize) -> bool {
    text.chars().count() <= max && !text.chars().any(char::is_control)
}

/// Lists the words of a closed set for people.
pub(super) fn words_of<T: std::fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn wrong_at(path: &str, expected: &str) -> ApiError {
    ApiError::invalid_parameter(path)
        .with_message(format!("Parameter [{path}] value is invalid: it must be {expected}"))
}

fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_names_the_path_and_says_what_is_expected() {
        let body = json!({ "extensions": [{}, { "calls": [{ "queueCall": "yes" }] }] });
        let fields = Fields::of(body.as_object().unwrap());

        let extensions = fields.objects("extensions").unwrap();
        let call = &extensions[1].objects("calls").unwrap()[0];
        let error = call.flag("queueCall").unwrap_err();

        assert_eq!(error.parameter.as_deref(), Some("extensions[1].calls[0].queueCall"));
        assert!(error.message.ends_with("it must be true or false"), "{}", error.message);
        assert!(extensions[0].objects("calls").unwrap().is_empty());
    }

    #[test]
    fn null_is_as_good_as_nothing() {
        let body = json!({ "name": null, "flag": null, "list": null });
        let fields = Fields::of(body.as_object().unwrap());

        assert_eq!(fields.text("name", 9), Ok(None));
        assert_eq!(fields.flag("flag"), Ok(None));
        assert_eq!(fields.list("list"), Ok(None));
        assert!(fields.needed_text("name", 9).is_err());
    }

    #[test]
    fn texts_numbers_and_ids_are_bounded() {
        let body = json!({ "long": "xxxx", "line": "a\nb", "big": 11, "minus": -1, "id": 7 });
        let fields = Fields::of(body.as_object().unwrap());

        assert!(fields.text("long", 3).is_err());
        assert_eq!(fields.text("long", 4), Ok(Some("xxxx")));
        assert!(fields.text("line", 9).is_err());
        assert!(fields.number("big", 1, 10).is_err());
        assert!(fields.number("minus", 0, 10).is_err());
        assert_eq!(fields.id("id"), Ok(Some("7".to_owned())));
        assert!(fields.id("minus").is_err());
    }
}
