"""The log replayed up to a moment, beside the daemon whose log it is; and what changed between two moments."""

import json
import os
import signal
import subprocess
import time

import pytest

from daemon import ANNALS, annals
from moments import Model, events_of
from resp import Connection
from test_conversations import COFACTS
from test_purges import OLD, wait_for

DAY = 86_400_000


def replay(folder, *words):
    done = subprocess.run([ANNALS, "replay", folder, "--json", *map(str, words)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def messages_of(folder, *words):
    done = subprocess.run([ANNALS, "replay", folder, "--messages", *map(str, words)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def digest(connection):
    answer = connection.call("DIGEST")
    return answer["position"], answer["digest"].decode()


def test_the_digest_of_a_replay_is_the_daemons_own_beside_a_running_daemon(make_daemon, dice):
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    digests = []
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for round_ in range(6):
            for number in range(40):
                connection.call("SEND", "t", f"c{dice.randrange(3)}", "ann", f"m-{round_}-{number}", "x", "AT", OLD + dice.randrange(3) * DAY)
            connection.call("LOCALDELETE", "t", "c1", "ben", "UPTO", dice.randint(1, 40 * (round_ + 1)))
            if round_ == 2:
                connection.call("RETENTION.SET", "TENANT", "t", "CONVERSATION", "c1", "forever", "REASON", "law", "AT", OLD)
            if round_ == 4:
                plan = connection.call("PURGE.PLAN", "TENANT", "t")
                connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
                wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"idle")
            digests.append(digest(connection))
        for position, expected in digests:
            answer = replay(daemon.data, "--asof", f"#{position}")
            assert (answer["position"], answer["digest"]) == (position, expected)
        tally = replay(daemon.data)["tenants"]["t"]
        assert tally["messages"] == 240
        assert tally["visible"] + tally["expired"] + tally["purged"] == 240 and tally["purged"] == plan["messages"]
    assert daemon.stop() == 0
    assert replay(daemon.data)["digest"] == digests[-1][1]


def test_a_replay_that_is_kept_is_a_folder_of_its_own_and_touches_nothing(make_daemon, tmp_path):
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        connection.call("SEND", "t", "c", "ann", "m", "the content")
    assert daemon.stop() == 0
    before = {path: path.read_bytes() for path in daemon.data.rglob("*") if path.is_file()}
    answer = replay(daemon.data, "--to", tmp_path / "built")
    assert {path: path.read_bytes() for path in daemon.data.rglob("*") if path.is_file()} == before
    assert not any(b"the content" in path.read_bytes() for path in (tmp_path / "built").rglob("*") if path.is_file())
    assert replay(tmp_path / "built")["digest"] == answer["digest"]
    again = subprocess.run([ANNALS, "replay", daemon.data, "--to", tmp_path / "built"], capture_output=True, text=True)
    assert (again.returncode, "is there already" in again.stderr) == (5, True)
    beyond = subprocess.run([ANNALS, "replay", daemon.data, "--asof", "#99"], capture_output=True, text=True)
    assert (beyond.returncode, "ends at #1, before #99" in beyond.stderr) == (5, True)
    text = subprocess.run([ANNALS, "replay", daemon.data], capture_output=True, text=True, check=True).stdout
    assert answer["digest"] in text and "tenant" in text


@pytest.fixture
def filled(make_daemon):
    """The folder of a daemon that is stopped, with a few thousand messages."""
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        for start in range(0, 4000, 1000):
            for number in range(start, start + 1000):
                connection.send("SEND", "t", "c", "ann", f"m-{number}", "x" * 100)
            for _ in range(1000):
                connection.answer()
    assert daemon.stop() == 0
    return daemon.data


def test_who_reads_no_further_ends_it_without_a_word_and_nothing_is_left(filled, tmp_path):
    with subprocess.Popen(
        [ANNALS, "replay", filled, "--messages"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        assert json.loads(process.stdout.readline())["id"] == "m-0"
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_nothing(filled, tmp_path, number):
    with subprocess.Popen(
        [ANNALS, "replay", filled, "--messages"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        # The rest fills the pipe, so that it is still at work.
        assert process.stdout.readline()
        assert len(list(tmp_path.glob("annals-replay-*"))) == 1
        process.send_signal(number)
        assert (process.wait(60), process.stderr.read()) == (-number, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_at_any_moment_leaves_nothing(filled, tmp_path, dice):
    for _ in range(20):
        process = subprocess.Popen(
            [ANNALS, "replay", filled], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)})
        try:
            process.communicate(timeout=dice.random() / 2)
        except subprocess.TimeoutExpired:
            process.terminate()
        _, said = process.communicate(timeout=60)
        assert (process.returncode in (0, -signal.SIGTERM), said) == (True, b"")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not COFACTS.exists(), reason="the real conversations are not there")
def test_as_of_a_thousand_moments_of_real_conversations_daemon_replay_and_model_agree(make_daemon, dice):
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    annals(daemon, "import", COFACTS, "--json")
    with Connection(daemon.socket, timeout=120) as connection:
        connection.call("HELLO", 3)
        first = connection.call("EVENTS.READ", "FROM", 1, "COUNT", 10_000)
        tenant = first[0]["tenant"].decode()
        names = [event for event in first if event["kind"] == b"send"]
        # Decided in the years of the conversations, and today, so that expiry runs through them as of many moments.
        for at, period in [(1_484_000_000_000, "30d"), (1_496_000_000_000, "400d"), (1_509_000_000_000, "100d"), (1_520_000_000_000, "forever")]:
            connection.call("RETENTION.SET", "TENANT", tenant, period, "REASON", "of then", "AT", at)
        for period in ("3100d", "3300d", "3200d"):
            for _ in range(40):
                event = dice.choice(names)
                connection.call(
                    "LOCALDELETE", tenant, event["conversation"], f"v{dice.randrange(5)}", "ID", event["message-id"])
            connection.call("RETENTION.SET", "TENANT", tenant, period, "REASON", "of today")
        end = digest(connection)[0]
        model = Model(events_of(connection, end))
        told = {"visible": 0, "hidden": 0, "expired": 0, None: 0}
        touched = [send for send in model.sends if send["position"] in model.deletes]
        for _ in range(1000):
            if dice.random() < 0.5:
                position = dice.randint(1, end)
                time, words = model.recorded[position], f"#{position}"
            else:
                position, time = end, dice.randrange(1_481_000_000_000, 1_530_000_000_000)
                words = time
            for send in dice.sample(model.sends, 8) + dice.sample(touched, 2):
                viewer = dice.choice([delete[0] for delete in model.deletes.get(send["position"], [])] + ["nobody"])
                answer = connection.call("MESSAGE.GET", tenant, send["message-id"], "VIEWER", viewer, "ASOF", words)
                expected = model.at(position, time).state(send, viewer)
                assert (answer and answer["state"].decode()) == expected, (send, viewer, words)
                told[expected] += 1
        assert min(told.values()) > 50, told
        for position in [end, *dice.sample(range(1, end), 3)]:
            view = model.at(position, model.recorded[position])
            replayed = {message["position"]: message for message in messages_of(daemon.data, "--asof", f"#{position}")}
            for send in model.sends:
                expected = view.state(send, None)
                message = replayed.pop(send["position"], None)
                assert (message and message["state"]) == expected, (send, position)
                if message:
                    assert set(message["hidden-from"]) == view.hiders(send), (send, position)
            assert not replayed
        assert replay(daemon.data, "--asof", f"#{end}")["digest"] == digest(connection)[1]


def test_what_changed_between_two_moments_and_by_which_event(make_daemon):
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(6):
            connection.call("SEND", "t", "c", "ann", f"m-{number}", f"message {number}")
        before = connection.call("STATS")["position"]
        deletion = connection.call("LOCALDELETE", "t", "c", "ben", "ID", "m-1")
        send = connection.call("SEND", "t", "c", "ann", "m-6", "later")
        plan = connection.call("PURGE.PLAN", "TENANT", "t", "CONVERSATION", "c", "UNTIL", connection.call(
            "MESSAGE.GET", "t", "m-3")["at"] + 1, "ALL")
        receipt = connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])

    def diff(*words):
        return [json.loads(line) for line in annals(daemon, "diff", "t", "c", *words, "--json").stdout.splitlines()]

    changes = {change["id"]: (change["change"], change["by"]) for change in diff("--viewer", "ben", "--from", f"#{before}")}
    assert changes["m-6"] == ("appeared", send)
    assert changes["m-0"] == ("purged", receipt)
    assert diff("--viewer", "ben", "--from", f"#{before}", "--to", f"#{deletion}") == [
        {**change, "change": "hidden", "by": deletion} for change in diff("--viewer", "ben", "--from", f"#{before}", "--to", f"#{deletion}")]
    assert diff("--viewer", "ada", "--from", f"#{before}", "--to", f"#{deletion}") == []
    text = annals(daemon, "diff", "t", "c", "--viewer", "ben", "--from", f"#{before}", "--to", f"#{deletion}").stdout
    assert "hidden" in text and f"local delete #{deletion}" in text


def test_what_changed_by_rules_names_the_change_that_did_it(make_daemon):
    """Not the rule that is left over: a floor, a rule set back to what it inherits, and time alone are told apart."""
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    now = time.time_ns() // 1_000_000

    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)

        def keep(*words, at=None):
            return connection.call("RETENTION.SET", *words, "REASON", "law", *(["AT", at] if at else []))["position"]

        def diff(tenant, start, end="now", status=0):
            words = ["diff", tenant, "c", "--viewer", "ben", "--from", start, "--to", end]
            done = annals(daemon, *words, "--json", check=False)
            assert done.returncode == status, done.stderr
            text = annals(daemon, *words, check=status == 0).stdout
            return [(change["change"], change["id"], change["by"]) for change in map(json.loads, done.stdout.splitlines())], text

        # A floor that brings a message back.
        connection.call("SEND", "floor", "c", "ann", "m", "x", "AT", now - 30 * DAY)
        policy = keep("TENANT", "floor", "20d")
        floor = keep("TENANT", "floor", "5y", "FLOOR")
        changes, text = diff("floor", f"#{policy}")
        assert changes == [("kept-longer", "m", floor)] and f"the floor #{floor}" in text
        changes, text = diff("floor", f"#{policy - 1}", f"#{policy}")
        assert changes == [("expired", "m", policy)] and f"the policy #{policy}" in text

        # A conversation's policy that is taken back, and then the tenant's.
        connection.call("SEND", "back", "c", "ann", "m", "x", "AT", now - 60 * DAY)
        connection.call("SEND", "back", "c", "ann", "n", "x", "AT", now - 30 * DAY)
        tenant = keep("TENANT", "back", "50d")
        short = keep("TENANT", "back", "CONVERSATION", "c", "20d")
        own = keep("TENANT", "back", "CONVERSATION", "c", "inherit")
        wide = keep("TENANT", "back", "inherit")
        changes, text = diff("back", f"#{short}", f"#{own}")
        assert changes == [("kept-longer", "n", own)] and f"#{own}, which left it to the policy #{tenant}" in " ".join(text.split())
        changes, text = diff("back", f"#{short}")
        assert changes == [("kept-longer", "m", wide), ("kept-longer", "n", own)]
        assert f"#{wide}, which left it to the default policy" in " ".join(text.split())

        # A change that lengthens is not what ended it, nor is one that came when it had expired.
        connection.call("SEND", "long", "c", "ann", "m", "x", "AT", now - 70 * DAY)
        keep("TENANT", "long", "50d", at=now - 90 * DAY)
        longer = keep("TENANT", "long", "60d", at=now - 25 * DAY)
        assert diff("long", "30d ago")[0] == [("expired", "m", longer)]
        assert f"time, under the policy #{longer}" in " ".join(diff("long", "30d ago")[1].split())
        connection.call("SEND", "late", "c", "ann", "m", "x", "AT", now - 200 * DAY)
        keep("TENANT", "late", "100d")
        assert diff("late", "30d ago")[0] == [("expired", "m", None)]

        # Two at one time: the one that took the place of what had decided. And the same of a message that is imported behind them.
        connection.call("SEND", "both", "c", "ann", "m", "x", "AT", now - 40 * DAY)
        own = keep("TENANT", "both", "CONVERSATION", "c", "20d", at=now - 10 * DAY)
        keep("TENANT", "both", "10d", at=now - 10 * DAY)
        connection.call("SEND", "both", "c", "ann", "n", "x", "AT", now - 39 * DAY)
        assert diff("both", "30d ago")[0] == [("expired", "m", own), ("expired", "n", own)]

        # Time alone, under a floor that is longer than the policy.
        connection.call("SEND", "time", "c", "ann", "m", "x", "AT", now - 31 * DAY)
        keep("TENANT", "time", "10d", at=now - 90 * DAY)
        floor = keep("TENANT", "time", "30d", "FLOOR", at=now - 90 * DAY)
        changes, text = diff("time", "5d ago")
        assert changes == [("expired", "m", floor)] and f"time, under the floor #{floor}" in " ".join(text.split())

        # Hidden first, expired then: both are told, in their order. What had expired nobody hid.
        connection.call("SEND", "hid", "c", "ann", "m", "x", "AT", now - 30 * DAY)
        start = connection.call("STATS")["position"]
        deletion = connection.call("LOCALDELETE", "hid", "c", "ben", "ID", "m")
        keep("TENANT", "hid", "20d")
        expiry = connection.call("STATS")["position"]
        connection.call("LOCALDELETE", "hid", "c", "cid", "UPTO", start)
        assert diff("hid", f"#{start}")[0] == [("hidden", "m", deletion), ("expired", "m", expiry)]
        whole = annals(daemon, "diff", "hid", "c", "--reason", "case 7", "--from", f"#{start}", "--json").stdout
        assert [(json.loads(line)["change"], json.loads(line).get("viewer")) for line in whole.splitlines()] == [("hidden", "ben"), ("expired", None)]

        # A message that was hidden, and whose id came again.
        connection.call("SEND", "again", "c", "ann", "m", "x", "AT", now - 40 * DAY)
        start = connection.call("STATS")["position"]
        deletion = connection.call("LOCALDELETE", "again", "c", "ben", "ID", "m")
        connection.call("SEND", "again", "c", "ann", "m", "x", "AT", now - 5 * DAY)
        assert ("hidden", "m", deletion) in diff("again", f"#{start}")[0]
        # Of two that are there, the id means the later one.
        start = connection.call("STATS")["position"]
        deletion = connection.call("LOCALDELETE", "again", "c", "cid", "ID", "m")
        whole = annals(daemon, "diff", "again", "c", "--reason", "case 7", "--from", f"#{start}", "--json").stdout
        assert [(json.loads(line)["position"], json.loads(line)["by"]) for line in whole.splitlines()] == [(start, deletion)]

        # What is destroyed does not come back.
        connection.call("SEND", "dead", "c", "ann", "m", "x", "AT", now - 200 * DAY)
        start = connection.call("STATS")["position"]
        plan = connection.call("PURGE.PLAN", "TENANT", "dead")
        receipt = connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
        keep("TENANT", "dead", "400d")
        whole = annals(daemon, "diff", "dead", "c", "--reason", "case 7", "--from", f"#{start}", "--json").stdout
        assert [(json.loads(line)["change"], json.loads(line)["by"]) for line in whole.splitlines()] == [("purged", receipt)]

        # Only the daemon knows which of a time and a position is the earlier one.
        assert diff("hid", "now", f"#{start}", status=2)[0] == []
        assert diff("hid", f"#{start}", "1d ago", status=2)[0] == []
        beyond = annals(daemon, "diff", "hid", "c", "--viewer", "ben", "--from", f"#{start}", "--to", "#99999", check=False)
        assert beyond.returncode != 0 and "beyond the log's end" in beyond.stderr


def test_what_changed_in_a_whole_conversation(make_daemon):
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    now = time.time_ns() // 1_000_000
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(4):
            connection.call("SEND", "t", "c", "ann", f"m-{number}", "x", "AT", now - (40 - number * 10) * DAY)
        start = connection.call("STATS")["position"]
        by_ben = connection.call("LOCALDELETE", "t", "c", "ben", "ID", "m-3")
        by_cid = connection.call("LOCALDELETE", "t", "c", "cid", "UPTO", 1)
        connection.call("SEND", "t", "other", "ann", "o", "x")
        connection.call("LOCALDELETE", "t", "other", "cid", "UPTO", 4)
        policy = connection.call("RETENTION.SET", "TENANT", "t", "35d", "REASON", "shorter")["position"]
        middle = connection.call("STATS")["position"]
        plan = connection.call("PURGE.PLAN", "TENANT", "t", "CONVERSATION", "c", "UNTIL", now - 15 * DAY, "ALL")
        receipt = connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])
        send = connection.call("SEND", "t", "c", "ann", "m-4", "x")

        def diff(*words):
            done = annals(daemon, "diff", "t", "c", "--reason", "case 7", *words, "--json")
            return [(change["change"], change["id"], change["by"], change.get("viewer")) for change in map(json.loads, done.stdout.splitlines())]

        whole = [
            ("hidden", "m-0", by_cid, "cid"), ("expired", "m-0", policy, None), ("purged", "m-0", receipt, None), ("purged", "m-1", receipt, None),
            ("purged", "m-2", receipt, None), ("hidden", "m-3", by_ben, "ben"), ("appeared", "m-4", send, None)]
        assert diff("--from", f"#{start}") == whole
        assert diff("--from", f"#{start}", "--to", f"#{middle}") == [whole[0], whole[1], whole[5]]
        assert diff("--from", f"#{middle}") == [*whole[2:5], whole[6]]
        assert diff("--from", f"#{middle}", "--to", f"#{middle}") == []
        text = annals(daemon, "diff", "t", "c", "--reason", "case 7", "--from", f"#{start}").stdout
        assert f"ben's local delete #{by_ben}" in " ".join(text.split())
        read = connection.call("EVENTS.READ", "FROM", send + 1, "COUNT", 1000)
        assert {event["kind"] for event in read} == {b"access"} and {event["reason"] for event in read} == {b"case 7"}
        # What was destroyed long ago nobody hides any more.
        start = connection.call("STATS")["position"]
        by_dan = connection.call("LOCALDELETE", "t", "c", "dan", "UPTO", send)
        assert diff("--from", f"#{start}") == [("hidden", "m-3", by_dan, "dan"), ("hidden", "m-4", by_dan, "dan")]
        assert annals(daemon, "diff", "t", "c", "--from", "#1", check=False).returncode == 2


def test_what_came_back_and_was_hidden_then(make_daemon):
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    now = time.time_ns() // 1_000_000
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(2):
            connection.call("SEND", "t", "c", "ann", f"m-{number}", "x", "AT", now - 40 * DAY)
        connection.call("LOCALDELETE", "t", "c", "ben", "ID", "m-1")
        connection.call("RETENTION.SET", "TENANT", "t", "30d", "REASON", "shorter")
        start = connection.call("STATS")["position"]
        longer = connection.call("RETENTION.SET", "TENANT", "t", "400d", "REASON", "longer")["position"]
        again = connection.call("LOCALDELETE", "t", "c", "ben", "UPTO", 2)
        done = annals(daemon, "diff", "t", "c", "--reason", "case 7", "--from", f"#{start}", "--json")
        assert [(change["change"], change["id"], change["by"]) for change in map(json.loads, done.stdout.splitlines())] == [
            ("kept-longer", "m-0", longer), ("hidden", "m-0", again), ("kept-longer", "m-1", longer)]


def test_no_cause_is_named_that_came_in_behind_the_later_position(make_daemon):
    """Up to a position, from a time: what is imported behind it is older, and not to be known."""
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    now = time.time_ns() // 1_000_000
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        connection.call("SEND", "t", "c", "ann", "m-0", "x", "AT", now - 40 * DAY)
        connection.call("RETENTION.SET", "TENANT", "t", "400d", "REASON", "long", "AT", now - 39 * DAY)
        own = connection.call("RETENTION.SET", "TENANT", "t", "15d", "REASON", "shorter", "AT", now - 20 * DAY)["position"]

        def changes():
            done = annals(
                daemon, "diff", "t", "c", "--reason", "case 7", "--from", f"{now - 30 * DAY}", "--to", f"#{own}", "--json")
            return [(change["change"], change["by"]) for change in map(json.loads, done.stdout.splitlines())]

        assert changes() == [("expired", own)]
        connection.call("RETENTION.SET", "TENANT", "t", "5d", "REASON", "of then, and imported later", "AT", now - 25 * DAY)
        assert changes() == [("expired", None)]


def test_what_changed_where_an_id_came_twice(make_daemon):
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    now = time.time_ns() // 1_000_000
    with Connection(daemon.socket) as connection:
        first = connection.call("SEND", "t", "c", "ann", "m", "first", "AT", now - 100 * DAY)
        second = connection.call("SEND", "t", "c", "ann", "m", "second", "AT", now - 10 * DAY)
        assert second != first

        def diff(*words):
            done = annals(daemon, "diff", "t", "c", "--viewer", "ben", *words, "--json")
            return [(change["change"], change["position"], change["by"]) for change in map(json.loads, done.stdout.splitlines())]

        assert diff("--from", "50d ago") == [("appeared", second, second)]
        connection.call("RETENTION.SET", "TENANT", "t", "50d", "REASON", "shorter")
        # Its id means the second one by then, which is visible.
        assert diff("--from", f"#{second}") == [("gone", first, None)]
        text = annals(daemon, "diff", "t", "c", "--viewer", "ben", "--from", f"#{second}").stdout
        assert "its id came again" in text


def test_as_of_a_time_a_replay_has_what_had_happened_by_then(make_daemon):
    """Not what the server had heard of: an import of old messages counts by their own times, as for every other question."""
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        connection.call("RETENTION.SET", "TENANT", "t", "forever", "REASON", "law", "AT", OLD)
        for number in (3, 0, 2, 1):
            connection.call("SEND", "t", "c", "ann", f"m-{number}", "x", "AT", OLD + number * DAY)
        connection.call("DIGEST")
        for number in range(4):
            for moment, count in ((OLD + number * DAY, number + 1), (OLD + number * DAY - 1, number)):
                answer = replay(daemon.data, "--asof", moment)
                assert answer["tenants"].get("t", {"messages": 0})["messages"] == count, (number, moment)
                page = connection.call("TIMELINE", "t", "c", "VIEWER", "ben", "ASOF", moment)
                assert len(page["messages"]) == count
