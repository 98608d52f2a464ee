//! The fence: a batch is admitted only where it follows the heads of its accounts.
//!
//! Every backend asks it before it writes. Whoever decided on an older state than the committed
//! one meets a [`CommitError::Conflict`] here, whatever leases say.

use std::collections::BTreeMap;

use lampfield_core::{AccountId, Position, Sequence};

use crate::newest::Newest;
use crate::port::{CommitError, Entry};

/// The heads of the accounts as they will be after the batches admitted so far.
#[derive(Debug)]
pub(crate) struct Fence<'a> {
    newest: &'a Newest,
    staged: BTreeMap<AccountId, (u64, Sequence)>,
}

impl<'a> Fence<'a> {
    /// Makes the fence of a group that begins at the committed heads.
    pub(crate) const fn new(newest: &'a Newest) -> Self {
        Self { newest, staged: BTreeMap::new() }
    }

    /// Admits a batch whole or not at all; the next one must follow it.
    pub(crate) fn admit(&mut self, batch: &[Entry]) -> Result<(), CommitError> {
        let mut after: BTreeMap<AccountId, (u64, Sequence)> = BTreeMap::new();
        for entry in batch {
            let Entry::Change(record) = entry else { continue };
            let account = record.event.key.account;
            let (offset, sequence) =
                after.get(&account).copied().unwrap_or_else(|| self.head(account));
            if record.offset != offset + 1 || record.event.sequence <= sequence {
                let head = Position { epoch: self.newest.epoch(), offset };
                return Err(CommitError::Conflict { account, head });
            }
            after.insert(account, (record.offset, record.event.sequence));
        }
        self.staged.append(&mut after);
        Ok(())
    }

    /// Returns offset and sequence of an account's end, admitted batches included.
    pub(crate) fn head(&self, account: AccountId) -> (u64, Sequence) {
        self.staged.get(&account).copied().unwrap_or_else(|| {
            let head = self.newest.head(account);
            (head.position.offset, head.sequence)
        })
    }
}
