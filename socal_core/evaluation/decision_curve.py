"""Decision curves: the net benefit of acting on a model, over the probabilities at which one would act.

The threshold probability is the probability of the outcome of interest from which one would act, such as call for help
if failure is at least that likely. It says how many needless actions one missed outcome is worth.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from socal_core.evaluation.arrays import outcome_arrays

FAILURE = 0
DECISION_COLUMNS = ("threshold", "model", "treat_all", "treat_none")
THRESHOLDS: tuple[float, ...] = tuple(round(number / 100, 2) for number in range(1, 100))
"""Threshold probabilities by default: 0.01 to 0.99."""
ROUNDING = 1e-9


def decision_curve(
    labels: ArrayLike,
    probabilities: ArrayLike,
    outcome: int = FAILURE,
    thresholds: Sequence[float] = THRESHOLDS,
) -> pd.DataFrame:
    """Compute the net benefit of a model, of treating all trials and of treating none.

    The net benefit at threshold probability t is TP/n - FP/n * t/(1 - t) (Vickers and Elkin, Med Decis Making
    2006;26:565), where a trial counts as positive if its probability of the outcome of interest is at least t.

    Args:
        labels: Outcomes, 0 or 1, shape (n,).
        probabilities: Probabilities of success, shape (n,).
        outcome: The outcome of interest: 0 for failure, 1 for success.
        thresholds: Threshold probabilities of the outcome of interest, above 0 and below 1.

    Returns:
        The columns DECISION_COLUMNS, one row per threshold; the benefits are NaN without trials.

    Raises:
        ValueError: The lengths differ, the outcome is neither 0 nor 1, or a threshold is out of range.
    """
    y, p = outcome_arrays(labels, probabilities)
    t = np.asarray(thresholds, dtype=np.float64)
    if outcome not in (0, 1):
        raise ValueError(f"outcome must be 0 or 1, got {outcome}")
    if ((t <= 0) | (t >= 1)).any():
        raise ValueError(f"thresholds must be above 0 and below 1, got {t.min():g} to {t.max():g}")
    of_interest = y == outcome
    likely = p if outcome == 1 else 1 - p
    # 1 - 0.8 is a little below 0.2 by rounding, and must reach a threshold of 0.2. Shape (thresholds, trials).
    treated = likely >= t[:, None] - ROUNDING
    return pd.DataFrame(
        {
            "threshold": t,
            "model": _net_benefit(treated, of_interest, t),
            "treat_all": _net_benefit(np.ones_like(treated), of_interest, t),
            "treat_none": 0.0 if len(y) else np.nan,
        }
    )


def _net_benefit(
    treated: NDArray[np.bool_], of_interest: NDArray[np.bool_], t: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the net benefit of treatments, (thresholds, trials), at each threshold."""
    n = len(of_interest)
    if not n:
        return np.full(len(t), np.nan)
    right = (treated & of_interest).sum(axis=1) / n
    needless = (treated & ~of_interest).sum(axis=1) / n
    benefit: NDArray[np.float64] = right - needless * t / (1 - t)
    return benefit
