//! A small house for the engine's tests: a journal in memory, a directory of two accounts, a clock
//! that stands still.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "every test file uses another part of the house"
)]

use std::sync::Arc;
use std::time::Duration;

use lampfield_core::directory::{Account, Extension, Permissions};
use lampfield_core::{
    AccountId, Call, Claim, ClaimId, Command, Direction, Document, ExtensionId, ExtensionKey,
    ExtensionStatus, ExtensionType, Fact, ManualClock, MeetingStatus, SettingsPatch, SourceId,
    Standing, TelephonyStatus, Timestamp, UserStatus,
};
use lampfield_engine::{Engine, EngineConfig, Intake, Order, Receipt, SubmitError};
use lampfield_journal::{CommitWatcher, DirectoryChange, Journal, MemoryJournal, Record, Registry};
use parking_lot::Mutex;

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000);
/// Extensions 1 to this live in account 1 and (the same numbers plus 100) in account 2.
pub(crate) const PEOPLE: u64 = 5;
pub(crate) const USER: Standing =
    Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };

/// The engine and what it stands on.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) engine: Engine,
    pub(crate) intake: Intake,
}

/// Remembers every batch that was committed.
#[derive(Debug, Default)]
pub(crate) struct Witness(Mutex<Vec<Vec<Arc<Record>>>>);

impl CommitWatcher for Witness {
    fn committed(&self, records: &[Arc<Record>]) {
        self.0.lock().push(records.to_vec());
    }
}

impl Witness {
    pub(crate) fn records(&self) -> Vec<Arc<Record>> {
        self.0.lock().iter().flatten().cloned().collect()
    }

    pub(crate) fn batches(&self) -> Vec<usize> {
        self.0.lock().iter().map(Vec::len).filter(|size| *size > 0).collect()
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::open_with(EngineConfig::default()).await
    }

    pub(crate) async fn open_with(config: EngineConfig) -> Self {
        let journal = Arc::new(MemoryJournal::new());
        let ground: Arc<dyn Journal> = journal.clone();
        Self::open_on(config, journal, ground).await
    }

    /// Opens on `ground`, a journal that passes everything on to `journal`.
    pub(crate) async fn open_on(
        config: EngineConfig,
        journal: Arc<MemoryJournal>,
        ground: Arc<dyn Journal>,
    ) -> Self {
        let registry = Arc::new(Registry::open(journal.clone()).unwrap());
        registry.apply(people()).await.unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let witness = Arc::<Witness>::default();
        journal.watch(witness.clone());
        let (engine, intake) = Engine::start(config, ground, Arc::clone(&registry), clock.clone());
        Self { journal, registry, clock, witness, engine, intake }
    }

    /// Stops the engine and starts another one on the same journal, after `pause`.
    pub(crate) async fn reopen(self, pause: Duration) -> Self {
        let Self { journal, registry, clock, witness, engine, intake } = self;
        drop(intake);
        engine.stop().await;
        clock.advance(pause);
        let (engine, intake) = Engine::start(
            EngineConfig::default(),
            journal.clone(),
            Arc::clone(&registry),
            clock.clone(),
        );
        Self { journal, registry, clock, witness, engine, intake }
    }

    pub(crate) fn now(&self) -> Timestamp {
        use lampfield_core::Clock;
        self.clock.now()
    }

    pub(crate) async fn order(
        &self,
        key: ExtensionKey,
        command: Command,
    ) -> Result<Receipt, SubmitError> {
        self.intake.submit(Order { key, command, observed_at: self.now() }).await
    }

    pub(crate) async fn publish(&self, key: ExtensionKey, claim: Claim) -> Receipt {
        self.order(key, Command::Publish(claim)).await.unwrap()
    }

    pub(crate) fn call(&self, source: &str, id: &str, status: TelephonyStatus) -> Claim {
        let fact = Fact::Call(Box::new(call(status)));
        self.claim(source, id, fact, Duration::from_secs(14_400))
    }

    pub(crate) fn meeting(&self, source: &str, id: &str, lease: Duration) -> Claim {
        self.claim(source, id, Fact::Meeting(MeetingStatus::Connected), lease)
    }

    pub(crate) fn claim(&self, source: &str, id: &str, fact: Fact, lease: Duration) -> Claim {
        let (source, id) = (SourceId::new(source).unwrap(), ClaimId::new(id).unwrap());
        Claim::new(source, id, fact, self.now(), lease)
    }

    pub(crate) fn document(&self, key: ExtensionKey) -> Option<Document> {
        self.journal.newest().get(key).map(|record| record.event.document.clone())
    }

    pub(crate) fn sequence(&self, account: u64) -> u64 {
        self.journal.head(AccountId::new(account).unwrap()).sequence.0
    }

    /// Waits, with patience, until something is true.
    pub(crate) async fn until(&self, what: &str, is_true: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if is_true(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never came true: {what}");
    }

    /// Lets the loop look at the clock at least once.
    pub(crate) async fn a_while(&self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The n-th extension of the first account; from 101 on of the second.
pub(crate) fn key(extension: u64) -> ExtensionKey {
    let account = if extension > 100 { 2 } else { 1 };
    let account = AccountId::new(account).unwrap();
    ExtensionKey { account, extension: ExtensionId::new(extension).unwrap() }
}

pub(crate) fn source(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

pub(crate) fn busy_until(until: Option<Timestamp>) -> Command {
    Command::Configure(SettingsPatch {
        user_status: Some(UserStatus::Busy),
        until,
        ..SettingsPatch::default()
    })
}

pub(crate) fn call(telephony_status: TelephonyStatus) -> Call {
    Call {
        telephony_status,
        direction: Direction::Inbound,
        queue_call: false,
        from: None,
        to: None,
        from_name: None,
        to_name: None,
        start_time: None,
        session_id: "1".into(),
        telephony_session_id: None,
        party_id: None,
        sip: None,
    }
}

pub(crate) fn extension(key: ExtensionKey, standing: Standing) -> Extension {
    Extension {
        key,
        number: key.extension.to_string().into(),
        name: "Somebody".into(),
        email: "".into(),
        standing,
        groups: Box::default(),
        queues: Box::default(),
        editable_member_status: true,
        permissions: Permissions::ordinary(),
    }
}

fn people() -> Vec<DirectoryChange> {
    let accounts = [1, 2].map(|account| {
        DirectoryChange::PutAccount(Account {
            id: AccountId::new(account).unwrap(),
            name: "Works".into(),
            main_number: format!("+1650555010{account}").into(),
            created_at: START,
        })
    });
    let numbers = (1..=PEOPLE).chain(101..=100 + PEOPLE);
    let extensions =
        numbers.map(|number| DirectoryChange::PutExtension(extension(key(number), USER)));
    accounts.into_iter().chain(extensions).collect()
}
