//! Reminders to renew a webhook subscription (contract 7.7): when they are due, not how they travel.

use lampfield_core::Timestamp;
use lampfield_core::subscription::{EventFilter, Reminder, Subscription};

/// Up to when a subscription was reminded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reminding {
    last: Timestamp,
    before: Timestamp,
}

impl Reminding {
    /// Begins to remind at `now`. The reminder that was due last before it is given too: whether
    /// it was is not known. It has the same uuid then.
    pub(super) fn begin(subscription: &Subscription, now: Timestamp) -> Self {
        let longest = reminders(subscription).map(|it| it.interval).max().unwrap_or_default();
        let back = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        let last = Timestamp(now.0.saturating_sub(back));
        Self { last, before: last }
    }

    /// Returns when the next reminder is due.
    pub(super) fn next(self, subscription: &Subscription) -> Option<Timestamp> {
        reminders(subscription)
            .filter_map(|it| it.next_due(subscription.expires_at, self.last))
            .min()
    }

    /// Takes what is due now, each with the moment at which it was; of several that one reminder has
    /// missed only the latest.
    pub(super) fn take(
        &mut self,
        subscription: &Subscription,
        now: Timestamp,
    ) -> Vec<(Reminder, Timestamp)> {
        if self.next(subscription).is_none_or(|due| due > now) {
            return Vec::new();
        }
        let latest = |reminder: &Reminder| {
            let mut due = reminder.next_due(subscription.expires_at, self.last)?;
            while let Some(next) = reminder.next_due(subscription.expires_at, due)
                && next <= now
            {
                due = next;
            }
            (due <= now).then_some(due)
        };
        let due =
            reminders(subscription).filter_map(|it| Some((it.clone(), latest(it)?))).collect();
        self.before = self.last;
        self.last = now;
        due
    }

    /// Takes note that a reminder did not arrive: it is due again.
    pub(super) const fn failed(&mut self) {
        self.last = self.before;
    }
}

fn reminders(subscription: &Subscription) -> impl Iterator<Item = &Reminder> {
    subscription.filters.iter().filter_map(|filter| match filter {
        EventFilter::Reminder(reminder) => Some(reminder),
        EventFilter::Account(_)
        | EventFilter::Extension(..)
        | EventFilter::Lines(..)
        | EventFilter::Favorites(..)
        | EventFilter::LineList(_)
        | EventFilter::Dnd(_)
        | EventFilter::Queue(_)
        | EventFilter::FavoriteList(_)
        | EventFilter::Profile(_)
        | EventFilter::Directory
        | EventFilter::Foreign(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::DeliveryConfig;
    use crate::stage::{BEGINNING, Stage};

    async fn subscription() -> Subscription {
        let stage = Stage::new(DeliveryConfig::default()).await;
        let mut subscription = stage.subscription("https://example.com");
        subscription.filters.push(EventFilter::Reminder(Reminder {
            threshold: Duration::from_secs(60),
            interval: Duration::from_secs(25),
            text: "r".into(),
        }));
        subscription.expires_at = BEGINNING.after(Duration::from_secs(100));
        subscription
    }

    fn at(second: u64) -> Timestamp {
        BEGINNING.after(Duration::from_secs(second))
    }

    #[tokio::test]
    async fn each_is_given_once_and_again_only_when_it_failed() {
        let subscription = subscription().await;
        let mut reminding = Reminding::begin(&subscription, at(0));
        let due = |reminding: &mut Reminding, second| -> Vec<Timestamp> {
            let taken = reminding.take(&subscription, at(second));
            taken.into_iter().map(|(_, due)| due).collect()
        };

        assert_eq!(reminding.next(&subscription), Some(at(40)));
        assert_eq!(due(&mut reminding, 39), []);
        assert_eq!(due(&mut reminding, 40), [at(40)]);
        assert_eq!(due(&mut reminding, 41), []);
        assert_eq!(due(&mut reminding, 70), [at(65)]);
        reminding.failed();
        assert_eq!(due(&mut reminding, 71), [at(65)]);
        assert_eq!(due(&mut reminding, 99), [at(90)]);
        assert_eq!(reminding.next(&subscription), None);
    }

    #[tokio::test]
    async fn a_renewal_begins_anew_and_a_restart_repeats_the_last() {
        let mut subscription = subscription().await;
        let mut reminding = Reminding::begin(&subscription, at(70));
        assert_eq!(reminding.take(&subscription, at(70)).len(), 1);

        subscription.expires_at = at(200);
        assert_eq!(reminding.next(&subscription), Some(at(140)));
        assert!(reminding.take(&subscription, at(100)).is_empty());
    }
}
