//! `app …`, `credential …` and `key …`: who may come in.

use std::io::{IsTerminal, Read};

use http::Method;
use serde_json::{Value, json};

use super::directory::{list, show_made, without_nulls};
use crate::assembly::GUEST_KEY_NAME;
use crate::cli::{AppCommand, Common, CredentialCommand, KeyCommand};
use crate::door::{Content, Door, records};
use crate::exit::{Code, Failure};
use crate::screen::{Colour, Screen};

pub(super) async fn app(
    command: AppCommand,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let door = Door::open(common)?;
    let done = app_through(&door, command, screen).await;
    door.close().await;
    done
}

async fn app_through(door: &Door, command: AppCommand, screen: &mut Screen) -> anyhow::Result<()> {
    match command {
        AppCommand::Add { name, scopes, public, redirect_uris, grants, only_account, id } => {
            let wanted = json!({
                "id": id,
                "name": name,
                "scopes": scopes,
                "public": public,
                "account": only(door, only_account)?,
                "redirectUris": given(redirect_uris),
                "grants": given(grants),
            });
            let made = door.json(Method::POST, "/apps", Some(without_nulls(wanted))).await?;
            show_made(screen, &made, "application", &["name", "id"])?;
            show_secret(screen, &made, "secret", "client secret")
        }
        AppCommand::Update { id, name, scopes, redirect_uris, grants } => {
            let wanted = json!({
                "name": name,
                "scopes": given(scopes),
                "redirectUris": given(redirect_uris),
                "grants": given(grants),
            });
            let wanted = Some(without_nulls(wanted));
            let changed = door.json(Method::PUT, &format!("/apps/{id}"), wanted).await?;
            if screen.json { Ok(screen.value(&changed)?) } else { Ok(screen.say("changed")?) }
        }
        AppCommand::List => {
            let answer = door.get("/apps").await?;
            list(
                screen,
                &answer,
                &["id", "name", "scopes", "public", "account", "grants", "redirectUris"],
            )
        }
        AppCommand::Remove { id } => remove(door, &format!("/apps/{id}"), "removed", screen).await,
    }
}

pub(super) async fn credential(
    command: CredentialCommand,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let door = Door::open(common)?;
    let done = credential_through(&door, command, screen).await;
    door.close().await;
    done
}

async fn credential_through(
    door: &Door,
    command: CredentialCommand,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    match command {
        CredentialCommand::Jwt { extension, app, expires_in_days } => {
            let wanted = json!({
                "extension": extension.segment(),
                "app": app,
                "expiresInDays": expires_in_days,
            });
            let path = door.of_account("/credentials/jwt");
            let made = door.json(Method::POST, &path, Some(without_nulls(wanted))).await?;
            show_made(screen, &made, "credential", &["id", "extension", "expiresAt"])?;
            show_secret(screen, &made, "jwt", "JWT")
        }
        CredentialCommand::Password { extension } => {
            let wanted =
                json!({ "extension": extension.segment(), "password": password_from_input()? });
            let path = door.of_account("/credentials/password");
            door.json(Method::POST, &path, Some(wanted)).await?;
            Ok(screen.say("the password is set")?)
        }
        CredentialCommand::List => {
            let answer = door.get(&door.of_account("/credentials")).await?;
            list(screen, &answer, &["id", "kind", "extension", "app", "createdAt", "expiresAt"])
        }
        CredentialCommand::Revoke { id } => {
            let path = door.of_account(&format!("/credentials/{id}"));
            remove(door, &path, "revoked", screen).await
        }
    }
}

pub(super) async fn key(
    command: KeyCommand,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let door = Door::open(common)?;
    let done = key_through(&door, command, screen).await;
    door.close().await;
    done
}

async fn key_through(door: &Door, command: KeyCommand, screen: &mut Screen) -> anyhow::Result<()> {
    match command {
        KeyCommand::Add { name, role, only_account } => {
            let wanted =
                json!({ "name": name, "role": role, "account": only(door, only_account)? });
            let made = door.json(Method::POST, "/keys", Some(without_nulls(wanted))).await?;
            show_made(screen, &made, "key", &["name", "role", "account", "id"])?;
            show_secret(screen, &made, "key", "API key")
        }
        KeyCommand::List => {
            let answer = door.get("/keys").await?;
            let kept: Vec<Value> = records(&answer)
                .iter()
                .filter(|key| key["name"] != GUEST_KEY_NAME)
                .cloned()
                .collect();
            list(screen, &Value::Array(kept), &["id", "name", "role", "account", "createdAt"])
        }
        KeyCommand::Remove { id } => remove(door, &format!("/keys/{id}"), "removed", screen).await,
    }
}

async fn remove(door: &Door, path: &str, done: &str, screen: &mut Screen) -> anyhow::Result<()> {
    door.ask(Method::DELETE, path, Content::None).await?;
    Ok(screen.say(done)?)
}

/// A list that was not given changes nothing.
fn given(list: Vec<String>) -> Option<Vec<String>> {
    (!list.is_empty()).then_some(list)
}

fn only(door: &Door, only_account: bool) -> anyhow::Result<Option<String>> {
    if !only_account {
        return Ok(None);
    }
    let named = door.named_account().map(ToOwned::to_owned);
    let message = "--only-account needs --account ID";
    named.map(Some).ok_or_else(|| Failure::new(Code::Usage, message).into())
}

/// Shows what is shown only once.
fn show_secret(screen: &mut Screen, made: &Value, member: &str, what: &str) -> anyhow::Result<()> {
    let Some(secret) = made[member].as_str().filter(|_| !screen.json) else { return Ok(()) };
    let notice = format!("{what} (shown once, keep it safe):");
    screen.say(&screen.painted(Colour::Yellow, &notice))?;
    Ok(screen.say(secret)?)
}

/// Reads a password from standard input: never from the command line, which others can see.
fn password_from_input() -> anyhow::Result<String> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        let message = "the password is read from standard input: \
                       lampfield credential password 101 < password.txt";
        return Err(Failure::new(Code::Usage, message).into());
    }
    let mut text = String::new();
    input.by_ref().take(4096).read_to_string(&mut text)?;
    let password = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!password.is_empty(), "standard input holds no password");
    Ok(password.to_owned())
}
