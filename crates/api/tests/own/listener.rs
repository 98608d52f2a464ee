//! An open stream, read event by event.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::house::{A, House};

/// An open stream.
pub(crate) struct Stream {
    pub(crate) body: Body,
    /// Events that came and were not read yet.
    waiting: VecDeque<String>,
    /// The beginning of one that came in pieces.
    begun: String,
}

impl Stream {
    /// Opens one through the router, after `last` if it is given.
    pub(crate) async fn open(house: &House, token: &str, query: &str, last: Option<&str>) -> Self {
        let mut request = Request::builder()
            .uri(format!("/lampfield/v1/accounts/{A}/stream{query}"))
            .header("authorization", format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = house.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self::of(response.into_body())
    }

    /// Reads an answer's body as a stream.
    pub(crate) fn of(body: Body) -> Self {
        Self { body, waiting: VecDeque::new(), begun: String::new() }
    }

    /// Reads until an event of this name came; returns its id and its data.
    pub(crate) async fn next(&mut self, name: &str) -> (Option<String>, Value) {
        let wait = tokio::time::timeout(Duration::from_secs(10), self.read(name));
        wait.await.unwrap_or_else(|_| panic!("no {name} came"))
    }

    async fn read(&mut self, name: &str) -> (Option<String>, Value) {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                let field = |field: &str| {
                    event.lines().find_map(|line| line.strip_prefix(field)).map(str::to_owned)
                };
                if field("event: ").as_deref() == Some(name) {
                    let data = field("data: ").expect("data");
                    return (field("id: "), serde_json::from_str(&data).unwrap());
                }
            }
            let frame = self.body.frame().await.expect("the stream goes on").unwrap();
            self.begun += std::str::from_utf8(&frame.into_data().unwrap()).unwrap();
            while let Some(end) = self.begun.find("\n\n") {
                let rest = self.begun.split_off(end + 2);
                self.waiting.push_back(std::mem::replace(&mut self.begun, rest));
            }
        }
    }
}
