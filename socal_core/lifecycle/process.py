"""Who a process is, and what can be known of its end: its number and start time, the boot, the OOM killer's counter.

Read from /proc and /sys without root; where a system has none of that, the fields are empty and nothing is claimed.
"""

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CGROUPS = Path("/proc/self/cgroup")
_CGROUP_MOUNT = Path("/sys/fs/cgroup")
_WHOLE_MACHINE = Path("/proc/vmstat")
_OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Process:
    """One process among all that ever had its number."""

    pid: int
    started: int | None
    """Clock ticks between the boot and the start of the process."""
    boot: str
    """Differs from boot to boot."""
    oom_counter: str
    """The file in which the kernel counts its OOM kills, of the process's own control group where there is one."""
    oom_kills: int | None
    """What that file said."""

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

    def as_dict(self) -> dict[str, Any]:
        """What `process_from` takes."""
        return asdict(self)


def this_process() -> Process:
    """The process that asks, and the OOM killer's counter as it stands."""
    counter = _oom_counter()
    kills = None if counter is None else _oom_kills(counter)
    return Process(os.getpid(), _start_time(os.getpid()), boot_id(), str(counter or ""), kills)


def process_from(values: object) -> Process | None:
    """A process from what `as_dict` gave; None when the values are anything else."""
    if not isinstance(values, dict) or set(values) != set(Process.__annotations__):
        return None
    numbers = (values["pid"], values["started"], values["oom_kills"])
    texts = (values["boot"], values["oom_counter"])
    if not isinstance(values["pid"], int) or not all(number is None or isinstance(number, int) for number in numbers):
        return None
    return Process(**values) if all(isinstance(text, str) for text in texts) else None


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
