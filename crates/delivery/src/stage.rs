//! A small house for tests: one account, a few extensions, changes on demand, a clock by hand.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::claim::{Call, Claim, Fact};
use lampfield_core::directory::{Account, App, Extension, Grants, Permissions, Scopes};
use lampfield_core::subscription::{EventFilter, Subscription, SubscriptionStatus, Transport};
use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, AppId, ClaimId, Command, Decision, Direction, DndStatus, Document, Epoch,
    ExtensionId, ExtensionKey, ExtensionStatus, ExtensionType, ManualClock, Policy, PresenceEvent,
    Presentity, SessionId, SettingsPatch, SourceId, Standing, SubscriptionId, TelephonyStatus,
    Timestamp,
};
use lampfield_journal::memory::MemoryJournal;
use lampfield_journal::{DirectoryChange, Entry, Journal, Record, Registry};
use uuid::Uuid;

use crate::alerts::Alerts;
use crate::config::DeliveryConfig;
use crate::feed::Feed;
use crate::house::House;

/// When every test begins.
pub(crate) const BEGINNING: Timestamp = Timestamp(1_767_225_600_000);

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) house: Arc<House>,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Stage {
    /// A house with extensions 1 to 20, of which 1 is the usual watcher.
    pub(crate) async fn new(config: DeliveryConfig) -> Self {
        Self::with(config, MemoryJournal::with(epoch(1), 100_000)).await
    }

    pub(crate) async fn with(config: DeliveryConfig, journal: MemoryJournal) -> Self {
        let journal = Arc::new(journal);
        let clock = Arc::new(ManualClock::at(BEGINNING));
        let registry = Arc::new(Registry::open(Arc::clone(&journal) as _).unwrap());
        registry.apply(directory()).await.unwrap();
        let feed = Feed::start(Arc::clone(&journal) as _, config.ring_max);
        let house = Arc::new(House {
            config,
            journal: Arc::clone(&journal) as _,
            registry,
            feed,
            clock: Arc::clone(&clock) as _,
            metrics: Arc::default(),
            alerts: Alerts::default(),
        });
        Self { house, journal, clock }
    }

    /// A house over the same journal and directory, as after a restart.
    pub(crate) fn again(&self) -> Arc<House> {
        let journal = Arc::clone(&self.journal);
        Arc::new(House {
            config: self.house.config.clone(),
            registry: Arc::new(Registry::open(Arc::clone(&journal) as _).unwrap()),
            feed: Feed::start(Arc::clone(&journal) as _, self.house.config.ring_max),
            journal,
            clock: Arc::clone(&self.clock) as _,
            metrics: Arc::default(),
            alerts: Alerts::default(),
        })
    }

    /// Lets the call of an extension ring if it does not, else end: always a visible change.
    pub(crate) async fn toggle(&self, extension: u64) -> Arc<Record> {
        let status = match self.document(extension).telephony {
            TelephonyStatus::NoCall => TelephonyStatus::Ringing,
            _ => TelephonyStatus::NoCall,
        };
        self.command(extension, Command::Publish(call(status))).await
    }

    pub(crate) async fn configure(&self, extension: u64, patch: SettingsPatch) -> Arc<Record> {
        self.command(extension, Command::Configure(patch)).await
    }

    pub(crate) async fn allow_see(&self, extension: u64, allowed: bool) -> Arc<Record> {
        let patch =
            SettingsPatch { allow_see_my_presence: Some(allowed), ..SettingsPatch::default() };
        self.configure(extension, patch).await
    }

    /// Decides and commits as the engine does.
    pub(crate) async fn command(&self, extension: u64, command: Command) -> Arc<Record> {
        let key = key(extension);
        let presentity = Presentity::new(key, self.document(extension));
        let now = self.house.now();
        let decision = presentity.decide(&command, Policy::default(), now).unwrap();
        let Decision::Changed { document, changes, before, ended, cause } = decision else {
            panic!("{command:?} of {extension} changes nothing");
        };
        let head = self.journal.head(key.account);
        let sequence = head.sequence.next();
        let event = PresenceEvent {
            key,
            sequence,
            at: now,
            observed_at: now,
            document,
            changes,
            before,
            ended,
            cause,
        };
        let record = Arc::new(Record { offset: head.position.offset + 1, event });
        self.journal.commit(vec![Entry::Change(Arc::clone(&record))]).await.unwrap();
        record
    }

    /// Stores an account-wide webhook subscription of extension 1 that begins here.
    pub(crate) async fn subscribe(&self, address: &str) -> Subscription {
        let subscription = self.subscription(address);
        self.put(subscription.clone()).await;
        subscription
    }

    pub(crate) async fn put(&self, subscription: Subscription) {
        let change = DirectoryChange::PutSubscription(subscription);
        self.house.registry.apply(vec![change]).await.unwrap();
    }

    pub(crate) fn subscription(&self, address: &str) -> Subscription {
        let now = self.house.now();
        let lifetime = Duration::from_secs(604_800);
        Subscription {
            id: SubscriptionId(Uuid::new_v4()),
            account: account(),
            owner: id(1),
            app: AppId::new("app").unwrap(),
            session: SessionId(Uuid::new_v4()),
            filters: vec![EventFilter::Account(Detail::Plain)],
            disabled: Vec::new(),
            transport: Transport::webhook(address, Some("secret-token".to_owned())),
            created_at: now,
            lifetime,
            expires_at: now.after(lifetime),
            status: SubscriptionStatus::Active,
            from: self.journal.head(account()).position,
        }
    }

    fn document(&self, extension: u64) -> Document {
        let newest = self.journal.newest().get(key(extension));
        newest.map_or_else(
            || Document::initial(STANDING, Policy::default(), self.house.now()),
            |record| record.event.document.clone(),
        )
    }
}

const STANDING: Standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };

fn directory() -> Vec<DirectoryChange> {
    let app = App {
        id: AppId::new("app").unwrap(),
        name: "app".into(),
        secret: None,
        scopes: Scopes::ALL,
        account: None,
        grants: Grants::ALL,
        redirect_uris: Box::default(),
    };
    let house = Account {
        id: account(),
        name: "Example".into(),
        main_number: "+12025550100".into(),
        created_at: BEGINNING,
    };
    let mut changes = vec![DirectoryChange::PutAccount(house), DirectoryChange::PutApp(app)];
    changes.extend((1..=20).map(|number| DirectoryChange::PutExtension(extension(number))));
    changes
}

pub(crate) fn extension(number: u64) -> Extension {
    Extension {
        key: key(number),
        number: (100 + number).to_string().into(),
        name: format!("Person \"{number}\"").into(),
        email: "".into(),
        standing: STANDING,
        groups: Box::new(["Sales".into()]),
        queues: Box::default(),
        editable_member_status: true,
        permissions: Permissions::ordinary(),
    }
}

fn call(telephony_status: TelephonyStatus) -> Claim {
    let call = Call {
        telephony_status,
        direction: Direction::Inbound,
        queue_call: false,
        from: Some("+12025550199".into()),
        to: Some("101".into()),
        from_name: Some("A Caller".into()),
        to_name: None,
        start_time: None,
        session_id: "5001".into(),
        telephony_session_id: None,
        party_id: None,
        sip: None,
    };
    let source = SourceId::new("pbx").unwrap();
    let claim = ClaimId::new("c-1").unwrap();
    let lease = Duration::from_secs(86_400 * 30);
    Claim::new(source, claim, Fact::Call(Box::new(call)), BEGINNING, lease)
}

pub(crate) fn account() -> AccountId {
    AccountId::new(1).unwrap()
}

pub(crate) fn id(extension: u64) -> ExtensionId {
    ExtensionId::new(extension).unwrap()
}

pub(crate) fn key(extension: u64) -> ExtensionKey {
    ExtensionKey { account: account(), extension: id(extension) }
}

pub(crate) fn epoch(number: u64) -> Epoch {
    Epoch(NonZeroU64::new(number).unwrap())
}

/// What is on the lists of extension 1 when filters are tried.
pub(crate) fn lines(lines: &[u64]) -> SettingsPatch {
    let lines = Some(lines.iter().copied().map(id).collect());
    SettingsPatch { lines, ..SettingsPatch::default() }
}

/// As [`lines`], of favorites.
pub(crate) fn favorites(favorites: &[u64]) -> SettingsPatch {
    let favorites = Some(favorites.iter().copied().map(id).collect());
    SettingsPatch { favorites, ..SettingsPatch::default() }
}

/// A change of every kind that a filter can ask for. Extension 2 is a member of queue 400; when it
/// begins, extension 1 monitors 2 and has it as a favorite. What is told of it is in [`EVERY_KIND`].
pub(crate) async fn change_everything(stage: &Stage) {
    stage.toggle(2).await;
    let dnd_status = Some(DndStatus::DoNotAcceptDepartmentCalls);
    stage.configure(2, SettingsPatch { dnd_status, ..SettingsPatch::default() }).await;
    let declined_queues = Some(vec![id(400)]);
    stage.configure(2, SettingsPatch { declined_queues, ..SettingsPatch::default() }).await;
    stage.configure(1, lines(&[3])).await;
    stage.configure(1, favorites(&[3])).await;
    stage.toggle(3).await;
    let disabled = Standing { status: ExtensionStatus::Disabled, ..STANDING };
    stage.command(2, Command::Stand(disabled)).await;
}

/// Makes extension 2 a member of queue 400 and puts it on both lists of extension 1.
pub(crate) async fn furnish(stage: &Stage) {
    let member = Extension { queues: [id(400)].into(), ..extension(2) };
    stage.house.registry.apply(vec![DirectoryChange::PutExtension(member)]).await.unwrap();
    let patch = SettingsPatch { favorites: favorites(&[2]).favorites, ..lines(&[2]) };
    stage.configure(1, patch).await;
}

/// Each filter, and what [`change_everything`] tells to whoever asked for it: extension 1.
pub(crate) const EVERY_KIND: &[(&str, &[&str])] = &[
    (
        "/account/~/presence",
        &[
            "/extension/2/presence",
            "/extension/2/presence",
            "/extension/3/presence",
            "/extension/2/presence",
        ],
    ),
    (
        "/account/~/extension/2/presence?detailedTelephonyState=true",
        &["/extension/2/presence?detailedTelephonyState=true"; 3],
    ),
    (
        "/account/~/extension/~/presence/line/presence?detailedTelephonyState=true",
        &[
            "/extension/2/presence?detailedTelephonyState=true",
            "/extension/2/presence?detailedTelephonyState=true",
            "/extension/3/presence?detailedTelephonyState=true",
        ],
    ),
    (
        "/account/~/extension/~/favorite/presence",
        &["/extension/2/presence", "/extension/2/presence", "/extension/3/presence"],
    ),
    ("/account/~/extension/~/presence/line", &["/extension/1/presence/line"]),
    ("/account/~/extension/2/presence/dnd", &["/extension/2/presence/dnd"]),
    ("/account/~/call-queues/400/presence", &["/call-queues/400/presence"; 2]),
    ("/account/~/call-queues/401/presence", &[]),
    ("/account/~/extension/~/favorite", &["/extension/1/favorite"]),
    ("/account/~/extension/2", &["/extension/2"]),
    ("/account/~/extension", &["/extension"]),
    ("/account/~/extension/~/message-store", &[]),
    ("/restapi/v1.0/subscription/~?threshold=60&interval=15", &[]),
];

/// A new message and nothing else.
pub(crate) fn says(message: &str) -> SettingsPatch {
    SettingsPatch { message: Some(message.into()), ..SettingsPatch::default() }
}

/// Waits until `is_so`, at most ten seconds.
///
/// # Panics
/// When it is not so by then.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
