//! A server of sockets over 127.0.0.1: the stage, the sockets, a door.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lampfield_core::directory::{Scopes, Session, Token};
use lampfield_core::{AppId, SessionId};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use uuid::Uuid;

use crate::config::{DeliveryConfig, WebsocketConfig};
use crate::gateway::{Hello, HelloRefusal, Welcome};
use crate::house::House;
use crate::metrics::Metrics;
use crate::stage::{BEGINNING, Stage, key};
use crate::websocket::Sockets;
use crate::websocket::tests::gateway::{Desk, SUBSCRIPTION};
use crate::websocket::tests::wire::{Seen, Wire};

pub(super) struct Rig {
    pub(super) stage: Stage,
    pub(super) sockets: Arc<Sockets>,
    pub(super) desk: Arc<Desk>,
    pub(super) address: SocketAddr,
    door: JoinHandle<()>,
}

/// Bounds for tests: two shards, the rest as usual.
pub(super) fn config() -> DeliveryConfig {
    let websocket = WebsocketConfig { shards: 2, ..WebsocketConfig::default() };
    DeliveryConfig { websocket, ..DeliveryConfig::default() }
}

impl Rig {
    pub(super) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(super) async fn with(config: DeliveryConfig) -> Self {
        Self::on(Stage::new(config).await).await
    }

    /// Opens the door of a house that is there.
    pub(super) async fn on(stage: Stage) -> Self {
        let house = Arc::clone(&stage.house);
        Self::of(stage, house).await
    }

    async fn of(stage: Stage, house: Arc<House>) -> Self {
        let sockets = Sockets::start(Arc::clone(&house), Arc::new(Metrics::default())).unwrap();
        let sockets = Arc::new(sockets);
        let desk = Desk::new(Arc::clone(&house));
        sockets.set_gateway(Arc::clone(&desk) as _);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = tokio::spawn(keep_door(listener, Arc::clone(&sockets)));
        Self { stage: Stage { house, ..stage }, sockets, desk, address, door }
    }

    /// Stops and starts again over the same journal.
    pub(super) async fn restart(self) -> Self {
        self.door.abort();
        self.sockets.stop().await;
        let house = self.stage.again();
        let Stage { journal, clock, .. } = &self.stage;
        let stage = Stage {
            house: Arc::clone(&house),
            journal: Arc::clone(journal),
            clock: Arc::clone(clock),
        };
        Self::of(stage, house).await
    }

    /// Opens a socket of session `who` and returns it with its `ConnectionDetails`.
    pub(super) async fn open(&self, who: &str) -> (Wire, Value, Value) {
        let mut wire = Wire::open(self.address, &format!("access_token={who}")).await;
        let (meta, body) = wire.frame().await;
        assert_eq!(meta["type"], "ConnectionDetails", "{meta}");
        (wire, meta, body)
    }

    /// Opens a socket of session `a` that watches the account; returns it with its subscription.
    pub(super) async fn subscriber(&self) -> (Wire, String) {
        self.subscriber_to(r#"["account"]"#).await
    }

    /// As [`Rig::subscriber`], with filters. Notifications are not held any more.
    pub(super) async fn subscriber_to(&self, filters: &str) -> (Wire, String) {
        let (mut wire, _, _) = self.open("a").await;
        let (meta, body) = wire.ask("POST", SUBSCRIPTION, filters).await;
        assert_eq!(meta["status"], 200);
        assert!(matches!(wire.see().await, Seen::Ping(_)), "a ping follows the answer");
        assert_eq!(wire.everything().await, []);
        (wire, body["id"].as_str().unwrap().to_owned())
    }

    /// Comes back with a recovery token.
    pub(super) async fn come_back(&self, who: &str, wsc: &str) -> (Wire, Value, Value) {
        let query = format!("access_token={who}&wsc={wsc}");
        let mut wire = Wire::open(self.address, &query).await;
        let (meta, body) = wire.frame().await;
        assert_eq!(meta["type"], "ConnectionDetails", "{meta} {body}");
        (wire, meta, body)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.door.abort();
    }
}

/// Returns the recovery token of a frame.
pub(super) fn token(meta: &Value) -> String {
    meta["wsc"]["token"].as_str().expect("a token").to_owned()
}

/// Returns the number of a frame's recovery token.
pub(super) fn number(meta: &Value) -> u64 {
    meta["wsc"]["sequence"].as_u64().expect("a number")
}

/// Returns the account's sequence of a notification.
pub(super) fn sequence(body: &Value) -> u64 {
    body["body"]["sequence"].as_u64().expect("a sequence")
}

/// Returns a session by its name.
pub(super) fn session(who: &str) -> Arc<Session> {
    let token = |number| Token {
        hash: [number; 32],
        expires_at: BEGINNING.after(Duration::from_secs(3600)),
    };
    let number = who.bytes().fold(0, |sum, byte| sum * 256 + u128::from(byte));
    Arc::new(Session {
        id: SessionId(Uuid::from_u128(number)),
        key: key(1),
        app: AppId::new("app").unwrap(),
        scopes: Scopes::ALL,
        credential: Uuid::nil(),
        created_at: BEGINNING,
        access: token(1),
        refresh: token(2),
        previous_refresh: None,
    })
}

async fn keep_door(listener: TcpListener, sockets: Arc<Sockets>) {
    while let Ok((stream, _)) = listener.accept().await {
        let sockets = Arc::clone(&sockets);
        tokio::spawn(async move { let_in(stream, &sockets).await });
    }
}

async fn let_in(mut stream: TcpStream, sockets: &Sockets) {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        stream.read_buf(&mut bytes).await.unwrap();
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let read_ahead = Bytes::copy_from_slice(&bytes[end..]);
    let nonce = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let accept = derive_accept_key(nonce.unwrap().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    let query = head.split(' ').nth(1).unwrap().split_once('?').map_or("", |(_, query)| query);
    sockets.open(stream.into_std().unwrap(), read_ahead, hello(query));
}

fn hello(query: &str) -> Hello {
    let value = |name: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)
    };
    match value("access_token") {
        Some((_, "bad")) | None => Err(HelloRefusal {
            status: 401,
            code: "WSG-401",
            message: "Token is not valid".to_owned(),
        }),
        Some((_, who)) => {
            Ok(Welcome { session: session(who), wsc: value("wsc").map(|(_, wsc)| wsc.to_owned()) })
        }
    }
}
