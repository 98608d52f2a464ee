//! `GET /accounts/{account}/extensions/export`: what [`import`](super::import()) reads back without
//! a change.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use lampfield_contract::ApiError;
use lampfield_core::ExtensionId;
use lampfield_core::directory::{Extension, Permissions, Role};
use smol_str::SmolStr;

use crate::edge::Answer;
use crate::own::Visitor;
use crate::own::roster::COLUMNS;
use crate::state::ApiState;

/// Answers with every extension of the account, by id.
pub(in crate::own) async fn export(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?.id;
    let registry = Arc::clone(&state.registry);
    let written = tokio::task::spawn_blocking(move || {
        let (extensions, _) = registry.extensions(account, 0, usize::MAX);
        write(&extensions)
    });
    let text = written.await.ok().flatten().ok_or_else(ApiError::internal)?;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

/// Writes the file; none only if memory cannot be written.
fn write(extensions: &[Arc<Extension>]) -> Option<Vec<u8>> {
    let numbers: HashMap<ExtensionId, &str> =
        extensions.iter().map(|it| (it.key.extension, it.number.as_str())).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).ok()?;
    for extension in extensions {
        let groups: Vec<_> = extension.groups.iter().map(SmolStr::as_str).collect();
        let queues: Vec<_> =
            extension.queues.iter().filter_map(|queue| numbers.get(queue).copied()).collect();
        let is_admin = extension.permissions.contains(Permissions::ADMIN);
        let row: [&str; COLUMNS.len()] = [
            &extension.number,
            &extension.name,
            &extension.email,
            extension.standing.kind.as_str(),
            extension.standing.status.as_str(),
            &groups.join(";"),
            &queues.join(";"),
            &extension.key.extension.to_string(),
            if is_admin { "true" } else { "false" },
        ];
        writer.write_record(row).ok()?;
    }
    writer.into_inner().ok()
}
