//! `/restapi/oauth/authorize`: the log-in page and what becomes of it (contract 4.6).
//!
//! An error goes to the application only when it is registered, at an address of its own; anything
//! else is shown here and leads nowhere. No log-in is remembered: every request asks anew.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LOCATION, RETRY_AFTER, SET_COOKIE};
use http::{HeaderValue, StatusCode, request};
use lampfield_contract::{
    AuthorizationRequest, AuthorizationWish, CODE_SECONDS, OauthError, parse_query,
};
use lampfield_core::AppId;
use lampfield_core::directory::{App, Grants, Scopes};

use crate::auth::Knocker;
use crate::edge::{base_uri, client_address, read};
use crate::oauth::client::read_form;
use crate::oauth::code;
use crate::oauth::form::{Form, Jar, LoginAnswer};
use crate::oauth::grant;
use crate::oauth::page::{self, LoginPage};
use crate::oauth::redirect::{Target, source_of, with_answer};
use crate::oauth::refusal::OauthRefusal;
use crate::oauth::session::Proved;
use crate::oauth::token::granted;
use crate::rate::Group;
use crate::state::ApiState;

/// Where the page is.
pub(crate) const PATH: &str = "/restapi/oauth/authorize";

const NOBODY: &str =
    "The company number, the extension or the password is wrong. Please try again.";
const STALE: &str = "This page was open for too long, or your browser keeps no cookies. \
                     Please enter everything again.";
const NOT_ALLOWED: &str = "Your extension may not log in at present. Ask your administrator.";
const LATER: &str = "Something went wrong here. Please try again in a minute.";

/// `GET`: shows the page.
pub(super) async fn show(State(state): State<ApiState>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let pairs = parse_query(parts.uri.query().unwrap_or(""));
    answer(&state, &parts, &pairs, false).await
}

/// `POST`: shows the page, or takes what was entered there.
pub(super) async fn submit(State(state): State<ApiState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let max = state.config.presence_body_max;
    let request = Request::from_parts(parts.clone(), body);
    let body = match read(request, max, state.config.body_timeout).await {
        Ok(body) => body,
        Err(refusal) => return shown(refusal.0.status, &refusal.0.message),
    };
    match read_form(&headers, &body) {
        Ok(pairs) => answer(&state, &parts, &pairs, true).await,
        Err(error) => shown(error.status, &error.description),
    }
}

async fn answer(
    state: &ApiState,
    parts: &request::Parts,
    pairs: &[(String, String)],
    is_post: bool,
) -> Response {
    let request = AuthorizationRequest(pairs);
    let (app, target) = match client_of(state, request) {
        Ok(client) => client,
        Err(sentence) => return page::refusal(StatusCode::BAD_REQUEST, &sentence),
    };
    let wish = AuthorizationWish::parse(request).and_then(|wish| {
        let scopes = may_ask(&app, &wish)?;
        Ok((wish, scopes))
    });
    let (wish, scopes) = match wish {
        Ok(allowed) => allowed,
        Err(error) => return sent_back(&target, request.state(), &error),
    };
    let visit = Visit { state, parts, pairs, app: &app, target: &target, wish: &wish, scopes };
    match Form::of(pairs).filter(|_| is_post) {
        None => visit.page(StatusCode::OK, None),
        Some(form) => visit.entered(&form).await,
    }
}

/// Finds the application and where its people are sent back to.
fn client_of(
    state: &ApiState,
    request: AuthorizationRequest<'_>,
) -> Result<(Arc<App>, Target), String> {
    let unknown = "It names an application (client_id) that is not known here.";
    let id = request.client_id().map_err(|error| error.description)?;
    let app = AppId::new(id).ok().and_then(|id| state.registry.app(&id)).ok_or(unknown)?;
    let named = request.redirect_uri().map_err(|error| error.description)?;
    let target = code::target_of(&app, named).ok_or_else(|| {
        let which = if named.is_some() { "an address" } else { "no address" };
        let registered = if app.redirect_uris.is_empty() {
            "the application has none registered"
        } else {
            "it must be one that is registered for the application, letter for letter"
        };
        format!("It names {which} to go back to (redirect_uri): {registered}.")
    })?;
    Ok((app, target))
}

/// Returns the scopes that would be granted.
fn may_ask(app: &App, wish: &AuthorizationWish) -> Result<Scopes, OauthError> {
    if !app.grants.contains(Grants::AUTHORIZATION_CODE) {
        return Err(OauthError::unauthorized_client());
    }
    if app.secret.is_none() && wish.challenge.is_none() {
        let message = "Parameter [code_challenge] value is invalid: a public application proves \
                       with PKCE that a code is its own";
        return Err(OauthError::new(400, "invalid_request", "CMN-101", message));
    }
    granted(app, wish.scopes)
}

/// A request that is in order.
struct Visit<'a> {
    state: &'a ApiState,
    parts: &'a request::Parts,
    pairs: &'a [(String, String)],
    app: &'a App,
    target: &'a Target,
    wish: &'a AuthorizationWish,
    scopes: Scopes,
}

impl Visit<'_> {
    /// Takes what was entered.
    async fn entered(&self, form: &Form<'_>) -> Response {
        let jar = Jar::of(&self.parts.headers);
        if !form.is_genuine(self.state, &jar, self.pairs) || is_from_elsewhere(self.parts) {
            return self.page(StatusCode::FORBIDDEN, Some(STALE));
        }
        if form.answer == LoginAnswer::Cancel {
            let error =
                OauthError::new(400, "access_denied", "CMN-101", "The log-in was cancelled");
            return sent_back(self.target, self.sent_state(), &error);
        }
        let address = client_address(&self.state.config, self.parts);
        let client = self.app.id.as_str();
        let who = Knocker::new(client, address);
        let subject = format!("{}*{}", form.username, form.extension.unwrap_or(""));
        let caller = self.state.rates.caller((client, address, subject));
        let verdict = self.state.rates.enter(caller, Group::Auth, self.state.now());
        let wait = verdict.retry_after.or_else(|| self.state.logins.wait(&who, self.state.now()));
        if let Some(seconds) = wait {
            return self.wait(seconds);
        }
        let (username, number) = (form.username, form.extension);
        match grant::by_login(self.state, self.app, username, number, form.password).await {
            Ok(proved) => self.done(&proved),
            Err(refusal) => self.refused(&refusal, who),
        }
    }

    fn done(&self, proved: &Proved) -> Response {
        let challenge = self.wish.challenge.clone();
        let made = code::make(self.state, self.app, proved, self.target, self.scopes, challenge);
        match made {
            Ok(code) => {
                let expires = CODE_SECONDS.to_string();
                let mut answer = vec![("code", code.as_str())];
                answer.extend(self.sent_state().map(|state| ("state", state)));
                answer.push(("expires_in", &expires));
                redirect(&with_answer(&self.target.uri, &answer))
            }
            Err(error) => sent_back(self.target, self.sent_state(), &error),
        }
    }

    fn refused(&self, refusal: &OauthRefusal, who: Knocker) -> Response {
        let error = &refusal.0;
        if error.error != "invalid_grant" {
            return self.page(StatusCode::SERVICE_UNAVAILABLE, Some(LATER));
        }
        tracing::info!(client.id = self.app.id.as_str(), reason = error.code, "log-in refused");
        self.state.logins.failed(who, self.state.now());
        let sentence = if error.code == "OAU-141" { NOT_ALLOWED } else { NOBODY };
        self.page(StatusCode::BAD_REQUEST, Some(sentence))
    }

    fn wait(&self, seconds: u32) -> Response {
        let sentence = format!("Too many attempts. Please wait {seconds} seconds and try again.");
        let mut response = self.page(StatusCode::TOO_MANY_REQUESTS, Some(&sentence));
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
        response
    }

    /// Shows the page, with a form that is good for this request and this browser only.
    fn page(&self, status: StatusCode, trouble: Option<&str>) -> Response {
        let jar = match Jar::of(&self.parts.headers).or_new(self.state) {
            Ok(jar) => jar,
            Err(error) => {
                tracing::error!(%error, "no log-in form could be made");
                return sent_back(self.target, self.sent_state(), &OauthError::internal());
            }
        };
        let token = Form::token(self.state, &jar, self.pairs);
        let mut hidden = Form::kept(self.pairs);
        hidden.push((Form::TOKEN, &token));
        let entered = Form::of(self.pairs);
        let hint = self.wish.login_hint.as_deref().unwrap_or("");
        let hinted = hint.split_once('*').unwrap_or((hint, ""));
        let (username, extension) =
            entered.map_or(hinted, |form| (form.username, form.extension.unwrap_or("")));
        let base = base_uri(&self.state.config, self.parts);
        let mut response = LoginPage {
            app: &self.app.name,
            scopes: self.scopes,
            action: PATH,
            hidden: &hidden,
            username,
            extension,
            trouble,
            target: &source_of(&self.target.uri),
        }
        .answer(status);
        let is_secure = base.starts_with("https://");
        if let Ok(cookie) = HeaderValue::from_str(&jar.cookie(PATH, is_secure)) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }

    fn sent_state(&self) -> Option<&str> {
        AuthorizationRequest(self.pairs).state()
    }
}

/// Browsers say from where a form was sent; the page sends its own from here.
fn is_from_elsewhere(parts: &request::Parts) -> bool {
    let site = parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

/// Sends the browser back with an error in the words of RFC 6749.
fn sent_back(target: &Target, state: Option<&str>, error: &OauthError) -> Response {
    let mut answer =
        vec![("error", error.error), ("error_description", error.description.as_str())];
    answer.extend(state.map(|state| ("state", state)));
    redirect(&with_answer(&target.uri, &answer))
}

fn redirect(to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return page::refusal(StatusCode::BAD_REQUEST, "It names an address that cannot be used.");
    };
    let no_store = HeaderValue::from_static("no-store");
    (StatusCode::FOUND, [(LOCATION, location), (CACHE_CONTROL, no_store)]).into_response()
}

fn shown(status: u16, sentence: &str) -> Response {
    page::refusal(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), sentence)
}
