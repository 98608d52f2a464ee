//! Applications: list, make, remove. A secret is shown once, when it is made.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use lampfield_contract::{ApiError, parse_object};
use lampfield_core::AppId;
use lampfield_core::directory::{App, Role, Scopes};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};

use crate::edge::{Answer, Payload, Refusal, json as answer, ok};
use crate::own::bounds::NAME_MAX;
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
    Payload(body): Payload,
) -> Answer {
    visitor.need(Role::Admin)?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let name = fields.needed_text("name", NAME_MAX)?;
    let scopes = scopes(&fields)?;
    let is_public = fields.flag("public")?.unwrap_or(false);
    let account = account_of(&state, &visitor, &fields)?;
    let secret = if is_public { None } else { Some(state.secrets.random_secret()?) };
    let _checking = state.registry.checking().await;
    let app = App {
        id: new_id(&state, &fields)?,
        name: name.trim().into(),
        secret: secret.as_ref().map(|(_, hash)| *hash),
        scopes,
        account,
    };
    let mut shown = record(&app);
    if let Some((secret, _)) = secret {
        shown["secret"] = json!(secret);
    }
    state.registry.apply(vec![DirectoryChange::PutApp(app)]).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `DELETE /apps/{app}`: its tokens are worth nothing from now on, its subscriptions end.
pub(super) async fn remove(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    visitor.need(Role::Admin)?;
    let app = AppId::new(&id)
        .ok()
        .and_then(|id| state.registry.app(&id))
        .filter(|app| is_reached(&visitor, app.account))
        .ok_or_else(|| ApiError::not_found("appId"))?;
    let subscriptions = state.registry.subscriptions();
    let (ids, sessions): (Vec<_>, Vec<_>) = subscriptions
        .iter()
        .filter(|subscription| subscription.app == app.id)
        .map(|subscription| (subscription.id, subscription.session))
        .unzip();
    let mut changes = vec![DirectoryChange::RemoveApp(app.id.clone())];
    changes.extend(ids.iter().map(|id| DirectoryChange::RemoveSubscription(*id)));
    state.registry.apply(changes).await?;
    for id in ids {
        state.delivery.subscription_changed(id);
    }
    for session in sessions {
        state.delivery.session_revoked(session);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn scopes(fields: &Fields<'_>) -> Result<Scopes, ApiError> {
    let words = fields.texts("scopes")?.unwrap_or_default();
    words.iter().try_fold(Scopes::NONE, |scopes, word| {
        let known = || Scopes::ALL.words().collect::<Vec<_>>().join(", ");
        let scope = Scopes::parse(word)
            .ok_or_else(|| fields.wrong("scopes", &format!("a list of {}", known())))?;
        Ok(scopes.with(scope))
    })
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

fn record(app: &App) -> Value {
    json!({
        "id": app.id.as_str(),
        "name": app.name,
        "scopes": app.scopes.words().collect::<Vec<_>>(),
        "public": app.secret.is_none(),
        "account": app.account.map(|account| account.to_string()),
    })
}
