//! Presence over REST: reading, changing, and who may answer whose calls (contract 2.3-2.5).

mod permission;
mod read;
mod sight;
mod write;

use axum::Router;
use axum::routing::{get, put};

use crate::rate::Group;
use crate::router::metered;
use crate::state::ApiState;

pub(crate) use sight::{resource_of, with_document};
pub(crate) use write::check_queues;

const ACCOUNT: &str = "/restapi/v1.0/account/{account}/presence";
const EXTENSION: &str = "/restapi/v1.0/account/{account}/extension/{extension}/presence";
/// Asked for by clients that monitor exactly one line; they mean the extension's presence.
const LINE: &str = "/restapi/v1.0/account/{account}/extension/{extension}/presence/line/presence";
const PERMISSION: &str =
    "/restapi/v1.0/account/{account}/extension/{extension}/presence/permission";

/// Returns the paths of presence.
pub(crate) fn routes(state: &ApiState) -> Router<ApiState> {
    let read = metered(state, Group::Light, get(read::extension_or_several));
    let write = metered(state, Group::Medium, put(write::extension_or_several));
    let permission = metered(state, Group::Light, get(permission::read).put(permission::write));
    Router::new()
        .route(ACCOUNT, metered(state, Group::Heavy, get(read::account)))
        .route(EXTENSION, read.clone().merge(write))
        .route(LINE, read)
        .route(PERMISSION, permission)
}
