//! The items of the directory as JSON.

use std::num::NonZeroU64;
use std::time::Duration;

use lampfield_core::directory::{self, Grants, Permissions, Proof, Role, Scopes, SecretHash};
use lampfield_core::subscription::{
    self, BlacklistEntry, DisabledFilter, EventFilter, Reminder, SubscriptionStatus,
};
use lampfield_core::visibility::Detail;
use lampfield_core::{
    AccountId, AppId, Epoch, ExtensionId, ExtensionKey, ExtensionStatus, ExtensionType, Position,
    SessionId, Standing, SubscriptionId, Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::hex::{hex, unhex};
use super::transport::StoredTransport;

pub(super) type Read<T> = Result<T, String>;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    id: u64,
    name: Box<str>,
    main_number: String,
    created_at: i64,
}

impl Account {
    pub(super) fn of(it: &directory::Account) -> Self {
        Self {
            id: it.id.get(),
            name: it.name.clone(),
            main_number: it.main_number.to_string(),
            created_at: it.created_at.0,
        }
    }
}

impl TryFrom<Account> for directory::Account {
    type Error = String;

    fn try_from(it: Account) -> Read<Self> {
        Ok(Self {
            id: account(it.id)?,
            name: it.name,
            main_number: it.main_number.into(),
            created_at: Timestamp(it.created_at),
        })
    }
}

/// Account and extension.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    account: u64,
    extension: u64,
}

impl Key {
    const fn of(it: ExtensionKey) -> Self {
        Self { account: it.account.get(), extension: it.extension.get() }
    }

    fn read(self) -> Read<ExtensionKey> {
        Ok(ExtensionKey { account: account(self.account)?, extension: extension(self.extension)? })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    key: Key,
    number: String,
    name: Box<str>,
    email: Box<str>,
    kind: String,
    status: String,
    groups: Vec<String>,
    queues: Vec<u64>,
    editable_member_status: bool,
    permissions: Vec<String>,
}

impl Extension {
    pub(super) fn of(it: &directory::Extension) -> Self {
        Self {
            key: Key::of(it.key),
            number: it.number.to_string(),
            name: it.name.clone(),
            email: it.email.clone(),
            kind: it.standing.kind.as_str().to_owned(),
            status: it.standing.status.as_str().to_owned(),
            groups: it.groups.iter().map(ToString::to_string).collect(),
            queues: it.queues.iter().map(|queue| queue.get()).collect(),
            editable_member_status: it.editable_member_status,
            permissions: it.permissions.words().map(str::to_owned).collect(),
        }
    }
}

impl TryFrom<Extension> for directory::Extension {
    type Error = String;

    fn try_from(it: Extension) -> Read<Self> {
        Ok(Self {
            key: it.key.read()?,
            number: it.number.into(),
            name: it.name,
            email: it.email,
            standing: Standing {
                kind: word(&it.kind, ExtensionType::parse)?,
                status: word(&it.status, ExtensionStatus::parse)?,
            },
            groups: it.groups.into_iter().map(Into::into).collect(),
            queues: it.queues.into_iter().map(extension).collect::<Read<_>>()?,
            editable_member_status: it.editable_member_status,
            permissions: words(&it.permissions, Permissions::parse)?
                .into_iter()
                .fold(Permissions::NONE, Permissions::with),
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    id: String,
    name: Box<str>,
    secret: Option<String>,
    scopes: Vec<String>,
    account: Option<u64>,
    grants: Vec<String>,
    redirect_uris: Box<[Box<str>]>,
}

impl App {
    pub(super) fn of(it: &directory::App) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            secret: it.secret.as_ref().map(|hash| hex(hash)),
            scopes: scope_words(it.scopes),
            account: it.account.map(AccountId::get),
            grants: it.grants.words().map(str::to_owned).collect(),
            redirect_uris: it.redirect_uris.clone(),
        }
    }
}

impl TryFrom<App> for directory::App {
    type Error = String;

    fn try_from(it: App) -> Read<Self> {
        Ok(Self {
            id: app(&it.id)?,
            name: it.name,
            secret: it.secret.as_deref().map(hash).transpose()?,
            scopes: scopes(&it.scopes)?,
            account: it.account.map(account).transpose()?,
            grants: words(&it.grants, Grants::parse)?.into_iter().fold(Grants::NONE, Grants::with),
            redirect_uris: it.redirect_uris,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    id: String,
    key: Key,
    proof: StoredProof,
    created_at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StoredProof {
    Password { hash: Box<str> },
    Jwt { app: Option<String>, expires_at: Option<i64> },
}

impl Credential {
    pub(super) fn of(it: &directory::Credential) -> Self {
        let proof = match &it.proof {
            Proof::Password(hash) => StoredProof::Password { hash: hash.clone() },
            Proof::Jwt { app, expires_at } => StoredProof::Jwt {
                app: app.as_ref().map(ToString::to_string),
                expires_at: expires_at.map(|at| at.0),
            },
        };
        Self { id: it.id.to_string(), key: Key::of(it.key), proof, created_at: it.created_at.0 }
    }
}

impl TryFrom<Credential> for directory::Credential {
    type Error = String;

    fn try_from(it: Credential) -> Read<Self> {
        let proof = match it.proof {
            StoredProof::Password { hash } => Proof::Password(hash),
            StoredProof::Jwt { app: of, expires_at } => Proof::Jwt {
                app: of.as_deref().map(app).transpose()?,
                expires_at: expires_at.map(Timestamp),
            },
        };
        let created_at = Timestamp(it.created_at);
        Ok(Self { id: uuid(&it.id)?, key: it.key.read()?, proof, created_at })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    hash: String,
    expires_at: i64,
}

impl Token {
    fn of(it: &directory::Token) -> Self {
        Self { hash: hex(&it.hash), expires_at: it.expires_at.0 }
    }

    fn read(&self) -> Read<directory::Token> {
        Ok(directory::Token { hash: hash(&self.hash)?, expires_at: Timestamp(self.expires_at) })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    id: String,
    key: Key,
    app: String,
    scopes: Vec<String>,
    credential: String,
    created_at: i64,
    access: Token,
    refresh: Token,
    previous_refresh: Option<Token>,
}

impl Session {
    pub(super) fn of(it: &directory::Session) -> Self {
        Self {
            id: it.id.to_string(),
            key: Key::of(it.key),
            app: it.app.to_string(),
            scopes: scope_words(it.scopes),
            credential: it.credential.to_string(),
            created_at: it.created_at.0,
            access: Token::of(&it.access),
            refresh: Token::of(&it.refresh),
            previous_refresh: it.previous_refresh.as_ref().map(Token::of),
        }
    }
}

impl TryFrom<Session> for directory::Session {
    type Error = String;

    fn try_from(it: Session) -> Read<Self> {
        Ok(Self {
            id: SessionId(uuid(&it.id)?),
            key: it.key.read()?,
            app: app(&it.app)?,
            scopes: scopes(&it.scopes)?,
            credential: uuid(&it.credential)?,
            created_at: Timestamp(it.created_at),
            access: it.access.read()?,
            refresh: it.refresh.read()?,
            previous_refresh: it.previous_refresh.as_ref().map(Token::read).transpose()?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKey {
    id: String,
    name: Box<str>,
    hash: String,
    account: Option<u64>,
    role: String,
    created_at: i64,
}

impl ApiKey {
    pub(super) fn of(it: &directory::ApiKey) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            hash: hex(&it.hash),
            account: it.account.map(AccountId::get),
            role: it.role.as_str().to_owned(),
            created_at: it.created_at.0,
        }
    }
}

impl TryFrom<ApiKey> for directory::ApiKey {
    type Error = String;

    fn try_from(it: ApiKey) -> Read<Self> {
        Ok(Self {
            id: uuid(&it.id)?,
            name: it.name,
            hash: hash(&it.hash)?,
            account: it.account.map(account).transpose()?,
            role: word(&it.role, Role::parse)?,
            created_at: Timestamp(it.created_at),
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    id: String,
    account: u64,
    owner: u64,
    app: String,
    session: String,
    filters: Vec<Filter>,
    disabled: Vec<Disabled>,
    transport: StoredTransport,
    created_at: i64,
    lifetime_ms: u64,
    expires_at: i64,
    status: Status,
    from: Place,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Filter {
    Account { detail: Shown },
    Extension { id: u64, detail: Shown },
    Lines { id: u64, detail: Shown },
    Favorites { id: u64, detail: Shown },
    LineList { id: u64 },
    Dnd { id: u64 },
    Queue { id: u64 },
    FavoriteList { id: u64 },
    Profile { id: u64 },
    Directory,
    Reminder { threshold_s: u64, interval_s: u64, text: String },
    Foreign { path: String },
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shown {
    Plain,
    Detailed,
    Sip,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disabled {
    filter: String,
    reason: String,
    message: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Status {
    Active,
    Blacklisted { at: i64, reason: String },
}

/// A place in a log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    epoch: NonZeroU64,
    offset: u64,
}

impl From<Position> for Place {
    fn from(it: Position) -> Self {
        Self { epoch: it.epoch.0, offset: it.offset }
    }
}

impl From<Place> for Position {
    fn from(it: Place) -> Self {
        Self { epoch: Epoch(it.epoch), offset: it.offset }
    }
}

impl Subscription {
    pub(super) fn of(it: &subscription::Subscription) -> Self {
        let status = match &it.status {
            SubscriptionStatus::Active => Status::Active,
            SubscriptionStatus::Blacklisted(entry) => {
                Status::Blacklisted { at: entry.at.0, reason: entry.reason.clone() }
            }
        };
        let disabled = it.disabled.iter().map(|one| Disabled {
            filter: one.filter.to_string(),
            reason: one.reason.to_string(),
            message: one.message.clone(),
        });
        Self {
            id: it.id.to_string(),
            account: it.account.get(),
            owner: it.owner.get(),
            app: it.app.to_string(),
            session: it.session.to_string(),
            filters: it.filters.iter().map(Filter::of).collect(),
            disabled: disabled.collect(),
            transport: StoredTransport::of(&it.transport),
            created_at: it.created_at.0,
            lifetime_ms: u64::try_from(it.lifetime.as_millis()).unwrap_or(u64::MAX),
            expires_at: it.expires_at.0,
            status,
            from: it.from.into(),
        }
    }
}

impl TryFrom<Subscription> for subscription::Subscription {
    type Error = String;

    fn try_from(it: Subscription) -> Read<Self> {
        let disabled = it.disabled.into_iter().map(|one| DisabledFilter {
            filter: one.filter.into(),
            reason: one.reason.into(),
            message: one.message,
        });
        Ok(Self {
            id: SubscriptionId(uuid(&it.id)?),
            account: account(it.account)?,
            owner: extension(it.owner)?,
            app: app(&it.app)?,
            session: SessionId(uuid(&it.session)?),
            filters: it.filters.into_iter().map(Filter::read).collect::<Read<_>>()?,
            disabled: disabled.collect(),
            transport: it.transport.read()?,
            created_at: Timestamp(it.created_at),
            lifetime: Duration::from_millis(it.lifetime_ms),
            expires_at: Timestamp(it.expires_at),
            status: match it.status {
                Status::Active => SubscriptionStatus::Active,
                Status::Blacklisted { at, reason } => {
                    SubscriptionStatus::Blacklisted(BlacklistEntry { at: Timestamp(at), reason })
                }
            },
            from: it.from.into(),
        })
    }
}

impl Filter {
    fn of(it: &EventFilter) -> Self {
        match it {
            EventFilter::Account(detail) => Self::Account { detail: Shown::of(*detail) },
            EventFilter::Extension(id, detail) => {
                Self::Extension { id: id.get(), detail: Shown::of(*detail) }
            }
            EventFilter::Lines(id, detail) => {
                Self::Lines { id: id.get(), detail: Shown::of(*detail) }
            }
            EventFilter::Favorites(id, detail) => {
                Self::Favorites { id: id.get(), detail: Shown::of(*detail) }
            }
            EventFilter::LineList(id) => Self::LineList { id: id.get() },
            EventFilter::Dnd(id) => Self::Dnd { id: id.get() },
            EventFilter::Queue(id) => Self::Queue { id: id.get() },
            EventFilter::FavoriteList(id) => Self::FavoriteList { id: id.get() },
            EventFilter::Profile(id) => Self::Profile { id: id.get() },
            EventFilter::Directory => Self::Directory,
            EventFilter::Reminder(it) => Self::Reminder {
                threshold_s: it.threshold.as_secs(),
                interval_s: it.interval.as_secs(),
                text: it.text.to_string(),
            },
            EventFilter::Foreign(path) => Self::Foreign { path: path.to_string() },
        }
    }

    fn read(self) -> Read<EventFilter> {
        Ok(match self {
            Self::Account { detail } => EventFilter::Account(detail.into()),
            Self::Extension { id, detail } => EventFilter::Extension(extension(id)?, detail.into()),
            Self::Lines { id, detail } => EventFilter::Lines(extension(id)?, detail.into()),
            Self::Favorites { id, detail } => EventFilter::Favorites(extension(id)?, detail.into()),
            Self::LineList { id } => EventFilter::LineList(extension(id)?),
            Self::Dnd { id } => EventFilter::Dnd(extension(id)?),
            Self::Queue { id } => EventFilter::Queue(extension(id)?),
            Self::FavoriteList { id } => EventFilter::FavoriteList(extension(id)?),
            Self::Profile { id } => EventFilter::Profile(extension(id)?),
            Self::Directory => EventFilter::Directory,
            Self::Reminder { threshold_s, interval_s, text } => EventFilter::Reminder(Reminder {
                threshold: Duration::from_secs(threshold_s),
                interval: Duration::from_secs(interval_s),
                text: text.into(),
            }),
            Self::Foreign { path } => EventFilter::Foreign(path.into()),
        })
    }
}

impl Shown {
    const fn of(it: Detail) -> Self {
        match it {
            Detail::Plain => Self::Plain,
            Detail::Detailed => Self::Detailed,
            Detail::Sip => Self::Sip,
        }
    }
}

impl From<Shown> for Detail {
    fn from(it: Shown) -> Self {
        match it {
            Shown::Plain => Self::Plain,
            Shown::Detailed => Self::Detailed,
            Shown::Sip => Self::Sip,
        }
    }
}

pub(super) fn account(id: u64) -> Read<AccountId> {
    AccountId::new(id).map_err(|error| error.to_string())
}

pub(super) fn extension(id: u64) -> Read<ExtensionId> {
    ExtensionId::new(id).map_err(|error| error.to_string())
}

pub(super) fn app(id: &str) -> Read<AppId> {
    AppId::new(id).map_err(|error| error.to_string())
}

pub(super) fn uuid(id: &str) -> Read<Uuid> {
    Uuid::try_parse(id).map_err(|error| error.to_string())
}

pub(super) fn word<T>(word: &str, parse: impl Fn(&str) -> Option<T>) -> Read<T> {
    parse(word).ok_or_else(|| format!("it has the word {word:?}, which this version does not know"))
}

fn words<T>(list: &[String], parse: impl Fn(&str) -> Option<T>) -> Read<Vec<T>> {
    list.iter().map(|one| word(one, &parse)).collect()
}

fn scope_words(scopes: Scopes) -> Vec<String> {
    scopes.words().map(str::to_owned).collect()
}

fn scopes(list: &[String]) -> Read<Scopes> {
    Ok(words(list, Scopes::parse)?.into_iter().fold(Scopes::NONE, Scopes::with))
}

fn hash(hex: &str) -> Read<SecretHash> {
    let bytes = unhex(hex)?;
    bytes.try_into().map_err(|_| "a hash in it has the wrong length".to_owned())
}
