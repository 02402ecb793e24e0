"""Clients that know nothing of Annals work unchanged."""

import asyncio
import os
import re
import shutil
import socket
import subprocess

import pytest
import redis
import redis.asyncio

from resp import Connection, Refused, as_map, frame

needs_redis_tools = pytest.mark.skipif(
    shutil.which("redis-cli") is None or shutil.which("redis-benchmark") is None, reason="redis-tools are not installed")


def run(*words, stdin=None):
    done = subprocess.run([str(word) for word in words], capture_output=True, input=stdin, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_what_clients_say_by_themselves(client):
    assert client.redis.ping()
    assert client.redis.echo("hello") == b"hello"
    assert client.redis.client_id() > 0
    assert client.redis.client_setname("tester")
    assert client.redis.client_getname() in (b"tester", "tester")
    info = client.redis.info()
    assert info["redis_mode"] == "standalone" and info["process_id"] > 0
    assert client.redis.config_get("appendonly") == {"appendonly": "yes"}
    assert client.redis.config_get("appendfsync") == {"appendfsync": "always"}


def test_a_ping_with_a_text(connection):
    assert connection.call("PING", "hello") == b"hello"


def test_commands_can_be_listed(client, connection):
    names = {name.decode().upper() for name in client.redis.command_list()}
    assert {"SEND", "LOCALDELETE", "TIMELINE", "MESSAGE.GET", "MESSAGE.HISTORY", "EVENTS.READ", "RETENTION.SET", "RETENTION.GET",
            "RETENTION.HISTORY", "PARTITIONS", "STATS", "DIGEST", "SHUTDOWN", "HELLO", "AUTH", "PING", "ECHO", "COMMAND", "CLIENT",
            "INFO", "QUIT", "RESET"} <= names
    assert names.isdisjoint({"BACKUP", "EXPORT"})
    assert client.redis.command_count() == len(names)
    assert client.redis.command()["send"]["arity"] == -6
    connection.call("HELLO", 3)
    docs = connection.call("COMMAND", "DOCS", "SEND", "NOSUCH")
    assert list(docs) == ["send"] and docs["send"]["summary"] == b"Appends a message."


def test_a_pipeline_of_a_thousand(client, tenant):
    with client.redis.pipeline(transaction=False) as pipeline:
        for number in range(1000):
            pipeline.execute_command("SEND", tenant, "c", "ada", f"m-{number}", os.urandom(300))
        positions = pipeline.execute()
    assert positions == list(range(positions[0], positions[0] + 1000))


def test_bodies_are_bytes(client, tenant):
    body = bytes(range(256)) * 4
    client.raw("SEND", tenant, "c", "ada", "m-1", body)
    assert client.map("MESSAGE.GET", tenant, "m-1")["body"] == body


def test_a_pool_of_connections(daemon, tenant):
    pool = redis.ConnectionPool(connection_class=redis.UnixDomainSocketConnection, path=str(daemon.socket), max_connections=8)
    clients = [redis.Redis(connection_pool=pool) for _ in range(8)]
    positions = [client.execute_command("SEND", tenant, "c", "ada", f"m-{n}", "x") for n, client in enumerate(clients * 5)]
    assert len(set(positions)) == 40
    pool.disconnect()


def test_the_asynchronous_client(daemon, tenant):
    async def talk():
        client = redis.asyncio.Redis(unix_socket_path=str(daemon.socket), protocol=3)
        sends = [client.execute_command("SEND", tenant, "c", "ada", f"m-{n}", f"body {n}") for n in range(20)]
        positions = await asyncio.gather(*sends)
        page = await client.execute_command("TIMELINE", tenant, "c", "VIEWER", "ben")
        await client.aclose()
        return positions, page
    positions, page = asyncio.run(talk())
    assert len(page[b"messages"]) == len(set(positions)) == 20


def test_hello(connection):
    assert as_map(connection.call("HELLO"))["proto"] == 2
    hello = connection.call("HELLO", 3, "SETNAME", "me")
    assert hello["server"] == b"annals" and hello["proto"] == 3
    assert connection.call("CLIENT", "GETNAME") == b"me"
    with pytest.raises(Refused, match="^NOPROTO"):
        connection.call("HELLO", 4)
    with pytest.raises(Refused, match="^AUTH .*uid:"):
        connection.call("HELLO", 3, "AUTH", "default", "secret")
    with pytest.raises(Refused, match="^AUTH"):
        connection.call("AUTH", "secret")
    assert connection.call("RESET") == b"RESET"
    assert isinstance(connection.call("HELLO"), list)


def test_quit_is_answered_and_closes(connection):
    connection.send_bytes(frame("QUIT") + frame("PING"))
    assert connection.answer() == b"OK"
    assert connection.is_closed()


def test_select_has_one_database(connection):
    assert connection.call("SELECT", "0") == b"OK"
    with pytest.raises(Refused, match="^BADARG"):
        connection.call("SELECT", "1")


@pytest.mark.parametrize("name", ["NOSUCH", "GET", "XADD", "AUDIT.FORGET", "\x1b[2J", "x" * 200])
def test_unknown_commands(connection, name):
    with pytest.raises(Refused, match="^UNKNOWN command") as refused:
        connection.call(name, "a", "b")
    assert "\x1b" not in str(refused.value) and len(str(refused.value)) < 200
    assert connection.call("PING") == b"PONG"


@pytest.mark.parametrize(
    "words", [("SEND",), ("SEND", "t", "c", "s", "m"), ("TIMELINE", "t", "c"), ("PING", "a", "b"), ("ECHO",), ("STATS", "x"),
              ("LOCALDELETE", "t", "c", "v"), ("MESSAGE.HISTORY", "t"), ("EVENTS.READ",), ("RETENTION.SET", "SYSTEM", "5y"), ("SELECT",)])
def test_wrong_arity_is_told_with_the_usage(connection, words):
    with pytest.raises(Refused, match=rf"^BADARG {words[0]} (needs|takes)"):
        connection.call(*words)
    assert connection.call("PING") == b"PONG"


def test_commands_and_options_in_any_case(connection, tenant):
    connection.call("hello", 3)
    position = connection.call("send", tenant, "c", "ada", "m-1", "one", "type", "text/html")
    assert connection.call("Message.Get", tenant, "m-1", "viewer", "ben", "asof", f"#{position}")["type"] == b"text/html"


def test_inline_commands(connection, tenant):
    connection.send_bytes(f'SEND {tenant} c ada m-1 "two words\\x21\\n"\r\n'.encode())
    position = connection.answer()
    connection.send_bytes(f"MESSAGE.GET {tenant} 'm-1'\n\r\n\nPING\r\n".encode())
    answer = as_map(connection.answer())
    assert (answer["position"], answer["body"]) == (position, b"two words!\n")
    assert connection.answer() == b"PONG"
    connection.send_bytes(b'PING "never closed\r\n')
    with pytest.raises(Refused, match="^BADARG protocol error: the quotes"):
        connection.answer()
    assert connection.is_closed()


@needs_redis_tools
@pytest.mark.parametrize("version", [[], ["-3"]], ids=["plain", "-3"])
def test_redis_cli(daemon, tenant, version):
    cli = ["redis-cli", "-s", daemon.socket, *version]
    code, out, _ = run(*cli, "SEND", tenant, "c", "ada", "m-1", "hello there")
    assert code == 0 and out.strip().isdigit()
    code, out, _ = run(*cli, "TIMELINE", tenant, "c", "VIEWER", "ben")
    assert code == 0 and "hello there" in out
    code, out, err = run(*cli, "-e", "SEND", tenant, "c", "ada", "m-1", "something else")
    assert code == 1 and (out + err).startswith("CONFLICT")
    # Commands from standard input, one a line, over one connection.
    lines = "".join(f'SEND {tenant} c ada "line-{number}" "line number {number}"\n' for number in range(50)) + "PING\n"
    code, out, _ = run(*cli, stdin=lines.encode())
    answers = out.split()
    assert code == 0 and len(answers) == 51 and answers[-1] == "PONG"
    assert [int(answer) for answer in answers[:-1]] == list(range(int(answers[0]), int(answers[0]) + 50))


@needs_redis_tools
def test_redis_cli_mass_insertion(daemon, tenant):
    frames = b"".join(frame("SEND", tenant, "c", "ada", f"m-{number}", f"body {number}") for number in range(5000))
    code, out, err = run("redis-cli", "-s", daemon.socket, "--pipe", stdin=frames)
    assert code == 0 and "errors: 0, replies: 5000" in out, out + err


@needs_redis_tools
@pytest.mark.parametrize("clients, pipeline", [(1, 1), (16, 1), (64, 16), (50, 100)])
def test_redis_benchmark(daemon, clients, pipeline):
    requests = 20_000 if clients > 1 else 1_000
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        before = connection.call("STATS")
        code, out, err = run(
            "redis-benchmark", "-s", daemon.socket, "-n", requests, "-c", clients, "-P", pipeline, "-r", 1_000_000, "--csv",
            "SEND", "bench", "c__rand_int__", "s__rand_int__", "*", "x" * 300)
        assert code == 0 and "rror" not in out + err, out + err
        assert re.search(r'^"[^"]*","\d+', out.splitlines()[-1])
        after = connection.call("STATS")
    assert after["messages"] - before["messages"] == requests
    assert after["body-bytes"] - before["body-bytes"] == requests * 300


@needs_redis_tools
def test_redis_benchmark_of_its_own_tests(daemon):
    code, out, err = run("redis-benchmark", "-s", daemon.socket, "-n", 2000, "-t", "ping", "-q")
    assert code == 0 and "PING_INLINE" in out and "PING_MBULK" in out, out + err


def test_the_principal_is_the_peers_user(daemon, connection, tenant):
    connection.call("HELLO", 3)
    position = connection.call("SEND", tenant, "c", "ada", "m-1", "one")
    event = connection.call("EVENTS.READ", "FROM", position, "COUNT", 1)[0]
    assert event["principal"] == f"uid:{os.getuid()}".encode()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_has_another_name_and_fewer_rights(make_daemon):
    daemon = make_daemon(socket_mode="0666").start()
    daemon.folder.chmod(0o711)
    nobody = 65534
    answers_read, answers_written = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(nobody)
            os.setuid(nobody)
            with Connection(daemon.socket) as connection:
                connection.send("SEND", "t", "c", "ada", "m-1", "one")
                first = connection.read()
                connection.send("EVENTS.READ", "FROM", "1")
                answers_written.sendall(f"{first}|{connection.read()}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    answers_written.close()
    position, refusal = answers_read.makefile().read().split("|")
    assert position == "1" and refusal.startswith("DENIED") and "uid:65534" in refusal
    with Connection(daemon.socket) as connection:
        connection.call("HELLO", 3)
        assert connection.call("EVENTS.READ", "FROM", "1")[0]["principal"] == b"uid:65534"
