//! What a delivery and an idle socket cost.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use crate::bare::pace;
use crate::http::Client;
use crate::process::{Process, wait_for};
use crate::server::Server;
use crate::sockets::Watchers;
use crate::table::{Table, real};

const SUBSCRIBE: &str = r#"[{"type":"ClientRequest","messageId":"1","method":"POST","path":"/restapi/v1.0/subscription"},{"eventFilters":["/restapi/v1.0/account/~/presence"],"deliveryMode":{"transportType":"WebSocket"}}]"#;
/// Watchers that subscribe at a time.
const WAVE: usize = 100;
const PATIENCE: Duration = Duration::from_secs(180);

/// Resident bytes of an idle subscriber.
pub(crate) fn idle(program: &Path, sockets: usize, table: &mut Table) -> anyhow::Result<()> {
    let server = Server::start(program)?;
    // The first sockets pay for what is there once.
    let warm = subscribe(&server, 50)?;
    std::thread::sleep(Duration::from_secs(2));
    let before = server.process.resident()?;
    let watchers = subscribe(&server, sockets)?;
    std::thread::sleep(Duration::from_secs(2));
    let grown = server.process.resident()?.saturating_sub(before);
    let each = grown / sockets as u64;
    table.row(
        &format!("resident bytes per idle subscriber, {sockets} sockets"),
        format!("{each} B"),
        String::new(),
        String::new(),
    );
    watchers.close()?;
    warm.close()
}

/// CPU per delivery at a steady pace, beside the bare loop at the same pace.
pub(crate) fn steady(
    program: &Path,
    watchers: usize,
    rounds: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let per_second = u32::try_from((50_000 / watchers).clamp(1, 100))?;
    let server = Server::start(program)?;
    let crowd = subscribe(&server, watchers)?;
    let mut source = Source::new(&server)?;
    source.change()?;
    crowd_has(&crowd, watchers as u64)?;
    let (before, start) = (server.process.cpu()?, Instant::now());
    let seen = crowd.frames();
    for round in 0..rounds {
        source.change()?;
        pace(start, u32::try_from(round + 1)?, per_second);
    }
    let deliveries = (rounds * watchers) as u64;
    wait_for("the last delivery", PATIENCE, || {
        (crowd.frames() - seen >= deliveries).then_some(())
    })?;
    let cost = per_delivery(server.process.cpu()?.saturating_sub(before), deliveries);
    let bytes = crowd.seen.bytes.load(std::sync::atomic::Ordering::Relaxed);
    crowd.close()?;
    drop(server);
    let frame = usize::try_from(bytes / (deliveries + 3 * watchers as u64))?;
    let limit = bare(watchers, frame, rounds, per_second)?;
    table.row(
        &format!("CPU per delivery, 1 account × {watchers} watchers, steady {per_second}/s"),
        format!("{cost:.2} µs"),
        format!("{limit:.2} µs"),
        format!("{:.2}", cost / limit),
    );
    Ok(())
}

/// Deliveries as fast as the server can, ingest in batches.
pub(crate) fn flat_out(
    program: &Path,
    watchers: usize,
    deliveries: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let server = Server::start(program)?;
    let crowd = subscribe(&server, watchers)?;
    let mut source = Source::new(&server)?;
    let rounds = (deliveries / watchers).max(1000);
    let (before, start, seen) = (server.process.cpu()?, Instant::now(), crowd.frames());
    let changed = source.batch(rounds)?;
    let total = (changed * watchers) as u64;
    let quiet = Duration::from_secs(1);
    let (mut last, mut since) = (crowd.frames(), Instant::now());
    while crowd.frames() - seen < total && since.elapsed() < quiet * 5 {
        if crowd.frames() != last {
            (last, since) = (crowd.frames(), Instant::now());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let delivered = crowd.frames() - seen;
    let seconds = start.elapsed().saturating_sub(since.elapsed()).as_secs_f64();
    let cost = per_delivery(server.process.cpu()?.saturating_sub(before), delivered);
    let rate = real(usize::try_from(delivered)?) / seconds;
    table.row(
        &format!("flat out, {watchers} watchers, {changed} changes in batches (durable)"),
        format!("{cost:.2} µs per delivery, {rate:.0}/s, {delivered} of {total}"),
        String::new(),
        String::new(),
    );
    crowd.close()
}

/// Changes of one extension over one kept connection.
struct Source {
    client: Client,
    base: String,
    held: bool,
}

impl Source {
    fn new(server: &Server) -> anyhow::Result<Self> {
        let base = format!("/lampfield/v1/accounts/{}/sources/bench", server.account()?);
        Ok(Self { client: server.admin()?, base, held: false })
    }

    fn change(&mut self) -> anyhow::Result<()> {
        self.held = !self.held;
        let path = format!("{}/extensions/n:110/calls/c1", self.base);
        self.client.json("PUT", &path, &call(self.held)).map(|_| ())
    }

    /// Sends alternating states as NDJSON batches; returns how many lines changed something.
    fn batch(&mut self, rounds: usize) -> anyhow::Result<usize> {
        let path = format!("{}/batch", self.base);
        let mut changed = 0;
        let mut sent = 0;
        while sent < rounds {
            let lines = (rounds - sent).min(2000);
            let mut body = String::new();
            for _ in 0..lines {
                self.held = !self.held;
                let mut call = call(self.held);
                if let Some(members) = call.as_object_mut() {
                    members.insert("id".to_owned(), json!("c1"));
                }
                body.push_str(&json!({"extension": "n:110", "call": call}).to_string());
                body.push('\n');
            }
            let answer =
                self.client.send("POST", &path, "application/x-ndjson", body.as_bytes())?;
            let answer = String::from_utf8(answer).context("the answer is not text")?;
            changed += answer.matches(r#""changed":true"#).count();
            sent += lines;
        }
        Ok(changed)
    }
}

fn call(held: bool) -> serde_json::Value {
    let status = if held { "OnHold" } else { "CallConnected" };
    json!({"telephonyStatus": status, "direction": "Inbound", "from": "+12025550100"})
}

/// Subscribes `sockets` watchers, a wave after the other: what a crowd costs that came in one
/// instant is what its requests cost, not its sockets.
fn subscribe(server: &Server, sockets: usize) -> anyhow::Result<Watchers> {
    let access = server.log_in()?;
    let crowd = Watchers::gather(Some(SUBSCRIBE))?;
    let mut open = 0;
    while open < sockets {
        let wave = WAVE.min(sockets - open);
        crowd.open(server.address, wave, &server.socket_path(&access)?)?;
        open += wave;
        // Two frames each: ConnectionDetails and the answer.
        crowd_has(&crowd, 2 * open as u64)?;
    }
    Ok(crowd)
}

fn crowd_has(crowd: &Watchers, frames: u64) -> anyhow::Result<()> {
    let closed = || crowd.seen.closed.load(std::sync::atomic::Ordering::Relaxed);
    wait_for("the crowd", PATIENCE, || (crowd.frames() >= frames || closed() > 0).then_some(()))?;
    anyhow::ensure!(closed() == 0, "the server closed {} sockets", closed());
    Ok(())
}

fn bare(sockets: usize, bytes: usize, rounds: usize, per_second: u32) -> anyhow::Result<f64> {
    let numbers = [sockets, bytes, rounds, usize::try_from(per_second)?].map(|n| n.to_string());
    let mut arguments = vec!["--bare"];
    arguments.extend(numbers.iter().map(String::as_str));
    let (mut process, address) = Process::start_and_read(&std::env::current_exe()?, &arguments)?;
    let crowd = Watchers::gather(None)?;
    crowd.open(address.parse()?, sockets, "/")?;
    std::thread::sleep(Duration::from_millis(500));
    process.tell("go")?;
    let micros: f64 = process.read_line()?.parse().context("the bare loop's figure")?;
    crowd.close()?;
    process.kill()?;
    Ok(micros / real(sockets * rounds))
}

fn per_delivery(cpu: Duration, deliveries: u64) -> f64 {
    cpu.as_secs_f64() * 1e6 / real(usize::try_from(deliveries.max(1)).unwrap_or(usize::MAX))
}
