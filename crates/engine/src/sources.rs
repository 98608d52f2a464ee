//! How sources are doing.

use lampfield_core::AccountId;
use parking_lot::Mutex;

use crate::intake::SourceReport;

/// The state of every source, for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct SourceBoard {
    _todo: Mutex<()>,
}

impl SourceBoard {
    pub(crate) fn reports(&self, _account: AccountId) -> Vec<SourceReport> {
        todo!()
    }
}
