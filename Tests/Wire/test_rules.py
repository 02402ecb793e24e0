"""Floors, locks, cool-offs, previews, presets, explanations, and holds."""

import json

import pytest
import redis

from daemon import annals
from resp import as_map

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
    # An import of long ago does not undo what was decided since.
    imported = client.map("RETENTION.SET", "TENANT", tenant, "30d", "REASON", "long ago", "AT", OLD)
    assert imported["effective-at"] == OLD
    assert client.map("RETENTION.GET", "TENANT", tenant)["period"] == b"2y"
    # Where it would count, it does not get round the cool-off.
    imported = client.map("RETENTION.SET", "TENANT", tenant + "-new", "30d", "REASON", "long ago", "AT", OLD)
    assert imported["effective-at"] == pytest.approx(change["effective-at"], abs=60_000)
    assert client.map("RETENTION.GET", "TENANT", tenant + "-new")["period"] == b"180d"


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
