//! The trail of a request: who asks, from where, under which id. What such a request changes is
//! written into the audit trail in the same durable step.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use lampfield_core::audit::{Actor, Alteration, AuditAct, AuditEntry, bounded};
use lampfield_core::{AccountId, ExtensionKey};
use lampfield_journal::DirectoryChange;
use smol_str::SmolStr;

use crate::auth::Caller;
use crate::edge::{Refusal, RequestId, client_address};
use crate::state::ApiState;

/// Where a request came from and how it is named, for the audit trail.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    request: Option<SmolStr>,
    address: Option<IpAddr>,
}

impl Origin {
    /// Finds out where a request came from.
    pub(crate) fn of(state: &ApiState, parts: &Parts) -> Self {
        let request = parts.extensions.get::<RequestId>().map(|id| SmolStr::from(id.0.as_str()));
        Self { request, address: client_address(&state.config, parts) }
    }
}

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Trail {
    actor: Actor,
    origin: Origin,
}

impl Trail {
    /// Returns the trail of a person's request.
    pub(crate) fn of(caller: &Caller) -> Self {
        Self { actor: person(caller), origin: caller.origin.clone() }
    }

    /// Tells whether it is somebody who changes their own.
    pub(crate) fn is_of(&self, key: ExtensionKey) -> bool {
        // People reach their own account only.
        matches!(&self.actor, Actor::Person { extension, .. } if *extension == key.extension)
    }

    /// Returns the change that adds an entry about `account`, or about the whole house.
    pub(crate) fn entry(
        &self,
        state: &ApiState,
        account: Option<AccountId>,
        act: AuditAct,
        object: &str,
        alterations: Vec<Alteration>,
    ) -> DirectoryChange {
        DirectoryChange::Audit(Box::new(AuditEntry {
            at: state.now(),
            account,
            actor: self.actor.clone(),
            act,
            object: object.into(),
            alterations: bounded(alterations),
            request: self.origin.request.clone(),
            address: self.origin.address,
        }))
    }
}

/// Returns a person as the trail names them.
pub(crate) fn person(caller: &Caller) -> Actor {
    Actor::Person { extension: caller.key().extension, app: caller.session.app.clone() }
}

/// Every own path knows who visits before its handler runs.
impl FromRequestParts<ApiState> for Trail {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Refusal> {
        let actor = match parts.extensions.get::<Actor>() {
            Some(actor) => actor.clone(),
            None => person(&Caller::of(state, parts).await?),
        };
        Ok(Self { actor, origin: Origin::of(state, parts) })
    }
}
