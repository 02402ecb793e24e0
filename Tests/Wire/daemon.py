"""A daemon of one's own: on a folder and a socket of its own, ended by the process id that was started."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ANNALSD = os.environ.get("ANNALSD", str(ROOT / ".build-release/release/annalsd"))
ANNALS = os.environ.get("ANNALS", str(ROOT / ".build-release/release/annals"))

START_SECONDS = 30
STOP_SECONDS = 60


class Daemon:
    """`annalsd` with a data folder that outlives its process: it can be killed and started again."""

    def __init__(self, **settings):
        # Not pytest's own folder: a socket's path may have 107 bytes at most.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="annals-"))
        self.data = self.folder / "data"
        self.socket = self.folder / "socket"
        self.log = self.folder / "log"
        self.settings = settings
        self.process = None

    def start(self, wait=True, **settings):
        """Starts it; returns when it takes connections."""
        assert self.process is None, "it runs already"
        flags = []
        for name, value in {**self.settings, **settings}.items():
            flags += ["--" + name.replace("_", "-"), str(value)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [ANNALSD, "--data", self.data, "--socket", self.socket, *flags], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, f"annalsd ended with {self.process.returncode}:\n{self.log_text()}"
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                    probe.connect(str(self.socket))
                    return
            except (FileNotFoundError, ConnectionRefusedError):
                assert time.monotonic() < deadline, f"annalsd does not listen:\n{self.log_text()}"
                time.sleep(0.002)

    def stop(self):
        """Asks it to stop, and waits until it has. Returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        code = self.process.wait(STOP_SECONDS)
        self.process = None
        return code

    def kill(self):
        """Ends it as a power failure would, as far as the process is concerned."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def wait_until_killed(self, point):
        """Returns when the fail point has ended it, as a power failure would."""
        assert self.process.wait(30) == -9, f"{point} was not reached"
        self.process = None

    def clean_up(self):
        try:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, command, *flags):
        """`annalsd rebuild` or `annalsd digest` on the data folder; the daemon must not be running. Returns what it printed."""
        done = subprocess.run([ANNALSD, command, "--data", self.data, *flags], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"annalsd {command} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def memory_bytes(self):
        """Memory of its own: without the mapped pages of LMDB's files, which the system takes back when it needs them."""
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no RssAnon")


def annals(daemon, *words, check=True, stdin=None):
    """The command line of people."""
    environment = {**os.environ, "ANNALS_SOCKET": str(daemon.socket)}
    done = subprocess.run([ANNALS, *map(str, words)], capture_output=True, text=True, timeout=600, env=environment, input=stdin)
    if check:
        assert done.returncode == 0, f"annals {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done
