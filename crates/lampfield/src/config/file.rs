//! The configuration file: TOML, read key by key so that every mistake has its line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Key};
use super::{Problem, Settings, suggest, unknown};

/// Takes what stands in `text` over into `settings` and returns everything that is wrong with it,
/// in the order of the lines.
pub(super) fn read(place: &str, text: &str, settings: &mut Settings) -> Vec<Problem> {
    let lines = Lines(text);
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let line = lines.of(error.span().map_or(0, |span| span.start));
            let what = error.message().to_owned();
            return vec![Problem { place: format!("{place}:{line}"), what }];
        }
    };
    let mut reader = Reader { settings, found: Vec::new() };
    reader.table("", table.get_ref());
    let mut found = reader.found;
    found.sort_by_key(|(offset, _)| *offset);
    found
        .into_iter()
        .map(|(offset, what)| Problem { place: format!("{place}:{}", lines.of(offset)), what })
        .collect()
}

struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn of(&self, offset: usize) -> usize {
        let before = self.0.as_bytes().iter().take(offset);
        1 + before.filter(|byte| **byte == b'\n').count()
    }
}

struct Reader<'a> {
    settings: &'a mut Settings,
    /// Byte offset and what is wrong there.
    found: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (word, value) in table {
            let offset = word.span().start;
            let name = match section {
                "" => word.get_ref().to_string(),
                section => format!("{section}.{}", word.get_ref()),
            };
            match (Key::named(&name), value.get_ref()) {
                (Some(key), _) => self.value(key, value),
                (None, DeValue::Table(inner)) if is_section(&name) => self.table(&name, inner),
                (None, DeValue::Table(_)) => {
                    let what = unknown_section(&name);
                    self.found.push((offset, what));
                }
                (None, _) => self.found.push((offset, unknown(&name))),
            }
        }
    }

    fn value(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) {
        let result = written(value.get_ref()).and_then(|text| key.set(self.settings, &text));
        if let Err(what) = result {
            self.found.push((value.span().start, format!("{}: {what}", key.name)));
        }
    }
}

/// Returns the value as the text of which values are read.
fn written(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Integer(_) => Err("write the number in decimal digits".to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Ok(yes.to_string()),
        DeValue::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|one| written(one.get_ref())).collect();
            Ok(items?.join(","))
        }
        DeValue::Datetime(_) => Err("a date is not expected here".to_owned()),
        DeValue::Table(_) => Err("a section is not expected here".to_owned()),
    }
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.parts().0 == name)
}

fn unknown_section(name: &str) -> String {
    let sections = KEYS.iter().map(|key| key.parts().0).filter(|section| !section.is_empty());
    match suggest::nearest(name, sections) {
        Some(meant) => format!("unknown section {name}; did you mean {meant}?"),
        None => {
            format!("unknown section {name}; `lampfield config print --default` shows all sections")
        }
    }
}
