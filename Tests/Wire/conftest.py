import itertools
import os
import random
import time

import pytest
import redis

from daemon import ANNALSD, Daemon
from resp import Connection, as_map


def pytest_sessionstart(session):
    if not os.access(ANNALSD, os.X_OK):
        pytest.exit(f"there is no daemon at {ANNALSD}; build it with Deploy/test.sh, or name another with ANNALSD=", returncode=2)


@pytest.fixture(scope="module")
def daemon():
    """A daemon that the tests of a file share: each takes a tenant of its own."""
    daemon = Daemon().start()
    yield daemon
    try:
        assert daemon.process is None or daemon.process.poll() is None, f"annalsd ended by itself:\n{daemon.log_text()}"
        assert daemon.stop() in (0, None), daemon.log_text()
    finally:
        daemon.clean_up()


@pytest.fixture
def make_daemon():
    """Makes daemons with settings of their own, not started yet; all are gone after the test."""
    made = []

    def make(**settings):
        made.append(Daemon(**settings))
        return made[-1]

    yield make
    for daemon in made:
        daemon.clean_up()


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(request, daemon):
    """Python's `redis`, as a service would use it, in both versions of the protocol."""
    client = redis.Redis(unix_socket_path=str(daemon.socket), protocol=request.param)
    yield Client(client, request.param)
    client.close()


@pytest.fixture
def connection(daemon):
    with Connection(daemon.socket) as connection:
        yield connection


numbers = itertools.count(1)


@pytest.fixture
def tenant():
    """A tenant that no other test has."""
    return f"tenant-{next(numbers)}"


@pytest.fixture
def dice():
    """A random number generator whose seed is printed, and taken back from ANNALS_SEED."""
    seed = int(os.environ.get("ANNALS_SEED", time.time_ns() % 1_000_000_007))
    print(f"ANNALS_SEED={seed}")
    return random.Random(seed)


class Client:
    """Calls a command and gives its answer the same shape in both versions: maps as dicts with texts as keys."""

    def __init__(self, redis_client, protocol):
        self.redis = redis_client
        self.protocol = protocol

    def raw(self, *words):
        return self.redis.execute_command(*words)

    def map(self, *words):
        return as_map(self.raw(*words))

    def maps(self, *words):
        return [as_map(value) for value in self.raw(*words)]

    def page(self, *words):
        page = self.map("TIMELINE", *words)
        page["messages"] = [as_map(message) for message in page["messages"]]
        return page

    def boolean(self, value):
        """What `value` is in the protocol's version: RESP2 has no booleans."""
        return value if self.protocol == 3 else int(value)
