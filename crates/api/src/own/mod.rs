//! Lampfield's own paths (`/lampfield/v1/…`): directory, sources, `why`, snapshots, streams.
//!
//! Visitors hold an API key (role read, ingest or admin; perhaps bound to one account) or, for
//! reading their own account, an access token. Errors have the contract's shape; what a visitor
//! cannot reach does not exist for them.

mod accounts;
mod altered;
mod apps;
mod audit;
mod batch;
pub(crate) mod bounds;
mod claims;
mod credentials;
mod extensions;
mod fields;
mod ingest;
mod keys;
mod lists;
mod picture;
mod profile;
mod roster;
mod settings;
mod signing;
mod snapshot;
mod sources;
mod subscriptions;
mod visitor;
mod why;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post, put};
use lampfield_contract::ApiError;

use crate::rate::Group;
use crate::state::ApiState;
use visitor::{Visitor, admit};

/// Returns the own paths.
pub(crate) fn routes(state: &ApiState) -> Router<ApiState> {
    // People's requests count as RingCentral's like ones do; keys are not counted.
    let metered = |group, router: Router<ApiState>| {
        router.route_layer(from_fn_with_state((state.clone(), group), admit))
    };
    let own = Router::new()
        .merge(metered(Group::Heavy, large_reads()))
        .merge(metered(Group::Medium, administration()))
        .merge(metered(Group::Medium, ingestion()))
        .merge(metered(Group::Light, small_reads()));
    // Bodies are read with bounds of their own.
    Router::new().nest("/lampfield/v1", own.layer(DefaultBodyLimit::disable()))
}

fn large_reads() -> Router<ApiState> {
    Router::new()
        .route("/accounts/{account}/snapshot", get(snapshot::snapshot))
        .route("/accounts/{account}/stream", get(snapshot::stream))
        .route("/accounts/{account}/extensions/export", get(roster::export))
}

fn small_reads() -> Router<ApiState> {
    Router::new()
        .route("/accounts/{account}/sources", get(sources::list))
        .route("/accounts/{account}/extensions/{extension}/why", get(why::read))
        .route("/subscriptions/{subscription}/health", get(subscriptions::health))
}

fn administration() -> Router<ApiState> {
    let extension = get(extensions::read).put(extensions::update).delete(extensions::remove);
    Router::new()
        .route("/accounts", get(accounts::list).post(accounts::create))
        .route("/accounts/{account}", get(accounts::read))
        .route("/accounts/{account}/extensions", get(extensions::list).post(extensions::create))
        .route("/accounts/{account}/extensions/import", post(roster::import))
        .route("/accounts/{account}/extensions/{extension}", extension)
        .route("/accounts/{account}/extensions/{extension}/presence", put(settings::put))
        .route("/accounts/{account}/extensions/{extension}/lists", get(lists::read).put(lists::put))
        .route("/accounts/{account}/audit", get(audit::of_account))
        .route("/audit", get(audit::of_house))
        .route("/apps", get(apps::list).post(apps::create))
        .route("/apps/{app}", put(apps::update).delete(apps::remove))
        .route("/accounts/{account}/credentials", get(credentials::list))
        .route("/accounts/{account}/credentials/jwt", post(credentials::create_jwt))
        .route("/accounts/{account}/credentials/password", post(credentials::create_password))
        .route("/accounts/{account}/credentials/{credential}", delete(credentials::remove))
        .route("/subscriptions", get(subscriptions::list))
        .route(
            "/subscriptions/{subscription}/signing-secret",
            post(signing::rotate).delete(signing::remove),
        )
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{key}", delete(keys::remove))
}

fn ingestion() -> Router<ApiState> {
    const SOURCE: &str = "/accounts/{account}/sources/{source}";
    Router::new()
        .route(
            &format!("{SOURCE}/extensions/{{extension}}/{{list}}/{{id}}"),
            put(ingest::put).delete(ingest::remove),
        )
        .route(&format!("{SOURCE}/picture"), put(picture::put))
        .route(&format!("{SOURCE}/batch"), post(batch::post))
        .route(&format!("{SOURCE}/lost"), post(sources::lose))
}

/// Returns the error that something is taken, or must not be given up.
fn conflict(parameter: &str, why: &str) -> ApiError {
    ApiError::new(409, "CMN-101", format!("Parameter [{parameter}] value is invalid: {why}"))
        .with_parameter(parameter)
}
