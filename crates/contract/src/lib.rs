//! The RingCentral wire: JSON, filters, errors, paging, WebSocket frames, OAuth bodies. Pure.
