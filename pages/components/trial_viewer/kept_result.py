"""What a job has computed for a trial and kept with the run, if it is of the present checkpoint."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import streamlit as st

from pages.components.words import plain_text
from socal_core.errors import SocalError
from socal_core.runs.folder import RunFolder


class OfCheckpoint(Protocol):
    """A result that was computed from a checkpoint."""

    @property
    def epoch(self) -> int:
        """The epoch of the checkpoint."""


Kept = TypeVar("Kept", bound=OfCheckpoint)


def kept_result(read: Callable[[RunFolder, str], Kept | None], run: RunFolder, trial_id: str, name: str) -> Kept | None:
    """Read the result of a trial; None, with the reason on the page if there is one, if it cannot be shown.

    Args:
        read: Reads the result.
        run: The run.
        trial_id: The trial.
        name: What the result is, such as `explanation`.
    """
    found = None
    try:
        found = read(run, trial_id)
        metrics = run.read_metrics()
        if found is not None and (metrics is None or metrics["epoch"] != found.epoch):
            st.caption(f"The last {name} is of another checkpoint, so it is not shown.")
            found = None
    except SocalError as error:
        st.warning(plain_text(error), icon=":material/broken_image:")
    return found
