//! One group: steps are decided one after the other over what is committed and what the group has
//! staged so far. Nothing outside the group changes here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use lampfield_core::{
    AccountId, Command, Decision, Document, ExtensionKey, Policy, PresenceEvent, Presentity,
    Standing, Timestamp,
};
use lampfield_journal::{Entry, Head, Journal, Record, Registry};

use crate::intake::{Receipt, SubmitError};
use crate::leases::{Leases, must_be_stored};

/// One command as the loop carries it out.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) key: ExtensionKey,
    pub(crate) command: Command,
    pub(crate) observed_at: Timestamp,
    /// The standing before a directory change, for an extension that never changed: the directory
    /// may have the new one already.
    pub(crate) standing_before: Option<Standing>,
}

/// What a step came to.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) receipt: Receipt,
    /// Claims of the source that its picture did not repeat.
    pub(crate) withdrawn: usize,
}

/// Where decisions are taken: everything they depend on but time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) journal: &'a dyn Journal,
    pub(crate) registry: &'a Registry,
    pub(crate) leases: &'a Leases,
    pub(crate) policy: Policy,
    pub(crate) restart_grace: Duration,
}

/// Decisions that wait for the journal.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// What to commit, in order.
    pub(crate) entries: Vec<Entry>,
    /// What every step came to if the commit succeeds, in the order of the steps.
    pub(crate) results: Vec<Result<Done, SubmitError>>,
    /// What every touched presentity is then.
    pub(crate) staged: HashMap<ExtensionKey, Staged, RandomState>,
    heads: HashMap<AccountId, Head, RandomState>,
}

/// A presentity as it is after the group.
#[derive(Debug)]
pub(crate) struct Staged {
    /// With true leases.
    presentity: Presentity,
    /// Its newest record, if it ever changed.
    pub(crate) record: Option<Arc<Record>>,
    /// What the journal holds, where a renewal of this group moves it past the record.
    renewed: Option<Document>,
}

impl Group {
    /// Decides all steps.
    pub(crate) fn decide(steps: &[Step], ground: Ground<'_>, now: Timestamp) -> Self {
        let mut group = Self::default();
        for step in steps {
            let result = group.take(step, ground, now);
            group.results.push(result);
        }
        group
    }

    /// Tells whether any step came to something that must be durable.
    pub(crate) fn must_commit(&self) -> bool {
        !self.entries.is_empty()
    }

    fn take(
        &mut self,
        step: &Step,
        ground: Ground<'_>,
        now: Timestamp,
    ) -> Result<Done, SubmitError> {
        let key = step.key;
        let mut staged = match self.staged.remove(&key) {
            Some(staged) => staged,
            None => Staged::load(step, ground, now)?,
        };
        let withdrawn = not_repeated(staged.document(), &step.command, now);
        let result = self.weigh(&mut staged, step, ground, now);
        let record = staged.record.clone();
        self.staged.insert(key, staged);
        let changed = result?;
        let receipt = Receipt { changed, record, head: self.head(key.account, ground) };
        Ok(Done { receipt, withdrawn })
    }

    /// Stages what the step comes to; tells whether it is a change.
    fn weigh(
        &mut self,
        staged: &mut Staged,
        step: &Step,
        ground: Ground<'_>,
        now: Timestamp,
    ) -> Result<bool, SubmitError> {
        match staged.presentity.decide(&step.command, ground.policy, now)? {
            Decision::Unchanged => Ok(false),
            Decision::Renewed(document) => {
                if let Some(entry) = staged.renew(step.key, document, ground.restart_grace) {
                    self.entries.push(entry);
                }
                Ok(false)
            }
            Decision::Changed { document, changes, before: sight_before, ended, cause } => {
                let head = self.head(step.key.account, ground);
                let before = staged.record.as_ref().map_or(now, |record| record.event.at);
                let event = PresenceEvent {
                    key: step.key,
                    sequence: head.sequence.next(),
                    at: now.max(before),
                    observed_at: step.observed_at,
                    document: document.clone(),
                    changes,
                    before: sight_before,
                    ended,
                    cause,
                };
                let record = Arc::new(Record { offset: head.position.offset + 1, event });
                self.advance(&record, head);
                self.entries.push(Entry::Change(Arc::clone(&record)));
                let presentity = Presentity::new(step.key, document);
                *staged = Staged { presentity, record: Some(record), renewed: None };
                Ok(true)
            }
        }
    }

    fn head(&self, account: AccountId, ground: Ground<'_>) -> Head {
        self.heads.get(&account).copied().unwrap_or_else(|| ground.journal.head(account))
    }

    fn advance(&mut self, record: &Record, mut head: Head) {
        head.position.offset = record.offset;
        head.sequence = record.event.sequence;
        self.heads.insert(record.event.key.account, head);
    }
}

impl Staged {
    fn load(step: &Step, ground: Ground<'_>, now: Timestamp) -> Result<Self, SubmitError> {
        let Some(extension) = ground.registry.extension(step.key) else {
            return Err(SubmitError::UnknownExtension(step.key));
        };
        let record = ground.journal.newest().get(step.key);
        let offset = record.as_ref().map_or(0, |record| record.offset);
        let document = match (ground.leases.get(step.key, offset), &record) {
            (Some(document), _) => Arc::unwrap_or_clone(document),
            (None, Some(record)) => record.event.document.clone(),
            (None, None) => {
                let standing = step.standing_before.unwrap_or(extension.standing);
                Document::initial(standing, ground.policy, now)
            }
        };
        Ok(Self { presentity: Presentity::new(step.key, document), record, renewed: None })
    }

    /// Returns what holds of the presentity, with true leases.
    pub(crate) const fn document(&self) -> &Document {
        self.presentity.document()
    }

    /// Takes new leases; returns what must be stored of them, if anything.
    ///
    /// An extension that never changed has no record to renew: claims of which nobody can see
    /// anything live in memory only, until a visible change stores them too.
    fn renew(&mut self, key: ExtensionKey, document: Document, grace: Duration) -> Option<Entry> {
        let stored = self.stored();
        let moves = stored.is_some_and(|stored| must_be_stored(&document, stored, grace));
        let entry = moves.then(|| {
            self.renewed = Some(document.clone());
            Entry::Renewal { key, document: document.clone() }
        });
        self.presentity = Presentity::new(key, document);
        entry
    }

    /// Returns what the journal holds after the group, if anything.
    pub(crate) fn stored(&self) -> Option<&Document> {
        self.renewed.as_ref().or_else(|| self.record.as_ref().map(|record| &record.event.document))
    }
}

/// Counts the living claims that a picture does not repeat.
fn not_repeated(document: &Document, command: &Command, now: Timestamp) -> usize {
    let Command::Picture { source, claims } = command else { return 0 };
    let living =
        document.claims.iter().filter(|live| live.source == *source && live.expires_at > now);
    living.filter(|live| !claims.iter().any(|claim| claim.is_about_the_same_as(live))).count()
}
