//! Values for checks and measurements: small, plausible, all members used.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::audit::{Actor, Alteration, AuditAct, AuditEntry};
use lampfield_core::directory::{
    Account, ApiKey, App, Credential, Extension, Grants, Permissions, Proof, Role, Scopes, Session,
    Token,
};
use lampfield_core::subscription::{
    BlacklistEntry, DisabledFilter, EventFilter, Reminder, SealedSecret, SigningKeys, Subscription,
    SubscriptionStatus, Transport, WebhookFormat,
};
use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, Act, AppId, Call, Cause, Changes, Claim, ClaimId, Direction, Document, Epoch,
    ExtensionId, ExtensionKey, ExtensionStatus, ExtensionType, Fact, Policy, Position,
    PresenceEvent, Sequence, SessionId, Settings, SourceId, Standing, SubscriptionId,
    TelephonyStatus, Timestamp,
};
use uuid::Uuid;

use crate::port::{CommitError, DirectoryChange, Entry, Journal, Record};

/// When sample records begin: record n of an account is n seconds later.
pub const BEGINNING: Timestamp = Timestamp(1_455_788_244_597);

/// Returns the key of an extension.
///
/// # Panics
/// When a number is 0.
#[must_use]
pub fn key(account: u64, extension: u64) -> ExtensionKey {
    ExtensionKey {
        account: AccountId::new(account).expect("a positive number"),
        extension: ExtensionId::new(extension).expect("a positive number"),
    }
}

/// Returns the moment of record `offset` of an account.
#[must_use]
pub fn moment(offset: u64) -> Timestamp {
    BEGINNING.after(Duration::from_secs(offset))
}

/// Returns a document with one call, whose lease was confirmed at `now`.
///
/// # Panics
/// Never: the names in it are valid.
#[must_use]
pub fn document(caller: u64, now: Timestamp) -> Document {
    let call = Call {
        telephony_status: TelephonyStatus::CallConnected,
        direction: Direction::Inbound,
        queue_call: false,
        from: Some(format!("+1415555{caller:04}").into()),
        to: Some("101".into()),
        from_name: Some("Ada Lovelace".into()),
        to_name: None,
        start_time: Some(now),
        session_id: format!("{}", 141_000 + caller).into(),
        telephony_session_id: Some(format!("s-a0d15{caller:08}").into()),
        party_id: Some(format!("p-a0d15{caller:08}-1").into()),
        sip: None,
    };
    let claim = Claim::new(
        SourceId::new("asterisk-1").expect("a name"),
        ClaimId::new(&format!("call-{caller}")).expect("a name"),
        Fact::Call(Box::new(call)),
        now,
        Duration::from_secs(90),
    );
    let standing = Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled };
    Document::of(standing, Settings::default(), vec![claim], Policy::default(), now)
}

/// Returns a record at a place of its account's log.
///
/// # Panics
/// Never: the names in it are valid.
#[must_use]
pub fn record(key: ExtensionKey, offset: u64, sequence: u64) -> Arc<Record> {
    let at = moment(offset);
    let event = PresenceEvent {
        key,
        sequence: Sequence(sequence),
        at,
        observed_at: Timestamp(at.0 - 7),
        document: document(offset, at),
        changes: Changes::TELEPHONY | Changes::PRESENCE | Changes::CALLS | Changes::CALLER_DETAILS,
        before: None,
        ended: Box::default(),
        cause: Cause {
            act: Act::Published,
            source: SourceId::new("asterisk-1").expect("a name"),
            claim: ClaimId::new(&format!("call-{offset}")).ok(),
        },
    };
    Arc::new(Record { offset, event })
}

/// Returns the records that follow the head of the first key's account, one for each key.
///
/// # Panics
/// When the keys are of several accounts.
#[must_use]
pub fn following(journal: &dyn Journal, keys: &[ExtensionKey]) -> Vec<Arc<Record>> {
    let Some(first) = keys.first() else { return Vec::new() };
    assert!(keys.iter().all(|key| key.account == first.account), "keys of one account");
    let head = journal.head(first.account);
    (1..)
        .zip(keys)
        .map(|(n, key)| record(*key, head.position.offset + n, head.sequence.0 + n))
        .collect()
}

/// Commits one record for each key, in one batch after the head, and returns them.
///
/// # Errors
/// [`CommitError`].
pub async fn change(
    journal: &dyn Journal,
    keys: &[ExtensionKey],
) -> Result<Vec<Arc<Record>>, CommitError> {
    let records = following(journal, keys);
    journal.commit(entries(&records)).await?;
    Ok(records)
}

/// Returns records as a batch.
#[must_use]
pub fn entries(records: &[Arc<Record>]) -> Vec<Entry> {
    records.iter().map(|record| Entry::Change(Arc::clone(record))).collect()
}

/// Returns an extension of the directory.
#[must_use]
pub fn extension(key: ExtensionKey) -> Extension {
    Extension {
        key,
        number: format!("{}", 100 + key.extension.get()).into(),
        name: "Ada \u{1F372}".into(),
        email: "ada@example.com".into(),
        standing: Standing {
            kind: ExtensionType::DigitalUser,
            status: ExtensionStatus::NotActivated,
        },
        groups: ["sales".into()].into(),
        queues: [key.extension].into(),
        editable_member_status: false,
        permissions: Permissions::ordinary().with(Permissions::ADMIN),
    }
}

/// Returns a credential of an extension.
#[must_use]
pub fn password(number: u128, key: ExtensionKey) -> Credential {
    Credential {
        id: Uuid::from_u128(number),
        key,
        proof: Proof::Password("$argon2id$v=19$example".into()),
        created_at: Timestamp(3),
    }
}

/// Returns a webhook subscription of an extension.
///
/// # Panics
/// Never: the names in it are valid.
#[must_use]
pub fn subscription(number: u128, key: ExtensionKey) -> Subscription {
    Subscription {
        id: SubscriptionId(Uuid::from_u128(number)),
        account: key.account,
        owner: key.extension,
        app: AppId::new("board").expect("a name"),
        session: SessionId(Uuid::from_u128(5)),
        filters: vec![
            EventFilter::Account(Detail::Plain),
            EventFilter::Extension(key.extension, Detail::Sip),
            EventFilter::Lines(key.extension, Detail::Detailed),
            EventFilter::Favorites(key.extension, Detail::Plain),
            EventFilter::LineList(key.extension),
            EventFilter::Dnd(key.extension),
            EventFilter::Queue(key.extension),
            EventFilter::FavoriteList(key.extension),
            EventFilter::Profile(key.extension),
            EventFilter::Directory,
            EventFilter::Reminder(Reminder {
                threshold: Duration::from_secs(60),
                interval: Duration::from_secs(15),
                text: "/restapi/v1.0/subscription/~?threshold=60&interval=15".into(),
            }),
            EventFilter::Foreign("/restapi/v1.0/glip/posts".into()),
        ],
        disabled: vec![DisabledFilter {
            filter: "/restapi/v1.0/account/1/presence".into(),
            reason: "SUB-403".into(),
            message: "another account".to_owned(),
        }],
        transport: Transport::webhook("https://example.com/hook", Some("token".to_owned())),
        created_at: Timestamp(1),
        lifetime: Duration::from_secs(604_800),
        expires_at: Timestamp(604_800_001),
        status: SubscriptionStatus::Blacklisted(BlacklistEntry {
            at: Timestamp(5),
            reason: "no answer".to_owned(),
        }),
        from: Position { epoch: Epoch(NonZeroU64::MIN), offset: 12 },
    }
}

/// Returns an entry of the audit trail; account 0 stands for the whole house.
///
/// # Panics
/// Never: the names in it are valid.
#[must_use]
pub fn audit(account: u64, number: u64) -> AuditEntry {
    let actor = if number.is_multiple_of(2) {
        Actor::Key { id: Uuid::from_u128(6), name: "first administrator".into() }
    } else {
        let app = AppId::new("board").expect("a name");
        Actor::Person { extension: key(1, 7).extension, app }
    };
    AuditEntry {
        at: moment(number),
        account: AccountId::new(account).ok(),
        actor,
        act: AuditAct::ExtensionUpdate,
        object: number.to_string().into(),
        alterations: vec![
            Alteration::new("number", Some("101"), Some("102")),
            Alteration::untold("message"),
        ],
        request: number.is_multiple_of(3).then(|| "4c3a".into()),
        address: "2001:db8::1".parse().ok().filter(|_| number.is_multiple_of(2)),
    }
}

/// Returns a webhook, a socket's subscription, and a webhook with every extra there is.
fn one_of_each_subscription(owner: ExtensionKey) -> [Subscription; 3] {
    let hook = subscription(7, owner);
    let socket = Subscription {
        id: SubscriptionId(Uuid::from_u128(8)),
        transport: Transport::WebSocket,
        status: SubscriptionStatus::Active,
        ..hook.clone()
    };
    let mut signing = SigningKeys::of(SealedSecret::new([7, 0, 255]));
    let _room = signing.rotate(SealedSecret::new([8]), Timestamp(2), Duration::from_secs(1));
    let signed = Subscription {
        id: SubscriptionId(Uuid::from_u128(9)),
        transport: Transport::WebHook {
            address: "https://example.com/signed".to_owned(),
            verification_token: None,
            format: WebhookFormat::CloudEvents,
            signing,
        },
        ..hook.clone()
    };
    [hook, socket, signed]
}

/// Returns changes that make one item of every kind.
///
/// # Panics
/// Never: the names in it are valid.
#[must_use]
pub fn one_of_each() -> Vec<DirectoryChange> {
    use DirectoryChange as C;
    let owner = key(37, 1);
    let app = AppId::new("board").expect("a name");
    let token = |byte| Token { hash: [byte; 32], expires_at: Timestamp(9_000) };
    let [hook, socket, signed] = one_of_each_subscription(owner);
    let cursor = Position { offset: 99, ..hook.from };
    vec![
        C::PutAccount(Account {
            id: owner.account,
            name: "Example".into(),
            main_number: "+14155550100".into(),
            created_at: Timestamp(-1),
        }),
        C::PutExtension(extension(owner)),
        C::PutApp(App {
            id: app.clone(),
            name: "Board".into(),
            secret: Some([255; 32]),
            scopes: Scopes::ALL,
            account: Some(owner.account),
            grants: Grants::ALL,
            redirect_uris: ["https://board.example/back".into()].into(),
        }),
        C::PutCredential(password(3, owner)),
        C::PutCredential(Credential {
            id: Uuid::from_u128(4),
            key: owner,
            proof: Proof::Jwt { app: Some(app.clone()), expires_at: Some(Timestamp(4)) },
            created_at: Timestamp(4),
        }),
        C::PutSession(Session {
            id: SessionId(Uuid::from_u128(5)),
            key: owner,
            app,
            scopes: Scopes::READ_PRESENCE.with(Scopes::WEBSOCKET),
            credential: Uuid::from_u128(4),
            created_at: Timestamp(5),
            access: token(1),
            refresh: token(2),
            previous_refresh: Some(token(3)),
        }),
        C::PutKey(ApiKey {
            id: Uuid::from_u128(6),
            name: "pbx".into(),
            hash: [9; 32],
            account: None,
            role: Role::Ingest,
            created_at: Timestamp(6),
        }),
        C::PutSubscription(hook),
        C::PutSubscription(socket),
        C::PutSubscription(signed),
        C::PutCursor(SubscriptionId(Uuid::from_u128(7)), cursor),
        C::PutHouse("reserve", vec![0, 255, 10]),
    ]
}
