"""Auditors are recorded first and shown then: who read what, how much of it, and why."""

import json
import os
import subprocess
import threading
import time

import pytest

from daemon import ANNALSD, annals
from resp import Closed, Connection, Refused, as_map, frame
from test_purges import OLD, idle

KEYS = ["position", "at", "kind", "principal", "tenant", "asked", "conversation", "message-id", "first", "last", "bodies", "reason"]
ME = f"uid:{os.getuid()}".encode()


@pytest.fixture
def quiet(make_daemon):
    """A daemon that destroys nothing by itself."""
    return make_daemon(purge_automatic="no", cool_off_hours=0).start()


def greeted(daemon):
    connection = Connection(daemon.socket)
    connection.call("HELLO", 3)
    return connection


def read(connection, message="m-1", reason="case 7", tenant="t"):
    return connection.call("MESSAGE.HISTORY", tenant, message, "REASON", reason)


def readings(connection):
    """All of the log."""
    events, start = [], 1
    while page := connection.call("EVENTS.READ", "FROM", start, "COUNT", 10_000):
        events += page
        start = page[-1]["position"] + 1
    return [event for event in events if event["kind"] == b"access"]


def end(connection):
    return connection.call("STATS")["position"]


def test_a_reading_is_in_the_log_by_the_time_that_it_is_answered(client, tenant):
    sent = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    history = client.map("MESSAGE.HISTORY", tenant, "m-1", "REASON", "审计 7")
    assert as_map(history["message"])["body"] == b"one"
    (event,) = [as_map(event) for event in client.raw("EVENTS.READ", "FROM", sent + 1, "TENANT", tenant)]
    assert list(event) == KEYS
    assert event == {
        "position": sent + 1, "at": event["at"], "kind": b"access", "principal": ME, "tenant": tenant.encode(), "asked": b"message-history",
        "conversation": b"c", "message-id": b"m-1", "first": sent, "last": sent, "bodies": 1, "reason": "审计 7".encode()}


def test_every_reading_is_one_event_and_the_next_history_tells_of_it(client, tenant):
    client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    client.raw("SEND", tenant, "c", "ada", "m-2", "two")
    for count in range(4):
        history = client.map("MESSAGE.HISTORY", tenant, "m-1", "REASON", f"look {count}")
        told = [as_map(event) for event in history["events"]]
        assert [event["kind"] for event in told] == [b"send"] + [b"access"] * count
        assert [event["reason"] for event in told[1:]] == [f"look {number}".encode() for number in range(count)]
    assert len(client.map("MESSAGE.HISTORY", tenant, "m-2", "REASON", "another")["events"]) == 1


def test_pipelined_readings_and_appends_are_answered_and_recorded_in_their_order(quiet):
    with greeted(quiet) as connection:
        commands = []
        for number in range(50):
            commands += [("SEND", "t", "c", "ada", f"m-{number}", f"body {number}"), ("MESSAGE.HISTORY", "t", f"m-{number}", "REASON", number)]
        connection.send_bytes(b"".join(frame(*words) for words in commands))
        for number in range(50):
            assert connection.answer() == 2 * number + 1
            assert connection.answer()["message"]["body"] == f"body {number}".encode()
        assert [(event["position"], event["reason"]) for event in readings(connection)] == [
            (2 * number + 2, str(number).encode()) for number in range(50)]


@pytest.mark.parametrize("words", [
    (), ("REASON",), ("REASON", ""), ("REASON", "   "), ("REASON", "a\nb"), ("REASON", b"\xff"), ("because", "case 7"), ("REPORT",)])
def test_without_a_reason_nothing_is_shown_and_nothing_recorded(quiet, words):
    with greeted(quiet) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "one")
        with pytest.raises(Refused, match="^BADARG .*REASON"):
            connection.call("MESSAGE.HISTORY", "t", "m-1", *words)
        assert end(connection) == 1


def test_a_reason_has_its_limit(quiet):
    with greeted(quiet) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "one")
        with pytest.raises(Refused, match="^TOOLONG"):
            read(connection, reason="x" * 1025)
        assert end(connection) == 1
        read(connection, reason="x" * 1024)
        assert readings(connection)[0]["reason"] == b"x" * 1024


def test_nothing_is_recorded_of_what_is_not_there(quiet):
    with greeted(quiet) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "one")
        assert read(connection, "m-2") is None
        assert read(connection, tenant="u") is None
        assert end(connection) == 1


def test_nothing_is_recorded_of_who_has_no_right(quiet):
    with greeted(quiet) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "one")
    assert quiet.stop() == 0
    quiet.start(auditors="4294967294")
    with greeted(quiet) as connection:
        for words in [("REASON", "case 7"), ()]:
            with pytest.raises(Refused, match="^DENIED"):
                connection.call("MESSAGE.HISTORY", "t", "m-1", *words)
        with pytest.raises(Refused, match="^DENIED"):
            connection.call("TIMELINE", "t", "c", "REASON", "case 7")
        assert end(connection) == 1


def test_what_was_shown_is_recorded_whenever_the_daemon_dies(make_daemon, dice):
    """As if the power failed right behind an answer: by whomever it was read, the log has it."""
    daemon = make_daemon(purge_automatic="no")
    shown = set()
    for turn in range(6):
        daemon.start()
        with greeted(daemon) as connection:
            for number in range(20):
                connection.call("SEND", "t", "c", "ada", f"m-{number}", f"body {number}")
            assert shown <= {event["reason"] for event in readings(connection)}
        readers = [threading.Thread(target=read_on, args=(daemon, f"{turn}-{reader}", shown)) for reader in range(4)]
        for reader in readers:
            reader.start()
        # Not to wait for anything, but to come at another moment each time.
        time.sleep(dice.random() * 0.2)
        daemon.kill()
        for reader in readers:
            reader.join()
    daemon.start()
    with greeted(daemon) as connection:
        assert shown and shown <= {event["reason"] for event in readings(connection)}
        told = {event["reason"] for number in range(20) for event in read(connection, f"m-{number}", "end")["events"] if "reason" in event}
        assert shown <= told
        digest = connection.call("DIGEST")["digest"].decode()
    assert daemon.stop() == 0
    daemon.run("rebuild")
    assert digest in daemon.run("digest")


def read_on(daemon, name, shown):
    """Reads until the daemon is dead, and notes what was answered."""
    try:
        with greeted(daemon) as connection:
            for number in range(100_000):
                reason = f"{name}-{number}"
                assert read(connection, f"m-{number % 20}", reason)["message"]["body"] is not None
                shown.add(reason.encode())
    except (Closed, ConnectionError, FileNotFoundError):
        return


def test_who_read_a_message_is_told_also_after_its_purge(quiet):
    with greeted(quiet) as connection:
        for number in range(3):
            connection.call("SEND", "t", "c", "ada", f"m-{number}", f"body {number}", "AT", OLD + number)
        assert read(connection, reason="before")["message"]["body"] == b"body 1"
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 3)
        idle(connection)
        for _ in range(2):
            history = read(connection, reason="after")
            assert (history["message"]["state"], history["message"]["body"]) == (b"purged", None)
        assert [event["kind"] for event in history["events"]] == [b"send", b"access", b"purge-intent", b"purge", b"access"]
        told = [(event["reason"], event["bodies"]) for event in history["events"] if event["kind"] == b"access"]
        assert told == [(b"before", 1), (b"after", 0)]


def test_a_reading_is_no_event_of_its_conversation_and_touches_no_id(quiet):
    with greeted(quiet) as connection:
        sent = connection.call("SEND", "t", "c", "ada", "m-1", "one")
        read(connection)
        assert connection.call("SEND", "t", "c", "ada", "m-1", "one", "REPORT") == [sent, b"present"]
        assert connection.call("SEND", "t", "c", "ada", "m-2", "two", "EXPECT", sent) == sent + 2
        page = connection.call("TIMELINE", "t", "c", "VIEWER", "ben")
        assert [message["id"] for message in page["messages"]] == [b"m-1", b"m-2"]


def test_a_full_disk_keeps_no_auditor_from_reading(quiet):
    with greeted(quiet) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "one")
    assert quiet.stop() == 0
    # More than any disk has left.
    quiet.start(disk_reserve_bytes=1 << 50)
    with greeted(quiet) as connection:
        with pytest.raises(Refused, match="^FULL"):
            connection.call("SEND", "t", "c", "ada", "m-2", "two")
        read(connection)
        assert connection.call("MESSAGE.GET", "t", "m-1")["body"] == b"one"
        assert len(readings(connection)) == 1


def test_a_daemon_that_writes_nothing_any_more_shows_nothing(make_daemon):
    daemon = make_daemon().start(purge_automatic="no")
    folder, away = daemon.data / "partitions", daemon.data / "away"
    with greeted(daemon) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "one")
        read(connection, reason="while it could")
        connection.call("DIGEST")  # Everything is folded: today's partition is open.
        folder.rename(away)
        with pytest.raises(Refused, match="^READONLY"):
            for number in range(100_000):
                connection.call("SEND", "t", "c", "ada", f"old-{number}", "old", "AT", OLD)
        with pytest.raises(Refused, match="^READONLY"):
            read(connection, reason="when it could not")
        assert connection.call("MESSAGE.GET", "t", "m-1")["body"] == b"one"
    daemon.kill()
    away.rename(folder)
    daemon.start()
    with greeted(daemon) as connection:
        assert [event["reason"] for event in readings(connection)] == [b"while it could"]


def test_people_say_why_too_and_find_it_in_the_log(quiet):
    with greeted(quiet) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "one")
    refused = annals(quiet, "history", "t", "m-1", check=False)
    assert refused.returncode == 2 and "--reason" in refused.stderr
    shown = annals(quiet, "history", "t", "m-1", "--reason", "case 7").stdout
    assert "one" in shown and "access" not in shown
    assert "reason=case 7" in annals(quiet, "history", "t", "m-1", "--reason", "case 8").stdout
    log = annals(quiet, "events").stdout
    assert "asked=message-history" in log and "message-id=m-1" in log
    assert quiet.stop() == 0
    trail = subprocess.run([ANNALSD, "trail", "--data", quiet.data, "--json"], capture_output=True, text=True, check=True).stdout
    last = json.loads(trail.splitlines()[-1])
    assert list(last) == KEYS
    assert (last["kind"], last["bodies"], last["reason"], last["principal"]) == ("access", 1, "case 8", ME.decode())


def test_an_auditors_page_is_one_event_that_is_there_first(quiet):
    with greeted(quiet) as connection:
        for number in range(5):
            connection.call("SEND", "t", "c", "ada", f"m-{number}", f"text {number}")
        connection.call("SEND", "t", "c", "ada", "old", "long ago", "AT", OLD)
        connection.call("LOCALDELETE", "t", "c", "ben", "ID", "m-2")
        seen = connection.call("TIMELINE", "t", "c", "VIEWER", "ben")["messages"]
        assert [message["id"] for message in seen] == [b"m-0", b"m-1", b"m-3", b"m-4"]
        before = end(connection)
        page = connection.call("TIMELINE", "t", "c", "REASON", "case 9")
        assert [(message["id"], message["state"], message["body"]) for message in page["messages"]] == [
            (b"old", b"expired", b"long ago")] + [(b"m-%d" % number, b"visible", b"text %d" % number) for number in range(5)]
        (event,) = readings(connection)
        assert event == {
            "position": before + 1, "at": event["at"], "kind": b"access", "principal": ME, "tenant": b"t", "asked": b"timeline",
            "conversation": b"c", "message-id": None, "first": 1, "last": 6, "bodies": 6, "reason": b"case 9"}
        # What was read of the past counts as well, page by page; of nothing there is nothing to say.
        connection.call("TIMELINE", "t", "c", "REASON", "case 9", "ASOF", "#3", "COUNT", 2)
        connection.call("TIMELINE", "t", "none", "REASON", "case 9")
        assert [(event["first"], event["last"], event["bodies"]) for event in readings(connection)] == [(1, 6, 6), (2, 3, 2)]
        # Both are in the history of what was on them, and in no other one's.
        for message, expected in [("m-1", [(1, 6), (2, 3)]), ("m-4", [(1, 6)]), ("m-2", [(1, 6), (2, 3)])]:
            history = connection.call("MESSAGE.HISTORY", "t", message, "REASON", "case 10")
            pages = [event for event in history["events"] if event["kind"] == b"access" and event["asked"] == b"timeline"]
            assert [(event["first"], event["last"]) for event in pages] == expected
        for words in (["VIEWER", "ben", "REASON", "both"], ["COUNT", 5], ["REASON", ""]):
            with pytest.raises(Refused) as refused:
                connection.call("TIMELINE", "t", "c", *words)
            assert refused.value.code == "BADARG"
        plan = connection.call("PURGE.PLAN", "TENANT", "t")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
        idle(connection)
        gone = connection.call("TIMELINE", "t", "c", "REASON", "case 9", "COUNT", 6)["messages"][0]
        assert (gone["id"], gone["state"], gone["body"], gone["receipt"] is not None) == (b"old", b"purged", None, True)
        # As of before, it is what it was then; what destroyed it since is told all the same.
        asof = f"#{plan['position']}"
        then = connection.call("TIMELINE", "t", "c", "REASON", "case 9", "COUNT", 6, "ASOF", asof)["messages"][0]
        assert (then["id"], then["state"], then["body"], then["receipt"]) == (b"old", b"expired", None, gone["receipt"])
        assert connection.call("MESSAGE.GET", "t", "old", "ASOF", asof)["state"] == b"expired"
    shown = annals(quiet, "timeline", "t", "c", "--reason", "case 9").stdout
    assert "text 2" in shown and "purged" in shown and "visible" in shown
    assert annals(quiet, "timeline", "t", "c", check=False).returncode != 0


def test_what_a_viewer_saw_once_is_shown_for_a_reason_alone_and_recorded_first(quiet):
    with greeted(quiet) as connection:
        connection.call("SEND", "t", "c", "ann", "old", "seen long ago", "AT", OLD)
        seen = connection.call("SEND", "t", "c", "ann", "m-1", "seen once")
        connection.call("LOCALDELETE", "t", "c", "ben", "ID", "m-1")
        before = end(connection)

        def page(*words):
            messages = connection.call("TIMELINE", "t", "c", *words)["messages"]
            return [(message["id"], message["state"], message["body"]) for message in messages]

        def get(message, *words):
            answer = connection.call("MESSAGE.GET", "t", message, *words)
            return answer["state"], answer["body"]

        hidden, expired = ("VIEWER", "ben", "ASOF", f"#{seen}"), ("VIEWER", "ben", "ASOF", OLD + 5)
        assert page(*hidden) == [(b"m-1", b"visible", None)] and get("m-1", *hidden) == (b"visible", None)
        assert page(*expired) == [(b"old", b"visible", None)] and get("old", *expired) == (b"visible", None)
        assert get("old", "ASOF", OLD + 5) == (b"visible", None)
        # What anybody may read today needs none.
        assert page("VIEWER", "ann", "ASOF", f"#{seen}") == [(b"m-1", b"visible", b"seen once")]
        for words in (["TIMELINE", "t", "c", "VIEWER", "ben"], ["MESSAGE.GET", "t", "m-1"], ["MESSAGE.GET", "t", "m-1", "VIEWER", "ben"]):
            with pytest.raises(Refused, match="^BADARG .*ASOF"):
                connection.call(*words, "REASON", "case 11")
        with pytest.raises(Refused, match="^BADARG REASON"):
            connection.call("MESSAGE.GET", "t", "m-1", *hidden, "REASON", " ")
        assert connection.call("MESSAGE.GET", "t", "none", *hidden, "REASON", "case 11") is None
        assert end(connection) == before
        assert page(*hidden, "REASON", "case 11") == [(b"m-1", b"visible", b"seen once")]
        assert page(*expired, "REASON", "case 11") == [(b"old", b"visible", b"seen long ago")]
        assert get("m-1", *hidden, "REASON", "case 12") == (b"visible", b"seen once")
        assert get("old", "ASOF", OLD + 5, "REASON", "case 12", "EXPLAIN") == (b"visible", b"seen long ago")
        told = [(event["asked"], event["message-id"], event["first"], event["last"], event["bodies"], event["reason"])
                for event in readings(connection)]
        assert told == [
            (b"timeline", None, seen, seen, 1, b"case 11"), (b"timeline", None, 1, 1, 1, b"case 11"),
            (b"message", b"m-1", seen, seen, 1, b"case 12"), (b"message", b"old", 1, 1, 1, b"case 12")]
        assert end(connection) == before + 4
        history = connection.call("MESSAGE.HISTORY", "t", "m-1", "REASON", "case 13")["events"]
        assert [event["asked"] for event in history if event["kind"] == b"access"] == [b"timeline", b"message"]
    moment = ["--viewer", "ben", "--asof", f"#{seen}"]
    for command in (["timeline", "t", "c"], ["message", "t", "m-1"]):
        assert "seen once" not in annals(quiet, *command, *moment).stdout
        assert "seen once" in annals(quiet, *command, *moment, "--reason", "case 14").stdout
    assert quiet.stop() == 0
    quiet.start(auditors="4294967294")
    with greeted(quiet) as connection:
        before = end(connection)
        for words in (["TIMELINE", "t", "c"], ["MESSAGE.GET", "t", "m-1"]):
            with pytest.raises(Refused, match="^DENIED"):
                connection.call(*words, *hidden, "REASON", "case 15")
        assert connection.call("MESSAGE.GET", "t", "m-1", *hidden)["body"] is None
        assert end(connection) == before
