"""Measure how often the 95 % intervals of scores contain the true score, in simulated cohorts of few surgeons.

    python -m benchmarks.coverage                      all parts, 1,000 cohorts for each cell
    python -m benchmarks.coverage --part outcomes --candidates 200
    python -m benchmarks.coverage --speed              all intervals of 143 trials of 75 surgeons

Each surgeon has two trials. A cell is a number of surgeons, an intraclass correlation (ICC) of outcomes and of scores,
and an AUROC. Outcome and score are normal latent variables with an effect of the surgeon, and the outcome is a success
in 58 % of trials. Since the effects on both are independent, the true scores do not depend on the ICC; they come from
two million independent trials. The standard error of a coverage is 0.7 % with 1,000 cohorts.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import gamma

from socal_core.evaluation.differences import class_differences, number_differences, outcome_differences
from socal_core.evaluation.intervals import (
    Estimates,
    class_estimates,
    number_estimates,
    outcome_estimates,
)
from socal_core.evaluation.jackknife import Jackknife, Surgeons, t_interval
from socal_core.evaluation.metrics import auroc_interval, wilson_interval
from socal_core.evaluation.weighted_scores import Floats, WeightedScores, class_scores, number_scores, outcome_scores
from socal_core.runs.files.metrics_record import Interval

SUCCESS_RATE = 0.58
CORRELATIONS = (0.0, 0.3, 0.6)
AUROCS = (0.5, 0.8, 0.95)
PAIRS = tuple((auroc, auroc - gap) for auroc in (0.6, 0.8, 0.95) for gap in (0.0, 0.1))
TRUTH_TRIALS = 2_000_000
RESAMPLES = 400
Cohort = tuple[NDArray[np.generic], ...]
Methods = dict[str, dict[str, Interval]]
Hits = dict[tuple[str, str, int], dict[tuple[object, float], list[float]]]
"""By method, score and number of surgeons, then by cell: 1 for an interval with the truth, 0 without, NaN for none."""


class Draw:
    """Random trials of surgeons with two trials each, or of as many surgeons as trials."""

    def __init__(self, seed: list[int], surgeons: int, icc: float, trials: int = 2) -> None:
        self.rng = np.random.default_rng(seed)
        self.icc, self.surgeons = icc, np.repeat(np.arange(surgeons), trials)
        self.count = surgeons

    def normal(self) -> Floats:
        """Standard normal numbers whose correlation within a surgeon is the ICC."""
        own = self.rng.normal(size=self.count)[self.surgeons]
        return np.sqrt(self.icc) * own + np.sqrt(1 - self.icc) * self.rng.normal(size=len(self.surgeons))

    def outcomes(self) -> NDArray[np.int64]:
        return (self.normal() < ndtri(SUCCESS_RATE)).astype(np.int64)

    def probabilities(self, y: NDArray[np.int64], auroc: float, noise: Floats) -> Floats:
        """Probabilities that are right if the AUROC is 0.69 or more, and too extreme below."""
        effect = np.sqrt(2) * ndtri(auroc)
        odds = np.log(SUCCESS_RATE / (1 - SUCCESS_RATE)) + max(effect, 0.7) * (effect * y + noise - effect / 2)
        return 1 / (1 + np.exp(-odds))


def outcome_cohort(draw: Draw, auroc: float) -> Cohort:
    y = draw.outcomes()
    p = draw.probabilities(y, auroc, draw.normal())
    return y, p, (p >= 0.5).astype(np.int64)


def class_cohort(draw: Draw, auroc: float) -> Cohort:
    """Three classes with 30, 40 and 30 % of trials; each class has a score with this AUROC against another class."""
    y = np.searchsorted(ndtri([0.3, 0.7]), draw.normal())
    effect = np.sqrt(2) * ndtri(auroc)
    scores = np.stack([effect * (y == k) + draw.normal() for k in range(3)], axis=1) * max(effect, 0.7)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return y, p, p.argmax(axis=1)


_GRID = np.linspace(-6, 6, 2001)
_MILLILITRES = gamma(1.5, scale=550 / 1.5).ppf(ndtr(_GRID))


def number_cohort(draw: Draw, auroc: float) -> Cohort:
    """Blood losses with a gamma distribution, mean 550 mL, standard deviation 450 mL, and a correlated prediction."""
    correlation = {0.5: 0.0, 0.8: 0.6, 0.95: 0.9}[auroc]
    true = draw.normal()
    close = correlation * true + np.sqrt(1 - correlation**2) * draw.normal()
    shrunk = 550 + max(correlation, 0.3) * (np.interp(close, _GRID, _MILLILITRES) - 550)
    return np.interp(true, _GRID, _MILLILITRES), shrunk


def pair_cohort(draw: Draw, aurocs: tuple[float, float]) -> Cohort:
    """Two predictors whose errors have a correlation of 0.5."""
    y = draw.outcomes()
    shared = draw.normal()
    p, q = (draw.probabilities(y, auroc, np.sqrt(0.5) * (shared + draw.normal())) for auroc in aurocs)
    return y, p, (p >= 0.5).astype(np.int64), q, (q >= 0.5).astype(np.int64)


def number_pair_cohort(draw: Draw, aurocs: tuple[float, float]) -> Cohort:
    """As `pair_cohort`, for numbers: the better predictor has the smaller error."""
    true = draw.normal()
    shared = draw.normal()
    one, two = (true + (1.1 - auroc) * np.sqrt(0.5) * (shared + draw.normal()) for auroc in aurocs)
    return tuple(np.interp(values, _GRID, _MILLILITRES) for values in (true, one, two))


def pair_estimates(y: Floats, p: Floats, d: Floats, q: Floats, e: Floats, surgeons: NDArray[np.int64]) -> Estimates:
    return outcome_differences(y, (p, d), (q, e), surgeons)


def pair_scores(y: Floats, p: Floats, d: Floats, q: Floats, e: Floats, weights: Floats) -> WeightedScores:
    one, two = outcome_scores(y, p, d, weights), outcome_scores(y, q, e, weights)
    return {name: one[name] - two[name] for name in one}


def number_pair_scores(true: Floats, first: Floats, second: Floats, weights: Floats) -> WeightedScores:
    one, two = number_scores(true, first, weights), number_scores(true, second, weights)
    return {
        "squared_error": one["rmse"] ** 2 - two["rmse"] ** 2,
        "absolute_error": one["mae"] - two["mae"],
        "rmse": one["rmse"] - two["rmse"],
    }


def class_pair_cohort(draw: Draw, aurocs: tuple[float, float]) -> Cohort:
    """As `pair_cohort`, for the three classes of `class_cohort`."""
    y = np.searchsorted(ndtri([0.3, 0.7]), draw.normal())
    shared = np.stack([draw.normal() for _ in range(3)], axis=1)
    predictors = []
    for auroc in aurocs:
        effect = np.sqrt(2) * ndtri(auroc)
        noise = np.sqrt(0.5) * (shared + np.stack([draw.normal() for _ in range(3)], axis=1))
        scores = (effect * (y[:, None] == np.arange(3)) + noise) * max(effect, 0.7)
        predictors.append(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True))
    return y, *predictors


def class_pair_scores(y: NDArray[np.int64], first: Floats, second: Floats, weights: Floats) -> WeightedScores:
    one, two = (class_scores(y, p, p.argmax(axis=1), weights)["macro_auroc"] for p in (first, second))
    return {"macro_auroc": one - two}


PARTS: dict[str, tuple[Callable[..., Cohort], Callable[..., Estimates], Callable[..., WeightedScores], tuple]] = {
    "outcomes": (outcome_cohort, outcome_estimates, outcome_scores, AUROCS),
    "classes": (class_cohort, class_estimates, class_scores, AUROCS),
    "numbers": (number_cohort, number_estimates, number_scores, AUROCS),
    "differences": (pair_cohort, pair_estimates, pair_scores, PAIRS),
    "class differences": (class_pair_cohort, class_differences, class_pair_scores, PAIRS),
    "number differences": (number_pair_cohort, number_differences, number_pair_scores, PAIRS),
}


def candidates(cohort: Cohort, scores: Callable[..., WeightedScores], draw: Draw, seed: int) -> Methods:
    """Compute the intervals of methods that are not used, for comparison."""
    groups = Surgeons(draw.surgeons.astype(str))
    jackknifes = {name: Jackknife(groups, values) for name, values in scores(*cohort, groups.weights).items()}
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(groups.count, np.full(groups.count, 1 / groups.count), size=RESAMPLES)
    samples = scores(*cohort, counts[:, groups.member].astype(float))
    found: Methods = {
        "bootstrap": {name: percentiles(values) for name, values in samples.items()},
        "jackknife": {name: t_interval(jackknife) for name, jackknife in jackknifes.items()},
    }
    if scores is outcome_scores:
        y, p, d = cohort
        found["trials"] = {
            "accuracy": wilson_interval(int((y == d).sum()), len(y)),
            "precision": wilson_interval(int(y[d == 1].sum()), int(d.sum())),
            "recall": wilson_interval(int(d[y == 1].sum()), int(y.sum())),
            "auroc": auroc_interval(y, p),
        }
    return found


def percentiles(values: Floats) -> Interval:
    """Return the 2.5th and the 97.5th percentile of the resamples in which a score is defined."""
    defined = values[~np.isnan(values)]
    return (float(np.quantile(defined, 0.025)), float(np.quantile(defined, 0.975))) if len(defined) else None


def count_hits(part: str, counts: list[int], cohorts: int, compared: int, verbose: bool) -> Hits:
    """Draw cohorts for all cells of a part, and count which intervals contain the truth.

    Args:
        part: The part, a key of PARTS.
        counts: Numbers of surgeons.
        cohorts: Number of cohorts in each cell.
        compared: Number of these for which also the methods that are not used are computed.
        verbose: Whether to print each cell.
    """
    make, estimates, scores, levels = PARTS[part]
    hits: Hits = defaultdict(lambda: defaultdict(list))
    for index, level in enumerate(levels):
        truth = true_scores(part, level)
        for count in counts:
            for icc in CORRELATIONS:
                draw = Draw([index, count, int(10 * icc)], count, icc)
                for number in range(cohorts):
                    cohort = make(draw, level)
                    shown = estimates(*cohort, draw.surgeons)
                    methods = {"shown": {name: e.interval for name, e in shown.items() if e.value is not None}}
                    if number < compared:
                        methods |= candidates(cohort, scores, draw, number)
                    for method, intervals in methods.items():
                        for name in intervals.keys() & methods["shown"].keys():
                            found = contains(intervals[name], truth[name])
                            hits[method, name, count][level, icc].append(found)
                if verbose:
                    print_cell(hits, count, level, icc)
    return hits


def true_scores(part: str, level: float | tuple[float, float], trials: int = TRUTH_TRIALS) -> dict[str, float]:
    """Compute the scores of many independent trials; differences of equally good predictors are 0."""
    make, _, scores, _ = PARTS[part]
    draw = Draw([1], trials, 0.0, trials=1)
    found = scores(*make(draw, level), np.ones((1, trials)))
    equal = isinstance(level, tuple) and level[0] == level[1]
    return {name: 0.0 if equal else float(values[0]) for name, values in found.items()}


def contains(interval: Interval, truth: float) -> float:
    """Return 1 if the interval contains the truth, 0 if not, NaN if there is none."""
    if interval is None or not np.isfinite(interval).all():
        return np.nan
    return float(interval[0] - 1e-9 <= truth <= interval[1] + 1e-9)


def print_cell(hits: Hits, count: int, level: float | tuple[float, float], icc: float) -> None:
    found = {
        name: hits["shown", name, count][level, icc] for method, name, n in hits if (method, n) == ("shown", count)
    }
    print(count, level, icc, *(f"{name} {coverage(values)}" for name, values in found.items()), flush=True)


def coverage(values: list[float]) -> str:
    """Format the fraction of intervals that contain the truth, in percent."""
    given = [value for value in values if not np.isnan(value)]
    return f"{100 * np.mean(given):.1f}" if given else "none"


def print_table(hits: Hits, counts: list[int]) -> None:
    """Print, for each score and number of surgeons, the lowest and the highest coverage over the cells."""
    methods = list(dict.fromkeys(method for method, _, _ in hits))
    names = list(dict.fromkeys(name for method, name, _ in hits if method == "shown"))
    print("| score | surgeons |", " | ".join(methods), "| too few |")
    print("|" + "---|" * (len(methods) + 3))
    for name in sorted(names):
        for count in counts:
            ranges = [coverage_range(hits[method, name, count]) for method in methods]
            every = np.concatenate(list(hits["shown", name, count].values()))
            print(f"| {name} | {count} |", " | ".join(ranges), f"| {100 * np.isnan(every).mean():.1f} % |")


def coverage_range(cells: dict[tuple[object, float], list[float]]) -> str:
    found = [float(text) for values in cells.values() if (text := coverage(values)) != "none"]
    return f"{min(found):.1f} to {max(found):.1f}" if found else ""


def print_speed() -> None:
    """Time all intervals of 143 trials of 75 surgeons, and differences from a second predictor."""
    draw = Draw([0], 75, 0.3)
    y, p, d, q, e = (values[:143] for values in pair_cohort(draw, (0.8, 0.7)))
    surgeons = draw.surgeons[:143]
    k, shares, said = (values[:143] for values in class_cohort(draw, 0.8))
    true, close = (values[:143] for values in number_cohort(draw, 0.8))
    started = time.perf_counter()
    outcome_estimates(y, p, d, surgeons)
    class_estimates(k, shares, said, surgeons)
    number_estimates(true, close, surgeons)
    pair_estimates(y, p, d, q, e, surgeons)
    number_differences(true, close, close[::-1], surgeons)
    print(f"all intervals: {1000 * (time.perf_counter() - started):.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=list(PARTS), nargs="*", default=list(PARTS), help="all by default")
    parser.add_argument("--cohorts", type=int, default=1000, help="for each cell (default: %(default)s)")
    parser.add_argument("--surgeons", type=int, nargs="*", default=[10, 20, 70], help="default: %(default)s")
    parser.add_argument("--candidates", type=int, default=0, help="cohorts with the other methods too (slow)")
    parser.add_argument("--speed", action="store_true", help="only time the intervals of one data set")
    parser.add_argument("--verbose", action="store_true", help="print each cell")
    arguments = parser.parse_args()
    if arguments.speed:
        return print_speed()
    for part in arguments.part:
        print(f"\n{part}\n")
        hits = count_hits(part, arguments.surgeons, arguments.cohorts, arguments.candidates, arguments.verbose)
        print_table(hits, arguments.surgeons)
    return None


if __name__ == "__main__":
    main()
