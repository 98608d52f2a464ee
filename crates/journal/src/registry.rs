//! The directory in memory: typed, indexed, always what the store has durably.

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
use parking_lot::RwLock;
use smol_str::SmolStr;
use uuid::Uuid;

use crate::port::{Contents, DirectoryChange, DirectoryStore, StoreError};

/// Why a change of the directory was not made.
pub type RegistryError = StoreError;

/// The directory: reads from memory, writes through the store.
///
/// Reads show only what is durable. Writes take effect in the order in which the store commits
/// them. Account walls are the caller's keys: every look-up of an extension takes its account.
#[derive(Debug)]
pub struct Registry {
    store: Arc<dyn DirectoryStore>,
    inner: Arc<RwLock<Shelves>>,
    /// Held by whoever checks something (a number is free) and then writes.
    checks: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Shelves {
    accounts: BTreeMap<AccountId, AccountShelf>,
    apps: BTreeMap<AppId, Arc<App>>,
    credentials: HashMap<Uuid, Arc<Credential>, RandomState>,
    passwords: HashMap<ExtensionKey, Uuid, RandomState>,
    sessions: HashMap<SessionId, Arc<Session>, RandomState>,
    access: HashMap<SecretHash, SessionId, RandomState>,
    refresh: HashMap<SecretHash, SessionId, RandomState>,
    keys: HashMap<SecretHash, Arc<ApiKey>, RandomState>,
    subscriptions: HashMap<SubscriptionId, Arc<Subscription>, RandomState>,
    cursors: HashMap<SubscriptionId, Position, RandomState>,
    house: BTreeMap<String, Vec<u8>>,
    /// Sessions and subscriptions by whose they are: asked for at every log-in and subscription.
    sessions_by_user: Belongings<SessionId>,
    subscriptions_by_user: Belongings<SubscriptionId>,
}

/// Ids by the user to whom they belong.
#[derive(Debug)]
struct Belongings<T>(HashMap<ExtensionKey, BTreeSet<T>, RandomState>);

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

    fn of(&self, user: ExtensionKey) -> impl Iterator<Item = T> {
        self.0.get(&user).into_iter().flatten().copied()
    }
}

impl<T> Default for Belongings<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

#[derive(Debug, Default)]
struct AccountShelf {
    account: Option<Arc<Account>>,
    extensions: BTreeMap<ExtensionId, Arc<Extension>>,
    numbers: HashMap<SmolStr, ExtensionId, RandomState>,
}

impl Registry {
    /// Loads the directory.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn open(store: Arc<dyn DirectoryStore>) -> Result<Self, StoreError> {
        let contents = store.load()?;
        Ok(Self {
            store,
            inner: Arc::new(RwLock::new(Shelves::of(contents))),
            checks: tokio::sync::Mutex::new(()),
        })
    }

    /// Makes changes: durable first, then visible, all or none.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed then.
    pub async fn apply(&self, changes: Vec<DirectoryChange>) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.inner);
        let visible = changes.clone();
        let on_commit = Box::new(move || {
            let mut shelves = inner.write();
            visible.into_iter().for_each(|change| shelves.take(change));
        });
        self.store.apply(changes, on_commit).await
    }

    /// Holds off other check-then-write users until the guard is dropped.
    pub async fn checking(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.checks.lock().await
    }

    /// Returns an account.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<Arc<Account>> {
        self.inner.read().accounts.get(&id)?.account.clone()
    }

    /// Returns every account, by id.
    #[must_use]
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.inner.read().accounts.values().filter_map(|shelf| shelf.account.clone()).collect()
    }

    /// Returns the account with this main number; leading `+` does not matter.
    #[must_use]
    pub fn account_by_number(&self, number: &str) -> Option<Arc<Account>> {
        let bare = number.trim_start_matches('+');
        self.accounts()
            .into_iter()
            .find(|account| account.main_number.trim_start_matches('+') == bare)
    }

    /// Returns an extension.
    #[must_use]
    pub fn extension(&self, key: ExtensionKey) -> Option<Arc<Extension>> {
        self.inner.read().accounts.get(&key.account)?.extensions.get(&key.extension).cloned()
    }

    /// Returns the extension with this short number.
    #[must_use]
    pub fn extension_by_number(&self, account: AccountId, number: &str) -> Option<Arc<Extension>> {
        let inner = self.inner.read();
        let shelf = inner.accounts.get(&account)?;
        shelf.extensions.get(shelf.numbers.get(number)?).cloned()
    }

    /// Returns at most `limit` extensions of an account from the `skip`-th on, by id, and how many
    /// there are.
    #[must_use]
    pub fn extensions(
        &self,
        account: AccountId,
        skip: usize,
        limit: usize,
    ) -> (Vec<Arc<Extension>>, usize) {
        let inner = self.inner.read();
        let Some(shelf) = inner.accounts.get(&account) else { return (Vec::new(), 0) };
        let page = shelf.extensions.values().skip(skip).take(limit).cloned().collect();
        (page, shelf.extensions.len())
    }

    /// Returns the account in which an extension id is in use: ids are unique across accounts.
    #[must_use]
    pub fn account_of(&self, extension: ExtensionId) -> Option<AccountId> {
        let inner = self.inner.read();
        let mut shelves = inner.accounts.iter();
        shelves.find(|(_, shelf)| shelf.extensions.contains_key(&extension)).map(|(id, _)| *id)
    }

    /// Returns the greatest extension id of all accounts.
    #[must_use]
    pub fn greatest_extension(&self) -> Option<ExtensionId> {
        let inner = self.inner.read();
        let greatest = |shelf: &AccountShelf| shelf.extensions.last_key_value().map(|(id, _)| *id);
        inner.accounts.values().filter_map(greatest).max()
    }

    /// Returns an application.
    #[must_use]
    pub fn app(&self, id: &AppId) -> Option<Arc<App>> {
        self.inner.read().apps.get(id).cloned()
    }

    /// Returns every application, by id.
    #[must_use]
    pub fn apps(&self) -> Vec<Arc<App>> {
        self.inner.read().apps.values().cloned().collect()
    }

    /// Returns a credential.
    #[must_use]
    pub fn credential(&self, id: Uuid) -> Option<Arc<Credential>> {
        self.inner.read().credentials.get(&id).cloned()
    }

    /// Returns the password credential of an extension.
    #[must_use]
    pub fn password(&self, key: ExtensionKey) -> Option<Arc<Credential>> {
        let inner = self.inner.read();
        inner.credentials.get(inner.passwords.get(&key)?).cloned()
    }

    /// Returns the credentials of an account, oldest first.
    #[must_use]
    pub fn credentials(&self, account: AccountId) -> Vec<Arc<Credential>> {
        let inner = self.inner.read();
        let mut found: Vec<_> = inner
            .credentials
            .values()
            .filter(|credential| credential.key.account == account)
            .cloned()
            .collect();
        found.sort_by_key(|credential| (credential.created_at, credential.id));
        found
    }

    /// Returns a session.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        self.inner.read().sessions.get(&id).cloned()
    }

    /// Returns the session whose access token has this hash.
    #[must_use]
    pub fn session_by_access(&self, hash: &SecretHash) -> Option<Arc<Session>> {
        let inner = self.inner.read();
        inner.sessions.get(inner.access.get(hash)?).cloned()
    }

    /// Returns the session whose present or previous refresh token has this hash.
    #[must_use]
    pub fn session_by_refresh(&self, hash: &SecretHash) -> Option<Arc<Session>> {
        let inner = self.inner.read();
        inner.sessions.get(inner.refresh.get(hash)?).cloned()
    }

    /// Returns the sessions of a user with an application, oldest first.
    #[must_use]
    pub fn sessions_of(&self, key: ExtensionKey, app: &AppId) -> Vec<Arc<Session>> {
        let inner = self.inner.read();
        let mut found: Vec<_> = inner
            .sessions_by_user
            .of(key)
            .filter_map(|id| inner.sessions.get(&id))
            .filter(|session| session.app == *app)
            .cloned()
            .collect();
        found.sort_by_key(|session| (session.created_at, session.id));
        found
    }

    /// Returns the ids of sessions whose refresh token ended before `now`.
    #[must_use]
    pub fn sessions_over(&self, now: lampfield_core::Timestamp) -> Vec<SessionId> {
        let inner = self.inner.read();
        let over = inner.sessions.values().filter(|session| {
            session.refresh.expires_at <= now && session.access.expires_at <= now
        });
        over.map(|session| session.id).collect()
    }

    /// Returns the API key with this hash.
    #[must_use]
    pub fn key(&self, hash: &SecretHash) -> Option<Arc<ApiKey>> {
        self.inner.read().keys.get(hash).cloned()
    }

    /// Returns every API key, oldest first.
    #[must_use]
    pub fn keys(&self) -> Vec<Arc<ApiKey>> {
        let mut keys: Vec<_> = self.inner.read().keys.values().cloned().collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        keys
    }

    /// Returns a subscription.
    #[must_use]
    pub fn subscription(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.inner.read().subscriptions.get(&id).cloned()
    }

    /// Returns every subscription, oldest first.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        let mut found: Vec<_> = self.inner.read().subscriptions.values().cloned().collect();
        found.sort_by_key(|subscription| (subscription.created_at, subscription.id));
        found
    }

    /// Returns the subscriptions of a user with an application, oldest first.
    #[must_use]
    pub fn subscriptions_of(&self, key: ExtensionKey, app: &AppId) -> Vec<Arc<Subscription>> {
        let inner = self.inner.read();
        let mut found: Vec<_> = inner
            .subscriptions_by_user
            .of(key)
            .filter_map(|id| inner.subscriptions.get(&id))
            .filter(|subscription| subscription.app == *app)
            .cloned()
            .collect();
        found.sort_by_key(|subscription| (subscription.created_at, subscription.id));
        found
    }

    /// Returns the saved cursor of a subscription.
    #[must_use]
    pub fn cursor(&self, id: SubscriptionId) -> Option<Position> {
        self.inner.read().cursors.get(&id).copied()
    }

    /// Returns a value of the house.
    #[must_use]
    pub fn house(&self, name: &str) -> Option<Vec<u8>> {
        self.inner.read().house.get(name).cloned()
    }
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
    fn of(contents: Contents) -> Self {
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
        accounts.into_iter().for_each(|it| shelves.take(C::PutAccount(it)));
        extensions.into_iter().for_each(|it| shelves.take(C::PutExtension(it)));
        apps.into_iter().for_each(|it| shelves.take(C::PutApp(it)));
        credentials.into_iter().for_each(|it| shelves.take(C::PutCredential(it)));
        sessions.into_iter().for_each(|it| shelves.take(C::PutSession(it)));
        keys.into_iter().for_each(|it| shelves.take(C::PutKey(it)));
        subscriptions.into_iter().for_each(|it| shelves.take(C::PutSubscription(it)));
        cursors.into_iter().for_each(|(id, at)| shelves.take(C::PutCursor(id, at)));
        shelves.house.extend(house);
        shelves
    }

    fn take(&mut self, change: DirectoryChange) {
        match change {
            DirectoryChange::PutAccount(account) => {
                let shelf = self.accounts.entry(account.id).or_default();
                shelf.account = Some(Arc::new(account));
            }
            DirectoryChange::PutExtension(extension) => self.put_extension(extension),
            DirectoryChange::RemoveExtension(key) => self.remove_extension(key),
            DirectoryChange::PutApp(app) => {
                self.apps.insert(app.id.clone(), Arc::new(app));
            }
            DirectoryChange::RemoveApp(id) => {
                self.apps.remove(&id);
            }
            DirectoryChange::PutCredential(credential) => {
                if matches!(credential.proof, Proof::Password(_)) {
                    self.passwords.insert(credential.key, credential.id);
                }
                self.credentials.insert(credential.id, Arc::new(credential));
            }
            DirectoryChange::RemoveCredential(id) => {
                self.credentials.remove(&id);
                self.passwords.retain(|_, password| *password != id);
            }
            DirectoryChange::PutSession(session) => self.put_session(session),
            DirectoryChange::RemoveSession(id) => self.remove_session(id),
            DirectoryChange::PutKey(key) => {
                self.keys.insert(key.hash, Arc::new(key));
            }
            DirectoryChange::RemoveKey(id) => self.keys.retain(|_, key| key.id != id),
            DirectoryChange::PutSubscription(subscription) => self.put_subscription(subscription),
            DirectoryChange::RemoveSubscription(id) => {
                self.remove_subscription(id);
                self.cursors.remove(&id);
            }
            DirectoryChange::PutCursor(id, position) => {
                self.cursors.insert(id, position);
            }
            DirectoryChange::PutHouse(name, value) => {
                self.house.insert(name.to_owned(), value);
            }
        }
    }

    fn put_extension(&mut self, extension: Extension) {
        let shelf = self.accounts.entry(extension.key.account).or_default();
        let id = extension.key.extension;
        let number = extension.number.clone();
        if let Some(before) = shelf.extensions.insert(id, Arc::new(extension)) {
            shelf.free_number(&before.number, id);
        }
        shelf.numbers.insert(number, id);
    }

    fn remove_extension(&mut self, key: ExtensionKey) {
        if let Some(shelf) = self.accounts.get_mut(&key.account)
            && let Some(before) = shelf.extensions.remove(&key.extension)
        {
            shelf.free_number(&before.number, key.extension);
        }
        let gone: BTreeSet<_> = self
            .credentials
            .values()
            .filter(|credential| credential.key == key)
            .map(|credential| credential.id)
            .collect();
        self.credentials.retain(|id, _| !gone.contains(id));
        self.passwords.remove(&key);
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

#[cfg(test)]
mod tests {
    use lampfield_core::directory::Permissions;
    use lampfield_core::{ExtensionStatus, ExtensionType, Standing};

    use super::*;
    use crate::memory::MemoryJournal;

    fn extension(id: u64, number: &str) -> Extension {
        let account = AccountId::new(1).unwrap();
        Extension {
            key: ExtensionKey { account, extension: ExtensionId::new(id).unwrap() },
            number: number.into(),
            name: "Somebody".into(),
            email: "".into(),
            standing: Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled },
            groups: Box::default(),
            queues: Box::default(),
            permissions: Permissions::ordinary(),
        }
    }

    #[tokio::test]
    async fn two_extensions_can_change_numbers_with_each_other() {
        let registry = Registry::open(Arc::new(MemoryJournal::new())).unwrap();
        let put = |id, number| DirectoryChange::PutExtension(extension(id, number));
        registry.apply(vec![put(7, "101"), put(8, "102")]).await.unwrap();

        registry.apply(vec![put(7, "102"), put(8, "101")]).await.unwrap();

        let account = AccountId::new(1).unwrap();
        let found =
            |number| registry.extension_by_number(account, number).map(|it| it.key.extension.get());
        assert_eq!((found("101"), found("102")), (Some(8), Some(7)));
        assert_eq!(registry.greatest_extension().map(ExtensionId::get), Some(8));
        assert_eq!(registry.account_of(ExtensionId::new(7).unwrap()), Some(account));
        assert_eq!(registry.account_of(ExtensionId::new(9).unwrap()), None);
    }
}
