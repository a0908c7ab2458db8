"""The order in which runs wait for their turn: `order.json` in the folder of the queue, changed under `order.lock`.

The list names the folders of runs. An entry counts only while a worker holds the lock of that run, so the entry of one
that was killed is passed over. This module loads no heavy library, because processes that wait use it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from socal_core.json_files import read_json
from socal_core.runs.activity import LOCK_FILE, job_folder
from socal_core.storage import is_locked, locked, write_json
from socal_core.workspace import workspace

POLL_SECONDS = 0.25
"""Time between two looks at the order."""


def queue_folder() -> Path:
    """Return the folder of the queue, and create it if it is missing."""
    folder = workspace() / "queue"
    folder.mkdir(exist_ok=True)
    return folder


def order_content() -> bytes:
    """Return the written order, so that a process can check cheaply whether it has changed; empty if there is none."""
    try:
        return _order_file().read_bytes()
    except FileNotFoundError:
        return b""


def entry_of(run: Path) -> str:
    """Return the path that the order names for a run: its own, or that of the cross-validation that trains it."""
    return str(job_folder(run).resolve())


@contextmanager
def locked_order() -> Iterator[list[str]]:
    """Lock the order, without runs whose worker has died, and write it afterwards if it has changed."""
    with locked(queue_folder() / "order.lock"):
        written = _read_order()
        order = _alive(written)
        yield order
        if order != written:
            write_json(_order_file(), order)


def place_in(order: list[str], entry: str) -> int:
    """Return the place of an entry, from 1; an entry that is missing, as in a damaged order, is added at the end."""
    if entry not in order:
        order.append(entry)
    return order.index(entry) + 1


def current_order() -> list[str]:
    """Return the entries of the runs that wait; none if the queue has no folder and cannot get one."""
    try:
        return _alive(_read_order())
    except OSError:
        return []


def is_alive(entry: str) -> bool:
    """Check whether a worker holds the lock of the run that an entry names."""
    try:
        return is_locked(Path(entry) / LOCK_FILE)
    except (OSError, ValueError):  # a damaged file names a place that nobody may open, or none that there can be
        return False


def waiting_text(place: int) -> str:
    """Say what the run at this place in the order, from 1, waits for."""
    return "Waiting for another run to end" if place == 1 else f"Waiting: number {place} in the queue"


def _read_order() -> list[str]:
    """Read the order; it is empty if the file is missing or damaged, and waiting workers then add themselves again."""
    file = _order_file()
    try:
        order = read_json(file)
    except (OSError, ValueError):
        return []
    return [path for path in order if isinstance(path, str)] if isinstance(order, list) else []


def _alive(order: list[str]) -> list[str]:
    return [path for path in dict.fromkeys(order) if is_alive(path)]


def _order_file() -> Path:
    return queue_folder() / "order.json"
