//! The RingCentral wire: event and presence JSON, filters, errors, paging, WebSocket frames, OAuth
//! bodies. Pure: no socket, no clock.

mod event;
mod json;
mod options;
mod timestamp;

pub use event::{
    BodySource, ENVELOPE_HEAD, ENVELOPE_OWNER, SharedEnvelope, notification_uuid, write_body,
    write_body_of, write_event_path,
};
pub use json::{JSON_DEPTH_MAX, is_too_deep};
pub use options::{AccountSegment, ExtensionIdForm, WireOptions};
pub use timestamp::{format_timestamp, parse_timestamp, write_timestamp};
