"""The best control of a run, which its result is compared with first."""

from collections.abc import Sequence
from dataclasses import dataclass

from socal_core.evaluation.control_cues import FRAMES, LENGTH
from socal_core.evaluation.controls import TIME
from socal_core.evaluation.target_metrics import LOWER_IS_BETTER
from socal_core.runs.files.metrics_file import AnyMetrics, is_of_success, score_of
from socal_core.runs.files.metrics_record import Control, Interval
from socal_core.runs.files.target_metrics_record import TargetControl


@dataclass(frozen=True)
class BestControl:
    """The control with the best score on the test trials, and the model beside it."""

    key: str
    name: str
    score: str
    """The name of the score that is compared: `auroc` or `rmse`."""
    value: float
    """The score of the control."""
    model_value: float | None
    difference: float | None
    """The score of the model minus that of the control, on the same trials; None if there is none."""
    interval: Interval
    """The 95 % interval of the difference; None if there is none."""
    verdict: str | None
    """What the interval shows, as in `Control` for success, else as in `TargetControl` (metrics_record.py)."""


def best_control(metrics: AnyMetrics) -> BestControl | None:
    """Return the best control among those that know no more than the model may see.

    The length of the whole trial does not count while the window hides it, nor does the time to haemostasis. As the
    best of several on the same trials, its score is too good on average.

    Args:
        metrics: The content of a run's metrics.json, whatever the model predicts.

    Returns:
        The control; the first one of equals, None if none has a score.
    """
    rows: Sequence[Control | TargetControl] = metrics["controls"]
    values: list[float | None]
    if is_of_success(metrics):
        score, values = "auroc", [row["auroc"] for row in metrics["controls"]]
    else:
        score = metrics["main"]
        values = [row["scores"][score] for row in metrics["controls"]]
    sign = -1 if score in LOWER_IS_BETTER else 1
    hidden = {LENGTH, TIME} if any(row.get("key") == FRAMES for row in rows) else {TIME}
    found = [
        (sign * value, row)
        for row, value in zip(rows, values, strict=True)
        if value is not None and row.get("key") not in hidden
    ]
    if not found:
        return None
    value, row = max(found, key=lambda pair: pair[0])
    return BestControl(
        key=row.get("key", ""),
        name=row["name"],
        score=score,
        value=sign * value,
        model_value=score_of(metrics, score),
        difference=row.get("difference"),
        interval=row.get("difference_interval"),
        verdict=row.get("verdict"),
    )
