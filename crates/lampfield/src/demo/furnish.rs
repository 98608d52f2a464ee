//! The demo's accounts, people and log-ins: made at the first start, found again at later ones.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use lampfield_api::auth::{hash_secret, is_secret};
use lampfield_api::issue_jwt;
use lampfield_core::directory::{ApiKey, App, Credential, Grants, Proof, Role, Scopes};
use lampfield_core::{AppId, ExtensionKey};
use lampfield_journal::DirectoryChange;
use lampfield_sim::Office;
use lampfield_sim::office::{OTHER, YOU};
use serde::{Deserialize, Serialize};

use crate::assembly::House;
use crate::exit::{Code, Failure};
use crate::secret;

/// The demo's application.
const CLIENT: &str = "lampfield-demo";
const KEY_NAME: &str = "demo";
/// What cannot be found again from the directory, which keeps hashes only; in the data directory.
const KEPT: &str = "demo.json";

/// Everything with which one gets in.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) account_id: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) jwt: String,
    pub(super) username: String,
    pub(super) extension: String,
    pub(super) name: String,
    pub(super) password: String,
    pub(super) other_jwt: String,
    pub(super) stranger_jwt: String,
    pub(super) admin_key: String,
}

/// Secrets in clear: a demo may show them again.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    client_secret: String,
    password: String,
    admin_key: String,
    /// Made just now, so that the directory cannot have their hashes.
    #[serde(skip)]
    are_new: bool,
}

/// Makes what is missing, and returns the office and the way in.
pub(super) async fn furnish(
    house: &House,
    seed: u64,
    data: Option<&Path>,
) -> anyhow::Result<(Office, Access)> {
    let now = house.clock.now();
    let (office, neighbour) = (Office::demo(seed, now)?, Office::neighbour(now)?);
    let known = house.registry.accounts();
    if known.iter().any(|one| one.id != office.account.id && one.id != neighbour.account.id) {
        let message = "the data directory holds accounts that are not the demo's; \
                       choose another directory for the demo";
        return Err(Failure::new(Code::Failed, message).into());
    }
    let kept = match data {
        Some(data) => kept_in(house, data)?,
        None => Kept::new(house)?,
    };
    let office = settle(house, office).await?;
    let neighbour = settle(house, neighbour).await?;
    let access = let_in(house, &office, &neighbour, kept).await?;
    Ok((office, access))
}

impl Kept {
    fn new(house: &House) -> anyhow::Result<Self> {
        let secrets = &house.api.secrets;
        Ok(Self {
            client_secret: secrets.random_secret()?.0,
            // Short enough to type.
            password: secrets
                .random_secret()?
                .0
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(12)
                .collect(),
            admin_key: secrets.random_secret()?.0,
            are_new: true,
        })
    }
}

/// Reads the secrets of an earlier start, or makes new ones and keeps them first.
fn kept_in(house: &House, data: &Path) -> anyhow::Result<Kept> {
    let path = data.join(KEPT);
    if let Ok(text) = std::fs::read(&path)
        && let Ok(kept) = serde_json::from_slice(&text)
    {
        return Ok(kept);
    }
    let kept = Kept::new(house)?;
    secret::write_private(&path, serde_json::to_string_pretty(&kept)?.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(kept)
}

/// Puts an office into the directory, or returns the one that is there already: people may have been
/// changed since.
async fn settle(house: &House, mut office: Office) -> anyhow::Result<Office> {
    let registry = &house.registry;
    if registry.account(office.account.id).is_some() {
        let (extensions, _) = registry.extensions(office.account.id, 0, usize::MAX);
        office.extensions = extensions.iter().map(|one| (**one).clone()).collect();
        return Ok(office);
    }
    let mut changes = vec![DirectoryChange::PutAccount(office.account.clone())];
    changes.extend(office.extensions.iter().cloned().map(DirectoryChange::PutExtension));
    registry.apply(changes).await?;
    Ok(office)
}

async fn let_in(
    house: &House,
    office: &Office,
    neighbour: &Office,
    kept: Kept,
) -> anyhow::Result<Access> {
    let who = |office: &Office, number: &str| {
        let found = office.by_number(number).cloned();
        found.with_context(|| format!("the demo's extension {number} is gone; use a new directory"))
    };
    let (you, other) = (who(office, YOU)?, who(office, OTHER)?);
    let stranger = who(neighbour, YOU)?;
    let mut changes = Vec::new();
    changes.extend(app_change(house, &kept)?);
    changes.extend(key_change(house, &kept)?);
    changes.extend(password_change(house, you.key, &kept).await?);
    let jwt = jwt_of(house, you.key, &mut changes)?;
    let other_jwt = jwt_of(house, other.key, &mut changes)?;
    let stranger_jwt = jwt_of(house, stranger.key, &mut changes)?;
    if !changes.is_empty() {
        house.registry.apply(changes).await?;
    }
    Ok(Access {
        account_id: office.account.id.to_string(),
        client_id: CLIENT.to_owned(),
        client_secret: kept.client_secret,
        jwt,
        username: office.account.main_number.to_string(),
        extension: you.number.to_string(),
        name: you.name.to_string(),
        password: kept.password,
        other_jwt,
        stranger_jwt,
        admin_key: kept.admin_key,
    })
}

fn app_change(house: &House, kept: &Kept) -> anyhow::Result<Option<DirectoryChange>> {
    let id = AppId::new(CLIENT)?;
    let app = house.registry.app(&id);
    if app.and_then(|app| app.secret).is_some_and(|hash| is_secret(&kept.client_secret, &hash)) {
        return Ok(None);
    }
    let scopes = [
        Scopes::READ_PRESENCE,
        Scopes::EDIT_PRESENCE,
        Scopes::READ_ACCOUNTS,
        Scopes::CONTACTS,
        Scopes::SUBSCRIPTION_WEBHOOK,
        Scopes::WEBSOCKET,
    ];
    Ok(Some(DirectoryChange::PutApp(App {
        id,
        name: "Demo".into(),
        secret: Some(hash_secret(&kept.client_secret)),
        scopes: scopes.into_iter().fold(Scopes::NONE, Scopes::with),
        account: None,
        grants: Grants::ALL,
        redirect_uris: Box::default(),
    })))
}

fn key_change(house: &House, kept: &Kept) -> anyhow::Result<Option<DirectoryChange>> {
    let hash = hash_secret(&kept.admin_key);
    if house.registry.key(&hash).is_some() {
        return Ok(None);
    }
    Ok(Some(DirectoryChange::PutKey(ApiKey {
        id: house.api.secrets.random_id()?,
        name: KEY_NAME.into(),
        hash,
        account: None,
        role: Role::Admin,
        created_at: house.clock.now(),
    })))
}

/// Hashing takes a while, so the password of an earlier start is taken as the one that was kept.
async fn password_change(
    house: &House,
    key: ExtensionKey,
    kept: &Kept,
) -> anyhow::Result<Option<DirectoryChange>> {
    let before = house.registry.password(key);
    if before.is_some() && !kept.are_new {
        return Ok(None);
    }
    let id = match before {
        Some(before) => before.id,
        None => house.api.secrets.random_id()?,
    };
    Ok(Some(DirectoryChange::PutCredential(Credential {
        id,
        key,
        proof: Proof::Password(house.api.hash_password(&kept.password).await?),
        created_at: house.clock.now(),
    })))
}

/// Returns the JWT of an extension; the same at every start.
fn jwt_of(
    house: &House,
    key: ExtensionKey,
    changes: &mut Vec<DirectoryChange>,
) -> anyhow::Result<String> {
    let is_everlasting = |one: &Arc<Credential>| {
        one.key == key && matches!(one.proof, Proof::Jwt { app: None, expires_at: None })
    };
    let known = house.registry.credentials(key.account).into_iter().find(is_everlasting);
    let credential = match known {
        Some(known) => (*known).clone(),
        None => Credential {
            id: house.api.secrets.random_id()?,
            key,
            proof: Proof::Jwt { app: None, expires_at: None },
            created_at: house.clock.now(),
        },
    };
    let jwt = issue_jwt(&house.api.secrets, &credential).context("a JWT cannot be signed")?;
    changes.push(DirectoryChange::PutCredential(credential));
    Ok(jwt)
}
