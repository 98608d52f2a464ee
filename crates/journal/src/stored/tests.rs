use std::fmt::Write as _;

use super::*;
use crate::catalogue::Catalogue;
use crate::conformance::samples::one_of_each;

/// Rows of version 1 as they are on the disks of users: `kind key bytes`, one a line.
const FIXTURE: &str = include_str!("../../fixtures/directory-v1.txt");

fn rows() -> Vec<Row> {
    let effects = one_of_each().iter().map(effect_of).collect::<Result<Vec<_>, _>>();
    effects
        .expect("writable")
        .into_iter()
        .map(|effect| match effect {
            Effect::Put(row) | Effect::MoveCursor(row) => row,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn model() -> Contents {
    let mut catalogue = Catalogue::default();
    for change in one_of_each() {
        catalogue.take(change);
    }
    catalogue.contents()
}

#[test]
fn what_is_written_is_read() {
    let mut contents = Contents::default();
    for row in rows() {
        take_row(&mut contents, row.kind.as_str(), &row.key, &row.bytes).expect("readable");
    }
    assert_eq!(format!("{contents:?}"), format!("{:?}", model()));
}

#[test]
fn version_1_is_written_and_read_as_it_always_was() {
    let mut contents = Contents::default();
    for line in FIXTURE.lines() {
        let mut parts = line.splitn(3, ' ');
        let mut next = || parts.next().expect("three parts");
        let (kind, key, hex) = (next(), next(), next());
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        take_row(&mut contents, kind, key, &bytes).expect("readable");
    }
    let mut written = String::new();
    for row in rows() {
        write!(written, "{} {} ", row.kind.as_str(), row.key).expect("memory");
        for byte in row.bytes {
            write!(written, "{byte:02x}").expect("memory");
        }
        written.push('\n');
    }
    assert_eq!(written, FIXTURE, "the format of the directory changed: give it a new version");
    assert_eq!(format!("{contents:?}"), format!("{:?}", model()));
}

#[test]
fn an_item_in_another_ones_place_is_damage() {
    let mut contents = Contents::default();
    for row in rows() {
        let other = format!("{}0", row.key);
        let misplaced = take_row(&mut contents, row.kind.as_str(), &other, &row.bytes);
        assert!(matches!(misplaced, Err(StoreError::Damaged { .. })), "{row:?}");
        let mut flipped = row.bytes.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        let damaged = take_row(&mut contents, row.kind.as_str(), &row.key, &flipped);
        assert!(matches!(damaged, Err(StoreError::Damaged { .. })), "{row:?}");
    }
}

#[test]
fn a_newer_document_is_refused_with_a_reason() {
    let newer = sealed(Kind::Account, "1".to_owned(), br#"{"v":2,"item":{"anything":1}}"#);
    let error = take_row(&mut Contents::default(), "account", "1", &newer.bytes)
        .expect_err("version 2 is unknown");
    assert!(error.to_string().contains("format 2"), "{error}");
}
