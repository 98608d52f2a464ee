//! Baseline figures of a Lampfield server, measured from outside: the server and the bare limit run
//! as processes of their own, and what counts is their CPU and resident memory.
//!
//! `cargo build --release && cargo run --release -p lampfield-sim --bin bench`; `--quick` takes a
//! minute. Absolute figures depend on the machine; the ratio to the bare loop holds.

mod bare;
mod fanout;
mod http;
mod process;
mod server;
mod sockets;
mod store;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::table::Table;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Scale {
    watchers: &'static [usize],
    deliveries: usize,
    idle: usize,
    changes: usize,
    extensions: usize,
}

const FULL: Scale = Scale {
    watchers: &[1_000, 10_000],
    deliveries: 1_000_000,
    idle: 10_000,
    changes: 100_000,
    extensions: 100_000,
};
const QUICK: Scale = Scale {
    watchers: &[200, 1_000],
    deliveries: 50_000,
    idle: 1_000,
    changes: 5_000,
    extensions: 5_000,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("bench failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments {
        [bare, numbers @ ..] if bare == "--bare" => bare_process(numbers),
        [] => all(FULL),
        [quick] if quick == "--quick" => all(QUICK),
        other => bail!("usage: bench [--quick] (not {other:?})"),
    }
}

fn bare_process(numbers: &[String]) -> anyhow::Result<()> {
    let numbers: Vec<u32> =
        numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    let [sockets, bytes, rounds, per_second] = numbers[..] else { bail!("four numbers") };
    bare::serve(usize::try_from(sockets)?, usize::try_from(bytes)?, rounds, per_second)
}

fn all(scale: Scale) -> anyhow::Result<()> {
    let program = server_program()?;
    let mut table = Table::default();
    fanout::idle(&program, scale.idle, &mut table)?;
    for &watchers in scale.watchers {
        fanout::steady(&program, watchers, scale.deliveries / watchers, &mut table)?;
    }
    fanout::flat_out(&program, 1_000.min(scale.idle), scale.deliveries, &mut table)?;
    store::changes(&program, scale.changes, &mut table)?;
    store::cold_start(&program, scale.extensions, &mut table)?;
    say(&table.to_string());
    Ok(())
}

/// The server that was built beside this program.
fn server_program() -> anyhow::Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("lampfield");
    if !beside.exists() {
        bail!("{} is not there: build it with `cargo build --release`", beside.display());
    }
    beside.canonicalize().context("its path")
}

#[expect(clippy::print_stdout, reason = "a command-line tool talks to its user")]
fn say(line: &str) {
    println!("{line}");
}
