//! The one place where `presenceStatus` is computed.

use crate::values::{
    Capability, DndStatus, ExtensionStatus, ExtensionType, MeetingStatus, PresenceStatus,
    TelephonyStatus, UserStatus,
};

/// What the aggregate is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inputs {
    /// Type of the extension.
    pub kind: ExtensionType,
    /// Its state in the directory.
    pub status: ExtensionStatus,
    /// What the person chose.
    pub user: UserStatus,
    /// What the phones say.
    pub telephony: TelephonyStatus,
    /// What meetings and calendars say.
    pub meeting: MeetingStatus,
    /// Do not disturb.
    pub dnd: DndStatus,
}

/// The two steps of the table that a site may decide otherwise (contract 1.6, open questions 7, 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Step 4: a parked call makes Busy.
    pub parked_is_busy: bool,
    /// Step 6: `DoNotAcceptAnyCalls` makes Busy.
    pub dnd_is_busy: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { parked_is_busy: true, dnd_is_busy: true }
    }
}

/// Which step of the table won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// 0: a type without presence, or an extension that is not enabled.
    NoPresence,
    /// 1: the person is invisible.
    UserOffline,
    /// 2: the person chose Busy.
    UserBusy,
    /// 3: talking or holding.
    OnCall,
    /// 4: a call is parked.
    Parked,
    /// 5: in a meeting.
    InMeeting,
    /// 6: takes no calls.
    DoNotDisturb,
    /// 7: nothing stands against it.
    Otherwise,
}

impl Rule {
    /// Every rule, in the order in which they are asked.
    pub const ALL: &'static [Self] = &[
        Self::NoPresence,
        Self::UserOffline,
        Self::UserBusy,
        Self::OnCall,
        Self::Parked,
        Self::InMeeting,
        Self::DoNotDisturb,
        Self::Otherwise,
    ];

    /// Returns the rule's stable name, as `why` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPresence => "no-presence",
            Self::UserOffline => "user-offline",
            Self::UserBusy => "user-busy",
            Self::OnCall => "on-call",
            Self::Parked => "parked",
            Self::InMeeting => "in-meeting",
            Self::DoNotDisturb => "do-not-disturb",
            Self::Otherwise => "otherwise",
        }
    }

    /// Returns the rule of a stable name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.as_str() == name)
    }

    /// Returns the rule in a sentence for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoPresence => "this extension has no presence or is not enabled",
            Self::UserOffline => "the person chose to be invisible",
            Self::UserBusy => "the person chose Busy",
            Self::OnCall => "the phone is in a call or holds one",
            Self::Parked => "a call is parked",
            Self::InMeeting => "the person is in a meeting",
            Self::DoNotDisturb => "do not disturb is on for all calls",
            Self::Otherwise => "nothing stands against being available",
        }
    }
}

/// An aggregate and the rule that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composed {
    /// The aggregate.
    pub presence: PresenceStatus,
    /// The rule that won.
    pub rule: Rule,
}

/// Computes the aggregate: evaluated from the top, the first match wins.
///
/// ```
/// use lampfield_core::{Inputs, Policy, PresenceStatus, compose, values::*};
/// let seed = Inputs {
///     kind: ExtensionType::User, status: ExtensionStatus::Enabled,
///     user: UserStatus::Available, telephony: TelephonyStatus::CallConnected,
///     meeting: MeetingStatus::Disconnected, dnd: DndStatus::TakeAllCalls,
/// };
/// assert_eq!(compose(seed, Policy::default()).presence, PresenceStatus::Busy);
/// ```
#[must_use]
pub fn compose(inputs: Inputs, policy: Policy) -> Composed {
    let rule = winning_rule(inputs, policy);
    let presence = match rule {
        Rule::NoPresence | Rule::UserOffline => PresenceStatus::Offline,
        Rule::UserBusy | Rule::OnCall | Rule::Parked | Rule::InMeeting | Rule::DoNotDisturb => {
            PresenceStatus::Busy
        }
        Rule::Otherwise => PresenceStatus::Available,
    };
    Composed { presence, rule }
}

fn winning_rule(inputs: Inputs, policy: Policy) -> Rule {
    use TelephonyStatus::{CallConnected, OnHold, ParkedCall};

    if inputs.kind.capability() != Capability::Presence || !inputs.status.is_live() {
        return Rule::NoPresence;
    }
    match inputs.user {
        UserStatus::Offline => return Rule::UserOffline,
        UserStatus::Busy => return Rule::UserBusy,
        UserStatus::Available => {}
    }
    if matches!(inputs.telephony, CallConnected | OnHold) {
        return Rule::OnCall;
    }
    if inputs.telephony == ParkedCall && policy.parked_is_busy {
        return Rule::Parked;
    }
    if inputs.meeting == MeetingStatus::Connected {
        return Rule::InMeeting;
    }
    if inputs.dnd == DndStatus::DoNotAcceptAnyCalls && policy.dnd_is_busy {
        return Rule::DoNotDisturb;
    }
    Rule::Otherwise
}
