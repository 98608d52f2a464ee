//! The grant `authorization_code`: making a code, taking it back.

use std::sync::Arc;
use std::time::Duration;

use lampfield_contract::{CODE_SECONDS, Challenge, OauthError};
use lampfield_core::SessionId;
use lampfield_core::directory::{App, Scopes};

use crate::auth::{CodeGrant, hash_secret};
use crate::oauth::pkce;
use crate::oauth::redirect::Target;
use crate::oauth::refusal::OauthRefusal;
use crate::oauth::session::{self, Beginning, Issued, Lives, Proved};
use crate::state::ApiState;

/// How long a code lives (contract 4.4).
pub(super) const CODE_LIFE: Duration = Duration::from_secs(CODE_SECONDS as u64);

/// Makes the code that is sent back after a log-in.
pub(super) fn make(
    state: &ApiState,
    app: &App,
    proved: &Proved,
    target: &Target,
    scopes: Scopes,
    challenge: Option<Challenge>,
) -> Result<String, OauthError> {
    let failed = || {
        tracing::error!("no authorization code could be made");
        OauthError::internal()
    };
    let grant = CodeGrant {
        session: SessionId(state.secrets.random_id().map_err(|_| failed())?),
        key: proved.extension.key,
        app: app.id.clone(),
        credential: proved.credential,
        scopes,
        redirect_uri: hash_secret(&target.uri),
        redirect_named: target.is_named,
        challenge,
        expires_at: state.now().after(CODE_LIFE),
    };
    let nonce = state.secrets.random().map_err(|_| failed())?;
    state.secrets.codes().seal(&grant, nonce).ok_or_else(failed)
}

/// Begins the session of a code. A code that comes again ends what it began: one of the two who had
/// it had stolen it (RFC 6749, 4.1.2).
///
/// # Errors
/// 400 `invalid_grant`.
pub(super) async fn redeem(
    state: &ApiState,
    app: &App,
    code: &str,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
    lives: Lives,
) -> Result<Issued, OauthRefusal> {
    let grant = state.secrets.codes().open(code).ok_or_else(OauthError::invalid_code)?;
    if grant.app != app.id {
        return Err(OauthError::code_of_another_client().into());
    }
    if let Some(error) = session::begun_before(state, grant.session).await? {
        return Err(error);
    }
    if state.now() >= grant.expires_at {
        return Err(OauthError::expired_code().into());
    }
    let is_same_place =
        redirect_uri.map_or(!grant.redirect_named, |uri| hash_secret(uri) == grant.redirect_uri);
    if !is_same_place {
        return Err(OauthError::redirect_mismatch().into());
    }
    if !pkce::is_met(grant.challenge.as_ref(), verifier) {
        return Err(OauthError::invalid_code().into());
    }
    let proved = still_proved(state, &grant).ok_or_else(OauthError::invalid_code)?;
    if !proved.extension.standing.status.is_live() {
        return Err(OauthError::extension_state().into());
    }
    let scopes = grant.scopes.shared_with(app.scopes.with_included());
    session::begin(state, Beginning { id: grant.session, proved: &proved, app, scopes, lives })
        .await
}

/// A password that was changed since proves nothing any more.
fn still_proved(state: &ApiState, grant: &CodeGrant) -> Option<Proved> {
    let credential = state.registry.credential(grant.credential)?;
    let extension = state.registry.extension(grant.key)?;
    (credential.key == grant.key).then(|| Proved { extension, credential: credential.id })
}

/// Returns the id of whoever a code is of, for counting requests.
pub(super) fn owner_of(state: &ApiState, code: &str) -> String {
    state.secrets.codes().open(code).map(|grant| grant.key.to_string()).unwrap_or_default()
}

/// Finds the registered application and the place to which people are sent back.
pub(super) fn target_of(app: &Arc<App>, named: Option<&str>) -> Option<Target> {
    let registered = &app.redirect_uris;
    match named {
        Some(uri) => {
            let known = registered.iter().any(|one| **one == *uri);
            known.then(|| Target { uri: uri.to_owned(), is_named: true })
        }
        // One alone is meant when none is named (RFC 6749, 3.1.2.3).
        None => match &**registered {
            [only] => Some(Target { uri: only.to_string(), is_named: false }),
            _ => None,
        },
    }
}
