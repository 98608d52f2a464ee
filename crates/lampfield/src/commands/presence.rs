//! `set` and `why`.

use http::Method;
use serde_json::{Value, json};

use super::directory::{cell, without_nulls};
use crate::cli::{Common, SetArgs, WhyArgs};
use crate::door::Door;
use crate::exit::{Code, Failure};
use crate::screen::{Colour, Screen};

pub(super) async fn set(args: SetArgs, common: &Common, screen: &mut Screen) -> anyhow::Result<()> {
    let SetArgs { extension, status, dnd, message, lasting } = args;
    if status.is_none() && dnd.is_none() && message.is_none() {
        let what = "say what to set: --status, --dnd or --message";
        return Err(Failure::new(Code::Usage, what).into());
    }
    if lasting.is_some() && status.is_none() && dnd.is_none() {
        let what = "--for is about --status and --dnd; a message holds until it is changed";
        return Err(Failure::new(Code::Usage, what).into());
    }
    let wanted = without_nulls(json!({
        "userStatus": status,
        "dndStatus": dnd,
        "message": message,
        "forSeconds": lasting.map(|lasting| lasting.as_secs().max(1)),
    }));
    let door = Door::open(common)?;
    let path = door.of_account(&format!("/extensions/{}/presence", extension.segment()));
    let answer = door.json(Method::PUT, &path, Some(wanted)).await;
    door.close().await;
    let answer = answer?;
    if screen.json {
        return Ok(screen.value(&answer)?);
    }
    let presence = answer.get("presence").unwrap_or(&answer);
    let presence_status = cell(&presence["presenceStatus"]);
    let line = format!(
        "{} (userStatus {}, {}{})",
        screen.painted(colour_of(&presence_status), &presence_status),
        cell(&presence["userStatus"]),
        cell(&presence["dndStatus"]),
        message_of(presence),
    );
    Ok(screen.say(&line)?)
}

fn message_of(presence: &Value) -> String {
    match presence["message"].as_str() {
        Some(message) if !message.is_empty() => format!(", {message:?}"),
        _ => String::new(),
    }
}

pub(super) async fn why(args: WhyArgs, common: &Common, screen: &mut Screen) -> anyhow::Result<()> {
    let door = Door::open(common)?;
    let query = args.sequence.map(|number| format!("?sequence={number}")).unwrap_or_default();
    let path = door.of_account(&format!("/extensions/{}/why{query}", args.extension.segment()));
    let answer = door.get(&path).await;
    door.close().await;
    let answer = answer?;
    if screen.json {
        return Ok(screen.value(&answer)?);
    }
    for line in explained(&answer, screen) {
        screen.say(&line)?;
    }
    Ok(())
}

/// Writes an explanation for people, the decision first.
fn explained(why: &Value, screen: &Screen) -> Vec<String> {
    let (who, presence) = (&why["extension"], &why["presence"]);
    let status = cell(&presence["presenceStatus"]);
    let since = match why["since"]["presence"].as_str() {
        Some(since) => format!("  since {since}"),
        None => "  nothing has ever changed".to_owned(),
    };
    let telephony_since = why["since"]["telephony"].as_str().map(|at| format!(" since {at}"));
    let mut lines = vec![
        format!(
            "{} {} is {}: {}",
            cell(&who["number"]),
            cell(&who["name"]),
            screen.painted(colour_of(&status), &status),
            cell(&why["rule"]["sentence"]),
        ),
        format!(
            "{since}{}",
            why["until"].as_str().map(|until| format!(", until {until}")).unwrap_or_default(),
        ),
        format!(
            "  telephony {}{}, user {}, meeting {}, {}",
            cell(&presence["telephonyStatus"]),
            telephony_since.unwrap_or_default(),
            cell(&presence["userStatus"]),
            cell(&presence["meetingStatus"]),
            cell(&presence["dndStatus"]),
        ),
    ];
    lines.extend(claims_of(why, screen));
    let cause = &why["cause"];
    if !cause["act"].is_null() {
        lines.push(format!(
            "  last change: {} by {} (sequence {}, {})",
            cell(&cause["act"]),
            cell(&cause["source"]),
            cell(&why["sequence"]),
            cell(&why["at"]),
        ));
    }
    let seen = &why["visibleTo"];
    let presence_seen = if seen["everybody"] == true { "everybody" } else { "nobody else" };
    lines.push(format!("  seen by {presence_seen}; callers seen by {}", cell(&seen["callers"])));
    lines
}

fn claims_of(why: &Value, screen: &Screen) -> Vec<String> {
    let claims = why["claims"].as_array().map_or(&[][..], Vec::as_slice);
    if claims.is_empty() {
        return vec!["  no source claims anything".to_owned()];
    }
    let claim = |claim: &Value| {
        let mark = if claim["decides"] == true { "→" } else { " " };
        let value = match &claim["value"] {
            Value::Object(call) => call.get("telephonyStatus").map(cell).unwrap_or_default(),
            other => cell(other),
        };
        let line = format!(
            "  {mark} {} {} says {} {value} since {}, until {}{}",
            cell(&claim["source"]),
            cell(&claim["id"]),
            cell(&claim["kind"]),
            cell(&claim["since"]),
            cell(&claim["expiresAt"]),
            if claim["stale"] == true { ", stale: the source is lost" } else { "" },
        );
        let colour = if claim["decides"] == true { Colour::Bold } else { Colour::Grey };
        screen.painted(colour, &line)
    };
    claims.iter().map(claim).collect()
}

/// Returns the colour of a presence.
pub(super) fn colour_of(presence_status: &str) -> Colour {
    match presence_status {
        "Available" => Colour::Green,
        "Busy" => Colour::Red,
        _ => Colour::Grey,
    }
}
