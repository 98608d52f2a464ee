//! One claim of a source: made, changed, confirmed, ended, taken back.

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, ResourceFlags, Subject, parse_object, presence_resource};
use lampfield_core::claim::Kind;
use lampfield_core::directory::{Extension, Role};
use lampfield_core::visibility::Detail;
use lampfield_core::{Command, Document, View, Viewer, see};
use lampfield_engine::{Order, Receipt};
use serde_json::{Value, json};

use crate::edge::{Answer, Base, PresencePayload, ok};
use crate::own::Visitor;
use crate::own::claims::{Maker, claim_id_of, kind_of, source_of};
use crate::own::fields::Fields;
use crate::state::ApiState;

/// Account, source, extension, list of a kind, claim.
pub(super) type ClaimPath = (String, String, String, String, String);

/// `PUT …/sources/{source}/extensions/{extension}/{calls|meetings|registrations|dnd}/{id}`: says
/// that something is so, or confirms it. The same again changes nothing but its lease.
pub(super) async fn put(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, source, extension, list, id)): Path<ClaimPath>,
    Base(base): Base,
    PresencePayload(body): PresencePayload,
) -> Answer {
    visitor.need(Role::Ingest)?;
    let kind = known_kind(&list)?;
    let extension = visitor.extension(&state, &account, &extension)?;
    let source = source_of(&source)?;
    let id = claim_id_of(&id, "id")?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let maker = Maker { source: &source, now: state.now(), lease: None };
    let command = Command::Publish(maker.claim(kind, id, &fields)?);
    let observed_at = maker.observed_at(&fields)?;
    let order = Order { key: extension.key, command, observed_at };
    let receipt = state.intake.submit(order).await?;
    Ok(ok(&told(&state, &base, visitor.viewer(&state), &extension, &receipt)))
}

/// `DELETE` of the same path: takes it back. What is not there is gone already.
pub(super) async fn remove(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, source, extension, list, id)): Path<ClaimPath>,
    Base(base): Base,
) -> Answer {
    visitor.need(Role::Ingest)?;
    let kind = known_kind(&list)?;
    let extension = visitor.extension(&state, &account, &extension)?;
    let source = source_of(&source)?;
    let claim = claim_id_of(&id, "id")?;
    let command = Command::Withdraw { source, kind, claim };
    let order = Order { key: extension.key, command, observed_at: state.now() };
    let receipt = state.intake.submit(order).await?;
    Ok(ok(&told(&state, &base, visitor.viewer(&state), &extension, &receipt)))
}

fn known_kind(list: &str) -> Result<Kind, ApiError> {
    kind_of(list).ok_or_else(ApiError::no_route)
}

/// Tells what became of an order: whether anything changed, where the account's log stands for it,
/// and the presence after it.
///
/// After a change `sequence` and `position` are those of the change; otherwise those of the
/// account's newest change.
pub(super) fn told(
    state: &ApiState,
    base: &str,
    viewer: Viewer,
    extension: &Extension,
    receipt: &Receipt,
) -> Value {
    let (mut position, mut sequence) = (receipt.head.position, receipt.head.sequence);
    if let Some(record) = receipt.record.as_ref().filter(|_| receipt.changed) {
        position.offset = record.offset;
        sequence = record.event.sequence;
    }
    let resource = |document: &Document| {
        let view = see(viewer, extension.key.extension, &document.settings);
        resource_of(base, extension, document, view)
    };
    let presence = if let Some(record) = &receipt.record {
        resource(&record.event.document)
    } else {
        let policy = state.config.policy;
        resource(&Document::initial(extension.standing, policy, state.now()))
    };
    json!({
        "changed": receipt.changed,
        "sequence": sequence.0,
        "position": position.to_string(),
        "presence": presence,
    })
}

fn resource_of(base: &str, extension: &Extension, document: &Document, view: View) -> Value {
    let subject = Subject { key: extension.key, number: &extension.number };
    let flags = ResourceFlags { detail: Detail::Detailed, total_active_calls: true };
    presence_resource(base, subject, document, view, flags)
}
