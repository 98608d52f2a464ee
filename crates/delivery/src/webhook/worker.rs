//! Serves one subscription: reads on from its cursor, sends, waits, gives up, takes up again.
//!
//! Nothing is queued: what was not delivered is read again. While the receiver fails, only the
//! earliest open event is tried; everything behind it stays in the journal.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lampfield_core::subscription::{
    Failure, Health, Schedule, Subscription, SubscriptionStatus, Verdict,
};
use lampfield_core::{Position, SubscriptionId, Timestamp};
use lampfield_journal::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::alerts::{Alert, AlertState};
use crate::feed::{Caught, Lane, catch_up};
use crate::metrics::{Outcome, Source, Transport};
use crate::outgoing::Outgoing;
use crate::watching::Telling;
use crate::webhook::attempt::{Parcel, Report, Target, address_of, send};
use crate::webhook::client::Route;
use crate::webhook::eyes::Eyes;
use crate::webhook::handshake::shake_hands;
use crate::webhook::health::{FailureWords, Ledger};
use crate::webhook::reminding::Reminding;
use crate::webhook::shared::{Door, Shared};
use crate::webhook::standing;
use crate::webhook::window::Window;

/// The longest sleep before the clock is asked again: it may have been set meanwhile.
const NAP_MAX: Duration = Duration::from_secs(30);
/// Records read at a time while a receiver fails: only the earliest that it is told of is tried.
const FAILING_PAGE: usize = 8;
/// The wait after the store did not answer.
const STORE_WAIT: Duration = Duration::from_secs(1);

/// One subscription's service.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) id: SubscriptionId,
    /// Rung when the subscription changed.
    pub(super) bell: Arc<Notify>,
    pub(super) ledger: Arc<Mutex<Ledger>>,
}

/// Why a period of service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The server stops, or the subscription is no more.
    Over,
    /// The subscription is something else now: look at it again.
    Changed,
}

impl Worker {
    /// Serves until the subscription is gone or the server stops.
    pub(super) async fn run(&self) {
        while let Some(subscription) = self.subscription() {
            if self.shared.stop.is_cancelled() {
                return;
            }
            if subscription.is_expired(self.shared.house.now()) {
                if let Err(error) = standing::expire(&self.shared.house, self.id).await {
                    tracing::warn!(subscription.id = %self.id, %error, "expired webhook not removed yet");
                    self.rest(STORE_WAIT).await;
                }
                continue;
            }
            let end = match &subscription.status {
                SubscriptionStatus::Active => Service::begin(self, subscription).run().await,
                SubscriptionStatus::Blacklisted(entry) => {
                    let (house, reason) = (&self.shared.house, Some(entry.reason.clone()));
                    // No news but after a restart.
                    standing::tell(house, &subscription, AlertState::Suspended, entry.at, reason);
                    self.sit_out(Arc::clone(&subscription), entry.at).await
                }
            };
            if end == End::Over {
                return;
            }
        }
        self.shared.cursors.forget(self.id);
        if let Some(alert) = self.shared.house.alerts.of(self.id) {
            let at = self.shared.house.now();
            self.shared.house.alert(Alert { state: AlertState::Ended, at, ..alert });
        }
    }

    fn subscription(&self) -> Option<Arc<Subscription>> {
        let found = self.shared.house.registry.subscription(self.id)?;
        (!found.is_socket()).then_some(found)
    }

    /// Waits beside a blacklisted subscription, and asks its receiver again now and then.
    async fn sit_out(&self, mut subscription: Arc<Subscription>, since: Timestamp) -> End {
        let house = &self.shared.house;
        let mut probe_at = self.next_probe(since);
        loop {
            self.ledger.lock().next_attempt = probe_at;
            let wake_at = probe_at
                .map_or(subscription.expires_at, |probe_at| probe_at.min(subscription.expires_at));
            tokio::select! {
                () = self.shared.stop.cancelled() => return End::Over,
                () = self.bell.notified() => {}
                () = self.until(wake_at) => {}
            }
            let Some(found) = self.subscription() else { return End::Changed };
            if found.status != subscription.status || found.is_expired(house.now()) {
                return End::Changed;
            }
            subscription = found;
            if probe_at.is_none_or(|probe_at| house.now() < probe_at) {
                continue;
            }
            if self.probe(&subscription).await {
                return End::Changed;
            }
            probe_at = self.next_probe(since);
        }
    }

    fn next_probe(&self, since: Timestamp) -> Option<Timestamp> {
        let house = &self.shared.house;
        house.config.webhook.probe.then(|| Schedule::next_probe(since, house.now())).flatten()
    }

    /// Asks a blacklisted receiver whether it is back; if so its subscription is served again.
    async fn probe(&self, subscription: &Subscription) -> bool {
        let Some(address) = address_of(subscription) else { return false };
        let shaken = tokio::select! {
            () = self.shared.stop.cancelled() => return true,
            shaken = shake_hands(&self.shared.client, address) => shaken,
        };
        if shaken.is_err() {
            return false;
        }
        match standing::activate(&self.shared.house, self.id).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(subscription.id = %self.id, %error, "webhook receiver is back, but that could not be stored");
                false
            }
        }
    }

    /// Waits until the clock shows `at`.
    async fn until(&self, at: Timestamp) {
        loop {
            let now = self.shared.house.now();
            if now >= at {
                return;
            }
            tokio::time::sleep(at.since(now).min(NAP_MAX)).await;
        }
    }

    async fn rest(&self, wait: Duration) {
        tokio::select! {
            () = self.shared.stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// What an attempt came to.
enum Tried {
    /// It was made.
    Sent(Box<Report>),
    /// The server stops: it waits for the next start.
    NotSent,
}

/// The service of an active subscription.
struct Service<'a> {
    worker: &'a Worker,
    shared: &'a Arc<Shared>,
    eyes: Eyes,
    lane: Arc<Lane>,
    door: Arc<Door>,
    position: Position,
    window: Window<(Arc<Outgoing>, Telling)>,
    reminding: Reminding,
    /// Up to here the newest event of each extension will do, and stands for earlier ones: the cursor
    /// was of another log, or what follows it is not kept any more.
    coalesce_until: u64,
    under_way: FuturesUnordered<BoxFuture<'static, Tried>>,
    health: Health,
    /// Set from a failure until the next attempt.
    retry_at: Option<Timestamp>,
}

impl<'a> Service<'a> {
    fn begin(worker: &'a Worker, subscription: Arc<Subscription>) -> Self {
        let shared = &worker.shared;
        let house = &shared.house;
        let lane = house.feed.lane(subscription.account);
        let position = shared.cursors.take_up(&house.registry, worker.id, subscription.from);
        let reminding = Reminding::begin(&subscription, house.now());
        let eyes = Eyes::of(house, subscription);
        let host = eyes.target.as_ref().and_then(|target| target.uri.authority());
        let door = shared.hosts.door(host);
        let mut ledger = worker.ledger.lock();
        ledger.cursor = position;
        ledger.next_attempt = None;
        drop(ledger);
        Self {
            worker,
            shared,
            eyes,
            lane,
            door,
            position,
            window: Window::after(position.offset),
            reminding,
            coalesce_until: 0,
            under_way: FuturesUnordered::new(),
            health: Health::Good,
            retry_at: None,
        }
    }

    async fn run(mut self) -> End {
        let stop = self.shared.stop.clone();
        loop {
            match self.eyes.looked_up_again(&self.shared.house) {
                Some(eyes) => self.eyes = eyes,
                None => return End::Changed,
            }
            let is_active = self.eyes.subscription.status == SubscriptionStatus::Active;
            if !is_active || self.eyes.subscription.is_expired(self.shared.house.now()) {
                return End::Changed;
            }
            self.read_on().await;
            self.start();
            let (reads, read, wake_at) = (self.may_read(), self.window.read(), self.wake_at());
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.wind_up().await,
                () = self.worker.bell.notified() => {}
                Some(tried) = self.under_way.next() => {
                    if let Tried::Sent(report) = tried
                        && self.take(*report).await == Some(End::Changed)
                    {
                        return End::Changed;
                    }
                }
                () = self.lane.moved(read), if reads => {}
                () = self.worker.until(wake_at) => {}
            }
        }
    }

    fn wake_at(&self) -> Timestamp {
        let subscription = &self.eyes.subscription;
        let over = subscription.expires_at;
        match self.retry_at {
            Some(retry_at) if self.under_way.is_empty() => retry_at.min(over),
            Some(_) => over,
            None => self.reminding.next(subscription).map_or(over, |due| due.min(over)),
        }
    }

    /// Tells whether more events are wanted: not while a failure waits for its next attempt.
    fn may_read(&self) -> bool {
        self.retry_at.is_none() && self.window.room() > 0
    }

    /// Reads one page behind what was read, if there is room for it.
    async fn read_on(&mut self) {
        if let Some(retry_at) = self.retry_at
            && self.under_way.is_empty()
            && self.shared.house.now() >= retry_at
        {
            self.retry_at = None;
            self.worker.ledger.lock().next_attempt = None;
        }
        if !self.may_read() || self.lane.head() <= self.window.read() && !self.is_elsewhere() {
            return;
        }
        let journal = self.shared.house.journal.as_ref();
        let after = Position { offset: self.window.read(), ..self.position };
        let coalesce_after = if after.offset < self.coalesce_until { 0 } else { usize::MAX };
        let room = match self.health {
            Health::Good => self.window.room(),
            Health::Failing { .. } => self.window.room().min(FAILING_PAGE),
        };
        match catch_up(journal, &self.lane, after, room, Some(coalesce_after)).await {
            Ok(Caught::Events(events)) => {
                if events.first().is_some_and(|event| event.committed().is_none()) {
                    self.shared.house.metrics.caught_up(Transport::Webhook, Source::Journal);
                }
                self.admit(&events);
            }
            Ok(Caught::Newest { mut events, head }) => {
                self.shared.house.metrics.caught_up(Transport::Webhook, Source::Newest);
                // They stand for earlier ones: those that must wait, or are read again, do too.
                self.coalesce_until = self.coalesce_until.max(head);
                let is_all = events.len() <= room;
                events.truncate(room);
                self.admit(&events);
                if is_all {
                    self.window.pass_to(head);
                }
            }
            Ok(Caught::Unrecoverable) => self.begin_anew(),
            Err(error) => {
                tracing::warn!(subscription.id = %self.worker.id, %error, "webhook cannot read on");
                self.worker.rest(STORE_WAIT).await;
            }
        }
        self.save_cursor();
    }

    /// The cursor is of another log, such as before a restore, or of a tail that was lost.
    fn is_elsewhere(&self) -> bool {
        let head = self.shared.house.journal.head(self.lane.account()).position;
        head.epoch != self.position.epoch || head.offset < self.window.read()
    }

    /// Everything that ever changed is told again, newest only: what the receiver has is unknown.
    fn begin_anew(&mut self) {
        if !self.under_way.is_empty() {
            return; // an offset of the old log must not settle one of the new
        }
        let head = self.shared.house.journal.head(self.lane.account()).position;
        tracing::info!(subscription.id = %self.worker.id, from = %self.position, to = %head, "webhook cursor is of another log; telling the newest of every extension");
        self.position = Position { offset: 0, ..head };
        self.window = Window::after(0);
        self.coalesce_until = head.offset;
    }

    fn admit(&mut self, events: &[Arc<Outgoing>]) {
        self.eyes.rewind(events);
        for event in events {
            let tellings = self.eyes.tellings(&self.shared.house, event);
            let loads = tellings.into_iter().map(|it| (it.kind(), (Arc::clone(event), it)));
            self.window.admit(event.offset(), event.record().event.key.extension, loads);
        }
    }

    /// Starts as many attempts as are allowed: one at a time until a failing receiver succeeds.
    fn start(&mut self) {
        if self.retry_at.is_some() {
            return;
        }
        let (most, route) = match self.health {
            Health::Good => (self.shared.house.config.webhook.window_max.max(1), Route::Kept),
            Health::Failing { .. } => (1, Route::Fresh),
        };
        self.remind(route);
        while let Some((place, (event, telling))) = self.window.next(most) {
            // Decided at the last moment: what was hidden since it was read is not sent.
            let sight = self.eyes.sight(&self.shared.house, &event, telling);
            let (Some(sight), Some(target)) = (sight, &self.eyes.target) else {
                self.window.settle(place);
                continue;
            };
            let parcel = self.eyes.parcel(&self.shared.house, target, &event, sight);
            self.under_way.push(self.attempt(Arc::clone(target), parcel, route));
        }
        self.save_cursor();
    }

    /// Starts the reminders that are due. They are no events: whatever waits does not hold them up.
    fn remind(&mut self, route: Route) {
        let Some(target) = self.eyes.target.clone() else { return };
        let now = self.shared.house.now();
        for (reminder, due_at) in self.reminding.take(&self.eyes.subscription, now) {
            let parcel = self.eyes.reminder(&target, &reminder, due_at, now);
            self.under_way.push(self.attempt(Arc::clone(&target), parcel, route));
        }
    }

    fn attempt(
        &self,
        target: Arc<Target>,
        parcel: Parcel,
        route: Route,
    ) -> BoxFuture<'static, Tried> {
        let (shared, door, health) = (Arc::clone(self.shared), Arc::clone(&self.door), self.health);
        Box::pin(async move {
            let _pass = door.pass(health).await;
            if shared.stop.is_cancelled() {
                return Tried::NotSent;
            }
            let at = shared.house.now();
            Tried::Sent(Box::new(send(&shared.client, &target, parcel, route, at).await))
        })
    }

    /// Takes note of what became of an attempt.
    async fn take(&mut self, report: Report) -> Option<End> {
        self.count(&report);
        let Report { place, attempt, failure, .. } = report;
        let Some((failure, words)) = failure else {
            self.worker.ledger.lock().note(attempt, None);
            if let Some(place) = place {
                self.window.settle(place);
            }
            if self.retry_at.is_none() && std::mem::take(&mut self.health) != Health::Good {
                let (house, subscription) = (&self.shared.house, &self.eyes.subscription);
                standing::tell(house, subscription, AlertState::Recovered, house.now(), None);
            }
            self.lie_low();
            self.save_cursor();
            return None;
        };
        tracing::debug!(subscription.id = %self.worker.id, reason = %words.inside, "webhook attempt failed");
        self.worker.ledger.lock().note(attempt, Some(words.clone()));
        match place {
            Some(place) => self.window.put_back(place),
            None => self.reminding.failed(),
        }
        let end = self.weigh(failure, words, self.shared.house.now()).await;
        self.lie_low();
        end
    }

    fn count(&self, report: &Report) {
        let metrics = &self.shared.house.metrics;
        if report.failure.is_some() {
            metrics.delivered(Transport::Webhook, Outcome::Failed, 1);
            return;
        }
        metrics.delivered(Transport::Webhook, Outcome::Delivered, 1);
        if let Some(committed) = report.committed {
            metrics.took(Transport::Webhook, committed);
        }
    }

    /// Decides what a failure means. Of those that were under way together, the first counts.
    async fn weigh(
        &mut self,
        failure: Failure,
        words: FailureWords,
        now: Timestamp,
    ) -> Option<End> {
        if self.retry_at.is_some() && failure != Failure::Gone {
            return None;
        }
        let verdict = Schedule::failed(&mut self.health, failure, now, self.shared.jitter());
        let retry_at = match verdict {
            Verdict::TryAt(at) => {
                if let Some(end) = Schedule::threatens(self.health, now) {
                    let subscription = &self.eyes.subscription;
                    standing::threaten(&self.shared.house, subscription, words.inside, end);
                }
                at
            }
            Verdict::Blacklist => {
                match standing::blacklist(&self.shared.house, self.worker.id, words).await {
                    Ok(()) => return Some(End::Changed),
                    Err(error) => {
                        tracing::warn!(subscription.id = %self.worker.id, %error, "blacklisting not stored; trying on");
                        now.after(NAP_MAX)
                    }
                }
            }
        };
        self.retry_at = Some(retry_at);
        self.worker.ledger.lock().next_attempt = Some(retry_at);
        None
    }

    /// While a failure waits, nothing is kept in memory: it is read again when its time comes.
    fn lie_low(&mut self) {
        if self.retry_at.is_some() && self.under_way.is_empty() {
            self.window.rewind();
        }
    }

    fn save_cursor(&mut self) {
        let position = Position { offset: self.window.low_water(), ..self.position };
        if position != self.position || self.worker.ledger.lock().cursor != position {
            self.position = position;
            self.worker.ledger.lock().cursor = position;
            // A place amid newest events would say that everything before it was told. Whoever goes
            // on after a crash begins with them once more.
            if position.offset >= self.coalesce_until {
                self.shared.cursors.note(self.worker.id, position);
            }
        }
    }

    /// Lets what is under way come to its end, each within its own limit.
    async fn wind_up(mut self) -> End {
        while let Some(tried) = self.under_way.next().await {
            let Tried::Sent(report) = tried else { continue };
            self.count(&report);
            if let (None, Some(place)) = (&report.failure, report.place) {
                self.window.settle(place);
            }
        }
        self.save_cursor();
        End::Over
    }
}
