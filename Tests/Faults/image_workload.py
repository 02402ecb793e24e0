"""A recording of a daemon at work: the log of recorder.c, what clients were answered when, and what the log held at the end."""

import contextlib
import itertools
import os
import pathlib
import subprocess
import types

import images
from daemon import Daemon
from resp import Closed, Connection, Refused
from vault import body_keys

DAY = 86_400_000
OLD = 1_517_616_000_000  # 2018-02-03
TENANTS = ("ash", "birch", "cedar")
CONVERSATIONS = ("hall", "yard")
# As small as they may be, so that segments are used again and again.
SMALL = {"journal_segment_bytes": 1 << 17, "batch_bytes_max": 1 << 14, "body_bytes_max": 1 << 13, "journal_segments": 2}
QUIET = {"purge_automatic": "no", "cool_off_hours": 0, "compaction_bytes_per_second": 0, "log_level": "error"}


def build_recorder(folder):
    library = pathlib.Path(folder) / "recorder.so"
    source = pathlib.Path(__file__).with_name("recorder.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", library, source, "-lpthread"], check=True)
    return library


def root_file(disk, is_outside):
    return disk / ("keys/root.key" if is_outside else "data/vault/root.key")


def places(disk, is_outside):
    """Settings: half of the recordings have the root key and a second file of checkpoints beside the data."""
    return {"root_key_file": root_file(disk, True), "checkpoint_file": disk / "witness/checkpoints"} if is_outside else {}


def body_of(name):
    """Told by the id, of varied length: so nothing but the id need be remembered."""
    seed = sum(name.encode()) * 2_654_435_761 % 3_000
    return (f"body of {name} " * (1 + seed // 10))[: 20 + seed].encode()


class Talk(Connection):
    """A connection that remembers behind how many bytes each answer was complete. Its first answer is its own name, which the recorder sees."""

    names = itertools.count(1)

    def __init__(self, path):
        super().__init__(path)
        self.received, self.answers, self.asked = 0, [], []
        self.token = f"talk-{os.getpid()}-{next(self.names)}".encode()
        assert self.ask("ECHO", self.token).take() == self.token
        self.ask("HELLO", 3).take()

    def _fill(self):
        before = len(self.buffer) - self.start
        super()._fill()
        self.received += len(self.buffer) - self.start - before

    def ask(self, *words, meaning=None):
        self.asked.append(meaning)
        self.send(*words)
        return self

    def take(self):
        """The next answer, a refusal as a value. What `meaning` makes of an answer is what it promises."""
        answer, meaning = self.read(), self.asked.pop(0)
        if meaning and not isinstance(answer, Refused):
            self.answers.append((self.received - len(self.buffer) + self.start, meaning(answer)))
        return answer


class Recording:
    """Runs the workload under the recorder. Afterwards: `entries`, `promises`, `events`, `messages`."""

    def __init__(self, library, dice, deeds, folder_is_there=True):
        self.dice, self.library = dice, library
        self.daemon = Daemon(**SMALL, **QUIET, fold_ms=dice.choice((1, 5, 50)), fold_bytes=1 << dice.choice((12, 15, 20)))
        self.disk = self.daemon.folder / "disk"
        self.disk.mkdir()
        self.daemon.data = self.disk / "data"
        for folder in ("keys", "witness") + ("data",) * folder_is_there:
            (self.disk / folder).mkdir()
        self.is_outside = dice.random() < 0.5
        self.daemon.settings.update(places(self.disk, self.is_outside))
        self.before = images.snapshot(self.disk)
        self.log = self.daemon.folder / "recording"
        self.talks, self.sent, self.holds, self.numbers = [], [], [], itertools.count(1)
        self.purges = []  # (position of the receipt, ids of the keys that went, the root key that went)
        try:
            self.run(deeds)
        except BaseException:
            self.daemon.clean_up()
            raise
        self.entries = images.read_log(self.log, self.disk)
        self.promises = sorted(self.promised(), key=lambda promise: promise[0])

    def plain(self):
        """What it takes to make its images again, without a daemon."""
        names = ("before", "is_outside", "entries", "promises", "events", "messages", "purges", "sent")
        return types.SimpleNamespace(**{name: getattr(self, name) for name in names})

    # ---- At work ----

    def start(self):
        with recorded(self.library, self.log, self.disk):
            self.daemon.start()
        self.open = [Talk(self.daemon.socket) for _ in range(3)]
        self.talks += self.open

    def stop(self):
        for talk in self.open:
            talk.close()
        assert self.daemon.stop() == 0, self.daemon.log_text()

    def run(self, deeds):
        ways = [self.send] * 8 + [self.hide] * 2 + [self.rule, self.hold, self.read, self.sign, self.compact] + [self.purge] * 2
        self.start()
        for number in range(deeds):
            self.dice.choice(ways)()
            if number % 25 == 24:
                self.stop()
                self.start()
        self.learn()
        self.stop()

    def where(self):
        return self.dice.choice(TENANTS), self.dice.choice(CONVERSATIONS)

    def send(self, talks=None):
        """Pipelines on several connections at once, so that batches are of several clients."""
        asked = []
        for talk in talks or self.open:
            for _ in range(self.dice.choice((0, 1, 1, 3))):
                name = f"m-{next(self.numbers)}"
                tenant, conversation = self.where()
                words = ["SEND", tenant, conversation, self.dice.choice(("ann", "bob")), name, body_of(name)]
                if self.dice.random() < 0.5:
                    words += ["AT", OLD + self.dice.randrange(3) * DAY + int(name[2:])]
                if self.sent and self.dice.random() < 0.1:
                    words = self.dice.choice(self.sent)
                self.sent.append(words)
                asked.append(talk.ask(*words, meaning=lambda position: ("event", position)))
        for talk in asked:
            assert not isinstance(answer := talk.take(), Refused), answer

    def order(self, *words, meaning=lambda position: ("event", position)):
        return self.open[0].ask(*words, meaning=meaning).take()

    def hide(self):
        if self.sent:
            _, tenant, conversation, _, name, *_ = self.dice.choice(self.sent)
            self.order("LOCALDELETE", tenant, conversation, "eve", "ID", name)

    def rule(self):
        tenant, conversation = self.where()
        scope = ["TENANT", tenant] + (["CONVERSATION", conversation] if self.dice.random() < 0.5 else [])
        period = self.dice.choice(("100d", "200d", "5y", "20y"))
        self.order("RETENTION.SET", *scope, period, "REASON", "test", meaning=lambda answer: ("event", answer["position"]))

    def hold(self):
        if self.holds and self.dice.random() < 0.5:
            self.order("HOLD.RELEASE", self.holds.pop(), "REASON", "over")
        else:
            self.holds.append(f"h-{next(self.numbers)}")
            scope = ["TENANT", self.where()[0], "SENDER", "ann"]
            self.order("HOLD.PLACE", self.holds[-1], *scope, "MATTER", "7", "REASON", "court")

    def read(self):
        """Leaves an event behind."""
        if self.sent:
            words = self.dice.choice(self.sent)
            self.order("MESSAGE.HISTORY", words[1], words[4], "REASON", "audit", meaning=None)

    def sign(self):
        self.order("AUDIT.CHECKPOINT", meaning=lambda answer: ("checkpoint", answer["size"], answer["checkpoint"]))

    def compact(self):
        self.order("COMPACT", "ALL", "MINGAIN", 0, meaning=None)

    def purge(self):
        tenant, conversation = self.where()
        scope = self.dice.choice((["SYSTEM"], ["TENANT", tenant], ["TENANT", tenant, "CONVERSATION", conversation]))
        plan = self.order("PURGE.PLAN", *scope, *self.dice.choice(([], [], ["ALL"])), meaning=None)
        if isinstance(plan, Refused) or not plan["messages"]:
            return
        root = bytes.fromhex(root_file(self.disk, self.is_outside).read_text())
        keys = body_keys(self.daemon.data, root)
        self.open[0].ask("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"], meaning=lambda position: ("event", position))
        self.send(self.open[1:])
        receipt = self.open[0].take()
        if not isinstance(receipt, Refused):
            now = bytes.fromhex(root_file(self.disk, self.is_outside).read_text())
            self.purges.append((receipt, set(keys) - set(body_keys(self.daemon.data, now)), root.hex().encode()))

    def learn(self):
        """What is there at the end: every crash of before must have left the beginning of it."""
        self.messages = {}
        for tenant, conversation in itertools.product(TENANTS, CONVERSATIONS):
            for message in timeline(self.open[0], tenant, conversation):
                self.messages[message["position"]] = message
        self.events = events(self.open[0])

    # ---- What was answered when ----

    def promised(self):
        """(number of the entry with which the answer had left, what it promises)."""
        streams = {}
        for entry in self.entries:
            if entry.letter == "A":
                streams.setdefault((entry.process, entry.inode), []).append(entry)
        by_token = {token_of(stream): stream for stream in streams.values()}
        for talk in self.talks:
            stream, sent, seq = iter(by_token[talk.token]), 0, 0
            for end, promise in talk.answers:
                while sent < end:
                    entry = next(stream)
                    sent, seq = sent + len(entry.data), entry.seq
                yield seq, promise


def token_of(stream):
    """The text of the bulk string at the beginning of what was sent."""
    return b"".join(entry.data for entry in stream[:4]).split(b"\r\n")[1]


@contextlib.contextmanager
def recorded(library, log, disk):
    more = {"LD_PRELOAD": str(library), "RECORDER_LOG": str(log), "RECORDER_ROOTS": str(disk)}
    os.environ.update(more)
    try:
        yield
    finally:
        for name in more:
            del os.environ[name]


def record_start(library, daemon, disk):
    """What a start and a stop write: (snapshot of before, entries)."""
    before, log = images.snapshot(disk), daemon.folder / "recording"
    log.unlink(missing_ok=True)
    with recorded(library, log, disk):
        daemon.start()
    assert daemon.stop() == 0, daemon.log_text()
    return before, images.read_log(log, disk)


def events(connection):
    found = []
    while page := connection.call("EVENTS.READ", "FROM", len(found) + 1, "COUNT", 10_000):
        found += page
    return found


def timeline(connection, tenant, conversation):
    cursor = "-"
    while cursor is not None:
        page = connection.call("TIMELINE", tenant, conversation, "REASON", "audit", "AFTER", cursor, "COUNT", 1000)
        yield from page["messages"]
        cursor = page["next"]


BROKEN = (Closed, BrokenPipeError, ConnectionResetError, ConnectionRefusedError, FileNotFoundError)
