//! Taking up what a data file holds.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};

use lampfield_core::{AccountId, ExtensionKey, Sequence, Timestamp};
use parking_lot::Mutex;
use rusqlite::Connection;

use super::open_error::OpenError;
use super::schema;
use crate::newest::Newest;
use crate::port::{Contents, Record, StoreError};
use crate::record::{RecordError, decode};
use crate::stored::take_row;

/// Newest records that are handed from the scan to a decoder at a time.
const CHUNK: usize = 1024;
/// More decoders than this wait for the scan.
const WORKERS_MAX: usize = 4;

/// Everything newest, and the latest moment of it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) newest: Newest,
    pub(super) latest: Timestamp,
}

/// Reads every newest record and every head. Each checksum is checked.
pub(super) fn newest(connection: &Connection, path: &Path) -> Result<Loaded, OpenError> {
    let refused = |error: rusqlite::Error| OpenError::of(path, &error);
    let damaged = |what: String| OpenError::Damaged { path: path.to_owned(), what };
    let epoch = schema::epoch(connection)
        .map_err(refused)?
        .ok_or_else(|| damaged("it does not say its generation".to_owned()))?;
    let mut loaded = Loaded { newest: Newest::new(epoch), latest: Timestamp(i64::MIN) };
    read_state(connection, path, &mut loaded)?;
    let mut heads =
        connection.prepare("SELECT account, offset, sequence FROM heads").map_err(refused)?;
    let mut rows = heads.query([]).map_err(refused)?;
    while let Some(row) = rows.next().map_err(refused)? {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let account = AccountId::new(number(0).map_err(refused)?)
            .map_err(|error| damaged(error.to_string()))?;
        let (offset, sequence) = (number(1).map_err(refused)?, number(2).map_err(refused)?);
        loaded.newest.set_head(account, offset, Sequence(sequence));
    }
    Ok(loaded)
}

/// One thread scans, others decode: decoding takes longer than reading.
fn read_state(connection: &Connection, path: &Path, loaded: &mut Loaded) -> Result<(), OpenError> {
    let workers = std::thread::available_parallelism().map_or(2, NonZero::get).min(WORKERS_MAX);
    let newest = &loaded.newest;
    let (sender, receiver) = mpsc::sync_channel(2 * workers);
    let receiver = Mutex::new(receiver);
    let latest = std::thread::scope(|scope| {
        let decoders: Vec<_> =
            (0..workers).map(|_| scope.spawn(|| decode_chunks(&receiver, newest, path))).collect();
        let scanned = scan_state(connection, &sender).map_err(|error| OpenError::of(path, &error));
        drop(sender);
        let decoded = decoders.into_iter().map(|decoder| {
            decoder.join().unwrap_or_else(|_| {
                let why = "a thread that read it broke down".to_owned();
                Err(OpenError::Unusable { path: path.to_owned(), why })
            })
        });
        // All are waited for; the first damage is the one to tell.
        let decoded: Vec<_> = decoded.collect();
        let latest =
            decoded.into_iter().try_fold(loaded.latest, |latest, one| Ok(latest.max(one?)));
        latest.and_then(|latest| scanned.map(|()| latest))
    });
    loaded.latest = latest?;
    Ok(())
}

/// Rows of the state table, their bytes end to end.
#[derive(Debug, Default)]
struct Rows {
    bytes: Vec<u8>,
    /// Account, extension, and where the row's bytes end.
    rows: Vec<(i64, i64, usize)>,
}

fn scan_state(connection: &Connection, sender: &SyncSender<Rows>) -> rusqlite::Result<()> {
    let mut state = connection.prepare("SELECT account, extension, bytes FROM state")?;
    let mut rows = state.query([])?;
    let mut chunk = Rows::default();
    while let Some(row) = rows.next()? {
        chunk.bytes.extend_from_slice(row.get_ref(2)?.as_blob()?);
        chunk.rows.push((row.get(0)?, row.get(1)?, chunk.bytes.len()));
        // Nobody takes it: every decoder has met damage, and tells it.
        if chunk.rows.len() == CHUNK && sender.send(std::mem::take(&mut chunk)).is_err() {
            return Ok(());
        }
    }
    let _ = sender.send(chunk);
    Ok(())
}

fn decode_chunks(
    chunks: &Mutex<Receiver<Rows>>,
    newest: &Newest,
    path: &Path,
) -> Result<Timestamp, OpenError> {
    let mut latest = Timestamp(i64::MIN);
    loop {
        let chunk = chunks.lock().recv();
        let Ok(chunk) = chunk else { return Ok(latest) };
        let mut shelf: Vec<Arc<Record>> = Vec::with_capacity(chunk.rows.len());
        let mut start = 0;
        for (account, extension, end) in chunk.rows {
            let bytes = chunk.bytes.get(start..end).unwrap_or_default();
            start = end;
            let record = state_record((account, extension), bytes)
                .map_err(|error| damage(path, account, extension, &error))?;
            latest = latest.max(record.event.at);
            let is_other = |one: &Arc<Record>| one.event.key.account != record.event.key.account;
            if shelf.last().is_some_and(is_other) {
                newest.load(std::mem::take(&mut shelf));
            }
            shelf.push(Arc::new(record));
        }
        newest.load(shelf);
    }
}

fn damage(path: &Path, account: i64, extension: i64, error: &RecordError) -> OpenError {
    let path = path.to_owned();
    match error {
        RecordError::Newer { found } => OpenError::Newer { path, found: i64::from(*found) },
        RecordError::Damaged(what) => OpenError::Damaged {
            path,
            what: format!("the newest record of extension {account}/{extension}: {what}"),
        },
    }
}

/// Decodes a newest record and makes sure that it belongs where it stands.
pub(super) fn state_record(key: (i64, i64), bytes: &[u8]) -> Result<Record, RecordError> {
    let record = decode(bytes)?;
    let ExtensionKey { account, extension } = record.event.key;
    if (account.get(), extension.get()) != (key.0.cast_unsigned(), key.1.cast_unsigned()) {
        return Err(RecordError::Damaged("it is of another extension"));
    }
    Ok(record)
}

/// Reads the whole directory.
pub(super) fn directory(connection: &Connection) -> Result<Contents, StoreError> {
    let mut contents = Contents::default();
    let unusable = |error: rusqlite::Error| StoreError::Unusable(error.to_string());
    let mut select = connection
        .prepare("SELECT kind, key, bytes FROM directory ORDER BY kind, key")
        .map_err(unusable)?;
    let mut rows = select.query([]).map_err(unusable)?;
    while let Some(row) = rows.next().map_err(unusable)? {
        let text = |at| row.get_ref(at).and_then(|value| Ok(value.as_str()?));
        let bytes = row.get_ref(2).and_then(|value| Ok(value.as_blob()?)).map_err(unusable)?;
        let (kind, key) = (text(0).map_err(unusable)?, text(1).map_err(unusable)?);
        take_row(&mut contents, kind, key, bytes)?;
    }
    Ok(contents)
}
