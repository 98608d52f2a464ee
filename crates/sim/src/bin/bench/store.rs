//! What the store bears: durable changes, and a start with many extensions.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use crate::process::wait_for;
use crate::server::Server;
use crate::table::{Table, real};

/// Durable changes per second: one at a time, and in batches.
pub(crate) fn changes(program: &Path, count: usize, table: &mut Table) -> anyhow::Result<()> {
    let server = Server::start(program)?;
    let mut admin = server.admin()?;
    let base = format!("/lampfield/v1/accounts/{}/sources/bench", server.account()?);
    let alone = (count / 100).max(200);
    let start = Instant::now();
    for number in 0..alone {
        let status = if number % 2 == 0 { "CallConnected" } else { "OnHold" };
        let path = format!("{base}/extensions/n:110/calls/c1");
        admin.json("PUT", &path, &json!({"telephonyStatus": status, "direction": "Inbound"}))?;
    }
    rate(table, "durable changes, one after the other", alone, start.elapsed());

    let start = Instant::now();
    let mut sent = 0;
    let mut changed = 0;
    while sent < count {
        let mut body = String::new();
        for line in 0..5000_usize {
            let status = if (sent / 39 + line / 39) % 2 == 0 { "CallConnected" } else { "OnHold" };
            // Numbers 102 to 140: everybody but the user of the demo.
            writeln!(
                body,
                r#"{{"extension":"n:{}","call":{{"id":"c1","telephonyStatus":"{status}","direction":"Inbound"}}}}"#,
                102 + (sent + line) % 39
            )?;
        }
        let answer = admin.send(
            "POST",
            &format!("{base}/batch"),
            "application/x-ndjson",
            body.as_bytes(),
        )?;
        let answer = String::from_utf8(answer).context("the answer is not text")?;
        changed += answer.matches(r#""changed":true"#).count();
        sent += 5000;
    }
    rate(
        table,
        "durable changes, batches of 5,000 lines, one connection",
        changed,
        start.elapsed(),
    );
    Ok(())
}

/// Time from exec to ready with many extensions, after a crash.
pub(crate) fn cold_start(program: &Path, count: usize, table: &mut Table) -> anyhow::Result<()> {
    let server = Server::start(program)?;
    let mut admin = server.admin()?;
    let account = server.account()?.to_owned();
    let start = Instant::now();
    let mut first = 0;
    while first < count {
        let mut csv = String::from("number,name,email,type,status,groups,queues,id,admin\n");
        for number in first..(first + 5000).min(count) {
            writeln!(csv, "{},Person {number},,User,Enabled,,,,", 1_000_000 + number)?;
        }
        let path = format!("/lampfield/v1/accounts/{account}/extensions/import");
        admin.send("POST", &path, "text/csv", csv.as_bytes())?;
        first += 5000;
    }
    rate(table, "extensions imported", count, start.elapsed());
    every_one_changes(&mut admin, &account, count)?;

    let began = Instant::now();
    let server = server.crash_and_restart(program)?;
    let ready = began.elapsed();
    wait_for("an answer", Duration::from_secs(30), || server.admin().ok())?;
    table.row(
        &format!("start after a crash with {count} extensions"),
        format!("{:.2} s", ready.as_secs_f64()),
        String::new(),
        String::new(),
    );
    table.row(
        &format!("resident bytes per extension, {count} extensions, all included"),
        format!("{} B", server.process.resident()? / count as u64),
        String::new(),
        String::new(),
    );
    Ok(())
}

/// Gives every extension a newest record, as in a house that lives.
fn every_one_changes(
    admin: &mut crate::http::Client,
    account: &str,
    count: usize,
) -> anyhow::Result<()> {
    let path = format!("/lampfield/v1/accounts/{account}/sources/bench/batch");
    for chunk in (0..count).collect::<Vec<_>>().chunks(5000) {
        let mut body = String::new();
        for number in chunk {
            writeln!(
                body,
                r#"{{"extension":"n:{}","registration":{{"id":"desk","registered":true}}}}"#,
                1_000_000 + number
            )?;
        }
        admin.send("POST", &path, "application/x-ndjson", body.as_bytes())?;
    }
    Ok(())
}

fn rate(table: &mut Table, what: &str, count: usize, time: Duration) {
    let figure = format!("{:.0}/s", real(count) / time.as_secs_f64());
    table.row(what, figure, String::new(), String::new());
}
