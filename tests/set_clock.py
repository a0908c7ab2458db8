"""Processes whose clock a test sets back, as far as programs can see: the machine keeps its own.

A small library in C comes before the system's (LD_PRELOAD), and shifts what it says of the time of day by the seconds
in a file. The times of files remain those of the machine, so that they lie in the future, as after a real change.
"""

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *shift;

__attribute__((constructor)) static void start(void) {
    const char *name = getenv("SOCAL_TEST_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(0, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) shift = found;
    close(file);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, id, now);
    if (!result && shift && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *shift;
    return result;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}
"""


class SetClock:
    """The clock of processes that are started with its variables."""

    def __init__(self, folder: Path) -> None:
        """Build the library.

        Raises:
            FileNotFoundError: There is no C compiler.
        """
        compiler = shutil.which("cc")
        if compiler is None:
            raise FileNotFoundError("a C compiler is needed to change the clock of a process: install gcc")
        library, source, self._file = folder / "clock.so", folder / "clock.c", folder / "clock"
        source.write_text(SOURCE)
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
        self.set(0)
        self.variables = {"LD_PRELOAD": str(library), "SOCAL_TEST_CLOCK": str(self._file)}

    def set(self, seconds: int) -> None:
        """Shift the clock of these processes.

        Args:
            seconds: The difference from that of the machine; negative to set it back.
        """
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))
