//! `init`, `backup`, `restore` and `verify`: the data directory itself.

use std::path::{Path, PathBuf};

use anyhow::Context;
use http::Method;
use lampfield_journal::embedded::{self, BackupError, OpenError, VerifyReport};
use serde_json::json;

use super::directory::{show_made, without_nulls};
use crate::cli::{Common, InitArgs};
use crate::config::{FILE, default_file};
use crate::door::Door;
use crate::exit::{Code, Failure};
use crate::screen::{Colour, Screen};
use crate::secret;

/// Writes the configuration file, makes the data directory, the first key and, if asked, the first
/// account. Nothing that is there already is touched.
pub(super) async fn init(
    args: InitArgs,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    if common.server.is_some() {
        let message = "init makes a data directory on this machine; leave --server and \
                       LAMPFIELD_SERVER out";
        return Err(Failure::new(Code::Usage, message).into());
    }
    let common = &placed(&args, common)?;
    let file = common.config.clone().unwrap_or_else(|| FILE.into());
    if file.exists() {
        screen.say(&format!("{} is there and stays as it is", file.display()))?;
    } else {
        let text = file_for(common);
        std::fs::write(&file, text)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        screen.say(&format!("wrote {}: every key with its default, explained", file.display()))?;
    }
    let common = Common { config: Some(file), ..common.clone() };
    let data = common.load()?.settings.data;
    if data.exists() {
        let message = format!(
            "the data directory {} is there already; `lampfield key add` makes further keys",
            data.display()
        );
        return Err(Failure::new(Code::Failed, message).into());
    }
    drop(crate::assembly::Store::open(&data, common.load()?.settings.store)?);
    screen.say(&format!("made the data directory {}", data.display()))?;
    let door = Door::open(&common)?;
    let done = begin(&door, args, screen).await;
    door.close().await;
    done?;
    let config = common.config.as_deref().filter(|file| *file != Path::new(FILE));
    let config = config.map(|file| format!(" --config {}", file.display())).unwrap_or_default();
    Ok(screen.say(&format!("\nNow run: lampfield serve{config}"))?)
}

/// Returns the places of file and data, as `--dir` says.
fn placed(args: &InitArgs, common: &Common) -> anyhow::Result<Common> {
    let Some(dir) = &args.dir else { return Ok(common.clone()) };
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let dir = dir.canonicalize().with_context(|| format!("{} cannot be found", dir.display()))?;
    Ok(Common { config: Some(dir.join(FILE)), data: Some(dir.join("data")), ..common.clone() })
}

/// The default file, with the data directory that was asked for.
fn file_for(common: &Common) -> String {
    let text = default_file();
    let Some(data) = &common.data else { return text };
    let value = format!("data = {:?}", data.to_string_lossy());
    let lines = text.lines().map(|line| {
        if line.starts_with("#data = ") { format!("{value}\n") } else { format!("{line}\n") }
    });
    lines.collect()
}

async fn begin(door: &Door, args: InitArgs, screen: &mut Screen) -> anyhow::Result<()> {
    if let (Some(name), Some(main_number)) = (args.account_name, args.main_number) {
        let wanted = without_nulls(json!({ "name": name, "mainNumber": main_number }));
        let made = door.json(Method::POST, "/accounts", Some(wanted)).await?;
        show_made(screen, &made, "account", &["id", "name", "mainNumber"])?;
    }
    let wanted = json!({ "name": "first administrator", "role": "admin" });
    let made = door.json(Method::POST, "/keys", Some(wanted)).await?;
    let key = made["key"].as_str().context("the new key was not told")?;
    let notice = "admin key (shown once, keep it safe):";
    screen.say(&screen.painted(Colour::Yellow, notice))?;
    Ok(screen.say(key)?)
}

/// Copies the store into one file, and the server's secret beside it. The server may be running.
pub(super) async fn backup(
    file: &Path,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let data = common.load()?.settings.data;
    let key_file = beside(file);
    if key_file.exists() {
        let message = format!("{} exists already; choose another file", key_file.display());
        return Err(Failure::new(Code::Failed, message).into());
    }
    let key = secret::existing_key(&data)?;
    let (from, to) = (data.clone(), file.to_owned());
    let report = tokio::task::spawn_blocking(move || embedded::backup(&from, &to)).await?;
    let report = report.map_err(|error| failure_of(&error))?;
    screen.say(&format!("{} bytes written to {}", report.bytes, report.file.display()))?;
    if let Some(key) = key {
        secret::write_private(&key_file, &key)
            .with_context(|| format!("{} cannot be written", key_file.display()))?;
        let line = format!("the server's secret written to {}: keep both", key_file.display());
        screen.say(&line)?;
    }
    Ok(())
}

/// Makes a data directory of a backup.
pub(super) async fn restore(
    file: &Path,
    common: &Common,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let data = common.load()?.settings.data;
    // Before anything is made: a key that was cut leaves nothing half restored.
    let key = secret::key_at(&beside(file))?;
    let (from, to) = (file.to_owned(), data.clone());
    let report = tokio::task::spawn_blocking(move || embedded::restore(&from, &to)).await?;
    let report = report.map_err(|error| failure_of(&error))?;
    screen.say(&format!("made {} of {}: {}", data.display(), file.display(), contents(&report)))?;
    match key {
        Some(key) => secret::put_key(&data, &key)?,
        None => screen.notice(&format!(
            "{} is not there: the server makes a new secret, and JWT credentials and log-ins of the \
             backup end",
            beside(file).display()
        )),
    }
    Ok(())
}

/// Checks every record of the store.
pub(super) async fn verify(common: &Common, screen: &mut Screen) -> anyhow::Result<()> {
    let data = common.load()?.settings.data;
    if !data.exists() {
        let message = format!("there is no data directory {}", data.display());
        return Err(Failure::new(Code::Failed, message).into());
    }
    let dir = data.clone();
    let report = tokio::task::spawn_blocking(move || embedded::verify(&dir)).await?;
    let report = report.map_err(|error| Failure::new(code_of_open(&error), error.to_string()))?;
    if screen.json {
        screen.value(&json!({
            "accounts": report.accounts,
            "records": report.records,
            "newest": report.newest,
            "items": report.items,
            "audited": report.audited,
            "faults": report.faults,
            "firstFaults": report.first_faults,
        }))?;
    } else {
        for fault in &report.first_faults {
            screen.say(&screen.painted(Colour::Red, fault))?;
        }
        screen.say(&format!("{}: {}", data.display(), contents(&report)))?;
    }
    if report.is_sound() {
        return Ok(());
    }
    let message = format!("{} faults; restore a backup into a new data directory", report.faults);
    Err(Failure::new(Code::Io, message).into())
}

fn contents(report: &VerifyReport) -> String {
    format!(
        "{} accounts with presence, {} documents, {} changes, {} directory items, \
         {} entries of the audit trail, {} faults",
        report.accounts, report.newest, report.records, report.items, report.audited, report.faults
    )
}

/// Where the server's secret of a backup is.
fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

fn failure_of(error: &BackupError) -> Failure {
    let code = match error {
        BackupError::Exists(_) | BackupError::Missing(_) => Code::Failed,
        BackupError::Damaged { .. } => Code::Io,
        BackupError::Open(error) => code_of_open(error),
    };
    Failure::new(code, error.to_string())
}

/// Data that this version cannot read is a wrong choice of data; everything else is the disk.
pub(crate) fn code_of_open(error: &OpenError) -> Code {
    match error {
        OpenError::InUse { .. } => Code::Failed,
        error if error.is_about_the_data() => Code::Config,
        _ => Code::Io,
    }
}
