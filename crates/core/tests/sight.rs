//! Who sees what: the visibility matrix and what is told of a change.

use std::fmt::Write as _;

use lampfield_core::{CallerIdVisibility, ExtensionId, Settings, Viewer, see};

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
