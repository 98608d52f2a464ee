//! What the loop must find without searching: whose lease ends next, and which presentities a
//! source speaks of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use lampfield_core::claim::Kind;
use lampfield_core::{AccountId, Document, ExtensionId, ExtensionKey, SourceId, Timestamp};

use crate::sources::SourceBoard;

/// Follows the claims of every presentity.
#[derive(Debug)]
pub(crate) struct Tracker {
    board: Arc<SourceBoard>,
    traces: HashMap<ExtensionKey, Trace, RandomState>,
    deadlines: BTreeSet<(Timestamp, ExtensionKey)>,
    confirmations: BTreeSet<(Timestamp, ExtensionKey)>,
    by_source: HashMap<AccountId, BTreeMap<SourceId, BTreeSet<ExtensionId>>, RandomState>,
    totals: Totals,
}

/// Living claims of the whole house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    kinds: [usize; Kind::ALL.len()],
    /// Claims whose source is lost.
    pub(crate) stale: usize,
}

/// What was noted of the claims of one presentity; kept only while there are any.
#[derive(Debug)]
struct Trace {
    deadline: Timestamp,
    confirmed: Timestamp,
    totals: Totals,
    sources: Vec<(SourceId, isize)>,
}

impl Tracker {
    pub(crate) fn new(board: Arc<SourceBoard>) -> Self {
        Self {
            board,
            traces: HashMap::default(),
            deadlines: BTreeSet::new(),
            confirmations: BTreeSet::new(),
            by_source: HashMap::default(),
            totals: Totals::default(),
        }
    }

    /// Takes note of the claims that a presentity has now.
    pub(crate) fn follow(&mut self, key: ExtensionKey, document: &Document, now: Timestamp) {
        let trace = Trace::of(document);
        let before = match trace {
            Some(_) => self.traces.get(&key),
            None => return self.forget(key, now),
        };
        let Some(trace) = trace else { return };
        if let Some(before) = before {
            self.deadlines.remove(&(before.deadline, key));
            self.confirmations.remove(&(before.confirmed, key));
            self.totals.subtract(before.totals);
        }
        self.deadlines.insert((trace.deadline, key));
        self.confirmations.insert((trace.confirmed, key));
        self.totals.add(trace.totals);
        let before = self.traces.remove(&key).map_or_else(Vec::new, |before| before.sources);
        if before != trace.sources {
            self.count(key, &before, &trace.sources, now);
        }
        self.traces.insert(key, trace);
    }

    /// Forgets a presentity: it has no claims, or there is no such extension any more.
    pub(crate) fn forget(&mut self, key: ExtensionKey, now: Timestamp) {
        let Some(before) = self.traces.remove(&key) else { return };
        self.deadlines.remove(&(before.deadline, key));
        self.confirmations.remove(&(before.confirmed, key));
        self.totals.subtract(before.totals);
        self.count(key, &before.sources, &[], now);
    }

    /// Returns at most `limit` presentities whose next lease is over, earliest end first.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<(Timestamp, ExtensionKey)> {
        let due = self.deadlines.iter().take_while(|(deadline, _)| *deadline <= now);
        due.take(limit).copied().collect()
    }

    /// Returns when the next lease ends.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Returns when the claim was confirmed that was not confirmed for longest.
    pub(crate) fn oldest_confirmation(&self) -> Option<Timestamp> {
        self.confirmations.first().map(|(confirmed, _)| *confirmed)
    }

    /// Returns the extensions of which a source claims anything, by id.
    pub(crate) fn extensions_of(&self, account: AccountId, source: &SourceId) -> Vec<ExtensionId> {
        let found = self.by_source.get(&account).and_then(|sources| sources.get(source));
        found.into_iter().flatten().copied().collect()
    }

    /// Returns the counts of living claims.
    pub(crate) const fn totals(&self) -> Totals {
        self.totals
    }

    fn count(
        &mut self,
        key: ExtensionKey,
        before: &[(SourceId, isize)],
        after: &[(SourceId, isize)],
        now: Timestamp,
    ) {
        let in_list = |list: &[(SourceId, isize)], source: &SourceId| {
            list.iter().find(|(other, _)| other == source).map_or(0, |(_, claims)| *claims)
        };
        for (source, claims) in after {
            let more = claims - in_list(before, source);
            if more != 0 {
                self.board.counted(key.account, source, more, now);
            }
            if more == *claims {
                let sources = self.by_source.entry(key.account).or_default();
                sources.entry(source.clone()).or_default().insert(key.extension);
            }
        }
        for (source, claims) in before {
            if in_list(after, source) == 0 {
                self.board.counted(key.account, source, -claims, now);
                self.unlist(key, source);
            }
        }
    }

    fn unlist(&mut self, key: ExtensionKey, source: &SourceId) {
        let Some(sources) = self.by_source.get_mut(&key.account) else { return };
        let Some(extensions) = sources.get_mut(source) else { return };
        extensions.remove(&key.extension);
        if extensions.is_empty() {
            sources.remove(source);
        }
    }
}

impl Totals {
    /// Returns how many claims of a kind live.
    pub(crate) const fn of(&self, kind: Kind) -> usize {
        self.kinds[kind as usize]
    }

    fn add(&mut self, other: Self) {
        self.stale += other.stale;
        self.kinds.iter_mut().zip(other.kinds).for_each(|(sum, more)| *sum += more);
    }

    fn subtract(&mut self, other: Self) {
        self.stale -= other.stale;
        self.kinds.iter_mut().zip(other.kinds).for_each(|(sum, less)| *sum -= less);
    }
}

impl Trace {
    fn of(document: &Document) -> Option<Self> {
        let deadline = document.next_deadline()?;
        let confirmed = document.claims.iter().map(|claim| claim.observed_at).min()?;
        let mut totals = Totals::default();
        let mut sources: Vec<(SourceId, isize)> = Vec::new();
        for claim in &document.claims {
            totals.kinds[claim.kind() as usize] += 1;
            totals.stale += usize::from(claim.stale_since.is_some());
            // Claims are sorted by source. What people set by hand is of no source that could be
            // lost or show a picture.
            match sources.last_mut() {
                _ if claim.source == SourceId::manual() => {}
                Some((source, claims)) if *source == claim.source => *claims += 1,
                _ => sources.push((claim.source.clone(), 1)),
            }
        }
        Some(Self { deadline, confirmed, totals, sources })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lampfield_core::{
        Claim, ClaimId, ExtensionStatus, ExtensionType, Fact, MeetingStatus, Policy, Settings,
        Standing,
    };

    use super::*;

    fn key(extension: u64) -> ExtensionKey {
        let account = AccountId::new(1).unwrap();
        ExtensionKey { account, extension: ExtensionId::new(extension).unwrap() }
    }

    fn meeting(source: &str, id: &str, lease_s: u64) -> Claim {
        let (source, id) = (SourceId::new(source).unwrap(), ClaimId::new(id).unwrap());
        let fact = Fact::Meeting(MeetingStatus::Connected);
        Claim::new(source, id, fact, Timestamp(0), Duration::from_secs(lease_s))
    }

    fn document(claims: Vec<Claim>) -> Document {
        let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
        Document::of(standing, Settings::default(), claims, Policy::default(), Timestamp(0))
    }

    fn claims_of(board: &SourceBoard, source: &str) -> usize {
        let reports = board.reports(key(1).account);
        reports.iter().find(|report| report.source.as_str() == source).map_or(0, |it| it.claims)
    }

    #[test]
    fn the_earliest_end_of_every_presentity_is_found_first() {
        let mut tracker = Tracker::new(Arc::default());
        tracker.follow(key(1), &document(vec![meeting("a", "1", 30)]), Timestamp(0));
        let two = document(vec![meeting("a", "1", 50), meeting("a", "2", 20)]);
        tracker.follow(key(2), &two, Timestamp(0));

        assert_eq!(tracker.next_deadline(), Some(Timestamp(20_000)));
        assert!(tracker.due(Timestamp(19_999), 9).is_empty());
        let due: Vec<_> =
            tracker.due(Timestamp(40_000), 9).into_iter().map(|(_, key)| key).collect();
        assert_eq!(due, [key(2), key(1)]);
        assert_eq!(tracker.due(Timestamp(40_000), 1).len(), 1);
    }

    #[test]
    fn sources_are_listed_while_they_claim_anything() {
        let board = Arc::new(SourceBoard::default());
        let mut tracker = Tracker::new(Arc::clone(&board));
        let [a, b] = ["a", "b"].map(|name| SourceId::new(name).unwrap());
        let both = document(vec![meeting("a", "1", 9), meeting("b", "1", 9), meeting("b", "2", 9)]);
        tracker.follow(key(1), &both, Timestamp(0));
        tracker.follow(key(2), &document(vec![meeting("b", "1", 9)]), Timestamp(0));
        assert_eq!(tracker.extensions_of(key(1).account, &b), [key(1).extension, key(2).extension]);
        assert_eq!((claims_of(&board, "a"), claims_of(&board, "b")), (1, 3));
        assert_eq!(tracker.totals().of(Kind::Meeting), 4);

        tracker.follow(key(1), &document(vec![meeting("a", "1", 9)]), Timestamp(0));
        tracker.forget(key(2), Timestamp(0));
        assert!(tracker.extensions_of(key(1).account, &b).is_empty());
        assert_eq!(tracker.extensions_of(key(1).account, &a), [key(1).extension]);
        assert_eq!((claims_of(&board, "a"), claims_of(&board, "b")), (1, 0));

        tracker.follow(key(1), &document(Vec::new()), Timestamp(0));
        assert_eq!((tracker.totals(), tracker.next_deadline()), (Totals::default(), None));
    }
}
