//! A client that shows every frame, and answers pings only when it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No test waits longer for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// What came from the server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// A text frame: meta and body.
    Frame(Value, Value),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// Code and reason.
    Close(u16, String),
    /// The connection ended.
    End,
}

pub(super) struct Wire {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// Whether pings are answered.
    pub(super) answers: bool,
}

impl Wire {
    /// Opens a socket; `query` is what stands behind `?`.
    pub(super) async fn open(server: SocketAddr, query: &str) -> Self {
        Self::open_with(server, query, b"").await
    }

    /// Opens a socket and sends `early` in the same write as the handshake.
    pub(super) async fn open_with(server: SocketAddr, query: &str, early: &[u8]) -> Self {
        let mut stream = TcpStream::connect(server).await.unwrap();
        let mut request = format!(
            "GET /ws?{query} HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(early);
        stream.write_all(&request).await.unwrap();
        let mut wire = Self { stream, bytes: Vec::new(), answers: true };
        let head = loop {
            if let Some(end) = wire.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break wire.bytes.drain(..end + 4).collect::<Vec<_>>();
            }
            assert!(wire.more().await, "the server hung up");
        };
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        wire
    }

    /// Reads more; tells whether there was any.
    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.bytes);
        matches!(timeout(PATIENCE, read).await.expect("nothing comes"), Ok(1..))
    }

    /// Returns the next frame of any kind.
    pub(super) async fn see(&mut self) -> Seen {
        loop {
            if let Some(seen) = self.parse() {
                if let Seen::Ping(payload) = &seen
                    && self.answers
                {
                    self.send(0x8a, payload).await;
                }
                return seen;
            }
            if !self.more().await {
                return Seen::End;
            }
        }
    }

    /// Returns the next text frame, close or end.
    pub(super) async fn next(&mut self) -> Seen {
        loop {
            match self.see().await {
                Seen::Ping(_) | Seen::Pong(_) => {}
                seen => return seen,
            }
        }
    }

    /// Returns the next text frame.
    pub(super) async fn frame(&mut self) -> (Value, Value) {
        match self.next().await {
            Seen::Frame(meta, body) => (meta, body),
            other => panic!("no frame but {other:?}"),
        }
    }

    /// Returns the next text frame of a type; others of known types are passed over.
    pub(super) async fn frame_of(&mut self, kind: &str) -> (Value, Value) {
        loop {
            let (meta, body) = self.frame().await;
            if meta["type"] == kind {
                return (meta, body);
            }
        }
    }

    /// Returns the next `count` notifications.
    pub(super) async fn notifications(&mut self, count: usize) -> Vec<(Value, Value)> {
        let mut found = Vec::new();
        while found.len() < count {
            found.push(self.frame_of("ServerNotification").await);
        }
        found
    }

    /// Returns what the server had to say up to now. A loop hears before it tells, so that the answer
    /// to a second heartbeat comes after everything that was committed before the first.
    pub(super) async fn everything(&mut self) -> Vec<Seen> {
        let mut all = Vec::new();
        for id in ["one", "two"] {
            self.text(&format!(r#"[{{"type":"Heartbeat","messageId":"{id}"}}]"#)).await;
            loop {
                match self.see().await {
                    Seen::Frame(meta, _) if meta["messageId"] == id => break,
                    Seen::End => panic!("the server hung up: {all:?}"),
                    seen => all.push(seen),
                }
            }
        }
        all
    }

    pub(super) async fn text(&mut self, text: &str) {
        self.send(0x81, text.as_bytes()).await;
    }

    /// Sends a request and returns its answer; what comes before it is passed over.
    pub(super) async fn ask(&mut self, method: &str, path: &str, body: &str) -> (Value, Value) {
        let id = format!("{method} {path}/0");
        let body = if body.is_empty() { String::new() } else { format!(",{body}") };
        self.text(&format!(
            r#"[{{"type":"ClientRequest","messageId":"{id}","method":"{method}","path":"{path}"}}{body}]"#
        ))
        .await;
        loop {
            let (meta, body) = self.frame_of("ClientRequest").await;
            if meta["messageId"] == id {
                return (meta, body);
            }
        }
    }

    /// Sends one masked frame.
    pub(super) async fn send(&mut self, first: u8, payload: &[u8]) {
        let _ = self.stream.write_all(&masked(first, payload)).await;
    }

    fn parse(&mut self) -> Option<Seen> {
        let &[first, second, ref rest @ ..] = self.bytes.as_slice() else { return None };
        assert_eq!(second & 0x80, 0, "a server's frame is not masked");
        let (length, head) = match second {
            126 => (u64::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?)), 4),
            127 => (u64::from_be_bytes(rest.get(..8)?.try_into().ok()?), 10),
            short => (u64::from(short), 2),
        };
        let end = head + usize::try_from(length).unwrap();
        let payload = self.bytes.get(head..end)?.to_vec();
        self.bytes.drain(..end);
        Some(match first {
            0x81 => text_frame(&payload),
            0x88 => {
                let code = u16::from_be_bytes(payload[..2].try_into().unwrap());
                Seen::Close(code, String::from_utf8(payload[2..].to_vec()).unwrap())
            }
            0x89 => Seen::Ping(payload),
            0x8a => Seen::Pong(payload),
            other => panic!("a frame of kind {other:#x}"),
        })
    }
}

fn text_frame(payload: &[u8]) -> Seen {
    let mut parts: Vec<Value> = serde_json::from_slice(payload).unwrap();
    assert!((1..=2).contains(&parts.len()), "{parts:?}");
    let body = if parts.len() == 2 { parts.remove(1) } else { Value::Null };
    Seen::Frame(parts.remove(0), body)
}

/// A client's frame, masked.
pub(super) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [9, 8, 7, 6];
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
        long => {
            frame.push(0x80 + 126);
            frame.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
