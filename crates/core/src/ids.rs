//! Names of things: accounts, extensions, sources, claims, places in a log.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use smol_str::SmolStr;
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The contract's ids are decimal digits of a positive 63-bit number.
    #[error("{0:?} is not a decimal id between 1 and 9223372036854775807")]
    NotANumber(String),
    /// Names chosen by sources are short and printable.
    #[error("{0:?} is not a name of 1 to {1} printable characters without spaces")]
    NotAName(String, usize),
}

macro_rules! decimal_id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Makes the id of a positive number that fits the contract's int64.
            ///
            /// # Errors
            /// [`IdError::NotANumber`] for 0 and for more than 2^63 - 1.
            pub fn new(number: u64) -> Result<Self, IdError> {
                if number == 0 || number > i64::MAX.unsigned_abs() {
                    return Err(IdError::NotANumber(number.to_string()));
                }
                Ok(Self(number))
            }

            /// Returns the number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = digits.then(|| text.parse().ok()).flatten();
                number
                    .and_then(|number| Self::new(number).ok())
                    .ok_or_else(|| IdError::NotANumber(clip(text)))
            }
        }
    };
}

decimal_id!(AccountId, "An account: the tenant, and the wall between tenants.");
decimal_id!(ExtensionId, "An extension: on the wire a decimal string (`extensionId`).");

/// Whose presence it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtensionKey {
    /// The account.
    pub account: AccountId,
    /// The extension in it.
    pub extension: ExtensionId,
}

impl fmt::Display for ExtensionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.extension)
    }
}

macro_rules! short_name {
    ($name:ident, $max:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The most characters that such a name may have.
            pub const MAX: usize = $max;

            /// Takes a name of 1 to [`Self::MAX`] printable characters without white space.
            ///
            /// # Errors
            /// [`IdError::NotAName`] for anything else.
            pub fn new(text: &str) -> Result<Self, IdError> {
                let printable = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
                if text.is_empty() || text.len() > $max || !printable {
                    return Err(IdError::NotAName(clip(text), $max));
                }
                Ok(Self(SmolStr::new(text)))
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    };
}

short_name!(SourceId, 64, "Who reports: a PBX, a meeting system, a calendar, a person.");
short_name!(ClaimId, 128, "One thing that a source says of one presentity, such as one call.");
short_name!(AppId, 64, "An application (`client_id`).");

impl SourceId {
    /// The source of what people set by hand with an end (`lampfield set --for`).
    #[must_use]
    pub const fn manual() -> Self {
        Self(SmolStr::new_static("manual"))
    }

    /// The source of what the house itself does: expiry, directory changes.
    #[must_use]
    pub const fn house() -> Self {
        Self(SmolStr::new_static("lampfield"))
    }
}

impl ClaimId {
    /// The claim of a timed userStatus of the [manual source](SourceId::manual).
    #[must_use]
    pub const fn user_status() -> Self {
        Self(SmolStr::new_static("userStatus"))
    }

    /// The claim of a timed dndStatus of the [manual source](SourceId::manual).
    #[must_use]
    pub const fn dnd_status() -> Self {
        Self(SmolStr::new_static("dndStatus"))
    }
}

macro_rules! uuid_id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

uuid_id!(SubscriptionId, "A subscription (`subscriptionId`).");
uuid_id!(SessionId, "An OAuth session: what a log-in begins and a revocation ends.");

/// The account's order number of a committed change (contract: `sequence`).
///
/// Starts at 1, grows by one for each committed change of any extension of the account, is never
/// reused and never goes back. 0 stands for "nothing has changed yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Returns the number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One generation of a journal: it changes when the journal was restored or begun again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub NonZeroU64);

/// A place in one account's log: how far a reader has come in one generation of it.
///
/// It does not compare logs of different accounts and is never mixed with [`Sequence`]. Written
/// `epoch-offset`, such as `7-1204`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The generation.
    pub epoch: Epoch,
    /// Records of the account up to here; 0 is the beginning.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch.0, self.offset)
    }
}

impl FromStr for Position {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parse = || {
            let (epoch, offset) = text.split_once('-')?;
            let epoch = Epoch(epoch.parse().ok()?);
            Some(Self { epoch, offset: offset.parse().ok()? })
        };
        parse().ok_or_else(|| IdError::NotANumber(clip(text)))
    }
}

/// Shortens hostile input before it stands in an error message.
fn clip(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_positive_decimal_numbers() {
        assert_eq!("6610372004".parse::<ExtensionId>().map(ExtensionId::get), Ok(6_610_372_004));
        for bad in ["", "0", "-1", "+1", "1 ", "0x1", "9223372036854775808", "~", "１"] {
            assert!(bad.parse::<ExtensionId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_are_short_and_printable() {
        assert!(SourceId::new("asterisk-1").is_ok());
        for bad in ["", "a b", "a\nb", "x".repeat(65).as_str()] {
            assert!(SourceId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_position_reads_what_it_writes() {
        let position = Position { epoch: Epoch(NonZeroU64::MIN), offset: 12 };
        assert_eq!(position.to_string(), "1-12");
        assert_eq!("1-12".parse(), Ok(position));
        for bad in ["", "1", "0-1", "1-", "-1", "1-2-3", "1-x"] {
            assert!(bad.parse::<Position>().is_err(), "{bad:?}");
        }
    }
}
