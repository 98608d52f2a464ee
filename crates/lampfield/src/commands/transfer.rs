//! `extension import` and `extension export`.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use axum::body::{Body, Bytes};
use futures_util::stream;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::directory::cell;
use crate::door::{Content, Door};
use crate::exit::{Code, Failure};
use crate::screen::{Colour, Screen};

/// How much of a file is handed over at a time.
const PIECE: usize = 32 << 10;

/// Sends a CSV file and reports what became of every row.
pub(super) async fn import(
    door: &Door,
    file: &Path,
    dry_run: bool,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let text = read(file)?;
    let path = format!("/extensions/import{}", if dry_run { "?dryRun=true" } else { "" });
    let progress = progress_of(text.len());
    let content = Content::Csv(in_pieces(text, progress.clone()));
    let answer = door.ask(Method::POST, &door.of_account(&path), content).await;
    progress.finish_and_clear();
    let answer: Value = serde_json::from_slice(&answer?.body).context("the answer is not JSON")?;
    report(&answer, dry_run, screen)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut text)?;
        return Ok(text);
    }
    std::fs::read(file).map_err(|error| {
        Failure::new(Code::Io, format!("{} cannot be read: {error}", file.display())).into()
    })
}

fn progress_of(length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message("sending");
    bar
}

/// Hands a text over piece by piece, with the progress bar moving as pieces are taken.
fn in_pieces(text: Vec<u8>, progress: ProgressBar) -> Body {
    let text = Bytes::from(text);
    Body::from_stream(stream::unfold(text, move |mut rest| {
        let progress = progress.clone();
        async move {
            if rest.is_empty() {
                progress.set_message("sent; the server stores it");
                return None;
            }
            let piece = rest.split_to(PIECE.min(rest.len()));
            progress.inc(u64::try_from(piece.len()).unwrap_or(0));
            Some((Ok::<_, std::convert::Infallible>(piece), rest))
        }
    }))
}

fn report(answer: &Value, dry_run: bool, screen: &mut Screen) -> anyhow::Result<()> {
    let rejected = answer["rejected"].as_array().map_or(&[][..], Vec::as_slice);
    if screen.json {
        screen.value(answer)?;
    } else {
        for row in rejected {
            let place = format!("line {}", cell(&row["line"]));
            let number = cell(&row["number"]);
            let number =
                if number.is_empty() { String::new() } else { format!(" (number {number})") };
            let column = cell(&row["column"]);
            let column = if column.is_empty() { String::new() } else { format!(" {column}:") };
            let line = format!("{place}{number}:{column} {}", cell(&row["reason"]));
            screen.say(&screen.painted(Colour::Red, &line))?;
        }
        let count = |member: &str| answer[member].as_u64().unwrap_or(0);
        let would = if dry_run { "would be " } else { "" };
        screen.say(&format!(
            "{} {would}created, {} {would}updated, {} unchanged, {} rejected",
            count("created"),
            count("updated"),
            count("unchanged"),
            rejected.len(),
        ))?;
    }
    if rejected.is_empty() {
        return Ok(());
    }
    let rows = if rejected.len() == 1 { "row was" } else { "rows were" };
    Err(Failure::new(Code::Failed, format!("{} {rows} rejected", rejected.len())).into())
}

/// Writes all extensions as CSV.
pub(super) async fn export(
    door: &Door,
    file: Option<&Path>,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let path = door.of_account("/extensions/export");
    let reply = door.ask(Method::GET, &path, Content::None).await?;
    let Some(file) = file else { return Ok(screen.raw(&reply.body)?) };
    let written = std::fs::File::create(file).and_then(|mut out| {
        out.write_all(&reply.body)?;
        out.sync_all()
    });
    written.map_err(|error| {
        Failure::new(Code::Io, format!("{} cannot be written: {error}", file.display()))
    })?;
    let rows = reply.body.split(|byte| *byte == b'\n').count().saturating_sub(2);
    Ok(screen.say(&format!("{rows} extensions written to {}", file.display()))?)
}
