//! `POST /restapi/oauth/token`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderValue, StatusCode};
use lampfield_contract::{Grant, IssuedTokens, OauthError, Secret, TokenRequest, token_response};
use lampfield_core::SessionId;
use lampfield_core::directory::{App, Grants, Scopes};

use crate::auth::Knocker;
use crate::edge::{client_address, json, read};
use crate::oauth::client::{Claimed, read_form};
use crate::oauth::code;
use crate::oauth::grant;
use crate::oauth::refusal::OauthRefusal;
use crate::oauth::session::{self, Beginning, Issued, Lives};
use crate::rate::Group;
use crate::state::ApiState;

/// Answers a token request.
pub(super) async fn issue(State(state): State<ApiState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let address = client_address(&state.config, &parts);
    let headers = parts.headers.clone();
    let request = Request::from_parts(parts, body);
    let body = match read(request, state.config.presence_body_max, state.config.body_timeout).await
    {
        Ok(body) => body,
        Err(refusal) => return OauthRefusal::from(refusal).into_response(),
    };
    let (asked, client) = match parse(&headers, &body) {
        Ok(parsed) => parsed,
        Err(error) => return OauthRefusal::from(error).into_response(),
    };
    let who = state.rates.caller((client.id(), address, subject(&state, &asked.grant)));
    let verdict = state.rates.enter(who, Group::Auth, state.now());
    let mut response = match verdict.retry_after {
        Some(seconds) => OauthRefusal::from(OauthError::rate_exceeded(seconds)).into_response(),
        None => guarded(&state, &asked, &client, client.knocker(address)).await,
    };
    verdict.write(response.headers_mut());
    response
}

fn parse(headers: &HeaderMap, body: &[u8]) -> Result<(TokenRequest, Claimed), OauthError> {
    let form = read_form(headers, body)?;
    let asked = TokenRequest::parse(&form)?;
    let secret = asked.client_secret.as_ref().map(Secret::reveal);
    let client = Claimed::of(headers, asked.client_id.as_deref(), secret)?;
    Ok((asked, client))
}

/// Lets nobody guess: failures count, and too many make one wait.
async fn guarded(
    state: &ApiState,
    asked: &TokenRequest,
    client: &Claimed,
    who: Knocker,
) -> Response {
    if let Some(seconds) = state.logins.wait(&who, state.now()) {
        return OauthRefusal::from(OauthError::rate_exceeded(seconds)).into_response();
    }
    match answer(state, asked, client).await {
        Ok(issued) => success(state, &issued, asked.endpoint_id.as_deref()),
        Err(refusal) => {
            if is_guess(asked, &refusal) {
                tracing::info!(client.id = client.id(), reason = refusal.0.code, "log-in refused");
                state.logins.failed(who, state.now());
            }
            refusal.into_response()
        }
    }
}

/// A limit is for one user (contract section 5): an office shares its address and its application.
/// Whoever makes users up is stopped as a guesser.
fn subject(state: &ApiState, grant: &Grant) -> String {
    match grant {
        Grant::JwtBearer { assertion } => assertion.reveal().to_owned(),
        Grant::Password { username, extension, .. } => {
            format!("{username}*{}", extension.as_deref().unwrap_or(""))
        }
        Grant::Refresh { refresh_token } => {
            let session = state.secrets.session_of_refresh(refresh_token.reveal());
            session.map(|id| id.to_string()).unwrap_or_default()
        }
        Grant::AuthorizationCode { code: text, .. } => code::owner_of(state, text.reveal()),
    }
}

/// Nobody guesses refresh tokens and codes; old ones come from honest clients that slept.
fn is_guess(asked: &TokenRequest, refusal: &OauthRefusal) -> bool {
    match refusal.0.error {
        "invalid_client" => true,
        "invalid_grant" => {
            !matches!(asked.grant, Grant::Refresh { .. } | Grant::AuthorizationCode { .. })
        }
        _ => false,
    }
}

async fn answer(
    state: &ApiState,
    asked: &TokenRequest,
    client: &Claimed,
) -> Result<Issued, OauthRefusal> {
    let app = client.check(state)?;
    let lives = Lives::granted(state, asked.access_ttl, asked.refresh_ttl);
    need_grant(&app, &asked.grant)?;
    match &asked.grant {
        Grant::Refresh { refresh_token } => {
            return session::refresh(state, &app, refresh_token.reveal(), lives).await;
        }
        Grant::AuthorizationCode { code: text, redirect_uri, code_verifier } => {
            let verifier = code_verifier.as_ref().map(Secret::reveal);
            let uri = redirect_uri.as_deref();
            return code::redeem(state, &app, text.reveal(), uri, verifier, lives).await;
        }
        Grant::JwtBearer { .. } | Grant::Password { .. } => {}
    }
    let scopes = granted(&app, asked.scopes)?;
    let proved = grant::prove(state, &app, &asked.grant).await?;
    let id = SessionId(state.secrets.random_id()?);
    session::begin(state, Beginning { id, proved: &proved, app: &app, scopes, lives }).await
}

/// An application logs people in only in the ways that were chosen for it.
fn need_grant(app: &App, grant: &Grant) -> Result<(), OauthError> {
    let needed = match grant {
        Grant::JwtBearer { .. } => Grants::JWT_BEARER,
        Grant::Refresh { .. } => Grants::REFRESH_TOKEN,
        Grant::Password { .. } => Grants::PASSWORD,
        Grant::AuthorizationCode { .. } => Grants::AUTHORIZATION_CODE,
    };
    if app.grants.contains(needed) { Ok(()) } else { Err(OauthError::unauthorized_client()) }
}

/// What was asked for, as far as the application may; without a wish all that it may.
pub(super) fn granted(app: &App, asked: Option<Scopes>) -> Result<Scopes, OauthError> {
    let may = app.scopes.with_included();
    let scopes = asked.map_or(may, |asked| asked.with_included().shared_with(may));
    if scopes.is_empty() && asked.is_some() {
        return Err(OauthError::invalid_scope());
    }
    Ok(scopes)
}

fn success(state: &ApiState, issued: &Issued, endpoint_id: Option<&str>) -> Response {
    let Issued { session, pair } = issued;
    let now = state.now();
    let refreshes = |app: Arc<App>| app.grants.contains(Grants::REFRESH_TOKEN);
    let refresh_life = session.refresh.expires_at.since(now).as_secs();
    let refresh = state.registry.app(&session.app).is_some_and(refreshes);
    let body = token_response(&IssuedTokens {
        access_token: &pair.access,
        expires_in: session.access.expires_at.since(now).as_secs(),
        refresh: refresh.then_some((pair.refresh.as_str(), refresh_life)),
        scopes: session.scopes,
        owner: session.key.extension,
        session: session.id,
        endpoint_id,
    });
    let mut response = json(StatusCode::OK, &body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
