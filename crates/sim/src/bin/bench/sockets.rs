//! Many WebSocket clients in one readiness loop: they subscribe, answer pings and count events.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// What the clients have seen so far, in all.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Text frames received, handshakes and answers included.
    pub(crate) frames: AtomicU64,
    /// Bytes received.
    pub(crate) bytes: AtomicU64,
    /// Sockets that the server closed.
    pub(crate) closed: AtomicU64,
}

/// A crowd of watchers, read by one thread of its own.
#[derive(Debug)]
pub(crate) struct Watchers {
    /// What they have seen.
    pub(crate) seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    newcomers: Sender<Watcher>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

#[derive(Debug)]
struct Watcher {
    stream: TcpStream,
    /// Bytes of a frame that is not whole yet; nothing while idle.
    partial: Vec<u8>,
    /// Whether the answer to the upgrade has been read.
    upgraded: bool,
}

impl Watchers {
    /// Begins with nobody. Each socket that comes sends `hello` (if any) once it is upgraded.
    pub(crate) fn gather(hello: Option<&str>) -> anyhow::Result<Self> {
        let seen = Arc::new(Seen::default());
        let stop = Arc::new(AtomicBool::new(false));
        let (newcomers, doorway) = std::sync::mpsc::channel();
        let hello = hello.map(masked_text);
        let thread = std::thread::Builder::new().name("watchers".to_owned()).spawn({
            let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
            move || run(&doorway, hello.as_deref(), &seen, &stop)
        })?;
        Ok(Self { seen, stop, newcomers, thread: Some(thread) })
    }

    /// Opens `count` more sockets, which upgrade at `path`.
    pub(crate) fn open(&self, address: SocketAddr, count: usize, path: &str) -> anyhow::Result<()> {
        for _ in 0..count {
            self.newcomers.send(Watcher::open(address, path)?).context("the watchers are gone")?;
        }
        Ok(())
    }

    /// Returns how many frames have been seen.
    pub(crate) fn frames(&self) -> u64 {
        self.seen.frames.load(Ordering::Relaxed)
    }

    /// Closes all sockets; an error tells what went wrong meanwhile.
    pub(crate) fn close(mut self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("closed already")?;
        thread.join().map_err(|_| anyhow::anyhow!("the watchers panicked"))?
    }
}

impl Watcher {
    fn open(address: SocketAddr, path: &str) -> anyhow::Result<Self> {
        let mut stream = std::net::TcpStream::connect(address).context("a socket is refused")?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream: TcpStream::from_std(stream), partial: Vec::new(), upgraded: false })
    }
}

fn run(
    doorway: &Receiver<Watcher>,
    hello: Option<&[u8]>,
    seen: &Seen,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut watchers: Vec<Watcher> = Vec::new();
    let mut scratch = vec![0; 256 * 1024];
    while !stop.load(Ordering::Relaxed) {
        for mut watcher in doorway.try_iter() {
            let token = Token(watchers.len());
            poll.registry().register(&mut watcher.stream, token, Interest::READABLE)?;
            watchers.push(watcher);
        }
        poll.poll(&mut events, Some(Duration::from_millis(5)))?;
        for event in &events {
            let Some(watcher) = watchers.get_mut(event.token().0) else { continue };
            drain(watcher, &mut scratch, hello, seen)?;
        }
    }
    Ok(())
}

/// Reads whatever is there: readiness is told once per edge.
fn drain(
    watcher: &mut Watcher,
    scratch: &mut [u8],
    hello: Option<&[u8]>,
    seen: &Seen,
) -> anyhow::Result<()> {
    loop {
        match watcher.stream.read(scratch) {
            Ok(0) => {
                seen.closed.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Ok(length) => {
                seen.bytes.fetch_add(length as u64, Ordering::Relaxed);
                take(watcher, &scratch[..length], hello, seen)?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                seen.closed.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn take(
    watcher: &mut Watcher,
    bytes: &[u8],
    hello: Option<&[u8]>,
    seen: &Seen,
) -> anyhow::Result<()> {
    let mut owned = std::mem::take(&mut watcher.partial);
    let mut rest: &[u8] = if owned.is_empty() {
        bytes
    } else {
        owned.extend_from_slice(bytes);
        &owned
    };
    if !watcher.upgraded {
        let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") else {
            watcher.partial = rest.to_vec();
            return Ok(());
        };
        ensure!(rest.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(rest));
        watcher.upgraded = true;
        rest = &rest[end + 4..];
        if let Some(hello) = hello {
            watcher.stream.write_all(hello).context("the hello does not fit")?;
        }
    }
    while let Some((opcode, payload, length)) = frame(rest) {
        match opcode {
            1 => {
                seen.frames.fetch_add(1, Ordering::Relaxed);
            }
            9 => watcher.stream.write_all(&masked(10, payload)).context("a pong does not fit")?,
            _ => {}
        }
        rest = &rest[length..];
    }
    watcher.partial = rest.to_vec();
    Ok(())
}

/// Reads one unmasked frame: opcode, payload, length in all.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let opcode = bytes.first()? & 0x0f;
    let (start, length) = match bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    Some((opcode, bytes.get(start..start + length)?, start + length))
}

fn masked_text(text: &str) -> Vec<u8> {
    masked(1, text.as_bytes())
}

/// Writes a client frame; a mask of zeros is a mask.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..126) => frame.push(0x80 | u8::try_from(short).unwrap_or(0)),
        Ok(medium) => {
            frame.push(0xfe);
            frame.extend_from_slice(&medium.to_be_bytes());
        }
        Err(_) => {
            frame.push(0xff);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}
