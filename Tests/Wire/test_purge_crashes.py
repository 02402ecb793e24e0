"""The daemon is killed at every boundary of a purge and a compaction; the next start finishes what was begun, or undoes it."""

import pytest

from resp import Closed, Connection, Refused
from test_purges import OLD, idle, wait_for
from vault import body_keys

PURGE = ["purge-intended", "evacuate-key-made", "evacuate-slice", "evacuated", "shred-begun"]
SHRED = ["rootStaged", "keyringWritten", "keyringRenamed", "keyringSwapped", "rootOverwritten", "rootAdopted", "keyringOverwritten",
         "keyringRemoved", "keysWiped"]
AFTER = ["shredded", "purge-receipt", "reclaim-slice", "reclaimed"]
COMPACT = ["copyBegun", "sliceCopied", "copied", "compared", "lockMovedAside", "renamed", "swapped", "cleaned"]
POINTS = PURGE + ["shred-" + step for step in SHRED] + AFTER + ["compact-" + step for step in COMPACT]

# From where the keys are gone, whatever happens.
DECIDED = POINTS.index("shred-keyringSwapped")
COUNT = 120


def body(number):
    return f"message {number} ".encode() * 100


@pytest.fixture
def filled(make_daemon):
    """A daemon with a partition of which every third message is held, and another partition that nobody touches."""
    daemon = make_daemon(purge_automatic="no", cool_off_hours=0, compaction_gain_percent=1).start()
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
        except (Closed, BrokenPipeError):
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
    assert not run_to_the_end(daemon), f"{point} was not reached"
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
