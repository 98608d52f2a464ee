//! Every bound of the REST half, by name.

use std::time::Duration;

use lampfield_core::Policy;

/// How the REST half behaves.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The address under which clients reach this server, such as `https://presence.example.org`;
    /// without it addresses in answers follow the request's `Host`.
    pub public_url: Option<String>,
    /// Whether `X-Forwarded-For`, `-Proto` and `-Host` are believed: only behind a proxy that sets them.
    pub trust_forwarded: bool,
    /// The two configurable steps of composition, for extensions that never changed.
    pub policy: Policy,
    /// Whether users with the Admin permission see what is hidden from others.
    pub administrators_see_all: bool,
    /// Largest body of a request about presence, in bytes.
    pub presence_body_max: usize,
    /// Largest body of any other request, in bytes.
    pub body_max: usize,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// Limits of requests.
    pub rates: RateConfig,
    /// Lives of tokens.
    pub tokens: TokenConfig,
    /// Subscriptions of a user with an application at a time (SUB-505).
    pub subscriptions_max: usize,
    /// Filters of one subscription.
    pub filters_max: usize,
    /// Failed log-ins a minute of a client from an address, after which it waits; 0 for no limit.
    pub login_failures_max: u32,
    /// Passwords that are checked at a time: each takes memory and a processor.
    pub password_checks_max: usize,
    /// How long the old signing secret of a webhook still signs beside a new one.
    pub signing_overlap: Duration,
}

/// Limits of requests for one user with one application, a window (contract section 5).
///
/// A limit of 0 is no limit; the headers are there all the same.
#[derive(Debug, Clone)]
pub struct RateConfig {
    /// Requests of the group Light.
    pub light: u32,
    /// Requests of the group Medium.
    pub medium: u32,
    /// Requests of the group Heavy.
    pub heavy: u32,
    /// Requests of the group Auth.
    pub auth: u32,
    /// The window.
    pub window: Duration,
    /// How long a caller that went too far is refused.
    pub penalty: Duration,
    /// Whether each request inside the penalty begins it anew.
    pub penalty_restarts: bool,
    /// Callers that are counted at a time.
    pub callers_max: usize,
}

/// Lives of tokens.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// The longest life of an access token.
    pub access_max: Duration,
    /// The longest life of a refresh token.
    pub refresh_max: Duration,
    /// How long a used refresh token still answers with the same new pair, if nobody used that.
    pub grace_unused: Duration,
    /// How long it does once the new access token was used.
    pub grace_used: Duration,
    /// What is announced as the life of a token for a WebSocket: short, so that clients ask anew
    /// after a restart instead of dialling into nothing.
    pub socket_announced: Duration,
    /// How long such a token is really good.
    pub socket_accepted: Duration,
    /// Sessions of a user with an application at a time; the oldest is closed beyond.
    pub sessions_max: usize,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            public_url: None,
            trust_forwarded: false,
            policy: Policy::default(),
            administrators_see_all: false,
            presence_body_max: 64 << 10,
            body_max: 1 << 20,
            body_timeout: Duration::from_secs(20),
            rates: RateConfig::default(),
            tokens: TokenConfig::default(),
            subscriptions_max: 30,
            filters_max: 10_000,
            login_failures_max: 5,
            password_checks_max: 2,
            signing_overlap: Duration::from_secs(86_400),
        }
    }
}

impl Default for RateConfig {
    fn default() -> Self {
        Self {
            light: 50,
            medium: 40,
            heavy: 10,
            auth: 5,
            window: Duration::from_secs(60),
            penalty: Duration::from_secs(60),
            penalty_restarts: true,
            callers_max: 100_000,
        }
    }
}

impl RateConfig {
    /// Returns limits that limit nothing.
    #[must_use]
    pub fn off() -> Self {
        Self { light: 0, medium: 0, heavy: 0, auth: 0, ..Self::default() }
    }
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self {
            access_max: Duration::from_secs(3600),
            refresh_max: Duration::from_secs(2_592_000),
            grace_unused: Duration::from_secs(3600),
            grace_used: Duration::from_secs(10),
            socket_announced: Duration::from_secs(2),
            socket_accepted: Duration::from_secs(60),
            sessions_max: 5,
        }
    }
}
