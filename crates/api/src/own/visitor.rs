//! Who visits Lampfield's own paths: the holder of an API key, or a person with an access token.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use lampfield_contract::ApiError;
use lampfield_core::audit::Actor;
use lampfield_core::directory::{Account, ApiKey, Extension, Permissions, Role, Scopes};
use lampfield_core::{AccountId, ExtensionId, ExtensionKey, Viewer};

use crate::audit::person;
use crate::auth::{Caller, bearer, hash_secret};
use crate::edge::Refusal;
use crate::over_socket::SocketContext;
use crate::rate::Group;
use crate::state::ApiState;

/// Whoever asks, and what they may.
#[derive(Debug, Clone)]
pub(super) enum Visitor {
    /// An API key.
    Key(Arc<ApiKey>),
    /// A person, through an application; may read, of their own account only.
    Person(Caller),
}

impl Visitor {
    /// Demands that the visitor may what `role` may.
    ///
    /// # Errors
    /// 403 CMN-402 for a key of a lesser role, and for people where reading is not enough; 403
    /// CMN-401 or CMN-408 for people without ReadAccounts.
    pub(super) fn need(&self, role: Role) -> Result<(), ApiError> {
        match self {
            Self::Key(key) if key.role >= role => Ok(()),
            Self::Key(key) => {
                let (has, wanted) = (key.role.as_str(), role.as_str());
                let message = format!("This needs an API key of role {wanted}; this one is {has}");
                Err(ApiError::admin_required().with_message(message))
            }
            Self::Person(caller) if role == Role::Read => {
                caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_ACCOUNTS).map(|_| ())
            }
            Self::Person(_) => Err(ApiError::admin_required()
                .with_message(format!("This needs an API key of role {}", role.as_str()))),
        }
    }

    /// Demands a key of role admin that is bound to no account.
    ///
    /// # Errors
    /// 403 CMN-402.
    pub(super) fn need_whole_house(&self) -> Result<(), ApiError> {
        self.need(Role::Admin)?;
        match self.bound() {
            None => Ok(()),
            Some(_) => Err(ApiError::admin_required()
                .with_message("This needs an admin key that is not bound to one account")),
        }
    }

    /// Returns the visitor as the audit trail names them.
    fn actor(&self) -> Actor {
        match self {
            Self::Key(key) => Actor::Key { id: key.id, name: key.name.clone() },
            Self::Person(caller) => person(caller),
        }
    }

    /// Returns the only account that this visitor can reach, if there is only one.
    pub(super) fn bound(&self) -> Option<AccountId> {
        match self {
            Self::Key(key) => key.account,
            Self::Person(caller) => Some(caller.account()),
        }
    }

    /// Tells whether an account exists for this visitor.
    pub(super) fn reaches(&self, account: AccountId) -> bool {
        self.bound().is_none_or(|only| only == account)
    }

    /// Resolves the account of a path: an id, or `~`. What the visitor cannot reach does not exist.
    ///
    /// # Errors
    /// 404 CMN-102; 400 CMN-101 when `~` could stand for several.
    pub(super) fn account(&self, state: &ApiState, text: &str) -> Result<Arc<Account>, ApiError> {
        let id = if text == "~" { Some(self.own_account(state)?) } else { text.parse().ok() };
        id.filter(|id| self.reaches(*id))
            .and_then(|id| state.registry.account(id))
            .ok_or_else(|| ApiError::not_found("accountId"))
    }

    fn own_account(&self, state: &ApiState) -> Result<AccountId, ApiError> {
        if let Some(only) = self.bound() {
            return Ok(only);
        }
        match state.registry.accounts().as_slice() {
            [only] => Ok(only.id),
            [] => Err(ApiError::not_found("accountId")),
            _ => Err(ApiError::invalid_parameter("accountId")
                .with_message("There are several accounts: ~ stands for none of them; use its id")),
        }
    }

    /// Returns through whose eyes presence is seen.
    pub(super) fn viewer(&self, state: &ApiState) -> Viewer {
        match self {
            Self::Key(_) => Viewer::Operator,
            Self::Person(caller) => caller.viewer(state),
        }
    }

    /// Resolves account and extension of a path.
    ///
    /// # Errors
    /// 404 CMN-102.
    pub(super) fn extension(
        &self,
        state: &ApiState,
        account: &str,
        extension: &str,
    ) -> Result<Arc<Extension>, ApiError> {
        let account = self.account(state, account)?.id;
        if let (Self::Person(caller), "~") = (self, extension) {
            return Ok(Arc::clone(&caller.extension));
        }
        find_extension(state, account, extension).ok_or_else(|| ApiError::not_found("extensionId"))
    }
}

/// Finds an extension by its id, or by its number written `n:101`.
pub(super) fn find_extension(
    state: &ApiState,
    account: AccountId,
    text: &str,
) -> Option<Arc<Extension>> {
    if let Some(number) = text.strip_prefix("n:") {
        return state.registry.extension_by_number(account, number);
    }
    let extension: ExtensionId = text.parse().ok()?;
    state.registry.extension(ExtensionKey { account, extension })
}

impl FromRequestParts<ApiState> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Refusal> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        if parts.extensions.get::<SocketContext>().is_none() {
            let hash = hash_secret(&bearer(parts)?);
            if let Some(key) = state.registry.key(&hash) {
                return Ok(Self::Key(key));
            }
        }
        Caller::of(state, parts).await.map(Self::Person)
    }
}

/// Stands before every own path: finds out who visits, and counts requests of people.
pub(super) async fn admit(
    State((state, group)): State<(ApiState, Group)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let visitor = match Visitor::from_request_parts(&mut parts, &state).await {
        Ok(visitor) => visitor,
        Err(refusal) => return refusal.into_response(),
    };
    let verdict = match &visitor {
        Visitor::Key(_) => None,
        Visitor::Person(caller) => {
            let who = state.rates.caller((caller.key(), &caller.session.app));
            Some(state.rates.enter(who, group, state.now()))
        }
    };
    if let Some(seconds) = verdict.as_ref().and_then(|verdict| verdict.retry_after) {
        let mut response = Refusal::from(ApiError::rate_exceeded(seconds)).into_response();
        if let Some(verdict) = verdict {
            verdict.write(response.headers_mut());
        }
        return response;
    }
    parts.extensions.insert(visitor.actor());
    parts.extensions.insert(visitor);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(verdict) = verdict {
        verdict.write(response.headers_mut());
    }
    response
}
