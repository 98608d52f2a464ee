//! A disk that really is full: a small file system of its own, which only root can mount. Where it
//! cannot be mounted the test says so and the played full disk of `faults.rs` must do.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there or the test fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use lampfield_journal::conformance::samples::{change, key};
use lampfield_journal::embedded::{EmbeddedConfig, EmbeddedStore, verify};
use lampfield_journal::{CommitError, Journal as _};

/// A file system of three megabytes.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
            .arg(place.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(place))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "whoever runs the tests should know what did not run")]
async fn a_disk_that_is_really_full_refuses_changes_and_recovers_without_a_restart() {
    // The moment in which the disk is full moves through the write: log, index, checkpoint.
    for spare in (0..20).map(|n| n * 4096 * 7) {
        let Some(disk) = SmallDisk::mount() else {
            eprintln!("skipped: a full disk cannot be made here, mounting one needs root");
            return;
        };
        let dir = disk.path().join("data");
        let ballast = disk.path().join("ballast");
        fs::write(&ballast, vec![0; (1 << 20) + spare]).unwrap();
        let config = EmbeddedConfig { checkpoint_bytes: 512 << 10, ..EmbeddedConfig::default() };
        let store = EmbeddedStore::open(&dir, config).unwrap();
        let keys: Vec<_> = (1..=30).map(|n| key(1, n)).collect();
        let mut stored = 0;
        let error = loop {
            match change(store.as_ref(), &keys).await {
                Ok(records) => stored += records.len() as u64,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, CommitError::Full(_)), "{error}");
        assert!(stored > 300, "{stored}");
        for _ in 0..5 {
            let error = change(store.as_ref(), &keys).await.unwrap_err();
            assert!(matches!(error, CommitError::Full(_)), "{error}");
        }
        assert_eq!(store.head(keys[0].account).position.offset, stored);
        assert!(store.newest().get(keys[0]).is_some(), "reads go on");

        fs::remove_file(&ballast).unwrap();
        change(store.as_ref(), &keys).await.expect("there is room again");
        store.trim(lampfield_core::Timestamp(i64::MIN), 100).await.unwrap();
        drop(store);
        let report = verify(&dir).unwrap();
        assert!(report.is_sound(), "{report:?}");
        let store = EmbeddedStore::open(&dir, EmbeddedConfig::default()).unwrap();
        assert_eq!(store.head(keys[0].account).position.offset, stored + 30);
    }
}
