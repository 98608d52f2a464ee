use std::num::NonZeroU64;
use std::time::Duration;

use lampfield_core::directory::{Permissions, Proof, Role, Scopes, Token};
use lampfield_core::subscription::{
    BlacklistEntry, DisabledFilter, EventFilter, SubscriptionStatus, Transport,
};
use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, AppId, Epoch, ExtensionId, ExtensionStatus, ExtensionType, Position, SessionId,
    Standing, Timestamp,
};
use uuid::Uuid;

use super::*;
use crate::catalogue::Catalogue;

/// Rows of version 1 as they are on the disks of users: `kind key bytes`, one a line.
const FIXTURE: &str = include_str!("../../fixtures/directory-v1.txt");

fn key(extension: u64) -> ExtensionKey {
    ExtensionKey {
        account: AccountId::new(37).expect("id"),
        extension: ExtensionId::new(extension).expect("id"),
    }
}

const fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// One of everything, every member used.
pub(crate) fn one_of_each() -> Vec<DirectoryChange> {
    use DirectoryChange as C;
    let app = AppId::new("board").expect("a name");
    let token = |n| Token { hash: [n; 32], expires_at: Timestamp(9_000) };
    let from = Position { epoch: Epoch(NonZeroU64::MIN), offset: 12 };
    let hook = Subscription {
        id: SubscriptionId(id(7)),
        account: key(1).account,
        owner: key(1).extension,
        app: app.clone(),
        session: SessionId(id(5)),
        filters: vec![
            EventFilter::Account(Detail::Plain),
            EventFilter::Extension(key(1).extension, Detail::Sip),
            EventFilter::Foreign("/restapi/v1.0/glip/posts".into()),
        ],
        disabled: vec![DisabledFilter {
            filter: "/restapi/v1.0/account/1/presence".into(),
            reason: "SUB-403".into(),
            message: "another account".to_owned(),
        }],
        transport: Transport::WebHook {
            address: "https://example.com/hook".to_owned(),
            verification_token: Some("token".to_owned()),
        },
        created_at: Timestamp(1),
        lifetime: Duration::from_secs(604_800),
        expires_at: Timestamp(604_800_001),
        status: SubscriptionStatus::Blacklisted(BlacklistEntry {
            at: Timestamp(5),
            reason: "no answer".to_owned(),
        }),
        from,
    };
    let socket = Subscription {
        id: SubscriptionId(id(8)),
        transport: Transport::WebSocket,
        status: SubscriptionStatus::Active,
        ..hook.clone()
    };
    vec![
        C::PutAccount(Account {
            id: key(1).account,
            name: "Example".into(),
            main_number: "+14155550100".into(),
            created_at: Timestamp(-1),
        }),
        C::PutExtension(Extension {
            key: key(1),
            number: "101".into(),
            name: "Ada \u{1F372}".into(),
            email: "ada@example.com".into(),
            standing: Standing {
                kind: ExtensionType::DigitalUser,
                status: ExtensionStatus::NotActivated,
            },
            groups: ["sales".into()].into(),
            queues: [key(2).extension].into(),
            permissions: Permissions::ordinary().with(Permissions::ADMIN),
        }),
        C::PutApp(App {
            id: app.clone(),
            name: "Board".into(),
            secret: Some([255; 32]),
            scopes: Scopes::ALL,
            account: Some(key(1).account),
        }),
        C::PutCredential(Credential {
            id: id(3),
            key: key(1),
            proof: Proof::Password("$argon2id$v=19$…".into()),
            created_at: Timestamp(3),
        }),
        C::PutCredential(Credential {
            id: id(4),
            key: key(1),
            proof: Proof::Jwt { app: Some(app.clone()), expires_at: Some(Timestamp(4)) },
            created_at: Timestamp(4),
        }),
        C::PutSession(Session {
            id: SessionId(id(5)),
            key: key(1),
            app,
            scopes: Scopes::READ_PRESENCE.with(Scopes::WEBSOCKET),
            created_at: Timestamp(5),
            access: token(1),
            refresh: token(2),
            previous_refresh: Some(token(3)),
        }),
        C::PutKey(ApiKey {
            id: id(6),
            name: "pbx".into(),
            hash: [9; 32],
            account: None,
            role: Role::Ingest,
            created_at: Timestamp(6),
        }),
        C::PutSubscription(hook),
        C::PutSubscription(socket),
        C::PutCursor(SubscriptionId(id(7)), Position { offset: 99, ..from }),
        C::PutHouse("reserve", vec![0, 255, 10]),
    ]
}

fn rows() -> Vec<Row> {
    let effects = one_of_each().iter().map(effect_of).collect::<Result<Vec<_>, _>>();
    effects
        .expect("writable")
        .into_iter()
        .map(|effect| match effect {
            Effect::Put(row) | Effect::MoveCursor(row) => row,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn model() -> Contents {
    let mut catalogue = Catalogue::default();
    one_of_each().into_iter().for_each(|change| catalogue.take(change));
    catalogue.contents()
}

#[test]
fn what_is_written_is_read() {
    let mut contents = Contents::default();
    for row in rows() {
        take_row(&mut contents, row.kind.as_str(), &row.key, &row.bytes).expect("readable");
    }
    assert_eq!(format!("{contents:?}"), format!("{:?}", model()));
}

#[test]
fn version_1_is_written_and_read_as_it_always_was() {
    let mut contents = Contents::default();
    for line in FIXTURE.lines() {
        let mut parts = line.splitn(3, ' ');
        let mut next = || parts.next().expect("three parts");
        let (kind, key, hex) = (next(), next(), next());
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        take_row(&mut contents, kind, key, &bytes).expect("readable");
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let written: String = rows()
        .iter()
        .map(|row| format!("{} {} {}\n", row.kind.as_str(), row.key, hex(&row.bytes)))
        .collect();
    assert_eq!(written, FIXTURE, "the format of the directory changed: give it a new version");
    assert_eq!(format!("{contents:?}"), format!("{:?}", model()));
}

#[test]
fn an_item_in_another_ones_place_is_damage() {
    let mut contents = Contents::default();
    for row in rows() {
        let other = format!("{}0", row.key);
        let misplaced = take_row(&mut contents, row.kind.as_str(), &other, &row.bytes);
        assert!(matches!(misplaced, Err(StoreError::Damaged { .. })), "{row:?}");
        let mut flipped = row.bytes.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        let damaged = take_row(&mut contents, row.kind.as_str(), &row.key, &flipped);
        assert!(matches!(damaged, Err(StoreError::Damaged { .. })), "{row:?}");
    }
}

#[test]
fn a_newer_document_is_refused_with_a_reason() {
    let newer = sealed(Kind::Account, "1".to_owned(), br#"{"v":2,"item":{"anything":1}}"#);
    let error = take_row(&mut Contents::default(), "account", "1", &newer.bytes)
        .expect_err("version 2 is unknown");
    assert!(error.to_string().contains("format 2"), "{error}");
}
