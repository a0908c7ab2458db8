"""socal_core.evaluation.controls"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.windows import Window
from socal_core.evaluation.best_control import best_control
from socal_core.evaluation.compare import auroc_difference
from socal_core.evaluation.controls import comparison, controls, in_all_folds
from tests.figures.made_tables import make_boxes, make_dataset, make_trials

MINUTE, WHOLE = Window(0, 60), Window(0, None)
NO_BOXES = make_boxes([])
NEED_BOXES = ["tools", "motion"]
# Thirty surgeons with two trials each: of the 60 trials, 24 train, 16 validate and 20 test.
TRIALS = [f"S{i}T{number}" for i in range(30) for number in (1, 2)]
LABELS = {trial: int(i % 3 != 0) for i, trial in enumerate(TRIALS)}
SPLIT = {trial: ("train" if i < 24 else "validation" if i < 40 else "test") for i, trial in enumerate(TRIALS)}
# As in SOCAL: failures run to the time limit, successes end early.
LENGTHS = {trial: 70 + 5 * (i % 4) if LABELS[trial] else 120 for i, trial in enumerate(TRIALS)}


def data_set(lengths: dict[str, int], boxes: pd.DataFrame = NO_BOXES) -> Dataset:
    """Trials of these lengths at one frame a second; only what the controls look at."""
    return make_dataset(make_trials(list(lengths), n_frames=list(lengths.values())), boxes)


def boxes_where(shows: Callable[[str, int], bool]) -> pd.DataFrame:
    """A box of a drill in the frames (trial, second) that `shows` names."""
    return make_boxes([(t, s, "drill") for t, n in LENGTHS.items() for s in range(n) if shows(t, s)])


def predicted(labels: dict[str, int] = LABELS, probability: float | NDArray[np.float64] = 0.5) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trial_id": labels.keys(),
            "participant_id": [trial[1:-2] for trial in labels],
            "split": [SPLIT[trial] for trial in labels],
            "label": labels.values(),
            "prob_success": probability,
        }
    )


def clips(colour: Callable[[str, int], float] = lambda trial, frame: 100) -> Iterator[NDArray[np.uint8]]:
    """A clip of four grey frames for each trial."""
    for trial in TRIALS:
        frames = [np.full((3, 2, 2), colour(trial, frame), np.uint8) for frame in range(4)]
        yield np.stack(frames)[None]


def keyed(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in rows}


def test_length_gives_the_outcome_away_and_the_window_hides_it() -> None:
    rows = keyed(controls(data_set(LENGTHS), predicted(), MINUTE, clips()))
    assert (rows["length"]["auroc"], rows["length"]["accuracy"]) == (1, 1)
    assert rows["frames"]["auroc"] == 0.5
    majority = rows["majority"]
    successes = sum(LABELS[trial] for trial in TRIALS[40:])
    assert majority["accuracy"] == pytest.approx(successes / 20)
    assert (majority["balanced_accuracy"], majority["auroc"]) == (0.5, 0.5)


def test_for_the_whole_trial_the_window_is_no_control_of_its_own() -> None:
    rows = controls(data_set(LENGTHS), predicted(), WHOLE, clips())
    assert [row["key"] for row in rows] == ["majority", "length", "colour", "tools", "motion"]


@pytest.mark.parametrize(
    "colour",
    [
        lambda trial, frame: 100 + 20 * LABELS[trial],
        lambda trial, frame: 100 + (2 * LABELS[trial] - 1) * (2 * frame - 3),
    ],
    ids=["mean", "slope alone"],
)
def test_colour_that_follows_the_outcome_is_found(colour: Callable[[str, int], float]) -> None:
    row = keyed(controls(data_set(LENGTHS), predicted(), MINUTE, clips(colour)))["colour"]
    assert (row["auroc"], row["accuracy"]) == (1, 1)


def test_the_colour_control_agrees_with_a_regression_by_hand() -> None:
    noise = np.random.default_rng(0).integers(-30, 30, (60, 4))
    greys = {trial: [100 + 15 * LABELS[trial] + int(n) for n in noise[i]] for i, trial in enumerate(TRIALS)}
    row = keyed(controls(data_set(LENGTHS), predicted(), MINUTE, clips(lambda t, frame: greys[t][frame])))["colour"]
    x = np.array([[np.mean(grey), np.polyfit([0, 1 / 3, 2 / 3, 1], grey, 1)[0]] for grey in greys.values()])
    x = np.repeat((x - x[:24].mean(axis=0)) / x[:24].std(axis=0), 3, axis=1)  # red, green and blue are alike
    y = np.array(list(LABELS.values()))
    weights = np.where(y == 1, 24 / (2 * y[:24].sum()), 24 / (2 * (24 - y[:24].sum())))
    scores = LogisticRegression(max_iter=1000).fit(x[:24], y[:24], sample_weight=weights[:24]).decision_function(x)
    assert 0.5 < row["auroc"] < 1
    assert row["auroc"] == pytest.approx(roc_auc_score(y[40:], scores[40:]))


def test_when_a_tool_is_there_counts_by_thirds() -> None:
    """Twenty seconds of a drill in each trial: in the last third of successes, in the first of failures."""
    boxes = boxes_where(lambda trial, second: 40 <= second < 60 if LABELS[trial] else second < 20)
    row = keyed(controls(data_set(LENGTHS, boxes), predicted(), MINUTE, clips()))["tools"]
    assert (row["auroc"], row["accuracy"]) == (1, 1)


def test_the_tool_control_agrees_with_a_regression_by_hand() -> None:
    chance = np.random.default_rng(1)
    rate = {trial: chance.uniform(0.2, 0.6) + 0.2 * LABELS[trial] for trial in TRIALS}
    shown = {(trial, second): chance.random() < rate[trial] for trial in TRIALS for second in range(200)}
    boxes = boxes_where(lambda trial, second: bool(shown[trial, second]))
    row = keyed(controls(data_set(LENGTHS, boxes), predicted(), MINUTE, clips()))["tools"]
    x = np.array([[np.mean([shown[t, s] for s in range(k, k + 20)]) for k in (0, 20, 40)] for t in TRIALS])
    x = (x - x[:24].mean(axis=0)) / x[:24].std(axis=0)
    y = np.array(list(LABELS.values()))
    weights = np.where(y == 1, 24 / (2 * y[:24].sum()), 24 / (2 * (24 - y[:24].sum())))
    scores = LogisticRegression(max_iter=1000).fit(x[:24], y[:24], sample_weight=weights[:24]).decision_function(x)
    assert 0.5 < row["auroc"] < 1
    assert row["auroc"] == pytest.approx(roc_auc_score(y[40:], scores[40:]))


def test_tools_outside_the_window_have_no_effect() -> None:
    """The drill is in view for 3 of 60 s in every trial, and later in failures alone."""
    boxes = boxes_where(lambda trial, second: second % 20 == 0 if second < 60 else not LABELS[trial])
    row = keyed(controls(data_set(LENGTHS, boxes), predicted(), MINUTE, clips()))["tools"]
    assert row["auroc"] == 0.5


@pytest.mark.parametrize("window", [MINUTE, WHOLE])
def test_length_is_hidden_from_the_tool_control(window: Window) -> None:
    """Failures have one frame, successes 90; half of each has a drill in every frame."""
    lengths = {trial: 90 if label else 1 for trial, label in LABELS.items()}
    boxes = [(t, s, "drill") for t, n in lengths.items() if int(t[1:-2]) % 2 for s in range(n)]
    data = data_set(lengths, make_boxes(boxes))
    rows = keyed(controls(data, predicted(), window, clips()))
    assert rows["length"]["auroc"] == 1
    assert abs(rows["tools"]["auroc"] - 0.5) < 0.2


@pytest.mark.parametrize(
    ("boxes", "reason"),
    [
        (NO_BOXES, "The tools control was not computed: the data have no boxes."),
        (boxes_where(lambda trial, second: second > 60), "no frame in the window has a box."),
    ],
)
def test_without_boxes_there_is_no_tool_control(boxes: pd.DataFrame, reason: str) -> None:
    rows = controls(data_set(LENGTHS, boxes), predicted(), MINUTE, clips())
    row = keyed(json.loads(json.dumps(rows)))["tools"]
    assert {value for name, value in row.items() if name not in {"key", "name", "description"}} == {None}
    assert reason in row["description"]
    assert comparison({"auroc": 0.5, "controls": rows}).endswith(reason)


def test_the_time_at_which_a_tool_appears_is_found_by_its_motion() -> None:
    """Each trial shows the muscle in ten frames, which only the second of the first one distinguishes."""
    starts = {trial: 20 if LABELS[trial] else 40 for trial in TRIALS}
    shown = [(trial, start + second, "muscle") for trial, start in starts.items() for second in range(10)]
    row = keyed(controls(data_set(LENGTHS, make_boxes(shown)), predicted(), MINUTE, clips()))["motion"]
    assert row["auroc"] == 1
    late = Window(0, 20)
    row = keyed(controls(data_set(LENGTHS, make_boxes(shown)), predicted(), late, clips()))["motion"]
    assert row["auroc"] is None and "no frame in the window has a box" in row["description"]


def test_the_middle_frame_is_that_of_the_middle_of_the_clip() -> None:
    seen: list[NDArray[np.uint8]] = []

    def embed(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
        seen.append(frames)
        return frames.mean(axis=(2, 3))

    bright = clips(lambda trial, frame: 100 + 50 * LABELS[trial] * (frame == 2))
    row = keyed(controls(data_set(LENGTHS), predicted(), MINUTE, bright, embed))["middle_frame"]
    assert seen[0].shape == (60, 3, 2, 2)
    assert (row["auroc"], row["accuracy"]) == (1, 1)
    other = clips(lambda trial, frame: 100 + 50 * LABELS[trial] * (frame == 1))
    assert keyed(controls(data_set(LENGTHS), predicted(), MINUTE, other, embed))["middle_frame"]["auroc"] == 0.5


def test_test_trials_teach_a_control_nothing() -> None:
    """The test outcomes turned round turn each score round: the controls were not fitted to them."""
    turned = {trial: 1 - label if SPLIT[trial] == "test" else label for trial, label in LABELS.items()}
    boxes = boxes_where(lambda trial, second: second < 10 + 20 * LABELS[trial])
    colours = clips(lambda trial, frame: 100 + 20 * LABELS[trial])
    rows = keyed(controls(data_set(LENGTHS, boxes), predicted(turned), WHOLE, colours))
    assert [rows[key]["auroc"] for key in ("length", "colour", "tools")] == [0, 0, 0]


def test_one_outcome_in_training_leaves_nothing_to_learn() -> None:
    labels = {trial: 1 if SPLIT[trial] == "train" else label for trial, label in LABELS.items()}
    colours = clips(lambda trial, frame: 100 + 20 * LABELS[trial])
    rows = controls(data_set(LENGTHS), predicted(labels), MINUTE, colours)
    assert {row["key"]: row["auroc"] for row in rows if row["auroc"] != 0.5} == dict.fromkeys(NEED_BOXES)


def test_the_model_is_compared_over_surgeons() -> None:
    y = np.array(list(LABELS.values()))
    p = 0.4 * y + 0.6 * np.random.default_rng(0).random(60)
    greys = dict(zip(TRIALS, np.random.default_rng(1).integers(90, 110, 60), strict=True))
    # Each trial is of a surgeon of its own: ten would be too few for an interval.
    predictions = predicted(probability=p).assign(participant_id=TRIALS)
    row = keyed(controls(data_set(LENGTHS), predictions, MINUTE, clips(lambda t, _: greys[t])))["colour"]
    # The colour control follows its one feature, upwards or downwards.
    colour = np.array([greys[trial] for trial in TRIALS[40:]])
    sign = 1 if roc_auc_score(y[40:], colour) == pytest.approx(row["auroc"]) else -1
    found = auroc_difference(y[40:], p[40:], sign * colour, TRIALS[40:])
    assert found is not None and found.interval is not None
    assert (row["difference"], row["verdict"]) == (pytest.approx(found.value), found.verdict)
    assert row["difference_interval"] == pytest.approx(found.interval)


def test_trials_of_unknown_surgeons_are_no_group() -> None:
    """As one group they would leave too few surgeons for an interval."""
    rows = controls(data_set(LENGTHS), predicted().assign(participant_id=""), MINUTE, clips())
    assert all(row["difference_interval"] for row in rows if row["key"] not in NEED_BOXES)


def control(
    key: str, auroc: float, difference: float, interval: tuple[float, float] | None, verdict: str
) -> dict[str, Any]:
    row = {"key": key, "name": key, "description": "", "auroc": auroc, "difference": difference}
    return {**row, "difference_interval": interval, "verdict": verdict}


def test_the_sentence_has_verdicts_and_numbers() -> None:
    rows = [
        control("length", 1.0, -0.2, (-0.3, -0.1), "below"),
        control("colour", 0.6, 0.2, (0.1, 0.3), "above"),
        control("tools", 0.75, 0.05, (-0.1, 0.2), "not shown to be above"),
    ]
    assert comparison({"auroc": 0.8, "controls": rows}) == (
        "The model (AUROC 0.80) is above the colour control (0.60; difference +0.20, 95 % interval +0.10 to +0.30) "
        "and not shown to be above the tools control (0.75; difference +0.05, 95 % interval -0.10 to +0.20)."
    )
    few = [control("colour", 0.6, 0.2, None, "not shown to be above")]
    assert "no interval: too few surgeons in the test subset" in comparison({"auroc": 0.8, "controls": few})


def test_without_an_auroc_or_the_two_controls_there_is_no_sentence() -> None:
    labels = {trial: 1 if SPLIT[trial] == "test" else label for trial, label in LABELS.items()}
    assert (
        comparison({"auroc": None, "controls": controls(data_set(LENGTHS), predicted(labels), MINUTE, clips())}) == ""
    )
    assert comparison({"auroc": 0.8, "controls": [{"name": "Always the commoner outcome", "auroc": 0.5}]}) == ""


def test_the_best_control_knows_no_more_than_the_model() -> None:
    rows = [
        control("frames", 0.5, 0.3, None, "not shown to be above"),
        control("length", 1.0, -0.2, (-0.3, -0.1), "below"),
        control("colour", 0.6, 0.2, (0.1, 0.3), "above"),
        {**control("tools", 0.9, 0.0, None, "not shown to be above"), "auroc": None},
        control("motion", 0.7, 0.1, (-0.1, 0.3), "not shown to be above"),
    ]
    best = best_control({"auroc": 0.8, "controls": rows})
    assert best is not None
    assert (best.key, best.value, best.model_value, best.difference) == ("motion", 0.7, 0.8, 0.1)
    assert (best.interval, best.verdict) == ((-0.1, 0.3), "not shown to be above")
    whole = best_control({"auroc": 0.8, "controls": rows[1:]})
    assert whole is not None and whole.key == "length"


def test_controls_of_earlier_versions_have_a_best_one() -> None:
    old = [{"name": "Always the commoner outcome", "auroc": 0.5}, {"name": "Length", "auroc": 0.9}]
    best = best_control({"auroc": 0.8, "controls": old})
    assert best is not None
    assert (best.key, best.name, best.difference, best.interval) == ("", "Length", None, None)
    assert best_control({"auroc": None, "controls": [{"name": "Length", "auroc": None}]}) is None


def test_the_best_control_of_a_number_has_the_lowest_error() -> None:
    errors = {"mean": 500.0, "motion": 450.0, "tools": None, "tth": 300.0}
    rows = [{"key": key, "name": key, "scores": {"rmse": error}, "difference": -50.0} for key, error in errors.items()]
    best = best_control({"main": "rmse", "scores": {"rmse": 400.0}, "controls": rows})
    assert best is not None
    assert (best.key, best.score, best.value, best.model_value) == ("motion", "rmse", 450, 400)


def test_folds_of_an_earlier_version_share_the_controls_that_both_have() -> None:
    early = [control(key, 0.5, 0, None, "") for key in ("majority", "colour", "tools")]
    late = [control(key, 0.6, 0, None, "") for key in ("majority", "colour", "middle_frame", "tools", "motion")]
    for folds in ([early, late], [late, early]):
        pairs = list(in_all_folds(folds))
        assert [[row["key"] for row in rows] for rows in pairs] == [
            [key] * 2 for key in ("majority", "colour", "tools")
        ]
        assert [row["auroc"] for row in pairs[0]] == [fold[0]["auroc"] for fold in folds]
