"""What the tests of full disks, hostile clients, clocks and kills share: daemons of their own, a load that remembers, and the verdict at the end."""

import collections
import os
import random
import subprocess
import threading
import time

import pytest

from daemon import ANNALS, Daemon
from resp import Closed, Connection, Refused, frame

MIB = 1 << 20
OLD_DAY = 1_517_616_000_000  # 2018-02-03: what is of it has expired.
BROKEN = (Closed, BrokenPipeError, ConnectionResetError, ConnectionRefusedError, FileNotFoundError)


@pytest.fixture
def make_daemon():
    """Makes daemons with settings of their own, not started yet; all are gone after the test."""
    made = []

    def make(kind=Daemon, **settings):
        made.append(kind(**settings))
        return made[-1]

    yield make
    for daemon in made:
        if "ANNALS_SHOW_LOGS" in os.environ:
            print(daemon.process and daemon.process.poll(), daemon.log_text())
        daemon.clean_up()


@pytest.fixture
def dice():
    """A random number generator whose seed is printed, and taken back from ANNALS_SEED."""
    seed = int(os.environ.get("ANNALS_SEED", time.time_ns() % 1_000_000_007))
    print(f"ANNALS_SEED={seed}")
    return random.Random(seed)


def wait_for(question, seconds=30, what="it does not come"):
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return answer


def verify(daemon):
    """The folder of a stopped daemon is sound, bodies included. Returns what was printed."""
    assert daemon.process is None
    done = subprocess.run([ANNALS, "audit", "verify", daemon.data, "--bodies"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stop_and_verify(daemon):
    assert daemon.stop() == 0, daemon.log_text()
    return verify(daemon)


def greeted(daemon, timeout=30):
    connection = Connection(daemon.socket, timeout)
    connection.call("HELLO", 3)
    return connection


class Load(threading.Thread):
    """A client that pipelines appends, and remembers which were answered with a position and which were refused."""

    def __init__(self, daemon, name, width=16, bytes=1000, times=(None,)):
        super().__init__(daemon=True)
        self.path, self.conversation, self.width, self.bytes, self.times = daemon.socket, name, width, bytes, times
        self.answered = {}
        self.refused = {}
        self.codes = collections.Counter()
        self.stopping = threading.Event()
        self.error = None

    def run(self):
        try:
            with Connection(self.path) as connection:
                number = 0
                while not self.stopping.is_set():
                    self.send(connection, [f"{self.conversation}-{number + offset}" for offset in range(self.width)])
                    number += self.width
        except BROKEN:
            pass
        except Exception as error:  # Told by the test's own thread.
            self.error = error

    def send(self, connection, names):
        connection.send_bytes(b"".join(self.frame_of(name) for name in names))
        for name in names:
            value = connection.read()
            if isinstance(value, Refused):
                self.refused[name] = value.code
                self.codes[value.code] += 1
            else:
                assert value not in self.answered, f"{value} was given twice"
                self.answered[value] = name
        if self.refused and names[-1] in self.refused:
            time.sleep(0.002)

    def frame_of(self, name):
        at = self.times[sum(name.encode()) % len(self.times)]
        words = ("SEND", "t", self.conversation, "ada", name, body_of(name, self.bytes))
        return frame(*words, *(() if at is None else ("AT", at)))

    def finish(self):
        self.stopping.set()
        self.join(60)
        assert not self.is_alive() and self.error is None, self.error


def body_of(name, size):
    """Told by the id, and of no pattern that a disk could make smaller."""
    return random.Random(name).randbytes(size)


def check_nothing_lost(connection, loads, others=0):
    """Positions have no gap; what was answered is there, at its position, with its body; what was refused is not. Returns the log's end."""
    names, end = {}, 0
    for event in all_events(connection):
        end += 1
        assert event["position"] == end, "positions have no gap"
        if event["kind"] == b"send":
            names[end] = event["message-id"].decode()
    known = set(names.values())
    for load in loads:
        for position, name in load.answered.items():
            assert names.get(position) == name, f"{name} was answered with {position}"
        assert not known & load.refused.keys(), "what was refused is in the log"
    return end


def check_bodies(connection, load, share=1, audited=False):
    """Each of them, or a sample, has the body that was sent as long as it may be read. An auditor reads more, and his reading is an event.
    Returns how many were of each state."""
    states = collections.Counter()
    for name in list(load.answered.values())[::share]:
        if audited:
            message = connection.call("MESSAGE.HISTORY", "t", name, "REASON", "test")["message"]
        else:
            message = connection.call("MESSAGE.GET", "t", name)
        states[message["state"].decode()] += 1
        if message["state"] == b"visible" or audited and message["state"] == b"expired":
            assert message["body"] == body_of(name, load.bytes), name
    return states


def all_events(connection, start=1):
    while page := connection.call("EVENTS.READ", "FROM", start, "COUNT", 10_000):
        yield from page
        start = page[-1]["position"] + 1
