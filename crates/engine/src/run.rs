//! The loop.

use std::sync::Arc;
use std::time::Duration;

use lampfield_core::{Clock, Policy};
use lampfield_journal::{Journal, Registry};

use crate::intake::Intake;

/// How the engine behaves. Every bound is named here.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The two configurable steps of composition.
    pub policy: Policy,
    /// Letters that wait at most in the intake.
    pub intake_max: usize,
    /// Changes that share one durable write at most.
    pub group_max: usize,
    /// How long a caller waits for room in the intake.
    pub patience: Duration,
    /// How long claims of a lost source are still shown, stale.
    pub lost_grace: Duration,
    /// How long after a restart leases last at least, so that sources can show their picture.
    pub restart_grace: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            intake_max: 8192,
            group_max: 512,
            patience: Duration::from_secs(5),
            lost_grace: Duration::from_secs(60),
            restart_grace: Duration::from_secs(60),
        }
    }
}

/// Figures of the engine, for the metrics page. Cheap to read at any time.
#[derive(Debug, Clone, Default)]
pub struct EngineMetrics;

/// The computing half of the house.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Starts the loop on the present tokio runtime: takes up what the journal holds and returns
    /// the way in. The loop ends when every [`Intake`] is gone, or on [`Engine::stop`].
    #[must_use]
    pub fn start(
        _config: EngineConfig,
        _journal: Arc<dyn Journal>,
        _registry: Arc<Registry>,
        _clock: Arc<dyn Clock>,
    ) -> (Self, Intake) {
        todo!()
    }

    /// Returns the figures.
    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        todo!()
    }

    /// Takes no more letters, finishes those it has, and ends.
    pub async fn stop(self) {
        todo!()
    }
}
