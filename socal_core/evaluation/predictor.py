"""What a predictor does, for callers that need not know which kind of model it is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from socal_core.clips.preprocess import Preprocessor

Change = Callable[[NDArray[np.uint8], Sequence[int], Preprocessor], NDArray[np.uint8]]
"""Returns a changed copy of a clip, (frames, 3, height, width). Its other arguments are the index in the trial of each
frame, and the preprocessing that made the clip."""


class Predictor(Protocol):
    """A trained model with the clips of some trials."""

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why trials have no prediction, by trial_id."""

    @property
    def stand_ins(self) -> list[str]:
        """Texts about frames that cannot be read and the frames that replace them."""

    def logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Compute the logits of the classes, or a standardized number; (trials, outputs) on the CPU.

        Args:
            trial_ids: The trials.
            progress: As in `logits_of`.
        """

    def clip_logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Compute the logits of each clip, (trials, crops, clips, outputs) on the CPU; `logits` averages them."""

    def clips(self, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """Yield the evaluation clips of each trial as bytes, (clips, frames, 3, height, width)."""

    def changed_logits(self, trial_id: str, change: Change) -> torch.Tensor:
        """Compute the logits of a trial whose clips are changed, (outputs,) on the CPU."""

    def frames_seen(self, trial_id: str) -> list[int]:
        """Return the sorted indices, in the trial, of the frames in its evaluation clips."""

    def describe(self) -> dict[str, Any]:
        """Describe the model in values for JSON: `recipe`, and `text` for the user."""
