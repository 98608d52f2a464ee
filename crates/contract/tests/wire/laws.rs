//! Laws of the wire: what is written is read back, whatever the texts are.

use crate::fixtures;
use lampfield_contract::{
    SharedEnvelope, WireOptions, notification_uuid, parse_client_frame, parse_envelope,
    parse_filter, write_filter,
};
use lampfield_core::subscription::EventFilter;
use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, Direction, ExtensionId, PresenceEvent, SipData, SubscriptionId, TelephonyStatus,
    View,
};
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

/// Any text, control characters, quotes and line separators among it more often than by chance.
fn text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just('"'),
        Just('\\'),
        Just('/'),
        Just('\u{2028}'),
        Just('\u{7f}'),
        Just('\u{10ffff}'),
        (0_u8..0x20).prop_map(char::from),
    ];
    proptest::collection::vec(prop_oneof![odd, any::<char>()], 0..24)
        .prop_map(|chars| chars.into_iter().collect())
}

fn detail() -> impl Strategy<Value = Detail> {
    proptest::sample::select(Detail::ALL)
}

fn event(texts: &[String; 8]) -> PresenceEvent {
    let mut call = fixtures::call(TelephonyStatus::CallConnected, Direction::Inbound, 1);
    let [from, from_name, to, to_name, session, party, tag, uri] = texts;
    call.from = Some(from.into());
    call.from_name = Some(from_name.into());
    call.to = Some(to.into());
    call.to_name = Some(to_name.into());
    call.session_id = session.into();
    call.party_id = Some(party.into());
    call.sip = Some(Box::new(SipData {
        to_tag: Some(tag.into()),
        local_uri: Some(uri.into()),
        ..SipData::default()
    }));
    let ended = fixtures::ended("c-0", call.clone());
    fixtures::user(vec![fixtures::claim("c-1", call)], vec![ended])
}

fn spliced(event: &PresenceEvent, detail: Detail, view: View, uuid: Uuid) -> Vec<u8> {
    let mut out = Vec::new();
    let shared = SharedEnvelope::of(event, detail, view, WireOptions::default());
    shared.splice(&mut out, uuid, SubscriptionId(uuid), event.key.extension);
    assert_eq!(out.len(), shared.spliced_len(event.key.extension));
    out
}

fn account() -> AccountId {
    fixtures::key().account
}

fn own_extension() -> ExtensionId {
    fixtures::key().extension
}

proptest! {
    #[test]
    fn an_envelope_reads_back_whatever_its_texts_are(
        texts in proptest::array::uniform8(text()),
        uuid: u128,
    ) {
        let event = event(&texts);
        let uuid = Uuid::from_u128(uuid);
        let bytes = spliced(&event, Detail::Sip, View::Full, uuid);

        let envelope = parse_envelope(&bytes).expect("an envelope");
        prop_assert_eq!(envelope.uuid, uuid);
        prop_assert_eq!(envelope.subscription_id, SubscriptionId(uuid));
        prop_assert_eq!(envelope.owner_id, Some(event.key.extension));
        prop_assert_eq!(envelope.timestamp, event.at);
        prop_assert_eq!(envelope.body.sequence, event.sequence);
        prop_assert_eq!(envelope.body.total_active_calls, Some(2));
        let calls = envelope.body.active_calls.expect("detailed");
        let states: Vec<_> = calls.iter().map(|call| (call.telephony_status, call.is_over)).collect();
        prop_assert_eq!(
            states,
            [(TelephonyStatus::CallConnected, false), (TelephonyStatus::NoCall, true)]
        );
        let [from, from_name, to, to_name, session, party, tag, uri] = &texts;
        for call in &calls {
            prop_assert_eq!(call.from.as_ref(), Some(from));
            prop_assert_eq!(call.from_name.as_ref(), Some(from_name));
            prop_assert_eq!(call.to.as_ref(), Some(to));
            prop_assert_eq!(call.to_name.as_ref(), Some(to_name));
            prop_assert_eq!(&call.session_id, session);
            prop_assert_eq!(call.party_id.as_ref(), Some(party));
            let sip = call.sip_data.clone().expect("asked for");
            prop_assert_eq!(sip.to_tag.as_ref(), Some(tag));
            prop_assert_eq!(sip.local_uri.as_ref(), Some(uri));
            prop_assert_eq!(sip.from_tag, None);
        }
    }

    #[test]
    fn an_envelope_is_the_compact_json_that_serde_would_write(
        texts in proptest::array::uniform8(text()),
        detail in detail(),
        view in proptest::sample::select(View::ALL),
    ) {
        let bytes = spliced(&event(&texts), detail, view, Uuid::nil());

        let value: Value = serde_json::from_slice(&bytes).expect("JSON");
        prop_assert_eq!(serde_json::to_vec(&value).expect("JSON"), bytes);
    }

    #[test]
    fn a_presence_filter_reads_back(
        number in 1..=i64::MAX.unsigned_abs(),
        detail in detail(),
        of_account: bool,
    ) {
        let extension = ExtensionId::new(number).expect("positive");
        let filter = if of_account {
            EventFilter::Account(detail)
        } else {
            EventFilter::Extension(extension, detail)
        };
        let text = write_filter(&filter, account());

        prop_assert_eq!(parse_filter(&text, account(), own_extension()), Ok(filter));
    }

    #[test]
    fn whatever_is_accepted_is_canonical(
        text in "(https://h)?(/restapi/v1\\.0)?/account/(~|400100200)(/extension/(~|7))?/(presence|telephony/sessions|message-store/[a-z]{1,9})/?(\\?[a-z]{0,9}(=[a-z0-9]{0,3})?(&(sipData|detailedTelephonyState)=(true|false))?)?",
    ) {
        let filter = parse_filter(&text, account(), own_extension()).expect("of a known family");
        let written = write_filter(&filter, account());

        prop_assert!(written.starts_with("/restapi/v1.0/account/400100200/"), "{}", written);
        prop_assert!(!written.contains('~'), "{}", written);
        prop_assert_eq!(parse_filter(&written, account(), own_extension()), Ok(filter));
    }

    #[test]
    fn no_text_makes_the_frame_parser_fall(text in "\\PC{0,60}", meta in "[a-zA-Z0-9:,{}\"\\[\\]]{0,40}") {
        let _ = parse_client_frame(&text);
        let _ = parse_client_frame(&format!(r#"[{{"messageId":"1",{meta}}}]"#));
    }

    #[test]
    fn no_text_makes_the_filter_parser_fall(text in "\\PC{0,60}") {
        let _ = parse_filter(&text, account(), own_extension());
        let _ = parse_filter(&format!("/restapi/v1.0/account/~/{text}"), account(), own_extension());
    }

    #[test]
    fn a_notification_keeps_its_uuid_and_shares_it_with_no_other(
        one: u128, other: u128, sequence in 1_u64..1 << 40,
    ) {
        let uuid = |subscription, sequence| notification_uuid(
            SubscriptionId(Uuid::from_u128(subscription)),
            account(),
            lampfield_core::Sequence(sequence),
        );

        prop_assert_eq!(uuid(one, sequence), uuid(one, sequence));
        prop_assert_ne!(uuid(one, sequence), uuid(one, sequence + 1));
        prop_assert!(one == other || uuid(one, sequence) != uuid(other, sequence));
    }
}
