//! Who sees what: the visibility matrix and what is told of a change.

use std::fmt::Write as _;
use std::time::Duration;

use lampfield_core::visibility::{Detail, told};
use lampfield_core::{
    Act, Audience, Before, Call, CallerIdVisibility, Cause, Changes, Claim, ClaimId, Direction,
    DndStatus, Document, ExtensionId, ExtensionKey, ExtensionStatus, ExtensionType, Fact, Policy,
    PresenceEvent, Sequence, Settings, SourceId, Standing, TelephonyStatus, Timestamp, View,
    Viewer, see,
};

fn id(number: u64) -> ExtensionId {
    ExtensionId::new(number).expect("positive")
}

#[test]
fn every_viewer_and_setting_reads_as_a_table() {
    let viewers = [
        ("oneself", Viewer::Extension(id(101))),
        ("on the list", Viewer::Extension(id(102))),
        ("a colleague", Viewer::Extension(id(103))),
        ("administrator", Viewer::Administrator),
        ("operator", Viewer::Operator),
    ];
    let mut table = String::from("allowSee | callerIdVisibility | viewer        || view\n");
    for allowed in [true, false] {
        for &visibility in CallerIdVisibility::ALL {
            let settings = Settings {
                allow_see_my_presence: allowed,
                caller_id_visibility: visibility,
                permitted: [id(102)].into(),
                ..Settings::default()
            };
            for (name, viewer) in viewers {
                let view = see(viewer, id(101), &settings);
                writeln!(table, "{allowed:<8} | {visibility:<18} | {name:<13} || {view:?}")
                    .expect("a string grows");
            }
        }
    }
    insta::assert_snapshot!(table);
}

/// What lets a colleague see so much.
fn settings(view: View) -> Settings {
    Settings {
        allow_see_my_presence: view != View::Hidden,
        caller_id_visibility: match view {
            View::Full => CallerIdVisibility::All,
            View::WithoutCallers | View::Hidden => CallerIdVisibility::None,
        },
        ..Settings::default()
    }
}

/// An event of somebody with one call, whose caller is known or not.
fn event(changes: Changes, before: View, after: View, from: Option<&str>) -> PresenceEvent {
    let call = Call {
        telephony_status: TelephonyStatus::Ringing,
        direction: Direction::Inbound,
        queue_call: false,
        from: from.map(Into::into),
        to: None,
        from_name: None,
        to_name: None,
        start_time: None,
        session_id: "1".into(),
        telephony_session_id: None,
        party_id: None,
        sip: None,
    };
    let (source, claim) = (SourceId::house(), ClaimId::new("c-1").expect("a name"));
    let fact = Fact::Call(Box::new(call));
    let claim = Claim::new(source.clone(), claim, fact, Timestamp(0), Duration::from_secs(60));
    let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
    let policy = Policy::default();
    let held = Before {
        audience: Audience::of(&settings(before)),
        dnd: DndStatus::TakeAllCalls,
        lists: lampfield_core::Lists::default(),
    };
    PresenceEvent {
        key: ExtensionKey {
            account: lampfield_core::AccountId::new(1).expect("positive"),
            extension: id(101),
        },
        sequence: Sequence(1),
        at: Timestamp(0),
        observed_at: Timestamp(0),
        document: Document::of(standing, settings(after), vec![claim], policy, Timestamp(0)),
        changes,
        before: changes.touches(Changes::AUDIENCE).then(|| Box::new(held)),
        ended: Box::default(),
        cause: Cause { act: Act::Published, source, claim: None },
    }
}

#[test]
fn what_is_told_of_a_change_reads_as_a_table() {
    use View::{Full, Hidden, WithoutCallers};
    let parts = [
        ("telephonyStatus", Changes::TELEPHONY),
        ("activeCalls", Changes::CALLS),
        ("callerDetails", Changes::CALLER_DETAILS),
        ("sipData", Changes::SIP),
        ("message", Changes::MESSAGE),
        ("stale", Changes::STALE),
        ("lines", Changes::LINES),
    ];
    let mut rows: Vec<(&str, Changes, View, View)> = Vec::new();
    for (name, part) in parts {
        rows.extend(View::ALL.iter().map(|&view| (name, part, view, view)));
    }
    let audience = Changes::CALLER_ID_VISIBILITY;
    rows.extend([
        ("callerIdVisibility", audience, Full, Full),
        ("callerIdVisibility", audience, Full, WithoutCallers),
        ("callerIdVisibility", audience, WithoutCallers, Full),
        ("callerIdVisibility", audience, WithoutCallers, WithoutCallers),
        ("callerIdVisibility", audience, Hidden, Hidden),
        ("allowSeeMyPresence", Changes::ALLOW_SEE, Full, Hidden),
        ("allowSeeMyPresence", Changes::ALLOW_SEE, Hidden, WithoutCallers),
    ]);
    let mut table = String::from(
        "change             | before         | after          || plain | detailed | sip   | detailed, caller unknown\n",
    );
    for (name, part, before, after) in rows {
        let told = |detail, from| {
            let event = event(part, before, after, from);
            told(&event, Viewer::Extension(id(102)), detail).is_some()
        };
        let (before, after) = (format!("{before:?}"), format!("{after:?}"));
        writeln!(
            table,
            "{name:<18} | {before:<14} | {after:<14} || {:<5} | {:<8} | {:<5} | {}",
            told(Detail::Plain, Some("101")),
            told(Detail::Detailed, Some("101")),
            told(Detail::Sip, Some("101")),
            told(Detail::Detailed, None)
        )
        .expect("a string grows");
    }
    insta::assert_snapshot!(table);
}
