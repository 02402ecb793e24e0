"""Starting, stopping, and being refused at the door."""

import os
import signal
import stat
import subprocess
import threading
import time

import pytest

from daemon import ANNALSD
from resp import Closed, Connection, frame


def refused(daemon, **settings):
    """Starts a daemon that must not start; returns its exit code and what it said."""
    daemon.start(wait=False, **settings)
    code = daemon.process.wait(30)
    daemon.process = None
    return code, daemon.log_text()


def test_a_new_folder_and_its_files(make_daemon):
    daemon = make_daemon(socket_mode="0600").start()
    with Connection(daemon.socket) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "one", "AT", "1480000000000")
    assert stat.S_IMODE(daemon.socket.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(daemon.socket.stat().st_mode)
    assert daemon.stop() == 0
    assert not daemon.socket.exists()
    assert sorted(path.name for path in daemon.data.iterdir() if not path.name.endswith("-lock")) == [
        "LOCK", "annals.json", "audit", "clock", "journal", "partitions", "state.mdb", "state.mdb.sums", "vault"]
    assert stat.S_IMODE(daemon.data.stat().st_mode) == 0o700
    assert (daemon.data / "partitions/2016-11-24.mdb").exists()


def test_what_was_there_is_there_again(make_daemon):
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        for number in range(100):
            connection.call("SEND", "t", "c", "ada", f"m-{number}", f"body {number}")
        digest = connection.call("DIGEST")
    assert daemon.stop() == 0
    daemon.start()
    with Connection(daemon.socket) as connection:
        assert connection.call("DIGEST") == digest
        assert connection.call("SEND", "t", "c", "ada", "m-5", "body 5") == 6
        assert connection.call("SEND", "t", "c", "ada", "m-100", "next") == 101


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(make_daemon, end):
    """Everything accepted is answered, nothing else is, and what is answered is there."""
    daemon = make_daemon().start()
    answered, sent = [], threading.Event()

    def load(name):
        with Connection(daemon.socket) as connection:
            number = 0
            try:
                while True:
                    connection.send_bytes(b"".join(frame("SEND", "t", name, "ada", f"{name}-{number + n}", "x" * 200) for n in range(100)))
                    for _ in range(100):
                        answered.append((connection.answer(), f"{name}-{number}"))
                        number += 1
                    sent.set()
            except (Closed, BrokenPipeError, ConnectionResetError):
                pass

    threads = [threading.Thread(target=load, args=(f"c{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    sent.wait(10)
    time.sleep(0.2)
    daemon.process.send_signal(end)
    assert daemon.wait() == 0, daemon.log_text()
    for thread in threads:
        thread.join(10)
    assert not daemon.socket.exists()
    daemon.start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        position, found = 1, {}
        while events := connection.call("EVENTS.READ", "FROM", position, "COUNT", 10_000):
            found.update((event["position"], event["message-id"].decode()) for event in events)
            position = events[-1]["position"] + 1
    assert list(found) == list(range(1, len(found) + 1))
    assert all(found[position] == name for position, name in answered)
    # Nothing was accepted and left unanswered.
    assert len(found) == len(answered)


def test_shutdown_as_a_command(make_daemon):
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        connection.send_bytes(frame("SEND", "t", "c", "ada", "m-1", "one") + frame("SHUTDOWN"))
        assert connection.answer() == 1
        assert connection.is_closed()
    assert daemon.wait() == 0


@pytest.mark.parametrize("way", ["SIGTERM", "SHUTDOWN"])
def test_it_can_be_stopped_as_soon_as_it_listens(make_daemon, way):
    daemon = make_daemon()
    for _ in range(25):
        daemon.start()
        if way == "SIGTERM":
            daemon.process.send_signal(signal.SIGTERM)
        else:
            with Connection(daemon.socket) as connection:
                connection.send("SHUTDOWN")
                assert connection.is_closed()
        assert daemon.wait() == 0, daemon.log_text()
        assert not daemon.socket.exists()


def test_those_who_wait_for_events_do_not_hold_it_up(make_daemon):
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        connection.send("EVENTS.READ", "FROM", "1", "BLOCK", "600000")
        time.sleep(0.1)
        begin = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begin < 8
        assert connection.answer() == []


def test_a_left_over_socket_is_cleared(make_daemon):
    daemon = make_daemon().start()
    daemon.kill()
    assert daemon.socket.exists()
    daemon.start()
    with Connection(daemon.socket) as connection:
        assert connection.call("PING") == b"PONG"


def test_a_live_daemon_keeps_its_socket(make_daemon):
    first, second = make_daemon().start(), make_daemon()
    second.socket = first.socket
    code, said = refused(second)
    assert code == 1 and "a daemon listens" in said
    with Connection(first.socket) as connection:
        assert connection.call("PING") == b"PONG"


def test_a_live_daemon_keeps_its_folder(make_daemon):
    first, second = make_daemon().start(), make_daemon()
    second.data = first.data
    code, said = refused(second)
    assert code == 1 and "has this archive open" in said and str(first.process.pid) in said


def test_a_file_that_is_no_socket_is_left_alone(make_daemon):
    daemon = make_daemon()
    daemon.socket.write_text("precious")
    code, said = refused(daemon)
    assert code == 1 and "is no socket" in said
    assert daemon.socket.read_text() == "precious"


def test_a_folder_of_something_else_is_left_alone(make_daemon):
    daemon = make_daemon()
    daemon.data.mkdir()
    (daemon.data / "thesis.txt").write_text("precious")
    code, said = refused(daemon)
    assert code == 1 and "no annals.json" in said
    assert [path.name for path in daemon.data.iterdir() if path.name != "LOCK"] == ["thesis.txt"]


def test_a_folder_of_another_format(make_daemon):
    daemon = make_daemon().start()
    daemon.stop()
    description = daemon.data / "annals.json"
    description.write_text(description.read_text().replace('"format" : 2', '"format" : 7'))
    code, said = refused(daemon)
    assert code == 1 and "format version 7" in said


@pytest.mark.parametrize(
    "settings, complaint",
    [
        ({"connections_max": 0}, "connections-max"), ({"body_bytes_max": "many"}, "body-bytes-max"), ({"auditors": "me"}, "auditors"),
        ({"partition_length": "year"}, "partition-length"), ({"socket_mode": "rw"}, "socket-mode"), ({"socket": "/" + "x" * 200}, "107"),
        ({"log_level": "loud"}, "log-level"), ({"journal_segment_bytes": 10_000}, "journal-segment-bytes"),
    ])
def test_settings_that_make_no_sense(make_daemon, settings, complaint):
    code, said = refused(make_daemon(), **settings)
    assert code in (1, 2) and complaint in said, said


def test_every_setting_is_in_the_help():
    text = subprocess.run([ANNALSD, "--help"], capture_output=True, text=True, timeout=30).stdout
    listing = subprocess.run(
        [ANNALSD, "--data", "d", "--socket", "s", "--print-config"], capture_output=True, text=True, timeout=30).stdout
    names = [line.split(" = ")[0] for line in listing.splitlines()]
    assert len(names) > 20
    for name in names:
        # Its explanation, its limits and its default, up to the next one.
        said = text.split(f"  --{name} ", 1)[1].split("\n  --", 1)[0]
        assert "default: " in said or "must be given" in said, name
        assert "ANNALS_" + name.replace("-", "_").upper() in said, name


def test_precedence_of_settings(tmp_path):
    file = tmp_path / "annalsd.json"
    file.write_text('{ "data": "from-file", "socket": "from-file", "fold-ms": 7, "auditors": [1, 2] }')
    def value(name, *flags, **variables):
        done = subprocess.run(
            [ANNALSD, "--config", file, "--print-config", *flags], capture_output=True, text=True, timeout=30,
            env={**os.environ, **variables})
        assert done.returncode == 0, done.stderr
        line = next(line for line in done.stdout.splitlines() if line.startswith(name + " = "))
        return line.split(" = ")[1].split("    #")[0]

    assert value("fold-ms") == "7" and value("auditors") == "1,2"
    assert value("fold-ms", ANNALS_FOLD_MS="8") == "8"
    assert value("fold-ms", "--fold-ms", "9", ANNALS_FOLD_MS="8") == "9"
    assert value("stall-ms") == "1000"


def test_bodies_reach_no_log(make_daemon):
    daemon = make_daemon(log_level="trace").start()
    with Connection(daemon.socket) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", "a-secret-of-ours")
        connection.send("SEND", "t", "d", "ada", "m-1", "a-secret-of-ours")
        assert "a-secret" not in str(connection.read())
        connection.send("a-secret-of-ours" * 3)
        connection.read()
        connection.send_bytes(b"*x\r\na-secret-of-ours\r\n")
        connection.read()
    daemon.stop()
    assert "a-secret" not in daemon.log_text()
