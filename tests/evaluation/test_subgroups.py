"""socal_core.evaluation.subgroups"""

import json
from typing import Any

import pandas as pd
import pytest

from socal_core.evaluation.metrics import auroc
from socal_core.evaluation.subgroups import (
    GROUPINGS,
    Subgroup,
    SubgroupReport,
    group_names,
    subgroups,
    subgroups_text,
)
from socal_core.evaluation.trial_scores import estimates_of
from tests.evaluation.made_predictions import draw_predictions, make_predictions
from tests.figures.made_tables import make_trials


def facts_of(predictions: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    numbers = [int(trial[-1]) for trial in predictions["trial_id"]]
    defaults = {"trial_number": numbers, "n_frames": list(range(50, 50 + len(predictions)))}
    return make_trials(predictions["trial_id"].tolist(), **(defaults | columns))


def by_name(report: SubgroupReport, grouping: str) -> dict[str, Subgroup]:
    return {group.name: group for group in report.groups if group.grouping == grouping}


def test_each_group_has_the_scores_of_its_own_test_trials() -> None:
    predictions = draw_predictions(0)
    train = draw_predictions(1).assign(split="train", trial_id=lambda rows: "X" + rows["trial_id"])
    status = ["Attending" if number < 24 else "Trainee" for number in range(40)]
    report = subgroups(pd.concat([predictions, train]), facts_of(predictions, training_status=status))
    attending = by_name(report, "training_status")["Attending"]
    rows = predictions[:24]
    right = int((rows["label"] == rows["predicted"]).sum())
    assert (attending.trials, attending.surgeons, attending.successes) == (24, 12, rows["label"].sum())
    assert attending.accuracy.value == right / 24
    assert (attending.accuracy, attending.auroc) == (estimates_of(rows)["accuracy"], estimates_of(rows)["auroc"])
    assert attending.accuracy.interval is not None
    assert attending.auroc.value == pytest.approx(auroc(rows["label"], rows["prob_success"]))
    assert (report.overall.trials, report.overall.surgeons) == (40, 20)
    assert [group.trials for group in by_name(report, "trial_number").values()] == [20, 20]
    assert list(by_name(report, "trial_number")) == ["Trial 1", "Trial 2"]


def test_the_groups_of_a_grouping_divide_the_trials() -> None:
    predictions = draw_predictions(2)
    sizes = {"width": [1280, 1920] * 20, "height": [720, 1080] * 20}
    cohorts = ["USC", None, "Emory", "USC"] * 10
    report = subgroups(predictions, facts_of(predictions, **sizes, cohort=cohorts))
    for grouping in set(GROUPINGS) - set(report.missing):
        assert sum(group.trials for group in by_name(report, grouping).values()) == 40
    assert list(by_name(report, "resolution")) == ["1280x720", "1920x1080"]
    assert list(by_name(report, "cohort")) == ["Emory", "USC", "Unknown"]
    assert report.missing == {"training_status": "Training status is unknown for all test trials."}


@pytest.mark.parametrize(
    ("frames", "names"),
    [
        (list(range(1, 31)), ["1 to 10 frames", "11 to 20 frames", "21 to 30 frames"]),
        (list(range(1, 21)), ["1 to 10 frames", "11 to 20 frames"]),
        ([300] * 20, ["300 frames"]),
        ([50] * 12 + [300] * 8, ["50 frames", "300 frames"]),
        ([40], ["40 frames"]),
    ],
)
def test_lengths_are_divided_into_terciles_or_halves(frames: list[int], names: list[str]) -> None:
    trials = make_trials([f"S{number}T1" for number in range(len(frames))], n_frames=frames)
    found = group_names(trials, "length")
    assert [name for name in found.cat.categories if (found == name).any()] == names


@pytest.mark.parametrize(("n", "surgeons", "too_small"), [(10, 5, False), (9, 9, True), (10, 4, True), (30, 0, True)])
def test_small_groups_are_marked(n: int, surgeons: int, too_small: bool) -> None:
    ids = [str(number % surgeons) if surgeons else "" for number in range(n)]
    predictions = make_predictions([0, 1] * (n // 2) + [1] * (n % 2), [0.5] * n, ids)
    overall = subgroups(predictions, facts_of(predictions)).overall
    assert (overall.surgeons, overall.too_small) == (surgeons, too_small)


def test_one_class_one_trial_ties_and_unknown_trials() -> None:
    predictions = make_predictions([1], [0.5])
    report = subgroups(predictions, facts_of(predictions)[:0])
    assert report.groups == ()
    assert set(report.missing) == set(GROUPINGS)
    assert (report.overall.auroc.value, report.overall.auroc.interval) == (None, None)
    assert report.overall.too_small
    assert "not defined" in subgroups_text(report)
    nothing = subgroups(predictions[:0], facts_of(predictions))
    assert (nothing.overall.trials, nothing.overall.accuracy.value) == (0, None)


def test_a_trial_that_is_no_longer_in_the_data_is_unknown() -> None:
    predictions = draw_predictions(3, n=12)
    report = subgroups(predictions, facts_of(predictions)[:-2])
    assert by_name(report, "trial_number")["Unknown"].trials == 2
    assert by_name(report, "length")["Unknown"].trials == 2


def test_the_report_as_json_and_as_text() -> None:
    predictions = draw_predictions(4, n=12)
    report = subgroups(predictions, facts_of(predictions))
    values = json.loads(json.dumps(report.as_dict()))
    assert values["overall"]["trials"] == 12
    assert [group["too_small"] for group in values["groups"]] == [True] * 4
    lines = subgroups_text(report).splitlines()
    assert lines[1].split()[:3] == ["All", "test", "trials"]
    assert lines[2].startswith("Trial ")
    assert lines[2].endswith("too small")
    assert lines[-1] == "Resolution is unknown for all test trials."
