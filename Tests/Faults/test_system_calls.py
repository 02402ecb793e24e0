"""Every system call that annalsd makes fails once: it goes on correctly, or stops cleanly, and nothing that was answered is lost.

Which calls there are is read from a run that goes well. ANNALS_SYSCALL_FAULTS says how many of them fail (`all` in the deep form),
ANNALS_SYSCALL_PIECE=3/40 takes one part of 40 of all, and ANNALS_SYSCALL_REPORT names a file that gets a line for each.
"""

import collections
import errno
import hashlib
import os
import pathlib
import re
import subprocess
import time

import pytest

from daemon import ANNALSD
from faulty_life import FaultyDaemon, Finding, Life, check_afterwards, require, run_phases, verdict

FAULTS = os.environ.get("ANNALS_SYSCALL_FAULTS", "60")
PIECE = os.environ.get("ANNALS_SYSCALL_PIECE", "0/1")
REPORT = os.environ.get("ANNALS_SYSCALL_REPORT")
STOP_SECONDS = 30
SHORT = "SHORT"

# What each call may be answered with by the kernel when its arguments make sense.
ERRORS = {
    "open openat creat": "EMFILE EIO ENOMEM", "read pread64 readv preadv preadv2": "EIO EINTR",
    "write pwrite64 writev pwritev pwritev2": "EIO ENOSPC EINTR SHORT", "fsync fdatasync msync sync_file_range syncfs": "EIO ENOSPC",
    "rename renameat renameat2 link linkat symlink": "EIO ENOSPC", "unlink unlinkat rmdir": "EIO EACCES", "mkdir mkdirat": "EIO ENOSPC",
    "ftruncate truncate fallocate": "EIO ENOSPC EINTR", "flock": "EINTR ENOLCK", "fcntl": "EINTR ENOLCK EMFILE",
    "statfs fstatfs stat lstat fstat newfstatat statx access faccessat faccessat2 readlink readlinkat": "EIO ENOMEM",
    "chmod fchmod fchmodat chown fchown fchownat lchown utimensat": "EIO EPERM", "getdents64": "EIO ENOMEM", "lseek": "EIO",
    "mmap mremap mprotect munmap brk": "ENOMEM", "mlock mlock2 munlock": "ENOMEM EPERM", "madvise fadvise64": "ENOMEM EAGAIN",
    "clone3 clone fork vfork": "EAGAIN ENOMEM", "dup dup2 dup3 pipe2 eventfd2 timerfd_create signalfd4 epoll_create epoll_create1": "EMFILE ENOMEM",
    "socket socketpair": "EMFILE ENOBUFS", "bind": "EADDRINUSE EACCES", "listen": "EADDRINUSE", "connect": "EAGAIN EACCES",
    "accept accept4": "EMFILE ECONNABORTED EINTR", "getsockopt setsockopt getsockname getpeername": "ENOBUFS", "shutdown": "ENOTCONN",
    "sendto sendmsg recvfrom recvmsg": "ENOMEM EINTR", "epoll_ctl": "ENOMEM ENOSPC", "epoll_wait epoll_pwait epoll_pwait2": "EINTR",
    "getrandom": "EINTR EAGAIN", "close": "EIO EINTR", "ioctl": "EIO", "sigaltstack": "ENOMEM", "prlimit64 setrlimit setpriority": "EPERM",
    "copy_file_range sendfile": "EIO ENOSPC EINTR", "prctl": "EINVAL", "sysinfo sched_getaffinity": "EFAULT", "nanosleep clock_nanosleep": "EINTR",
    "poll ppoll select pselect6": "EINTR",
}
# These do not fail when their arguments make sense.
UNFAILING = set(
    "futex sched_yield gettid getpid getppid getuid geteuid getgid getegid getpgrp tgkill exit exit_group rt_sigreturn rt_sigprocmask rt_sigsuspend "
    "rt_sigaction arch_prctl set_tid_address set_robust_list rseq clock_gettime clock_getres gettimeofday times getrusage uname umask "
    "restart_syscall timerfd_settime execve getcwd sched_getscheduler sched_getparam sched_setscheduler membarrier".split())

# How a stream's answer differs from a file's.
ON_SOCKETS = {"read": "ECONNRESET EINTR", "readv": "ECONNRESET EINTR", "write": "EPIPE EINTR EAGAIN SHORT", "writev": "EPIPE EINTR EAGAIN SHORT"}

Fault = collections.namedtuple("Fault", "part call subject number error")


def errors_of(call, subject):
    if subject == "socket" and call in ON_SOCKETS:
        return ON_SOCKETS[call].split()
    return next((errors for calls, errors in ERRORS.items() if call in calls.split()), "EIO").split()


@pytest.fixture(scope="module")
def inject(tmp_path_factory):
    program = tmp_path_factory.mktemp("inject") / "inject"
    subprocess.run(["cc", "-O1", "-Wall", "-o", program, pathlib.Path(__file__).with_name("inject.c")], check=True)
    return program


@pytest.fixture(scope="module")
def numbers():
    """The calls' names and numbers, as the system's own header has them."""
    done = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], capture_output=True, text=True, check=True)
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", done.stdout)}


class Parts:
    """The three processes of a life, each begun on files of its own: a first start, a start on what is there, a command."""

    def __init__(self, inject, numbers):
        self.inject, self.numbers = inject, numbers
        self.made = []
        self.seeds = {"first": Life(self.keep(FaultyDaemon()))}
        self.seeds["second"] = self.after("first")
        self.seeds["rotation"] = self.after("second")

    def keep(self, daemon):
        self.made.append(daemon)
        return daemon

    def after(self, part):
        life = self.fresh(part)
        self.keep(life.daemon)
        life.daemon.start()
        self.run(part, life)
        require(life.daemon.stop() == 0, life.daemon.log_text())
        return life

    def fresh(self, part):
        seed = self.seeds[part]
        return seed.copy_for(seed.daemon.copy())

    @staticmethod
    def run(part, life, between=lambda phase: None):
        if part == "first":
            run_phases(life, Life.first_phases, between)
        if part == "second":
            run_phases(life, Life.phases, between)

    def clean_up(self):
        for daemon in self.made:
            daemon.clean_up()

    def recorded(self, part):
        """How often each call is made about what, by phase."""
        life, counts, seen = self.fresh(part), collections.Counter(), 0
        daemon = life.daemon
        names = {number: name for name, number in self.numbers.items()}

        def note(phase):
            nonlocal seen
            lines = daemon.call_log.read_text().splitlines()
            for line in lines[seen:]:
                require(not line.startswith("broken"), line)
                number, subject = line.split(" ", 1)
                counts[phase, names[int(number)], subject] += 1
            seen = len(lines)

        daemon.injection = lambda daemon: [self.inject, daemon.call_log, f"{daemon.folder}/", "record"]
        try:
            if part == "rotation":
                require(daemon.offline("rotate-signing-key", "--data", daemon.data, "--signing-key-file", daemon.settings["signing_key_file"]) == 0, "")
                note("rotation")
                return counts
            daemon.start()
            note("start")
            self.run(part, life, note)
            require(daemon.stop() == 0, daemon.log_text())
            note("stop")
            return counts
        finally:
            daemon.clean_up()


@pytest.fixture(scope="module")
def parts(inject, numbers):
    parts = Parts(inject, numbers)
    yield parts
    parts.clean_up()


@pytest.fixture(scope="module")
def recorded(parts):
    return {part: parts.recorded(part) for part in parts.seeds}


def listed(recorded):
    """Every occurrence of every call, with every error that fits."""
    for part, counts in recorded.items():
        totals = collections.Counter()
        for (_, call, subject), count in counts.items():
            totals[call, subject] += count
        for (call, subject), count in totals.items():
            if call in UNFAILING:
                continue
            for number in range(1, count + 1):
                for error in errors_of(call, subject):
                    yield Fault(part, call, subject, number, error)


def chosen(faults, seed):
    """By a hash with the seed, so that pieces fit together though runs differ a little. First one of each call, then one about each file."""
    piece, pieces = map(int, PIECE.split("/"))
    marked = []
    for fault in faults:
        mark = hashlib.sha256(f"{seed} {fault}".encode()).digest()
        if int.from_bytes(mark[:4], "big") % pieces == piece:
            marked.append((mark, fault))
    of_call, of_subject, rows = collections.Counter(), collections.Counter(), []
    for mark, fault in sorted(marked):
        rows.append((of_call[fault.call] > 0, of_subject[fault.call, fault.subject], mark, fault))
        of_call[fault.call] += 1
        of_subject[fault.call, fault.subject] += 1
    rows.sort()
    wanted = len(rows) if FAULTS == "all" else int(FAULTS)
    return [row[-1] for row in rows[:wanted]]


def hit_by(daemon):
    """Whether the fault was met, and what else the injector says."""
    text = daemon.call_log.read_text() if daemon.call_log.exists() else ""
    require("broken" not in text, text)
    return text.startswith("hit")


def ended(daemon, fault):
    """Waits for the end of a daemon that was told to stop or has stopped; gives its exit code."""
    try:
        code = daemon.stop()
    except subprocess.TimeoutExpired:
        raise Finding(f"hangs at its stop: {daemon.log_text()[-300:]}") from None
    check_code(code, daemon, fault)
    return code


def check_code(code, daemon, fault):
    """A failure ends with a line of its own, which names the file if it was one of the daemon's."""
    text = daemon.log_text()
    require(code in (0, 1), f"ended with {code}: {text[-300:]}")
    if code:
        last = (text.strip().splitlines() or [""])[-1]
        require(last.startswith("annalsd: ") or fault.subject == "log", f"ended with 1, and its last line is {last}")
        is_own = fault.subject.startswith(("data", "outside"))
        require(not is_own or str(daemon.folder) in last, f"ended with 1, and its last line names no file: {last}")


def live_through(parts, fault, life):
    """The life with the fault in it. Gives what came of it."""
    daemon = life.daemon
    if fault.part == "rotation":
        code = daemon.offline("rotate-signing-key", "--data", daemon.data, "--signing-key-file", daemon.settings["signing_key_file"])
        check_code(code, daemon, fault)
        return "refused" if code else "went on"
    daemon.start(wait=False)
    try:
        daemon.wait_until_ready()
    except AssertionError:
        require(daemon.process.poll() is not None, "hangs at its start")
        ended(daemon, fault)
        return "did not start"
    life.patient = True
    parts.run(fault.part, life)
    stopped_early = daemon.process.poll() is not None
    code = ended(daemon, fault)
    if stopped_early:
        return "stopped"
    if "nothing is appended any more" in daemon.log_text():
        return "read only"
    if code:
        return "failed at the stop"
    return "an answer failed" if life.complaints else "went on"


def try_fault(parts, fault):
    """Gives what came of a fault: an outcome, or a sentence that begins with `FINDING`."""
    life = parts.fresh(fault.part)
    daemon = life.daemon
    code = 0 if fault.error == SHORT else getattr(errno, fault.error)
    words = [str(parts.numbers[fault.call]), fault.subject, str(fault.number), str(code)]
    daemon.injection = lambda daemon: [parts.inject, daemon.call_log, f"{daemon.folder}/", *words]
    try:
        try:
            outcome = live_through(parts, fault, life)
            if not hit_by(daemon):
                outcome = "not met"
            verdict(daemon) if outcome not in ("not met", "did not start") else None
            before = daemon.log_text()
            check_afterwards(life)
            return outcome, before
        except Finding as finding:
            return f"FINDING {finding}", daemon.log_text()
    finally:
        daemon.clean_up()


def report(fault, outcome, log):
    line = " ".join(map(str, fault)) + ": " + outcome.replace("\n", " | ")
    if REPORT:
        with open(REPORT, "a") as file:
            file.write(line + "\t" + log[-700:].replace("\n", " | ") + "\n")
    return line


def test_every_call_of_the_run_is_known(recorded):
    """What no run has made before is looked at by a person: whether it can fail, and how."""
    known = UNFAILING.union(*(calls.split() for calls in ERRORS))
    calls = {call for counts in recorded.values() for _, call, _ in counts}
    unknown = calls - known
    assert not unknown
    for wanted in ("fdatasync", "pwrite64", "rename", "unlink", "accept4", "mmap", "clone3", "mlock"):
        assert wanted in calls
    subjects = {subject for _, _, subject in recorded["second"]}
    assert any(subject.endswith(".mdb.compact") for subject in subjects) and "data/vault/keyring.new" in subjects
    phases = collections.defaultdict(collections.Counter)
    for part, counts in recorded.items():
        for (phase, call, _), count in counts.items():
            phases[part, phase][call] += count
    for (part, phase), counter in phases.items():
        print(part, phase, " ".join(f"{call}:{count}" for call, count in counter.most_common() if call not in UNFAILING))


def test_each_call_fails_once(parts, recorded):
    seed = os.environ.get("ANNALS_SEED", str(time.time_ns() % 1_000_000_007))
    print(f"ANNALS_SEED={seed}")
    all_faults = list(listed(recorded))
    table, findings = collections.defaultdict(collections.Counter), []
    for fault in chosen(all_faults, seed):
        outcome, log = try_fault(parts, fault)
        line = report(fault, outcome, log)
        if outcome.startswith("FINDING"):
            findings.append(line)
            outcome = "finding"
        table[fault.call][outcome] += 1
    for call, outcomes in sorted(table.items()):
        print(call, " ".join(f"{outcome.replace(' ', '-')}={count}" for outcome, count in sorted(outcomes.items())))
    print(f"{sum(sum(outcomes.values()) for outcomes in table.values())} of {len(all_faults)} faults injected, {len(findings)} findings")
    assert not findings, "\n".join(findings)
