//! Supporting resources that clients ask for around presence: versions, account, extensions, features
//! (contract 2.6).

mod account;
mod extensions;
mod favorite;
mod features;
mod service;

use axum::Router;
use axum::routing::{any, get, put};

use crate::metering::metered;
use crate::rate::Group;
use crate::state::ApiState;

pub(crate) use account::operator;

const ACCOUNT: &str = "/restapi/v1.0/account/{account}";
const EXTENSIONS: &str = "/restapi/v1.0/account/{account}/extension";
const EXTENSION: &str = "/restapi/v1.0/account/{account}/extension/{extension}";
const FEATURES: &str = "/restapi/v1.0/account/{account}/extension/{extension}/features";

const FAVORITE: &str = "/restapi/v1.0/account/{account}/extension/{extension}/favorite";

/// Paths of the contract that this version does not have.
const MISSING: [&str; 3] = [
    "/restapi/v1.0/account/{account}/extension/{extension}/active-calls",
    "/restapi/v1.0/account/{account}/active-calls",
    "/restapi/v1.0/account/{account}/directory/entries",
];

/// Returns the supporting paths.
pub(crate) fn routes(state: &ApiState) -> Router<ApiState> {
    let light = |methods| metered(state, Group::Light, methods);
    let medium = |methods| metered(state, Group::Medium, methods);
    let mut router = Router::new()
        .route("/restapi", get(service::versions))
        .route("/restapi/v1.0", get(service::version))
        .route("/restapi/v1.0/status", get(service::status))
        .route("/restapi/v1.0/client-info", light(get(service::client_info)))
        .route(ACCOUNT, light(get(account::read)))
        .route(EXTENSIONS, medium(get(extensions::list)))
        .route(EXTENSION, light(get(extensions::one_or_several)))
        .route(FAVORITE, light(get(favorite::read)).merge(medium(put(favorite::replace))))
        .route(FEATURES, medium(get(features::list)));
    for path in MISSING {
        router = router.route(path, any(service::missing));
    }
    router
}
