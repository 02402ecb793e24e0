"""What a plan counts, how long it holds, and what its answers look like; counted once more by a model of a few lines."""

import concurrent.futures
import itertools
import os
import time

import pytest
import redis

from conftest import Client
from daemon import annals
from resp import Connection, Refused, as_map, frame
from test_purges import DAY, OLD, connection, fill, idle, quiet, state, wait_for  # noqa: F401: two of them are fixtures
from vault import body_keys

PLAN_KEYS = [
    "plan", "basis", "before", "messages", "conversations", "bytes", "held", "floored", "locked", "partitions", "keys", "survivors",
    "position", "time", "digest", "lines"]
LINE_KEYS = ["partition", "tenant", "messages", "bytes", "keys", "survivors"]
RECEIPT_KEYS = [
    "position", "at", "intent", "intent-at", "principal", "outcome", "scope", "basis", "before", "messages", "bytes", "keys",
    "partitions", "digest"]
STATUS_KEYS = [
    "state", "partition", "done", "total", "started", "clock", "clock-reason", "oldest-expired-at", "oldest-expired-seconds",
    "next-purge", "open-intents", "last-receipt", "last-error",
    "escrow", "escrow-at", "escrow-reason"]
COMPACTION_KEYS = ["partition", "outcome", "before", "after", "returned", "seconds"]


def receipts_are_true(connection, data):
    """What receipts count together is what is gone, and no key is left that an intent named whose receipt says `destroyed`."""
    receipts = connection.call("PURGE.LIST", "COUNT", 10_000)
    told = sum(receipt["messages"] for receipt in receipts if receipt["outcome"] == b"destroyed")
    connection.call("DIGEST")
    gone = sum(partition["purged"] for partition in connection.call("PARTITIONS"))
    assert told == gone, f"receipts tell of {told} destroyed messages, and {gone} are gone"
    assert connection.call("STATS")["keys"] == len(body_keys(data))


# A plan and what happened since it was made.

def test_a_plan_is_run_once(quiet, connection):
    fill(connection, "t")
    plan = connection.call("PURGE.PLAN")
    connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    with pytest.raises(Refused) as refused:
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    assert refused.value.code in ("UNKNOWN", "CONFLICT")
    assert len(connection.call("PURGE.LIST")) == 1
    receipts_are_true(connection, quiet.data)


def test_a_plan_of_what_another_purge_has_moved_is_refused(quiet, connection):
    """Survivors of the other purge lie under a key that this plan does not know: its receipt would lie about them."""
    fill(connection, "t")
    fill(connection, "u")
    whole = connection.call("PURGE.PLAN")
    part = connection.call("PURGE.PLAN", "TENANT", "t", "SENDER", "s1")
    assert (whole["messages"], part["messages"], part["survivors"]) == (40, 7, 13)
    connection.call("PURGE.RUN", part["plan"], "CONFIRM", 7)
    with pytest.raises(Refused) as refused:
        connection.call("PURGE.RUN", whole["plan"], "CONFIRM", 40)
    assert refused.value.code == "CONFLICT"
    receipts_are_true(connection, quiet.data)
    again = connection.call("PURGE.PLAN")
    assert again["messages"] == 33
    connection.call("PURGE.RUN", again["plan"], "CONFIRM", 33)
    idle(connection)
    receipts_are_true(connection, quiet.data)
    assert {state(connection, tenant, f"c-{number}") for tenant in "tu" for number in range(20)} == {"purged"}


def test_a_crash_behind_a_stale_plan_does_not_lock_the_archive(make_daemon, monkeypatch):
    """An intent that names a key of an earlier purge would be neither finished nor undone by the next start."""
    monkeypatch.setenv("ANNALS_FAIL_POINT", "purge-intended:2")
    daemon = make_daemon(purge_automatic="no").start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "t")
        fill(connection, "u")
        whole = connection.call("PURGE.PLAN")
        part = connection.call("PURGE.PLAN", "TENANT", "t", "ALL")
        connection.call("PURGE.RUN", part["plan"], "CONFIRM", 20)
        try:
            connection.call("PURGE.RUN", whole["plan"], "CONFIRM", 40)
        except Refused:
            pass
        except Exception:
            assert daemon.wait() == -9
    if daemon.process is not None:
        daemon.kill()
    monkeypatch.delenv("ANNALS_FAIL_POINT")
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        idle(connection)
        receipts_are_true(connection, daemon.data)


def test_what_came_after_a_plan_is_not_destroyed_by_it(quiet, connection):
    fill(connection, "t")
    plan = connection.call("PURGE.PLAN", "TENANT", "t", "ALL")
    for number in range(7):
        connection.call("SEND", "t", "c", "ann", f"late-{number}", f"late {number}", "AT", OLD + number)
        connection.call("SEND", "t", "c", "ann", f"now-{number}", f"now {number}")
    connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    idle(connection)
    for number in range(7):
        assert connection.call("MESSAGE.HISTORY", "t", f"late-{number}", "REASON", "audit")["message"]["body"] == f"late {number}".encode()
        assert connection.call("MESSAGE.GET", "t", f"now-{number}")["body"] == f"now {number}".encode()
    receipts_are_true(connection, quiet.data)
    assert connection.call("PURGE.PLAN")["messages"] == 7


@pytest.mark.parametrize("change", ["hold", "release", "floor", "policy", "cancel"])
def test_a_plan_ends_with_every_change_of_a_rule(make_daemon, change):
    daemon = make_daemon(purge_automatic="no").start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        fill(connection, "t")
        connection.call("HOLD.PLACE", "h", "TENANT", "elsewhere", "MATTER", "7", "REASON", "court")
        connection.call("RETENTION.SET", "TENANT", "elsewhere", "2y", "REASON", "more")
        less = connection.call("RETENTION.SET", "TENANT", "elsewhere", "1d", "REASON", "less")
        plan = connection.call("PURGE.PLAN")
        connection.call(*{
            "hold": ("HOLD.PLACE", "i", "TENANT", "u", "MATTER", "7", "REASON", "court"),
            "release": ("HOLD.RELEASE", "h", "REASON", "done"),
            "floor": ("RETENTION.SET", "SYSTEM", "1d", "FLOOR", "REASON", "law"),
            "policy": ("RETENTION.SET", "TENANT", "u", "5y", "REASON", "more"),
            "cancel": ("RETENTION.CANCEL", less["position"], "REASON", "a mistake")}[change])
        with pytest.raises(Refused, match="^CONFLICT .*plan again"):
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        assert connection.call("PURGE.LIST") == [] and state(connection, "t", "c-1") == "expired"


def test_a_plan_does_not_outlive_its_daemon(quiet, connection):
    fill(connection, "t")
    plan = connection.call("PURGE.PLAN")
    quiet.stop()
    quiet.start()
    with Connection(quiet.socket) as connection:
        with pytest.raises(Refused, match="^UNKNOWN"):
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)


# What a plan counts.

class Model:
    """Which messages a plan counts as due, held, floored and locked: once more, from the pages alone."""

    def __init__(self):
        self.messages, self.policies, self.floors, self.locks, self.holds = [], {}, {}, set(), []

    def scopes(self, message):
        return [(message["tenant"], message["conversation"]), (message["tenant"], None), (None, None)]

    def policy(self, message):
        for scope in self.scopes(message):
            if scope in self.policies:
                return self.policies[scope]
        return 180

    def fate(self, message, covers, before, now):
        if not covers(message):
            return None
        period = self.policy(message)
        # None takes another's place: a longer policy of the conversation leaves the tenant's lock as it is.
        is_locked = any(
            scope in self.locks and message["at"] + self.policies[scope] * DAY > now for scope in self.scopes(message))
        floors = [self.floors[scope] for scope in self.scopes(message) if scope in self.floors]
        is_floored = any(message["at"] + floor * DAY > now for floor in floors)
        is_expired = period is not None and message["at"] + period * DAY <= now and not is_floored
        if not is_expired and not (before is not None and message["at"] < before):
            return None
        if any(hold(message) for hold in self.holds):
            return "held"
        if is_expired:
            return "due"
        return "floored" if is_floored else "locked" if is_locked else "due"


def coverage(dice, now):
    """Words of a coverage, and the same as a function."""
    words, tests = ["TENANT", dice.choice("tuv")], []
    if dice.random() < 0.2:
        words = ["SYSTEM"]
    else:
        tests.append(("tenant", words[1]))
        for key in ("conversation", "sender"):
            if dice.random() < 0.4:
                name = dice.choice("abc")
                words += [key.upper(), name]
                tests.append((key, name))
    ends = [None, None]
    if dice.random() < 0.4:
        ends = sorted(now - dice.randrange(400 * DAY) for _ in range(2))
        words += ["FROM", ends[0], "UNTIL", ends[1] + 1]
        ends[1] += 1

    def covers(message):
        return all(message[key] == name for key, name in tests) and (ends[0] is None or ends[0] <= message["at"] < ends[1])
    return words, covers


@pytest.mark.parametrize("length", ["day", "week", "hour"])
def test_plans_count_as_the_model_does(make_daemon, dice, length):
    daemon = make_daemon(purge_automatic="no", cool_off_hours=0, partition_length=length).start()
    model = Model()
    now = int(time.time() * 1000)
    # Few days, so that many messages share a partition and its edges are met.
    days = [now - age * DAY + dice.randrange(-2 * DAY, 0) for age in (5, 29, 31, 90, 181, 365)]
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(400):
            message = {
                "tenant": dice.choice("tuv"), "conversation": dice.choice("abc"), "sender": dice.choice("abc"),
                "at": dice.choice(days) + dice.randrange(DAY), "id": f"m-{number}", "body": "x" * dice.randrange(50)}
            message["at"] = min(message["at"], now - 1000)
            connection.call(
                "SEND", message["tenant"], message["conversation"], message["sender"], message["id"], message["body"], "AT", message["at"])
            model.messages.append(message)
        names = itertools.count()
        for _ in range(12):
            change_a_rule(connection, dice, model, now, names)
            words, covers = coverage(dice, now)
            before = now - dice.randrange(400) * DAY if dice.random() < 0.5 else None
            plan = connection.call("PURGE.PLAN", *words, *(["BEFORE", before] if before is not None else []))
            compare(plan, model, covers, before)
        words, covers = coverage(dice, now)
        plan = connection.call("PURGE.PLAN", *words)
        if plan["messages"] == 0:
            covers, plan = lambda message: True, connection.call("PURGE.PLAN")
        due = compare(plan, model, covers, None)
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"]) if due else None
        idle(connection)
        for message in model.messages:
            found = connection.call("MESSAGE.HISTORY", message["tenant"], message["id"], "REASON", "audit")["message"]
            assert found["body"] == (None if message["id"] in due else message["body"].encode()), (message, plan)
        receipts_are_true(connection, daemon.data)


def change_a_rule(connection, dice, model, now, names):
    scope, words = (None, None), ["SYSTEM"]
    if dice.random() < 0.8:
        tenant, conversation = dice.choice("tuv"), dice.choice([None, *"abc"])
        scope = (tenant, conversation)
        words = ["TENANT", tenant] + (["CONVERSATION", conversation] if conversation else [])
    kind = dice.choice(["policy", "policy", "floor", "hold", "lock"])
    days = dice.choice([1, 30, 90, 180, 366])
    try:
        if kind == "hold":
            words, covers = coverage(dice, now)
            connection.call("HOLD.PLACE", f"h-{next(names)}", *words, "MATTER", "7", "REASON", "court")
            model.holds.append(covers)
        elif kind == "floor":
            connection.call("RETENTION.SET", *words, f"{days}d", "FLOOR", "REASON", "law")
            model.floors[scope] = days
        else:
            lock = ["LOCK"] if kind == "lock" else []
            connection.call("RETENTION.SET", *words, f"{days}d", *lock, "REASON", "so")
            model.policies[scope] = days
            if lock:
                model.locks.add(scope)
    except Refused as refused:
        assert refused.code == "LOCKED"


def compare(plan, model, covers, before):
    fates = {message["id"]: model.fate(message, covers, before, plan["time"]) for message in model.messages}
    due = {name for name, fate in fates.items() if fate == "due"}
    counted = {fate: sum(found == fate for found in fates.values()) for fate in ("due", "held", "floored", "locked")}
    assert {"due": plan["messages"], **{fate: plan[fate] for fate in ("held", "floored", "locked")}} == counted
    assert plan["bytes"] == sum(len(message["body"]) for message in model.messages if message["id"] in due)
    assert plan["messages"] == sum(line["messages"] for line in plan["lines"])
    assert plan["survivors"] == sum(line["survivors"] for line in plan["lines"])
    return due


def test_a_large_plan_has_several_intents(quiet, connection):
    count = 2_000  # Tenants; an intent has 48 KiB of lines at the most, so that its record fits into an entry bundle of the audit tree.
    for start in range(0, count, 1000):
        numbers = range(start, min(count, start + 1000))
        connection.send_bytes(b"".join(frame("SEND", f"t-{number}", "c", "ann", "m", "hi", "AT", OLD + number) for number in numbers))
        for _ in numbers:
            connection.answer()
    plan = connection.call("PURGE.PLAN")
    assert (plan["messages"], plan["keys"], plan["partitions"], len(plan["lines"])) == (count, count, 1, 1000)
    last = connection.call("PURGE.RUN", plan["plan"], "CONFIRM", count)
    receipts = connection.call("PURGE.LIST")
    assert len(receipts) > 1 and sum(receipt["messages"] for receipt in receipts) == count and receipts[0]["position"] == last
    for receipt in receipts:
        assert len(connection.call("AUDIT.PROVE", receipt["intent"])["record"]) < 65_536
    idle(connection)
    receipts_are_true(connection, quiet.data)
    assert body_keys(quiet.data) == {}


# The shapes of the answers.

@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def either(request, quiet):
    with redis.Redis(unix_socket_path=str(quiet.socket), protocol=request.param) as client:
        yield Client(client, request.param)


def test_answers_have_their_keys_in_order_and_the_same_in_both_protocols(either, quiet):
    with Connection(quiet.socket) as connection:
        fill(connection, "t")
    plan = either.map("PURGE.PLAN", "TENANT", "t", "BEFORE", "2018-02-04")
    assert list(plan) == PLAN_KEYS
    assert (plan["basis"], plan["before"]) == (b"before", 1_517_702_400_000) and len(plan["digest"]) == 64
    (line,) = [as_map(line) for line in plan["lines"]]
    assert list(line) == LINE_KEYS and (line["partition"], line["tenant"], line["messages"]) == (b"2018-02-03", b"t", 20)
    every = either.map("PURGE.PLAN")
    assert (every["basis"], every["before"]) == (b"expired", None)
    assert list(either.map("PURGE.STATUS")) == STATUS_KEYS
    receipt = either.raw("PURGE.RUN", every["plan"], "CONFIRM", "20")
    (listed,) = either.maps("PURGE.LIST", "COUNT", "1")
    assert list(listed) == RECEIPT_KEYS and listed["position"] == receipt and listed["digest"] == every["digest"]
    assert (listed["outcome"], listed["basis"], listed["before"], listed["keys"], listed["partitions"]) == (
        b"destroyed", b"expired", None, 1, 1)
    wait_for(lambda: either.map("PURGE.STATUS")["state"] == b"idle")
    status = either.map("PURGE.STATUS")
    assert (status["last-receipt"], status["open-intents"], status["last-error"], status["clock"]) == (receipt, 0, None, b"trusted")
    (compaction,) = either.maps("COMPACT", "2018-02-03", "MINGAIN", "0")
    assert list(compaction) == COMPACTION_KEYS
    assert compaction["returned"] == compaction["before"] - compaction["after"]


def test_the_log_tells_of_a_purge_and_of_rules(either, quiet):
    with Connection(quiet.socket) as connection:
        fill(connection, "t", count=1)
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "x", "MATTER", "7", "REASON", "court")
        connection.call("HOLD.RELEASE", "h", "REASON", "done")
        connection.call("CLOCK.CONFIRM", "REASON", "looked at my watch")
        plan = as_map(connection.call("PURGE.PLAN"))
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 1)
    events = {event["kind"]: event for event in either.maps("EVENTS.READ", "FROM", "1")}
    assert list(events) == [b"send", b"hold-place", b"hold-release", b"clock-confirm", b"purge-intent", b"purge"]
    assert [event["position"] for event in events.values()] == [1, 2, 3, 4, 5, 6]
    assert (events[b"hold-place"]["hold"], events[b"hold-place"]["matter"]) == (b"h", b"7")
    assert events[b"clock-confirm"]["reason"] == b"looked at my watch"
    intent, receipt = events[b"purge-intent"], events[b"purge"]
    assert (intent["messages"], intent["horizon-position"], intent["rules-position"], intent["digest"]) == (1, 4, 3, plan["digest"])
    assert (receipt["intent"], receipt["outcome"], receipt["messages"], receipt["digest"]) == (5, b"destroyed", 1, plan["digest"])


# Holds against purges, at any moment.

def test_a_hold_placed_while_a_purge_runs_comes_before_or_after_it_and_never_between(quiet, connection, dice):
    held_first = purged_first = 0
    for turn in range(24):
        tenant = f"t-{turn}"
        for number in range(60):
            connection.call("SEND", tenant, "c", "ann", f"m-{number}", f"{tenant} {number}", "AT", OLD + number)
        plan = connection.call("PURGE.PLAN", "TENANT", tenant)
        with Connection(quiet.socket) as other, concurrent.futures.ThreadPoolExecutor() as pool:
            run = pool.submit(attempt, connection, "PURGE.RUN", plan["plan"], "CONFIRM", 60)
            # Not to wait for anything, but to come at another moment each time.
            deadline = time.monotonic() + dice.random() * 0.02
            while time.monotonic() < deadline:
                pass
            placed = other.call("HOLD.PLACE", f"h-{turn}", "TENANT", tenant, "MATTER", "7", "REASON", "court")
            receipt = run.result()
        found = [connection.call("MESSAGE.HISTORY", tenant, f"m-{number}", "REASON", "audit")["message"] for number in range(60)]
        if receipt is None or placed < receipt:
            held_first += 1
            assert receipt is None
            assert [message["body"] for message in found] == [f"{tenant} {number}".encode() for number in range(60)]
        else:
            purged_first += 1
            assert {message["state"] for message in found} == {b"purged"}
    print(f"held first {held_first}, purged first {purged_first}")


def attempt(connection, *words):
    try:
        return connection.call(*words)
    except Refused as refused:
        assert refused.code == "CONFLICT"
        return None


def test_the_automatic_purge_leaves_a_plan_behind(make_daemon):
    """A plan of yesterday, and a purge by itself in the night."""
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        idle(connection)
        fill(connection, "t")
        plan = connection.call("PURGE.PLAN")
        elsewhere = connection.call("PURGE.PLAN", "TENANT", "t", "SENDER", "s1")
        connection.call("PURGE.RUN", elsewhere["plan"], "CONFIRM", 7)  # Which rings for a look.
        wait_for(lambda: len(connection.call("PURGE.LIST")) == 2)
        with pytest.raises(Refused):
            connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
        idle(connection)
        receipts_are_true(connection, daemon.data)
    assert "purged" in annals(daemon, "message", "t", "c-1").stdout
    assert os.path.exists(daemon.data / "vault/keyring")
