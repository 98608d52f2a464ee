//! What a caller sees of an extension: the one way from the newest document to JSON.

use lampfield_contract::{ResourceFlags, Subject, presence_resource};
use lampfield_core::directory::Extension;
use lampfield_core::{Document, Viewer, see};
use serde_json::Value;

use crate::state::ApiState;

/// Looks at the newest committed document of an extension; at the initial one if it never changed.
pub(crate) fn with_document<T>(
    state: &ApiState,
    extension: &Extension,
    look: impl FnOnce(&Document) -> T,
) -> T {
    if let Some(record) = state.journal.newest().get(extension.key) {
        return look(&record.event.document);
    }
    look(&Document::initial(extension.standing, state.config.policy, state.now()))
}

/// Returns the presence resource of an extension as `viewer` may see it.
pub(crate) fn resource_of(
    state: &ApiState,
    base: &str,
    viewer: Viewer,
    extension: &Extension,
    flags: ResourceFlags,
) -> Value {
    let subject = Subject { key: extension.key, number: &extension.number };
    with_document(state, extension, |document| {
        let view = see(viewer, extension.key.extension, &document.settings);
        presence_resource(base, subject, document, view, flags)
    })
}
