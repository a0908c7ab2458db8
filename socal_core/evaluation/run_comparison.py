"""Compare two runs on the same test trials, and say whether they can be distinguished."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from socal_core.dataset.saved_views import SavedView
from socal_core.errors import RunError
from socal_core.evaluation.coaching import p_value_text
from socal_core.evaluation.compare import Difference, Verdict, accuracy_difference, auroc_difference, groups_needed
from socal_core.evaluation.mcnemar import exact_mcnemar
from socal_core.evaluation.metrics import auroc
from socal_core.evaluation.run_results import RunResults, check_target, data_differ, read_results
from socal_core.evaluation.trial_scores import surgeons_of
from socal_core.evaluation.view_results import kept, trials_of_view
from socal_core.runs.cross_validation import is_cross_validation
from socal_core.runs.files.metrics_record import Interval
from socal_core.runs.folder import RunFolder

LEVEL = 0.05
"""The two-sided level of McNemar's test."""


@dataclass(frozen=True)
class ScoreComparison:
    """A score of two runs on the same trials."""

    name: str
    """`AUROC` or `accuracy`."""
    first: float | None
    """The score of the first run; None if it is not defined."""
    second: float | None
    difference: float | None
    """First minus second."""
    interval: Interval
    """The 95 % interval of the difference, over surgeons (differences.py); None if there are too few."""
    distinguished: bool
    """Whether the interval excludes 0; for the accuracy, McNemar's test must also be significant, since the interval
    is too certain where few trials differ."""
    surgeons_needed: int | None
    """How many test surgeons would show a difference of this size (compare.groups_needed); None if the runs are
    distinguished, or if no number can be given."""


@dataclass(frozen=True)
class RunComparison:
    """Two runs that predict the same test trials."""

    first: str
    second: str
    """The names of the runs."""
    trials: int
    surgeons: int
    auroc: ScoreComparison
    accuracy: ScoreComparison
    only_first_right: int
    """Number of trials that only the first run predicts correctly."""
    only_second_right: int
    mcnemar_p: float | None
    """The p value of McNemar's exact test, which treats trials as independent; None if no trial differs."""
    notes: tuple[str, ...]
    """What else differs between the runs, or limits the comparison."""

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as values for JSON."""
        return asdict(self)


def compare_runs(first: RunFolder, second: RunFolder, view: SavedView | None = None) -> RunComparison:
    """Compare two runs, of which each may be a cross-validation.

    Args:
        first: A run.
        second: Another run.
        view: A view of the data of the first run; only its test trials are compared. None compares all.

    Raises:
        RunError: They are the same run, predict different targets or something else than success, have no results,
            were tested on different trials, or none of these is in the view.
        DataError: The data folder, which tells what is in the view, cannot be used.
        ConfigError: A setting of a run is invalid.
    """
    if first.path.resolve() == second.path.resolve():
        raise RunError(f"Run {first.name} would be compared with itself. Name two runs.")
    _check_targets(first, second)
    results = read_results(first), read_results(second)
    tests = [found.test for found in results]
    of_view: tuple[str, ...] = ()
    if view is not None:
        _check_same_trials(first.name, _by_trial(tests[0]), second.name, _by_trial(tests[1]))
        trials = trials_of_view(first, view)
        of_view = (f"Only the test trials in the view {view.name} are compared, of {len(tests[0])}.",)
        tests = [kept(test, trials, first, view)[0] for test in tests]
    compared = compare_predictions(first.name, tests[0], second.name, tests[1])
    notes = (*of_view, *compared.notes, *_notes(*results))
    return RunComparison(**{**vars(compared), "notes": notes})


def compare_predictions(first: str, first_test: pd.DataFrame, second: str, second_test: pd.DataFrame) -> RunComparison:
    """Compare the predictions that two runs made of the same test trials.

    Args:
        first: The name of the first run.
        first_test: Its predictions of the test trials (runs/files/predictions.py).
        second: The name of the second run.
        second_test: Its predictions of the test trials, in any order.

    Raises:
        RunError: The trials or their outcomes differ, or there are none.
    """
    a, b = _by_trial(first_test), _by_trial(second_test)
    _check_same_trials(first, a, second, b)
    y, surgeons = a["label"], surgeons_of(a)
    right, other_right = a["predicted"] == y, b["predicted"] == y
    only_first, only_second = int((right & ~other_right).sum()), int((other_right & ~right).sum())
    p_value = exact_mcnemar(only_first, only_second)
    groups = int(surgeons.nunique())
    of_auroc = auroc_difference(y, a["prob_success"], b["prob_success"], surgeons)
    of_accuracy = accuracy_difference(y, a["predicted"], b["predicted"], surgeons)
    scores = auroc(y, a["prob_success"]), auroc(y, b["prob_success"])
    rates = float(right.mean()), float(other_right.mean())
    unknown = int((a["participant_id"] == "").sum())
    note = f"The surgeon of {unknown} test trials is unknown. Each counts as a separate surgeon."
    return RunComparison(
        first=first,
        second=second,
        trials=len(a),
        surgeons=groups,
        auroc=_compared("AUROC", *scores, of_auroc, groups),
        accuracy=_compared("accuracy", *rates, of_accuracy, groups, p_value is not None and p_value < LEVEL),
        only_first_right=only_first,
        only_second_right=only_second,
        mcnemar_p=p_value,
        notes=(note,) if unknown else (),
    )


def comparison_text(compared: RunComparison) -> str:
    """Describe a comparison in lines of text."""
    lines = [f"{compared.trials} test trials of {compared.surgeons} surgeons, the same in both runs"]
    for score in (compared.auroc, compared.accuracy):
        lines += _score_lines(compared, score)
    mcnemar = "no trial differs" if compared.mcnemar_p is None else p_value_text(compared.mcnemar_p)
    lines.append(
        f"Only {compared.first} predicts {compared.only_first_right} trials correctly, only {compared.second} "
        f"{compared.only_second_right} (exact McNemar: {mcnemar})."
    )
    return "\n".join([*lines, *(f"note: {note}" for note in compared.notes)])


def verdict_sentence(compared: RunComparison, score: ScoreComparison) -> str:
    """Say whether a score distinguishes the runs, and if not, how many surgeons would be needed."""
    if score.difference is None:
        return f"The {score.name} of these trials is not defined, because all have the same outcome."
    if score.distinguished:
        better, other = compared.first, compared.second
        if score.difference < 0:
            better, other = other, better
        return f"The {score.name} of {better} is shown to be higher than that of {other}."
    text = f"The runs cannot be distinguished by their {score.name}."
    if score.interval is None:
        return f"{text} There is no interval: too few surgeons in the test subset."
    if score.surgeons_needed is None:
        return f"{text} It is the same in both."
    return (
        f"{text} If the true difference is as large as this one, about {score.surgeons_needed:,} test surgeons would "
        f"show it with a probability of 80 %; there are {compared.surgeons}."
    )


def _score_lines(compared: RunComparison, score: ScoreComparison) -> Iterator[str]:
    if score.first is not None and score.second is not None and score.difference is not None:
        interval = score.interval
        text = f" (95 % interval {interval[0]:+.3f} to {interval[1]:+.3f})" if interval else ""
        yield (
            f"{score.name}: {compared.first} {score.first:.3f}, {compared.second} {score.second:.3f}, difference "
            f"{score.difference:+.3f}{text}"
        )
    yield verdict_sentence(compared, score)


def _compared(
    name: str,
    first: float | None,
    second: float | None,
    found: Difference | None,
    surgeons: int,
    significant: bool = True,
) -> ScoreComparison:
    if found is None:
        return ScoreComparison(name, first, second, None, None, False, None)
    distinguished = significant and found.verdict is not Verdict.NOT_SHOWN
    # The interval can exclude 0 where McNemar's test does not; its number of surgeons would then be below ours.
    needed = None if distinguished else groups_needed(found, surgeons)
    if needed is not None:
        needed = max(needed, surgeons + 1)
    return ScoreComparison(name, first, second, found.value, found.interval, distinguished, needed)


def _check_targets(first: RunFolder, second: RunFolder) -> None:
    targets = [run.read_target().column for run in (first, second)]
    if targets[0] != targets[1]:
        raise RunError(
            f"Run {first.name} predicts {targets[0]} and run {second.name} {targets[1]}, so they cannot be compared. "
            "Choose runs with the same target."
        )
    check_target(first)


def _by_trial(test: pd.DataFrame) -> pd.DataFrame:
    return test.set_index("trial_id", drop=False).sort_index()


def _check_same_trials(first: str, a: pd.DataFrame, second: str, b: pd.DataFrame) -> None:
    if not a.index.equals(b.index):
        common = len(a.index.intersection(b.index))
        raise RunError(
            f"Runs {first} and {second} were tested on different trials: {len(a)} and {len(b)}, of which {common} are "
            "the same. Train both with the same split settings (split_method, seed and fractions), on the same data."
        )
    if a.empty:
        raise RunError(f"Runs {first} and {second} have no test trials. Train them with another split.")
    differing = a.index[a["label"] != b["label"]]
    if len(differing):
        raise RunError(
            f"The outcome of {len(differing)} test trials, such as {differing[0]}, differs between runs {first} and "
            f"{second}: the data were changed in between. Train both on the same data."
        )


def _notes(first: RunResults, second: RunResults) -> Iterator[str]:
    names = first.run.name, second.run.name
    data = first.run.read_data(), second.run.read_data()
    if data[0] != data[1]:
        yield f"The runs read different data folders, {data[0].name} and {data[1].name}."
    elif data_differ(first.metrics.get("data_fingerprint"), second.metrics.get("data_fingerprint")):
        yield "The data folder was changed after one of the runs was evaluated: their fingerprints differ."
    windows = first.metrics["window"], second.metrics["window"]
    if windows[0] != windows[1]:
        yield f"The models saw different parts of the trials: {names[0]} ({windows[0]}) and {names[1]} ({windows[1]})."
    tasks = first.metrics["task"], second.metrics["task"]
    if tasks[0] != tasks[1]:
        yield f"The tasks differ: {names[0]} ({tasks[0]}) and {names[1]} ({tasks[1]})."
    pooled = [run.name for run in (first.run, second.run) if is_cross_validation(run)]
    if pooled:
        verb = "is a cross-validation" if len(pooled) == 1 else "are cross-validations"
        yield (
            f"{' and '.join(pooled)} {verb}: predictions of the models of all folds are pooled, which can lower the "
            "AUROC."
        )
