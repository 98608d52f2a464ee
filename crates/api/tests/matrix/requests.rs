//! Every request of RingCentral's paths for every kind of caller (contract 2.3, 6.1).

use std::collections::BTreeSet;

use axum::body::Body;
use http::Request;
use lampfield_api::openapi::OPENAPI;
use lampfield_core::directory::{Permissions, Scopes};
use lampfield_core::subscription::{EventFilter, Subscription, SubscriptionStatus, Transport};
use lampfield_core::visibility::Detail;
use lampfield_core::{AppId, SubscriptionId};
use lampfield_journal::DirectoryChange;
use serde_json::Value;
use uuid::Uuid;

use crate::house::{ANNA, B, BEN, CLEO, QUEUE, Reply, STRANGER, key};
use crate::receiver::Receiver;
use crate::server::Server;
use crate::table::Table;
use crate::tokens::{Bad, refused, take_from_ben, verdict, without_scope};

/// What the contract says of a request.
struct Rule {
    method: &'static str,
    /// Below `/restapi/v1.0`, or whole.
    path: &'static str,
    body: &'static str,
    scope: Option<Scopes>,
    permission: Option<Permissions>,
    others: Others,
}

/// What is answered about another person of the account.
#[derive(Clone, Copy, PartialEq)]
enum Others {
    /// The same as about oneself.
    Open,
    /// Only administrators are answered.
    Private,
    /// The request names nobody.
    Nobody,
}

use Others::{Nobody, Open, Private};

const PRESENCE: &str = "/account/{a}/extension/{e}/presence";

type Needs = (Scopes, Permissions);

const READ: Needs = (Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS);
const EDIT: Needs = (Scopes::EDIT_PRESENCE, Permissions::EDIT_PRESENCE_STATUS);
const SETTINGS: Needs = (Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_SETTINGS);
const SET: Needs = (Scopes::EDIT_PRESENCE, Permissions::EDIT_PRESENCE_SETTINGS);
const PEOPLE: Needs = (Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS);
const CONTACTS: Needs = (Scopes::READ_CONTACTS, Permissions::READ_PERSONAL_CONTACTS);
const KEEP: Needs = (Scopes::CONTACTS, Permissions::EDIT_PERSONAL_CONTACTS);
const COMPANY: Needs = (Scopes::READ_ACCOUNTS, Permissions::READ_COMPANY_INFO);

const LINES: &str = "/account/{a}/extension/{e}/presence/line";
const PERMITTED: &str = "/account/{a}/extension/{e}/presence/permission";
const AGENT: &str = "/account/{a}/extension/{e}/call-queue-presence";
const UNIFIED: &str = "/account/{a}/extension/{e}/unified-presence";
const FAVORITE: &str = "/account/{a}/extension/{e}/favorite";
const MEMBERS: &str = "/account/{a}/call-queues/1600/presence";

const fn rule(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    (scope, permission): Needs,
    others: Others,
) -> Rule {
    Rule { method, path, body, scope: Some(scope), permission: Some(permission), others }
}

const fn plain(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    scope: Option<Scopes>,
) -> Rule {
    Rule { method, path, body, scope, permission: None, others: Nobody }
}

/// The table of the contract.
const RULES: &[Rule] = &[
    rule("GET", "/account/{a}/presence", "", READ, Nobody),
    rule("GET", PRESENCE, "", READ, Open),
    rule("PUT", PRESENCE, r#"{"userStatus":"Busy"}"#, EDIT, Private),
    rule("GET", LINES, "", SETTINGS, Private),
    rule("PUT", LINES, r#"{"records":[]}"#, SET, Private),
    rule("GET", "/account/{a}/extension/{e}/presence/line/1", "", SETTINGS, Private),
    rule("GET", "/account/{a}/extension/{e}/presence/line/presence", "", READ, Open),
    rule("GET", PERMITTED, "", SETTINGS, Private),
    rule("PUT", PERMITTED, r#"{"extensions":[]}"#, SET, Private),
    rule("GET", MEMBERS, "", READ, Nobody),
    rule(
        "PUT",
        MEMBERS,
        r#"{"records":[{"member":{"id":"1001"},"acceptCurrentQueueCalls":true}]}"#,
        EDIT,
        Nobody,
    ),
    rule("GET", AGENT, "", READ, Open),
    rule(
        "PUT",
        AGENT,
        r#"{"records":[{"callQueue":{"id":"1600"},"acceptCalls":true}]}"#,
        EDIT,
        Private,
    ),
    rule("GET", UNIFIED, "", READ, Open),
    rule("PATCH", UNIFIED, r#"{"glip":{"availability":"DND"}}"#, EDIT, Private),
    rule("GET", "/account/{a}", "", COMPANY, Nobody),
    rule("GET", "/account/{a}/extension", "", PEOPLE, Nobody),
    rule("GET", "/account/{a}/extension/{e}", "", PEOPLE, Open),
    rule("GET", "/account/{a}/extension/{e}/features", "", PEOPLE, Private),
    rule("GET", "/account/{a}/call-queues", "", PEOPLE, Nobody),
    rule("GET", "/account/{a}/call-queues/1600", "", PEOPLE, Nobody),
    rule("GET", FAVORITE, "", CONTACTS, Private),
    rule("PUT", FAVORITE, r#"{"records":[]}"#, KEEP, Private),
    plain("GET", "/client-info", "", None),
    plain("GET", "/subscription", "", None),
    plain("POST", "/subscription", "{webhook}", Some(Scopes::SUBSCRIPTION_WEBHOOK)),
    plain("GET", "/subscription/{s}", "", None),
    plain("PUT", "/subscription/{s}", "", None),
    plain("POST", "/subscription/{s}/renew", "", None),
    plain("DELETE", "/subscription/{s}", "", None),
    plain("POST", "/restapi/oauth/wstoken", "", Some(Scopes::WEBSOCKET)),
];

/// Requests that need no token: what they are answered with, whatever token there is.
const OPEN: [(&str, &str, u16); 17] = [
    ("GET", "/restapi", 200),
    ("GET", "/restapi/v1.0", 200),
    ("GET", "/restapi/v1.0/status", 200),
    ("GET", "/.well-known/entry-points/external", 200),
    ("GET", "/.well-known/entry-points/initial?clientId=app", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/asyncapi.json", 200),
    ("GET", "/docs", 200),
    ("GET", "/docs/page.js", 200),
    ("GET", "/docs/page.css", 200),
    ("GET", "/ws", 426),
    ("GET", "/restapi/oauth/authorize", 400),
    ("POST", "/restapi/oauth/authorize", 415),
    ("POST", "/restapi/oauth/token", 415),
    ("GET", "/restapi/v1.0/account/~/active-calls", 501),
    ("GET", "/restapi/v1.0/account/~/extension/~/active-calls", 501),
    ("GET", "/restapi/v1.0/account/~/directory/entries", 501),
];

/// Somebody who asks, about somebody.
struct Caller<'a> {
    token: &'a str,
    account: String,
    extension: String,
    app: AppId,
}

impl<'a> Caller<'a> {
    fn new(token: &'a str, app: &AppId) -> Self {
        Self { token, account: "~".into(), extension: "~".into(), app: app.clone() }
    }

    fn about(self, extension: u64) -> Self {
        Self { extension: extension.to_string(), ..self }
    }

    fn of_account(self, account: u64) -> Self {
        Self { account: account.to_string(), ..self }
    }
}

struct Desk {
    server: Server,
    receiver: Receiver,
}

impl Desk {
    /// Sends the request of a rule as a caller; there is a subscription of Anna's for it.
    async fn ask(&self, rule: &Rule, caller: Caller<'_>) -> Reply {
        let id = self.subscribe(&caller.app).await;
        let path = rule
            .path
            .replace("{a}", &caller.account)
            .replace("{e}", &caller.extension)
            .replace("{s}", &id.to_string());
        let path = if path.starts_with("/restapi") { path } else { format!("/restapi/v1.0{path}") };
        let webhook = self.receiver.body(&["/restapi/v1.0/account/~/extension/~/presence"]);
        let body = rule.body.replace("{webhook}", &webhook);
        let reply = self.send(caller.token, rule.method, &path, &body).await;
        self.server.house.apply(DirectoryChange::RemoveSubscription(id)).await;
        reply
    }

    async fn send(&self, token: &str, method: &str, path: &str, body: &str) -> Reply {
        if !token.is_empty() {
            return self.server.call(token, method, path, body).await;
        }
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.server.address)
            .header("content-type", "application/json");
        self.server.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn subscribe(&self, app: &AppId) -> SubscriptionId {
        let house = &self.server.house;
        let now = house.state.now();
        let subscription = Subscription {
            id: SubscriptionId(Uuid::from_u128(7)),
            account: key(ANNA).account,
            owner: key(ANNA).extension,
            app: app.clone(),
            session: lampfield_core::SessionId(Uuid::nil()),
            filters: vec![EventFilter::Extension(key(ANNA).extension, Detail::Plain)],
            disabled: Vec::new(),
            transport: Transport::webhook(self.receiver.address.clone(), None),
            created_at: now,
            lifetime: std::time::Duration::from_secs(3600),
            expires_at: now.after(std::time::Duration::from_secs(3600)),
            status: SubscriptionStatus::Active,
            from: house.state.journal.head(key(ANNA).account).position,
        };
        let id = subscription.id;
        house.apply(DirectoryChange::PutSubscription(subscription)).await;
        id
    }
}

/// Returns the status of the good case.
fn good(rule: &Rule) -> String {
    let status = if rule.method == "DELETE" { 204 } else { 200 };
    status.to_string()
}

const COLUMNS: [&str; 10] = [
    "request",
    "right",
    "scope missing",
    "permission missing",
    "other extension",
    "other, as administrator",
    "other account",
    "extension of another account",
    "somebody else's",
    "no good token",
];

/// What the contract says of each column, in their order.
fn expected(rule: &Rule) -> Vec<String> {
    let none = || "-".to_owned();
    let names = |text: &str| rule.path.contains(text);
    let word = |scope: Scopes| scope.words().next().unwrap().to_owned();
    let other = match rule.others {
        Open => good(rule),
        Private => "403 CMN-404".to_owned(),
        Nobody => none(),
    };
    let nowhere = |text: &str, parameter: &str| {
        if names(text) { format!("404 CMN-102 {parameter}") } else { none() }
    };
    vec![
        format!("{} {}", rule.method, rule.path),
        good(rule),
        rule.scope.map_or_else(none, |scope| format!("403 CMN-401 {}", word(scope))),
        rule.permission
            .map_or_else(none, |it| format!("403 CMN-408 {}", it.words().next().unwrap())),
        other,
        if rule.others == Nobody { none() } else { good(rule) },
        nowhere("{a}", "accountId"),
        nowhere("{e}", "extensionId"),
        nowhere("{s}", "subscriptionId"),
        "401".to_owned(),
    ]
}

#[tokio::test]
async fn every_request_is_answered_to_those_who_may_and_refused_to_everybody_else_by_name() {
    let server = Server::new().await;
    let bad = Bad::new(&server.house).await;
    let desk = Desk { server, receiver: Receiver::new().await };
    let house = &desk.server.house;
    let anna = house.log_in(ANNA).await;
    take_from_ben(house, Permissions::NONE).await;
    let (ben, cleo) = (house.log_in(BEN).await, house.log_in(CLEO).await);
    let stranger = house.log_in(STRANGER).await;
    let app = AppId::new("app").unwrap();
    let mut table = Table::new(&COLUMNS);
    let mut wrong = Vec::new();
    for rule in RULES {
        let names = |text: &str| rule.path.contains(text);
        let mut found = vec![format!("{} {}", rule.method, rule.path)];
        found.push(verdict(&desk.ask(rule, Caller::new(&anna, &app)).await));
        found.push(match rule.scope {
            Some(scope) => {
                let (app, token) = without_scope(house, scope).await;
                verdict(&desk.ask(rule, Caller::new(&token, &app)).await)
            }
            None => "-".to_owned(),
        });
        found.push(match rule.permission {
            Some(permission) => {
                take_from_ben(house, permission).await;
                let refused = desk.ask(rule, Caller::new(&ben, &app)).await;
                take_from_ben(house, Permissions::NONE).await;
                verdict(&refused)
            }
            None => "-".to_owned(),
        });
        let cases = [
            (rule.others != Nobody, Caller::new(&anna, &app).about(BEN)),
            (rule.others != Nobody, Caller::new(&cleo, &app).about(ANNA)),
            (names("{a}"), Caller::new(&anna, &app).of_account(B)),
            (names("{e}"), Caller::new(&anna, &app).about(STRANGER)),
            (names("{s}"), Caller::new(&stranger, &app)),
        ];
        for (is_meant, caller) in cases {
            found.push(if is_meant { verdict(&desk.ask(rule, caller).await) } else { "-".into() });
        }
        let mut refusals = Vec::new();
        for (token, code) in bad.each() {
            refusals.push((verdict(&desk.ask(rule, Caller::new(token, &app)).await), code));
        }
        found.push(refused(&refusals));
        let expected = expected(rule);
        let differ = found.iter().zip(&expected).zip(COLUMNS).filter(|((one, two), _)| one != two);
        wrong.extend(differ.map(|((found, expected), column)| {
            format!("{} {}, {column}: {found}, not {expected}", rule.method, rule.path)
        }));
        table.row(found);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    insta::assert_snapshot!("requests", table.text());
}

#[tokio::test]
async fn what_needs_no_token_is_answered_the_same_with_and_without_one() {
    let server = Server::new().await;
    let bad = Bad::new(&server.house).await;
    let desk = Desk { server, receiver: Receiver::new().await };
    let anna = desk.server.house.log_in(ANNA).await;
    for (method, path, status) in OPEN {
        let tokens = bad.each().map(|(token, _)| token);
        for token in tokens.into_iter().chain([anna.as_str()]) {
            let reply = desk.send(token, method, path, "").await;
            assert_eq!(reply.status, status, "{method} {path} with {token:?}");
        }
    }
}

#[test]
fn every_request_that_the_server_knows_is_in_a_table() {
    let document: Value = serde_json::from_str(&OPENAPI).unwrap();
    let mut known = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            if ["GET", "PUT", "POST", "PATCH", "DELETE"].contains(&method.as_str()) {
                known.insert(format!("{method} {}", shape(path)));
            }
        }
    }
    let below = |path: &str| {
        if path.starts_with("/restapi") { path.to_owned() } else { format!("/restapi/v1.0{path}") }
    };
    let here = RULES
        .iter()
        .map(|rule| format!("{} {}", rule.method, shape(&below(rule.path))))
        .chain(OPEN.iter().map(|(method, path, _)| format!("{method} {}", shape(path))))
        .chain(crate::owned::requests())
        // Revoking answers 200 whatever the token is; its client is proven, not its user.
        .chain(["POST /restapi/oauth/revoke".to_owned()]);
    let here: BTreeSet<_> = here.collect();
    let missing: Vec<_> = known.difference(&here).collect();
    let gone: Vec<_> = here.difference(&known).collect();
    assert!(missing.is_empty() && gone.is_empty(), "missing: {missing:#?}, gone: {gone:#?}");
}

/// Returns a path with a star for whatever names one of many.
pub(crate) fn shape(path: &str) -> String {
    let is_one = |part: &str| {
        part == "~" || part.starts_with('{') || part.bytes().all(|it| it.is_ascii_digit())
    };
    let path = path.split('?').next().unwrap_or(path);
    let parts = path.split('/').map(|part| match part {
        "" => "",
        part if is_one(part) => "*",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

const _: () = assert!(QUEUE == 1600, "the queue of the table above");
