//! Simulated people, load and benchmarks.
//!
//! [`Office`] says who is there, [`Play`] what they do: a pure, seeded state machine that is asked
//! what has become due. It has no clock and no socket; whoever drives it carries the acts to a
//! server, in the same process or over HTTP.

pub mod act;
pub mod chance;
pub mod office;
pub mod play;
mod stage;

pub use act::{Act, TimedAct};
pub use chance::Chance;
pub use office::Office;
pub use play::{Pace, Play};
