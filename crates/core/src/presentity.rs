//! The decision: what a command does to a presentity, without touching anything.

use std::time::Duration;

use crate::changes::Changes;
use crate::claim::{Claim, Fact, Kind};
use crate::compose::Policy;
use crate::document::{Document, Standing};
use crate::event::{Act, Before, Cause, EndedCall};
use crate::ids::{ClaimId, ExtensionKey, SourceId};
use crate::settings::{DECLINED_QUEUES_MAX, FAVORITES_MAX, LINES_MAX, SettingsPatch};
use crate::time::Timestamp;
use crate::values::Capability;

/// The most claims that may live on one presentity at a time.
pub const CLAIMS_MAX: usize = 64;

/// What somebody wants to be true of a presentity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A source makes, changes or confirms one claim. A call that is `NoCall` ends the claim.
    Publish(Claim),
    /// A source takes one claim back.
    Withdraw {
        /// The source.
        source: SourceId,
        /// What kind of thing it is.
        kind: Kind,
        /// The claim.
        claim: ClaimId,
    },
    /// A source shows everything it knows of this presentity; what it does not repeat is withdrawn.
    Picture {
        /// The source.
        source: SourceId,
        /// All of its claims; each must be of `source`.
        claims: Vec<Claim>,
    },
    /// A source was lost: its claims become stale and end after `grace` at the latest.
    Lose {
        /// The source.
        source: SourceId,
        /// How long its claims are still shown.
        grace: Duration,
    },
    /// A person changes settings.
    Configure(SettingsPatch),
    /// The directory changed type or status.
    Stand(Standing),
    /// The clock went on: claims whose lease is over end.
    Expire,
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing changes, not even a lease.
    Unchanged,
    /// Nothing visible changes; leases do.
    Renewed(Document),
    /// Something visible changes: an event.
    Changed {
        /// The document after it.
        document: Document,
        /// What differs.
        changes: Changes,
        /// What held before of that by which it is decided who is told of what.
        before: Option<Box<Before>>,
        /// Calls that end with it.
        ended: Box<[EndedCall]>,
        /// What brought it about.
        cause: Cause,
    },
}

/// Why a command is refused; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The type of the extension cannot show this (contract 1.7).
    #[error("extension {0} is of a type that has no such presence")]
    NoPresence(ExtensionKey),
    /// [`CLAIMS_MAX`] claims live already.
    #[error("extension {0} has {CLAIMS_MAX} live claims; withdraw some first")]
    TooManyClaims(ExtensionKey),
    /// A list of the settings would be too long.
    #[error("extension {key} can have at most {max} {list}; send a shorter list")]
    ListTooLong {
        /// Whose list it is.
        key: ExtensionKey,
        /// Which list, in words.
        list: &'static str,
        /// The most entries.
        max: usize,
    },
}

/// One presentity: the rules of change around a [`Document`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presentity {
    key: ExtensionKey,
    document: Document,
}

impl Presentity {
    /// Makes the presentity of a document.
    #[must_use]
    pub const fn new(key: ExtensionKey, document: Document) -> Self {
        Self { key, document }
    }

    /// Returns what holds now.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// Decides what `command` comes to. Touches nothing; expired claims end with any command.
    ///
    /// # Errors
    /// [`Refusal`] when the command cannot be carried out; nothing changes then.
    pub fn decide(
        &self,
        command: &Command,
        policy: Policy,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        self.admit(command)?;
        let before = &self.document;
        let mut claims: Vec<Claim> =
            before.claims.iter().filter(|claim| claim.expires_at > now).cloned().collect();
        apply_to_claims(&mut claims, command, now);
        if claims.len() > CLAIMS_MAX {
            return Err(Refusal::TooManyClaims(self.key));
        }
        let settings = match command {
            Command::Configure(patch) => before.settings.patched(patch),
            _ => before.settings.clone(),
        };
        let standing = match command {
            Command::Stand(standing) => *standing,
            _ => before.standing,
        };
        let document = Document::of(standing, settings, claims, policy, now).following(before);
        Ok(self.weigh(document, command))
    }

    /// Makes a decision true. Called only after the journal has it.
    pub fn adopt(&mut self, decision: Decision) {
        match decision {
            Decision::Unchanged => {}
            Decision::Renewed(document) | Decision::Changed { document, .. } => {
                self.document = document;
            }
        }
    }

    /// Returns when the next claim ends by itself.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.document.next_deadline()
    }

    fn admit(&self, command: &Command) -> Result<(), Refusal> {
        let admitted = match command {
            Command::Publish(claim) => self.can_show(&claim.fact),
            Command::Picture { claims, .. } => {
                claims.iter().all(|claim| self.can_show(&claim.fact))
            }
            Command::Configure(patch) => {
                self.admit_lists(patch)?;
                self.document.standing.kind.is_writable()
            }
            Command::Withdraw { .. }
            | Command::Lose { .. }
            | Command::Stand(_)
            | Command::Expire => true,
        };
        if admitted { Ok(()) } else { Err(Refusal::NoPresence(self.key)) }
    }

    fn admit_lists(&self, patch: &SettingsPatch) -> Result<(), Refusal> {
        let lists = [
            (&patch.lines, "monitored lines", LINES_MAX),
            (&patch.favorites, "favorites", FAVORITES_MAX),
            (&patch.declined_queues, "declined queues", DECLINED_QUEUES_MAX),
        ];
        let too_long = lists
            .into_iter()
            .find(|(list, _, max)| list.as_ref().is_some_and(|list| list.len() > *max));
        match too_long {
            Some((_, list, max)) => Err(Refusal::ListTooLong { key: self.key, list, max }),
            None => Ok(()),
        }
    }

    fn can_show(&self, fact: &Fact) -> bool {
        match self.document.capability() {
            Capability::Presence => true,
            Capability::TelephonyOnly => matches!(fact, Fact::Call(_)),
            Capability::Nothing => false,
        }
    }

    fn weigh(&self, document: Document, command: &Command) -> Decision {
        let changes = document.changes_since(&self.document);
        if !changes.is_empty() {
            let ended = ended_calls(&self.document.claims, &document.claims);
            let before = Before::of(&self.document, changes);
            let cause = cause_of(command);
            return Decision::Changed { document, changes, before, ended, cause };
        }
        if document == self.document { Decision::Unchanged } else { Decision::Renewed(document) }
    }
}

fn apply_to_claims(claims: &mut Vec<Claim>, command: &Command, now: Timestamp) {
    match command {
        Command::Publish(claim) => publish(claims, claim, now),
        Command::Withdraw { source, kind, claim } => {
            claims
                .retain(|live| live.source != *source || live.id != *claim || live.kind() != *kind);
        }
        Command::Picture { source, claims: picture } => {
            claims.retain(|live| {
                live.source != *source
                    || picture.iter().any(|claim| claim.is_about_the_same_as(live))
            });
            for claim in picture {
                publish(claims, claim, now);
            }
        }
        Command::Lose { source, grace } => {
            for live in claims.iter_mut().filter(|live| live.source == *source) {
                live.stale_since.get_or_insert(now);
                live.expires_at = live.expires_at.min(now.after(*grace));
            }
        }
        Command::Configure(patch) => configure(claims, patch, now),
        Command::Stand(standing) => {
            // A type that cannot show calls forgets them, or they would come back with the type.
            let capability = standing.kind.capability();
            claims.retain(|live| match capability {
                Capability::Presence => true,
                Capability::TelephonyOnly => matches!(live.fact, Fact::Call(_)),
                Capability::Nothing => false,
            });
        }
        Command::Expire => {}
    }
}

fn publish(claims: &mut Vec<Claim>, claim: &Claim, now: Timestamp) {
    let place = claims.iter().position(|live| live.is_about_the_same_as(claim));
    let over = claim.fact.is_over() || claim.expires_at <= now;
    match (place, over) {
        (Some(place), true) => {
            claims.remove(place);
        }
        (Some(place), false) => {
            if let Some(live) = claims.get_mut(place) {
                let since = live.since;
                *live = Claim { since, ..claim.clone() };
            }
        }
        (None, true) => {}
        (None, false) => claims.push(claim.clone()),
    }
}

/// Choices with an end become claims of the manual source; choices without one remove them.
fn configure(claims: &mut Vec<Claim>, patch: &SettingsPatch, now: Timestamp) {
    let facts = [
        (ClaimId::user_status(), patch.user_status.map(Fact::UserStatus)),
        (ClaimId::dnd_status(), patch.dnd_status.map(Fact::Dnd)),
    ];
    for (id, fact) in facts {
        let Some(fact) = fact else { continue };
        let manual = SourceId::manual();
        claims.retain(|live| !(live.source == manual && live.id == id));
        if let Some(until) = patch.until.filter(|until| *until > now) {
            let lease = until.since(now);
            claims.push(Claim::new(manual, id, fact, now, lease));
        }
    }
}

fn ended_calls(old: &[Claim], new: &[Claim]) -> Box<[EndedCall]> {
    old.iter()
        .filter(|before| !new.iter().any(|claim| claim.is_about_the_same_as(before)))
        .filter_map(|claim| {
            claim.call().map(|call| EndedCall {
                source: claim.source.clone(),
                claim: claim.id.clone(),
                since: claim.since,
                call: call.clone(),
            })
        })
        .collect()
}

fn cause_of(command: &Command) -> Cause {
    let (act, source, claim) = match command {
        Command::Publish(claim) if claim.fact.is_over() => {
            (Act::Withdrawn, claim.source.clone(), Some(claim.id.clone()))
        }
        Command::Publish(claim) => (Act::Published, claim.source.clone(), Some(claim.id.clone())),
        Command::Withdraw { source, claim, .. } => {
            (Act::Withdrawn, source.clone(), Some(claim.clone()))
        }
        Command::Picture { source, .. } => (Act::Pictured, source.clone(), None),
        Command::Lose { source, .. } => (Act::Lost, source.clone(), None),
        Command::Configure(_) => (Act::Configured, SourceId::manual(), None),
        Command::Stand(_) => (Act::Directory, SourceId::house(), None),
        Command::Expire => (Act::Expired, SourceId::house(), None),
    };
    Cause { act, source, claim }
}
