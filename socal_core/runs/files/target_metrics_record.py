"""What metrics.json of a run that predicts something else than success holds: classes, or a number."""

from typing import NotRequired

from typing_extensions import TypedDict  # pydantic does not take that of Python 3.11

from socal_core.runs.files.metrics_record import ClassScores, Interval, Spread, Tested


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
