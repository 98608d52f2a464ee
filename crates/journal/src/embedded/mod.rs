//! The embedded store: journal and directory in one SQLite file, in one process.
//!
//! One thread writes, many batches to a durable write; a few threads read; the newest documents
//! are in memory. SQLite is compiled in, in WAL mode with `synchronous=FULL`: what was answered
//! survives a power cut. What can go wrong has a type: [`OpenError`], and while running
//! [`CommitError`] – a full disk refuses changes until there is room, a disk that fails stops the
//! store for good.

mod audit;
mod backup;
mod checkpoint;
mod config;
mod figures;
mod load;
mod open_error;
mod place;
mod plan;
mod reader;
mod retention;
mod schema;
mod shared;
mod trouble;
mod verify;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::JoinHandle;

use futures_util::FutureExt as _;
use lampfield_core::{AccountId, Epoch, ExtensionKey, Position, Sequence, Timestamp};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::figures::add;
use self::place::Place;
use self::reader::Readers;
use self::retention::Tails;
use self::shared::Shared;
use self::writer::{Job, Writer};
use crate::newest::Newest;
use crate::port::{
    AuditPage, BoxFuture, CommitError, CommitWatcher, Contents, DirectoryChange, DirectoryStore,
    Entry, Head, Journal, OnCommit, Page, ReadError, Record, StoreError,
};
use crate::stored::effect_of;

pub use self::backup::{BackupError, BackupReport, SEQUENCE_JUMP, backup, restore};
pub use self::config::{EmbeddedConfig, Fault, FaultHook, OnFatal, Retention};
pub use self::figures::Figures;
pub use self::open_error::OpenError;
pub use self::verify::{VerifyReport, verify, verify_file};

/// A journal and a directory in a data directory.
///
/// Batches and directory changes are stored in the order of the calls. Dropping it finishes what
/// was handed over and gives the directory free.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    jobs: SyncSender<Job>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Readers,
    page_max: usize,
    dir: PathBuf,
    path: PathBuf,
    /// Last: given free when everything else has ended.
    _place: Place,
}

impl EmbeddedStore {
    /// Opens a data directory; makes it where there is none, or where it is empty.
    ///
    /// Blocks until every newest document is in memory: about a second for a million.
    ///
    /// # Errors
    /// [`OpenError`]; nothing was changed then.
    pub fn open(dir: &Path, config: EmbeddedConfig) -> Result<Arc<Self>, OpenError> {
        schema::check_library()?;
        let place = Place::take(dir)?;
        let path = place.file();
        let refused = |error: rusqlite::Error| OpenError::of(&path, &error);
        let connection = schema::open_writer(&path, &config)?;
        let loaded = load::newest(&connection, &path)?;
        let tails = Tails::load(&connection, loaded.latest).map_err(refused)?;
        let shared = Arc::new(Shared::new(loaded.newest, config.on_fatal.clone()));
        let (readers, reads_max, page_max) =
            (config.readers, config.reads_max, config.page_max.max(1));
        let (jobs, receiver) = mpsc::sync_channel(config.queue_max.max(1));
        let no_thread = OpenError::io("start a thread for", &path);
        let readers = Readers::start(&path, &shared, readers, reads_max).map_err(no_thread)?;
        let writer =
            Writer::new(connection, Arc::clone(&shared), config, tails).map_err(refused)?;
        let thread = std::thread::Builder::new()
            .name("store-write".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(OpenError::io("start a thread for", &path))?;
        let (writer, dir) = (Mutex::new(Some(thread)), dir.to_owned());
        Ok(Arc::new(Self { shared, jobs, writer, readers, page_max, dir, path, _place: place }))
    }

    /// Finishes what was handed over, copies the write-ahead log back and ends. Later changes are
    /// refused with [`CommitError::Stopped`]. Blocks for a moment.
    pub fn close(&self) {
        let Some(thread) = self.writer.lock().take() else { return };
        self.shared.counters.waiting.fetch_add(1, Relaxed);
        let _ = self.jobs.send(Job::Close);
        // The last handle may be dropped in a watcher, on the writer's own thread.
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }

    /// Removes records that were decided before `before`, and of every account all but the newest
    /// `keep_max`; returns how many. The rules of [`Retention`] do the same by themselves.
    pub fn trim(
        &self,
        before: Timestamp,
        keep_max: u64,
    ) -> BoxFuture<'static, Result<u64, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let handed = self.hand_over(Job::Trim { before, keep_max, answer });
        self.answer(handed, answered)
    }

    /// Copies everything to the new file `file`, as of one moment, while the store goes on.
    ///
    /// # Errors
    /// [`BackupError`]; there is no backup then.
    pub fn backup_to(&self, file: &Path) -> BoxFuture<'static, Result<BackupReport, BackupError>> {
        let (answer, answered) = oneshot::channel();
        let (dir, file) = (self.dir.clone(), file.to_owned());
        let no_thread = OpenError::io("start a thread for", &self.path);
        let thread = std::thread::Builder::new()
            .name("store-backup".to_owned())
            .spawn(move || drop(answer.send(backup(&dir, &file))));
        let started = thread.map_err(no_thread);
        Box::pin(async move {
            started?;
            answered.await.unwrap_or_else(|_| {
                let why = "the thread that copied it broke down".to_owned();
                Err(OpenError::Unusable { path: PathBuf::from("the backup"), why }.into())
            })
        })
    }

    /// Returns what the store counts.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.shared.counters.read()
    }

    /// Returns where the data file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a job in the writer's line, or says why not.
    fn hand_over(&self, job: Job) -> Result<(), NotTaken> {
        if let Some(why) = self.shared.stopped() {
            return Err(NotTaken::Stopped(why.to_owned()));
        }
        self.shared.counters.waiting.fetch_add(1, Relaxed);
        let sent = self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Disconnected(_) => NotTaken::Stopped(self.shared.why_stopped()),
        });
        if let Err(not_taken) = &sent {
            self.shared.counters.waiting.fetch_sub(1, Relaxed);
            if matches!(not_taken, NotTaken::Full) {
                add(&self.shared.counters.refused, 1);
            }
        }
        sent
    }

    fn answer<T: Send + 'static, E: From<NotTaken> + Send + 'static>(
        &self,
        handed: Result<(), NotTaken>,
        answered: oneshot::Receiver<Result<T, E>>,
    ) -> BoxFuture<'static, Result<T, E>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            handed?;
            // No answer: the writer ended, and has said why.
            answered.await.unwrap_or_else(|_| Err(NotTaken::Stopped(shared.why_stopped()).into()))
        })
    }
}

/// Why the writer was not given a job.
#[derive(Debug)]
enum NotTaken {
    Full,
    Stopped(String),
}

const QUEUE_FULL: &str = "too many changes wait to be written";

impl From<NotTaken> for CommitError {
    fn from(why: NotTaken) -> Self {
        match why {
            NotTaken::Full => Self::Full(QUEUE_FULL.to_owned()),
            NotTaken::Stopped(why) => Self::Stopped(why),
        }
    }
}

impl From<NotTaken> for StoreError {
    fn from(why: NotTaken) -> Self {
        match why {
            NotTaken::Full => Self::Full(QUEUE_FULL.to_owned()),
            NotTaken::Stopped(why) => Self::Unusable(why),
        }
    }
}

impl Journal for EmbeddedStore {
    fn epoch(&self) -> Epoch {
        self.shared.newest.epoch()
    }

    fn head(&self, account: AccountId) -> Head {
        self.shared.newest.head(account)
    }

    fn commit(&self, batch: Vec<Entry>) -> BoxFuture<'static, Result<(), CommitError>> {
        let (answer, answered) = oneshot::channel();
        let handed = self.hand_over(Job::Commit { batch, answer });
        self.answer(handed, answered)
    }

    fn read(
        &self,
        account: AccountId,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'static, Result<Page, ReadError>> {
        let head = self.shared.newest.head(account).position;
        if after.epoch != head.epoch || after.offset > head.offset {
            return Box::pin(std::future::ready(Ok(Page::Unrecoverable { head })));
        }
        let limit = limit.min(self.page_max);
        if after.offset == head.offset || limit == 0 {
            return Box::pin(std::future::ready(Ok(Page::Records(Vec::new()))));
        }
        let read = self.readers.ask(move |connection| {
            reader::page(connection, account, after.offset, head.offset, limit)
        });
        Box::pin(
            read.map(move |page| Ok(page?.map_or(Page::Unrecoverable { head }, Page::Records))),
        )
    }

    fn as_of(
        &self,
        key: ExtensionKey,
        sequence: Sequence,
    ) -> BoxFuture<'static, Result<Option<Arc<Record>>, ReadError>> {
        let newest = self.shared.newest.get(key);
        if let Some(newest) = newest.filter(|newest| newest.event.sequence <= sequence) {
            return Box::pin(std::future::ready(Ok(Some(newest))));
        }
        Box::pin(self.readers.ask(move |connection| reader::find(connection, key, sequence)))
    }

    fn newest(&self) -> &Newest {
        &self.shared.newest
    }

    fn watch(&self, watcher: Arc<dyn CommitWatcher>) {
        self.shared.watchers.add(watcher);
    }
}

impl DirectoryStore for EmbeddedStore {
    fn load(&self) -> Result<Contents, StoreError> {
        let connection = schema::open_reader(&self.path)
            .map_err(|error| StoreError::Unusable(error.to_string()))?;
        load::directory(&connection)
    }

    fn apply(
        &self,
        changes: Vec<DirectoryChange>,
        on_commit: OnCommit,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        let effects = match changes.iter().map(effect_of).collect() {
            Ok(effects) => effects,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let (answer, answered) = oneshot::channel();
        let handed = self.hand_over(Job::Apply { effects, on_commit, answer });
        self.answer(handed, answered)
    }

    fn audit(
        &self,
        account: Option<AccountId>,
        skip: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<AuditPage, StoreError>> {
        let limit = limit.min(self.page_max);
        let read =
            self.readers.ask(move |connection| Ok(audit::page(connection, account, skip, limit)));
        Box::pin(read.map(|page| page.map_err(|error| StoreError::Unusable(error.to_string()))?))
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        // The writer last: whoever closes the file last puts the write-ahead log away.
        self.readers.stop();
        self.close();
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("path", &self.path)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}
