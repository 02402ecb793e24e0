"""What appends feel of a purge: see stalls.sh, which starts this.

A daemon on a folder of its own gets one partition full of messages. Then it is seen how many appends a second the
machine can. And then, under a steady open load of half as many (each millisecond a pipeline on one of several connections, whether the last
ones are answered or not), the partition is planned, purged and compacted.
The latency of a pipeline is from its moment on the plan of the load to its last answer, so that a stall counts for all that it holds up.

What the filling left in the kernel's hands is written to the disk before the first measured phase: otherwise "before" would be the worst of all.
The p99 of a shared machine wanders by a factor of three within minutes, so there are quiet phases between the purges and behind them too, and
the last column sets a phase against all of them together.

A plan and a purge are over before a hundred pipelines are, and of so few the p99 is the slowest. So the plan is asked for again and again,
and further, smaller days are purged one after the other: the same steps, with more pipelines beside them.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TENANT = "big"
CONVERSATIONS = 1_000
SENDERS = 20
DAY = 1_517_616_000_000  # 2018-02-03
MILLISECONDS_OF_DAY = 86_400_000
BODY = b"x" * 300
PLANS = 50
SMALL_DAYS = 20
SMALL_DAY_MESSAGES = 50_000
WARM_SECONDS = 10
QUIET_SECONDS = 1.5
CONNECTIONS = 32
PIPELINE = 25
CAPACITY_SECONDS = 10


def command(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Client:
    """One connection, one question at a time; answers as nested lists."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        self.socket.sendall(command(*words))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            sys.exit(f"refused: {rest.decode()}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return None if rest == b"-1" else [self.answer() for _ in range(int(rest))]
        return rest.decode()

    def map(self, *words):
        flat = self.ask(*words)
        return dict(zip(flat[::2], flat[1::2]))


class Daemon:
    def __init__(self, parent):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stalls-", dir=parent))
        self.socket = self.folder / "socket"
        self.data = self.folder / "data"
        log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [os.environ["ANNALSD"], "--data", self.data, "--socket", self.socket, "--purge-automatic", "no"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"annalsd does not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.01)

    def answers(self):
        try:
            Client(self.socket)
            return True
        except OSError:
            return False

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        shutil.rmtree(self.folder)

    def allocated(self):
        return sum(file.stat().st_blocks * 512 for file in (self.data / "partitions").glob("2018-*.mdb*"))


def fill(daemon, messages, survivors):
    """Messages of one day; a share of them in a conversation that is kept for ever. And those of the smaller days before it."""
    client = Client(daemon.socket)
    if survivors:
        client.ask("RETENTION.SET", "TENANT", TENANT, "CONVERSATION", "kept", "forever", "REASON", "they survive")
    begun = time.monotonic()
    fill_day(client, TENANT, DAY, messages, survivors)
    print(f"filled with {messages:,} messages in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    for day in range(SMALL_DAYS):
        fill_day(client, small(day), DAY - (day + 1) * MILLISECONDS_OF_DAY, SMALL_DAY_MESSAGES, 0)
    while client.map("STATS")["tail-events"]:
        time.sleep(0.1)


def small(day):
    return f"small-{day}"


def fill_day(client, tenant, day, messages, survivors):
    chunk = 2_000
    waiting = 0
    for start in range(0, messages, chunk):
        parts = []
        for number in range(start, min(start + chunk, messages)):
            conversation = "kept" if survivors and number % 100 < survivors else f"c{number % CONVERSATIONS}"
            at = day + number * 86_000_000 // messages
            parts.append(command("SEND", tenant, conversation, f"s{number % SENDERS}", f"m{number}", BODY, "AT", at))
        client.socket.sendall(b"".join(parts))
        waiting += len(parts)
        while waiting > chunk:
            client.answer()
            waiting -= 1
        if start % 200_000 == 0 and sys.stderr.isatty():
            print(f"\rfilling: {start:,} of {messages:,}", end="", file=sys.stderr)
    for _ in range(waiting):
        client.answer()


class Load(multiprocessing.Process):
    """Appends at a steady rate, each pipeline at its moment; keeps (moment, end) of every pipeline.

    A process of its own: a thread would wait for Python's lock while questions are asked beside it.
    """

    def __init__(self, path, rate, connections=CONNECTIONS):
        super().__init__(daemon=True)
        self.per_tick = max(1, rate // 1000)
        self.latencies = []
        self.stopping = multiprocessing.Event()
        self.result, self.end = multiprocessing.Pipe(duplex=False)
        self.sockets = []
        for _ in range(connections):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.connect(str(path))
            client.setblocking(False)
            self.sockets.append(client)

    def stop(self):
        self.stopping.set()
        self.latencies = self.result.recv()
        self.join()

    def run(self):
        selector = selectors.DefaultSelector()
        waiting = {}
        for client in self.sockets:
            selector.register(client, selectors.EVENT_READ)
            waiting[client] = []
        number = 0
        begun = time.perf_counter()
        tick = 0
        while not self.stopping.is_set():
            due = begun + tick / 1000
            now = time.perf_counter()
            if now >= due:
                client = self.sockets[tick % len(self.sockets)]
                parts = []
                for _ in range(self.per_tick):
                    parts.append(command("SEND", "live", f"c{number % 500}", "u", f"l{number}", BODY))
                    number += 1
                client.setblocking(True)
                client.sendall(b"".join(parts))
                client.setblocking(False)
                waiting[client].append([due, self.per_tick])
                tick += 1
                if tick % 4:
                    continue
            for key, _ in selector.select(max(0, min(0.001, due - now))):
                answers = key.fileobj.recv(1 << 16).count(b"\r\n")
                queue = waiting[key.fileobj]
                moment = time.perf_counter()
                while answers and queue:
                    taken = min(answers, queue[0][1])
                    queue[0][1] -= taken
                    answers -= taken
                    if queue[0][1] == 0:
                        self.latencies.append((queue.pop(0)[0], moment))
        self.end.send(self.latencies)

    def during(self, *phases):
        """Of all pipelines whose moment was in one of the phases."""
        return sorted((moment - due) * 1000 for due, moment in self.latencies if any(start <= due <= end for start, end in phases))


def capacity(path, asker):
    """Appends a second if each connection sends its next pipeline as soon as the last one is answered, with what is left to fold behind them."""
    selector = selectors.DefaultSelector()
    left, answered, number = {}, 0, 0

    def send(client):
        nonlocal number
        client.sendall(b"".join(command("SEND", "live", f"c{(number + at) % 500}", "u", f"full{number + at}", BODY) for at in range(PIPELINE)))
        number += PIPELINE
        left[client] = PIPELINE

    for _ in range(CONNECTIONS):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(str(path))
        selector.register(client, selectors.EVENT_READ)
        send(client)
    begun = time.perf_counter()
    while time.perf_counter() < begun + CAPACITY_SECONDS:
        for key, _ in selector.select(1):
            answers = key.fileobj.recv(1 << 16).count(b"\r\n")
            answered += answers
            left[key.fileobj] -= answers
            if left[key.fileobj] == 0:
                send(key.fileobj)
    for client in left:
        client.close()
    while asker.map("STATS")["tail-events"]:
        time.sleep(0.1)
    return answered / (time.perf_counter() - begun)


def quantile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


class Phases:
    """What was done when, beside the load."""

    def __init__(self, load):
        self.load, self.spans = load, {}

    def do(self, name, work):
        """Once more, if it was done already."""
        start = time.perf_counter()
        result = work()
        self.spans.setdefault(name, []).append((start, time.perf_counter()))
        time.sleep(0.5)  # Nothing of it is left when the next begins.
        return result

    def row(self, name, *names):
        spans = [span for each in names or (name,) for span in self.spans[each]]
        values = self.load.during(*spans)
        return {"phase": name, "seconds": sum(end - start for start, end in spans), "pipelines": len(values), "p50": quantile(values, 0.5),
                "p99": quantile(values, 0.99), "max": values[-1] if values else float("nan")}


def purge(client, plan):
    client.ask("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"])


def settled(client):
    """Waits until upkeep rests, twice in a row: purge, reclaiming and compaction follow each other."""
    rests = 0
    while rests < 3:
        rests = rests + 1 if client.map("PURGE.STATUS")["state"] == "idle" else 0
        time.sleep(0.3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--rate", type=int, help="appends a second; half of what the machine can, if it is not given")
    parser.add_argument("--survivors", type=int, default=0, help="percent of the messages that must be kept")
    parser.add_argument("--baseline", type=float, default=20, help="seconds of load before the purge, and after it")
    parser.add_argument("--folder", help="where the data lies meanwhile")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    daemon = Daemon(options.folder)
    try:
        fill(daemon, options.messages, options.survivors)
        before = daemon.allocated()
        client = Client(daemon.socket)
        preview_begun = time.monotonic()
        client.ask("RETENTION.PREVIEW", "TENANT", TENANT, "9y")
        preview = time.monotonic() - preview_begun
        full = None
        if options.rate is None:
            full = capacity(daemon.socket, client)
            options.rate = int(full / 2) // 1000 * 1000
            print(f"the machine can {full:,.0f} appends a second", file=sys.stderr)
        load = Load(daemon.socket, options.rate)
        os.sync()
        load.start()
        time.sleep(WARM_SECONDS)
        phases = Phases(load)
        until = DAY + MILLISECONDS_OF_DAY
        ask_plan = lambda: client.map("PURGE.PLAN", "TENANT", TENANT, "UNTIL", until)
        phases.do("before", lambda: time.sleep(options.baseline))
        plan = phases.do("plan", ask_plan)
        for _ in range(PLANS):
            plan = phases.do(f"{PLANS} more plans", ask_plan)
        phases.do("purge, to the receipt", lambda: purge(client, plan))
        phases.do("reclaim and compact", lambda: (settled(client), client.ask("COMPACT", "2018-02-03")))
        for day in range(SMALL_DAYS):
            phases.do("quiet between them", lambda: time.sleep(QUIET_SECONDS))
            small_plan = client.map("PURGE.PLAN", "TENANT", small(day), "UNTIL", DAY)
            phases.do(f"{SMALL_DAYS} smaller purges", lambda: purge(client, small_plan))
            phases.do("their reclaim and compaction", lambda: settled(client))
        phases.do("after", lambda: time.sleep(options.baseline))
        load.stop()
        after = daemon.allocated()
        rows = [phases.row(name) for name in phases.spans]
        quiet = ("before", "quiet between them", "after")
        rows.append(phases.row("all that is quiet", *quiet))
        rows.append(phases.row("plans, purges, reclaim and compact", *(name for name in phases.spans if name not in quiet)))
        report = {"messages": options.messages, "purged": plan["messages"], "survivors": plan["survivors"], "rate": options.rate, "capacity": full,
                  "preview-seconds": preview, "rows": rows, "allocated-before": before, "allocated-after": after}
        if options.json:
            print(json.dumps(report))
        else:
            show(report)
    finally:
        daemon.end()


def show(report):
    print(f"{report['messages']:,} messages in one partition, {report['purged']:,} purged, {report['survivors']:,} sealed anew; "
          f"{report['rate']:,} appends a second meanwhile" + (f", half of {report['capacity']:,.0f}" if report["capacity"] else ""))
    print(f"{'phase':<36}{'seconds':>9}{'pipelines':>11}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'to before':>11}{'to quiet':>10}")
    base = report["rows"][0]["p99"]
    quiet = next(row["p99"] for row in report["rows"] if row["phase"] == "all that is quiet")
    for row in report["rows"]:
        print(f"{row['phase']:<36}{row['seconds']:>9.2f}{row['pipelines']:>11,}{row['p50']:>9.2f}{row['p99']:>9.2f}{row['max']:>9.2f}{row['p99'] / base:>11.2f}{row['p99'] / quiet:>10.2f}")
    print(f"preview of a policy: {report['preview-seconds']:.2f} s")
    print(f"allocated: {report['allocated-before'] / 1e6:,.0f} MB before, {report['allocated-after'] / 1e6:,.0f} MB after")


if __name__ == "__main__":
    main()
