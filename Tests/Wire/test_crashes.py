"""`kill -9` in the middle of a load: what was answered is there, with its body, and positions have no gap."""

import os
import subprocess
import threading
import time

import pytest

from daemon import ANNALSD
from resp import Closed, Connection, as_map, frame

ROUNDS = int(os.environ.get("ANNALS_KILL_ROUNDS", 50))
CLIENTS = 3


def body_of(name):
    """Told by the id, of varied length: so nothing but the id need be remembered."""
    seed = sum(name.encode()) * 2_654_435_761 % 1_000
    return (f"body of {name} " * (1 + seed // 10))[: 20 + seed]


class Load(threading.Thread):
    """A client that pipelines appends until the connection breaks, and remembers what was answered."""

    def __init__(self, daemon, name, width):
        super().__init__()
        self.daemon_socket = daemon.socket
        self.name_prefix = name
        self.width = width
        self.answered = {}
        self.begun = threading.Event()
        self.error = None

    def run(self):
        try:
            with Connection(self.daemon_socket) as connection:
                self.send_all(connection)
        except (Closed, BrokenPipeError, ConnectionResetError, ConnectionRefusedError, FileNotFoundError):
            pass
        except Exception as error:  # Told by the test's own thread.
            self.error = error
        finally:
            self.begun.set()

    def send_all(self, connection):
        number = waiting = 0
        names = []
        while True:
            frames = []
            while waiting + len(frames) < self.width:
                name = f"{self.name_prefix}-{number}"
                names.append(name)
                frames.append(frame("SEND", "t", self.name_prefix, "ada", name, body_of(name)))
                number += 1
            connection.send_bytes(b"".join(frames))
            waiting += len(frames)
            # Half of them, so that the pipe never runs dry.
            for _ in range(max(1, waiting // 2)):
                position = connection.answer()
                self.answered[position] = names[number - waiting]
                waiting -= 1
            self.begun.set()


def events_from(connection, position):
    while events := connection.call("EVENTS.READ", "FROM", position, "COUNT", 10_000):
        yield from events
        position = events[-1]["position"] + 1


def bodies_of(connection, conversation):
    """Position and body of every message, by id."""
    cursor = "-"
    while cursor is not None:
        page = connection.call("TIMELINE", "t", conversation, "VIEWER", "ben", "AFTER", cursor, "COUNT", 1000)
        for message in page["messages"]:
            yield message["id"].decode(), message["position"], message["body"].decode()
        cursor = page["next"]


def check(connection, loads, known):
    """What the log has behind `known`, against what the clients were answered. Returns the log's end."""
    at = {}
    for event in events_from(connection, known + 1):
        assert event["position"] == known + 1 + len(at), "positions have no gap"
        at[event["position"]] = event["message-id"].decode()
    for load in loads:
        assert load.error is None, load.error
        for position, name in load.answered.items():
            assert at.get(position) == name, f"{name} was answered with {position}"
        found = list(bodies_of(connection, load.name_prefix))
        assert {name: position for name, position, _ in found} == {
            name: position for position, name in at.items() if name.startswith(load.name_prefix + "-")}
        assert all(body == body_of(name) for name, _, body in found)
    return known + len(at)


def settings_for(dice):
    """Small segments and folds of all sizes, so that the journal is recycled and the fold is met at work."""
    return {
        "journal_segment_bytes": 1 << 20, "batch_bytes_max": 1 << dice.choice([14, 16, 18]), "fold_ms": dice.choice([1, 5, 50, 1000]),
        "fold_bytes": 1 << dice.choice([12, 16, 20])}


def test_kill_in_the_middle_of_a_load(make_daemon, dice):
    daemon = make_daemon()
    known = answered = 0
    for round_number in range(ROUNDS):
        daemon.start(**settings_for(dice))
        loads = [Load(daemon, f"r{round_number}c{number}", dice.choice([1, 16, 256])) for number in range(CLIENTS)]
        for load in loads:
            load.start()
        for load in loads:
            load.begun.wait(10)
        time.sleep(dice.uniform(0, 0.25))
        daemon.kill()
        for load in loads:
            load.join(30)
        answered += sum(len(load.answered) for load in loads)
        if dice.random() < 0.4:
            # Once more while it recovers.
            daemon.start(wait=False)
            time.sleep(dice.uniform(0, 0.03))
            daemon.kill()
        daemon.start()
        with Connection(daemon.socket) as connection:
            connection.call("HELLO", 3)
            known = check(connection, loads, known)
            digest = connection.call("DIGEST")
        assert digest["position"] == known
        if dice.random() < 0.5:
            daemon.kill()
        else:
            assert daemon.stop() == 0
        if round_number % 10 == 9 or round_number == ROUNDS - 1:
            check_rebuilt(daemon, digest["digest"].decode())
    print(f"{ROUNDS} kills, {answered} answered, {known} in the log")
    assert answered > ROUNDS * 10


def check_rebuilt(daemon, digest):
    """The projections are what a rebuild makes of the log."""
    assert digest in daemon.run("digest")
    daemon.run("rebuild")
    assert digest in daemon.run("digest")


def test_everything_of_all_kinds_survives_a_kill(make_daemon):
    """Deletes and policies that were answered count after a crash, before they are folded and after."""
    daemon = make_daemon(fold_ms=60_000).start()
    with Connection(daemon.socket) as connection:
        sent = [connection.call("SEND", "t", "c", "ada", f"m-{n}", f"body {n}") for n in range(5)]
        deleted = connection.call("LOCALDELETE", "t", "c", "ben", "ID", "m-1", "m-2")
        cleared = connection.call("LOCALDELETE", "t", "c", "eve", "UPTO", sent[3])
        connection.call("RETENTION.SET", "TENANT", "t", "3y", "REASON", "law")
    daemon.kill()
    for fold_ms in (60_000, 1):
        daemon.start(fold_ms=fold_ms)
        with Connection(daemon.socket) as connection:
            connection.call("HELLO", 3)
            if fold_ms == 1:
                connection.call("DIGEST")

            def seen(viewer):
                return [message["id"].decode() for message in connection.call("TIMELINE", "t", "c", "VIEWER", viewer)["messages"]]

            assert seen("ben") == ["m-0", "m-3", "m-4"] and seen("eve") == ["m-4"] and len(seen("ada")) == 5
            assert connection.call("LOCALDELETE", "t", "c", "ben", "ID", "m-1") == deleted
            assert connection.call("LOCALDELETE", "t", "c", "eve", "UPTO", sent[0]) == cleared
            assert connection.call("SEND", "t", "c", "ada", "m-4", "body 4") == sent[4]
            assert as_map(connection.call("RETENTION.GET", "TENANT", "t"))["period"] == b"3y"
            history = connection.call("MESSAGE.HISTORY", "t", "m-1", "REASON", "audit")
            kinds = [event["kind"] for event in history["events"] if event["kind"] != b"access"]
            assert kinds == [b"send", b"local-delete", b"local-delete", b"retention-change"]
        daemon.kill()


@pytest.mark.parametrize("cut", ["half of the last record", "a byte of the last record", "the last page"])
def test_a_torn_end_is_dropped(make_daemon, cut):
    """As if the power had failed while the last batch was written: that batch was never answered, all before it stays."""
    daemon = make_daemon(fold_ms=600_000).start()
    with Connection(daemon.socket) as connection:
        for number in range(10):
            connection.call("SEND", "t", "c", "ada", f"m-{number}", "x" * 10_000)
    daemon.kill()
    segments = sorted((daemon.data / "journal").glob("*.aj"))
    page = 4096
    with open(segments[0], "r+b") as segment:
        data = segment.read()
        last = max(offset for offset in range(page, len(data), page) if data[offset:offset + 4] == b"ANJR")
        place = {"half of the last record": last + 2 * page, "a byte of the last record": last + 5000, "the last page": last}[cut]
        segment.seek(place)
        segment.write(b"\x00" * page if cut != "a byte of the last record" else bytes([data[place] ^ 1]))
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert [event["position"] for event in connection.call("EVENTS.READ", "FROM", 1)] == list(range(1, 10))
        assert connection.call("SEND", "t", "c", "ada", "m-9", "x" * 10_000) == 10


def test_damage_before_the_end_is_reported_and_nothing_is_changed(make_daemon):
    daemon = make_daemon(fold_ms=600_000).start()
    with Connection(daemon.socket) as connection:
        for number in range(10):
            connection.call("SEND", "t", "c", "ada", f"m-{number}", "x" * 10_000)
    daemon.kill()
    segment = sorted((daemon.data / "journal").glob("*.aj"))[0]
    data = bytearray(segment.read_bytes())
    records = [offset for offset in range(4096, len(data), 4096) if data[offset:offset + 4] == b"ANJR"]
    data[records[4] + 6000] ^= 1
    segment.write_bytes(data)
    daemon.start(wait=False)
    assert daemon.process.wait(30) == 1
    daemon.process = None
    assert "is damaged at byte" in daemon.log_text()
    assert segment.read_bytes() == data
    # Mended, it is all there.
    data[records[4] + 6000] ^= 1
    segment.write_bytes(data)
    daemon.start()
    with Connection(daemon.socket) as connection:
        assert len(connection.call("EVENTS.READ", "FROM", "1")) == 10


@pytest.fixture
def folded(make_daemon):
    """A stopped daemon's folder, folded over 20 partitions, whose journal has let go of the beginning; and its digest."""
    daemon = make_daemon(journal_segment_bytes=1 << 20, batch_bytes_max=1 << 16, journal_segments=2).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(300):
            words = ("SEND", "t", f"c{number % 7}", "ada", f"m-{number}", "x" * 15_000)
            connection.call(*words, "AT", 1_400_000_000_000 + number % 20 * 86_400_000)
            if number % 10 == 0:
                connection.call("LOCALDELETE", "t", f"c{number % 7}", "ben", "ID", f"m-{number}")
        connection.call("RETENTION.SET", "TENANT", "t", "30y", "REASON", "to be seen")
        connection.call("DIGEST")
        for number in range(300, 400):
            connection.call("SEND", "t", "c", "ada", f"m-{number}", "x" * 15_000)
        digest = connection.call("DIGEST")["digest"].decode()
    assert daemon.stop() == 0
    return daemon, digest


def test_a_rebuild_can_be_killed_and_run_again(folded, dice):
    daemon, digest = folded
    for _ in range(10):
        rebuild = subprocess.Popen([ANNALSD, "rebuild", "--data", daemon.data], stdout=subprocess.DEVNULL)
        time.sleep(dice.uniform(0, 0.15))
        rebuild.kill()
        rebuild.wait()
        assert digest in daemon.run("digest")
    daemon.run("rebuild")
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("DIGEST")["digest"].decode() == digest
        assert connection.call("SEND", "t", "c", "ada", "m-400", "next") == 432


def test_without_its_state_file_no_position_comes_back(folded):
    daemon, digest = folded
    (daemon.data / "state.mdb").unlink()
    (daemon.data / "state.mdb-lock").unlink()
    daemon.start(wait=False)
    assert daemon.process.wait(30) == 1
    daemon.process = None
    daemon.run("rebuild")
    assert digest in daemon.run("digest")


def test_a_rebuild_is_refused_while_the_daemon_runs(folded):
    daemon, _ = folded
    daemon.start()
    done = subprocess.run([ANNALSD, "rebuild", "--data", daemon.data], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "has this archive open" in done.stderr
