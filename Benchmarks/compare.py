"""Annals, Redis and PostgreSQL under the same load, and LMDB alone beneath them: see compare.sh, which starts this.

Every measurement has a server of its own: started on an empty folder, ended by the process id that was started. The order changes with
every round, and the file system is synced before each, so that none pays for another's bytes.

Redis gets XADD with appendfsync always. PostgreSQL gets prepared INSERTs from pgbench, into a table that is partitioned by day, with a
unique message id (per tenant and day: no more is possible there, since such an index must hold the day) and an index of timelines. The
floor is LMDB alone, in C, writing the same bytes without socket, hash or key, one synced transaction for each batch: as many messages as are
under way at once, 1,024 at the most.
"""

import argparse
import csv
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from servers import Annals, PostgreSQL, Redis, checked, compiled, hardware, lengths_file, settle_in, sync_time

CONVERSATIONS = 50_000
WARM_UP_REQUESTS = 500
# Clients × pipeline, and so many requests that each takes a few seconds on two cores.
COMBINATIONS = {
    (1, 1): 6_000, (1, 16): 40_000, (16, 1): 50_000, (64, 1): 100_000, (256, 1): 120_000, (16, 16): 200_000, (64, 16): 400_000,
    (64, 64): 600_000, (256, 16): 400_000,
}
DEFAULT_COMBINATIONS = ["1x1", "16x1", "64x1", "256x1", "1x16", "64x16", "64x64"]
FLOOR_BATCH_MAX = 1_024
# PostgreSQL takes longer for each, and gets fewer.
POSTGRESQL_SHARE = 0.3
NAMES = ["Annals", "Redis", "PostgreSQL", "floor"]
# How many different bodies pgbench is given; it cannot draw lengths by itself.
POSTGRESQL_BODIES = 64


class Run:
    """What all measurements of a run share: its folder, the client, the bodies."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.redis_protocol = "redis-fields" if options.same_fields else "redis"
        self.floor = compiled("floor", folder, "-llmdb")
        self.load = compiled("load", folder, "-lm")
        self.lengths = None
        if options.bodies == "real":
            self.lengths_path, self.lengths, self.bodies = lengths_file(folder, options.chats)
        else:
            self.body_bytes = int(options.bodies)
            self.bodies = f"{self.body_bytes} bytes"
        if "PostgreSQL" in options.servers:
            PostgreSQL.make_template(folder)

    def measure(self, name, clients, pipeline, requests):
        """Requests a second, and the median and the 99th percentile of the latency in ms."""
        os.sync()
        if name == "floor":
            return self.measure_floor(clients * pipeline, requests)
        with KINDS[name](self.folder) as server:
            return self.work(server, clients, pipeline, requests)

    def work(self, server, clients, pipeline, requests):
        if server.name == "PostgreSQL":
            return PostgreSQLLoad(self, server).measure(clients, pipeline, max(clients * pipeline, int(requests * POSTGRESQL_SHARE)))
        drive = self.append if self.options.client == "load" else self.redis_benchmark
        drive(server, min(clients, 16), 1, WARM_UP_REQUESTS, 0)
        return drive(server, clients, pipeline, requests, WARM_UP_REQUESTS)

    def append(self, server, clients, pipeline, requests, first):
        bodies = ["--lengths", self.lengths_path] if self.lengths else ["--body", self.body_bytes]
        return json.loads(checked([
            self.load, "append", "--socket", server.socket, "--protocol", "annals" if server.name == "Annals" else self.redis_protocol,
            "--connections", clients, "--pipeline", pipeline, "--from", first, "--count", requests, "--conversations", CONVERSATIONS, *bodies]))

    def redis_benchmark(self, server, clients, pipeline, requests, _):
        """Since version 6.2 it prints a line of headings and percentiles, before that only requests/s."""
        body = "x" * self.body_bytes
        fields = ["sender", "s__rand_int__", "id", "m__rand_int__-__rand_int__-__rand_int__"]
        # Random ids of three numbers: never one twice, as with real messages.
        words = {
            "Annals": ["SEND", "bench", "c__rand_int__", *fields[1::2], body],
            "Redis": ["XADD", *(["c__rand_int__", "*", *fields] if self.options.same_fields else ["bench", "*"]), "body", body],
        }[server.name]
        done = subprocess.run(
            ["redis-benchmark", "-s", str(server.socket), "-c", str(clients), "-P", str(pipeline), "-n", str(requests),
             "-r", str(CONVERSATIONS), "--csv", *words], capture_output=True, text=True, timeout=600)
        rows = list(csv.reader(line for line in done.stdout.splitlines() if line.startswith('"')))
        if done.returncode != 0 or len(rows) not in (1, 2) or "rror" in done.stdout + done.stderr:
            sys.exit(f"redis-benchmark against {server.name} failed:\n{done.stdout}{done.stderr}")
        row = dict(zip(rows[0] if len(rows) == 2 else ["test", "rps"], rows[-1]))
        return {key: float(row.get(heading, "nan")) for key, heading in
                (("rps", "rps"), ("p50", "p50_latency_ms"), ("p99", "p99_latency_ms"))}

    def measure_floor(self, under_way, requests, before=()):
        batch = min(under_way, FLOOR_BATCH_MAX)
        with tempfile.TemporaryDirectory(prefix="floor-", dir=self.folder) as folder:
            bodies = [0, self.lengths_path] if self.lengths else [self.body_bytes]
            return json.loads(checked([*before, self.floor, folder, batch, max(requests, batch), *bodies]))


class PostgreSQLLoad:
    """pgbench with prepared INSERTs. A latency is that of a whole pipeline.

    A pipeline without BEGIN is one implicit transaction up to its end: it is synced once, as Redis and Annals sync once for what they answer
    together, and when one INSERT fails all of them do. That is what is measured, as the better case for PostgreSQL. A commit for each INSERT,
    so that each is answered by itself as it is by the others, is --each-committed; then a pipeline of 16 syncs 16 times.
    """

    INSERT = (
        "INSERT INTO messages (day, at, tenant, conversation, sender, message_id, body) VALUES (current_date, clock_timestamp(), 'bench', "
        "'c' || :c{0}, 's' || :s{0}, 'm' || to_hex(:m{0}::bigint), :{1});\n")

    def __init__(self, run, server):
        self.run = run
        self.server = server
        dice = random.Random(1)
        letters = "".join(dice.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .", k=1 << 16))
        steps = range(POSTGRESQL_BODIES)
        lengths = [run.lengths[(2 * step + 1) * len(run.lengths) // (2 * len(steps))] for step in steps] if run.lengths else [run.body_bytes]
        self.bodies = {f"b{step}": letters[step * 97:step * 97 + length] for step, length in enumerate(lengths)}
        server.create(datetime.date.today() - datetime.timedelta(1), 4)

    def scripts(self, pipeline):
        """One for each body; in a pipeline each INSERT has another one."""
        names = list(self.bodies)
        dice = random.Random(2)
        for first in names:
            text = "".join(
                f"\\set c{index} random(1, {CONVERSATIONS})\n\\set s{index} random(1, {CONVERSATIONS})\n"
                f"\\set m{index} random(1, 9000000000000000000)\n" for index in range(pipeline))
            inserts = [self.INSERT.format(index, dice.choice(names) if index else first) for index in range(pipeline)]
            if pipeline == 1:
                yield text + inserts[0]
            elif self.run.options.each_committed:
                yield text + "\\startpipeline\n" + "".join(f"BEGIN;\n{insert}COMMIT;\n" for insert in inserts) + "\\endpipeline\n"
            else:
                yield text + "\\startpipeline\n" + "".join(inserts) + "\\endpipeline\n"

    def measure(self, clients, pipeline, requests):
        words = []
        for number, text in enumerate(self.scripts(pipeline)):
            path = self.server.folder / f"script-{pipeline}-{number}"
            path.write_text(text)
            path.chmod(0o644)
            words += ["-f", path]
        for name, body in self.bodies.items():
            words += ["-D", f"{name}={body}"]
        self.pgbench(min(clients, 16), WARM_UP_REQUESTS // min(clients, 16) // pipeline + 1, words)
        log = self.server.folder / "latencies"
        said = self.pgbench(clients, -(-requests // clients // pipeline), words + ["-l", f"--log-prefix={log}"])
        rate = re.search(r"tps = ([\d.]+)", said)
        if not rate or not re.search(r"number of failed transactions: 0 ", said):
            sys.exit(f"pgbench said:\n{said}")
        latencies = sorted(int(line.split()[2]) / 1000 for path in self.server.folder.glob("latencies.*") for line in open(path))
        return {"rps": float(rate[1]) * pipeline, "p50": latencies[len(latencies) // 2], "p99": latencies[len(latencies) * 99 // 100]}

    def pgbench(self, clients, each, words):
        return checked([
            self.server.programs / "pgbench", *self.server.where()[:4], "-n", "-M", "prepared", "-c", clients, "-j", min(2, clients),
            "-t", each, *words, "postgres"], user=self.server.user)


KINDS = {kind.name: kind for kind in (Annals, Redis, PostgreSQL)}


# How often they sync


def syncs(run, name, clients, pipeline, requests):
    """Counts with strace, and says in a line what was seen."""
    trace = run.folder / "trace"
    calls = ["strace", "-f", "-qq", "-e", "trace=fdatasync,fsync,write,pwrite64,writev", "-o", str(trace)]
    head = f"{clients} × {pipeline} {name}: "
    if name == "floor":
        found = run.measure_floor(clients * pipeline, requests, calls)
        return f"{head}{found['requests']} messages in {found['batches']} transactions, {sum(1 for _ in synced(trace))} syncs and as many synchronous writes of LMDB's head"
    with KINDS[name](run.folder) as server:
        processes = [word for process in family(server.process.pid) for word in ("-p", str(process))]
        tracer = subprocess.Popen(calls + processes, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        batches = batches_of(server)
        run.work(server, clients, pipeline, requests)
        batches = batches_of(server) - batches if batches is not None else None
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
        by_thread = {}
        for thread in synced(trace):
            by_thread[thread] = by_thread.get(thread, 0) + 1
        # Redis writes its file's protocol; answers are lines that begin otherwise.
        appends = sum(1 for line in open(trace, errors="replace") if " write(" in line and '"*' in line)
    if not by_thread:
        sys.exit("strace saw nothing; it may not be allowed here (kernel.yama.ptrace_scope)")
    if name == "PostgreSQL":
        count = int(requests * POSTGRESQL_SHARE)
        each = 1 if run.options.each_committed else pipeline
        return f"{head}about {count} requests in {count // each} transactions, {sum(by_thread.values())} syncs of {len(by_thread)} processes"
    most = max(by_thread.values())
    return (f"{head}{requests} requests, and {WARM_UP_REQUESTS} before, in {batches if batches is not None else appends} writes of the log, "
            f"{most} syncs of the thread that answers, {sum(by_thread.values()) - most} of others")


def synced(trace):
    """The thread of each sync."""
    for line in open(trace, errors="replace"):
        thread, rest = line.split(maxsplit=1)
        if rest.startswith(("fdatasync(", "fsync(")):
            yield thread


def family(process):
    children = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(one for child in children for one in family(int(child)))]


def batches_of(server):
    if server.name != "Annals":
        return None
    said = subprocess.run(["redis-cli", "-s", str(server.socket), "STATS"], capture_output=True, text=True).stdout.split()
    return int(said[said.index("batches") + 1])


# What is printed


def about(run):
    options = run.options
    lines = [hardware(run.folder)]
    settings = {
        "Annals": lambda: f"Annals {Annals.version()}: {Annals.setting}",
        "Redis": lambda: f"Redis {Redis.version()}: {Redis.setting}; it is sent XADD "
        + ("CONVERSATION * sender S id M body BODY" if options.same_fields else "bench * body BODY"),
        "PostgreSQL": lambda: f"PostgreSQL {PostgreSQL.version()}: {PostgreSQL.setting}; pgbench -M prepared with two threads; partitions of a day, message id unique "
        "per tenant and day, index of timelines; " + ("a commit for each INSERT" if options.each_committed else "a pipeline is one transaction"),
        "floor": lambda: "floor: LMDB alone, in C, the body and a record of 130 bytes, one synced transaction for what is under way at once, "
        f"{FLOOR_BATCH_MAX:,} at the most"}
    lines += [settings[name]() for name in options.servers]
    client = "one client in C for Annals and Redis" if options.client == "load" else "redis-benchmark for Annals and Redis"
    lines.append(f"bodies: {run.bodies}; {CONVERSATIONS:,} conversations, random message ids; Unix socket; {client}, on the same cores")
    return lines


def goals_of(key, bodies):
    """The least ratios that are wanted, by server, and the highest of the p99 to that of Redis."""
    clients, pipeline = key
    if bodies != "300":
        return {"Redis": 0.8}
    goals = {"PostgreSQL": 1.0 if clients == 1 else 3.0}
    if clients > 1 or pipeline == 1:
        goals["Redis"] = 1.2 if clients == 1 else 1.3
    if pipeline == 1:
        goals["p99"] = 1.0
    if key == (64, 64):
        goals["floor"] = 0.4
    return goals


def show_table(results, options):
    others = [name for name in options.servers if name != "Annals"]
    headings = ["clients × pipeline"]
    for name in options.servers:
        headings += [f"{name} a second", "p50 ms", "p99 ms"]
    compared = others if "Annals" in options.servers else []
    headings += [f"Annals : {name}" for name in compared] + (["p99 : Redis", "goals"] if compared else [])
    print("| " + " | ".join(headings) + " |")
    print("|---|" + "--:|" * (len(headings) - (2 if compared else 1)) + ("---|" if compared else ""))
    for key, rounds in results.items():
        print("| " + " | ".join([f"{key[0]} × {key[1]}", *row_of(key, rounds, options, compared)]) + " |")


def row_of(key, rounds, options, compared):
    for name in options.servers:
        yield from (f"{statistics.median(each[name][what] for each in rounds):{form}}" for what, form in
                    (("rps", ",.0f"), ("p50", ".2f"), ("p99", ".2f")))
    if not compared:
        return
    ratios = {name: [each["Annals"]["rps"] / each[name]["rps"] for each in rounds] for name in compared}
    if "Redis" in compared:
        ratios["p99"] = [each["Annals"]["p99"] / each["Redis"]["p99"] for each in rounds]
    for name in compared + ["p99"]:
        found = ratios.get(name)
        spread = f" ({min(found):.2f}–{max(found):.2f})" if found and len(found) > 1 else ""
        yield f"{statistics.median(found):.2f}{spread}" if found else ""
    yield ", ".join(
        f"{name} {'≤' if name == 'p99' else '≥'} {goal:g}{'' if reached(statistics.median(ratios[name]), name, goal) else ' missed'}"
        for name, goal in goals_of(key, options.bodies).items() if name in ratios)


def reached(ratio, name, goal):
    return ratio <= goal if name == "p99" else ratio >= goal


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/compare.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; medians are shown (default 3)")
    parser.add_argument("--scale", type=float, default=1, help="more or fewer requests, e.g. 0.1 for a quick look (default 1)")
    known = ", ".join(f"{clients}x{pipeline}" for clients, pipeline in COMBINATIONS)
    parser.add_argument(
        "--only", action="append", metavar="CLIENTSxPIPELINE", help=f"measure only this; may be repeated ({known}; default {' '.join(DEFAULT_COMBINATIONS)})")
    parser.add_argument(
        "--bodies", default="300", metavar="BYTES|real", help="bytes of a body, or real: as long as the messages of public chats (default 300)")
    parser.add_argument(
        "--chats", default="../shared/data", metavar="FOLDER", help="where archives of chats lie, *.jsonl.gz, whose lengths --bodies real takes")
    parser.add_argument("--without", action="append", default=[], choices=NAMES, help="leave one out; may be repeated")
    parser.add_argument(
        "--client", choices=["load", "redis-benchmark"], default="load",
        help="what sends to Annals and Redis: Benchmarks/load.c or redis-benchmark, whose bodies are all alike (default load)")
    parser.add_argument(
        "--each-committed", action="store_true", help="PostgreSQL commits each INSERT of a pipeline by itself (default: a pipeline at once)")
    parser.add_argument("--cores", type=int, help="the cores that all of it may use (default: all)")
    parser.add_argument(
        "--folder", default=os.environ.get("TMPDIR", "/tmp"), help="where they put their data; its file system is what is measured")
    parser.add_argument("--syncs", action="store_true", help="instead: count with strace how often each syncs for a batch")
    parser.add_argument(
        "--same-fields", action="store_true",
        help="give Redis what Annals gets: a stream for each conversation, with sender and message id (default: one stream of bodies)")
    parser.add_argument("--json", action="store_true", help="also print every single measurement, as a line of JSON")
    options = parser.parse_args()
    options.servers = [name for name in NAMES if name not in options.without]
    if options.bodies != "real" and not (options.bodies.isdecimal() and int(options.bodies) <= 65_536):
        parser.error("--bodies must be a number of bytes, 65,536 at the most, or real")
    if options.bodies == "real" and options.client == "redis-benchmark":
        parser.error("redis-benchmark cannot vary the length of bodies")
    if options.rounds < 1 or not options.servers:
        parser.error("there is nothing to measure")
    if options.syncs and not shutil.which("strace"):
        parser.error("--syncs needs strace; install it with the system's packages")
    return options


def combinations(options):
    for text in options.only or DEFAULT_COMBINATIONS:
        key = tuple(int(number) for number in re.split("[x×]", text)) if re.fullmatch(r"\d+[x×]\d+", text) else None
        if key not in COMBINATIONS:
            sys.exit(f"--only cannot be '{text}'; see --help")
        clients, pipeline = key
        requests = max(int(COMBINATIONS[key] * options.scale), clients * pipeline)
        # Whole pipelines, or redis-benchmark would send more than it counts.
        yield key, requests - requests % pipeline


def measure_all(run):
    options = run.options
    results = {}
    for number in range(options.rounds):
        for key, requests in combinations(options):
            found = {}
            turn = number % len(options.servers)
            for name in options.servers[turn:] + options.servers[:turn]:
                found[name] = run.measure(name, *key, requests)
                if options.json:
                    print(json.dumps({"round": number + 1, "clients": key[0], "pipeline": key[1], "server": name} | found[name]), flush=True)
            results.setdefault(key, []).append(found)
            print(f"\rround {number + 1} of {options.rounds}: {key[0]} × {key[1]} done      ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def main():
    options = parse_arguments()
    settle_in(options.cores)
    list(combinations(options))
    with tempfile.TemporaryDirectory(prefix="compare-", dir=options.folder, ignore_cleanup_errors=True) as folder:
        run = Run(options, pathlib.Path(folder))
        print("\n".join(about(run)))
        print(f"one fdatasync of 4 KiB in a file that does not grow: {sync_time(folder):.0f} µs (median)\n", flush=True)
        if options.syncs:
            for key, requests in combinations(options):
                fewer = max(requests // 5 // key[1], key[0]) * key[1]
                for name in options.servers:
                    print(syncs(run, name, *key, fewer), flush=True)
            return
        show_table(measure_all(run), options)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
