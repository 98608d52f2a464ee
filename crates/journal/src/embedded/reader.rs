//! The readers: a few threads with connections that cannot write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::JoinHandle;

use lampfield_core::{AccountId, ExtensionKey, Sequence};
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{Semaphore, oneshot};

use super::schema;
use super::shared::Shared;
use crate::port::{ReadError, Record};
use crate::record::decode;

type Task = Box<dyn FnOnce(&Connection) + Send>;

/// Threads that read. At most so many reads are taken up at a time, the others wait in line.
#[derive(Debug)]
pub(super) struct Readers {
    tasks: Option<SyncSender<Task>>,
    places: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts `threads` threads that take up `reads_max` reads at a time.
    pub(super) fn start(
        path: &Path,
        shared: &Arc<Shared>,
        threads: usize,
        reads_max: usize,
    ) -> Result<Self, std::io::Error> {
        let reads_max = reads_max.clamp(1, Semaphore::MAX_PERMITS);
        let (sender, receiver) = mpsc::sync_channel(reads_max);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut readers = Self {
            tasks: Some(sender),
            places: Arc::new(Semaphore::new(reads_max)),
            threads: Vec::new(),
        };
        for number in 0..threads.max(1) {
            let connection = schema::open_reader(path).map_err(std::io::Error::other)?;
            let (receiver, shared) = (Arc::clone(&receiver), Arc::clone(shared));
            let builder = std::thread::Builder::new().name(format!("store-read-{number}"));
            let thread = builder.spawn(move || serve(&connection, &receiver, &shared))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Hands a read over; the future resolves with its answer.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> impl Future<Output = Result<T, ReadError>> + Send + 'static {
        let places = Arc::clone(&self.places);
        let tasks = self.tasks.clone();
        async move {
            let closed = || ReadError::Unreadable("the store was closed".to_owned());
            let place = places.acquire_owned().await.map_err(|_| closed())?;
            let (answer, answered) = oneshot::channel();
            let task: Task = Box::new(move |connection| {
                let _ = answer.send(read(connection));
                drop(place);
            });
            // There is room: as many tasks fit as there are places.
            tasks.ok_or_else(closed)?.try_send(task).map_err(|_| closed())?;
            answered.await.map_err(|_| ReadError::Unreadable("the read broke down".to_owned()))?
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Readers {
    /// Finishes what was taken up and ends; whoever waits in line is refused.
    pub(super) fn stop(&mut self) {
        self.places.close();
        self.tasks = None;
        let here = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != here) {
            let _ = thread.join();
        }
    }
}

fn serve(connection: &Connection, tasks: &Mutex<Receiver<Task>>, shared: &Shared) {
    loop {
        // The lock is held while waiting: one thread waits for a task, the others for the lock.
        let task = tasks.lock().recv();
        let Ok(task) = task else { return };
        let gate = shared.gate.read();
        // A fault of ours costs this one answer, not the thread.
        let done = catch_unwind(AssertUnwindSafe(|| task(connection)));
        drop(gate);
        if done.is_err() {
            tracing::error!("a read of the store broke down, which is a fault of the program");
        }
    }
}

/// Reads records of an account after `after` up to `head`, without a gap.
pub(super) fn page(
    connection: &Connection,
    account: AccountId,
    after: u64,
    head: u64,
    limit: usize,
) -> Result<Option<Vec<Arc<Record>>>, ReadError> {
    let mut records = Vec::with_capacity(limit.min(64));
    let unreadable = |error: rusqlite::Error| ReadError::Unreadable(error.to_string());
    let mut select = connection
        .prepare_cached(
            "SELECT offset, bytes FROM log
             WHERE account = ?1 AND offset > ?2 AND offset <= ?3 ORDER BY offset LIMIT ?4",
        )
        .map_err(unreadable)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let bounds =
        params![account.get().cast_signed(), after.cast_signed(), head.cast_signed(), limit];
    let mut rows = select.query(bounds).map_err(unreadable)?;
    let mut expected = after + 1;
    while let Some(row) = rows.next().map_err(unreadable)? {
        let offset = row.get::<_, i64>(0).map_err(unreadable)?.cast_unsigned();
        if offset != expected {
            if records.is_empty() {
                return Ok(None);
            }
            let what = "it is missing".to_owned();
            return Err(ReadError::Damaged { account, offset: expected, what });
        }
        let bytes = row.get_ref(1).and_then(|value| Ok(value.as_blob()?)).map_err(unreadable)?;
        records.push(Arc::new(checked(account, offset, bytes)?));
        expected += 1;
    }
    Ok((!records.is_empty()).then_some(records))
}

/// Finds the newest record of an extension that is not after `sequence`.
pub(super) fn find(
    connection: &Connection,
    key: ExtensionKey,
    sequence: Sequence,
) -> Result<Option<Arc<Record>>, ReadError> {
    let unreadable = |error: rusqlite::Error| ReadError::Unreadable(error.to_string());
    let mut select = connection
        .prepare_cached(
            "SELECT offset, bytes FROM log INDEXED BY log_by_extension
             WHERE account = ?1 AND extension = ?2 AND sequence <= ?3
             ORDER BY sequence DESC LIMIT 1",
        )
        .map_err(unreadable)?;
    let sequence = i64::try_from(sequence.0).unwrap_or(i64::MAX);
    let place =
        params![key.account.get().cast_signed(), key.extension.get().cast_signed(), sequence];
    let found = select
        .query_row(place, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()
        .map_err(unreadable)?;
    let Some((offset, bytes)) = found else { return Ok(None) };
    let offset = offset.cast_unsigned();
    let record = checked(key.account, offset, &bytes)?;
    if record.event.key != key {
        let what = "it is of another extension".to_owned();
        return Err(ReadError::Damaged { account: key.account, offset, what });
    }
    Ok(Some(Arc::new(record)))
}

/// Decodes a record and makes sure that it belongs where it stands.
fn checked(account: AccountId, offset: u64, bytes: &[u8]) -> Result<Record, ReadError> {
    let damaged = |what: String| ReadError::Damaged { account, offset, what };
    let record = decode(bytes).map_err(|error| damaged(error.to_string()))?;
    if record.event.key.account != account || record.offset != offset {
        return Err(damaged(format!(
            "it is record {} of account {}",
            record.offset, record.event.key.account
        )));
    }
    Ok(record)
}
