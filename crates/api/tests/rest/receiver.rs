//! A receiver of webhooks that agrees to everything and keeps what it got.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::server::PATIENCE;

/// A request that a receiver got.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// Returns a header; none if it was not sent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (one, value) = line.split_once(':')?;
            one.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) struct Receiver {
    pub(crate) address: String,
    kept: Arc<Kept>,
}

#[derive(Default)]
struct Kept {
    requests: Mutex<Vec<Received>>,
    came: Notify,
}

impl Receiver {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        let kept: Arc<Kept> = Arc::default();
        let keep = Arc::clone(&kept);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                take(stream, &keep).await;
            }
        });
        Self { address, kept }
    }

    /// Returns the body that asks for events here.
    pub(crate) fn body(&self, filters: &[&str]) -> String {
        webhook(&self.address, filters)
    }

    /// Returns how many requests came.
    pub(crate) fn count(&self) -> usize {
        self.kept.requests.lock().len()
    }

    /// Waits for the request after `before` others.
    pub(crate) async fn after(&self, before: usize) -> Received {
        timeout(PATIENCE, async {
            loop {
                let came = self.kept.came.notified();
                if let Some(request) = self.kept.requests.lock().get(before) {
                    return request.clone();
                }
                came.await;
            }
        })
        .await
        .expect("a request in time")
    }
}

pub(crate) fn webhook(address: &str, filters: &[&str]) -> String {
    json!({
        "eventFilters": filters,
        "deliveryMode": { "transportType": "WebHook", "address": address },
        "expiresIn": 3600
    })
    .to_string()
}

/// Answers as an old single-threaded receiver does: HTTP/1.0, closing after each answer.
async fn take(mut stream: TcpStream, kept: &Kept) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).await.is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let mut request = Received { head: String::from_utf8(head).unwrap(), body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    if stream.read_exact(&mut request.body).await.is_err() {
        return;
    }
    let token = request.header("validation-token").map(str::to_owned);
    let echo = token.map_or(String::new(), |token| format!("Validation-Token: {token}\r\n"));
    kept.requests.lock().push(request);
    kept.came.notify_waiters();
    let answer = format!(
        "HTTP/1.0 200 OK\r\n{echo}Content-Type: application/json\r\nContent-Length: 0\r\n\r\n"
    );
    let _gone = stream.write_all(answer.as_bytes()).await;
}
