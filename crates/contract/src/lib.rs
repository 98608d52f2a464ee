//! The RingCentral wire: event and presence JSON, filters, errors, paging, WebSocket frames, OAuth
//! bodies. Pure: no socket, no clock.

mod options;

pub use options::{AccountSegment, ExtensionIdForm, WireOptions};
