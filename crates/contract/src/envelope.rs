//! The envelope read back: what a receiver makes of a notification.

use lampfield_core::{
    Direction, DndStatus, ExtensionId, MeetingStatus, PresenceStatus, Sequence, SubscriptionId,
    TelephonyStatus, Timestamp, UserStatus,
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::timestamp::parse_timestamp;

/// Why a text is no notification.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not JSON, or a member is missing or of another type.
    #[error("notification is not the JSON of an envelope: {0}")]
    Json(#[from] serde_json::Error),
    /// A member's value is none of the contract's.
    #[error("notification has {value:?} as {member}")]
    Value {
        /// The member.
        member: &'static str,
        /// Its value.
        value: String,
    },
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Unique per change and subscription; repeated by retries.
    pub uuid: Uuid,
    /// URI of what changed.
    pub event: String,
    /// When it was decided.
    pub timestamp: Timestamp,
    /// The receiving subscription.
    pub subscription_id: SubscriptionId,
    /// The subscription's owner; `None` for a stream of an operator (`"0"`).
    pub owner_id: Option<ExtensionId>,
    /// The presence.
    pub body: Body,
}

/// A presence as events show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Whose it is.
    pub extension_id: ExtensionId,
    /// `telephonyStatus`.
    pub telephony_status: TelephonyStatus,
    /// `activeCalls`, in detailed bodies.
    pub active_calls: Option<Vec<BodyCall>>,
    /// `sequence`.
    pub sequence: Sequence,
    /// `presenceStatus`.
    pub presence_status: PresenceStatus,
    /// `userStatus`.
    pub user_status: UserStatus,
    /// `meetingStatus`.
    pub meeting_status: MeetingStatus,
    /// `dndStatus`.
    pub dnd_status: DndStatus,
    /// `allowSeeMyPresence`.
    pub allow_see_my_presence: bool,
    /// `ringOnMonitoredCall`.
    pub ring_on_monitored_call: bool,
    /// `pickUpCallsOnHold`.
    pub pick_up_calls_on_hold: bool,
    /// `totalActiveCalls`, in detailed bodies.
    pub total_active_calls: Option<u64>,
}

/// A call as events show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyCall {
    /// `id`.
    pub id: String,
    /// `direction`.
    pub direction: Direction,
    /// `queueCall`.
    pub queue_call: bool,
    /// `from`.
    pub from: Option<String>,
    /// `fromName`.
    pub from_name: Option<String>,
    /// `to`.
    pub to: Option<String>,
    /// `toName`.
    pub to_name: Option<String>,
    /// `startTime`.
    pub start_time: Option<Timestamp>,
    /// `telephonyStatus`.
    pub telephony_status: TelephonyStatus,
    /// `terminationType` is `final`.
    pub is_over: bool,
    /// `sessionId`.
    pub session_id: String,
    /// `telephonySessionId`.
    pub telephony_session_id: Option<String>,
    /// `partyId`.
    pub party_id: Option<String>,
    /// `sipData`.
    pub sip_data: Option<BodySip>,
}

/// A SIP dialog as events show it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BodySip {
    /// `callId`.
    pub call_id: Option<String>,
    /// `toTag`.
    pub to_tag: Option<String>,
    /// `fromTag`.
    pub from_tag: Option<String>,
    /// `remoteUri`.
    pub remote_uri: Option<String>,
    /// `localUri`.
    pub local_uri: Option<String>,
}

/// Reads a notification; `extensionId` may be a string or a number, further members are ignored.
pub fn parse_envelope(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
    let raw: RawEnvelope = serde_json::from_slice(bytes)?;
    let owner_id = match raw.owner_id.as_str() {
        "0" => None,
        id => Some(parsed("ownerId", id, |id| id.parse().ok())?),
    };
    Ok(Envelope {
        uuid: parsed("uuid", &raw.uuid, |text| Uuid::try_parse(text).ok())?,
        timestamp: parsed("timestamp", &raw.timestamp, parse_timestamp)?,
        subscription_id: parsed("subscriptionId", &raw.subscription_id, |id| id.parse().ok())?,
        owner_id,
        body: body(raw.body)?,
        event: raw.event,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEnvelope {
    uuid: String,
    event: String,
    timestamp: String,
    subscription_id: String,
    owner_id: String,
    body: RawBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBody {
    extension_id: Value,
    telephony_status: String,
    active_calls: Option<Vec<RawCall>>,
    sequence: u64,
    presence_status: String,
    user_status: String,
    meeting_status: String,
    dnd_status: String,
    allow_see_my_presence: bool,
    ring_on_monitored_call: bool,
    pick_up_calls_on_hold: bool,
    total_active_calls: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawCall {
    id: String,
    direction: String,
    queue_call: bool,
    from: Option<String>,
    from_name: Option<String>,
    to: Option<String>,
    to_name: Option<String>,
    start_time: Option<String>,
    telephony_status: String,
    termination_type: Option<String>,
    session_id: String,
    telephony_session_id: Option<String>,
    party_id: Option<String>,
    sip_data: Option<BodySip>,
}

fn body(raw: RawBody) -> Result<Body, EnvelopeError> {
    let id = match &raw.extension_id {
        Value::String(id) => id.clone(),
        other => other.to_string(),
    };
    let calls = raw.active_calls.map(|calls| calls.into_iter().map(call).collect());
    Ok(Body {
        extension_id: parsed("extensionId", &id, |id| id.parse().ok())?,
        telephony_status: parsed("telephonyStatus", &raw.telephony_status, TelephonyStatus::parse)?,
        active_calls: calls.transpose()?,
        sequence: Sequence(raw.sequence),
        presence_status: parsed("presenceStatus", &raw.presence_status, PresenceStatus::parse)?,
        user_status: parsed("userStatus", &raw.user_status, UserStatus::parse)?,
        meeting_status: parsed("meetingStatus", &raw.meeting_status, MeetingStatus::parse)?,
        dnd_status: parsed("dndStatus", &raw.dnd_status, DndStatus::parse)?,
        allow_see_my_presence: raw.allow_see_my_presence,
        ring_on_monitored_call: raw.ring_on_monitored_call,
        pick_up_calls_on_hold: raw.pick_up_calls_on_hold,
        total_active_calls: raw.total_active_calls,
    })
}

fn call(raw: RawCall) -> Result<BodyCall, EnvelopeError> {
    let start_time = raw.start_time.map(|text| parsed("startTime", &text, parse_timestamp));
    Ok(BodyCall {
        id: raw.id,
        direction: parsed("direction", &raw.direction, Direction::parse)?,
        queue_call: raw.queue_call,
        from: raw.from,
        from_name: raw.from_name,
        to: raw.to,
        to_name: raw.to_name,
        start_time: start_time.transpose()?,
        telephony_status: parsed("telephonyStatus", &raw.telephony_status, TelephonyStatus::parse)?,
        is_over: raw.termination_type.as_deref() == Some("final"),
        session_id: raw.session_id,
        telephony_session_id: raw.telephony_session_id,
        party_id: raw.party_id,
        sip_data: raw.sip_data,
    })
}

fn parsed<T>(
    member: &'static str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, EnvelopeError> {
    parse(text)
        .ok_or_else(|| EnvelopeError::Value { member, value: text.chars().take(64).collect() })
}
