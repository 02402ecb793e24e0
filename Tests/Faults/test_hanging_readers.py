"""Readers of a partition that hang or die: they may not make its file grow without bound, and the daemon says who they are.

`ANNALS_READER_FOLDS` says through how many folds they hold on to it (40; deep: 1000).
"""

import os
import signal
import subprocess
import sys

import pytest

from daemon import ANNALS
from hostile import MIB, greeted, make_daemon, stop_and_verify, wait_for
from resp import Connection

lmdb = pytest.importorskip("lmdb")
FOLDS = int(os.environ.get("ANNALS_READER_FOLDS", 40))
SETTINGS = {"fold_ms": 600_000, "purge_automatic": "no", "upkeep_seconds": 1, "reader_growth_bytes": MIB}

# Takes snapshots of a partition as any reader of LMDB does, says so, and lets go of them when its input ends.
READER = """
import lmdb, sys
env = lmdb.open(sys.argv[1], subdir=False, readonly=True, lock=True, max_dbs=32, max_readers=126)
held = []
try:
    for _ in range(int(sys.argv[2])):
        held.append(env.begin())
except lmdb.ReadersFullError:
    pass
print(len(held), flush=True)
sys.stdin.read()
for snapshot in held:
    snapshot.abort()
env.close()
"""


@pytest.fixture
def reader():
    """Starts processes that hold snapshots of a partition; all are ended."""
    started = []

    def start(path, count=1):
        process = subprocess.Popen([sys.executable, "-c", READER, str(path), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert int(process.stdout.readline()) > 0
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def partition_of(daemon):
    path, = (daemon.data / "partitions").glob("*.mdb")
    return path


def fold(connection, tag, count):
    """So many folds, each of a few messages whose names are spread over the indexes."""
    for turn in range(count):
        for number in range(20):
            connection.call("SEND", "t", f"c-{hash((tag, turn, number)) % 997}", "ada", "*", "x" * 200)
        connection.call("DIGEST")


def disk_bytes(path):
    return path.stat().st_blocks * 512


def growth(connection, path, tag):
    before = disk_bytes(path)
    fold(connection, tag, FOLDS)
    return disk_bytes(path) - before


def begun(make_daemon, **more):
    daemon = make_daemon(**SETTINGS | more).start()
    connection = greeted(daemon)
    for number in range(3000):
        connection.send("SEND", "t", f"c-{number % 997}", "ada", "*", "x" * 200)
    for _ in range(3000):
        connection.answer()
    fold(connection, "warm", 10)
    return daemon, connection, partition_of(daemon)


def slots(path):
    """The processes that have a slot in a partition's lock file, as LMDB lists them."""
    with lmdb.open(str(path), subdir=False, readonly=True, lock=True, max_dbs=32) as env:
        lines = env.readers().splitlines()[1:]
    return [int(line.split()[0]) for line in lines if line.strip() and line.split()[0].isdigit()]


def test_the_daemon_works_on_beside_a_reader_that_was_stopped(make_daemon, reader):
    """Appends, folds and reads go on, and nothing is lost; what it costs is printed."""
    daemon, connection, path = begun(make_daemon, reader_growth_bytes=1 << 40)
    alone = growth(connection, path, "alone")
    process = reader(path)
    process.send_signal(signal.SIGSTOP)
    held = growth(connection, path, "held")
    assert process.pid in slots(path)
    process.send_signal(signal.SIGCONT)
    process.stdin.close()
    assert process.wait(30) == 0
    after = growth(connection, path, "after")
    connection.close()
    stop_and_verify(daemon)
    print(f"hanging reader: {FOLDS} folds grow the file by {alone} bytes alone, by {held} beside a stopped reader, by {after} behind it")
    # It ended by itself, so its slot is free, and what it kept is used again.
    assert after < max(alone, MIB) * 2


def is_sane(alone, held):
    return held < 3 * max(alone, MIB)


def test_beside_a_reader_that_was_stopped_the_file_has_a_bound(make_daemon, reader):
    """It keeps the file that it reads, without its name, and the partition goes on in another one, which does not grow by it."""
    daemon, connection, path = begun(make_daemon)
    alone = growth(connection, path, "alone")
    process = reader(path)
    process.send_signal(signal.SIGSTOP)
    first = path.stat().st_ino
    for turn in range(200):
        fold(connection, f"held-{turn}", 5)
        if path.stat().st_ino != first:
            break
    assert path.stat().st_ino != first and process.pid not in slots(path), daemon.log_text()
    assert is_sane(alone, growth(connection, path, "behind"))
    stop_and_verify(daemon)


def test_the_daemon_says_who_holds_a_partition(make_daemon, reader):
    # On a busy machine the partition would be compacted away from it before anybody has asked.
    daemon, connection, path = begun(make_daemon, reader_growth_bytes=1 << 40)
    process = reader(path)
    process.send_signal(signal.SIGSTOP)
    fold(connection, "held", FOLDS)
    sentence = f"process {process.pid} keeps a snapshot of {path}"
    wait_for(lambda: sentence in str(connection.call("STATS")["hanging-reader"]), 30, "nobody says who holds it")
    assert sentence in daemon.log_text()
    process.send_signal(signal.SIGCONT)
    process.stdin.close()
    wait_for(lambda: connection.call("STATS")["hanging-reader"] is None, 30, "nobody says that it has gone")


def killed(path, reader, count=1):
    process = reader(path, count)
    process.kill()
    process.wait()
    return process.pid


def test_the_slot_of_a_reader_that_was_killed_is_freed(make_daemon, reader):
    daemon, connection, path = begun(make_daemon)
    pid = killed(path, reader)
    fold(connection, "dead", FOLDS)
    wait_for(lambda: pid not in slots(path), 30, "the slot is still taken")


def test_behind_a_reader_that_was_killed_the_file_has_a_bound(make_daemon, reader):
    daemon, connection, path = begun(make_daemon)
    alone = growth(connection, path, "alone")
    pid = killed(path, reader)
    wait_for(lambda: pid not in slots(path), 30, "the slot is still taken")
    assert is_sane(alone, growth(connection, path, "dead"))


def test_a_restart_frees_dead_slots(make_daemon, reader):
    daemon, connection, path = begun(make_daemon)
    pid = killed(path, reader)
    assert pid in slots(path)
    connection.close()
    assert daemon.stop() == 0
    daemon.start()
    with greeted(daemon) as connection:
        fold(connection, "again", 2)
        assert pid not in slots(path)
    stop_and_verify(daemon)


def test_as_many_dead_readers_as_there_are_slots(make_daemon, reader):
    """Then the daemon clears them away itself, and serves on."""
    daemon, connection, path = begun(make_daemon)
    pid = killed(path, reader, 1000)
    fold(connection, "full", 5)
    assert connection.call("TIMELINE", "t", "c-1", "VIEWER", "ben")["messages"]
    assert pid not in slots(path)
    connection.close()
    stop_and_verify(daemon)


def test_as_many_hanging_readers_as_there_are_slots(make_daemon, reader):
    """They are another process's, of the same user. Whatever the daemon answers meanwhile, it goes on when they are gone."""
    daemon, connection, path = begun(make_daemon)
    process = reader(path, 1000)
    process.send_signal(signal.SIGSTOP)
    with Connection(daemon.socket) as other:
        for number in range(20):
            other.send("SEND", "t", "c-1", "ada", f"held-{number}", "x")
        other.send("DIGEST")
        answers = [other.read() for _ in range(21)]
    process.kill()
    process.wait()
    assert connection.call("STATS")["writable"], (answers[-1], daemon.log_text())
    fold(connection, "after", 2)


def test_a_verification_that_was_stopped_or_killed(make_daemon):
    """`annals audit verify`, stopped wherever it was, then killed: the daemon folds and answers on, and the log is sound."""
    daemon, connection, path = begun(make_daemon)
    caught = 0
    for turn in range(10):
        verification = subprocess.Popen([ANNALS, "audit", "verify", daemon.data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: verification.pid in slots(path) or verification.poll() is not None)
            verification.send_signal(signal.SIGSTOP)
            caught += verification.pid in slots(path)
            fold(connection, f"v{turn}", 2)
            assert connection.call("TIMELINE", "t", "c-1", "VIEWER", "ben")["messages"]
        finally:
            verification.kill()
            verification.wait()
    connection.close()
    stop_and_verify(daemon)
    print(f"hanging reader: audit verify stopped and killed 10 times, {caught} times with a slot of the partition")
