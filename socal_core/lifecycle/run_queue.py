"""Whose turn it is: one run for each GPU of the machine, or one on the CPU; others wait in an order.

A workspace has one queue, a folder: `order.json`, the folders of the runs that wait, changed under `order.lock`; and a
lock file for each slot. A slot is held as a run's own lock is, by an open descriptor that goes with the process, so a
worker that was killed frees its slot, and one that dies while it waits is passed over.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from socal_core.errors import RunError
from socal_core.lifecycle.further import inherited
from socal_core.lifecycle.gpus import visible_gpus
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.folder import FORMAT, RunFolder
from socal_core.runs.model_choice import local_folder
from socal_core.settings import TINY, TrainConfig
from socal_core.storage import is_locked, locked, try_lock, write_json
from socal_core.workspace import workspace

_POLL_SECONDS = 0.25


@contextmanager
def slot(
    run: RunFolder, check_stop: Callable[[], None], notify: Callable[[str], None]
) -> Iterator[tuple[str, ...] | None]:
    """Wait until it is the run's turn, and hold its slot inside the `with`; called by the run's worker.

    Gives the GPUs that the run may use, as CUDA_VISIBLE_DEVICES takes them; None on the CPU. `check_stop` is asked all
    the time and raises when the run is to stop; `notify` is told, in words for the user, what the run waits for.
    """
    gpus = visible_gpus()
    slots = gpus or ("cpu",)
    try:
        write_status(run, RunState.QUEUED)
        taken = _wait(run, slots, check_stop, notify)
    except OSError as error:
        raise RunError(f"Run {run.name} cannot wait in the queue: {error.strerror}. Fix that and resume it.") from None
    try:
        yield tuple(taken) if gpus else None
    finally:
        for handle in taken.values():
            os.close(handle)


def waiting() -> list[RunFolder]:
    """The runs that wait for their turn, the next one first."""
    return [RunFolder(Path(path)) for path in _living(_read_order())]


def position(run: RunFolder) -> int | None:
    """A run's place among those that wait, 1 for the next one; None when it does not wait."""
    order = _living(_read_order())
    return order.index(_key(run)) + 1 if _key(run) in order else None


def enter(run: RunFolder) -> None:
    """Put a run at the end of the queue; called with the run's lock held, so that its place is that of its start."""
    with _changing() as order:
        if _key(run) in order:  # left by an earlier worker
            order.remove(_key(run))
        order.append(_key(run))


def move(run: RunFolder, to: int) -> None:
    """Give a waiting run another place, 1 for the next one; RunError when it does not wait any more."""
    with _words(run), _changing() as order:
        _refuse_begun(run, order)
        order.remove(_key(run))
        order.insert(max(0, to - 1), _key(run))


def edit(run: RunFolder, config: TrainConfig) -> None:
    """Change the settings of a waiting run.

    Raises:
        RunError: It has begun, now or before, or has the split of another run: it keeps its settings.
        ConfigError: The model is a checkpoint of a run, and a setting would change the split (lifecycle/further.py).
    """
    origin, split = inherited(config, run.read_data())
    folder = None if config.model.model == TINY else local_folder(config.model.model)
    if folder is not None:
        config = config.replace(model=str(folder.resolve()))  # the worker runs in another folder
    # A run begins under the same lock, and reads its settings after that.
    with _words(run), _changing() as order:
        _refuse_begun(run, order)
        if run.split_file.exists():
            raise RunError(
                f"Run {run.name} keeps its settings: it has started before, or it trains another run's model further. "
                "Start a new run for other settings."
            )
        run.origin_file.unlink(missing_ok=True)  # of the model that it had before
        run.write_origin(origin, split)
        kept = {"format": FORMAT, "data": str(run.read_data()), "data_options": run.read_data_options().as_dict()}
        write_json(run.config_file, {**kept, **config.as_dict()})


def _wait(
    run: RunFolder, slots: Sequence[str], check_stop: Callable[[], None], notify: Callable[[str], None]
) -> dict[str, int]:
    """Wait for a run's slots; returns their lock's descriptors by slot."""
    told = ""
    while True:
        check_stop()
        place, taken = _try(run, slots)
        if taken:
            return taken
        text = "Waiting for another run to end" if place == 1 else f"Waiting: number {place} in the queue"
        if text != told:
            notify(text)
            told = text
        time.sleep(_POLL_SECONDS)


def _try(run: RunFolder, slots: Sequence[str]) -> tuple[int, dict[str, int]]:
    """The run's place, from 1, and its slots when it was the first and there were enough: then it waits no more."""
    with _changing() as order:
        if _key(run) not in order:
            order.append(_key(run))
        place = order.index(_key(run)) + 1
        taken = _take(slots, _slots_of(run, len(slots))) if place == 1 else {}
        if taken:
            order.remove(_key(run))
        return place, taken


def _slots_of(run: RunFolder, there: int) -> int:
    """How many slots the run asks for; RunError when the machine has fewer."""
    asked = run.read_config().processes
    if asked > there:
        raise RunError(f"gpus: run {run.name} asks for {asked}, this machine has {there}. Start it with fewer.")
    return asked


def _take(slots: Sequence[str], count: int) -> dict[str, int]:
    """Take that many free slots, or none."""
    taken: dict[str, int] = {}
    for name in slots:
        if len(taken) < count and (handle := try_lock(_slot_file(name))) is not None:
            # The process may become torchrun, which then holds the slot.
            os.set_inheritable(handle, True)
            taken[name] = handle
    if len(taken) == count:
        return taken
    for handle in taken.values():
        os.close(handle)
    return {}


def _refuse_begun(run: RunFolder, order: list[str]) -> None:
    if _key(run) not in order:
        raise RunError(f"Run {run.name} is no longer waiting: it has started or ended. Reload the page.")


@contextmanager
def _words(run: RunFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be changed: {error.strerror}.") from None


@contextmanager
def _changing() -> Iterator[list[str]]:
    """The order, without the dead, for this process alone; written afterwards when it was changed."""
    with locked(_folder() / "order.lock"):
        written = _read_order()
        order = _living(written)
        yield order
        if order != written:
            write_json(_order_file(), order)


def _read_order() -> list[str]:
    """The order as written; empty when there is none or it is damaged: who waits then enters again."""
    try:
        order = json.loads(_order_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [path for path in order if isinstance(path, str)] if isinstance(order, list) else []


def _living(order: list[str]) -> list[str]:
    return [path for path in dict.fromkeys(order) if is_locked(RunFolder(Path(path)).lock_file)]


def _key(run: RunFolder) -> str:
    return str(run.path.resolve())


def _order_file() -> Path:
    return _folder() / "order.json"


def _slot_file(name: str) -> Path:
    return _folder() / f"slot-{name.replace('/', '-')}.lock"


def _folder() -> Path:
    folder = workspace() / "queue"
    folder.mkdir(exist_ok=True)
    return folder
