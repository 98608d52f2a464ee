//! Webhooks against real receivers.
