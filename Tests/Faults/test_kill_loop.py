"""`kill -9` under load, again and again on one archive: nothing answered is lost, positions have no gap, and the log is sound.

`Tests/Wire/test_crashes.py` compares each round with a rebuild. This one has more kinds of deeds, purges and compactions under way, and the
verdict of `annals audit verify`. `ANNALS_KILL_LOOP` says how many kills (20; deep: 1000).
"""

import os
import threading
import time

from hostile import BROKEN, OLD_DAY, Load, body_of, dice, greeted, make_daemon, verify
from resp import Refused

KILLS = int(os.environ.get("ANNALS_KILL_LOOP", 20))
VERIFY_EVERY = 50


class Deeds(threading.Thread):
    """Local deletes, holds, policies, old messages, plans and purges, one after the other, until the connection breaks."""

    def __init__(self, daemon, turn, dice):
        super().__init__(daemon=True)
        self.path, self.turn, self.seed = daemon, turn, dice.random()
        self.positions = {}
        self.error = None

    def run(self):
        try:
            with greeted(self.path) as connection:
                number = 0
                while True:
                    number += 1
                    self.step(connection, f"d{self.turn}-{number}", number)
        except BROKEN:
            pass
        except Exception as error:  # Told by the test's own thread.
            self.error = error

    def step(self, connection, name, number):
        self.note(b"send", connection.call("SEND", "t", "deeds", "ada", name, "old", "AT", OLD_DAY + self.turn % 30 * 86_400_000))
        self.note(b"local-delete", connection.call("LOCALDELETE", "t", "deeds", "ben", "ID", name))
        if number % 5 == 1:
            self.note(b"hold-place", connection.call("HOLD.PLACE", name, "TENANT", "t", "SENDER", "eve", "MATTER", "m", "REASON", "r"))
            self.note(b"hold-release", connection.call("HOLD.RELEASE", name, "REASON", "r"))
        if number % 7 == 3:
            try:
                plan = connection.call("PURGE.PLAN", "TENANT", "t")
                self.note(b"purge", connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"]))
                connection.call("COMPACT", "ALL", "MINGAIN", "1")
            except Refused as refused:
                assert refused.code in ("CONFLICT", "BUSY"), refused

    def note(self, kind, answer):
        self.positions[answer] = kind


def check(connection, known, loads, deeds):
    """What came behind `known` against what was answered. Returns the log's end."""
    found = {}
    while page := connection.call("EVENTS.READ", "FROM", known + len(found) + 1, "COUNT", 10_000):
        for event in page:
            assert event["position"] == known + len(found) + 1, "positions have no gap"
            found[event["position"]] = event
    assert deeds.error is None, deeds.error
    for position, kind in deeds.positions.items():
        # A purge of expired messages that is still there as its receipt: what it destroyed stays in the log as an event.
        assert found[position]["kind"] == kind
    for load in loads:
        assert load.error is None, load.error
        for position, name in load.answered.items():
            assert found[position]["message-id"].decode() == name, f"{name} was answered with {position}"
    for load in loads:
        for name in list(load.answered.values())[:: max(1, len(load.answered) // 50)]:
            assert connection.call("MESSAGE.GET", "t", name)["body"] == body_of(name, load.bytes)
    return known + len(found)


def test_kills_under_load(make_daemon, dice):
    daemon = make_daemon(
        journal_segment_bytes=1 << 20, batch_bytes_max=1 << 17, fold_bytes=1 << 18, purge_automatic="no", compaction_bytes_per_second=0)
    known = answered = done = verified = 0
    for turn in range(KILLS):
        daemon.start(fold_ms=dice.choice([1, 20, 300]))
        loads = [Load(daemon, f"r{turn}c{number}", width=dice.choice([1, 8, 64]), bytes=dice.choice([10, 500, 5000])) for number in range(2)]
        deeds = Deeds(daemon, turn, dice)
        for thread in (*loads, deeds):
            thread.start()
        time.sleep(dice.uniform(0.02, 0.35))
        daemon.kill()
        for thread in (*loads, deeds):
            thread.join(30)
            assert not thread.is_alive()
        answered += sum(len(load.answered) for load in loads)
        done += len(deeds.positions)
        daemon.start()
        with greeted(daemon) as connection:
            known = check(connection, known, loads, deeds)
            assert connection.call("STATS")["open-intents"] == 0, "a start ends every open intent"
        daemon.kill() if dice.random() < 0.5 else daemon.stop()
        if turn % VERIFY_EVERY == VERIFY_EVERY - 1 or turn == KILLS - 1:
            verify(daemon)
            verified += 1
    print(f"kill loop: {KILLS} kills, {answered} messages and {done} other deeds answered, {known} in the log, none lost, {verified} times sound")
    assert answered > KILLS and done > KILLS
