//! Many claims in one request, one a line (NDJSON); each line stands and falls by itself.

use axum::extract::{Path, Request, State};
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use lampfield_contract::{ApiError, parse_object};
use lampfield_core::claim::Kind;
use lampfield_core::directory::Role;
use lampfield_core::{AccountId, Command};
use lampfield_engine::{Order, Receipt, SubmitError};
use serde_json::{Value, json};

use crate::edge::{Answer, Refusal, read};
use crate::own::Visitor;
use crate::own::bounds::{BATCH_BODY_MAX, BATCH_LINES_MAX};
use crate::own::claims::{Maker, REPORTED, claim_id_of, source_of};
use crate::own::fields::Fields;
use crate::own::visitor::find_extension;
use crate::state::ApiState;

/// `POST …/sources/{source}/batch`.
pub(super) async fn post(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, source)): Path<(String, String)>,
    request: Request,
) -> Answer {
    visitor.need(Role::Ingest)?;
    let account = visitor.account(&state, &account)?.id;
    let source = source_of(&source)?;
    let body = read(request, BATCH_BODY_MAX, state.config.body_timeout).await?;
    let lines: Vec<_> = body
        .split(|byte| *byte == b'\n')
        .zip(1_usize..)
        .filter(|(line, _)| !line.trim_ascii().is_empty())
        .collect();
    if lines.len() > BATCH_LINES_MAX {
        let message = format!("A batch has at most {BATCH_LINES_MAX} lines; this one has more");
        return Err(ApiError::new(413, "CMN-104", message).into());
    }
    let maker = Maker { source: &source, now: state.now(), lease: None };
    let mut orders = Vec::with_capacity(lines.len());
    let read: Vec<Result<(), ApiError>> = lines
        .iter()
        .map(|(line, _)| order_of(&state, account, &maker, line).map(|order| orders.push(order)))
        .collect();
    let receipts = state.intake.submit_all(orders).await;
    if let Some(error) = failure_of_all(&receipts) {
        return Err(error.into());
    }
    let mut receipts = receipts.into_iter();
    let mut out = Vec::with_capacity(lines.len() * 48);
    for ((_, number), read) in lines.iter().zip(read) {
        let outcome = read.and_then(|()| {
            let receipt = receipts.next().unwrap_or(Err(SubmitError::Stopped));
            receipt.map_err(|error| *Refusal::from(error).0)
        });
        out.extend_from_slice(told(*number, outcome).to_string().as_bytes());
        out.push(b'\n');
    }
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], out).into_response())
}

fn order_of(
    state: &ApiState,
    account: AccountId,
    maker: &Maker<'_>,
    line: &[u8],
) -> Result<Order, ApiError> {
    let members = parse_object(line)?;
    let fields = Fields::of(&members);
    let extension = fields.id("extension")?.unwrap_or_default();
    let extension = find_extension(state, account, &extension)
        .ok_or_else(|| ApiError::not_found("extension"))?;
    let (kind, fields_of_kind) = kind_of(&fields)?;
    let id = fields_of_kind.id("id")?.ok_or_else(|| fields_of_kind.wrong("id", "given"))?;
    let id = claim_id_of(&id, &fields_of_kind.path_of("id"))?;
    let is_withdrawn = fields.flag("withdraw")?.unwrap_or(false);
    let command = if is_withdrawn {
        Command::Withdraw { source: maker.source.clone(), kind, claim: id }
    } else {
        Command::Publish(maker.claim(kind, id, &fields_of_kind)?)
    };
    let observed_at = maker.observed_at(&fields_of_kind)?;
    Ok(Order { key: extension.key, command, observed_at })
}

/// Finds the one member that names a kind.
fn kind_of<'a>(fields: &Fields<'a>) -> Result<(Kind, Fields<'a>), ApiError> {
    let mut found = REPORTED.into_iter().filter(|kind| fields.get(kind.as_str()).is_some());
    let (Some(kind), None) = (found.next(), found.next()) else {
        let words = REPORTED.map(Kind::as_str).join(", ");
        let message = format!("A line names exactly one of {words}");
        return Err(ApiError::invalid_parameter("line").with_message(message));
    };
    let name = kind.as_str();
    let part = fields.object(name)?.ok_or_else(|| fields.wrong(name, "an object"))?;
    Ok((kind, part))
}

/// When nothing at all could be taken, the request as a whole is to be sent again.
fn failure_of_all(receipts: &[Result<Receipt, SubmitError>]) -> Option<SubmitError> {
    let is_passing = |result: &Result<Receipt, SubmitError>| {
        matches!(
            result,
            Err(SubmitError::Overloaded(_)
                | SubmitError::Unavailable { .. }
                | SubmitError::Stopped)
        )
    };
    let first = receipts.first()?.as_ref().err()?;
    receipts.iter().all(is_passing).then(|| first.clone())
}

fn told(line: usize, outcome: Result<Receipt, ApiError>) -> Value {
    match outcome {
        Ok(receipt) => {
            let own = receipt.record.as_ref().filter(|_| receipt.changed);
            let sequence = own.map_or(receipt.head.sequence, |record| record.event.sequence);
            json!({ "line": line, "changed": receipt.changed, "sequence": sequence.0 })
        }
        Err(error) => {
            json!({ "line": line, "errorCode": error.code, "message": error.message })
        }
    }
}
