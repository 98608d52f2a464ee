//! The machine's clock: the only place that asks what time it is.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::UNIX_EPOCH;

use lampfield_core::{Clock, Timestamp};

/// Wall-clock time that never goes back: when the machine's clock is set back, it stands still
/// until that time is reached again.
#[derive(Debug, Default)]
pub(crate) struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.shown(machine_time())
    }
}

impl SystemClock {
    fn shown(&self, machine: i64) -> Timestamp {
        let before = self.latest.fetch_max(machine, Ordering::SeqCst);
        Timestamp(before.max(machine))
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

    #[test]
    fn time_never_goes_back() {
        let clock = SystemClock::default();
        assert_eq!(clock.shown(1000), Timestamp(1000));
        assert_eq!(clock.shown(400), Timestamp(1000));
        assert_eq!(clock.shown(1001), Timestamp(1001));
        assert!(clock.now() > Timestamp(1_600_000_000_000));
    }
}
