//! The configuration as text: the commented default file, the effective file, the reference page.

use super::Settings;
use super::keys::{KEYS, Key};
use std::fmt::Write as _;

/// What each section is about.
const SECTIONS: [(&str, &str); 15] = [
    ("", "The server as a whole."),
    ("log", "Log lines go to standard error."),
    ("metrics", "Figures for Prometheus, at /metrics."),
    ("policy", "How presence is composed and who sees it."),
    ("wire", "Spellings on the wire where clients differ."),
    ("engine", "The computing half: what is taken in, decided and stored."),
    ("delivery", "The delivering half, whatever the transport."),
    ("stream", "Event streams (SSE) of the own API."),
    ("websocket", "WebSockets in RingCentral's dialect."),
    ("webhook", "Webhooks."),
    ("api", "REST requests."),
    ("connections", "HTTP connections."),
    ("rates", "Limits of requests per user and application (RingCentral's usage groups)."),
    ("tokens", "Lives of OAuth tokens and log-ins."),
    ("store", "The embedded store."),
];

/// Returns a file with every key at its default, commented out and explained.
pub(crate) fn default_file() -> String {
    let mut out = String::from(
        "# Configuration of Lampfield. Every key is shown with its default; remove the # to change it.\n\
         # Environment variables (LAMPFIELD_ and the key with _ for .) and flags win over this file.\n",
    );
    let settings = Settings::default();
    for (section, about) in SECTIONS {
        write_section(&mut out, section, about, |out, key| {
            for line in wrapped(key.doc, 92) {
                let _ = writeln!(out, "# {line}");
            }
            let (_, name) = key.parts();
            match key.value(&settings) {
                Some(value) => {
                    let _ = write!(out, "# ({})\n#{name} = {value}\n\n", key.form());
                }
                None => {
                    let _ = write!(out, "# ({})\n#{name} = \"\"\n\n", key.form());
                }
            }
        });
    }
    out
}

/// Returns a file that says what holds: every key with its value in `settings`.
pub(crate) fn effective_file(settings: &Settings) -> String {
    let mut out = String::new();
    for (section, about) in SECTIONS {
        write_section(&mut out, section, about, |out, key| {
            if let Some(value) = key.value(settings) {
                let _ = writeln!(out, "{} = {value}", key.parts().1);
            }
        });
    }
    out
}

fn write_section(
    out: &mut String,
    section: &str,
    about: &str,
    mut write: impl FnMut(&mut String, &Key),
) {
    let mut keys = KEYS.iter().filter(|key| key.parts().0 == section).peekable();
    if keys.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "\n# {about}");
    if !section.is_empty() {
        let _ = writeln!(out, "[{section}]");
    }
    out.push('\n');
    for key in keys {
        write(out, key);
    }
}

/// Returns the page `docs/configuration.md`.
pub(crate) fn reference_page() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         <!-- Written by `lampfield config print --reference`; a test compares. -->\n\n\
         Lampfield reads `lampfield.toml` in the working directory, or the file that `--config` or\n\
         `LAMPFIELD_CONFIG` names. A key can also be set by an environment variable (its name in capitals\n\
         with `LAMPFIELD_` in front and `_` for `.`) and by `--set key=value`. Flags win over variables,\n\
         variables over the file, the file over the defaults.\n\n\
         - `lampfield init` writes a commented file with every default.\n\
         - `lampfield config check` says what is wrong, with line and suggestion, and ends with code 78.\n\
         - `lampfield config print` shows what holds; `--default` the defaults.\n\n\
         Durations are written with units: `250ms`, `30s`, `1h30m`, `7d`. Numbers may be grouped: `1_048_576`.\n",
    );
    let settings = Settings::default();
    for (section, about) in SECTIONS {
        let keys: Vec<&Key> = KEYS.iter().filter(|key| key.parts().0 == section).collect();
        if keys.is_empty() {
            continue;
        }
        let title = if section.is_empty() {
            "Top of the file".to_owned()
        } else {
            format!("`[{section}]`")
        };
        let _ = write!(
            out,
            "\n## {title}\n\n{about}\n\n| Key | Default | Meaning |\n| --- | --- | --- |\n"
        );
        for key in keys {
            let value =
                key.value(&settings).map_or_else(|| "unset".to_owned(), |v| format!("`{v}`"));
            let (_, name) = key.parts();
            let doc = key.doc.replace('|', "\\|");
            let _ = writeln!(out, "| `{name}` | {value} | {doc} ({}) |", key.form());
        }
    }
    out
}

/// Breaks text into lines of at most `width` letters, at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file;
    use crate::config::literal::Literal;

    #[test]
    fn the_default_file_says_the_defaults_and_every_line_can_be_switched_on() {
        let text = default_file();
        let mut commented = Settings::default();
        assert_eq!(file::read("f", &text, &mut commented), []);

        let on: String = text
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let mut switched_on = Settings::default();
        assert_eq!(file::read("f", &on, &mut switched_on), []);
        assert_eq!(effective_file(&switched_on), effective_file(&Settings::default()));
        for key in KEYS {
            assert!(on.contains(&format!("\n{} = ", key.parts().1)), "{}", key.name);
        }
    }

    #[test]
    fn what_is_printed_is_what_is_read() {
        let mut settings = Settings::default();
        settings.delivery.webhook.allow_private = Vec::read("127.0.0.0/8,::1/128").unwrap();
        settings.api.public_url = Some("https://presence.example.org".to_owned());
        settings.metrics_public = true;
        let printed = effective_file(&settings);
        let mut read = Settings::default();
        assert_eq!(file::read("f", &printed, &mut read), []);
        assert_eq!(effective_file(&read), printed);
    }

    #[test]
    fn every_key_has_a_section_a_sentence_and_a_variable_of_its_own() {
        let mut variables = std::collections::BTreeSet::new();
        for key in KEYS {
            assert!(SECTIONS.iter().any(|(section, _)| *section == key.parts().0), "{}", key.name);
            assert!(key.doc.ends_with('.'), "{}", key.name);
            assert!(variables.insert(key.variable()), "{}", key.name);
        }
    }

    #[test]
    fn the_reference_page_is_current() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let written = std::fs::read_to_string(page).unwrap_or_default();
        assert!(
            written == reference_page(),
            "docs/configuration.md is out of date: \
             cargo run -p lampfield -- config print --reference > docs/configuration.md"
        );
    }
}
