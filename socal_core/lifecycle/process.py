"""The identity of a process and the cause of its end, from its start time, the boot id and the count of OOM kills.

These are read from /proc and /sys without root. On systems without them, the fields are empty and no cause is known.
"""

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from socal_core.runs.activity import ProcessRecord

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CGROUPS = Path("/proc/self/cgroup")
_CGROUP_MOUNT = Path("/sys/fs/cgroup")
_WHOLE_MACHINE = Path("/proc/vmstat")
_OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Process(ProcessRecord):
    """A process, and whether it still exists."""

    @property
    def lives(self) -> bool:
        """Whether this process still exists; False also if that cannot be determined."""
        return self.started is not None and self.boot == boot_id() and _start_time(self.pid) == self.started

    @property
    def rebooted_since(self) -> bool:
        """Whether the machine has been restarted since the process started."""
        now = boot_id()
        return bool(self.boot and now) and self.boot != now

    @property
    def killed_for_memory(self) -> bool:
        """Whether the OOM killer has killed a process since; for a process that has ended, this is the likely cause."""
        now = _oom_kills(Path(self.oom_counter)) if self.oom_counter else None
        return self.oom_kills is not None and now is not None and now > self.oom_kills


def this_process() -> Process:
    """Return the current process, with the current count of OOM kills."""
    counter = _oom_counter()
    kills = None if counter is None else _oom_kills(counter)
    return Process(os.getpid(), _start_time(os.getpid()), boot_id(), str(counter or ""), kills)


def process_of(record: ProcessRecord | None) -> Process | None:
    """Return the process that a record describes; None for None."""
    return None if record is None else Process(**asdict(record))


def boot_id() -> str:
    """Return the id of the current boot; empty if the system does not have one."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _start_time(pid: int) -> int | None:
    """Return the start time of a process, field 22 of /proc/PID/stat (see proc(5)); None if it does not exist."""
    try:
        # The second field is the name of the program in parentheses, which may contain spaces and parentheses.
        return int(
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        )
    except (OSError, ValueError, IndexError):
        return None


def _oom_counter() -> Path | None:
    """Return the most specific file that counts OOM kills: of the control group (version 2 or 1) or of the machine."""
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
