//! How sources are doing: live, awaited after a restart, or lost.

use std::collections::BTreeMap;

use lampfield_core::{AccountId, SourceId, Timestamp};
use parking_lot::Mutex;

use crate::intake::{SourcePhase, SourceReport};

/// The state of every source of every account, for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct SourceBoard {
    accounts: Mutex<BTreeMap<AccountId, BTreeMap<SourceId, Card>>>,
}

/// What is known of one source of one account.
#[derive(Debug, Clone, Copy)]
struct Card {
    phase: SourcePhase,
    last_seen: Timestamp,
    last_picture: Option<Timestamp>,
    claims: usize,
}

/// What a source just did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// It reported or withdrew something.
    Report,
    /// It showed everything it knows.
    Picture,
}

/// How many sources are in each phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PhaseCounts {
    pub(crate) live: i64,
    pub(crate) awaited: i64,
    pub(crate) lost: i64,
}

impl SourceBoard {
    /// Returns how the sources of an account are doing, by name.
    pub(crate) fn reports(&self, account: AccountId) -> Vec<SourceReport> {
        let accounts = self.accounts.lock();
        let cards = accounts.get(&account).into_iter().flatten();
        cards
            .map(|(source, card)| SourceReport {
                source: source.clone(),
                phase: card.phase,
                last_seen: card.last_seen,
                last_picture: card.last_picture,
                claims: card.claims,
            })
            .collect()
    }

    /// Notes that a source was heard. One that was lost is live again; one that is awaited becomes
    /// live with its picture, or with any word once the wait is over.
    pub(crate) fn heard(
        &self,
        account: AccountId,
        source: &SourceId,
        word: Word,
        now: Timestamp,
        sources_max: usize,
    ) {
        let mut accounts = self.accounts.lock();
        let cards = accounts.entry(account).or_default();
        if !cards.contains_key(source) {
            make_room(cards, sources_max);
            cards.insert(source.clone(), Card::seen(SourcePhase::Live, now));
        }
        let Some(card) = cards.get_mut(source) else { return };
        card.last_seen = card.last_seen.max(now);
        if word == Word::Picture {
            card.last_picture = Some(now);
        }
        let still_awaited = matches!(card.phase, SourcePhase::Awaited(until) if now < until);
        if word == Word::Picture || !still_awaited {
            card.phase = SourcePhase::Live;
        }
    }

    /// Notes that a source is lost since `now`; of a source that nobody knows nothing is noted.
    pub(crate) fn lost(&self, account: AccountId, source: &SourceId, now: Timestamp) {
        let mut accounts = self.accounts.lock();
        let card = accounts.get_mut(&account).and_then(|cards| cards.get_mut(source));
        if let Some(card) = card
            && !matches!(card.phase, SourcePhase::Lost(_))
        {
            card.phase = SourcePhase::Lost(now);
        }
    }

    /// Notes a source that is known only from stored claims, of which one was `observed_at` then.
    pub(crate) fn remembered(
        &self,
        account: AccountId,
        source: &SourceId,
        phase: SourcePhase,
        observed_at: Timestamp,
    ) {
        let mut accounts = self.accounts.lock();
        let card = accounts
            .entry(account)
            .or_default()
            .entry(source.clone())
            .or_insert_with(|| Card::seen(phase, observed_at));
        card.last_seen = card.last_seen.max(observed_at);
        // One claim that is not stale is enough: the source was not lost.
        if matches!(phase, SourcePhase::Awaited(_)) {
            card.phase = phase;
        }
    }

    /// Notes that the source has `more` (or fewer) claims now.
    pub(crate) fn counted(
        &self,
        account: AccountId,
        source: &SourceId,
        more: isize,
        now: Timestamp,
    ) {
        let mut accounts = self.accounts.lock();
        let cards = accounts.entry(account).or_default();
        let card =
            cards.entry(source.clone()).or_insert_with(|| Card::seen(SourcePhase::Live, now));
        card.claims = card.claims.saturating_add_signed(more);
    }

    /// Counts sources by phase.
    pub(crate) fn phases(&self) -> PhaseCounts {
        let accounts = self.accounts.lock();
        let mut counts = PhaseCounts::default();
        for card in accounts.values().flat_map(BTreeMap::values) {
            match card.phase {
                SourcePhase::Live => counts.live += 1,
                SourcePhase::Awaited(_) => counts.awaited += 1,
                SourcePhase::Lost(_) => counts.lost += 1,
            }
        }
        counts
    }
}

impl Card {
    const fn seen(phase: SourcePhase, last_seen: Timestamp) -> Self {
        Self { phase, last_seen, last_picture: None, claims: 0 }
    }
}

/// Forgets the source that was silent for longest and has no claims, when there are too many.
fn make_room(cards: &mut BTreeMap<SourceId, Card>, sources_max: usize) {
    if cards.len() < sources_max {
        return;
    }
    let idle = cards.iter().filter(|(_, card)| card.claims == 0);
    let oldest = idle.min_by_key(|(_, card)| card.last_seen).map(|(source, _)| source.clone());
    if let Some(source) = oldest {
        cards.remove(&source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        AccountId::new(1).unwrap()
    }

    fn source(name: &str) -> SourceId {
        SourceId::new(name).unwrap()
    }

    fn phase_of(board: &SourceBoard, name: &str) -> SourcePhase {
        let reports = board.reports(account());
        reports.iter().find(|report| report.source == source(name)).unwrap().phase
    }

    #[test]
    fn an_awaited_source_becomes_live_with_its_picture() {
        let board = SourceBoard::default();
        let pbx = source("pbx");
        board.remembered(account(), &pbx, SourcePhase::Awaited(Timestamp(60)), Timestamp(1));

        board.heard(account(), &pbx, Word::Report, Timestamp(10), 9);
        assert_eq!(phase_of(&board, "pbx"), SourcePhase::Awaited(Timestamp(60)));
        board.heard(account(), &pbx, Word::Picture, Timestamp(20), 9);
        assert_eq!(phase_of(&board, "pbx"), SourcePhase::Live);
    }

    #[test]
    fn after_the_wait_any_word_makes_it_live() {
        let board = SourceBoard::default();
        let pbx = source("pbx");
        board.remembered(account(), &pbx, SourcePhase::Awaited(Timestamp(60)), Timestamp(1));

        board.heard(account(), &pbx, Word::Report, Timestamp(60), 9);
        assert_eq!(phase_of(&board, "pbx"), SourcePhase::Live);
    }

    #[test]
    fn a_lost_source_keeps_the_moment_of_its_loss_and_comes_back_with_a_word() {
        let board = SourceBoard::default();
        let pbx = source("pbx");
        board.lost(account(), &pbx, Timestamp(4));
        assert!(board.reports(account()).is_empty(), "nobody knows it");

        board.heard(account(), &pbx, Word::Report, Timestamp(5), 9);
        board.lost(account(), &pbx, Timestamp(6));
        board.lost(account(), &pbx, Timestamp(7));
        assert_eq!(phase_of(&board, "pbx"), SourcePhase::Lost(Timestamp(6)));
        board.heard(account(), &pbx, Word::Report, Timestamp(8), 9);
        assert_eq!(phase_of(&board, "pbx"), SourcePhase::Live);
    }

    #[test]
    fn names_made_up_without_end_push_out_the_idle_ones_only() {
        let board = SourceBoard::default();
        board.heard(account(), &source("busy"), Word::Report, Timestamp(0), 3);
        board.counted(account(), &source("busy"), 1, Timestamp(0));
        for number in 1..100 {
            let name = source(&format!("s{number}"));
            board.heard(account(), &name, Word::Report, Timestamp(number), 3);
        }

        let names: Vec<_> =
            board.reports(account()).into_iter().map(|report| report.source.to_string()).collect();
        assert_eq!(names, ["busy", "s98", "s99"]);
    }
}
