//! The directory in memory: typed, indexed, always what the store has durably.

mod shelves;

use std::sync::Arc;

use lampfield_core::directory::{Account, ApiKey, App, Credential, Extension, SecretHash, Session};
use lampfield_core::subscription::Subscription;
use lampfield_core::{
    AccountId, AppId, ExtensionId, ExtensionKey, Position, SessionId, SubscriptionId,
};
use parking_lot::RwLock;
use uuid::Uuid;

use crate::port::{AuditPage, DirectoryChange, DirectoryStore, StoreError};
use shelves::{AccountShelf, Shelves};

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
            for change in visible {
                shelves.take(change);
            }
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
        self.inner.read().accounts.values().filter_map(|held| held.account.clone()).collect()
    }

    /// Returns the account with this main number; leading `+` does not matter.
    #[must_use]
    pub fn account_by_number(&self, number: &str) -> Option<Arc<Account>> {
        let inner = self.inner.read();
        let id = inner.account_by_number(number)?;
        inner.accounts.get(&id)?.account.clone()
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
        let held = inner.accounts.get(&account)?;
        held.extensions.get(held.numbers.get(number)?).cloned()
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
        let Some(held) = inner.accounts.get(&account) else { return (Vec::new(), 0) };
        let page = held.extensions.values().skip(skip).take(limit).cloned().collect();
        (page, held.extensions.len())
    }

    /// Returns the account in which an extension id is in use: ids are unique across accounts.
    #[must_use]
    pub fn account_of(&self, extension: ExtensionId) -> Option<AccountId> {
        let inner = self.inner.read();
        let mut shelves = inner.accounts.iter();
        shelves.find(|(_, held)| held.extensions.contains_key(&extension)).map(|(id, _)| *id)
    }

    /// Returns the greatest extension id of all accounts.
    #[must_use]
    pub fn greatest_extension(&self) -> Option<ExtensionId> {
        let inner = self.inner.read();
        let greatest = |held: &AccountShelf| held.extensions.last_key_value().map(|(id, _)| *id);
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

    /// Returns every session of a user, oldest first.
    #[must_use]
    pub fn sessions_of_user(&self, key: ExtensionKey) -> Vec<Arc<Session>> {
        let inner = self.inner.read();
        let ids = inner.sessions_by_user.of(key);
        let mut found: Vec<_> = ids.filter_map(|id| inner.sessions.get(&id)).cloned().collect();
        found.sort_by_key(|session| (session.created_at, session.id));
        found
    }

    /// Returns the ids of the sessions of an application.
    #[must_use]
    pub fn sessions_of_app(&self, app: &AppId) -> Vec<SessionId> {
        let inner = self.inner.read();
        let of_app = inner.sessions.values().filter(|session| session.app == *app);
        let mut found: Vec<_> = of_app.map(|session| session.id).collect();
        found.sort_unstable();
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

    /// Reads at most `limit` entries of the audit trail of `account`, or of what belongs to the
    /// whole house, newest first and after the `skip` newest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit(
        &self,
        account: Option<AccountId>,
        skip: u64,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.store.audit(account, skip, limit).await
    }

    /// Returns a value of the house.
    #[must_use]
    pub fn house(&self, name: &str) -> Option<Vec<u8>> {
        self.inner.read().house.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use lampfield_core::directory::Permissions;
    use lampfield_core::{ExtensionStatus, ExtensionType, Standing};

    use super::*;
    use crate::conformance::samples;
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
            editable_member_status: true,
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

    #[tokio::test]
    async fn a_replaced_key_or_password_opens_no_door_any_more() {
        use lampfield_core::directory::Role;
        let registry = Registry::open(Arc::new(MemoryJournal::new())).unwrap();
        let id = Uuid::from_u128(1);
        let created_at = lampfield_core::Timestamp(1);
        let key = |hash| ApiKey {
            id,
            name: "pbx".into(),
            hash: [hash; 32],
            account: None,
            role: Role::Read,
            created_at,
        };
        registry.apply(vec![DirectoryChange::PutKey(key(1))]).await.unwrap();
        registry.apply(vec![DirectoryChange::PutKey(key(2))]).await.unwrap();
        assert_eq!((registry.key(&[1; 32]), registry.keys().len()), (None, 1));

        let owner = samples::key(1, 7);
        let (first, second) = (samples::password(8, owner), samples::password(9, owner));
        let replace = vec![
            DirectoryChange::PutCredential(first.clone()),
            DirectoryChange::PutCredential(second.clone()),
            DirectoryChange::RemoveCredential(first.id),
        ];
        registry.apply(replace).await.unwrap();
        assert_eq!(registry.password(owner).map(|it| it.id), Some(second.id));
        registry.apply(vec![DirectoryChange::RemoveExtension(owner)]).await.unwrap();
        assert_eq!((registry.password(owner), registry.credential(second.id)), (None, None));
    }

    #[tokio::test]
    async fn an_account_is_found_by_its_present_number_only() {
        let registry = Registry::open(Arc::new(MemoryJournal::new())).unwrap();
        let account = |id, number: &str| {
            DirectoryChange::PutAccount(Account {
                id: AccountId::new(id).unwrap(),
                name: "Example".into(),
                main_number: number.into(),
                created_at: lampfield_core::Timestamp(1),
            })
        };
        registry.apply(vec![account(1, "+14155550100"), account(2, "101")]).await.unwrap();
        let found = |number| registry.account_by_number(number).map(|it| it.id.get());
        assert_eq!((found("14155550100"), found("+14155550100")), (Some(1), Some(1)));
        registry.apply(vec![account(1, "+14155550199")]).await.unwrap();
        assert_eq!((found("+14155550100"), found("14155550199")), (None, Some(1)));
        assert_eq!((found("+101"), found("")), (Some(2), None));
    }

    #[tokio::test]
    async fn the_directory_is_the_same_after_loading_it_again() {
        let store = Arc::new(MemoryJournal::new());
        let registry = Registry::open(Arc::clone(&store) as Arc<dyn DirectoryStore>).unwrap();
        registry.apply(samples::one_of_each()).await.unwrap();
        let again = Registry::open(store).unwrap();
        let owner = samples::key(37, 1);
        let app = AppId::new("board").unwrap();
        for registry in [&registry, &again] {
            let id = SubscriptionId(Uuid::from_u128(7));
            assert_eq!(registry.cursor(id).map(|at| at.offset), Some(99));
            assert_eq!(registry.subscriptions_of(owner, &app).len(), 3);
            assert_eq!(registry.sessions_of(owner, &app).len(), 1);
            assert_eq!(registry.password(owner).map(|it| it.id), Some(Uuid::from_u128(3)));
            assert_eq!(registry.house("reserve"), Some(vec![0, 255, 10]));
        }
    }
}
