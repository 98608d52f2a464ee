//! The computing loop: receive, decide, commit, adopt.
//!
//! One owner per account decides what commands come to, stores it durably and only then believes
//! it. Sources, people and the clock enter through [`Intake`]; nobody is told anything here.

mod group;
mod intake;
mod leases;
mod metrics;
mod run;
mod sources;
mod tracking;
mod work;

pub use intake::{
    Intake, Order, PictureReceipt, Receipt, SourcePhase, SourceReport, StandingChange, SubmitError,
};
pub use metrics::EngineMetrics;
pub use run::{Engine, EngineConfig};
