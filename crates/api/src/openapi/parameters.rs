//! Parameters and headers, each known by its name: what stands in a path, a query or a head means the
//! same wherever it stands.

use serde_json::{Map, Value, json};

use crate::openapi::operation::reference;
use crate::openapi::schema::{Schema, count, flag, list, text, uuid, word};

/// Headers of the contract's rate limits.
pub(super) const RATE_HEADERS: [&str; 4] =
    ["X-Rate-Limit-Group", "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Window"];

/// Parameters of paths: name, schema, meaning.
fn path_parameters() -> Vec<(&'static str, Schema, &'static str)> {
    let kinds = word(&["calls", "meetings", "registrations", "dnd"]);
    vec![
        ("account", id_or_own("1000"), "Id of an account; `~` stands for the own one."),
        (
            "extension",
            text().at_least(1).such_as("~"),
            "Id of an extension; `~` stands for the own one. Below `/lampfield` also `n:101`, its \
             number; below `/restapi`, where 207 is an answer, several ids parted by commas.",
        ),
        ("subscription", uuid(), "Id of a subscription."),
        ("line", text().at_least(1).such_as("1"), "Number of a line."),
        ("queue", text().at_least(1), "Id of a call queue."),
        ("source", text().at_least(1).at_most(64), "Name of whoever reports, such as `pbx`."),
        ("list", kinds, "What the claim is about."),
        ("id", text().at_least(1), "The source's own id of the claim."),
        ("app", text().at_least(1), "Id of an application."),
        ("credential", uuid(), "Id of a log-in."),
        ("key", uuid(), "Id of an API key."),
    ]
}

/// Parameters of queries: name, schema, meaning.
fn query_parameters() -> Vec<(&'static str, Schema, &'static str)> {
    let many = || list(text());
    vec![
        ("page", count().between(1, 4_000_000_000).default_to(1), "Page of a list, from 1."),
        (
            "perPage",
            count().between(0, 4_000_000_000).default_to(100),
            "Records on a page; more than 1000 are cut to that.",
        ),
        ("detailedTelephonyState", flag(), "Shows `activeCalls`."),
        ("sipData", flag(), "Shows `activeCalls` with their SIP dialogs."),
        ("totalActiveCalls", flag(), "Shows `totalActiveCalls`."),
        ("extensionNumber", many(), "Only extensions with one of these numbers."),
        ("email", many(), "Only extensions with one of these mail addresses."),
        ("status", many(), "Only extensions with one of these statuses."),
        ("type", many(), "Only extensions of one of these types."),
        ("featureId", many(), "Only these features."),
        ("availableOnly", flag(), "Only features that are available."),
        ("editableMemberStatus", flag(), "Only queues whose members choose, or may not choose."),
        ("memberExtensionId", text(), "Only queues of this member."),
        ("q", text(), "Beginning of the number, or part of name, mail address or group."),
        ("dryRun", flag(), "Checks everything and changes nothing."),
        ("detail", detail(), "How much of calls is shown."),
        ("after", text(), "The position to go on from; the header `Last-Event-ID` wins."),
        ("snapshot", flag().default_to(true), "Whether a picture comes first."),
        ("sequence", count(), "The moment that is asked about; none for now."),
        ("wsc", text().at_most(1024), "Recovery token of the connection before."),
        ("access_token", text(), "The token that `POST /restapi/oauth/wstoken` issued."),
        ("token", text(), "The token, unless it stands in the form."),
        ("client_id", text(), "The application, unless it stands in form or header."),
        ("clientId", text().at_least(1), "The application; needed."),
        ("response_type", word(&["code"]), "What is asked for; needed."),
        ("redirect_uri", text(), "Where the answer goes; registered for the application."),
        ("state", text(), "Sent back as it came."),
        ("scope", text(), "Words parted by spaces."),
        ("code_challenge", text(), "PKCE; needed of public applications."),
        ("code_challenge_method", word(&["S256", "plain"]).default_to("plain"), "PKCE."),
        ("login_hint", text(), "Who is expected to log in."),
        ("account.receivers", text(), "Only of this account; `~` for the only one."),
        ("transport", word(&["WebHook", "WebSocket"]), "Only of this transport."),
        ("state.receivers", word(&["well", "failing", "suspended"]), "Only receivers that do so."),
    ]
}

/// Headers of requests and answers: name, schema, meaning.
fn header_parameters() -> Vec<(&'static str, Schema, &'static str)> {
    vec![
        ("If-None-Match", text(), "`ETag` of what is known already."),
        ("Last-Event-ID", text(), "The position to go on from."),
        ("RCRequestId", text(), "The request's id, to be named when something is wrong."),
        ("ETag", text(), "The position at which the answer holds, in quotes."),
        ("Location", text(), "Where to go on."),
        ("Retry-After", count(), "Seconds to wait before the same is asked again."),
        ("WWW-Authenticate", text(), "Which kind of log-in is needed."),
        ("X-Rate-Limit-Group", word(&["light", "medium", "heavy", "auth"]), "The limit's group."),
        ("X-Rate-Limit-Limit", count(), "Requests that a window allows."),
        ("X-Rate-Limit-Remaining", count(), "Requests that are left of the window."),
        ("X-Rate-Limit-Window", count(), "The window, in seconds."),
    ]
}

fn id_or_own(example: &str) -> Schema {
    text().pattern("^(~|[0-9]{1,19})$").such_as("~").such_as(example)
}

fn detail() -> Schema {
    word(&["plain", "detailed", "sip"]).default_to("plain")
}

type Known = Vec<(&'static str, Schema, &'static str)>;

/// Returns references to the parameters that a path has.
pub(super) fn in_path(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| reference("parameters", &format!("path-{name}"))).collect()
}

/// Returns a reference to a parameter of queries.
pub(super) fn in_query(name: &str) -> Value {
    reference("parameters", &format!("query-{name}"))
}

/// Returns a reference to a parameter of heads.
pub(super) fn in_head(name: &str) -> Value {
    reference("parameters", &format!("header-{name}"))
}

/// Returns all parameters as components.
pub(super) fn components() -> Map<String, Value> {
    let kind = |place: &'static str, known: Known| {
        known.into_iter().map(move |(name, schema, meaning)| {
            // The same word may mean two things: what stands behind the point tells them apart.
            let written = name.split('.').next();
            let parameter = json!({
                "name": written,
                "in": place,
                "required": place == "path",
                "description": meaning,
                "schema": schema.into_value(),
            });
            (format!("{place}-{name}"), parameter)
        })
    };
    let wanted = ["If-None-Match", "Last-Event-ID"];
    let heads = header_parameters().into_iter().filter(|(name, ..)| wanted.contains(name));
    kind("path", path_parameters())
        .chain(kind("query", query_parameters()).map(comma_lists))
        .chain(kind("header", heads.collect()))
        .collect()
}

/// Several values may be parted by commas or come as repeats.
fn comma_lists((name, mut parameter): (String, Value)) -> (String, Value) {
    if parameter["schema"]["type"] == "array" {
        parameter["style"] = json!("form");
        parameter["explode"] = json!(true);
    }
    (name, parameter)
}

/// Returns all headers of answers as components.
pub(super) fn headers() -> Map<String, Value> {
    let heads = header_parameters().into_iter();
    heads
        .map(|(name, schema, meaning)| {
            // It stands in every answer, whatever becomes of the request.
            let is_required = name == "RCRequestId";
            let header = json!({
                "description": meaning,
                "required": is_required,
                "schema": schema.into_value(),
            });
            (name.to_owned(), header)
        })
        .collect()
}
