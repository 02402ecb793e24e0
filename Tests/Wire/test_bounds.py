"""Whatever an outsider sends: a clear error, bounded memory, everyone else served."""

import os
import resource
import socket
import time

import pytest

from resp import Connection, Refused, frame

BODY_MAX = 64 << 10
MIB = 1 << 20


@pytest.mark.parametrize("size", [0, 1, BODY_MAX - 1, BODY_MAX])
def test_bodies_up_to_the_limit(connection, tenant, size):
    connection.call("HELLO", 3)
    body = os.urandom(size)
    connection.call("SEND", tenant, "c", "ada", "m-1", body)
    assert connection.call("MESSAGE.GET", tenant, "m-1")["body"] == body
    assert connection.call("TIMELINE", tenant, "c", "VIEWER", "ben")["messages"][0]["body"] == body


@pytest.mark.parametrize("size", [BODY_MAX + 1, 2 * BODY_MAX])
def test_bodies_beyond_the_limit(connection, tenant, size):
    with pytest.raises(Refused, match=f"^TOOLONG body has {size} bytes; at most {BODY_MAX} are allowed"):
        connection.call("SEND", tenant, "c", "ada", "m-1", b"x" * size)
    # The connection goes on: the frame was read to its end.
    assert connection.call("PING") == b"PONG"


def test_a_body_limit_of_ones_own(make_daemon):
    daemon = make_daemon(body_bytes_max=10).start()
    with Connection(daemon.socket) as connection:
        assert connection.call("SEND", "t", "c", "ada", "m-1", "0123456789") == 1
        with pytest.raises(Refused, match="^TOOLONG body has 11 bytes; at most 10"):
            connection.call("SEND", "t", "c", "ada", "m-2", "0123456789a")


FAULTS = {
    "empty": (b"", "is empty"),
    "129 bytes": (b"x" * 129, "has 129 bytes"),
    "not UTF-8": (b"caf\xe9", "is not valid UTF-8"),
    "overlong UTF-8": (b"\xc0\xaf", "is not valid UTF-8"),
    "half a surrogate": (b"\xed\xa0\x80", "is not valid UTF-8"),
    "line end": (b"a\nb", "holds a control character"),
    "NUL": (b"a\x00b", "holds a control character"),
    "DEL": (b"\x7f", "holds a control character"),
    "C1 control": ("\u0085".encode(), "holds a control character"),
}
PLACES = {"tenant": 1, "conversation": 2, "sender": 3, "message-id": 4}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("argument", PLACES)
def test_bad_names_are_told_by_their_argument(connection, argument, fault):
    words = ["SEND", "t", "c", "ada", "m-1", "body"]
    words[PLACES[argument]], explanation = FAULTS[fault]
    with pytest.raises(Refused, match=f"^BADARG {argument} {explanation}"):
        connection.call(*words)
    assert connection.call("PING") == b"PONG"


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_names_elsewhere(connection, fault):
    name, explanation = FAULTS[fault]
    for words, argument in [
        (("TIMELINE", "t", "c", "VIEWER", name), "VIEWER"), (("TIMELINE", name, "c", "VIEWER", "v"), "tenant"),
        (("LOCALDELETE", "t", "c", name, "ID", "m"), "viewer"), (("LOCALDELETE", "t", "c", "v", "ID", "m", name), "message-id"),
        (("MESSAGE.GET", "t", name), "message-id"), (("RETENTION.SET", "TENANT", name, "5y", "REASON", "r"), "tenant"),
        (("EVENTS.READ", "FROM", "1", "TENANT", name), "TENANT"),
    ]:
        with pytest.raises(Refused, match=f"^BADARG {argument} {explanation}"):
            connection.call(*words)


def test_names_at_the_limit(connection, tenant):
    longest = "é" * 64  # 128 bytes
    assert connection.call("SEND", tenant, longest, longest, longest, "body") > 0
    connection.call("HELLO", 3)
    assert connection.call("TIMELINE", tenant, longest, "VIEWER", longest)["messages"][0]["id"] == longest.encode()


def test_equal_looking_names_are_different(connection, tenant):
    composed, decomposed = "é", "e\u0301"
    connection.call("SEND", tenant, composed, "ada", "m-1", "one")
    connection.call("HELLO", 3)
    assert connection.call("TIMELINE", tenant, decomposed, "VIEWER", "ben")["messages"] == []


def test_too_many_ids_in_one_delete(connection, tenant):
    with pytest.raises(Refused, match="^TOOLONG LOCALDELETE names 401 messages; at most 400"):
        connection.call("LOCALDELETE", tenant, "c", "ben", "ID", *[f"m-{n}" for n in range(401)])


VIOLATIONS = {
    "2 GiB body": b"*6\r\n$4\r\nSEND\r\n$1\r\nt\r\n$1\r\nc\r\n$1\r\ns\r\n$1\r\nm\r\n$2147483648\r\n",
    "2 GiB of words": b"*2147483648\r\n",
    "64 bits overflowed": b"*1\r\n$99999999999999999999999999\r\n",
    "negative length": b"*1\r\n$-5\r\n",
    "negative count": b"*-1\r\n",
    "no number": b"*x\r\n",
    "not a bulk string": b"*1\r\n:5\r\n",
    "line end missing": b"*1\r\n$4\r\nPINGxx",
    "zeros without end": b"*1\r\n$" + b"0" * 64,
    "inline line without end": b"A" * (65 << 10),
}


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_what_is_not_the_protocol_is_told_and_closed(daemon, connection, violation):
    connection.send_bytes(frame("PING") + VIOLATIONS[violation])
    assert connection.answer() == b"PONG"
    with pytest.raises(Refused, match="^(BADARG|TOOLONG) protocol error: "):
        connection.answer()
    assert connection.is_closed()
    with Connection(daemon.socket) as other:
        assert other.call("PING") == b"PONG"


def test_what_was_sent_before_a_violation_is_answered_first(connection, tenant):
    connection.send_bytes(frame("SEND", tenant, "c", "ada", "m-1", "one") * 3 + b"*x\r\n")
    assert len({connection.answer() for _ in range(3)}) == 1
    with pytest.raises(Refused, match="^BADARG protocol error"):
        connection.answer()


def test_half_a_frame_and_then_gone(daemon, tenant):
    whole = frame("SEND", tenant, "c", "ada", "m-1", "body")
    for length in range(1, len(whole)):
        with Connection(daemon.socket) as connection:
            connection.send_bytes(whole[:length])
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("TIMELINE", tenant, "c", "VIEWER", "ben")["messages"] == []
        assert connection.call("SEND", tenant, "c", "ada", "m-1", "body") > 0


def test_a_frame_byte_by_byte(connection, tenant):
    for byte in frame("SEND", tenant, "c", "ada", "m-1", "body"):
        connection.send_bytes(bytes([byte]))
    assert connection.answer() > 0


def test_a_client_that_says_it_has_no_more_is_still_answered(connection, tenant):
    connection.send_bytes(b"".join(frame("SEND", tenant, "c", "ada", f"m-{n}", "x") for n in range(100)))
    connection.socket.shutdown(socket.SHUT_WR)
    positions = [connection.answer() for _ in range(100)]
    assert positions == list(range(positions[0], positions[0] + 100))
    assert connection.is_closed()


def test_clients_that_never_read(make_daemon):
    """Questions whose answers nobody fetches, and appends whose answers nobody fetches, from 40 clients."""
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        for number in range(50):
            connection.call("SEND", "t", "c", "ada", f"m-{number}", os.urandom(BODY_MAX))
        before = daemon.memory_bytes()
        silent = [silent_client(daemon, frame("TIMELINE", "t", "c", "VIEWER", "ben", "COUNT", "1000") * 50) for _ in range(20)]
        silent += [silent_client(daemon, frame("SEND", "t", "d", "ada", "*", "x" * 1000) * 20_000) for _ in range(20)]
        deadline = time.monotonic() + 15
        peak, slowest, served = before, 0, 0
        while time.monotonic() < deadline:
            for client in silent:
                client.send_some()
            begin = time.monotonic()
            connection.call("SEND", "t", "e", "ada", f"e-{served}", "served")
            assert connection.call("MESSAGE.GET", "t", f"e-{served}")["body"] == b"served"
            slowest = max(slowest, time.monotonic() - begin)
            served += 1
            peak = max(peak, daemon.memory_bytes())
        for client in silent:
            client.socket.close()
        print(f"{served} served, slowest {slowest * 1000:.0f} ms, memory from {before // MIB} to {peak // MIB} MiB")
        assert served > 50
        # Two bounds of 256 MiB and the log's tail of 64 MiB are settings; what lies beyond them must be small.
        assert peak - before < 700 * MIB
        assert connection.call("PING") == b"PONG"


def test_many_questions_at_once_that_nobody_reads(make_daemon):
    """400 answers of 4 MiB asked for in one moment: each is judged with those before it counted."""
    daemon = make_daemon().start()
    with Connection(daemon.socket) as connection:
        for number in range(64):
            connection.call("SEND", "t", "c", "ada", f"m-{number}", os.urandom(BODY_MAX))
        before = daemon.memory_bytes()
        clients = [Connection(daemon.socket) for _ in range(400)]
        for client in clients:
            client.send("TIMELINE", "t", "c", "VIEWER", "ben", "COUNT", 64)
        # The first byte of an answer says that it is made; none is read any further.
        firsts = [client.socket.recv(1, socket.MSG_PEEK) for client in clients]
        peak = daemon.memory_bytes()
        print(f"memory from {before // MIB} to {peak // MIB} MiB, {firsts.count(b'-')} of 400 refused")
        assert firsts.count(b"-") > 300
        assert peak - before < 500 * MIB
        assert connection.call("PING") == b"PONG"
        for client in clients:
            client.close()


def silent_client(daemon, data):
    return Silent(daemon.socket, data)


class Silent:
    """Sends as much as the daemon takes, and never reads."""

    def __init__(self, path, data):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.data = memoryview(data)

    def send_some(self):
        try:
            while self.data:
                self.data = self.data[self.socket.send(self.data[:1 << 16]):]
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass


def test_a_client_that_never_reads_is_let_go(make_daemon):
    daemon = make_daemon(unread_seconds=1).start()
    with Connection(daemon.socket) as connection:
        connection.call("SEND", "t", "c", "ada", "m-1", os.urandom(BODY_MAX))
        silent = Silent(daemon.socket, frame("MESSAGE.GET", "t", "m-1") * 1000)
        silent.send_some()
        connection.call("HELLO", 3)
        deadline = time.monotonic() + 20
        while connection.call("STATS")["connections"] > 1:
            assert time.monotonic() < deadline, "the silent client is still there"
            time.sleep(0.05)
        silent.socket.close()


def test_halves_of_frames_from_many_clients(make_daemon):
    """A thousand clients that each send nearly a whole body and then wait."""
    daemon = make_daemon(input_bytes_total_max=32 * MIB).start()
    before = daemon.memory_bytes()
    half = frame("SEND", "t", "c", "ada", "m-1", b"x" * (200 << 10))[:-100]
    clients = []
    try:
        for _ in range(1000):
            client = Silent(daemon.socket, half)
            client.send_some()
            clients.append(client)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and any(client.data for client in clients):
            for client in clients:
                client.send_some()
        peak = daemon.memory_bytes()
        print(f"memory from {before // MIB} to {peak // MIB} MiB")
        assert peak - before < 160 * MIB
        with Connection(daemon.socket) as connection:
            assert connection.call("SEND", "t", "c", "ada", "m-2", "served") == 1
    finally:
        for client in clients:
            client.socket.close()


CROWD = 10_000


def test_ten_thousand_idle_connections(make_daemon):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CROWD + 1500:
        pytest.skip(f"the hard limit of open files is {hard}, and {CROWD} connections need {CROWD + 1500}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else CROWD + 1500, hard))
    daemon = make_daemon().start()
    before = daemon.memory_bytes()
    crowd = []
    try:
        begin = time.monotonic()
        for _ in range(CROWD):
            idle = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            idle.connect(str(daemon.socket))
            crowd.append(idle)
        with Connection(daemon.socket) as connection:
            connection.call("HELLO", 3)
            while connection.call("STATS")["connections"] < CROWD + 1:
                assert time.monotonic() - begin < 60
                time.sleep(0.05)
            each = (daemon.memory_bytes() - before) / CROWD
            print(f"{CROWD} connections in {time.monotonic() - begin:.1f} s, {each / 1024:.1f} KiB each")
            assert each < 32 << 10
            begin = time.monotonic()
            for number in range(200):
                assert connection.call("SEND", "t", "c", "ada", f"m-{number}", "x") == number + 1
            print(f"200 appends one after the other in {time.monotonic() - begin:.2f} s")
        # Everybody is still there, and is answered.
        for idle in crowd[:: CROWD // 20]:
            idle.sendall(b"PING\r\n")
            assert idle.recv(16) == b"+PONG\r\n"
    finally:
        for idle in crowd:
            idle.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_one_connection_too_many(make_daemon):
    daemon = make_daemon(connections_max=3).start()
    inside = [Connection(daemon.socket) for _ in range(3)]
    for connection in inside:
        assert connection.call("PING") == b"PONG"
    with Connection(daemon.socket) as outside:
        with pytest.raises(Refused, match="^BUSY there are 3 connections already"):
            outside.answer()
        assert outside.is_closed()
    inside.pop().close()
    deadline = time.monotonic() + 10
    while True:
        with Connection(daemon.socket) as again:
            again.send("PING")
            if again.read() == b"PONG":
                break
        assert time.monotonic() < deadline
    for connection in inside:
        connection.close()
