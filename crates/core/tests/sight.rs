//! Who sees what: the visibility matrix and what is told of a change.

use std::fmt::Write as _;

use lampfield_core::visibility::{Detail, is_told};
use lampfield_core::{CallerIdVisibility, Changes, ExtensionId, Settings, View, Viewer, see};

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

#[test]
fn what_is_told_of_a_change_reads_as_a_table() {
    let parts = [
        ("telephonyStatus", Changes::TELEPHONY),
        ("allowSeeMyPresence", Changes::ALLOW_SEE),
        ("activeCalls", Changes::CALLS),
        ("callerDetails", Changes::CALLER_DETAILS),
        ("sipData", Changes::SIP),
        ("message", Changes::MESSAGE),
        ("callerIdVisibility", Changes::CALLER_ID_VISIBILITY),
        ("stale", Changes::STALE),
    ];
    let mut table = String::from(
        "change             | view           || plain | detailed | sip   (with a call)\n",
    );
    for (name, part) in parts {
        for &view in View::ALL {
            let told = |detail| is_told(view, detail, part, true);
            let view = format!("{view:?}");
            writeln!(
                table,
                "{name:<18} | {view:<14} || {:<5} | {:<8} | {}",
                told(Detail::Plain),
                told(Detail::Detailed),
                told(Detail::Sip)
            )
            .expect("a string grows");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn who_may_see_callers_shows_only_where_there_are_calls() {
    let change = Changes::CALLER_ID_VISIBILITY;

    assert!(!is_told(View::Full, Detail::Detailed, change, false));
    assert!(is_told(View::Full, Detail::Detailed, change, true));
    assert!(!is_told(View::Full, Detail::Plain, change, true));
}
