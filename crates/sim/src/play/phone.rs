//! How simulated people telephone.

use std::time::Duration;

use lampfield_core::{Direction, IdError, TelephonyStatus, Timestamp};
use smol_str::format_smolstr;

use super::story::{CallNumber, Party, Story};
use super::{Play, Step};

const CALL_LEASE: Duration = Duration::from_secs(300);

impl Play {
    pub(super) fn internal_call(&mut self, at: Timestamp) -> Result<(), IdError> {
        let (Some(one), Some(other)) = (self.somebody_free(), self.somebody_free()) else {
            return Ok(());
        };
        if one == other {
            return Ok(());
        }
        let (from, to) = (self.people[one].party.clone(), self.people[other].party.clone());
        let call = self.begin(at, None);
        self.ring(at, call, one, Direction::Outbound, &from, &to, false)?;
        self.ring(at, call, other, Direction::Inbound, &from, &to, false)?;
        self.await_answer(at, call, 80);
        Ok(())
    }

    pub(super) fn inbound_call(&mut self, at: Timestamp) -> Result<(), IdError> {
        let Some(callee) = self.somebody_free() else { return Ok(()) };
        let (from, to) = (self.stranger(), self.people[callee].party.clone());
        let call = self.begin(at, Some(from.clone()));
        self.ring(at, call, callee, Direction::Inbound, &from, &to, false)?;
        self.await_answer(at, call, 75);
        Ok(())
    }

    pub(super) fn outbound_call(&mut self, at: Timestamp) -> Result<(), IdError> {
        let Some(caller) = self.somebody_free() else { return Ok(()) };
        let (from, to) = (self.people[caller].party.clone(), self.stranger());
        let call = self.begin(at, Some(to.clone()));
        self.ring(at, call, caller, Direction::Outbound, &from, &to, false)?;
        self.await_answer(at, call, 85);
        Ok(())
    }

    /// Rings at most three free members; the one who answers gets it.
    pub(super) fn queue_call(&mut self, at: Timestamp) -> Result<(), IdError> {
        let Some(queue) = self.chance.pick(&self.queues) else { return self.inbound_call(at) };
        let to = queue.party.clone();
        let mut rung: Vec<usize> =
            queue.members.iter().copied().filter(|who| self.people[*who].is_free()).collect();
        self.chance.shuffle(&mut rung);
        rung.truncate(3);
        if rung.is_empty() {
            return Ok(());
        }
        let from = self.stranger();
        let call = self.begin(at, Some(from.clone()));
        for who in rung {
            self.ring(at, call, who, Direction::Inbound, &from, &to, true)?;
        }
        self.await_answer(at, call, 90);
        Ok(())
    }

    fn begin(&mut self, at: Timestamp, outside: Option<Party>) -> CallNumber {
        self.next_call += 1;
        let number = self.next_call;
        self.calls.insert(number, Story::new(format_smolstr!("{number}"), outside, at));
        number
    }

    #[expect(clippy::too_many_arguments, reason = "a ringing leg is just that: seven things")]
    fn ring(
        &mut self,
        at: Timestamp,
        call: CallNumber,
        who: usize,
        direction: Direction,
        from: &Party,
        to: &Party,
        queue_call: bool,
    ) -> Result<(), IdError> {
        let extension = self.people[who].extension;
        let Some(story) = self.calls.get_mut(&call) else { return Ok(()) };
        let status = TelephonyStatus::Ringing;
        let leg = story.add_leg(extension, direction, from, to, queue_call, status)?;
        self.people[who].call = Some(call);
        self.show_leg(at, call, leg);
        Ok(())
    }

    fn await_answer(&mut self, at: Timestamp, call: CallNumber, answered_percent: u64) {
        if self.chance.yes(answered_percent) {
            let ringing = self.span(2_000, 12_000);
            self.plan(at.after(ringing), Step::Answer(call));
        } else {
            let ringing = self.span(15_000, 28_000);
            self.plan(at.after(ringing), Step::GiveUp(call));
        }
    }

    pub(super) fn answer(&mut self, at: Timestamp, call: CallNumber) {
        let Some(story) = self.calls.get_mut(&call) else { return };
        let winner = story
            .legs
            .iter()
            .find(|leg| leg.call.direction == Direction::Inbound)
            .map(|leg| leg.extension);
        let losers = story.drop_legs(|leg| {
            leg.call.direction == Direction::Inbound && Some(leg.extension) != winner
        });
        for leg in &mut story.legs {
            leg.call.telephony_status = TelephonyStatus::CallConnected;
        }
        let shown = story.legs.len();
        for leg in losers {
            self.stage.withdraw(at, leg.extension, &leg.claim);
            self.free(leg.extension);
        }
        (0..shown).for_each(|leg| self.show_leg(at, call, leg));
        self.plan_talk(at, call);
    }

    fn plan_talk(&mut self, at: Timestamp, call: CallNumber) {
        let talked = at.after(self.span(8_000, 75_000));
        match self.chance.below(100) {
            0..22 => self.plan(talked, Step::Hold(call)),
            22..37 => self.plan(talked, Step::Park(call)),
            _ => {
                let end = talked.after(self.span(0, 120_000));
                self.plan(end, Step::HangUp(call));
            }
        }
    }

    pub(super) fn hold(&mut self, at: Timestamp, call: CallNumber) {
        let Some(story) = self.calls.get_mut(&call) else { return };
        let Some(leg) = story.legs.last_mut() else { return };
        leg.call.telephony_status = TelephonyStatus::OnHold;
        let leg = story.legs.len() - 1;
        self.show_leg(at, call, leg);
        let held = self.span(5_000, 40_000);
        self.plan(at.after(held), Step::Resume(call));
    }

    pub(super) fn resume(&mut self, at: Timestamp, call: CallNumber) {
        let Some(story) = self.calls.get_mut(&call) else { return };
        let Some(leg) = story.legs.last_mut() else { return };
        leg.call.telephony_status = TelephonyStatus::CallConnected;
        let leg = story.legs.len() - 1;
        self.show_leg(at, call, leg);
        let talked = self.span(10_000, 60_000);
        self.plan(at.after(talked), Step::HangUp(call));
    }

    /// Parks a call with somebody outside in a free slot; other calls just end.
    pub(super) fn park(&mut self, at: Timestamp, call: CallNumber) -> Result<(), IdError> {
        let outside = self.calls.get(&call).and_then(|story| story.outside.clone());
        let (Some(outside), Some(slot)) = (outside, self.free_slots.pop_first()) else {
            self.hang_up(at, call);
            return Ok(());
        };
        self.end_legs(at, call);
        let to = self.slots[slot].clone();
        let extension = self.slot_ids[slot];
        let Some(story) = self.calls.get_mut(&call) else { return Ok(()) };
        let status = TelephonyStatus::ParkedCall;
        let leg = story.add_leg(extension, Direction::Inbound, &outside, &to, false, status)?;
        self.show_leg(at, call, leg);
        let parked = self.span(8_000, 45_000);
        self.plan(at.after(parked), Step::Retrieve(call, slot));
        Ok(())
    }

    pub(super) fn retrieve(
        &mut self,
        at: Timestamp,
        call: CallNumber,
        slot: usize,
    ) -> Result<(), IdError> {
        self.free_slots.insert(slot);
        let (outside, who) =
            (self.calls.get(&call).and_then(|story| story.outside.clone()), self.somebody_free());
        let (Some(outside), Some(who)) = (outside, who) else {
            self.hang_up(at, call);
            return Ok(());
        };
        self.end_legs(at, call);
        let (to, extension) = (self.people[who].party.clone(), self.people[who].extension);
        let Some(story) = self.calls.get_mut(&call) else { return Ok(()) };
        let status = TelephonyStatus::CallConnected;
        let leg = story.add_leg(extension, Direction::Inbound, &outside, &to, false, status)?;
        self.people[who].call = Some(call);
        self.show_leg(at, call, leg);
        let talked = self.span(15_000, 90_000);
        self.plan(at.after(talked), Step::HangUp(call));
        Ok(())
    }

    pub(super) fn hang_up(&mut self, at: Timestamp, call: CallNumber) {
        self.end_legs(at, call);
        self.calls.remove(&call);
    }

    fn end_legs(&mut self, at: Timestamp, call: CallNumber) {
        let Some(story) = self.calls.get_mut(&call) else { return };
        for leg in story.drop_legs(|_| true) {
            self.stage.withdraw(at, leg.extension, &leg.claim);
            self.free(leg.extension);
        }
    }

    fn show_leg(&mut self, at: Timestamp, call: CallNumber, leg: usize) {
        let Some(leg) = self.calls.get(&call).and_then(|story| story.legs.get(leg)) else { return };
        let (extension, claim, fact) = (leg.extension, leg.claim.clone(), leg.fact());
        self.publish(at, extension, claim, fact, CALL_LEASE);
    }
}
