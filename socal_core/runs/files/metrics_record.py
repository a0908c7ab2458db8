"""metrics.json: the metrics of the best checkpoint on the test trials, as typed dictionaries.

They are dictionaries, not objects, because notebooks, tables and `evaluate --json` use them directly.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict, TypeIs  # pydantic does not take TypedDict of Python 3.11

from socal_core.runs.files.run_file import RunFile, read_object

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
    confusion_matrix: list[list[int]]
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
    label: int
    prob_success: float
    predicted: int


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


class PredictedTrial(TypedDict):
    """A test trial and the prediction of its class or number."""

    trial_id: str
    participant_id: str
    label: str | float
    """The name of the true class, or the true number."""
    predicted: str | float
    probabilities: NotRequired[list[float]]
    """Of each class, in the order of `classes`."""


class TargetControl(TypedDict):
    """A control for another target than success; scores are None if the data lack what it needs."""

    key: str
    name: str
    description: str
    scores: dict[str, float | None]
    """As in `scores` of the model."""
    difference: float | None
    """The main score of the model minus that of the control."""
    difference_interval: Interval
    verdict: str | None
    """`better than`, `worse than` or `not shown to be better than` (compare.py), whichever score is compared."""
    predicted: NotRequired[list[str] | list[float]]
    """The prediction for each test trial, in the order of `trials`."""
    probabilities: NotRequired[list[list[float]]]
    """Of each class, for each test trial; missing for a number."""


class TargetFoldScores(TypedDict):
    """The test scores of one fold of a cross-validation for another target than success."""

    run: str
    fold: int
    seed: int
    n: int
    surgeons: int
    scores: dict[str, float | None]
    validation_trials: int


class TargetSeedScores(TypedDict):
    """The scores of the pooled test trials of all folds with one seed, for another target than success."""

    seed: int
    n: int
    surgeons: int
    scores: dict[str, float | None]


class TargetCrossValidationScores(TypedDict):
    """As CrossValidationScores, for another target than success."""

    folds: list[TargetFoldScores]
    seeds: list[TargetSeedScores]
    over_folds: dict[str, Spread]
    """The spread of each score; a score that fewer than two folds have is missing."""
    over_seeds: dict[str, Spread]


class TargetScores(TypedDict):
    """Scores of the test trials for another target than success: classes, or a number."""

    target: str
    """The column of the outcomes."""
    label: str
    """The name of the target to display."""
    unit: str
    """The unit of a number; "" if it has none."""
    classes: list[str]
    """The names of the classes; empty for a number."""
    split: str
    """`test`."""
    n: int
    surgeons: NotRequired[int]
    """Number of known surgeons of the test trials. Earlier versions did not write it."""
    main: str
    """The name of the score by which models are compared: `auroc` or `rmse`."""
    scores: dict[str, float | None]
    """For classes: accuracy, balanced_accuracy, f1 (macro), auroc (macro, one class against the others), log_loss. For
    a number, in its unit: rmse, mae, mean_error; and r2, correlation; for `blood_loss` large_recall, the fraction of
    losses above 500 mL that are predicted to be so. None if a score is not defined."""
    intervals: dict[str, Interval]
    """The interval of each score; None if there are too few surgeons. Earlier versions wrote that of the accuracy."""
    per_class: dict[str, ClassScores]
    """The scores of each class; empty for a number."""
    confusion_matrix: list[list[int]]
    """Trials by true class and predicted class; empty for a number."""
    trials: list[PredictedTrial]


class TargetMetrics(TargetScores, Tested):
    """All of metrics.json for another target than success."""

    controls: list[TargetControl]
    cross_validation: TargetCrossValidationScores | None
    unknown: int
    """Number of trials with frames that were left out because the target is unknown."""


AnyMetrics = Metrics | TargetMetrics
"""The metrics of a run, whatever its model predicts."""

METRICS: RunFile[Metrics] = RunFile("metrics.json", Metrics, "Delete the file and run `evaluate`.")
TARGET_METRICS: RunFile[TargetMetrics] = RunFile(METRICS.name, TargetMetrics, METRICS.remedy)
"""The same file in a run whose model predicts something else than success."""


def is_of_success(metrics: AnyMetrics) -> TypeIs[Metrics]:
    """Tell whether metrics are those of a model that predicts success."""
    return "main" not in metrics


def score_of(metrics: AnyMetrics | None, name: str) -> float | None:
    """Return a single score, whatever the model predicts; None if it is not defined or there are no metrics.

    Args:
        metrics: The metrics of a run; None before it is evaluated.
        name: The name of the score, such as `auroc` or `rmse`.
    """
    if metrics is None:
        return None
    scores: Mapping[str, Any] = metrics if is_of_success(metrics) else metrics["scores"]
    value = scores.get(name)
    return None if value is None else float(value)


def read_metrics(folder: Path, owner: str) -> AnyMetrics | None:
    """Read metrics.json, whatever the model predicts.

    Args:
        folder: The folder of the run.
        owner: The run, for messages.

    Returns:
        The metrics; None if there is no file.

    Raises:
        RunError: The file is damaged, or a field is missing or wrong.
    """
    values = read_object(folder / METRICS.name, owner, METRICS.remedy)
    of_target = values is not None and "main" in values
    return TARGET_METRICS.read(folder, owner) if of_target else METRICS.read(folder, owner)


def write_metrics(folder: Path, metrics: AnyMetrics) -> None:
    """Write metrics.json in one step.

    Args:
        folder: The folder of the run.
        metrics: The metrics.
    """
    if is_of_success(metrics):
        METRICS.write(folder, metrics)
    else:
        TARGET_METRICS.write(folder, metrics)
