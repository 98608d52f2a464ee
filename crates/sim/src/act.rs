//! What simulated people and their phones do to a server.

use std::time::Duration;

use lampfield_core::{
    Claim, ClaimId, Command, ExtensionId, Fact, Kind, SettingsPatch, SourceId, Timestamp,
};

/// One thing that is done to one extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A phone or meeting system makes, changes or confirms a claim.
    Publish {
        /// Whose presence it is.
        extension: ExtensionId,
        /// The claim.
        claim: ClaimId,
        /// What is said.
        fact: Fact,
        /// How long it holds unless confirmed.
        lease: Duration,
    },
    /// It takes the claim back: the call or meeting is over.
    Withdraw {
        /// Whose presence it is.
        extension: ExtensionId,
        /// What kind of thing it is.
        kind: Kind,
        /// The claim.
        claim: ClaimId,
    },
    /// A person changes settings.
    Configure {
        /// Whose.
        extension: ExtensionId,
        /// What changes.
        patch: SettingsPatch,
    },
}

/// An act and when it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedAct {
    /// When.
    pub at: Timestamp,
    /// What.
    pub act: Act,
}

impl Act {
    /// Returns whose presence it is about.
    #[must_use]
    pub const fn extension(&self) -> ExtensionId {
        match self {
            Self::Publish { extension, .. }
            | Self::Withdraw { extension, .. }
            | Self::Configure { extension, .. } => *extension,
        }
    }

    /// Returns what kind of claim it is about; none for a choice.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        match self {
            Self::Publish { fact, .. } => Some(kind_of(fact)),
            Self::Withdraw { kind, .. } => Some(*kind),
            Self::Configure { .. } => None,
        }
    }

    /// Returns the act as a command of `source`, done at `at`.
    #[must_use]
    pub fn into_command(self, source: &SourceId, at: Timestamp) -> Command {
        match self {
            Self::Publish { claim, fact, lease, .. } => {
                Command::Publish(Claim::new(source.clone(), claim, fact, at, lease))
            }
            Self::Withdraw { kind, claim, .. } => {
                Command::Withdraw { source: source.clone(), kind, claim }
            }
            Self::Configure { patch, .. } => Command::Configure(patch),
        }
    }
}

pub(crate) const fn kind_of(fact: &Fact) -> Kind {
    match fact {
        Fact::Call(_) => Kind::Call,
        Fact::Meeting(_) => Kind::Meeting,
        Fact::Registration(_) => Kind::Registration,
        Fact::Dnd(_) => Kind::Dnd,
        Fact::UserStatus(_) => Kind::UserStatus,
    }
}
