"""The data sets whose frames are served: those that a session of the app has opened, each under a secret name."""

import secrets
import threading
from functools import cached_property
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset

_TOKEN_BYTES = 24


class OpenedFrames:
    """The right to see the frames of a data set. They are served for as long as somebody holds this object."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        """The secret part of the addresses of the frames; it cannot be guessed."""

    def names_from(self, trial_id: str, position: int, count: int = 1) -> list[str]:
        """Return the names of consecutive frames of a trial.

        Args:
            trial_id: Any text.
            position: The position of the first of them, from 0.
            count: The most names to return.

        Returns:
            The names, none if there is no such trial or position.
        """
        rows = self._rows.get(trial_id)
        if rows is None or position < 0:
            return []
        return self.dataset.frames["frame"].iloc[rows[position : position + count]].to_list()

    @cached_property
    def _rows(self) -> dict[str, NDArray[np.intp]]:
        groups = self.dataset.frames.groupby("trial_id", sort=False).indices
        return {str(trial): np.asarray(rows, np.intp) for trial, rows in groups.items()}


_opened: WeakValueDictionary[str, OpenedFrames] = WeakValueDictionary()
_lock = threading.Lock()


def open_frames(dataset: Dataset) -> OpenedFrames:
    """Allow the frames of a data set to be served, under a new token, until the result is forgotten."""
    opened = OpenedFrames(dataset)
    with _lock:
        _opened[opened.token] = opened
    return opened


def find_opened(token: str) -> OpenedFrames | None:
    """Return what was opened under a token, None if nothing is (any more)."""
    with _lock:
        return _opened.get(token)
