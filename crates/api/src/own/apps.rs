//! Applications: list, make, change, remove. A secret is shown once, when it is made.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use lampfield_contract::{ApiError, parse_object};
use lampfield_core::AppId;
use lampfield_core::audit::{Alteration, AuditAct};
use lampfield_core::directory::{App, Grants, Role, Scopes};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};

use crate::audit::Trail;
use crate::edge::{Answer, Payload, Refusal, json as answer, ok};
use crate::oauth::{check_redirect_uri, end_sessions_with};
use crate::own::bounds::{NAME_MAX, REDIRECT_URIS_MAX};
use crate::own::fields::Fields;
use crate::own::keys::{account_of, is_reached};
use crate::own::{Visitor, conflict};
use crate::state::ApiState;

/// `GET /apps`: a bound key sees those of its account only.
pub(super) async fn list(State(state): State<ApiState>, visitor: Visitor) -> Answer {
    visitor.need(Role::Admin)?;
    let apps = state.registry.apps();
    let records: Vec<_> = apps
        .iter()
        .filter(|app| is_reached(&visitor, app.account))
        .map(|app| record(app))
        .collect();
    Ok(ok(&json!({ "records": records })))
}

/// `POST /apps`.
pub(super) async fn create(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Payload(body): Payload,
) -> Answer {
    visitor.need(Role::Admin)?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let name = fields.needed_text("name", NAME_MAX)?;
    let is_public = fields.flag("public")?.unwrap_or(false);
    let account = account_of(&state, &visitor, &fields)?;
    let secret = if is_public { None } else { Some(state.secrets.random_secret()?) };
    let _checking = state.registry.checking().await;
    let app = App {
        id: new_id(&state, &fields)?,
        name: name.trim().into(),
        secret: secret.as_ref().map(|(_, hash)| *hash),
        scopes: scopes(&fields)?.unwrap_or_default(),
        account,
        grants: grants(&fields)?.unwrap_or(Grants::ALL),
        redirect_uris: redirect_uris(&fields)?.unwrap_or_default(),
    };
    let mut shown = record(&app);
    if let Some((secret, _)) = secret {
        shown["secret"] = json!(secret);
    }
    let entry = trail.entry(&state, account, AuditAct::AppCreate, app.id.as_str(), told(&app));
    state.registry.apply(vec![DirectoryChange::PutApp(app), entry]).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `PUT /apps/{app}`: name, scopes, grants and redirect URIs; what is not named keeps its value.
pub(super) async fn update(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path(id): Path<String>,
    Payload(body): Payload,
) -> Answer {
    visitor.need(Role::Admin)?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let _checking = state.registry.checking().await;
    let before = find(&state, &visitor, &id)?;
    let mut after = App::clone(&before);
    if fields.get("name").is_some() {
        after.name = fields.needed_text("name", NAME_MAX)?.trim().into();
    }
    after.scopes = scopes(&fields)?.unwrap_or(before.scopes);
    after.grants = grants(&fields)?.unwrap_or(before.grants);
    if let Some(uris) = redirect_uris(&fields)? {
        after.redirect_uris = uris;
    }
    let shown = record(&after);
    let alterations = altered(&before, &after);
    if !alterations.is_empty() {
        let act = AuditAct::AppUpdate;
        let entry = trail.entry(&state, after.account, act, after.id.as_str(), alterations);
        state.registry.apply(vec![DirectoryChange::PutApp(after), entry]).await?;
    }
    Ok(ok(&shown))
}

/// `DELETE /apps/{app}`: its log-ins and subscriptions end.
pub(super) async fn remove(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path(id): Path<String>,
) -> Answer {
    visitor.need(Role::Admin)?;
    let app = find(&state, &visitor, &id)?;
    let subscriptions: Vec<_> = state
        .registry
        .subscriptions()
        .iter()
        .filter(|subscription| subscription.app == app.id)
        .map(|subscription| subscription.id)
        .collect();
    let sessions = state.registry.sessions_of_app(&app.id);
    let act = AuditAct::AppRemove;
    let entry = trail.entry(&state, app.account, act, app.id.as_str(), told(&app));
    let mut changes = vec![DirectoryChange::RemoveApp(app.id.clone()), entry];
    changes.extend(subscriptions.iter().map(|id| DirectoryChange::RemoveSubscription(*id)));
    end_sessions_with(&state, &sessions, changes).await?;
    for id in subscriptions {
        state.delivery.subscription_changed(id);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn find(state: &ApiState, visitor: &Visitor, id: &str) -> Result<Arc<App>, ApiError> {
    AppId::new(id)
        .ok()
        .and_then(|id| state.registry.app(&id))
        .filter(|app| is_reached(visitor, app.account))
        .ok_or_else(|| ApiError::not_found("appId"))
}

fn scopes(fields: &Fields<'_>) -> Result<Option<Scopes>, ApiError> {
    let Some(words) = fields.texts("scopes")? else { return Ok(None) };
    let scopes = words.iter().try_fold(Scopes::NONE, |scopes, word| {
        let known = || Scopes::ALL.words().collect::<Vec<_>>().join(", ");
        let scope = Scopes::parse(word)
            .ok_or_else(|| fields.wrong("scopes", &format!("a list of {}", known())))?;
        Ok::<_, ApiError>(scopes.with(scope))
    });
    scopes.map(Some)
}

/// A grant is named as in `lampfield app add`, or as in token requests.
fn grants(fields: &Fields<'_>) -> Result<Option<Grants>, ApiError> {
    const URN: &str = "urn:ietf:params:oauth:grant-type:";
    let Some(words) = fields.texts("grants")? else { return Ok(None) };
    let grants = words.iter().try_fold(Grants::NONE, |grants, word| {
        let known = || Grants::ALL.words().collect::<Vec<_>>().join(", ");
        let grant = Grants::parse(word.strip_prefix(URN).unwrap_or(word))
            .ok_or_else(|| fields.wrong("grants", &format!("a list of {}", known())))?;
        Ok::<_, ApiError>(grants.with(grant))
    });
    grants.map(Some)
}

fn redirect_uris(fields: &Fields<'_>) -> Result<Option<Box<[Box<str>]>>, ApiError> {
    let Some(uris) = fields.texts("redirectUris")? else { return Ok(None) };
    if uris.len() > REDIRECT_URIS_MAX {
        let expected = format!("a list of at most {REDIRECT_URIS_MAX} addresses");
        return Err(fields.wrong("redirectUris", &expected));
    }
    let mut kept: Vec<Box<str>> = Vec::with_capacity(uris.len());
    for uri in uris {
        check_redirect_uri(&uri).map_err(|expected| fields.wrong("redirectUris", expected))?;
        if !kept.iter().any(|one| **one == *uri) {
            kept.push(uri.into());
        }
    }
    Ok(Some(kept.into()))
}

fn new_id(state: &ApiState, fields: &Fields<'_>) -> Result<AppId, Refusal> {
    let Some(text) = fields.id("id")? else {
        let text = state.secrets.random_id()?.simple().to_string();
        return AppId::new(&text).map_err(|_| ApiError::internal().into());
    };
    // It stands before a colon in Basic authorization.
    let id = AppId::new(&text).ok().filter(|id| !id.as_str().contains(':'));
    let expected = format!("at most {} printable characters, no space, no colon", AppId::MAX);
    let id = id.ok_or_else(|| fields.wrong("id", &expected))?;
    match state.registry.app(&id) {
        Some(_) => Err(conflict("id", "another application has this id").into()),
        None => Ok(id),
    }
}

fn list_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

/// What the audit trail tells of an application that is made or removed.
fn told(app: &App) -> Vec<Alteration> {
    let blank = App {
        id: app.id.clone(),
        name: "".into(),
        secret: None,
        scopes: Scopes::NONE,
        account: None,
        grants: Grants::NONE,
        redirect_uris: Box::default(),
    };
    altered(&blank, app)
}

fn altered(before: &App, after: &App) -> Vec<Alteration> {
    let uris = |app: &App| list_of(app.redirect_uris.iter().map(|uri| &**uri));
    [
        Alteration::between("name", &before.name, &after.name),
        Alteration::between(
            "scopes",
            &list_of(before.scopes.words()),
            &list_of(after.scopes.words()),
        ),
        Alteration::between(
            "grants",
            &list_of(before.grants.words()),
            &list_of(after.grants.words()),
        ),
        Alteration::between("redirectUris", &uris(before), &uris(after)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn record(app: &App) -> Value {
    json!({
        "id": app.id.as_str(),
        "name": app.name,
        "scopes": app.scopes.words().collect::<Vec<_>>(),
        "public": app.secret.is_none(),
        "account": app.account.map(|account| account.to_string()),
        "grants": app.grants.words().collect::<Vec<_>>(),
        "redirectUris": app.redirect_uris,
    })
}
