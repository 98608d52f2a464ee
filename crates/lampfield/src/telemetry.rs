//! Log lines: where they go and how they look.

use std::io::IsTerminal;
use std::sync::Arc;

use lampfield_journal::{CommitWatcher, Journal, Record};
use tracing::level_filters::LevelFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The least important lines that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// Failures of ours.
    Error,
    /// What should wake someone.
    Warn,
    /// What happens once in a while.
    Info,
    /// What happens often.
    Debug,
    /// Every event.
    Trace,
}

/// Sends log lines to standard error from now on. A second call changes nothing.
pub(crate) fn start(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // Only the first subscriber of a process counts; tests start several servers in one.
    let _ = match format {
        LogFormat::Human => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

/// Writes a line for every change of `journal` from now on, if lines of that level are written at all.
///
/// Whom a call is with is not in it.
pub(crate) fn follow(journal: &dyn Journal) {
    if tracing::enabled!(tracing::Level::TRACE) {
        journal.watch(Arc::new(EventLines));
    }
}

#[derive(Debug)]
struct EventLines;

impl CommitWatcher for EventLines {
    fn committed(&self, records: &[Arc<Record>]) {
        for record in records {
            let event = &record.event;
            let changes: Vec<&str> = event.changes.names().collect();
            tracing::trace!(
                account.id = %event.key.account,
                extension.id = %event.key.extension,
                event.sequence = event.sequence.0,
                event.offset = record.offset,
                event.changes = %changes.join(","),
                event.act = event.cause.act.as_str(),
                event.source = %event.cause.source,
                event.rule = event.document.rule.as_str(),
                presence = event.document.presence.as_str(),
                telephony = event.document.telephony.as_str(),
                "presence changed"
            );
        }
    }
}
