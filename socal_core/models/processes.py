"""Divide work among the processes of a run, which torchrun started, and give its results to all of them."""

import pickle
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch.distributed as dist

Item = TypeVar("Item")
Result = TypeVar("Result")


def process_count() -> int:
    """Return the number of processes that have joined; 1 without torchrun."""
    return dist.get_world_size() if dist.is_initialized() else 1


def compute_shares(items: Sequence[Item], compute: Callable[[Sequence[Item]], Sequence[Result]]) -> list[Result]:
    """Compute a result for each item: each process computes its share, and receives the results of all.

    All processes call this with the same items. An error in one of them is raised in all, as soon as each has computed
    its share, so none waits for results that do not come.

    Args:
        items: The items. The process of rank r takes every n-th one, from the r-th on.
        compute: Returns a result for each of the given items, in order. It must not exchange anything with other
            processes.

    Returns:
        The results of all items, in order.
    """
    count = process_count()
    if count == 1:
        return list(compute(items))
    own: tuple[list[Result], BaseException | None] = ([], None)
    share = items[dist.get_rank() :: count]
    try:
        own = (list(compute(share)) if share else [], None)
    except BaseException as error:  # noqa: BLE001 - raised below, after the others know
        own = ([], _sendable(error))
    found: list[tuple[list[Result], BaseException | None]] = [own] * count
    dist.all_gather_object(found, own)
    errors = [error for _, error in found if error is not None]
    if errors:
        raise errors[0]
    return [found[index % count][0][index // count] for index in range(len(items))]


def seen_by_any(seen: bool) -> bool:
    """Check whether any process has seen something. All processes call this at the same point."""
    found = [seen] * process_count()
    if len(found) > 1:
        dist.all_gather_object(found, seen)
    return any(found)


def _sendable(error: BaseException) -> BaseException:
    """Return an error that can be sent to another process: itself, or a plain one with its text."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what this process has just written
    except Exception:  # noqa: BLE001 - whatever the error's own class raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def whole_progress(progress: Callable[[int, int], None], total: int, done_before: int = 0) -> Callable[[int], None]:
    """Return a function that reports the progress of all processes, given the number of its own items that are done.

    Args:
        progress: Called with the number of items that are done, and of all items.
        total: The number of all items.
        done_before: The number of those that no process has to compute.
    """
    return lambda done: progress(min(done_before + done * process_count(), total), total)
