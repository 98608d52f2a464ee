//! What a directory holds after a row of changes: the memory backend's shelf, and the model that
//! other backends are compared with.

use std::collections::BTreeMap;

use lampfield_core::directory::{Account, ApiKey, App, Credential, Extension, Session};
use lampfield_core::subscription::Subscription;
use lampfield_core::{AccountId, AppId, ExtensionKey, Position, SessionId, SubscriptionId};
use uuid::Uuid;

use crate::port::{Contents, DirectoryChange};

/// The items of a directory by their keys.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    accounts: BTreeMap<AccountId, Account>,
    extensions: BTreeMap<ExtensionKey, Extension>,
    apps: BTreeMap<AppId, App>,
    credentials: BTreeMap<Uuid, Credential>,
    sessions: BTreeMap<SessionId, Session>,
    keys: BTreeMap<Uuid, ApiKey>,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    cursors: BTreeMap<SubscriptionId, Position>,
    house: BTreeMap<String, Vec<u8>>,
}

impl Catalogue {
    /// Makes one change.
    pub(crate) fn take(&mut self, change: DirectoryChange) {
        match change {
            DirectoryChange::PutAccount(account) => {
                self.accounts.insert(account.id, account);
            }
            DirectoryChange::PutExtension(extension) => {
                self.extensions.insert(extension.key, extension);
            }
            DirectoryChange::RemoveExtension(key) => {
                self.extensions.remove(&key);
                self.credentials.retain(|_, credential| credential.key != key);
            }
            DirectoryChange::PutApp(app) => {
                self.apps.insert(app.id.clone(), app);
            }
            DirectoryChange::RemoveApp(id) => {
                self.apps.remove(&id);
            }
            DirectoryChange::PutCredential(credential) => {
                self.credentials.insert(credential.id, credential);
            }
            DirectoryChange::RemoveCredential(id) => {
                self.credentials.remove(&id);
            }
            DirectoryChange::PutSession(session) => {
                self.sessions.insert(session.id, session);
            }
            DirectoryChange::RemoveSession(id) => {
                self.sessions.remove(&id);
            }
            DirectoryChange::PutKey(key) => {
                self.keys.insert(key.id, key);
            }
            DirectoryChange::RemoveKey(id) => {
                self.keys.remove(&id);
            }
            DirectoryChange::PutSubscription(subscription) => {
                self.subscriptions.insert(subscription.id, subscription);
            }
            DirectoryChange::RemoveSubscription(id) => {
                self.subscriptions.remove(&id);
                self.cursors.remove(&id);
            }
            DirectoryChange::PutCursor(id, position) => {
                // A cursor that is saved late must not outlive its subscription.
                if self.subscriptions.contains_key(&id) {
                    self.cursors.insert(id, position);
                }
            }
            // Entries of the audit trail are no items: they are read page by page.
            DirectoryChange::Audit(_) => {}
            DirectoryChange::PutHouse(name, value) => {
                self.house.insert(name.to_owned(), value);
            }
        }
    }

    /// Returns everything, each kind by its key.
    pub(crate) fn contents(&self) -> Contents {
        Contents {
            accounts: self.accounts.values().cloned().collect(),
            extensions: self.extensions.values().cloned().collect(),
            apps: self.apps.values().cloned().collect(),
            credentials: self.credentials.values().cloned().collect(),
            sessions: self.sessions.values().cloned().collect(),
            keys: self.keys.values().cloned().collect(),
            subscriptions: self.subscriptions.values().cloned().collect(),
            cursors: self.cursors.iter().map(|(id, position)| (*id, *position)).collect(),
            house: self.house.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}
