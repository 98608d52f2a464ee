//! What one source says of one presentity.

use std::time::Duration;

use smol_str::SmolStr;

use crate::ids::{ClaimId, SourceId};
use crate::time::Timestamp;
use crate::values::{Direction, DndStatus, MeetingStatus, TelephonyStatus, UserStatus};

/// A publication with its lease (RFC 3903 calls it event state with an expiry).
///
/// A claim is one source's word about one thing, kept apart from every other claim; claims are
/// folded together, never overwritten by each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who says it.
    pub source: SourceId,
    /// Which thing of the source it is about, such as one call leg.
    pub id: ClaimId,
    /// What is said.
    pub fact: Fact,
    /// When it was first said.
    pub since: Timestamp,
    /// When it was last confirmed.
    pub observed_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Since when the source is lost: the claim is shown as stale until it is confirmed or expires.
    pub stale_since: Option<Timestamp>,
}

/// What a claim says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A call leg of the extension.
    Call(Box<Call>),
    /// A meeting that the person is in, or is known not to be in.
    Meeting(MeetingStatus),
    /// A device of the extension is registered or not. Shown by `why`; presence does not depend on it.
    Registration(Registration),
    /// A phone's or a person's timed do-not-disturb.
    Dnd(DndStatus),
    /// A person's timed choice of userStatus.
    UserStatus(UserStatus),
}

/// What kind of thing a claim is about. Ids of one source are apart per kind: its call `1` and its
/// meeting `1` are two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Fact::Call`].
    Call,
    /// [`Fact::Meeting`].
    Meeting,
    /// [`Fact::Registration`].
    Registration,
    /// [`Fact::Dnd`].
    Dnd,
    /// [`Fact::UserStatus`].
    UserStatus,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Call, Self::Meeting, Self::Registration, Self::Dnd, Self::UserStatus];

    /// Returns the kind's stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Meeting => "meeting",
            Self::Registration => "registration",
            Self::Dnd => "dnd",
            Self::UserStatus => "userStatus",
        }
    }
}

/// Whether a device can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// It is registered.
    Registered,
    /// It is not.
    Unregistered,
}

/// One call leg, seen from the extension (contract 1.4, `activeCalls[]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// State of this leg. `NoCall` is not stored: it withdraws the claim.
    pub telephony_status: TelephonyStatus,
    /// Direction.
    pub direction: Direction,
    /// It reached the user through a queue.
    pub queue_call: bool,
    /// Calling number, E.164 or short.
    pub from: Option<SmolStr>,
    /// Called number.
    pub to: Option<SmolStr>,
    /// Caller's name.
    pub from_name: Option<SmolStr>,
    /// Called party's name.
    pub to_name: Option<SmolStr>,
    /// Real start of the call.
    pub start_time: Option<Timestamp>,
    /// Call session, by which clients match calls; made from source and claim when not given.
    pub session_id: SmolStr,
    /// Call Control id (`s-…`).
    pub telephony_session_id: Option<SmolStr>,
    /// Call Control party (`p-…-n`).
    pub party_id: Option<SmolStr>,
    /// SIP dialog, for `sipData=true`.
    pub sip: Option<Box<SipData>>,
}

/// The SIP dialog of a call leg.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SipData {
    /// Call-ID.
    pub call_id: Option<SmolStr>,
    /// To tag.
    pub to_tag: Option<SmolStr>,
    /// From tag.
    pub from_tag: Option<SmolStr>,
    /// Remote URI.
    pub remote_uri: Option<SmolStr>,
    /// Local URI.
    pub local_uri: Option<SmolStr>,
}

impl Claim {
    /// Makes a fresh claim that ends `lease` after `now`.
    #[must_use]
    pub fn new(source: SourceId, id: ClaimId, fact: Fact, now: Timestamp, lease: Duration) -> Self {
        Self {
            source,
            id,
            fact,
            since: now,
            observed_at: now,
            expires_at: now.after(lease),
            stale_since: None,
        }
    }

    /// Tells whether `other` speaks of the same thing of the same source.
    #[must_use]
    pub fn is_about_the_same_as(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.id == other.id && self.source == other.source
    }

    /// Returns what kind of thing it is about.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self.fact {
            Fact::Call(_) => Kind::Call,
            Fact::Meeting(_) => Kind::Meeting,
            Fact::Registration(_) => Kind::Registration,
            Fact::Dnd(_) => Kind::Dnd,
            Fact::UserStatus(_) => Kind::UserStatus,
        }
    }

    /// Returns the call, if it is one.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        match &self.fact {
            Fact::Call(call) => Some(call),
            Fact::Meeting(_) | Fact::Registration(_) | Fact::Dnd(_) | Fact::UserStatus(_) => None,
        }
    }
}

impl Call {
    /// Tells whether a number or name of anybody is known.
    #[must_use]
    pub const fn names_anybody(&self) -> bool {
        self.from.is_some()
            || self.to.is_some()
            || self.from_name.is_some()
            || self.to_name.is_some()
    }

    /// Returns the SIP dialog, if anything of it is known.
    #[must_use]
    pub fn known_sip(&self) -> Option<&SipData> {
        self.sip.as_deref().filter(|sip| **sip != SipData::default())
    }
}

impl Fact {
    /// Tells whether saying this means that the thing is over, so that the claim is withdrawn.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Call(call) if call.telephony_status == TelephonyStatus::NoCall)
    }
}
