"""Runs the compiled program the way a user would: `lampfield demo`, a folder, an environment file.

Knows nothing of HTTP; `own.py` and `contract.py` speak to what is started here.
"""

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60.0
REQUIRED = (
    "RC_SERVER_URL", "RC_CLIENT_ID", "RC_CLIENT_SECRET", "RC_JWT", "LAMPFIELD_USERNAME",
    "LAMPFIELD_EXTENSION", "LAMPFIELD_PASSWORD", "LAMPFIELD_OTHER_JWT",
    "LAMPFIELD_STRANGER_JWT", "LAMPFIELD_ADMIN_TOKEN",
)


def binary() -> Path:
    """Returns the program under test: `LAMPFIELD_BIN`, else the debug build."""
    named = os.environ.get("LAMPFIELD_BIN")
    path = Path(named) if named else ROOT / "target" / "debug" / "lampfield"
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; run: cargo build -p lampfield")
    return path


def wait_until(condition, seconds, what, every=0.02):
    """Polls until `condition()` is truthy and returns it; fails loudly after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        outcome = condition()
        if outcome:
            return outcome
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(every)


class Server:
    """One demo server; keeps its address and its data over any number of restarts."""

    def __init__(self, folder, *, data=None, seed=7, arguments=(), environment=None):
        self.folder = Path(folder)
        self.data = Path(data) if data else self.folder / "data"
        self.env_file = self.folder / "demo.env"
        self.log = self.folder / "server.log"
        self.seed = seed
        self.arguments = list(arguments)
        self.environment = environment or {}
        self.listen = "127.0.0.1:0"
        self.process = None
        self.settings = {}

    @property
    def url(self):
        return self.settings["RC_SERVER_URL"].rstrip("/")

    @property
    def address(self):
        parts = urlsplit(self.url)
        return parts.hostname, parts.port

    @property
    def pid(self):
        return self.process.pid

    def spawn(self):
        """Starts the program and does not wait for it."""
        self.env_file.unlink(missing_ok=True)
        command = [
            str(binary()), "demo", "--listen", self.listen, "--env-file", str(self.env_file),
            "--data", str(self.data), "--calls", "off", "--seed", str(self.seed), *self.arguments,
        ]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**clean_environment(), **self.environment}, start_new_session=True,
            )
        return self

    def start(self):
        """Starts the program and waits until it says that it is ready; returns the seconds it took."""
        begun = time.monotonic()
        self.spawn()
        wait_until(self._is_ready, READY_WITHIN, lambda: f"ready\n{self.tail()}")
        host, port = self.address
        self.listen = f"{host}:{port}"
        return time.monotonic() - begun

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}\n{self.tail()}")
        if not self.env_file.exists():
            return False
        settings = read_env_file(self.env_file)
        if any(name not in settings for name in REQUIRED):
            return False
        self.settings = settings
        return True

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL: no handler runs, nothing is flushed."""
        self.process.send_signal(signal.SIGKILL)
        return self.process.wait()

    def stop(self, within=15.0):
        """SIGTERM; returns the exit code."""
        if not self.is_alive():
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop within {within:g} s of SIGTERM\n{self.tail()}") from None

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def tail(self, lines=30):
        """Returns the end of the server's log, for a failure's message."""
        if not self.log.exists():
            return "(no log)"
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(f"    | {line}" for line in text)


def clean_environment():
    """Returns the environment without what configures a server or a client of one."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("LAMPFIELD_", "RC_"))}


def read_env_file(path):
    """Reads `NAME=value` lines as a shell would, with or without `export`."""
    settings = {}
    for words in (shlex.split(line, comments=True) for line in path.read_text().splitlines()):
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                settings[name] = value
    return settings
