//! The composition table, printed so that a person can read it.

use std::fmt::Write as _;

use lampfield_core::{
    DndStatus, ExtensionStatus, ExtensionType, Inputs, MeetingStatus, Policy, TelephonyStatus,
    UserStatus, compose,
};

const PERSON: Inputs = Inputs {
    kind: ExtensionType::User,
    status: ExtensionStatus::Enabled,
    user: UserStatus::Available,
    telephony: TelephonyStatus::NoCall,
    meeting: MeetingStatus::Disconnected,
    dnd: DndStatus::TakeAllCalls,
};

#[test]
fn every_combination_of_a_person_reads_as_a_table() {
    let mut table = String::from(
        "user      | telephony     | meeting      | dnd                        || presence  | rule\n",
    );
    for &user in UserStatus::ALL {
        for &telephony in TelephonyStatus::ALL {
            for &meeting in MeetingStatus::ALL {
                for &dnd in DndStatus::ALL {
                    let inputs = Inputs { user, telephony, meeting, dnd, ..PERSON };
                    let composed = compose(inputs, Policy::default());
                    writeln!(
                        table,
                        "{:<9} | {:<13} | {:<12} | {:<26} || {:<9} | {}",
                        user.as_str(),
                        telephony.as_str(),
                        meeting.as_str(),
                        dnd.as_str(),
                        composed.presence.as_str(),
                        composed.rule.as_str(),
                    )
                    .expect("a string grows");
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn types_and_statuses_read_as_a_table() {
    let mut table = String::from("type                 | status       || idle and available\n");
    for &kind in ExtensionType::ALL {
        for &status in ExtensionStatus::ALL {
            let composed = compose(Inputs { kind, status, ..PERSON }, Policy::default());
            writeln!(
                table,
                "{:<20} | {:<12} || {} ({})",
                kind.as_str(),
                status.as_str(),
                composed.presence.as_str(),
                composed.rule.as_str(),
            )
            .expect("a string grows");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn two_steps_are_a_matter_of_policy() {
    let lenient = Policy { parked_is_busy: false, dnd_is_busy: false };
    let parked = Inputs { telephony: TelephonyStatus::ParkedCall, ..PERSON };
    let quiet = Inputs { dnd: DndStatus::DoNotAcceptAnyCalls, ..PERSON };

    assert_eq!(compose(parked, Policy::default()).presence.as_str(), "Busy");
    assert_eq!(compose(quiet, Policy::default()).presence.as_str(), "Busy");
    assert_eq!(compose(parked, lenient).presence.as_str(), "Available");
    assert_eq!(compose(quiet, lenient).presence.as_str(), "Available");
}
