//! What the people of an office do all day: a pure, seeded state machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lampfield_core::directory::Extension;
use lampfield_core::{
    Claim, ClaimId, ExtensionId, ExtensionType, Fact, IdError, SourceId, Timestamp,
    claim::Registration,
};
use smol_str::SmolStr;

use crate::act::TimedAct;
use crate::chance::Chance;
use crate::office::Office;
use crate::stage::Stage;

mod choices;
mod phone;
mod story;

use story::{CallNumber, OUTSIDE, Party, Story};

const REGISTRATION_LEASE: Duration = Duration::from_secs(3600);
/// Changes that one happening comes to on average, its end included (measured by a test).
const CHANGES_PER_HAPPENING_MILLI: u64 = 4300;
/// People that can keep up one change per second at human speed.
const PEOPLE_PER_CHANGE_A_SECOND: u64 = 52;

/// How lively an office is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    changes_per_1000_s: u64,
}

impl Pace {
    /// About `changes` changes in a thousand seconds, over the whole office; at least 1, at most
    /// 100,000,000. 1000 is human for 40 people.
    #[must_use]
    pub fn per_1000_seconds(changes: u64) -> Self {
        Self { changes_per_1000_s: changes.clamp(1, 100_000_000) }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::per_1000_seconds(1000)
    }
}

/// A play: asked what has become due, it tells acts in the order of their times.
///
/// The same office, seed, pace and beginning give the same play. Every call, meeting and choice
/// that begins also ends; leases are confirmed at half time while the thing lasts.
#[derive(Debug)]
pub struct Play {
    chance: Chance,
    people: Vec<Person>,
    slots: Vec<Party>,
    slot_ids: Vec<ExtensionId>,
    queues: Vec<Queue>,
    stage: Stage,
    calls: BTreeMap<CallNumber, Story>,
    agenda: BTreeMap<(Timestamp, u64), Step>,
    turn: u64,
    next_call: u64,
    free_slots: BTreeSet<usize>,
    gap: Duration,
    /// Thousandths of human time that things take.
    haste_milli: u64,
}

#[derive(Debug)]
struct Person {
    extension: ExtensionId,
    party: Party,
    group: SmolStr,
    in_queue: bool,
    call: Option<CallNumber>,
    meeting: bool,
    away: bool,
    refuses: bool,
    has_message: bool,
}

#[derive(Debug)]
struct Queue {
    party: Party,
    members: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Step {
    Happen,
    Answer(CallNumber),
    GiveUp(CallNumber),
    Hold(CallNumber),
    Resume(CallNumber),
    Park(CallNumber),
    Retrieve(CallNumber, usize),
    HangUp(CallNumber),
    JoinMeeting(usize, ClaimId),
    LeaveMeeting(usize, ClaimId),
    ComeBack(usize),
    TakeCalls(usize),
    ClearMessage(usize),
    Confirm(ExtensionId, ClaimId),
}

impl Play {
    /// Begins a play at `start`. Extensions whose number is in `left_alone` take no part.
    #[must_use]
    pub fn new(
        office: &Office,
        seed: u64,
        pace: Pace,
        left_alone: &[&str],
        start: Timestamp,
    ) -> Self {
        let taking_part = |kind: ExtensionType| {
            office
                .extensions
                .iter()
                .filter(move |one| one.standing.kind == kind && one.standing.status.is_live())
                .filter(|one| !left_alone.contains(&one.number.as_str()))
        };
        let people: Vec<Person> = taking_part(ExtensionType::User).map(Person::of).collect();
        let slots: Vec<_> = taking_part(ExtensionType::ParkLocation).collect();
        let queues = taking_part(ExtensionType::Department)
            .map(|queue| Queue::of(queue, office, &people))
            .filter(|queue| !queue.members.is_empty())
            .collect();
        let wanted = pace.changes_per_1000_s;
        let natural = u64::try_from(people.len()).unwrap_or(u64::MAX).max(1) * 1000
            / PEOPLE_PER_CHANGE_A_SECOND;
        let mut play = Self {
            chance: Chance::of(seed),
            slots: slots.iter().map(|one| party(one)).collect(),
            slot_ids: slots.iter().map(|one| one.key.extension).collect(),
            free_slots: (0..slots.len()).collect(),
            people,
            queues,
            stage: Stage::default(),
            calls: BTreeMap::new(),
            agenda: BTreeMap::new(),
            turn: 0,
            next_call: u64::try_from(start.0 / 1000).unwrap_or(0) * 1000,
            gap: Duration::from_micros(CHANGES_PER_HAPPENING_MILLI * 1_000_000 / wanted),
            haste_milli: (natural.max(1) * 1000 / wanted).clamp(1, 1000),
        };
        play.register_phones(start);
        play.plan(start, Step::Happen);
        play
    }

    /// Returns when something becomes due next.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.agenda.first_key_value().map(|((at, _), _)| *at)
    }

    /// Returns everything that has become due up to `now`, in order.
    pub fn next(&mut self, now: Timestamp) -> Vec<TimedAct> {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= now
        {
            let ((at, _), step) = entry.remove_entry();
            self.take(at, step);
        }
        self.stage.take_acts()
    }

    /// Returns everything that phones and meetings claim now: the full picture with which a source
    /// begins.
    #[must_use]
    pub fn picture(&self, source: &SourceId) -> Vec<(ExtensionId, Vec<Claim>)> {
        self.stage.picture(source)
    }

    /// Ends the play at `now`: whatever goes on ends, settings return to what they were.
    pub fn end(&mut self, now: Timestamp) -> Vec<TimedAct> {
        let steps: Vec<_> = std::mem::take(&mut self.agenda).into_values().collect();
        let calls: Vec<_> = self.calls.keys().copied().collect();
        for call in calls {
            self.hang_up(now, call);
        }
        for step in steps {
            match step {
                Step::LeaveMeeting(..)
                | Step::ComeBack(_)
                | Step::TakeCalls(_)
                | Step::ClearMessage(_) => self.take(now, step),
                Step::Confirm(extension, claim) => self.stage.withdraw(now, extension, &claim),
                Step::Happen
                | Step::Answer(_)
                | Step::GiveUp(_)
                | Step::Hold(_)
                | Step::Resume(_)
                | Step::Park(_)
                | Step::Retrieve(..)
                | Step::HangUp(_)
                | Step::JoinMeeting(..) => {}
            }
        }
        self.agenda.clear();
        self.stage.take_acts()
    }

    fn take(&mut self, at: Timestamp, step: Step) {
        match step {
            Step::Happen => {
                // A bad id cannot come about (ids are made of digits); nothing happens then.
                let _ = self.happen(at);
                let half = u64::try_from(self.gap.as_micros()).unwrap_or(u64::MAX) / 4;
                let gap = Duration::from_micros(self.chance.between(half, half * 7));
                self.plan(at.after(gap.max(Duration::from_millis(1))), Step::Happen);
            }
            Step::Answer(call) => self.answer(at, call),
            Step::GiveUp(call) | Step::HangUp(call) => self.hang_up(at, call),
            Step::Hold(call) => self.hold(at, call),
            Step::Resume(call) => self.resume(at, call),
            Step::Park(call) => {
                let _ = self.park(at, call);
            }
            Step::Retrieve(call, slot) => {
                let _ = self.retrieve(at, call, slot);
            }
            Step::JoinMeeting(who, claim) => self.join_meeting(at, who, claim),
            Step::LeaveMeeting(who, claim) => self.leave_meeting(at, who, &claim),
            Step::ComeBack(who) => self.come_back(at, who),
            Step::TakeCalls(who) => self.take_calls(at, who),
            Step::ClearMessage(who) => self.clear_message(at, who),
            Step::Confirm(extension, claim) => {
                if let Some(next) = self.stage.confirm(at, extension, &claim) {
                    self.plan(next, Step::Confirm(extension, claim));
                }
            }
        }
    }

    fn happen(&mut self, at: Timestamp) -> Result<(), IdError> {
        match self.chance.below(100) {
            0..30 => self.internal_call(at),
            30..50 => self.inbound_call(at),
            50..62 => self.queue_call(at),
            62..78 => self.outbound_call(at),
            78..85 => self.meeting(at),
            85..91 => {
                self.step_away(at);
                Ok(())
            }
            91..95 => {
                self.refuse_calls(at);
                Ok(())
            }
            _ => {
                self.write_message(at);
                Ok(())
            }
        }
    }

    fn register_phones(&mut self, at: Timestamp) {
        let Ok(claim) = ClaimId::new("phone") else { return };
        for who in 0..self.people.len() {
            let extension = self.people[who].extension;
            let fact = Fact::Registration(Registration::Registered);
            self.publish(at, extension, claim.clone(), fact, REGISTRATION_LEASE);
        }
    }

    fn publish(
        &mut self,
        at: Timestamp,
        extension: ExtensionId,
        claim: ClaimId,
        fact: Fact,
        lease: Duration,
    ) {
        let confirm_at = self.stage.publish(at, extension, &claim, fact, lease);
        self.plan(confirm_at, Step::Confirm(extension, claim));
    }

    fn plan(&mut self, at: Timestamp, step: Step) {
        self.turn += 1;
        self.agenda.insert((at, self.turn), step);
    }

    /// A length of time between two human ones, shortened when the office is in haste.
    fn span(&mut self, low_ms: u64, high_ms: u64) -> Duration {
        let human = self.chance.span(low_ms, high_ms);
        let millis = u64::try_from(human.as_millis()).unwrap_or(0) * self.haste_milli / 1000;
        Duration::from_millis(millis)
    }

    fn somebody_free(&mut self) -> Option<usize> {
        let free: Vec<usize> =
            (0..self.people.len()).filter(|who| self.people[*who].is_free()).collect();
        self.chance.pick(&free).copied()
    }

    fn stranger(&mut self) -> Party {
        let (number, name) = self.chance.pick(&OUTSIDE).copied().unwrap_or_default();
        Party { number: SmolStr::new_static(number), name: SmolStr::new_static(name) }
    }

    fn free(&mut self, extension: ExtensionId) {
        if let Some(person) = self.people.iter_mut().find(|person| person.extension == extension) {
            person.call = None;
        }
    }
}

impl Person {
    fn of(extension: &Extension) -> Self {
        Self {
            extension: extension.key.extension,
            party: party(extension),
            group: extension.groups.first().cloned().unwrap_or_default(),
            in_queue: !extension.queues.is_empty(),
            call: None,
            meeting: false,
            away: false,
            refuses: false,
            has_message: false,
        }
    }

    const fn is_free(&self) -> bool {
        self.call.is_none() && !self.meeting && !self.away && !self.refuses
    }
}

impl Queue {
    fn of(queue: &Extension, office: &Office, people: &[Person]) -> Self {
        let is_member = |extension: ExtensionId| {
            office.extensions.iter().any(|one| {
                one.key.extension == extension && one.queues.contains(&queue.key.extension)
            })
        };
        let members = (0..people.len()).filter(|who| is_member(people[*who].extension)).collect();
        Self { party: party(queue), members }
    }
}

fn party(extension: &Extension) -> Party {
    Party { number: extension.number.clone(), name: SmolStr::new(&extension.name) }
}
