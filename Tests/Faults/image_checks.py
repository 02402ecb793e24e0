"""Starts a daemon on a crash image, and compares what it finds with what had been answered before the crash."""

import functools
import itertools
import pathlib
import re
import struct
import subprocess
import tempfile

import images
from daemon import ANNALS, Daemon
from image_workload import BROKEN, CONVERSATIONS, QUIET, SMALL, TENANTS, body_of, events, places, root_file, timeline
from resp import Connection, Refused
from vault import MASK, CryptoError, body_keys, crypto_aead_xchacha20poly1305_ietf_decrypt

MEMORY = pathlib.Path("/dev/shm")


class Wrong(Exception):
    """What is not as it was promised."""


def require(holds, sentence):
    if not holds:
        raise Wrong(sentence)


class Promised:
    """What had left the daemon before an entry of a recording."""

    def __init__(self, recording, seq):
        promises = list(itertools.takewhile(lambda promise: promise[0] < seq, recording.promises))
        self.position = max((promise[1] for _, promise in promises if promise[0] == "event"), default=0)
        self.checkpoints = [promise for _, promise in promises if promise[0] == "checkpoint"]
        self.receipts = [purge for purge in recording.purges if purge[0] <= self.position]


class Survivor:
    """A place where one image after the other is laid out, started and looked at."""

    def __init__(self, recording):
        self.recording = recording
        self.daemon = Daemon(**SMALL, **QUIET, fold_ms=5)
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="annals-image-", dir=MEMORY if MEMORY.is_dir() else None))
        self.daemon.data = self.disk / "data"
        self.daemon.settings.update(places(self.disk, recording.is_outside))
        self.root_file = root_file(self.disk, recording.is_outside)

    def clean_up(self):
        self.daemon.clean_up()
        subprocess.run(["rm", "-rf", self.disk], check=True)

    def check(self, image, seq, dice):
        """Raises `Wrong` with what is wrong."""
        self.dice = dice
        promised = Promised(self.recording, seq)
        images.lay_out(image, self.disk)
        self.check_no_old_key(promised)
        try:
            self.daemon.start()
            with Connection(self.daemon.socket) as connection:
                connection.call("HELLO", 3)
                self.check_log(connection, promised)
                self.check_goes_on(connection)
                # Asked for each time, since after a kill in the midst of a fold verifying says "damaged" (the tests that expect to fail).
                digest = connection.call("DIGEST")["digest"].decode()
            require(self.end() in (0, -9), "the daemon does not stop")
        except (AssertionError, Refused, *BROKEN) as failure:
            raise Wrong(f"{type(failure).__name__}: {failure} {self.daemon.log_text()[-2000:]}") from failure
        finally:
            if self.daemon.process is not None:
                self.daemon.kill()
            self.daemon.log.unlink(missing_ok=True)
        self.check_verifies(promised)
        if self.dice.random() < 0.05:
            self.run("rebuild")
            require(digest in self.run("digest"), "a rebuild has another digest")

    def run(self, command):
        flags = ["--root-key-file", self.root_file] if self.recording.is_outside and command == "digest" else []
        return self.daemon.run(command, *flags)

    def end(self):
        if self.dice.random() < 0.5:
            return self.daemon.stop()
        self.daemon.kill()
        return 0

    # ---- The log ----

    def check_log(self, connection, promised):
        truth, found = self.recording.events, events(connection)
        same = next((n for n, (one, other) in enumerate(zip(truth, found)) if one != other), min(len(truth), len(found)))
        self.same = same
        require(same >= promised.position, f"answered up to {promised.position}, there up to {same}; then {found[same:same + 1]}")
        require([event["position"] for event in found] == list(range(1, len(found) + 1)), "positions have a gap")
        for event in found[same:]:
            require(event["kind"] == b"purge" and event["intent"] <= same, f"nobody sent {event}")
        outcomes = {event["intent"]: event["outcome"] for event in found if event["kind"] == b"purge"}
        for event in found:
            require(event["kind"] != b"purge-intent" or event["position"] in outcomes, f"{event} has no receipt")
        gone = {intent for intent, outcome in outcomes.items() if outcome == b"destroyed"}
        require(gone <= self.intents_that_destroyed.keys(), "an intent destroyed that was withdrawn")
        self.check_bodies(connection, [event for event in found if event["kind"] == b"send"], gone)
        self.check_vault(connection, gone)
        size = max((size for _, size, _ in promised.checkpoints), default=0)
        require(connection.call("STATS")["checkpoint"] >= size, f"the checkpoint of {size} is lost")

    @functools.cached_property
    def intents_that_destroyed(self):
        """intent -> position of its receipt, at the recording's end."""
        return {event["intent"]: event["position"] for event in self.recording.events
                if event["kind"] == b"purge" and event["outcome"] == b"destroyed"}

    def check_bodies(self, connection, sends, gone):
        there = {}
        for tenant, conversation in itertools.product(TENANTS, CONVERSATIONS):
            there.update((message["position"], message) for message in timeline(connection, tenant, conversation))
        require(there.keys() == {event["position"] for event in sends}, "timelines are of other messages than the log")
        receipts = {self.intents_that_destroyed[intent] for intent in gone}
        for position, message in there.items():
            purged = self.recording.messages[position]["receipt"] in receipts
            body = None if purged else body_of(message["id"].decode())
            require(message["body"] == body, f"message {position} {'is' if message['body'] else 'is not'} readable, and must be the other")
            require((message["state"] == b"purged") == purged, f"message {position} is {message['state']}")

    def check_goes_on(self, connection):
        position = connection.call("SEND", "new", "hall", "ann", "new", "new")
        found = connection.call("EVENTS.READ", "FROM", position)
        require([event["message-id"] for event in found] == [b"new"], f"a new event is not the last: {found}")
        require(connection.call("AUDIT.CHECKPOINT")["size"] >= position, "what is new is not signed")
        ids = {event["message-id"].decode() for event in self.recording.events[:self.same] if event["kind"] == b"send"}
        there = [words for words in self.recording.sent if words[4] in ids]
        if there:
            words = self.dice.choice(there)
            again = connection.call(*words)
            require(again < position and self.recording.events[again - 1]["message-id"].decode() == words[4], f"{words[:5]} came again as {again}")

    # ---- Keys ----

    def check_no_old_key(self, promised):
        """Before the start: once a purge is answered, no root key of before is in any file, and none that is there opens a key that went."""
        if not promised.receipts:
            return
        files = [*(self.daemon.data / "vault").glob("*"), *(self.disk / "keys").glob("*")]
        contents = {path: path.read_bytes() for path in files}
        for path, content in contents.items():
            require(not any(root in content for _, _, root in promised.receipts), f"{path.name} holds a root key that was destroyed")
        dead = set().union(*(keys for _, keys, _ in promised.receipts))
        roots = [bytes.fromhex(content.decode()) for path, content in contents.items()
                 if path.name.startswith("root") and re.fullmatch(rb"[0-9a-f]{64}\n", content)]
        for root, path in itertools.product(roots, contents):
            if path.name.startswith("keyring") and contents[path].startswith(b"ANNALSKR"):
                require(not dead & readable_keys(root, path), f"{path.name} opens keys that were destroyed")

    def check_vault(self, connection, gone):
        receipts = {self.intents_that_destroyed[intent] for intent in gone}
        dead = set().union(*(keys for receipt, keys, _ in self.recording.purges if receipt in receipts))
        keys = body_keys(self.daemon.data, bytes.fromhex(self.root_file.read_text()))
        require(not dead & keys.keys(), f"keys {dead & keys.keys()} are there, and a receipt says that they are not")
        require(connection.call("STATS")["keys"] == len(keys), "the keyring has other keys than the daemon")
        names = sorted(path.name for folder in {self.daemon.data / "vault", self.root_file.parent} for path in folder.iterdir())
        require(names == ["keyring", "root.key"], f"the vault has {names}")

    # ---- Afterwards ----

    def check_verifies(self, promised):
        kept = self.disk / "kept"
        kept.write_bytes(b"".join(note + b"\n" for _, _, note in promised.checkpoints))
        done = self.verify(["--checkpoints", kept] if promised.checkpoints else [])
        require(done.returncode == 0, f"verify ended with {done.returncode}: {done.stdout}{done.stderr}")

    def verify(self, words):
        words = [*words, "--root-key-file", self.root_file] if self.recording.is_outside else words
        return subprocess.run([ANNALS, "audit", "verify", self.daemon.data, "--bodies", *words], capture_output=True, text=True, timeout=60)


def readable_keys(root, keyring):
    """The ids of all keys in a keyring that a root key opens, box for box: a crash may have torn any of them."""
    blob, found, number = keyring.read_bytes(), set(), 0
    head = blob[:41 + blob[40]] if len(blob) > 40 else b""
    offset = len(head)
    while offset + 48 <= len(blob):
        length, check = struct.unpack(">II", blob[offset:offset + 8])
        if length ^ MASK != check or length < 40:
            break
        box = blob[offset + 8:offset + 8 + length]
        try:
            plain = crypto_aead_xchacha20poly1305_ietf_decrypt(box[24:], head + struct.pack(">Q", number), box[:24], root)
        except (CryptoError, ValueError):
            plain = b""
        found |= set(ids_in(plain))
        offset, number = offset + 8 + length, number + 1
    return found


def ids_in(plain):
    place = 0
    while place < len(plain):
        yield struct.unpack(">Q", plain[place:place + 8])[0]
        tenant = plain[place + 44]
        place += 46 + tenant + plain[place + 45 + tenant]


def check_disk_forgets(recording, honest=lambda entry: True):
    """When a purge is answered, the root key of before is on no part of the disk, also not in a file without a name."""
    disk, done = images.Disk(recording.before, honest), 0
    for seq, promise in recording.promises:
        roots = [root for receipt, _, root in recording.purges if promise == ("event", receipt)]
        for entry in recording.entries[done:seq if roots else done]:
            disk.step(entry)
        done = seq if roots else done
        for root, file in itertools.product(roots, disk.all_files):
            require(root not in file.durable, "a root key that was destroyed is on the disk")
            require(all(root not in entry.data for entry in file.waiting), "a root key that was destroyed is in a write under way")
