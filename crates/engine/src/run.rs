//! The loop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::{Clock, Command, Policy, SourceId, Timestamp};
use lampfield_journal::{CommitError, Entry, Journal, Registry};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::group::{Ground, Group, Step};
use crate::intake::{Intake, Parcel, SourcePhase, StandingChange, SubmitError};
use crate::leases::{Leases, extended};
use crate::metrics::{EngineMetrics, Outcome};
use crate::sources::{SourceBoard, Word};
use crate::tracking::Tracker;
use crate::work::{Caller, Errand, Results, Settings, Work, failure_of, picture_receipt};

/// The clock is asked at least this often: it may be set, and a machine may have slept.
const POLL: Duration = Duration::from_millis(100);
/// How often gauges are brought up to date.
const GAUGES_EVERY: Duration = Duration::from_secs(1);
/// When to come back after the store took no changes; also the engine's own wait before it tries
/// to store expiries again.
const STORE_WAIT: Duration = Duration::from_secs(1);
/// Attempts to commit a group to a log that somebody else wrote to.
const ATTEMPTS_MAX: u32 = 2;

/// How the engine behaves. Every bound is named here.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The two configurable steps of composition.
    pub policy: Policy,
    /// Orders that wait at most in the intake.
    pub intake_max: usize,
    /// Changes that share one durable write at most.
    pub group_max: usize,
    /// How long a caller waits for room in the intake.
    pub patience: Duration,
    /// How long claims of a lost source are still shown, stale.
    pub lost_grace: Duration,
    /// How long after a restart leases last at least, so that sources can show their picture.
    pub restart_grace: Duration,
    /// Sources without claims that are remembered of an account at most.
    pub sources_max: usize,
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
            sources_max: 1000,
        }
    }
}

/// The computing half of the house.
#[derive(Debug)]
pub struct Engine {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
    metrics: EngineMetrics,
}

impl Engine {
    /// Starts the loop on the present tokio runtime: takes up what the journal holds and returns
    /// the way in. The loop ends when every [`Intake`] is gone, on [`Engine::stop`], or when the
    /// journal has stopped.
    #[must_use]
    pub fn start(
        config: EngineConfig,
        journal: Arc<dyn Journal>,
        registry: Arc<Registry>,
        clock: Arc<dyn Clock>,
    ) -> (Self, Intake) {
        let room_max = config.intake_max.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let (sender, letters) = mpsc::channel(room_max);
        let room = Arc::new(Semaphore::new(room_max));
        let (board, leases) = (Arc::<SourceBoard>::default(), Arc::<Leases>::default());
        let metrics = EngineMetrics::default();
        let stop = Arc::new(Notify::new());
        let intake = Intake {
            letters: sender,
            room: Arc::clone(&room),
            room_max: u32::try_from(room_max).unwrap_or(u32::MAX),
            board: Arc::clone(&board),
            leases: Arc::clone(&leases),
            metrics: metrics.clone(),
            patience: config.patience,
        };
        let mut run = Run {
            tracker: Tracker::new(Arc::clone(&board)),
            config,
            journal,
            registry,
            clock,
            letters,
            held: None,
            room,
            room_max,
            leases,
            board,
            metrics: metrics.clone(),
            store_rests_until: None,
            gauges_due: Instant::now(),
            has_ended: false,
        };
        let moved = run.take_up();
        let told_to_stop = Arc::clone(&stop);
        let task = tokio::spawn(async move { run.run(moved, &told_to_stop).await });
        (Self { stop, task, metrics }, intake)
    }

    /// Returns the figures.
    #[must_use]
    pub fn metrics(&self) -> EngineMetrics {
        self.metrics.clone()
    }

    /// Takes no more letters, finishes those it has, and ends.
    pub async fn stop(self) {
        self.stop.notify_one();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the computing loop broke");
        }
    }
}

/// Everything the loop owns.
#[derive(Debug)]
struct Run {
    config: EngineConfig,
    journal: Arc<dyn Journal>,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    letters: mpsc::Receiver<Parcel>,
    /// A letter that must wait until the group before it is adopted.
    held: Option<Parcel>,
    room: Arc<Semaphore>,
    room_max: usize,
    leases: Arc<Leases>,
    tracker: Tracker,
    board: Arc<SourceBoard>,
    metrics: EngineMetrics,
    /// Until when expiries wait because the store took no changes.
    store_rests_until: Option<Instant>,
    gauges_due: Instant,
    has_ended: bool,
}

impl Run {
    async fn run(&mut self, moved: Vec<Step>, stop: &Notify) {
        for steps in moved.chunks(self.config.group_max.max(1)) {
            self.commit(steps).await;
        }
        while !self.has_ended {
            self.show_gauges();
            self.expire_due().await;
            let Some(parcel) = self.next_parcel(stop).await else { continue };
            let work = self.gather(parcel);
            self.carry_out(work).await;
        }
        self.letters.close();
        self.room.close();
    }

    /// Waits for the next letter; none when it is time to look at the clock or to end.
    async fn next_parcel(&mut self, stop: &Notify) -> Option<Parcel> {
        if self.has_ended || self.held.is_some() {
            return self.held.take();
        }
        let nap = self.nap();
        tokio::select! {
            biased;
            () = stop.notified() => {
                self.letters.close();
                None
            }
            parcel = self.letters.recv() => {
                self.has_ended = parcel.is_none();
                parcel
            }
            () = tokio::time::sleep(nap) => None,
        }
    }

    fn nap(&self) -> Duration {
        let now = self.clock.now();
        let wait = self.tracker.next_deadline().map_or(POLL, |deadline| deadline.since(now));
        let wait = wait.clamp(Duration::from_millis(1), POLL);
        if self.store_rests_until.is_some() { POLL } else { wait }
    }

    /// Takes up what the journal holds. Returns what the directory decided while nobody listened.
    fn take_up(&mut self) -> Vec<Step> {
        let now = self.clock.now();
        let mut moved = Vec::new();
        let journal = Arc::clone(&self.journal);
        for account in journal.newest().accounts() {
            for record in journal.newest().snapshot(account, 0).records {
                let (key, stored) = (record.event.key, &record.event.document);
                let Some(extension) = self.registry.extension(key) else { continue };
                if extension.standing != stored.standing {
                    let (before, after) = (stored.standing, extension.standing);
                    let change = StandingChange { key, before, after };
                    moved.push(Step::of_standing(change, now));
                }
                for claim in &stored.claims {
                    self.remember(key.account, claim, now);
                }
                match extended(stored, now, self.config.restart_grace) {
                    Some(document) => {
                        self.tracker.follow(key, &document, now);
                        self.leases.keep(key, record.offset, document);
                    }
                    None => self.tracker.follow(key, stored, now),
                }
            }
        }
        moved
    }

    fn remember(
        &self,
        account: lampfield_core::AccountId,
        claim: &lampfield_core::Claim,
        now: Timestamp,
    ) {
        if claim.source == SourceId::manual() {
            return;
        }
        let awaited = SourcePhase::Awaited(now.after(self.config.restart_grace));
        let phase = claim.stale_since.map_or(awaited, SourcePhase::Lost);
        self.board.remembered(account, &claim.source, phase, claim.observed_at);
    }

    /// Takes letters that wait, as long as they fit into one group.
    fn gather(&mut self, first: Parcel) -> Work {
        let settings = Settings { now: self.clock.now(), lost_grace: self.config.lost_grace };
        let alone = first.concerns_a_whole_source();
        let mut work = Work::default();
        work.add(first, &self.tracker, settings);
        while !alone && work.steps.len() < self.config.group_max {
            match self.letters.try_recv() {
                Ok(parcel) if parcel.concerns_a_whole_source() => {
                    self.held = Some(parcel);
                    break;
                }
                Ok(parcel) => work.add(parcel, &self.tracker, settings),
                Err(_) => break,
            }
        }
        work
    }

    async fn carry_out(&mut self, work: Work) {
        let Work { steps, mut errands } = work;
        let mut results = VecDeque::new();
        self.answer_finished(&mut errands, &mut results);
        for steps in steps.chunks(self.config.group_max.max(1)) {
            results.extend(self.commit(steps).await);
            self.answer_finished(&mut errands, &mut results);
        }
    }

    fn answer_finished(
        &self,
        errands: &mut VecDeque<Errand>,
        results: &mut VecDeque<Result<crate::group::Done, SubmitError>>,
    ) {
        while errands.front().is_some_and(|errand| errand.count <= results.len()) {
            let Some(errand) = errands.pop_front() else { return };
            let results = results.drain(..errand.count).collect();
            self.answer(errand.caller, results);
        }
    }

    /// Answers one caller. Whoever does not wait any more is not missed.
    fn answer(&self, caller: Caller, results: Results) {
        match caller {
            Caller::Orders(answer) => {
                let receipts = results.into_iter().map(|it| it.map(|done| done.receipt)).collect();
                let _ = answer.send(receipts);
            }
            Caller::Picture { account, source, named, answer } => {
                if let Some(error) = failure_of(&results) {
                    let _ = answer.send(Err(error));
                    return;
                }
                self.heard(account, &source, Word::Picture);
                let sequence = self.journal.head(account).sequence;
                let _ = answer.send(Ok(picture_receipt(&named, results, sequence)));
            }
            Caller::Lost { account, source, answer } => {
                let failure = failure_of(&results);
                if failure.is_none() {
                    self.board.lost(account, &source, self.clock.now());
                }
                let _ = answer.send(failure.map_or(Ok(()), Err));
            }
        }
    }

    /// Ends leases that are over, at most one group at a time so that letters get their turn.
    async fn expire_due(&mut self) {
        if self.store_rests_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.store_rests_until = None;
        let due = self.tracker.due(self.clock.now(), self.config.group_max.max(1));
        if due.is_empty() || self.has_ended {
            return;
        }
        let steps: Vec<_> = due
            .into_iter()
            .map(|(deadline, key)| Step {
                key,
                command: Command::Expire,
                observed_at: deadline,
                standing_before: None,
            })
            .collect();
        let results = self.commit(&steps).await;
        let now = self.clock.now();
        for (step, result) in steps.iter().zip(results) {
            match result {
                Ok(_) => {}
                Err(SubmitError::UnknownExtension(key)) => {
                    self.tracker.forget(key, now);
                    self.leases.forget(key);
                }
                Err(error) => {
                    tracing::warn!(extension = %step.key, %error, "an expiry has to wait");
                    self.store_rests_until = Some(Instant::now() + STORE_WAIT);
                    break;
                }
            }
        }
    }

    /// Decides one group of steps and makes it durable; then it is true.
    async fn commit(&mut self, steps: &[Step]) -> Results {
        for attempt in 1..=ATTEMPTS_MAX {
            if self.has_ended {
                break;
            }
            let now = self.clock.now();
            let mut group = Group::decide(steps, self.ground(), now);
            if !group.must_commit() {
                return self.adopt(steps, group);
            }
            let entries = std::mem::take(&mut group.entries);
            let changes = entries.iter().filter(|it| matches!(it, Entry::Change(_))).count();
            let renewals = entries.len() - changes;
            match self.journal.commit(entries).await {
                Ok(()) => {
                    self.metrics.committed(changes, renewals);
                    return self.adopt(steps, group);
                }
                Err(error @ CommitError::Conflict { .. }) if attempt < ATTEMPTS_MAX => {
                    tracing::warn!(%error, "somebody else wrote to the log; deciding again");
                }
                Err(error) => return self.fail(group, &error),
            }
        }
        self.count_all(vec![Err(SubmitError::Stopped); steps.len()])
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            journal: &*self.journal,
            registry: &self.registry,
            leases: &self.leases,
            policy: self.config.policy,
            restart_grace: self.config.restart_grace,
        }
    }

    /// Believes what is durable.
    fn adopt(&mut self, steps: &[Step], group: Group) -> Results {
        let now = self.clock.now();
        for (key, staged) in group.staged {
            let document = staged.document();
            self.tracker.follow(key, document, now);
            let is_known = match staged.stored() {
                Some(stored) => stored == document,
                None => document.claims.is_empty(),
            };
            if is_known {
                self.leases.forget(key);
            } else {
                let offset = staged.record.as_ref().map_or(0, |record| record.offset);
                self.leases.keep(key, offset, document.clone());
            }
        }
        for (step, result) in steps.iter().zip(&group.results) {
            if let Ok(done) = result {
                if done.receipt.changed {
                    self.metrics.took(now.since(step.observed_at));
                }
                if let Some(source) = step.speaker() {
                    self.heard(step.key.account, source, Word::Report);
                }
            }
        }
        self.count_all(group.results)
    }

    /// Answers a group that could not be made durable: none of it happened. Refusals stand.
    fn fail(&mut self, group: Group, error: &CommitError) -> Results {
        let answer = match error {
            CommitError::Conflict { .. } | CommitError::Full(_) => {
                tracing::error!(%error, "a group of changes could not be stored");
                SubmitError::Unavailable { reason: error.to_string(), wait: STORE_WAIT }
            }
            CommitError::Stopped(_) => {
                tracing::error!(%error, "the computing loop ends");
                self.has_ended = true;
                SubmitError::Stopped
            }
        };
        let results = group.results.into_iter();
        self.count_all(results.map(|result| result.and_then(|_| Err(answer.clone()))).collect())
    }

    fn heard(&self, account: lampfield_core::AccountId, source: &SourceId, word: Word) {
        if *source == SourceId::manual() || *source == SourceId::house() {
            return;
        }
        self.board.heard(account, source, word, self.clock.now(), self.config.sources_max);
    }

    fn count_all(&self, results: Results) -> Results {
        for result in &results {
            self.metrics.count(match result {
                Ok(done) if done.receipt.changed => Outcome::Changed,
                Ok(_) => Outcome::Unchanged,
                Err(SubmitError::Refused(_)) => Outcome::Refused,
                Err(SubmitError::UnknownExtension(_)) => Outcome::UnknownExtension,
                Err(SubmitError::Overloaded(_)) => Outcome::Overloaded,
                Err(SubmitError::Unavailable { .. }) => Outcome::Unavailable,
                Err(SubmitError::Stopped) => Outcome::Stopped,
            });
        }
        results
    }

    fn show_gauges(&mut self) {
        let now = Instant::now();
        if now < self.gauges_due {
            return;
        }
        self.gauges_due = now + GAUGES_EVERY;
        self.metrics.waiting(self.room_max.saturating_sub(self.room.available_permits()));
        let oldest = self.tracker.oldest_confirmation();
        self.metrics.claims(self.tracker.totals(), oldest, self.clock.now());
        self.metrics.sources(self.board.phases());
    }
}
