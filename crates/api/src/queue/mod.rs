//! Call queues: which there are, and who of their members takes calls now (contract 2.4, 2.6).

mod agent;
mod choice;
mod list;
mod members;

use axum::Router;
use axum::routing::{get, put};

use crate::metering::metered;
use crate::rate::Group;
use crate::state::ApiState;

const QUEUES: &str = "/restapi/v1.0/account/{account}/call-queues";
const QUEUE: &str = "/restapi/v1.0/account/{account}/call-queues/{queue}";
const MEMBERS: &str = "/restapi/v1.0/account/{account}/call-queues/{queue}/presence";
const AGENT: &str = "/restapi/v1.0/account/{account}/extension/{extension}/call-queue-presence";

/// Returns the paths of call queues.
pub(crate) fn routes(state: &ApiState) -> Router<ApiState> {
    let light = |methods| metered(state, Group::Light, methods);
    let medium = |methods| metered(state, Group::Medium, methods);
    Router::new()
        .route(QUEUES, medium(get(list::list)))
        .route(QUEUE, light(get(list::one)))
        .route(MEMBERS, light(get(members::read)).merge(medium(put(members::change))))
        .route(AGENT, light(get(agent::read)).merge(medium(put(agent::change))))
}
