//! How the sources of an account are doing, and the word that one is lost.

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, format_timestamp};
use lampfield_core::directory::Role;
use lampfield_engine::{SourcePhase, SourceReport};
use serde_json::{Value, json};

use crate::edge::{Answer, ok};
use crate::own::Visitor;
use crate::own::claims::source_of;
use crate::state::ApiState;

/// `GET /accounts/{account}/sources`.
pub(super) async fn list(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
) -> Answer {
    visitor.need(Role::Read)?;
    let account = visitor.account(&state, &account)?.id;
    let records: Vec<_> = state.intake.sources(account).iter().map(record).collect();
    Ok(ok(&json!({ "records": records })))
}

/// `POST /accounts/{account}/sources/{source}/lost`: its claims are stale from now on and end soon,
/// unless it comes back.
pub(super) async fn lose(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, source)): Path<(String, String)>,
) -> Answer {
    visitor.need(Role::Ingest)?;
    let account = visitor.account(&state, &account)?.id;
    let source = source_of(&source)?;
    let find = || state.intake.sources(account).into_iter().find(|it| it.source == source);
    find().ok_or_else(|| ApiError::not_found("source"))?;
    state.intake.lose(account, source.clone()).await?;
    let report = find().ok_or_else(|| ApiError::not_found("source"))?;
    Ok(ok(&record(&report)))
}

fn record(report: &SourceReport) -> Value {
    let (phase, since, until) = match report.phase {
        SourcePhase::Live => ("live", None, None),
        SourcePhase::Awaited(until) => ("awaited", None, Some(until)),
        SourcePhase::Lost(since) => ("lost", Some(since), None),
    };
    json!({
        "source": report.source.as_str(),
        "phase": phase,
        "lostSince": since.map(format_timestamp),
        "awaitedUntil": until.map(format_timestamp),
        "lastSeen": format_timestamp(report.last_seen),
        "lastPicture": report.last_picture.map(format_timestamp),
        "claims": report.claims,
    })
}
