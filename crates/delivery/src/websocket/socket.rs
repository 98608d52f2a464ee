//! One socket: its stream, what could not be written yet, and where it stands.
//!
//! Idle it holds no buffer: what was read incompletely and what could not be written are boxes that
//! exist only meanwhile.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::num::NonZeroU32;
use std::sync::Arc;

use lampfield_core::directory::Session;
use lampfield_core::{SessionId, SubscriptionId, Timestamp};
use mio::net::TcpStream;
use uuid::Uuid;

use crate::websocket::codec::{Inbox, Opcode, append_close, append_control};
use crate::websocket::subscriber::Subscriber;

/// An open socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    /// Which of the sockets of its slot it is.
    pub(super) life: u32,
    /// Its id: `RCRequestId`s are made from it.
    pub(super) connection: Uuid,
    /// The log-in; none for one that is refused.
    pub(super) session: Option<Arc<Session>>,
    /// The log-in for which it is counted.
    pub(super) counted_for: Option<SessionId>,
    pub(super) inbox: Option<Box<Inbox>>,
    backlog: Option<Box<Backlog>>,
    /// The kernel took less than it was given: wait until it says that there is room.
    pub(super) is_blocked: bool,
    pub(super) phase: Phase,
    pub(super) subscriber: Option<Box<Subscriber>>,
    /// Notifications wait for the pong to this ping.
    pub(super) hold: Option<NonZeroU32>,
    /// The number of the newest ping.
    pub(super) pings: u32,
    /// The number of the newest recovery token.
    pub(super) number: u32,
    /// Requests under way.
    pub(super) requests: u32,
    /// Requests that there were.
    pub(super) requests_total: u32,
    /// Frames that could not be understood.
    pub(super) faults: u32,
    pub(super) opened_at: Timestamp,
    /// When anything came from the client.
    pub(super) heard_at: Timestamp,
    /// When the newest ping was sent.
    pub(super) pinged_at: Timestamp,
    /// When the kernel last had room again after it was full.
    pub(super) moved_at: Timestamp,
}

/// Where a socket's life stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// In use.
    Open,
    /// A close frame was written; until then its answer or end is awaited.
    Closing {
        /// When it is dropped without one.
        until: Timestamp,
        /// The peer closed first: nothing is awaited but that everything is written.
        is_answer: bool,
    },
}

/// Bytes that the kernel did not take.
#[derive(Debug)]
struct Backlog {
    bytes: Vec<u8>,
    written: usize,
}

/// The socket is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost;

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    /// So many bytes.
    Bytes(usize),
    /// Nothing now.
    Nothing,
    /// The peer will send no more.
    End,
}

impl Socket {
    /// Takes over a stream. The log-in is set later, when it is known that it is let in.
    pub(super) fn new(stream: TcpStream, life: u32, now: Timestamp) -> Self {
        Self {
            stream,
            life,
            connection: Uuid::new_v4(),
            session: None,
            counted_for: None,
            inbox: None,
            backlog: None,
            is_blocked: false,
            phase: Phase::Open,
            subscriber: None,
            hold: None,
            pings: 0,
            number: 0,
            requests: 0,
            requests_total: 0,
            faults: 0,
            opened_at: now,
            heard_at: now,
            pinged_at: now,
            moved_at: now,
        }
    }

    /// Tells whether notifications may be written now.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_blocked
            && self.backlog.is_none()
            && self.hold.is_none()
            && self.phase == Phase::Open
    }

    /// Returns the subscription that lives on it.
    pub(super) fn subscription(&self) -> Option<SubscriptionId> {
        self.subscriber.as_ref().map(|subscriber| subscriber.subscription.id)
    }

    /// Writes as much as the kernel takes; returns how much. Only while nothing waits.
    pub(super) fn write_now(&mut self, bytes: &[u8]) -> Result<usize, Lost> {
        let mut written = 0;
        while written < bytes.len() {
            match self.stream.write(&bytes[written..]) {
                Ok(0) => return Err(Lost),
                Ok(count) => written += count,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => {
                        self.is_blocked = true;
                        return Ok(written);
                    }
                    ErrorKind::Interrupted => {}
                    _ => return Err(Lost),
                },
            }
        }
        Ok(written)
    }

    /// Keeps the rest of a frame that the kernel took in part.
    pub(super) fn keep(&mut self, rest: &[u8]) {
        debug_assert!(self.backlog.is_none(), "frames do not overtake");
        self.backlog = Some(Box::new(Backlog { bytes: rest.to_vec(), written: 0 }));
    }

    /// Returns how many bytes wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.backlog.as_ref().map_or(0, |backlog| backlog.bytes.len() - backlog.written)
    }

    /// Writes whole frames behind everything that waits; at most `waiting_max` bytes may wait then.
    pub(super) fn send(&mut self, frames: &[u8], waiting_max: usize) -> Result<(), Lost> {
        if let Some(backlog) = &mut self.backlog {
            if backlog.bytes.len() - backlog.written + frames.len() > waiting_max {
                return Err(Lost);
            }
            backlog.bytes.extend_from_slice(frames);
            return Ok(());
        }
        let written = if self.is_blocked { 0 } else { self.write_now(frames)? };
        let rest = &frames[written..];
        if rest.len() > waiting_max {
            return Err(Lost);
        }
        if !rest.is_empty() {
            self.keep(rest);
        }
        Ok(())
    }

    /// Writes what waited, now that the kernel may have room.
    pub(super) fn flush(&mut self, now: Timestamp) -> Result<(), Lost> {
        self.is_blocked = false;
        self.moved_at = now;
        let Some(mut backlog) = self.backlog.take() else { return Ok(()) };
        backlog.written += self.write_now(&backlog.bytes[backlog.written..])?;
        if backlog.written < backlog.bytes.len() {
            self.backlog = Some(backlog);
        }
        Ok(())
    }

    /// Reads what has come.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<Got, Lost> {
        loop {
            match self.stream.read(into) {
                Ok(0) => return Ok(Got::End),
                Ok(count) => return Ok(Got::Bytes(count)),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(Got::Nothing),
                    ErrorKind::Interrupted => {}
                    _ => return Err(Lost),
                },
            }
        }
    }

    /// Appends a ping and returns its number, which its pong bears.
    pub(super) fn ping(&mut self, out: &mut Vec<u8>, now: Timestamp) -> NonZeroU32 {
        self.pings = self.pings.wrapping_add(1).max(1);
        self.pinged_at = now;
        append_control(out, Opcode::Ping, &self.pings.to_be_bytes());
        NonZeroU32::new(self.pings).unwrap_or(NonZeroU32::MIN)
    }

    /// Takes a pong; tells whether it ends the hold. A later ping's pong stands for earlier ones
    /// (RFC 6455, 5.5.3).
    pub(super) fn pong(&mut self, payload: &[u8]) -> bool {
        let Ok(number) = <[u8; 4]>::try_from(payload).map(u32::from_be_bytes) else { return false };
        match self.hold {
            Some(hold) if (hold.get()..=self.pings).contains(&number) => {
                self.hold = None;
                true
            }
            _ => false,
        }
    }

    /// Writes a close frame behind everything that waits and stops to take anything else.
    pub(super) fn close(
        &mut self,
        code: u16,
        reason: &str,
        waiting_max: usize,
        until: Timestamp,
    ) -> Result<(), Lost> {
        if self.phase != Phase::Open {
            return Ok(());
        }
        let mut frame = Vec::new();
        append_close(&mut frame, code, reason);
        self.phase = Phase::Closing { until, is_answer: false };
        self.hold = None;
        self.send(&frame, waiting_max + frame.len())
    }

    /// Tells whether everything was written and nothing more is awaited. Ends our side of the
    /// stream as soon as the close frame is on its way.
    pub(super) fn is_over(&self) -> io::Result<bool> {
        let Phase::Closing { is_answer, .. } = self.phase else { return Ok(false) };
        if self.backlog.is_some() {
            return Ok(false);
        }
        if !is_answer {
            // Dropping the stream now could take the close frame from the peer: what it sent and
            // nobody read makes the kernel reset the connection.
            self.stream.shutdown(Shutdown::Write)?;
        }
        Ok(is_answer)
    }
}
