//! Subscriptions over HTTP (contract section 6).
