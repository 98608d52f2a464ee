//! An entry of the audit trail as JSON, sealed to its place.

use std::net::IpAddr;

use lampfield_core::Timestamp;
use lampfield_core::audit::{self, AuditAct, AuditEntry};
use serde::{Deserialize, Serialize};

use super::shapes::{Read, account, app, extension, uuid, word};
use super::{Document, VERSION, item};
use crate::port::StoreError;
use crate::record::{seal, unseal};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    at: i64,
    account: Option<u64>,
    actor: Actor,
    act: String,
    object: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alterations: Vec<Alteration>,
    request: Option<String>,
    address: Option<IpAddr>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Actor {
    Key { id: String, name: Box<str> },
    Person { extension: u64, app: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alteration {
    member: String,
    before: Option<Box<str>>,
    after: Option<Box<str>>,
}

/// Writes an entry as JSON, not yet sealed to a place.
///
/// # Errors
/// [`StoreError::Unusable`] when it cannot be written, which no entry is known to do.
pub(crate) fn audit_body(entry: &AuditEntry) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(&Document { v: VERSION, item: Entry::of(entry) }).map_err(|error| {
        StoreError::Unusable(format!("an entry of the audit trail cannot be written: {error}"))
    })
}

/// Seals an entry to its place: number `number` of `account`, which is 0 for the whole house.
pub(crate) fn seal_audit(body: &[u8], account: u64, number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 8);
    seal(&mut bytes, &place(account, number), |out| out.extend_from_slice(body));
    bytes
}

/// Reads the entry that stands at a place.
///
/// # Errors
/// [`StoreError::Damaged`] when it is not what was written there.
pub(crate) fn read_audit(
    bytes: &[u8],
    account: u64,
    number: u64,
) -> Result<AuditEntry, StoreError> {
    let read = || {
        let body = unseal(&place(account, number), bytes).map_err(|error| error.to_string())?;
        let entry = AuditEntry::try_from(item::<Entry>(body)?)?;
        let own = entry.account.map_or(0, lampfield_core::AccountId::get);
        if own == account { Ok(entry) } else { Err("it is of another account".to_owned()) }
    };
    read().map_err(|why: String| StoreError::Damaged {
        what: format!("entry {number} of the audit trail of account {account}"),
        why,
    })
}

fn place(account: u64, number: u64) -> Vec<u8> {
    format!("audit\n{account}/{number}").into_bytes()
}

impl Entry {
    fn of(it: &AuditEntry) -> Self {
        let alterations = it.alterations.iter().map(|one| Alteration {
            member: one.member.to_string(),
            before: one.before.clone(),
            after: one.after.clone(),
        });
        Self {
            at: it.at.0,
            account: it.account.map(lampfield_core::AccountId::get),
            actor: match &it.actor {
                audit::Actor::Key { id, name } => {
                    Actor::Key { id: id.to_string(), name: name.clone() }
                }
                audit::Actor::Person { extension, app } => {
                    Actor::Person { extension: extension.get(), app: app.to_string() }
                }
            },
            act: it.act.as_str().to_owned(),
            object: it.object.to_string(),
            alterations: alterations.collect(),
            request: it.request.as_ref().map(ToString::to_string),
            address: it.address,
        }
    }
}

impl TryFrom<Entry> for AuditEntry {
    type Error = String;

    fn try_from(it: Entry) -> Read<Self> {
        let alterations = it.alterations.into_iter().map(|one| audit::Alteration {
            member: one.member.into(),
            before: one.before,
            after: one.after,
        });
        Ok(Self {
            at: Timestamp(it.at),
            account: it.account.map(account).transpose()?,
            actor: match it.actor {
                Actor::Key { id, name } => audit::Actor::Key { id: uuid(&id)?, name },
                Actor::Person { extension: who, app: through } => {
                    audit::Actor::Person { extension: extension(who)?, app: app(&through)? }
                }
            },
            act: word(&it.act, AuditAct::parse)?,
            object: it.object.into(),
            alterations: alterations.collect(),
            request: it.request.map(Into::into),
            address: it.address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::samples::audit;

    #[test]
    fn what_is_written_is_read_and_only_in_its_place() {
        for number in 1..4 {
            let entry = audit(37, number);
            let body = audit_body(&entry).expect("writable");
            let bytes = seal_audit(&body, 37, number);
            assert_eq!(read_audit(&bytes, 37, number).expect("readable"), entry);
            for (account, number) in [(37, number + 1), (38, number), (0, number)] {
                let misplaced = read_audit(&bytes, account, number);
                assert!(matches!(misplaced, Err(StoreError::Damaged { .. })));
            }
            let mut flipped = bytes.clone();
            flipped[bytes.len() / 2] ^= 0x10;
            assert!(read_audit(&flipped, 37, number).is_err());
        }
    }
}
