//! What simulated people choose: meetings, breaks, do not disturb, messages.

use std::time::Duration;

use lampfield_core::{
    ClaimId, DndStatus, Fact, IdError, MeetingStatus, SettingsPatch, Timestamp, UserStatus,
};

use super::{Play, Step};

const MEETING_LEASE: Duration = Duration::from_secs(600);

const BUSY_WITH: [&str; 5] =
    ["Writing the quarterly report", "Interviews", "Heads down", "Stocktaking", "Training"];
const GONE_TO: [&str; 4] = ["At lunch", "School run", "At the dentist", "On the road"];
const NOTES: [&str; 6] = [
    "Working from home",
    "Please text me",
    "Back on Monday",
    "Ask Support first, please",
    "In the workshop",
    "On call this week",
];

impl Play {
    pub(super) fn meeting(&mut self, at: Timestamp) -> Result<(), IdError> {
        let Some(host) = self.somebody_free() else { return Ok(()) };
        let group = self.people[host].group.clone();
        let mut invited: Vec<usize> = (0..self.people.len())
            .filter(|who| self.people[*who].group == group && self.people[*who].is_free())
            .collect();
        self.chance.shuffle(&mut invited);
        let size = self.chance.between(2, 5);
        invited.truncate(usize::try_from(size).unwrap_or(2));
        self.next_call += 1;
        let claim = ClaimId::new(&format!("meeting-{}", self.next_call))?;
        let length = self.span(60_000, 480_000);
        for who in invited {
            let joined = at.after(self.span(0, 4_000).min(length / 2));
            let left = at.after(length + self.span(0, 6_000));
            self.people[who].meeting = true;
            self.plan(joined, Step::JoinMeeting(who, claim.clone()));
            self.plan(left, Step::LeaveMeeting(who, claim.clone()));
        }
        Ok(())
    }

    pub(super) fn join_meeting(&mut self, at: Timestamp, who: usize, claim: ClaimId) {
        let fact = Fact::Meeting(MeetingStatus::Connected);
        self.publish(at, self.people[who].extension, claim, fact, MEETING_LEASE);
    }

    pub(super) fn leave_meeting(&mut self, at: Timestamp, who: usize, claim: &ClaimId) {
        self.people[who].meeting = false;
        self.stage.withdraw(at, self.people[who].extension, claim);
    }

    pub(super) fn step_away(&mut self, at: Timestamp) {
        let Some(who) = self.somebody_free().filter(|who| !self.people[*who].has_message) else {
            return;
        };
        let (status, message) = if self.chance.yes(60) {
            (UserStatus::Busy, self.chance.pick(&BUSY_WITH))
        } else {
            (UserStatus::Offline, self.chance.pick(&GONE_TO))
        };
        let message = message.copied().unwrap_or_default();
        self.people[who].away = true;
        let patch = SettingsPatch {
            user_status: Some(status),
            message: Some(message.into()),
            ..SettingsPatch::default()
        };
        self.stage.configure(at, self.people[who].extension, patch);
        let back = at.after(self.span(60_000, 420_000));
        self.plan(back, Step::ComeBack(who));
    }

    pub(super) fn come_back(&mut self, at: Timestamp, who: usize) {
        self.people[who].away = false;
        let patch = SettingsPatch {
            user_status: Some(UserStatus::Available),
            message: Some(Box::default()),
            ..SettingsPatch::default()
        };
        self.stage.configure(at, self.people[who].extension, patch);
    }

    pub(super) fn refuse_calls(&mut self, at: Timestamp) {
        let Some(who) = self.somebody_free() else { return };
        let person = &mut self.people[who];
        person.refuses = true;
        let only_queue = person.in_queue && self.chance.yes(60);
        let dnd = if only_queue {
            DndStatus::DoNotAcceptDepartmentCalls
        } else {
            DndStatus::DoNotAcceptAnyCalls
        };
        self.set_dnd(at, who, dnd);
        let end = at.after(self.span(45_000, 300_000));
        self.plan(end, Step::TakeCalls(who));
    }

    pub(super) fn take_calls(&mut self, at: Timestamp, who: usize) {
        self.people[who].refuses = false;
        self.set_dnd(at, who, DndStatus::TakeAllCalls);
    }

    fn set_dnd(&mut self, at: Timestamp, who: usize, dnd: DndStatus) {
        let patch = SettingsPatch { dnd_status: Some(dnd), ..SettingsPatch::default() };
        self.stage.configure(at, self.people[who].extension, patch);
    }

    pub(super) fn write_message(&mut self, at: Timestamp) {
        let Some(who) = self.somebody_free().filter(|who| !self.people[*who].has_message) else {
            return;
        };
        let message = self.chance.pick(&NOTES).copied().unwrap_or_default();
        self.people[who].has_message = true;
        self.set_message(at, who, message);
        let end = at.after(self.span(120_000, 600_000));
        self.plan(end, Step::ClearMessage(who));
    }

    pub(super) fn clear_message(&mut self, at: Timestamp, who: usize) {
        self.people[who].has_message = false;
        self.set_message(at, who, "");
    }

    fn set_message(&mut self, at: Timestamp, who: usize, message: &str) {
        let patch = SettingsPatch { message: Some(message.into()), ..SettingsPatch::default() };
        self.stage.configure(at, self.people[who].extension, patch);
    }
}
