"""What an append costs that no machine's mood changes: blocks of memory asked for, from the socket to the partitions."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
from itertools import pairwise

import pytest

from daemon import ROOT
from resp import Connection, frame

LIMITS = json.loads((ROOT / "Benchmarks/costs.json").read_text())
BODY = "x" * 300
CLIENTS, PIPELINE, ROUNDS = 64, 64, 10


class Counter:
    """Counts the heap's blocks in a daemon, by a library that is loaded before all others."""

    def __init__(self, folder):
        self.library, self.file = folder / "allocations.so", folder / "counts"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", self.library, ROOT / "Benchmarks/allocations.c", "-ldl"], check=True)
        self.file.write_bytes(bytes(4096))

    @property
    def blocks(self):
        return struct.unpack("<Q", self.file.read_bytes()[:8])[0]


def append(connections, names):
    """A pipeline of each connection, and all answers."""
    for connection in connections:
        connection.send_bytes(b"".join(frame("SEND", "t", f"c{next(names) % 5000}", f"s{next(names) % 20}", f"m{next(names)}", BODY)
                                       for _ in range(PIPELINE)))
    for connection in connections:
        for _ in range(PIPELINE):
            connection.answer()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_an_append_asks_for_no_more_memory_than_it_did(make_daemon, tmp_path, monkeypatch):
    counter = Counter(tmp_path)
    monkeypatch.setenv("ALLOCATIONS", str(counter.file))
    monkeypatch.setenv("LD_PRELOAD", str(counter.library))
    # Folded once, when all is in: how often it is otherwise depends on the machine.
    daemon = make_daemon(fold_ms=600_000).start()
    monkeypatch.delenv("LD_PRELOAD")
    names = iter(range(1 << 40))
    connections = [Connection(daemon.socket) for _ in range(CLIENTS)]
    try:
        append(connections, names)
        connections[0].call("DIGEST")
        seen = [counter.blocks]
        for _ in range(ROUNDS):
            append(connections, names)
            seen.append(counter.blocks)
        connections[0].call("DIGEST")
        folded = counter.blocks
    finally:
        for connection in connections:
            connection.close()
    # The cheapest round: a busy machine delivers a pipeline in more pieces and makes smaller batches, each with blocks of its own.
    costs = {"blocks-per-append": min(after - before for before, after in pairwise(seen)) / (CLIENTS * PIPELINE),
             "blocks-per-fold-of-an-event": (folded - seen[-1]) / (ROUNDS * CLIENTS * PIPELINE)}
    print(json.dumps(costs))
    assert seen[0] > 10_000, "the library was not loaded"
    for name, cost in costs.items():
        assert cost <= LIMITS[name] * 1.1, f"{name}: {cost:.3f}, and {LIMITS[name]} when it was last looked at (Benchmarks/costs.json)"
