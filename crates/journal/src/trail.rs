//! Audit trails in memory.

use std::collections::{BTreeMap, VecDeque};

use lampfield_core::audit::AuditEntry;
use lampfield_core::{AccountId, Timestamp};

use crate::port::{AuditPage, AuditRecord, AuditRetention};

/// The trail of every account and, under none, of the whole house.
#[derive(Debug, Default)]
pub(crate) struct Trails {
    trails: BTreeMap<Option<AccountId>, VecDeque<AuditRecord>>,
    retention: AuditRetention,
}

impl Trails {
    /// Adds an entry; old ones go.
    pub(crate) fn add(&mut self, entry: AuditEntry) {
        let trail = self.trails.entry(entry.account).or_default();
        let number = trail.back().map_or(1, |newest| newest.number + 1);
        let oldest = oldest_kept(self.retention, entry.at);
        trail.push_back(AuditRecord { number, entry });
        while trail.len() > 1
            && trail.front().is_some_and(|first| {
                first.number + self.retention.entries_max <= number || first.entry.at < oldest
            })
        {
            trail.pop_front();
        }
    }

    /// Returns some of a trail.
    pub(crate) fn page(&self, account: Option<AccountId>, skip: u64, limit: usize) -> AuditPage {
        let Some(trail) = self.trails.get(&account) else { return AuditPage::default() };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        AuditPage {
            records: trail.iter().rev().skip(skip).take(limit).cloned().collect(),
            total: u64::try_from(trail.len()).unwrap_or(u64::MAX),
        }
    }
}

/// Returns the moment before which entries go.
pub(crate) fn oldest_kept(retention: AuditRetention, now: Timestamp) -> Timestamp {
    retention.age_max.map_or(Timestamp(i64::MIN), |age| {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        Timestamp(now.0.saturating_sub(age))
    })
}
