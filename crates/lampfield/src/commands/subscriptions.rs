//! `subscriptions …`: who is told, and how their receivers are doing.

use http::Method;
use serde_json::{Value, json};

use super::directory::{cell, list};
use crate::cli::{Common, SubscriptionCommand};
use crate::door::{Content, Door, records};
use crate::screen::{Colour, Screen};

/// Subscriptions that are asked for at a time.
const PER_PAGE: usize = 1000;
/// What is shown of each in a list.
const COLUMNS: [&str; 9] =
    ["id", "owner", "app", "transport", "receiver", "state", "lag", "lastSuccess", "lastError"];

pub(super) async fn subscriptions(
    command: SubscriptionCommand,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    // How receivers are doing is known to the server that delivers, and to nobody else.
    let door = Door::to_server(common)?;
    let done = through(&door, command, screen).await;
    door.close().await;
    done
}

async fn through(
    door: &Door,
    command: SubscriptionCommand,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    match command {
        SubscriptionCommand::List { state, transport } => {
            let narrowed = [
                ("account", door.named_account()),
                ("state", state.as_deref()),
                ("transport", transport.as_deref()),
            ];
            let narrowed: String = narrowed
                .iter()
                .filter_map(|(name, value)| Some(format!("&{name}={}", (*value)?)))
                .collect();
            list(screen, &Value::Array(all(door, &narrowed).await?), &COLUMNS)
        }
        SubscriptionCommand::Health { id } => {
            let shown = door.get(&format!("/subscriptions/{id}/health")).await?;
            if screen.json { Ok(screen.value(&shown)?) } else { show(&shown, screen) }
        }
        SubscriptionCommand::Sign { id, overlap } => {
            let wanted = overlap.map(|overlap| json!({ "overlapSeconds": overlap.as_secs() }));
            let path = format!("/subscriptions/{id}/signing-secret");
            let wanted = Some(wanted.unwrap_or_else(|| json!({})));
            let made = door.json(Method::POST, &path, wanted).await?;
            if screen.json {
                return Ok(screen.value(&made)?);
            }
            let notice = "signing secret (shown once, keep it safe):";
            screen.say(&screen.painted(Colour::Yellow, notice))?;
            screen.say(&cell(&made["signingSecret"]))?;
            for old in made["inForce"].as_array().into_iter().flatten().skip(1) {
                screen.say(&format!("an older one signs until {}", cell(&old["until"])))?;
            }
            Ok(())
        }
        SubscriptionCommand::Unsign { id } => {
            let path = format!("/subscriptions/{id}/signing-secret");
            door.ask(Method::DELETE, &path, Content::None).await?;
            Ok(screen.say("signed no more")?)
        }
    }
}

/// Reads every page of the list.
async fn all(door: &Door, narrowed: &str) -> anyhow::Result<Vec<Value>> {
    let mut found = Vec::new();
    for page in 1.. {
        let path = format!("/subscriptions?page={page}&perPage={PER_PAGE}{narrowed}");
        let answer = door.get(&path).await?;
        found.extend_from_slice(records(&answer));
        if records(&answer).len() < PER_PAGE {
            break;
        }
    }
    Ok(found)
}

/// Shows one: what there is to know, a line each, then the last attempts.
fn show(shown: &Value, screen: &mut Screen) -> anyhow::Result<()> {
    for (name, value) in shown.as_object().into_iter().flatten() {
        if name != "recent" && !value.is_null() {
            screen.say(&format!("{name:<16} {}", cell(value)))?;
        }
    }
    let recent = shown["recent"].as_array().map_or(&[][..], Vec::as_slice);
    if recent.is_empty() {
        return Ok(());
    }
    let columns = ["at", "tookMs", "status", "sequence", "uuid", "error"];
    let row = |one: &Value| columns.iter().map(|column| cell(&one[*column])).collect();
    let rows: Vec<Vec<String>> = recent.iter().map(row).collect();
    Ok(screen.table(&columns, &rows)?)
}
