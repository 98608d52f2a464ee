//! Limits of requests: a sliding window for each user, application and group (contract section 5).

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use foldhash::quality::RandomState;
use http::{HeaderMap, HeaderName, HeaderValue};
use lampfield_core::Timestamp;
use parking_lot::Mutex;

use crate::config::RateConfig;

/// A group of requests that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    /// Cheap reads.
    Light,
    /// Writes, lists.
    Medium,
    /// Whole accounts.
    Heavy,
    /// Log-ins.
    Auth,
}

/// A caller, as a number: callers are told apart by a seeded 64-bit hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Caller(u64);

/// What became of a request at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    group: Group,
    limit: u32,
    remaining: u32,
    window: u64,
    /// Seconds to wait, when the request is refused.
    pub(crate) retry_after: Option<u32>,
}

/// Counts requests. Memory is bounded by [`RateConfig::callers_max`].
#[derive(Debug)]
pub(crate) struct Rates {
    config: RateConfig,
    hasher: RandomState,
    meters: Mutex<HashMap<(Caller, Group), Meter, RandomState>>,
}

/// The parts into which a window is cut: a request counts for one window, less at most one part.
const PARTS: usize = 12;

/// The requests of one caller in the parts of the window that ends now.
#[derive(Debug, Clone, Copy)]
struct Meter {
    /// Number of the newest part since the beginning of time.
    newest: i64,
    /// Requests by part; the part `n` stands at `n % PARTS`.
    parts: [u32; PARTS],
    penalty_until: Timestamp,
}

impl Group {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Heavy => "heavy",
            Self::Auth => "auth",
        }
    }
}

impl Rates {
    pub(crate) fn new(config: RateConfig) -> Self {
        Self { config, hasher: RandomState::default(), meters: Mutex::default() }
    }

    /// Names a caller by anything that tells callers apart.
    pub(crate) fn caller(&self, who: impl Hash) -> Caller {
        Caller(self.hasher.hash_one(who))
    }

    /// Counts a request of `caller` and says whether it may pass.
    pub(crate) fn enter(&self, caller: Caller, group: Group, now: Timestamp) -> Verdict {
        let limit = limit_of(&self.config, group);
        let window = self.config.window.as_secs().max(1);
        let open = Verdict { group, limit, remaining: limit, window, retry_after: None };
        if limit == 0 {
            // No limit: the headers show the contract's figure, untouched.
            let shown = limit_of(&RateConfig::default(), group);
            return Verdict { limit: shown, remaining: shown, ..open };
        }
        let part = part_of(now, window);
        let mut meters = self.meters.lock();
        if meters.len() >= self.config.callers_max && !meters.contains_key(&(caller, group)) {
            make_room(&mut meters, part, now);
        }
        let meter = meters.entry((caller, group)).or_insert_with(|| Meter::new(part));
        meter.slide(part);
        if now < meter.penalty_until {
            if self.config.penalty_restarts {
                meter.penalty_until = now.after(self.config.penalty);
            }
            return Verdict {
                remaining: 0,
                retry_after: Some(wait(meter.penalty_until, now)),
                ..open
            };
        }
        if meter.used() >= limit {
            meter.penalty_until = now.after(self.config.penalty);
            return Verdict {
                remaining: 0,
                retry_after: Some(wait(meter.penalty_until, now)),
                ..open
            };
        }
        *meter.slot(part) += 1;
        Verdict { remaining: limit.saturating_sub(meter.used()), ..open }
    }
}

const fn limit_of(config: &RateConfig, group: Group) -> u32 {
    match group {
        Group::Light => config.light,
        Group::Medium => config.medium,
        Group::Heavy => config.heavy,
        Group::Auth => config.auth,
    }
}

impl Verdict {
    /// Adds the `X-Rate-Limit-…` headers.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        let mut set = |name: &'static str, value: HeaderValue| {
            headers.insert(HeaderName::from_static(name), value);
        };
        set("x-rate-limit-group", HeaderValue::from_static(self.group.as_str()));
        set("x-rate-limit-limit", self.limit.into());
        set("x-rate-limit-remaining", self.remaining.into());
        set("x-rate-limit-window", self.window.into());
    }
}

impl Meter {
    fn new(part: i64) -> Self {
        Self { newest: part, parts: [0; PARTS], penalty_until: Timestamp(i64::MIN) }
    }

    /// Moves on to `part`: what is a window old is forgotten.
    fn slide(&mut self, part: i64) {
        let passed = usize::try_from(part - self.newest).unwrap_or(0).min(PARTS);
        for step in 0..passed {
            let back = i64::try_from(step).unwrap_or(0);
            *self.slot(part - back) = 0;
        }
        self.newest = self.newest.max(part);
    }

    fn slot(&mut self, part: i64) -> &mut u32 {
        let count = i64::try_from(PARTS).unwrap_or(1);
        let place = usize::try_from(part.rem_euclid(count)).unwrap_or(0);
        &mut self.parts[place]
    }

    fn used(&self) -> u32 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    fn is_idle(&self, part: i64, now: Timestamp) -> bool {
        let count = i64::try_from(PARTS).unwrap_or(i64::MAX);
        part - self.newest >= count && now >= self.penalty_until
    }
}

fn part_of(now: Timestamp, window_seconds: u64) -> i64 {
    let parts = u64::try_from(PARTS).unwrap_or(1);
    let part = i64::try_from((window_seconds * 1000 / parts).max(1)).unwrap_or(i64::MAX);
    now.0.div_euclid(part)
}

fn wait(until: Timestamp, now: Timestamp) -> u32 {
    let seconds = until.since(now).as_millis().div_ceil(1000);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// Forgets who has been idle; if nobody has, an arbitrary tenth, so that memory stays bounded.
fn make_room(meters: &mut HashMap<(Caller, Group), Meter, RandomState>, part: i64, now: Timestamp) {
    let full = meters.len();
    meters.retain(|_, meter| !meter.is_idle(part, now));
    if meters.len() == full {
        let mut turn = 0_u32;
        meters.retain(|_, _| {
            turn = turn.wrapping_add(1);
            !turn.is_multiple_of(10)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rates(light: u32) -> Rates {
        Rates::new(RateConfig { light, ..RateConfig::default() })
    }

    fn passes(rates: &Rates, who: u32, second: i64) -> bool {
        let caller = rates.caller(who);
        rates.enter(caller, Group::Light, Timestamp(second * 1000)).retry_after.is_none()
    }

    #[test]
    fn the_limit_holds_over_a_sliding_window_and_for_each_caller_alone() {
        let rates = rates(3);

        let first: Vec<_> = (0..4).map(|_| passes(&rates, 1, 0)).collect();
        assert_eq!(first, [true, true, true, false]);
        assert!(passes(&rates, 2, 0));
        assert!(!passes(&rates, 1, 59), "the penalty lasts");
        assert!(!passes(&rates, 1, 118), "a request inside the penalty begins it anew");
        assert!(passes(&rates, 1, 179), "and then it ends");
    }

    #[test]
    fn two_windows_cannot_be_used_up_around_their_border() {
        let rates = rates(10);

        assert!((0..10).all(|_| passes(&rates, 1, 59)));
        assert!(!passes(&rates, 1, 61));
    }

    #[test]
    fn what_is_a_window_old_does_not_count() {
        let rates = rates(2);

        assert!(passes(&rates, 1, 0) && passes(&rates, 1, 30));
        assert!(passes(&rates, 1, 61), "the first is forgotten, the second is not");
        assert!(!passes(&rates, 1, 62));
    }

    #[test]
    fn no_limit_lets_everything_pass_and_shows_the_usual_headers() {
        let rates = Rates::new(RateConfig::off());
        let caller = rates.caller(1);
        let mut headers = HeaderMap::new();
        for _ in 0..1000 {
            let verdict = rates.enter(caller, Group::Heavy, Timestamp(0));
            assert_eq!(verdict.retry_after, None);
            verdict.write(&mut headers);
        }

        assert_eq!(headers["x-rate-limit-group"], "heavy");
        assert_eq!(headers["x-rate-limit-limit"], "10");
        assert_eq!(headers["x-rate-limit-remaining"], "10");
        assert_eq!(headers["x-rate-limit-window"], "60");
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds() {
        let rates = Rates::new(RateConfig {
            light: 1,
            penalty: Duration::from_millis(1500),
            ..RateConfig::default()
        });
        let caller = rates.caller(1);
        let enter = |at| rates.enter(caller, Group::Light, Timestamp(at)).retry_after;

        assert_eq!(enter(0), None);
        assert_eq!(enter(10), Some(2));
    }

    #[test]
    fn memory_is_bounded_however_many_callers_come() {
        let rates = Rates::new(RateConfig { callers_max: 100, ..RateConfig::default() });
        for who in 0..10_000_u32 {
            assert!(passes(&rates, who, 0));
        }

        assert!(rates.meters.lock().len() <= 100);
    }
}
