//! Both documents over HTTP, and a page that shows them. Nothing of it comes from elsewhere, and no
//! script but the page's own runs on it.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, StatusCode};

use crate::edge::json_bytes;
use crate::openapi::{ASYNCAPI, OPENAPI};
use crate::state::ApiState;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Returns the paths of the documents and their page; they need no token.
pub(crate) fn routes() -> Router<ApiState> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/asyncapi.json", get(asyncapi))
        .route("/docs", get(page))
        .route("/docs/page.js", get(script))
        .route("/docs/page.css", get(style))
}

async fn openapi() -> Response {
    json_bytes(StatusCode::OK, OPENAPI.clone().into_bytes())
}

async fn asyncapi() -> Response {
    json_bytes(StatusCode::OK, ASYNCAPI.clone().into_bytes())
}

async fn page() -> Response {
    asset("text/html; charset=utf-8", include_str!("page/page.html"))
}

async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("page/page.js"))
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("page/page.css"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
