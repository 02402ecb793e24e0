"""Plans and purges: by hand, by themselves, against holds, floors, locks and clocks that jump."""

import json
import os
import pty
import subprocess
import time

import pytest

from daemon import ANNALS, annals
from resp import Connection, Refused, frame

DAY = 86_400_000
OLD = 1_517_616_000_000  # 2018-02-03


def wait_for(question, seconds=30):
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)
    return answer


def fill(connection, tenant, count=20, conversation="c", at=OLD):
    for number in range(count):
        connection.call(
            "SEND", tenant, conversation, f"s{number % 3}", f"{conversation}-{number}", f"body {tenant} {conversation} {number}", "AT",
            at + number * 1000)


def state(connection, tenant, message):
    return connection.call("MESSAGE.HISTORY", tenant, message, "REASON", "audit")["message"]["state"].decode()


def idle(connection):
    wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"idle")


@pytest.fixture
def quiet(make_daemon):
    """A daemon that destroys nothing by itself."""
    return make_daemon(purge_automatic="no", cool_off_hours=0).start()


@pytest.fixture
def connection(quiet):
    with Connection(quiet.socket) as connection:
        connection.call("HELLO", 3)
        yield connection


def test_a_plan_counts_and_a_run_destroys_just_that(connection):
    fill(connection, "old")
    fill(connection, "kept")
    connection.call("RETENTION.SET", "TENANT", "kept", "forever", "REASON", "the law")
    plan = connection.call("PURGE.PLAN")
    assert (plan["messages"], plan["conversations"], plan["partitions"], plan["keys"], plan["survivors"]) == (20, 1, 1, 1, 0)
    assert plan["bytes"] == sum(len(f"body old c {number}") for number in range(20))
    assert state(connection, "old", "c-3") == "expired"
    receipt = connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    message = connection.call("MESSAGE.GET", "old", "c-3")
    assert (message["state"], message["body"], message["receipt"]) == (b"purged", None, receipt)
    history = connection.call("MESSAGE.HISTORY", "old", "c-3", "REASON", "audit")
    assert [event["kind"] for event in history["events"]] == [b"send", b"access", b"purge-intent", b"purge"]
    assert connection.call("MESSAGE.GET", "kept", "c-3")["body"] == b"body kept c 3"
    assert connection.call("PURGE.LIST")[0]["messages"] == 20
    # The same again finds nothing, and sending it again brings nothing back.
    assert connection.call("PURGE.PLAN")["messages"] == 0
    assert connection.call("SEND", "old", "c", "s0", "c-3", "body old c 3", "AT", OLD + 3000, "REPORT")[1] == b"present"
    assert state(connection, "old", "c-3") == "purged"


def test_a_run_asks_for_the_right_count_and_a_plan_that_still_holds(connection):
    fill(connection, "t")
    plan = connection.call("PURGE.PLAN", "TENANT", "t")
    for words, code in (
            (("PURGE.RUN", plan["plan"], "CONFIRM", 19), "CONFLICT"), (("PURGE.RUN", "0123456789abcdef", "CONFIRM", 20), "UNKNOWN"),
            (("PURGE.RUN", plan["plan"], "SURELY", 20), "BADARG")):
        with pytest.raises(Refused) as refused:
            connection.call(*words)
        assert refused.value.code == code
    connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s1", "MATTER", "7", "REASON", "a court says so")
    with pytest.raises(Refused) as refused:
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 20)
    assert refused.value.code == "CONFLICT" and "plan again" in str(refused.value)
    assert all(state(connection, "t", f"c-{number}") == "expired" for number in range(20))


def test_what_is_held_survives_the_purge_of_all_around_it(connection):
    fill(connection, "t")
    connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s1", "MATTER", "7", "REASON", "a court says so")
    plan = connection.call("PURGE.PLAN")
    assert (plan["messages"], plan["held"], plan["survivors"]) == (13, 7, 7)
    connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 13)
    for number in range(20):
        history = connection.call("MESSAGE.HISTORY", "t", f"c-{number}", "REASON", "audit")["message"]
        if number % 3 == 1:
            assert (history["state"], history["body"], history["held"]) == (b"expired", f"body t c {number}".encode(), True)
        else:
            assert (history["state"], history["body"], history["held"]) == (b"purged", None, False)
    connection.call("HOLD.RELEASE", "h", "REASON", "the court is done")
    plan = connection.call("PURGE.PLAN")
    assert (plan["messages"], plan["held"], plan["survivors"]) == (7, 0, 0)
    connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 7)
    assert {state(connection, "t", f"c-{number}") for number in range(20)} == {"purged"}


def test_a_tenant_leaves_with_everything_and_nobody_else_does(connection):
    now = int(time.time() * 1000)
    for tenant in ("leaves", "stays"):
        fill(connection, tenant)
        for number in range(10):
            connection.call("SEND", tenant, "live", "ann", f"live-{number}", f"now {tenant} {number}")
    connection.call("RETENTION.SET", "TENANT", "leaves", "forever", "REASON", "was a good customer")
    plan = connection.call("PURGE.PLAN", "TENANT", "leaves", "ALL")
    assert plan["messages"] == 30
    connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 30)
    assert connection.call("TIMELINE", "leaves", "live", "VIEWER", "bob")["messages"] == []
    assert len(connection.call("TIMELINE", "stays", "live", "VIEWER", "bob")["messages"]) == 10
    # As of a moment before, what was visible is told, and that it is gone since.
    before = connection.call("TIMELINE", "leaves", "live", "VIEWER", "bob", "ASOF", f"#{plan['position']}")["messages"]
    assert [(message["state"], message["body"]) for message in before] == [(b"purged", None)] * 10
    audited = connection.call("TIMELINE", "leaves", "live", "REASON", "case 7", "ASOF", f"#{plan['position']}")["messages"]
    assert [(message["state"], message["receipt"]) for message in audited] == [(b"purged", message["receipt"]) for message in before]
    assert all(message["receipt"] > plan["position"] for message in before)
    assert connection.call("SEND", "leaves", "live", "ann", "again", "back") > 0
    assert connection.call("MESSAGE.GET", "leaves", "again")["body"] == b"back"
    assert now <= connection.call("MESSAGE.GET", "leaves", "again")["at"]


@pytest.mark.parametrize("guard, counted", [("floor", "floored"), ("lock", "locked"), ("hold", "held")])
def test_no_purge_by_hand_goes_against_a_floor_a_lock_or_a_hold(connection, guard, counted):
    if guard == "hold":
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "MATTER", "7", "REASON", "a court says so")
    else:
        connection.call("RETENTION.SET", "TENANT", "t", "10y", guard.upper(), "REASON", "the law")
    connection.call("SEND", "t", "c", "ann", "m", "must stay")
    plan = connection.call("PURGE.PLAN", "TENANT", "t", "ALL")
    assert (plan["messages"], plan[counted]) == (0, 1)
    with pytest.raises(Refused):
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 0)
    assert connection.call("MESSAGE.GET", "t", "m")["body"] == b"must stay"


def test_what_expired_long_ago_goes_by_itself(make_daemon):
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        connection.call("RETENTION.SET", "TENANT", "kept", "forever", "REASON", "the law")
        fill(connection, "old")
        fill(connection, "kept")
        connection.call("DIGEST")
    assert daemon.stop() == 0
    daemon.start()  # Looks at once.
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        wait_for(lambda: connection.call("PURGE.LIST"))
        (receipt,) = connection.call("PURGE.LIST")
        assert (receipt["messages"], receipt["principal"], receipt["basis"]) == (20, b"system", b"expired")
        assert state(connection, "old", "c-1") == "purged" and state(connection, "kept", "c-1") == "visible"
        wait_for(lambda: connection.call("STATS")["oldest-expired-seconds"] == 0)
    assert "purged" in daemon.log_text()


def test_compaction_gives_blocks_back(quiet, connection):
    for number in range(400):
        connection.call("SEND", "t", "c", "ann", f"m-{number}", os.urandom(8_000), "AT", OLD + number)
    connection.call("DIGEST")
    file = quiet.data / "partitions/2018-02-03.mdb"
    before = file.stat().st_blocks * 512
    plan = connection.call("PURGE.PLAN")
    connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 400)
    wait_for(lambda: file.stat().st_blocks * 512 < before / 5)
    idle(connection)
    (partition,) = [row for row in connection.call("PARTITIONS") if row["partition"] == b"2018-02-03"]
    assert (partition["messages"], partition["purged"], partition["live"]) == (400, 400, 0)
    assert partition["disk"] == file.stat().st_blocks * 512
    assert not list((quiet.data / "partitions").glob("*compact*"))
    (report,) = connection.call("COMPACT", "2018-02-03")
    assert report["outcome"] == b"not-worth"
    with pytest.raises(Refused) as refused:
        connection.call("COMPACT", "2018-02-04")
    assert refused.value.code == "UNKNOWN"


def test_people_plan_run_and_look_with_the_command_line(quiet, connection):
    fill(connection, "t")
    plan = json.loads(annals(quiet, "purge", "plan", "--tenant", "t", "--json").stdout)
    assert plan["messages"] == 20
    wrong = annals(quiet, "purge", "run", plan["plan"], "--confirm", "19", check=False)
    assert wrong.returncode != 0 and "20 messages, not 19" in wrong.stderr
    assert annals(quiet, "purge", "run", plan["plan"], "--confirm", "20").stdout.strip().startswith("#")
    assert "destroyed" in annals(quiet, "purge", "list").stdout
    status = annals(quiet, "purge", "status").stdout
    assert "idle" in status or "ing" in status
    assert "2018-02-03" in annals(quiet, "compact", "--all").stdout
    assert "purged" in annals(quiet, "message", "t", "c-1").stdout


def test_every_command_about_purges_has_json(quiet, connection):
    fill(connection, "t")

    def ask(*words):
        return json.loads(annals(quiet, *words, "--json").stdout)
    plan = ask("purge", "plan", "--tenant", "t", "--before", "2018-02-04")
    assert (plan["messages"], plan["basis"], plan["lines"][0]["partition"]) == (20, "before", "2018-02-03")
    receipt = ask("purge", "run", plan["plan"], "--confirm", "20")["position"]
    assert ask("purge", "list", "-n", "1")[0]["position"] == receipt
    assert ask("purge", "status")["last-receipt"] == receipt
    assert ask("compact", "2018-02-03", "--min-gain", "0")[0]["partition"] == "2018-02-03"
    assert [row["purged"] for row in ask("partitions") if row["partition"] == "2018-02-03"] == [20]
    status = ask("status")
    assert (status["open-intents"], status["clock"], status["oldest-expired-seconds"]) == (0, "trusted", 0)
    assert ask("message", "t", "c-1")["state"] == "purged"


def shown_on_a_terminal(daemon, *words):
    """What somebody at a terminal sees of a command, with all that is drawn over."""
    primary, secondary = pty.openpty()
    run = subprocess.Popen(
        [ANNALS, *words], stdin=secondary, stdout=secondary, stderr=secondary,
        env={**os.environ, "ANNALS_SOCKET": str(daemon.socket), "TERM": "xterm", "COLUMNS": "100"})
    os.close(secondary)
    shown = b""
    try:
        while data := os.read(primary, 4096):
            shown += data
    except OSError:
        pass  # What Linux says when the other end is closed.
    os.close(primary)
    assert run.wait(60) == 0, shown
    return shown.decode()


def test_a_terminal_shows_how_far_a_purge_and_a_compaction_are(make_daemon):
    # So slow that there is something to see.
    daemon = make_daemon(purge_automatic="no", compaction_gain_percent=100, compaction_bytes_per_second=1_000_000).start()
    with Connection(daemon.socket) as connection, Connection(daemon.socket) as other:
        connection.call("HELLO", 3)
        for number in range(600):
            connection.call("SEND", "t", "c", f"s{number % 3}", f"m-{number}", b"x" * 8_000, "AT", OLD + number)
        plan = connection.call("PURGE.PLAN", "TENANT", "t", "SENDER", "s0")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 200)
        partition = connection.call("PARTITIONS")[0]
        wait_for(lambda: connection.call("PARTITIONS")[0]["free"] > partition["disk"] // 4)
        plan = connection.call("PURGE.PLAN", "TENANT", "t", "SENDER", "s1")
        # The purge itself would be over before anybody could look; it waits for what is under way.
        other.send("COMPACT", "ALL", "MINGAIN", 0)
        wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"compacting")
        shown = shown_on_a_terminal(daemon, "purge", "run", plan["plan"].decode(), "--confirm", "200")
        assert other.answer()
        receipt = connection.call("PURGE.LIST")[0]["position"]
        assert "compacting 2018-02-03" in shown and "%" in shown and "\u2588" in shown
        # The bar is wiped before the answer stands there.
        assert shown.split("\x1b[K")[-1] == f"#{receipt}\r\n"
        wait_for(lambda: connection.call("PARTITIONS")[0]["free"] > 1_000_000)
        shown = shown_on_a_terminal(daemon, "compact", "--all", "--min-gain", "0")
        assert "compacting 2018-02-03" in shown and "%" in shown and "\u2588" in shown
        assert "compacted" in shown.split("\x1b[K")[-1]
        assert "\x1b" not in annals(daemon, "compact", "--all").stdout


def test_a_compaction_right_behind_a_purge_gives_its_blocks_back(make_daemon):
    daemon = make_daemon(purge_automatic="no", compaction_gain_percent=100).start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(300):
            connection.call("SEND", "t", "c", "ann", f"m-{number}", os.urandom(8_000), "AT", OLD + number)
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 300)
        (report,) = connection.call("COMPACT", "2018-02-03")
        assert report["outcome"] == b"compacted" and report["after"] < report["before"] / 5
        assert (daemon.data / "partitions/2018-02-03.mdb").stat().st_blocks * 512 == report["after"]


def test_a_stop_does_not_wait_for_a_slow_compaction_and_the_next_one_finishes_it(make_daemon):
    daemon = make_daemon(purge_automatic="no", compaction_gain_percent=100, compaction_bytes_per_second=300_000, drain_seconds=1).start()
    with Connection(daemon.socket) as connection, Connection(daemon.socket) as other:
        connection.call("HELLO", 3)
        other.call("HELLO", 3)
        for number in range(800):
            connection.call("SEND", "t", "c", f"s{number % 2}", f"m-{number}", os.urandom(8_000), "AT", OLD + number)
        connection.call("HOLD.PLACE", "h", "TENANT", "t", "SENDER", "s1", "MATTER", "7", "REASON", "court")
        bodies = [other.call("MESSAGE.HISTORY", "t", f"m-{number}", "REASON", "audit")["message"]["body"] for number in range(1, 800, 2)]
        plan = connection.call("PURGE.PLAN")
        connection.call("PURGE.RUN", plan["plan"], "CONFIRM", 400)
        idle(connection)
        connection.send("COMPACT", "ALL", "MINGAIN", 0)
        status = wait_for(lambda: (status := other.call("PURGE.STATUS"))["state"] == b"compacting" and status["done"] and status)
        assert (status["partition"], status["total"] >= status["done"] > 0, status["started"] > 0) == (b"2018-02-03", True, True)
        # Meanwhile life goes on, in the partition that is being compacted as well.
        assert other.call("SEND", "t", "c", "s1", "late", "late", "AT", OLD) > 0
        started = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - started < 10  # All of it would take half a minute.
    daemon.start(compaction_bytes_per_second=0)
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        reports = connection.call("COMPACT", "ALL", "MINGAIN", 0)
        assert b"compacted" in [report["outcome"] for report in reports]
        assert not list((daemon.data / "partitions").glob("*compact*"))
        read = [connection.call("MESSAGE.HISTORY", "t", f"m-{number}", "REASON", "audit") for number in range(1, 800, 2)]
        assert bodies == [history["message"]["body"] for history in read]
        assert connection.call("MESSAGE.HISTORY", "t", "late", "REASON", "audit")["message"]["body"] == b"late"


def test_rights_are_asked_for(make_daemon):
    daemon = make_daemon(administrators="1").start()
    with Connection(daemon.socket) as connection:
        for words in (
                ("PURGE.PLAN",), ("PURGE.RUN", "x", "CONFIRM", "0"), ("PURGE.LIST",), ("COMPACT", "ALL"), ("HOLD.LIST",),
                ("HOLD.PLACE", "h", "SYSTEM", "MATTER", "m", "REASON", "r"), ("HOLD.RELEASE", "h", "REASON", "r"),
                ("RETENTION.CANCEL", "1", "REASON", "r"), ("RETENTION.PREVIEW", "SYSTEM", "1y"), ("CLOCK.CONFIRM", "REASON", "r")):
            with pytest.raises(Refused) as refused:
                connection.call(*words)
            assert refused.value.code == "DENIED", words
        connection.call("PURGE.STATUS")
        connection.call("RETENTION.PRESETS")


def test_a_compaction_gives_way_to_what_must_be_purged(make_daemon):
    """And goes on behind it. At 1 MiB a second it takes some ten seconds; what came in meanwhile is gone long before."""
    old = 1_517_616_000_000
    daemon = make_daemon(cool_off_hours=0, purge_lag_hours=1, compaction_bytes_per_second=1 << 20).start(upkeep_seconds=1)
    with Connection(daemon.socket, timeout=60) as connection:
        connection.call("HELLO", 3)
        connection.call("HOLD.PLACE", "h", "TENANT", "old", "SENDER", "kept", "MATTER", "m", "REASON", "r")
        for start in range(0, 12_000, 500):
            for number in range(start, start + 500):
                connection.send("SEND", "old", "c", "kept" if number % 2 else "lost", f"m-{number}", "y" * 1000, "AT", old + number)
            for _ in range(500):
                connection.answer()
        wait_for(lambda: connection.call("PURGE.STATUS")["state"] == b"compacting", 60)
        receipts = len(connection.call("PURGE.LIST"))
        connection.call("SEND", "other", "c", "ada", "late", "x", "AT", old + 100 * 86_400_000)
        wait_for(lambda: len(connection.call("PURGE.LIST")) > receipts, 30)
        assert "compacted" not in daemon.log_text()
        wait_for(lambda: "[Reception] compacted" in daemon.log_text(), 90)
        assert connection.call("PURGE.STATUS")["last-error"] is None
