use lampfield_core::values::*;
use lampfield_core::{Act, Policy, Rule};
use proptest::prelude::*;

use super::*;

/// Bytes of version 1 as they are on the disks of users.
const FIXTURE: &str = include_str!("../../fixtures/record-v1.hex");

#[expect(clippy::unnecessary_wraps, reason = "the members of a call are optional")]
fn name(text: &str) -> Option<SmolStr> {
    Some(SmolStr::new(text))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory");
        text
    })
}

fn call() -> Call {
    Call {
        telephony_status: TelephonyStatus::CallConnected,
        direction: Direction::Inbound,
        queue_call: true,
        from: name("+14155550100"),
        to: name("101"),
        from_name: name("Ada Lovelace-Byron of the Analytical Engine"),
        to_name: None,
        start_time: Some(Timestamp(1_455_788_200_000)),
        session_id: "141000".into(),
        telephony_session_id: name("s-a0b1"),
        party_id: name("p-a0b1-1"),
        sip: Some(Box::new(SipData {
            call_id: name("5e5f@pbx"),
            to_tag: None,
            from_tag: name("t1"),
            remote_uri: name("sip:+14155550100@pbx"),
            local_uri: None,
        })),
    }
}

/// A record in which everything is used.
fn sample() -> Record {
    let at = Timestamp(1_455_788_244_597);
    let source = SourceId::new("asterisk-1").expect("a name");
    let lease = std::time::Duration::from_secs(90);
    let facts = [
        Fact::Call(Box::new(call())),
        Fact::Meeting(MeetingStatus::Connected),
        Fact::Registration(Registration::Registered),
        Fact::Dnd(DndStatus::DoNotAcceptDepartmentCalls),
        Fact::UserStatus(UserStatus::Busy),
    ];
    let mut claims: Vec<_> = (0..)
        .zip(facts)
        .map(|(n, fact)| {
            let id = ClaimId::new(&format!("c{n}")).expect("a name");
            Claim::new(source.clone(), id, fact, Timestamp(at.0 - 1000), lease)
        })
        .collect();
    claims[1].stale_since = Some(at);
    let settings = Settings {
        message: Some("back at noon \u{1F372}".into()),
        permitted: [7, 8, 6_610_372_004].map(|id| ExtensionId::new(id).expect("id")).into(),
        caller_id_visibility: CallerIdVisibility::PermittedUsers,
        ..Settings::default()
    };
    let ids = |ids: &[u64]| ids.iter().map(|id| ExtensionId::new(*id).expect("id")).collect();
    let lists =
        Lists { lines: ids(&[9, 7]), favorites: ids(&[8]), declined_queues: ids(&[400, 401]) };
    let settings = settings.with_lists(lists);
    let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
    let document = Document::of(standing, settings, claims, Policy::default(), at);
    let ended = EndedCall {
        source: source.clone(),
        claim: ClaimId::new("c9").expect("a name"),
        since: Timestamp(at.0 - 60_000),
        call: Call { sip: None, start_time: None, ..call() },
    };
    let event = PresenceEvent {
        key: ExtensionKey {
            account: AccountId::new(37_439_510).expect("id"),
            extension: ExtensionId::new(6_610_372_004).expect("id"),
        },
        sequence: Sequence(2698),
        at,
        observed_at: Timestamp(at.0 - 12),
        document,
        changes: Changes::CALLS | Changes::TELEPHONY | Changes::STANDING | Changes::LINES,
        before: Some(Box::new(Before {
            audience: Audience {
                allow_see_my_presence: false,
                caller_id_visibility: CallerIdVisibility::None,
                permitted: ids(&[7, 8]),
            },
            dnd: DndStatus::TakeAllCalls,
            lists: Lists { lines: ids(&[9]), ..Lists::default() },
        })),
        ended: Box::new([ended]),
        cause: Cause { act: Act::Published, source, claim: ClaimId::new("c0").ok() },
    };
    Record { offset: 1204, event }
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes);
    bytes
}

fn fixture() -> Vec<u8> {
    let digits: Vec<u8> = FIXTURE.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("hex"), 16).expect("hex"))
        .collect()
}

#[test]
fn version_1_is_written_and_read_as_it_always_was() {
    let written = hex(&encoded(&sample()));
    let kept: String = FIXTURE.split_whitespace().collect();
    assert_eq!(written, kept, "the format of stored records changed: give it a new version");
    assert_eq!(decode(&fixture()), Ok(sample()));
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let bytes = encoded(&sample());
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            assert!(matches!(decode(&flipped), Err(RecordError::Damaged(_))), "{place}.{bit}");
        }
        assert!(matches!(decode(&bytes[..place]), Err(RecordError::Damaged(_))), "cut at {place}");
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let mut bytes = encoded(&sample());
    bytes[0] = 2;
    let sum = checksum(&[], 2, &bytes[FRAME..]);
    bytes[1..FRAME].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(decode(&bytes), Err(RecordError::Newer { found: 2 }));
}

#[test]
fn every_word_has_a_byte_of_its_own() {
    fn check<T: Coded + PartialEq + std::fmt::Debug>(all: &[T]) {
        for (code, word) in (0..).zip(all) {
            assert_eq!(T::of(word.code()), Some(*word));
            assert_eq!(word.code(), code, "{word:?}");
        }
        assert_eq!(T::of(u8::try_from(all.len()).expect("few")), None);
    }
    check(TelephonyStatus::ALL);
    check(PresenceStatus::ALL);
    check(UserStatus::ALL);
    check(MeetingStatus::ALL);
    check(DndStatus::ALL);
    check(CallerIdVisibility::ALL);
    check(Direction::ALL);
    check(ExtensionType::ALL);
    check(ExtensionStatus::ALL);
    check(Rule::ALL);
    check(Act::ALL);
}

fn any_text() -> impl Strategy<Value = Option<SmolStr>> {
    proptest::option::of("\\PC{0,40}".prop_map(SmolStr::new))
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        (1_400_000_000_000..1_900_000_000_000_i64).prop_map(Timestamp),
        any::<i64>().prop_map(Timestamp)
    ]
}

fn any_call() -> impl Strategy<Value = Call> {
    let texts = (any_text(), any_text(), any_text(), any_text(), any_text(), any_text());
    let sip = (any_text(), any_text(), any_text()).prop_map(|(call_id, to_tag, remote_uri)| {
        Box::new(SipData { call_id, to_tag, from_tag: None, remote_uri, local_uri: None })
    });
    (
        proptest::sample::select(TelephonyStatus::ALL),
        proptest::sample::select(Direction::ALL),
        any::<bool>(),
        texts,
        proptest::option::of(any_time()),
        "\\PC{0,30}",
        proptest::option::of(sip),
    )
        .prop_map(|(telephony_status, direction, queue_call, texts, start_time, id, sip)| {
            let (from, to, from_name, to_name, telephony_session_id, party_id) = texts;
            Call {
                telephony_status,
                direction,
                queue_call,
                from,
                to,
                from_name,
                to_name,
                start_time,
                session_id: id.into(),
                telephony_session_id,
                party_id,
                sip,
            }
        })
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        any_call().prop_map(|call| Fact::Call(Box::new(call))),
        proptest::sample::select(MeetingStatus::ALL).prop_map(Fact::Meeting),
        Just(Fact::Registration(Registration::Unregistered)),
        proptest::sample::select(DndStatus::ALL).prop_map(Fact::Dnd),
        proptest::sample::select(UserStatus::ALL).prop_map(Fact::UserStatus),
    ]
}

fn any_claim() -> impl Strategy<Value = Claim> {
    let times = (any_time(), any_time(), any_time(), proptest::option::of(any_time()));
    ("[!-~]{1,64}", "[!-~]{1,128}", any_fact(), times).prop_map(|(source, id, fact, times)| {
        let (since, observed_at, expires_at, stale_since) = times;
        let source = SourceId::new(&source).expect("a name");
        let id = ClaimId::new(&id).expect("a name");
        Claim { source, id, fact, since, observed_at, expires_at, stale_since }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        claims in proptest::collection::vec(any_claim(), 0..5),
        ended in proptest::collection::vec(any_call(), 0..3),
        kind in proptest::sample::select(ExtensionType::ALL),
        (offset, sequence) in any::<(u64, u64)>(),
        (at, observed_at) in (any_time(), any_time()),
        bits in any::<u32>(),
        has_before in any::<bool>(),
    ) {
        let mut record = sample();
        let standing = Standing { kind, ..record.event.document.standing };
        record.event.document =
            Document::of(standing, Settings::default(), claims, Policy::default(), observed_at);
        let template = record.event.ended[0].clone();
        record.event.ended =
            ended.into_iter().map(|call| EndedCall { call, ..template.clone() }).collect();
        record.offset = offset;
        record.event.sequence = Sequence(sequence);
        record.event.at = at;
        record.event.observed_at = observed_at;
        record.event.changes = Changes::from_bits(bits);
        record.event.before = record.event.before.filter(|_| has_before);
        prop_assert_eq!(decode(&encoded(&record)), Ok(record));
    }

    #[test]
    fn hostile_bodies_with_a_right_checksum_do_no_harm(body in any::<Vec<u8>>()) {
        let mut bytes = Vec::new();
        seal(&mut bytes, &[], |out| out.extend_from_slice(&body));
        if let Ok(record) = decode(&bytes) {
            prop_assert_eq!(decode(&encoded(&record)), Ok(record));
        }
    }
}
