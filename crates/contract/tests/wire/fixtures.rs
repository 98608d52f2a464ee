//! Presentities in the states that clients meet.

use std::time::Duration;

use lampfield_core::{
    Act, Call, Cause, Changes, Claim, ClaimId, Direction, DndStatus, Document, EndedCall,
    ExtensionKey, ExtensionStatus, ExtensionType, Fact, MeetingStatus, Policy, PresenceEvent,
    Sequence, Settings, SipData, SourceId, Standing, TelephonyStatus, Timestamp, UserStatus,
};

/// 2026-01-05T10:00:00.123Z.
pub(crate) const NOW: Timestamp = Timestamp(1_767_607_200_123);
/// 2026-01-05T09:59:40Z.
pub(crate) const STARTED: Timestamp = Timestamp(1_767_607_180_000);

pub(crate) fn key() -> ExtensionKey {
    ExtensionKey {
        account: "400100200".parse().expect("an id"),
        extension: "900200300".parse().expect("an id"),
    }
}

pub(crate) fn pbx() -> SourceId {
    SourceId::new("pbx").expect("a name")
}

/// A call with everything known about it.
pub(crate) fn call(status: TelephonyStatus, direction: Direction, number: u32) -> Call {
    Call {
        telephony_status: status,
        direction,
        queue_call: false,
        from: Some("+12025550100".into()),
        to: Some("101".into()),
        from_name: Some("A \"Caller\"".into()),
        to_name: Some("Ünal B.".into()),
        start_time: Some(STARTED),
        session_id: format!("500{number}").into(),
        telephony_session_id: Some(format!("s-{number}").into()),
        party_id: Some(format!("p-{number}-2").into()),
        sip: Some(Box::new(SipData {
            call_id: None,
            to_tag: Some("to".into()),
            from_tag: Some("from".into()),
            remote_uri: Some("sip:+12025550100@pbx.example".into()),
            local_uri: Some("sip:101@pbx.example".into()),
        })),
    }
}

/// A call of which only the least is known.
pub(crate) fn bare_call(status: TelephonyStatus) -> Call {
    Call {
        telephony_status: status,
        direction: Direction::Inbound,
        queue_call: true,
        from: None,
        to: None,
        from_name: None,
        to_name: None,
        start_time: None,
        session_id: "1".into(),
        telephony_session_id: None,
        party_id: None,
        sip: None,
    }
}

pub(crate) fn claim(id: &str, call: Call) -> Claim {
    let id = ClaimId::new(id).expect("a name");
    Claim::new(pbx(), id, Fact::Call(Box::new(call)), NOW, Duration::from_secs(60))
}

pub(crate) fn document_of(kind: ExtensionType, settings: Settings, claims: Vec<Claim>) -> Document {
    let standing = Standing { kind, status: ExtensionStatus::Enabled };
    Document::of(standing, settings, claims, Policy::default(), NOW)
}

pub(crate) fn event_of(document: Document, ended: Vec<EndedCall>) -> PresenceEvent {
    PresenceEvent {
        key: key(),
        sequence: Sequence(42),
        at: NOW,
        observed_at: NOW,
        document,
        changes: Changes::PRESENCE,
        before: None,
        ended: ended.into(),
        cause: Cause { act: Act::Published, source: pbx(), claim: None },
    }
}

pub(crate) fn user(claims: Vec<Claim>, ended: Vec<EndedCall>) -> PresenceEvent {
    event_of(document_of(ExtensionType::User, Settings::default(), claims), ended)
}

pub(crate) fn ended(id: &str, call: Call) -> EndedCall {
    EndedCall { source: pbx(), claim: ClaimId::new(id).expect("a name"), since: STARTED, call }
}

/// Every representative state, by name.
pub(crate) fn all() -> Vec<(&'static str, PresenceEvent)> {
    use Direction::{Inbound, Outbound};
    use TelephonyStatus::{CallConnected, OnHold, ParkedCall, Ringing};

    let numbered = |id: &str, status, direction, number| claim(id, call(status, direction, number));
    let nine = (1..=9).map(|n| {
        let mut call = call(Ringing, Inbound, n);
        call.start_time = Some(STARTED.after(Duration::from_secs(u64::from(n))));
        claim(&format!("c-{n}"), call)
    });
    vec![
        ("idle", user(vec![], vec![])),
        ("configured", event_of(configured(), vec![])),
        ("ringing", user(vec![numbered("c-1", Ringing, Inbound, 1)], vec![])),
        ("bare_call", user(vec![claim("c-1", bare_call(CallConnected))], vec![])),
        (
            "held_and_ringing",
            user(
                vec![numbered("c-1", OnHold, Outbound, 1), numbered("c-2", Ringing, Inbound, 2)],
                vec![],
            ),
        ),
        ("nine_calls", user(nine.collect(), vec![])),
        ("ended_call", user(vec![], vec![ended("c-1", call(CallConnected, Inbound, 1))])),
        (
            "one_ended_one_live",
            user(
                vec![numbered("c-2", CallConnected, Outbound, 2)],
                vec![ended("c-1", call(OnHold, Inbound, 1))],
            ),
        ),
        (
            "park_slot",
            event_of(
                document_of(
                    ExtensionType::ParkLocation,
                    Settings::default(),
                    vec![numbered("c-1", ParkedCall, Inbound, 1)],
                ),
                vec![],
            ),
        ),
        (
            "department",
            event_of(document_of(ExtensionType::Department, Settings::default(), vec![]), vec![]),
        ),
    ]
}

/// Every setting other than it is by default, and a meeting.
fn configured() -> Document {
    let settings = Settings {
        user_status: UserStatus::Busy,
        dnd_status: DndStatus::DoNotAcceptDepartmentCalls,
        message: Some("back at 3".into()),
        allow_see_my_presence: false,
        ring_on_monitored_call: true,
        pick_up_calls_on_hold: true,
        ..Settings::default()
    };
    let meeting = Claim::new(
        pbx(),
        ClaimId::new("m-1").expect("a name"),
        Fact::Meeting(MeetingStatus::Connected),
        NOW,
        Duration::from_secs(60),
    );
    document_of(ExtensionType::User, settings, vec![meeting])
}
