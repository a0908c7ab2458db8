"""socal_core.evaluation.run_comparison, mcnemar and run_results"""

import json
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from socal_core.dataset.targets import Target
from socal_core.errors import RunError
from socal_core.evaluation.compare import auroc_difference
from socal_core.evaluation.mcnemar import exact_mcnemar
from socal_core.evaluation.metrics import auroc
from socal_core.evaluation.run_comparison import (
    RunComparison,
    compare_predictions,
    compare_runs,
    comparison_text,
    verdict_sentence,
)
from socal_core.evaluation.run_results import read_results
from socal_core.lifecycle.state import RunState
from tests.evaluation.made_predictions import draw_predictions, make_predictions
from tests.made_cross_validations import write_cross_validation
from tests.made_runs import write_run


@pytest.mark.parametrize(("first", "second"), [(1, 0), (5, 0), (3, 8), (10, 10), (12, 3)])
def test_mcnemar_is_the_two_sided_binomial_test(first: int, second: int) -> None:
    n, fewer = first + second, min(first, second)
    expected = min(1.0, 2 * sum(comb(n, k) for k in range(fewer + 1)) / 2**n)
    assert exact_mcnemar(first, second) == pytest.approx(expected)
    assert exact_mcnemar(0, 0) is None


def compare(a: pd.DataFrame, b: pd.DataFrame) -> RunComparison:
    return compare_predictions("a", a, "b", b)


def test_scores_and_differences_are_of_the_same_trials_in_any_order() -> None:
    a, b = draw_predictions(0, skill=0.5), draw_predictions(0, skill=0.1, noise_seed=7)
    found = compare(a, b)
    assert (found.trials, found.surgeons, found.notes) == (40, 20, ())
    assert found.auroc.first == auroc(a["label"], a["prob_success"])
    assert found.auroc.difference == pytest.approx(found.auroc.first - auroc(b["label"], b["prob_success"]))
    surgeons = a["participant_id"]
    expected = auroc_difference(a["label"], a["prob_success"], b["prob_success"], surgeons)
    assert found.auroc.interval == pytest.approx(expected.interval)
    right, other = a["predicted"] == a["label"], b["predicted"] == b["label"]
    assert (found.only_first_right, found.only_second_right) == ((right & ~other).sum(), (other & ~right).sum())
    assert found.accuracy.difference == pytest.approx(right.mean() - other.mean())
    assert compare(a, b.sample(frac=1, random_state=1)) == found


def test_a_much_better_run_is_distinguished() -> None:
    a, b = draw_predictions(0, n=60, skill=0.9), draw_predictions(0, n=60, skill=0.0, noise_seed=3)
    found = compare(a, b)
    assert found.auroc.distinguished
    assert found.accuracy.distinguished
    assert found.auroc.surgeons_needed is None
    assert verdict_sentence(found, found.auroc) == "The AUROC of a is shown to be higher than that of b."
    swapped = compare_predictions("b", b, "a", a)
    assert verdict_sentence(swapped, swapped.accuracy) == "The accuracy of a is shown to be higher than that of b."


def test_runs_that_cannot_be_distinguished_say_how_many_surgeons_would_be_needed() -> None:
    a, b = draw_predictions(1, skill=0.3), draw_predictions(1, skill=0.25, noise_seed=5)
    found = compare(a, b)
    assert not found.auroc.distinguished
    assert found.auroc.surgeons_needed > found.surgeons
    sentence = verdict_sentence(found, found.auroc)
    assert sentence.startswith("The runs cannot be distinguished by their AUROC. ")
    assert f"about {found.auroc.surgeons_needed:,} test surgeons would show it with a probability of 80 %" in sentence


def test_few_trials_that_differ_do_not_distinguish_although_the_interval_excludes_0() -> None:
    """Five of forty trials are predicted correctly by the first run only: McNemar's p is 2 / 32."""
    labels = [1] * 40
    wrong = [0.1 if number % 8 == 0 else 0.9 for number in range(40)]
    found = compare(make_predictions(labels, [0.9] * 40), make_predictions(labels, wrong))
    assert found.mcnemar_p == pytest.approx(2 / 32)
    assert found.accuracy.interval[0] > 0
    assert not found.accuracy.distinguished
    assert found.accuracy.surgeons_needed > found.surgeons


def test_one_class_one_trial_and_ties_everywhere() -> None:
    one = compare(make_predictions([1], [0.7]), make_predictions([1], [0.2]))
    assert (one.auroc.difference, one.auroc.first, one.accuracy.difference, one.accuracy.interval) == (
        None,
        None,
        1.0,
        None,
    )
    assert "not defined" in verdict_sentence(one, one.auroc)
    assert "too few surgeons" in verdict_sentence(one, one.accuracy)
    labels = [0, 1] * 20
    ties = compare(make_predictions(labels, [0.5] * 40), make_predictions(labels, [0.5] * 40))
    assert (ties.auroc.difference, ties.auroc.interval, ties.auroc.distinguished) == (0, (0, 0), False)
    assert ties.mcnemar_p is None
    assert "It is the same in both." in verdict_sentence(ties, ties.auroc)
    assert "no trial differs" in comparison_text(ties)


def test_unknown_surgeons_are_surgeons_of_their_own() -> None:
    labels, p = [0, 1] * 10, np.linspace(0.1, 0.9, 20).tolist()
    found = compare(make_predictions(labels, p, [""] * 20), make_predictions(labels, p[::-1], [""] * 20))
    assert found.surgeons == 20
    assert found.auroc.interval is not None
    assert found.notes == ("The surgeon of 20 test trials is unknown. Each counts as a separate surgeon.",)


def test_other_trials_or_outcomes_are_refused() -> None:
    a = draw_predictions(0)
    with pytest.raises(RunError, match=r"tested on different trials: 40 and 38, of which 38 are the same\. Train both"):
        compare(a, a[:-2])
    changed = a.assign(label=[1 - a["label"].iloc[0], *a["label"].iloc[1:]])
    with pytest.raises(RunError, match="outcome of 1 test trials, such as S0T1, differs"):
        compare(a, changed)
    with pytest.raises(RunError, match="no test trials"):
        compare(a[:0], a[:0])


def test_two_runs_on_disk(tmp_path: Path, shared_data_folder: Path) -> None:
    first = write_run(tmp_path / "first", shared_data_folder, skill=0.8)
    second = write_run(tmp_path / "second", shared_data_folder, skill=0.2, window="whole")
    found = compare_runs(first, second)
    assert (found.first, found.second, found.trials) == ("first", "second", first.read_metrics()["n"])
    assert found.auroc.first == first.read_metrics()["auroc"]
    assert found.accuracy.second == second.read_metrics()["accuracy"]
    assert "first (first 60 s) and second (whole trial)" in found.notes[0]
    assert "first (prediction) and second (recognition)" in found.notes[1]
    assert json.loads(json.dumps(found.as_dict()))["trials"] == found.trials
    text = comparison_text(found).splitlines()
    assert text[0] == f"{found.trials} test trials of {found.surgeons} surgeons, the same in both runs"
    assert text[-1].startswith("note: The tasks differ")


def test_results_of_changed_data_are_named(tmp_path: Path, shared_data_folder: Path) -> None:
    first = write_run(tmp_path / "first", shared_data_folder, skill=0.8)
    second = write_run(tmp_path / "second", shared_data_folder, skill=0.2)
    assert compare_runs(first, second).notes == ()
    second.write_metrics({**second.read_metrics(), "data_fingerprint": "another"})
    (note,) = compare_runs(first, second).notes
    assert "The data folder was changed after one of the runs was evaluated" in note
    second.write_metrics({**second.read_metrics(), "data_fingerprint": ""})  # not known
    assert compare_runs(first, second).notes == ()


@pytest.mark.slow
def test_cross_validations_are_compared_by_their_pooled_predictions(tmp_path: Path, shared_data_folder: Path) -> None:
    first = write_cross_validation(tmp_path / "first", shared_data_folder)
    second = write_cross_validation(tmp_path / "second", shared_data_folder, learning_rate=1e-5)
    found = compare_runs(first, second)
    assert found.trials == 20
    assert found.notes[0].startswith("first and second are cross-validations")
    with pytest.raises(RunError, match="different trials: 20 and"):
        compare_runs(first, write_run(tmp_path / "single", shared_data_folder))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (RunState.FAILED, "has no test results: it has failed. The disk is full."),
        (RunState.STOPPED, "has no test results: it was stopped. Resume it"),
    ],
)
def test_runs_without_results(tmp_path: Path, shared_data_folder: Path, state: RunState, message: str) -> None:
    done = write_run(tmp_path / "done", shared_data_folder)
    with pytest.raises(RunError, match=message):
        compare_runs(done, write_run(tmp_path / "other", shared_data_folder, state))
    done.predictions_file.unlink()
    with pytest.raises(RunError, match=r"Run done has no test results: predictions\.csv or metrics\.json was deleted"):
        read_results(done)


def test_a_run_with_itself_and_runs_with_other_targets(tmp_path: Path, shared_data_folder: Path) -> None:
    first = write_run(tmp_path / "first", shared_data_folder)
    second = write_run(tmp_path / "second", shared_data_folder)
    with pytest.raises(RunError, match="compared with itself"):
        compare_runs(first, first)
    second.write_target(Target("blood_loss", "Blood loss", "mL"))
    with pytest.raises(RunError, match="Run first predicts success and run second blood_loss"):
        compare_runs(first, second)
    first.write_target(Target("blood_loss", "Blood loss", "mL"))
    with pytest.raises(RunError, match="Run first predicts blood_loss, and this analysis is of runs that predict succ"):
        compare_runs(first, second)
