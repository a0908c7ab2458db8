"""The queue of runs: one run per GPU of the machine, or one on the CPU, is active, and the others wait in order.

A workspace has one queue. Its folder contains the list of the waiting runs (lifecycle/queue_order.py) and a lock file
for each slot. Like the lock of a run, a slot is held by an open file descriptor, so a worker that is killed frees its
slot, and one that dies while it waits is skipped. A run of the background waits in a small process until it is the
first of the list (lifecycle/waiting.py), and only then for a slot here.

A cross-validation is one entry of the list, and each of its folds takes a slot of its own. Between two folds, the runs
that wait for a slot take their turn.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from socal_core.errors import RunError
from socal_core.file_handles import os_reason
from socal_core.lifecycle.further import inherited
from socal_core.lifecycle.gpus import visible_gpus
from socal_core.lifecycle.queue_order import (
    POLL_SECONDS,
    current_order,
    entry_of,
    locked_order,
    place_in,
    queue_folder,
    waiting_text,
)
from socal_core.lifecycle.state import RunState, write_status
from socal_core.runs.cross_validation import check_is_single
from socal_core.runs.folder import FORMAT, RunFolder
from socal_core.runs.model_choice import local_folder
from socal_core.settings import TINY, TrainConfig
from socal_core.storage import try_lock, write_json


@contextmanager
def slot(
    run: RunFolder, check_stop: Callable[[], None], notify: Callable[[str], None]
) -> Iterator[tuple[str, ...] | None]:
    """Wait for the run's turn and hold its slot inside the `with` block. The worker of the run calls this.

    Args:
        run: The run.
        check_stop: Is called repeatedly while waiting; raises if the run should stop.
        notify: Receives a message for the user about what the run waits for.

    Yields:
        The GPUs that the run may use, in the form of CUDA_VISIBLE_DEVICES; None on the CPU.

    Raises:
        RunError: The queue cannot be written, or the machine has fewer GPUs than the run needs.
    """
    gpus = visible_gpus()
    slots = gpus or ("cpu",)
    try:
        write_status(run, RunState.QUEUED)
        taken = _wait(run, slots, check_stop, notify)
    except OSError as error:
        reason = os_reason(error)
        raise RunError(f"Run {run.name} cannot wait in the queue: {reason}. Fix that and resume it.") from None
    try:
        yield tuple(taken) if gpus else None
    finally:
        for handle in taken.values():
            os.close(handle)


def waiting() -> list[RunFolder]:
    """Return the runs that wait for their turn, in order."""
    return [RunFolder(Path(path)) for path in current_order()]


def position(run: RunFolder) -> int | None:
    """Return the position of a run in the queue, from 1; None if it does not wait."""
    order = current_order()
    return order.index(_entry(run)) + 1 if _entry(run) in order else None


def enter(run: RunFolder) -> None:
    """Add a run to the end of the queue. The caller holds its lock, so runs are in the order of their starts."""
    with locked_order() as order:
        if _entry(run) in order:  # left by an earlier worker
            order.remove(_entry(run))
        order.append(_entry(run))


def move(run: RunFolder, to: int) -> None:
    """Move a waiting run to another position.

    Args:
        run: The run.
        to: The new position, from 1.

    Raises:
        RunError: The run no longer waits.
    """
    with _os_errors_explained(run), locked_order() as order:
        _check_waiting(run, order)
        order.remove(_entry(run))
        order.insert(max(0, to - 1), _entry(run))


def edit(run: RunFolder, config: TrainConfig) -> None:
    """Change the settings of a waiting run.

    Args:
        run: The run.
        config: The new settings.

    Raises:
        RunError: The run has started, now or before, has the split of another run, or is a cross-validation, so its
            settings are fixed.
        ConfigError: The model is a checkpoint of a run, and a setting would change the split (lifecycle/further.py).
    """
    check_is_single(run)
    origin, split = inherited(config, run.read_data())
    folder = None if config.model.model == TINY else local_folder(config.model.model)
    if folder is not None:
        config = config.replace(model=str(folder.resolve()))  # the worker runs in another folder
    # A run starts under the same lock, and reads its settings after that.
    with _os_errors_explained(run), locked_order() as order:
        _check_waiting(run, order)
        if run.split_file.exists():
            raise RunError(
                f"The settings of run {run.name} cannot be changed: it has started before, or it trains the model of "
                "another run further. Start a new run for other settings."
            )
        run.origin_file.unlink(missing_ok=True)  # it describes the previous model
        run.write_origin(origin, split)
        kept = {"format": FORMAT, "data": str(run.read_data()), "data_options": run.read_data_options().as_dict()}
        write_json(run.config_file, {**kept, **config.as_dict()})


def _wait(
    run: RunFolder, slots: Sequence[str], check_stop: Callable[[], None], notify: Callable[[str], None]
) -> dict[str, int]:
    """Wait for the slots of a run; return the descriptors of their locks, by slot."""
    reported = ""
    while True:
        check_stop()
        number, taken = _try(run, slots)
        if taken:
            return taken
        text = waiting_text(number)
        if text != reported:
            notify(text)
            reported = text
        time.sleep(POLL_SECONDS)


def _try(run: RunFolder, slots: Sequence[str]) -> tuple[int, dict[str, int]]:
    """Return the position of the run, from 1, and its slots if it is the first and enough are free; then it leaves."""
    with locked_order() as order:
        number = place_in(order, _entry(run))
        taken = _take(slots, _slots_of(run, len(slots))) if number == 1 else {}
        if taken:
            order.remove(_entry(run))
        return number, taken


def _slots_of(run: RunFolder, available: int) -> int:
    """Return how many slots the run needs; raise a RunError if the machine has fewer."""
    needed = run.read_config().processes
    if needed > available:
        raise RunError(
            f"gpus: run {run.name} asks for {needed}, but this machine has {available}. Start a run with fewer."
        )
    return needed


def _take(slots: Sequence[str], count: int) -> dict[str, int]:
    """Take `count` free slots, or none if fewer are free."""
    taken: dict[str, int] = {}
    for name in slots:
        if len(taken) < count and (handle := try_lock(_slot_file(name))) is not None:
            # This process may become torchrun, which then holds the slot.
            os.set_inheritable(handle, True)
            taken[name] = handle
    if len(taken) == count:
        return taken
    for handle in taken.values():
        os.close(handle)
    return {}


def _check_waiting(run: RunFolder, order: list[str]) -> None:
    if _entry(run) not in order:
        raise RunError(f"Run {run.name} is no longer waiting: it has started or ended. Reload the page.")


@contextmanager
def _os_errors_explained(run: RunFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"Run {run.name} cannot be changed: {os_reason(error)}.") from None


def _entry(run: RunFolder) -> str:
    return entry_of(run.path)


def _slot_file(name: str) -> Path:
    return queue_folder() / f"slot-{name.replace('/', '-')}.lock"
