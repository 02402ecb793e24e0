"""A daemon whose clocks are those of the machine and what a test says.

A shim that is loaded into it adds what a mapped file says to its clocks: the wall's, and the one that counts sleep. `CLOCK_MONOTONIC` is left
alone, so wall and boot time going on together is a machine that slept.
"""

import mmap
import os
import shutil
import struct
import subprocess

import pytest

from daemon import Daemon

SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offsets;  /* Seconds and nanoseconds: of the wall, of the time since the machine's start. */

__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("ANNALS_CLOCK_SHIM"), O_RDONLY | O_CLOEXEC);
    void *map = mmap(0, 32, PROT_READ, MAP_SHARED, file, 0);
    if (file < 0 || map == MAP_FAILED) abort();
    offsets = map;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (syscall(SYS_clock_gettime, clock, time)) return -1;
    int place = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? 0 : clock == CLOCK_BOOTTIME ? 2 : -1;
    if (place < 0 || !offsets) return 0;
    time->tv_sec += offsets[place];
    time->tv_nsec += offsets[place + 1];
    if (time->tv_nsec >= 1000000000) { time->tv_nsec -= 1000000000; time->tv_sec++; }
    return 0;
}
"""


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("clang") or pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("shim")
    (folder / "shim.c").write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", folder / "shim.so", folder / "shim.c"], check=True)
    return folder / "shim.so"


class Shifted(Daemon):
    """A daemon whose clocks are those of the machine and what the test says."""

    def __init__(self, library, **settings):
        super().__init__(**settings)
        self.library, self.offsets = library, self.folder / "offsets"
        self.offsets.write_bytes(bytes(32))
        with open(self.offsets, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 32)

    def start(self, wait=True, **settings):
        os.environ.update(LD_PRELOAD=str(self.library), ANNALS_CLOCK_SHIM=str(self.offsets))
        try:
            return super().start(wait, **settings)
        finally:
            del os.environ["LD_PRELOAD"], os.environ["ANNALS_CLOCK_SHIM"]

    def shift(self, wall=0, slept=0):
        """What the wall clock and the time since the machine's start are ahead of the real ones, in seconds."""
        parts = [part for seconds in (wall, slept) for part in (int(seconds // 1), int((seconds % 1) * 1e9))]
        # At once: who looks at both clocks in between would see one that was set.
        self.map[0:32] = struct.pack("<4q", *parts)
