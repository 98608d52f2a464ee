//! WebSockets are let in here (contract section 8). They live in the delivering half, and their
//! requests are answered by the [gateway](crate::gateway).

mod upgrade;

use axum::Router;
use axum::routing::get;

use crate::state::ApiState;

pub(crate) use upgrade::HandOver;

/// Where WebSockets are opened.
pub(crate) const PATH: &str = "/ws";

/// Returns that path.
pub(crate) fn routes() -> Router<ApiState> {
    Router::new().route(PATH, get(upgrade::open))
}
