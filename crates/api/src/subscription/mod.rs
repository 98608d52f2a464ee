//! Subscriptions: making, showing, changing, renewing and ending them (contract section 6).

mod create;
mod end;
mod filters;
mod find;
mod update;

use axum::Router;
use axum::routing::{delete, get, post, put};

use crate::metering::metered;
use crate::rate::Group;
use crate::state::ApiState;

const LIST: &str = "/restapi/v1.0/subscription";
const ONE: &str = "/restapi/v1.0/subscription/{subscription}";
const RENEW: &str = "/restapi/v1.0/subscription/{subscription}/renew";

/// Returns the paths of subscriptions.
pub(crate) fn routes(state: &ApiState) -> Router<ApiState> {
    let light = |methods| metered(state, Group::Light, methods);
    let medium = |methods| metered(state, Group::Medium, methods);
    Router::new()
        .route(LIST, light(get(find::list)).merge(medium(post(create::create))))
        .route(
            ONE,
            light(get(find::read))
                .merge(medium(put(update::update)))
                .merge(medium(delete(end::end))),
        )
        .route(RENEW, light(post(update::renew)))
}
