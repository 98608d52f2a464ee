//! The program: command line, configuration, and the house assembled from its parts.

mod assembly;
mod cli;
mod clock;
mod commands;
mod config;
mod demo;
mod door;
mod exit;
mod figures;
mod page;
mod screen;
mod secret;
mod serve;
mod settings;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(commands::run(cli));
    // Threads that still read from a disk or a terminal must not hold the end up.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if exit::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

#[expect(clippy::print_stderr, reason = "the last words of the program")]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("lampfield: {error:#}");
    exit::code_of(error).into()
}
