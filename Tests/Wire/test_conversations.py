"""Real conversations: the imports of the archives in shared/data, where that folder is."""

import gzip
import json
import os
import pathlib
import subprocess
import threading
import time
from collections import defaultdict

import pytest

from daemon import ANNALS, ROOT, Daemon, annals
from resp import Connection

DATA = pathlib.Path(os.environ.get("ANNALS_SHARED_DATA", ROOT.parent / "shared/data"))
COFACTS = DATA / "cofacts-2018.jsonl.gz"
GITTER = DATA / "gitter-rooms.jsonl.gz"
FOREVER = {"type": "retention-change", "tenant": "cofacts", "period": "forever", "reason": "an open archive", "at": 1_388_534_400_000}
DAY = 86_400_000
PORTUGUES = "FreeCodeCamp/portugues"

pytestmark = pytest.mark.skipif(not COFACTS.exists(), reason=f"{DATA} is not there; it is no part of the project")


def lines_of(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def cofacts_lines():
    return lines_of(COFACTS)


@pytest.fixture(scope="module")
def cofacts_tenant(cofacts_lines):
    (tenant,) = {line["tenant"] for line in cofacts_lines if line["tenant"]}
    return tenant


@pytest.fixture(scope="module")
def source(tmp_path_factory, cofacts_tenant):
    """The archive behind one line that keeps its tenant's messages for ever."""
    path = tmp_path_factory.mktemp("cofacts") / "cofacts.jsonl"
    with open(path, "wb") as file:
        file.write(json.dumps({**FOREVER, "tenant": cofacts_tenant}).encode() + b"\n")
        file.write(gzip.decompress(COFACTS.read_bytes()))
    return path


def do_import(daemon, path, *options):
    return json.loads(annals(daemon, "import", "--json", path, *options).stdout)


@pytest.fixture(scope="module")
def cofacts(source, tmp_path_factory):
    """A daemon with all of cofacts, and how the import ended."""
    daemon = Daemon().start()
    rejects = tmp_path_factory.mktemp("rejects") / "rejects.jsonl"
    begin = time.monotonic()
    summary = do_import(daemon, source, "--rejects", rejects)
    print(f"cofacts imported in {time.monotonic() - begin:.2f} s of wall time ({summary['seconds']} s by its own clock)")
    yield daemon, summary, rejects
    daemon.clean_up()


@pytest.fixture(scope="module")
def gitter():
    daemon = Daemon().start()
    summary = do_import(daemon, GITTER)
    yield daemon, summary
    daemon.clean_up()


@pytest.fixture
def ask(cofacts):
    with Connection(cofacts[0].socket) as connection:
        connection.call("HELLO", 3)
        yield connection.call


def test_cofacts_is_counted(cofacts):
    daemon, summary, rejects = cofacts
    assert summary["accepted"] == {"send": 17_345, "local-delete": 424, "retention-change": 1}
    assert summary["present"] == 0
    assert summary["refused"] == {"no time": 34, "unknown message": 32}
    assert summary["lines"] == 17_836
    refused = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert len(refused) == 66
    assert {line["reason"] for line in refused} == {"no time", "unknown message"}


def test_cofacts_partitions(ask):
    ask("DIGEST")
    names = [partition["partition"].decode() for partition in ask("PARTITIONS")]
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert len([name for name in names if name not in ("2014-01-01", today)]) == 408
    assert names[0] == "2014-01-01" and names[1] == "2016-12-10" and "2018-04-10" in names
    assert sum(partition["messages"] for partition in ask("PARTITIONS")) == 17_345
    assert sum(partition["bytes"] for partition in ask("PARTITIONS")) == 4_102_625


def test_cofacts_again_appends_nothing(cofacts, source, ask):
    before = ask("DIGEST")
    summary = do_import(cofacts[0], source)
    assert summary["accepted"] == {} and summary["present"] == 17_345 + 424 + 1
    assert summary["refused"] == {"no time": 34, "unknown message": 32}
    assert ask("DIGEST") == before


def test_cofacts_is_all_there(ask, cofacts_lines, cofacts_tenant):
    """Every message in its conversation, in order, with its body as it came."""
    expected = defaultdict(dict)
    for line in cofacts_lines:
        if line["type"] == "send" and line["sent_at"] is not None:
            expected[line["conversation"]].setdefault(line["message_id"], (line["sent_at"], line["sender"], line["body"]))
    assert len(expected) == 15_854
    for conversation, messages in expected.items():
        seen, cursor = [], "-"
        while cursor is not None:
            page = ask("TIMELINE", cofacts_tenant, conversation, "VIEWER", "nobody of them", "AFTER", cursor, "COUNT", "1000")
            seen += page["messages"]
            cursor = page["next"]
        assert {m["id"].decode(): (m["at"], m["sender"].decode(), m["body"].decode()) for m in seen} == messages
        assert [(m["at"], m["position"]) for m in seen] == sorted((m["at"], m["position"]) for m in seen)


def test_each_local_delete_hides_from_its_viewer_alone(ask, cofacts_lines, cofacts_tenant):
    ask("DIGEST")  # Out of partitions and state; of the journal's tail the same is asked elsewhere.
    sent = {line["message_id"] for line in cofacts_lines if line["type"] == "send" and line["sent_at"] is not None}
    deletes = [line for line in cofacts_lines if line["type"] == "local-delete" and line["message_id"] in sent]
    assert len(deletes) == 424

    def sees(line, viewer, *as_of):
        # Around the message, with the cursor that is its own place but one.
        message = ask("MESSAGE.GET", cofacts_tenant, line["message_id"])
        page = ask(
            "TIMELINE", cofacts_tenant, line["conversation"], "VIEWER", viewer, "AFTER", f"{message['at']}-{message['position'] - 1}",
            "COUNT", "1", *as_of)
        return [message["id"].decode() for message in page["messages"]][:1] == [line["message_id"]]

    for line in deletes:
        assert not sees(line, line["viewer"])
        assert sees(line, line["viewer"] + "'")
        assert sees(line, line["viewer"], "ASOF", line["at"] - 1)
        assert not sees(line, line["viewer"], "ASOF", line["at"])
        assert ask("MESSAGE.GET", cofacts_tenant, line["message_id"], "VIEWER", line["viewer"])["state"] == b"hidden"
        kinds = [event["kind"] for event in ask("MESSAGE.HISTORY", cofacts_tenant, line["message_id"], "REASON", "audit")["events"]]
        assert kinds.count(b"local-delete") >= 1


def test_gitter_is_counted(gitter):
    daemon, summary = gitter
    assert summary["accepted"] == {"send": 4_431}
    assert summary["present"] == 211
    assert summary["refused"] == {"no sender": 3}
    assert do_import(daemon, GITTER)["accepted"] == {}


def test_under_the_default_policy_old_messages_are_expired(gitter):
    daemon, _ = gitter
    with Connection(daemon.socket) as connection:
        ask = connection.call
        ask("HELLO", 3)
        lines = {line["message_id"]: line for line in lines_of(GITTER) if line["sender"] is not None}
        assert len(lines) == 4_431
        for conversation in {line["conversation"] for line in lines.values()}:
            tenant = next(line["tenant"] for line in lines.values() if line["conversation"] == conversation)
            assert ask("TIMELINE", tenant, conversation, "VIEWER", "ben")["messages"] == []
        for name, line in lines.items():
            message = ask("MESSAGE.GET", line["tenant"], name, "VIEWER", "ben")
            assert (message["state"], message["body"]) == (b"expired", None)
            history = ask("MESSAGE.HISTORY", line["tenant"], name, "REASON", "audit")
            assert history["message"]["body"].decode() == line["body"] and history["message"]["state"] == b"expired"
            week_later = ask("MESSAGE.GET", line["tenant"], name, "VIEWER", "ben", "ASOF", line["sent_at"] + 7 * DAY)
            # It was visible then; what it said is for auditors by now, who give a reason.
            assert (week_later["state"], week_later["body"]) == (b"visible", None)


def page_all(ask, tenant, conversation, count, direction):
    found, cursor = [], "-" if direction == "AFTER" else "+"
    while cursor is not None:
        page = ask("TIMELINE", tenant, conversation, "VIEWER", "ben", direction, cursor, "COUNT", count)
        places = [(message["at"], message["position"], message["id"].decode()) for message in page["messages"]]
        assert places == sorted(places) and len(places) <= count
        found = found + places if direction == "AFTER" else places + found
        cursor = page["next" if direction == "AFTER" else "previous"]
    return found


@pytest.mark.parametrize("direction", ["AFTER", "BEFORE"])
@pytest.mark.parametrize("count", [1, 7, 50, 1000])
def test_a_long_conversation_is_paged_each_message_once(gitter, count, direction):
    """Also while others append to the same conversation, now and with old times."""
    daemon, _ = gitter
    expected = {line["message_id"] for line in lines_of(GITTER) if line["conversation"] == PORTUGUES and line["sender"] is not None}
    assert len(expected) == 1_564
    tenant = next(line["tenant"] for line in lines_of(GITTER) if line["conversation"] == PORTUGUES)
    with Connection(daemon.socket) as connection:
        ask = connection.call
        ask("HELLO", 3)
        ask("RETENTION.SET", "TENANT", tenant, "forever", "REASON", "to be paged")
        quiet = page_all(ask, tenant, PORTUGUES, count, direction)
        assert quiet == sorted(quiet)
        assert expected <= {name for _, _, name in quiet} and len({name for _, _, name in quiet}) == len(quiet)
        if count == 50:
            assert len([name for _, _, name in quiet if name in expected]) == 1_564

        stop = threading.Event()
        writer = threading.Thread(target=append_until, args=(daemon, tenant, f"{count}-{direction}", stop))
        writer.start()
        try:
            busy = page_all(ask, tenant, PORTUGUES, count, direction)
        finally:
            stop.set()
            writer.join(30)
        assert busy == sorted(busy) and len({name for _, _, name in busy}) == len(busy)
        assert [place for place in busy if place in set(quiet)] == quiet


def append_until(daemon, tenant, name, stop):
    with Connection(daemon.socket) as connection:
        number = 0
        # Between the others, and at the end. Bounded, for a page of one must come to an end that moves.
        while not stop.is_set() and number < 300:
            connection.call("SEND", tenant, PORTUGUES, "writer", f"{name}-{number}", "new", "AT", 1_425_000_000_000 + number * 3_600_000)
            connection.call("SEND", tenant, PORTUGUES, "writer", f"{name}-{number}-now", "new")
            number += 1
            time.sleep(0.001)
    stop.set()


def test_an_import_that_is_killed_goes_on_where_it_stopped(source, cofacts, dice):
    """The daemon is killed, then the import; afterwards the same messages are there as after one that ran through."""
    daemon = Daemon().start()
    try:
        for victim in ("daemon", "import", "daemon"):
            environment = {**os.environ, "ANNALS_SOCKET": str(daemon.socket)}
            process = subprocess.Popen(
                [ANNALS, "import", "--json", source], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(dice.uniform(0.05, 0.5))
            if victim == "daemon":
                daemon.kill()
                said, errors = process.communicate(timeout=60)
                assert process.returncode in (0, 3), errors
                daemon.start()
            else:
                process.kill()
                process.communicate(timeout=60)
        summary = do_import(daemon, source)
        assert sum(summary["accepted"].values()) + summary["present"] == 17_345 + 424 + 1
        assert summary["refused"] == {"no time": 34, "unknown message": 32}
        assert do_import(daemon, source)["accepted"] == {}
        assert everything(daemon) == everything(cofacts[0])
    finally:
        daemon.clean_up()


def everything(daemon):
    """All events but what depends on the order of their coming (positions, random salts, the time of coming), and but readings: other
    tests look into the same daemon. They lie in partitions of their own, for what was imported is old."""
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        partitions = {
            partition["partition"]: (partition["events"], partition["messages"], partition["bytes"])
            for _ in [connection.call("DIGEST")] for partition in connection.call("PARTITIONS")}
        events, position = [], 1
        while page := connection.call("EVENTS.READ", "FROM", position, "COUNT", 10_000):
            for event in page:
                assert event["position"] == position
                position += 1
                if event["kind"] == b"access":
                    partitions.pop(time.strftime("%Y-%m-%d", time.gmtime(event["at"] / 1000)).encode(), None)
                    continue
                left_out = ("position", "commitment", "recorded")
                events.append(sorted((key, str(value)) for key, value in event.items() if key not in left_out))
    return partitions, sorted(events)
