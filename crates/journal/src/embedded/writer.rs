//! The writer: one thread, one connection, many batches in one durable write.
//!
//! Order of things: fence, write, durable, `Newest`, watchers and `on_commit`, answers. The
//! callers that arrive while a write is on its way make up the next one, so nothing is waited for.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use lampfield_core::{ExtensionKey, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior, ffi};
use tokio::sync::oneshot;

use super::checkpoint::{self, Mode, Wal};
use super::figures::add;
use super::plan::Plan;
use super::retention::Tails;
use super::shared::Shared;
use super::trouble::Trouble;
use super::{EmbeddedConfig, Fault};
use crate::port::{CommitError, Entry, OnCommit, StoreError};
use crate::stored::Effect;

/// Between two looks for old entries of the audit trail.
const TRAILS_EVERY: Duration = Duration::from_secs(60);
/// What follows when old records cannot be removed.
const OLD_STAY: &str = "old records stay for now";

/// What the writer is asked to do.
pub(super) enum Job {
    /// Commit a batch.
    Commit { batch: Vec<Entry>, answer: oneshot::Sender<Result<(), CommitError>> },
    /// Change the directory.
    Apply {
        effects: Vec<Effect>,
        on_commit: OnCommit,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    /// Remove old records.
    Trim { before: Timestamp, keep_max: u64, answer: oneshot::Sender<Result<u64, StoreError>> },
    /// End.
    Close,
}

/// A job that was admitted to a group.
enum Admitted {
    Batch(Vec<Entry>, oneshot::Sender<Result<(), CommitError>>),
    Directory(Vec<ExtensionKey>, OnCommit, oneshot::Sender<Result<(), StoreError>>),
}

/// The writer's thread.
pub(super) struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    config: EmbeddedConfig,
    tails: Tails,
    wal: Wal,
    /// The size at which the write-ahead log is to begin anew, whoever reads.
    truncate_at: u64,
    made_room: Option<Instant>,
    looked_at_trails: Option<Instant>,
    /// The account whose audit trail had the last look.
    next_trail: Option<i64>,
    buffer: Vec<u8>,
    idle_turns: u32,
}

impl Writer {
    /// Makes a writer on its connection.
    pub(super) fn new(
        connection: Connection,
        shared: Arc<Shared>,
        config: EmbeddedConfig,
        tails: Tails,
    ) -> rusqlite::Result<Self> {
        let wal = checkpoint::look(&connection)?;
        let truncate_at = config.checkpoint_bytes.saturating_mul(2);
        Ok(Self {
            connection,
            shared,
            config,
            tails,
            wal,
            truncate_at,
            made_room: None,
            looked_at_trails: None,
            next_trail: None,
            buffer: Vec::with_capacity(4096),
            idle_turns: 0,
        })
    }

    /// Works until it is told to end, or nobody is left to tell, or the disk fails.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let shared = Arc::clone(&self.shared);
        let _watch = shared.deathwatch();
        loop {
            let next = match jobs.recv_timeout(self.patience()) {
                Ok(first) => self.serve(first, jobs),
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(()),
            };
            if next.is_break() || self.shared.stopped().is_some() {
                break;
            }
        }
        self.end();
    }

    fn serve(&mut self, first: Job, jobs: &Receiver<Job>) -> ControlFlow<()> {
        self.idle_turns = 0;
        let started = Instant::now();
        let mut group = Vec::new();
        let mut entries = 0;
        let mut next = Some(first);
        let mut flow = ControlFlow::Continue(());
        while let Some(job) = next.take() {
            self.shared.counters.waiting.fetch_sub(1, Relaxed);
            match job {
                Job::Trim { before, keep_max, answer } => {
                    self.commit(std::mem::take(&mut group));
                    let _ = answer.send(self.trim(before, keep_max));
                }
                Job::Close => {
                    flow = ControlFlow::Break(());
                    break;
                }
                job => {
                    entries += size(&job);
                    group.push(job);
                }
            }
            let is_full = entries >= self.config.group_max;
            if !is_full && started.elapsed() < self.config.group_time_max {
                next = jobs.try_recv().ok();
            }
        }
        self.commit(group);
        self.copy_back_if_large();
        self.look();
        flow
    }

    fn commit(&mut self, group: Vec<Job>) {
        let shared = Arc::clone(&self.shared);
        if let Some(why) = shared.stopped() {
            return group.into_iter().for_each(|job| refuse(job, &Trouble::Fatal(why.to_owned())));
        }
        let mut plan = Plan::new(&shared.newest);
        let admitted: Vec<_> =
            group.into_iter().filter_map(|job| self.admit(&mut plan, job)).collect();
        let started = Instant::now();
        match self.write(&plan) {
            Ok(()) => {
                if !plan.is_empty() {
                    let records = plan.records().len();
                    shared.counters.wrote(admitted.len(), records, started.elapsed());
                }
                self.tell(admitted);
            }
            Err(error) => {
                let trouble = Trouble::of(&error);
                self.fail(admitted, &trouble);
                if matches!(trouble, Trouble::NoRoom(_)) {
                    self.make_room();
                }
            }
        }
    }

    /// Gives the disk back what the write-ahead log holds of it; once a second, not at every turn.
    fn make_room(&mut self) {
        let is_early = self.made_room.is_some_and(|at| at.elapsed() < Duration::from_secs(1));
        if !is_early && self.wal.bytes() > 0 {
            self.made_room = Some(Instant::now());
            self.copy_back(Mode::Truncate);
        }
    }

    fn admit(&self, plan: &mut Plan<'_>, job: Job) -> Option<Admitted> {
        match job {
            Job::Commit { batch, answer } => match plan.add_batch(&batch) {
                Ok(()) => Some(Admitted::Batch(batch, answer)),
                Err(conflict) => {
                    add(&self.shared.counters.conflicts, 1);
                    let _ = answer.send(Err(conflict));
                    None
                }
            },
            Job::Apply { effects, on_commit, answer } => {
                let removed = effects.iter().filter_map(|effect| match effect {
                    Effect::RemoveExtension(key) => Some(*key),
                    _ => None,
                });
                let removed = removed.collect();
                plan.add_effects(effects);
                Some(Admitted::Directory(removed, on_commit, answer))
            }
            Job::Trim { .. } | Job::Close => None,
        }
    }

    /// Makes a plan durable, all or nothing.
    fn write(&mut self, plan: &Plan<'_>) -> rusqlite::Result<()> {
        if plan.is_empty() {
            return Ok(());
        }
        let fault = self.config.faults.as_ref().and_then(|ask| ask());
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        plan.write(&transaction, &mut self.buffer, self.config.audit)?;
        // Under load there is no idle gap: what comes in pays for what must go out.
        let chunks = self.tails.cut(&transaction, plan.records().len() * 2)?;
        play(fault)?;
        transaction.commit()?;
        self.tails.adopt(chunks, &self.shared.counters);
        self.tails.grow(plan.records(), plan.latest());
        self.measure();
        Ok(())
    }

    /// Looks how large the write-ahead log is. What was just made durable stays so if that fails.
    fn measure(&mut self) {
        match checkpoint::look(&self.connection) {
            Ok(wal) => {
                self.wal = wal;
                self.shared.counters.wal_bytes.store(wal.bytes(), Relaxed);
            }
            Err(error) => self.note(&error, "the write-ahead log cannot be measured"),
        }
    }

    /// Makes a durable group true, tells of it in order, then answers.
    fn tell(&self, admitted: Vec<Admitted>) {
        let mut answers: Vec<Box<dyn FnOnce()>> = Vec::with_capacity(admitted.len());
        for job in admitted {
            match job {
                Admitted::Batch(batch, answer) => {
                    self.shared.newest.adopt(&batch);
                    self.shared.watchers.tell(&batch);
                    answers.push(Box::new(move || drop(answer.send(Ok(())))));
                }
                Admitted::Directory(removed, on_commit, answer) => {
                    for key in removed {
                        self.shared.newest.forget(key);
                    }
                    on_commit();
                    answers.push(Box::new(move || drop(answer.send(Ok(())))));
                }
            }
        }
        for answer in answers {
            answer();
        }
    }

    fn fail(&self, admitted: Vec<Admitted>, trouble: &Trouble) {
        match trouble {
            Trouble::NoRoom(why) => {
                add(&self.shared.counters.refused, admitted.len());
                tracing::warn!(reason = %why, "refused {} changes: {why}", admitted.len());
            }
            Trouble::Fatal(why) => self.shared.stop(why),
        }
        for job in admitted {
            match job {
                Admitted::Batch(_, answer) => drop(answer.send(Err(trouble.clone().into()))),
                Admitted::Directory(_, _, answer) => {
                    drop(answer.send(Err(trouble.clone().into())));
                }
            }
        }
    }

    /// Housekeeping while nobody waits: one small piece at a time.
    fn idle(&mut self) -> ControlFlow<()> {
        self.idle_turns = self.idle_turns.saturating_add(1);
        let backlog = self.wal.backlog_bytes();
        let is_quiet = self.idle_turns >= 20;
        let worth_it = backlog >= self.config.checkpoint_bytes / 8;
        if backlog > 0 && (worth_it || is_quiet) {
            self.copy_back(Mode::Passive);
        }
        self.look();
        if self.tails.is_due()
            && let Err(error) = self.cut_once()
        {
            self.note(&error, OLD_STAY);
        }
        ControlFlow::Continue(())
    }

    /// Looks for old records, once in a while.
    fn look(&mut self) {
        let looked = self.tails.look(&self.connection, &self.config, &self.shared.newest);
        if let Err(error) = looked {
            self.note(&error, OLD_STAY);
        }
        if let Err(error) = self.look_at_trails() {
            self.note(&error, "old entries of the audit trail stay for now");
        }
    }

    /// Takes old entries of the audit trail away, a few accounts at a time.
    fn look_at_trails(&mut self) -> rusqlite::Result<()> {
        let is_early = self.looked_at_trails.is_some_and(|at| at.elapsed() < TRAILS_EVERY);
        let Some(clock) = self.config.clock.as_ref().filter(|_| !is_early) else { return Ok(()) };
        self.looked_at_trails = Some(Instant::now());
        let now = clock.now();
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (removed, next) =
            super::audit::sweep(&transaction, self.config.audit, now, self.next_trail)?;
        if removed > 0 {
            transaction.commit()?;
            self.measure();
        }
        self.next_trail = next;
        Ok(())
    }

    /// How long to wait for work before the next piece of housekeeping.
    fn patience(&self) -> Duration {
        let is_busy = self.tails.is_due() && self.idle_turns > 0;
        if is_busy {
            Duration::from_millis(1)
        } else if self.wal.backlog_bytes() > 0 || self.tails.is_due() {
            self.config.idle_after
        } else {
            self.config.idle_after.max(self.config.retention_every)
        }
    }

    fn cut_once(&mut self) -> rusqlite::Result<usize> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let chunks = self.tails.cut(&transaction, self.config.trim_chunk.max(1))?;
        transaction.commit()?;
        let removed = self.tails.adopt(chunks, &self.shared.counters);
        self.measure();
        Ok(removed)
    }

    fn trim(&mut self, before: Timestamp, keep_max: u64) -> Result<u64, StoreError> {
        self.tails.demand(before, keep_max, &self.shared.newest);
        let mut removed = 0;
        while self.tails.is_due() {
            match self.cut_once() {
                Ok(more) => {
                    removed += u64::try_from(more).unwrap_or(0);
                    self.copy_back_if_large();
                }
                Err(error) => {
                    self.note(&error, OLD_STAY);
                    return Err(Trouble::of(&error).into());
                }
            }
        }
        Ok(removed)
    }

    fn copy_back_if_large(&mut self) {
        let limit = self.config.checkpoint_bytes;
        if self.wal.bytes() >= self.truncate_at {
            self.copy_back(Mode::Truncate);
            // In vain while somebody, such as a backup, still reads from it: not at every turn.
            let next = self.wal.bytes().saturating_add(limit / 8);
            self.truncate_at = next.max(limit.saturating_mul(2));
        } else if self.wal.backlog_bytes() >= limit {
            self.copy_back(Mode::Passive);
        }
    }

    /// Copies the write-ahead log into the data file. To truncate it no reader of ours may be at
    /// work meanwhile: readers that never pause would let it grow for ever.
    fn copy_back(&mut self, mode: Mode) {
        let gate = (mode == Mode::Truncate).then(|| self.shared.gate.write());
        let done = checkpoint::run(&self.connection, mode);
        drop(gate);
        match done {
            Ok(wal) => {
                self.wal = wal;
                add(&self.shared.counters.checkpoints, 1);
                self.shared.counters.wal_bytes.store(wal.bytes(), Relaxed);
            }
            Err(error) => self.note(&error, "the write-ahead log stays as it is for now"),
        }
    }

    /// Takes note of a failed piece of housekeeping.
    fn note(&self, error: &rusqlite::Error, consequence: &str) {
        match Trouble::of(error) {
            Trouble::NoRoom(why) => tracing::warn!(reason = %why, "{why}: {consequence}"),
            Trouble::Fatal(why) => self.shared.stop(&why),
        }
    }

    fn end(mut self) {
        if self.shared.stopped().is_none() {
            self.copy_back(Mode::Truncate);
        } else {
            // The disk failed: closing must not write to it again.
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }
}

fn size(job: &Job) -> usize {
    match job {
        Job::Commit { batch, .. } => batch.len(),
        Job::Apply { effects, .. } => effects.len(),
        Job::Trim { .. } | Job::Close => 0,
    }
}

fn refuse(job: Job, trouble: &Trouble) {
    match job {
        Job::Commit { answer, .. } => drop(answer.send(Err(trouble.clone().into()))),
        Job::Apply { answer, .. } => drop(answer.send(Err(trouble.clone().into()))),
        Job::Trim { answer, .. } => drop(answer.send(Err(trouble.clone().into()))),
        Job::Close => {}
    }
}

/// Plays a fault where the real one would strike: just before the commit.
fn play(fault: Option<Fault>) -> rusqlite::Result<()> {
    let failed = |code, what: &str| {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(what.to_owned())))
    };
    match fault {
        None => Ok(()),
        Some(Fault::Full) => failed(ffi::SQLITE_FULL, "played: the disk is full"),
        Some(Fault::Sync) => failed(ffi::SQLITE_IOERR_FSYNC, "played: the disk did not sync"),
        Some(Fault::Slow(time)) => {
            std::thread::sleep(time);
            Ok(())
        }
        Some(Fault::Panic) => panic!("played: the writer breaks down"),
    }
}
