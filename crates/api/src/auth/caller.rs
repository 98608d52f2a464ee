//! Whoever holds the access token of a request, and what they may.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use lampfield_contract::{ApiError, parse_query};
use lampfield_core::directory::{Extension, Permissions, Scopes, Session};
use lampfield_core::{AccountId, ExtensionId, ExtensionKey, Viewer};
use lampfield_journal::DirectoryChange;

use crate::audit::Origin;
use crate::auth::hash_secret;
use crate::edge::Refusal;
use crate::over_socket::SocketContext;
use crate::state::ApiState;

/// The user behind an access token, or behind the socket over which a request came.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The log-in.
    pub session: Arc<Session>,
    /// The extension that is logged in.
    pub extension: Arc<Extension>,
    /// What the application may do now, with everything its scopes include.
    pub scopes: Scopes,
    /// Where the request came from.
    pub origin: Origin,
}

/// What a caller proved to have, for handlers that need it.
#[derive(Debug, Clone, Copy)]
pub struct Granted;

impl Caller {
    /// Returns the account: the only one that this caller can reach.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.session.key.account
    }

    /// Returns account and extension.
    #[must_use]
    pub fn key(&self) -> ExtensionKey {
        self.session.key
    }

    /// Returns as whom this caller looks at presence.
    #[must_use]
    pub fn viewer(&self, state: &ApiState) -> Viewer {
        if state.config.administrators_see_all && self.is_admin() {
            Viewer::Administrator
        } else {
            Viewer::Extension(self.key().extension)
        }
    }

    /// Tells whether the user may change others.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.extension.permissions.contains(Permissions::ADMIN)
    }

    /// Demands a scope of the application.
    ///
    /// # Errors
    /// 403 CMN-401 that names the first scope that is missing.
    pub fn need_scope(&self, wanted: Scopes) -> Result<Granted, ApiError> {
        let missing = wanted
            .words()
            .find(|word| Scopes::parse(word).is_some_and(|scope| !self.scopes.contains(scope)));
        missing.map_or(Ok(Granted), |word| Err(ApiError::missing_scope(word)))
    }

    /// Demands a permission of the user.
    ///
    /// # Errors
    /// 403 CMN-408 that names the first permission that is missing.
    pub fn need_permission(&self, wanted: Permissions) -> Result<Granted, ApiError> {
        let has = self.extension.permissions;
        let missing = wanted
            .words()
            .find(|word| Permissions::parse(word).is_some_and(|one| !has.contains(one)));
        missing.map_or(Ok(Granted), |word| Err(ApiError::missing_permission(word)))
    }

    /// Demands a scope and a permission.
    ///
    /// # Errors
    /// 403 CMN-401 or CMN-408.
    pub fn need(&self, scope: Scopes, permission: Permissions) -> Result<Granted, ApiError> {
        self.need_scope(scope)?;
        self.need_permission(permission)
    }

    /// Resolves an account of a path: `~`, or the caller's own id. Any other does not exist.
    ///
    /// # Errors
    /// 404 CMN-102 `accountId`.
    pub fn resolve_account(&self, text: &str) -> Result<AccountId, ApiError> {
        let own = self.account();
        if text == "~" || text.parse() == Ok(own) {
            Ok(own)
        } else {
            Err(ApiError::not_found("accountId"))
        }
    }

    /// Resolves an extension of a path: `~`, or the id of one in the caller's account.
    ///
    /// # Errors
    /// 404 CMN-102 `extensionId`.
    pub fn resolve_extension(
        &self,
        state: &ApiState,
        text: &str,
    ) -> Result<Arc<Extension>, ApiError> {
        if text == "~" {
            return Ok(Arc::clone(&self.extension));
        }
        let find = |extension: ExtensionId| {
            state.registry.extension(ExtensionKey { account: self.account(), extension })
        };
        text.parse().ok().and_then(find).ok_or_else(|| ApiError::not_found("extensionId"))
    }

    /// Finds out who sends a request.
    ///
    /// # Errors
    /// 401 with the reason.
    pub async fn of(state: &ApiState, parts: &Parts) -> Result<Self, Refusal> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let session = match parts.extensions.get::<SocketContext>() {
            Some(context) => state.registry.session(context.session),
            None => Some(by_token(state, &bearer(parts)?).await?),
        };
        let session = session.ok_or_else(ApiError::token_revoked)?;
        let caller = Self::in_session(state, session)?;
        Ok(Self { origin: Origin::of(state, parts), ..caller })
    }

    /// Returns the caller of a session, if its application, account and extension still allow it.
    ///
    /// # Errors
    /// 401 with the reason.
    pub(crate) fn in_session(state: &ApiState, session: Arc<Session>) -> Result<Self, ApiError> {
        let app = state.registry.app(&session.app).ok_or_else(ApiError::token_revoked)?;
        if app.account.is_some_and(|only| only != session.key.account) {
            return Err(ApiError::token_revoked());
        }
        let extension =
            state.registry.extension(session.key).ok_or_else(ApiError::token_revoked)?;
        if !extension.standing.status.is_live() {
            let message = "Extension is disabled or frozen";
            return Err(ApiError::new(401, "OAU-141", message));
        }
        let granted = session.scopes.with_included();
        let scopes = granted.shared_with(app.scopes.with_included());
        Ok(Self { session, extension, scopes, origin: Origin::default() })
    }
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Refusal> {
        Self::of(state, parts).await
    }
}

/// Returns the token of a request: of the header, whatever the case of its scheme, or of the query.
pub(crate) fn bearer(parts: &Parts) -> Result<String, ApiError> {
    let Some(header) = parts.headers.get(AUTHORIZATION) else {
        let query = parse_query(parts.uri.query().unwrap_or(""));
        let token = query.into_iter().find(|(name, _)| name == "access_token");
        return token.map(|(_, token)| token).ok_or_else(ApiError::token_missing);
    };
    let text = header.to_str().map_err(|_| ApiError::token_malformed())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim();
            if token.is_empty() { Err(ApiError::token_malformed()) } else { Ok(token.to_owned()) }
        }
        _ => Err(ApiError::token_malformed()),
    }
}

async fn by_token(state: &ApiState, token: &str) -> Result<Arc<Session>, ApiError> {
    let hash = hash_secret(token);
    let Some(session) = state.registry.session_by_access(&hash) else {
        let ours = state.secrets.session_of_access(token).is_some();
        return Err(if ours { ApiError::token_revoked() } else { ApiError::token_unknown() });
    };
    if state.now() >= session.access.expires_at {
        return Err(ApiError::token_expired());
    }
    note_first_use(state, &session).await;
    Ok(session)
}

/// The first use of a new access token shortens the grace of the refresh token that it came from
/// (contract 4.4).
async fn note_first_use(state: &ApiState, session: &Session) {
    let end = state.now().after(state.config.tokens.grace_used);
    let is_long =
        |session: &Session| session.previous_refresh.is_some_and(|it| it.expires_at > end);
    if !is_long(session) {
        return;
    }
    let _checking = state.registry.checking().await;
    let Some(present) = state.registry.session(session.id) else { return };
    if present.access != session.access || !is_long(&present) {
        return;
    }
    let mut shortened = (*present).clone();
    if let Some(previous) = &mut shortened.previous_refresh {
        previous.expires_at = end;
    }
    if let Err(error) = state.registry.apply(vec![DirectoryChange::PutSession(shortened)]).await {
        tracing::warn!(%error, "the grace of a refresh token could not be shortened");
    }
}
