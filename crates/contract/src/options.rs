//! Choices where the contract's sources disagree; the defaults are the founding document's.

/// How the account stands in `event` (contract 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountSegment {
    /// `/account/~/`, as in the founding document.
    #[default]
    Tilde,
    /// `/account/<id>/`, as in live captures.
    Resolved,
}

/// How `extensionId` is written in event bodies (contract 9, question 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExtensionIdForm {
    /// A string, as in the founding document.
    #[default]
    Text,
    /// A number, as in live captures.
    Number,
}

/// Spelling choices of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WireOptions {
    /// The account in `event`.
    pub account_segment: AccountSegment,
    /// `extensionId` in bodies.
    pub extension_id: ExtensionIdForm,
}
