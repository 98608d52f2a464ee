"""A small file system of its own for one test: a tmpfs that can be filled to the last block."""

import ctypes
import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

INSIDE = "LAMPFIELD_INSIDE_OWN_NAMESPACE"


class SmallDisk:
    """Mounts a tmpfs; a context manager. Needs root, or a user namespace (see `enter_namespace`)."""

    def __init__(self, mebibytes):
        self.size = mebibytes << 20
        self.path = None

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="lampfield-disk-"))
        options = f"size={self.size}".encode()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"tmpfs", str(self.path).encode(), b"tmpfs", 0, options) != 0:
            number = ctypes.get_errno()
            self.path.rmdir()
            raise OSError(number, f"cannot mount a small tmpfs: {os.strerror(number)}")
        return self

    def fill(self):
        """Writes until not one byte more goes in."""
        with open(self.path / "filler", "ab", buffering=0) as filler:
            for size in (1 << 20, 1 << 16, 1 << 12, 1):
                try:
                    while True:
                        filler.write(b"\0" * size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free_bytes(self):
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_frsize

    def make_room(self):
        (self.path / "filler").unlink()

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", str(self.path)], check=False)
        try:
            self.path.rmdir()
        except OSError:
            pass


def may_mount():
    """Tells whether this process may mount a tmpfs."""
    try:
        with SmallDisk(1):
            return True
    except OSError:
        return False


def run_in_namespace(test_name):
    """Runs one test again, as root of a user namespace; returns its exit code and what it printed,
    or None if that is impossible."""
    if os.environ.get(INSIDE):
        return None
    command = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        if subprocess.run([*command, "true"], check=False, stderr=subprocess.DEVNULL).returncode:
            return None
    except FileNotFoundError:
        return None
    run = subprocess.run(
        [*command, sys.executable, "-m", "unittest", test_name], check=False, text=True,
        cwd=Path(__file__).parent, env={**os.environ, INSIDE: "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    return run.returncode, "".join(f"    {line}\n" for line in run.stdout.splitlines())
