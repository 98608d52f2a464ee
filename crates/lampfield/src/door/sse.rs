//! Event streams as a client reads them (WHATWG HTML, section 9.2.6).

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;

use super::lost;

/// The longest line that is taken, in bytes.
const LINE_MAX: usize = 64 << 20;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Frame {
    /// Its name; `message` when the stream gives none.
    pub(crate) event: String,
    /// Its id, if it has one.
    pub(crate) id: Option<String>,
    /// Its data.
    pub(crate) data: String,
}

/// The events of an open stream.
pub(crate) struct Frames {
    body: Body,
    parser: Parser,
}

impl Frames {
    pub(super) fn new(body: Body) -> Self {
        Self { body, parser: Parser::default() }
    }

    /// Waits for the next event; none at the end of the stream.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.parser.frame()? {
                return Ok(Some(frame));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(lost(&error.to_string()).into()),
                Some(Ok(part)) => {
                    if let Ok(bytes) = part.into_data() {
                        self.parser.take(&bytes);
                    }
                }
            }
        }
    }
}

#[derive(Debug, Default)]
struct Parser {
    buffer: Vec<u8>,
    /// How much of the buffer was read.
    read: usize,
    event: String,
    id: Option<String>,
    data: Option<String>,
}

impl Parser {
    fn take(&mut self, bytes: &Bytes) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next whole event among the bytes so far.
    fn frame(&mut self) -> anyhow::Result<Option<Frame>> {
        loop {
            let rest = &self.buffer[self.read..];
            let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
                anyhow::ensure!(rest.len() <= LINE_MAX, "the stream sends a line without an end");
                return Ok(None);
            };
            let line = String::from_utf8_lossy(&rest[..length]).into_owned();
            self.read += length + 1;
            if let Some(frame) = self.line(line.trim_end_matches('\r')) {
                return Ok(Some(frame));
            }
        }
    }

    fn line(&mut self, line: &str) -> Option<Frame> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let (id, data) = (self.id.take(), self.data.take()?);
            let event = if event.is_empty() { "message".to_owned() } else { event };
            return Some(Frame { event, id, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "id" => self.id = Some(value.to_owned()),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // Comments, `retry` and fields that do not exist yet.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(pieces: &[&str]) -> Vec<Frame> {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        for piece in pieces {
            parser.take(&Bytes::copy_from_slice(piece.as_bytes()));
            while let Some(frame) = parser.frame().unwrap() {
                found.push(frame);
            }
        }
        found
    }

    fn frame(event: &str, id: Option<&str>, data: &str) -> Frame {
        Frame { event: event.to_owned(), id: id.map(ToOwned::to_owned), data: data.to_owned() }
    }

    const STREAM: &str = "retry: 2000\n\n: keep-alive\n\nevent: presence\nid: 1-7\ndata: {\"a\":1}\n\n\
                          data: one\r\ndata:two\r\n\r\nevent: nothing\n\n";

    #[test]
    fn events_are_read_and_comments_are_not() {
        let expected =
            [frame("presence", Some("1-7"), "{\"a\":1}"), frame("message", None, "one\ntwo")];
        assert_eq!(frames(&[STREAM]), expected);
    }

    #[test]
    fn it_does_not_matter_where_the_stream_is_cut() {
        let whole = frames(&[STREAM]);
        for cut in 0..STREAM.len() {
            assert_eq!(frames(&[&STREAM[..cut], &STREAM[cut..]]), whole, "cut at {cut}");
        }
    }
}
