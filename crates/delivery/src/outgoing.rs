//! A committed event on its way out.
//!
//! It is encoded at most once for each pair of detail and view, whoever receives it.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lampfield_contract::{SharedEnvelope, WireOptions};
use lampfield_core::subscription::Notice;
use lampfield_core::visibility::{Detail, told};
use lampfield_core::{Changes, View, Viewer, see};
use lampfield_journal::Record;
use parking_lot::Mutex;

use crate::watching::Telling;

/// One committed event, encoded at most once per (detail, view), shared by all its receivers.
#[derive(Debug)]
pub struct Outgoing {
    record: Arc<Record>,
    /// Most events of a ring or page are never encoded by it, so that the room is made when needed.
    shared: OnceLock<Box<[[OnceLock<SharedEnvelope>; 3]; 3]>>,
    /// Few events are ever told as anything but presence.
    notices: OnceLock<Box<Mutex<Vec<Noticed>>>>,
    standing: Standing,
}

/// What all receivers of a notice share that see as much of it.
type Noticed = (Notice, View, SharedEnvelope);

/// What the event stands for.
#[derive(Debug, Clone, Copy)]
enum Standing {
    /// Itself, just committed.
    Fresh(Instant),
    /// Itself, read again.
    Repeated,
    /// Everything that happened to its extension since a reader's place: what differs from that
    /// reader's picture is unknown.
    Newest,
}

impl Outgoing {
    /// Takes up an event that was committed just now.
    #[must_use]
    pub fn fresh(record: Arc<Record>) -> Self {
        Self::of(record, Standing::Fresh(Instant::now()))
    }

    /// Takes up an event that was read from the journal.
    #[must_use]
    pub fn repeated(record: Arc<Record>) -> Self {
        Self::of(record, Standing::Repeated)
    }

    /// Takes up the newest event of an extension in place of all between it and a reader's place.
    #[must_use]
    pub fn newest(record: Arc<Record>) -> Self {
        Self::of(record, Standing::Newest)
    }

    const fn of(record: Arc<Record>, standing: Standing) -> Self {
        Self { record, shared: OnceLock::new(), notices: OnceLock::new(), standing }
    }

    /// Returns the event as it is stored.
    #[must_use]
    pub const fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// Returns its place in the account's log.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.record.offset
    }

    /// Returns when it was committed; none if it was read again.
    #[must_use]
    pub const fn committed(&self) -> Option<Instant> {
        match self.standing {
            Standing::Fresh(at) => Some(at),
            Standing::Repeated | Standing::Newest => None,
        }
    }

    /// Returns what its receivers at one detail and view share; encodes it when it is asked for first.
    pub fn envelope(&self, detail: Detail, view: View, options: WireOptions) -> &SharedEnvelope {
        let shared = self.shared.get_or_init(Box::default);
        shared[row(detail)][column(view)]
            .get_or_init(|| SharedEnvelope::of(&self.record.event, detail, view, options))
    }

    /// Returns what its receivers as `notice` share; encodes it when it is asked for first.
    pub fn notice_envelope(
        &self,
        notice: Notice,
        view: View,
        options: WireOptions,
    ) -> SharedEnvelope {
        let mut made = self.notices.get_or_init(Box::default).lock();
        if let Some((_, _, found)) = made.iter().find(|it| (it.0, it.1) == (notice, view)) {
            return found.clone();
        }
        let envelope = SharedEnvelope::of_notice(&self.record.event, notice, view, options);
        made.push((notice, view, envelope.clone()));
        envelope
    }

    /// Returns what its receivers as `telling` share.
    pub(crate) fn telling(
        &self,
        telling: Telling,
        view: View,
        options: WireOptions,
    ) -> SharedEnvelope {
        match telling {
            Telling::Presence(detail) => self.envelope(detail, view, options).clone(),
            Telling::Notice(notice) => self.notice_envelope(notice, view, options),
        }
    }

    /// Returns what may differ for a reader.
    #[must_use]
    pub fn changes(&self) -> Changes {
        match self.standing {
            Standing::Newest => Changes::ALL,
            Standing::Fresh(_) | Standing::Repeated => self.record.event.changes,
        }
    }

    /// Decides what `viewer` sees of it as `notice`; `None` when this viewer is not told of it.
    #[must_use]
    pub fn notice_sight(&self, viewer: Viewer, notice: Notice) -> Option<View> {
        let event = &self.record.event;
        match self.standing {
            Standing::Newest => Some(notice.view(event, viewer)),
            Standing::Fresh(_) | Standing::Repeated => notice.told(event, viewer),
        }
    }

    /// Decides what `viewer` sees of it; `None` when this viewer is not told of it.
    ///
    /// In place of several events it is always told: the reader's picture may differ in anything.
    #[must_use]
    pub fn sight(&self, viewer: Viewer, detail: Detail) -> Option<View> {
        let event = &self.record.event;
        match self.standing {
            Standing::Newest => Some(see(viewer, event.key.extension, &event.document.settings)),
            Standing::Fresh(_) | Standing::Repeated => told(event, viewer, detail),
        }
    }
}

const fn row(detail: Detail) -> usize {
    match detail {
        Detail::Plain => 0,
        Detail::Detailed => 1,
        Detail::Sip => 2,
    }
}

const fn column(view: View) -> usize {
    match view {
        View::Full => 0,
        View::WithoutCallers => 1,
        View::Hidden => 2,
    }
}
