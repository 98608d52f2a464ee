//! A readiness loop: one thread, its sockets, and what it is told from outside.
//!
//! Everything about a socket happens here, on one thread, in order. Whoever wants something of it
//! leaves a [`Command`]; committed events come as lanes that moved. Neither queue can grow without
//! bound: a lane stands in it once, and commands answer what a socket has under way.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::TcpStream as StdStream;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use foldhash::fast::RandomState;
use lampfield_core::{AccountId, SessionId, SubscriptionId, Timestamp};
use mio::{Events, Interest, Poll, Token, Waker};
use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::oneshot;

use crate::feed::{Lane, LaneWatcher};
use crate::gateway::SocketAnswer;
use crate::websocket::codec::{Incoming, close};
use crate::websocket::context::Context;
use crate::websocket::opening::Opening;
use crate::websocket::press::Press;
use crate::websocket::reading::ReadPage;
use crate::websocket::roster::SocketKey;
use crate::websocket::socket::{Got, Phase, Socket};
use crate::websocket::subscriber::Watched;

const WAKER: Token = Token(usize::MAX);
/// Readiness events taken at a time.
const EVENTS_MAX: usize = 1024;
/// Bytes read from a socket at a time; also what a socket may send before others have their turn.
const READ_MAX: usize = 64 << 10;
/// The loop looks at the clock at least this often.
const TICK: Duration = Duration::from_millis(250);
/// How long sockets may take to close when the server stops.
pub(super) const STOP_WITHIN: Duration = Duration::from_secs(3);
/// The wait before a loop that failed begins again.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What a shard is asked to do.
pub(crate) enum Command {
    /// Take over a socket.
    Open(Box<Opening>),
    /// Write the answer to a request.
    Answer { socket: SocketKey, message_id: String, answer: Box<SocketAnswer> },
    /// Go on with a page that was read for a socket that was behind.
    Page { socket: SocketKey, subscription: SubscriptionId, page: Option<ReadPage> },
    /// Close a socket, since its subscription was recovered on another.
    Supersede { socket: SocketKey, subscription: SubscriptionId },
    /// A subscription was changed or removed by somebody else: look it up.
    Refresh { socket: SocketKey, subscription: SubscriptionId },
    /// Close the sockets of a log-in that was revoked.
    Revoke(SessionId),
    /// Fail, to see what comes of it.
    #[cfg(test)]
    Fail,
    /// Close all sockets and end; tell when it is done.
    Stop(oneshot::Sender<()>),
}

/// How a shard is reached.
pub(crate) struct ShardHandle {
    pub(super) index: u16,
    mailbox: Mutex<Mailbox>,
    /// The shard was woken and has not looked yet.
    is_woken: AtomicBool,
    waker: Waker,
    /// Where the sockets stand that were behind at the last tick.
    pub(super) laggards: Mutex<Vec<Laggard>>,
}

/// A socket that is behind.
#[derive(Debug, Clone)]
pub(crate) struct Laggard {
    pub(crate) subscription: SubscriptionId,
    pub(crate) lane: Arc<Lane>,
    pub(crate) cursor: u64,
}

impl Laggard {
    /// Returns whose it is and by how many events it is behind.
    pub(crate) fn lag(&self) -> (SubscriptionId, u64) {
        (self.subscription, self.lane.head().saturating_sub(self.cursor))
    }
}

#[derive(Default)]
struct Mailbox {
    commands: Vec<Command>,
    moved: Vec<Arc<Lane>>,
    is_closed: bool,
}

impl ShardHandle {
    /// Leaves a command. Once the loop has ended nothing comes of it; a socket that was to be opened
    /// is closed.
    pub(crate) fn send(&self, command: Command) {
        let mut mailbox = self.mailbox.lock();
        if mailbox.is_closed {
            return;
        }
        mailbox.commands.push(command);
        drop(mailbox);
        self.wake();
    }

    /// Takes no more commands and forgets those that were left.
    fn shut(&self) {
        let shut = Mailbox { is_closed: true, ..Mailbox::default() };
        let left = std::mem::replace(&mut *self.mailbox.lock(), shut);
        drop(left);
    }

    fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel)
            && let Err(error) = self.waker.wake()
        {
            tracing::error!(%error, "a readiness loop cannot be woken");
        }
    }

    fn collect(&self) -> Mailbox {
        // Looked after the flag is lowered: whatever comes later wakes again.
        self.is_woken.store(false, Ordering::Release);
        std::mem::take(&mut *self.mailbox.lock())
    }
}

impl LaneWatcher for ShardHandle {
    fn moved(&self, mut lanes: Vec<Arc<Lane>>) {
        let mut mailbox = self.mailbox.lock();
        if mailbox.is_closed {
            return;
        }
        mailbox.moved.append(&mut lanes);
        drop(mailbox);
        self.wake();
    }
}

impl fmt::Debug for ShardHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardHandle").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A readiness loop.
pub(super) struct Shard {
    pub(super) context: Arc<Context>,
    pub(super) handle: Arc<ShardHandle>,
    poll: Poll,
    pub(super) sockets: Slab<Socket>,
    /// How many sockets there have been.
    lives: u32,
    pub(super) accounts: HashMap<AccountId, Watched, RandomState>,
    pub(super) press: Press,
    /// Where frames other than notifications are written first.
    pub(super) out: Vec<u8>,
    input: Box<[u8]>,
    incoming: Vec<Incoming>,
    /// What is still to be done of what it was asked; a fault in one command loses no other.
    commands: VecDeque<Command>,
    /// Lanes that have more to tell than a round.
    pub(super) unfinished: Vec<Arc<Lane>>,
    /// Sockets whose followed lists changed in this round.
    pub(super) to_relist: Vec<usize>,
    /// Sockets that had more to read than their turn allowed.
    unread: Vec<SocketKey>,
    /// Held sockets, by the moment at which they are held no longer.
    pub(super) holds: VecDeque<Hold>,
    pub(super) ticked_at: Timestamp,
    stopping: Option<Stopping>,
}

/// A socket whose notifications wait for a pong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    pub(super) until: Timestamp,
    pub(super) socket: SocketKey,
    pub(super) ping: NonZeroU32,
}

struct Stopping {
    done: Option<oneshot::Sender<()>>,
    until: Timestamp,
}

/// Makes a shard: its handle, and the loop to be run on a thread of its own.
pub(super) fn make(index: u16) -> io::Result<(Arc<ShardHandle>, Poll)> {
    let poll = Poll::new()?;
    let handle = ShardHandle {
        index,
        mailbox: Mutex::default(),
        is_woken: AtomicBool::new(false),
        waker: Waker::new(poll.registry(), WAKER)?,
        laggards: Mutex::default(),
    };
    Ok((Arc::new(handle), poll))
}

impl Shard {
    pub(super) fn new(context: Arc<Context>, handle: Arc<ShardHandle>, poll: Poll) -> Self {
        let ticked_at = context.now();
        let press = Press::new(usize::from(handle.index));
        Self {
            context,
            handle,
            poll,
            sockets: Slab::new(),
            lives: 0,
            accounts: HashMap::default(),
            press,
            out: Vec::new(),
            input: vec![0; READ_MAX].into_boxed_slice(),
            incoming: Vec::new(),
            commands: VecDeque::new(),
            unfinished: Vec::new(),
            to_relist: Vec::new(),
            unread: Vec::new(),
            holds: VecDeque::new(),
            ticked_at,
            stopping: None,
        }
    }

    /// Runs until it is stopped. A fault of ours costs the sockets of this shard a reconnection: they
    /// are closed, their subscriptions wait, and the loop begins again.
    pub(super) fn run(mut self) {
        while catch_unwind(AssertUnwindSafe(|| self.turn())).is_err() {
            tracing::error!(shard = self.handle.index, "a readiness loop failed; it begins again");
            self.begin_again();
            thread::sleep(BEGIN_AGAIN_AFTER);
        }
        for account in self.accounts.values() {
            account.lane.unwatch(usize::from(self.handle.index));
        }
        self.handle.shut();
        if let Some(done) = self.stopping.and_then(|stopping| stopping.done) {
            let _ = done.send(());
        }
    }

    /// Drops everything that may be half done.
    fn begin_again(&mut self) {
        let index = self.handle.index;
        let now = self.context.now();
        for account in std::mem::take(&mut self.accounts).into_values() {
            account.lane.unwatch(usize::from(index));
        }
        for (slot, socket) in std::mem::take(&mut self.sockets) {
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            let key = SocketKey { shard: index, slot, life: socket.life };
            if let Some(id) = socket.subscription() {
                self.context.roster.detach(id, key, None, now);
            }
            self.context.roster.leave(socket.counted_for);
        }
        self.press = Press::new(usize::from(index));
        self.input = vec![0; READ_MAX].into_boxed_slice();
        self.incoming.clear();
        self.unfinished.clear();
        self.to_relist.clear();
        self.unread.clear();
        self.holds.clear();
    }

    /// Goes round until it is stopped.
    fn turn(&mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.is_stopped() {
            let is_busy = !self.unread.is_empty() || !self.unfinished.is_empty();
            let timeout = if is_busy { Duration::ZERO } else { self.patience() };
            if let Err(error) = self.poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, shard = self.handle.index, "readiness cannot be polled");
                break;
            }
            for event in &events {
                if event.token() != WAKER {
                    let is_readable =
                        event.is_readable() || event.is_read_closed() || event.is_error();
                    self.ready(event.token().0, is_readable, event.is_writable());
                }
            }
            for socket in std::mem::take(&mut self.unread) {
                if let Some(slot) = self.slot(socket) {
                    self.read(slot);
                }
            }
            let Mailbox { commands, moved, is_closed: _ } = self.handle.collect();
            self.commands.extend(commands);
            while let Some(command) = self.commands.pop_front() {
                self.obey(command);
            }
            let unfinished = std::mem::take(&mut self.unfinished);
            for lane in unfinished.iter().chain(&moved) {
                self.lane_moved(lane);
            }
            self.tick();
            self.press.book(&self.context.metrics);
        }
    }

    /// How long nothing may happen: until the next tick, or until somebody is held no longer.
    fn patience(&self) -> Duration {
        let held = self.holds.front().map(|hold| hold.until.since(self.context.now()));
        held.map_or(TICK, |held| held.clamp(Duration::from_millis(1), TICK))
    }

    fn is_stopped(&self) -> bool {
        self.stopping
            .as_ref()
            .is_some_and(|stopping| self.sockets.is_empty() || self.context.now() >= stopping.until)
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Open(opening) => self.open(*opening),
            Command::Answer { socket, message_id, answer } => {
                self.answer(socket, &message_id, *answer);
            }
            Command::Page { socket, subscription, page } => self.page(socket, subscription, page),
            Command::Supersede { socket, subscription } => self.supersede(socket, subscription),
            Command::Refresh { socket, subscription } => self.refresh(socket, subscription),
            Command::Revoke(session) => self.revoke(session),
            #[cfg(test)]
            Command::Fail => panic!("as told by a test"),
            Command::Stop(done) => self.stop(done),
        }
    }

    fn stop(&mut self, done: oneshot::Sender<()>) {
        let until = self.context.now().after(STOP_WITHIN);
        self.stopping = Some(Stopping { done: Some(done), until });
        for slot in self.slots() {
            self.close(slot, close::GOING_AWAY, "server stops");
        }
    }

    pub(super) const fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Puts a stream into the slab and under the eyes of the poll.
    pub(super) fn admit(&mut self, stream: StdStream) -> io::Result<usize> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        let entry = self.sockets.vacant_entry();
        let slot = entry.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(slot), interest)?;
        self.lives = self.lives.wrapping_add(1);
        entry.insert(Socket::new(stream, self.lives, self.context.now()));
        Ok(slot)
    }

    /// Drops a socket: everything about it ends, but its subscription waits for its client.
    pub(super) fn drop_socket(&mut self, slot: usize) {
        if !self.sockets.contains(slot) {
            return;
        }
        self.detach(slot);
        let mut socket = self.sockets.remove(slot);
        if let Err(error) = self.poll.registry().deregister(&mut socket.stream) {
            tracing::debug!(%error, "a socket could not be taken from the poll");
        }
        self.context.roster.leave(socket.counted_for);
    }

    /// Returns the slot of a socket that is still there.
    pub(super) fn slot(&self, key: SocketKey) -> Option<usize> {
        let slot = usize::try_from(key.slot).ok()?;
        self.sockets.get(slot).filter(|socket| socket.life == key.life).map(|_| slot)
    }

    /// Returns the key of a socket.
    #[expect(clippy::cast_possible_truncation, reason = "a shard has fewer than 2^32 sockets")]
    pub(super) fn key(&self, slot: usize) -> SocketKey {
        let life = self.sockets.get(slot).map_or(0, |socket| socket.life);
        SocketKey { shard: self.handle.index, slot: slot as u32, life }
    }

    /// Returns the slots of all sockets.
    pub(super) fn slots(&self) -> Vec<usize> {
        self.sockets.iter().map(|(slot, _)| slot).collect()
    }

    fn ready(&mut self, slot: usize, is_readable: bool, is_writable: bool) {
        if is_writable {
            self.writable(slot);
        }
        if is_readable {
            self.read(slot);
        }
    }

    /// Goes on writing, now that there is room: what waited, then what the socket has missed.
    fn writable(&mut self, slot: usize) {
        let now = self.context.now();
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        if !socket.is_blocked {
            return;
        }
        if socket.flush(now).is_err() {
            return self.drop_socket(slot);
        }
        if !self.settle(slot) {
            self.resume(slot);
        }
    }

    /// Drops a socket whose closing is complete; tells whether it is closing or gone.
    pub(super) fn settle(&mut self, slot: usize) -> bool {
        let Some(socket) = self.sockets.get(slot) else { return true };
        if let Ok(false) = socket.is_over() {
            return socket.phase != Phase::Open;
        }
        self.drop_socket(slot);
        true
    }

    /// Takes what a client sent right behind its handshake.
    pub(super) fn read_ahead(&mut self, slot: usize, bytes: &Bytes) {
        if !bytes.is_empty() {
            let mut bytes = bytes.to_vec();
            self.take(slot, &mut bytes);
        }
        self.read(slot);
    }

    /// Reads until nothing is left, or its turn is over.
    fn read(&mut self, slot: usize) {
        let mut input = std::mem::take(&mut self.input);
        let mut taken = 0;
        while let Some(socket) = self.sockets.get_mut(slot) {
            match socket.read(&mut input) {
                Ok(Got::Bytes(count)) => {
                    self.take(slot, &mut input[..count]);
                    taken += count;
                }
                Ok(Got::Nothing) => break,
                Ok(Got::End) | Err(_) => {
                    self.drop_socket(slot);
                    break;
                }
            }
            if taken >= READ_MAX {
                let key = self.key(slot);
                self.unread.push(key);
                break;
            }
        }
        self.input = input;
    }

    /// Takes bytes of a client.
    fn take(&mut self, slot: usize, bytes: &mut [u8]) {
        let now = self.context.now();
        let message_max = self.context.config().message_max;
        let Some(socket) = self.sockets.get_mut(slot) else { return };
        let life = socket.life;
        socket.heard_at = now;
        let mut inbox = socket.inbox.take().unwrap_or_default();
        let mut incoming = std::mem::take(&mut self.incoming);
        let result = inbox.take(bytes, message_max, &mut incoming);
        if !inbox.is_empty() && result.is_ok() {
            socket.inbox = Some(inbox);
        }
        for one in incoming.drain(..) {
            if self.sockets.get(slot).is_some_and(|socket| socket.life == life) {
                self.hear(slot, one);
            }
        }
        self.incoming = incoming;
        if let Err(fault) = result
            && self.sockets.get(slot).is_some_and(|socket| socket.life == life)
        {
            self.close(slot, fault.code, fault.reason);
        }
    }
}
