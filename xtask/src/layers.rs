//! Rules of direction (ARCHITECTURE.md): `use` points down only, and the pure crates stay pure.

use crate::sources::SourceFile;

/// Each crate of the house and the crates of the house that it may know.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("contract", &["core"]),
    ("journal", &["core"]),
    ("engine", &["core", "journal"]),
    ("delivery", &["core", "contract", "journal"]),
    ("api", &["core", "contract", "journal", "engine", "delivery"]),
    ("sim", &["core", "contract"]),
    ("lampfield", &["core", "contract", "journal", "engine", "delivery", "api", "sim"]),
];

/// Crates without runtime, socket, file, clock or chance, and what gives such a thing away.
const PURE: &[&str] = &["core", "contract"];
const IMPURE: &[&str] = &[
    "tokio",
    "mio",
    "hyper",
    "axum",
    "rusqlite",
    "std::net",
    "std::fs",
    "SystemTime::now",
    "Instant::now",
    "thread::sleep",
    "rand",
];

/// Names below these that are values and no way out.
const VALUES: &[&str] = &["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr"];

pub(crate) fn check(files: &[SourceFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let Some(krate) = file.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next())
        else {
            continue;
        };
        if file.path.ends_with("/Cargo.toml") {
            findings.extend(unknown_neighbours(krate, file));
        }
        if PURE.contains(&krate) && file.path.contains("/src/") {
            findings.extend(impurities(file));
        }
    }
    findings
}

fn unknown_neighbours(krate: &str, manifest: &SourceFile) -> Vec<String> {
    let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == krate) else {
        return vec![format!("{}: crate {krate} has no place in the layers", manifest.path)];
    };
    let (normal, _) =
        manifest.text.split_once("[dev-dependencies]").unwrap_or((&manifest.text, ""));
    normal
        .lines()
        .filter_map(|line| line.strip_prefix("lampfield-"))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|neighbour| !allowed.contains(neighbour))
        .map(|neighbour| format!("{}: {krate} must not know {neighbour}", manifest.path))
        .collect()
}

fn impurities(file: &SourceFile) -> Vec<String> {
    let code = file.text.lines().enumerate().filter(|(_, line)| !line.trim().starts_with("//"));
    code.flat_map(|(number, line)| {
        let line = VALUES.iter().fold(line.to_owned(), |line, value| line.replace(value, ""));
        IMPURE
            .iter()
            .filter(move |word| {
                line.contains(&format!("{word}::")) || line.contains(&format!("{word}("))
            })
            .map(move |word| format!("{}:{}: {word} in a pure crate", file.path, number + 1))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_no_business_of_a_pure_crate_but_an_address_is_a_value() {
        let text = "use std::net::IpAddr;\nuse std::net::TcpStream;\n// std::fs::read\n";
        let file = SourceFile { path: "crates/core/src/x.rs".to_owned(), text: text.to_owned() };

        assert_eq!(check(&[file]), ["crates/core/src/x.rs:2: std::net in a pure crate"]);
    }
}
