"""A purge of real conversations, counted beforehand by somebody who reads the file and nothing else."""

import collections
import json

import pytest

from daemon import annals
from resp import Connection
from test_conversations import COFACTS, DATA, lines_of

pytestmark = pytest.mark.skipif(not COFACTS.exists(), reason=f"{DATA} is not there; it is no part of the project")

EARLY = 1_388_534_400_000
DAY = 1_514_764_800_000  # 2018-01-01: an edge inside of the data


def utf8(text):
    return text.encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def messages():
    """What the import takes: each message once, the first of its id."""
    found = {}
    for line in lines_of(COFACTS):
        if line["type"] == "send" and line["sent_at"] and line["sender"]:
            found.setdefault(line["message_id"], line)
    return found


def test_the_plan_counts_as_the_file_does_and_the_run_destroys_just_that(make_daemon, messages, tmp_path):
    tenant = "cofacts"
    conversations = collections.Counter(message["conversation"] for message in messages.values())
    senders = collections.Counter(message["sender"] for message in messages.values())
    kept = conversations.most_common(1)[0][0]
    held = senders.most_common(3)[2][0]
    source = tmp_path / "policies.jsonl"
    policies = [
        {"type": "retention-change", "tenant": tenant, "period": "5y", "reason": "five years", "at": EARLY},
        {"type": "retention-change", "tenant": tenant, "conversation": kept, "period": "forever", "reason": "a museum", "at": EARLY}]
    source.write_text("".join(json.dumps(line) + "\n" for line in policies))
    daemon = make_daemon(purge_automatic="no").start()
    for path in (source, COFACTS):
        annals(daemon, "import", path, "--json")
    with Connection(daemon.socket, timeout=120) as connection:
        connection.call("HELLO", 3)
        connection.call("HOLD.PLACE", "h", "TENANT", tenant, "SENDER", held, "MATTER", "7", "REASON", "a court")

        # Only what was sent before a day: the plan's edge cuts through partitions and conversations.
        def is_due(message):
            return message["sent_at"] < DAY and message["conversation"] != kept and message["sender"] != held

        due = {name for name, message in messages.items() if is_due(message)}
        plan = connection.call("PURGE.PLAN", "TENANT", tenant, "UNTIL", DAY)
        assert plan["messages"] == len(due)
        assert plan["bytes"] == sum(len(utf8(messages[name]["body"])) for name in due)
        assert plan["held"] == sum(
            message["sent_at"] < DAY and message["conversation"] != kept and message["sender"] == held for message in messages.values())
        assert plan["conversations"] == len({messages[name]["conversation"] for name in due})
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])

        purged = 0
        for name, message in messages.items():
            found = connection.call("MESSAGE.HISTORY", tenant, name, "REASON", "audit")["message"]
            if name in due:
                assert (found["state"], found["body"]) == (b"purged", None), name
                purged += 1
            else:
                assert found["body"] == utf8(message["body"]), name
                assert found["state"] == (b"visible" if message["conversation"] == kept else b"expired"), name
        assert purged == plan["messages"] and len(messages) > 17_000
        # The rest of the expired goes as well when it is asked for; what is kept and held stays.
        rest = connection.call("PURGE.PLAN")
        assert rest["messages"] == sum(
            message["conversation"] != kept and message["sender"] != held for message in messages.values()) - purged
