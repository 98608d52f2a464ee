//! A receiver of webhooks: a small HTTP server that notes what it gets and answers as it is told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a receiver answers.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// A status, with headers.
    Status(u16, Vec<(&'static str, String)>),
    /// 200 with the handshake's token.
    Echo,
    /// These bytes; then the connection is closed.
    Raw(Vec<u8>),
    /// A head, then a body that never ends.
    Endless(&'static str),
    /// Nothing, ever.
    Silence,
    /// 200 after a while.
    Slow(Duration),
    /// The connection is closed without an answer.
    Close,
}

/// A request that came in.
#[derive(Debug, Clone)]
pub(super) struct Got {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// Over how-manieth connection.
    pub(super) connection: usize,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn uuid(&self) -> String {
        self.json()["uuid"].as_str().unwrap().to_owned()
    }

    pub(super) fn sequence(&self) -> u64 {
        self.json()["body"]["sequence"].as_u64().unwrap()
    }

    pub(super) fn extension(&self) -> String {
        let json = self.json();
        // A CloudEvent calls its body data.
        let body = json.get("body").or(json.get("data")).unwrap();
        // Not every notification is about an extension: nothing clashes with those.
        body["extensionId"].as_str().unwrap_or(&self.body).to_owned()
    }
}

type Script = dyn Fn(&Got) -> Reply + Send + Sync;

pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    got: Mutex<Vec<Got>>,
    script: Mutex<Arc<Script>>,
    connections: AtomicUsize,
    /// Notifications that are being answered, and the most there ever were.
    open: Mutex<(Vec<String>, usize)>,
    clashes: AtomicUsize,
}

impl Receiver {
    /// Opens one that takes everything.
    pub(super) async fn open() -> Self {
        Self::open_on(Ipv4Addr::LOCALHOST.into()).await
    }

    pub(super) async fn open_on(ip: IpAddr) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            got: Mutex::default(),
            script: Mutex::new(Arc::new(|_| status(200))),
            connections: AtomicUsize::new(0),
            open: Mutex::default(),
            clashes: AtomicUsize::new(0),
        });
        let server = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = server.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(Arc::clone(&server).serve(stream, number));
            }
        });
        Self { address, inner }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook?a=b", self.address)
    }

    /// Answers every request so from now on, handshakes included.
    pub(super) fn answer(&self, script: impl Fn(&Got) -> Reply + Send + Sync + 'static) {
        *self.inner.script.lock() = Arc::new(script);
    }

    /// Every request so far that is a notification.
    pub(super) fn notifications(&self) -> Vec<Got> {
        let got = self.inner.got.lock();
        got.iter().filter(|got| got.header("validation-token").is_none()).cloned().collect()
    }

    pub(super) fn requests(&self) -> Vec<Got> {
        self.inner.got.lock().clone()
    }

    pub(super) fn sequences(&self) -> Vec<u64> {
        self.notifications().iter().map(Got::sequence).collect()
    }

    pub(super) fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::SeqCst)
    }

    /// The most notifications that were ever being answered at once.
    pub(super) fn most_at_once(&self) -> usize {
        self.inner.open.lock().1
    }

    /// How often a notification came while another of the same extension was being answered.
    pub(super) fn clashes(&self) -> usize {
        self.inner.clashes.load(Ordering::SeqCst)
    }
}

impl Inner {
    async fn serve(self: Arc<Self>, mut stream: TcpStream, connection: usize) {
        let mut buffer = Vec::new();
        while let Some(got) = read_request(&mut stream, &mut buffer, connection).await {
            let is_notification = !got.body.is_empty();
            let token = got.header("validation-token").unwrap_or_default().to_owned();
            let extension = if is_notification { got.extension() } else { String::new() };
            self.enter(&extension);
            self.got.lock().push(got.clone());
            let script = Arc::clone(&self.script.lock());
            let stays_open = answer(&mut stream, script(&got), &token).await;
            self.leave(&extension);
            if !stays_open {
                return;
            }
        }
    }

    fn enter(&self, extension: &str) {
        let mut open = self.open.lock();
        if open.0.iter().any(|other| other == extension) {
            self.clashes.fetch_add(1, Ordering::SeqCst);
        }
        open.0.push(extension.to_owned());
        open.1 = open.1.max(open.0.len());
    }

    fn leave(&self, extension: &str) {
        let mut open = self.open.lock();
        if let Some(place) = open.0.iter().position(|other| other == extension) {
            open.0.remove(place);
        }
    }
}

async fn answer(stream: &mut TcpStream, reply: Reply, token: &str) -> bool {
    let text = match reply {
        Reply::Status(code, headers) => {
            let mut text = format!("HTTP/1.1 {code} Some Reason\r\ncontent-length: 0\r\n");
            for (name, value) in headers {
                for part in [name, ": ", value.as_str(), "\r\n"] {
                    text.push_str(part);
                }
            }
            text + "\r\n"
        }
        Reply::Echo => {
            format!("HTTP/1.1 200 OK\r\nValidation-Token: {token}\r\ncontent-length: 0\r\n\r\n")
        }
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
            return false;
        }
        Reply::Endless(head) => {
            let head = head.replace("{token}", token);
            if stream.write_all(head.as_bytes()).await.is_err() {
                return false;
            }
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            return false;
        }
        Reply::Silence => {
            // Until the other side gives up.
            let mut rest = [0; 64];
            while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
            return false;
        }
        Reply::Slow(wait) => {
            tokio::time::sleep(wait).await;
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        Reply::Close => return false,
    };
    stream.write_all(text.as_bytes()).await.is_ok()
}

async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    connection: usize,
) -> Option<Got> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
            let mut lines = head.split("\r\n");
            let line = lines.next().unwrap().to_owned();
            let headers: Vec<(String, String)> = lines
                .map(|line| {
                    let (name, value) = line.split_once(':').unwrap();
                    (name.to_ascii_lowercase(), value.trim().to_owned())
                })
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
            if buffer.len() >= end + 4 + length {
                let body = String::from_utf8(buffer[end + 4..end + 4 + length].to_vec()).unwrap();
                buffer.drain(..end + 4 + length);
                return Some(Got { line, headers, body, connection });
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => buffer.extend_from_slice(&piece[..count]),
        }
    }
}

pub(super) fn status(code: u16) -> Reply {
    Reply::Status(code, Vec::new())
}
