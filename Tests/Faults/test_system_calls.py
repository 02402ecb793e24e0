"""Every system call that annalsd makes fails once: it goes on correctly, or stops cleanly, and nothing that was answered is lost.

Which calls there are is read from a run that goes well. ANNALS_SYSCALL_FAULTS says how many of them fail (`all` in the deep form),
ANNALS_SYSCALL_FROM how many are left out before, ANNALS_SYSCALL_CALLS=pwrite64,fsync which calls, and ANNALS_SYSCALL_REPORT names a file that
gets a line for each.
"""

import collections
import os
import pathlib
import re
import subprocess
import time

import pytest

from system_calls import ERRORS, UNFAILING, Fault, Parts, in_order, listed, try_fault

FAULTS = os.environ.get("ANNALS_SYSCALL_FAULTS", "45")
FROM = int(os.environ.get("ANNALS_SYSCALL_FROM", 0))
CALLS = os.environ.get("ANNALS_SYSCALL_CALLS", "")
REPORT = os.environ.get("ANNALS_SYSCALL_REPORT")


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


@pytest.fixture(scope="module")
def parts(inject, numbers):
    parts = Parts(inject, numbers)
    yield parts
    parts.clean_up()


@pytest.fixture(scope="module")
def recorded(parts):
    return {part: parts.recorded(part) for part in parts.seeds}


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
    all_faults = [fault for fault in listed(recorded) if not CALLS or fault.call in CALLS.split(",")]
    table, findings = collections.defaultdict(collections.Counter), []
    wanted = in_order(all_faults, seed)[FROM:None if FAULTS == "all" else FROM + int(FAULTS)]
    for fault in wanted:
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


class NotYet(Exception):
    """Just what is known, and nothing else that might fail."""


def promise(truth, text):
    if not truth:
        raise NotYet(text)


def outcomes_of(parts, recorded, part, call, subject, error):
    """What comes of each occurrence of a call, one after the other."""
    count = sum(count for (_, *key), count in recorded[part].items() if key == [call, subject])
    assert count, f"there is no {call} of {subject}"
    for number in range(1, count + 1):
        outcome, log = try_fault(parts, Fault(part, call, subject, number, error))
        assert not outcome.startswith("FINDING"), outcome
        yield outcome, log


def test_a_digest_says_that_the_fold_has_failed(parts, recorded):
    newest = max(subject for _, _, subject in recorded["first"] if re.fullmatch(r"data/partitions/[0-9-]+\.mdb", subject))
    outcome, _ = next(outcomes_of(parts, recorded, "first", "openat", newest, "EIO"))
    assert outcome == "read only"


@pytest.mark.xfail(strict=False, reason="LMDB refuses readers, too, once a meta page could not be written (MDB_PANIC), until a restart")
def test_reads_go_on_after_a_meta_page_was_not_written(parts, recorded):
    for outcome, _ in outcomes_of(parts, recorded, "first", "pwrite64", "data/state.mdb", "EIO"):
        promise(outcome != "known panic", outcome)


@pytest.mark.xfail(strict=False, raises=NotYet, reason="libdispatch says to nobody that it has no signalfd: SIGTERM has no effect, mostly")
def test_a_daemon_that_cannot_watch_signals_does_not_start(parts, recorded):
    for outcome, _ in outcomes_of(parts, recorded, "second", "signalfd4", "-", "EMFILE"):
        promise(outcome != "known deaf", outcome)


@pytest.mark.xfail(strict=True, raises=NotYet, reason="WorkThread traps when its thread does not start, which is the world's doing")
def test_a_thread_that_does_not_start_is_told_in_a_sentence(parts, recorded):
    for outcome, log in outcomes_of(parts, recorded, "second", "clone3", "-", "EAGAIN"):
        promise(outcome != "trap", log[-300:])
