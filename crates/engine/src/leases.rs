//! True leases: what sources confirmed, where the journal holds an older end.
//!
//! A lease that is renewed every minute would cost a durable write every minute. It is stored only
//! when its end moves by more than the restart grace; until then the true end is kept here. After a
//! restart every lease is extended by that same grace, so that no acknowledged lease is cut short,
//! not by a crash either.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use lampfield_core::{Claim, Document, ExtensionKey, SourceId, Timestamp};
use parking_lot::RwLock;

/// Documents whose leases are truer than the stored ones.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    documents: RwLock<HashMap<ExtensionKey, Lease, RandomState>>,
}

/// A document with true leases, and the record that it belongs to.
#[derive(Debug, Clone)]
struct Lease {
    /// Offset of the newest record when it was kept; 0 when there was none.
    offset: u64,
    document: Arc<Document>,
}

impl Leases {
    /// Returns the document with the true leases, if the one of the record at `offset` has others.
    pub(crate) fn get(&self, key: ExtensionKey, offset: u64) -> Option<Arc<Document>> {
        let documents = self.documents.read();
        let lease = documents.get(&key).filter(|lease| lease.offset == offset)?;
        Some(Arc::clone(&lease.document))
    }

    pub(crate) fn keep(&self, key: ExtensionKey, offset: u64, document: Document) {
        let lease = Lease { offset, document: Arc::new(document) };
        self.documents.write().insert(key, lease);
    }

    pub(crate) fn forget(&self, key: ExtensionKey) {
        let known = self.documents.read().contains_key(&key);
        if known {
            self.documents.write().remove(&key);
        }
    }
}

/// Tells whether `document` must be stored though nobody could see it to differ from `stored`.
///
/// Ends that moved by at most `grace` need not: a restart makes up for them. Ends that people chose
/// are kept exactly.
pub(crate) fn must_be_stored(document: &Document, stored: &Document, grace: Duration) -> bool {
    document.claims.len() != stored.claims.len()
        || document.settings != stored.settings
        || document.standing != stored.standing
        || document
            .claims
            .iter()
            .zip(&stored.claims)
            .any(|(claim, before)| !is_nearly(claim, before, grace))
}

fn is_nearly(claim: &Claim, before: &Claim, grace: Duration) -> bool {
    let slack = if claim.source == SourceId::manual() { Duration::ZERO } else { grace };
    claim.is_about_the_same_as(before)
        && claim.fact == before.fact
        && claim.since == before.since
        && claim.stale_since == before.stale_since
        && claim.expires_at.since(before.expires_at) <= slack
        && before.expires_at.since(claim.expires_at) <= slack
}

/// Returns the document with every lease longer by `grace`, counted from `now` for those that are
/// over; none when there is no lease to extend.
///
/// What people chose with an end (source `manual`) ends when it was to end.
pub(crate) fn extended(document: &Document, now: Timestamp, grace: Duration) -> Option<Document> {
    let manual = SourceId::manual();
    if document.claims.iter().all(|claim| claim.source == manual) {
        return None;
    }
    let mut extended = document.clone();
    for claim in extended.claims.iter_mut().filter(|claim| claim.source != manual) {
        claim.expires_at = claim.expires_at.max(now).after(grace);
    }
    Some(extended)
}

#[cfg(test)]
mod tests {
    use lampfield_core::{
        ClaimId, DndStatus, ExtensionStatus, ExtensionType, Fact, MeetingStatus, Policy, Settings,
        Standing,
    };

    use super::*;

    const GRACE: Duration = Duration::from_secs(60);

    fn document(claims: Vec<Claim>) -> Document {
        let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
        Document::of(standing, Settings::default(), claims, Policy::default(), Timestamp(0))
    }

    fn meeting(lease_s: u64) -> Claim {
        let source = SourceId::new("meet").unwrap();
        let fact = Fact::Meeting(MeetingStatus::Connected);
        Claim::new(
            source,
            ClaimId::new("m").unwrap(),
            fact,
            Timestamp(0),
            Duration::from_secs(lease_s),
        )
    }

    fn manual(lease_s: u64) -> Claim {
        let fact = Fact::Dnd(DndStatus::DoNotAcceptAnyCalls);
        let lease = Duration::from_secs(lease_s);
        Claim::new(SourceId::manual(), ClaimId::dnd_status(), fact, Timestamp(0), lease)
    }

    #[test]
    fn an_end_that_moves_by_more_than_the_grace_is_stored() {
        let stored = document(vec![meeting(100)]);

        assert!(!must_be_stored(&document(vec![meeting(160)]), &stored, GRACE));
        assert!(!must_be_stored(&document(vec![meeting(40)]), &stored, GRACE));
        assert!(must_be_stored(&document(vec![meeting(161)]), &stored, GRACE));
        assert!(must_be_stored(&document(vec![meeting(39)]), &stored, GRACE));
        assert!(must_be_stored(&document(vec![]), &stored, GRACE));
    }

    #[test]
    fn an_end_that_a_person_chose_is_stored_exactly() {
        let stored = document(vec![manual(100)]);

        assert!(must_be_stored(&document(vec![manual(101)]), &stored, GRACE));
        assert!(!must_be_stored(&stored.clone(), &stored, GRACE));
    }

    #[test]
    fn a_restart_makes_up_for_what_was_not_stored() {
        let stored = document(vec![meeting(100)]);
        let acknowledged = document(vec![meeting(160)]);
        assert!(!must_be_stored(&acknowledged, &stored, GRACE));

        for restart_s in [0, 50, 100, 150, 5_000] {
            let now = Timestamp(restart_s * 1000);
            let taken_up = extended(&stored, now, GRACE).expect("it has a lease");
            let end = taken_up.next_deadline().expect("it has a lease");
            assert!(end >= acknowledged.next_deadline().unwrap(), "restart at {restart_s} s");
            assert!(end >= now.after(GRACE), "restart at {restart_s} s");
        }
    }

    #[test]
    fn a_timed_choice_is_not_extended() {
        assert_eq!(extended(&document(vec![manual(100)]), Timestamp(0), GRACE), None);

        let both = document(vec![manual(100), meeting(50)]);
        let taken_up = extended(&both, Timestamp(0), GRACE).expect("the meeting has a lease");
        let ends: Vec<_> = taken_up.claims.iter().map(|claim| claim.expires_at.0).collect();
        assert_eq!(ends, [100_000, 110_000]);
    }
}
