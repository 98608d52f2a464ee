//! The project's own automation. `cargo xtask tidy` checks what a compiler does not: directions
//! between crates, sizes of files and functions, words that have no place in the repository.
//! `cargo xtask contract` writes `contract/` anew from the code.

mod layers;
mod sizes;
mod sources;
mod words;

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(),
        Some("contract") => contract(),
        other => {
            say(&format!("usage: cargo xtask tidy | contract (not {other:?})"));
            ExitCode::from(2)
        }
    }
}

fn tidy() -> ExitCode {
    let findings = match sources::tracked() {
        Ok(files) => {
            let mut findings = layers::check(&files);
            findings.extend(sizes::check(&files));
            findings.extend(words::check(&files));
            findings
        }
        Err(error) => vec![format!("failed to read the repository: {error:#}")],
    };
    for finding in &findings {
        say(finding);
    }
    say(&format!("tidy: {} findings", findings.len()));
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Has the test that compares the documents write them instead.
fn contract() -> ExitCode {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--quiet", "-p", "lampfield-api", "--lib", "the_kept_documents"]);
    match cargo.env("LAMPFIELD_CONTRACT_REWRITE", "1").status() {
        Ok(status) if status.success() => {
            say("contract: openapi.json and asyncapi.json are what the code says");
            ExitCode::SUCCESS
        }
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("contract: cargo could not be started: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command-line tool talks to its user")]
fn say(line: &str) {
    println!("{line}");
}
