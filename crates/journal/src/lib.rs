#![doc = include_str!("../README.md")]

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
mod trail;
mod watchers;

pub use memory::MemoryJournal;
pub use newest::{Newest, Snapshot};
pub use port::{
    AuditPage, AuditRecord, AuditRetention, BoxFuture, CommitError, CommitWatcher, Contents,
    DirectoryChange, DirectoryStore, Entry, Head, Journal, OnCommit, Page, ReadError, Record,
    StoreError,
};
pub use registry::{Registry, RegistryError};
