//! Words that have no place in the repository: unfinished work, and places of one machine.

use crate::sources::SourceFile;

pub(crate) fn check(files: &[SourceFile]) -> Vec<String> {
    let unfinished = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("db", "g!(")];
    let silenced = [concat!("#[", "ignore"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path, number + 1);
            if file.is_rust() {
                let words = unfinished.iter().chain(&silenced);
                for word in words.filter(|word| line.contains(**word)) {
                    findings.push(format!("{place}: {word}"));
                }
            }
            if names_a_machine(line) {
                findings.push(format!("{place}: a path of one machine"));
            }
        }
    }
    findings
}

fn names_a_machine(line: &str) -> bool {
    ["/work", "/root", "/farm"].iter().any(|folder| {
        line.match_indices(folder).any(|(at, found)| {
            let before = line[..at].chars().next_back();
            let after = line[at + found.len()..].chars().next();
            let starts = before.is_none_or(|c| !c.is_alphanumeric() && !"_./-{}*".contains(c));
            starts && after == Some('/')
        })
    })
}
