"""The log is read without a daemon and without any key: of a folder, of a copy, of one that cannot be written."""

import json
import os
import shutil
import subprocess

import pytest

from daemon import ANNALSD
from resp import Connection
from test_purges import OLD, fill


def trail(folder, *flags, code=0):
    done = subprocess.run([ANNALSD, "trail", "--data", folder, *map(str, flags)], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def plain(value):
    """As JSON has it."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, dict):
        return {name: plain(element) for name, element in value.items()}
    return value


@pytest.fixture
def stopped(make_daemon):
    """A daemon that was killed with events in partitions and others in the journal alone, and all of its events."""
    daemon = make_daemon(purge_automatic="no", cool_off_hours=0).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "old")
        connection.call("RETENTION.SET", "TENANT", "kept", "forever", "REASON", 'says "the law" \\o/')
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s", "MATTER", "7", "REASON", "court")
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    assert daemon.stop() == 0
    daemon.start(fold_ms=600_000)
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        connection.call("SEND", "t", "c", "ann", "späť", "a secret", "AT", OLD, "TYPE", "text/markdown")
        connection.call("LOCALDELETE", "t", "c", "bob", "ID", "späť")
        connection.call("SEND", "t", "c", "ann", "live", "another secret")
        events = connection.call("EVENTS.READ", "FROM", 1, "COUNT", 10_000)
    daemon.kill()
    return daemon, plain(events)


def test_it_tells_what_the_wire_tells(stopped):
    daemon, events = stopped
    told = [json.loads(line) for line in trail(daemon.data, "--json").splitlines()]
    assert told == events and [list(event) for event in told] == [list(event) for event in events]
    assert [event["position"] for event in map(json.loads, trail(daemon.data, "--json", "--from", 3, "--to", 5).splitlines())] == [3, 4, 5]
    lines = trail(daemon.data).splitlines()
    assert len(lines) == 1 + len(events) and lines[0].split() == ["position", "at", "kind", "principal", "tenant"]
    for line, event in zip(lines[1:], events):
        assert line.split()[0] == str(event["position"]) and event["kind"] in line.split()
    assert "message-id=späť" in lines[-3] and "secret" not in "".join(lines)


@pytest.mark.parametrize("loss", ["vault", "vault/root.key", "vault/keyring", "state.mdb", "a damaged keyring", "LOCK"])
def test_what_is_lost_of_the_rest_matters_not(stopped, loss):
    daemon, events = stopped
    if loss == "a damaged keyring":
        (daemon.data / "vault/keyring").write_bytes(b"nonsense")
    elif (daemon.data / loss).is_dir():
        shutil.rmtree(daemon.data / loss)
    else:
        (daemon.data / loss).unlink()
    assert [json.loads(line) for line in trail(daemon.data, "--json").splitlines()] == events


def test_nothing_is_written(stopped, tmp_path):
    daemon, events = stopped
    copy = tmp_path / "copy"
    shutil.copytree(daemon.data, copy)
    content = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    for folder, _, files in os.walk(copy):
        for name in files:
            os.chmod(os.path.join(folder, name), 0o400)
        os.chmod(folder, 0o500)
    try:
        assert len(trail(copy, "--json").splitlines()) == len(events)
        assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == content
    finally:
        for folder, _, _ in os.walk(copy):
            os.chmod(folder, 0o700)
    # It is a folder as it was for the daemon, too.
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert plain(connection.call("EVENTS.READ", "FROM", 1, "COUNT", 10_000)) == events


def test_a_folder_that_is_open_or_none_is_refused(make_daemon, tmp_path):
    daemon = make_daemon().start()
    assert "has this archive open" in trail(daemon.data, code=1)
    assert "no annals.json" in trail(tmp_path, code=1)
    assert "--from" in trail(daemon.data, "--from", 0, code=2)
    assert daemon.stop() == 0
    assert trail(daemon.data).count("\n") == 1
