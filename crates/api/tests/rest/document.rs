//! The document of requests, held against the server: every route against the document, and every
//! answer that a test gets against what the document says of it.
//!
//! The document is open (members may come with later versions); the judge here is strict: what the
//! server says today must be described today.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::header::CONTENT_TYPE;
use lampfield_api::openapi::{ASYNCAPI, OPENAPI};
use lampfield_contract::{SharedEnvelope, WireOptions, parse_timestamp};
use lampfield_core::visibility::Detail;
use lampfield_core::{SubscriptionId, View};
use serde_json::Value;

use crate::house::{ANNA, House, Reply, key};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&OPENAPI).unwrap());
static EVENTS: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&ASYNCAPI).unwrap());

/// Fails a test whose request was answered otherwise than the document says.
#[track_caller]
pub(crate) fn judge(method: &str, path: &str, reply: &Reply) {
    let Some(template) = template_of(path) else { return };
    let methods = &DOCUMENT["paths"][template];
    let Some(operation) = methods.get(method.to_lowercase()) else { return };
    let place = format!("{method} {template}");
    let status = reply.status.to_string();
    let answer = operation["responses"].get(&status);
    let answer = answer.unwrap_or_else(|| panic!("{place} answers {status}: {}", told(reply)));
    let answer = resolve(answer);
    for (name, header) in answer["headers"].as_object().into_iter().flatten() {
        let is_needed = resolve(header)["required"] == true;
        assert!(!is_needed || reply.headers.contains_key(name), "{place} {status} has no {name}");
    }
    let Some(content) = answer.get("content") else {
        assert!(reply.bytes.is_empty(), "{place} {status} has a body: {}", told(reply));
        return;
    };
    let kind = reply.headers.get(CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap());
    let kind = kind.split(';').next().unwrap_or("");
    let content = content.get(kind);
    let content = content.unwrap_or_else(|| panic!("{place} {status} has the type {kind:?}"));
    if kind == "application/json" || kind.ends_with("+json") {
        let body = reply.json();
        if let Err(problem) = fits(&body, &content["schema"], "body") {
            panic!("{place} {status}: {problem} in {body}");
        }
    }
}

fn told(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.bytes).into_owned()
}

fn resolve(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        // What both documents describe, both describe alike.
        Some(reference) => {
            let found =
                DOCUMENT.pointer(&reference[1..]).or_else(|| EVENTS.pointer(&reference[1..]));
            resolve(found.unwrap())
        }
        None => value,
    }
}

/// Finds the path of the document that a request's path means: the one with the fewest variables.
fn template_of(path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or("");
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    let templates = DOCUMENT["paths"].as_object().unwrap().keys();
    let matching = templates.filter(|template| {
        let wanted: Vec<_> = template.split('/').filter(|part| !part.is_empty()).collect();
        wanted.len() == parts.len()
            && wanted.iter().zip(&parts).all(|(one, part)| one.starts_with('{') || one == part)
    });
    matching.min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

type Fit = Result<(), String>;

/// Tells whether a value is what a schema says, and nothing else.
fn fits(value: &Value, schema: &'static Value, at: &str) -> Fit {
    let schema = resolve(schema);
    for several in ["anyOf", "oneOf"] {
        if let Some(list) = schema.get(several).and_then(Value::as_array) {
            let outcomes: Vec<_> = list.iter().map(|one| fits(value, one, at)).collect();
            if outcomes.iter().any(Result::is_ok) {
                return Ok(());
            }
            return outcomes.into_iter().next().unwrap_or(Ok(()));
        }
    }
    let kinds: Vec<_> = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if !kinds.iter().any(|kind| is_a(value, kind)) {
        return Err(format!("{at} is no {}: {value}", kinds.join(" or ")));
    }
    if schema.get("enum").is_some_and(|words| !words.as_array().unwrap().contains(value)) {
        return Err(format!("{at} is none of the words: {value}"));
    }
    match value {
        Value::Object(_) => object_fits(value, schema, at),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(place, item)| fits(item, &schema["items"], &format!("{at}[{place}]"))),
        Value::String(text) => text_fits(text, schema, at),
        Value::Number(number) => {
            let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
            let is_less = number.as_i64().is_some_and(|number| number < least);
            if is_less { Err(format!("{at} is less than {least}")) } else { Ok(()) }
        }
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the judge does not know the type {other}"),
    }
}

fn object_fits(value: &Value, schema: &'static Value, at: &str) -> Fit {
    let members = value.as_object().unwrap();
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !members.contains_key(name) {
            return Err(format!("{at}.{name} is missing"));
        }
    }
    if schema["additionalProperties"] == true {
        return Ok(());
    }
    for (name, member) in members {
        let described = schema["properties"].get(name);
        let described = described.ok_or_else(|| format!("{at}.{name} is not described"))?;
        fits(member, described, &format!("{at}.{name}"))?;
    }
    Ok(())
}

fn text_fits(text: &str, schema: &Value, at: &str) -> Fit {
    let is_right = match schema["format"].as_str() {
        Some("date-time") => parse_timestamp(text).is_some(),
        Some("uuid") => uuid::Uuid::try_parse(text).is_ok(),
        // Over a socket addresses are relative.
        Some("uri") => text.starts_with("http") || text.starts_with('/'),
        _ => true,
    };
    let longest = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
    let fits = text.chars().count() as u64 <= longest;
    if is_right && fits { Ok(()) } else { Err(format!("{at} is not as described: {text:?}")) }
}

/// Every method of every path, as `GET /a/{b}`.
type Places = BTreeSet<String>;

/// Reads the routes out of what the router says of itself.
fn routed(house: &House) -> Places {
    let text = format!("{:?}", lampfield_api::routes(house.state.clone()));
    let (routes, rest) = text.split_once("node: Node { paths: {").unwrap();
    let (paths, _) = rest.split_once('}').map(|_| rest.split_once("} }").unwrap()).unwrap();
    let mut places = Places::new();
    for entry in paths.split(", RouteId(") {
        let (id, path) = entry.trim_start_matches("RouteId(").split_once("): ").unwrap();
        let path = path.trim_matches(|c| "\"}".contains(c) && c == '"');
        let route = routes.split_once(&format!("RouteId({id}): MethodRouter(")).unwrap().1;
        let route = route.split_once("fallback:").unwrap().0;
        let has = |method: &&str| !route.contains(&format!(" {method}: None"));
        let methods: Vec<_> =
            ["get", "post", "put", "patch", "delete"].into_iter().filter(has).collect();
        // A path whose every method is answered alike is described by one of them.
        for method in if methods.is_empty() { vec!["get"] } else { methods } {
            places.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    places
}

fn described() -> Places {
    let mut places = Places::new();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            places.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    places
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else_is() {
    let house = House::new().await;
    let (routed, described) = (routed(&house), described());

    assert!(routed.len() > 50, "the routes could not be read: {routed:?}");
    let missing: Vec<_> = routed.difference(&described).collect();
    assert!(missing.is_empty(), "these routes are not described: {missing:#?}");
    let invented: Vec<_> = described.difference(&routed).collect();
    assert!(invented.is_empty(), "these operations have no route: {invented:#?}");
}

#[test]
fn what_both_documents_describe_is_described_alike() {
    let schemas = |document: &Value| document["components"]["schemas"].as_object().unwrap().clone();
    let (requests, events) = (schemas(&DOCUMENT), schemas(&EVENTS));
    let both: Vec<_> = events.iter().filter(|(name, _)| requests.contains_key(*name)).collect();

    assert!(both.len() > 2);
    for (name, schema) in both {
        assert_eq!(Some(schema), requests.get(name), "{name}");
    }
}

#[tokio::test]
async fn an_event_is_as_the_document_of_events_says() {
    let house = House::new().await;
    house.call_comes_in(ANNA, "+16505550199").await;
    let record = house.state.journal.newest().get(key(ANNA)).unwrap();
    let schema = EVENTS.pointer("/components/schemas/Notification").unwrap();
    for detail in [Detail::Plain, Detail::Detailed, Detail::Sip] {
        for view in [View::Full, View::WithoutCallers, View::Hidden] {
            let envelope = SharedEnvelope::of(&record.event, detail, view, WireOptions::default());
            let mut text = Vec::new();
            let (uuid, id) = (uuid::Uuid::from_u128(1), SubscriptionId(uuid::Uuid::from_u128(2)));
            envelope.splice(&mut text, uuid, id, key(ANNA).extension);
            let event = serde_json::from_slice(&text).unwrap();
            assert_eq!(fits(&event, schema, "event"), Ok(()), "{event}");
        }
    }
}

#[tokio::test]
async fn the_documents_and_their_page_are_served_to_everybody_and_run_no_script_of_others() {
    let house = House::new().await;
    let get = async |path: &str| {
        let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        house.send(request).await.expect(200)
    };
    assert_eq!(get("/openapi.json").await.bytes, OPENAPI.as_bytes());
    assert_eq!(get("/asyncapi.json").await.bytes, ASYNCAPI.as_bytes());
    let page = get("/docs").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = String::from_utf8(page.bytes).unwrap();
    // Nothing that the policy would stop: no script or style inside, nothing from elsewhere.
    assert_eq!(page.matches("<script").count(), page.matches("<script src=\"/docs/").count());
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("://"));
    for path in ["/docs/page.js", "/docs/page.css"] {
        assert!(page.contains(&format!("\"{path}\"")));
        let text = String::from_utf8(get(path).await.bytes).unwrap();
        assert!(!text.contains("innerHTML") && !text.contains("://"), "{path}");
    }
}

#[test]
fn the_judge_sees_what_does_not_fit() {
    let check = |schema: &str, value: &str| {
        let schema = DOCUMENT.pointer(&format!("/components/schemas/{schema}")).unwrap();
        fits(&serde_json::from_str(value).unwrap(), schema, "body").is_ok()
    };
    let error = r#"{"errorCode":"A","message":"B","errors":[{"errorCode":"A","message":"B"}]}"#;
    assert!(check("Error", error));
    assert!(!check("Error", r#"{"errorCode":"A","message":"B"}"#), "missing");
    assert!(!check("Error", &error.replace("\"B\",", "7,")), "of another type");
    assert!(!check("Error", &error.replace("\"errors\"", "\"x\":1,\"errors\"")), "not described");
    let app = r#"{"id":"a","name":"b","scopes":["ReadPresence"],"public":true,"account":null,
        "grants":["password"],"redirectUris":[]}"#;
    assert!(check("App", app));
    assert!(!check("App", &app.replace("ReadPresence", "ReadMinds")), "no such word");
    assert!(!check("App", &app.replace("null", "7")), "neither text nor null");
}
