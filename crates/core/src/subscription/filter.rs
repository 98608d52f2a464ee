//! Event filters and what they match.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::ids::ExtensionId;
use crate::visibility::Detail;

/// One event filter of a subscription, resolved: `~` stands for nothing any more.
///
/// The grammar is the contract's (section 3.2) and lives in the contract crate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventFilter {
    /// `/restapi/v1.0/account/{accountId}/presence`: every extension of the account (F1, F2).
    Account(Detail),
    /// `/restapi/v1.0/account/{accountId}/extension/{extensionId}/presence` (F3-F5).
    Extension(ExtensionId, Detail),
    /// A filter for something that this server has not: accepted, listed, never fires (3.7).
    Foreign(SmolStr),
}

/// The filters of one subscription, arranged for matching.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterSet {
    account: Option<Detail>,
    extensions: BTreeMap<ExtensionId, Detail>,
}

impl FilterSet {
    /// Arranges filters. Where several match an extension the most detailed one counts (3.6).
    #[must_use]
    pub fn of<'a>(filters: impl IntoIterator<Item = &'a EventFilter>) -> Self {
        let mut set = Self::default();
        for filter in filters {
            match filter {
                EventFilter::Account(detail) => {
                    set.account = set.account.max(Some(*detail));
                }
                EventFilter::Extension(extension, detail) => {
                    let entry = set.extensions.entry(*extension).or_insert(*detail);
                    *entry = (*entry).max(*detail);
                }
                EventFilter::Foreign(_) => {}
            }
        }
        set
    }

    /// Returns with how much detail events of `extension` are wanted, if at all.
    #[must_use]
    pub fn detail_for(&self, extension: ExtensionId) -> Option<Detail> {
        self.account.max(self.extensions.get(&extension).copied())
    }

    /// Tells whether every extension of the account is wanted.
    #[must_use]
    pub const fn is_account_wide(&self) -> bool {
        self.account.is_some()
    }

    /// Returns the extensions that are named.
    pub fn extensions(&self) -> impl Iterator<Item = ExtensionId> {
        self.extensions.keys().copied()
    }

    /// Tells whether nothing can ever match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.account.is_none() && self.extensions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(number: u64) -> ExtensionId {
        ExtensionId::new(number).expect("positive")
    }

    #[test]
    fn the_most_detailed_match_counts() {
        let filters = [
            EventFilter::Account(Detail::Plain),
            EventFilter::Extension(extension(1), Detail::Sip),
            EventFilter::Extension(extension(1), Detail::Detailed),
        ];
        let set = FilterSet::of(&filters);

        assert_eq!(set.detail_for(extension(1)), Some(Detail::Sip));
        assert_eq!(set.detail_for(extension(2)), Some(Detail::Plain));
    }

    #[test]
    fn foreign_filters_match_nothing() {
        let set = FilterSet::of(&[EventFilter::Foreign("/restapi/v1.0/glip/posts".into())]);

        assert!(set.is_empty());
        assert_eq!(set.detail_for(extension(1)), None);
    }
}
