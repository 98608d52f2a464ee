//! Callers of every kind.

use lampfield_core::directory::{Permissions, Scopes};
use lampfield_core::{AppId, ExtensionType};
use lampfield_journal::DirectoryChange;

use crate::house::{ANNA, BEN, House, Reply, app, extension, text};

/// Tokens that are not good any more.
pub(crate) struct Bad {
    pub(crate) revoked: String,
    pub(crate) expired: String,
}

impl Bad {
    /// Logs in and spoils it. Moves the clock on by an hour: to be done first.
    pub(crate) async fn new(house: &House) -> Self {
        let expired = house.log_in(ANNA).await;
        house.wait(3601);
        let revoked = house.log_in(ANNA).await;
        let form = format!("token={revoked}");
        house.form("/restapi/oauth/revoke", "app", &form).await.expect(200);
        Self { revoked, expired }
    }

    /// Returns each with how it is refused: revoked, expired, unknown; the last one is none at all.
    pub(crate) fn each(&self) -> [(&str, &'static str); 4] {
        [
            (&self.revoked, "401 OAU-211"),
            (&self.expired, "401 OAU-128"),
            ("nonsense", "401 OAU-213"),
            ("", "401 OAU-123"),
        ]
    }
}

/// Returns one cell for all tokens that are not good: `401` when each was refused with its own code.
pub(crate) fn refused(found: &[(String, &str)]) -> String {
    match found.iter().find(|(found, expected)| found != expected) {
        None => "401".to_owned(),
        Some((found, expected)) => format!("{found}, not {expected}"),
    }
}

/// Logs Anna in through an application that may everything but `scope`.
pub(crate) async fn without_scope(house: &House, scope: Scopes) -> (AppId, String) {
    let word = scope.words().next().unwrap();
    let rest = Scopes::ALL
        .words()
        .filter_map(Scopes::parse)
        .filter(|one| !one.with_included().contains(scope))
        .fold(Scopes::NONE, Scopes::with);
    let app = app(&format!("no-{word}"), rest);
    let id = app.id.clone();
    house.apply(DirectoryChange::PutApp(app)).await;
    let login = house.log_in_with(ANNA, id.as_str()).await;
    (id, text(&login, "access_token"))
}

/// Takes a permission from Ben, who is otherwise like everybody else and in a queue like Anna.
pub(crate) async fn take_from_ben(house: &House, permission: Permissions) {
    let rest = Permissions::ordinary()
        .words()
        .filter_map(Permissions::parse)
        .filter(|one| *one != permission)
        .fold(Permissions::NONE, Permissions::with);
    let queues = extension(ANNA, ExtensionType::User).queues;
    let ben = extension(BEN, ExtensionType::User);
    let ben = lampfield_core::directory::Extension { permissions: rest, queues, ..ben };
    house.apply(DirectoryChange::PutExtension(ben)).await;
}

/// Returns an answer's status, its code and what in brackets its message names.
pub(crate) fn verdict(reply: &Reply) -> String {
    let (status, code) = reply.verdict();
    if code.is_empty() {
        return status.to_string();
    }
    let body = reply.json();
    let message = body["message"].as_str().unwrap_or_default();
    let named = message.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    match named {
        Some((name, _)) if matches!(code.as_str(), "CMN-401" | "CMN-408" | "CMN-102") => {
            format!("{status} {code} {name}")
        }
        _ => format!("{status} {code}"),
    }
}
