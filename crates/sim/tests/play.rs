//! Laws of a play, checked by carrying its acts to real presentities.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::collections::BTreeMap;
use std::time::Duration;

use lampfield_core::{
    ClaimId, Command, Decision, Document, ExtensionId, Fact, Policy, PresenceStatus, Presentity,
    SourceId, TelephonyStatus, Timestamp,
};
use lampfield_sim::office::{OTHER, YOU};
use lampfield_sim::{Act, Office, Pace, Play, TimedAct};

const START: Timestamp = Timestamp(1_700_000_000_000);

fn office() -> Office {
    Office::demo(1, START).unwrap()
}

fn play(seed: u64, changes_per_1000_s: u64) -> Play {
    Play::new(&office(), seed, Pace::per_1000_seconds(changes_per_1000_s), &[YOU, OTHER], START)
}

fn acts_of(play: &mut Play, minutes: u64) -> Vec<TimedAct> {
    play.next(START.after(Duration::from_secs(60 * minutes)))
}

/// The presentities of the office, to which acts are carried.
struct House {
    source: SourceId,
    presentities: BTreeMap<ExtensionId, Presentity>,
}

impl House {
    fn new() -> Self {
        let presentities = office().extensions.into_iter().map(|one| {
            let document = Document::initial(one.standing, Policy::default(), START);
            (one.key.extension, Presentity::new(one.key, document))
        });
        Self { source: SourceId::new("phones").unwrap(), presentities: presentities.collect() }
    }

    /// Carries an act and tells whether it changed anything visible.
    fn carry(&mut self, timed: &TimedAct) -> bool {
        let presentity = self.presentities.get_mut(&timed.act.extension()).unwrap();
        let command = timed.act.clone().into_command(&self.source, timed.at);
        let decision = presentity.decide(&command, Policy::default(), timed.at).unwrap();
        let changed = matches!(decision, Decision::Changed { .. });
        presentity.adopt(decision);
        changed
    }

    fn says_already(&self, act: &Act) -> bool {
        let Act::Publish { extension, claim, fact, .. } = act else { return false };
        let mut claims = self.presentities[extension].document().claims.iter();
        claims.any(|live| live.id == *claim && live.fact == *fact)
    }

    fn expire(&mut self, now: Timestamp) -> usize {
        let mut expired = 0;
        for presentity in self.presentities.values_mut() {
            let decision = presentity.decide(&Command::Expire, Policy::default(), now).unwrap();
            expired += usize::from(matches!(decision, Decision::Changed { .. }));
            presentity.adopt(decision);
        }
        expired
    }
}

#[test]
fn the_same_seed_gives_the_same_play_however_often_it_is_asked() {
    let whole = acts_of(&mut play(7, 1000), 30);

    let mut bit_by_bit = play(7, 1000);
    let mut pieces = Vec::new();
    for second in 0..=1800 {
        pieces.extend(bit_by_bit.next(START.after(Duration::from_secs(second))));
    }
    assert_eq!(whole, pieces);
    assert_ne!(whole, acts_of(&mut play(8, 1000), 30));
}

#[test]
fn acts_come_in_the_order_of_their_times_and_never_early() {
    let mut play = play(3, 1000);
    let mut last = START;
    while let Some(due) = play.next_at()
        && due < START.after(Duration::from_secs(1800))
    {
        for timed in play.next(due) {
            assert!(timed.at >= last && timed.at <= due);
            last = timed.at;
        }
    }
}

#[test]
fn every_act_is_valid_and_every_one_but_confirmations_is_seen() {
    let mut house = House::new();
    for timed in acts_of(&mut play(11, 1000), 120) {
        let confirms = house.says_already(&timed.act);
        assert_eq!(house.carry(&timed), !confirms, "{timed:?}");
        assert_eq!(house.expire(timed.at), 0, "a lease ran out at {:?}", timed.at);
    }
}

#[test]
fn no_call_outlives_its_end() {
    let mut ended: BTreeMap<(ExtensionId, ClaimId), Timestamp> = BTreeMap::new();
    let mut living: BTreeMap<(ExtensionId, ClaimId), Timestamp> = BTreeMap::new();
    let mut play = play(5, 1000);
    for timed in acts_of(&mut play, 240) {
        match timed.act {
            Act::Publish { extension, claim, fact: Fact::Call(call), .. } => {
                assert_ne!(call.telephony_status, TelephonyStatus::NoCall);
                let key = (extension, claim);
                assert!(!ended.contains_key(&key), "{key:?} speaks after its end");
                living.entry(key).or_insert(timed.at);
            }
            Act::Withdraw { extension, claim, .. } => {
                let key = (extension, claim);
                if let Some(begun) = living.remove(&key) {
                    assert!(timed.at.since(begun) < Duration::from_secs(600));
                    ended.insert(key, timed.at);
                }
            }
            Act::Publish { .. } | Act::Configure { .. } => {}
        }
    }
    assert!(ended.len() > 1000, "{} calls", ended.len());
    assert!(living.len() < 80, "{} legs live at the end", living.len());
}

#[test]
fn an_end_leaves_everybody_idle() {
    let mut house = House::new();
    let mut play = play(9, 1000);
    let mut acts = acts_of(&mut play, 47);
    acts.extend(play.end(START.after(Duration::from_secs(47 * 60))));
    for timed in &acts {
        house.carry(timed);
    }
    for presentity in house.presentities.values() {
        assert!(presentity.document().claims.is_empty(), "{:?}", presentity.document().claims);
        assert_eq!(presentity.document().settings, lampfield_core::Settings::default());
    }
    assert_eq!(play.next_at(), None);
}

#[test]
fn those_who_are_left_alone_are_left_alone() {
    let office = office();
    let alone = [YOU, OTHER].map(|number| office.by_number(number).unwrap().key.extension);
    for timed in acts_of(&mut play(2, 2000), 120) {
        assert!(!alone.contains(&timed.act.extension()));
    }
}

#[test]
fn the_pace_is_about_what_was_asked_for() {
    for (wanted, minutes) in [(200, 600), (1000, 240), (20_000, 30), (100_000, 10)] {
        let mut house = House::new();
        let acts = acts_of(&mut play(1, wanted), minutes);
        let seen = acts.iter().filter(|timed| house.carry(timed)).count();
        let rate = u64::try_from(seen).unwrap() * 1000 / (minutes * 60);
        assert!(rate * 10 > wanted * 7 && rate * 10 < wanted * 14, "{rate} for {wanted}");
    }
}

#[test]
fn the_office_is_lively_and_shows_every_state() {
    let mut house = House::new();
    let mut telephony = std::collections::BTreeSet::new();
    let mut presence = std::collections::BTreeSet::new();
    for timed in acts_of(&mut play(4, 1000), 60) {
        house.carry(&timed);
        let document = house.presentities[&timed.act.extension()].document();
        telephony.insert(document.telephony.as_str());
        presence.insert(document.presence.as_str());
    }
    assert_eq!(telephony.len(), TelephonyStatus::ALL.len(), "{telephony:?}");
    assert_eq!(presence.len(), PresenceStatus::ALL.len(), "{presence:?}");
}

#[test]
fn a_picture_shows_exactly_what_lives() {
    let mut house = House::new();
    let mut play = play(6, 1000);
    for timed in &acts_of(&mut play, 20) {
        house.carry(timed);
    }
    let picture = play.picture(&house.source);
    let claimed: usize = picture.iter().map(|(_, claims)| claims.len()).sum();
    let mut living = 0;
    for presentity in house.presentities.values() {
        living += presentity.document().claims.len();
    }
    assert_eq!(claimed, living);
    assert!(claimed > 40, "{claimed}");
}

#[test]
fn an_empty_office_does_nothing() {
    let mut empty = office();
    empty.extensions.clear();
    let mut play = Play::new(&empty, 1, Pace::default(), &[], START);
    assert!(acts_of(&mut play, 60).is_empty());
}
