"""Destroyed means destroyed: looked for in every file, in copies, and in a core dump of the running daemon."""

import os
import shutil
import signal
import subprocess

import pytest

from resp import Connection
from test_purges import OLD, idle, wait_for
from vault import body_keys, files_with, opens, root_key

DOOMED = [f"the doomed secret number {number} is {number * 7919:012d}".encode() for number in range(60)]
SPARED = [f"the spared secret number {number} is {number * 7907:012d}".encode() for number in range(60)]
LIVE = b"a secret that is not even destroyed 0123456789"


@pytest.fixture
def purged(make_daemon):
    """A daemon after a purge with survivors, a copy of its folder from before, and the keys of before."""
    daemon = make_daemon(purge_automatic="no", cool_off_hours=0).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(60):
            connection.call("SEND", "t", "c", "doomed", f"d-{number}", DOOMED[number], "AT", OLD + number)
            connection.call("SEND", "t", "c", "spared", f"s-{number}", SPARED[number], "AT", OLD + number)
        connection.call("SEND", "live", "c", "ann", "m", LIVE)
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "spared", "MATTER", "7", "REASON", "court")
        connection.call("DIGEST")
        # Each of them is read once, so that it has been in the daemon's memory as plain text.
        assert connection.call("MESSAGE.HISTORY", "t", "d-3", "REASON", "audit")["message"]["body"] == DOOMED[3]
        before = daemon.folder / "before"
        keys, root = body_keys(daemon.data), root_key(daemon.data)
        daemon.process.send_signal(signal.SIGSTOP)
        shutil.copytree(daemon.data, before)
        daemon.process.send_signal(signal.SIGCONT)
        plan = connection.call("PURGE.PLAN", "TENANT", "t")
        assert (plan["messages"], plan["survivors"]) == (60, 60)
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 60)
        wait_for(lambda: connection.call("PARTITIONS")[0]["purged"] == 60)
        idle(connection)
        connection.call("COMPACT", "ALL", "MINGAIN", 0)
    return daemon, before, keys, root


def test_no_file_has_the_text_or_the_key(purged):
    daemon, _, before, old_root = purged
    after = body_keys(daemon.data)
    dead = {key: before[key] for key in before if key not in after}
    assert len(dead) == 1 and set(after) - set(before)
    copy = daemon.folder / "after"
    shutil.copytree(daemon.data, copy)
    for folder in (daemon.data, copy):
        for needle in [*dead.values(), old_root, old_root.hex().encode(), *DOOMED, *SPARED, LIVE]:
            assert files_with(folder, needle) == []
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(60):
            assert connection.call("MESSAGE.HISTORY", "t", f"s-{number}", "REASON", "audit")["message"]["body"] == SPARED[number]
            assert connection.call("MESSAGE.HISTORY", "t", f"d-{number}", "REASON", "audit")["message"]["state"] == b"purged"


def test_a_copy_from_before_does_not_open_with_the_root_key_of_after(purged, make_daemon):
    daemon, before, _, old_root = purged
    new_root = root_key(daemon.data)
    assert opens(old_root, before / "vault/keyring") and not opens(new_root, before / "vault/keyring")
    assert daemon.stop() == 0
    # With the root key of after, the old folder is refused, by name, and nothing in it is touched.
    stale = make_daemon()
    shutil.copytree(before, stale.data)
    (stale.data / "vault/root.key").write_text(new_root.hex() + "\n")
    content = {path: path.read_bytes() for path in (stale.data / "vault").iterdir()}
    stale.start(wait=False)
    assert stale.process.wait(30) == 1
    stale.process = None
    assert str(stale.data / "vault/keyring") in stale.log_text() and "root key" in stale.log_text()
    assert {path: path.read_bytes() for path in (stale.data / "vault").iterdir()} == content


def test_with_keyring_and_root_key_of_after_old_data_reads_except_what_was_purged(purged, make_daemon):
    daemon, before, keys, _ = purged
    assert daemon.stop() == 0
    old = make_daemon(purge_automatic="no")
    shutil.copytree(before, old.data)
    shutil.rmtree(old.data / "vault")
    shutil.copytree(daemon.data / "vault", old.data / "vault")
    old.start()
    with Connection(old.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(60):
            # This log has no receipt for them: it is older than the purge. The keyring knows better.
            doomed = connection.call("MESSAGE.HISTORY", "t", f"d-{number}", "REASON", "audit")["message"]
            assert (doomed["state"], doomed["body"], doomed["receipt"]) == (b"purged", None, None)
        # What was sealed anew before the purge is sealed under keys of after; what was not is gone with its key.
        assert connection.call("MESSAGE.GET", "live", "m")["body"] == LIVE
        connection.call("SEND", "t", "c", "ann", "new", "goes on")
        assert connection.call("MESSAGE.GET", "t", "new")["body"] == b"goes on"
    assert len(keys) == 2


@pytest.mark.skipif(shutil.which("gcore") is None, reason="gdb is not installed")
def test_a_core_dump_of_the_running_daemon_holds_no_message_and_no_key(purged):
    daemon, _, before, old_root = purged
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("MESSAGE.HISTORY", "t", "s-3", "REASON", "audit")["message"]["body"] == SPARED[3]
        assert connection.call("MESSAGE.GET", "live", "m")["body"] == LIVE
        core = daemon.folder / "core"
        done = subprocess.run(["gcore", "-o", core, str(daemon.process.pid)], capture_output=True, text=True, timeout=120)
        dump = core.with_name(f"core.{daemon.process.pid}")
        assert dump.exists(), done.stdout + done.stderr
        content = dump.read_bytes()
        after = body_keys(daemon.data)
        for needle in [*before.values(), *after.values(), old_root, root_key(daemon.data), *DOOMED, *SPARED, LIVE]:
            assert needle not in content
        assert len(content) > 10_000  # It is a core dump: registers, and what is no content.


def test_what_the_kernel_would_dump_is_no_memory(purged):
    daemon, *_ = purged
    with open(f"/proc/{daemon.process.pid}/coredump_filter") as file:
        assert int(file.read(), 16) == 0
    assert os.path.exists(f"/proc/{daemon.process.pid}")
