//! The server's secret, and files that only their owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ring::rand::{SecureRandom, SystemRandom};

/// Where the server's key is kept in the data directory.
const FILE: &str = "secret.key";
const LENGTH: usize = 32;

/// The key from which the server derives all its secrets.
pub(crate) type ServerKey = [u8; LENGTH];

/// Returns a new random key.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn fresh_key() -> anyhow::Result<ServerKey> {
    let mut key = [0; LENGTH];
    let filled = SystemRandom::new().fill(&mut key);
    filled.map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(key)
}

/// Returns the key of a data directory, made at the first time.
///
/// # Errors
/// When it cannot be read, or was cut.
pub(crate) fn key_of(data: &Path) -> anyhow::Result<ServerKey> {
    if let Some(key) = existing_key(data)? {
        return Ok(key);
    }
    let key = fresh_key()?;
    put_key(data, &key)?;
    Ok(key)
}

/// Returns the key of a data directory, if there is one.
///
/// # Errors
/// When it cannot be read, or was cut.
pub(crate) fn existing_key(data: &Path) -> anyhow::Result<Option<ServerKey>> {
    key_at(&data.join(FILE))
}

/// Returns the key that a file holds; none if there is no such file.
///
/// # Errors
/// When it cannot be read, or was cut.
pub(crate) fn key_at(path: &Path) -> anyhow::Result<Option<ServerKey>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(whole(path, bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Gives a data directory its key.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn put_key(data: &Path, key: &ServerKey) -> anyhow::Result<()> {
    let path = data.join(FILE);
    write_private(&path, key).with_context(|| format!("{} cannot be written", path.display()))
}

fn whole(path: &Path, bytes: Vec<u8>) -> anyhow::Result<ServerKey> {
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        anyhow::anyhow!(
            "{} has {} bytes instead of {LENGTH}: it is damaged; put a copy back, or remove it (all \
             log-ins end then)",
            path.display(),
            bytes.len()
        )
    })
}

/// Writes a file that only its owner may read: whole or not at all.
///
/// # Errors
/// When it cannot be written durably.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let unfinished = path.with_file_name(name);
    let written = write_new(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // Whatever is left of it is of no use; the first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    File::open(parent_of(path))?.sync_all()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A leftover of a process that had the same number.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_data_directory_keeps_its_key_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = key_of(folder.path()).unwrap();
        assert_ne!(made, [0; LENGTH]);
        assert_eq!(key_of(folder.path()).unwrap(), made);
        let permissions = fs::metadata(folder.path().join(FILE)).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_cut_key_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), b"short").unwrap();
        let error = key_of(folder.path()).unwrap_err();
        assert!(error.to_string().contains("5 bytes instead of 32"), "{error}");
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), b"short");
    }

    #[test]
    fn fresh_keys_differ() {
        assert_ne!(fresh_key().unwrap(), fresh_key().unwrap());
    }
}
