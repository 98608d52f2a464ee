//! The founding document's example: written from values byte for byte, and read back.

use std::time::Duration;

use lampfield_contract::{
    AccountSegment, Body, Envelope, ExtensionIdForm, SharedEnvelope, WireOptions, parse_envelope,
    parse_timestamp, write_cloud_event,
};
use lampfield_core::visibility::Detail;
use lampfield_core::{
    Act, Call, Cause, Changes, Claim, ClaimId, Direction, DndStatus, Document, ExtensionKey,
    ExtensionStatus, ExtensionType, Fact, MeetingStatus, Policy, PresenceEvent, PresenceStatus,
    Sequence, Settings, SourceId, Standing, SubscriptionId, TelephonyStatus, UserStatus, View,
};
use uuid::Uuid;

const EXAMPLE: &str = include_str!("../golden/account-presence-event.json");
const UUID: Uuid = Uuid::from_u128(0x045b_81dc_9f73_4864_84de_08aa_6324_a7f5);
const SUBSCRIPTION: SubscriptionId =
    SubscriptionId(Uuid::from_u128(0x9d38_419f_645f_4ee3_a053_8cf1_368c_21c4));

/// The example without white space; there is none inside its strings.
fn compact() -> String {
    EXAMPLE.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A user who is available, takes all calls and talks: what the example shows.
fn event() -> PresenceEvent {
    let at = parse_timestamp("2016-02-18T09:37:24.597Z").expect("valid");
    let source = SourceId::new("pbx").expect("a name");
    let call = Call {
        telephony_status: TelephonyStatus::CallConnected,
        direction: Direction::Inbound,
        queue_call: false,
        from: Some("+12025550100".into()),
        to: None,
        from_name: None,
        to_name: None,
        start_time: None,
        session_id: "5001".into(),
        telephony_session_id: None,
        party_id: None,
        sip: None,
    };
    let claim = Claim::new(
        source.clone(),
        ClaimId::new("c-1").expect("a name"),
        Fact::Call(Box::new(call)),
        at,
        Duration::from_secs(60),
    );
    let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
    let document = Document::of(standing, Settings::default(), vec![claim], Policy::default(), at);
    PresenceEvent {
        key: ExtensionKey {
            account: "403228676008".parse().expect("an id"),
            extension: "6610372004".parse().expect("an id"),
        },
        sequence: Sequence(2698),
        at,
        observed_at: at,
        document,
        changes: Changes::TELEPHONY | Changes::PRESENCE,
        before: None,
        ended: Box::default(),
        cause: Cause { act: Act::Published, source, claim: None },
    }
}

fn envelope_of(event: &PresenceEvent, options: WireOptions) -> String {
    let mut out = Vec::new();
    SharedEnvelope::of(event, Detail::Plain, View::Full, options).splice(
        &mut out,
        UUID,
        SUBSCRIPTION,
        event.key.extension,
    );
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn the_founding_example_is_written_byte_for_byte() {
    assert_eq!(envelope_of(&event(), WireOptions::default()), compact());
}

#[test]
fn the_founding_example_is_read_back_to_its_values() {
    let extension = "6610372004".parse().expect("an id");

    assert_eq!(
        parse_envelope(EXAMPLE.as_bytes()).expect("an envelope"),
        Envelope {
            uuid: UUID,
            event: "/restapi/v1.0/account/~/extension/6610372004/presence".to_owned(),
            timestamp: parse_timestamp("2016-02-18T09:37:24.597Z").expect("valid"),
            subscription_id: SUBSCRIPTION,
            owner_id: Some(extension),
            body: Body {
                extension_id: extension,
                telephony_status: TelephonyStatus::CallConnected,
                active_calls: None,
                sequence: Sequence(2698),
                presence_status: PresenceStatus::Busy,
                user_status: UserStatus::Available,
                meeting_status: MeetingStatus::Disconnected,
                dnd_status: DndStatus::TakeAllCalls,
                allow_see_my_presence: true,
                ring_on_monitored_call: false,
                pick_up_calls_on_hold: false,
                total_active_calls: None,
            },
        }
    );
}

#[test]
fn the_same_content_as_a_cloud_event() {
    let event = event();
    let envelope = SharedEnvelope::of(&event, Detail::Detailed, View::Full, WireOptions::default());
    let mut out = Vec::new();
    let (account, owner) = (event.key.account, event.key.extension);
    write_cloud_event(&mut out, &envelope, UUID, account, SUBSCRIPTION, owner);

    let written = String::from_utf8(out).expect("UTF-8");
    let head = concat!(
        r#"{"specversion":"1.0","id":"045b81dc-9f73-4864-84de-08aa6324a7f5","#,
        r#""source":"/restapi/v1.0/account/403228676008","type":"lampfield.extension.presence","#,
        r#""subject":"/restapi/v1.0/account/~/extension/6610372004/presence?detailedTelephonyState=true","#,
        r#""time":"2016-02-18T09:37:24.597Z","datacontenttype":"application/json","#,
        r#""subscriptionid":"9d38419f-645f-4ee3-a053-8cf1368c21c4","ownerid":"6610372004","data":"#,
    );
    let data = written.strip_prefix(head).unwrap_or_else(|| panic!("{written}"));
    let event: serde_json::Value = serde_json::from_str(&written).expect("JSON");
    let mut plain = Vec::new();
    envelope.splice(&mut plain, UUID, SUBSCRIPTION, owner);
    let plain: serde_json::Value = serde_json::from_slice(&plain).expect("JSON");
    assert_eq!(event["data"], plain["body"]);
    assert_eq!(format!("{}}}", envelope_body(&envelope)), data);
    assert_eq!(envelope.timestamp(), plain["timestamp"].as_str().expect("text").as_bytes());
}

fn envelope_body(envelope: &SharedEnvelope) -> &str {
    std::str::from_utf8(envelope.body()).expect("UTF-8")
}

#[test]
fn live_captures_spell_ids_as_numbers_and_both_are_read() {
    let options = WireOptions {
        account_segment: AccountSegment::Resolved,
        extension_id: ExtensionIdForm::Number,
    };
    let written = envelope_of(&event(), options);

    assert_eq!(
        written,
        compact()
            .replace("/account/~/", "/account/403228676008/")
            .replace(r#""extensionId":"6610372004""#, r#""extensionId":6610372004"#)
    );
    let read = parse_envelope(written.as_bytes()).expect("an envelope");
    assert_eq!(read.body, parse_envelope(EXAMPLE.as_bytes()).expect("an envelope").body);
}

#[test]
fn a_value_outside_the_contract_is_refused_with_its_member() {
    for (from, to, member) in [
        ("CallConnected", "Talking", "telephonyStatus"),
        ("Busy", "busy", "presenceStatus"),
        ("TakeAllCalls", "TakeDepartmentCallsOnly", "dndStatus"),
        ("045b81dc", "045b81dx", "uuid"),
        ("2016-02-18", "2016-02-31", "timestamp"),
    ] {
        let error = parse_envelope(compact().replacen(from, to, 1).as_bytes()).expect_err(to);
        assert!(error.to_string().contains(member), "{error}");
    }
    assert!(parse_envelope(b"{}").is_err());
    assert!(parse_envelope(compact().replace(r#","sequence":2698"#, "").as_bytes()).is_err());
}
