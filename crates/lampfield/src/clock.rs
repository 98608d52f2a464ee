//! The machine's clock: the only place that asks what time it is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use lampfield_core::{Clock, Timestamp};
use parking_lot::Mutex;

/// Wall-clock time that never goes back and never stands still: when the machine's clock is set back,
/// it goes at half its pace until that time is reached again, so that leases, retries and timeouts
/// still end meanwhile.
#[derive(Debug)]
pub(crate) struct SystemClock {
    began: Instant,
    latest: AtomicI64,
    waiting: Mutex<Option<Waiting>>,
}

/// The machine's clock is behind this one.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// Since when, by the clock that nobody can set.
    since: Duration,
    /// What was shown then.
    from: i64,
    /// What was shown last.
    latest: i64,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { began: Instant::now(), latest: AtomicI64::default(), waiting: Mutex::default() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.shown(machine_time(), self.began.elapsed())
    }
}

impl SystemClock {
    /// Decides what is shown when the machine shows `machine` and runs for `steady`.
    fn shown(&self, machine: i64, steady: Duration) -> Timestamp {
        let before = self.latest.fetch_max(machine, Ordering::SeqCst);
        if machine >= before {
            return Timestamp(machine);
        }
        let mut waiting = self.waiting.lock();
        let before = self.latest.load(Ordering::SeqCst);
        // Whatever else was shown last, the machine had caught up meanwhile.
        let begun = waiting.filter(|it| it.latest == before);
        let begun = begun.unwrap_or(Waiting { since: steady, from: before, latest: before });
        let passed = steady.saturating_sub(begun.since).as_millis() / 2;
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let latest = begun.from.saturating_add(passed).max(before);
        *waiting = Some(Waiting { latest, ..begun });
        Timestamp(self.latest.fetch_max(latest, Ordering::SeqCst).max(latest))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the machine is asked")]
fn machine_time() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown when the machine shows one thing and has run for another, in milliseconds.
    fn shown(clock: &SystemClock, machine: i64, steady: u64) -> i64 {
        clock.shown(machine, Duration::from_millis(steady)).0
    }

    #[test]
    fn time_never_goes_back() {
        let clock = SystemClock::default();
        assert_eq!(shown(&clock, 1000, 0), 1000);
        assert_eq!(shown(&clock, 400, 0), 1000);
        assert_eq!(shown(&clock, 1001, 1), 1001);
        assert!(clock.now() > Timestamp(1_600_000_000_000));
    }

    #[test]
    fn a_clock_that_was_set_back_is_waited_for_but_time_goes_on() {
        let clock = SystemClock::default();
        assert_eq!(shown(&clock, 3_600_000, 0), 3_600_000);

        assert_eq!(shown(&clock, 0, 10), 3_600_000);
        assert_eq!(shown(&clock, 1_000, 1_010), 3_600_500);
        assert_eq!(shown(&clock, 60_000, 60_010), 3_630_000);
        // Set back again meanwhile: nothing is seen of it.
        assert_eq!(shown(&clock, 5_000, 61_010), 3_630_500);
        // Two hours later the machine has caught up, and counts alone.
        assert_eq!(shown(&clock, 7_300_000, 7_200_010), 7_300_000);
        assert_eq!(shown(&clock, 7_300_001, 7_200_011), 7_300_001);
        // The next time begins anew.
        assert_eq!(shown(&clock, 7_000_000, 9_000_000), 7_300_001);
        assert_eq!(shown(&clock, 7_000_100, 9_000_100), 7_300_051);
    }

    #[test]
    fn an_often_asked_clock_goes_on_too() {
        let clock = SystemClock::default();
        shown(&clock, 1_000_000, 0);
        let latest = (0..=10_000).map(|steady| shown(&clock, 0, steady)).max();
        assert_eq!(latest, Some(1_005_000));
    }
}
