"""Who a process is, and what can be known of its end: its number and start time, the boot, the OOM killer's counter.

Read from /proc and /sys without root; where a system has none of that, the fields are empty and nothing is claimed.
"""

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from socal_core.runs.files.records import ProcessRecord

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CGROUPS = Path("/proc/self/cgroup")
_CGROUP_MOUNT = Path("/sys/fs/cgroup")
_WHOLE_MACHINE = Path("/proc/vmstat")
_OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Process(ProcessRecord):
    """One process among all that ever had its number, and what became of it."""

    @property
    def lives(self) -> bool:
        """Whether this very process is there still; False too where it cannot be known."""
        return self.started is not None and self.boot == boot_id() and _start_time(self.pid) == self.started

    @property
    def rebooted_since(self) -> bool:
        """Whether the machine was started again since."""
        now = boot_id()
        return bool(self.boot and now) and self.boot != now

    @property
    def killed_for_memory(self) -> bool:
        """Of a process that has ended: whether the kernel's OOM killer struck since, where that was being counted."""
        now = _oom_kills(Path(self.oom_counter)) if self.oom_counter else None
        return self.oom_kills is not None and now is not None and now > self.oom_kills


def this_process() -> Process:
    """The process that asks, and the OOM killer's counter as it stands."""
    counter = _oom_counter()
    kills = None if counter is None else _oom_kills(counter)
    return Process(os.getpid(), _start_time(os.getpid()), boot_id(), str(counter or ""), kills)


def process_of(record: ProcessRecord | None) -> Process | None:
    """The process that a record tells of; None without one."""
    return None if record is None else Process(**asdict(record))


def boot_id() -> str:
    """The boot that the machine is in, empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat, man page proc(5); None for no such process."""
    try:
        # The second field is the program's name in brackets, which may hold blanks and brackets itself.
        return int(
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        )
    except (OSError, ValueError, IndexError):
        return None


def _oom_counter() -> Path | None:
    """The narrowest file that counts OOM kills: the process's control group (version 2, then 1), else the machine."""
    try:
        groups = [line.split(":", 2) for line in _CGROUPS.read_text(encoding="utf-8").splitlines()]
    except OSError:
        groups = []
    candidates = []
    for _, controllers, path in (group for group in groups if len(group) == 3):
        if not controllers:
            candidates.append(_CGROUP_MOUNT / path.lstrip("/") / "memory.events")
        elif "memory" in controllers.split(","):
            candidates.append(_CGROUP_MOUNT / "memory" / path.lstrip("/") / "memory.oom_control")
    return next((path for path in [*candidates, _WHOLE_MACHINE] if _oom_kills(path) is not None), None)


def _oom_kills(counter: Path) -> int | None:
    try:
        found = _OOM_KILLS.search(counter.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return int(found[1]) if found else None
