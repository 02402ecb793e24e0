"""The log replayed up to a moment, beside the daemon whose log it is; and what changed between two moments."""

import json
import subprocess

import pytest

from daemon import ANNALS, annals
from resp import Connection
from test_conversations import COFACTS, lines_of
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


@pytest.mark.skipif(not COFACTS.exists(), reason="the real conversations are not there")
def test_of_real_conversations_daemon_replay_and_the_file_agree(make_daemon, dice):
    """As of random positions: each message's state, and who has hidden it, told three ways."""
    daemon = make_daemon(cool_off_hours=0).start(purge_automatic="no")
    annals(daemon, "import", COFACTS, "--json")
    with Connection(daemon.socket, timeout=120) as connection:
        connection.call("HELLO", 3)
        tenant = connection.call("EVENTS.READ", "FROM", 1, "COUNT", 1)[0]["tenant"].decode()
        for period in ("5y", "9y", "30y"):
            connection.call("RETENTION.SET", "TENANT", tenant, period, "REASON", "because")
        end = digest(connection)[0]  # Which folds what came.
        # Told by the file alone: which messages there are, who hid which.
        lines = lines_of(COFACTS)
        hidden = {}
        for line in lines:
            if line["type"] == "local-delete":
                hidden.setdefault(line["message_id"], set()).add(line["viewer"])
        for position in [end, dice.randint(end // 2, end), dice.randint(1, end // 2)]:
            told = messages_of(daemon.data, "--asof", f"#{position}")
            assert len({message["id"] for message in told}) == len(told)
            whole = position == end
            for message in dice.sample(told, min(120, len(told))):
                answer = connection.call("MESSAGE.GET", tenant, message["id"], "ASOF", f"#{position}")
                assert (answer["state"].decode(), answer["held"], answer["position"]) == (message["state"], message["held"], message["position"])
                if whole:
                    assert set(message["hidden-from"]) <= hidden.get(message["id"], set())
            for message in [message for message in told if message["hidden-from"]][:60]:
                for viewer in message["hidden-from"]:
                    answer = connection.call("MESSAGE.GET", tenant, message["id"], "VIEWER", viewer, "ASOF", f"#{position}")
                    assert answer["state"].decode() == ("hidden" if message["state"] == "visible" else message["state"])
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
