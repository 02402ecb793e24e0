"""How Annals does as it grows: see grow.sh, which starts this.

For each size a daemon on a folder of its own gets so many messages of the last half year, in 100,000 conversations of 1,000 tenants: few
conversations with very many messages and many with few (a Zipf law), bodies as long as those of public chats. All is drawn with a seed
(Benchmarks/load.c). Then it is measured what an append, a page, a message, a start and a rebuild take at that size.

With --peers and --purge the same messages of 300 bytes are put into Redis and PostgreSQL, too: what they take on the disk, and what is
gone and what is left when the oldest day is destroyed. Machines differ and are shared: only ratios of one run mean much.
"""

import argparse
import datetime
import json
import mmap
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from audit import Client, command
from servers import Annals, PostgreSQL, Redis, checked, compiled, hardware, lengths_file, settle_in

TENANTS = 1_000
CONVERSATIONS = 100_000
SKEW = 1
VIEWER = "v"
PAGE = 50
DAY = 86_400_000
MIB = 1 << 20
# What a message may take on the disk; more is not begun.
ROOM_EACH = 1_200
# Bodies of the day that is purged that are looked for afterwards.
MARKS = 8


class Messages:
    """So many messages between two moments; load.c makes message number n of them."""

    def __init__(self, run, count, begin, end, bodies):
        self.run, self.count, self.begin, self.end = run, count, begin, end
        self.common = ["--seed", run.options.seed, "--tenants", TENANTS, "--conversations", CONVERSATIONS, "--skew", SKEW, *bodies]
        self.dated = [*self.common, "--whole", count, "--begin", begin, "--end", end]
        self.next_live = count

    def fill(self, server, protocol="annals", connections=8, pipeline=500):
        return self.append(server, self.dated, "--protocol", protocol, "--count", self.count, "--connections", connections, "--pipeline", pipeline)

    def append_live(self, server, count):
        """64 connections with pipelines of 64, messages of now."""
        self.next_live += count
        return self.append(
            server, self.common, "--from", self.next_live - count, "--count", count, "--connections", 64, "--pipeline", 64)

    def append(self, server, *words):
        return json.loads(checked(self.command(server, *words)))

    def command(self, server, common, *words):
        return [str(word) for word in (self.run.load, "append", "--socket", server.socket, *common, *words)]

    def background(self, server, rate=0):
        """Appends messages of now until it is stopped; at a rate in pipelines of 16."""
        first = self.next_live
        self.next_live += 1 << 32
        return Background(self.command(
            server, self.common, "--from", first, "--count", 1 << 32, "--connections", 64, "--pipeline", 16, "--rate", rate))

    def details(self, numbers):
        """Of each number a map with at, tenant, conversation, id and the mark of its body."""
        said = checked([self.run.load, "list", *self.dated], input="\n".join(map(str, numbers)))
        names = ["number", "at", "tenant", "conversation", "id", "mark"]
        return [dict(zip(names, line.split())) for line in said.splitlines()]


class Background:
    def __init__(self, words):
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def stop(self):
        """Ends it, and returns what it has measured, or None where the server was lost."""
        self.process.terminate()
        said, _ = self.process.communicate(timeout=60)
        return json.loads(said) if self.process.returncode == 0 and said else None

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Run:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.load = compiled("load", folder, "-lm")
        if options.bodies == "real":
            path, _, self.about_bodies = lengths_file(folder, options.chats)
            self.bodies = ["--lengths", path]
        else:
            self.bodies, self.about_bodies = ["--body", options.bodies], f"{options.bodies} bytes"
        # Until now, so that appends of now come behind them.
        self.end = int(time.time() * 1000) - 60_000


def settle(server):
    """Waits until everything is folded."""
    client = Client(server.socket)
    while client.map("STATS")["tail-events"]:
        time.sleep(0.02)
    client.close()


def rest(client):
    """Waits until upkeep rests, some times in a row: purge, reclaiming and compaction follow each other."""
    rests = 0
    while rests < 3:
        rests = rests + 1 if client.map("PURGE.STATUS")["state"] == "idle" else 0
        time.sleep(0.2)


def ask_once(server, *words):
    client = Client(server.socket)
    try:
        return client.map(*words)
    finally:
        client.close()


class Memory:
    """The most that the process had of each kind in MiB, at the moments that were looked at."""

    def __init__(self):
        self.most = {"RssAnon": 0, "RssFile": 0, "VmRSS": 0}

    def look(self, server):
        with open(f"/proc/{server.process.pid}/status") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in self.most:
                    self.most[name] = max(self.most[name], int(value.split()[0]) / 1024)


def disk(path):
    """What the file system gave, in bytes."""
    path = pathlib.Path(path)
    return sum(file.lstat().st_blocks * 512 for file in [path, *path.rglob("*")])


# One size


def measure_size(run, size):
    options = run.options
    memory = Memory()
    report = {"size": size}
    messages = Messages(run, size, run.end - options.days * DAY, run.end, run.bodies)
    with Annals(run.folder) as server:
        keep_all(server)
        begun = time.perf_counter()
        messages.fill(server)
        settle(server)
        report["filled-per-second"] = size / (time.perf_counter() - begun)
        memory.look(server)
        progress(f"{size:,}: filled")
        stats = ask_once(server, "STATS")
        report["body-bytes"] = stats["body-bytes"] / stats["messages"]
        report["conversations"], report["partitions"] = stats["conversations"], stats["partitions"]
        server.stop()
        report["disk"] = (disk(server.data) - disk(server.data / "journal")) / size
        report["journal"] = disk(server.data / "journal")
        report["start-clean"] = server.start()
        report["append"] = appends(run, server, messages, memory)
        progress(f"{size:,}: appended")
        files = question_files(run, messages)
        report["quiet"] = questions(run, server, files, warm_up=True)
        memory.look(server)
        with messages.background(server, report["append"]["rps"] / 2) as load:
            time.sleep(1)
            report["loaded"] = questions(run, server, files, warm_up=False)
            memory.look(server)
            report["load"] = load.stop()
        progress(f"{size:,}: asked")
        report["start-killed"] = killed_start(server, messages)
        settle(server)
        memory.look(server)
        server.stop()
        report["start-clean"] = max(report["start-clean"], server.start())
        report["events"] = ask_once(server, "STATS")["position"]
        server.stop()
        begun = time.perf_counter()
        checked([os.environ["ANNALSD"], "rebuild", "--data", server.data])
        report["rebuild-seconds"] = time.perf_counter() - begun
        report["memory"] = memory.most
    return report


def keep_all(server):
    """The oldest messages would expire while they are asked for."""
    ask_once(server, "RETENTION.SET", "SYSTEM", "2y", "REASON", "they are measured")


def appends(run, server, messages, memory):
    found = []
    for _ in range(run.options.rounds):
        os.sync()
        found.append(messages.append_live(server, run.options.appends))
        memory.look(server)
        settle(server)
    return {key: statistics.median(each[key] for each in found) for key in ("rps", "p50", "p99")}


def question_files(run, messages):
    """The questions of each kind. A conversation is asked for as often as there are messages in it."""
    dice = random.Random(run.options.seed)
    count = run.options.questions
    anywhere = messages.details(dice.randrange(messages.count) for _ in range(count))
    middle = messages.details(dice.randrange(messages.count // 4, 3 * messages.count // 4) for _ in range(count))
    asked = {
        "newest": [["TIMELINE", each["tenant"], each["conversation"], "VIEWER", VIEWER, "COUNT", PAGE] for each in anywhere],
        "middle": [["TIMELINE", each["tenant"], each["conversation"], "VIEWER", VIEWER, "BEFORE", f"{each['at']}-{int(each['number']) + 1}",
                    "COUNT", PAGE] for each in middle],
        "message": [["MESSAGE.GET", each["tenant"], each["id"], "VIEWER", VIEWER] for each in anywhere]}
    files = {}
    for kind, questions in asked.items():
        files[kind] = run.folder / f"questions-{kind}"
        files[kind].write_bytes(b"".join(command(*words) for words in questions))
    return files


def questions(run, server, files, warm_up):
    """One client, one question at a time; where it is to warm up, all of them twice."""
    found = {}
    for kind, path in files.items():
        words = [run.load, "ask", "--socket", server.socket, "--file", path]
        if warm_up:
            checked(words)
        found[kind] = json.loads(checked(words))
    return found


def killed_start(server, messages):
    """Seconds to the first answer after kill -9 in the midst of appends."""
    with messages.background(server) as load:
        time.sleep(1.5)
        server.kill()
        load.process.wait(60)
    return server.start()


def measure_rebuild(run):
    """The rebuild of a log whose messages are all of one day, and so in one partition."""
    end = run.end // DAY * DAY
    messages = Messages(run, run.options.rebuild_messages, end - DAY, end, run.bodies)
    with Annals(run.folder) as server:
        messages.fill(server)
        settle(server)
        stats = ask_once(server, "STATS")
        server.stop()
        seconds = []
        for _ in range(run.options.rounds):
            seconds.append(timed(lambda: checked([os.environ["ANNALSD"], "rebuild", "--data", server.data]))[0])
    progress("rebuilt")
    return {"events": stats["position"], "partitions": stats["partitions"], "seconds": statistics.median(seconds)}


def show_rebuild(each):
    rate = each["events"] / each["seconds"]
    print(f"\nRebuild of one partition: {each['events']:,} events in {each['seconds']:.2f} s, {rate:,.0f} a second (goal: 500,000)"
          f"{'' if rate >= 500_000 else ', missed'}")


def show_sizes(reports):
    first = reports[0]["append"]["rps"]
    print("\nAppends of now, 64 connections with pipelines of 64 (goal: at the largest size at least 0.8 times the first), and memory of the daemon, "
          "the most that was seen (goal: under 400 MiB)")
    print("| messages | mean body | conversations | partitions | filled a second | appends a second | p50 ms | p99 ms | : first | anonymous MiB | "
          "of files MiB | RSS MiB | |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
    for each in reports:
        append, memory, ratio = each["append"], each["memory"], each["append"]["rps"] / first
        missed = [word for word, is_so in (("appends missed", ratio < 0.8), ("memory missed", memory["VmRSS"] >= 400)) if is_so]
        print(f"| {each['size']:,} | {each['body-bytes']:.0f} | {each['conversations']:,} | {each['partitions']} | {each['filled-per-second']:,.0f} | "
              f"{append['rps']:,.0f} | {append['p50']:.2f} | {append['p99']:.2f} | {ratio:.2f} | {memory['RssAnon']:.0f} | {memory['RssFile']:.0f} | "
              f"{memory['VmRSS']:.0f} | {', '.join(missed)} |")
    print("RSS counts pages of the partitions' files that the process has mapped; the system takes them back when it needs them.")
    print(f"\nPages of {PAGE} and single messages, one client, warm (goals: a page p50 under 0.3 ms, p99 under 2 ms; a message p99 under 0.5 ms; p99 at most "
          "doubles while appends run at half of capacity)")
    print("| messages | what | messages found | p50 ms | p99 ms | p50 with appends | p99 with appends | with : without | |")
    print("|--:|---|--:|--:|--:|--:|--:|--:|---|")
    for each in reports:
        for kind, quiet in each["quiet"].items():
            loaded = each["loaded"][kind]
            ratio = loaded["p99"] / quiet["p99"]
            late = quiet["p99"] >= 0.5 if kind == "message" else quiet["p50"] >= 0.3 or quiet["p99"] >= 2
            missed = [word for word, is_so in (("missed", late), ("with appends missed", ratio > 2)) if is_so]
            print(f"| {each['size']:,} | {kind} | {quiet['found']:.1f} | {quiet['p50']:.3f} | {quiet['p99']:.3f} | {loaded['p50']:.3f} | {loaded['p99']:.3f} | "
                  f"{ratio:.2f} | {', '.join(missed)} |")
        if each["load"]:
            print(f"| {each['size']:,} | (the appends meanwhile: {each['load']['rps']:,.0f} a second) | | {each['load']['p50']:.3f} | {each['load']['p99']:.3f} | | | | |")
    print("\nStarts, to the first answer, the slower of two after a clean stop (goals: under 0.5 s after a clean stop, under 2 s after kill -9), rebuild of all indexes of all "
          "partitions, bytes on the disk for each message without the journal (goal for bodies of 300 bytes: under 1.6 times the body)")
    print("| messages | clean s | after kill -9 s | events by then | rebuild s | events a second | bytes each | : body | journal MB | |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
    for each in reports:
        rate, ratio = each["events"] / each["rebuild-seconds"], each["disk"] / each["body-bytes"]
        missed = [word for word, is_so in (
            ("clean start missed", each["start-clean"] >= 0.5), ("start after kill -9 missed", each["start-killed"] >= 2),
            ("bytes missed", round(each["body-bytes"]) == 300 and ratio >= 1.6)) if is_so]
        print(f"| {each['size']:,} | {each['start-clean']:.3f} | {each['start-killed']:.3f} | {each['events']:,} | {each['rebuild-seconds']:.2f} | {rate:,.0f} | {each['disk']:.0f} | "
              f"{ratio:.2f} | {each['journal'] / 1e6:.0f} | {', '.join(missed)} |", flush=True)


# The peers, with the same messages


class Peers:
    """The same messages in each, 300 bytes a body, over some days that end at the last midnight (UTC); then the oldest day is destroyed.

    Not only logs keep what was deleted. XTRIM marks an entry within a node of a stream as deleted, and the node is written to the RDB as it
    is. ANALYZE keeps samples of bodies in PostgreSQL's statistics, and DROP TABLE leaves them there until that table is vacuumed.
    """

    BODY = 300

    def __init__(self, run):
        self.run = run
        options = run.options
        end = int(time.time() * 1000) // DAY * DAY
        self.messages = Messages(run, options.peer_messages, end - options.peer_days * DAY, end, ["--body", self.BODY])
        self.first_day = datetime.datetime.fromtimestamp(self.messages.begin / 1000, datetime.timezone.utc).date()
        self.rows, self.purges = [], []
        dice = random.Random(options.seed)
        each = options.peer_messages // options.peer_days
        # Some of each day, by their bodies' marks: what is found of them in files is readable.
        self.looked_for = [self.messages.details(dice.randrange(day * each + 1, (day + 1) * each) for _ in range(MARKS)) for day in (0, 1)]
        self.marks = [[found["mark"].encode() for found in some] for some in self.looked_for]

    def measure(self):
        PostgreSQL.make_template(self.run.folder)
        for work in (self.annals, self.redis, self.postgresql):
            work()
            progress(f"peers: {work.__name__} done")
        return {"disk": self.rows, "purges": self.purges}

    def row(self, what, size, remark=""):
        self.rows.append({"what": what, "each": size / self.messages.count, "ratio": size / self.messages.count / self.BODY, "remark": remark})

    def purge_row(self, how, seconds, before, after, places, remark, day=0):
        left = {name: where() if callable(where) else found_in(where, self.marks[day]) for name, where in places.items()}
        self.purges.append({"how": how, "seconds": seconds, "before": before, "after": after, "remark": remark, "left": left})

    def annals(self):
        with Annals(self.run.folder) as server:
            keep_all(server)
            self.messages.fill(server)
            settle(server)
            partitions = server.data / "partitions"
            without_journal = lambda: disk(server.data) - disk(server.data / "journal")
            self.row("Annals, all files but the journal", without_journal(), f"and a journal of {disk(server.data / 'journal') / 1e6:.0f} MB")
            if not self.run.options.purge:
                return
            before = disk(server.data)
            client = Client(server.socket)
            seconds, plan = timed(lambda: client.map(
                "PURGE.PLAN", "SYSTEM", "FROM", self.messages.begin, "UNTIL", self.messages.begin + DAY, "ALL"))
            folders = {"partitions": partitions, "journal": server.data / "journal", "MESSAGE.GET": lambda: self.shown(client)}
            self.purge_row("Annals PURGE.PLAN", seconds, before, before, folders, f"{plan['messages']:,} messages, {plan['keys']:,} keys")
            seconds, _ = timed(lambda: client.ask("PURGE.RUN", plan["plan"], "CONFIRM", plan["messages"]))
            self.purge_row("Annals PURGE.RUN, to the receipt", seconds, before, disk(server.data), folders,
                           "the keys are destroyed; the files held only sealed bodies before, too")
            seconds, _ = timed(lambda: (rest(client), client.ask("COMPACT", str(self.first_day), "MINGAIN", 1), rest(client)))
            self.purge_row("… until compacted", seconds, before, disk(server.data), folders,
                           f"the day's trail stays: {disk(partitions / f'{self.first_day}.mdb') / 1e6:.1f} MB")

    def shown(self, client):
        """How many of the bodies that are looked for the daemon still gives out."""
        return sum(client.map("MESSAGE.GET", each["tenant"], each["id"])["body"] is not None for each in self.looked_for[0])

    def redis(self):
        with Redis(self.run.folder) as server:
            # One connection: in a stream ids must ascend.
            self.messages.fill(server, "redis-fields", 1, 1_000)
            files = server.folder / "appendonlydir"
            self.row("Redis, AOF as written", disk(files), f"and {self.memory_of(server) / self.messages.count:.0f} bytes of memory each")
            before = disk(files)
            if not self.run.options.purge:
                rewrite(server)
                self.row("Redis, AOF rewritten (an RDB)", disk(files))
                return
            client = Client(server.socket)
            memory = self.memory_of(server)
            seconds, trimmed = timed(lambda: trim(client, self.messages.begin + DAY))
            self.purge_row("Redis XTRIM of each stream", seconds, before, disk(files), {"AOF": files},
                           f"{trimmed:,} entries; memory {memory / 1e6:.0f} → {self.memory_of(server) / 1e6:.0f} MB")
            seconds, _ = timed(lambda: rewrite(server))
            self.purge_row("… and BGREWRITEAOF", seconds, before, disk(files), {"AOF": files}, "an RDB of the nodes that are left")
            left = self.messages.count - trimmed
            self.row("Redis, AOF rewritten (an RDB)", disk(files) * self.messages.count / left, "from what the purge left")

    @staticmethod
    def memory_of(server):
        return int(next(line for line in server.call("INFO", "memory").split() if line.startswith("used_memory:")).split(":")[1])

    def postgresql(self):
        with PostgreSQL(self.run.folder) as server:
            server.create(self.first_day, self.run.options.peer_days)
            base, log = server.data / "base", server.data / "pg_wal"
            empty = disk(base)
            words = [str(word) for word in (self.run.load, "copy", *self.messages.dated, "--count", self.messages.count)]
            with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as source:
                checked([server.programs / "psql", *server.where(), "-Xqc",
                         "COPY messages (day, at, tenant, conversation, sender, message_id, body) FROM STDIN"], user=server.user, stdin=source.stdout)
            server.ask("VACUUM ANALYZE messages", "CHECKPOINT")
            self.row("PostgreSQL, tables and indexes", disk(base) - empty, f"and a log (WAL) of {disk(log) / 1e6:.0f} MB")
            if not self.run.options.purge:
                return
            folders = {"tables": base, "WAL": log}
            table = lambda day: f"messages_{self.first_day + datetime.timedelta(day):%Y%m%d}"
            for how, statement, day in (
                    ("PostgreSQL DELETE", f"DELETE FROM messages WHERE day = '{self.first_day}'", 0),
                    ("… and VACUUM", f"VACUUM {table(0)}", 0),
                    ("PostgreSQL DROP TABLE, of the next day", f"DROP TABLE {table(1)}", 1)):
                before, written = disk(base), server.ask("SELECT pg_current_wal_lsn()")
                seconds, _ = timed(lambda: server.ask(statement))
                grown = int(server.ask(f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{written}')::bigint"))
                server.ask("CHECKPOINT")
                self.purge_row(how, seconds, before, disk(base), folders, f"{grown / 1e6:.1f} MB of WAL written; sizes without the WAL", day)


def timed(work):
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def trim(client, until):
    """XTRIM of every stream, 1,000 at a time."""
    keys = client.ask("KEYS", "*")
    trimmed = 0
    for start in range(0, len(keys), 1_000):
        some = keys[start:start + 1_000]
        client.socket.sendall(b"".join(command("XTRIM", key, "MINID", until) for key in some))
        trimmed += sum(client.answer() for _ in some)
    return trimmed


def rewrite(server):
    server.call("BGREWRITEAOF")
    while any(word in server.call("INFO", "persistence") for word in ("aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1")):
        time.sleep(0.1)
    # The old file is removed in the background.
    time.sleep(0.5)


def found_in(folder, marks):
    """How many of the marks can be found in a folder's files."""
    left = set(marks)
    for path in pathlib.Path(folder).rglob("*"):
        if not path.is_file() or path.stat().st_size == 0 or not left:
            continue
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
            left -= {mark for mark in left if content.find(mark) >= 0}
    return len(marks) - len(left)


def show_peers(report, options):
    print(f"\nBytes on the disk, the same {options.peer_messages:,} messages of {Peers.BODY} bytes of {options.peer_days} days (goal: under 1.6 times the body)")
    print("| | bytes each | : body | |")
    print("|---|--:|--:|---|")
    for row in report["disk"]:
        print(f"| {row['what']} | {row['each']:.0f} | {row['ratio']:.2f} | {row['remark']} |")
    if not report["purges"]:
        return
    print(f"\nThe purge of a day of {options.peer_messages // options.peer_days:,} messages, and how many of {MARKS} of its bodies can still be read in the files")
    print("| | seconds | MB before | MB after | bodies left | |")
    print("|---|--:|--:|--:|---|---|")
    for row in report["purges"]:
        left = ", ".join(f"{name} {count}" for name, count in row["left"].items())
        print(f"| {row['how']} | {row['seconds']:.3f} | {row['before'] / 1e6:.1f} | {row['after'] / 1e6:.1f} | {left} | {row['remark']} |")


# All of it


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text:<40}", end="", file=sys.stderr, flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/grow.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", default="1000000", metavar="N,N,…",
        help="messages in the store (default 1,000,000; the goals are for 1000000,10000000,50000000, which take long and some 60 GB; '': none)")
    parser.add_argument("--days", type=int, default=180, help="over how many days, and so partitions, they are spread (default 180)")
    parser.add_argument("--bodies", default="real", metavar="BYTES|real", help="bytes of a body, or real: as long as in public chats (default real)")
    parser.add_argument(
        "--chats", default="../shared/data", metavar="FOLDER", help="where archives of chats lie, *.jsonl.gz, whose lengths are taken")
    parser.add_argument("--rounds", type=int, default=3, help="how often appends are measured; medians are shown (default 3)")
    parser.add_argument("--appends", type=int, default=300_000, help="appends in a round (default 300,000)")
    parser.add_argument("--questions", type=int, default=2_000, help="questions of each kind (default 2,000)")
    parser.add_argument(
        "--rebuild-messages", type=int, default=500_000, help="messages of the one partition that is rebuilt by itself; 0: none (default 500,000)")
    parser.add_argument("--peers", action="store_true", help="also: bytes on the disk beside those of Redis and PostgreSQL")
    parser.add_argument("--purge", action="store_true", help="also: a day's purge beside those of Redis and PostgreSQL")
    parser.add_argument("--peer-messages", type=int, default=1_000_000, help="messages for --peers and --purge (default 1,000,000)")
    parser.add_argument("--peer-days", type=int, default=10, help="over how many days these are spread (default 10)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (default 1)")
    parser.add_argument("--cores", type=int, help="the cores that all of it may use (default: all)")
    parser.add_argument("--folder", default=os.environ.get("TMPDIR", "/tmp"), help="where the data lies meanwhile")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args()
    try:
        options.sizes = [int(size) for size in options.sizes.split(",") if size]
    except ValueError:
        parser.error("--sizes must be numbers, with commas between them")
    if min(options.sizes, default=1_000) < 1_000 or min(options.days, options.rounds, options.appends, options.questions) < 1:
        parser.error("--sizes must be at least 1,000, and all others at least 1")
    if options.peer_days < 3 or options.peer_messages < 100 * options.peer_days:
        parser.error("--peer-days must be at least 3, and --peer-messages a hundred times that")
    if options.bodies != "real" and not (options.bodies.isdecimal() and int(options.bodies) <= 65_536):
        parser.error("--bodies must be a number of bytes, 65,536 at the most, or real")
    each = ROOM_EACH + (int(options.bodies) if options.bodies != "real" else 0)
    if shutil.disk_usage(options.folder).free < max(options.sizes, default=0) * each:
        parser.error(f"there is too little room in {options.folder}: a message is reckoned to take {each:,} bytes")
    return options


def measure(run, options):
    report = {"about": [
        hardware(run.folder),
        f"Annals {Annals.version()}: {Annals.setting}; bodies: {run.about_bodies}; {TENANTS:,} tenants, {CONVERSATIONS:,} conversations after a Zipf law with "
        f"the exponent {SKEW}, {options.days} days, seed {options.seed}; Unix socket, client on the same cores"]}
    report["sizes"] = [measure_size(run, size) for size in options.sizes]
    if options.rebuild_messages:
        report["rebuild"] = measure_rebuild(run)
    if options.peers or options.purge:
        report["peers"] = Peers(run).measure()
        report["about"].append(f"Redis {Redis.version()}: {Redis.setting}; a stream for each conversation")
        report["about"].append(f"PostgreSQL {PostgreSQL.version()}: {PostgreSQL.setting}; partitions of a day, message id unique per tenant and day, index of timelines")
    return report


def main():
    options = parse_arguments()
    settle_in(options.cores)
    Annals.more = ["--purge-automatic", "no"]
    with tempfile.TemporaryDirectory(prefix="grow-", dir=options.folder, ignore_cleanup_errors=True) as folder:
        report = measure(Run(options, pathlib.Path(folder)), options)
    if options.json:
        print(json.dumps(report))
        return
    print("\n".join(report["about"]))
    if report["sizes"]:
        show_sizes(report["sizes"])
    if "rebuild" in report:
        show_rebuild(report["rebuild"])
    if "peers" in report:
        show_peers(report["peers"], options)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
