"""Saved views: filters of trials under a name, kept in the workspace for each data folder.

A view holds the filter, not the trials that passed it. So it finds new trials of a folder, and may find none any more.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filter_text import filter_from_json, filter_values
from socal_core.dataset.filters import TrialFilter, passing
from socal_core.errors import ConfigError, DataError
from socal_core.file_handles import os_reason
from socal_core.json_files import read_json
from socal_core.storage import locked, write_json
from socal_core.workspace import workspace

FORMAT = 1
"""Version of the file of views."""
LONGEST_NAME = 60
"""The longest name of a view, in characters."""


@dataclass(frozen=True)
class SavedView:
    """A filter under a name."""

    name: str
    filter: TrialFilter

    def trials_in(self, dataset: Dataset) -> list[str]:
        """Return the trials of a data set that are in the view, in its order."""
        return list(dataset.trials.index[np.flatnonzero(passing(dataset, self.filter))])


def saved_views(root: Path) -> list[SavedView]:
    """Return the views of a data folder, by name.

    Args:
        root: The data folder.

    Raises:
        DataError: The file of views is damaged, or a newer version of the app wrote it.
    """
    return sorted(_read(root).values(), key=lambda view: view.name.casefold())


def view_named(root: Path, name: str) -> SavedView:
    """Return a view of a data folder.

    Raises:
        ConfigError: There is no view of this name.
        DataError: See `saved_views`.
    """
    views = _read(root)
    if name not in views:
        known = f"which are {', '.join(sorted(views))}" if views else "but none is saved"
        raise ConfigError("view", f"must be the name of a saved view of this data folder, {known}", name)
    return views[name]


def save_view(root: Path, name: str, chosen: TrialFilter) -> str:
    """Save a filter under a name. An earlier view of this name is replaced.

    Returns:
        The name without superfluous blanks.

    Raises:
        ConfigError: The name is empty or too long, or the filter passes all trials.
        DataError: The file of views cannot be read or written.
    """
    name = _checked(name)
    if chosen == TrialFilter():
        raise ConfigError("view", "must leave some trials out; choose trials first", name)
    _change(root, lambda views: views | {name: SavedView(name, chosen)})
    return name


def rename_view(root: Path, old: str, new: str, shown: SavedView | None = None) -> str:
    """Rename a view.

    Args:
        root: The data folder.
        old: The name of the view.
        new: Its new name.
        shown: The view that is meant; None for any of this name.

    Returns:
        The new name without superfluous blanks.

    Raises:
        ConfigError: The new name is empty, too long or taken, or there is no view of the old one.
        DataError: The file of views cannot be read or written.
    """
    new = _checked(new)

    def renamed(views: dict[str, SavedView]) -> dict[str, SavedView]:
        if old not in views:
            raise ConfigError("view", "must be the name of a saved view", old)
        _check_same(views, old, shown)
        if new != old and new in views:
            raise ConfigError("view", "must be another name, because a view has it already", new)
        view = views.pop(old)
        return views | {new: SavedView(new, view.filter)}

    _change(root, renamed)
    return new


def delete_view(root: Path, name: str, shown: SavedView | None = None) -> None:
    """Delete a view, if it exists. Runs that were trained on it keep its filter.

    Args:
        root: The data folder.
        name: The name of the view.
        shown: The view that is meant; None for any of this name.

    Raises:
        DataError: The file of views cannot be read or written, or the view is no longer the one that is meant.
    """

    def deleted(views: dict[str, SavedView]) -> dict[str, SavedView]:
        _check_same(views, name, shown)
        return {other: view for other, view in views.items() if other != name}

    _change(root, deleted)


def _check_same(views: dict[str, SavedView], name: str, shown: SavedView | None) -> None:
    if shown is not None and views.get(name) != shown:
        raise DataError(f"The view {name!r} was changed or deleted in another window. Nothing was done.")


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise ConfigError("view", f"must have a name of 1 to {LONGEST_NAME} characters", name)
    return name


def _change(root: Path, change: Callable[[dict[str, SavedView]], dict[str, SavedView]]) -> None:
    """Replace the views of a data folder. Two tabs may do so at the same time."""
    file = _file(root)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with locked(file.with_suffix(".lock")):
            views = change(_read(root))
            content = {name: filter_values(view.filter) for name, view in views.items()}
            write_json(file, {"format": FORMAT, "data": os.path.realpath(root), "views": content})
    except OSError as error:
        raise DataError(
            f"The views cannot be saved: {os_reason(error)}. Check that the app may write to its own folder."
        ) from None


def _read(root: Path) -> dict[str, SavedView]:
    file = _file(root)
    try:
        content = read_json(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(f"The saved views cannot be read: {os_reason(error)}.") from None
    except ValueError:
        raise _damaged(file, "it is damaged") from None
    views = content.get("views") if isinstance(content, dict) else None
    if not isinstance(views, dict):
        raise _damaged(file, "it has no views")
    if content.get("format") != FORMAT:
        raise DataError(
            f"views/{file.name} has format {content.get('format')!r}, this version reads {FORMAT}. Update the app."
        )
    return {name: SavedView(name, _filter(file, name, values)) for name, values in views.items()}


def _filter(file: Path, name: str, values: Any) -> TrialFilter:
    try:
        return filter_from_json(json.dumps(values))
    except ValueError as error:
        raise _damaged(file, f"view {name!r}: {error}") from None


def _damaged(file: Path, problem: str) -> DataError:
    return DataError(
        f"The saved views cannot be read: {problem}. Correct views/{file.name} in the app's own folder, or delete it "
        "and save the views again."
    )


def _file(root: Path) -> Path:
    digest = hashlib.sha256(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()
    return workspace() / "views" / f"{digest[:16]}.json"
