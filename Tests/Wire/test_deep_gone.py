"""Destroyed means destroyed: looked for in every file, in copies, and in a core dump of the running daemon."""

import os
import resource
import shutil
import signal
import subprocess

import pytest

from resp import Connection
from test_purges import OLD, idle, wait_for
from vault import body_keys, files_with, opens, root_key

import os as _os

_deep = pytest.mark.skipif("ANNALS_DEEP" not in _os.environ, reason="takes long; ANNALS_DEEP=1 runs it")
pytestmark = _deep


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


def memory_of(daemon, name):
    """Everything that the daemon has in memory, also what it asks debuggers and the kernel to leave out."""
    core = daemon.folder / name
    done = subprocess.run(
        ["gdb", "--batch", "--nx", "-p", str(daemon.process.pid), "-ex", "set use-coredump-filter off",
         "-ex", "set dump-excluded-mappings on", "-ex", f"gcore {core}"],
        capture_output=True, text=True, timeout=300)
    assert core.exists(), done.stdout + done.stderr
    content = core.read_bytes()
    core.unlink()
    return content


@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")
def test_not_even_the_whole_memory_has_a_dead_key(purged):
    """A debugger that overrides every filter finds the keys that live, so it looked everywhere, and none that is destroyed."""
    daemon, _, before, old_root = purged
    after = body_keys(daemon.data)
    dead = [before[key] for key in before if key not in after]
    content = memory_of(daemon, "memory")
    assert any(key in content for key in after.values()), "the living keys were not found, so this looked in the wrong place"
    for needle in [*dead, old_root, old_root.hex().encode()]:
        assert needle not in content


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGILL])
def test_a_crash_leaves_no_content_behind(make_daemon, monkeypatch, tmp_path, number):
    """The kernel's core dump, and whatever a crash reporter writes to the log, of a daemon that was allowed to leave both."""
    with open("/proc/sys/kernel/core_pattern") as pattern:
        if not pattern.read().startswith("core"):
            pytest.skip("core dumps go to a program here")
    monkeypatch.chdir(tmp_path)
    daemon = make_daemon(purge_automatic="no").start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for index, body in enumerate(DOOMED):
            connection.call("SEND", "t", "c", "doomed", f"d-{index}", body, "AT", OLD + index)
        connection.call("SEND", "live", "c", "ann", "m", LIVE)
        assert connection.call("MESSAGE.GET", "live", "m")["body"] == LIVE
        keys, root = body_keys(daemon.data), root_key(daemon.data)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        daemon.process.send_signal(number)
        # It dies of it: a daemon that lives on in pieces is not started again by whoever watches it.
        assert daemon.process.wait(20) == -number
        daemon.process = None
    dumps = list(tmp_path.glob("core*"))
    assert dumps, "the kernel left no core dump, so there is nothing to look into"
    for needle in [*keys.values(), root, root.hex().encode(), *DOOMED, LIVE]:
        assert files_with(tmp_path, needle) == []
    # Swift's own crash reporter writes what the registers point to: a few bytes of a key or a body, if they do.
    assert "Registers" not in daemon.log_text() and "rip 0x" not in daemon.log_text()


def test_a_restored_log_stays_readable_when_it_is_purged_itself(make_daemon):
    """What the keyring lacks and this log has no receipt for is purged, before and after bodies beside it are reclaimed."""
    daemon = make_daemon(purge_automatic="no").start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        connection.call("RETENTION.SET", "TENANT", "left", "forever", "REASON", "was a good customer")
        for tenant in ("left", "expired"):
            for number in range(20):
                connection.call("SEND", tenant, "c", "ann", f"m-{number}", f"{tenant} {number} " * 100, "AT", OLD + number)
        daemon.stop()
    old = make_daemon(purge_automatic="no")
    shutil.copytree(daemon.data, old.data)
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        plan = connection.call("PURGE.PLAN", "TENANT", "left", "ALL")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    daemon.stop()
    shutil.rmtree(old.data / "vault")
    shutil.copytree(daemon.data / "vault", old.data / "vault")
    old.start()
    with Connection(old.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("MESSAGE.HISTORY", "left", "m-3", "REASON", "audit")["message"]["state"] == b"purged"
        plan = connection.call("PURGE.PLAN")
        assert plan["messages"] == 20
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        # Until the bodies themselves are deleted, and not only their keys.
        wait_for(lambda: connection.call("PARTITIONS")[0]["free"] > 30_000 or connection.call("PARTITIONS")[0]["disk"] < 60_000)
        for tenant in ("left", "expired"):
            assert connection.call("MESSAGE.HISTORY", tenant, "m-3", "REASON", "audit")["message"]["state"] == b"purged"
            assert connection.call("MESSAGE.GET", tenant, "m-3")["body"] is None
        assert connection.call("TIMELINE", "left", "c", "VIEWER", "bob")["messages"] == []


# Refusals at the start.

def spoil(vault, what):
    root, keyring = vault / "root.key", vault / "keyring"
    if what == "another root key":
        root.write_text("ab" * 32 + "\n")
    elif what == "no root key":
        root.unlink()
    elif what == "a torn root key":
        root.write_bytes(root.read_bytes()[:31])
    elif what == "a root key for everybody":
        root.chmod(0o644)
    elif what == "a root key by a link":
        root.rename(vault / "elsewhere")
        root.symlink_to(vault / "elsewhere")
    elif what == "no keyring":
        keyring.unlink()
    elif what == "an empty keyring":
        keyring.write_bytes(b"")
    else:
        content = bytearray(keyring.read_bytes())
        content[{"a keyring with another head": 20, "a keyring with another end": -1}[what]] ^= 1
        keyring.write_bytes(content)
    return keyring if "keyring" in what else root


@pytest.mark.parametrize("what", [
    "another root key", "no root key", "a torn root key", "a root key for everybody", "a root key by a link", "no keyring",
    "an empty keyring", "a keyring with another head", "a keyring with another end"])
def test_a_vault_that_does_not_fit_is_refused_by_name_and_nothing_is_written(make_daemon, what):
    daemon = make_daemon(purge_automatic="no").start()
    with Connection(daemon.socket) as connection:
        connection.call("SEND", "t", "c", "ann", "m", LIVE)
    daemon.stop()
    culprit = spoil(daemon.data / "vault", what)
    before = content_of(daemon.data)
    daemon.log.unlink()
    daemon.start(wait=False)
    assert daemon.wait() == 1
    said = daemon.log_text()
    assert str(culprit) in said and said.count("\n") == 1
    assert LIVE.decode() not in said and "ab" * 32 not in said
    assert content_of(daemon.data) == before


def content_of(folder):
    """Of every file but the locks, which say who opened the folder and nothing else."""
    return {
        path: path.read_bytes() for path in folder.rglob("*")
        if path.is_file() and path.name != "LOCK" and not path.name.endswith("-lock")}
