//! The items of the directory and the ways to find them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::quality::RandomState;
use lampfield_core::directory::{
    Account, ApiKey, App, Credential, Extension, Proof, SecretHash, Session,
};
use lampfield_core::subscription::Subscription;
use lampfield_core::{
    AccountId, AppId, ExtensionId, ExtensionKey, Position, SessionId, SubscriptionId,
};
use smol_str::SmolStr;
use uuid::Uuid;

use crate::port::{Contents, DirectoryChange};

#[derive(Debug, Default)]
pub(super) struct Shelves {
    pub(super) accounts: BTreeMap<AccountId, AccountShelf>,
    pub(super) apps: BTreeMap<AppId, Arc<App>>,
    pub(super) credentials: HashMap<Uuid, Arc<Credential>, RandomState>,
    pub(super) passwords: HashMap<ExtensionKey, Uuid, RandomState>,
    pub(super) sessions: HashMap<SessionId, Arc<Session>, RandomState>,
    pub(super) access: HashMap<SecretHash, SessionId, RandomState>,
    pub(super) refresh: HashMap<SecretHash, SessionId, RandomState>,
    pub(super) keys: HashMap<SecretHash, Arc<ApiKey>, RandomState>,
    pub(super) subscriptions: HashMap<SubscriptionId, Arc<Subscription>, RandomState>,
    pub(super) cursors: HashMap<SubscriptionId, Position, RandomState>,
    pub(super) house: BTreeMap<String, Vec<u8>>,
    /// Accounts by their main number, without its leading `+`.
    accounts_by_number: BTreeMap<SmolStr, BTreeSet<AccountId>>,
    credentials_by_user: Belongings<Uuid>,
    /// Sessions and subscriptions by whose they are: asked for at every log-in and subscription.
    pub(super) sessions_by_user: Belongings<SessionId>,
    pub(super) subscriptions_by_user: Belongings<SubscriptionId>,
}

/// Ids by the user to whom they belong.
#[derive(Debug)]
pub(super) struct Belongings<T>(HashMap<ExtensionKey, BTreeSet<T>, RandomState>);

impl<T: Ord + Copy> Belongings<T> {
    fn add(&mut self, user: ExtensionKey, id: T) {
        self.0.entry(user).or_default().insert(id);
    }

    fn remove(&mut self, user: ExtensionKey, id: T) {
        if let Some(ids) = self.0.get_mut(&user) {
            ids.remove(&id);
            if ids.is_empty() {
                self.0.remove(&user);
            }
        }
    }

    pub(super) fn of(&self, user: ExtensionKey) -> impl Iterator<Item = T> {
        self.0.get(&user).into_iter().flatten().copied()
    }
}

impl<T> Default for Belongings<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

#[derive(Debug, Default)]
pub(super) struct AccountShelf {
    pub(super) account: Option<Arc<Account>>,
    pub(super) extensions: BTreeMap<ExtensionId, Arc<Extension>>,
    pub(super) numbers: HashMap<SmolStr, ExtensionId, RandomState>,
}

impl AccountShelf {
    /// Two extensions may change numbers with each other: then the number has a new owner already.
    fn free_number(&mut self, number: &SmolStr, owner: ExtensionId) {
        if self.numbers.get(number) == Some(&owner) {
            self.numbers.remove(number);
        }
    }
}

impl Shelves {
    pub(super) fn of(contents: Contents) -> Self {
        use DirectoryChange as C;
        let mut shelves = Self::default();
        let Contents {
            accounts,
            extensions,
            apps,
            credentials,
            sessions,
            keys,
            subscriptions,
            cursors,
            house,
        } = contents;
        let changes = accounts
            .into_iter()
            .map(C::PutAccount)
            .chain(extensions.into_iter().map(C::PutExtension))
            .chain(apps.into_iter().map(C::PutApp))
            .chain(credentials.into_iter().map(C::PutCredential))
            .chain(sessions.into_iter().map(C::PutSession))
            .chain(keys.into_iter().map(C::PutKey))
            .chain(subscriptions.into_iter().map(C::PutSubscription))
            .chain(cursors.into_iter().map(|(id, position)| C::PutCursor(id, position)));
        for change in changes {
            shelves.take(change);
        }
        shelves.house.extend(house);
        shelves
    }

    pub(super) fn take(&mut self, change: DirectoryChange) {
        match change {
            DirectoryChange::PutAccount(account) => self.put_account(account),
            DirectoryChange::PutExtension(extension) => self.put_extension(extension),
            DirectoryChange::RemoveExtension(key) => self.remove_extension(key),
            DirectoryChange::PutApp(app) => {
                self.apps.insert(app.id.clone(), Arc::new(app));
            }
            DirectoryChange::RemoveApp(id) => {
                self.apps.remove(&id);
            }
            DirectoryChange::PutCredential(credential) => self.put_credential(credential),
            DirectoryChange::RemoveCredential(id) => self.remove_credential(id),
            DirectoryChange::PutSession(session) => self.put_session(session),
            DirectoryChange::RemoveSession(id) => self.remove_session(id),
            DirectoryChange::PutKey(key) => {
                // Its hash may be another one: the one before must not go on to open doors.
                self.keys.retain(|_, before| before.id != key.id);
                self.keys.insert(key.hash, Arc::new(key));
            }
            DirectoryChange::RemoveKey(id) => self.keys.retain(|_, key| key.id != id),
            DirectoryChange::PutSubscription(subscription) => self.put_subscription(subscription),
            DirectoryChange::RemoveSubscription(id) => {
                self.remove_subscription(id);
                self.cursors.remove(&id);
            }
            DirectoryChange::PutCursor(id, position) => {
                // A cursor that is saved late must not outlive its subscription.
                if self.subscriptions.contains_key(&id) {
                    self.cursors.insert(id, position);
                }
            }
            // The trail is not in memory: it is read page by page.
            DirectoryChange::Audit(_) => {}
            DirectoryChange::PutHouse(name, value) => {
                self.house.insert(name.to_owned(), value);
            }
        }
    }

    /// Returns the first account with a main number; leading `+` does not matter.
    pub(super) fn account_by_number(&self, number: &str) -> Option<AccountId> {
        self.accounts_by_number.get(bare(number))?.first().copied()
    }

    fn put_account(&mut self, account: Account) {
        let held = self.accounts.entry(account.id).or_default();
        if let Some(before) = &held.account
            && let Some(others) = self.accounts_by_number.get_mut(bare(&before.main_number))
        {
            others.remove(&account.id);
        }
        let number = SmolStr::new(bare(&account.main_number));
        self.accounts_by_number.entry(number).or_default().insert(account.id);
        held.account = Some(Arc::new(account));
    }

    fn put_extension(&mut self, extension: Extension) {
        let held = self.accounts.entry(extension.key.account).or_default();
        let id = extension.key.extension;
        let number = extension.number.clone();
        if let Some(before) = held.extensions.insert(id, Arc::new(extension)) {
            held.free_number(&before.number, id);
        }
        held.numbers.insert(number, id);
    }

    fn remove_extension(&mut self, key: ExtensionKey) {
        if let Some(held) = self.accounts.get_mut(&key.account)
            && let Some(before) = held.extensions.remove(&key.extension)
        {
            held.free_number(&before.number, key.extension);
        }
        let gone: Vec<_> = self.credentials_by_user.of(key).collect();
        for credential in gone {
            self.remove_credential(credential);
        }
    }

    fn put_credential(&mut self, credential: Credential) {
        self.remove_credential(credential.id);
        if matches!(credential.proof, Proof::Password(_)) {
            self.passwords.insert(credential.key, credential.id);
        }
        self.credentials_by_user.add(credential.key, credential.id);
        self.credentials.insert(credential.id, Arc::new(credential));
    }

    fn remove_credential(&mut self, id: Uuid) {
        let Some(before) = self.credentials.remove(&id) else { return };
        self.credentials_by_user.remove(before.key, id);
        if self.passwords.get(&before.key) == Some(&id) {
            self.passwords.remove(&before.key);
        }
    }

    fn put_session(&mut self, session: Session) {
        self.remove_session(session.id);
        self.access.insert(session.access.hash, session.id);
        self.refresh.insert(session.refresh.hash, session.id);
        if let Some(previous) = &session.previous_refresh {
            self.refresh.insert(previous.hash, session.id);
        }
        self.sessions_by_user.add(session.key, session.id);
        self.sessions.insert(session.id, Arc::new(session));
    }

    fn remove_session(&mut self, id: SessionId) {
        let Some(before) = self.sessions.remove(&id) else { return };
        self.sessions_by_user.remove(before.key, id);
        self.access.remove(&before.access.hash);
        self.refresh.remove(&before.refresh.hash);
        if let Some(previous) = &before.previous_refresh {
            self.refresh.remove(&previous.hash);
        }
    }

    fn put_subscription(&mut self, subscription: Subscription) {
        self.remove_subscription(subscription.id);
        self.subscriptions_by_user.add(owner_of(&subscription), subscription.id);
        self.subscriptions.insert(subscription.id, Arc::new(subscription));
    }

    fn remove_subscription(&mut self, id: SubscriptionId) {
        let Some(before) = self.subscriptions.remove(&id) else { return };
        self.subscriptions_by_user.remove(owner_of(&before), id);
    }
}

const fn owner_of(subscription: &Subscription) -> ExtensionKey {
    ExtensionKey { account: subscription.account, extension: subscription.owner }
}

fn bare(number: &str) -> &str {
    number.trim_start_matches('+')
}
