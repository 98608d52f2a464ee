//! The stored form of the directory: one checked JSON document per item, version 1.
//!
//! A document is `{"v":1,"item":{…}}`. Its shapes ([`shapes`]) are the store's own and stay apart
//! from those of `lampfield-core` and of the wire. A document with an unknown member is refused:
//! whoever adds one writes a new version. The checksum covers kind and key too, so that an item
//! which was put into another one's place is noticed.

pub(crate) mod audit;
mod hex;
mod shapes;
mod transport;

use lampfield_core::directory::{Account, ApiKey, App, Credential, Extension, Session};
use lampfield_core::subscription::Subscription;
use lampfield_core::{AccountId, ExtensionKey, SubscriptionId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::port::{Contents, DirectoryChange, StoreError};
use crate::record::{RecordError, seal, unseal};

/// The version of JSON documents that is written.
const VERSION: u32 = 1;

/// What kinds of items there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Account,
    Extension,
    App,
    Credential,
    Session,
    Key,
    Subscription,
    Cursor,
    House,
}

impl Kind {
    const ALL: &'static [Self] = &[
        Self::Account,
        Self::Extension,
        Self::App,
        Self::Credential,
        Self::Session,
        Self::Key,
        Self::Subscription,
        Self::Cursor,
        Self::House,
    ];

    /// Returns the stored name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Extension => "extension",
            Self::App => "app",
            Self::Credential => "credential",
            Self::Session => "session",
            Self::Key => "key",
            Self::Subscription => "subscription",
            Self::Cursor => "cursor",
            Self::House => "house",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// An item as it is stored.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    /// The extension with which it goes, where it does.
    pub(crate) owner: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

/// What a change does to the stored items.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Makes or replaces one.
    Put(Row),
    /// Removes one, if it is there.
    Remove(Kind, String),
    /// Removes an extension and everything that goes with it.
    RemoveExtension(ExtensionKey),
    /// Makes or replaces a cursor if its subscription is there.
    MoveCursor(Row),
    /// Removes a subscription and its cursor.
    RemoveSubscription(String),
    /// Adds an entry to the audit trail of an account; 0 is the whole house.
    Audit { account: u64, at: Timestamp, body: Vec<u8> },
}

/// Returns what `change` does.
///
/// # Errors
/// [`StoreError::Unusable`] when an item cannot be written as JSON, which no item is known to do.
pub(crate) fn effect_of(change: &DirectoryChange) -> Result<Effect, StoreError> {
    use DirectoryChange as C;
    Ok(match change {
        C::PutAccount(account) => {
            put(Kind::Account, account.id.to_string(), &shapes::Account::of(account))?
        }
        C::PutExtension(extension) => {
            put(Kind::Extension, extension.key.to_string(), &shapes::Extension::of(extension))?
        }
        C::RemoveExtension(key) => Effect::RemoveExtension(*key),
        C::PutApp(app) => put(Kind::App, app.id.to_string(), &shapes::App::of(app))?,
        C::RemoveApp(id) => Effect::Remove(Kind::App, id.to_string()),
        C::PutCredential(credential) => {
            let shape = shapes::Credential::of(credential);
            let mut row = row(Kind::Credential, credential.id.to_string(), &shape)?;
            row.owner = Some(credential.key.to_string());
            Effect::Put(row)
        }
        C::RemoveCredential(id) => Effect::Remove(Kind::Credential, id.to_string()),
        C::PutSession(session) => {
            put(Kind::Session, session.id.to_string(), &shapes::Session::of(session))?
        }
        C::RemoveSession(id) => Effect::Remove(Kind::Session, id.to_string()),
        C::PutKey(key) => put(Kind::Key, key.id.to_string(), &shapes::ApiKey::of(key))?,
        C::RemoveKey(id) => Effect::Remove(Kind::Key, id.to_string()),
        C::PutSubscription(subscription) => put(
            Kind::Subscription,
            subscription.id.to_string(),
            &shapes::Subscription::of(subscription),
        )?,
        C::RemoveSubscription(id) => Effect::RemoveSubscription(id.to_string()),
        C::PutCursor(id, position) => {
            Effect::MoveCursor(row(Kind::Cursor, id.to_string(), &shapes::Place::from(*position))?)
        }
        C::Audit(entry) => Effect::Audit {
            account: entry.account.map_or(0, AccountId::get),
            at: entry.at,
            body: audit::audit_body(entry)?,
        },
        C::PutHouse(name, value) => Effect::Put(sealed(Kind::House, (*name).to_owned(), value)),
    })
}

/// Reads a stored item and adds it to `contents`.
///
/// # Errors
/// [`StoreError::Damaged`] when it is not what was written.
pub(crate) fn take_row(
    contents: &mut Contents,
    kind: &str,
    key: &str,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let damaged =
        |why: String| StoreError::Damaged { what: format!("{kind} {}", shown(kind, key)), why };
    let read = Kind::parse(kind)
        .ok_or_else(|| "this version knows no such kind".to_owned())
        .and_then(|kind| take(contents, kind, key, bytes));
    read.map_err(damaged)
}

/// Keys of the house may be anything; ids say enough of the rest.
fn shown<'a>(kind: &str, key: &'a str) -> &'a str {
    if kind.len() + key.len() > 300 { "with a very long key" } else { key }
}

fn take(contents: &mut Contents, kind: Kind, key: &str, bytes: &[u8]) -> Result<(), String> {
    let body = unseal(&scope(kind, key), bytes).map_err(|error| error.to_string())?;
    match kind {
        Kind::Account => contents.accounts.push(Account::try_from(item::<shapes::Account>(body)?)?),
        Kind::Extension => {
            contents.extensions.push(Extension::try_from(item::<shapes::Extension>(body)?)?);
        }
        Kind::App => contents.apps.push(App::try_from(item::<shapes::App>(body)?)?),
        Kind::Credential => {
            contents.credentials.push(Credential::try_from(item::<shapes::Credential>(body)?)?);
        }
        Kind::Session => contents.sessions.push(Session::try_from(item::<shapes::Session>(body)?)?),
        Kind::Key => contents.keys.push(ApiKey::try_from(item::<shapes::ApiKey>(body)?)?),
        Kind::Subscription => contents
            .subscriptions
            .push(Subscription::try_from(item::<shapes::Subscription>(body)?)?),
        Kind::Cursor => {
            let id: SubscriptionId = key.parse().map_err(|_| "its key is no id".to_owned())?;
            contents.cursors.push((id, item::<shapes::Place>(body)?.into()));
        }
        Kind::House => contents.house.push((key.to_owned(), body.to_vec())),
    }
    Ok(())
}

fn put(kind: Kind, key: String, shape: &impl Serialize) -> Result<Effect, StoreError> {
    row(kind, key, shape).map(Effect::Put)
}

fn row(kind: Kind, key: String, shape: &impl Serialize) -> Result<Row, StoreError> {
    let document = serde_json::to_vec(&Document { v: VERSION, item: shape }).map_err(|error| {
        StoreError::Unusable(format!("{} {key} cannot be written: {error}", kind.as_str()))
    })?;
    Ok(sealed(kind, key, &document))
}

fn sealed(kind: Kind, key: String, body: &[u8]) -> Row {
    let mut bytes = Vec::with_capacity(body.len() + 8);
    seal(&mut bytes, &scope(kind, &key), |out| out.extend_from_slice(body));
    Row { kind, key, owner: None, bytes }
}

fn scope(kind: Kind, key: &str) -> Vec<u8> {
    [kind.as_str(), "\n", key].concat().into_bytes()
}

fn item<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let Version { v } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if v > VERSION {
        let found = u8::try_from(v).unwrap_or(u8::MAX);
        return Err(RecordError::Newer { found }.to_string());
    }
    serde_json::from_slice(body)
        .map(|document: Document<T>| document.item)
        .map_err(|error| error.to_string())
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    v: u32,
    item: T,
}

/// Of a document of any version only this is known.
#[derive(Debug, Deserialize)]
struct Version {
    v: u32,
}

#[cfg(test)]
mod tests;
