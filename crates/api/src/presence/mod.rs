//! Presence over REST: reading, changing, and who may answer whose calls (contract 2.3-2.5).

mod configure;
mod line;
mod permission;
mod read;
mod sight;
mod unified;
mod write;

use axum::Router;
use axum::routing::{get, put};

use crate::metering::metered;
use crate::rate::Group;
use crate::state::ApiState;

pub(crate) use configure::{configure, note};
pub(crate) use line::is_monitorable;
pub(crate) use sight::{resource_of, with_document};
pub(crate) use write::{check_queues, editable, submit};

const ACCOUNT: &str = "/restapi/v1.0/account/{account}/presence";
const EXTENSION: &str = "/restapi/v1.0/account/{account}/extension/{extension}/presence";
const LINES: &str = "/restapi/v1.0/account/{account}/extension/{extension}/presence/line";
const LINE: &str = "/restapi/v1.0/account/{account}/extension/{extension}/presence/line/{line}";
/// Asked for by clients that monitor exactly one line; they mean the extension's presence.
const ONLY_LINE: &str =
    "/restapi/v1.0/account/{account}/extension/{extension}/presence/line/presence";
const PERMISSION: &str =
    "/restapi/v1.0/account/{account}/extension/{extension}/presence/permission";
const UNIFIED: &str = "/restapi/v1.0/account/{account}/extension/{extension}/unified-presence";

/// Returns the paths of presence.
pub(crate) fn routes(state: &ApiState) -> Router<ApiState> {
    let read = metered(state, Group::Light, get(read::extension_or_several));
    let write = metered(state, Group::Medium, put(write::extension_or_several));
    let permission = metered(state, Group::Light, get(permission::read).put(permission::write));
    let lines = metered(state, Group::Light, get(line::list)).merge(metered(
        state,
        Group::Medium,
        put(line::replace),
    ));
    let unified = get(unified::read).patch(unified::change);
    Router::new()
        .route(UNIFIED, metered(state, Group::Medium, unified))
        .route(ACCOUNT, metered(state, Group::Heavy, get(read::account)))
        .route(EXTENSION, read.clone().merge(write))
        .route(ONLY_LINE, read)
        .route(LINES, lines)
        .route(LINE, metered(state, Group::Light, get(line::one)))
        .route(PERMISSION, permission)
}
