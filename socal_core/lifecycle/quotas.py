"""The limits of `server.toml` on runs: how many of a user may wait or be active, and how much disk all may take."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from socal_core.access.server_config import Quotas, read_server_config
from socal_core.access.users import User
from socal_core.errors import RunError
from socal_core.lifecycle.trash import TRASH, list_trash, size_of, size_of_folder
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_runs
from socal_core.storage import is_locked, locked
from socal_core.workspace import runs_root, workspace

MOST_NAMED = 3
"""The number of runs that a message proposes to delete."""


@contextmanager
def within_quotas(user: User) -> Iterator[None]:
    """Check the quotas, and keep other users from starting runs inside the `with` block, which starts one.

    Args:
        user: Who starts it.

    Raises:
        RunError: A quota is reached. The message says how to get below it; nothing is deleted.
        SocalError: The configuration of the server cannot be read.
    """
    quotas = read_server_config().quotas
    if quotas.queued_runs_per_user is None and quotas.runs_gb is None:
        yield
        return
    with locked(workspace() / ".start.lock"):
        check_quotas(quotas, user, runs_root())
        yield


def check_quotas(quotas: Quotas, user: User, root: Path) -> None:
    """Check that a user may start one more run below a folder of runs.

    Raises:
        RunError: A quota is reached.
    """
    runs = list_runs(root)
    unfinished = [run for run in runs if is_locked(run.lock_file)]
    if quotas.queued_runs_per_user is not None:
        _check_number([run for run in unfinished if run.read_owner() == user.name], quotas.queued_runs_per_user)
    if quotas.runs_gb is not None:
        _check_disk([run for run in runs if run not in unfinished], user, root, quotas.runs_gb)


def _check_number(own: Sequence[RunFolder], limit: int) -> None:
    if len(own) >= limit:
        names = ", ".join(run.name for run in own[:MOST_NAMED]) + (" and others" if own[MOST_NAMED:] else "")
        raise RunError(
            f"You have {len(own)} runs that wait or are active ({names}), and this server allows {limit} per user. "
            "Wait until one has ended, or stop one."
        )


def _check_disk(ended: Sequence[RunFolder], user: User, root: Path, limit_gb: float) -> None:
    used = size_of_folder(root)
    if used < limit_gb * 1e9:
        return
    own = [run for run in ended if run.read_owner() == user.name]
    largest = sorted(((size_of_folder(run.path), run.name) for run in own), reverse=True)[:MOST_NAMED]
    names = ", ".join(f"{name} ({size / 1e9:.2f} GB)" for size, name in largest)
    deletes = f"Your largest runs that have ended are {names}. " if names else ""
    trash = size_of(list_trash(root))
    raise RunError(
        f"The runs take {used / 1e9:.2f} GB of the disk, of which {trash / 1e9:.2f} GB are in {TRASH}, and this server "
        f"allows {limit_gb:g} GB. {deletes}Delete runs that are no longer needed and empty the trash, or ask the "
        "administrator. Nothing was deleted."
    )
