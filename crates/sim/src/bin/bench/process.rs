//! A server under test as its own process, and what it costs: CPU and resident memory from /proc.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// A running process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    output: Option<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts a program; its output goes to `log`.
    pub(crate) fn start(program: &Path, arguments: &[&str], log: &Path) -> anyhow::Result<Self> {
        let output = std::fs::File::create(log)?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        Ok(Self { child, output: None })
    }

    /// Starts a program that prints one line when it is ready, and returns that line.
    pub(crate) fn start_and_read(
        program: &Path,
        arguments: &[&str],
    ) -> anyhow::Result<(Self, String)> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", program.display()))?;
        let output = child.stdout.take().map(BufReader::new);
        let mut process = Self { child, output };
        let line = process.read_line()?;
        Ok((process, line))
    }

    /// Reads the next line that it prints.
    pub(crate) fn read_line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.as_mut().context("its output is not read")?.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Writes a line to its input.
    pub(crate) fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let input = self.child.stdin.as_mut().context("it has no input")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// Kills it and returns whether it is gone.
    pub(crate) fn is_over(&mut self) -> bool {
        let _ = self.child.kill();
        self.child.wait().is_ok()
    }

    /// Returns user and system time used so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, after) = stat.rsplit_once(") ").context("/proc/…/stat has another form")?;
        let fields: Vec<&str> = after.split(' ').collect();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).context("/proc/…/stat has another form")?;
        Ok(Duration::from_millis((user + system) * 10))
    }

    /// Returns resident bytes.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.split_whitespace().nth(1).context("no VmRSS")?.parse()?;
        Ok(kib * 1024)
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks `question` again and again until it answers or `patience` is over.
pub(crate) fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut question: impl FnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let end = Instant::now() + patience;
    loop {
        if let Some(answer) = question() {
            return Ok(answer);
        }
        if Instant::now() > end {
            bail!("waited {} s in vain for {what}", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
