//! Dials receivers: resolves, vets, and connects to exactly the addresses that were vetted.
//!
//! The usual connectors resolve behind a hook that literal addresses bypass; this one asks the
//! [`Guard`] about every address at every dial, so that neither a literal nor a name that changes
//! its mind reaches the operator's own network.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use lampfield_journal::BoxFuture;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tower::Service;

use crate::webhook::guard::{Guard, Refused, Scheme};

/// Addresses of one name that are dialled, one after the other.
const DIALS_MAX: usize = 4;

/// Turns names into addresses.
pub(super) trait Resolve: Send + Sync + std::fmt::Debug {
    /// Returns the addresses of a host; the port is only carried along.
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The machine's own resolver, with a bounded number of look-ups under way.
#[derive(Debug)]
pub(super) struct SystemResolver {
    permits: Arc<Semaphore>,
}

impl SystemResolver {
    pub(super) fn new(lookups_max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(lookups_max.max(1))) }
    }
}

impl Resolve for SystemResolver {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let permits = Arc::clone(&self.permits);
        Box::pin(async move {
            let permit = permits.acquire_owned().await.map_err(io::Error::other)?;
            // The permit goes with the thread: a look-up that outlives its caller still counts.
            let lookup = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                (host.as_str(), port).to_socket_addrs().map(Iterator::collect)
            });
            lookup.await.map_err(io::Error::other)?
        })
    }
}

/// Why a receiver could not be connected to. Never shown to whoever made the subscription: what is
/// blocked and what does not answer must look alike to them.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("the address {0:?} has no host")]
    NoHost(String),
    #[error("the name {name:?} cannot be resolved: {cause}")]
    Unresolved { name: String, cause: io::Error },
    #[error(transparent)]
    Refused(Refused),
    #[error("plain http is not allowed for {0:?}")]
    HttpsRequired(String),
    #[error("{address} cannot be connected to: {cause}")]
    Unreachable { address: SocketAddr, cause: io::Error },
}

/// Connects to receivers.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    guard: Arc<Guard>,
    resolver: Arc<dyn Resolve>,
}

impl Connector {
    pub(super) fn new(guard: Guard, resolver: Arc<dyn Resolve>) -> Self {
        Self { guard: Arc::new(guard), resolver }
    }

    async fn dial(self, uri: Uri) -> Result<TokioIo<TcpStream>, DialError> {
        let (scheme, usual_port) = match uri.scheme_str() {
            Some("http") => (Scheme::Plain, 80),
            _ => (Scheme::Encrypted, 443),
        };
        let host = uri.host().ok_or_else(|| DialError::NoHost(uri.to_string()))?;
        if scheme == Scheme::Plain && !self.guard.may_admit_http() {
            return Err(DialError::HttpsRequired(host.to_owned()));
        }
        let port = uri.port_u16().unwrap_or(usual_port);
        let found = self.addresses(host, port, scheme).await?;
        let mut failure = None;
        for address in self.vetted(&found, scheme, host)? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(TokioIo::new(stream));
                }
                Err(cause) => failure = Some(DialError::Unreachable { address, cause }),
            }
        }
        Err(failure.unwrap_or_else(|| DialError::NoHost(host.to_owned())))
    }

    async fn addresses(
        &self,
        host: &str,
        port: u16,
        scheme: Scheme,
    ) -> Result<Vec<SocketAddr>, DialError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(literal) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(literal, port)]);
        }
        let found = self.resolver.resolve(bare.to_owned(), port).await;
        found.map_err(|cause| {
            if scheme == Scheme::Plain && !self.guard.admits_http_anywhere() {
                return DialError::HttpsRequired(host.to_owned());
            }
            DialError::Unresolved { name: host.to_owned(), cause }
        })
    }

    /// Returns the addresses that may be dialled; an error when there is none.
    fn vetted(
        &self,
        found: &[SocketAddr],
        scheme: Scheme,
        host: &str,
    ) -> Result<Vec<SocketAddr>, DialError> {
        let mut vetted = Vec::new();
        let mut refused = None;
        for address in found {
            match self.guard.admit(address.ip(), scheme) {
                Ok(()) if vetted.len() < DIALS_MAX => vetted.push(*address),
                Ok(()) => {}
                Err(reason) => refused = Some(reason),
            }
        }
        if !vetted.is_empty() {
            return Ok(vetted);
        }
        Err(match refused {
            Some(Refused::HttpsRequired(_)) => DialError::HttpsRequired(host.to_owned()),
            Some(refused) => DialError::Refused(refused),
            None => DialError::Unresolved {
                name: host.to_owned(),
                cause: io::Error::new(io::ErrorKind::NotFound, "it has no address"),
            },
        })
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, DialError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().dial(uri))
    }
}
