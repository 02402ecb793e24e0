"""More than it can take: what is accepted is kept, the rest is told BUSY, memory stays, and afterwards all is as before.

`ANNALS_OVERLOAD_SECONDS` says for how long (5; deep: 600). Then figures are printed: what it takes at its best from so many connections
that each wait for their answers, and what it takes of twice as many that do not wait.
"""

import collections
import os
import selectors
import socket
import time

import pytest

from hostile import MIB, all_events, greeted, make_daemon, stop_and_verify
from resp import frame

SECONDS = float(os.environ.get("ANNALS_OVERLOAD_SECONDS", 5))
WIDTH = 64


class Pusher:
    """A connection that sends blocks of appends; at most `ahead` of them are unanswered."""

    def __init__(self, path, name, ahead, bytes):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.name, self.ahead = name, ahead
        self.block = frame("SEND", "t", name, "ada", "*", os.urandom(bytes)) * WIDTH
        self.unsent = memoryview(b"")
        self.sent = collections.deque()  # When each block that is not answered began to be sent.
        self.missing = 0
        self.rest = b""
        self.positions, self.busy, self.waits = [], 0, []
        self.others = collections.Counter()

    def push(self, is_over):
        try:
            while True:
                if not self.unsent:
                    if is_over or len(self.sent) >= self.ahead:
                        return
                    self.unsent = memoryview(self.block)
                    self.sent.append(time.monotonic())
                self.unsent = self.unsent[self.socket.send(self.unsent):]
        except BlockingIOError:
            pass

    def pull(self):
        try:
            lines = (self.rest + self.socket.recv(1 << 18)).split(b"\r\n")
        except BlockingIOError:
            return
        self.rest = lines.pop()
        for line in lines:
            if line[:1] == b":":
                self.positions.append(int(line[1:]))
                self.waits.append(time.monotonic() - self.sent[0])
            elif line.startswith(b"-BUSY"):
                self.busy += 1
            else:
                self.others[line] += 1
            self.missing += 1
            if self.missing == WIDTH:
                self.missing = 0
                self.sent.popleft()

    @property
    def is_idle(self):
        return not self.sent and not self.unsent


def push_all(daemon, tag, connections, ahead, seconds, bytes=1000):
    """Returns the pushers when all they sent is answered, and the most memory that the daemon had."""
    pushers = [Pusher(daemon.socket, f"{tag}-{number}", ahead, bytes) for number in range(connections)]
    selector = selectors.DefaultSelector()
    for pusher in pushers:
        selector.register(pusher.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, pusher)
    end, looked, most = time.monotonic() + seconds, 0, 0
    while not (is_over := time.monotonic() >= end) or not all(pusher.is_idle for pusher in pushers):
        assert time.monotonic() < end + 60, "answers are missing"
        for key, ready in selector.select(0.05):
            if ready & selectors.EVENT_READ:
                key.data.pull()
            key.data.push(is_over)
            # Written to only while there is something to write.
            wants = bool(key.data.unsent) or not is_over and len(key.data.sent) < ahead
            selector.modify(key.fileobj, selectors.EVENT_READ | (selectors.EVENT_WRITE if wants else 0), key.data)
        if time.monotonic() - looked > 0.1:
            looked, most = time.monotonic(), max(most, daemon.memory_bytes())
    for pusher in pushers:
        pusher.socket.close()
    return pushers, most


def figures(pushers, seconds):
    waits = sorted(wait for pusher in pushers for wait in pusher.waits) or [0]
    accepted, busy = sum(len(pusher.positions) for pusher in pushers), sum(pusher.busy for pusher in pushers)
    return (f"{accepted / seconds:.0f} accepted/s, {busy} BUSY, wait {waits[len(waits) // 2] * 1000:.0f} ms in the middle, "
            f"{waits[len(waits) * 99 // 100] * 1000:.0f} ms at 99 %, {waits[-1] * 1000:.0f} ms at the most")


def check(daemon, *groups):
    """Each position that was answered is that of a message of that connection, and there are no others."""
    expected = {position: pusher.name for pushers in groups for pusher in pushers for position in pusher.positions}
    with greeted(daemon, 120) as connection:
        found = {event["position"]: event["conversation"].decode() for event in all_events(connection) if event["kind"] == b"send"}
    assert all(not pusher.others for pushers in groups for pusher in pushers)
    assert found == expected


def test_more_than_it_can_take(make_daemon):
    """A small tail and no patience, so that a machine of any speed comes to its limits."""
    daemon = make_daemon(
        tail_bytes_max=2 * MIB, fold_bytes=MIB, batch_bytes_max=256 << 10, journal_segment_bytes=4 * MIB, stall_ms=0, purge_automatic="no").start()
    best, before = push_all(daemon, "best", 4, 1, SECONDS / 2)
    loads, most = push_all(daemon, "over", 32, 16, SECONDS)
    busy = sum(pusher.busy for pusher in loads)
    print(f"overload: {figures(best, SECONDS / 2)}; with 32 x 16 x {WIDTH} unanswered {figures(loads, SECONDS)}, {most // MIB} MiB")
    assert busy > 0, "nothing was refused, so this was no overload"
    assert most - before < 160 * MIB
    after, _ = push_all(daemon, "after", 1, 1, 0.2, 10)
    assert after[0].positions
    check(daemon, best, loads, after)
    stop_and_verify(daemon)


@pytest.mark.skipif(SECONDS < 30, reason="figures of a long overload; ANNALS_OVERLOAD_SECONDS=600")
def test_figures_of_twice_the_load(make_daemon):
    """As it is set by default."""
    daemon = make_daemon(purge_automatic="no").start()
    best, before = push_all(daemon, "best", 16, 1, 30, 300)
    loads, most = push_all(daemon, "twice", 32, 2, SECONDS, 300)
    print(f"overload by default: best {figures(best, 30)}, {before // MIB} MiB; twice and more {figures(loads, SECONDS)}, {most // MIB} MiB")
    check(daemon, best, loads)
    stop_and_verify(daemon)
