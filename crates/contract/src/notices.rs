//! What a change is told as beside presence (contract 3.4, 3.5, F8-F12): `event` and `body`.

use std::collections::BTreeSet;

use lampfield_core::subscription::{Notice, QueueAcceptance, dnd_seen};
use lampfield_core::{ExtensionId, ExtensionKey, PresenceEvent, View};

use crate::event::{write_account_path, write_extension_id, write_extension_path};
use crate::json::{write_flag, write_number};
use crate::options::WireOptions;

/// Appends the `event` member's value without quotes.
pub(crate) fn write_notice_path(
    out: &mut Vec<u8>,
    key: ExtensionKey,
    notice: Notice,
    options: WireOptions,
) {
    let tail: &[u8] = match notice {
        Notice::Lines => b"/presence/line",
        Notice::Dnd => b"/presence/dnd",
        Notice::Favorites => b"/favorite",
        Notice::Profile => b"",
        Notice::Queue(queue) => {
            write_account_path(out, key.account, options);
            out.extend_from_slice(b"/call-queues/");
            write_number(out, queue.get());
            return out.extend_from_slice(b"/presence");
        }
        Notice::Directory => {
            write_account_path(out, key.account, options);
            return out.extend_from_slice(b"/extension");
        }
    };
    write_extension_path(out, key, options);
    out.extend_from_slice(tail);
}

/// Appends the `body` object.
pub(crate) fn write_notice_body(
    out: &mut Vec<u8>,
    event: &PresenceEvent,
    notice: Notice,
    view: View,
    options: WireOptions,
) {
    let subject = event.key.extension;
    match notice {
        Notice::Lines => return write_lines(out, event),
        Notice::Queue(queue) => return write_queue(out, event, queue, view, options),
        Notice::Dnd | Notice::Favorites | Notice::Profile | Notice::Directory => {}
    }
    out.extend_from_slice(b"{\"extensionId\":");
    write_extension_id(out, subject, options.extension_id);
    match notice {
        Notice::Dnd => {
            out.extend_from_slice(b",\"dndStatus\":\"");
            out.extend_from_slice(dnd_seen(view, event.document.dnd).as_str().as_bytes());
            out.push(b'"');
        }
        Notice::Profile => {
            out.extend_from_slice(b",\"eventType\":\"Update\",\"hints\":[\"ExtensionInfo\"]");
        }
        Notice::Directory => out.extend_from_slice(b",\"eventType\":\"Update\""),
        Notice::Lines | Notice::Queue(_) | Notice::Favorites => {}
    }
    out.push(b'}');
}

/// `{"extension":[{"id":"…"}],"sequence":n}`: the extensions that came to the list or left it; all of
/// them where only their order is another, or it is not known what was before.
fn write_lines(out: &mut Vec<u8>, event: &PresenceEvent) {
    let after = &event.document.settings.lists().lines;
    let before = event.before.as_ref().map_or(&[][..], |before| &before.lists.lines);
    let old: BTreeSet<_> = before.iter().collect();
    let new: BTreeSet<_> = after.iter().collect();
    let mut affected: Vec<_> = old.symmetric_difference(&new).copied().collect();
    if affected.is_empty() {
        affected = after.iter().collect();
    }
    out.extend_from_slice(b"{\"extension\":[");
    for (at, extension) in affected.into_iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"{\"id\":\"" } else { b",{\"id\":\"" });
        write_number(out, extension.get());
        out.extend_from_slice(b"\"}");
    }
    out.extend_from_slice(b"],\"sequence\":");
    write_number(out, event.sequence.0);
    out.push(b'}');
}

/// Both documented shapes in one: `records`, and flat.
fn write_queue(
    out: &mut Vec<u8>,
    event: &PresenceEvent,
    queue: ExtensionId,
    view: View,
    options: WireOptions,
) {
    let (member, document) = (event.key.extension, &event.document);
    let seen = QueueAcceptance::seen(view, document.dnd, document.settings.lists(), queue);
    out.extend_from_slice(b"{\"records\":[{\"member\":{\"id\":\"");
    write_number(out, member.get());
    out.extend_from_slice(b"\"},\"acceptQueueCalls\":");
    write_flag(out, seen.any_queue);
    out.extend_from_slice(b",\"acceptCurrentQueueCalls\":");
    write_flag(out, seen.this_queue);
    out.extend_from_slice(b"}],\"extensionId\":");
    write_extension_id(out, member, options.extension_id);
    out.extend_from_slice(b",\"callQueueId\":\"");
    write_number(out, queue.get());
    out.extend_from_slice(b"\",\"acceptCalls\":");
    write_flag(out, seen.this_queue);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use lampfield_core::settings::Lists;
    use lampfield_core::subscription::Reminder;
    use lampfield_core::{
        AccountId, Act, Audience, Before, Cause, Changes, DndStatus, Document, ExtensionStatus,
        ExtensionType, Policy, Sequence, Settings, SourceId, Standing, SubscriptionId, Timestamp,
    };
    use uuid::Uuid;

    use super::*;
    use crate::SharedEnvelope;

    fn id(number: u64) -> ExtensionId {
        ExtensionId::new(number).expect("positive")
    }

    fn lists(lines: &[u64], declined: &[u64]) -> Lists {
        let ids = |list: &[u64]| list.iter().copied().map(id).collect();
        Lists { lines: ids(lines), favorites: ids(&[]), declined_queues: ids(declined) }
    }

    fn event(before: Lists, after: Lists, dnd_status: DndStatus) -> PresenceEvent {
        let settings = Settings { dnd_status, ..Settings::default() }.with_lists(after);
        let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
        let at = Timestamp(1_455_788_244_597);
        PresenceEvent {
            key: ExtensionKey {
                account: AccountId::new(37).expect("positive"),
                extension: id(9001),
            },
            sequence: Sequence(2698),
            at,
            observed_at: at,
            document: Document::of(standing, settings, Vec::new(), Policy::default(), at),
            changes: Changes::LISTS | Changes::DND,
            before: Some(Box::new(Before {
                audience: Audience::of(&Settings::default()),
                dnd: DndStatus::TakeAllCalls,
                lists: before,
            })),
            ended: Box::default(),
            cause: Cause { act: Act::Configured, source: SourceId::manual(), claim: None },
        }
    }

    fn parts(event: &PresenceEvent, notice: Notice, view: View) -> (String, String) {
        let shared = SharedEnvelope::of_notice(event, notice, view, WireOptions::default());
        let mut out = Vec::new();
        let uuid = Uuid::nil();
        shared.splice(&mut out, uuid, SubscriptionId(uuid), event.key.extension);
        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(json["timestamp"], "2016-02-18T09:37:24.597Z");
        assert_eq!(json["ownerId"], "9001");
        (json["event"].as_str().expect("text").to_owned(), json["body"].to_string())
    }

    #[test]
    fn every_notice_has_its_path_and_body() {
        let event = event(lists(&[7], &[]), lists(&[7, 8], &[400]), DndStatus::DoNotAcceptAnyCalls);
        let own = "/restapi/v1.0/account/~/extension/9001";
        for (notice, path, body) in [
            (
                Notice::Lines,
                format!("{own}/presence/line"),
                r#"{"extension":[{"id":"8"}],"sequence":2698}"#,
            ),
            (
                Notice::Dnd,
                format!("{own}/presence/dnd"),
                r#"{"extensionId":"9001","dndStatus":"DoNotAcceptAnyCalls"}"#,
            ),
            (Notice::Favorites, format!("{own}/favorite"), r#"{"extensionId":"9001"}"#),
            (
                Notice::Queue(id(400)),
                "/restapi/v1.0/account/~/call-queues/400/presence".to_owned(),
                r#"{"records":[{"member":{"id":"9001"},"acceptQueueCalls":false,"acceptCurrentQueueCalls":false}],"extensionId":"9001","callQueueId":"400","acceptCalls":false}"#,
            ),
            (
                Notice::Profile,
                own.to_owned(),
                r#"{"extensionId":"9001","eventType":"Update","hints":["ExtensionInfo"]}"#,
            ),
            (
                Notice::Directory,
                "/restapi/v1.0/account/~/extension".to_owned(),
                r#"{"extensionId":"9001","eventType":"Update"}"#,
            ),
        ] {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(parts(&event, notice, View::Full), (path, body.to_string()));
        }
    }

    #[test]
    fn who_hides_looks_as_if_they_had_chosen_nothing() {
        let event = event(lists(&[], &[]), lists(&[], &[400]), DndStatus::DoNotAcceptAnyCalls);

        let (_, dnd) = parts(&event, Notice::Dnd, View::Hidden);
        assert!(dnd.contains("TakeAllCalls"), "{dnd}");
        let (_, queue) = parts(&event, Notice::Queue(id(400)), View::Hidden);
        assert!(!queue.contains("false"), "{queue}");
    }

    #[test]
    fn another_order_of_lines_names_them_all() {
        let event = event(lists(&[7, 8], &[]), lists(&[8, 7], &[]), DndStatus::TakeAllCalls);

        let (_, body) = parts(&event, Notice::Lines, View::Full);
        assert!(body.contains(r#"[{"id":"8"},{"id":"7"}]"#), "{body}");
    }

    #[test]
    fn a_reminder_repeats_its_filter_and_counts_down() {
        let text = r#"/restapi/v1.0/subscription/~?threshold=60&interval=15&x="\"#;
        let second = std::time::Duration::from_secs(1);
        let reminder =
            Reminder { threshold: 60 * second, interval: 15 * second, text: text.into() };
        let shared = SharedEnvelope::of_reminder(&reminder, Timestamp(90_500), Timestamp(45_100));
        let mut out = Vec::new();
        shared.splice(&mut out, Uuid::nil(), SubscriptionId(Uuid::nil()), id(1));

        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(json["event"], text);
        assert_eq!(json["body"].to_string(), r#"{"expiresIn":45}"#);
    }
}
