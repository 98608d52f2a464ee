//! The filters of one subscription, arranged for matching.

use std::collections::{BTreeMap, BTreeSet};

use crate::changes::Changes;
use crate::ids::ExtensionId;
use crate::settings::Lists;
use crate::subscription::{EventFilter, Notice};
use crate::visibility::Detail;

/// The filters of one subscription, arranged for matching.
///
/// Filters on the lists of somebody ([`EventFilter::Lines`], [`EventFilter::Favorites`]) match
/// nothing until they were told what is on them ([`FilterSet::follow`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterSet {
    account: Option<Detail>,
    extensions: BTreeMap<ExtensionId, Detail>,
    /// What only few subscriptions ask for.
    more: Option<Box<More>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct More {
    followed: Vec<Followed>,
    /// Everybody on a followed list.
    listed: BTreeMap<ExtensionId, Detail>,
    lines: BTreeSet<ExtensionId>,
    dnd: BTreeSet<ExtensionId>,
    queues: BTreeSet<ExtensionId>,
    favorites: BTreeSet<ExtensionId>,
    profiles: BTreeSet<ExtensionId>,
    directory: bool,
}

/// A list whose members' presence is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Followed {
    owner: ExtensionId,
    list: List,
    detail: Detail,
    members: Box<[ExtensionId]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Lines,
    Favorites,
}

impl FilterSet {
    /// Arranges filters. Where several match an extension the most detailed one counts (3.6).
    #[must_use]
    pub fn of<'a>(filters: impl IntoIterator<Item = &'a EventFilter>) -> Self {
        let mut set = Self::default();
        for filter in filters {
            set.add(filter);
        }
        set
    }

    fn add(&mut self, filter: &EventFilter) {
        match filter {
            EventFilter::Account(detail) => self.account = self.account.max(Some(*detail)),
            EventFilter::Extension(extension, detail) => {
                raise(&mut self.extensions, *extension, *detail);
            }
            EventFilter::Lines(owner, detail) => self.more().watch(*owner, List::Lines, *detail),
            EventFilter::Favorites(owner, detail) => {
                self.more().watch(*owner, List::Favorites, *detail);
            }
            EventFilter::LineList(owner) => _ = self.more().lines.insert(*owner),
            EventFilter::Dnd(extension) => _ = self.more().dnd.insert(*extension),
            EventFilter::Queue(queue) => _ = self.more().queues.insert(*queue),
            EventFilter::FavoriteList(owner) => _ = self.more().favorites.insert(*owner),
            EventFilter::Profile(extension) => _ = self.more().profiles.insert(*extension),
            EventFilter::Directory => self.more().directory = true,
            EventFilter::Reminder(_) | EventFilter::Foreign(_) => {}
        }
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Returns with how much detail presence events of `extension` are wanted, if at all.
    #[must_use]
    pub fn detail_for(&self, extension: ExtensionId) -> Option<Detail> {
        let named = self.account.max(self.extensions.get(&extension).copied());
        match &self.more {
            Some(more) => named.max(more.listed.get(&extension).copied()),
            None => named,
        }
    }

    /// Tells whether nothing but presence is wanted, of nobody's list: the common case.
    #[must_use]
    pub const fn is_simple(&self) -> bool {
        self.more.is_none()
    }

    /// Returns as what else than presence a change of `changes` of `extension` is wanted.
    /// `is_member_of` tells of which queues the extension is a member.
    #[must_use]
    pub fn notices(
        &self,
        extension: ExtensionId,
        changes: Changes,
        mut is_member_of: impl FnMut(ExtensionId) -> bool,
    ) -> Vec<Notice> {
        let Some(more) = &self.more else { return Vec::new() };
        let mut notices = Vec::new();
        let mut note = |wanted: bool, notice: Notice| {
            if wanted && changes.touches(notice.parts()) {
                notices.push(notice);
            }
        };
        note(more.lines.contains(&extension), Notice::Lines);
        note(more.dnd.contains(&extension), Notice::Dnd);
        note(more.favorites.contains(&extension), Notice::Favorites);
        note(more.profiles.contains(&extension), Notice::Profile);
        note(more.directory, Notice::Directory);
        for queue in &more.queues {
            let notice = Notice::Queue(*queue);
            if changes.touches(notice.parts()) && is_member_of(*queue) {
                notices.push(notice);
            }
        }
        notices
    }

    /// Returns whose lists are followed, each once.
    #[must_use]
    pub fn followed(&self) -> BTreeSet<ExtensionId> {
        self.more.iter().flat_map(|more| &more.followed).map(|followed| followed.owner).collect()
    }

    /// Tells whether lists of `owner` are followed.
    #[must_use]
    pub fn follows(&self, owner: ExtensionId) -> bool {
        self.more
            .as_ref()
            .is_some_and(|more| more.followed.iter().any(|followed| followed.owner == owner))
    }

    /// Takes note of what is on the lists of `owner` from now on; tells whether that changes what is
    /// wanted.
    pub fn follow(&mut self, owner: ExtensionId, lists: &Lists) -> bool {
        let Some(more) = &mut self.more else { return false };
        let mut is_changed = false;
        for followed in more.followed.iter_mut().filter(|followed| followed.owner == owner) {
            let members = match followed.list {
                List::Lines => &lists.lines,
                List::Favorites => &lists.favorites,
            };
            if followed.members != *members {
                followed.members.clone_from(members);
                is_changed = true;
            }
        }
        if is_changed {
            more.listed.clear();
            for followed in &more.followed {
                for member in &followed.members {
                    raise(&mut more.listed, *member, followed.detail);
                }
            }
        }
        is_changed
    }

    /// Tells whether events of any extension of the account may be wanted.
    #[must_use]
    pub fn is_account_wide(&self) -> bool {
        self.account.is_some()
            || self.more.as_ref().is_some_and(|more| more.directory || !more.queues.is_empty())
    }

    /// Returns the extensions of which events may be wanted, each once, where
    /// [not all are](FilterSet::is_account_wide).
    #[must_use]
    pub fn extensions(&self) -> BTreeSet<ExtensionId> {
        let mut all: BTreeSet<_> = self.extensions.keys().copied().collect();
        if let Some(more) = &self.more {
            all.extend(more.followed.iter().map(|followed| followed.owner));
            all.extend(more.listed.keys());
            for some in [&more.lines, &more.dnd, &more.favorites, &more.profiles] {
                all.extend(some);
            }
        }
        all
    }

    /// Tells whether nothing can ever match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.account.is_none() && self.extensions.is_empty() && self.more.is_none()
    }
}

impl More {
    fn watch(&mut self, owner: ExtensionId, list: List, detail: Detail) {
        let same = |followed: &&mut Followed| followed.owner == owner && followed.list == list;
        match self.followed.iter_mut().find(same) {
            Some(followed) => followed.detail = followed.detail.max(detail),
            None => {
                self.followed.push(Followed { owner, list, detail, members: Box::default() });
            }
        }
    }
}

fn raise(map: &mut BTreeMap<ExtensionId, Detail>, extension: ExtensionId, detail: Detail) {
    let entry = map.entry(extension).or_insert(detail);
    *entry = (*entry).max(detail);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(number: u64) -> ExtensionId {
        ExtensionId::new(number).expect("positive")
    }

    fn lists(lines: &[u64], favorites: &[u64]) -> Lists {
        let ids = |list: &[u64]| list.iter().copied().map(extension).collect();
        Lists { lines: ids(lines), favorites: ids(favorites), ..Lists::default() }
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
        assert!(set.is_simple());
    }

    #[test]
    fn foreign_filters_match_nothing() {
        let set = FilterSet::of(&[EventFilter::Foreign("/restapi/v1.0/glip/posts".into())]);

        assert!(set.is_empty());
        assert_eq!(set.detail_for(extension(1)), None);
    }

    #[test]
    fn lists_match_those_who_are_on_them_and_follow_their_changes() {
        let filters = [
            EventFilter::Lines(extension(1), Detail::Plain),
            EventFilter::Favorites(extension(1), Detail::Detailed),
            EventFilter::Extension(extension(5), Detail::Plain),
        ];
        let mut set = FilterSet::of(&filters);
        assert_eq!(set.detail_for(extension(7)), None);
        assert!(set.follows(extension(1)) && !set.follows(extension(7)));

        assert!(set.follow(extension(1), &lists(&[7, 8], &[8])));
        let wanted = |set: &FilterSet| [7, 8, 9].map(|it| set.detail_for(extension(it)));
        assert_eq!(wanted(&set), [Some(Detail::Plain), Some(Detail::Detailed), None]);
        assert_eq!(set.extensions(), [1, 5, 7, 8].map(extension).into());

        assert!(!set.follow(extension(1), &lists(&[7, 8], &[8])));
        assert!(!set.follow(extension(2), &lists(&[9], &[])));
        assert!(set.follow(extension(1), &lists(&[9], &[])));
        assert_eq!(wanted(&set), [None, None, Some(Detail::Plain)]);
    }

    #[test]
    fn notices_are_of_what_changed_and_was_asked_for() {
        let filters = [
            EventFilter::LineList(extension(1)),
            EventFilter::Dnd(extension(1)),
            EventFilter::FavoriteList(extension(2)),
            EventFilter::Profile(extension(1)),
            EventFilter::Directory,
            EventFilter::Queue(extension(70)),
            EventFilter::Queue(extension(71)),
        ];
        let set = FilterSet::of(&filters);
        let notices = |who, changes| set.notices(extension(who), changes, |it| it.get() == 70);
        let queue = Notice::Queue(extension(70));

        assert_eq!(notices(1, Changes::LINES), [Notice::Lines]);
        assert_eq!(notices(1, Changes::DND), [Notice::Dnd, queue]);
        assert_eq!(notices(2, Changes::QUEUES | Changes::TELEPHONY), [queue]);
        assert_eq!(notices(2, Changes::FAVORITES), [Notice::Favorites]);
        assert_eq!(notices(1, Changes::STANDING), [Notice::Profile, Notice::Directory]);
        assert_eq!(notices(1, Changes::TELEPHONY), []);
        assert!(set.is_account_wide());
        assert_eq!(set.detail_for(extension(1)), None);
    }
}
