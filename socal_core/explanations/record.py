"""RUN/explanations/TRIAL.json: what the prediction for a trial depends on."""

from dataclasses import asdict
from typing import Any

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from socal_core.runs.files.run_file import RunFile
from socal_core.runs.folder import RunFolder

_STRICT = ConfigDict(strict=True)
FOLDER = "explanations"
"""The folder of the files in that of the run."""
LEVEL = 0.05


@dataclass(frozen=True, config=_STRICT)
class Faithfulness:
    """How the output follows a map, and how it follows random maps."""

    fractions: tuple[float, ...]
    """Fractions of the cells."""
    deletion: tuple[float, ...]
    """The score (see `judge`) once that fraction of the most important cells is painted out."""
    insertion: tuple[float, ...]
    """The score once only that fraction of the most important cells is shown."""
    random_deletion: tuple[float, ...]
    """The means over random maps."""
    random_insertion: tuple[float, ...]
    correlation: float
    """Rank correlation between the importance of random sets of cells and the loss of score without them; 0 if one of
    them is the same for all sets."""
    p_value: float
    """The probability of such a correlation for a map without meaning, one-sided."""

    @property
    def better_than_random(self) -> bool:
        """Whether the map is better than a random one, at the level of 5 %."""
        return self.p_value <= LEVEL


@dataclass(frozen=True, config=_STRICT)
class ToolEffect:
    """What the output is without a tool."""

    label: str
    frames: int
    """In how many of the frames that the model sees the tool has a box."""
    area: float
    """Mean fraction of these frames that its boxes cover."""
    without: float
    """The output once all of its boxes are painted out."""
    change: float
    """The output for the whole trial minus `without`: what the tool contributes."""
    elsewhere: tuple[float, ...]
    """The same change for boxes of the same size and movement at other places: mirrored left to right, top to bottom,
    and both."""

    @property
    def stands_out(self) -> bool:
        """Whether the change is larger than that of the same boxes at each of the other places."""
        return abs(self.change) > max(map(abs, self.elsewhere))


@dataclass(frozen=True, config=_STRICT)
class TimeEffect:
    """What a part of the window contributes to the output."""

    first: int
    """Index in the trial of its first frame that the model sees, from 0."""
    last: int
    change: float
    """The output for the whole trial minus the output without these frames."""


@dataclass(frozen=True, config=_STRICT)
class Explanation:
    """What a prediction depends on, by painting out parts of the frames."""

    trial_id: str
    epoch: int
    """The epoch of the checkpoint."""
    output_name: str
    """What the output is, such as `probability of success`."""
    output: float
    """The output for the whole trial."""
    frames: tuple[int, ...]
    """Indices in the trial of the frames that the model sees."""
    tools: tuple[ToolEffect, ...]
    """The largest change first."""
    times: tuple[TimeEffect, ...]
    squares: tuple[tuple[float, ...], ...]
    """By row and column of a grid over the frame: the output minus the output without this square in all frames."""
    faithfulness: Faithfulness
    """Whether the map of squares is better than random maps."""

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as values for JSON."""
        faithful = {**asdict(self.faithfulness), "better_than_random": self.faithfulness.better_than_random}
        tools = [{**asdict(tool), "stands_out": tool.stands_out} for tool in self.tools]
        return {**asdict(self), "tools": tools, "faithfulness": faithful}


def read_explanation(run: RunFolder, trial_id: str) -> Explanation | None:
    """Read the explanation of the prediction for a trial; None if there is none.

    Raises:
        RunError: The file is damaged.
    """
    return _file(trial_id).read(run.path / FOLDER, f"Run {run.name}")


def write_explanation(run: RunFolder, explanation: Explanation) -> None:
    """Write an explanation into the folder of its run.

    Raises:
        OSError: It cannot be written.
    """
    (run.path / FOLDER).mkdir(exist_ok=True)
    _file(explanation.trial_id).write(run.path / FOLDER, explanation)


def _file(trial_id: str) -> RunFile[Explanation]:
    return RunFile(f"{trial_id}.json", Explanation, "Delete it and explain the trial again.")
