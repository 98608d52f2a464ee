//! No number of the checklist and no need is without its test.

use std::collections::BTreeSet;
use std::path::Path;

/// Where tests with numbers stand, below the folder of all crates.
const PLACES: [&str; 2] = ["api/tests/checklist", "delivery/src/websocket/tests"];

#[test]
fn no_number_of_the_checklist_and_no_need_is_without_a_test() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources: Vec<String> = PLACES
        .iter()
        .flat_map(|place| std::fs::read_dir(crates.join(place)).unwrap())
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();

    assert_eq!(missing(&sources, "checklist", 25), [0; 0], "rows of the checklist");
    assert_eq!(missing(&sources, "need", 26), [0; 0], "needs of clients");
}

/// Returns the numbers up to `count` that no test's name has behind `word`.
fn missing(sources: &[String], word: &str, count: usize) -> Vec<usize> {
    let has: BTreeSet<usize> = sources
        .iter()
        .flat_map(|source| tests_of(source))
        .flat_map(|name| numbers(name, word))
        .collect();
    (1..=count).filter(|number| !has.contains(number)).collect()
}

/// Returns the names of functions that stand right behind a test attribute.
fn tests_of(source: &str) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = source.lines().collect();
    let pairs: Vec<_> = lines.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().filter_map(|(attribute, function)| {
        let is_test = attribute.starts_with("#[test") || attribute.starts_with("#[tokio::test");
        let name = function.trim_start_matches("async ").strip_prefix("fn ")?;
        is_test.then(|| name.split('(').next().unwrap_or(name))
    })
}

/// Returns the numbers behind a word of a name: `checklist_08_and_need_13_…` has 8 and 13.
fn numbers<'a>(name: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let words: Vec<&str> = name.split('_').collect();
    let pairs: Vec<_> = words.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().filter_map(move |(one, number)| (one == word).then(|| number.parse().ok())?)
}

#[test]
fn the_search_finds_what_is_missing_and_is_not_fooled_by_functions_that_are_no_tests() {
    let source =
        "#[test]\nfn need_1_and_checklist_02_hold() {}\n\nfn need_2_is_none() {}\n".to_owned();

    assert_eq!(missing(std::slice::from_ref(&source), "need", 3), [2, 3]);
    assert_eq!(missing(&[source], "checklist", 2), [1]);
}
