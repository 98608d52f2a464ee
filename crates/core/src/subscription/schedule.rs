//! When a failed delivery is tried again, and when a receiver is given up.

use std::time::Duration;

use crate::time::Timestamp;

/// Waits before the second, third, … attempt; the last one repeats (`reliability`: webhook schedule).
const WAITS_SECONDS: [u64; 5] = [1, 5, 15, 30, 60];
/// Continuous failure for this long blacklists (contract 7.5).
const PATIENCE: Duration = Duration::from_secs(600);
/// Continuous failure for this long is worth a warning to the operator.
const WARN_AFTER: Duration = Duration::from_secs(300);
/// Fewer failures than this never blacklist, however long they took.
const FAILURES_MIN: u32 = 3;
/// A receiver's `Retry-After` counts up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(900);
/// A blacklisted receiver is asked again this often.
const PROBE_EVERY: Duration = Duration::from_secs(900);
/// A blacklisted receiver is asked again for this long.
const PROBE_FOR: Duration = Duration::from_secs(86_400);

/// How a receiver has been doing: the state of its deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// The last attempt succeeded, or none was made.
    #[default]
    Good,
    /// Attempts fail.
    Failing {
        /// Since when.
        since: Timestamp,
        /// How many in a row.
        failures: u32,
    },
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// May succeed later; the receiver may have named a wait.
    Retry(Option<Duration>),
    /// Never again (410 Gone).
    Gone,
}

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again then.
    TryAt(Timestamp),
    /// Stop serving.
    Blacklist,
}

/// The rules of trying again. Jitter is an argument: chance is the caller's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schedule;

impl Schedule {
    /// Takes note of a failure and says what to do. `jitter` is in -1.0 ..= 1.0 and moves the wait
    /// by up to a fifth.
    pub fn failed(health: &mut Health, failure: Failure, now: Timestamp, jitter: f64) -> Verdict {
        let (since, failures) = match *health {
            Health::Good => (now, 1),
            Health::Failing { since, failures } => (since, failures.saturating_add(1)),
        };
        *health = Health::Failing { since, failures };
        let wait = match failure {
            Failure::Gone => return Verdict::Blacklist,
            Failure::Retry(asked) => asked
                .map_or_else(|| wait_after(failures, jitter), |asked| asked.min(RETRY_AFTER_MAX)),
        };
        if failures >= FAILURES_MIN && now.since(since) >= PATIENCE {
            return Verdict::Blacklist;
        }
        Verdict::TryAt(now.after(wait))
    }

    /// Returns when a receiver that fails will be given up, once that is near enough to warn of it.
    #[must_use]
    pub fn threatens(health: Health, now: Timestamp) -> Option<Timestamp> {
        match health {
            Health::Failing { since, failures } => {
                let is_near = failures >= FAILURES_MIN && now.since(since) >= WARN_AFTER;
                is_near.then(|| since.after(PATIENCE))
            }
            Health::Good => None,
        }
    }

    /// Returns when to ask a blacklisted receiver again; `None` when it was asked long enough.
    #[must_use]
    pub fn next_probe(blacklisted_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        (now.since(blacklisted_at) < PROBE_FOR).then(|| now.after(PROBE_EVERY))
    }
}

fn wait_after(failures: u32, jitter: f64) -> Duration {
    let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let seconds = WAITS_SECONDS.get(step).or(WAITS_SECONDS.last()).copied().unwrap_or(60);
    Duration::from_secs(seconds).mul_f64(1.0 + 0.2 * jitter.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_ten_minutes_of_failure_blacklist() {
        let mut health = Health::default();
        let mut now = Timestamp(0);
        let mut waits = Vec::new();
        while let Verdict::TryAt(next) =
            Schedule::failed(&mut health, Failure::Retry(None), now, 0.0)
        {
            waits.push(next.since(now).as_secs());
            now = next;
        }

        assert_eq!(waits[..6], [1, 5, 15, 30, 60, 60]);
        assert!(now.0 >= 600_000 && now.0 < 700_000, "{now:?}");
    }

    #[test]
    fn it_threatens_before_it_blacklists_and_not_at_the_first_failures() {
        let mut health = Health::default();
        let mut now = Timestamp(0);
        assert_eq!(Schedule::threatens(health, now), None);
        let mut warned_at = None;
        while let Verdict::TryAt(next) =
            Schedule::failed(&mut health, Failure::Retry(None), now, 0.0)
        {
            if let Some(end) = Schedule::threatens(health, now) {
                assert_eq!(end, Timestamp(600_000));
                warned_at.get_or_insert(now);
            }
            now = next;
        }
        let warned_at = warned_at.expect("it warned");
        assert!((300_000..400_000).contains(&warned_at.0), "{warned_at:?}");
    }

    #[test]
    fn a_slow_trickle_of_two_failures_does_not_blacklist() {
        let mut health = Health::default();
        let first = Schedule::failed(&mut health, Failure::Retry(None), Timestamp(0), 0.0);
        let later = Timestamp(3_600_000);
        let second = Schedule::failed(&mut health, Failure::Retry(None), later, 0.0);

        assert!(matches!(first, Verdict::TryAt(_)));
        assert_eq!(second, Verdict::TryAt(Timestamp(3_605_000)));
    }

    #[test]
    fn gone_is_final_and_retry_after_is_capped() {
        let mut health = Health::default();
        let day = Failure::Retry(Some(Duration::from_secs(86_400)));

        assert_eq!(
            Schedule::failed(&mut health, day, Timestamp(0), 0.0),
            Verdict::TryAt(Timestamp(900_000))
        );
        assert_eq!(
            Schedule::failed(&mut health, Failure::Gone, Timestamp(1), 0.0),
            Verdict::Blacklist
        );
    }
}
