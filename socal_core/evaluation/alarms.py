"""Alarms: signs that the test scores of a run are too good, or say less than they seem to."""

from collections.abc import Iterator

from socal_core.errors import SocalError
from socal_core.evaluation.alarm import Alarm, AlarmSeverity
from socal_core.evaluation.frame_alarms import frame_alarms
from socal_core.evaluation.run_results import RunResults
from socal_core.lifecycle.control import is_control
from socal_core.preflight.advice import FEW_TEST_TRIALS
from socal_core.runs.folder import RunFolder
from socal_core.runs.run_list import list_runs

LENGTH_LEAK = 0.9
"""AUROC of the length control above which a model that sees whole trials may have learnt nothing but their length."""
MANY_TESTS = 10
"""Number of runs tested on the same trials from which the best test score is likely to be the luckiest one."""


def alarms_of(results: RunResults) -> list[Alarm]:
    """Return the alarms of a run, the most severe first.

    Args:
        results: The results of the run, in a folder with the other runs.

    Raises:
        RunError: The settings of the run cannot be read.
        ConfigError: One of its settings is invalid.
    """
    order = list(AlarmSeverity)
    return sorted(_alarms(results), key=lambda alarm: order.index(alarm.severity))


def times_tested(run: RunFolder) -> int:
    """Count the runs with results, this one included, that have the same test trials, data folder and target.

    The runs in the same folder are counted, without those that were deleted or cannot be read, and without controls,
    none of which is chosen for its score.
    """
    mine = _test_of(run)
    return sum(other.name == run.name or (mine is not None and _test_of(other) == mine) for other in _evaluated(run))


def _alarms(results: RunResults) -> Iterator[Alarm]:
    yield from _perfect_score(results)
    yield from _known_surgeons(results)
    yield from _length(results)
    yield from _recognition(results)
    yield from _few_trials(results)
    yield from _repeated_tests(results)
    yield from frame_alarms(results.run, results.predictions)


def _perfect_score(results: RunResults) -> Iterator[Alarm]:
    metrics = results.metrics
    if metrics["accuracy"] == 1:
        what = f"All {metrics['n']} test trials are predicted correctly"
    elif metrics["auroc"] == 1:
        what = "The AUROC of the test trials is 1"
    else:
        return
    text = f"{what}: a perfect score suggests a leak, or too few test trials, rather than a perfect model."
    yield Alarm("perfect-score", AlarmSeverity.CAUTION, text)


def _known_surgeons(results: RunResults) -> Iterator[Alarm]:
    table = results.predictions
    tested, trained = (
        set(table.loc[rows, "participant_id"]) - {""} for rows in (table["split"] == "test", table["split"] != "test")
    )
    common = len(tested & trained)
    if common:
        text = (
            f"{common} of {len(tested)} test surgeons also have trials in the training or validation subset, so the "
            "scores are not those of new surgeons and are too good."
        )
        yield Alarm("surgeons-in-training", AlarmSeverity.SERIOUS, text)


def _length(results: RunResults) -> Iterator[Alarm]:
    if not results.run.read_config().clip.observation.ends_with_the_trial:
        return
    found = [row["auroc"] for row in results.metrics["controls"] if row.get("key") == "length"]
    auroc = found[0] if found else None
    if auroc is not None and auroc > LENGTH_LEAK:
        text = (
            f"The model sees trials to their end, and their number of frames alone has an AUROC of {auroc:.2f}, so it "
            "may have learnt nothing but their length."
        )
        yield Alarm("length", AlarmSeverity.SERIOUS, text)


def _recognition(results: RunResults) -> Iterator[Alarm]:
    if results.metrics["task"] == "recognition":
        text = (
            f"This is recognition, not prediction: {results.metrics['share_ending_inside']:.0%} of the trials end "
            "inside the window, so the model can see their outcome."
        )
        yield Alarm("recognition", AlarmSeverity.CAUTION, text)


def _few_trials(results: RunResults) -> Iterator[Alarm]:
    n = results.metrics["n"]
    if n < FEW_TEST_TRIALS:
        text = (
            f"There are only {n} test trials, so a single one changes the accuracy by {100 / n:.0f} percentage points."
        )
        yield Alarm("few-test-trials", AlarmSeverity.CAUTION, text)


def _repeated_tests(results: RunResults) -> Iterator[Alarm]:
    count = times_tested(results.run)
    if count > 1:
        severity = AlarmSeverity.CAUTION if count >= MANY_TESTS else AlarmSeverity.NOTE
        text = (
            f"{count} runs were tested on these {results.metrics['n']} trials, so the test score of a run that was "
            "chosen for it is too good: choose by the validation trials."
        )
        yield Alarm("repeated-tests", severity, text)


def _evaluated(run: RunFolder) -> list[RunFolder]:
    try:
        found = [other for other in list_runs(run.path.absolute().parent) if other.metrics_file.is_file()]
        return [other for other in found if other.name == run.name or not is_control(other)]
    except OSError:
        return [run]


def _test_of(run: RunFolder) -> tuple[str, str, frozenset[str]] | None:
    """Return what is tested: data folder, target and trials; None if that cannot be read."""
    try:
        return str(run.read_data()), run.read_target().column, frozenset(run.read_split().test)
    except (SocalError, OSError):
        return None
