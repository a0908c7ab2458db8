"""Compare two intervals of the difference of two predictors on the same trials: how often they contain the truth.

    python -m benchmarks.differences [--cohorts 500] [--surgeons 10 20 70]

One is the percentiles of a paired bootstrap over surgeons, which the project used before; the other comes from leaving
out one surgeon at a time (`evaluation/differences.py`), here also where it has too few surgeons to be displayed.
Cohorts are those of `benchmarks/coverage.py`, with an intraclass correlation of 0.3 and the pairs of AUROCs in PAIRS.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks import coverage
from benchmarks.coverage import Cohort, Draw, class_pair_cohort, contains, number_pair_cohort, pair_cohort, percentiles
from socal_core.evaluation import differences
from socal_core.evaluation.differences import class_differences, number_differences, outcome_differences
from socal_core.evaluation.intervals import Estimates
from socal_core.evaluation.weighted_scores import Floats, mean, ranking_scores
from socal_core.runs.files.metrics_record import Interval

PAIRS = ((0.8, 0.8), (0.8, 0.7), (0.95, 0.85))
ICC = 0.3
RESAMPLES = 500
TRUTH_TRIALS = 500_000


def auroc_gap(weights: Floats, y: NDArray[np.int64], p: Floats, d: Floats, q: Floats, e: Floats) -> Floats:
    one, two = (ranking_scores(y == 1, scores, weights)["auroc"] for scores in (p, q))
    return one - two


def class_gap(weights: Floats, y: NDArray[np.int64], first: Floats, second: Floats) -> Floats:
    gaps = [
        ranking_scores(y == k, first[:, k], weights)["auroc"] - ranking_scores(y == k, second[:, k], weights)["auroc"]
        for k in np.unique(y)
    ]
    found: Floats = np.mean(gaps, axis=0)
    return found


def rmse_gap(weights: Floats, true: Floats, first: Floats, second: Floats) -> Floats:
    one, two = (np.sqrt(mean((predicted - true) ** 2, weights)) for predicted in (first, second))
    found: Floats = one - two
    return found


def of_outcomes(cohort: Cohort, surgeons: NDArray[np.int64]) -> Estimates:
    y, p, d, q, e = cohort
    return outcome_differences(y, (p, d), (q, e), surgeons)


PARTS: dict[str, tuple[Callable[..., Cohort], Callable[..., Floats], Callable[..., Estimates], str]] = {
    "AUROC": (pair_cohort, auroc_gap, of_outcomes, "auroc"),
    "RMSE": (number_pair_cohort, rmse_gap, lambda cohort, surgeons: number_differences(*cohort, surgeons), "rmse"),
    "macro AUROC": (
        class_pair_cohort,
        class_gap,
        lambda cohort, surgeons: class_differences(*cohort, surgeons),
        "macro_auroc",
    ),
}


def bootstrap(gap: Callable[..., Floats], cohort: Cohort, surgeons: NDArray[np.int64], seed: int) -> Interval:
    count = int(surgeons.max()) + 1
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return percentiles(gap(draws[:, surgeons].astype(float), *cohort))


def truth(part: str, pair: tuple[float, float]) -> float:
    if pair[0] == pair[1]:
        return 0.0
    make, gap, _, _ = PARTS[part]
    return float(gap(np.ones((1, TRUTH_TRIALS)), *make(Draw([1], TRUTH_TRIALS, 0.0, trials=1), pair))[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=500)
    parser.add_argument("--surgeons", type=int, nargs="*", default=[10, 20, 70])
    parser.add_argument("--part", choices=list(PARTS), nargs="*", default=list(PARTS))
    options = parser.parse_args()
    differences.FEWEST_FOR_DIFFERENCE = {}  # also the intervals that are not displayed
    for part in options.part:
        make, gap, estimates, name = PARTS[part]
        for count in options.surgeons:
            for number, pair in enumerate(PAIRS):
                true, draw = truth(part, pair), Draw([number, count], count, ICC)
                hits: dict[str, list[float]] = {"bootstrap": [], "jackknife": []}
                for seed in range(options.cohorts):
                    cohort = make(draw, pair)
                    hits["bootstrap"].append(contains(bootstrap(gap, cohort, draw.surgeons, seed), true))
                    hits["jackknife"].append(contains(estimates(cohort, draw.surgeons)[name].interval, true))
                texts = [f"{method} {coverage.coverage(values)}" for method, values in hits.items()]
                print(f"{part}, {count} surgeons, {pair}: {', '.join(texts)}", flush=True)


if __name__ == "__main__":
    main()
