//! The presence event on the wire: `event` and `body`, written by hand since every change passes here.

use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, Call, Document, EndedCall, ExtensionId, ExtensionKey, ListedCalls, PresenceEvent,
    Sequence, SipData, TelephonyStatus, Timestamp, View,
};

use crate::json::{write_flag, write_number, write_string};
use crate::options::{AccountSegment, ExtensionIdForm, WireOptions};
use crate::timestamp::write_timestamp;

/// What a body is written from: an event, or a document that is shown as if it were one.
#[derive(Debug, Clone, Copy)]
pub struct BodySource<'a> {
    /// Whose presence it is.
    pub extension: ExtensionId,
    /// The account's order number; `None` leaves `sequence` out (nothing ever changed).
    pub sequence: Option<Sequence>,
    /// What holds.
    pub document: &'a Document,
    /// Calls that ended with this very change.
    pub ended: &'a [EndedCall],
}

impl<'a> BodySource<'a> {
    /// Takes the body of an event.
    #[must_use]
    pub fn of(event: &'a PresenceEvent) -> Self {
        Self {
            extension: event.key.extension,
            sequence: Some(event.sequence),
            document: &event.document,
            ended: &event.ended,
        }
    }
}

/// Appends the `event` member's value without quotes: always the URI of the extension that changed,
/// whatever the filter was (contract 3.4).
pub fn write_event_path(
    out: &mut Vec<u8>,
    key: ExtensionKey,
    detail: Detail,
    options: WireOptions,
) {
    write_extension_path(out, key, options);
    out.extend_from_slice(b"/presence");
    out.extend_from_slice(detail_query(detail).as_bytes());
}

/// Appends the path of an account.
pub(crate) fn write_account_path(out: &mut Vec<u8>, account: AccountId, options: WireOptions) {
    out.extend_from_slice(b"/restapi/v1.0/account/");
    match options.account_segment {
        AccountSegment::Tilde => out.push(b'~'),
        AccountSegment::Resolved => write_number(out, account.get()),
    }
}

/// Appends the path of an extension.
pub(crate) fn write_extension_path(out: &mut Vec<u8>, key: ExtensionKey, options: WireOptions) {
    write_account_path(out, key.account, options);
    out.extend_from_slice(b"/extension/");
    write_number(out, key.extension.get());
}

/// Returns the query of a detail, with its `?`; clients match it literally, in this order.
pub(crate) const fn detail_query(detail: Detail) -> &'static str {
    match detail {
        Detail::Plain => "",
        Detail::Detailed => "?detailedTelephonyState=true",
        Detail::Sip => "?detailedTelephonyState=true&sipData=true",
    }
}

/// Appends the `body` object of an event: always all ten fields, with calls where `detail` asks for
/// them, masked where `view` demands it (contract 1.2, 1.9).
pub fn write_body(
    out: &mut Vec<u8>,
    event: &PresenceEvent,
    detail: Detail,
    view: View,
    options: WireOptions,
) {
    write_body_of(out, BodySource::of(event), detail, view, options);
}

/// Appends a body object as [`write_body`] does, of a document that need not be a fresh event.
pub fn write_body_of(
    out: &mut Vec<u8>,
    source: BodySource<'_>,
    detail: Detail,
    view: View,
    options: WireOptions,
) {
    let shown = Shown::of(source, view);
    let calls = (detail != Detail::Plain).then(|| shown.calls(source));

    out.extend_from_slice(b"{\"extensionId\":");
    write_extension_id(out, source.extension, options.extension_id);
    word(out, "telephonyStatus", shown.telephony);
    if let Some(calls) = &calls {
        out.extend_from_slice(b",\"activeCalls\":");
        write_calls(out, calls, detail, view);
    }
    if let Some(sequence) = source.sequence {
        out.extend_from_slice(b",\"sequence\":");
        write_number(out, sequence.0);
    }
    word(out, "presenceStatus", shown.presence);
    word(out, "userStatus", shown.user);
    word(out, "meetingStatus", shown.meeting);
    word(out, "dndStatus", shown.dnd);
    flag(out, "allowSeeMyPresence", shown.allow_see);
    flag(out, "ringOnMonitoredCall", shown.ring);
    flag(out, "pickUpCallsOnHold", shown.pick_up);
    if let Some(calls) = &calls {
        out.extend_from_slice(b",\"totalActiveCalls\":");
        write_number(out, u64::try_from(calls.total).unwrap_or(u64::MAX));
    }
    out.push(b'}');
}

/// The scalar fields as one view shows them.
struct Shown {
    telephony: &'static str,
    presence: &'static str,
    user: &'static str,
    meeting: &'static str,
    dnd: &'static str,
    allow_see: bool,
    ring: bool,
    pick_up: bool,
    hidden: bool,
}

impl Shown {
    fn of(source: BodySource<'_>, view: View) -> Self {
        if view == View::Hidden {
            return Self::hidden();
        }
        let document = source.document;
        Self {
            telephony: document.telephony.as_str(),
            presence: document.presence.as_str(),
            user: document.user.as_str(),
            meeting: document.meeting.as_str(),
            dnd: document.dnd.as_str(),
            allow_see: document.settings.allow_see_my_presence,
            ring: document.settings.ring_on_monitored_call,
            pick_up: document.settings.pick_up_calls_on_hold,
            hidden: false,
        }
    }

    /// The mask of contract 1.9: offline and idle, and nothing about the person's choices.
    const fn hidden() -> Self {
        Self {
            telephony: "NoCall",
            presence: "Offline",
            user: "Offline",
            meeting: "Disconnected",
            dnd: "TakeAllCalls",
            allow_see: false,
            ring: false,
            pick_up: false,
            hidden: true,
        }
    }

    fn calls<'a>(&self, source: BodySource<'a>) -> ListedCalls<'a> {
        if self.hidden {
            return ListedCalls::of(&[], &[]);
        }
        ListedCalls::of(&source.document.claims, source.ended)
    }
}

pub(crate) fn write_extension_id(out: &mut Vec<u8>, extension: ExtensionId, form: ExtensionIdForm) {
    let quote: &[u8] = match form {
        ExtensionIdForm::Text => b"\"",
        ExtensionIdForm::Number => b"",
    };
    out.extend_from_slice(quote);
    write_number(out, extension.get());
    out.extend_from_slice(quote);
}

/// One call of the list, live or just ended.
pub(crate) struct CallLine<'a> {
    pub(crate) id: &'a str,
    pub(crate) since: Timestamp,
    pub(crate) call: &'a Call,
    pub(crate) is_over: bool,
}

/// Returns the calls in the order in which they are listed.
pub(crate) fn call_lines<'a>(calls: &'a ListedCalls<'a>) -> impl Iterator<Item = CallLine<'a>> {
    let live = calls.live.iter().map(|(claim, call)| CallLine {
        id: claim.id.as_str(),
        since: claim.since,
        call,
        is_over: false,
    });
    let ended = calls.ended.iter().map(|ended| CallLine {
        id: ended.claim.as_str(),
        since: ended.since,
        call: &ended.call,
        is_over: true,
    });
    live.chain(ended)
}

fn write_calls(out: &mut Vec<u8>, calls: &ListedCalls<'_>, detail: Detail, view: View) {
    out.push(b'[');
    for (at, line) in call_lines(calls).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_call(out, &line, detail, view);
    }
    out.push(b']');
}

/// Appends one entry of `activeCalls` (contract 1.4).
pub(crate) fn write_call(out: &mut Vec<u8>, line: &CallLine<'_>, detail: Detail, view: View) {
    let call = line.call;
    let status = if line.is_over { TelephonyStatus::NoCall } else { call.telephony_status };
    out.extend_from_slice(b"{\"id\":");
    write_string(out, line.id);
    word(out, "direction", call.direction.as_str());
    flag(out, "queueCall", call.queue_call);
    if view == View::Full {
        text(out, "from", call.from.as_deref());
        text(out, "fromName", call.from_name.as_deref());
        text(out, "to", call.to.as_deref());
        text(out, "toName", call.to_name.as_deref());
    }
    out.extend_from_slice(b",\"startTime\":\"");
    write_timestamp(out, call.start_time.unwrap_or(line.since));
    out.push(b'"');
    word(out, "telephonyStatus", status.as_str());
    if line.is_over {
        word(out, "terminationType", "final");
    }
    text(out, "sessionId", Some(&call.session_id));
    text(out, "telephonySessionId", call.telephony_session_id.as_deref());
    text(out, "partyId", call.party_id.as_deref());
    if detail == Detail::Sip
        && view == View::Full
        && let Some(sip) = call.sip.as_deref().filter(|sip| **sip != SipData::default())
    {
        write_sip(out, sip);
    }
    out.push(b'}');
}

fn write_sip(out: &mut Vec<u8>, sip: &SipData) {
    out.extend_from_slice(b",\"sipData\":");
    let start = out.len();
    text(out, "callId", sip.call_id.as_deref());
    text(out, "toTag", sip.to_tag.as_deref());
    text(out, "fromTag", sip.from_tag.as_deref());
    text(out, "remoteUri", sip.remote_uri.as_deref());
    text(out, "localUri", sip.local_uri.as_deref());
    // At least one is known, so that a comma stands where the object begins.
    out[start] = b'{';
    out.push(b'}');
}

/// Appends `,"name":"word"`; the word needs no escaping.
fn word(out: &mut Vec<u8>, name: &str, word: &str) {
    for part in [",\"", name, "\":\"", word, "\""] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends `,"name":"text"`, escaped, when there is a text.
fn text(out: &mut Vec<u8>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        for part in [",\"", name, "\":"] {
            out.extend_from_slice(part.as_bytes());
        }
        write_string(out, text);
    }
}

/// Appends `,"name":true`.
fn flag(out: &mut Vec<u8>, name: &str, flag: bool) {
    for part in [",\"", name, "\":"] {
        out.extend_from_slice(part.as_bytes());
    }
    write_flag(out, flag);
}
