//! `tail`: presence changes as they happen.

use std::time::Duration;

use serde_json::{Value, json};

use super::directory::cell;
use super::presence::colour_of;
use crate::cli::{Common, TailArgs};
use crate::door::{Door, Frame};
use crate::exit::{Code, Failure, code_of};
use crate::screen::{Colour, Screen};

/// Waits between attempts to come back, from first to last.
const WAITS: [u64; 5] = [1, 2, 4, 8, 15];

/// Shows changes until it is interrupted. A broken connection is taken up where it broke.
pub(super) async fn tail(
    args: TailArgs,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let door = Door::to_server(common)?;
    let snapshot = !args.no_snapshot;
    let path = door.of_account(&format!("/stream?detail={}&snapshot={snapshot}", args.detail));
    let mut last: Option<String> = None;
    let mut failures = 0;
    loop {
        match follow(&door, &path, &mut last, screen).await {
            Ok(()) => failures = 0,
            Err(error) => {
                // What the server refuses at first will not get better by asking again.
                if last.is_none() || code_of(&error) != Code::Unavailable {
                    return Err(error);
                }
                screen.notice(&format!("{error}; coming back"));
            }
        }
        let wait = WAITS.get(failures).or(WAITS.last()).copied().unwrap_or(1);
        failures += 1;
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
}

async fn follow(
    door: &Door,
    path: &str,
    last: &mut Option<String>,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let mut frames = door.stream(path, last.as_deref()).await?;
    while let Some(frame) = frames.next().await? {
        show(&frame, screen)?;
        if frame.id.is_some() {
            last.clone_from(&frame.id);
        }
    }
    Ok(())
}

fn show(frame: &Frame, screen: &mut Screen) -> anyhow::Result<()> {
    let data: Value = serde_json::from_str(&frame.data).map_err(|error| {
        Failure::new(Code::Failed, format!("the stream sends what is not JSON: {error}"))
    })?;
    match frame.event.as_str() {
        "presence" if screen.json => Ok(screen.say(&as_sent(data).to_string())?),
        "presence" => Ok(screen.say(&told(&data, screen))?),
        "snapshot" if !screen.json => {
            let records = data["records"].as_array().map_or(&[][..], Vec::as_slice);
            for record in records.iter().filter(|record| !record["presence"].is_null()) {
                screen.say(&pictured(record, screen))?;
            }
            Ok(())
        }
        "subscription" => {
            screen.notice(&receiver(&data));
            Ok(())
        }
        "reset" => {
            screen.notice("some changes are no longer kept; here is a fresh picture");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Writes how the receiver of a webhook is doing.
fn receiver(alert: &Value) -> String {
    let mut line = format!("webhook {} is {}", cell(&alert["id"]), cell(&alert["state"]));
    for (word, member) in [(": ", "reason"), ("; suspended at ", "suspendedAt")] {
        if !alert[member].is_null() {
            line.push_str(word);
            line.push_str(&cell(&alert[member]));
        }
    }
    line
}

/// Returns the event as RingCentral would send it: without Lampfield's own member.
fn as_sent(mut event: Value) -> Value {
    if let Some(members) = event.as_object_mut() {
        members.remove("lampfield");
    }
    event
}

/// Writes a change in a line: time, who, what holds now, what changed.
fn told(event: &Value, screen: &Screen) -> String {
    let (body, own) = (&event["body"], &event["lampfield"]);
    let changes: Vec<String> = own["changes"].as_array().map_or_else(Vec::new, |changes| {
        changes.iter().filter_map(Value::as_str).map(|name| change(name, body, own)).collect()
    });
    let time = cell(&event["timestamp"]);
    let time = time.get(11..19).unwrap_or(&time).to_owned();
    format!(
        "{} {}  {}",
        screen.painted(Colour::Grey, &time),
        who_and_what(&own["number"], &own["name"], body, screen),
        screen.painted(Colour::Grey, &changes.join(" ")),
    )
}

fn change(name: &str, body: &Value, own: &Value) -> String {
    match name {
        "message" => format!("message={}", json!(cell(&own["message"]))),
        "activeCalls" => "calls".to_owned(),
        "callerDetails" | "sipData" | "callerIdVisibility" | "standing" | "stale"
        | "registration" => name.to_owned(),
        _ => format!("{name}={}", cell(&body[name])),
    }
}

fn pictured(record: &Value, screen: &Screen) -> String {
    let who = &record["extension"];
    let line = who_and_what(&who["number"], &who["name"], &record["presence"], screen);
    format!("{} {line}", screen.painted(Colour::Grey, "--------"))
}

fn who_and_what(number: &Value, name: &Value, presence: &Value, screen: &Screen) -> String {
    let status = cell(&presence["presenceStatus"]);
    let padded = format!("{status:<9}");
    format!(
        "{:>5} {:<22} {} {:<13}",
        cell(number),
        cell(name),
        screen.painted(colour_of(&status), &padded),
        cell(&presence["telephonyStatus"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line_that_says_what_changed() {
        let event = json!({
            "timestamp": "2016-02-18T09:37:24.597Z",
            "body": { "presenceStatus": "Busy", "telephonyStatus": "CallConnected" },
            "lampfield": {
                "number": "101", "name": "Mia Okafor",
                "changes": ["telephonyStatus", "presenceStatus", "activeCalls"],
            },
        });
        let screen = Screen::plain();
        assert_eq!(
            told(&event, &screen),
            "09:37:24   101 Mia Okafor             Busy      CallConnected  \
             telephonyStatus=CallConnected presenceStatus=Busy calls"
        );
    }

    #[test]
    fn json_lines_are_the_contracts_alone() {
        let event = json!({ "uuid": "u", "body": {}, "lampfield": { "position": "1-1" } });
        assert_eq!(as_sent(event), json!({ "uuid": "u", "body": {} }));
    }

    #[test]
    fn a_receiver_in_trouble_is_told_with_reason_and_end() {
        let alert = json!({
            "id": "7",
            "state": "failing",
            "reason": "no answer within 3000 ms",
            "suspendedAt": "2026-01-01T00:10:00.000Z",
        });
        assert_eq!(
            receiver(&alert),
            "webhook 7 is failing: no answer within 3000 ms; suspended at 2026-01-01T00:10:00.000Z"
        );
        assert_eq!(
            receiver(&json!({ "id": "7", "state": "reactivated", "reason": null })),
            "webhook 7 is reactivated"
        );
    }
}
