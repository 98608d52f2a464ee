//! JSON schemas (2020-12), as OpenAPI 3.1 has them: small builders, so that a table of members reads
//! like the sentence that it is.

use std::fmt::Display;

use serde_json::{Map, Value, json};

/// A schema under construction.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Schema(Value);

/// A member of an object: its name, its schema, and whether it is always there.
#[derive(Debug, Clone)]
pub(super) struct Member {
    name: &'static str,
    schema: Schema,
    is_required: bool,
}

/// A schema by its name, as it stands in the components.
pub(super) type Named = (&'static str, Schema);

/// Returns a member that is always there.
pub(super) fn must(name: &'static str, schema: Schema) -> Member {
    Member { name, schema, is_required: true }
}

/// Returns a member that may be absent.
pub(super) fn may(name: &'static str, schema: Schema) -> Member {
    Member { name, schema, is_required: false }
}

/// Returns an object of members. Others may come with later versions.
pub(super) fn object(members: impl IntoIterator<Item = Member>) -> Schema {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for member in members {
        if member.is_required {
            required.push(member.name);
        }
        properties.insert(member.name.to_owned(), member.schema.0);
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    Schema(schema)
}

/// Returns an object whose members nobody has named.
pub(super) fn anything() -> Schema {
    Schema(json!({ "type": "object", "additionalProperties": true }))
}

/// Returns a reference to a schema of the components.
pub(super) fn named(name: &str) -> Schema {
    Schema(json!({ "$ref": format!("#/components/schemas/{name}") }))
}

/// Returns a list.
pub(super) fn list(items: Schema) -> Schema {
    let mut schema = json!({ "type": "array" });
    schema["items"] = items.0;
    Schema(schema)
}

/// Returns a text.
pub(super) fn text() -> Schema {
    Schema(json!({ "type": "string" }))
}

/// Returns `true` or `false`.
pub(super) fn flag() -> Schema {
    Schema(json!({ "type": "boolean" }))
}

/// Returns a whole number that is not negative.
pub(super) fn count() -> Schema {
    Schema(json!({ "type": "integer", "format": "int64", "minimum": 0 }))
}

/// Returns an id as a number.
pub(super) fn id_number() -> Schema {
    Schema(json!({ "type": "integer", "format": "int64", "minimum": 1 }))
}

/// Returns an id as a text of digits.
pub(super) fn id_text() -> Schema {
    text().pattern("^[0-9]{1,19}$")
}

/// Returns an id that may be written either way in a request.
pub(super) fn id_either() -> Schema {
    one_of([id_text(), id_number()])
}

/// Returns a moment, in UTC with milliseconds.
pub(super) fn moment() -> Schema {
    text().format("date-time")
}

/// Returns an address.
pub(super) fn uri() -> Schema {
    text().format("uri")
}

/// Returns a UUID.
pub(super) fn uuid() -> Schema {
    text().format("uuid")
}

/// Returns one word of a closed set.
pub(super) fn word<T: Display>(all: &[T]) -> Schema {
    let words: Vec<_> = all.iter().map(ToString::to_string).collect();
    Schema(json!({ "type": "string", "enum": words }))
}

/// Returns what is exactly one of several.
pub(super) fn one_of(schemas: impl IntoIterator<Item = Schema>) -> Schema {
    Schema(json!({ "oneOf": values(schemas) }))
}

/// Returns what is at least one of several.
pub(super) fn any_of(schemas: impl IntoIterator<Item = Schema>) -> Schema {
    Schema(json!({ "anyOf": values(schemas) }))
}

fn values(schemas: impl IntoIterator<Item = Schema>) -> Vec<Value> {
    schemas.into_iter().map(|schema| schema.0).collect()
}

impl Schema {
    /// Returns what may be anything.
    pub(super) fn any() -> Self {
        Self(json!({}))
    }

    /// Returns a list whose elements each have a schema of their own; all are there.
    pub(super) fn tuple(parts: Vec<Value>) -> Self {
        let length = parts.len();
        let mut schema = json!({ "type": "array", "minItems": 1, "maxItems": length });
        schema["prefixItems"] = Value::Array(parts);
        Self(schema)
    }

    /// Allows `null` beside the type.
    pub(super) fn or_null(mut self) -> Self {
        match self.0.get("type").and_then(Value::as_str).map(str::to_owned) {
            Some(kind) => {
                self.0["type"] = json!([kind, "null"]);
                if let Some(words) = self.0.get_mut("enum").and_then(Value::as_array_mut) {
                    words.push(Value::Null);
                }
                self
            }
            None => any_of([self, Self(json!({ "type": "null" }))]),
        }
    }

    /// Returns it as it is.
    pub(super) fn same(self) -> Self {
        self
    }

    /// Says what it means.
    pub(super) fn about(self, sentence: &str) -> Self {
        self.with("description", sentence)
    }

    /// Demands a format.
    fn format(self, format: &str) -> Self {
        self.with("format", format)
    }

    /// Demands a regular expression.
    pub(super) fn pattern(self, pattern: &str) -> Self {
        self.with("pattern", pattern)
    }

    /// Bounds the length of a text or a list from above.
    pub(super) fn at_most(self, max: usize) -> Self {
        let name = if self.0["type"] == "array" { "maxItems" } else { "maxLength" };
        self.with(name, max)
    }

    /// Bounds the length of a text or a list from below.
    pub(super) fn at_least(self, min: usize) -> Self {
        let name = if self.0["type"] == "array" { "minItems" } else { "minLength" };
        self.with(name, min)
    }

    /// Bounds a number.
    pub(super) fn between(self, min: u64, max: u64) -> Self {
        self.with("minimum", min).with("maximum", max)
    }

    /// Names the value that counts when none is given.
    pub(super) fn default_to(self, value: impl Into<Value>) -> Self {
        self.with("default", value)
    }

    /// Shows a value.
    pub(super) fn such_as(self, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with("examples", json!([value]))
    }

    /// Marks what is sent and never shown.
    pub(super) fn write_only(self) -> Self {
        self.with("writeOnly", true)
    }

    /// Adds members to an object.
    pub(super) fn and(self, members: impl IntoIterator<Item = Member>) -> Self {
        let Value::Object(more) = object(members).0 else { return self };
        let mut whole = self.0;
        if let (Some(properties), Some(Value::Object(new))) =
            (whole["properties"].as_object_mut(), more.get("properties"))
        {
            properties.extend(new.clone());
        }
        if let Some(Value::Array(new)) = more.get("required") {
            match whole.get_mut("required").and_then(Value::as_array_mut) {
                Some(required) => required.extend(new.iter().cloned()),
                None => whole["required"] = json!(new),
            }
        }
        Self(whole)
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    /// Returns the schema as it stands in the document.
    pub(super) fn into_value(self) -> Value {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_must_be_there_are_listed() {
        let schema = object([must("id", text()), may("name", text().or_null())]).into_value();

        assert_eq!(schema["required"], json!(["id"]));
        assert_eq!(schema["properties"]["name"]["type"], json!(["string", "null"]));
    }

    #[test]
    fn an_object_can_be_added_to_whether_or_not_it_demanded_anything() {
        let bare = object([may("a", text())]).and([must("b", text())]).into_value();
        let full = object([must("a", text())]).and([must("b", text())]).into_value();

        assert_eq!(bare["required"], json!(["b"]));
        assert_eq!(full["required"], json!(["a", "b"]));
        assert_eq!(full["properties"].as_object().map(Map::len), Some(2));
    }

    #[test]
    fn null_may_stand_beside_a_word_and_beside_a_reference() {
        assert_eq!(word(&["a"]).or_null().into_value()["enum"], json!(["a", null]));
        assert_eq!(named("X").or_null().into_value()["anyOf"][1], json!({ "type": "null" }));
    }
}
