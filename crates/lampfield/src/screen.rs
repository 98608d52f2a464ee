//! Standard output, for people or for programs.

use std::io::{IsTerminal, Write};

use serde_json::Value;

/// Where answers go.
pub(crate) struct Screen {
    out: Box<dyn Write + Send>,
    /// Whether people look at it, so that colours help.
    pub(crate) colours: bool,
    /// Whether programs read it.
    pub(crate) json: bool,
}

/// A colour of text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Colour {
    Green,
    Red,
    Yellow,
    Grey,
    Bold,
}

impl Screen {
    /// Returns the standard output of the process.
    pub(crate) fn standard(json: bool) -> Self {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { out: Box::new(std::io::stdout()), colours, json }
    }

    /// Returns a screen without colours that shows nothing to anybody.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { out: Box::new(std::io::sink()), colours: false, json: false }
    }

    /// Writes one line.
    pub(crate) fn say(&mut self, line: &str) -> std::io::Result<()> {
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }

    /// Writes a notice beside the output that programs read.
    #[expect(clippy::print_stderr, reason = "notices do not belong into the output")]
    pub(crate) fn notice(&self, line: &str) {
        eprintln!("{}", self.painted_notice(line));
    }

    fn painted_notice(&self, line: &str) -> String {
        if self.colours && std::io::stderr().is_terminal() {
            self.painted(Colour::Grey, line)
        } else {
            line.to_owned()
        }
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    /// Writes a value, for programs.
    pub(crate) fn value(&mut self, value: &Value) -> std::io::Result<()> {
        self.say(&format!("{value:#}"))
    }

    /// Writes rows under a heading, in columns as wide as needed.
    pub(crate) fn table(&mut self, heading: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
        let mut widths: Vec<usize> = heading.iter().map(|cell| cell.chars().count()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |cells: Vec<&str>| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let heading = line(heading.to_vec());
        self.say(&self.painted(Colour::Bold, &heading))?;
        for row in rows {
            self.say(&line(row.iter().map(String::as_str).collect()))?;
        }
        Ok(())
    }

    /// Returns text in a colour, where colours help.
    pub(crate) fn painted(&self, colour: Colour, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let number = match colour {
            Colour::Green => "32",
            Colour::Red => "31",
            Colour::Yellow => "33",
            Colour::Grey => "90",
            Colour::Bold => "1",
        };
        format!("\u{1b}[{number}m{text}\u{1b}[0m")
    }
}
