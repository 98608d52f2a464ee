//! Log-in, refresh, log-out, tokens for WebSockets.

use crate::openapi::operation::{FORM, HTML, Operation, get, post};
use crate::openapi::schema::{
    Named, Schema, anything, count, id_text, may, must, object, text, uri, uuid, word,
};
use crate::openapi::subject::Subject;

const GRANTS: [&str; 4] = [
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "password",
    "refresh_token",
    "authorization_code",
];

pub(super) fn subject() -> Subject {
    Subject {
        tag: "OAuth",
        about: "Tokens: log-in with a JWT credential or a password, refresh, log-out.",
        operations: operations(),
        schemas: schemas(),
    }
}

fn operations() -> Vec<Operation> {
    vec![
        get("/.well-known/entry-points/initial", "readEntryPoints", "What an SDK needs to log in")
            .query(&["clientId"])
            .answers(200, "Where everything is.", "EntryPoints"),
        get("/.well-known/entry-points/external", "readInnerEntryPoints", "What an SDK needs afterwards")
            .answers(200, "Where everything is.", "EntryPoints"),
        authorize(get(AUTHORIZE, "showLogin", "The log-in page"))
            .query(WISH)
            .refuses_as_page(&[400, 429, 503]),
        authorize(post(AUTHORIZE, "submitLogin", "What was entered on the log-in page"))
            .takes_as(FORM, anything())
            .refuses_as_page(&[400, 403, 408, 413, 415, 429, 503]),
        post("/restapi/oauth/token", "issueToken", "Log in, or refresh")
            .client()
            .takes_as(FORM, token_request())
            .answers(200, "Tokens.", "TokenResponse")
            .refuses_as_oauth(&[400, 401, 408, 413, 415, 429, 500, 503]),
        post("/restapi/oauth/revoke", "revokeToken", "Log out")
            .notes("Ends the session of an access or refresh token. An unknown one is as good as revoked.")
            .client()
            .query(&["token", "client_id"])
            .takes_as(FORM, object([may("token", text()), may("client_id", text()), may("client_secret", secret())]))
            .or_nothing()
            .answers_nothing(200, "It is over.")
            .refuses_as_oauth(&[400, 401, 415, 500, 503]),
        post("/restapi/oauth/wstoken", "issueSocketToken", "A token that opens WebSockets")
            .token(&["WebSocketsSubscription"])
            .answers(200, "Address and token.", "SocketToken"),
    ]
}

const AUTHORIZE: &str = "/restapi/oauth/authorize";
const WISH: &[&str] = &[
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
];

fn authorize(operation: Operation) -> Operation {
    operation
        .notes(
            "For browsers. The answer goes to `redirect_uri`, with `code` and `state`, or `error`.",
        )
        .answers_as(200, "The page.", HTML, text())
        .answers_nothing(302, "Back to the application.")
        .with_header(302, "Location")
}

fn token_request() -> Schema {
    object([
        must("grant_type", word(&GRANTS)),
        may("assertion", secret().about("The JWT.")),
        may("username", text().about("The main number, perhaps `*` and the extension's number.")),
        may("extension", text()),
        may("password", secret()),
        may("refresh_token", secret()),
        may("code", secret()),
        may("redirect_uri", text()),
        may("code_verifier", secret()),
        may("client_id", text()),
        may("client_secret", secret()),
        may(
            "scope",
            text().about("Words parted by spaces; all that the application may, if none."),
        ),
        may("endpoint_id", text()),
        may("access_token_ttl", text().pattern("^-?[0-9]{1,9}$")),
        may("refresh_token_ttl", text().pattern("^-?[0-9]{1,9}$")),
    ])
}

fn entry_points() -> Schema {
    object([
        must("version", text()),
        must("retryCount", count()),
        must("retryInterval", count()),
        may("retryCycleDelay", count()),
        may("expiresIn", count()),
        must("coreApi", object([must("baseUri", uri())])),
        must(
            "discoveryApi",
            object([
                may("defaultExternalUri", uri()),
                may("externalUri", uri()),
                may("initialUri", uri()),
            ]),
        ),
        must(
            "authApi",
            object([
                must("authorizationUri", uri()),
                may("defaultTokenUri", uri()),
                may("tokenUri", uri()),
                must("baseUri", uri()),
            ]),
        ),
    ])
}

fn secret() -> Schema {
    text().write_only()
}

fn schemas() -> Vec<Named> {
    vec![
        ("EntryPoints", entry_points()),
        (
            "TokenResponse",
            object([
                must("access_token", text()),
                must("token_type", word(&["bearer"])),
                must("expires_in", count()),
                may("refresh_token", text()),
                may("refresh_token_expires_in", count()),
                must("scope", text()),
                must("owner_id", id_text()),
                may("endpoint_id", text()),
                must("session_id", uuid()),
            ]),
        ),
        (
            "SocketToken",
            object([
                must("uri", text().about("Where sockets are opened; clients append a query.")),
                must("ws_access_token", text()),
                must("expires_in", count()),
            ]),
        ),
    ]
}
