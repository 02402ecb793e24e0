"""A partition whose trail is over leaves the log: what goes, what stays, and what a kill at every boundary leaves behind."""

import json
import time

import pytest

from daemon import annals
from resp import Connection, Refused
from test_purges import OLD, wait_for

NAME = time.strftime("%Y-%m-%d", time.gmtime(OLD / 1000)).encode()

DAY = 86_400_000
COUNT = 60
POINTS = ["removal-drafted", "removal-logged", "removal-raised", "removal-forgotten"]


@pytest.fixture
def filled(make_daemon):
    """A daemon with an old partition, one that holds a kept message, and what is from today."""
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        connection.call("RETENTION.SET", "TENANT", "t", "CONVERSATION", "kept", "forever", "REASON", "law", "AT", OLD)
        for number in range(COUNT):
            connection.call("SEND", "t", f"c{number % 4}", f"s{number % 3}", f"m-{number}", f"message {number}", "AT", OLD + number)
        connection.call("LOCALDELETE", "t", "c1", "ben", "ID", "m-1", "m-5", "AT", OLD + 2 * COUNT)
        connection.call("SEND", "t", "kept", "ann", "old", "stays", "AT", OLD + 3 * DAY)
        connection.call("SEND", "t", "c1", "ann", "live", "stays")
        connection.call("DIGEST")
    assert daemon.stop() == 0
    return daemon


def number_of(connection, key):
    return connection.call("STATS")[key]


def removed(connection):
    wait_for(lambda: number_of(connection, "removed-partitions") == 1)
    # A tombstone may stand there before its partition is gone.
    wait_for(lambda: NAME not in [partition["partition"] for partition in connection.call("PARTITIONS")])
    wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"idle")


def expect_gone(daemon, connection):
    assert NAME not in [partition["partition"] for partition in connection.call("PARTITIONS")]
    assert connection.call("MESSAGE.GET", "t", "m-1") is None
    assert connection.call("MESSAGE.GET", "t", "old")["body"] == b"stays"
    assert connection.call("MESSAGE.GET", "t", "live")["body"] == b"stays"
    events = connection.call("EVENTS.READ", "FROM", 1, "COUNT", 1000)
    kinds = [event["kind"] for event in events]
    assert kinds.count(b"send") == 2 and kinds.count(b"local-delete") == 0
    assert kinds.count(b"retention-change") == 1 and kinds.count(b"partition-remove") == 1
    removal = next(event for event in events if event["kind"] == b"partition-remove")
    # The change of the conversation's policy lies there, too, and stays.
    assert (removal["events"], removal["messages"]) == (COUNT + 2, COUNT)
    assert connection.call("RETENTION.GET", "TENANT", "t", "CONVERSATION", "kept")["period"] == b"forever"
    assert sorted(path.name for path in (daemon.data / "partitions").iterdir() if NAME.decode() in path.name) == [NAME.decode() + ".tombstone"]


def test_a_partition_leaves(filled):
    daemon = filled.start(trail_period="184d")
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        removed(connection)
        expect_gone(daemon, connection)
        digest = connection.call("DIGEST")["digest"].decode()
        # What comes into that time again is kept like anything else.
        with pytest.raises(Refused) as refusal:
            connection.call("MESSAGE.GET", "t", "live", "ASOF", "#3")
        assert "has left the log" in str(refusal.value)
    assert b"message 7" not in b"".join(path.read_bytes() for path in (daemon.data / "partitions").iterdir())
    assert b"m-7" not in b"".join(path.read_bytes() for path in (daemon.data / "partitions").iterdir())
    assert daemon.stop() == 0
    daemon.run("rebuild")
    assert digest in daemon.run("digest")


def kill_at(daemon, point, monkeypatch):
    monkeypatch.setenv("ANNALS_FAIL_POINT", point)
    daemon.start(trail_period="184d", wait=False)
    daemon.wait_until_killed(point)
    monkeypatch.delenv("ANNALS_FAIL_POINT")


def expect_finished(daemon):
    """The next start finishes the removal, and the state is what a rebuild makes."""
    daemon.start(trail_period="184d")
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        removed(connection)
        expect_gone(daemon, connection)
        assert connection.call("PURGE.STATUS")["last-error"] is None
        digest = connection.call("DIGEST")["digest"].decode()
    assert daemon.stop() == 0
    assert not list((daemon.data / "partitions").glob("*.new"))
    daemon.run("rebuild")
    assert digest in daemon.run("digest")


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(filled, point, monkeypatch):
    kill_at(filled, point, monkeypatch)
    expect_finished(filled)


@pytest.mark.parametrize("point", POINTS[1:])
def test_rebuilt_where_it_was_killed(filled, point, monkeypatch):
    """A rebuild between kill and start finds a tombstone without its place, or a file without its right to be there."""
    kill_at(filled, point, monkeypatch)
    filled.run("rebuild")
    expect_finished(filled)


def test_a_trail_is_kept_for_ever_unless_somebody_decides(filled):
    daemon = filled.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        wait_for(lambda: connection.call("PARTITIONS")[0]["purged"] == COUNT)
        wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"idle")
        assert connection.call("STATS")["removed-partitions"] == 0
        assert connection.call("MESSAGE.HISTORY", "t", "m-1", "REASON", "audit")["message"]["state"] == b"purged"
    assert "removed partitions" in annals(daemon, "status").stdout
    assert json.loads(annals(daemon, "status", "--json").stdout)["removed-partitions"] == 0


def test_a_lost_tombstone_is_missed(filled):
    daemon = filled.start(trail_period="184d")
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        removed(connection)
        connection.call("DIGEST")
    assert daemon.stop() == 0
    next((daemon.data / "partitions").glob("*.tombstone")).unlink()
    daemon.start(wait=False)
    assert daemon.process.wait(30) == 1
    daemon.process = None
    assert "is not there, though the log has events in it" in daemon.log_text()
