//! Call queues and who of their members takes calls now (contract 2.4, 2.6).
//!
//! A member takes a queue's calls when both are true: `acceptQueueCalls`, which mirrors do-not-disturb
//! and cannot be set here, and `acceptCurrentQueueCalls` (`acceptCalls` in the agent's list), which is
//! the member's choice for this one queue.

use lampfield_core::directory::Extension;
use lampfield_core::{DndStatus, Document, ExtensionId, ExtensionKey, ExtensionStatus, View};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::update::{flag, id_in, parse_records};

/// What one member takes of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acceptance {
    /// `acceptQueueCalls`: the calls of any queue.
    pub any_queue: bool,
    /// `acceptCurrentQueueCalls`: the calls of this queue.
    pub this_queue: bool,
}

impl Acceptance {
    /// Returns what is seen, under `view`, of what a member with `document` takes of `queue`. Who
    /// hides looks as if they had chosen nothing.
    #[must_use]
    pub fn of(document: &Document, queue: ExtensionId, view: View) -> Self {
        match view {
            View::Hidden => Self { any_queue: true, this_queue: true },
            View::Full | View::WithoutCallers => Self {
                any_queue: takes_queue_calls(document.dnd),
                this_queue: document.settings.takes_calls_of(queue),
            },
        }
    }
}

/// What a body says of one queue, or of one member of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueChoice {
    /// The queue, or the member.
    pub id: ExtensionId,
    /// Whether its calls are taken; none keeps what is.
    pub accepts: Option<bool>,
}

/// Tells whether someone with this do-not-disturb takes calls of queues (contract 1.5).
#[must_use]
pub const fn takes_queue_calls(dnd: DndStatus) -> bool {
    match dnd {
        DndStatus::TakeAllCalls => true,
        DndStatus::DoNotAcceptAnyCalls | DndStatus::DoNotAcceptDepartmentCalls => false,
    }
}

/// Returns the resource of a call queue.
#[must_use]
pub fn call_queue(base_uri: &str, queue: &Extension) -> Value {
    let mut resource = Map::new();
    resource.insert("uri".to_owned(), json!(queue_uri(base_uri, queue.key)));
    resource.extend(named(queue));
    resource.insert("status".to_owned(), json!(status_word(queue.standing.status)));
    resource.insert("editableMemberStatus".to_owned(), json!(queue.editable_member_status));
    Value::Object(resource)
}

/// Queues have no word for frozen; a frozen one takes no calls.
const fn status_word(status: ExtensionStatus) -> &'static str {
    match status {
        ExtensionStatus::Frozen => ExtensionStatus::Disabled.as_str(),
        ExtensionStatus::Enabled
        | ExtensionStatus::Disabled
        | ExtensionStatus::NotActivated
        | ExtensionStatus::Unassigned => status.as_str(),
    }
}

/// Returns the address of a call queue.
#[must_use]
pub fn queue_uri(base_uri: &str, key: ExtensionKey) -> String {
    format!("{base_uri}/restapi/v1.0/account/{}/call-queues/{}", key.account, key.extension)
}

/// Returns the record of a member in the presence of a queue.
#[must_use]
pub fn queue_member(member: &Extension, acceptance: Acceptance) -> Value {
    json!({
        "member": named(member),
        "acceptQueueCalls": acceptance.any_queue,
        "acceptCurrentQueueCalls": acceptance.this_queue,
    })
}

/// Returns the record of a queue in the list of one of its members.
#[must_use]
pub fn agent_queue(queue: &Extension, acceptance: Acceptance) -> Value {
    let mut shown = named(queue);
    shown.insert("editableMemberStatus".to_owned(), json!(queue.editable_member_status));
    json!({ "callQueue": shown, "acceptCalls": acceptance.this_queue })
}

/// Reads the body of PUT queue presence: `{"records": [{"member": {"id"}, "acceptCurrentQueueCalls"}]}`
/// or a bare array. `acceptQueueCalls` is not read.
///
/// # Errors
/// 400 CMN-103 for what is no JSON; 400 CMN-101 with the member's name.
pub fn parse_member_choices(body: &[u8]) -> Result<Vec<QueueChoice>, ApiError> {
    parse_choices(body, &["member"], "acceptCurrentQueueCalls")
}

/// Reads the body of PUT call-queue presence of an extension:
/// `{"records": [{"callQueue": {"id"}, "acceptCalls"}]}` or a bare array; `callqueue` is read too, as
/// one published example spells it.
///
/// # Errors
/// 400 CMN-103 for what is no JSON; 400 CMN-101 with the member's name.
pub fn parse_queue_choices(body: &[u8]) -> Result<Vec<QueueChoice>, ApiError> {
    parse_choices(body, &["callQueue", "callqueue"], "acceptCalls")
}

fn parse_choices(
    body: &[u8],
    spellings: &[&str],
    accepts: &str,
) -> Result<Vec<QueueChoice>, ApiError> {
    let first = spellings.first().copied().unwrap_or_default();
    let one = |record: Map<String, Value>| {
        let name = spellings.iter().find(|name| record.contains_key(**name)).unwrap_or(&first);
        let id = id_in(&record, name)?;
        Ok(QueueChoice { id, accepts: flag(&record, accepts)? })
    };
    parse_records(body)?.into_iter().map(one).collect()
}

fn named(extension: &Extension) -> Map<String, Value> {
    let members = [
        ("id", json!(extension.key.extension.to_string())),
        ("name", json!(extension.name)),
        ("extensionNumber", json!(&*extension.number)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(id: u64, accepts: Option<bool>) -> QueueChoice {
        QueueChoice { id: ExtensionId::new(id).expect("an id"), accepts }
    }

    #[test]
    fn who_hides_looks_as_if_they_had_chosen_nothing() {
        use lampfield_core::{
            ExtensionStatus, ExtensionType, Policy, Settings, SettingsPatch, Standing, Timestamp,
        };
        let [declined, other] = [7, 8].map(|id| ExtensionId::new(id).expect("an id"));
        let patch = SettingsPatch {
            dnd_status: Some(DndStatus::DoNotAcceptDepartmentCalls),
            declined_queues: Some(vec![declined]),
            ..SettingsPatch::default()
        };
        let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
        let settings = Settings::default().patched(&patch);
        let document =
            Document::of(standing, settings, Vec::new(), Policy::default(), Timestamp(0));
        let seen = |queue, view| {
            let Acceptance { any_queue, this_queue } = Acceptance::of(&document, queue, view);
            (any_queue, this_queue)
        };

        for view in [View::Full, View::WithoutCallers] {
            assert_eq!(seen(declined, view), (false, false));
            assert_eq!(seen(other, view), (false, true));
        }
        assert_eq!(seen(declined, View::Hidden), (true, true));
    }

    #[test]
    fn choices_are_read_in_every_shape() {
        let of_member = r#"[{"member":{"id":"7"},"acceptQueueCalls":false,"acceptCurrentQueueCalls":true},
            {"member":{"id":8}}]"#;
        let of_queue = r#"[{"callQueue":{"id":"7"},"acceptCalls":true},{"callqueue":{"id":"8"}}]"#;
        let both = Ok(vec![choice(7, Some(true)), choice(8, None)]);

        let wrapped = |list: &str| format!(r#"{{"records":{list}}}"#);
        for body in [of_member.to_owned(), wrapped(of_member)] {
            assert_eq!(parse_member_choices(body.as_bytes()), both, "{body}");
        }
        for body in [of_queue.to_owned(), wrapped(of_queue)] {
            assert_eq!(parse_queue_choices(body.as_bytes()), both, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, parameter) in [
            ("{}", "records"),
            ("[{}]", "callQueue.id"),
            (r#"[{"member":{"id":"7"}}]"#, "callQueue.id"),
            (r#"[{"callqueue":{}}]"#, "callqueue.id"),
            (r#"[{"callQueue":{"id":"7"},"acceptCalls":"yes"}]"#, "acceptCalls"),
        ] {
            let error = parse_queue_choices(body.as_bytes()).expect_err(body);
            assert_eq!(error, ApiError::invalid_parameter(parameter), "{body}");
        }
    }

    #[test]
    fn only_who_takes_all_calls_takes_those_of_queues() {
        let takers: Vec<_> =
            DndStatus::ALL.iter().filter(|dnd| takes_queue_calls(**dnd)).copied().collect();
        assert_eq!(takers, [DndStatus::TakeAllCalls]);
    }
}
