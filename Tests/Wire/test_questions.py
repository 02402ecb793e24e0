"""The shapes of answers, cursors, and questions as of a moment."""

import threading
import time

import pytest
import redis

from resp import Connection, Refused, as_map

EVENT_KEYS = ["position", "at", "kind", "principal", "tenant"]
MESSAGE_KEYS = ["position", "at", "tenant", "conversation", "sender", "id", "type", "body", "state", "expires", "held", "receipt"]
DAY = 86_400_000


def fill(client, tenant, count, conversation="c", start=0):
    with client.redis.pipeline(transaction=False) as pipeline:
        for number in range(start, start + count):
            pipeline.execute_command("SEND", tenant, conversation, "ada", f"{conversation}-{number}", f"body {number}")
        return pipeline.execute()


def test_message_keys_in_their_order(client, tenant):
    position = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    message = client.map("MESSAGE.GET", tenant, "m-1")
    assert list(message) == MESSAGE_KEYS
    assert message == {
        "position": position, "at": message["at"], "tenant": tenant.encode(), "conversation": b"c", "sender": b"ada", "id": b"m-1",
        "type": b"text/plain; charset=utf-8", "body": b"one", "state": b"visible", "expires": message["at"] + 180 * DAY,
        "held": client.boolean(False), "receipt": None}
    assert client.raw("MESSAGE.GET", tenant, "m-2") is None


def test_message_as_of(client, tenant):
    at = 1_500_000_000_000
    position = client.raw("SEND", tenant, "c", "ada", "m-1", "one", "AT", at)
    get = ("MESSAGE.GET", tenant, "m-1", "ASOF")
    assert client.raw(*get, at - 1) is None
    assert client.map(*get, at)["state"] == b"visible"
    assert client.map(*get, "2017-07-14T02:40:00Z")["state"] == b"visible"
    assert client.map(*get, at + 180 * DAY - 1)["state"] == b"visible"
    expired = client.map(*get, at + 180 * DAY)
    assert (expired["state"], expired["body"], expired["expires"]) == (b"expired", None, at + 180 * DAY)
    assert client.raw(*get, f"#{position - 1}") is None
    # As of its position the log knew the message, and that its time was long over.
    assert client.map(*get, f"#{position}")["state"] == b"expired"
    with pytest.raises(redis.ResponseError, match="^BADARG asof"):
        client.raw(*get, f"#{position + 1_000_000}")
    with pytest.raises(redis.ResponseError, match="^BADARG ASOF"):
        client.raw(*get, "yesterday")


def test_message_history(client, tenant):
    sent = client.raw("SEND", tenant, "c", "ada", "m-1", "old", "AT", 1_400_000_000_000)
    client.raw("SEND", tenant, "c", "ada", "m-2", "another", "AT", 1_400_000_000_000)
    deleted = client.raw("LOCALDELETE", tenant, "c", "ben", "ID", "m-1")
    client.raw("LOCALDELETE", tenant, "c", "ben", "ID", "m-2")
    cleared = client.raw("LOCALDELETE", tenant, "c", "eve", "UPTO", sent)
    changed = client.map("RETENTION.SET", "TENANT", tenant, "30d", "REASON", "less")["position"]
    history = client.map("MESSAGE.HISTORY", tenant, "m-1", "REASON", "audit")
    assert list(history) == ["message", "events"]
    message = as_map(history["message"])
    assert (message["state"], message["body"]) == (b"expired", b"old")
    events = [as_map(event) for event in history["events"]]
    assert [event["position"] for event in events] == [sent, deleted, cleared, changed]
    assert [event["kind"] for event in events] == [b"send", b"local-delete", b"local-delete", b"retention-change"]
    assert client.raw("MESSAGE.HISTORY", tenant, "m-3", "REASON", "audit") is None


def test_event_keys_in_their_order(client, tenant):
    first = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    client.raw("LOCALDELETE", tenant, "c", "ben", "ID", "m-1")
    client.raw("LOCALDELETE", tenant, "c", "ben", "UPTO", first)
    client.raw("RETENTION.SET", "TENANT", tenant, "1y", "REASON", "why not")
    client.raw("SEND", tenant, "c", "ada", "m-2", "two", "AT", 1_400_000_000_000)
    send, delete, clear, retention, imported = client.maps("EVENTS.READ", "FROM", first, "TENANT", tenant)
    fields = ["conversation", "sender", "message-id", "content-type", "body-length", "commitment", "client-time"]
    assert list(send) == EVENT_KEYS + fields
    assert list(delete) == EVENT_KEYS + ["conversation", "viewer", "message-ids"]
    assert delete["message-ids"] == [b"m-1"]
    assert list(clear) == EVENT_KEYS + ["conversation", "viewer", "up-to"]
    assert clear["up-to"] == first
    assert list(retention) == EVENT_KEYS + ["scope", "period", "target", "locked", "effective-at", "reason"]
    assert list(imported) == EVENT_KEYS + fields + ["recorded"]
    assert len(send["commitment"]) == 64 and send["body-length"] == 3
    # No body, and not even its plain hash, is in the trail.
    assert b"one" not in send.values()


def test_events_by_page_and_by_tenant(client, tenant):
    positions = fill(client, tenant, 25)
    client.raw("SEND", tenant + "'", "c", "ada", "m-1", "another tenant's")
    fill(client, tenant, 5, start=25)
    read, position = [], positions[0]
    while True:
        page = client.maps("EVENTS.READ", "FROM", position, "COUNT", 7, "TENANT", tenant)
        if not page:
            break
        assert len(page) <= 7
        read += [event["message-id"] for event in page]
        position = page[-1]["position"] + 1
    assert read == [f"c-{number}".encode() for number in range(30)]
    assert client.raw("EVENTS.READ", "FROM", position + 100) == []
    assert len(client.raw("EVENTS.READ", "FROM", positions[0], "COUNT", 31)) == 31


def test_events_are_waited_for(daemon, client, tenant):
    end = client.map("STATS")["position"]
    heard = []

    def follow():
        with Connection(daemon.socket) as follower:
            follower.call("HELLO", 3)
            heard.append(follower.call("EVENTS.READ", "FROM", end + 1, "BLOCK", 20_000, "TENANT", tenant))

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(0.1)
    client.raw("SEND", tenant + "'", "c", "ada", "m-0", "not for this one")
    time.sleep(0.05)
    assert not heard
    client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    thread.join(10)
    assert [event["message-id"] for event in heard[0]] == [b"m-1"]


def test_waiting_for_events_ends(client):
    end = client.map("STATS")["position"]
    begin = time.monotonic()
    assert client.raw("EVENTS.READ", "FROM", end + 1, "BLOCK", 150) == []
    assert 0.1 < time.monotonic() - begin < 10


def test_the_default_page_is_the_newest(client, tenant):
    positions = fill(client, tenant, 60)
    page = client.page(tenant, "c", "VIEWER", "ben")
    assert list(page) == ["messages", "next", "previous", "position"]
    assert [message["position"] for message in page["messages"]] == positions[10:]
    assert page["next"] is None and page["previous"] is not None
    older = client.page(tenant, "c", "VIEWER", "ben", "BEFORE", page["previous"])
    assert [message["position"] for message in older["messages"]] == positions[:10]
    assert older["previous"] is None and older["next"] is not None
    newer = client.page(tenant, "c", "VIEWER", "ben", "AFTER", older["next"])
    assert [message["position"] for message in newer["messages"]] == positions[10:]


@pytest.mark.parametrize("count", [1, 7, 50, 1000])
def test_paging_both_ways_meets_each_message_once(client, tenant, count):
    positions = fill(client, tenant, 120)
    forwards, cursor = [], "-"
    while cursor is not None:
        page = client.page(tenant, "c", "VIEWER", "ben", "AFTER", cursor, "COUNT", count)
        forwards += [message["position"] for message in page["messages"]]
        cursor = page["next"]
    backwards, cursor = [], "+"
    while cursor is not None:
        page = client.page(tenant, "c", "VIEWER", "ben", "BEFORE", cursor, "COUNT", count)
        backwards = [message["position"] for message in page["messages"]] + backwards
        cursor = page["previous"]
    assert forwards == positions and backwards == positions


def test_order_is_by_time_then_position(client, tenant):
    times = [5, 1, 3, 3, 2, 5, 1]
    base = 1_600_000_000_000
    client.raw("RETENTION.SET", "TENANT", tenant, "forever", "REASON", "old ones")
    sent = [(base + DAY * at, client.raw("SEND", tenant, "c", "ada", f"m-{n}", "x", "AT", base + DAY * at)) for n, at in enumerate(times)]
    page = client.page(tenant, "c", "VIEWER", "ben")
    assert [(message["at"], message["position"]) for message in page["messages"]] == sorted(sent)


def test_a_cursor_is_a_time_and_a_position(client, tenant):
    positions = fill(client, tenant, 3)
    middle = client.map("MESSAGE.GET", tenant, "c-1")
    page = client.page(tenant, "c", "VIEWER", "ben", "AFTER", f"{middle['at']}-{positions[1]}")
    assert [message["position"] for message in page["messages"]] == positions[2:]


@pytest.mark.parametrize(
    "words, complaint",
    [
        (("COUNT", "0"), "COUNT"), (("COUNT", "1001"), "COUNT"), (("COUNT", "many"), "COUNT"), (("BEFORE", "x"), "BEFORE"),
        (("AFTER", "1-"), "AFTER"), (("BEFORE", "+", "AFTER", "-"), "BEFORE and AFTER"), (("ASOF", "#x"), "ASOF"),
        (("COUNT",), "COUNT"), (("WHERE", "here"), "TIMELINE knows no option 'WHERE'"), (("COUNT", "1", "count", "1"), "COUNT is given twice"),
    ])
def test_options_that_make_no_sense(client, tenant, words, complaint):
    with pytest.raises(redis.ResponseError, match=f"^BADARG {complaint}"):
        client.raw("TIMELINE", tenant, "c", "VIEWER", "ben", *words)


def test_a_timeline_is_somebodys(client, tenant):
    with pytest.raises(redis.ResponseError, match="^BADARG VIEWER"):
        client.raw("TIMELINE", tenant, "c", "COUNT", "5")


def test_a_conversation_that_is_not_there_is_empty(client, tenant):
    page = client.page(tenant, "nobody's", "VIEWER", "ben")
    assert (page["messages"], page["next"], page["previous"]) == ([], None, None)


def test_statistics(client, tenant):
    before = client.map("STATS")
    fill(client, tenant, 10)
    after = client.map("STATS")
    assert after["position"] == before["position"] + 10
    assert after["messages"] == before["messages"] + 10
    assert after["body-bytes"] == before["body-bytes"] + 10 * len("body 0")
    assert after["partition-length"] == b"day" and after["writable"] == client.boolean(True)
    integers = [
        "position", "folded", "tail-events", "tail-bytes", "partitions", "open-partitions", "removed-partitions", "damaged-partitions", "messages", "conversations", "body-bytes",
        "disk-bytes", "journal-bytes", "batches", "folds", "started", "connections", "connections-total", "connections-refused", "commands",
        "commits", "answers-waiting-bytes", "keys", "open-intents", "oldest-expired-seconds", "checkpoint"]
    assert all(isinstance(after[key], int) for key in integers)
    assert set(after) == {*integers, "writable", "partition-length", "instance", "next-purge", "clock", "escrow", "checkpoint-error", "hanging-reader"}


def test_partitions(client, tenant):
    at = 946_684_800_000  # 2000-01-01
    position = client.raw("SEND", tenant, "c", "ada", "m-1", "millennium", "AT", at)
    client.raw("DIGEST")  # waits until all is folded
    found = {partition["partition"]: partition for partition in client.maps("PARTITIONS")}
    assert list(found) == sorted(found)
    partition = found[b"2000-01-01"]
    assert list(partition) == [
        "partition", "events", "messages", "bytes", "disk", "live", "expired", "held", "purged", "free", "next-expiry", "first", "last",
        "damage"]
    assert partition["last"] == position and partition["disk"] > 0 and partition["events"] == partition["messages"]


def test_the_digest_is_of_what_is_known(client, tenant):
    before = client.map("DIGEST")
    assert client.map("DIGEST") == before
    position = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    after = client.map("DIGEST")
    assert after["position"] == position and after["digest"] != before["digest"] and len(after["digest"]) == 64


def test_what_was_answered_can_be_read_at_once(daemon, tenant):
    # Straight from the journal's tail, from the partition, and in between.
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(200):
            position = connection.call("SEND", tenant, "c", "ada", f"m-{number}", f"body {number}")
            page = connection.call("TIMELINE", tenant, "c", "VIEWER", "ben", "COUNT", 1)
            assert page["messages"][0]["position"] == position
            assert connection.call("MESSAGE.GET", tenant, f"m-{number}")["body"] == f"body {number}".encode()


def test_rights(make_daemon):
    daemon = make_daemon(importers="4294967294", administrators="4294967294", auditors="4294967294").start()
    with Connection(daemon.socket) as connection:
        assert connection.call("SEND", "t", "c", "ada", "m-1", "one") == 1
        denied = [
            ("SEND", "t", "c", "ada", "m-2", "old", "AT", "1400000000000"), ("LOCALDELETE", "t", "c", "ben", "ID", "m-1", "AT", "1400000000000"),
            ("RETENTION.SET", "TENANT", "t", "5y", "REASON", "none"), ("SHUTDOWN",),
            ("MESSAGE.HISTORY", "t", "m-1", "REASON", "audit"), ("EVENTS.READ", "FROM", "1"), ("DIGEST",)]
        for words in denied:
            with pytest.raises(Refused, match="^DENIED .*whom it is for is said by the setting"):
                connection.call(*words)
        connection.call("HELLO", 3)
        assert len(connection.call("TIMELINE", "t", "c", "VIEWER", "ben")["messages"]) == 1
    assert daemon.stop() == 0
