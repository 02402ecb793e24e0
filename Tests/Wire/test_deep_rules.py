"""Floors, locks, cool-offs, previews, presets, explanations, and holds."""

import datetime
import json
import time

import pytest
import redis

from daemon import annals
from resp import Connection, Refused, as_map

import os as _os

_deep = pytest.mark.skipif("ANNALS_DEEP" not in _os.environ, reason="takes long; ANNALS_DEEP=1 runs it")
pytestmark = _deep


DAY = 86_400_000
OLD = 1_517_616_000_000  # 2018-02-03


def refusal(client, *words):
    with pytest.raises(redis.ResponseError) as refused:
        client.raw(*words)
    return str(refused.value)


def explain(client, tenant, message):
    return as_map(client.map("MESSAGE.GET", tenant, message, "EXPLAIN")["why"])


def test_a_floor_keeps_what_the_policy_would_not(client, tenant):
    sent = client.raw("SEND", tenant, "c", "ann", "m", "hi")
    assert client.map("RETENTION.SET", "TENANT", tenant, "1y", "FLOOR", "REASON", "the law")["position"] == sent + 1
    found = client.map("RETENTION.GET", "TENANT", tenant)
    assert (found["period"], found["floor"], found["floor-from"], found["floor-position"]) == (b"180d", b"1y", b"tenant", sent + 1)
    message = client.map("MESSAGE.GET", tenant, "m")
    assert 364 < (message["expires"] - message["at"]) / DAY < 367
    why = explain(client, tenant, "m")
    assert (why["policy"], why["policy-from"], why["floor"], why["floor-position"]) == (b"180d", b"default", b"1y", sent + 1)
    assert why["floors-expiry"] == client.boolean(True) and why["holds"] == []


def test_what_is_locked_becomes_longer_or_stays(client, tenant):
    client.raw("RETENTION.SET", "TENANT", tenant, "5y", "LOCK", "REASON", "the law")
    for words in (("TENANT", tenant, "4y"), ("TENANT", tenant, "inherit"), ("TENANT", tenant, "CONVERSATION", "c", "1y")):
        assert refusal(client, "RETENTION.SET", *words, "REASON", "less").startswith("LOCKED")
    client.raw("RETENTION.SET", "TENANT", tenant, "6y", "REASON", "more")
    # A lock is not lost by what is longer.
    assert refusal(client, "RETENTION.SET", "TENANT", tenant, "5y", "REASON", "less").startswith("LOCKED")
    assert client.map("RETENTION.GET", "TENANT", tenant)["locked"] == client.boolean(True)


def test_what_shortens_waits_and_can_be_cancelled(client, tenant):
    client.raw("RETENTION.SET", "TENANT", tenant, "2y", "REASON", "more")
    change = client.map("RETENTION.SET", "TENANT", tenant, "30d", "REASON", "less")
    assert client.map("RETENTION.GET", "TENANT", tenant)["period"] == b"2y"
    cancelled = client.raw("RETENTION.CANCEL", change["position"], "REASON", "a mistake")
    assert cancelled == change["position"] + 1
    assert client.map("RETENTION.GET", "TENANT", tenant)["pending"] == []
    assert client.raw("RETENTION.CANCEL", change["position"], "REASON", "again", "REPORT") == [cancelled, b"present"]
    assert refusal(client, "RETENTION.CANCEL", change["position"] - 1, "REASON", "too late").startswith("CONFLICT")
    assert refusal(client, "RETENTION.CANCEL", 1 << 60, "REASON", "what").startswith("UNKNOWN")
    # What is imported of long ago undoes nothing that was decided since, and does not get round the cool-off where nothing was.
    imported = client.map("RETENTION.SET", "TENANT", tenant, "30d", "REASON", "long ago", "AT", OLD)
    assert (imported["effective-at"], client.map("RETENTION.GET", "TENANT", tenant)["period"]) == (OLD, b"2y")
    imported = client.map("RETENTION.SET", "TENANT", tenant + "-b", "30d", "REASON", "long ago", "AT", OLD)
    assert imported["effective-at"] == pytest.approx(change["effective-at"], abs=60_000)
    assert client.map("RETENTION.GET", "TENANT", tenant + "-b")["period"] == b"180d"


def test_a_preview_counts_what_would_go_and_what_stays(client, tenant):
    for number in range(10):
        client.raw("SEND", tenant, f"c{number % 2}", f"s{number % 5}", f"m{number}", "x" * 10)
    client.raw("HOLD.PLACE", f"{tenant}-hold", "TENANT", tenant, "SENDER", "s0", "MATTER", "7", "REASON", "court")
    less = client.map("RETENTION.PREVIEW", "TENANT", tenant, "1d")
    assert less["shortens"] == client.boolean(True)
    assert (less["expiring-messages"], less["expiring-held"], less["expiring-conversations"], less["expiring-bytes"]) == (8, 2, 2, 80)
    more = client.map("RETENTION.PREVIEW", "TENANT", tenant, "5y")
    assert (more["shortens"], more["expiring-messages"], more["kept-messages"], more["kept-conversations"]) == (client.boolean(False), 0, 10, 2)
    assert client.map("RETENTION.PREVIEW", "TENANT", tenant, "CONVERSATION", "c1", "5y")["kept-messages"] == 5
    assert client.map("RETENTION.PREVIEW", "TENANT", tenant, "1y", "FLOOR")["kept-messages"] == 10
    assert client.map("RETENTION.GET", "TENANT", tenant)["pending"] == []


def test_a_preset_sets_policy_and_floor_together(client, tenant):
    presets = {row["preset"]: (row["period"], row["floor"]) for row in client.maps("RETENTION.PRESETS")}
    assert set(presets) == {b"default", b"six-months", b"finance", b"medical", b"education"}
    client.raw("RETENTION.SET", "TENANT", tenant, "PRESET", "finance", "REASON", "a bank")
    found = client.map("RETENTION.GET", "TENANT", tenant)
    assert (found["period"], found["floor"]) == presets[b"finance"]
    assert "PRESET must be one of" in refusal(client, "RETENTION.SET", "TENANT", tenant, "PRESET", "mars", "REASON", "far")


def test_presets_can_be_configured(make_daemon):
    daemon = make_daemon(preset_finance="8y/none").start()
    rows = {row["preset"]: row for row in json.loads(annals(daemon, "retention", "presets", "--json").stdout)}
    assert rows["finance"] == {"preset": "finance", "period": "8y", "floor": None}


def test_a_hold_stands_until_it_is_released(client, tenant):
    sent = client.raw("SEND", tenant, "c", "ann", "m", "hi")
    words = ("HOLD.PLACE", f"{tenant}-h", "TENANT", tenant, "CONVERSATION", "c", "FROM", "2020-01-01", "MATTER", "case 7", "REASON", "court")
    placed = client.raw(*words)
    assert placed == sent + 1
    assert client.raw(*words, "REPORT") == [placed, b"present"]
    assert refusal(client, "HOLD.PLACE", f"{tenant}-h", "TENANT", tenant, "MATTER", "case 8", "REASON", "x").startswith("CONFLICT")
    message = client.map("MESSAGE.GET", tenant, "m", "EXPLAIN")
    assert message["held"] == client.boolean(True)
    (hold,) = [as_map(hold) for hold in as_map(message["why"])["holds"]]
    assert hold == {"hold": f"{tenant}-h".encode(), "matter": b"case 7", "position": placed}
    (listed,) = [hold for hold in client.maps("HOLD.LIST") if hold["tenant"] == tenant.encode()]
    assert (listed["conversation"], listed["sender"], listed["from"], listed["until"]) == (b"c", None, 1_577_836_800_000, None)
    released = client.raw("HOLD.RELEASE", f"{tenant}-h", "REASON", "done")
    assert client.raw("HOLD.RELEASE", f"{tenant}-h", "REASON", "done", "REPORT") == [released, b"present"]
    assert not [hold for hold in client.maps("HOLD.LIST") if hold["tenant"] == tenant.encode()]
    (old,) = [hold for hold in client.maps("HOLD.LIST", "ASOF", f"#{placed}") if hold["tenant"] == tenant.encode()]
    assert old["released"] is None
    (old,) = [hold for hold in client.maps("HOLD.LIST", "ALL") if hold["tenant"] == tenant.encode()]
    assert old["released"] == released
    assert client.map("MESSAGE.GET", tenant, "m", "ASOF", f"#{placed}")["held"] == client.boolean(True)
    assert client.map("MESSAGE.GET", tenant, "m")["held"] == client.boolean(False)
    assert refusal(client, "HOLD.RELEASE", "nobody's", "REASON", "x").startswith("UNKNOWN")
    kinds = [as_map(event)["kind"] for event in client.map("MESSAGE.HISTORY", tenant, "m", "REASON", "audit")["events"]]
    assert kinds == [b"send", b"hold-place", b"hold-release"]


@pytest.mark.parametrize("words, complaint", [
    (("TENANT", "t"), "MATTER is missing"), (("MATTER", "m", "REASON", "r"), "scope is missing"),
    (("TENANT", "t", "MATTER", "m"), "REASON is missing"), (("SYSTEM", "TENANT", "t", "MATTER", "m", "REASON", "r"), "exclude each other"),
    (("SYSTEM", "SENDER", "s", "MATTER", "m", "REASON", "r"), "need a TENANT"),
    (("TENANT", "t", "FROM", "2020-01-02", "UNTIL", "2020-01-01", "MATTER", "m", "REASON", "r"), "UNTIL must be later"),
    (("TENANT", "t", "FROM", "yesterday", "MATTER", "m", "REASON", "r"), "FROM must be"),
    (("TENANT", "t", "MATTER", "x" * 257, "REASON", "r"), "MATTER has 257 bytes"),
    (("TENANT", "t", "ALL", "MATTER", "m", "REASON", "r"), "knows no option 'ALL'"),
])
def test_what_is_wrong_with_a_hold_is_said(connection, words, complaint):
    connection.send("HOLD.PLACE", "h", *words)
    answer = str(connection.read())
    assert answer.startswith(("BADARG", "TOOLONG")) and (complaint in answer or "HOLD.PLACE needs" in answer)


def test_people_set_preview_and_hold_with_the_command_line(daemon, client, tenant):
    client.raw("SEND", tenant, "c", "ann", "m", "hi")
    assert annals(daemon, "hold", "place", f"{tenant}-h", "--tenant", tenant, "--matter", "7", "--reason", "court").stdout.startswith("#")
    assert f"{tenant}-h" in annals(daemon, "hold", "list").stdout
    preview = json.loads(annals(daemon, "retention", "preview", "--tenant", tenant, "1d", "--json").stdout)
    assert preview["expiring-held"] == 1
    assert "held" in annals(daemon, "retention", "preview", "--tenant", tenant, "1d").stdout
    annals(daemon, "retention", "set", "--tenant", tenant, "1y", "--floor", "--lock", "--reason", "the law")
    shown = annals(daemon, "retention", "get", "--tenant", tenant).stdout
    assert "1y" in shown and "floor" in shown
    why = annals(daemon, "message", tenant, "m", "--explain").stdout
    assert f"{tenant}-h" in why and "1y" in why
    assert annals(daemon, "hold", "release", f"{tenant}-h", "--reason", "done").stdout.startswith("#")
    locked = annals(daemon, "retention", "set", "--tenant", tenant, "1d", "--floor", "--reason", "less", check=False)
    assert locked.returncode != 0 and "locked" in locked.stderr


# The shapes of the answers.

PENDING_KEYS = ["position", "target", "period", "effective-at", "locked"]
POLICY_KEYS = ["scope", "period", "from", "position", "effective-at", "locked", "floor", "floor-from", "floor-position", "pending"]
PREVIEW_KEYS = [
    "shortens", "effective-at", "expiring-messages", "expiring-conversations", "expiring-bytes", "expiring-held", "kept-messages",
    "kept-conversations", "kept-bytes", "estimated-messages", "position"]
HOLD_KEYS = [
    "hold", "scope", "tenant", "conversation", "sender", "from", "until", "matter", "reason", "position", "at", "principal", "released",
    "released-at"]
WHY_KEYS = [
    "policy", "policy-from", "policy-position", "policy-since", "locked", "floor", "floor-from", "floor-position", "floor-since",
    "floors-expiry", "holds", "hidden-position"]


def test_answers_have_their_keys_in_order(client, tenant):
    client.raw("SEND", tenant, "c", "ann", "m", "hi")
    client.raw("RETENTION.SET", "TENANT", tenant, "1y", "LOCK", "REASON", "law")
    client.raw("RETENTION.SET", "TENANT", tenant, "2y", "FLOOR", "REASON", "law")
    pending = client.map("RETENTION.SET", "TENANT", tenant, "1y", "FLOOR", "REASON", "less")
    found = client.map("RETENTION.GET", "TENANT", tenant)
    assert list(found) == POLICY_KEYS
    (change,) = [as_map(change) for change in found["pending"]]
    assert list(change) == PENDING_KEYS
    assert (change["position"], change["target"], change["period"], change["locked"]) == (
        pending["position"], b"floor", b"1y", client.boolean(False))
    assert list(client.map("RETENTION.PREVIEW", "TENANT", tenant, "3y")) == PREVIEW_KEYS
    assert [list(row) for row in client.maps("RETENTION.PRESETS")] == [["preset", "period", "floor"]] * 5
    client.raw("HOLD.PLACE", f"{tenant}-h", "TENANT", tenant, "UNTIL", "2100-01-01", "MATTER", "7", "REASON", "court")
    (hold,) = [hold for hold in client.maps("HOLD.LIST") if hold["tenant"] == tenant.encode()]
    assert list(hold) == HOLD_KEYS
    assert hold["scope"] == f"TENANT {tenant} UNTIL 2100-01-01T00:00:00.000Z".encode()
    message = client.map("MESSAGE.GET", tenant, "m", "EXPLAIN")
    assert list(message)[-2:] == ["receipt", "why"]
    why = as_map(message["why"])
    assert list(why) == WHY_KEYS and [list(as_map(hold)) for hold in why["holds"]] == [["hold", "matter", "position"]]
    assert "why" not in client.map("MESSAGE.GET", tenant, "m")


def test_an_explanation_as_of_a_moment_knows_what_was_known_then(client, tenant):
    sent = client.raw("SEND", tenant, "c", "ann", "m", "hi")
    conversation = client.map("RETENTION.SET", "TENANT", tenant, "CONVERSATION", "c", "2y", "REASON", "more")["position"]
    client.raw("HOLD.PLACE", f"{tenant}-h", "TENANT", tenant, "SENDER", "ann", "MATTER", "7", "REASON", "court")

    def why(position):
        return as_map(client.map("MESSAGE.GET", tenant, "m", "EXPLAIN", "ASOF", f"#{position}")["why"])
    assert (why(sent)["policy"], why(sent)["policy-from"], why(sent)["policy-position"]) == (b"180d", b"default", None)
    then = why(conversation)
    assert (then["policy"], then["policy-from"], then["policy-position"], then["holds"]) == (
        b"2y", b"conversation", conversation, [])
    assert len(why(conversation + 1)["holds"]) == 1


# Locks and cool-offs, where they meet.

def test_a_lock_takes_back_what_is_pending_and_shorter(client, tenant):
    client.raw("RETENTION.SET", "TENANT", tenant, "30d", "REASON", "less")
    client.raw("RETENTION.SET", "TENANT", tenant, "2y", "LOCK", "REASON", "the law")
    assert client.map("RETENTION.GET", "TENANT", tenant)["pending"] == []


def test_also_an_imported_lock_is_not_undone_by_what_is_pending(client, tenant):
    """Locked at two years is locked at two years: nothing shorter may take effect a week later."""
    now = int(time.time() * 1000)
    pending = client.map("RETENTION.SET", "TENANT", tenant, "30d", "REASON", "less")["position"]
    lock = ("RETENTION.SET", "TENANT", tenant, "2y", "LOCK", "REASON", "the law", "AT", now - 400 * DAY)
    assert refusal(client, *lock).startswith(f"CONFLICT the change at #{pending} is pending")
    client.raw("RETENTION.CANCEL", pending, "REASON", "the law is older")
    client.raw(*lock)
    assert client.map("RETENTION.GET", "TENANT", tenant)["locked"] == client.boolean(True)
    later = client.map("RETENTION.GET", "TENANT", tenant, "ASOF", now + 8 * DAY)
    assert (later["period"], later["locked"]) == (b"2y", client.boolean(True))


def test_a_locked_change_that_is_pending_binds_as_well(client, tenant):
    client.raw("RETENTION.SET", "TENANT", tenant, "2y", "REASON", "more")
    client.raw("RETENTION.SET", "TENANT", tenant, "1y", "LOCK", "REASON", "less, and so it stays")
    assert refusal(client, "RETENTION.SET", "TENANT", tenant, "300d", "REASON", "less").startswith("LOCKED")
    client.raw("RETENTION.SET", "TENANT", tenant, "3y", "REASON", "more")
    assert refusal(client, "RETENTION.SET", "TENANT", tenant, "300d", "REASON", "less").startswith("LOCKED")


@pytest.mark.parametrize("words, code, complaint", [
    (("RETENTION.SET", "TENANT", "t", "PRESET", "finance", "FLOOR", "REASON", "r"), "BADARG", "FLOOR does not go with PRESET"),
    (("RETENTION.SET", "SYSTEM", "inherit", "REASON", "r"), "BADARG", "nothing is wider"),
    (("RETENTION.SET", "TENANT", "t", "1y", "LOCK"), "BADARG", "REASON is missing"),
    (("RETENTION.CANCEL", "x", "REASON", "r"), "BADARG", "position"), (("RETENTION.CANCEL", "1"), "BADARG", "RETENTION.CANCEL needs"),
    (("RETENTION.PREVIEW", "TENANT", "t", "1y", "LOCK"), "BADARG", "RETENTION.PREVIEW needs"),
    (("RETENTION.PREVIEW", "SYSTEM", "inherit"), "BADARG", "nothing is wider"),
    (("HOLD.LIST", "NONE"), "BADARG", "HOLD.LIST needs"), (("HOLD.RELEASE", "h"), "BADARG", "HOLD.RELEASE needs"),
    (("PURGE.PLAN", "ALL"), "BADARG", "needs a scope"), (("PURGE.PLAN", "TENANT", "t", "ALL", "BEFORE", "2020-01-01"), "BADARG", "exclude"),
    (("PURGE.PLAN", "TENANT", "t", "BEFORE", "soon"), "BADARG", "BEFORE must be"), (("PURGE.PLAN", "MATTER", "7"), "BADARG", "no option"),
    (("PURGE.LIST", "COUNT", "0"), "BADARG", "1"), (("PURGE.RUN", "x", "CONFIRM", "many"), "BADARG", "CONFIRM"),
    (("COMPACT", "nowhere"), "UNKNOWN", "PARTITIONS"), (("COMPACT", "ALL", "MINGAIN", "101"), "BADARG", "MINGAIN"),
    (("CLOCK.CONFIRM", "REASON", " "), "BADARG", "REASON")])
def test_refusals_have_a_code_and_say_what_to_do(connection, words, code, complaint):
    with pytest.raises(Refused) as refused:
        connection.call(*words)
    assert refused.value.code == code and complaint in str(refused.value)


# Previews.

def test_a_preview_sees_what_lies_between_the_ends_of_a_long_partition(make_daemon):
    """In a partition of a week the first message may be expired either way and the last alive either way, with one between."""
    daemon = make_daemon(partition_length="week", cool_off_hours=0, purge_automatic="no").start()
    now = int(time.time() * 1000)

    def weekday(days):
        return datetime.datetime.fromtimestamp(now / 1000 - (days - 0.5) * 86_400, datetime.UTC).weekday()
    days = next(days for days in range(181, 190) if weekday(days) == 3)
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        connection.call("RETENTION.SET", "TENANT", "t", f"{days}d", "REASON", "so")
        for number, age in enumerate((days + 0.5, days - 0.5, days - 1.5)):
            connection.call("SEND", "t", "c", "ann", f"m-{number}", "hi", "AT", int(now - age * DAY))
        preview = connection.call("RETENTION.PREVIEW", "TENANT", "t", f"{days - 1}d")
        assert (preview["shortens"], preview["expiring-messages"], preview["expiring-bytes"]) == (True, 1, 2)


def test_a_preview_tells_what_then_comes_true(make_daemon, dice):
    """What a preview says would expire, expires: counted before and after, message by message."""
    daemon = make_daemon(cool_off_hours=0, purge_automatic="no").start()
    now = int(time.time() * 1000)
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(300):
            connection.call(
                "SEND", "t", f"c{dice.randrange(4)}", f"s{dice.randrange(3)}", f"m-{number}", "x" * number, "AT",
                now - dice.randrange(400 * DAY))
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s1", "FROM", now - 200 * DAY, "MATTER", "7", "REASON", "court")

        def states():
            return [connection.call("MESSAGE.HISTORY", "t", f"m-{number}", "REASON", "audit")["message"] for number in range(300)]
        before = states()
        for _ in range(8):
            period = dice.choice(["30d", "90d", "179d", "1y", "forever", "6mo"])
            scope = ["TENANT", "t"] + dice.choice([[], ["CONVERSATION", f"c{dice.randrange(4)}"]])
            floor = dice.choice([[], ["FLOOR"]])
            preview = connection.call("RETENTION.PREVIEW", *scope, period, *floor)
            connection.call("RETENTION.SET", *scope, period, *floor, "REASON", "so")
            after = states()
            pairs = list(zip(before, after, strict=True))
            gone = [new for old, new in pairs if old["state"] == b"visible" and new["state"] == b"expired"]
            kept = [
                new for old, new in pairs
                if new["state"] == b"visible" and (new["expires"] or 1 << 62) > (old["expires"] or 1 << 62)]
            free = [message for message in gone if not message["held"]]
            assert (preview["expiring-messages"], preview["expiring-held"]) == (len(free), len(gone) - len(free))
            assert preview["expiring-bytes"] == sum(len(message["body"]) for message in free)
            assert preview["expiring-conversations"] == len({message["conversation"] for message in free})
            assert (preview["kept-messages"], preview["kept-bytes"]) == (len(kept), sum(len(message["body"]) for message in kept))
            before = after


# People.

def test_every_command_of_people_has_json(daemon, client, tenant):
    client.raw("SEND", tenant, "c", "ann", "m", "hi", "AT", OLD)

    def ask(*words):
        return json.loads(annals(daemon, *words, "--json").stdout)
    hold = f"{tenant}-h"
    placed = ask("hold", "place", hold, "--tenant", tenant, "--sender", "ann", "--matter", "7", "--reason", "court")["position"]
    (listed,) = [row for row in ask("hold", "list") if row["hold"] == hold]
    assert list(listed) == HOLD_KEYS and listed["position"] == placed
    released = ask("hold", "release", hold, "--reason", "done")["position"]
    assert [row["released"] for row in ask("hold", "list", "--all") if row["hold"] == hold] == [released]
    assert [row["released"] for row in ask("hold", "list", "--asof", f"#{placed}") if row["hold"] == hold] == [None]
    assert ask("retention", "preview", "--tenant", tenant, "--preset", "finance")["shortens"] is False
    ask("retention", "set", "--tenant", tenant, "--preset", "finance", "--reason", "a bank")
    pending = ask("retention", "set", "--tenant", tenant, "1d", "--floor", "--reason", "less")["position"]
    assert [change["position"] for change in ask("retention", "get", "--tenant", tenant)["pending"]] == [pending]
    assert ask("retention", "cancel", pending, "--reason", "a mistake")["position"] == pending + 1
    assert ask("retention", "get", "--tenant", tenant)["pending"] == []
    assert {row["preset"] for row in ask("retention", "presets")} == {"default", "six-months", "finance", "medical", "education"}
    assert list(ask("message", tenant, "m", "--explain")["why"]) == WHY_KEYS
    confirmed = ask("purge", "confirm-clock", "--reason", "looked at my watch")["position"]
    assert client.map("STATS")["position"] == confirmed
