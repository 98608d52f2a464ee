//! What the audit trail tells of a changed extension.

use lampfield_core::audit::{Alteration, AuditAct};
use lampfield_core::directory::Extension;
use lampfield_core::{ExtensionStatus, ExtensionType, Standing};
use lampfield_journal::DirectoryChange;

use crate::audit::Trail;
use crate::state::ApiState;

/// Returns the entry about an extension that is made (`before` is none), changed, or removed (`after`
/// is none); none when nothing changes.
pub(super) fn noted(
    state: &ApiState,
    trail: &Trail,
    before: Option<&Extension>,
    after: Option<&Extension>,
) -> Option<DirectoryChange> {
    let key = after.or(before)?.key;
    let act = match (before, after) {
        (None, _) => AuditAct::ExtensionCreate,
        (Some(_), Some(_)) => AuditAct::ExtensionUpdate,
        (Some(_), None) => AuditAct::ExtensionRemove,
    };
    // What was removed is told like what was made.
    let alterations = match (before, after) {
        (None, Some(one)) | (Some(one), None) => altered(&blank(one), one),
        (Some(before), Some(after)) => altered(before, after),
        (None, None) => return None,
    };
    let is_told = act != AuditAct::ExtensionUpdate || !alterations.is_empty();
    let object = key.extension.to_string();
    is_told.then(|| trail.entry(state, Some(key.account), act, &object, alterations))
}

fn blank(one: &Extension) -> Extension {
    Extension {
        key: one.key,
        number: "".into(),
        name: "".into(),
        email: "".into(),
        standing: Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled },
        groups: Box::default(),
        queues: Box::default(),
        editable_member_status: true,
        permissions: lampfield_core::directory::Permissions::ordinary(),
    }
}

fn altered(before: &Extension, after: &Extension) -> Vec<Alteration> {
    let texts = [
        ("number", before.number.to_string(), after.number.to_string()),
        ("name", before.name.to_string(), after.name.to_string()),
        ("email", before.email.to_string(), after.email.to_string()),
        ("type", before.standing.kind.as_str().to_owned(), after.standing.kind.as_str().to_owned()),
        (
            "status",
            before.standing.status.as_str().to_owned(),
            after.standing.status.as_str().to_owned(),
        ),
        ("groups", joined(before.groups.iter(), "; "), joined(after.groups.iter(), "; ")),
        ("queues", joined(before.queues.iter(), " "), joined(after.queues.iter(), " ")),
        (
            "editableMemberStatus",
            before.editable_member_status.to_string(),
            after.editable_member_status.to_string(),
        ),
        (
            "permissions",
            joined(before.permissions.words(), " "),
            joined(after.permissions.words(), " "),
        ),
    ];
    texts
        .iter()
        .filter_map(|(member, before, after)| Alteration::between(member, before, after))
        .collect()
}

fn joined(items: impl Iterator<Item = impl ToString>, separator: &str) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
}
