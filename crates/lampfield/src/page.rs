//! Pages for whoever runs the house: health, readiness, figures, and a small front page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lampfield_api::auth::hash_secret;
use lampfield_engine::Intake;
use lampfield_journal::Registry;
use serde_json::json;

/// What the pages are made from.
#[derive(Clone)]
pub(crate) struct Pages {
    /// Keys that may read the figures.
    pub(crate) registry: Arc<Registry>,
    /// Whether changes are taken.
    pub(crate) intake: Intake,
    /// All figures.
    pub(crate) figures: Arc<prometheus_client::registry::Registry>,
    /// Whether everybody may read them.
    pub(crate) figures_public: bool,
    /// Whether the server is stopping.
    pub(crate) stopping: Arc<AtomicBool>,
}

impl Pages {
    /// Returns `/`, `/healthz`, `/readyz` and `/metrics`, beside the paths of `router`.
    pub(crate) fn beside(self, router: Router) -> Router {
        let own = Router::new()
            .route("/", get(front))
            .route("/front.js", get(script))
            .route("/front.css", get(style))
            .route("/healthz", get(health))
            .route("/readyz", get(readiness))
            .route("/metrics", get(metrics))
            .with_state(self);
        own.fallback_service(router)
    }
}

async fn health() -> Response {
    axum::Json(json!({ "status": "ok" })).into_response()
}

/// Ready means: changes are taken and stored, and nobody has asked the server to stop.
async fn readiness(State(pages): State<Pages>) -> Response {
    let why = if pages.stopping.load(Ordering::Relaxed) {
        Some("the server is stopping")
    } else if !pages.intake.is_open() {
        Some("changes are no longer taken")
    } else {
        None
    };
    match why {
        None => axum::Json(json!({ "status": "ready" })).into_response(),
        Some(why) => {
            let body = axum::Json(json!({ "status": "not ready", "reason": why }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

async fn metrics(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    if !pages.figures_public && !holds_a_key(&pages.registry, &headers) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        let hint = "An API key is needed, as a bearer token; or set metrics.public.\n";
        return (StatusCode::UNAUTHORIZED, challenge, hint).into_response();
    }
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &pages.figures) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the figures cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Any key will do that is not bound to an account: the figures are about all of them.
fn holds_a_key(registry: &Registry, headers: &HeaderMap) -> bool {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    token
        .and_then(|token| registry.key(&hash_secret(token)))
        .is_some_and(|key| key.account.is_none())
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

async fn front() -> Response {
    asset("text/html; charset=utf-8", include_str!("page/front.html"))
}

async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("page/front.js"))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("page/front.css"))
}
