"""Damage at rest: bytes of a data folder that a disk gives back wrong, before a start and under a running daemon.

A small folder has some of everything. For each page of each file a copy of it gets one kind of damage, and is asked for all that it knows.
Every answer must be the one that the sound folder gives, or an error that names the file; and the daemon never crashes or hangs.

    ANNALS_DAMAGE_FLIPS   kinds of damage for each page (0: a sample that takes about a minute)
    ANNALS_DAMAGE_FILES   only files with this in their path
"""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import time

import pytest

from daemon import Daemon
from pages import PAGE, owners
from resp import Closed, Connection, Refused

SEED = int(os.environ.get("ANNALS_SEED", time.time_ns() % 1_000_000_007))
FLIPS = int(os.environ.get("ANNALS_DAMAGE_FLIPS", 0))
FILES = os.environ.get("ANNALS_DAMAGE_FILES", "")
SAMPLE = int(os.environ.get("ANNALS_DAMAGE_SAMPLE", 150))
WORKERS = int(os.environ.get("ANNALS_DAMAGE_WORKERS", 2))
KINDS = ["bit", "byte", "header", "zeros", "garbage"]
SETTINGS = dict(
    purge_automatic="no", cool_off_hours=0, body_bytes_max=16384, batch_bytes_max=32768, journal_segment_bytes=262144, journal_segments=2, fold_ms=600_000, idempotence_hours=0)
DAY = 86_400_000
DAYS = 4
# More than 256 events, so that the audit tree has a hash of those of the first three days.
MESSAGES = 70
NEWEST = 2
HANG_SECONDS = 20
DAY_MILLISECONDS = 24 * 3600 * 1000
ALLOWED = {"same", "refused", "not started"}
INDEXES = {"ids", "timeline", "counts", "holdings", "main"}


class World:
    """The sound folder, what it answers, and where it is."""

    def __init__(self, folder):
        self.daemon = Daemon(**SETTINGS)
        self.ids = []
        now = int(time.time() * 1000)
        self.daemon.start()
        with Connection(self.daemon.socket) as connection:
            connection.call("HELLO", 3)
            self.fill(connection, now)
            self.destroy(connection)
        assert self.daemon.stop() == 0
        # A start makes filters of the partitions that have come to rest, and the stop behind it writes sums of all pages down.
        self.daemon.start(upkeep_seconds=1)
        deadline = time.monotonic() + 20
        while (self.daemon.data / "state.mdb.sums").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(2)
        assert self.daemon.stop() == 0
        # What comes now stays in the journal, since the kill comes before the fold.
        self.daemon.start()
        # The first look of upkeep folds what has come before it.
        time.sleep(1)
        with Connection(self.daemon.socket) as connection:
            connection.call("HELLO", 3)
            for number in range(12):
                self.send(connection, "lobby", f"tail-{number}", b"t" * 50)
            connection.call("LOCALDELETE", "acme", "lobby", "ben", "ID", "tail-3")
        self.daemon.kill()
        files = list(self.daemon.data.rglob("*.mdb"))
        assert len(files) == DAYS + 2 and all(pathlib.Path(f"{file}.sums").exists() for file in files)
        self.data = folder / "sound"
        shutil.copytree(self.daemon.data, self.data, ignore=shutil.ignore_patterns("*-lock", "LOCK"))
        self.daemon.clean_up()

    def send(self, connection, conversation, name, body, *more):
        self.ids.append(name)
        connection.call("SEND", "acme", conversation, "ada", name, body, *more)

    def fill(self, connection, now):
        for day in range(DAYS, 0, -1):
            for number in range(MESSAGES):
                body = b"%d " % number * (2500 if number % 13 == 5 else 40)
                conversation = ["lobby", "desk", "gone"][number % 3]
                self.send(connection, conversation, f"d{day}-{number}", body, "AT", now - day * DAY + number)
        for number in range(MESSAGES):
            self.send(connection, ["lobby", "desk"][number % 2], f"now-{number}", b"n" * 100)
        connection.call("LOCALDELETE", "acme", "lobby", "ben", "ID", "d2-0", "d2-3", "now-0")
        connection.call("LOCALDELETE", "acme", "desk", "cleo", "UPTO", 30)
        connection.call("HOLD.PLACE", "h1", "TENANT", "acme", "CONVERSATION", "desk", "MATTER", "m", "REASON", "r")
        connection.call("RETENTION.SET", "TENANT", "acme", "5y", "REASON", "r")
        connection.call("AUDIT.CHECKPOINT")

    def destroy(self, connection):
        plan = connection.call("PURGE.PLAN", "TENANT", "acme", "CONVERSATION", "gone", "ALL")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
        connection.call("COMPACT", "ALL", "MINGAIN", 0)
        connection.call("AUDIT.CHECKPOINT")

    def questions(self):
        for name in self.ids:
            yield "MESSAGE.GET", "acme", name, "VIEWER", "ben"
        for conversation in ("lobby", "desk", "gone", "nowhere"):
            for viewer in ("ben", "cleo"):
                yield "TIMELINE", "acme", conversation, "VIEWER", viewer, "COUNT", 1000
        yield "TIMELINE", "acme", "lobby", "VIEWER", "ben", "ASOF", "#60"
        yield "EVENTS.READ", "FROM", 1, "COUNT", 10000
        for position in (1, 77, 170, 200):
            yield "AUDIT.PROVE", position, "SIZE", 200
        yield "RETENTION.GET", "TENANT", "acme"
        yield "HOLD.LIST",
        yield "PURGE.LIST",
        yield "DIGEST",
        for name in ("d3-1", "d2-0", "d1-2", "now-0", "tail-3"):
            yield "MESSAGE.HISTORY", "acme", name, "REASON", "r"


def ask(path, questions):
    """Every question's answer, or the error's text. The last one may be `lost`, with the connection, or `hang`."""
    answers = []
    try:
        with Connection(path, timeout=HANG_SECONDS) as connection:
            connection.call("HELLO", 3)
            for question in questions:
                connection.send(*question)
                answer = connection.read()
                answers.append(f"-{answer}" if isinstance(answer, Refused) else answer)
    except (Closed, BrokenPipeError, ConnectionRefusedError, FileNotFoundError):
        answers.append("lost")
    except TimeoutError:
        answers.append("hang")
    return answers


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    print(f"ANNALS_SEED={SEED}")
    folder = tmp_path_factory.mktemp("damage")
    world = World(folder)
    world.list = list(world.questions())
    world.folder = folder
    answers = [ask_copy(world, None, "start")[1] for _ in range(2)]
    assert answers[0] == answers[1], "the same folder gives the same answers, or nothing can be compared"
    assert not [answer for answer in answers[0] if answer is None or isinstance(answer, str)], "the sound folder answers everything"
    world.answers = answers[0]
    yield world


Case = collections.namedtuple("Case", "file page owner kind seed")


def cases(world, dice):
    """Each page of each file, with one kind of damage after the other."""
    found = []
    for path in sorted(world.data.rglob("*")):
        name = str(path.relative_to(world.data))
        if not path.is_file() or FILES not in name:
            continue
        data = path.read_bytes()
        names = owners(data) if path.suffix == ".mdb" else ["-"] * -(-len(data) // PAGE)
        for page, owner in enumerate(names):
            for kind in KINDS if FLIPS == 0 else [KINDS[flip % len(KINDS)] for flip in range(FLIPS)]:
                found.append(Case(name, page, owner, kind, dice.randrange(1 << 60)))
    if FLIPS:
        return found
    # As many of each file's parts as of another's, since a large file would hide the small ones.
    groups = collections.defaultdict(list)
    for case in found:
        groups[re.sub(r"[\d-]+", "*", case.file), case.owner].append(case)
    for group in groups.values():
        dice.shuffle(group)
    sample = [case for rank in range(max(map(len, groups.values()))) for group in groups.values() for case in group[rank:rank + 1]]
    return sample[:SAMPLE]


def harm(path, case):
    """Does the damage in place; says what was done."""
    dice = random.Random(case.seed)
    data = path.read_bytes()
    start, end = case.page * PAGE, min(len(data), (case.page + 1) * PAGE)
    if case.kind == "header":
        end = min(end, start + 64)
    if case.kind in ("zeros", "garbage"):
        start += dice.randrange(max(1, (end - start) // 512)) * 512
        count = min(512, end - start)
        new = bytes(count) if case.kind == "zeros" else dice.randbytes(count)
    else:
        start = dice.randrange(start, end)
        new = bytes([data[start] ^ 1 << dice.randrange(8) if case.kind != "byte" else dice.randrange(256)])
    with open(path, "r+b", buffering=0) as file:
        os.pwrite(file.fileno(), new, start)
    return f"{case.file} ({case.owner}), {len(new)} bytes at {start}, {case.kind}"


def ask_copy(world, case, when):
    """Copies the folder, does the damage before the start or behind it, and asks. Returns the outcome and the answers."""
    daemon = Daemon(**SETTINGS, **({"upkeep_seconds": 1} if when == "running" else {}))
    what = ""
    try:
        shutil.copytree(world.data, daemon.data)
        if case and when == "start":
            what = harm(daemon.data / case.file, case)
        daemon.start(wait=False)
        code = wait_for(daemon)
        if code is not None:
            return judge_end(world, case, daemon, code), None, what
        if case and when == "running":
            # Sums go when the file beside them is written to: at any moment of these.
            with contextlib.suppress(FileNotFoundError):
                what = harm(daemon.data / case.file, case)
        answers = ask(daemon.socket, world.list)
        if "lost" in answers:
            code = daemon.wait()
            outcome = judge_end(world, case, daemon, code, running=True)
            return outcome if code >= 0 else f"{outcome}, {after_signal(world, case, daemon)}", None, what
        outcome = judge(world, case, answers) if case else "same"
        if when == "running" and outcome.startswith(("less", "wrong", "digest")):
            outcome = f"late, {outcome}" if is_found_later(world, case, outcome, daemon) else f"not found, {outcome}"
        if case:
            # It must come to an end, too, whatever it is that it folds then.
            code = daemon.stop()
            if code not in (0, 1):
                outcome = f"signal {-code} at the end"
        return outcome, answers, what
    except subprocess.TimeoutExpired:
        return "hang", None, what
    finally:
        daemon.clean_up()


def after_signal(world, case, daemon):
    """What the next start finds: a page that the fold changed may have ended the process, and is then named, or was never written."""
    daemon.start(wait=False)
    code = wait_for(daemon)
    if code is not None:
        return judge_end(world, case, daemon, code)
    return judge(world, case, ask(daemon.socket, world.list))


def is_found_later(world, case, outcome, daemon):
    """Whether upkeep, which looks once a second, comes to it; on a busy machine that may take a while."""
    is_hopeless = is_known(world, case, "running", "not found, " + outcome.split(":")[0])
    deadline = time.monotonic() + (2.5 if is_hopeless else 20)
    while time.monotonic() < deadline:
        time.sleep(1)
        answers = ask(daemon.socket, world.list)
        if "lost" in answers:
            return False
        if judge(world, case, answers) in ALLOWED:
            return True
    return False


def wait_for(daemon):
    """None when it listens, else its exit code."""
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        code = daemon.process.poll()
        if code is not None:
            return code
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.connect(str(daemon.socket))
                return None
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.002)
    raise subprocess.TimeoutExpired("annalsd", HANG_SECONDS)


def names(case, text):
    """Whether a sentence says which file it is: by its name, or for several files of a folder by that."""
    path = pathlib.PurePath(case.file)
    return path.name in text or (path.parent.name != "partitions" and path.parent.name != "" and path.parent.name in text)


def judge_end(world, case, daemon, code, running=False):
    last = "\n".join(daemon.log_text().strip().splitlines()[-3:])
    if code < 0:
        return f"signal {-code}"
    if code == 0 or not case:
        return f"ended with {code}: {last}"
    if running:
        return "ended" if names(case, last) else f"ended, unnamed: {last}"
    return "not started" if names(case, last) else f"not started, unnamed: {last}"


def judge(world, case, answers):
    if "hang" in answers:
        return "hang"
    outcome = "same"
    for question, answer, wanted in zip(world.list, answers, world.answers, strict=True):
        if answer == wanted:
            continue
        if question[0] == "EVENTS.READ" and is_continued(answer, wanted):
            continue
        if isinstance(answer, str):
            if not answer.startswith(("-FAILED", "-READONLY")):
                return f"wrong: {question} -> {answer}"
            if not names(case, answer):
                return f"unnamed: {question} -> {answer}"
            outcome = "refused"
        elif outcome != "same" and question[0] in ("DIGEST", "MESSAGE.HISTORY"):
            continue  # Of what could not be read or recorded before, it says less, or other positions.
        elif question[0] == "DIGEST":
            outcome = "digest"
        elif is_less(answer, wanted):
            outcome = f"less: {question}"
        else:
            return f"wrong: {question} -> {str(answer)[:300]}, not {str(wanted)[:300]}"
    return outcome


def is_continued(answer, wanted):
    """Whether nothing is behind what there was but that it was asked for."""
    more = answer[len(wanted):] if isinstance(answer, list) and answer[:len(wanted)] == wanted else []
    return bool(more) and all(event["kind"] == b"access" for event in more)


def is_folded_into(world, case):
    return case.file == "state.mdb" or case.file == max(str(path.relative_to(world.data)) for path in world.data.glob("partitions/*.mdb"))


def is_known(world, case, when, outcome):
    """What the pages say does not hold (Operating, "Damage"): under a running daemon, values in files that are written to, and records of the
    newest block of the audit tree; and what an index lacks until it is compared again."""
    if when != "running":
        return False
    # What the fold changes (Reliability, "What does not hold"): the process may end, and the next start must be as good as any.
    if outcome.startswith("signal "):
        ending, _, then = outcome.partition(", ")
        return ending in ("signal 6", "signal 11") and then in ALLOWED and is_folded_into(world, case)
    if case.file == "state.mdb":
        return outcome.startswith(("late", "not found"))
    newest = sorted(str(path.relative_to(world.data)) for path in world.data.glob("partitions/*.mdb"))[-NEWEST:]
    # What was not in use may be by the time of the damage, in the file that the daemon folds into.
    if case.owner == "unused" and case.file in newest[-1:]:
        return outcome.startswith(("late", "not found"))
    if case.owner == "trail" and case.file in newest:
        return outcome in ("late, wrong", "not found, wrong")
    return case.owner in INDEXES and (outcome in ("late, less", "late, digest") or case.file in newest[-1:] and outcome == "not found, less")


def is_less(answer, wanted):
    """Whether something is missing from an answer, and nothing in it is another than it was."""
    if answer is None or isinstance(answer, dict) and answer.get("state") in (b"unknown", "unknown"):
        return True
    if isinstance(answer, dict) and isinstance(wanted, dict) and "messages" in answer:
        answer, wanted = answer["messages"], wanted["messages"]
    if not isinstance(answer, list) or not isinstance(wanted, list):
        return False
    rest = iter(wanted)
    return all(any(one == other for other in rest) for one in answer)


@pytest.mark.parametrize("when", ["start", "running"])
def test_damage_is_named_and_never_served(world, when):
    dice = random.Random(f"{SEED} {when}")
    todo = cases(world, dice)
    table = collections.Counter()
    bad, known = [], collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for case, (outcome, _, what) in zip(todo, pool.map(lambda case: ask_copy(world, case, when), todo), strict=True):
            short = outcome.split(":")[0]
            table[re.sub(r"\d{4}-\d\d-\d\d", "*", case.file), case.owner, short] += 1
            if is_known(world, case, when, short):
                known[short] += 1
            elif short not in ALLOWED:
                bad.append(f"{what}: {outcome[:300]}")
    for (file, owner, outcome), count in sorted(table.items()):
        print(f"| {when} | {file} | {owner} | {outcome} | {count} |")
    print(f"damage {when}: {len(todo)} injected, {len(bad)} wrong, {sum(known.values())} as the pages say ({dict(known)}), seed {SEED}")
    assert not bad, f"{len(bad)} of {len(todo)}:\n" + "\n".join(bad[:60])


def test_a_damaged_partition_of_what_has_expired_fails_no_page_of_living_messages(tmp_path):
    """A page ends where the first message has expired, and does not look behind it."""
    now = int(time.time() * 1000)
    today = now - now % DAY_MILLISECONDS
    daemon = Daemon(purge_automatic="no").start()
    try:
        with Connection(daemon.socket) as connection:
            connection.call("HELLO", 3)
            for day, count in ((1, 3), (200, 1), (201, 2)):
                for number in range(count):
                    connection.call("SEND", "t", "c", "ada", f"{day}-{number}", "b", "AT", today - day * DAY_MILLISECONDS + number)
            connection.call("DIGEST")
        assert daemon.stop() == 0
        name = time.strftime("%Y-%m-%d", time.gmtime((today - 201 * DAY_MILLISECONDS) / 1000))
        with open(daemon.data / "partitions" / f"{name}.mdb", "r+b") as file:
            file.write(bytes(2 * PAGE))
        daemon.start()
        with Connection(daemon.socket) as connection:
            connection.call("HELLO", 3)
            for count in (3, 50):
                page = connection.call("TIMELINE", "t", "c", "VIEWER", "ben", "COUNT", count)
                assert [message["id"] for message in page["messages"]] == [b"1-0", b"1-1", b"1-2"]
            with pytest.raises(Refused, match=f"FAILED .*{name}"):
                connection.call("EVENTS.READ", "FROM", 1, "COUNT", 10)
    finally:
        daemon.clean_up()
