"""The servers that are compared, each a process on a folder of its own, and the C programs beside them: see compare.py and grow.py.

A server listens at a Unix socket in its folder and nowhere else. It is ended by the process id that was started, and its folder goes with it.
"""

import gzip
import itertools
import json
import os
import pathlib
import platform
import pwd
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
# How long the bodies of public chats are, in bytes, at 64 even steps from the shortest to the longest; drawn from where the chats themselves
# are not there. On average 200 bytes.
USUAL_LENGTHS = [
    5, 10, 15, 18, 21, 24, 25, 27, 30, 31, 31, 31, 31, 33, 36, 36, 39, 42, 45, 48, 49, 49, 49, 49, 54, 59, 64, 69, 76, 84, 90, 90, 97, 107, 118,
    130, 144, 156, 171, 185, 199, 213, 226, 240, 255, 270, 286, 303, 316, 332, 351, 370, 393, 415, 415, 432, 464, 497, 533, 575, 620, 704, 847,
    1149]


class Server:
    """A server process on a folder of its own, with a Unix socket in it."""

    name = ""
    user = None
    end_signal = signal.SIGTERM

    def __init__(self, parent):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="compare-", dir=parent))
        self.socket = self.folder / "socket"
        self.process = None
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.end()
            raise

    def prepare(self):
        pass

    def start(self):
        """Starts the process, and returns the seconds until it answers."""
        begun = time.perf_counter()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **as_user(self.user))
        self.wait_until_ready()
        return time.perf_counter() - begun

    def wait_until_ready(self):
        deadline = time.monotonic() + 300
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{self.name} does not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.002)

    def answers(self):
        """Whether a PING is answered by now."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.connect(str(self.socket))
                probe.sendall(b"*1\r\n$4\r\nPING\r\n")
                return probe.recv(100).startswith(b"+PONG")
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
            return False

    def stop(self):
        """Stops the process and leaves the folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.end_signal)
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Annals(Server):
    name = "Annals"
    setting = "as it comes: one fdatasync a batch before any of its answers"
    more = []

    def command(self):
        return [os.environ["ANNALSD"], "--data", self.data, "--socket", self.socket, *self.more]

    @property
    def data(self):
        return self.folder / "data"

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

    def call(self, *words):
        done = subprocess.run(["redis-cli", "-s", str(self.socket), *map(str, words)], capture_output=True, text=True)
        return done.stdout.strip()

    @staticmethod
    def version():
        text = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout
        return re.search(r"v=(\S+)", text).group(1)


class PostgreSQL(Server):
    """A cluster of its own, made anew by initdb (once a run; then copied).

    PostgreSQL refuses to run as root, so where we are root it gets the user that its package has made.

    The message id is unique in its tenant and day only: a unique index of a table that is partitioned by day must hold the day. An id that
    comes again on another day is therefore taken again; Annals finds it on any day.
    """

    name = "PostgreSQL"
    user = "postgres" if os.geteuid() == 0 else None
    end_signal = signal.SIGINT  # Ends connections and writes a checkpoint; at SIGTERM it would wait for clients.
    settings = {
        "listen_addresses": "''", "unix_socket_permissions": "0700", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
        "shared_buffers": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "max_connections": "300"}
    setting = ", ".join(f"{name} {value}" for name, value in settings.items() if name not in ("listen_addresses", "unix_socket_permissions"))
    SCHEMA = """
        CREATE TABLE messages (
            day date NOT NULL, at timestamptz NOT NULL, position bigint GENERATED ALWAYS AS IDENTITY,
            tenant text NOT NULL, conversation text NOT NULL, sender text NOT NULL, message_id text NOT NULL, body text NOT NULL,
            UNIQUE (tenant, message_id, day)
        ) PARTITION BY RANGE (day);
        CREATE INDEX timeline ON messages (tenant, conversation, at, position);"""
    programs = None
    template = None

    @classmethod
    def find(cls):
        """The newest PostgreSQL of the system's packages, or that in PATH."""
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        program = found[-1] if found else shutil.which("initdb")
        if not program:
            sys.exit("there is no PostgreSQL; Deploy/packages.sh benchmark installs it")
        cls.programs = pathlib.Path(program).parent

    @classmethod
    def version(cls):
        return subprocess.run([cls.programs / "postgres", "--version"], capture_output=True, text=True).stdout.split(maxsplit=2)[-1].strip()

    @classmethod
    def make_template(cls, parent):
        """An empty cluster in `parent`, to be copied for each server."""
        cls.find()
        if cls.user:
            # It must reach its folder, which lies in one of ours.
            os.chmod(parent, 0o711)
            for above in pathlib.Path(parent).resolve().parents:
                if not above.stat().st_mode & 0o001:
                    sys.exit(f"PostgreSQL runs as {cls.user}, who cannot reach {parent}; choose another --folder")
        template = pathlib.Path(parent, "cluster")
        template.mkdir(0o700)
        own(template, cls.user)
        checked([cls.programs / "initdb", "-D", template, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], user=cls.user)
        cls.template = template

    def prepare(self):
        own(self.folder, self.user)
        self.data = self.folder / "data"
        checked(["cp", "-a", self.template, self.data])

    def command(self):
        words = [self.programs / "postgres", "-D", self.data, "-c", f"unix_socket_directories={self.folder}"]
        for name, value in self.settings.items():
            words += ["-c", f"{name}={value.strip(chr(39))}"]
        return words

    def answers(self):
        # Asked by a client of its own, since "the system is starting up" is an answer, too.
        if not list(self.folder.glob(".s.PGSQL.*")):
            return False
        return subprocess.run([self.programs / "psql", *self.where(), "-Atqc", "SELECT 1"], capture_output=True, **as_user(self.user)).returncode == 0

    def where(self):
        return ["-h", str(self.folder), "-U", "bench", "-d", "postgres"]

    def ask(self, *statements):
        """Statements one by one, each a transaction of its own; the last one's rows as text."""
        words = [part for statement in statements for part in ("-c", statement)]
        return checked([self.programs / "psql", *self.where(), "-v", "ON_ERROR_STOP=1", "-XAtq", *words], user=self.user).strip()

    def create(self, first_day, days):
        """The table, and a partition for each day."""
        self.ask(self.SCHEMA)
        day = f"date '{first_day}'"
        self.ask(
            f"DO $$ BEGIN FOR number IN 0..{days - 1} LOOP EXECUTE format('CREATE TABLE messages_%s PARTITION OF messages FOR VALUES FROM (%L) "
            f"TO (%L)', to_char({day} + number, 'YYYYMMDD'), {day} + number, {day} + number + 1); END LOOP; END $$")


def as_user(user):
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": [], "cwd": "/"} if user else {}


def own(path, user):
    if user:
        shutil.chown(path, user)


def checked(command, user=None, **more):
    """What a program prints; its end with an error is ours."""
    if "input" not in more:
        more.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **as_user(user), **more)
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def compiled(name, folder, *libraries):
    program = pathlib.Path(folder, name)
    checked(["cc", "-O2", "-o", program, HERE / f"{name}.c", *libraries])
    return program


def lengths_file(folder, archives):
    """A file of body lengths, those of the public chats if they are there; and what they are, in words."""
    found = []
    for archive in sorted(pathlib.Path(archives).glob("*.jsonl.gz")):
        with gzip.open(archive, "rt") as lines:
            bodies = (json.loads(line).get("body") for line in lines if '"send"' in line)
            found += [len(body.encode()) for body in bodies if body]
    lengths = sorted(found) or USUAL_LENGTHS
    path = pathlib.Path(folder, "lengths")
    path.write_text("".join(f"{length}\n" for length in lengths))
    path.chmod(0o644)
    source = f"drawn from {len(found):,} messages of public chats" if found else "drawn from a table of lengths in public chats"
    return path, lengths, f"{source}, {statistics.mean(lengths):.0f} bytes on average"


def hardware(folder):
    """What this is measured on."""
    cpu = "unknown processor"
    with open("/proc/cpuinfo") as info:
        cpu = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    found = subprocess.run(["df", "--output=fstype", folder], capture_output=True, text=True).stdout.split()
    cores = len(os.sched_getaffinity(0))
    return (f"{cpu}, {cores} of {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, "
            f"data on {found[-1] if found else 'an unknown file system'}")


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


def settle_in(cores):
    """Keeps to so many cores, if a number is given, and makes signals end all as Ctrl-C does.

    That is through every `with`, so that no server and no folder stays. In the background of a script SIGINT would be ignored.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    if cores:
        os.sched_setaffinity(0, itertools.islice(sorted(os.sched_getaffinity(0)), cores))
