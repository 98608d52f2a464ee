//! Claims as sources write them: JSON members in, claims out. Pure but for the clock's reading.

use std::time::Duration;

use lampfield_contract::ApiError;
use lampfield_core::claim::{Kind, Registration};
use lampfield_core::{
    Call, Claim, ClaimId, Direction, DndStatus, Fact, MeetingStatus, SipData, SourceId,
    TelephonyStatus, Timestamp,
};
use smol_str::{SmolStr, format_smolstr};

use crate::own::bounds::{CALL_TEXT_MAX, LEASE_MAX, LEASE_MIN, SIP_TEXT_MAX};
use crate::own::fields::{Fields, words_of};

/// The kinds that sources report; a timed userStatus belongs to people.
pub(super) const REPORTED: [Kind; 4] = [Kind::Call, Kind::Meeting, Kind::Registration, Kind::Dnd];

/// Returns the name of the list in which a picture and a path hold claims of a kind.
pub(super) const fn list_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "calls",
        Kind::Meeting => "meetings",
        Kind::Registration => "registrations",
        Kind::Dnd => "dnd",
        Kind::UserStatus => "userStatus",
    }
}

/// Returns the kind of a list's name, if sources report it.
pub(super) fn kind_of(list: &str) -> Option<Kind> {
    REPORTED.into_iter().find(|kind| list_name(*kind) == list)
}

/// Reads a source's name.
///
/// # Errors
/// 400 CMN-101; names of the house itself are refused, too.
pub(super) fn source_of(text: &str) -> Result<SourceId, ApiError> {
    let invalid = |why: String| ApiError::invalid_parameter("source").with_message(why);
    let source = SourceId::new(text).map_err(|error| invalid(error.to_string()))?;
    if source == SourceId::manual() || source == SourceId::house() {
        return Err(invalid(format!("{source:?} is a name of the house itself; choose another")));
    }
    Ok(source)
}

/// Reads a claim's id.
///
/// # Errors
/// 400 CMN-101.
pub(super) fn claim_id_of(text: &str, parameter: &str) -> Result<ClaimId, ApiError> {
    ClaimId::new(text)
        .map_err(|error| ApiError::invalid_parameter(parameter).with_message(error.to_string()))
}

/// How claims of one request are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    /// Who reports.
    pub(super) source: &'a SourceId,
    /// The present moment.
    pub(super) now: Timestamp,
    /// The lease of claims that name none; none for the kind's own.
    pub(super) lease: Option<Duration>,
}

impl Maker<'_> {
    /// Makes a claim of the members of its JSON object.
    ///
    /// # Errors
    /// 400 CMN-101 with the member's path.
    pub(super) fn claim(
        &self,
        kind: Kind,
        id: ClaimId,
        fields: &Fields<'_>,
    ) -> Result<Claim, ApiError> {
        let fact = match kind {
            Kind::Call => Fact::Call(Box::new(call(fields, self.source, &id)?)),
            Kind::Meeting => Fact::Meeting(needed(
                fields,
                "meetingStatus",
                MeetingStatus::parse,
                MeetingStatus::ALL,
            )?),
            Kind::Registration => Fact::Registration(registration(fields)?),
            Kind::Dnd | Kind::UserStatus => {
                Fact::Dnd(needed(fields, "dndStatus", DndStatus::parse, DndStatus::ALL)?)
            }
        };
        let lease = lease_of(fields)?.or(self.lease).unwrap_or_else(|| default_lease(kind));
        Ok(Claim::new(self.source.clone(), id, fact, self.now, lease))
    }

    /// Reads when the source saw it; now if it does not say, and never later than now.
    ///
    /// # Errors
    /// 400 CMN-101.
    pub(super) fn observed_at(&self, fields: &Fields<'_>) -> Result<Timestamp, ApiError> {
        Ok(fields.moment("observedAt")?.map_or(self.now, |seen| seen.min(self.now)))
    }
}

/// Reads `leaseSeconds`.
///
/// # Errors
/// 400 CMN-101 outside the bounds.
pub(super) fn lease_of(fields: &Fields<'_>) -> Result<Option<Duration>, ApiError> {
    let seconds = fields.number("leaseSeconds", LEASE_MIN.as_secs(), LEASE_MAX.as_secs())?;
    Ok(seconds.map(Duration::from_secs))
}

const fn default_lease(kind: Kind) -> Duration {
    Duration::from_secs(match kind {
        Kind::Call => 14_400,
        Kind::Meeting | Kind::Registration => 3_600,
        Kind::Dnd | Kind::UserStatus => 86_400,
    })
}

fn needed<T: Copy + std::fmt::Display>(
    fields: &Fields<'_>,
    name: &str,
    parse: fn(&str) -> Option<T>,
    all: &[T],
) -> Result<T, ApiError> {
    let words = words_of(all);
    fields
        .word(name, parse, &words)?
        .ok_or_else(|| fields.wrong(name, &format!("given: one of {words}")))
}

fn registration(fields: &Fields<'_>) -> Result<Registration, ApiError> {
    match fields.flag("registered")? {
        Some(true) => Ok(Registration::Registered),
        Some(false) => Ok(Registration::Unregistered),
        None => Err(fields.wrong("registered", "given: true or false")),
    }
}

fn call(fields: &Fields<'_>, source: &SourceId, id: &ClaimId) -> Result<Call, ApiError> {
    let status = needed(fields, "telephonyStatus", TelephonyStatus::parse, TelephonyStatus::ALL)?;
    // Of a call that is over nothing else matters.
    let direction = match status {
        TelephonyStatus::NoCall => Direction::Inbound,
        _ => needed(fields, "direction", Direction::parse, Direction::ALL)?,
    };
    let text = |name| Ok::<_, ApiError>(fields.text(name, CALL_TEXT_MAX)?.map(SmolStr::from));
    Ok(Call {
        telephony_status: status,
        direction,
        queue_call: fields.flag("queueCall")?.unwrap_or(false),
        from: text("from")?,
        to: text("to")?,
        from_name: text("fromName")?,
        to_name: text("toName")?,
        start_time: fields.moment("startTime")?,
        session_id: fields
            .id("sessionId")?
            .filter(|text| !text.is_empty() && text.len() <= CALL_TEXT_MAX)
            .map_or_else(|| session_id(source, id), SmolStr::from),
        telephony_session_id: text("telephonySessionId")?,
        party_id: text("partyId")?,
        sip: sip(fields)?,
    })
}

fn sip(fields: &Fields<'_>) -> Result<Option<Box<SipData>>, ApiError> {
    let Some(fields) = fields.object("sipData")? else { return Ok(None) };
    let text = |name| Ok::<_, ApiError>(fields.text(name, SIP_TEXT_MAX)?.map(SmolStr::from));
    let sip = SipData {
        call_id: text("callId")?,
        to_tag: text("toTag")?,
        from_tag: text("fromTag")?,
        remote_uri: text("remoteUri")?,
        local_uri: text("localUri")?,
    };
    Ok((sip != SipData::default()).then(|| Box::new(sip)))
}

/// Makes the session id of a call whose source names none: decimal as RingCentral's, the same for
/// the same call, and far from those of other calls (clients take near ones for two legs of one).
fn session_id(source: &SourceId, id: &ClaimId) -> SmolStr {
    let text = format!("{source}\n{id}");
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_ref()[..8]);
    // 53 bits: exact in every client's numbers. Not 0.
    format_smolstr!("{}", (u64::from_be_bytes(bytes) >> 11) | (1 << 40))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn claim(kind: Kind, body: &Value) -> Result<Claim, ApiError> {
        let source = SourceId::new("pbx").unwrap();
        let maker = Maker { source: &source, now: Timestamp(1_000_000), lease: None };
        maker.claim(kind, ClaimId::new("1").unwrap(), &Fields::of(body.as_object().unwrap()))
    }

    #[test]
    fn a_call_is_read_whole() {
        let body = json!({
            "telephonyStatus": "OnHold", "direction": "Outbound", "queueCall": true,
            "from": "101", "to": "+16505550123", "fromName": "Ada", "toName": "Grace",
            "startTime": "1970-01-01T00:00:01Z", "sessionId": 42, "telephonySessionId": "s-1",
            "partyId": "p-1-1", "sipData": { "callId": "c", "toTag": "t" }, "leaseSeconds": 60,
        });
        let claim = claim(Kind::Call, &body).unwrap();
        let call = claim.call().expect("a call");

        assert_eq!(claim.expires_at, Timestamp(1_060_000));
        assert_eq!(
            (call.telephony_status, call.direction),
            (TelephonyStatus::OnHold, Direction::Outbound)
        );
        assert_eq!((call.queue_call, call.start_time), (true, Some(Timestamp(1_000))));
        assert_eq!((call.from.as_deref(), call.to_name.as_deref()), (Some("101"), Some("Grace")));
        assert_eq!(call.session_id, "42");
        assert_eq!(call.sip.as_ref().and_then(|sip| sip.to_tag.as_deref()), Some("t"));
    }

    #[test]
    fn a_session_id_is_made_up_once_for_a_call() {
        let body = json!({ "telephonyStatus": "Ringing", "direction": "Inbound" });
        let ids: Vec<_> = (0..2)
            .map(|_| claim(Kind::Call, &body).unwrap().call().unwrap().session_id.clone())
            .collect();

        assert_eq!(ids[0], ids[1]);
        assert!(ids[0].parse::<u64>().is_ok_and(|id| id < 1 << 53), "{}", ids[0]);
    }

    #[test]
    fn leases_are_the_kinds_own_unless_asked_for_and_bounded() {
        for (kind, body, seconds) in [
            (Kind::Call, json!({ "telephonyStatus": "NoCall" }), 14_400),
            (Kind::Meeting, json!({ "meetingStatus": "Connected" }), 3_600),
            (Kind::Registration, json!({ "registered": true }), 3_600),
            (Kind::Dnd, json!({ "dndStatus": "TakeAllCalls" }), 86_400),
        ] {
            let claim = claim(kind, &body).unwrap();
            assert_eq!(claim.expires_at.since(Timestamp(1_000_000)).as_secs(), seconds);
        }
        for bad in [json!(0), json!(86_401), json!("60"), json!(1.5)] {
            let body = json!({ "meetingStatus": "Connected", "leaseSeconds": bad });
            let error = claim(Kind::Meeting, &body).unwrap_err();
            assert_eq!(error.parameter.as_deref(), Some("leaseSeconds"), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (kind, body, parameter) in [
            (Kind::Call, json!({}), "telephonyStatus"),
            (Kind::Call, json!({ "telephonyStatus": "ringing" }), "telephonyStatus"),
            (Kind::Call, json!({ "telephonyStatus": "Ringing" }), "direction"),
            (Kind::Call, json!({ "telephonyStatus": "NoCall", "from": 101 }), "from"),
            (Kind::Call, json!({ "telephonyStatus": "NoCall", "sipData": [] }), "sipData"),
            (
                Kind::Call,
                json!({ "telephonyStatus": "NoCall", "sipData": { "toTag": 1 } }),
                "sipData.toTag",
            ),
            (Kind::Call, json!({ "telephonyStatus": "NoCall", "startTime": "soon" }), "startTime"),
            (Kind::Meeting, json!({ "meetingStatus": true }), "meetingStatus"),
            (Kind::Registration, json!({ "registered": "yes" }), "registered"),
            (Kind::Dnd, json!({ "dndStatus": "Unknown" }), "dndStatus"),
        ] {
            let error = claim(kind, &body).unwrap_err();
            assert_eq!(
                (error.status, error.parameter.as_deref()),
                (400, Some(parameter)),
                "{body}"
            );
        }
    }

    #[test]
    fn names_of_the_house_are_no_sources() {
        assert!(source_of("asterisk-1").is_ok());
        for bad in ["", "a b", "manual", "lampfield", &"x".repeat(65)] {
            assert!(source_of(bad).is_err(), "{bad:?}");
        }
    }
}
