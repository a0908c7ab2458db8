"""The head of a run with frozen features, in words."""

from collections.abc import Callable

from pages.components.words import plain_text
from socal_core.dataset.targets import Target, amount
from socal_core.evaluation.intervals import TOO_FEW
from socal_core.runs.files.event_types import HeadEvent
from socal_core.settings import CHANCE_LOSS

TITLES = {"image": "EfficientNet-Lite0", "video": "the video model"}


def head_text(head: HeadEvent, target: Target) -> str:
    """Describe the head that the inner cross-validation chose, and its scores.

    Args:
        head: The event `head` of the run.
        target: What the run predicts.
    """
    encoders = " and ".join(TITLES[name] for name in head["encoders"])
    loss = "squared error" if target.is_number else "log loss"
    inner = "" if head["auroc"] is None else f", AUROC {head['auroc']:.2f}"
    return (
        f"**Head**: {_members(head, target)}. Features: {encoders}. In the inner folds: {loss} {head['loss']:.3f}"
        f"{inner}; on the validation trials: {loss} {head['val_loss']:.3f}, {_validation(head, target)}."
    )


def _members(head: HeadEvent, target: Target) -> str:
    """Say how many candidates are in the head, and whether they beat a prediction without features."""
    losses, count = [row["loss"] for row in head["table"] if row["member"]], len(head["table"])
    kind, chance = ("ridge", "the mean") if target.is_number else ("logistic", "chance")
    if min(losses) >= head.get("chance", CHANCE_LOSS):
        return f"the best of {count} {kind} regressions; none of them beat {chance} in the inner folds"
    return f"the mean of {len(losses)} of {count} {kind} regressions, those that beat {chance} in the inner folds"


def _validation(head: HeadEvent, target: Target) -> str:
    if target.is_number:
        low, high = head.get("val_rmse_low"), head.get("val_rmse_high")
        return _with_interval("RMSE", head.get("val_rmse"), low, high, lambda value: amount(value, target.unit))
    low, high = head.get("val_auroc_low"), head.get("val_auroc_high")
    return _with_interval("AUROC", head.get("val_auroc"), low, high, lambda value: f"{value:.2f}")


def _with_interval(
    name: str, value: float | None, low: float | None, high: float | None, text: Callable[[float], str]
) -> str:
    if value is None:
        return f"{name} not defined"
    interval = TOO_FEW if low is None or high is None else f"{text(low)} to {text(high)}"
    return plain_text(f"{name} {text(value)} ({interval})")
