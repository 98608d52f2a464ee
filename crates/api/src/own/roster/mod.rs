//! The extensions of an account as CSV: import and export.
//!
//! [`sheet`] reads the text, [`plan`] decides what each row comes to; neither touches anything.

mod export;
mod import;
mod plan;
mod sheet;

pub(super) use export::export;
pub(super) use import::import;

/// The columns, in the order in which they are exported.
const COLUMNS: [&str; 9] =
    ["number", "name", "email", "type", "status", "groups", "queues", "id", "admin"];
