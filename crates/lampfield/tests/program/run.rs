//! Running the program, and servers that end with the test.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Returns the program, in `folder`, without anything of the surroundings.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lampfield"));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LAMPFIELD_") {
            command.env_remove(name);
        }
    }
    command
}

/// Returns the program, with files that cannot grow beyond `kib` KiB: writes fail then, as they do on
/// a broken disk.
pub(crate) fn program_on_a_broken_disk(folder: &Path, kib: u64) -> Command {
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2);
    command.args(["-c", &script, env!("CARGO_BIN_EXE_lampfield")]);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) complained: String,
}

/// Runs a command to its end.
pub(crate) fn run<S: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Outcome {
    outcome(program(folder).args(arguments).output().unwrap())
}

pub(crate) fn outcome(output: Output) -> Outcome {
    Outcome {
        code: output.status.code().unwrap_or(-1),
        said: String::from_utf8(output.stdout).unwrap(),
        complained: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Outcome {
    /// Demands that it went well, and returns what it said.
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.said
    }

    /// Demands this code, and returns what it complained of.
    pub(crate) fn bad(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.complained
    }
}

/// A server that is running, and is killed at the end of the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// What the environment file says, for a demo.
    pub(crate) settings: BTreeMap<String, String>,
    child: Child,
}

impl Server {
    /// Runs `lampfield demo` in `folder`.
    pub(crate) fn demo(folder: &Path, arguments: &[&str]) -> Self {
        let env_file = folder.join("demo.env");
        let _ = std::fs::remove_file(&env_file);
        let mut command = program(folder);
        command.args(["demo", "--listen", "127.0.0.1:0", "--env-file"]).arg(&env_file);
        command.args(arguments).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let settings = wait_for("the environment file", || {
            assert_eq!(child.try_wait().unwrap(), None, "the demo ended");
            let text = std::fs::read_to_string(&env_file).ok()?;
            let line = |line: &str| {
                let (name, value) = line.split_once('=').unwrap();
                (name.to_owned(), value.to_owned())
            };
            Some(text.lines().map(line).collect::<BTreeMap<_, _>>())
        });
        let address = settings["RC_SERVER_URL"].strip_prefix("http://").unwrap().parse().unwrap();
        Self { address, settings, child }
    }

    /// Runs `lampfield serve` in `folder`.
    pub(crate) fn serve(folder: &Path, arguments: &[&str]) -> Self {
        Self::serve_by(program(folder), arguments)
    }

    /// Runs `serve` of a command that ends in the program.
    pub(crate) fn serve_by(mut command: Command, arguments: &[&str]) -> Self {
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "warn"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap();
        let address = address.parse().unwrap_or_else(|_| panic!("the server said {line:?}"));
        Self { address, settings: BTreeMap::new(), child }
    }

    /// Returns its address as a client writes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns a value of the environment file.
    pub(crate) fn setting(&self, name: &str) -> &str {
        &self.settings[name]
    }

    /// Runs a command against this server, as after sourcing the environment file.
    pub(crate) fn command(&self, folder: &Path, arguments: &[&str]) -> Outcome {
        outcome(program(folder).envs(&self.settings).args(arguments).output().unwrap())
    }

    /// Ends it without warning, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and returns how it ended.
    pub(crate) fn terminate(self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.end()
    }

    /// Waits until it ends by itself and returns how.
    pub(crate) fn end(mut self) -> ExitStatus {
        let mut ended = None;
        wait_for("the end of the server", || {
            ended = self.child.try_wait().unwrap();
            ended
        });
        ended.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command whose output is read while it runs.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let out: Box<dyn Read + Send> = Box::new(child.stdout.take().unwrap());
        let err: Box<dyn Read + Send> = Box::new(child.stderr.take().unwrap());
        for stream in [out, err] {
            let send = send.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = send.send(line);
                }
            });
        }
        Self { child, lines }
    }

    /// Waits for a line that `wanted` accepts.
    pub(crate) fn line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        let mut others = Vec::new();
        while let Some(left) = DEADLINE.checked_sub(begun.elapsed()) {
            match self.lines.recv_timeout(left) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => others.push(line),
                Err(_) => break,
            }
        }
        panic!("no line with {what} among {others:#?}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until there is an answer, or the deadline is over.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "waited for {what} in vain");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Returns a new folder, removed at the end of the test.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}
