//! Carrying out a change of settings. One of somebody else's is written into the audit trail first: a
//! crash in between leaves an entry without a change, never a change without an entry.

use lampfield_contract::format_timestamp;
use lampfield_core::audit::{Alteration, AuditAct};
use lampfield_core::{
    Command, DndStatus, ExtensionId, ExtensionKey, Settings, SettingsPatch, UserStatus,
};
use lampfield_engine::{Order, Receipt};

use crate::audit::Trail;
use crate::edge::Refusal;
use crate::state::ApiState;

/// Has the engine carry out a patch; returns when it is durable.
pub(crate) async fn configure(
    state: &ApiState,
    trail: &Trail,
    key: ExtensionKey,
    patch: SettingsPatch,
) -> Result<Receipt, Refusal> {
    note(state, trail, [(key, &patch)]).await?;
    let order = Order { key, command: Command::Configure(patch), observed_at: state.now() };
    Ok(state.intake.submit(order).await?)
}

/// Writes changes of settings into the audit trail, those that are another's and change anything.
pub(crate) async fn note<'a>(
    state: &ApiState,
    trail: &Trail,
    patches: impl IntoIterator<Item = (ExtensionKey, &'a SettingsPatch)>,
) -> Result<(), Refusal> {
    let entry = |(key, patch): (ExtensionKey, &SettingsPatch)| {
        if trail.is_of(key) {
            return None;
        }
        let newest = state.journal.newest().get(key);
        let before = newest.map(|record| record.event.document.settings.clone());
        let alterations = altered(&before.unwrap_or_default(), patch);
        let (act, object) = (AuditAct::PresenceUpdate, key.extension.to_string());
        (!alterations.is_empty())
            .then(|| trail.entry(state, Some(key.account), act, &object, alterations))
    };
    let entries: Vec<_> = patches.into_iter().filter_map(entry).collect();
    if !entries.is_empty() {
        state.registry.apply(entries).await?;
    }
    Ok(())
}

/// Tells what a patch changes. The words of a message are nobody's business but its author's.
fn altered(before: &Settings, patch: &SettingsPatch) -> Vec<Alteration> {
    let after = before.patched(patch);
    let text = |flag: bool| if flag { "true" } else { "false" };
    let mut found: Vec<_> = [
        Alteration::between("userStatus", before.user_status.as_str(), after.user_status.as_str()),
        Alteration::between("dndStatus", before.dnd_status.as_str(), after.dnd_status.as_str()),
        (before.message != after.message).then(|| Alteration::untold("message")),
        Alteration::between(
            "allowSeeMyPresence",
            text(before.allow_see_my_presence),
            text(after.allow_see_my_presence),
        ),
        Alteration::between(
            "ringOnMonitoredCall",
            text(before.ring_on_monitored_call),
            text(after.ring_on_monitored_call),
        ),
        Alteration::between(
            "pickUpCallsOnHold",
            text(before.pick_up_calls_on_hold),
            text(after.pick_up_calls_on_hold),
        ),
        Alteration::between(
            "callerIdVisibility",
            before.caller_id_visibility.as_str(),
            after.caller_id_visibility.as_str(),
        ),
        list("permitted", &before.permitted, &after.permitted),
        list("lines", &before.lists().lines, &after.lists().lines),
        list("favorites", &before.lists().favorites, &after.lists().favorites),
        list("declinedQueues", &before.lists().declined_queues, &after.lists().declined_queues),
    ]
    .into_iter()
    .flatten()
    .collect();
    found.extend(timed(patch));
    found
}

fn list(member: &str, before: &[ExtensionId], after: &[ExtensionId]) -> Option<Alteration> {
    let text =
        |ids: &[ExtensionId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    (before != after).then(|| Alteration::new(member, Some(&text(before)), Some(&text(after))))
}

/// What holds for a time lies over the settings and does not change them.
fn timed(patch: &SettingsPatch) -> Vec<Alteration> {
    let Some(until) = patch.until else { return Vec::new() };
    let told = |member, value: Option<&str>| {
        value.map(|value| {
            Alteration::new(
                member,
                None,
                Some(&format!("{value} until {}", format_timestamp(until))),
            )
        })
    };
    [
        told("userStatus", patch.user_status.map(UserStatus::as_str)),
        told("dndStatus", patch.dnd_status.map(DndStatus::as_str)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use lampfield_core::Timestamp;

    use super::*;

    #[test]
    fn only_what_changes_is_told_and_never_the_words_of_a_message() {
        let patch = SettingsPatch {
            user_status: Some(UserStatus::Busy),
            dnd_status: Some(DndStatus::TakeAllCalls),
            message: Some("secret".into()),
            permitted: ExtensionId::new(7).ok().map(|id| vec![id]),
            ..SettingsPatch::default()
        };
        let told = altered(&Settings::default(), &patch);

        assert_eq!(
            told,
            [
                Alteration::new("userStatus", Some("Available"), Some("Busy")),
                Alteration::untold("message"),
                Alteration::new("permitted", Some(""), Some("7")),
            ]
        );
        assert!(altered(&Settings::default().patched(&patch), &patch).is_empty());
    }

    #[test]
    fn what_holds_for_a_time_is_told_with_its_end() {
        let patch = SettingsPatch {
            user_status: Some(UserStatus::Busy),
            until: Some(Timestamp(0)),
            ..SettingsPatch::default()
        };
        let told = altered(&Settings::default(), &patch);
        let expected = "Busy until 1970-01-01T00:00:00.000Z";
        assert_eq!(told, [Alteration::new("userStatus", None, Some(expected))]);
    }
}
