"""A program that keeps the root key and takes its time holds up the purge, and nobody else."""

import os
import time

import pytest

from resp import Closed, Connection
from test_clock_and_keeper import KEEPER
from test_purges import fill, idle, state
from vault import body_keys

SECONDS = 25
# Whoever opens the pipe for reading waits until somebody opens it for writing. It ends if that one says nothing.
SLOW = KEEPER.replace('case "$1" in', 'if [ -p "wait-$1" ]; then read _ < "wait-$1" || exit 7; fi\ncase "$1" in', 1)


@pytest.fixture
def kept(make_daemon, tmp_path):
    """A daemon whose root key a program keeps, with something to destroy."""
    program = tmp_path / "keeper"
    program.write_text(SLOW)
    program.chmod(0o700)
    daemon = make_daemon(purge_automatic="no", root_key_command=program).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "t")
        connection.call("SEND", "t", "c", "ann", "live", "stays")
    return daemon, tmp_path


def begin(connection):
    plan = connection.call("PURGE.PLAN")
    connection.send("PURGE.RUN", plan["plan"], "CONFIRM", 20)


def reach(folder, step):
    """Waits until the program is called with a word and stands at its pipe. Returns the pipe's other end."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return os.open(folder / f"wait-{step}", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < deadline, f"{step} does not come"
            time.sleep(0.005)


def go_on(folder, step, pipe):
    (folder / f"wait-{step}").unlink()
    os.write(pipe, b"\n")
    os.close(pipe)


@pytest.mark.parametrize("step", ["stage", "get-staged", "adopt"])
def test_an_append_with_a_new_key_does_not_wait_for_it(kept, step):
    daemon, folder = kept
    os.mkfifo(folder / f"wait-{step}")
    with Connection(daemon.socket) as purger, Connection(daemon.socket, timeout=10) as sender:
        purger.call("HELLO", 3)
        sender.call("HELLO", 3)
        begin(purger)
        pipe = reach(folder, step)
        sender.call("SEND", "newcomer", "c", "ann", "m", "in the midst of it")
        # Under the key that is about to die, were there no other.
        sender.call("SEND", "t", "c", "ann", "old", "also old", "AT", 1_517_616_000_000)
        assert sender.call("MESSAGE.GET", "newcomer", "m")["body"] == b"in the midst of it"
        go_on(folder, step, pipe)
        assert purger.answer() > 20
        idle(sender)
        sender.call("SEND", "later", "c", "ann", "m", "behind it")
    assert daemon.stop() == 0
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for tenant, text in [("newcomer", b"in the midst of it"), ("later", b"behind it")]:
            assert connection.call("MESSAGE.GET", tenant, "m")["body"] == text
        assert connection.call("MESSAGE.HISTORY", "t", "old", "REASON", "audit")["message"]["body"] == b"also old"
        assert connection.call("MESSAGE.GET", "t", "live")["body"] == b"stays"
        assert state(connection, "t", "c-1") == "purged"


@pytest.mark.parametrize("step", ["stage", "get-staged", "adopt"])
def test_killed_meanwhile_the_new_key_is_there(kept, step):
    daemon, folder = kept
    os.mkfifo(folder / f"wait-{step}")
    with Connection(daemon.socket) as purger, Connection(daemon.socket, timeout=10) as sender:
        purger.call("HELLO", 3)
        begin(purger)
        pipe = reach(folder, step)
        sender.call("SEND", "newcomer", "c", "ann", "m", "in the midst of it")
        daemon.kill()
        with pytest.raises(Closed):
            purger.answer()
    (folder / f"wait-{step}").unlink()
    os.close(pipe)
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("MESSAGE.GET", "newcomer", "m")["body"] == b"in the midst of it"
        is_gone = step == "adopt"
        assert connection.call("PURGE.LIST")[0]["outcome"] == (b"destroyed" if is_gone else b"withdrawn")
        assert state(connection, "t", "c-1") == ("purged" if is_gone else "expired")
        assert len(body_keys(daemon.data, bytes.fromhex((folder / "now").read_text().strip()))) == connection.call("STATS")["keys"]
