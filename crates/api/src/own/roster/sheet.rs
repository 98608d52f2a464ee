//! CSV text, taken apart into rows. Knows columns, not what may stand in them.

use std::collections::HashMap;

use csv::{ByteRecord, ReaderBuilder, Trim};

use crate::own::bounds::IMPORT_ROWS_MAX;
use crate::own::roster::COLUMNS;

/// A row, by column. Columns that the file does not have are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it begins in the file, from 1.
    pub(super) line: u64,
    cells: HashMap<&'static str, String>,
}

/// A row that is not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) line: u64,
    /// The number in the row, as far as there is one.
    pub(super) number: String,
    /// The column at fault, where it is one.
    pub(super) column: Option<&'static str>,
    /// Why, in a sentence for people.
    pub(super) reason: String,
}

/// Why the file as a whole cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SheetError {
    #[error("the file has no header row; it begins with the names of its columns: {}", COLUMNS.join(","))]
    NoHeader,
    #[error("column {name:?} is not known; the columns are {columns}", name = .0, columns = COLUMNS.join(","))]
    UnknownColumn(String),
    #[error("column {0:?} stands in the header twice")]
    ColumnTwice(&'static str),
    #[error("the header has no column {0:?}")]
    MissingColumn(&'static str),
    #[error("the file has more than {IMPORT_ROWS_MAX} rows; split it")]
    TooLong,
}

impl Row {
    /// Returns what stands in a column, without white space around it; none if the file lacks it.
    pub(super) fn cell(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str)
    }

    /// Returns why the row is not taken.
    pub(super) fn reject(&self, column: &'static str, reason: impl Into<String>) -> Rejection {
        let number = self.cell("number").unwrap_or_default().to_owned();
        Rejection { line: self.line, number, column: Some(column), reason: reason.into() }
    }
}

/// Reads a file: its rows, and those that cannot be read at all.
///
/// # Errors
/// [`SheetError`] when the header is wrong.
pub(super) fn read(text: &[u8]) -> Result<(Vec<Row>, Vec<Rejection>), SheetError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader =
        ReaderBuilder::new().flexible(true).trim(Trim::All).has_headers(false).from_reader(text);
    let mut record = ByteRecord::new();
    // Reading from memory fails on nothing but the shape of the text, and `flexible` allows any.
    if !reader.read_byte_record(&mut record).unwrap_or(false) {
        return Err(SheetError::NoHeader);
    }
    let columns = header(&record)?;
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    let mut lines = Lines { text, place: 0, line: 1 };
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        let line = lines.at(record.position().map_or(0, csv::Position::byte));
        match row(&columns, &record, line) {
            Ok(row) => rows.push(row),
            Err(rejection) => rejected.push(rejection),
        }
        if rows.len() + rejected.len() > IMPORT_ROWS_MAX {
            return Err(SheetError::TooLong);
        }
    }
    Ok((rows, rejected))
}

/// Counts lines up to a place. The reader's own count lags behind where a record follows CRLF or an
/// empty line.
struct Lines<'a> {
    text: &'a [u8],
    place: usize,
    line: u64,
}

impl Lines<'_> {
    /// Returns the line of the record that the reader found at `byte`; places must not go back.
    fn at(&mut self, byte: u64) -> u64 {
        let found = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        let rest = self.text.get(found..).unwrap_or_default();
        let start = found + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = self.text.get(self.place..start).unwrap_or_default();
        let ends = passed.iter().enumerate().filter(|(place, byte)| match byte {
            b'\n' => true,
            b'\r' => passed.get(place + 1) != Some(&b'\n'),
            _ => false,
        });
        self.line += ends.count() as u64;
        self.place = start;
        self.line
    }
}

fn header(record: &ByteRecord) -> Result<Vec<&'static str>, SheetError> {
    let mut columns = Vec::with_capacity(record.len());
    for cell in record {
        let name = String::from_utf8_lossy(cell);
        let known = COLUMNS.iter().find(|column| column.eq_ignore_ascii_case(&name));
        let column =
            *known.ok_or_else(|| SheetError::UnknownColumn(name.chars().take(64).collect()))?;
        if columns.contains(&column) {
            return Err(SheetError::ColumnTwice(column));
        }
        columns.push(column);
    }
    for needed in ["number", "name"] {
        if !columns.contains(&needed) {
            return Err(SheetError::MissingColumn(needed));
        }
    }
    Ok(columns)
}

fn row(columns: &[&'static str], record: &ByteRecord, line: u64) -> Result<Row, Rejection> {
    let number = columns.iter().position(|column| *column == "number");
    let number = number.and_then(|place| record.get(place)).unwrap_or_default();
    let number = String::from_utf8_lossy(number).into_owned();
    let reject =
        |column, reason: String| Err(Rejection { line, number: number.clone(), column, reason });
    if record.len() != columns.len() {
        let (has, wanted) = (record.len(), columns.len());
        return reject(None, format!("the row has {has} columns, the header {wanted}"));
    }
    let mut cells = HashMap::with_capacity(columns.len());
    for (column, cell) in columns.iter().zip(record) {
        match std::str::from_utf8(cell) {
            Ok(text) => cells.insert(*column, text.to_owned()),
            Err(_) => return reject(Some(column), "the text is not UTF-8".to_owned()),
        };
    }
    Ok(Row { line, cells })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_line_ends_quotes_and_spaces_do_not_matter() {
        let text = "\u{feff}Number, NAME ,groups\r\n101,\"Lovelace, Ada\", Sales;Berlin \r\n\r\n102,\"Say \"\"hi\"\"\",\n";
        let (rows, rejected) = read(text.as_bytes()).unwrap();

        assert_eq!(rejected, []);
        let cells: Vec<_> =
            rows.iter().map(|row| (row.line, row.cell("number"), row.cell("name"))).collect();
        assert_eq!(
            cells,
            [(2, Some("101"), Some("Lovelace, Ada")), (4, Some("102"), Some("Say \"hi\""))]
        );
        assert_eq!(rows[0].cell("groups"), Some("Sales;Berlin"));
        assert_eq!(rows[0].cell("email"), None);
    }

    #[test]
    fn a_header_that_cannot_be_understood_refuses_the_file() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err();

        assert_eq!(error(""), SheetError::NoHeader);
        assert_eq!(error("101,Ada\n"), SheetError::UnknownColumn("101".to_owned()));
        assert_eq!(error("number,name,Number\n"), SheetError::ColumnTwice("number"));
        assert_eq!(error("number,email\n"), SheetError::MissingColumn("name"));
    }

    #[test]
    fn broken_rows_are_told_with_their_line_and_harm_no_other() {
        let text = b"number,name\n101,Ada\n102\n103,\xff\n104,Grace,x\n105,Alan\n";
        let (rows, rejected) = read(text).unwrap();

        let lines: Vec<_> = rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 6]);
        let told: Vec<_> = rejected
            .iter()
            .map(|it| (it.line, it.number.as_str(), it.column, it.reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (3, "102", None, "the row has 1 columns, the header 2"),
                (4, "103", Some("name"), "the text is not UTF-8"),
                (5, "104", None, "the row has 3 columns, the header 2"),
            ]
        );
    }
}
