"""RUN/attention/TRIAL.json: which places of the frames the model attends to for its prediction."""

from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from socal_core.explanations.record import Faithfulness
from socal_core.runs.files.run_file import RunFile
from socal_core.runs.folder import RunFolder

_STRICT = ConfigDict(strict=True)
FOLDER = "attention"
"""The folder of the files in that of the run."""

Squares = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, config=_STRICT)
class AttentionStep:
    """The map of the frames that share tokens, such as two."""

    first: int
    """Index in the trial of the first of these frames, from 0."""
    last: int
    squares: Squares
    """How much each square counts, by row and column. The steps of a clip add up to 1."""


@dataclass(frozen=True, config=_STRICT)
class AttentionMap:
    """The attention of a model for a trial, weighted by its gradient."""

    trial_id: str
    epoch: int
    """The epoch of the checkpoint."""
    output_name: str
    """What the output is, such as `probability of success`."""
    output: float
    """The output for the whole trial."""
    place: tuple[float, float, float, float]
    """The part of the frame that the squares cover: left, upper, right and lower edge as fractions of its size."""
    steps: Annotated[tuple[AttentionStep, ...], Field(min_length=1)]
    """In the order of time."""
    faithfulness: Faithfulness
    """Whether the mean of the steps is better than random maps."""

    @property
    def squares(self) -> Squares:
        """The mean of all steps, by row and column."""
        mean = np.mean([step.squares for step in self.steps], axis=0)
        return tuple(tuple(row) for row in mean.tolist())

    def as_dict(self) -> dict[str, Any]:
        """Return the map as values for JSON."""
        faithful = {**asdict(self.faithfulness), "better_than_random": self.faithfulness.better_than_random}
        return {**asdict(self), "faithfulness": faithful}


def read_attention(run: RunFolder, trial_id: str) -> AttentionMap | None:
    """Read the attention map of a trial; None if there is none.

    Raises:
        RunError: The file is damaged.
    """
    return _file(trial_id).read(run.path / FOLDER, f"Run {run.name}")


def write_attention(run: RunFolder, found: AttentionMap) -> None:
    """Write an attention map into the folder of its run.

    Raises:
        OSError: It cannot be written.
    """
    (run.path / FOLDER).mkdir(exist_ok=True)
    _file(found.trial_id).write(run.path / FOLDER, found)


def _file(trial_id: str) -> RunFile[AttentionMap]:
    return RunFile(f"{trial_id}.json", AttentionMap, "Delete it and map the attention again.")
