//! `account …` and `extension …`.

use http::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;

use super::transfer;
use crate::cli::{AccountCommand, Common, ExtensionArgs, ExtensionCommand};
use crate::door::{Door, records};
use crate::screen::Screen;

/// How many extensions are asked for at a time.
const PAGE: usize = 1000;

pub(super) async fn account(
    command: AccountCommand,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let door = Door::open(common)?;
    let done = match command {
        AccountCommand::Add { name, main_number, id } => {
            let wanted = json!({ "id": id, "name": name, "mainNumber": main_number });
            match door.json(Method::POST, "/accounts", Some(without_nulls(wanted))).await {
                Ok(made) => show_made(screen, &made, "account", &["id", "name", "mainNumber"]),
                Err(error) => Err(error),
            }
        }
        AccountCommand::List => match door.get("/accounts").await {
            Ok(answer) => list(screen, &answer, &["id", "name", "mainNumber"]),
            Err(error) => Err(error),
        },
    };
    door.close().await;
    done
}

pub(super) async fn extension(
    command: ExtensionCommand,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let door = Door::open(common)?;
    let done = extension_through(&door, command, screen).await;
    door.close().await;
    done
}

async fn extension_through(
    door: &Door,
    command: ExtensionCommand,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    match command {
        ExtensionCommand::Add(args) => {
            let path = door.of_account("/extensions");
            let made = door.json(Method::POST, &path, Some(wanted(args))).await?;
            show_made(screen, &made, "extension", &["number", "name", "id"])
        }
        ExtensionCommand::List { query } => {
            let everyone = all_extensions(door, query.as_deref()).await?;
            let columns = ["number", "name", "type", "status", "groups", "email", "id"];
            list(screen, &Value::Array(everyone), &columns)
        }
        ExtensionCommand::Remove { extension } => {
            let path = door.of_account(&format!("/extensions/{}", extension.segment()));
            door.ask(Method::DELETE, &path, crate::door::Content::None).await?;
            Ok(screen.say("removed")?)
        }
        ExtensionCommand::Import { file, dry_run } => {
            transfer::import(door, &file, dry_run, screen).await
        }
        ExtensionCommand::Export { file } => transfer::export(door, file.as_deref(), screen).await,
    }
}

fn wanted(args: ExtensionArgs) -> Value {
    let ExtensionArgs { number, name, email, kind, status, groups, queues, admin, id } = args;
    without_nulls(json!({
        "id": id,
        "number": number,
        "name": name,
        "email": email,
        "type": kind,
        "status": status,
        "groups": groups,
        "queues": queues.iter().map(|number| format!("n:{number}")).collect::<Vec<_>>(),
        "admin": admin,
    }))
}

/// Returns every extension of the account, page by page.
pub(super) async fn all_extensions(door: &Door, query: Option<&str>) -> anyhow::Result<Vec<Value>> {
    let mut everyone = Vec::new();
    let query = query.map(|text| format!("&q={}", escaped(text))).unwrap_or_default();
    for page in 1.. {
        let path = door.of_account(&format!("/extensions?page={page}&perPage={PAGE}{query}"));
        let answer = door.get(&path).await?;
        let found = records(&answer);
        everyone.extend_from_slice(found);
        let pages = answer["paging"]["totalPages"].as_u64().unwrap_or(1);
        if found.is_empty() || page >= pages {
            break;
        }
    }
    Ok(everyone)
}

/// Writes text as it may stand in a query.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Removes the members that were not given.
pub(super) fn without_nulls(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
    value
}

/// Shows a list in columns, or as it is.
pub(super) fn list(screen: &mut Screen, answer: &Value, columns: &[&str]) -> anyhow::Result<()> {
    let found = records(answer);
    if screen.json {
        return Ok(screen.value(&Value::from(found.to_vec()))?);
    }
    if found.is_empty() {
        return Ok(screen.say("none")?);
    }
    let row = |one: &Value| columns.iter().map(|column| cell(&one[*column])).collect();
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    Ok(screen.table(columns, &rows)?)
}

/// Shows something that was just made.
pub(super) fn show_made(
    screen: &mut Screen,
    made: &Value,
    what: &str,
    members: &[&str],
) -> anyhow::Result<()> {
    if screen.json {
        return Ok(screen.value(made)?);
    }
    let shown: Vec<String> = members
        .iter()
        .filter(|member| !made[**member].is_null())
        .map(|member| format!("{member} {}", cell(&made[*member])))
        .collect();
    Ok(screen.say(&format!("added {what}: {}", shown.join(", ")))?)
}

/// Returns a value as people read it.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_escaped() {
        assert_eq!(escaped("Jürgen & Co"), "J%C3%BCrgen%20%26%20Co");
    }

    #[test]
    fn cells_are_for_people() {
        assert_eq!(cell(&json!(["Sales", "EMEA"])), "Sales EMEA");
        assert_eq!(cell(&json!(true)), "yes");
        assert_eq!(cell(&json!(null)), "");
        assert_eq!(cell(&json!(101)), "101");
    }
}
