"""Crashes that never happened: a daemon's writes and syncs are recorded, and every disk that a power failure may have left is started.

ANNALS_CRASH_IMAGES says how many images; ANNALS_SEED takes a run's dice back. Threads and keys are not in the dice, so a recording
is another one each time: when an image is wrong, its recording is kept, and ANNALS_CRASH_RECORDING=FILE with ANNALS_CRASH_INDEX=N
makes that one image again.
"""

import collections
import itertools
import os
import pathlib
import pickle
import queue
import random
import subprocess
import sys
import tempfile
import time
import types
from concurrent.futures import ThreadPoolExecutor

import pytest

import images
from image_checks import Survivor, Wrong, check_disk_forgets
from image_workload import Recording, build_recorder, record_start, recorded

COUNT = int(os.environ.get("ANNALS_CRASH_IMAGES", 500))
OF_A_RECORDING = 500
DEEDS = 60
AGAIN = max(5, COUNT // 250)
WORKERS = int(os.environ.get("ANNALS_CRASH_WORKERS", 2))
SEED = int(os.environ.get("ANNALS_SEED", time.time_ns() % 1_000_000_007))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build_recorder(tmp_path_factory.mktemp("recorder"))


@pytest.fixture
def record(library):
    """Makes recordings; their folders are gone after the test."""
    made = []

    def make(number=0, deeds=DEEDS, **options):
        print(f"ANNALS_SEED={SEED}")
        made.append(Recording(library, random.Random(f"{SEED}/{number}"), deeds, **options))
        return made[-1]

    yield make
    for recording in made:
        recording.daemon.clean_up()


class Case:
    """One image of `count` of a recording: before which entry the crash came, what waited, and what of it is kept (choose)."""

    def __init__(self, count, index, seq, waiting, kept, image):
        self.count, self.index, self.seq, self.waiting, self.kept, self.image = count, index, seq, waiting, kept, image

    def __str__(self):
        def fate(entry):
            sectors = self.kept.get(entry.seq, ())
            return "kept" if sectors is None else f"sectors {list(sectors)} kept" if sectors else "lost"
        return "\n".join([f"image {self.index}: a crash before entry {self.seq}, when this was not durable:"]
                         + [f"    {entry}: {fate(entry)}" for entry in self.waiting])


def cases(recording, number, count, ordered=True, honest=lambda entry: True):
    """Oldest crash first; no disk comes twice."""
    seqs = images.spread(random.Random(f"{SEED}/{number}"), recording.entries, count)
    disk, done, seen = images.Disk(recording.before, honest), 0, set()
    for index, seq in enumerate(seqs):
        for entry in recording.entries[done:seq]:
            disk.step(entry)
        done = seq
        waiting = disk.waiting()
        for attempt in range(5):
            kept = images.choose(random.Random(f"{SEED}/{number}/{index}/{attempt}"), waiting)
            key = disk.version, tuple((entry, sectors and tuple(sectors)) for entry, sectors in sorted(kept.items()))
            if key not in seen:
                seen.add(key)
                yield Case(count, index, seq, waiting, kept, disk.image(kept, ordered))
                break


def try_all(recording, number, found):
    """Starts each of `found`; returns the first that is wrong and why, or None, and how many were tried."""
    tried, survivors = 0, queue.SimpleQueue()
    places = [Survivor(recording) for _ in range(WORKERS)]
    for place in places:
        survivors.put(place)

    def one(case):
        place = survivors.get()
        try:
            place.check(case.image, case.seq, random.Random(f"{SEED}/{number}/{case.index}/check"))
            return None
        except Wrong as wrong:
            return case, wrong
        finally:
            survivors.put(place)

    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            # A few at a time: an image is some megabytes.
            while batch := list(itertools.islice(found, 4 * WORKERS)):
                tried += len(batch)
                for wrong in filter(None, pool.map(one, batch)):
                    return wrong, tried
        return None, tried
    finally:
        for place in places:
            place.clean_up()


def keep(recording, number, case, wrong):
    """Keeps what it takes to make the image again, and the image; returns what to say."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="annals-crash-"))
    (folder / "recording").write_bytes(pickle.dumps((SEED, number, case.count, recording.plain())))
    images.lay_out(case.image, folder / "image")
    (folder / "what").write_text(f"{wrong}\n{case}\n")
    return (f"{wrong}\n{case}\nIt is kept: ANNALS_CRASH_RECORDING={folder}/recording ANNALS_CRASH_INDEX={case.index}; "
            f"the image is {folder}/image")


def test_the_recorder_misses_nothing(record):
    """All entries together make the folder that is there, byte for byte: a call that the recorder does not know would be missing."""
    recording = record()
    disk = images.Disk(recording.before)
    for entry in recording.entries:
        disk.step(entry)
    assert images.same_as_folder(disk, recording.disk) == []
    kinds = collections.Counter((images.kind_of(entry.path), entry.letter) for entry in recording.entries)
    # Segments are used again, partitions are replaced by copies, keys are destroyed: or the images would be of nothing.
    assert kinds["journal", "R"] > 3 and kinds["copy", "R"] and kinds["vault", "L"] and kinds["partition", "W"] > 50, kinds
    assert any(entry.letter == "W" and entry.flags & images.DSYNC for entry in recording.entries)
    check_disk_forgets(recording)


def test_every_crash_leaves_what_was_answered(record):
    tried = recordings = entries = events = 0
    while tried < COUNT:
        recording = record(recordings)
        check_disk_forgets(recording)
        wrong, count = try_all(recording, recordings, cases(recording, recordings, min(OF_A_RECORDING, COUNT - tried)))
        if wrong:
            pytest.fail(keep(recording, recordings, *wrong))
        recording.daemon.clean_up()
        tried, recordings = tried + count, recordings + 1
        entries, events = entries + len(recording.entries), events + len(recording.events)
    print(f"crash images: {tried} of {recordings} recordings with {entries} calls and {events} events; each started, lost nothing, verified")


def test_a_crash_while_it_recovers_from_a_crash(record, library):
    """What the start on an image writes is recorded, too, and its images must be as good as the first."""
    recording, dice, tried = record(), random.Random(f"{SEED}/again"), 0
    place = Survivor(recording)
    try:
        # Crashes with much under way leave the most to do.
        first = sorted(cases(recording, "again", 40 * AGAIN), key=lambda case: -len(case.waiting))[:AGAIN]
        for case in first:
            images.lay_out(case.image, place.disk)
            before, entries = record_start(library, place.daemon, place.disk)
            start = types.SimpleNamespace(before=before, entries=entries)
            for second in cases(start, f"again/{case.index}", 15):
                tried += 1
                try:
                    place.check(second.image, case.seq, dice)
                except Wrong as wrong:
                    kept = keep(recording, "again", case, wrong)  # The start is another one each time, so its image is kept itself.
                    again = tempfile.mkdtemp(prefix="annals-crash-")
                    images.lay_out(second.image, again)
                    pytest.fail(f"{kept}\nand when it recovers, {again} is left:\n{second}")
    finally:
        place.clean_up()
    print(f"crash images: {tried} of {AGAIN} recoveries; each started, lost nothing, verified")


def test_an_image_that_was_kept(record):
    """Makes one image again, and fails as it did."""
    if "ANNALS_CRASH_RECORDING" not in os.environ:
        pytest.skip("ANNALS_CRASH_RECORDING names none")
    global SEED
    SEED, number, count, recording = pickle.loads(pathlib.Path(os.environ["ANNALS_CRASH_RECORDING"]).read_bytes())
    index = int(os.environ["ANNALS_CRASH_INDEX"])
    wrong, tried = try_all(recording, number, (case for case in cases(recording, number, count) if case.index == index))
    assert tried == 1, "there is no such image"
    assert wrong is None, "\n".join(map(str, wrong))


# ---- What does not work ----

def check_at(recording, seq, kept=None):
    """Checks one image: `kept` of what waited before an entry, or all of it."""
    disk = images.Disk(recording.before)
    for entry in recording.entries[:seq]:
        disk.step(entry)
    place = Survivor(recording)
    try:
        all_kept = {entry.seq: None for entry in disk.waiting()}
        place.check(disk.image(all_kept if kept is None else {**all_kept, **kept}), seq, random.Random(1))
    finally:
        place.clean_up()


@pytest.mark.parametrize("place", ["data/state.mdb", "data/partitions/"])
def test_a_file_that_is_half_made(record, place):
    """A crash while an LMDB file is made: nothing is in it yet, so the next start must make it anew."""
    recording = record()
    first = next(entry for entry in recording.entries
                 if entry.letter == "W" and entry.path.startswith(place) and entry.path.endswith((".new", ".compact")) and entry.a == 0)
    check_at(recording, first.seq + 1)
    check_at(recording, first.seq + 1, {first.seq: range(2)})


@pytest.mark.parametrize("sectors", [[1], [images.LENGTH], [0, images.LENGTH]], ids=["end", "length", "beginning and length"])
def test_a_checkpoint_that_is_torn(record, sectors):
    """Where it crosses from one sector to another, and only one of them was written: the daemon starts, and signs anew."""
    recording = record()
    torn = [entry for entry in recording.entries if entry.letter == "W" and entry.path == "data/audit/checkpoints"]
    entry = next(entry for entry in torn if images.sector_count(entry) == 2)
    check_at(recording, entry.seq + 1, {entry.seq: sectors})


def test_a_data_folder_that_the_daemon_made(record):
    """It is there after a crash, with everything that was answered."""
    recording = record(folder_is_there=False)
    disk = images.Disk(recording.before)
    for entry in recording.entries:
        disk.step(entry)
    place = Survivor(recording)
    try:
        place.check(disk.image({}), len(recording.entries), random.Random(1))
    finally:
        place.clean_up()


def finding_before_a_start(recording, of, is_moment):
    """The first line of `annals audit verify --bodies` in which `of` stands, were there a crash behind any of some calls."""
    disk, place = images.Disk(recording.before), Survivor(recording)
    try:
        for entry in recording.entries:
            disk.step(entry)
            if is_moment(entry):
                images.lay_out(disk.image({waiting.seq: None for waiting in disk.waiting()}), place.disk)
                for line in place.verify([]).stdout.splitlines():
                    if of in line:
                        return line
        return None
    finally:
        place.clean_up()


def test_verifying_what_a_crash_in_a_purge_left(record):
    """It is sound before the next start, too: a purge that was cut short is no damage."""
    def is_commit(entry):
        return entry.letter == "W" and entry.flags & images.DSYNC and "partitions" in entry.path
    assert finding_before_a_start(record(), "index holdings", is_commit) is None


def test_verifying_what_a_crash_in_a_fold_left(record):
    """A partition that was being made has no events yet, so nothing is damaged."""
    def is_made(entry):
        return entry.letter == "O" and "partitions" in entry.path and entry.path.endswith(".mdb")
    assert finding_before_a_start(record(), "cannot be read", is_made) is None


# ---- That it can fail ----

PROGRAM = """
import os
os.chdir(os.environ["RECORDER_ROOTS"])
with open("old", "wb") as file: file.write(b"o" * 1500)
one = os.open("new", os.O_CREAT | os.O_WRONLY)
os.pwrite(one, b"n" * 1500, 0)
os.fsync(one)
os.rename("new", "old")
os.pwrite(one, b"m" * 100, 500)
"""


def test_the_model_knows_what_a_disk_may_do(library, tmp_path):
    """Every disk that this short program may leave, by the reader's own reckoning."""
    root = tmp_path / "root"
    root.mkdir()
    with recorded(library, tmp_path / "log", root):
        subprocess.run([sys.executable, "-c", PROGRAM], check=True)
    entries = images.read_log(tmp_path / "log", root)
    found, disk, dice = collections.defaultdict(set), images.Disk(), random.Random(1)
    for done, entry in enumerate([*entries, None]):
        for _ in range(3000):
            image = disk.image(images.choose(dice, disk.waiting()))
            found[done].add(tuple((path, bytes(content[0]).replace(b"\0", b"-").decode()) for path, content in sorted(image.items())))
        if entry:
            disk.step(entry)
    letters = "".join(entry.letter for entry in entries)
    assert letters == "OWOWBERW"
    old, new = "o" * 1500, "n" * 1500
    parts = [["o" * size, "-" * size] for size in (512, 512, 476)]
    torn = {"".join(part) for part in itertools.product(*parts)}
    olds = torn | {content.rstrip("-") for content in torn}
    # Nothing of the folder is synced: no name, only the first, or both; the second file is whole as soon as it is synced.
    synced = {()} | {(("old", content),) for content in olds} | {(("new", new), ("old", content)) for content in olds}
    assert found[1] == {(), (("old", ""),)}
    assert found[2] == {()} | {(("old", content),) for content in olds}
    assert found[6] <= synced and len(found[6]) > 0.9 * len(synced)
    # The rename is whole or not there; only what was written last is torn: at byte 512.
    assert (("old", new),) in found[7] and found[7] <= synced | {(("old", new),)}
    lasts = {new, "n" * 500 + "m" * 100 + "n" * 900, "n" * 500 + "m" * 12 + "n" * 988, "n" * 512 + "m" * 88 + "n" * 900}
    assert {image for image in found[8] if len(image) == 1 and image[0][1][0:1] == "n"} == {(("old", last),) for last in lasts}


@pytest.mark.parametrize("place", ["", "data/journal/", "data/partitions/", "data/state.mdb", "data/vault/", "data/audit/checkpoints"])
def test_a_sync_that_does_nothing_is_found(record, place):
    """As if the syncs of some files were lies: then some image does not start, or lacks what was answered."""
    recording = record()
    wrong, tried = try_all(recording, 0, cases(recording, 0, 400, honest=lambda entry: not entry.path.startswith(place)))
    assert wrong is not None, f"{tried} images, and all are well"
    print(f"lies about '{place}': after {tried} images {str(wrong[1])[:150]}")


def test_without_the_journals_syncs_answers_are_lost(record):
    """Records that nobody synced: in some image the end of what was answered is not there."""
    recording, found = record(), collections.Counter()
    place = Survivor(recording)
    try:
        for case in cases(recording, 0, 300, honest=lambda entry: not entry.path.endswith(".aj")):
            try:
                place.check(case.image, case.seq, random.Random(1))
            except Wrong as wrong:
                found[str(wrong).split()[0]] += 1
                if str(wrong).startswith("answered up to"):
                    return print(f"after {found.total()} wrong ones: {wrong}")
        pytest.fail(f"nothing that was answered is lost: {found}")
    finally:
        place.clean_up()


def test_a_root_key_that_is_not_overwritten_is_found(record):
    recording = record()
    assert recording.purges
    with pytest.raises(Wrong, match="root key"):
        check_disk_forgets(recording, honest=lambda entry: not entry.path.endswith("root.key"))
