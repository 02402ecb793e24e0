"""What a purge asks before it destroys anything: the clock, and whoever keeps the root key."""

import json
import os

import pytest

from resp import Connection, Refused
from test_purges import DAY, fill, state, wait_for


def test_nothing_is_destroyed_while_the_clock_is_doubted(make_daemon):
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "old")
        connection.call("DIGEST")
    assert daemon.stop() == 0
    # As if the machine had been read a day earlier, and only a minute had passed by the clock that nobody sets.
    note = daemon.data / "clock"
    words = note.read_text().splitlines()[1].split()
    words[1] = str(int(words[1]) - DAY)
    note.write_text("annals-clock 1\n" + " ".join(words) + "\n")
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        status = wait_for(lambda: (status := connection.call("PURGE.STATUS"))["clock"] == b"doubted" and status)
        assert b"wall clock went from" in status["clock-reason"]
        plan = connection.call("PURGE.PLAN")
        assert plan["messages"] == 20
        with pytest.raises(Refused) as refused:
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert refused.value.code == "DENIED" and "CLOCK.CONFIRM" in str(refused.value)
        assert connection.call("PURGE.LIST") == []
        connection.call("CLOCK.CONFIRM", "REASON", "looked at my watch")
        wait_for(lambda: connection.call("PURGE.STATUS")["clock"] == b"trusted")
        wait_for(lambda: connection.call("PURGE.LIST"))
        assert state(connection, "old", "c-1") == "purged"


def set_note(daemon, wall=0, steady=0, boot=None):
    """Changes the reading that the last run left."""
    note = daemon.data / "clock"
    head, reading, *others = note.read_text().splitlines()
    words = reading.split()
    words = [words[0], str(int(words[1]) + wall), str(int(words[2]) + steady), boot or words[3]]
    note.write_text("\n".join([head, " ".join(words), *others]) + "\n")


@pytest.mark.parametrize("change, is_doubted", [
    ({"wall": -DAY}, True), ({"wall": DAY}, True), ({"wall": -3_000_000}, False), ({"wall": -DAY, "steady": -DAY}, False),
    ({"wall": -DAY, "boot": "another"}, True), ({"boot": "another"}, False), ({"wall": DAY, "boot": "another"}, True)])
def test_only_a_clock_that_was_set_is_doubted(make_daemon, change, is_doubted):
    """Against the clock that nobody sets, and after a restart of the machine against the last reading."""
    daemon = make_daemon(purge_automatic="no").start()
    with Connection(daemon.socket) as connection:
        fill(connection, "t", count=1)
    daemon.stop()
    set_note(daemon, **change)
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("PURGE.STATUS")["clock"] == (b"doubted" if is_doubted else b"trusted")
        if is_doubted:
            # A restart does not make it better, only an operator does, and that is remembered.
            daemon.stop()
            daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("STATS")["clock"] == (b"doubted" if is_doubted else b"trusted")
        connection.call("CLOCK.CONFIRM", "REASON", "looked at my watch")
        wait_for(lambda: connection.call("PURGE.STATUS")["clock"] == b"trusted")
        daemon.stop()
        daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("PURGE.STATUS")["clock"] == b"trusted"


def test_a_note_of_the_clock_that_nobody_can_read_is_none(make_daemon):
    daemon = make_daemon(purge_automatic="no").start()
    daemon.stop()
    (daemon.data / "clock").write_bytes(b"\xff\x00 read x y z\n")
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("PURGE.STATUS")["clock"] == b"trusted"


# The root key elsewhere.

KEEPER = """#!/bin/sh
cd "$(dirname "$0")" || exit 1
case "$1" in
get) [ -f now ] || exit 3; cat now ;;
get-staged) [ -f next ] || exit 3; cat next ;;
stage) cat > next ;;
adopt) [ ! -f next ] || mv next now ;;
*) exit 2 ;;
esac
"""


def test_a_program_can_keep_the_root_key(make_daemon, tmp_path):
    program = tmp_path / "keeper"
    program.write_text(KEEPER)
    program.chmod(0o700)
    daemon = make_daemon(purge_automatic="no", root_key_command=program).start()
    assert not (daemon.data / "vault/root.key").exists()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        before = (tmp_path / "now").read_text()
        fill(connection, "t")
        connection.call("SEND", "t", "c", "ann", "live", "stays")
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert (tmp_path / "now").read_text() != before and not (tmp_path / "next").exists()
        # One that fails destroys nothing: neither now nor at the next start.
        fill(connection, "u")
        program.write_text(KEEPER.replace("stage) cat > next", "stage) echo no room >&2; exit 1"))
        plan = connection.call("PURGE.PLAN")
        with pytest.raises(Refused) as refused:
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert refused.value.code == "FAILED"
        assert connection.call("MESSAGE.HISTORY", "u", "c-1", "REASON", "audit")["message"]["body"] == b"body u c 1"
        assert connection.call("PURGE.LIST")[0]["outcome"] == b"withdrawn"
        program.write_text(KEEPER)
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert state(connection, "u", "c-1") == "purged"
    daemon.stop()
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("MESSAGE.GET", "t", "live")["body"] == b"stays"


def test_the_digest_of_an_archive_is_told_wherever_its_root_key_is(make_daemon, tmp_path, monkeypatch):
    program = tmp_path / "keeper"
    program.write_text(KEEPER)
    program.chmod(0o700)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "master").write_bytes(os.urandom(32))
    for settings in ({"root-key-command": str(program)}, {"root-key-credential": "master"}):
        daemon = make_daemon(**settings).start(purge_automatic="no")
        with Connection(daemon.socket) as connection:
            connection.call("HELLO", 3)
            fill(connection, "t")
            digest = connection.call("DIGEST")["digest"].decode()
        assert daemon.stop() == 0
        (name, value), = settings.items()
        assert digest in daemon.run("digest", f"--{name}", value)
        config = tmp_path / "annalsd.json"
        config.write_text(json.dumps({**settings, "socket": "elsewhere"}))
        assert digest in daemon.run("digest", "--config", config)
        # It reads no body, so it asks nobody for a key.
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        assert "20 events" in daemon.run("rebuild", "--config", config)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        assert digest in daemon.run("digest", "--config", config)
