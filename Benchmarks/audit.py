"""What the audit tree costs, and what can be asked of it: see audit.sh, which starts this.

A daemon on a folder of its own gets messages of the last weeks, in 1,000 conversations, and some local deletes. Then, in one run:
pages as of a moment and pages of the present, interleaved; proofs and checkpoints; and, with the daemon stopped, 'annals audit verify',
'annals replay' and a plain scan of the same tables with LMDB alone, written in C, in turn. Machines differ and are shared: only ratios mean anything.
"""

import argparse
import itertools
import json
import os
import pathlib
import platform
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TENANT = "big"
CONVERSATIONS = 1_000
SENDERS = 20
VIEWER = "v"
HIDDEN_EACH = 20
PAGE = 50
DAY = 86_400_000
BODY_BYTES = 300
SECTIONS = ["asof", "proofs", "verify"]
# What the daemon is told to do without the audit tree. Only a build that knows it can be compared with itself; see --without-tree.
NO_TREE = {"ANNALS_BENCHMARK_NO_TREE": "1"}

# Walks the tables that a verification without bodies reads, and looks at each byte of every key and value. Files are handed out one by one.
SCAN = r"""
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *tables[] = {"trail", "ids", "timeline", "counts"};
static char **files;
static int count;
static atomic_int next_file;
static atomic_ulong rows, bytes, sum;

static void check(int code, const char *what) {
    if (code == 0) return;
    fprintf(stderr, "%s: %s\n", what, mdb_strerror(code));
    exit(1);
}

static uint64_t touch(MDB_val value) {
    const char *place = value.mv_data;
    uint64_t all = 0, word;
    size_t rest = value.mv_size;
    for (; rest >= 8; rest -= 8, place += 8) { memcpy(&word, place, 8); all += word; }
    for (; rest > 0; rest--) all += (unsigned char)*place++;
    return all;
}

static void scan(MDB_txn *transaction, const char *name) {
    MDB_dbi table;
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t seen = 0, size = 0, all = 0;
    check(mdb_dbi_open(transaction, name, 0, &table), name);
    check(mdb_cursor_open(transaction, table, &cursor), name);
    int code;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        all += touch(key) + touch(value);
        size += key.mv_size + value.mv_size;
        seen++;
    }
    if (code != MDB_NOTFOUND) check(code, name);
    mdb_cursor_close(cursor);
    rows += seen; bytes += size; sum += all;
}

static void *work(void *unused) {
    for (int index; (index = next_file++) < count;) {
        MDB_env *environment;
        MDB_txn *transaction;
        check(mdb_env_create(&environment), files[index]);
        check(mdb_env_set_maxdbs(environment, 16), files[index]);
        check(mdb_env_open(environment, files[index], MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0), files[index]);
        check(mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction), files[index]);
        for (int table = 0; table < 4; table++) scan(transaction, tables[table]);
        mdb_txn_abort(transaction);
        mdb_env_close(environment);
    }
    return unused;
}

int main(int argc, char **argv) {
    int threads = atoi(argv[1]);
    pthread_t others[64];
    files = argv + 2;
    count = argc - 2;
    for (int other = 1; other < threads; other++) check(pthread_create(&others[other], NULL, work, NULL), "thread");
    work(NULL);
    for (int other = 1; other < threads; other++) pthread_join(others[other], NULL);
    printf("%lu %lu %lu\n", rows, bytes, sum);
    return 0;
}
"""


def command(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Client:
    """One connection; answers as nested lists, or only waited for."""

    END = command("PING")
    PONG = b"+PONG\r\n"

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

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
        if not line:
            sys.exit("the daemon has closed the connection")
        return rest.decode()

    def map(self, *words):
        flat = self.ask(*words)
        return dict(zip(flat[::2], flat[1::2]))

    def timed(self, request):
        """Sends commands, and returns the milliseconds to their last answer, with the answers' bytes.

        A PING behind them says where the answers end, so that nothing is parsed while the clock runs.
        """
        found = bytearray()
        begun = time.perf_counter()
        self.socket.sendall(request + self.END)
        while not found.endswith(self.PONG):
            part = self.socket.recv(1 << 20)
            if not part:
                sys.exit("the daemon has closed the connection")
            found += part
        milliseconds = (time.perf_counter() - begun) * 1000
        if found[:1] == b"-" or b"\r\n-" in found:
            sys.exit(f"refused: {bytes(found[:200])!r}")
        return milliseconds, bytes(found[:-len(self.PONG)])


class Daemon:
    def __init__(self, folder, environment={}):
        self.folder = folder
        self.socket = folder / "socket"
        self.data = folder / "data"
        with open(folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [os.environ["ANNALSD"], "--data", self.data, "--socket", self.socket, "--purge-automatic", "no",
                 "--checkpoint-file", folder / "checkpoints"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environment)
        try:
            self.wait_until_ready()
        except BaseException:
            self.end()
            raise

    def wait_until_ready(self):
        deadline = time.monotonic() + 60
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"annalsd does not start:\n{(self.folder / 'log').read_text()}")
            try:
                return Client(self.socket).close()
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.01)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def settle(self):
        """Waits until everything is folded."""
        client = Client(self.socket)
        while client.map("STATS")["tail-events"]:
            time.sleep(0.02)
        client.close()


class Log:
    """What is put into the archive: message `number` is in conversation `number` modulo 1,000, and they follow each other in time."""

    def __init__(self, options):
        self.messages = options.messages
        self.end = int(time.time() * 1000) - 60_000
        self.begin = self.end - options.days * DAY

    def at(self, number):
        return self.begin + number * (self.end - self.begin) // self.messages

    # Numbers of a fixed width: then all lengths are known beforehand, and each message is a single formatting.
    TEMPLATE = (
        b"*8\r\n$4\r\nSEND\r\n$%d\r\n%s\r\n$6\r\nc%%05d\r\n$4\r\ns%%03d\r\n$11\r\nm%%010d\r\n$%d\r\n%s\r\n$2\r\nAT\r\n$13\r\n%%d\r\n"
        % (len(TENANT), TENANT.encode(), BODY_BYTES, b"x" * BODY_BYTES))

    def sends(self, start, end):
        return b"".join(
            self.TEMPLATE % (number % CONVERSATIONS, number % SENDERS, number, self.at(number)) for number in range(start, end))

    def deletes(self, dice):
        """In each conversation, one viewer has hidden some messages."""
        each = self.messages // CONVERSATIONS
        for conversation in range(CONVERSATIONS if each >= 10 else 0):
            numbers = dice.sample(range(each), min(HIDDEN_EACH, each // 10))
            ids = [f"m{number * CONVERSATIONS + conversation:010}" for number in numbers]
            yield command("LOCALDELETE", TENANT, f"c{conversation:05}", VIEWER, "ID", *ids)


def fill(daemon, log, dice):
    client = Client(daemon.socket)
    begun = time.monotonic()
    # What is unanswered must fit into the socket's buffer: a daemon whose answers nobody fetches reads no further.
    chunk = 1_000
    ahead = 0
    for start in range(0, log.messages, chunk):
        end = min(start + chunk, log.messages)
        client.socket.sendall(log.sends(start, end))
        ahead += end - start
        while ahead > 2 * chunk:
            client.answer()
            ahead -= 1
        if start % 200_000 == 0 and sys.stderr.isatty():
            print(f"\rfilling: {start:,} of {log.messages:,}", end="", file=sys.stderr)
    for _ in range(ahead):
        client.answer()
    for request in log.deletes(dice):
        client.socket.sendall(request)
        client.answer()
    client.close()
    daemon.settle()
    print(f"\rfilled with {log.messages:,} messages in {time.monotonic() - begun:.0f} s", file=sys.stderr)


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


# Questions as of a moment


def questions(log, dice):
    """A page at the end and one in the middle of a conversation: each as of now, of a time and of a position.

    The moments are in the later half of the log and the middle in the earlier one, so that every page can be full.
    """
    conversation = f"c{dice.randrange(CONVERSATIONS):05}"
    number = dice.randrange(log.messages // 2, log.messages)
    moments = {"now": [], "time": ["ASOF", log.at(number)], "position": ["ASOF", f"#{number + 1}"]}
    middle = dice.randrange(log.messages // 4, log.messages // 2)
    for place, cursor in (("newest", []), ("middle", ["BEFORE", f"{log.at(middle)}-{middle + 1}"])):
        for moment, words in moments.items():
            yield (place, moment), command("TIMELINE", TENANT, conversation, "VIEWER", VIEWER, *cursor, "COUNT", PAGE, *words)


def ask_as_of(daemon, log, options, dice):
    client = Client(daemon.socket)
    rounds, loops = [], []
    for number in range(options.rounds):
        times, found = {}, {}
        for turn in range(options.questions + options.questions // 10):
            asked = list(questions(log, dice))
            dice.shuffle(asked)
            for kind, request in asked:
                milliseconds, answer = client.timed(request)
                # The first ones warm up.
                if turn >= options.questions // 10:
                    times.setdefault(kind, []).append(milliseconds)
                    found[kind] = found.get(kind, 0) + answer.count(b"\r\nbody\r\n")
        loops.append([busy() for _ in range(options.questions)])
        rounds.append({kind: (quantile(each, 0.5), quantile(each, 0.99), found[kind] / len(each)) for kind, each in times.items()})
        progress("pages", number, options)
    client.close()
    rows = []
    for kind in rounds[0]:
        present = (kind[0], "now")
        rows.append({
            "place": kind[0], "as-of": kind[1],
            "p50": median(each[kind][0] for each in rounds), "p99": median(each[kind][1] for each in rounds),
            "messages": median(each[kind][2] for each in rounds),
            "p50-ratio": median(each[kind][0] / each[present][0] for each in rounds),
            "p99-ratio": median(each[kind][1] / each[present][1] for each in rounds)})
    rows.sort(key=lambda row: (row["place"] != "newest", ["now", "time", "position"].index(row["as-of"])))
    return {"pages": rows, "loop": {"p50": median(quantile(each, 0.5) for each in loops), "p99": median(quantile(each, 0.99) for each in loops)}}


def busy():
    """The milliseconds of a loop of about one of them: what is over that, the machine was elsewhere."""
    begun = time.perf_counter()
    for _ in range(50_000):
        pass
    return (time.perf_counter() - begun) * 1000


def show_as_of(rows, options):
    print(f"\nA page of {PAGE} of one of {CONVERSATIONS:,} conversations (goal: within 1.5 times of the present one, p99 under 2 ms)")
    print("| place | as of | messages | p50 ms | p99 ms | p50 : now | p99 : now |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for row in rows["pages"]:
        print(f"| {row['place']} | {row['as-of']} | {row['messages']:.1f} | {row['p50']:.3f} | {row['p99']:.3f} | {row['p50-ratio']:.2f} | "
              f"{row['p99-ratio']:.2f} |")
    print(f"The client alone, a loop that asks nobody: p50 {rows['loop']['p50']:.3f} ms, p99 {rows['loop']['p99']:.3f} ms")


# Proofs and checkpoints


def ask_proofs(daemon, log, options, dice):
    client = Client(daemon.socket)
    size = client.map("AUDIT.CHECKPOINT")["size"]
    rounds = []
    for number in range(options.rounds):
        alone = [client.timed(command("AUDIT.PROVE", dice.randint(1, size)))[0] for _ in range(options.proofs)]
        begun = time.perf_counter()
        for _ in range(0, options.proofs, 64):
            client.timed(b"".join(command("AUDIT.PROVE", dice.randint(1, size)) for _ in range(64)))
        pipelined = -(-options.proofs // 64) * 64 / (time.perf_counter() - begun)
        growth = [client.timed(command("AUDIT.CONSISTENCY", dice.randint(1, size)))[0] for _ in range(options.proofs // 4)]
        signing = []
        for turn in range(options.checkpoints):
            client.ask("SEND", "few", "c", "s", "*", "x")
            signing.append(client.timed(command("AUDIT.CHECKPOINT"))[0])
        rounds.append({
            "proofs-per-second": 1000 * len(alone) / sum(alone), "pipelined-per-second": pipelined,
            "proof-p50": quantile(alone, 0.5), "proof-p99": quantile(alone, 0.99), "consistency-p50": quantile(growth, 0.5),
            "consistency-p99": quantile(growth, 0.99), "checkpoint-p50": quantile(signing, 0.5), "checkpoint-p99": quantile(signing, 0.99)})
        progress("proofs", number, options)
    client.close()
    return {key: median(each[key] for each in rounds) for key in rounds[0]}


def show_proofs(row, options):
    print("\nProofs of random positions, and checkpoints of one new event each, by one client")
    print("| what | per second | p50 ms | p99 ms |")
    print("|---|--:|--:|--:|")
    print(f"| inclusion proof | {row['proofs-per-second']:,.0f} | {row['proof-p50']:.2f} | {row['proof-p99']:.2f} |")
    print(f"| inclusion proof, 64 in a pipeline | {row['pipelined-per-second']:,.0f} | | |")
    print(f"| consistency with an earlier size | | {row['consistency-p50']:.2f} | {row['consistency-p99']:.2f} |")
    print(f"| checkpoint | | {row['checkpoint-p50']:.2f} | {row['checkpoint-p99']:.2f} |")


# Verification


def timed_run(arguments):
    begun = time.perf_counter()
    done = subprocess.run([str(word) for word in arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    seconds = time.perf_counter() - begun
    if done.returncode != 0:
        sys.exit(f"{arguments[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds, done.stdout


def compiled_scan(folder):
    source, program = folder / "scan.c", folder / "scan"
    source.write_text(SCAN)
    timed_run(["cc", "-O2", "-o", program, source, "-llmdb", "-lpthread"])
    return program


def verify(data, folder, options):
    program = compiled_scan(folder)
    files = sorted((data / "partitions").glob("*.mdb"))
    timed_run([program, options.cores, *files])  # Into the file cache.
    work = {
        "verify": [os.environ["ANNALS"], "audit", "verify", data, "--checkpoints", folder / "checkpoints", "--json"],
        "replay": [os.environ["ANNALS"], "replay", data, "--json"],
        "scan, 1 thread": [program, 1, *files], f"scan, {options.cores} threads": [program, options.cores, *files]}
    seconds = {name: [] for name in work}
    events = rows = size = 0
    for number in range(options.rounds):
        for name in list(work) if number % 2 == 0 else reversed(work):
            took, said = timed_run(work[name])
            seconds[name].append(took)
            if name == "verify":
                events = json.loads(said)["events"]
            elif name != "replay":
                rows, size, _ = (int(word) for word in said.split())
        progress("verification", number, options)
    return {
        "events": events, "rows": rows, "bytes": size, "partitions": len(files),
        "work": [
            {"name": name, "seconds": median(took), "records-per-second": events / median(took),
             "ratios": {own: median(mine / other for mine, other in zip(seconds[own], took)) for own in ("verify", "replay")}}
            for name, took in seconds.items()]}


def show_verify(report, options):
    print(f"\n{report['events']:,} records in {report['partitions']} partitions; trail, ids, timeline, counts: {report['rows']:,} rows, "
          f"{report['bytes'] / 1e6:,.0f} MB (goals on two cores: verify 1,000,000 and replay 500,000 records a second)")
    print("| | seconds | records per second | verify takes so many times as long | and replay |")
    print("|---|--:|--:|--:|--:|")
    for row in report["work"]:
        print(f"| {row['name']} | {row['seconds']:.2f} | {row['records-per-second']:,.0f} | {row['ratios']['verify']:.2f} | "
              f"{row['ratios']['replay']:.2f} |")


# Appending with and without the tree


def append_rate(parent, options, environment):
    """Appends a second, until all of them are folded: what is put off to the fold counts as well."""
    log = Log(options)
    parts = 8
    each = options.messages // parts
    folder = pathlib.Path(tempfile.mkdtemp(prefix="appends-", dir=parent))
    try:
        requests = [[log.sends(start, min(start + 500, (part + 1) * each)) for start in range(part * each, (part + 1) * each, 500)]
                    for part in range(parts)]
        os.sync()
        with Daemon(folder, environment) as daemon:
            threads = [threading.Thread(target=append_all, args=(daemon.socket, some, each)) for some in requests]
            begun = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            daemon.settle()
            return parts * each / (time.perf_counter() - begun)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def append_all(path, requests, count):
    """Pipelines of 500 messages, one after the other. An answer is a line."""
    client = Client(path)
    answered = 0
    for number, request in enumerate(requests):
        client.socket.sendall(request)
        due = min(500 * (number + 1), count)
        while answered < due:
            part = client.socket.recv(1 << 18)
            if not part:
                sys.exit("the daemon has closed the connection")
            answered += part.count(b"\n")
    client.close()


def compare_appends(parent, options):
    rates = {"with": [], "without": []}
    for number in range(options.rounds):
        turns = [("with", {}), ("without", NO_TREE)]
        for name, environment in turns if number % 2 == 0 else reversed(turns):
            rates[name].append(append_rate(parent, options, environment))
        progress("appends", number, options)
    return {
        "with": median(rates["with"]), "without": median(rates["without"]),
        "ratio": median(own / other for own, other in zip(rates["with"], rates["without"]))}


def show_appends(row, options):
    print(f"\nAppends a second until they are folded, {options.messages:,} messages, the same build (goal: the tree costs at most 15 %)")
    print("| with the tree | without | with : without |")
    print("|--:|--:|--:|")
    print(f"| {row['with']:,.0f} | {row['without']:,.0f} | {row['ratio']:.2f} |")


# All of it


def median(values):
    return statistics.median(list(values))


def progress(what, number, options):
    if sys.stderr.isatty():
        end = "\n" if number + 1 == options.rounds else ""
        print(f"\r{what}: round {number + 1} of {options.rounds} done      ", end=end, file=sys.stderr)


def machine(parent, options):
    cpu = "unknown processor"
    with open("/proc/cpuinfo") as info:
        cpu = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    found = subprocess.run(["df", "--output=fstype", parent], capture_output=True, text=True).stdout.split()
    version = subprocess.run([os.environ["ANNALSD"], "--version"], capture_output=True, text=True).stdout.strip()
    return [
        f"{cpu}, {options.cores} of {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, "
        f"data on {found[-1] if found else '?'}",
        f"Annals {version}; {options.messages:,} messages of {BODY_BYTES} bytes in {options.days} days, {CONVERSATIONS:,} conversations, "
        f"up to {HIDDEN_EACH} hidden from the viewer in each; medians of {options.rounds} rounds; client on the same cores"]


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/audit.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2_000_000, help="how many are in the log (default 2,000,000)")
    parser.add_argument("--days", type=int, default=30, help="over how many days, and so partitions, they are spread (default 30)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; medians are shown (default 3)")
    parser.add_argument("--questions", type=int, default=1_000, help="pages of each kind in a round (default 1,000)")
    parser.add_argument("--proofs", type=int, default=1_000, help="inclusion proofs in a round (default 1,000)")
    parser.add_argument("--checkpoints", type=int, default=50, help="checkpoints in a round (default 50)")
    parser.add_argument("--cores", type=int, default=2, help="the cores that all of it may use, and the threads of the scan (default 2)")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="measure only this; may be repeated")
    parser.add_argument(
        "--without-tree", action="store_true",
        help="instead: appends with and without the audit tree; needs a daemon that heeds " + "=".join(*NO_TREE.items()))
    parser.add_argument("--seed", type=int, default=1, help="of conversations, moments and positions (default 1)")
    parser.add_argument("--folder", default=os.environ.get("TMPDIR", "/tmp"), help="where the data lies meanwhile")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args()
    counts = (options.days, options.rounds, options.questions, options.proofs, options.checkpoints)
    if options.messages < 8 * CONVERSATIONS or min(counts) < 1:
        parser.error(f"--messages must be at least {8 * CONVERSATIONS:,}, and all others at least 1")
    if not 1 <= options.cores <= min(64, len(os.sched_getaffinity(0))):
        parser.error("--cores must be at least 1, and not more than there are")
    return options


def measure(parent, options):
    dice = random.Random(options.seed)
    wanted = options.only or SECTIONS
    log = Log(options)
    report = {}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="audit-", dir=parent))
    try:
        with Daemon(folder) as daemon:
            fill(daemon, log, dice)
            if "asof" in wanted:
                report["as-of"] = ask_as_of(daemon, log, options, dice)
            if "proofs" in wanted:
                report["proofs"] = ask_proofs(daemon, log, options, dice)
            else:
                # Something for the verification to be compared with.
                Client(daemon.socket).ask("AUDIT.CHECKPOINT")
        if "verify" in wanted:
            report["verify"] = verify(folder / "data", folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


SHOW = {"as-of": show_as_of, "proofs": show_proofs, "verify": show_verify, "appends": show_appends}


def main():
    options = parse_arguments()
    # A signal ends this as Ctrl-C does: through every `with`, so that no daemon and no folder stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.sched_setaffinity(0, itertools.islice(sorted(os.sched_getaffinity(0)), options.cores))
    about = machine(options.folder, options)
    report = {"appends": compare_appends(options.folder, options)} if options.without_tree else measure(options.folder, options)
    if options.json:
        print(json.dumps({"about": about} | report))
        return
    print("\n".join(about))
    for name, part in report.items():
        SHOW[name](part, options)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
