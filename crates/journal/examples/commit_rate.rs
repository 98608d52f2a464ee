//! How many durable changes a second the embedded store makes, and how fast it opens.
//!
//! `cargo run --release -p lampfield-journal --example commit_rate [newest [directory]]`:
//! durable changes by size of group, then a cold open with that many newest documents
//! (100,000 unless given), in a directory on the disk that is to be measured.
#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lampfield_journal::Journal;
use lampfield_journal::conformance::samples::{entries, following, key};
use lampfield_journal::embedded::{EmbeddedConfig, EmbeddedStore, backup};

const EXTENSIONS: u64 = 10_000;
const ACCOUNTS: u64 = 20;
const FOR: Duration = Duration::from_secs(3);

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let newest: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let parent = arguments.next().map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let house = tempfile::tempdir_in(parent)?;
    println!("group | changes/s | p50 ms | p99 ms | longest ms");
    for size in [1, 10, 100, 512] {
        rate(&house.path().join(format!("rate-{size}")), size).await?;
    }
    open(&house.path().join("open"), newest).await
}

/// Changes of extensions in scattered order, one group at a time.
async fn rate(dir: &Path, size: u64) -> Outcome {
    let store = EmbeddedStore::open(dir, EmbeddedConfig::default())?;
    let mut chance = Chance(size);
    let mut took = Vec::new();
    let mut changes = 0;
    let started = Instant::now();
    while started.elapsed() < FOR {
        let account = 1 + chance.below(ACCOUNTS);
        let keys: Vec<_> = (0..size).map(|_| key(account, 1 + chance.below(EXTENSIONS))).collect();
        let batch = entries(&following(store.as_ref(), &keys));
        let begun = Instant::now();
        store.commit(batch).await?;
        took.push(begun.elapsed());
        changes += size;
    }
    let rate = f64::from(u32::try_from(changes)?) / started.elapsed().as_secs_f64();
    took.sort_unstable();
    let ms = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{size:5} | {rate:9.0} | {:6.2} | {:6.2} | {:6.1}", ms(50), ms(99), ms(100));
    Ok(())
}

/// Fills a store, closes it, and opens it again.
async fn open(dir: &Path, newest: u64) -> Outcome {
    let store = EmbeddedStore::open(dir, EmbeddedConfig::default())?;
    let begun = Instant::now();
    let accounts = newest.div_ceil(50_000).max(1);
    for account in 1..=accounts {
        let extensions: Vec<_> = (1..=newest / accounts).map(|n| key(account, n)).collect();
        for keys in extensions.chunks(2_000) {
            store.commit(entries(&following(store.as_ref(), keys))).await?;
        }
    }
    println!("filled with {newest} in {:.1} s", begun.elapsed().as_secs_f64());
    drop(store);
    let bytes = std::fs::metadata(dir.join("lampfield.db"))?.len();
    let begun = Instant::now();
    let store = EmbeddedStore::open(dir, EmbeddedConfig::default())?;
    println!(
        "opened in {:.2} s, {:.0} MB on disk, {} records",
        begun.elapsed().as_secs_f64(),
        f64::from(u32::try_from(bytes >> 10)?) / 1024.0,
        store.newest().accounts().iter().map(|id| store.head(*id).position.offset).sum::<u64>(),
    );
    let begun = Instant::now();
    let report = backup(dir, &dir.with_extension("backup"))?;
    println!("backed up {report:?} in {:.2} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// A small generator of scattered numbers (splitmix64).
struct Chance(u64);

impl Chance {
    const fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % limit
    }
}
