//! Applications, log-ins, API keys, and how receivers of webhooks are doing.

use lampfield_core::AppId;
use lampfield_core::directory::{Grants, Role, Scopes};

use crate::openapi::operation::{Operation, delete, get, own, post, put};
use crate::openapi::schema::{
    Member, Named, Schema, count, flag, id_either, id_text, list, may, moment, must, named, object,
    text, uri, uuid, word,
};
use crate::openapi::subject::Subject;
use crate::openapi::subject::administration::name;
use crate::own::bounds::{JWT_DAYS_MAX, REDIRECT_URIS_MAX};

/// 30 days.
const OVERLAP_MAX: u64 = 30 * 86_400;

pub(super) fn subject() -> Subject {
    Subject {
        tag: "Access",
        about: "Lampfield's own: applications, log-ins, API keys, webhooks' health.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    let mut operations = houses();
    operations.extend(log_ins());
    operations.extend(receivers());
    operations
}

fn receivers() -> Vec<Operation> {
    const SECRET: &str = "/subscriptions/{subscription}/signing-secret";
    vec![
        get(
            own("/subscriptions"),
            "listReceivers",
            "Subscriptions and how their receivers are doing",
        )
        .key_or_token("admin", &[])
        .query(&["page", "perPage", "account.receivers", "transport", "state.receivers"])
        .answers(200, "A page, oldest first.", "ReceiverList"),
        get(own("/subscriptions/{subscription}/health"), "readHealth", "How a receiver is doing")
            .key_or_token("admin", &[])
            .answers(200, "Status, lag, the last attempts.", "Receiver"),
        post(own(SECRET), "rotateSigningSecret", "Put a new signing secret in place")
            .notes("It is shown this once. The one before still signs for `overlapSeconds`.")
            .key_or_token("admin", &[])
            .takes("NewSigningSecret")
            .or_nothing()
            .answers(200, "The secret, and until when each is in force.", "SigningSecret")
            .refuses(&[409]),
        delete(own(SECRET), "removeSigningSecret", "Sign no more")
            .key_or_token("admin", &[])
            .answers_nothing(204, "It is gone."),
    ]
}

fn houses() -> Vec<Operation> {
    vec![
        get(own("/apps"), "listApps", "Applications").key("admin").answers(
            200,
            "The applications.",
            "AppList",
        ),
        post(own("/apps"), "createApp", "Make an application")
            .notes("`secret` is shown this once. Public applications have none.")
            .key("admin")
            .takes("NewApp")
            .answers(201, "The application.", "App")
            .refuses(&[409])
            .leads(201, "/id", &[("changeApp", "app"), ("removeApp", "app")]),
        put(own("/apps/{app}"), "changeApp", "Change an application")
            .notes("What is not named keeps its value.")
            .key("admin")
            .takes("AppChange")
            .or_nothing()
            .answers(200, "The application after it.", "App"),
        delete(own("/apps/{app}"), "removeApp", "Remove an application")
            .notes("Its tokens are worth nothing from now on; its subscriptions end.")
            .key("admin")
            .answers_nothing(204, "It is gone."),
        get(own("/keys"), "listKeys", "API keys").key("admin").answers(200, "The keys.", "KeyList"),
        post(own("/keys"), "createKey", "Make an API key")
            .notes("`key` is shown this once.")
            .key("admin")
            .takes("NewKey")
            .answers(201, "The key.", "Key")
            .leads(201, "/id", &[("removeKey", "key")]),
        delete(own("/keys/{key}"), "removeKey", "Remove an API key")
            .notes("The last admin key stays.")
            .key("admin")
            .answers_nothing(204, "It is gone.")
            .refuses(&[409]),
    ]
}

fn log_ins() -> Vec<Operation> {
    let at = |tail: &str| own(&format!("/accounts/{{account}}/credentials{tail}"));
    vec![
        get(at(""), "listCredentials", "Log-ins of an account").key("admin").answers(
            200,
            "The log-ins.",
            "CredentialList",
        ),
        post(at("/jwt"), "createJwt", "Make a JWT credential")
            .notes("`jwt` is shown this once.")
            .key("admin")
            .takes("NewJwt")
            .answers(201, "The log-in.", "Credential")
            .leads(201, "/id", &[("removeCredential", "credential")]),
        post(at("/password"), "createPassword", "Set a password")
            .notes("Replaces the one before.")
            .key("admin")
            .takes("NewPassword")
            .answers(201, "The log-in.", "Credential")
            .leads(201, "/id", &[("removeCredential", "credential")]),
        delete(at("/{credential}"), "removeCredential", "Remove a log-in")
            .key("admin")
            .answers_nothing(204, "It is gone."),
    ]
}

fn schemas() -> Vec<Named> {
    let records = |name: &str| object([must("records", list(named(name)))]);
    vec![
        ("App", object(app())),
        ("AppList", records("App")),
        (
            "NewApp",
            object([
                may("id", app_id().or_null()),
                must("name", name()),
                may("public", flag().or_null()),
                may("account", id_either().or_null().about("The only account that may use it.")),
            ])
            .and(app_choices()),
        ),
        ("AppChange", object([may("name", name().or_null())]).and(app_choices())),
        ("Key", object(key())),
        ("KeyList", records("Key")),
        (
            "NewKey",
            object([
                must("name", name()),
                must("role", role()),
                may("account", id_either().or_null().about("The only account that it reaches.")),
            ]),
        ),
        ("Credential", object(credential())),
        ("CredentialList", records("Credential")),
        (
            "NewJwt",
            object([
                must("extension", whom()),
                may("app", text().or_null().about("The only application that may use it.")),
                may("expiresInDays", count().between(1, JWT_DAYS_MAX).or_null()),
            ]),
        ),
        (
            "NewPassword",
            object([must("extension", whom()), must("password", text().at_least(1).write_only())]),
        ),
        ("Receiver", receiver()),
        (
            "ReceiverList",
            records("Receiver").and([
                must("uri", uri()),
                must("paging", named("Paging")),
                must("navigation", named("Navigation")),
            ]),
        ),
        (
            "NewSigningSecret",
            object([
                may(
                    "secret",
                    signing_secret().or_null().about("One of one's own; random if none."),
                ),
                may("overlapSeconds", count().between(0, OVERLAP_MAX).or_null()),
            ]),
        ),
        (
            "SigningSecret",
            object([
                must("signingSecret", text()),
                must("inForce", list(object([must("until", moment().or_null())]))),
            ]),
        ),
    ]
}

fn app() -> Vec<Member> {
    vec![
        must("id", text()),
        must("name", text()),
        must("scopes", list(scope())),
        must("public", flag()),
        must("account", id_text().or_null()),
        must("grants", list(grant())),
        must("redirectUris", list(text())),
        may("secret", text()),
    ]
}

/// What may be said of an application.
fn app_choices() -> Vec<Member> {
    vec![
        may("scopes", list(scope()).or_null()),
        may("grants", list(grant()).or_null().about("How people may log in through it.")),
        may(
            "redirectUris",
            list(text())
                .at_most(REDIRECT_URIS_MAX)
                .or_null()
                .about("Where the log-in page may send people back to, letter for letter."),
        ),
    ]
}

fn grant() -> Schema {
    word(&Grants::ALL.words().collect::<Vec<_>>())
}

fn app_id() -> Schema {
    text().at_least(1).at_most(AppId::MAX).pattern("^[!-9;-~]+$")
}

fn scope() -> Schema {
    word(&Scopes::ALL.words().collect::<Vec<_>>())
}

fn role() -> Schema {
    word(&Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>())
}

fn whom() -> Schema {
    id_either().about("The extension's id; also `n:101`.")
}

fn key() -> Vec<Member> {
    vec![
        must("id", uuid()),
        must("name", text()),
        must("role", role()),
        must("account", id_text().or_null()),
        must("createdAt", moment()),
        may("key", text()),
    ]
}

fn credential() -> Vec<Member> {
    vec![
        must("id", uuid()),
        must("kind", word(&["password", "jwt"])),
        must("extension", id_text()),
        must("number", text().or_null()),
        must("app", text().or_null()),
        must("expiresAt", moment().or_null()),
        must("createdAt", moment()),
        may("jwt", text()),
    ]
}

fn signing_secret() -> Schema {
    text().pattern("^whsec_[A-Za-z0-9+/]{32,88}={0,2}$").write_only()
}

fn receiver() -> Schema {
    let attempt = object([
        must("at", moment()),
        must("tookMs", count()),
        must("uuid", uuid()),
        must("sequence", count()),
        must("status", count().or_null()),
        must("error", text().or_null()),
    ]);
    object([
        must("id", uuid()),
        must("account", id_text()),
        must("owner", id_text()),
        must("app", text()),
        must("transport", word(&["WebHook", "WebSocket"])),
        may("receiver", text().or_null().about("Scheme, host and port of a webhook.")),
        may("format", word(&["RingCentral", "CloudEvents"])),
        may("signed", flag()),
        must("eventFilters", list(text())),
        must("status", word(&["Active", "Blacklisted"])),
        must("blacklisted", object([must("at", moment()), must("reason", text())]).or_null()),
        must("state", word(&["well", "failing", "suspended"])),
        must("suspendedAt", moment().or_null()),
        must("createdAt", moment()),
        must("expiresAt", moment()),
        must("lag", count().about("Events that wait.")),
        may("cursor", text()),
        may("delivered", count()),
        may("attempts", count()),
        may("failuresInARow", count()),
        may("lastSuccess", moment().or_null()),
        may("lastFailure", moment().or_null()),
        may("lastError", text().or_null()),
        may("nextAttempt", moment().or_null()),
        may("recent", list(attempt)),
    ])
}
