"""A stop does not wait for what upkeep can leave for the next start."""

import signal

import pytest

from resp import Connection, frame
from test_purges import OLD, wait_for

COUNT = 1_500


@pytest.fixture
def worth_it(make_daemon):
    """A daemon with a partition that is worth a compaction, which would take half an hour; and with much patience for clients."""
    daemon = make_daemon(
        purge_automatic="no", cool_off_hours=0, compaction_gain_percent=100, compaction_bytes_per_second=1000, drain_seconds=3600).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        connection.send_bytes(b"".join(
            frame("SEND", "t", "c", f"s{number % 2}", f"m-{number}", f"body {number} ".encode() * 100, "AT", OLD + number)
            for number in range(COUNT)))
        for _ in range(COUNT):
            connection.answer()
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s1", "MATTER", "7", "REASON", "court")
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", COUNT // 2)
        wait_for(lambda: connection.call("PARTITIONS")[0]["free"] > 500_000)
        wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"idle")
    return daemon


@pytest.mark.parametrize("way", ["SIGTERM", "SHUTDOWN"])
def test_a_compaction_stops_at_once_and_its_asker_is_answered(worth_it, way):
    daemon = worth_it
    with Connection(daemon.socket) as asker, Connection(daemon.socket) as other:
        asker.call("HELLO", 3)
        other.call("HELLO", 3)
        asker.send("COMPACT", "ALL", "MINGAIN", 0)
        wait_for(lambda: other.call("PURGE.STATUS")["state"] == b"compacting" and other.call("PURGE.STATUS")["done"] > 0)
        if way == "SIGTERM":
            daemon.process.send_signal(signal.SIGTERM)
        else:
            other.send("SHUTDOWN")
        assert [report["outcome"] for report in asker.answer()] == [b"cancelled"]
        assert asker.is_closed()
    assert daemon.wait() == 0, daemon.log_text()
    # The half copy is gone on with.
    daemon.start(compaction_bytes_per_second=0)
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("COMPACT", "ALL", "MINGAIN", 0)[0]["outcome"] == b"compacted"


def test_one_that_nobody_asked_for_stops_at_once_as_well(worth_it):
    daemon = worth_it
    assert daemon.stop() == 0
    daemon.start(compaction_gain_percent=1)
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"compacting" and connection.call("PURGE.STATUS")["done"] > 0)
    assert daemon.stop() == 0
