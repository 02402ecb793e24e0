"""400 days with the same traffic every day, 180 days of retention and the shortest life that a trail may have.

From day 190 on neither the folder nor the number of open files grow any more, memory by little, and a start has hardly more to do. What a start has
to do is counted, not timed: how often it reads.
"""

import os
import pathlib
import time

import pytest

from hostile import greeted, make_daemon, stop_and_verify, wait_for
from shifted import Shifted, shim

DAY = 24 * 3600
DAYS_AT_ONCE = 4
MESSAGES = 20
KIB = 1 << 10
TRAIL_DAYS = 184
SETTINGS = dict(trail_period=f"{TRAIL_DAYS}d", upkeep_seconds=1, compaction_bytes_per_second=0)


def allocated(folder):
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def open_files(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def start_work(daemon):
    """Starts it; says what that took: calls that read, and, for people, bytes that were read and seconds."""
    begin = time.monotonic()
    daemon.start()
    seconds = time.monotonic() - begin
    with greeted(daemon) as connection:
        connection.call("PING")
    read = dict(line.split(": ") for line in pathlib.Path(f"/proc/{daemon.process.pid}/io").read_text().splitlines())
    return int(read["syscr"]), int(read["rchar"]), seconds


class Life:
    """A company that writes the same every day."""

    def __init__(self, daemon):
        self.daemon, self.day, self.begin = daemon, 0, int(time.time())

    def days(self, count):
        """So many days go by, and after every fourth upkeep has done what was due."""
        with greeted(self.daemon) as connection:
            for _ in range(count):
                for number in range(MESSAGES):
                    connection.call("SEND", "acme", f"c{number % 5}", "ada", f"{self.day}-{number}", "x" * 2000)
                self.day += 1
                self.daemon.shift(wall=self.day * DAY, slept=self.day * DAY)
                if self.day % DAYS_AT_ONCE == 0:
                    wait_for(lambda: self.is_done(connection), what=f"day {self.day}: upkeep does not end")

    def is_done(self, connection):
        status = connection.call("PURGE.STATUS")
        today = (self.begin + self.day * DAY) * 1000
        # Each day's partition leaves when its trail is over: one a round, and idle in between.
        if connection.call("STATS")["partitions"] > TRAIL_DAYS + DAYS_AT_ONCE:
            return False
        return status["state"] == b"idle" and (status["next-purge"] or 0) > today and status["oldest-expired-seconds"] < 2 * DAY

    def look(self):
        """What there is now: bytes on the disk, memory and open files."""
        return {"disk": allocated(self.daemon.data), "memory": self.daemon.memory_bytes(), "files": open_files(self.daemon)}


def flat(values, share, slack=0):
    """Whether none is more than the first by more than a share of it."""
    return max(values) <= values[0] * (1 + share) + slack


def test_four_hundred_days(make_daemon, shim):
    daemon = make_daemon(lambda **settings: Shifted(shim, **settings), **SETTINGS)
    daemon.start()
    life = Life(daemon)
    life.days(196)
    works, looks = [], []
    for days in (4, 192, 4):
        assert daemon.stop() == 0, daemon.log_text()
        calls, size, seconds = start_work(daemon)
        works.append(calls)
        print(f"day {life.day}: a start with {calls} calls that read {size} bytes, {seconds:.3f} s")
        for _ in range(0, days, 4):
            life.days(4)
            if days > 4:
                looks.append(life.look())
    for look in looks[::6]:
        print(look)
    later = looks[3:]
    assert life.day == 396 and len(later) > 40
    # While something is copied, a few more files are open. Memory grows by some 12 KiB a day: what a log remembers of each purge and removal.
    for name, share, slack in (("disk", 0.10, 0), ("memory", 0, 20 * KIB * 192), ("files", 0, 16)):
        assert flat([look[name] for look in later], share, slack), f"{name}: {[look[name] for look in later]}"
    # What was removed leaves a small tombstone, which a start looks at: some calls more for each day of the log's life.
    assert flat(works, 0.10), f"a start has more to do: {works}"
    stop_and_verify(daemon)
