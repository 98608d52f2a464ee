//! The data directory: made whole or not at all, used by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::open_error::OpenError;
use super::schema;
use crate::memory::random_epoch;

/// Name of the data file in its directory.
pub(super) const FILE: &str = "lampfield.db";
const LOCK: &str = "lock";
/// What a thing is called while it is being made.
const CREATING: &str = ".creating";
/// What may lie in a directory that counts as empty.
const HARMLESS: &[&str] =
    &[LOCK, "lost+found", "lampfield.db.creating", "lampfield.toml", "lampfield.env"];

/// A data directory that is ours while this lives.
#[derive(Debug)]
pub(super) struct Place {
    dir: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes a data directory; makes it, and the data file in it, where there is none.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        if !dir.exists() {
            return Self::make(dir, make_file);
        }
        if !dir.is_dir() {
            let why = "is not a directory".to_owned();
            return Err(OpenError::Foreign { path: dir.to_owned(), why });
        }
        let lock = lock(dir)?;
        if !dir.join(FILE).exists() {
            // A mount point or a directory that systemd made: ours to fill, not to rename.
            check_blank(dir)?;
            fill(dir, make_file)?;
        }
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// Makes a data directory that is not there yet; `content` writes its data file.
    ///
    /// A crash at any moment leaves either nothing or all of it under the real name.
    pub(super) fn make<E: From<OpenError>>(
        dir: &Path,
        content: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut creating = dir.as_os_str().to_owned();
        creating.push(CREATING);
        let creating = PathBuf::from(creating);
        build_dir(&creating)?;
        let lock = lock(&creating)?;
        fill(&creating, content)?;
        fs::rename(&creating, dir).map_err(OpenError::io("finish making", dir))?;
        sync_dir(parent(dir))?;
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// Returns where the data file is.
    pub(super) fn file(&self) -> PathBuf {
        self.dir.join(FILE)
    }
}

/// Makes the data file of `dir` under another name, then gives it its own.
fn fill<E: From<OpenError>>(
    dir: &Path,
    content: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let file = dir.join(FILE);
    let creating = dir.join([FILE, CREATING].concat());
    remove_file_set(&creating)?;
    create_private(&creating)?;
    content(&creating)?;
    finish(&creating, &file)?;
    Ok(())
}

/// Makes a finished file durable and gives it its name.
pub(super) fn finish(creating: &Path, file: &Path) -> Result<(), OpenError> {
    let opened = File::open(creating).map_err(OpenError::io("open", creating))?;
    opened.sync_all().map_err(OpenError::io("make durable", creating))?;
    fs::rename(creating, file).map_err(OpenError::io("finish making", file))?;
    sync_dir(parent(file))
}

/// Makes an empty file that only its owner may read.
pub(super) fn create_private(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(OpenError::io("make", path))
}

/// Removes a data file that was begun, with what the database laid beside it.
pub(super) fn remove_file_set(path: &Path) -> Result<(), OpenError> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let one = PathBuf::from(name);
        if one.exists() {
            fs::remove_file(&one).map_err(OpenError::io("remove", &one))?;
        }
    }
    Ok(())
}

fn make_file(path: &Path) -> Result<(), OpenError> {
    schema::make(path, random_epoch()).map_err(|error| OpenError::of(path, &error))
}

fn build_dir(dir: &Path) -> Result<(), OpenError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(OpenError::io("make", dir))
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(OpenError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::io("lock", &path)(source)),
    }
}

fn check_blank(dir: &Path) -> Result<(), OpenError> {
    let unreadable = OpenError::io("read", dir);
    let mut entries = fs::read_dir(dir).map_err(unreadable)?.flatten();
    let foreign = entries.find(|entry| {
        let name = entry.file_name();
        !HARMLESS.iter().any(|harmless| name.to_string_lossy().starts_with(harmless))
    });
    let Some(foreign) = foreign else { return Ok(()) };
    let why = format!("has no {FILE}, but has {:?}", foreign.file_name().to_string_lossy());
    Err(OpenError::Foreign { path: dir.to_owned(), why })
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes names in a directory durable.
fn sync_dir(dir: &Path) -> Result<(), OpenError> {
    if cfg!(unix) {
        let opened = File::open(dir).map_err(OpenError::io("open", dir))?;
        opened.sync_all().map_err(OpenError::io("make durable", dir))?;
    }
    Ok(())
}
