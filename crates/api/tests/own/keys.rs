//! API keys of every role.

use lampfield_api::auth::hash_secret;
use lampfield_core::AccountId;
use lampfield_core::directory::{ApiKey, Role};
use lampfield_journal::DirectoryChange;
use uuid::Uuid;

use crate::house::{A, House};

/// Keys that are bound to no account, by role.
pub(crate) const ADMIN: &str = "key-admin";
pub(crate) const INGEST: &str = "key-ingest";
pub(crate) const READ: &str = "key-read";
/// An admin key of account A only.
pub(crate) const BOUND: &str = "key-bound";

pub(crate) async fn give_keys(house: &House) {
    let account = AccountId::new(A).ok();
    let keys = [
        (ADMIN, Role::Admin, None),
        (INGEST, Role::Ingest, None),
        (READ, Role::Read, None),
        (BOUND, Role::Admin, account),
    ];
    for (number, (text, role, account)) in keys.into_iter().enumerate() {
        let key = ApiKey {
            id: Uuid::from_u128(900 + number as u128),
            name: text.into(),
            hash: hash_secret(text),
            account,
            role,
            created_at: house.state.now(),
        };
        house.apply(DirectoryChange::PutKey(key)).await;
    }
}
