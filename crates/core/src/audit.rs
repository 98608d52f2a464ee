//! The audit trail: who changed what in the directory, and who changed other people's presence.
//!
//! An entry is written in the same durable step as the change of which it tells. What sources
//! report is no act of administration and is not in it; secrets never are.

use std::net::IpAddr;

use smol_str::SmolStr;
use uuid::Uuid;

use crate::ids::{AccountId, AppId, ExtensionId};
use crate::time::Timestamp;

/// Members that one entry describes at most; the others are counted in one line.
pub const ALTERATIONS_MAX: usize = 32;
/// Characters of a value that an entry keeps.
pub const AUDIT_TEXT_MAX: usize = 256;

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it was done.
    pub at: Timestamp,
    /// Whose account it is about; none: something of the whole house.
    pub account: Option<AccountId>,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub act: AuditAct,
    /// To what: the id of an account, extension, application, log-in or key.
    pub object: SmolStr,
    /// What it changed, in a fixed order.
    pub alterations: Vec<Alteration>,
    /// The id of the request (`RCRequestId`), where there was one.
    pub request: Option<SmolStr>,
    /// Where the request came from, as far as the server could see.
    pub address: Option<IpAddr>,
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The holder of an API key.
    Key {
        /// The key's id.
        id: Uuid,
        /// Its name at that time.
        name: Box<str>,
    },
    /// A person, through an application.
    Person {
        /// The extension that was logged in, of the entry's account.
        extension: ExtensionId,
        /// The application.
        app: AppId,
    },
}

/// A member that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alteration {
    /// Its name, as in the API.
    pub member: SmolStr,
    /// Its value before; none where there was none, or where it is not told.
    pub before: Option<Box<str>>,
    /// Its value after; none where there is none, or where it is not told.
    pub after: Option<Box<str>>,
}

impl Alteration {
    /// Makes one; values are cut to [`AUDIT_TEXT_MAX`] characters.
    #[must_use]
    pub fn new(member: &str, before: Option<&str>, after: Option<&str>) -> Self {
        let clip = |text: &str| text.chars().take(AUDIT_TEXT_MAX).collect::<String>().into();
        Self { member: member.into(), before: before.map(clip), after: after.map(clip) }
    }

    /// Makes one of a member whose values are nobody's business: only that it changed is told.
    #[must_use]
    pub fn untold(member: &str) -> Self {
        Self::new(member, None, None)
    }

    /// Makes one if the values differ.
    #[must_use]
    pub fn between(member: &str, before: &str, after: &str) -> Option<Self> {
        let text = |value| Some(value).filter(|value: &&str| !value.is_empty());
        (before != after).then(|| Self::new(member, text(before), text(after)))
    }
}

/// Keeps at most [`ALTERATIONS_MAX`] alterations; the last one says how many there were beyond.
#[must_use]
pub fn bounded(mut alterations: Vec<Alteration>) -> Vec<Alteration> {
    let surplus = alterations.len().saturating_sub(ALTERATIONS_MAX);
    if surplus > 0 {
        alterations.truncate(ALTERATIONS_MAX - 1);
        alterations.push(Alteration::new("others", None, Some(&(surplus + 1).to_string())));
    }
    alterations
}

macro_rules! acts {
    ($($(#[$meta:meta])* $name:ident = $word:literal;)+) => {
        /// What was done. The words are stored and told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AuditAct {
            $($(#[$meta])* $name,)+
        }

        impl AuditAct {
            /// Every act.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns the act's stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// Returns the act of a stable name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($word => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

acts! {
    /// An account was made.
    AccountCreate = "account.create";
    /// An extension was made.
    ExtensionCreate = "extension.create";
    /// An extension was changed.
    ExtensionUpdate = "extension.update";
    /// An extension was removed.
    ExtensionRemove = "extension.remove";
    /// Extensions were imported.
    ExtensionImport = "extension.import";
    /// An application was made.
    AppCreate = "app.create";
    /// An application was changed.
    AppUpdate = "app.update";
    /// An application was removed.
    AppRemove = "app.remove";
    /// A log-in was made or replaced.
    CredentialCreate = "credential.create";
    /// A log-in was removed.
    CredentialRemove = "credential.remove";
    /// An API key was made.
    KeyCreate = "key.create";
    /// An API key was removed.
    KeyRemove = "key.remove";
    /// Somebody else's presence, or settings of it, were changed.
    PresenceUpdate = "presence.update";
    /// A subscription was changed by an operator, such as its signing secret.
    SubscriptionUpdate = "subscription.update";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_is_found_by_its_word() {
        for act in AuditAct::ALL {
            assert_eq!(AuditAct::parse(act.as_str()), Some(*act));
        }
        assert_eq!(AuditAct::parse("account.burn"), None);
    }

    #[test]
    fn values_and_lists_are_bounded() {
        let long = "ä".repeat(1000);
        let one = Alteration::new("name", Some(&long), None);
        assert_eq!(one.before.map(|text| text.chars().count()), Some(AUDIT_TEXT_MAX));

        let many = vec![Alteration::untold("x"); 40];
        let kept = bounded(many);
        assert_eq!(kept.len(), ALTERATIONS_MAX);
        assert_eq!(kept.last(), Some(&Alteration::new("others", None, Some("9"))));
        assert_eq!(bounded(vec![Alteration::untold("x"); 32]).len(), 32);
    }

    #[test]
    fn what_did_not_change_is_no_alteration() {
        assert_eq!(Alteration::between("name", "Ada", "Ada"), None);
        let made = Alteration::between("email", "", "a@b");
        assert_eq!(made, Some(Alteration::new("email", None, Some("a@b"))));
    }
}
