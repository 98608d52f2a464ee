//! Laws of change that hold for every history.

mod world;

use lampfield_core::{
    Call, Command, Decision, Policy, Presentity, SettingsPatch, TelephonyStatus, Timestamp,
    fold_telephony,
};
use proptest::prelude::*;
use world::{HOUR, LATER, any_claim, any_command, any_history, idle_person, key};

/// Carries a history out and returns the presentity after it and every decision.
fn live(history: &[(Command, Timestamp)]) -> (Presentity, Vec<Decision>) {
    let mut presentity = idle_person();
    let mut decisions = Vec::new();
    for (command, now) in history {
        if let Ok(decision) = presentity.decide(command, Policy::default(), *now) {
            presentity.adopt(decision.clone());
            decisions.push(decision);
        }
    }
    (presentity, decisions)
}

proptest! {
    #[test]
    fn replaying_the_decisions_gives_the_same_state(history in any_history()) {
        let (lived, decisions) = live(&history);
        let mut replayed = idle_person();
        for decision in decisions {
            replayed.adopt(decision);
        }

        prop_assert_eq!(lived, replayed);
    }

    #[test]
    fn an_event_comes_exactly_with_a_difference(history in any_history(), command in any_command()) {
        let (before, _) = live(&history);
        let Ok(decision) = before.decide(&command, Policy::default(), LATER) else { return Ok(()) };
        let mut after = before.clone();
        after.adopt(decision.clone());
        let differs = !after.document().changes_since(before.document()).is_empty();

        match decision {
            Decision::Changed { changes, .. } => {
                prop_assert!(differs);
                prop_assert_eq!(changes, after.document().changes_since(before.document()));
            }
            Decision::Renewed(_) => {
                prop_assert!(!differs);
                prop_assert_ne!(after, before);
            }
            Decision::Unchanged => prop_assert_eq!(after, before),
        }
    }

    #[test]
    fn deciding_touches_nothing(history in any_history(), command in any_command()) {
        let (presentity, _) = live(&history);
        let untouched = presentity.clone();
        let _ = presentity.decide(&command, Policy::default(), LATER);

        prop_assert_eq!(presentity, untouched);
    }

    #[test]
    fn saying_the_same_twice_changes_nothing_the_second_time(
        history in any_history(), command in any_command()
    ) {
        let (mut presentity, _) = live(&history);
        let Ok(first) = presentity.decide(&command, Policy::default(), LATER) else { return Ok(()) };
        presentity.adopt(first);

        prop_assert_eq!(
            presentity.decide(&command, Policy::default(), LATER),
            Ok(Decision::Unchanged)
        );
    }

    #[test]
    fn the_aggregate_does_not_depend_on_the_order_of_arrival(
        claims in prop::collection::vec(any_claim(), 0..8), seed in any::<u64>()
    ) {
        let distinct = world::distinct(claims);
        let mut shuffled = distinct.clone();
        world::shuffle(&mut shuffled, seed);
        let publish = |claims: Vec<_>| {
            let history: Vec<_> =
                claims.into_iter().map(|claim| (Command::Publish(claim), Timestamp(0))).collect();
            live(&history).0
        };

        prop_assert_eq!(publish(distinct), publish(shuffled));
    }

    #[test]
    fn expiry_never_adds_a_call(history in any_history(), hours in 0_i64..6) {
        let (before, _) = live(&history);
        let now = Timestamp(LATER.0 + hours * HOUR);
        let decision = before.decide(&Command::Expire, Policy::default(), now);
        let mut after = before.clone();
        after.adopt(decision.expect("expiry is never refused"));
        let had = |presentity: &Presentity, claim: &lampfield_core::Claim| {
            presentity.document().claims.iter().any(|other| other.is_about_the_same_as(claim))
        };

        prop_assert!(after.document().calls().all(|(claim, _)| had(&before, claim)));
        prop_assert!(after.document().claims.iter().all(|claim| claim.expires_at > now));
        let next = after.next_deadline();
        prop_assert!(next.is_none_or(|next| next > now));
    }

    #[test]
    fn a_call_that_goes_is_told_once(history in any_history(), command in any_command()) {
        let (before, _) = live(&history);
        let Ok(decision) = before.decide(&command, Policy::default(), LATER) else { return Ok(()) };
        let mut after = before.clone();
        after.adopt(decision.clone());
        let gone = before.document().calls().filter(|(claim, _)| {
            !after.document().claims.iter().any(|other| other.is_about_the_same_as(claim))
        });
        let gone = gone.count();

        match decision {
            Decision::Changed { ended, .. } => prop_assert_eq!(ended.len(), gone),
            Decision::Renewed(_) | Decision::Unchanged => prop_assert_eq!(gone, 0),
        }
    }

    #[test]
    fn the_fold_ignores_the_order_of_calls(
        mut calls in prop::collection::vec(world::any_call(), 0..6), seed in any::<u64>()
    ) {
        let folded = fold_telephony(&calls);
        world::shuffle(&mut calls, seed);

        prop_assert_eq!(fold_telephony(&calls), folded);
    }
}

#[test]
fn held_outranks_ringing_and_connected_outranks_all() {
    use TelephonyStatus::{CallConnected, NoCall, OnHold, ParkedCall, Ringing};
    let fold = |statuses: &[TelephonyStatus]| {
        let calls: Vec<Call> = statuses.iter().map(|status| world::call(*status)).collect();
        fold_telephony(&calls)
    };

    assert_eq!(fold(&[]), NoCall);
    assert_eq!(fold(&[Ringing, OnHold]), OnHold, "contract 1.3: the published SIP sample");
    assert_eq!(fold(&[NoCall, CallConnected]), CallConnected);
    assert_eq!(fold(&[Ringing, ParkedCall]), ParkedCall);
    assert_eq!(fold(&[ParkedCall, OnHold, CallConnected, Ringing]), CallConnected);
}

#[test]
fn a_choice_with_an_end_restores_nothing_but_what_holds_by_then() {
    use lampfield_core::{DndStatus, UserStatus};
    let mut person = idle_person();
    let half_an_hour = Timestamp(HOUR / 2);
    let timed = SettingsPatch {
        dnd_status: Some(DndStatus::DoNotAcceptAnyCalls),
        user_status: Some(UserStatus::Busy),
        until: Some(half_an_hour),
        ..SettingsPatch::default()
    };
    let lasting =
        SettingsPatch { user_status: Some(UserStatus::Offline), ..SettingsPatch::default() };
    let tell = |person: &mut Presentity, command: &Command, now: i64| {
        let decision = person.decide(command, Policy::default(), Timestamp(now));
        person.adopt(decision.expect("settings of a user"));
    };

    tell(&mut person, &Command::Configure(timed), 0);
    assert_eq!(person.document().user, UserStatus::Busy);
    assert_eq!(person.document().dnd, DndStatus::DoNotAcceptAnyCalls);
    assert_eq!(person.next_deadline(), Some(half_an_hour));

    tell(&mut person, &Command::Configure(lasting), 1000);
    assert_eq!(person.document().user, UserStatus::Offline, "a choice without end replaces it");
    assert_eq!(person.document().dnd, DndStatus::DoNotAcceptAnyCalls);

    tell(&mut person, &Command::Expire, half_an_hour.0);
    assert_eq!(person.document().user, UserStatus::Offline);
    assert_eq!(person.document().dnd, DndStatus::TakeAllCalls);
}

#[test]
fn a_lost_source_is_stale_first_and_gone_after_its_grace() {
    use std::time::Duration;
    let mut person = idle_person();
    let tell = |person: &mut Presentity, command: &Command, now: i64| {
        let decision = person.decide(command, Policy::default(), Timestamp(now));
        person.adopt(decision.expect("not refused"));
    };
    let claim = world::call_claim("pbx", "c1", TelephonyStatus::CallConnected, Timestamp(0));
    let lose = Command::Lose { source: claim.source.clone(), grace: Duration::from_secs(60) };

    tell(&mut person, &Command::Publish(claim.clone()), 0);
    tell(&mut person, &lose, 1000);
    assert!(person.document().is_stale());
    assert_eq!(person.document().telephony, TelephonyStatus::CallConnected);
    assert_eq!(person.next_deadline(), Some(Timestamp(61_000)));

    tell(&mut person, &Command::Publish(claim), 2000);
    assert!(!person.document().is_stale(), "confirmed again");

    tell(&mut person, &lose, 3000);
    tell(&mut person, &Command::Expire, 63_000);
    assert_eq!(person.document().telephony, TelephonyStatus::NoCall);
}

#[test]
fn what_a_type_cannot_show_is_refused() {
    use lampfield_core::{
        Document, ExtensionStatus, ExtensionType, Fact, MeetingStatus, Refusal, Standing,
    };
    let of = |kind| {
        let standing = Standing { kind, status: ExtensionStatus::Enabled };
        let document = Document::initial(standing, Policy::default(), Timestamp(0));
        Presentity::new(key(), document)
    };
    let call = world::call_claim("pbx", "c", TelephonyStatus::ParkedCall, Timestamp(0));
    let meeting =
        lampfield_core::Claim { fact: Fact::Meeting(MeetingStatus::Connected), ..call.clone() };
    let refused = Err(Refusal::NoPresence(key()));
    let decide = |kind, command: Command| {
        of(kind).decide(&command, Policy::default(), Timestamp(0)).map(|_| ())
    };

    assert_eq!(decide(ExtensionType::ParkLocation, Command::Publish(call.clone())), Ok(()));
    assert_eq!(decide(ExtensionType::ParkLocation, Command::Publish(meeting)), refused);
    assert_eq!(decide(ExtensionType::Department, Command::Publish(call)), refused);
    let patch = Command::Configure(SettingsPatch::default());
    assert_eq!(decide(ExtensionType::Room, patch.clone()), refused);
    assert_eq!(decide(ExtensionType::VirtualUser, patch), Ok(()));
}
