//! The one table that a run prints.

use std::fmt;

/// Rows of figures.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// Adds a row and shows it at once: a long run is followed live.
    pub(crate) fn row(&mut self, what: &str, figure: String, limit: String, ratio: String) {
        crate::say(&format!("  {what}: {figure} {limit} {ratio}"));
        self.rows.push([what.to_owned(), figure, limit, ratio]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n| Figure | Lampfield | Bare loop | Ratio |\n|---|---|---|---|")?;
        for [what, figure, limit, ratio] in &self.rows {
            writeln!(f, "| {what} | {figure} | {limit} | {ratio} |")?;
        }
        Ok(())
    }
}

/// Returns a count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}
