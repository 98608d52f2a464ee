//! The program as a user runs it: the compiled binary, its output, its exit codes, its files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod administration;
mod configuration;
mod demo;
mod durability;
mod run;
mod subscriptions;
mod talk;
mod watching;
