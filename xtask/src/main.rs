//! The project's own automation. `cargo xtask tidy` checks what a compiler does not: directions
//! between crates, sizes of files and functions, words that have no place in the repository.

mod layers;
mod sizes;
mod sources;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(),
        other => {
            say(&format!("usage: cargo xtask tidy (not {other:?})"));
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

#[expect(clippy::print_stdout, reason = "a command-line tool talks to its user")]
fn say(line: &str) {
    println!("{line}");
}
