"""The daemon is killed at every boundary of a purge and a compaction; the next start finishes what was begun, or undoes it."""

import shutil
import threading
import time

import pytest

from daemon import Daemon
from resp import Closed, Connection, Refused, frame
from test_purges import OLD, idle, wait_for
from vault import body_keys

import os as _os

_deep = pytest.mark.skipif("ANNALS_DEEP" not in _os.environ, reason="takes long; ANNALS_DEEP=1 runs it")
pytestmark = _deep


PURGE = ["purge-intended", "evacuate-key-made", "evacuate-slice", "evacuated", "shred-begun"]
SHRED = ["rootStaged", "keyringWritten", "keyringRenamed", "keyringSwapped", "rootOverwritten", "rootAdopted", "keyringOverwritten",
         "keyringRemoved", "keysWiped"]
AFTER = ["shredded", "purge-receipt", "reclaim-slice", "reclaimed"]
COMPACT = ["copyBegun", "sliceCopied", "copied", "compared", "lockMovedAside", "renamed", "swapped", "cleaned"]
POINTS = PURGE + ["shred-" + step for step in SHRED] + AFTER + ["compact-" + step for step in COMPACT]

# From where the keys are gone, whatever happens.
DECIDED = POINTS.index("shred-keyringSwapped")
COUNT = 120
BROKEN = (Closed, BrokenPipeError, ConnectionResetError, ConnectionRefusedError, FileNotFoundError)


def body(number):
    return f"message {number} ".encode() * 100


@pytest.fixture
def filled(make_daemon):
    """A daemon with a partition of which every third message is held, and another partition that nobody touches."""
    # Of 100 percent, so that nothing is compacted but what the test asks for.
    daemon = make_daemon(purge_automatic="no", cool_off_hours=0, compaction_gain_percent=100).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(COUNT):
            connection.call("SEND", "t", f"c{number % 4}", f"s{number % 3}", f"m-{number}", body(number), "AT", OLD + number)
        connection.call("SEND", "t", "c", "ann", "live", "stays")
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s1", "MATTER", "7", "REASON", "court")
        connection.call("DIGEST")
    assert daemon.stop() == 0
    return daemon


def run_to_the_end(daemon):
    """Plans and runs; returns whether the daemon was there to answer."""
    with Connection(daemon.socket) as connection:
        try:
            connection.call("HELLO", 3)
            plan = connection.call("PURGE.PLAN")
            if plan["messages"]:
                connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
            wait_for(lambda: connection.call("PARTITIONS")[0]["purged"] == COUNT * 2 // 3)
            idle(connection)
            connection.call("COMPACT", "ALL", "MINGAIN", 0)
            return True
        except BROKEN:
            return False


def states(connection):
    found = {}
    for number in range(COUNT):
        message = connection.call("MESSAGE.HISTORY", "t", f"m-{number}", "REASON", "audit")["message"]
        found[number] = (message["state"], message["body"])
    return found


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(filled, point, monkeypatch):
    daemon = filled
    monkeypatch.setenv("ANNALS_FAIL_POINT", point)
    keys_before = body_keys(daemon.data)
    daemon.start()
    run_to_the_end(daemon)
    # What upkeep does by itself may come behind the last answer.
    daemon.wait_until_killed(point)
    monkeypatch.delenv("ANNALS_FAIL_POINT")
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        idle(connection)
        purges = connection.call("PURGE.LIST")
        assert connection.call("PURGE.STATUS")["open-intents"] == 0
        found = states(connection)
        isGone = POINTS.index(point) >= DECIDED
        if point == "shred-keyringRenamed":
            isGone = found[0][0] == b"purged"  # The name was not durable: after a power failure it may be either.
        for number in range(COUNT):
            if number % 3 == 1:
                assert found[number] == (b"expired", body(number)), "held, and lost"
            else:
                assert found[number] == ((b"purged", None) if isGone else (b"expired", body(number)))
        assert [purge["outcome"] for purge in purges] == [b"destroyed" if isGone else b"withdrawn"]
        assert connection.call("MESSAGE.GET", "t", "live")["body"] == b"stays"
        keys = body_keys(daemon.data)
        if isGone:
            assert min(keys_before) not in keys, "a key is left that a receipt calls destroyed"
        with pytest.raises(Refused):
            connection.call("PURGE.RUN", "0000000000000000", "CONFIRM", 1)
    # The second try goes through, and everything is as if nothing had happened.
    assert run_to_the_end(daemon)
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        found = states(connection)
        assert [number for number in found if found[number][0] == b"purged"] == [n for n in range(COUNT) if n % 3 != 1]
        assert all(found[number] == (b"expired", body(number)) for number in range(1, COUNT, 3))
        digest = connection.call("DIGEST")["digest"].decode()
    assert daemon.stop() == 0
    assert digest in daemon.run("digest")
    daemon.run("rebuild")
    assert digest in daemon.run("digest")
    assert sorted(path.name for path in (daemon.data / "vault").iterdir()) == ["keyring", "root.key"]


@pytest.mark.parametrize("point", ["compact-" + step for step in COMPACT])
def test_killed_while_it_compacts_by_itself(filled, point, monkeypatch):
    """At the start, of what was written to before, or behind the purge: whatever comes first."""
    daemon = filled
    daemon.settings["compaction_gain_percent"] = 1
    monkeypatch.setenv("ANNALS_FAIL_POINT", point)
    daemon.start(wait=False)
    try:
        daemon.wait_until_ready()
        run_to_the_end(daemon)
    except AssertionError:
        pass  # It was gone before it listened.
    daemon.wait_until_killed(point)
    monkeypatch.delenv("ANNALS_FAIL_POINT")
    daemon.start()
    assert run_to_the_end(daemon)
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        found = states(connection)
    assert found == {number: (b"expired", body(number)) if number % 3 == 1 else (b"purged", None) for number in range(COUNT)}
    assert not list((daemon.data / "partitions").glob("*compact*"))
    assert daemon.stop() == 0


# Large enough that each step has several slices.

LARGE = 5_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The data folder of a daemon with one large partition, every third message of which is held."""
    daemon = Daemon(purge_automatic="no", compaction_gain_percent=100)
    try:
        daemon.start()
        with Connection(daemon.socket) as connection:
            for start in range(0, LARGE, 500):
                numbers = range(start, start + 500)
                connection.send_bytes(b"".join(
                    frame("SEND", "t", f"c{number % 4}", f"s{number % 3}", f"m-{number}", body(number), "AT", OLD + number)
                    for number in numbers))
                for _ in numbers:
                    connection.answer()
            connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s1", "MATTER", "7", "REASON", "court")
        assert daemon.stop() == 0
        folder = tmp_path_factory.mktemp("large")
        shutil.copytree(daemon.data, folder / "data")
        yield folder / "data"
    finally:
        daemon.clean_up()


DUE = sum(number % 3 != 1 for number in range(LARGE))


def purge_large(connection):
    plan = connection.call("PURGE.PLAN")
    if plan["messages"]:
        assert plan["messages"] == DUE
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", DUE)
    wait_for(lambda: connection.call("PARTITIONS")[0]["purged"] == DUE)
    idle(connection)
    connection.call("COMPACT", "ALL", "MINGAIN", 0)


def check_large(connection):
    """Every survivor byte for byte, and nothing of the others."""
    bodies = {}
    for start in range(0, LARGE, 500):
        numbers = range(start, start + 500)
        connection.send_bytes(b"".join(frame("MESSAGE.HISTORY", "t", f"m-{number}", "REASON", "audit") for number in numbers))
        for number in numbers:
            bodies[number] = connection.answer()["message"]["body"]
    assert bodies == {number: body(number) if number % 3 == 1 else None for number in range(LARGE)}


@pytest.mark.parametrize("points", [
    ["evacuate-slice:2"], ["evacuate-key-made:2"], ["evacuate-slice", "evacuate-slice:2", "shred-rootOverwritten"],
    ["reclaim-slice:2"], ["shredded", "reclaim-slice:2", "reclaimed"], ["compact-sliceCopied:2", "compact-sliceCopied:2"],
    ["shred-keyringSwapped", "reclaim-slice", "compact-renamed"], ["purge-receipt", "compact-swapped"]], ids=" ".join)
def test_killed_again_and_again(make_daemon, large, points, monkeypatch):
    """Each start is killed at a later point of what the one before left."""
    daemon = make_daemon(purge_automatic="no", compaction_gain_percent=100)
    shutil.copytree(large, daemon.data)
    for point in points:
        monkeypatch.setenv("ANNALS_FAIL_POINT", point)
        daemon.start(wait=False)
        try:
            daemon.wait_until_ready()
            with Connection(daemon.socket) as connection:
                connection.call("HELLO", 3)
                purge_large(connection)
        except (*BROKEN, AssertionError):
            pass
        daemon.wait_until_killed(point)
    monkeypatch.delenv("ANNALS_FAIL_POINT")
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        purge_large(connection)
        check_large(connection)
        digest = connection.call("DIGEST")["digest"].decode()
        assert connection.call("STATS")["keys"] == len(body_keys(daemon.data)) == 1
    assert daemon.stop() == 0
    daemon.run("rebuild")
    assert digest in daemon.run("digest")


# At no point that has a name.

class Appends(threading.Thread):
    """Sends old and new messages while somebody purges, and remembers what was answered."""

    def __init__(self, daemon, name):
        super().__init__()
        self.daemon_socket, self.prefix, self.answered = daemon.socket, name, []

    def run(self):
        try:
            with Connection(self.daemon_socket) as connection:
                for number in range(100_000):
                    name = f"{self.prefix}-{number}"
                    words = ["AT", OLD + number] if number % 2 else []
                    connection.call("SEND", "t", "c", f"s{number % 3}", name, f"body of {name}", *words)
                    self.answered.append((name, number))
        except BROKEN:
            pass


@pytest.mark.parametrize("automatic", ["no", "yes"])
def test_killed_at_any_moment_of_purges_under_load(make_daemon, dice, automatic):
    """New messages live, held ones stay, old ones are gone only if a receipt says so: together as many as the receipts tell."""
    daemon = make_daemon(purge_automatic=automatic, compaction_gain_percent=1)
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s1", "MATTER", "7", "REASON", "court")
    daemon.stop()
    sent = []
    for turn in range(10):
        daemon.start()
        load = Appends(daemon, f"m{turn}")
        load.start()
        moment = time.monotonic() + 0.05 + dice.random()
        killer = threading.Timer(moment - time.monotonic(), daemon.process.kill)
        killer.start()
        try:
            with Connection(daemon.socket) as connection:
                connection.call("HELLO", 3)
                while True:
                    plan = connection.call("PURGE.PLAN")
                    try:
                        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
                    except Refused as refused:
                        assert refused.code in ("CONFLICT", "BUSY")
        except BROKEN:
            pass
        killer.join()
        load.join()
        assert daemon.wait() == -9
        sent += load.answered
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        idle(connection)
        assert connection.call("PURGE.STATUS")["open-intents"] == 0
        connection.call("DIGEST")
        gone = 0
        for name, number in sent:
            message = connection.call("MESSAGE.HISTORY", "t", name, "REASON", "audit")["message"]
            if message["body"] is None:
                assert number % 2 == 1 and number % 3 != 1 and message["state"] == b"purged", name
                gone += 1
            else:
                assert message["body"] == f"body of {name}".encode()
        receipts = connection.call("PURGE.LIST", "COUNT", 10_000)
        told = sum(receipt["messages"] for receipt in receipts if receipt["outcome"] == b"destroyed")
        purged = sum(partition["purged"] for partition in connection.call("PARTITIONS"))
        print(f"{len(sent)} sent, {gone} of them gone, {told} by receipts")
        # One that was sent and never answered may be among them, one for each time.
        assert told == purged and gone <= told <= gone + 10
        assert connection.call("STATS")["keys"] == len(body_keys(daemon.data))
        digest = connection.call("DIGEST")["digest"].decode()
    assert daemon.stop() == 0
    daemon.run("rebuild")
    assert digest in daemon.run("digest")
