//! The presence event on the wire: `event`, `body`, and the envelope around them, written by hand.
//!
//! What all receivers of one event share is encoded once; what differs is spliced in.

use std::sync::Arc;

use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, Call, Document, EndedCall, ExtensionId, ExtensionKey, ListedCalls, PresenceEvent,
    Sequence, SipData, SubscriptionId, TelephonyStatus, Timestamp, View,
};
use uuid::Uuid;

use crate::json::{write_flag, write_number, write_string, write_uuid};
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
    out.extend_from_slice(b"/restapi/v1.0/account/");
    match options.account_segment {
        AccountSegment::Tilde => out.push(b'~'),
        AccountSegment::Resolved => write_number(out, key.account.get()),
    }
    out.extend_from_slice(b"/extension/");
    write_number(out, key.extension.get());
    out.extend_from_slice(b"/presence");
    out.extend_from_slice(detail_query(detail).as_bytes());
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

fn write_extension_id(out: &mut Vec<u8>, extension: ExtensionId, form: ExtensionIdForm) {
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

/// What all receivers of one event share at one detail and view: the envelope
/// `{"uuid":"U` middle `S","ownerId":"O` tail, where only uuid, subscriptionId and ownerId differ.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedEnvelope {
    bytes: Arc<[u8]>,
    middle: usize,
}

/// What stands before the uuid.
pub const ENVELOPE_HEAD: &[u8] = b"{\"uuid\":\"";
/// What stands between subscriptionId and ownerId.
pub const ENVELOPE_OWNER: &[u8] = b"\",\"ownerId\":\"";

impl SharedEnvelope {
    /// Encodes the shared parts of `event`.
    #[must_use]
    pub fn of(event: &PresenceEvent, detail: Detail, view: View, options: WireOptions) -> Self {
        let mut bytes = Vec::with_capacity(640);
        bytes.extend_from_slice(b"\",\"event\":\"");
        write_event_path(&mut bytes, event.key, detail, options);
        bytes.extend_from_slice(b"\",\"timestamp\":\"");
        write_timestamp(&mut bytes, event.at);
        bytes.extend_from_slice(b"\",\"subscriptionId\":\"");
        let middle = bytes.len();
        bytes.extend_from_slice(b"\",\"body\":");
        write_body(&mut bytes, event, detail, view, options);
        bytes.push(b'}');
        Self { bytes: bytes.into(), middle }
    }

    /// Appends the whole envelope for one receiver.
    pub fn splice(
        &self,
        out: &mut Vec<u8>,
        uuid: Uuid,
        subscription: SubscriptionId,
        owner: ExtensionId,
    ) {
        self.splice_owned_by(out, uuid, subscription, Some(owner));
    }

    /// Appends the whole envelope for a receiver that need not be an extension: without one,
    /// `ownerId` is `"0"`.
    pub fn splice_owned_by(
        &self,
        out: &mut Vec<u8>,
        uuid: Uuid,
        subscription: SubscriptionId,
        owner: Option<ExtensionId>,
    ) {
        out.extend_from_slice(ENVELOPE_HEAD);
        write_uuid(out, uuid);
        out.extend_from_slice(self.middle());
        write_uuid(out, subscription.0);
        out.extend_from_slice(ENVELOPE_OWNER);
        write_number(out, owner.map_or(0, ExtensionId::get));
        out.extend_from_slice(self.tail());
    }

    /// Returns what stands between uuid and subscriptionId.
    #[must_use]
    pub fn middle(&self) -> &[u8] {
        &self.bytes[..self.middle]
    }

    /// Returns what stands after ownerId, to the end.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.bytes[self.middle..]
    }

    /// Returns how many bytes [`SharedEnvelope::splice`] appends.
    #[must_use]
    pub fn spliced_len(&self, owner: ExtensionId) -> usize {
        const UUID: usize = 36;
        let digits = usize::try_from(owner.get().ilog10()).unwrap_or(0) + 1;
        ENVELOPE_HEAD.len() + UUID + self.bytes.len() + UUID + ENVELOPE_OWNER.len() + digits
    }
}

/// Returns the `uuid` of the notification that tells `subscription` of the account's `sequence`.
///
/// A pure function with the looks of a random (version 4) UUID: each retry, recovery and restart
/// repeats it. Two sequences below 2^62 of one subscription and account never share one.
#[must_use]
pub fn notification_uuid(
    subscription: SubscriptionId,
    account: AccountId,
    sequence: Sequence,
) -> Uuid {
    let (high, low) = subscription.0.as_u64_pair();
    // The low 62 bits are a permutation of the sequence, keyed by subscription and account.
    let key = stir(low ^ stir(account.get() ^ high));
    let low = permute_62(sequence.0.wrapping_add(key) & LOW_62);
    let high = stir(high ^ low ^ key.rotate_left(32));
    let version_4 = high & !0xf000 | 0x4000;
    let rfc_variant = low | 1 << 63;
    Uuid::from_u64_pair(version_4, rfc_variant)
}

const LOW_62: u64 = (1 << 62) - 1;

/// Permutes the numbers below 2^62: each step (odd multiplication, right shift and xor) can be undone.
const fn permute_62(mut x: u64) -> u64 {
    x = (x ^ x >> 31).wrapping_mul(0x7fb5_d329_728e_a185) & LOW_62;
    x = (x ^ x >> 27).wrapping_mul(0x81da_def4_bc2d_d44d) & LOW_62;
    x ^ x >> 33
}

/// The finaliser of SplitMix64.
const fn stir(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
