"""One system call of the daemon fails once: which calls there are, which errors fit, and what comes of it."""

import collections
import errno
import hashlib
import subprocess

from faulty_life import FaultyDaemon, Finding, Life, check_afterwards, require, run_phases

STOP_SECONDS = 10
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

# Where the runtime, SwiftNIO or libdispatch end the process with a signal, since they take no refusal. Told as outcomes of their own, and what
# was answered is looked for as after all others.
TRAPPING = set("brk mmap mremap mprotect munmap clone3 eventfd2 epoll_create epoll_create1 timerfd_create".split())

# How a stream's answer differs from a file's.
ON_SOCKETS = {"read": "ECONNRESET EINTR", "readv": "ECONNRESET EINTR", "write": "EPIPE EINTR EAGAIN SHORT", "writev": "EPIPE EINTR EAGAIN SHORT"}

Fault = collections.namedtuple("Fault", "part call subject number error")


def errors_of(call, subject):
    if subject.startswith("anon_inode:") and call in ("read", "write"):
        return ["EINTR"]
    if subject == "socket" and call in ON_SOCKETS:
        return ON_SOCKETS[call].split()
    return next((errors for calls, errors in ERRORS.items() if call in calls.split()), "EIO").split()


def rotate(daemon):
    return daemon.offline("rotate-signing-key", "--data", daemon.data, "--signing-key-file", daemon.settings["signing_key_file"])


class Parts:
    """The three processes of a life, each begun on files of its own: a first start, a start on what is there, a command."""

    def __init__(self, inject, numbers):
        self.inject, self.numbers = inject, numbers
        self.made = []
        self.seeds = {"first": Life(self.keep(FaultyDaemon()))}
        try:
            self.seeds["second"] = self.after("first")
            self.seeds["rotation"] = self.after("second")
        except BaseException:
            self.clean_up()
            raise

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
                require(rotate(daemon) == 0, daemon.log_text())
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


def in_order(faults, seed):
    """In the order of a hash with the seed, so that pieces fit together: first one of each call, then one about each file, then all."""
    marked = sorted((hashlib.sha256(f"{seed} {fault}".encode()).digest(), fault) for fault in faults)
    of_call, of_subject, rows = collections.Counter(), collections.Counter(), []
    for mark, fault in marked:
        rows.append((of_call[fault.call] > 0, of_subject[fault.call, fault.subject], mark, fault))
        of_call[fault.call] += 1
        of_subject[fault[:3]] += 1
    rows.sort()
    return [row[-1] for row in rows]


def hit_by(daemon):
    """Whether the fault was met, and what else the injector says."""
    text = daemon.call_log.read_text() if daemon.call_log.exists() else ""
    require("broken" not in text, text)
    return text.startswith("hit")


def ended(life, fault):
    """Waits for the end of a daemon that was told to stop or has stopped; gives its exit code."""
    daemon = life.daemon
    try:
        if daemon.process.poll() is None:
            daemon.process.terminate()
        code = daemon.process.wait(STOP_SECONDS)
        daemon.process = None
    except subprocess.TimeoutExpired:
        require(fault.call == "signalfd4", f"hangs at its stop: {daemon.log_text()[-300:]}")
        life.known.add("deaf")
        daemon.kill()
        return 0
    check_code(code, daemon, fault)
    return code


def check_code(code, daemon, fault):
    """A failure ends with a line of its own, which names the file if it was one of the daemon's."""
    text = daemon.log_text()
    if code < 0 and fault.call in TRAPPING and fault.subject == "-":
        return
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
        code = rotate(daemon)
        check_code(code, daemon, fault)
        return "trap" if code < 0 else "did not start" if code else "went on"
    daemon.start(wait=False)
    try:
        daemon.wait_until_ready()
    except AssertionError:
        require(daemon.process.poll() is not None, "hangs at its start")
        return "did not start" if ended(life, fault) >= 0 else "trap"
    life.patient = True
    parts.run(fault.part, life)
    stopped_early = daemon.process.poll() is not None
    code = ended(life, fault)
    if code < 0:
        return "trap"
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
            elif life.known:
                outcome = f"known {' '.join(sorted(life.known))}"
            before = daemon.log_text()
            check_afterwards(life)
            return outcome, before
        except Finding as finding:
            return f"FINDING {finding}", daemon.log_text()
    finally:
        daemon.clean_up()
