"""earliness.json: the scores of a run's test trials when its model sees only the first seconds of its window."""

from math import isclose

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from socal_core.runs.files.metrics_record import Interval, Metrics
from socal_core.runs.files.run_file import RunFile

_STRICT = ConfigDict(strict=True)


@dataclass(frozen=True, config=_STRICT)
class EarlinessPoint:
    """The scores after some seconds of the window. Intervals are None if there are too few surgeons for them."""

    seconds: int | None
    """Seconds watched since the start of the window; None for all of the window."""
    task: str
    """`prediction`, or `recognition` if most trials have ended by then."""
    n: int
    """Number of test trials."""
    auroc: float | None
    auroc_interval: Interval
    accuracy: float | None
    accuracy_interval: Interval


@dataclass(frozen=True, config=_STRICT)
class Earliness:
    """All of earliness.json."""

    window: str
    """The setting `window` of the run."""
    epoch: int
    """The epoch of the checkpoint."""
    threshold: float
    """The threshold of the run, which was chosen on clips from all of the window."""
    points: tuple[EarlinessPoint, ...]
    """By seconds; the last one is of all of the window."""

    def is_of(self, metrics: Metrics, window: str) -> bool:
        """Return whether these are scores of the model that the results of a run are of.

        A run that was trained further after the file was written has another checkpoint, threshold or test result.

        Args:
            metrics: The content of metrics.json.
            window: The setting `window` of the run.
        """
        last = self.points[-1] if self.points else None
        return (
            last is not None
            and (self.window, self.epoch, self.threshold) == (window, metrics["epoch"], metrics["threshold"])
            and last.n == metrics["n"]
            and _same(last.auroc, metrics["auroc"])
            and _same(last.accuracy, metrics["accuracy"])
        )


def _same(first: float | None, second: float | None) -> bool:
    """Compare two scores, which earlier versions may have rounded differently."""
    return first == second if first is None or second is None else isclose(first, second, abs_tol=1e-9)


EARLINESS = RunFile("earliness.json", Earliness, "Compute it again with `earliness`.")
