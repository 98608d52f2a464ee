//! A change is told to a watcher exactly when the body that the watcher sees differs.

use std::time::Duration;

use lampfield_contract::{BodySource, WireOptions, write_body_of};
use lampfield_core::visibility::{Detail, told};
use lampfield_core::{
    Act, Call, CallerIdVisibility, Cause, Claim, ClaimId, Command, Decision, Direction, DndStatus,
    Document, EndedCall, ExtensionId, ExtensionStatus, ExtensionType, Fact, MeetingStatus, Policy,
    PresenceEvent, Presentity, Sequence, SettingsPatch, SipData, SourceId, Standing,
    TelephonyStatus, Timestamp, UserStatus, View, Viewer, see,
};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::fixtures;

const HOUR: i64 = 3_600_000;

fn id(number: u64) -> ExtensionId {
    ExtensionId::new(number).expect("positive")
}

fn viewers() -> [Viewer; 5] {
    [
        Viewer::Extension(fixtures::key().extension),
        Viewer::Extension(id(7)),
        Viewer::Extension(id(8)),
        Viewer::Administrator,
        Viewer::Operator,
    ]
}

fn any_call() -> impl Strategy<Value = Call> {
    let name = || option::of(select(&["+12025550100", "101", ""][..]));
    let sip = select(&[None, Some(None), Some(Some("5e5f@pbx")), Some(Some("77@pbx"))][..]);
    let start = option::of(select(&[Timestamp(5), Timestamp(9)][..]));
    (select(TelephonyStatus::ALL), name(), name(), sip, start, any::<bool>()).prop_map(
        |(telephony_status, from, to_name, sip, start_time, queue_call)| Call {
            telephony_status,
            direction: Direction::Inbound,
            queue_call,
            from: from.map(Into::into),
            to: None,
            from_name: None,
            to_name: to_name.map(Into::into),
            start_time,
            session_id: "5001".into(),
            telephony_session_id: None,
            party_id: None,
            sip: sip
                .map(|it| Box::new(SipData { call_id: it.map(Into::into), ..SipData::default() })),
        },
    )
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        6 => any_call().prop_map(|call| Fact::Call(Box::new(call))),
        1 => select(MeetingStatus::ALL).prop_map(Fact::Meeting),
        1 => select(DndStatus::ALL).prop_map(Fact::Dnd),
        1 => select(UserStatus::ALL).prop_map(Fact::UserStatus),
    ]
}

fn any_source() -> impl Strategy<Value = SourceId> {
    select(&["pbx", "calendar"][..]).prop_map(|name| SourceId::new(name).expect("a name"))
}

fn any_claim() -> impl Strategy<Value = Claim> {
    let name = select(&["a", "b", "c"][..]);
    (any_source(), name, any_fact(), 1..4 * HOUR).prop_map(|(source, name, fact, lease)| {
        let lease = Duration::from_millis(lease.unsigned_abs());
        Claim::new(source, ClaimId::new(name).expect("a name"), fact, Timestamp(0), lease)
    })
}

fn any_picture() -> impl Strategy<Value = Command> {
    (any_source(), any_claim()).prop_map(|(source, claim)| Command::Picture {
        claims: vec![Claim { source: source.clone(), ..claim }],
        source,
    })
}

fn any_patch() -> impl Strategy<Value = SettingsPatch> {
    let lists = || select(vec![vec![], vec![id(7)], vec![id(8)], vec![id(7), id(8)]]);
    let sight = (
        option::of(any::<bool>()),
        option::of(select(CallerIdVisibility::ALL)),
        option::of(lists()),
    );
    let choices = (option::of(select(UserStatus::ALL)), option::of(select(DndStatus::ALL)));
    let others = (option::of(any::<bool>()), option::of(select(&["", "lunch"][..])));
    (sight, choices, others, option::of(lists())).prop_map(
        |((allowed, visibility, permitted), (user_status, dnd_status), (ring, message), lines)| {
            SettingsPatch {
                user_status,
                dnd_status,
                allow_see_my_presence: allowed,
                caller_id_visibility: visibility,
                permitted,
                ring_on_monitored_call: ring,
                message: message.map(Into::into),
                lines,
                ..SettingsPatch::default()
            }
        },
    )
}

/// Settings alone more often than not: nothing else changes who sees what.
fn any_command() -> impl Strategy<Value = Command> {
    let visibility = prop_oneof![
        any::<bool>().prop_map(|allowed| SettingsPatch {
            allow_see_my_presence: Some(allowed),
            ..SettingsPatch::default()
        }),
        select(CallerIdVisibility::ALL).prop_map(|visibility| SettingsPatch {
            caller_id_visibility: Some(visibility),
            ..SettingsPatch::default()
        }),
    ];
    prop_oneof![
        6 => any_claim().prop_map(Command::Publish),
        1 => any_picture(),
        1 => any_source().prop_map(|source| Command::Lose {
            source,
            grace: Duration::from_secs(60),
        }),
        4 => visibility.prop_map(Command::Configure),
        3 => any_patch().prop_map(Command::Configure),
        1 => (select(ExtensionType::ALL), select(ExtensionStatus::ALL))
            .prop_map(|(kind, status)| Command::Stand(Standing { kind, status })),
        1 => Just(Command::Expire),
    ]
}

/// The body without its sequence, which differs each time.
fn body(document: &Document, ended: &[EndedCall], detail: Detail, view: View) -> String {
    let mut out = Vec::new();
    let extension = fixtures::key().extension;
    let source = BodySource { extension, sequence: None, document, ended };
    write_body_of(&mut out, source, detail, view, WireOptions::default());
    String::from_utf8(out).expect("text")
}

fn event_of(decision: &Decision, before: &Document) -> PresenceEvent {
    let mut event = PresenceEvent {
        key: fixtures::key(),
        sequence: Sequence(1),
        at: Timestamp(0),
        observed_at: Timestamp(0),
        document: before.clone(),
        changes: lampfield_core::Changes::NONE,
        before: None,
        ended: Box::default(),
        cause: Cause { act: Act::Expired, source: SourceId::house(), claim: None },
    };
    match decision {
        Decision::Unchanged => {}
        Decision::Renewed(document) => event.document = document.clone(),
        Decision::Changed { document, changes, before, ended, cause } => {
            event.document = document.clone();
            event.changes = *changes;
            event.before.clone_from(before);
            event.ended.clone_from(ended);
            event.cause = cause.clone();
        }
    }
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn told_exactly_when_the_body_differs(
        history in proptest::collection::vec((any_command(), 0..HOUR / 4), 1..16),
    ) {
        let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
        let initial = Document::initial(standing, Policy::default(), Timestamp(0));
        let mut presentity = Presentity::new(fixtures::key(), initial);
        let mut now = 0;
        for (command, wait) in history {
            now += wait;
            let before = presentity.document().clone();
            let decided = presentity.decide(&command, Policy::default(), Timestamp(now));
            let Ok(decision) = decided else { continue };
            let event = event_of(&decision, &before);
            for viewer in viewers() {
                let subject = event.key.extension;
                let view_before = see(viewer, subject, &before.settings);
                let view = see(viewer, subject, &event.document.settings);
                for &detail in Detail::ALL {
                    let was = body(&before, &[], detail, view_before);
                    let is = body(&event.document, &event.ended, detail, view);
                    let expected = (was != is).then_some(view);
                    let found = told(&event, viewer, detail);
                    prop_assert_eq!(
                        found, expected,
                        "{:?} {:?} {:?}\nwas {}\n is {}", viewer, detail, command, was, is
                    );
                }
            }
            presentity.adopt(decision);
        }
    }
}
