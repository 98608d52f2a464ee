//! Where notifications become bytes: frames for one socket are printed one behind the other into a
//! scratch that all sockets of a shard share, and given to the kernel in one write.
//!
//! What the kernel does not take is thrown away, but for the rest of the one frame that it took in
//! part: the socket's cursor says from where to print again.

use std::sync::Arc;

use lampfield_contract::{FRAME_END, SharedEnvelope, Wsc, write_notification_head};
use lampfield_core::{Epoch, Position, View, Viewer};

use crate::metrics::{Metrics, Outcome, Reason, Transport};
use crate::outgoing::Outgoing;
use crate::watching::{
    Telling, follow_lists, rewind_lists, sight_now, telling_now, tellings, viewer_of,
};
use crate::websocket::codec::{begin_text, end_text};
use crate::websocket::context::Context;
use crate::websocket::numbering;
use crate::websocket::socket::{Lost, Socket};
use crate::websocket::subscriber::Subscriber;
use crate::websocket::token::RecoveryToken;

/// Printed bytes after which they are given to the kernel, also when more is to come.
const SHEET: usize = 64 << 10;

/// When events are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// As they are committed.
    Live,
    /// Later: what has been hidden meanwhile is not told any more.
    Late,
}

/// How far a socket was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// Everything.
    All,
    /// The socket is full. Events up to this offset are written, or will be with its backlog.
    UpTo(u64),
}

/// The printing press of a shard.
#[derive(Debug)]
pub(super) struct Press {
    shard: usize,
    sheet: Vec<u8>,
    marks: Vec<Mark>,
    tally: Tally,
}

/// Where in the sheet the last frame of an event ends.
#[derive(Debug, Clone, Copy)]
struct Mark {
    end: usize,
    offset: u64,
    frames: u32,
}

/// Through whose eyes a socket is told, and when.
#[derive(Debug, Clone, Copy)]
struct Gaze {
    viewer: Viewer,
    told: Told,
    epoch: Epoch,
}

/// What was printed since it was last booked.
#[derive(Debug, Default)]
struct Tally {
    delivered: u64,
    suppressed: u64,
}

impl Press {
    /// Makes the press of a shard.
    pub(super) fn new(shard: usize) -> Self {
        Self { shard, sheet: Vec::new(), marks: Vec::new(), tally: Tally::default() }
    }

    /// Tells a socket of those of `events` after `floor` that its filters want and its owner may
    /// see. The socket must be ready and subscribed.
    pub(super) fn print<'e>(
        &mut self,
        context: &Context,
        socket: &mut Socket,
        events: impl Iterator<Item = &'e Arc<Outgoing>>,
        floor: u64,
        told: Told,
    ) -> Result<Printed, Lost> {
        let Some(mut subscriber) = socket.subscriber.take() else { return Ok(Printed::All) };
        let printed = self.print_for(context, socket, &mut subscriber, events, floor, told);
        socket.subscriber = Some(subscriber);
        printed
    }

    fn print_for<'e>(
        &mut self,
        context: &Context,
        socket: &mut Socket,
        subscriber: &mut Subscriber,
        events: impl Iterator<Item = &'e Arc<Outgoing>>,
        floor: u64,
        told: Told,
    ) -> Result<Printed, Lost> {
        let house = &context.house;
        self.sheet.clear();
        self.marks.clear();
        let all = house.config.administrators_see_all;
        let viewer = viewer_of(&house.registry, &subscriber.subscription, all);
        let gaze = Gaze { viewer, told, epoch: house.journal.epoch() };
        let events = events.filter(|event| event.offset() > floor);
        if subscriber.wants.is_simple() {
            for event in events {
                if self.presence(context, socket, subscriber, event, gaze)
                    && self.sheet.len() >= SHEET
                    && let full @ Printed::UpTo(_) = self.hand_over(context, socket)?
                {
                    return Ok(full);
                }
            }
        } else {
            let events: Vec<_> = events.collect();
            let has_changed = rewind_lists(&mut subscriber.wants, events.iter().copied());
            subscriber.wants_changed(has_changed);
            for event in events {
                if self.everything(context, socket, subscriber, event, gaze)
                    && self.sheet.len() >= SHEET
                    && let full @ Printed::UpTo(_) = self.hand_over(context, socket)?
                {
                    return Ok(full);
                }
            }
        }
        self.hand_over(context, socket)
    }

    /// Prints an event as presence, which is all that most subscriptions are told; tells whether
    /// there was anything to print.
    fn presence(
        &mut self,
        context: &Context,
        socket: &mut Socket,
        subscriber: &Subscriber,
        event: &Outgoing,
        Gaze { viewer, told, epoch }: Gaze,
    ) -> bool {
        let house = &context.house;
        let extension = event.record().event.key.extension;
        let Some(detail) = subscriber.wants.detail_for(extension) else { return false };
        let view = match told {
            Told::Live => event.sight(viewer, detail),
            Told::Late => sight_now(event, house.journal.newest(), viewer, detail),
        };
        let Some(view) = view else {
            self.tally.suppressed += 1;
            return false;
        };
        let envelope = event.envelope(detail, view, house.config.wire);
        let telling = Telling::Presence(detail);
        let position = Position { epoch, offset: subscriber.place_at(event.offset()) };
        self.frame(socket, subscriber, event, telling, position, envelope);
        self.marks.push(Mark { end: self.sheet.len(), offset: event.offset(), frames: 1 });
        true
    }

    /// Prints everything that an event is told as, and follows the lists that it changes.
    fn everything(
        &mut self,
        context: &Context,
        socket: &mut Socket,
        subscriber: &mut Subscriber,
        event: &Outgoing,
        Gaze { viewer, told, epoch }: Gaze,
    ) -> bool {
        let house = &context.house;
        let mut seen: Vec<(Telling, View)> = Vec::new();
        for telling in tellings(&house.registry, &subscriber.wants, event) {
            let view = match (told, telling) {
                (Told::Late, _) => telling_now(event, house.journal.newest(), viewer, telling),
                (Told::Live, Telling::Presence(detail)) => event.sight(viewer, detail),
                (Told::Live, Telling::Notice(notice)) => event.notice_sight(viewer, notice),
            };
            match view {
                Some(view) => seen.push((telling, view)),
                None => self.tally.suppressed += 1,
            }
        }
        let has_changed = follow_lists(&mut subscriber.wants, event);
        subscriber.wants_changed(has_changed);
        let Some(last) = seen.len().checked_sub(1) else { return false };
        for (at, (telling, view)) in seen.into_iter().enumerate() {
            let envelope = event.telling(telling, view, house.config.wire);
            // Whoever comes back with the token of a frame that is not the last one has not got
            // the event whole: it is told again.
            let offset = if at == last { event.offset() } else { event.offset() - 1 };
            let position = Position { epoch, offset: subscriber.place_at(offset) };
            self.frame(socket, subscriber, event, telling, position, &envelope);
        }
        let frames = u32::try_from(last + 1).unwrap_or(u32::MAX);
        self.marks.push(Mark { end: self.sheet.len(), offset: event.offset(), frames });
        true
    }

    fn frame(
        &mut self,
        socket: &mut Socket,
        subscriber: &Subscriber,
        event: &Outgoing,
        telling: Telling,
        position: Position,
        envelope: &SharedEnvelope,
    ) {
        let subscription = &subscriber.subscription;
        let uuid = telling.uuid(subscription, event);
        let token = RecoveryToken {
            subscription: Some(subscription.id),
            session: subscription.session,
            position,
        };
        socket.number = numbering::next(socket.number);
        let token = token.text();
        let wsc = Wsc { token: token.as_str(), sequence: socket.number };
        let start = begin_text(&mut self.sheet);
        write_notification_head(&mut self.sheet, uuid, wsc);
        envelope.splice(&mut self.sheet, uuid, subscription.id, subscription.owner);
        self.sheet.extend_from_slice(FRAME_END);
        end_text(&mut self.sheet, start);
    }

    /// Gives the sheet to the kernel and begins a new one.
    fn hand_over(&mut self, context: &Context, socket: &mut Socket) -> Result<Printed, Lost> {
        // Noted before it is written: the client may be back with it at once.
        context.numbering.note(self.shard, socket.number);
        let written = socket.write_now(&self.sheet)?;
        let printed = if written == self.sheet.len() {
            self.tally.delivered += frames(&self.marks);
            Printed::All
        } else {
            self.remember(socket, written)
        };
        self.sheet.clear();
        self.marks.clear();
        Ok(printed)
    }

    /// Keeps the rest of the event in which the kernel stopped, and says how far it came.
    fn remember(&mut self, socket: &mut Socket, written: usize) -> Printed {
        let whole = self.marks.partition_point(|mark| mark.end <= written);
        self.tally.delivered += frames(&self.marks[..whole]);
        let start = whole.checked_sub(1).map_or(0, |before| self.marks[before].end);
        let Some(next) = self.marks.get(whole) else { return Printed::All };
        if written == start {
            return Printed::UpTo(next.offset - 1);
        }
        self.tally.delivered += u64::from(next.frames);
        socket.keep(&self.sheet[written..next.end]);
        Printed::UpTo(next.offset)
    }

    /// Books what was printed.
    pub(super) fn book(&mut self, metrics: &Metrics) {
        let tally = std::mem::take(&mut self.tally);
        metrics.delivered(Transport::Websocket, Outcome::Delivered, tally.delivered);
        metrics.suppressed(Transport::Websocket, Reason::NothingToSee, tally.suppressed);
    }
}

fn frames(marks: &[Mark]) -> u64 {
    marks.iter().map(|mark| u64::from(mark.frames)).sum()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use lampfield_core::subscription::FilterSet;
    use lampfield_core::{Sequence, Timestamp};

    use super::*;
    use crate::config::DeliveryConfig;
    use crate::stage::Stage;

    /// A socket, and the other end of it.
    fn socket() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let ours = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        ours.set_nonblocking(true).expect("set");
        let theirs = listener.accept().expect("accepted").0;
        (Socket::new(mio::net::TcpStream::from_std(ours), 1, Timestamp(0)), theirs)
    }

    #[test]
    fn where_the_kernel_stops_the_cursor_stands_and_the_cut_frame_is_kept() {
        // Frames of ten bytes of the events 3, 5 and 9.
        let marks =
            [(10, 3), (20, 5), (30, 9)].map(|(end, offset)| Mark { end, offset, frames: 1 });
        let cases = [
            (0, 2, 0, 0),
            (1, 3, 9, 1),
            (10, 4, 0, 1),
            (15, 5, 5, 2),
            (20, 8, 0, 2),
            (29, 9, 1, 3),
        ];
        for (written, cursor, kept, delivered) in cases {
            let mut press = Press::new(0);
            press.sheet = vec![7; 30];
            press.marks = marks.to_vec();
            let (mut socket, _theirs) = socket();

            let printed = press.remember(&mut socket, written);

            assert_eq!(printed, Printed::UpTo(cursor), "{written}");
            assert_eq!(socket.waiting(), kept, "{written}");
            assert_eq!(press.tally.delivered, delivered, "{written}");
        }
    }

    #[tokio::test]
    async fn events_up_to_the_floor_are_not_told_again() {
        let stage = Stage::new(DeliveryConfig::default()).await;
        let context = Context::new(
            Arc::clone(&stage.house),
            Arc::default(),
            tokio::runtime::Handle::current(),
            1,
        );
        let subscription = Arc::new(stage.subscription("https://example.com"));
        let wants = FilterSet::of(&subscription.filters);
        let mut events = Vec::new();
        for _ in 0..3 {
            events.push(Arc::new(Outgoing::repeated(stage.toggle(2).await)));
        }
        let (mut socket, theirs) = socket();
        socket.subscriber = Some(Box::new(Subscriber::new(subscription, wants, 0, 0)));

        let mut press = Press::new(0);
        let printed = press.print(&context, &mut socket, events.iter(), 2, Told::Live);

        assert_eq!(printed, Ok(Printed::All));
        let mut bytes = vec![0; 65_536];
        let count = std::io::Read::read(&mut &theirs, &mut bytes).expect("readable");
        let text = String::from_utf8_lossy(&bytes[..count]);
        let told = |sequence: Sequence| text.contains(&format!("\"sequence\":{sequence},\"pre"));
        assert_eq!([1, 2, 3].map(|it| told(Sequence(it))), [false, false, true], "{text}");
    }
}
