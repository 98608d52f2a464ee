//! The envelope around a body: what all receivers of one event share is encoded once; what differs is
//! spliced in.

use std::sync::Arc;

use lampfield_core::subscription::{Notice, Reminder};
use lampfield_core::visibility::Detail;
use lampfield_core::{ExtensionId, PresenceEvent, SubscriptionId, Timestamp, View};
use uuid::Uuid;

use crate::event::{write_body, write_event_path};
use crate::json::{write_number, write_string, write_uuid};
use crate::notices::{write_notice_body, write_notice_path};
use crate::options::WireOptions;
use crate::timestamp::write_timestamp;

/// What all receivers of one event share at one detail and view: the envelope
/// `{"uuid":"U` middle `S","ownerId":"O` tail, where only uuid, subscriptionId and ownerId differ.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedEnvelope {
    bytes: Arc<[u8]>,
    event_end: usize,
    middle: usize,
}

/// What stands before the value of `event`, behind the uuid.
const EVENT_HEAD: &[u8] = b"\",\"event\":\"";
/// What stands between `event` and `timestamp`.
const TIMESTAMP_HEAD: &[u8] = b"\",\"timestamp\":\"";
/// What stands between `timestamp` and `subscriptionId`.
const SUBSCRIPTION_HEAD: &[u8] = b"\",\"subscriptionId\":\"";
/// What stands before the body, behind `ownerId`.
const BODY_HEAD: &[u8] = b"\",\"body\":";

/// What stands before the uuid.
pub const ENVELOPE_HEAD: &[u8] = b"{\"uuid\":\"";
/// What stands between subscriptionId and ownerId.
pub const ENVELOPE_OWNER: &[u8] = b"\",\"ownerId\":\"";

impl SharedEnvelope {
    /// Encodes the shared parts of `event`.
    #[must_use]
    pub fn of(event: &PresenceEvent, detail: Detail, view: View, options: WireOptions) -> Self {
        Self::around(
            event.at,
            |out| write_event_path(out, event.key, detail, options),
            |out| write_body(out, event, detail, view, options),
        )
    }

    /// Encodes the shared parts of `event`, told as `notice`.
    #[must_use]
    pub fn of_notice(
        event: &PresenceEvent,
        notice: Notice,
        view: View,
        options: WireOptions,
    ) -> Self {
        Self::around(
            event.at,
            |out| write_notice_path(out, event.key, notice, options),
            |out| write_notice_body(out, event, notice, view, options),
        )
    }

    /// Encodes a reminder that a subscription ends at `expires_at` unless it is renewed. Its `event`
    /// is the filter as it was asked for (contract 7.7).
    #[must_use]
    pub fn of_reminder(reminder: &Reminder, expires_at: Timestamp, now: Timestamp) -> Self {
        Self::around(
            now,
            |out| {
                let mut quoted = Vec::new();
                write_string(&mut quoted, &reminder.text);
                out.extend_from_slice(&quoted[1..quoted.len() - 1]);
            },
            |out| {
                out.extend_from_slice(b"{\"expiresIn\":");
                write_number(out, expires_at.since(now).as_secs());
                out.push(b'}');
            },
        )
    }

    fn around(
        at: Timestamp,
        event: impl FnOnce(&mut Vec<u8>),
        body: impl FnOnce(&mut Vec<u8>),
    ) -> Self {
        let mut bytes = Vec::with_capacity(640);
        bytes.extend_from_slice(EVENT_HEAD);
        event(&mut bytes);
        let event_end = bytes.len();
        bytes.extend_from_slice(TIMESTAMP_HEAD);
        write_timestamp(&mut bytes, at);
        bytes.extend_from_slice(SUBSCRIPTION_HEAD);
        let middle = bytes.len();
        bytes.extend_from_slice(BODY_HEAD);
        body(&mut bytes);
        bytes.push(b'}');
        Self { bytes: bytes.into(), event_end, middle }
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
        const OWN_PARTS_MAX: usize = 128;
        out.reserve(self.bytes.len() + OWN_PARTS_MAX);
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

    /// Returns the value of `event`: the path of what it is about, with the flags of its detail.
    #[must_use]
    pub fn event(&self) -> &[u8] {
        &self.bytes[EVENT_HEAD.len()..self.event_end]
    }

    /// Returns the value of `timestamp`.
    #[must_use]
    pub fn timestamp(&self) -> &[u8] {
        &self.bytes[self.event_end + TIMESTAMP_HEAD.len()..self.middle - SUBSCRIPTION_HEAD.len()]
    }

    /// Returns the value of `body`, a JSON object.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.middle + BODY_HEAD.len()..self.bytes.len() - 1]
    }

    /// Returns how many bytes [`SharedEnvelope::splice`] appends.
    #[must_use]
    pub fn spliced_len(&self, owner: ExtensionId) -> usize {
        const UUID: usize = 36;
        let digits = usize::try_from(owner.get().ilog10()).unwrap_or(0) + 1;
        ENVELOPE_HEAD.len() + UUID + self.bytes.len() + UUID + ENVELOPE_OWNER.len() + digits
    }
}
