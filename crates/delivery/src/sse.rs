//! Streams: server-sent events of one account, picture first, resumable (`Last-Event-ID`).
//!
//! A stream is pulled: it holds a cursor and the one piece that is being written, nothing else. A
//! slow client has its own pace; only far behind it gets the newest event of each extension.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use lampfield_contract::{format_timestamp, notification_uuid};
use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, Changes, ExtensionId, Position, SubscriptionId, View, Viewer, see,
};
use lampfield_journal::ReadError;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::alerts::{Alert, AlertReader};
use crate::feed::{Caught, Lane, catch_up};
use crate::house::House;
use crate::metrics::{Outcome, Reason, Source, Transport};
use crate::outgoing::Outgoing;
use crate::snapshot::{AccountSnapshot, Sight, place, write_background, write_number, write_text};
use crate::watching::narrowed;

/// Records in one piece of a picture.
pub const SNAPSHOT_PIECE: usize = 500;
/// Events read at a time.
const PAGE: usize = 128;
/// How often it is asked whether the stream may go on.
const PERMISSION_EVERY: Duration = Duration::from_secs(5);
/// After which a client comes back, and in how many milliseconds.
const PREAMBLE: &[u8] = b"retry: 2000\n\n";

/// What a client asks for.
#[derive(Debug, Clone, Copy)]
pub struct StreamRequest {
    /// The account.
    pub account: AccountId,
    /// Through whose eyes.
    pub viewer: Viewer,
    /// How much of calls is shown.
    pub detail: Detail,
    /// The place after which it goes on (`Last-Event-ID`, `after`); no picture comes first then,
    /// unless the place cannot be resumed.
    pub after: Option<Position>,
    /// Whether a picture comes first when there is no place to go on from. Without one the stream
    /// begins with the next change.
    pub snapshot: bool,
}

/// Tells whether a stream may go on: whether its key or log-in still holds.
pub type StreamPermission = Arc<dyn Fn() -> bool + Send + Sync>;

/// The streams of the house. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Streams {
    house: Arc<House>,
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Streams {
    /// Makes room for as many streams as the configuration allows.
    #[must_use]
    pub fn new(house: Arc<House>) -> Self {
        let room = Arc::new(Semaphore::new(house.config.streams_max));
        Self { house, room, stop: CancellationToken::new() }
    }

    /// Opens a stream; `None` when there is no room for one more. It ends when the server stops or
    /// `permission` is gone, the latter within seconds.
    ///
    /// Each item is a piece of an `text/event-stream` body.
    #[must_use]
    pub fn open(
        &self,
        request: StreamRequest,
        permission: StreamPermission,
    ) -> Option<impl Stream<Item = Bytes> + Send + use<>> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let teller = Teller::new(self, request, permission, room);
        Some(stream::unfold(Box::new(teller), |mut teller| async move {
            let piece = Box::pin(teller.next()).await?;
            Some((piece, teller))
        }))
    }

    /// Returns how many streams are open.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.house.config.streams_max.saturating_sub(self.room.available_permits())
    }

    /// Ends all streams.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// What one stream knows.
struct Teller {
    house: Arc<House>,
    lane: Arc<Lane>,
    sight: Sight,
    /// The stream's own identity, from which its notifications' uuids are made.
    id: SubscriptionId,
    owner: Option<ExtensionId>,
    phase: Phase,
    cursor: Position,
    /// The place that the client knows.
    named: Position,
    /// When something was written last.
    spoke: Instant,
    /// What operators are told beside presence; nobody else is.
    alerts: Option<AlertReader>,
    permission: StreamPermission,
    stop: CancellationToken,
    _room: OwnedSemaphorePermit,
}

/// What a stream begins with.
#[derive(Debug, Clone, Copy)]
enum Beginning {
    Picture,
    Place,
    NextChange,
}

enum Phase {
    /// Nothing was written.
    Opening(Beginning),
    /// Only the preamble was written: it is seen whether the client's place can be resumed.
    Resuming,
    /// The picture is being written, from this extension on.
    Picture { snapshot: Box<AccountSnapshot>, next: usize },
    /// Changes are told as they come.
    Live,
}

impl Teller {
    fn new(
        streams: &Streams,
        request: StreamRequest,
        permission: StreamPermission,
        room: OwnedSemaphorePermit,
    ) -> Self {
        let StreamRequest { account, viewer, detail, after, snapshot } = request;
        let house = Arc::clone(&streams.house);
        // Before the head is read: nothing committed after it is missing in the lane.
        let lane = house.feed.lane(account);
        let cursor = after.unwrap_or_else(|| house.journal.head(account).position);
        let beginning = match (after, snapshot) {
            (Some(_), _) => Beginning::Place,
            (None, true) => Beginning::Picture,
            (None, false) => Beginning::NextChange,
        };
        Self {
            lane,
            sight: Sight { viewer, detail, wire: house.config.wire },
            id: SubscriptionId(Uuid::new_v4()),
            owner: match viewer {
                Viewer::Extension(owner) => Some(owner),
                Viewer::Operator | Viewer::Administrator => None,
            },
            phase: Phase::Opening(beginning),
            cursor,
            named: cursor,
            spoke: Instant::now(),
            alerts: matches!(viewer, Viewer::Operator).then(|| house.alerts.reader(account)),
            permission,
            stop: streams.stop.clone(),
            house,
            _room: room,
        }
    }

    /// Returns the next piece; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.stop.is_cancelled() || !(self.permission)() {
            return None;
        }
        let piece = match &self.phase {
            Phase::Opening(beginning) => {
                self.phase = match beginning {
                    Beginning::Picture => self.picture(),
                    Beginning::Place => Phase::Resuming,
                    Beginning::NextChange => Phase::Live,
                };
                Some(Bytes::from_static(PREAMBLE))
            }
            Phase::Resuming => self.resume().await,
            Phase::Picture { snapshot, next } => {
                let (piece, rest) = self.picture_piece(snapshot, *next);
                let head = snapshot.head().position;
                self.turn_page(rest, head);
                Some(piece)
            }
            Phase::Live => self.live().await,
        };
        self.spoke = Instant::now();
        piece
    }

    /// Goes on to the next piece of the picture, or from its end to the changes after `head`.
    fn turn_page(&mut self, rest: Option<usize>, head: Position) {
        if let (Some(rest), Phase::Picture { next, .. }) = (rest, &mut self.phase) {
            *next = rest;
        } else {
            self.phase = Phase::Live;
            (self.cursor, self.named) = (head, head);
        }
    }

    fn picture(&self) -> Phase {
        let house = &self.house;
        let snapshot =
            AccountSnapshot::take(house.journal.as_ref(), &house.registry, self.lane.account());
        Phase::Picture { snapshot: Box::new(snapshot), next: 0 }
    }

    /// Writes one piece of the picture, and says where the next one begins. Only the last has an id:
    /// whoever breaks off before begins anew.
    fn picture_piece(&self, snapshot: &AccountSnapshot, next: usize) -> (Bytes, Option<usize>) {
        let end = snapshot.len().min(next + SNAPSHOT_PIECE);
        let is_last = end == snapshot.len();
        let head = snapshot.head();
        let position = head.position.to_string();
        let mut out = Vec::with_capacity(512 * (end - next) + 128);
        out.extend_from_slice(b"event: snapshot\n");
        if is_last {
            write_id(&mut out, head.position);
        }
        out.extend_from_slice(b"data: {\"position\":");
        write_text(&mut out, &position);
        write_number(&mut out, "sequence", head.sequence.0);
        out.extend_from_slice(b",\"records\":");
        snapshot.write_records(&mut out, next..end, &self.sight);
        out.extend_from_slice(b",\"more\":");
        out.extend_from_slice(if is_last { b"false" } else { b"true" });
        out.extend_from_slice(b"}\n\n");
        (Bytes::from(out), (!is_last).then_some(end))
    }

    /// Goes on from the client's place, or says that it is no more: what was trimmed may include
    /// what no newest event tells, such as an extension that was removed.
    async fn resume(&mut self) -> Option<Bytes> {
        let journal = self.house.journal.as_ref();
        match catch_up(journal, &self.lane, self.cursor, 1, None).await {
            Ok(Caught::Unrecoverable) => Some(self.start_over()),
            Ok(Caught::Events(_) | Caught::Newest { .. }) => {
                self.phase = Phase::Live;
                self.live().await
            }
            Err(error) => self.give_up(&error),
        }
    }

    /// The client comes back to where it stands; by then the journal may be readable.
    fn give_up(&self, error: &ReadError) -> Option<Bytes> {
        tracing::warn!(account.id = %self.lane.account(), %error, "stream cannot read on");
        None
    }

    /// Tells the next changes, or that there are none.
    async fn live(&mut self) -> Option<Bytes> {
        loop {
            if self.stop.is_cancelled() || !(self.permission)() {
                return None;
            }
            if let Some(piece) = self.alerts_piece() {
                return Some(piece);
            }
            let coalesce_after = Some(self.house.config.coalesce_after);
            let journal = self.house.journal.as_ref();
            let caught = catch_up(journal, &self.lane, self.cursor, PAGE, coalesce_after).await;
            let (events, head, is_coalesced) = match caught {
                Ok(Caught::Events(events)) => {
                    let head = events.last().map_or(self.cursor.offset, |event| event.offset());
                    (events, head, false)
                }
                Ok(Caught::Newest { events, head }) => {
                    self.house.metrics.caught_up(Transport::Stream, Source::Newest);
                    (events, head, true)
                }
                Ok(Caught::Unrecoverable) => return Some(self.start_over()),
                Err(error) => return self.give_up(&error),
            };
            let has_moved = head > self.cursor.offset;
            self.cursor.offset = self.cursor.offset.max(head);
            let piece = self.events_piece(&events, is_coalesced);
            if !piece.is_empty() {
                return Some(Bytes::from(piece));
            }
            if !has_moved && let Some(piece) = self.wait().await {
                return Some(piece);
            }
        }
    }

    /// Writes what is new of receivers in trouble. It has no id: what holds is told again after a
    /// break.
    fn alerts_piece(&mut self) -> Option<Bytes> {
        let news = self.alerts.as_mut()?.news(&self.house.alerts);
        let mut out = Vec::new();
        for alert in &news {
            out.extend_from_slice(b"event: subscription\ndata: ");
            out.extend_from_slice(alert_data(alert).to_string().as_bytes());
            out.extend_from_slice(b"\n\n");
        }
        (!out.is_empty()).then(|| Bytes::from(out))
    }

    /// Waits for a change; a comment when there was none for long.
    async fn wait(&mut self) -> Option<Bytes> {
        let silence_ends = self.spoke + self.house.config.stream_heartbeat;
        let wake = silence_ends.min(Instant::now() + PERMISSION_EVERY);
        tokio::select! {
            () = self.stop.cancelled() => return None,
            () = self.lane.moved(self.cursor.offset) => return None,
            () = moved(self.alerts.as_mut()) => return None,
            () = tokio::time::sleep_until(wake) => {}
        }
        if Instant::now() < silence_ends {
            return None;
        }
        let mut out = b": keep-alive\n".to_vec();
        if self.named != self.cursor {
            // What was passed over need not be read again after a break.
            write_id(&mut out, self.cursor);
            self.named = self.cursor;
        }
        out.push(b'\n');
        Some(Bytes::from(out))
    }

    /// The client's place is no more: says so, and begins with a picture.
    fn start_over(&mut self) -> Bytes {
        self.phase = self.picture();
        let head = self.house.journal.head(self.lane.account()).position;
        let mut out = b"event: reset\ndata: {\"position\":".to_vec();
        write_text(&mut out, &head.to_string());
        out.extend_from_slice(b"}\n\n");
        Bytes::from(out)
    }

    fn events_piece(&mut self, events: &[Arc<Outgoing>], is_coalesced: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let metrics = &self.house.metrics;
        let told = events.iter().filter_map(|event| Some((event, self.view_of(event)?)));
        let told: Vec<_> = told.collect();
        let untold = events.len() - told.len();
        metrics.suppressed(Transport::Stream, Reason::NothingToSee, untold as u64);
        for (at, (event, view)) in told.iter().enumerate() {
            // In place of earlier events only all of them together tell everything.
            let is_named = !is_coalesced || at + 1 == told.len();
            self.write_event(&mut out, event, *view, is_coalesced, is_named);
            if is_named {
                self.named = place(self.cursor, event.offset());
            }
            metrics.delivered(Transport::Stream, Outcome::Delivered, 1);
            if let Some(committed) = event.committed() {
                metrics.took(Transport::Stream, committed);
            }
        }
        out
    }

    /// Decides what is seen of an event now; `None` when it is not told.
    fn view_of(&self, event: &Outgoing) -> Option<View> {
        let Sight { viewer, detail, .. } = self.sight;
        let record = &event.record().event;
        let recorded = match event.sight(viewer, detail) {
            Some(view) => view,
            None => match see(viewer, record.key.extension, &record.document.settings) {
                View::Hidden => return None,
                view => record.changes.touches(told_here()).then_some(view)?,
            },
        };
        narrowed(recorded, event, self.house.journal.newest(), viewer)
    }

    fn write_event(
        &self,
        out: &mut Vec<u8>,
        event: &Outgoing,
        view: View,
        is_coalesced: bool,
        is_named: bool,
    ) {
        let record = event.record();
        let key = record.event.key;
        let position = place(self.cursor, record.offset);
        out.extend_from_slice(b"event: presence\n");
        if is_named {
            write_id(out, position);
        }
        out.extend_from_slice(b"data: ");
        let uuid = notification_uuid(self.id, key.account, record.event.sequence);
        let envelope = event.envelope(self.sight.detail, view, self.sight.wire);
        envelope.splice_owned_by(out, uuid, self.id, self.owner);
        out.pop(); // the brace: one more member
        out.extend_from_slice(b",\"lampfield\":{\"position\":");
        write_text(out, &position.to_string());
        if let Some(extension) = self.house.registry.extension(key) {
            out.extend_from_slice(b",\"number\":");
            write_text(out, &extension.number);
            out.extend_from_slice(b",\"name\":");
            write_text(out, &extension.name);
        }
        if is_coalesced {
            out.extend_from_slice(b",\"coalesced\":true");
        } else {
            write_changes(out, record.event.changes, view);
        }
        let document = &record.event.document;
        let since = (document.presence_since, document.telephony_since);
        write_background(out, document, Some(since), view);
        out.extend_from_slice(b"}}\n\n");
    }
}

/// What is told on streams although no body of the contract shows it.
fn told_here() -> Changes {
    Changes::MESSAGE | Changes::STALE | Changes::REGISTRATION | Changes::STANDING
}

/// Appends what differs, as far as this view shows it.
fn write_changes(out: &mut Vec<u8>, changes: Changes, view: View) {
    out.extend_from_slice(b",\"changes\":[");
    let shown = changes.names().filter(|name| match view {
        View::Full => true,
        View::WithoutCallers => !matches!(*name, "callerDetails" | "sipData"),
        View::Hidden => *name == "allowSeeMyPresence",
    });
    for (index, name) in shown.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(out, name);
    }
    out.push(b']');
}

/// Waits until there may be news for operators; for ever where nobody is told of any.
async fn moved(alerts: Option<&mut AlertReader>) {
    match alerts {
        Some(alerts) => alerts.moved().await,
        None => std::future::pending().await,
    }
}

fn alert_data(alert: &Alert) -> Value {
    json!({
        "id": alert.subscription.to_string(),
        "account": alert.account.to_string(),
        "owner": alert.owner.to_string(),
        "app": alert.app.to_string(),
        "state": alert.state.as_str(),
        "at": format_timestamp(alert.at),
        "reason": alert.reason,
        "suspendedAt": alert.suspended_at.map(format_timestamp),
    })
}

fn write_id(out: &mut Vec<u8>, position: Position) {
    out.extend_from_slice(b"id: ");
    out.extend_from_slice(position.to_string().as_bytes());
    out.push(b'\n');
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
