//! Sockets over real connections.
