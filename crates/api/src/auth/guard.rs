//! Failed log-ins: a client that fails too often from an address waits.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use foldhash::quality::RandomState;
use lampfield_core::Timestamp;
use parking_lot::Mutex;
use smol_str::SmolStr;

/// The span over which failures count.
const SPAN: Duration = Duration::from_secs(60);
/// Clients that are remembered at a time.
const CLIENTS_MAX: usize = 65_536;

/// Who tries to log in: the client id it names, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Knocker {
    /// The `client_id` as sent, cut short.
    pub(crate) client: SmolStr,
    /// The address; an IPv6 one counts by its /64. None inside a test or a socket.
    pub(crate) address: Option<IpAddr>,
}

/// Remembers failures for a minute.
#[derive(Debug)]
pub(crate) struct LoginGuard {
    failures_max: u32,
    seen: Mutex<HashMap<Knocker, (Timestamp, u32), RandomState>>,
}

impl LoginGuard {
    /// Makes a guard that lets `failures_max` failures a minute pass; 0 lets all pass.
    pub(crate) fn new(failures_max: u32) -> Self {
        Self { failures_max, seen: Mutex::default() }
    }

    /// Returns how many seconds `who` has to wait before it may try again, if it has to.
    pub(crate) fn wait(&self, who: &Knocker, now: Timestamp) -> Option<u32> {
        if self.failures_max == 0 {
            return None;
        }
        let (since, failures) = *self.seen.lock().get(who)?;
        let over = since.after(SPAN);
        if failures < self.failures_max || now >= over {
            return None;
        }
        let seconds = over.since(now).as_millis().div_ceil(1000);
        Some(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Takes note of a failure.
    pub(crate) fn failed(&self, who: Knocker, now: Timestamp) {
        if self.failures_max == 0 {
            return;
        }
        let mut seen = self.seen.lock();
        if seen.len() >= CLIENTS_MAX {
            seen.retain(|_, (since, _)| now < since.after(SPAN));
        }
        if seen.len() >= CLIENTS_MAX {
            seen.clear();
        }
        let entry = seen.entry(who).or_insert((now, 0));
        if now >= entry.0.after(SPAN) {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

impl Knocker {
    /// Names whoever sends `client` from `address`.
    pub(crate) fn new(client: &str, address: Option<IpAddr>) -> Self {
        let client: String = client.chars().take(64).collect();
        Self { client: client.into(), address: address.map(network) }
    }
}

/// An IPv6 client has a whole /64 to itself and could come from elsewhere each time.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut parts = v6.segments();
            parts[4..].fill(0);
            IpAddr::V6(parts.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_a_minute_make_one_wait_and_the_minute_ends() {
        let guard = LoginGuard::new(5);
        let who = Knocker::new("app", "192.0.2.1".parse().ok());
        for second in 0..5 {
            assert_eq!(guard.wait(&who, Timestamp(second * 1000)), None);
            guard.failed(who.clone(), Timestamp(second * 1000));
        }

        assert_eq!(guard.wait(&who, Timestamp(4_500)), Some(56));
        assert_eq!(guard.wait(&Knocker::new("other", who.address), Timestamp(5_000)), None);
        assert_eq!(guard.wait(&who, Timestamp(60_000)), None);
    }

    #[test]
    fn an_ipv6_client_cannot_escape_within_its_network() {
        let one = Knocker::new("app", "2001:db8:1:2::1".parse().ok());
        assert_eq!(one, Knocker::new("app", "2001:db8:1:2:ffff::9".parse().ok()));
        assert_ne!(one, Knocker::new("app", "2001:db8:1:3::1".parse().ok()));
        assert_eq!(
            Knocker::new("app", "::ffff:192.0.2.1".parse().ok()),
            Knocker::new("app", "192.0.2.1".parse().ok())
        );
    }

    #[test]
    fn no_limit_counts_nothing() {
        let guard = LoginGuard::new(0);
        let who = Knocker::new("app", None);
        (0..100).for_each(|_| guard.failed(who.clone(), Timestamp(0)));
        assert_eq!(guard.wait(&who, Timestamp(0)), None);
    }
}
