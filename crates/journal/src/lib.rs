//! The journal and the directory: the only place where the computing half and the delivering half
//! of the house meet.
//!
//! [`Journal`] keeps committed changes of presence; [`DirectoryStore`] keeps who and what there
//! is, and [`Registry`] is its view in memory. Backends: [`memory`] and [`embedded`] (SQLite);
//! every one runs the same conformance suite.

mod catalogue;
pub mod conformance;
pub mod embedded;
mod fence;
pub mod memory;
mod newest;
mod port;
pub mod record;
mod registry;
mod stored;
mod watchers;

pub use memory::MemoryJournal;
pub use newest::{Newest, Snapshot};
pub use port::{
    BoxFuture, CommitError, CommitWatcher, Contents, DirectoryChange, DirectoryStore, Entry, Head,
    Journal, OnCommit, Page, ReadError, Record, StoreError,
};
pub use registry::{Registry, RegistryError};
