"""What metrics.json of a run that predicts success holds: the metrics of its test trials, as typed dictionaries.

They are dictionaries, not objects, because notebooks, tables and `evaluate --json` use them directly.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic does not take TypedDict of Python 3.11

Interval = tuple[float, float] | None
"""The lower and the upper end of a 95 % interval; None if it is not defined."""


Score = Literal[
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "npv",
    "f1",
    "f1_failure",
    "matthews",
    "auroc",
    "average_precision",
    "brier",
    "log_loss",
    "calibration_error",
]
"""The names of the single scores. Earlier versions did not write all of them."""


_Pair = Annotated[list[int], Field(min_length=2, max_length=2)]


class ClassScores(TypedDict):
    """Scores of one outcome; None if a score is not defined."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    """Number of trials with the outcome."""


class Scores(TypedDict):
    """Scores of a set of trials, with success as the positive class; None if a score is not defined."""

    n: int
    accuracy: float
    balanced_accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    auroc: float | None
    brier: float
    confusion_matrix: Annotated[list[_Pair], Field(min_length=2, max_length=2)]
    """[[tn, fp], [fn, tp]]."""
    per_class: dict[str, ClassScores]
    """The scores of `failure` and `success`."""
    intervals: dict[str, Interval]
    """The interval of each score; None if the score is not defined or there are too few surgeons. Earlier versions
    wrote those of accuracy, precision, recall and auroc."""


class ScoredTrial(TypedDict):
    """A test trial and its prediction."""

    trial_id: str
    participant_id: str
    label: Annotated[int, Field(ge=0, le=1)]
    prob_success: Annotated[float, Field(ge=0, le=1)]
    predicted: Annotated[int, Field(ge=0, le=1)]


class FurtherScores(TypedDict):
    """Scores that earlier versions did not write (evaluation/weighted_scores.py); None if a score is not defined."""

    specificity: NotRequired[float | None]
    npv: NotRequired[float | None]
    f1_failure: NotRequired[float | None]
    matthews: NotRequired[float | None]
    average_precision: NotRequired[float | None]
    log_loss: NotRequired[float | None]
    calibration_error: NotRequired[float | None]
    surgeons: NotRequired[int]
    """Number of known surgeons of the test trials."""


class ScoresOfTrials(Scores, FurtherScores):
    """Scores of the test trials, with the trials."""

    split: str
    """`test`."""
    trials: list[ScoredTrial]


class Control(TypedDict):
    """A control on the same test trials; scores are None if the data lack what it needs.

    Fields that earlier versions did not write may be missing.
    """

    key: NotRequired[str]
    name: str
    description: str
    accuracy: float | None
    balanced_accuracy: float | None
    auroc: float | None
    auroc_interval: NotRequired[Interval]
    interval: NotRequired[Interval]
    """In `evaluate --json`: the interval of the AUROC, computed again for results of earlier versions."""
    difference: NotRequired[float | None]
    """AUROC of the model minus that of the control."""
    difference_interval: NotRequired[Interval]
    verdict: NotRequired[str | None]
    threshold: NotRequired[float | None]
    """None in a cross-validation, where each fold has its own."""
    probabilities: NotRequired[list[float]]
    """The probability of success of each test trial, in the order of `trials`."""


class FoldScores(TypedDict):
    """The test scores of one fold of a cross-validation."""

    run: str
    """The name of its run, a folder in that of the cross-validation."""
    fold: int
    seed: int
    n: int
    surgeons: int
    auroc: float | None
    accuracy: float
    threshold: float
    validation_trials: int


class SeedScores(TypedDict):
    """The scores of the pooled test trials of all folds with one seed."""

    seed: int
    n: int
    surgeons: int
    auroc: float | None
    accuracy: float


class Spread(TypedDict):
    """How a score differs between folds or seeds; without those for which it is not defined."""

    count: int
    mean: float
    standard_deviation: float
    lowest: float
    highest: float


class CrossValidationScores(TypedDict):
    """The scores of a cross-validation by fold and by seed."""

    folds: list[FoldScores]
    seeds: list[SeedScores]
    over_folds: dict[str, Spread]
    """The spread of `auroc` and `accuracy`; a score that fewer than two folds have is missing."""
    over_seeds: dict[str, Spread]


class ScoresAndControls(ScoresOfTrials):
    """Scores of the test trials, and those of the controls."""

    controls: list[Control]
    cross_validation: NotRequired[CrossValidationScores | None]
    """The scores by fold; None if the run is no cross-validation."""


class ChosenOn(TypedDict):
    """The threshold of a run, and the subset on which it was chosen."""

    value: float
    chosen_on: str


class EvaluatedRun(ScoresAndControls):
    """What `evaluate --json` reports of a run that predicts success."""

    threshold: ChosenOn
    alarms: list[dict[str, str]]
    """`key`, `severity` and `text` of each sign that the scores mislead (evaluation/alarms.py)."""
    unchecked: str
    """What alarms were not looked for (evaluation/frame_alarms.py); "" if none."""


class LeftOut(TypedDict):
    """A trial without a clip."""

    trial_id: str
    reason: str


class Tested(TypedDict):
    """What was tested, whatever the model predicts."""

    task: str
    """`prediction` or `recognition`."""
    share_ending_inside: float
    """Fraction of the trials that end inside the observation window."""
    window: str
    data_fingerprint: NotRequired[str]
    """The fingerprint of the data set (Dataset.fingerprint) of which the trials were predicted; "" if the folds of a
    cross-validation differ in it. Earlier versions did not write it."""
    model: NotRequired[dict[str, Any]]
    """`recipe` and `text`; for a frozen run also `encoders` and `members`. Earlier versions did not write it."""
    epoch: int
    """The epoch of the checkpoint; 0 for a cross-validation."""
    validation_trials: int
    """Number of trials on which epoch and threshold were chosen; in a cross-validation, the sum over the folds."""
    left_out: list[LeftOut]
    stand_ins: list[str]
    """Messages about frames that could not be read, and the frames that were used instead."""


class Metrics(ScoresAndControls, Tested):
    """All of metrics.json."""

    threshold: float
    """In a cross-validation, the mean of the thresholds of the folds."""
