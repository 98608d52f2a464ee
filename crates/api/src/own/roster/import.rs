//! `POST /accounts/{account}/extensions/import`: good rows are taken, bad ones reported.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use lampfield_contract::ApiError;
use lampfield_core::AccountId;
use lampfield_core::audit::{Alteration, AuditAct};
use lampfield_core::directory::{Extension, Role};
use lampfield_engine::SubmitError;
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};

use crate::audit::Trail;
use crate::edge::{Answer, Query, Refusal, ok, read};
use crate::own::Visitor;
use crate::own::altered::noted;
use crate::own::bounds::{IMPORT_BODY_MAX, IMPORT_GROUP, IMPORT_TOLD_MAX, LONG_BODY_TIMEOUT};
use crate::own::extensions::{next_id, standing_change};
use crate::own::roster::plan::{Before, Plan, Planned, plan};
use crate::own::roster::sheet::{self, Rejection, Row};
use crate::state::ApiState;

/// Takes a CSV file; with `dryRun` says only what would happen.
pub(in crate::own) async fn import(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path(account): Path<String>,
    query: Query,
    request: Request,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?.id;
    let is_rehearsal = query.is_set("dryRun");
    let text = read(request, IMPORT_BODY_MAX, LONG_BODY_TIMEOUT).await?;
    let parsed = tokio::task::spawn_blocking(move || sheet::read(&text));
    let (rows, unread) = parsed
        .await
        .map_err(|_| ApiError::internal())?
        .map_err(|error| ApiError::invalid_parameter("csv").with_message(error.to_string()))?;
    let checking = state.registry.checking().await;
    let mut plan = decide(&state, account, rows).await?;
    plan.rejected.extend(unread);
    plan.rejected.sort_by_key(|rejection| rejection.line);
    if !is_rehearsal {
        // Of a large import only the sum is told: it would push everything else out of the trail.
        let told = (plan.planned.len() <= IMPORT_TOLD_MAX).then_some(&trail);
        for group in plan.planned.chunks(IMPORT_GROUP) {
            take(&state, told, group).await?;
        }
        if !plan.planned.is_empty() {
            state.registry.apply(vec![summed_up(&state, &trail, account, &plan)]).await?;
        }
    }
    drop(checking);
    Ok(ok(&report(&plan, is_rehearsal)))
}

/// Plans on a thread that may take its time: a large file is a second of work.
async fn decide(state: &ApiState, account: AccountId, rows: Vec<Row>) -> Result<Plan, Refusal> {
    let next_id = next_id(state)?.get();
    let registry = Arc::clone(&state.registry);
    let planned = tokio::task::spawn_blocking(move || {
        let (extensions, _) = registry.extensions(account, 0, usize::MAX);
        let is_foreign = |id| registry.account_of(id).is_some_and(|owner| owner != account);
        let before = Before { account, extensions: &extensions, is_foreign: &is_foreign, next_id };
        plan(&rows, &before)
    });
    planned.await.map_err(|_| ApiError::internal().into())
}

/// Makes one group durable, then lets presence know of types and statuses that changed.
async fn take(state: &ApiState, trail: Option<&Trail>, group: &[Planned]) -> Result<(), Refusal> {
    let put = |one: &Planned| DirectoryChange::PutExtension(Extension::clone(&one.after));
    let entry = |one: &Planned| noted(state, trail?, one.before.as_deref(), Some(&one.after));
    let changes = group.iter().map(put).chain(group.iter().filter_map(entry));
    state.registry.apply(changes.collect()).await?;
    let changes = group.iter().filter_map(|one| standing_change(one.before.as_ref()?, &one.after));
    for receipt in state.intake.stand_all(changes.collect()).await {
        match receipt {
            Ok(_) | Err(SubmitError::UnknownExtension(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn summed_up(state: &ApiState, trail: &Trail, account: AccountId, plan: &Plan) -> DirectoryChange {
    let counts =
        [("created", plan.created), ("updated", plan.updated), ("rejected", plan.rejected.len())];
    let told = counts.map(|(what, n)| Alteration::new(what, None, Some(&n.to_string())));
    let object = account.to_string();
    trail.entry(state, Some(account), AuditAct::ExtensionImport, &object, told.into())
}

fn report(plan: &Plan, is_rehearsal: bool) -> Value {
    let one = |rejection: &Rejection| {
        json!({
            "line": rejection.line,
            "number": rejection.number,
            "column": rejection.column,
            "reason": rejection.reason,
        })
    };
    json!({
        "dryRun": is_rehearsal,
        "created": plan.created,
        "updated": plan.updated,
        "unchanged": plan.unchanged,
        "rejected": plan.rejected.iter().map(one).collect::<Vec<_>>(),
    })
}
