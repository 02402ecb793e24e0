"""Annals and Redis under the same load of redis-benchmark: see compare.sh, which starts this.

Every measurement has a server of its own: started on an empty folder, ended by the process id that was started. The order of the
two changes with every round, and the file system is synced before each, so that neither pays for the other's bytes.
"""

import argparse
import csv
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BODY_BYTES = 300
CONVERSATIONS = 50_000
WARM_UP_REQUESTS = 500
# Clients × pipeline, and so many requests that each takes a few seconds on two cores.
COMBINATIONS = {
    (1, 1): 6_000, (1, 16): 40_000, (16, 1): 50_000, (64, 1): 100_000, (256, 1): 120_000, (16, 16): 200_000, (64, 16): 400_000,
    (64, 64): 600_000, (256, 16): 400_000,
}
DEFAULT_COMBINATIONS = ["1x1", "16x1", "64x1", "256x1", "1x16", "64x16", "64x64"]


class Server:
    """A server process on a folder of its own, with a Unix socket in it."""

    name = ""

    def __init__(self, parent):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="compare-", dir=parent))
        self.socket = self.folder / "socket"
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.wait_until_ready()
        except BaseException:
            self.end()
            raise

    def wait_until_ready(self):
        deadline = time.monotonic() + 30
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{self.name} does not start:\n{(self.folder / 'log').read_text()}")
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                    probe.connect(str(self.socket))
                    return
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.005)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Annals(Server):
    name = "Annals"
    setting = "as it comes: one fdatasync a batch before any of its answers"

    def command(self):
        return [os.environ["ANNALSD"], "--data", self.folder / "data", "--socket", self.socket]

    # Random ids of three numbers: never one twice, as with real messages.
    load = ["SEND", "bench", "c__rand_int__", "s__rand_int__", "m__rand_int__-__rand_int__-__rand_int__", "x" * BODY_BYTES]

    @staticmethod
    def version():
        return subprocess.run([os.environ["ANNALSD"], "--version"], capture_output=True, text=True).stdout.strip()


class Redis(Server):
    name = "Redis"
    setting = "appendonly yes, appendfsync always, no snapshots, no rewriting of the file while it is measured"

    def command(self):
        return [
            "redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder, "--appendonly", "yes",
            "--appendfsync", "always", "--save", "", "--auto-aof-rewrite-percentage", "0", "--daemonize", "no"]

    # The least that keeps a body: one stream, one field, no name of anybody.
    load = ["XADD", "bench", "*", "body", "x" * BODY_BYTES]
    # What a chat would keep: a stream for each conversation, with sender and message id.
    full_load = [
        "XADD", "c__rand_int__", "*", "sender", "s__rand_int__", "id", "m__rand_int__-__rand_int__-__rand_int__", "body", "x" * BODY_BYTES]

    @staticmethod
    def version():
        text = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout
        return re.search(r"v=(\S+)", text).group(1)


def benchmark(server, clients, pipeline, requests):
    """Runs redis-benchmark. Returns requests/s, and the median and the 99th percentile of the latency in ms.

    Since version 6.2 it prints a line of headings and percentiles, before that only requests/s.
    """
    command = [
        "redis-benchmark", "-s", str(server.socket), "-c", str(clients), "-P", str(pipeline), "-n", str(requests),
        "-r", str(CONVERSATIONS), "--csv", *server.load]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    rows = list(csv.reader(line for line in done.stdout.splitlines() if line.startswith('"')))
    if done.returncode != 0 or len(rows) not in (1, 2) or "rror" in done.stdout + done.stderr:
        sys.exit(f"redis-benchmark against {server.name} failed:\n{done.stdout}{done.stderr}")
    headings = rows[0] if len(rows) == 2 else ["test", "rps"]
    row = dict(zip(headings, rows[-1]))
    return tuple(float(row.get(heading, "nan")) for heading in ("rps", "p50_latency_ms", "p99_latency_ms"))


def measure(kind, parent, clients, pipeline, requests):
    os.sync()
    with kind(parent) as server:
        benchmark(server, min(clients, 16), 1, WARM_UP_REQUESTS)
        return benchmark(server, clients, pipeline, requests)


def call(server, *words):
    """One command, its answer as text."""
    return subprocess.run(["redis-cli", "-s", str(server.socket), *words], capture_output=True, text=True).stdout


def syncs(kind, parent, clients, pipeline, requests):
    """How often each thread of a server calls fdatasync under the load, and how many batches it wrote."""
    with kind(parent) as server:
        trace = server.folder / "trace"
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "trace=fdatasync,fsync,write,pwrite64,writev", "-o", trace, "-p", str(server.process.pid)],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        batches = batches_of(server)
        benchmark(server, clients, pipeline, requests)
        batches = batches_of(server) - batches if batches is not None else None
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
        by_thread = {}
        appends = {}
        for line in trace.read_text(errors="replace").splitlines():
            thread, rest = line.split(maxsplit=1)
            if rest.startswith(("fdatasync(", "fsync(")):
                by_thread[thread] = by_thread.get(thread, 0) + 1
            # Redis writes its file's protocol, answers are lines that begin otherwise.
            if rest.startswith("write(") and '"*' in rest:
                appends[thread] = appends.get(thread, 0) + 1
    if not by_thread:
        sys.exit("strace saw nothing; it may not be allowed here (kernel.yama.ptrace_scope)")
    thread, count = max(by_thread.items(), key=lambda item: item[1])
    return count, batches if batches is not None else appends.get(thread, 0), sum(by_thread.values()) - count


def batches_of(server):
    if server.name != "Annals":
        return None
    answer = call(server, "STATS").split()
    return int(answer[answer.index("batches") + 1])


def machine(parent):
    """Lines that describe what this was measured on."""
    cpu = "unknown processor"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    found = subprocess.run(["df", "--output=fstype", parent], capture_output=True, text=True).stdout.split()
    file_system = found[-1] if found else "unknown"
    return [
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, data on {file_system}",
        f"Annals {Annals.version()}: {Annals.setting}",
        f"Redis {Redis.version()}: {Redis.setting}",
        f"Redis is sent {' '.join(Redis.load[:-1])} BODY",
        f"bodies of {BODY_BYTES} bytes, {CONVERSATIONS:,} conversations, random message ids; Unix socket; redis-benchmark on the same machine",
    ]


def sync_time(parent):
    """The median of one fdatasync of 4 KiB in a file that does not grow, in µs: what a lone client waits for at the least."""
    path = pathlib.Path(parent, f"sync-{os.getpid()}")
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, bytes(1 << 20), 0)
        os.fsync(file)
        times = []
        for number in range(300):
            os.pwrite(file, os.urandom(4096), number % 256 * 4096)
            begin = time.perf_counter()
            os.fdatasync(file)
            times.append(time.perf_counter() - begin)
        return statistics.median(times) * 1e6
    finally:
        os.close(file)
        path.unlink()


def show_table(results):
    print("| clients × pipeline | Annals req/s | p50 ms | p99 ms | Redis req/s | p50 ms | p99 ms | Annals : Redis | of each round |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|---|")
    for (clients, pipeline), pairs in results.items():
        annals = [statistics.median(values) for values in zip(*(pair["Annals"] for pair in pairs))]
        redis = [statistics.median(values) for values in zip(*(pair["Redis"] for pair in pairs))]
        ratios = [pair["Annals"][0] / pair["Redis"][0] for pair in pairs]
        print(
            f"| {clients} × {pipeline} | {annals[0]:,.0f} | {annals[1]:.2f} | {annals[2]:.2f} | {redis[0]:,.0f} | {redis[1]:.2f} | "
            f"{redis[2]:.2f} | {statistics.median(ratios):.2f} | {' '.join(f'{ratio:.2f}' for ratio in ratios)} |")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="Benchmarks/compare.sh", description="Annals and Redis under the same load, in turn.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is measured; medians are shown (default 3)")
    parser.add_argument("--scale", type=float, default=1, help="more or fewer requests, e.g. 0.1 for a quick look (default 1)")
    known = ", ".join(f"{clients}x{pipeline}" for clients, pipeline in COMBINATIONS)
    parser.add_argument(
        "--only", action="append", metavar="CLIENTSxPIPELINE", help=f"measure only this; may be repeated ({known}; default {' '.join(DEFAULT_COMBINATIONS)})")
    parser.add_argument(
        "--folder", default=os.environ.get("TMPDIR", "/tmp"), help="where both put their data; its file system is what is measured")
    parser.add_argument("--syncs", action="store_true", help="instead: count with strace how often each side syncs for a batch")
    parser.add_argument(
        "--same-fields", action="store_true",
        help="give Redis what Annals gets: a stream for each conversation, with sender and message id (default: one stream of bodies)")
    parser.add_argument("--json", action="store_true", help="also print every single measurement, as a line of JSON")
    return parser.parse_args()


def combinations(arguments):
    for text in arguments.only or DEFAULT_COMBINATIONS:
        key = tuple(int(number) for number in re.split("[x×]", text)) if re.fullmatch(r"\d+[x×]\d+", text) else None
        if key not in COMBINATIONS:
            sys.exit(f"--only cannot be '{text}'; see --help")
        clients, pipeline = key
        requests = max(int(COMBINATIONS[key] * arguments.scale), clients * pipeline)
        # Whole pipelines, or redis-benchmark would send more than it counts.
        yield key, requests - requests % pipeline


def main():
    arguments = parse_arguments()
    # A signal ends this as Ctrl-C does: through every `with`, so that no server stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if arguments.same_fields:
        Redis.load = Redis.full_load
    if arguments.syncs and not shutil.which("strace"):
        sys.exit("--syncs needs strace; install it with the system's packages")
    for line in machine(arguments.folder):
        print(line)
    print(f"one fdatasync of 4 KiB in a file that does not grow: {sync_time(arguments.folder):.0f} µs (median)\n")
    if arguments.syncs:
        for (clients, pipeline), requests in combinations(arguments):
            for kind in (Annals, Redis):
                count, batches, elsewhere = syncs(kind, arguments.folder, clients, pipeline, requests // 5)
                print(
                    f"{clients} × {pipeline} {kind.name}: {requests // 5 // pipeline * pipeline} requests in {batches} writes of the log, {count} syncs of the "
                    f"thread that answers, {elsewhere} of others", flush=True)
        return
    results = {}
    for round_number in range(arguments.rounds):
        for key, requests in combinations(arguments):
            pair = {}
            for kind in (Annals, Redis) if round_number % 2 == 0 else (Redis, Annals):
                pair[kind.name] = measure(kind, arguments.folder, *key, requests)
                if arguments.json:
                    print(json.dumps({"round": round_number + 1, "clients": key[0], "pipeline": key[1], "server": kind.name, "measured": pair[kind.name]}), flush=True)
            results.setdefault(key, []).append(pair)
            print(f"\rround {round_number + 1} of {arguments.rounds}: {key[0]} × {key[1]} done      ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    show_table(results)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
