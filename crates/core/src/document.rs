//! Everything that holds of one presentity at one moment.

use crate::calls::fold_telephony;
use crate::changes::Changes;
use crate::claim::{Call, Claim, Fact};
use crate::compose::{Composed, Inputs, Policy, Rule, compose};
use crate::ids::{ClaimId, SourceId};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::values::{
    Capability, DndStatus, ExtensionStatus, ExtensionType, MeetingStatus, PresenceStatus,
    TelephonyStatus, UserStatus,
};

/// What the directory says of an extension, as far as presence depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Its type.
    pub kind: ExtensionType,
    /// Its status.
    pub status: ExtensionStatus,
}

/// The whole state of a presentity: settings and live claims, and what they compose to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Type and status.
    pub standing: Standing,
    /// What people decided.
    pub settings: Settings,
    /// What sources say, by source, kind and claim id.
    pub claims: Vec<Claim>,
    /// `telephonyStatus`, folded over all calls.
    pub telephony: TelephonyStatus,
    /// `presenceStatus`, the aggregate.
    pub presence: PresenceStatus,
    /// The rule that decided the aggregate.
    pub rule: Rule,
    /// `userStatus` in force: a timed choice over the setting.
    pub user: UserStatus,
    /// `meetingStatus`.
    pub meeting: MeetingStatus,
    /// `dndStatus` in force: the strictest of the setting and the claims.
    pub dnd: DndStatus,
    /// Since when the aggregate holds.
    pub presence_since: Timestamp,
    /// Since when the telephony state holds.
    pub telephony_since: Timestamp,
}

impl Document {
    /// Returns the document of an extension of which nothing has been said yet.
    #[must_use]
    pub fn initial(standing: Standing, policy: Policy, now: Timestamp) -> Self {
        Self::of(standing, Settings::default(), Vec::new(), policy, now)
    }

    /// Composes the document of `settings` and `claims`; `now` is since when it holds.
    #[must_use]
    pub fn of(
        standing: Standing,
        settings: Settings,
        mut claims: Vec<Claim>,
        policy: Policy,
        now: Timestamp,
    ) -> Self {
        claims.sort_by(|a, b| (&a.source, a.kind(), &a.id).cmp(&(&b.source, b.kind(), &b.id)));
        let telephony = fold_telephony(claims.iter().filter_map(Claim::call));
        let user = user_in_force(&settings, &claims);
        let meeting = meeting_in_force(&claims);
        let dnd = dnd_in_force(&settings, &claims);
        let inputs =
            Inputs { kind: standing.kind, status: standing.status, user, telephony, meeting, dnd };
        let Composed { presence, rule } = compose(inputs, policy);
        Self {
            standing,
            settings,
            claims,
            telephony,
            presence,
            rule,
            user,
            meeting,
            dnd,
            presence_since: now,
            telephony_since: now,
        }
    }

    /// Carries "since when" over from the document before, where the value is still the same.
    #[must_use]
    pub fn following(mut self, before: &Self) -> Self {
        if self.presence == before.presence {
            self.presence_since = before.presence_since;
        }
        if self.telephony == before.telephony {
            self.telephony_since = before.telephony_since;
        }
        self
    }

    /// Returns what a watcher with full sight could see to differ from `before`.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Changes {
        let (new, old) = (&self.settings, &before.settings);
        let mut changes = Changes::NONE;
        changes.note(self.telephony != before.telephony, Changes::TELEPHONY);
        changes.note(self.presence != before.presence, Changes::PRESENCE);
        changes.note(self.user != before.user, Changes::USER);
        changes.note(self.meeting != before.meeting, Changes::MEETING);
        changes.note(self.dnd != before.dnd, Changes::DND);
        changes.note(new.allow_see_my_presence != old.allow_see_my_presence, Changes::ALLOW_SEE);
        changes.note(
            new.ring_on_monitored_call != old.ring_on_monitored_call,
            Changes::RING_ON_MONITORED,
        );
        changes.note(new.pick_up_calls_on_hold != old.pick_up_calls_on_hold, Changes::PICK_UP);
        changes.note(new.message != old.message, Changes::MESSAGE);
        changes.note(
            new.caller_id_visibility != old.caller_id_visibility || new.permitted != old.permitted,
            Changes::CALLER_ID_VISIBILITY,
        );
        let (kept, was_kept) = (new.lists(), old.lists());
        changes.note(kept.lines != was_kept.lines, Changes::LINES);
        changes.note(kept.favorites != was_kept.favorites, Changes::FAVORITES);
        changes.note(kept.declined_queues != was_kept.declined_queues, Changes::QUEUES);
        changes.note(self.standing != before.standing, Changes::STANDING);
        changes.note(stale(&self.claims) != stale(&before.claims), Changes::STALE);
        changes.note(
            registrations(&self.claims) != registrations(&before.claims),
            Changes::REGISTRATION,
        );
        changes | call_changes(&self.claims, &before.claims)
    }

    /// Returns the calls of the document.
    pub fn calls(&self) -> impl Iterator<Item = (&Claim, &Call)> {
        self.claims.iter().filter_map(|claim| claim.call().map(|call| (claim, call)))
    }

    /// Returns what an extension of this type can show.
    #[must_use]
    pub fn capability(&self) -> Capability {
        self.standing.kind.capability()
    }

    /// Tells whether any claim is stale: a source was lost and has not come back.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.claims.iter().any(|claim| claim.stale_since.is_some())
    }

    /// Returns the next moment at which a claim ends by itself.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.claims.iter().map(|claim| claim.expires_at).min()
    }
}

/// A timed choice lies over the setting while it lives. Several (they cannot come from the house
/// itself) fold to the least available one, so that their order does not matter.
fn user_in_force(settings: &Settings, claims: &[Claim]) -> UserStatus {
    let chosen = claims.iter().filter_map(|claim| match &claim.fact {
        Fact::UserStatus(user) => Some(*user),
        Fact::Call(_) | Fact::Meeting(_) | Fact::Registration(_) | Fact::Dnd(_) => None,
    });
    chosen
        .max_by_key(|user| match user {
            UserStatus::Available => 0,
            UserStatus::Busy => 1,
            UserStatus::Offline => 2,
        })
        .unwrap_or(settings.user_status)
}

fn meeting_in_force(claims: &[Claim]) -> MeetingStatus {
    let connected =
        claims.iter().any(|claim| claim.fact == Fact::Meeting(MeetingStatus::Connected));
    if connected { MeetingStatus::Connected } else { MeetingStatus::Disconnected }
}

/// The strictest wins: a phone in do-not-disturb does not ring, whatever was set elsewhere.
fn dnd_in_force(settings: &Settings, claims: &[Claim]) -> DndStatus {
    let claimed = claims.iter().filter_map(|claim| match &claim.fact {
        Fact::Dnd(dnd) => Some(*dnd),
        Fact::Call(_) | Fact::Meeting(_) | Fact::Registration(_) | Fact::UserStatus(_) => None,
    });
    claimed
        .chain([settings.dnd_status])
        .max_by_key(|dnd| match dnd {
            DndStatus::TakeAllCalls => 0,
            DndStatus::DoNotAcceptDepartmentCalls => 1,
            DndStatus::DoNotAcceptAnyCalls => 2,
        })
        .unwrap_or(settings.dnd_status)
}

fn stale(claims: &[Claim]) -> bool {
    claims.iter().any(|claim| claim.stale_since.is_some())
}

fn registrations(claims: &[Claim]) -> Vec<(&SourceId, &ClaimId, &Fact)> {
    // Only what is said counts, not when it was confirmed.
    claims
        .iter()
        .filter(|claim| matches!(claim.fact, Fact::Registration(_)))
        .map(|claim| (&claim.source, &claim.id, &claim.fact))
        .collect()
}

/// Compares the calls of two documents, claim by claim; both lists are sorted.
fn call_changes(new: &[Claim], old: &[Claim]) -> Changes {
    let mut changes = Changes::NONE;
    let calls = |claims: &'_ [Claim]| claims.iter().filter(|claim| claim.call().is_some()).count();
    changes.note(calls(new) != calls(old), Changes::CALLS);
    for claim in new {
        let Some(call) = claim.call() else { continue };
        let before = old.iter().find(|other| other.is_about_the_same_as(claim));
        match before.and_then(|other| Some((other, other.call()?))) {
            Some((other, before)) => {
                // A lease that had run out and was given anew: the call began anew too.
                let began = |claim: &Claim, call: &Call| call.start_time.unwrap_or(claim.since);
                changes.note(began(claim, call) != began(other, before), Changes::CALLS);
                changes |= one_call(call, before);
            }
            None => changes |= Changes::CALLS | details_of(call),
        }
    }
    changes
}

fn details_of(call: &Call) -> Changes {
    let mut changes = Changes::CALLER_DETAILS;
    changes.note(call.known_sip().is_some(), Changes::SIP);
    changes
}

fn one_call(new: &Call, old: &Call) -> Changes {
    let shape = |call: &Call| {
        (
            call.telephony_status,
            call.direction,
            call.queue_call,
            call.session_id.clone(),
            call.telephony_session_id.clone(),
            call.party_id.clone(),
        )
    };
    let callers = |call: &Call| {
        (call.from.clone(), call.to.clone(), call.from_name.clone(), call.to_name.clone())
    };
    let mut changes = Changes::NONE;
    changes.note(shape(new) != shape(old), Changes::CALLS);
    changes.note(callers(new) != callers(old), Changes::CALLER_DETAILS);
    changes.note(new.known_sip() != old.known_sip(), Changes::SIP);
    changes
}
