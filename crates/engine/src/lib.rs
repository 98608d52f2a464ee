//! The computing loop: receive, decide, commit, adopt.
//!
//! One owner per account decides what commands come to, stores it durably and only then believes
//! it. Sources, people and the clock enter through [`Intake`]; nobody is told anything here.

mod intake;
mod run;
mod sources;

pub use intake::{Intake, Order, PictureReceipt, Receipt, SourcePhase, SourceReport, SubmitError};
pub use run::{Engine, EngineConfig, EngineMetrics};
