//! Whom a grant proves: the user behind a JWT credential or a password.

use std::sync::Arc;

use lampfield_contract::{Grant, OauthError, number_digits};
use lampfield_core::directory::{App, Extension, Proof};
use lampfield_core::{AccountId, ExtensionKey};

use crate::auth::read_jwt;
use crate::directory::operator;
use crate::oauth::refusal::OauthRefusal;
use crate::oauth::session::Proved;
use crate::state::ApiState;

/// Returns whom a grant logs in.
///
/// # Errors
/// 400 `invalid_grant`, without a word of what was wrong, and `unsupported_grant_type`.
pub(super) async fn prove(
    state: &ApiState,
    app: &App,
    grant: &Grant,
) -> Result<Proved, OauthRefusal> {
    let proved = match grant {
        Grant::JwtBearer { assertion } => by_jwt(state, app, assertion.reveal()),
        Grant::Password { username, extension, password } => {
            by_password(state, username, extension.as_deref(), password.reveal()).await?
        }
        Grant::Refresh { .. } | Grant::AuthorizationCode { .. } => {
            return Err(OauthError::unsupported_grant().into());
        }
    };
    admitted(app, proved)
}

/// Returns whom the log-in page lets in.
///
/// # Errors
/// As [`prove`].
pub(super) async fn by_login(
    state: &ApiState,
    app: &App,
    username: &str,
    number: Option<&str>,
    password: &str,
) -> Result<Proved, OauthRefusal> {
    admitted(app, by_password(state, username, number, password).await?)
}

/// Demands that somebody was proved, whom the application may log in, and who may log in now.
fn admitted(app: &App, proved: Option<Proved>) -> Result<Proved, OauthRefusal> {
    let proved = proved.ok_or_else(OauthError::invalid_credentials)?;
    if app.account.is_some_and(|only| only != proved.extension.key.account) {
        return Err(OauthError::invalid_credentials().into());
    }
    if !proved.extension.standing.status.is_live() {
        return Err(OauthError::extension_state().into());
    }
    Ok(proved)
}

fn by_jwt(state: &ApiState, app: &App, assertion: &str) -> Option<Proved> {
    let now = state.now();
    let presented = read_jwt(&state.secrets, assertion, now)?;
    let credential = state.registry.credential(presented.credential)?;
    let Proof::Jwt { app: only, expires_at } = &credential.proof else { return None };
    let is_good = credential.key == presented.key
        && only.as_ref().is_none_or(|only| *only == app.id)
        && expires_at.is_none_or(|end| now < end);
    let extension = state.registry.extension(credential.key).filter(|_| is_good)?;
    Some(Proved { extension, credential: credential.id })
}

async fn by_password(
    state: &ApiState,
    username: &str,
    number: Option<&str>,
    password: &str,
) -> Result<Option<Proved>, OauthRefusal> {
    let extension = find(state, username, number);
    let credential = extension.as_ref().and_then(|one| state.registry.password(one.key));
    let kept = credential.as_ref().and_then(|credential| match &credential.proof {
        Proof::Password(hash) => Some(&**hash),
        Proof::Jwt { .. } => None,
    });
    // Checked for nobody too, so that the time tells nothing of who exists.
    let is_right = state.passwords.is_right(password, kept).await?;
    let proved = extension.zip(credential).filter(|_| is_right);
    Ok(proved.map(|(extension, credential)| Proved { extension, credential: credential.id }))
}

/// The account by its number, in any spelling; the extension by its number, or the account's main one.
fn find(state: &ApiState, username: &str, number: Option<&str>) -> Option<Arc<Extension>> {
    let digits = number_digits(username);
    let by_digits = || state.registry.account_by_number(&digits).filter(|_| !digits.is_empty());
    let account = state.registry.account_by_number(username).or_else(by_digits)?;
    match number {
        Some(number) => state.registry.extension_by_number(account.id, number),
        None => main_extension(state, account.id),
    }
}

/// In the contract's accounts the first administrator bears the account's own id.
fn main_extension(state: &ApiState, account: AccountId) -> Option<Arc<Extension>> {
    let same = lampfield_core::ExtensionId::new(account.get()).ok();
    let same = same.map(|extension| ExtensionKey { account, extension });
    same.and_then(|key| state.registry.extension(key)).or_else(|| operator(state, account))
}
