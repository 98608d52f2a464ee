//! Taking up what a data file holds.

use std::path::Path;
use std::sync::Arc;

use lampfield_core::{AccountId, ExtensionKey, Sequence, Timestamp};
use rusqlite::Connection;

use super::open_error::OpenError;
use super::schema;
use crate::newest::Newest;
use crate::port::{Contents, Record, StoreError};
use crate::record::{RecordError, decode};
use crate::stored::take_row;

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

fn read_state(connection: &Connection, path: &Path, loaded: &mut Loaded) -> Result<(), OpenError> {
    let refused = |error: rusqlite::Error| OpenError::of(path, &error);
    let mut state =
        connection.prepare("SELECT account, extension, bytes FROM state").map_err(refused)?;
    let mut rows = state.query([]).map_err(refused)?;
    let mut shelf: Vec<Arc<Record>> = Vec::new();
    while let Some(row) = rows.next().map_err(refused)? {
        let key = (row.get::<_, i64>(0).map_err(refused)?, row.get(1).map_err(refused)?);
        let bytes = row.get_ref(2).and_then(|value| Ok(value.as_blob()?)).map_err(refused)?;
        let record = state_record(key, bytes).map_err(|error| match error {
            RecordError::Newer { found } => {
                OpenError::Newer { path: path.to_owned(), found: i64::from(found) }
            }
            RecordError::Damaged(what) => OpenError::Damaged {
                path: path.to_owned(),
                what: format!("the newest record of extension {}/{}: {what}", key.0, key.1),
            },
        })?;
        loaded.latest = loaded.latest.max(record.event.at);
        if shelf.first().is_some_and(|first| first.event.key.account != record.event.key.account) {
            loaded.newest.load(std::mem::take(&mut shelf));
        }
        shelf.push(Arc::new(record));
    }
    loaded.newest.load(shelf);
    Ok(())
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
