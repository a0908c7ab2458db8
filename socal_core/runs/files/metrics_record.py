"""metrics.json: the scores of the best checkpoint on the test trials, as dictionaries with known keys.

They are dictionaries, not objects, because notebooks, tables and `evaluate --json` take them as they are.
"""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic does not take that of Python 3.11

from socal_core.runs.files.run_file import RunFile

Interval = tuple[float, float] | None
"""The lower and the upper end of a 95 % interval; None where it is not defined."""


Score = Literal["accuracy", "balanced_accuracy", "precision", "recall", "f1", "auroc", "brier"]
"""The names of the single scores."""


class ClassScores(TypedDict):
    """Scores of one outcome; None where a score is not defined."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    """Trials that have the outcome."""


class Scores(TypedDict):
    """Scores of some trials, success positive; None where a score is not defined."""

    n: int
    accuracy: float
    balanced_accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    auroc: float | None
    brier: float
    confusion_matrix: list[list[int]]
    """[[tn, fp], [fn, tp]]."""
    per_class: dict[str, ClassScores]
    """Of `failure` and `success`."""
    intervals: dict[str, Interval]
    """Of accuracy, precision, recall and auroc."""


class ScoredTrial(TypedDict):
    """A test trial and its prediction."""

    trial_id: str
    participant_id: str
    label: int
    prob_success: float
    predicted: int


class ScoresOfTrials(Scores):
    """Scores of the test trials, with the trials."""

    split: str
    """`test`."""
    trials: list[ScoredTrial]


class Control(TypedDict):
    """A simple rule on the same test trials; None where the data do not have what it needs.

    What an earlier version did not write may be missing.
    """

    key: NotRequired[str]
    name: str
    description: str
    accuracy: float | None
    balanced_accuracy: float | None
    auroc: float | None
    auroc_interval: NotRequired[Interval]
    difference: NotRequired[float | None]
    """AUROC of the model minus that of the control."""
    difference_interval: NotRequired[Interval]
    verdict: NotRequired[str | None]


class ScoresAndControls(ScoresOfTrials):
    """Scores of the test trials beside those of the controls."""

    controls: list[Control]


class LeftOut(TypedDict):
    """A trial without a clip."""

    trial_id: str
    reason: str


class Metrics(ScoresAndControls):
    """All of metrics.json."""

    task: str
    """`prediction` or `recognition`."""
    share_ending_inside: float
    """Fraction of the trials that end inside the window."""
    window: str
    model: NotRequired[dict[str, Any]]
    """`recipe` and `text`; of a frozen run also `encoders` and `members`. Earlier versions did not write it."""
    epoch: int
    """Of the checkpoint."""
    threshold: float
    validation_trials: int
    """How many trials the threshold was chosen on."""
    left_out: list[LeftOut]
    stand_ins: list[str]
    """Which frames could not be read, and which were used instead."""


METRICS: RunFile[Metrics] = RunFile("metrics.json", Metrics, "Delete the file and run `evaluate`.")
