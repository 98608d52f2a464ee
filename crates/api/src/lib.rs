//! REST: RingCentral's paths, OAuth, Lampfield's own paths, and the loop that accepts connections.
//!
//! [`router`] answers every request, whether it comes over HTTP or over a WebSocket; [`serve`] accepts
//! connections. Reads of presence come from the journal's newest documents, every one through
//! [`see`](lampfield_core::see); writes go through the engine's intake like those of any source.

mod audit;
pub mod auth;
mod config;
mod directory;
pub mod edge;
mod gateway;
mod metering;
mod oauth;
pub mod openapi;
mod over_socket;
mod own;
mod patient;
mod presence;
mod queue;
mod rate;
mod router;
mod server;
pub mod socket;
mod state;
mod subscription;

pub use audit::Origin;
pub use auth::{Caller, Secrets, issue_jwt};
pub use config::{ApiConfig, RateConfig, TokenConfig};
pub use edge::{Answer, Refusal};
pub use gateway::RestGateway;
pub use oauth::end_sessions;
pub use router::{router, routes};
pub use server::{ServerLimits, serve};
pub use state::{ApiState, Parts};
