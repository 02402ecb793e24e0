"""All real conversations as of a thousand moments: every message, asked of the daemon, replayed, and worked out by the model."""

import concurrent.futures
import multiprocessing
import os
import random

import hiredis
import pytest

from daemon import annals
from moments import DAY, Model, events_of
from resp import Connection, frame
from test_conversations import COFACTS, DATA, GITTER
from test_replay import digest, messages_of, replay

pytestmark = [
    pytest.mark.skipif(not COFACTS.exists(), reason=f"{DATA} is not there; it is no part of the project"),
    pytest.mark.skipif("ANNALS_DEEP" not in os.environ, reason="takes long; ANNALS_DEEP=1 runs it")]

MOMENTS = int(os.environ.get("ANNALS_MOMENTS", 1000))
# First and last of the messages' own times, in ms since 1970, and what is left of expiry after it.
FIRST, LAST = 1_417_000_000_000, 1_540_000_000_000


def states(connection, questions, words):
    """The state of each (message, viewer) as of `words`; None where the daemon knows no such message."""
    found = []
    reader = hiredis.Reader()
    for start in range(0, len(questions), 500):
        some = questions[start:start + 500]
        connection.send_bytes(b"".join(
            frame("MESSAGE.GET", send["tenant"], send["message-id"], *(["VIEWER", viewer] if viewer else []), "ASOF", words)
            for send, viewer in some))
        answers = 0
        while answers < len(some):
            data = connection.socket.recv(1 << 20)
            assert data, "the daemon closed the connection"
            reader.feed(data)
            while (answer := reader.gets()) is not False:
                assert not isinstance(answer, hiredis.ReplyError), answer
                found.append(answer and answer[b"state" if isinstance(answer, dict) else answer.index(b"state") + 1].decode())
                answers += 1
    return found


def timeline(connection, tenant, conversation, viewer, words, start, count):
    """The positions of a whole timeline as of `words`, page after page: up from the beginning, or down from the end."""
    way, on, cursor, found = ("AFTER", "next", "-", []) if start == "-" else ("BEFORE", "previous", "+", [])
    while cursor:
        page = connection.call("TIMELINE", tenant, conversation, "VIEWER", viewer, way, cursor, "COUNT", count, "ASOF", words)
        positions = [message["position"] for message in page["messages"]]
        found = found + positions if start == "-" else positions + found
        cursor = page[on]
    return found


def try_moments(socket, data, seed, count):
    """Returns how many (message, viewer) pairs were in each state, over `count` random moments."""
    dice = random.Random(seed)
    with Connection(socket, timeout=120) as connection:
        connection.call("HELLO", 3)
        end = digest(connection)[0]
        model = Model(events_of(connection, end))
        viewers = sorted({delete[0] for deletes in model.deletes.values() for delete in deletes})
        rooms = {}
        for send in model.sends:
            rooms.setdefault((send["tenant"], send["conversation"]), []).append(send)
        told = {}
        for number in range(count):
            if dice.random() < 0.5:
                position = dice.randint(1, end)
                time, words = model.recorded[position], f"#{position}"
            else:
                position, time = end, dice.randrange(FIRST, LAST)
                words = time
            view = model.at(position, time)
            # Everybody who hides nothing sees the same; each of the others is asked of what he hid, and now and then of everything.
            questions = [(send, None) for send in model.sends]
            questions += [(send, delete[0]) for send in model.sends for delete in model.deletes.get(send["position"], ())]
            if number % 5 == 0:
                one = dice.choice(viewers)
                questions += [(send, one) for send in model.sends]
            for (send, viewer), state in zip(questions, states(connection, questions, words), strict=True):
                expected = view.state(send, viewer)
                assert state == expected, (send, viewer, words)
                told[expected] = told.get(expected, 0) + 1
            for room in dice.sample(sorted(rooms), 3):
                viewer = dice.choice(viewers)
                seen = sorted((send["at"], send["position"]) for send in rooms[room] if view.state(send, viewer) == "visible")
                pages = timeline(connection, *room, viewer, words, dice.choice("-+"), dice.choice([7, 50, 1000]))
                assert pages == [position for _, position in seen], (room, viewer, words)
            replayed = {message["position"]: message for message in messages_of(data, "--asof", words)}
            for send in model.sends:
                message = replayed.pop(send["position"], None)
                assert (message and message["state"]) == view.state(send, None), (send, words)
                assert not message or set(message["hidden-from"]) == view.hiders(send), (send, words)
            assert not replayed
        return told


def test_daemon_replay_and_model_agree_of_every_message_and_viewer(make_daemon, dice, monkeypatch):
    daemon = make_daemon(cool_off_hours=0, partition_length="week").start(purge_automatic="no")
    for path in (GITTER, COFACTS):
        annals(daemon, "import", path, "--json")
    # The partitions are at rest then, and have their filters at once.
    assert daemon.stop() == 0
    daemon.start(purge_automatic="no")
    with Connection(daemon.socket, timeout=120) as connection:
        connection.call("HELLO", 3)
        sends = [event for event in events_of(connection, digest(connection)[0]) if event["kind"] == b"send"]
        tenants = sorted({event["tenant"] for event in sends})
        # Decided in the years of the conversations, and today, so that expiry runs through them as of many moments.
        for tenant in tenants:
            for period in ("30d", "400d", "100d", "forever"):
                at = dice.randrange(FIRST, LAST)
                connection.call("RETENTION.SET", "TENANT", tenant, period, "REASON", "of then", "AT", at)
        for period in range(3100, 3100 + 100 * 6, 100):
            for _ in range(60):
                event = dice.choice(sends)
                connection.call(
                    "LOCALDELETE", event["tenant"], event["conversation"], f"v{dice.randrange(5)}", "ID", event["message-id"])
            tenant = dice.choice(tenants)
            connection.call("RETENTION.SET", "TENANT", tenant, f"{period + dice.randrange(100)}d", "REASON", "of today")
        assert len(sends) > 21_000
    # What a replay builds is thrown away: no disk need hear of it.
    if os.access("/dev/shm", os.W_OK):
        monkeypatch.setenv("TMPDIR", "/dev/shm")
    context = multiprocessing.get_context("fork")
    told = {}
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        halves = [pool.submit(try_moments, daemon.socket, daemon.data, dice.random(), MOMENTS // 2) for _ in range(2)]
        for half in halves:
            for state, count in half.result().items():
                told[state] = told.get(state, 0) + count
    print(f"{MOMENTS} moments: {told}")
    assert len(told) == 4 and min(told.values()) > MOMENTS
    with Connection(daemon.socket, timeout=120) as connection:
        connection.call("HELLO", 3)
        end, expected = digest(connection)
    assert replay(daemon.data, "--asof", f"#{end}")["digest"] == expected
