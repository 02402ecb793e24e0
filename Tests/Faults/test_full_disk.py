"""A disk that fills to its last block under load: refused in time, nothing lost, and everything goes on when there is room again.

Needs a file system of its own, so root: an ext4 image behind a loop device, and a tmpfs.
`ANNALS_DISK_ROUNDS` says how often a disk is filled and emptied again (1; deep: 20).
"""

import errno
import os
import shutil
import subprocess

import pytest

from hostile import BROKEN, MIB, Load, body_of, check_bodies, check_nothing_lost, greeted, make_daemon, stop_and_verify, wait_for
from resp import Refused

ROUNDS = int(os.environ.get("ANNALS_DISK_ROUNDS", 1))
OLD = 1_517_616_000_000  # 2018-02-03, so expired
DAY = 86_400_000
RESERVE = 16 * MIB
SETTINGS = {
    "disk_reserve_bytes": RESERVE, "journal_segment_bytes": MIB, "journal_segments": 2, "batch_bytes_max": 256 << 10, "tail_bytes_max": 4 * MIB,
    "fold_bytes": MIB, "fold_ms": 100, "purge_automatic": "no", "cool_off_hours": 0, "compaction_bytes_per_second": 0, "purge_lag_hours": 8760,
}


class Disk:
    """A file system of a few MiB, and the ballast that somebody else lays on it."""

    def __init__(self, folder, kind, mebibytes):
        self.image, self.folder = folder / "image", folder / "disk"
        self.folder.mkdir()
        if kind == "ext4":
            with open(self.image, "wb") as image:
                image.truncate(mebibytes * MIB)
            self.run("mkfs.ext4", "-q", "-m", "0", self.image)
            self.run("mount", "-o", "loop", self.image, self.folder)
        else:
            self.run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "annals", self.folder)

    @staticmethod
    def run(*words):
        if not shutil.which(words[0]):
            pytest.skip(f"there is no {words[0]}")
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no file system of one's own can be mounted here: {done.stderr.strip()}")

    @property
    def free(self):
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def fill(self, keeping=0):
        """Takes what is free but for `keeping`; of nothing kept, to the last block."""
        descriptor = os.open(self.folder / "ballast", os.O_RDWR | os.O_CREAT)
        piece = MIB
        while piece >= 4096 and self.free > keeping:
            piece = min(piece, max(4096, self.free - keeping))
            try:
                os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, piece)
            except OSError as error:
                assert error.errno == errno.ENOSPC
                piece //= 2
        os.close(descriptor)

    def clear(self):
        (self.folder / "ballast").unlink()

    def unmount(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)


@pytest.fixture(params=["ext4", "tmpfs"])
def place(request, make_daemon):
    """A daemon, not started, whose data folder lies on a disk of 96 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    daemon = make_daemon(**SETTINGS)
    disk = Disk(daemon.folder, request.param, 96)
    daemon.data = disk.folder / "data"
    yield daemon, disk
    code = daemon.process and daemon.process.poll()
    if daemon.process is not None:
        daemon.kill()
    disk.unmount()
    assert code is None, f"annalsd ended with {code}: {daemon.log_text()}"


def begin(daemon, tag, times=(None,), count=3):
    loads = [Load(daemon, f"{tag}-{number}", bytes=4000, times=times) for number in range(count)]
    for load in loads:
        load.start()
    return loads


def finish(loads):
    for load in loads:
        load.finish()


def appends_go_on(connection, name):
    def tried():
        try:
            return connection.call("SEND", "t", "again", "ada", name, "there is room")
        except Refused as refused:
            assert refused.code in ("FULL", "BUSY"), refused
    return wait_for(tried, what="appends do not resume by themselves")


def full_soon(connection):
    """The room is looked at by the fold, so an append may still be taken before it is refused."""
    try:
        connection.call("SEND", "t", "refused", "ada", "*", "no room")
    except Refused as refused:
        return refused.code == "FULL"
    return False


def full(connection, name):
    with pytest.raises(Refused) as refused:
        connection.call("SEND", "t", "refused", "ada", name, "no room")
    return refused.value.code == "FULL"


def make_room(connection, tenant="t"):
    plan = connection.call("PURGE.PLAN", "TENANT", tenant)
    assert plan["messages"] > 0
    connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
    return plan["messages"], connection.call("COMPACT", "ALL", "MINGAIN", "1")


def test_its_own_messages_fill_it_and_a_purge_makes_room(place):
    """What Annals leaves itself is enough to purge and compact, while every append is refused."""
    daemon, disk = place
    daemon.start()
    loads, purged, lowest = [], 0, disk.free
    for turn in range(ROUNDS):
        # Of days in 2018 that no earlier round had: purged partitions take nothing any more.
        times = (None, *[OLD + (turn * 5 + day) * DAY for day in range(5)])
        busy = begin(daemon, f"r{turn}", times)
        loads += busy
        wait_for(lambda: all(load.codes["FULL"] > 20 for load in busy), 120, "nothing is refused with FULL")
        lowest = min(lowest, disk.free)
        finish(busy)
        with greeted(daemon, 120) as connection:
            assert full(connection, f"refused-{turn}") and connection.call("STATS")["writable"]
            # Holds and rules are taken meanwhile, and reads go on.
            connection.call("HOLD.PLACE", f"h{turn}", "TENANT", "nobody", "MATTER", "m", "REASON", "r")
            check_bodies(connection, busy[0], share=50)
            before = disk.free
            purged += make_room(connection)[0]
            # By upkeep or by the order, whichever came first.
            assert disk.free > before + 20 * MIB
            appends_go_on(connection, f"again-{turn}")
    assert lowest > RESERVE // 4, f"only {lowest} bytes of the reserve were left"
    assert "trouble" not in daemon.log_text(), daemon.log_text()
    with greeted(daemon) as connection:
        end = check_nothing_lost(connection, loads)
    codes = sum((load.codes for load in loads), start=type(loads[0].codes)())
    assert "purged" in str(check_after_restart(daemon, loads))
    print(f"full disk: filled {ROUNDS} times, {end} events, {dict(codes)} refused, {purged} purged, at the least {lowest // MIB} MiB were free")


def check_after_restart(daemon, loads):
    """Sound, and the same again behind a start."""
    stop_and_verify(daemon)
    daemon.start()
    with greeted(daemon) as connection:
        check_nothing_lost(connection, loads)
        states = [check_bodies(connection, load, share=20, audited=True) for load in loads]
    stop_and_verify(daemon)
    return states


def test_somebody_else_fills_it_to_the_last_block(place):
    daemon, disk = place
    daemon.start()
    loads = []
    for turn in range(ROUNDS):
        busy = begin(daemon, f"r{turn}")
        loads += busy
        wait_for(lambda: all(len(load.answered) > 300 for load in busy))
        disk.fill()
        wait_for(lambda: all(load.codes["FULL"] > 20 for load in busy), 60, "nothing is refused with FULL")
        disk.fill()
        with greeted(daemon) as connection:
            assert connection.call("STATS")["writable"], daemon.log_text()
            check_bodies(connection, busy[0], share=20)
            assert connection.call("TIMELINE", "t", f"r{turn}-1", "VIEWER", "ben")["messages"]
            disk.clear()
            appends_go_on(connection, f"again-{turn}")
        answered = [len(load.answered) for load in busy]
        wait_for(lambda: all(len(load.answered) > before for load, before in zip(busy, answered)), what="a load does not go on")
        finish(busy)
    check_after_restart(daemon, loads)
    answered = sum(len(load.answered) for load in loads)
    print(f"full disk: taken to the last block {ROUNDS} times, {answered} answered, all there")


def purge_at_the_last_block(place, connection):
    """Returns what became of the purge, once there is room again."""
    daemon, disk = place
    # Of today as well: a partition that is new on a full disk is another test's.
    for number in range(600):
        connection.call("SEND", "t", "c", "ada", f"c-{number}", body_of(f"c-{number}", 4000), *(("AT", OLD) if number % 2 else ()))
    connection.call("DIGEST")
    disk.fill()
    wait_for(lambda: full_soon(connection), what="not refused")
    plan = connection.call("PURGE.PLAN", "TENANT", "t")
    assert plan["messages"] == 300
    try:
        outcome = f"done at {connection.call('PURGE.RUN', plan['plan'], 'CONFIRM', 300)}"
    except Refused as refused:
        assert refused.code in ("FAILED", "FULL"), refused
        outcome = str(refused)
    disk.clear()
    appends_go_on(connection, "again")
    print(f"a purge at the last block: {outcome}")
    return outcome


def test_a_purge_without_any_room_is_refused_or_done_and_never_halfway(place):
    """Not even the reserve is left. Whatever becomes of it, nothing is destroyed without a receipt, and a restart ends what is open."""
    daemon, disk = place
    daemon.start()
    with greeted(daemon, 120) as connection:
        outcome = purge_at_the_last_block(place, connection)
        state = connection.call("MESSAGE.GET", "t", "c-1")["state"]
        assert state == (b"purged" if outcome.startswith("done") else b"expired")
    stop_and_verify(daemon)
    daemon.start()
    with greeted(daemon, 120) as connection:
        assert connection.call("STATS")["open-intents"] == 0
        if state == b"expired":
            assert connection.call("MESSAGE.HISTORY", "t", "c-1", "REASON", "test")["message"]["body"] == body_of("c-1", 4000)
            make_room(connection)
        assert connection.call("MESSAGE.GET", "t", "c-1")["state"] == b"purged"
        assert connection.call("MESSAGE.GET", "t", "c-2")["body"] == body_of("c-2", 4000)
    stop_and_verify(daemon)


def test_behind_a_purge_that_found_no_room_the_next_one_runs(place):
    daemon, disk = place
    daemon.start()
    with greeted(daemon, 120) as connection:
        if not purge_at_the_last_block(place, connection).startswith("done"):
            make_room(connection)
        assert connection.call("MESSAGE.GET", "t", "c-1")["state"] == b"purged"


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_start_without_any_room(place, how):
    """It serves reads, or says why it does not; with room it is all there."""
    daemon, disk = place
    daemon.start()
    busy = begin(daemon, "r")
    wait_for(lambda: all(len(load.answered) > 200 for load in busy))
    disk.fill()
    wait_for(lambda: all(load.codes["FULL"] > 20 for load in busy), 60, "nothing is refused with FULL")
    disk.fill()
    if how == "killed":
        daemon.kill()
    else:
        daemon.process.terminate()
        wait_for(lambda: daemon.process.poll() is not None, 60)
        daemon.process = None
    finish(busy)
    daemon.start(wait=False)
    try:
        daemon.wait_until_ready()
        with greeted(daemon) as connection:
            assert full(connection, "none")
            check_bodies(connection, busy[0], share=20)
            outcome = "serves"
    except AssertionError:
        assert daemon.process.poll() == 1, daemon.log_text()
        daemon.process = None
        outcome = daemon.log_text().splitlines()[-1]
    print(f"a start at the last block ({how}): {outcome}")
    disk.clear()
    if daemon.process is None:
        daemon.start()
    with greeted(daemon) as connection:
        appends_go_on(connection, "again")
        check_nothing_lost(connection, busy)
    check_after_restart(daemon, busy)


def test_new_keys_find_no_room(place):
    """A key for a new tenant is written before its first message: without room that is refused, and nothing more."""
    daemon, disk = place
    daemon.start()
    with greeted(daemon) as connection:
        connection.call("SEND", "t", "c", "ada", "first", "x")
        connection.call("DIGEST")
        disk.fill()
        codes = set()
        for number in range(300):
            try:
                connection.call("SEND", f"tenant-{number}", "c", "ada", "m", "x")
            except Refused as refused:
                codes.add(refused.code)
        assert codes <= {"FULL", "BUSY"}, f"answered {codes}: {daemon.log_text()}"
        disk.clear()
        appends_go_on(connection, "again")
    stop_and_verify(daemon)


def test_auditors_read_on_without_room(place):
    """`Operating`: FULL does not concern reads."""
    daemon, disk = place
    daemon.start()
    with greeted(daemon) as connection:
        connection.call("SEND", "t", "c", "ada", "first", "x")
        disk.fill(keeping=RESERVE // 2)
        wait_for(lambda: full_soon(connection), what="not refused")
        assert connection.call("MESSAGE.GET", "t", "first")["body"] == b"x"
        assert connection.call("MESSAGE.HISTORY", "t", "first", "REASON", "audit")["message"]["body"] == b"x"


def test_a_partition_begins_without_room(place):
    """As at midnight. The append is refused, or waits for its fold; the daemon stays."""
    daemon, disk = place
    daemon.start()
    with greeted(daemon) as connection:
        connection.call("SEND", "t", "c", "ada", "old", "x", "AT", OLD)
        connection.call("DIGEST")
        disk.fill()
        try:
            wait_for(lambda: full_soon(connection), what="not refused")
        except BROKEN:
            code = daemon.wait()
            pytest.fail(f"annalsd ended with {code}")
        disk.clear()
        appends_go_on(connection, "again")
    stop_and_verify(daemon)


def too_large_to_copy(place, beside=lambda connection: None):
    """A partition of which more is alive than is free, purged, and what is to be beside it. Returns the loads."""
    daemon, disk = place
    daemon.start()
    loads = begin(daemon, "old", (OLD,), count=3)
    with greeted(daemon) as connection:
        for number in (1, 2):
            connection.call("RETENTION.SET", "TENANT", "t", "CONVERSATION", f"old-{number}", "forever", "REASON", "stays")
    wait_for(lambda: sum(len(load.answered) for load in loads) > 9000, 120)
    finish(loads)
    with greeted(daemon) as connection:
        beside(connection)
        connection.call("DIGEST")
        disk.fill(keeping=RESERVE - 2 * MIB)
        wait_for(lambda: full_soon(connection), what="not refused")
        plan = connection.call("PURGE.PLAN", "TENANT", "t")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
    return loads


def test_a_compaction_without_room_says_how_much_it_needs(place):
    daemon, disk = place
    too_large_to_copy(place)
    with greeted(daemon) as connection, pytest.raises(Refused, match="^FULL .*a copy without free pages needs [0-9]+ bytes"):
        connection.call("COMPACT", "ALL", "MINGAIN", "1")


def test_a_partition_too_large_to_be_copied_holds_up_no_other_one(place):
    """Upkeep goes on with the next one, whose copy fits; who asks for all of them is told of the one that does not."""
    def small(connection):
        for number in range(600):
            conversation = "old-1" if number % 2 else "small"
            connection.call("SEND", "t", conversation, "ada", f"small-{number}", "x" * 1000, "AT", OLD + 10 * DAY + number)

    daemon, disk = place
    too_large_to_copy(place, small)
    wait_for(lambda: "partition=2018-02-13" in daemon.log_text(), 60, "the small one is not compacted")
    with greeted(daemon, 120) as connection:
        with pytest.raises(Refused, match="^FULL 2018-02-03 was not compacted: .*; make room on the disk"):
            connection.call("COMPACT", "ALL", "MINGAIN", "1")


def test_a_partition_too_large_to_be_copied_waits_for_room(place):
    """The purge is done, the copy is refused, nothing is harmed; a little room from elsewhere ends it."""
    daemon, disk = place
    loads = too_large_to_copy(place)
    with greeted(daemon, 120) as connection:
        with pytest.raises(Refused, match="^FULL "):
            connection.call("COMPACT", "ALL", "MINGAIN", "1")
        assert full_soon(connection)
        disk.clear()
        connection.call("COMPACT", "ALL", "MINGAIN", "1")
        appends_go_on(connection, "again")
        assert check_bodies(connection, loads[0], share=20).keys() == {"purged"}
        assert check_bodies(connection, loads[1], share=20).keys() == {"visible"}
    check_after_restart(daemon, loads)
