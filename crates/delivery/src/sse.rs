//! Streams (server-sent events).
