//! What this server says of itself: an OpenAPI document of every request, an AsyncAPI document of every
//! event, and a page for people.
//!
//! Both documents are made from tables that stand beside each other by subject. They are kept in the
//! repository as well (`contract/`); a test compares them, and another one walks the router: no path
//! is without its operation, and no operation without its path.

mod events;
mod notifications;
mod operation;
mod parameters;
mod schema;
mod site;
mod subject;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

pub(crate) use site::routes;

use lampfield_core::directory::Scopes;

use crate::openapi::operation::{JSON, reference};
use crate::openapi::schema::named;
use crate::openapi::subject::Subject;

/// The document of all requests, as it is served and kept.
pub static OPENAPI: LazyLock<String> = LazyLock::new(|| text_of(&requests()));
/// The document of all events, as it is served and kept.
pub static ASYNCAPI: LazyLock<String> = LazyLock::new(|| text_of(&events::document()));

const ABOUT: &str = "A self-hosted presence server. It takes in what phones, meeting systems and \
    people report, and tells every change in RingCentral's own words.\n\nPaths below `/restapi` are \
    RingCentral's; paths below `/lampfield/v1` are Lampfield's own. Every path may end with a slash; \
    `POST` with the header `X-HTTP-Method-Override` stands for another method. Members that are not \
    named here may come with later versions: ignore them.";

fn text_of(document: &Value) -> String {
    // Maps with text as keys cannot fail to be written.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// Returns the OpenAPI document.
fn requests() -> Value {
    let mut paths = Map::new();
    let mut tags = Vec::new();
    let mut schemas = Map::new();
    for Subject { tag, about, operations, schemas: own } in subject::all() {
        if !operations.is_empty() {
            tags.push(json!({ "name": tag, "description": about }));
        }
        for operation in operations {
            let (method, path) = operation.place();
            let (method, path) = (method.to_owned(), path.to_owned());
            let methods = paths.entry(path).or_insert_with(|| json!({}));
            methods[&method] = operation.into_value(tag);
        }
        schemas.extend(own.into_iter().map(|(name, it)| (name.to_owned(), it.into_value())));
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lampfield",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "This server" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters::components(),
            "headers": parameters::headers(),
            "responses": refusals(),
            "securitySchemes": security(),
        },
    });
    prune(&mut document);
    document
}

/// Statuses with which requests are refused, and what each means.
const REFUSALS: [(u16, &str); 14] = [
    (400, "Something in the request is wrong."),
    (401, "No token, or one that is not good."),
    (403, "The token is good; it may not do this."),
    (404, "There is no such thing, or not for this caller."),
    (408, "The body did not arrive in time."),
    (409, "Something is taken, or must stay."),
    (412, "It has changed in the meantime."),
    (413, "The body is too large."),
    (415, "The body is of a type that is not read here."),
    (426, "A WebSocket handshake is needed."),
    (429, "Too many requests; wait."),
    (500, "Our fault."),
    (501, "This server does not have it."),
    (503, "No room at present, in the intake or on the disk; nothing has changed. Wait."),
];

fn refusals() -> Map<String, Value> {
    let kinds = [("Refusal", "Error"), ("OauthRefusal", "OauthError")];
    let all = kinds.into_iter().flat_map(|(kind, schema)| {
        REFUSALS.into_iter().map(move |(status, meaning)| {
            (format!("{kind}{status}"), refusal(status, meaning, schema))
        })
    });
    all.collect()
}

/// Leaves out of some parts of the components what nobody refers to.
fn prune(document: &mut Value) {
    for part in ["responses", "parameters", "headers"] {
        let text = document.to_string();
        if let Some(named) = document["components"][part].as_object_mut() {
            named.retain(|name, _| text.contains(&format!("\"#/components/{part}/{name}\"")));
        }
    }
}

fn refusal(status: u16, meaning: &str, schema: &str) -> Value {
    let extra = match status {
        401 => Some("WWW-Authenticate"),
        429 | 503 => Some("Retry-After"),
        _ => None,
    };
    let names = ["RCRequestId"].into_iter().chain(extra);
    let headers: Map<_, _> =
        names.map(|name| (name.to_owned(), reference("headers", name))).collect();
    json!({
        "description": meaning,
        "headers": headers,
        "content": { JSON: { "schema": named(schema).into_value() } },
    })
}

fn security() -> Value {
    let scopes: Map<_, _> = Scopes::ALL
        .words()
        .map(|word| (word.to_owned(), json!(format!("The scope {word}."))))
        .collect();
    let token = "/restapi/oauth/token";
    json!({
        "oauth": {
            "type": "oauth2",
            "description": "An access token as a bearer token, of any grant.",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": "/restapi/oauth/authorize",
                    "tokenUrl": token,
                    "refreshUrl": token,
                    "scopes": scopes,
                },
                "password": { "tokenUrl": token, "refreshUrl": token, "scopes": scopes },
            },
        },
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key of Lampfield's as a bearer token.",
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "Id and secret of an application. Public applications, and those that put \
                them into the form, send no header.",
        },
    })
}
