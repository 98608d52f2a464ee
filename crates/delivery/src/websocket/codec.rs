//! RFC 6455 frames, the server's side, without I/O.
//!
//! Clients' frames are decoded in place and put together to messages; frames to clients are one
//! piece and unmasked. No extensions: per-socket compression would make shared bytes impossible.

use std::str;

/// The longest payload of a control frame.
const CONTROL_MAX: usize = 125;
/// The longest header of a frame to a client.
const HEADER_MAX: usize = 10;
/// The longest header of a frame whose length fits 16 bits; nearly every frame is such.
const HEADER_USUAL: usize = 4;

/// Close codes (RFC 6455, 7.4.1; contract 8.8).
pub(crate) mod close {
    /// All is well; also an old socket whose session was recovered on a new one.
    pub(crate) const NORMAL: u16 = 1000;
    /// The server stops.
    pub(crate) const GOING_AWAY: u16 = 1001;
    /// The peer broke the protocol.
    pub(crate) const PROTOCOL: u16 = 1002;
    /// A binary message.
    pub(crate) const UNSUPPORTED: u16 = 1003;
    /// A text that is not UTF-8.
    pub(crate) const INVALID_TEXT: u16 = 1007;
    /// A revoked or unknown token, a limit of the session.
    pub(crate) const POLICY: u16 = 1008;
    /// A message beyond the limit.
    pub(crate) const TOO_BIG: u16 = 1009;
    /// The server cannot go on with this socket.
    pub(crate) const INTERNAL: u16 = 1011;
    /// The server has too much to do.
    pub(crate) const OVERLOAD: u16 = 1013;
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    /// A further part of a message.
    Continuation,
    /// A text message, or its first part.
    Text,
    /// A binary message, or its first part.
    Binary,
    /// The peer closes.
    Close,
    /// The peer asks for a pong.
    Ping,
    /// The answer to a ping.
    Pong,
}

impl Opcode {
    const fn parse(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    const fn is_control(self) -> bool {
        self.bits() & 8 != 0
    }
}

/// Why a socket must be closed: the peer broke a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Fault {
    /// The close code.
    pub(crate) code: u16,
    /// The reason in the close frame.
    pub(crate) reason: &'static str,
}

const fn broken(reason: &'static str) -> Fault {
    Fault { code: close::PROTOCOL, reason }
}

/// What came from the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A whole text message.
    Text(String),
    /// A ping; the payload is to be sent back.
    Ping(Vec<u8>),
    /// A pong with its payload.
    Pong(Vec<u8>),
    /// The peer closes; with its code if it gave one.
    Close(Option<u16>),
}

/// The header of a client's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    is_final: bool,
    opcode: Opcode,
    mask: [u8; 4],
    payload: usize,
    /// Bytes of the header itself.
    len: usize,
}

impl Header {
    /// Decodes a header; `None` while it is not complete. Says what is wrong as early as it shows.
    fn decode(bytes: &[u8], payload_max: usize) -> Result<Option<Self>, Fault> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(broken("reserved bits are set"));
        }
        let opcode = Opcode::parse(first & 0x0f).ok_or(broken("unknown opcode"))?;
        let is_final = first & 0x80 != 0;
        if second & 0x80 == 0 {
            return Err(broken("a client's frame is not masked"));
        }
        let short = second & 0x7f;
        if opcode.is_control() && (!is_final || usize::from(short) > CONTROL_MAX) {
            return Err(broken("a control frame is fragmented or too long"));
        }
        let Some((length, rest)) = decode_length(short, rest)? else { return Ok(None) };
        let payload = usize::try_from(length).unwrap_or(usize::MAX);
        if payload > payload_max.max(CONTROL_MAX) {
            return Err(Fault { code: close::TOO_BIG, reason: "message is too big" });
        }
        let Some((mask, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let len = bytes.len() - rest.len();
        Ok(Some(Self { is_final, opcode, mask: *mask, payload, len }))
    }
}

/// Decodes the length, of which `short` is the first seven bits.
fn decode_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Fault> {
    let (length, least, rest) = match short {
        126 => match rest.split_first_chunk::<2>() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), 126, rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((length, rest)) => (u64::from_be_bytes(*length), 1 << 16, rest),
            None => return Ok(None),
        },
        short => (u64::from(short), 0, rest),
    };
    if length < least || length >> 63 != 0 {
        return Err(broken("a length is not written in its shortest form"));
    }
    Ok(Some((length, rest)))
}

/// Undoes (or does) the masking of a payload.
pub(crate) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u64::from(u32::from_ne_bytes(mask));
    let word = word << 32 | word;
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Ok(bytes) = <&mut [u8; 8]>::try_from(chunk) {
            *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// What has come of a frame or message that is not complete. Holds memory only meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Bytes of an incomplete frame, as they came.
    raw: Vec<u8>,
    /// The parts of a fragmented text that came so far.
    text: Option<Vec<u8>>,
}

impl Inbox {
    /// Tells whether nothing is incomplete.
    pub(crate) const fn is_empty(&self) -> bool {
        self.raw.is_empty() && self.text.is_none()
    }

    /// Takes bytes as they were read, appends what became complete to `incoming`. A message has at
    /// most `message_max` bytes.
    ///
    /// # Errors
    /// [`Fault`] when the peer broke a rule; `incoming` has what came before that, and the inbox
    /// must not be used any more.
    pub(crate) fn take(
        &mut self,
        bytes: &mut [u8],
        message_max: usize,
        incoming: &mut Vec<Incoming>,
    ) -> Result<(), Fault> {
        if self.raw.is_empty() {
            let used = self.frames(bytes, message_max, incoming)?;
            self.raw.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        let mut raw = std::mem::take(&mut self.raw);
        raw.extend_from_slice(bytes);
        let used = self.frames(&mut raw, message_max, incoming)?;
        if used < raw.len() {
            raw.drain(..used);
            self.raw = raw;
        }
        Ok(())
    }

    /// Takes the complete frames at the beginning of `bytes`; returns their length.
    fn frames(
        &mut self,
        bytes: &mut [u8],
        message_max: usize,
        incoming: &mut Vec<Incoming>,
    ) -> Result<usize, Fault> {
        let mut used = 0;
        loop {
            let rest = &mut bytes[used..];
            let Some(header) = Header::decode(rest, message_max)? else { return Ok(used) };
            self.check(&header, message_max)?;
            let end = header.len + header.payload;
            let Some(payload) = rest.get_mut(header.len..end) else { return Ok(used) };
            unmask(payload, header.mask);
            self.frame(&header, payload, incoming)?;
            used += end;
        }
    }

    /// Refuses what cannot follow, before its payload is waited for.
    fn check(&self, header: &Header, message_max: usize) -> Result<(), Fault> {
        match (header.opcode, &self.text) {
            (Opcode::Binary, _) => Err(Fault {
                code: close::UNSUPPORTED,
                reason: "binary messages are not understood",
            }),
            (Opcode::Continuation, None) => Err(broken("nothing to continue")),
            (Opcode::Text, Some(_)) => Err(broken("the message before is not complete")),
            (Opcode::Continuation, Some(text)) if text.len() + header.payload > message_max => {
                Err(Fault { code: close::TOO_BIG, reason: "message is too big" })
            }
            _ => Ok(()),
        }
    }

    fn frame(
        &mut self,
        header: &Header,
        payload: &[u8],
        incoming: &mut Vec<Incoming>,
    ) -> Result<(), Fault> {
        match header.opcode {
            Opcode::Ping => incoming.push(Incoming::Ping(payload.to_vec())),
            Opcode::Pong => incoming.push(Incoming::Pong(payload.to_vec())),
            Opcode::Close => incoming.push(Incoming::Close(decode_close(payload)?)),
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                let mut text = self.text.take().unwrap_or_default();
                text.extend_from_slice(payload);
                if header.is_final {
                    let text = String::from_utf8(text).map_err(|_| INVALID_TEXT)?;
                    incoming.push(Incoming::Text(text));
                } else {
                    self.text = Some(text);
                }
            }
        }
        Ok(())
    }
}

const INVALID_TEXT: Fault = Fault { code: close::INVALID_TEXT, reason: "text is not UTF-8" };

fn decode_close(payload: &[u8]) -> Result<Option<u16>, Fault> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(broken("half a close code")) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(broken("a close code that may not be sent"));
    }
    str::from_utf8(reason).map_err(|_| INVALID_TEXT)?;
    Ok(Some(code))
}

/// Begins a text frame at the end of `out`: its payload is appended next, then [`end_text`] is
/// called with the returned place.
pub(crate) fn begin_text(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_USUAL]);
    start
}

/// Ends a text frame that was begun at `start`: writes its header.
pub(crate) fn end_text(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start - HEADER_USUAL;
    let (header, used) = header(Opcode::Text, length);
    if used == HEADER_USUAL {
        out[start..start + HEADER_USUAL].copy_from_slice(&header[..used]);
    } else {
        out.splice(start..start + HEADER_USUAL, header[..used].iter().copied());
    }
}

/// Appends a close frame; the reason is cut to what a control frame holds.
pub(crate) fn append_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let mut end = reason.len().min(CONTROL_MAX - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = &reason.as_bytes()[..end];
    append_header(out, Opcode::Close, 2 + reason.len());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason);
}

/// Appends a ping or pong; the payload is cut to what a control frame holds.
pub(crate) fn append_control(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    let payload = &payload[..payload.len().min(CONTROL_MAX)];
    append_header(out, opcode, payload.len());
    out.extend_from_slice(payload);
}

fn append_header(out: &mut Vec<u8>, opcode: Opcode, length: usize) {
    let (header, used) = header(opcode, length);
    out.extend_from_slice(&header[..used]);
}

#[expect(clippy::cast_possible_truncation, reason = "each arm has room for its lengths")]
fn header(opcode: Opcode, length: usize) -> ([u8; HEADER_MAX], usize) {
    let mut header = [0; HEADER_MAX];
    header[0] = 0x80 | opcode.bits();
    match length {
        0..=CONTROL_MAX => {
            header[1] = length as u8;
            (header, 2)
        }
        126..=0xffff => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(length as u16).to_be_bytes());
            (header, 4)
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(length as u64).to_be_bytes());
            (header, 10)
        }
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
