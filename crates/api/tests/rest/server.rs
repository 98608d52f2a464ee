//! A house behind a real listener, and clients of it: HTTP, WebSocket, bare bytes.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use futures_util::{SinkExt, StreamExt};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::request::Builder;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lampfield_api::{ServerLimits, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::document;
use crate::house::{House, Reply, text};

/// Where subscriptions are made, spelt as one of the clients does.
pub(crate) const SUBSCRIPTION: &str = "/restapi/v1.0/subscription/";
/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A house behind a listener.
pub(crate) struct Server {
    pub(crate) house: House,
    pub(crate) address: String,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(ServerLimits::default()).await
    }

    pub(crate) async fn with(limits: ServerLimits) -> Self {
        Self::of(House::new().await, limits).await
    }

    /// Opens a listener before a house.
    pub(crate) async fn of(house: House, limits: ServerLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let router = house.router.clone();
        let task = tokio::spawn(serve(listener, router, limits, async move {
            let _either = stopped.await;
        }));
        Self { house, address, stop: Some(stop), task }
    }

    /// Stops as a program does, and starts again over the same journal, at another address.
    pub(crate) async fn again(mut self) -> Self {
        self.stop.take().expect("it runs").send(()).expect("it runs");
        let house = self.house.again().await;
        timeout(PATIENCE, self.task).await.expect("it stops").unwrap().unwrap();
        Self::of(house, ServerLimits::default()).await
    }

    /// Sends a request over a connection of its own and reads the head of the answer.
    pub(crate) async fn ask(&self, request: Request<Body>) -> Response<Incoming> {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        timeout(PATIENCE, sender.send_request(request)).await.expect("an answer in time").unwrap()
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (parts, body) = self.ask(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let reply = Reply { status: parts.status.as_u16(), headers: parts.headers, bytes };
        document::judge(method.as_str(), &path, &reply);
        reply
    }

    /// Begins a request with a token.
    pub(crate) fn request(&self, token: &str, method: &str, path: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.address)
            .header(AUTHORIZATION, format!("Bearer {token}"))
    }

    /// Sends JSON with a token.
    pub(crate) async fn call(&self, token: &str, method: &str, path: &str, body: &str) -> Reply {
        let request = self.request(token, method, path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Reply {
        self.call(token, "GET", path, "").await
    }

    /// Returns the answer to a request for a token for sockets.
    pub(crate) async fn wstoken(&self, token: &str) -> Value {
        self.call(token, "POST", "/restapi/oauth/wstoken", "").await.expect(200).json()
    }

    pub(crate) async fn socket_token(&self, user: u64) -> String {
        let token = self.house.log_in(user).await;
        text(&self.wstoken(&token).await, "ws_access_token")
    }

    pub(crate) async fn open(&self, query: &str) -> Client {
        let url = format!("ws://{}/ws{query}", self.address);
        self.open_with(url.into_client_request().unwrap()).await
    }

    /// Opens a socket with a request of one's own.
    pub(crate) async fn open_with(&self, request: Request<()>) -> Client {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (socket, answer) = client_async(request, stream).await.unwrap();
        assert_eq!(answer.status(), 101);
        Client::of(socket)
    }

    /// Opens a socket and sends `text` in the same write, as if nothing had to be waited for.
    pub(crate) async fn open_and_send(&self, query: &str, text: &str) -> Client {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let key = generate_key();
        let head = format!(
            "GET /ws{query} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n",
            self.address
        );
        let frame = Frame::message(text.to_owned(), OpCode::Data(Data::Text), true);
        let mut bytes = head.into_bytes();
        masked(frame).format(&mut bytes).unwrap();
        stream.write_all(&bytes).await.unwrap();
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            let count = timeout(PATIENCE, stream.read_buf(&mut read)).await.unwrap().unwrap();
            assert!(count > 0, "closed");
        };
        assert!(read.starts_with(b"HTTP/1.1 101"));
        let rest = read.split_off(end);
        Client::of(WebSocketStream::from_partially_read(stream, rest, Role::Client, None).await)
    }

    /// Opens a socket of a user and reads its greeting.
    pub(crate) async fn open_as(&self, user: u64) -> Client {
        let token = self.socket_token(user).await;
        self.open_greeted(&format!("?access_token={token}")).await.0
    }

    /// Opens a socket and reads its greeting.
    pub(crate) async fn open_greeted(&self, query: &str) -> (Client, Value) {
        let mut client = self.open(query).await;
        let hello = client.next().await.expect("a greeting");
        assert_eq!(hello[0]["type"], "ConnectionDetails", "{hello}");
        (client, hello)
    }
}

fn masked(mut frame: Frame) -> Frame {
    frame.header_mut().mask = Some([1, 2, 3, 4]);
    frame
}

/// A socket, from the client's side.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    /// Every text frame that was read, as it came.
    pub(crate) heard: Vec<String>,
    /// With what the server closed it.
    pub(crate) close_code: Option<u16>,
    waiting: VecDeque<Value>,
    sent: u32,
}

impl Client {
    fn of(socket: WebSocketStream<TcpStream>) -> Self {
        Self { socket, heard: Vec::new(), close_code: None, waiting: VecDeque::new(), sent: 0 }
    }

    /// Returns the next text frame; none when the socket is closed.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        match self.waiting.pop_front() {
            Some(frame) => Some(frame),
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Option<Value> {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await.expect("a frame in time")?;
            match frame.ok()? {
                Message::Text(text) => {
                    self.heard.push(text.to_string());
                    return Some(serde_json::from_str(&text).unwrap());
                }
                Message::Close(frame) => {
                    self.close_code = frame.map(|it| it.code.into());
                    return None;
                }
                _ => {}
            }
        }
    }

    /// Returns the next notification.
    pub(crate) async fn told(&mut self) -> Value {
        let frame = self.next().await.expect("a notification");
        assert_eq!(frame[0]["type"], "ServerNotification", "{frame}");
        frame
    }

    pub(crate) async fn say(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    pub(crate) async fn call(
        &mut self,
        method: &str,
        path: &str,
        query: Value,
        body: Value,
    ) -> Value {
        self.sent += 1;
        let id = format!("7e/swlW3RZ+crA4BD4lDCA/{}", self.sent);
        let meta = json!({
            "type": "ClientRequest", "messageId": id, "method": method, "path": path, "query": query
        });
        self.say(json!([meta, body]).to_string()).await;
        self.answer(&id).await
    }

    /// Reads until the answer to a request comes; notifications before it are kept for later.
    pub(crate) async fn answer(&mut self, id: &str) -> Value {
        loop {
            let frame = self.read().await.expect("an answer");
            if frame[0]["messageId"] == id {
                return frame;
            }
            self.waiting.push_back(frame);
        }
    }

    pub(crate) async fn subscribe(&mut self, filters: &[&str]) -> Value {
        self.call("POST", SUBSCRIPTION, json!({}), over_socket(filters)).await
    }
}

/// The body that asks for events over the socket.
pub(crate) fn over_socket(filters: &[&str]) -> Value {
    json!({ "eventFilters": filters, "deliveryMode": { "transportType": "WebSocket" } })
}

/// Sends bytes as they are and reads until the other side closes or `until` has come.
pub(crate) async fn raw(address: &str, bytes: &[u8], until: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = timeout(PATIENCE, stream.read(&mut chunk)).await.expect("in time").unwrap_or(0);
        read.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if count == 0 || (!until.is_empty() && text.contains(until)) {
            return text;
        }
    }
}
