"""What becomes of an append: its answer, its repetition, its refusal."""

import re
import time

import pytest
import redis

from resp import as_map


def bodies(page):
    return [message["body"] for message in page["messages"]]


def as_it_came_and_folded(client):
    """Goes through the same twice: once most likely out of the journal's tail, once surely out of partitions and state."""
    yield
    client.raw("DIGEST")
    yield


def test_positions_follow_each_other(client, tenant):
    first = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    assert [client.raw("SEND", tenant, "c", "ada", f"m-{n}", "more") for n in range(2, 5)] == [first + 1, first + 2, first + 3]


def test_the_same_send_again_is_answered_with_the_first_position(client, tenant):
    position = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    assert client.raw("SEND", tenant, "c", "ada", "m-1", "one") == position
    assert client.raw("SEND", tenant, "c", "ada", "m-1", "one", "REPORT") == [position, b"present"]
    assert client.raw("SEND", tenant, "c", "ada", "m-2", "two", "REPORT") == [position + 1, b"appended"]
    assert bodies(client.page(tenant, "c", "VIEWER", "ben")) == [b"one", b"two"]


@pytest.mark.parametrize("other", [("d", "ada", "one"), ("c", "ben", "one"), ("c", "ada", "other")], ids=["conversation", "sender", "body"])
def test_the_same_id_with_something_else_different_is_a_conflict(client, tenant, other):
    position = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    conversation, sender, body = other
    with pytest.raises(redis.ResponseError, match=rf"^CONFLICT .*#{position}\b"):
        client.raw("SEND", tenant, conversation, sender, "m-1", body)


def test_ids_are_of_their_tenant(client, tenant):
    first = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    assert client.raw("SEND", tenant + "'", "c", "ada", "m-1", "another") == first + 1


def test_a_star_asks_for_an_id_that_sorts_by_time(client, tenant):
    for number in range(3):
        client.raw("SEND", tenant, "c", "ada", "*", "the same body")
        time.sleep(0.002)
    ids = [message["id"].decode() for message in client.page(tenant, "c", "VIEWER", "ben")["messages"]]
    assert len(set(ids)) == 3 and ids == sorted(ids)
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", text) for text in ids)


def test_expected_position(client, tenant):
    position = client.raw("SEND", tenant, "c", "ada", "m-1", "one", "EXPECT", "NONE")
    with pytest.raises(redis.ResponseError, match=rf"^CONFLICT .*#{position}\b"):
        client.raw("SEND", tenant, "c", "ada", "m-2", "two", "EXPECT", "NONE")
    with pytest.raises(redis.ResponseError, match=rf"^CONFLICT .*#{position}\b"):
        client.raw("SEND", tenant, "c", "ada", "m-2", "two", "EXPECT", position + 1)
    assert client.raw("SEND", tenant, "c", "ada", "m-2", "two", "expect", position) == position + 1
    with pytest.raises(redis.ResponseError, match="^BADARG EXPECT"):
        client.raw("SEND", tenant, "c", "ada", "m-3", "three", "EXPECT", "soon")


def test_expected_position_counts_within_a_pipeline(client, tenant):
    with client.redis.pipeline(transaction=False) as pipeline:
        pipeline.execute_command("SEND", tenant, "c", "ada", "m-1", "one", "EXPECT", "NONE")
        pipeline.execute_command("SEND", tenant, "c", "ada", "m-2", "two", "EXPECT", "NONE")
        first, second = pipeline.execute(raise_on_error=False)
    assert isinstance(first, int) and str(second).startswith("CONFLICT")


def test_type_and_client_time_are_kept(client, tenant):
    position = client.raw("SEND", tenant, "c", "ada", "m-1", b"\x89PNG\r\n", "TYPE", "image/png", "CLIENTTIME", 1_500_000_000_000)
    message = client.map("MESSAGE.GET", tenant, "m-1")
    assert (message["type"], message["body"]) == (b"image/png", b"\x89PNG\r\n")
    event = client.maps("EVENTS.READ", "FROM", position, "COUNT", 1)[0]
    assert (event["content-type"], event["client-time"]) == (b"image/png", 1_500_000_000_000)
    with pytest.raises(redis.ResponseError, match="^BADARG type"):
        client.raw("SEND", tenant, "c", "ada", "m-2", "x", "TYPE", "no type")


def test_an_imported_send_has_its_own_time(client, tenant):
    position = client.raw("SEND", tenant, "c", "ada", "m-1", "old", "AT", 1_400_000_000_000)
    event = client.maps("EVENTS.READ", "FROM", position, "COUNT", 1)[0]
    assert event["at"] == 1_400_000_000_000
    assert abs(event["recorded"] - time.time() * 1000) < 60_000
    with pytest.raises(redis.ResponseError, match="^BADARG .*future"):
        client.raw("SEND", tenant, "c", "ada", "m-2", "new", "AT", int(time.time() * 1000) + 3_600_000)


def test_a_local_delete_hides_from_its_viewer_alone(client, tenant):
    for number in range(1, 4):
        client.raw("SEND", tenant, "c", "ada", f"m-{number}", f"body {number}")
    position = client.raw("LOCALDELETE", tenant, "c", "ben", "ID", "m-1", "m-3")
    for _ in as_it_came_and_folded(client):
        assert bodies(client.page(tenant, "c", "VIEWER", "ben")) == [b"body 2"]
        assert bodies(client.page(tenant, "c", "VIEWER", "ada")) == [b"body 1", b"body 2", b"body 3"]
        assert bodies(client.page(tenant, "c", "VIEWER", "ben", "ASOF", f"#{position - 1}")) == [None, b"body 2", None]
        assert bodies(client.page(tenant, "c", "VIEWER", "ada", "ASOF", f"#{position - 1}")) == [b"body 1", b"body 2", b"body 3"]
        assert client.map("MESSAGE.GET", tenant, "m-1", "VIEWER", "ben")["state"] == b"hidden"
        assert client.map("MESSAGE.GET", tenant, "m-1", "VIEWER", "ben")["body"] is None
        assert client.map("MESSAGE.GET", tenant, "m-1", "VIEWER", "ben", "ASOF", f"#{position - 1}")["state"] == b"visible"
        assert client.map("MESSAGE.GET", tenant, "m-1", "VIEWER", "ada")["state"] == b"visible"
    assert client.raw("LOCALDELETE", tenant, "c", "ben", "ID", "m-1", "REPORT") == [position, b"present"]
    assert client.raw("LOCALDELETE", tenant, "c", "ben", "ID", "m-1", "m-2", "REPORT") == [position + 1, b"appended"]


def test_clearing_a_history(client, tenant):
    first = client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    second = client.raw("SEND", tenant, "c", "ada", "m-2", "two")
    client.raw("SEND", tenant, "c", "ada", "m-3", "three")
    position = client.raw("LOCALDELETE", tenant, "c", "ben", "UPTO", second)
    for _ in as_it_came_and_folded(client):
        assert bodies(client.page(tenant, "c", "VIEWER", "ben")) == [b"three"]
        assert len(client.page(tenant, "c", "VIEWER", "ben", "ASOF", f"#{position - 1}")["messages"]) == 3
        assert client.raw("LOCALDELETE", tenant, "c", "ben", "UPTO", first, "REPORT") == [position, b"present"]
        assert len(client.page(tenant, "c", "VIEWER", "ada")["messages"]) == 3
    with pytest.raises(redis.ResponseError, match="^BADARG upto"):
        client.raw("LOCALDELETE", tenant, "c", "ben", "UPTO", position + 1_000_000)


def test_deleting_what_is_not_there(client, tenant):
    with pytest.raises(redis.ResponseError, match="^UNKNOWN message 'm-1'"):
        client.raw("LOCALDELETE", tenant, "c", "ben", "ID", "m-1")
    client.raw("SEND", tenant, "c", "ada", "m-1", "one")
    with pytest.raises(redis.ResponseError, match="^UNKNOWN message 'm-2'"):
        client.raw("LOCALDELETE", tenant, "c", "ben", "ID", "m-1", "m-2")
    with pytest.raises(redis.ResponseError, match="^UNKNOWN"):
        client.raw("LOCALDELETE", tenant, "another", "ben", "ID", "m-1")
    assert len(client.page(tenant, "c", "VIEWER", "ben")["messages"]) == 1


def test_retention_of_a_conversation_a_tenant_and_back(client, tenant):
    client.raw("SEND", tenant, "c", "ada", "m-1", "old", "AT", 1_400_000_000_000)
    assert client.map("MESSAGE.GET", tenant, "m-1")["state"] == b"expired"
    changed = client.map("RETENTION.SET", "TENANT", tenant, "CONVERSATION", "c", "forever", "REASON", "a museum")
    assert sorted(changed) == ["effective-at", "position"]
    assert client.map("MESSAGE.GET", tenant, "m-1")["state"] == b"visible"
    policy = client.map("RETENTION.GET", "TENANT", tenant, "CONVERSATION", "c")
    assert policy == {
        "scope": f"TENANT {tenant} CONVERSATION c".encode(), "period": b"forever", "from": b"conversation",
        "position": changed["position"], "effective-at": changed["effective-at"], "locked": client.boolean(False), "floor": None,
        "floor-from": None, "floor-position": None, "pending": []}
    assert client.map("RETENTION.GET", "TENANT", tenant)["from"] == b"default"
    client.raw("RETENTION.SET", "TENANT", tenant, "5y", "REASON", "more")
    # What shortens waits a week, and is told as pending until then.
    inherit = client.map("RETENTION.SET", "TENANT", tenant, "CONVERSATION", "c", "inherit", "REASON", "as the others")
    policy = client.map("RETENTION.GET", "TENANT", tenant, "CONVERSATION", "c")
    assert (policy["period"], policy["from"]) == (b"forever", b"conversation")
    (pending,) = [as_map(change) for change in policy["pending"]]
    assert (pending["position"], pending["period"]) == (inherit["position"], b"inherit")
    assert 6.9 < (pending["effective-at"] - changed["effective-at"]) / 86_400_000 < 7.1
    client.raw("RETENTION.SET", "TENANT", tenant, "CONVERSATION", "d", "10y", "REASON", "longer than the tenant's")
    assert client.map("RETENTION.GET", "TENANT", tenant, "CONVERSATION", "d")["from"] == b"conversation"
    assert client.map("RETENTION.GET", "TENANT", tenant, "CONVERSATION", "e")["from"] == b"tenant"
    history = client.maps("RETENTION.HISTORY", "TENANT", tenant, "CONVERSATION", "c")
    assert [(event["kind"], event["period"], event["reason"]) for event in history] == [
        (b"retention-change", b"forever", b"a museum"), (b"retention-change", b"inherit", b"as the others")]
    cancel = client.raw("RETENTION.CANCEL", inherit["position"], "REASON", "not yet")
    (cancelled,) = client.maps("RETENTION.HISTORY", "TENANT", tenant, "CONVERSATION", "c")[2:]
    assert (cancelled["position"], cancelled["kind"], cancelled["change"]) == (cancel, b"retention-cancel", inherit["position"])
    assert client.map("RETENTION.GET", "TENANT", tenant, "CONVERSATION", "c", "ASOF", f"#{changed['position']}")["period"] == b"forever"


def test_the_same_imported_policy_again(client, tenant):
    words = ("RETENTION.SET", "TENANT", tenant, "5y", "REASON", "law", "AT", 1_400_000_000_000, "REPORT")
    first = client.map(*words)
    assert first["status"] == b"appended" and first["effective-at"] == 1_400_000_000_000
    assert client.map(*words) == {**first, "status": b"present"}


@pytest.mark.parametrize("period", ["0d", "5", "d", "1.5y", "-3d", "2000y", "10 d", "soon", ""])
def test_periods_that_are_none(client, tenant, period):
    with pytest.raises(redis.ResponseError, match="^BADARG period"):
        client.raw("RETENTION.SET", "TENANT", tenant, period, "REASON", "none")


def test_retention_needs_a_reason_and_a_scope(client, tenant):
    with pytest.raises(redis.ResponseError, match="^BADARG REASON"):
        client.raw("RETENTION.SET", "TENANT", tenant, "5y", "AT", 1_400_000_000_000)
    with pytest.raises(redis.ResponseError, match="^BADARG scope"):
        client.raw("RETENTION.SET", "CONVERSATION", "c", "5y", "REASON", "none")
    with pytest.raises(redis.ResponseError, match="^BADARG period of the system"):
        client.raw("RETENTION.SET", "SYSTEM", "inherit", "REASON", "none")


def test_what_later_versions_know_is_refused_today(client, tenant):
    for command in ["EXPORT", "BACKUP"]:
        with pytest.raises(redis.ResponseError, match="^UNKNOWN command"):
            client.raw(command, "1")


def test_answers_of_a_mixed_pipeline_keep_their_order(client, tenant):
    with client.redis.pipeline(transaction=False) as pipeline:
        for number in range(300):
            pipeline.execute_command("SEND", tenant, "c", "ada", f"m-{number}", f"body {number}")
            if number % 50 == 49:
                pipeline.execute_command("ECHO", f"after {number}")
                pipeline.execute_command("MESSAGE.GET", tenant, f"m-{number}")
            if number % 70 == 69:
                pipeline.execute_command("SEND", tenant, "c", "ada", "", "refused")
        answers = pipeline.execute(raise_on_error=False)
    expected = []
    for number in range(300):
        expected.append("position")
        if number % 50 == 49:
            expected += [f"after {number}".encode(), f"body {number}".encode()]
        if number % 70 == 69:
            expected.append("refused")
    positions = [answer for answer in answers if isinstance(answer, int)]
    assert positions == list(range(positions[0], positions[0] + 300))
    for answer, what in zip(answers, expected, strict=True):
        if what == "position":
            assert isinstance(answer, int)
        elif what == "refused":
            assert str(answer).startswith("BADARG message-id")
        elif isinstance(answer, bytes):
            assert answer == what
        else:
            assert what in (answer if isinstance(answer, list) else answer.values())
