"""A daemon's life from its first start to its last stop, what was answered in it, and whether that is still true afterwards."""

import shutil
import subprocess
import time

from daemon import ANNALS, ANNALSD, Daemon
from resp import Closed, Connection, Refused

OLD = 1_517_616_000_000  # 2018-02-03
DAY = 86_400_000
ANSWER_SECONDS = 10
BUSY_MAX = 100
SETTINGS = {
    "purge_automatic": "no", "cool_off_hours": 0, "journal_segments": 2, "journal_segment_bytes": 1 << 20, "batch_bytes_max": 1 << 18,
    "fold_ms": 600_000, "compaction_bytes_per_second": 0, "drain_seconds": 5}
# What a daemon may say after a failure; the last two only where something before was not answered.
EXCUSES = {"FAILED", "READONLY", "FULL"}
CONSEQUENCES = {"UNKNOWN", "CONFLICT"}


class Finding(AssertionError):
    """Something that is not as it is promised."""


def require(truth, text):
    if not truth:
        raise Finding(text)


class FaultyDaemon(Daemon):
    """A daemon whose program is started through `inject`, when it is told so."""

    injection = None

    def __init__(self):
        super().__init__(**SETTINGS)
        self.outside = self.folder / "outside"
        self.outside.mkdir()
        self.call_log = self.folder / "calls"
        self.settings.update(checkpoint_file=self.outside / "checkpoints", signing_key_file=self.outside / "signing.key")

    def words(self, program):
        return [*self.injection(self), *program] if self.injection else program

    def start(self, wait=True):
        flags = [word for name, value in self.settings.items() for word in ("--" + name.replace("_", "-"), str(value))]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.words([ANNALSD, "--data", self.data, "--socket", self.socket, *flags]), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)
        if wait:
            self.wait_until_ready()
        return self

    def offline(self, *words):
        """A command of `annalsd` for which it must not run; gives its exit code."""
        with open(self.log, "ab") as log:
            return subprocess.run(self.words([ANNALSD, *words]), stdout=log, stderr=log, stdin=subprocess.DEVNULL, timeout=60).returncode

    def copy(self):
        """Another one with the same files."""
        other = FaultyDaemon()
        for name in ("data", "outside"):
            if getattr(self, name).exists():
                shutil.copytree(getattr(self, name), getattr(other, name), dirs_exist_ok=True)
        return other


def body_of(name):
    return (f"body of {name} " * 400)[: 20 + sum(name.encode()) * 2_654_435_761 % 4_000]


class Life:
    """What is asked of the daemon, and what it answered. Told to be patient, it takes refusals, and goes on with the next question."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.connection = None
        self.patient = False
        self.complaints = []
        self.known = set()  # What is known not to be as promised; a test of its own shows each.
        self.positions = {}  # What was answered, by what was asked.
        self.sends = {}  # By tenant and id: conversation and body.
        self.purge_asked = self.purge_answered = False
        self.events = {}  # As they were read, by position.

    def copy_for(self, daemon):
        other = Life(daemon)
        other.positions, other.sends, other.events = dict(self.positions), dict(self.sends), dict(self.events)
        other.purge_asked, other.purge_answered = self.purge_asked, self.purge_answered
        return other

    # One question

    def call(self, *words):
        """The answer, or None if it was refused or the connection broke, which only the patient take."""
        try:
            if self.connection is None:
                self.connection = Connection(self.daemon.socket, timeout=ANSWER_SECONDS)
                self.connection.call("HELLO", 3)
            return self.unless_busy(*words)
        except Refused as refusal:
            self.excuse(refusal.code, f"{words[0]}: {refusal}")
        except TimeoutError:
            raise Finding(f"hangs: no answer to {words[:4]} within {ANSWER_SECONDS} s") from None
        except (Closed, OSError) as error:
            self.excuse(None, f"{words[0]}: {type(error).__name__}")
            self.hang_up()
        return None

    def unless_busy(self, *words):
        """What is busy is asked again, as the daemon says; for ever would be a hang."""
        for _ in range(BUSY_MAX):
            try:
                return self.connection.call(*words)
            except Refused as refusal:
                if refusal.code != "BUSY":
                    raise
                time.sleep(0.01)
        return self.connection.call(*words)

    def excuse(self, code, text):
        require(self.patient, f"refused without a reason: {text}")
        require(code is None or code in EXCUSES or (code in CONSEQUENCES and self.complaints), f"refused with a wrong reason: {text}")
        self.complaints.append(text)

    def hang_up(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, *words):
        """A question that changes nothing: as one call fails just once, the second answer counts."""
        answer = self.call(*words)
        if answer is not None or not self.patient or self.daemon.process.poll() is not None:
            return answer
        self.patient = False
        try:
            return self.call(*words)
        except Finding:
            if "MDB_PANIC" not in self.daemon.log_text():
                raise
            self.known.add("panic")
        finally:
            self.patient = True

    def append(self, *words):
        position = self.call(*words)
        if isinstance(position, dict):
            position = position["position"]
        if position is None:
            return
        known = self.positions.setdefault(words, position)
        # A retention change that is set again is another event.
        require(known == position or words[0] == "RETENTION.SET", f"{words[:5]} was answered with {known}, and now with {position}")

    def send(self, tenant, conversation, sender, name, *more):
        self.sends[tenant, name] = conversation, body_of(name)
        self.append("SEND", tenant, conversation, sender, name, body_of(name), *more)

    # Phases

    def fill_first(self):
        for number in range(6):
            self.send("old", "c", f"s{number % 3}", f"f-{number}", "AT", OLD + number)
        self.send("live", "c", "ann", "f-live")
        self.append("LOCALDELETE", "live", "c", "ben", "ID", "f-live")

    def fill(self):
        for number in range(40):
            self.send("old", f"c{number % 3}", f"s{number % 3}", f"m-{number}", "AT", OLD + number // 30 * DAY + 10 + number)
        for number in range(6):
            self.send("live", "c", "ann", f"n-{number}")

    def hide(self):
        self.append("LOCALDELETE", "live", "c", "ben", "ID", "n-1", "n-2")
        if last := self.position_of("live", "n-1"):
            self.append("LOCALDELETE", "live", "c", "eve", "UPTO", last)

    def rule(self):
        self.append("HOLD.PLACE", "h", "TENANT", "old", "SENDER", "s1", "MATTER", "7", "REASON", "court")
        self.append("RETENTION.SET", "TENANT", "live", "3y", "REASON", "law")

    def fold(self):
        """A digest is refused for good where nothing is folded any more, and the log says why by then."""
        try:
            self.ask("DIGEST")
        except Finding as finding:
            require(
                self.patient and "READONLY" in str(finding) and "nothing is appended any more" in self.daemon.log_text(), str(finding))

    def look(self):
        self.check_messages()
        self.check_timelines()
        self.check_events()

    def purge(self):
        held = ("HOLD.PLACE", "h", "TENANT", "old", "SENDER", "s1", "MATTER", "7", "REASON", "court")
        plan = self.call("PURGE.PLAN") if held in self.positions else None
        if not plan or not plan["messages"]:
            return
        self.purge_asked = True
        if self.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"]) is not None:
            self.purge_answered = True

    def compact(self):
        self.call("COMPACT", "ALL", "MINGAIN", 0)

    def sign(self):
        self.call("AUDIT.CHECKPOINT")
        self.call("AUDIT.PROVE", 1)

    def last_append(self):
        self.send("live", "c", "ann", "last")

    first_phases = (fill_first, fold, look)
    phases = (fill, hide, rule, fold, look, purge, compact, sign, last_append, look)

    # What must be true

    def position_of(self, tenant, name):
        return next((position for words, position in self.positions.items() if words[0] == "SEND" and words[1] == tenant and words[4] == name), None)

    def is_victim(self, tenant, name):
        return tenant == "old" and int(name.split("-")[1]) % 3 != 1

    def check_messages(self):
        for (tenant, name), (_, body) in self.sends.items():
            message = self.ask("MESSAGE.GET", tenant, name)
            if message is None:
                gone = self.daemon.process.poll() is None and not self.known and self.position_of(tenant, name)
                require(not gone, f"{tenant} {name} was answered with {gone}, and is not there")
                continue
            position = self.position_of(tenant, name)
            require(position in (None, message["position"]), f"{name} was answered with {position}, and is at {message['position']}")
            self.check_body(tenant, name, message, body)

    def check_body(self, tenant, name, message, body):
        if message["state"] == b"purged":
            require(self.purge_asked and self.is_victim(tenant, name), f"{name} is purged, and nobody asked for that")
            require(message["body"] is None, f"{name} is purged, and its body is there")
            return
        require(not (self.purge_answered and self.is_victim(tenant, name)), f"{name} was purged, and is {message['state']}")
        if tenant == "live":
            require(message["state"] == b"visible" and message["body"] == body.encode(), f"{name} is {message['state']}, or has another body")

    def check_timelines(self):
        hidden = {}
        for words in self.positions:
            if words[0] == "LOCALDELETE":
                hidden.setdefault(words[3], set()).update(words[5:] if words[4] == "ID" else {"f-live", "n-0", "n-1"})
        for viewer in ("ann", "ben", "eve"):
            page = self.ask("TIMELINE", "live", "c", "VIEWER", viewer, "COUNT", 100)
            if page is None:
                continue
            seen = {message["id"].decode(): message["body"].decode() for message in page["messages"]}
            require(all(body == body_of(name) for name, body in seen.items()), f"{viewer} sees another body")
            wanted = {name for tenant, name in self.sends if tenant == "live" and self.position_of(tenant, name)}
            require(not seen.keys() & hidden.get(viewer, set()), f"{viewer} sees what was hidden")
            if viewer == "ann":
                require(wanted <= seen.keys(), f"{viewer} does not see {wanted - seen.keys()}")

    def check_events(self):
        events = self.ask("EVENTS.READ", "FROM", 1, "COUNT", 10_000)
        if events is None:
            return
        require([event["position"] for event in events] == list(range(1, len(events) + 1)), "positions have a gap")
        by_position = {event["position"]: event for event in events}
        for position, event in self.events.items():
            require(by_position.get(position) == event, f"the event {position} was {event}, and is {by_position.get(position)}")
        self.events = by_position
        for words, position in self.positions.items():
            kind = {"SEND": b"send", "LOCALDELETE": b"local-delete", "HOLD.PLACE": b"hold-place", "RETENTION.SET": b"retention-change"}[words[0]]
            event = by_position.get(position, {})
            require(event.get("kind") == kind, f"{words[:5]} was answered with {position}, where there is {event}")
            require(kind != b"send" or event["message-id"].decode() == words[4], f"at {position} is another message than {words[4]}")


def run_phases(life, phases, between=lambda phase: None):
    for phase in phases:
        if life.daemon.process.poll() is not None:
            break
        phase(life)
        between(phase.__name__)
    life.hang_up()


def verdict(daemon):
    done = subprocess.run([ANNALS, "audit", "verify", str(daemon.data), "--bodies"], capture_output=True, text=True, timeout=60)
    require(done.returncode == 0, f"audit verify ended with {done.returncode}: {done.stdout[-600:]}{done.stderr[-300:]}")


def check_afterwards(life):
    """A start without faults: all that was answered is there, all can be asked again, and the log is sound."""
    daemon = life.daemon
    daemon.injection, life.patient, life.complaints = None, False, []
    try:
        daemon.start()
    except AssertionError as error:
        raise Finding(f"does not start afterwards: {str(error)[-600:]}") from None
    life.look()
    require(life.ask("STATS")["open-intents"] == 0, "an intent is open after a start")
    run_phases(life, Life.first_phases + Life.phases)
    victims = [name for tenant, name in life.sends if life.is_victim(tenant, name)]
    states = {life.call("MESSAGE.GET", "old", name)["state"] for name in victims}
    require(states == {b"purged"}, f"after another purge the messages are {states}")
    digest = life.call("DIGEST")["digest"].decode()
    life.hang_up()
    require(daemon.stop() == 0, "the last stop failed")
    verdict(daemon)
    flags = ("--signing-key-file", daemon.settings["signing_key_file"])
    require(daemon.offline("rebuild", "--data", daemon.data, *flags) == 0, "it cannot be rebuilt")
    require(digest in daemon.run("digest", *flags), "a rebuild has another digest")
    verdict(daemon)
