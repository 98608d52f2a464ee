//! The loop that accepts connections: bounded in number, in time and in what it reads.
//!
//! Our own, because a WebSocket needs its raw socket back after the handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::edge::Peer;
use crate::patient::Patient;
use crate::socket::HandOver;

/// Bounds of connections.
#[derive(Debug, Clone)]
pub struct ServerLimits {
    /// HTTP connections at a time; more wait in the system's queue. Open WebSockets do not count.
    pub connections_max: usize,
    /// How long the first request of a connection may take to arrive.
    pub first_request: Duration,
    /// How long a connection may be idle, or a later request's head take.
    pub keep_alive: Duration,
    /// How long a client may take nothing of what is written for it.
    pub write_stall: Duration,
    /// Headers of a request.
    pub headers_max: usize,
    /// Bytes of a request's head, and of what is buffered of a connection; at least 8192.
    pub head_max: usize,
    /// How long requests under way may take to end after shutdown was asked for.
    pub drain: Duration,
    /// How long to wait when the system has no connection to give.
    pub accept_backoff: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            first_request: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            write_stall: Duration::from_secs(60),
            headers_max: 100,
            head_max: 16 << 10,
            drain: Duration::from_secs(8),
            accept_backoff: Duration::from_millis(100),
        }
    }
}

/// Serves connections of `listener` until `shutdown` comes, then lets requests under way end.
///
/// # Errors
/// Never for a single connection or a moment without descriptors; only when the listener is broken.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    // Asked now, a broken listener is found at the start and not in the loop.
    listener.local_addr()?;
    let limits = Arc::new(limits);
    let places = Arc::new(Semaphore::new(limits.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
    let (closing, closed) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places, limits.accept_backoff) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let connection = Connection {
            router: router.clone(),
            peer,
            limits: Arc::clone(&limits),
            closing: closed.clone(),
        };
        connections.spawn(async move {
            let hand_over = connection.run(stream).await;
            drop(place);
            if let Some(hand_over) = hand_over {
                hand_over.carry_out().await;
            }
        });
    }
    drop(listener);
    let _told = closing.send(true);
    let drained = timeout(limits.drain, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), "requests did not end in time; cut off");
        connections.shutdown().await;
    }
    Ok(())
}

/// Waits for a place and a connection. Cancel-safe: a place that was taken goes back.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    backoff: Duration,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Small answers must not wait for the acknowledgement of the one before.
            let _best_effort = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(error) if is_about_one_connection(&error) => None,
        Err(error) => {
            tracing::warn!(%error, "no connection could be accepted; waiting");
            drop(place);
            sleep(backoff).await;
            None
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    limits: Arc<ServerLimits>,
    closing: watch::Receiver<bool>,
}

impl Connection {
    /// Answers requests until the connection ends; returns the socket to hand over, if it became one.
    async fn run(mut self, stream: TcpStream) -> Option<HandOver> {
        let slot: Arc<Mutex<Option<HandOver>>> = Arc::default();
        let has_asked = Arc::new(AtomicBool::new(false));
        let (router, peer) = (self.router, Peer(self.peer));
        let (kept, asked) = (Arc::clone(&slot), Arc::clone(&has_asked));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let (router, kept) = (router.clone(), Arc::clone(&kept));
            async move {
                let mut response = router.oneshot(request).await?;
                if let Some(hand_over) = response.extensions_mut().remove::<HandOver>() {
                    *kept.lock() = Some(hand_over);
                }
                Ok::<_, std::convert::Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.keep_alive)
            .max_headers(self.limits.headers_max)
            .max_buf_size(self.limits.head_max.max(8192))
            .serve_connection(TokioIo::new(Patient::new(stream, self.limits.write_stall)), service)
            .with_upgrades();
        tokio::pin!(connection);
        let first_request = sleep(self.limits.first_request);
        tokio::pin!(first_request);
        let mut is_watched = true;
        let mut is_open = true;
        let ended = loop {
            tokio::select! {
                ended = connection.as_mut() => break ended,
                () = &mut first_request, if is_watched => {
                    if !has_asked.load(Ordering::Relaxed) {
                        return None;
                    }
                    is_watched = false;
                }
                _ = self.closing.changed(), if is_open => {
                    is_open = false;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
            return None;
        }
        slot.lock().take()
    }
}
