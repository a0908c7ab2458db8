"""Published results on the twenty SOCAL test trials, to be shown beside those of a run.

They are shown only beside runs with the same test trials, window and target. Twenty trials cannot rank two models: the
intervals of 17 and of 14 of 20 overlap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from socal_core.dataset.windows import Window
from socal_core.evaluation.metrics import wilson_interval
from socal_core.presets.preset import SUCCESS
from socal_core.runs.files.metrics_record import Interval
from socal_core.settings.split import SplitMethod

BLOOD_LOSS = "blood_loss"
FIRST_MINUTE, WHOLE_TRIAL = "0:60", "whole"
SECONDS_OF_EXPERTS = 60
"""What the experts saw of a trial, as FIRST_MINUTE says."""

KUGENER = "Kugener et al., Neurosurgery 2022;90:823"
PANGAL = "Pangal et al., Sci Rep 2022;12:8137"
COUNTED = "Count of the outcomes of the test trials"

SOCALNET, WITH_TOOLS = "SOCALNet", "SOCALNet with tool labels"
EXPERTS, ALWAYS_SUCCESS = "Four expert surgeons", "Always success"
MEAN, REGRESSION = "Mean blood loss", "Regression on time to haemostasis"


@dataclass(frozen=True)
class PublishedResult:
    """A published score: a proportion of trials or estimates, or a number with a unit."""

    predictor: str
    metric: str
    """`accuracy`, `sensitivity`, `specificity`, `ppv` or `npv`, with success as the positive class; for blood loss
    `rmse`, `r2`, `mean_error` or `sensitivity_500_ml` (found among the trials with more than 500 mL)."""
    target: str
    window: str
    """The window of its input, as in the setting `window`; "" if the result does not depend on it."""
    source: str
    hits: int | None = None
    """The numerator of a proportion."""
    n: int | None = None
    """The denominator of a proportion."""
    number: float | None = None
    """The value of what is no proportion."""
    unit: str = ""
    note: str = ""

    @property
    def value(self) -> float:
        """The proportion or the number."""
        if self.hits is not None and self.n:
            return self.hits / self.n
        return float(self.number or 0.0)

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval of a proportion; None for a number, whose interval was not published."""
        return None if self.hits is None or self.n is None else wilson_interval(self.hits, self.n)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as values for JSON."""
        return {
            "predictor": self.predictor,
            "metric": self.metric,
            "target": self.target,
            "window": self.window,
            "value": self.value,
            "interval": self.interval,
            "hits": self.hits,
            "n": self.n,
            "unit": self.unit,
            "source": self.source,
            "note": self.note,
        }


@dataclass(frozen=True)
class ReferenceLines:
    """The published results that are comparable with a run, or why there are none."""

    results: tuple[PublishedResult, ...]
    reason: str = ""
    """Why no result is comparable; "" if some are."""


def reference_lines(split_method: SplitMethod, window: str, target: str) -> ReferenceLines:
    """Return the published results that belong to the test trials, the window and the target of a run.

    Args:
        split_method: How the run split the trials.
        window: The setting `window` of the run.
        target: The setting `target` of the run.
    """
    of_target = [result for result in PUBLISHED if result.target == target]
    if not of_target:
        return ReferenceLines((), f"There are no published results for the target {target}.")
    if split_method is not SplitMethod.SOCAL20:
        return ReferenceLines(
            (),
            f"Published results are not comparable: they are of the twenty published test trials, and this run was "
            f"tested on others. Use split_method={SplitMethod.SOCAL20} to compare.",
        )
    seen = Window.parse(window)
    if seen not in (Window.parse(known) for known in (FIRST_MINUTE, WHOLE_TRIAL)):
        return ReferenceLines(
            (),
            "Published results are not comparable: their models and experts saw the first 60 s or the whole trial, and "
            f"this model saw something else ({seen.describe()}).",
        )
    return ReferenceLines(
        tuple(result for result in of_target if not result.window or Window.parse(result.window) == seen)
    )


def experts_after_a_minute(split_method: SplitMethod, window: str) -> PublishedResult | None:
    """Return the accuracy of the experts who saw the first 60 s, to compare with a model that has seen these.

    Args:
        split_method: How the run split the trials.
        window: The setting `window` of the run.

    Returns:
        The result; None if the run has other test trials, or its window does not begin with the first 60 s.
    """
    seen = Window.parse(window)
    if seen.start or 0 < (seen.stop or 0) < SECONDS_OF_EXPERTS:
        return None
    lines = reference_lines(split_method, FIRST_MINUTE, SUCCESS)
    return next((row for row in lines.results if (row.predictor, row.metric) == (EXPERTS, "accuracy")), None)


def _proportions(
    predictor: str, window: str, source: str, counts: dict[str, tuple[int, int]], note: str = ""
) -> Iterator[PublishedResult]:
    for metric, (hits, n) in counts.items():
        yield PublishedResult(predictor, metric, SUCCESS, window, source, hits, n, note=note)


def _blood_loss(
    predictor: str, window: str, source: str, rmse: float, r2: float | None = None, mean_error: float | None = None
) -> Iterator[PublishedResult]:
    for metric, number, unit in (("rmse", rmse, "mL"), ("r2", r2, ""), ("mean_error", mean_error, "mL")):
        if number is not None:
            yield PublishedResult(predictor, metric, BLOOD_LOSS, window, source, number=number, unit=unit)


_FOUND_500 = ("sensitivity_500_ml", BLOOD_LOSS, FIRST_MINUTE, PANGAL)
_EXPERTS_NOTE = "Four experts estimated each of the same trials, so the true interval is wider."
_TEN_TRIALS_NOTE = "Published as 80 %; the experts' 40 estimates are four for each of ten trials."

PUBLISHED: tuple[PublishedResult, ...] = (
    *_proportions(
        SOCALNET,
        FIRST_MINUTE,
        PANGAL,
        {"accuracy": (17, 20), "sensitivity": (11, 11), "specificity": (6, 9), "ppv": (11, 14), "npv": (6, 6)},
    ),
    *_proportions(
        EXPERTS,
        FIRST_MINUTE,
        PANGAL,
        {"accuracy": (14, 20), "sensitivity": (9, 11), "specificity": (5, 9), "ppv": (9, 13), "npv": (5, 7)},
    ),
    *_proportions(SOCALNET, WHOLE_TRIAL, KUGENER, {"accuracy": (17, 20)}),
    *_proportions(WITH_TOOLS, WHOLE_TRIAL, KUGENER, {"accuracy": (18, 20)}),
    *_proportions(
        ALWAYS_SUCCESS,
        "",
        COUNTED,
        {"accuracy": (11, 20), "sensitivity": (11, 11), "specificity": (0, 9), "ppv": (11, 20)},
    ),
    *_blood_loss(SOCALNET, FIRST_MINUTE, PANGAL, 295, 0.74, -57),
    *_blood_loss(EXPERTS, FIRST_MINUTE, PANGAL, 350, 0.70, -131),
    *_blood_loss(SOCALNET, WHOLE_TRIAL, KUGENER, 358, 0.40),
    *_blood_loss(WITH_TOOLS, WHOLE_TRIAL, KUGENER, 260),
    *_blood_loss(REGRESSION, WHOLE_TRIAL, KUGENER, 431, 0.35),
    *_blood_loss(MEAN, "", COUNTED, 489),
    PublishedResult(SOCALNET, *_FOUND_500, hits=8, n=10, note=_TEN_TRIALS_NOTE),
    PublishedResult(EXPERTS, *_FOUND_500, hits=19, n=40, note=_EXPERTS_NOTE),
)
"""All published results on the twenty test trials. Counts follow from the published percentages of 11 successes and 9
failures."""
