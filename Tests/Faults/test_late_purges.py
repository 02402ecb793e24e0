"""What becomes late, or only looks so, while a compaction goes on."""

import pytest

from hostile import OLD_DAY, greeted, make_daemon, stop_and_verify, wait_for
from shifted import Shifted, shim

DAY = 24 * 3600
BYTES = 60_000
HELD = OLD_DAY + 30 * 3600 * 1000
SETTINGS = dict(upkeep_seconds=1, cool_off_hours=0, purge_lag_hours=1)


@pytest.fixture
def slow(make_daemon, shim):
    """A daemon that copies slowly, in the midst of a compaction that takes about eight seconds."""
    daemon = make_daemon(lambda **settings: Shifted(shim, **settings), **SETTINGS, compaction_bytes_per_second=1_000_000)
    daemon.start()
    with greeted(daemon) as connection:
        connection.call("RETENTION.SET", "TENANT", "kept", "forever", "REASON", "r")
        connection.call("RETENTION.SET", "TENANT", "soon", "1d", "REASON", "r")
        for number in range(60):
            connection.call("SEND", "kept", "c", "ada", f"kept-{number}", "k" * BYTES, "AT", OLD_DAY + number)
            connection.call("SEND", "gone", "c", "ada", f"gone-{number}", "g" * BYTES, "AT", OLD_DAY + number)
        wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"compacting", 60, "nothing is compacted")
    yield daemon


def test_a_compaction_gives_way_to_a_purge_that_becomes_late(slow):
    with greeted(slow) as connection:
        connection.call("SEND", "soon", "c", "ada", "late", "l")
        slow.shift(wall=3 * DAY, slept=3 * DAY)
        wait_for(lambda: connection.call("MESSAGE.GET", "soon", "late")["state"] == b"purged", 60)
        wait_for(lambda: "] compacted" in slow.log_text(), 60)
    assert slow.log_text().index("messages=1 ") < slow.log_text().index("] compacted")
    stop_and_verify(slow)


def test_a_compaction_ends_beside_new_messages_that_only_look_due(slow):
    """Between two holds with nothing between them, messages look due until a plan has looked at each. Here there are always new ones."""
    with greeted(slow) as connection:
        for name, first, last in (("h1", HELD, HELD + 1000), ("h2", HELD + 2000, HELD + 1_000_000)):
            connection.call("HOLD.PLACE", name, "TENANT", "soon", "FROM", first, "UNTIL", last, "MATTER", "m", "REASON", "r")
        count = 0

        def is_compacted():
            nonlocal count
            connection.call("SEND", "soon", "c", "held", f"held-{count}", "h", "AT", HELD + 2000 * (count % 2) + count % 1000)
            count += 1
            return "] compacted" in slow.log_text()

        wait_for(is_compacted, 60)
        states = {connection.call("MESSAGE.GET", "soon", f"held-{number}")["state"] for number in range(count)}
    assert states == {b"expired"}
    stop_and_verify(slow)
