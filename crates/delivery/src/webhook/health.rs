//! How a receiver is doing, for whoever asks.

use std::collections::VecDeque;
use std::time::Duration;

use lampfield_core::{Position, Sequence, Timestamp};
use uuid::Uuid;

/// Attempts that are remembered.
const RECENT_MAX: usize = 20;

/// How the receiver of a webhook subscription is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookHealth {
    /// Everything up to here was delivered, or need not be.
    pub cursor: Position,
    /// Records of the account behind the cursor, whether the subscription is told of them or not.
    pub lag: u64,
    /// Deliveries that succeeded since the server started.
    pub delivered: u64,
    /// Attempts that were made since then.
    pub attempts: u64,
    /// Attempts that failed since the last success.
    pub failures_in_a_row: u32,
    /// When one last succeeded.
    pub last_success: Option<Timestamp>,
    /// When one last failed.
    pub last_failure: Option<Timestamp>,
    /// How it failed, in words that whoever made the subscription may read.
    pub last_error: Option<String>,
    /// How it failed, in words for the operator only: they may name what is in the network.
    pub last_error_inside: Option<String>,
    /// When the next attempt is made, if it waits for that.
    pub next_attempt: Option<Timestamp>,
    /// The last attempts, oldest first.
    pub recent: Vec<WebhookAttempt>,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAttempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// The notification.
    pub uuid: Uuid,
    /// The change.
    pub sequence: Sequence,
    /// The status of the answer; none when there was none.
    pub status: Option<u16>,
    /// How it failed, in words that whoever made the subscription may read; none if it did not.
    pub error: Option<String>,
}

/// How an attempt failed, told twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailureWords {
    /// For whoever made the subscription.
    pub(super) outside: String,
    /// For the operator.
    pub(super) inside: String,
}

/// What is remembered of a receiver.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) cursor: Position,
    pub(super) next_attempt: Option<Timestamp>,
    delivered: u64,
    attempts: u64,
    failures_in_a_row: u32,
    last_success: Option<Timestamp>,
    last_failure: Option<(Timestamp, FailureWords)>,
    recent: VecDeque<WebhookAttempt>,
}

impl Ledger {
    pub(super) const fn new(cursor: Position) -> Self {
        Self {
            cursor,
            next_attempt: None,
            delivered: 0,
            attempts: 0,
            failures_in_a_row: 0,
            last_success: None,
            last_failure: None,
            recent: VecDeque::new(),
        }
    }

    /// Takes note of an attempt.
    pub(super) fn note(&mut self, attempt: WebhookAttempt, failure: Option<FailureWords>) {
        self.attempts += 1;
        match failure {
            None => {
                self.delivered += 1;
                self.failures_in_a_row = 0;
                self.last_success = Some(attempt.at);
            }
            Some(words) => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                self.last_failure = Some((attempt.at, words));
            }
        }
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(attempt);
    }

    /// Returns how many records lie between the cursor and the head; all of another log.
    pub(super) fn lag(&self, head: Position) -> u64 {
        let is_same_log = head.epoch == self.cursor.epoch;
        let settled = if is_same_log { self.cursor.offset } else { 0 };
        head.offset.saturating_sub(settled)
    }

    pub(super) fn report(&self, head: Position) -> WebhookHealth {
        let words = self.last_failure.as_ref().map(|(_, words)| words);
        WebhookHealth {
            cursor: self.cursor,
            lag: self.lag(head),
            delivered: self.delivered,
            attempts: self.attempts,
            failures_in_a_row: self.failures_in_a_row,
            last_success: self.last_success,
            last_failure: self.last_failure.as_ref().map(|(at, _)| *at),
            last_error: words.map(|words| words.outside.clone()),
            last_error_inside: words.map(|words| words.inside.clone()),
            next_attempt: self.next_attempt,
            recent: self.recent.iter().cloned().collect(),
        }
    }
}
