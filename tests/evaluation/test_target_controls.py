"""socal_core.evaluation.target_controls, on made runs of a number and of three classes."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, root_mean_squared_error

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.target_choice import with_target
from socal_core.dataset.windows import Window
from socal_core.evaluation.compare import rmse_difference
from socal_core.evaluation.target_controls import target_comparison, target_controls
from socal_core.evaluation.target_metrics import scores_of_test_trials
from socal_core.presets import SOSPINE
from socal_core.runs.files.target_metrics_record import TargetControl
from socal_core.settings import TINY, config_from
from socal_core.splits import split_dataset
from tests.made_target_runs import CLASSES, NUMBER, predicted, write_target_dataset
from tests.made_target_runs import SETTINGS as MADE

WINDOW = Window(0, 60)
SURGEONS = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_target_dataset(tmp_path_factory.mktemp("targets") / "data", surgeons=SURGEONS)


@cache
def made(folder: Path, target: str) -> tuple[Dataset, pd.DataFrame]:
    """The data set and made predictions of a split whose test subset has half of the surgeons."""
    dataset = with_target(open_dataset(folder), target)
    split = split_dataset(dataset, config_from({**MADE, "test_fraction": 0.5}, TINY).split)
    target_of_run = dataset.target.standardized_on(dataset.target_values[list(split.train)])
    dataset = replace(dataset, target=target_of_run)
    return dataset, predicted(dataset, split, skill=0.5 if target == NUMBER else 0.1)


def greys(predictions: pd.DataFrame, levels: pd.Series) -> Iterator[NDArray[np.uint8]]:
    """One clip of two frames for each trial, all of one grey."""
    for trial in predictions["trial_id"]:
        yield np.full((1, 2, 3, 4, 4), levels[trial], dtype=np.uint8)


def keyed(dataset: Dataset, predictions: pd.DataFrame, levels: pd.Series | None = None) -> dict[str, TargetControl]:
    same = pd.Series(100, index=predictions["trial_id"])
    clips = greys(predictions, same if levels is None else levels)
    return {row["key"]: row for row in target_controls(dataset, predictions, WINDOW, clips)}


def parts(predictions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return predictions[predictions["split"] == "train"], predictions[predictions["split"] == "test"]


def test_the_constant_number_is_the_mean_of_the_training_trials(folder: Path) -> None:
    dataset, predictions = made(folder, NUMBER)
    train, test = parts(predictions)
    row = keyed(dataset, predictions)["mean"]
    mean = train["label"].mean()
    assert row["predicted"] == pytest.approx([mean] * len(test))
    assert row["scores"]["rmse"] == pytest.approx(root_mean_squared_error(test["label"], [mean] * len(test)))
    assert row["scores"]["correlation"] is None
    assert f"the mean of the training trials: {mean:.4g} mL." in row["description"]


def test_the_constant_class_is_that_of_most_training_trials(folder: Path) -> None:
    dataset, predictions = made(folder, CLASSES)
    train, test = parts(predictions)
    row = keyed(dataset, predictions)["majority"]
    counts = train["label"].value_counts()
    first = next(name for name in dataset.target.classes if counts[name] == counts.max())
    assert row["predicted"] == [first] * len(test)
    assert row["probabilities"][0] == pytest.approx([counts[name] / len(train) for name in dataset.target.classes])
    assert row["scores"]["auroc"] == 0.5


def test_time_to_haemostasis_is_the_published_control_of_blood_loss_alone(folder: Path) -> None:
    dataset, predictions = made(folder, NUMBER)
    train, test = parts(predictions)
    row = keyed(dataset, predictions)["tth"]
    time = dataset.trials["tth"].astype(float)
    line = np.polyfit(time[train["trial_id"]], train["label"], 1)
    assert row["predicted"] == pytest.approx(np.polyval(line, time[test["trial_id"]]))
    assert row["scores"]["r2"] > 0.5, "the blood loss was made to grow with it"
    assert "never an input of a model" in row["description"] and "431 mL" in row["description"]
    assert "tth" not in keyed(*made(folder, CLASSES))
    assert "tth" not in keyed(replace(dataset, preset=SOSPINE), predictions)
    unknown = dataset.trials.assign(tth=pd.array([pd.NA] * len(dataset.trials), dtype=dataset.trials["tth"].dtype))
    assert "tth" not in keyed(replace(dataset, trials=unknown), predictions)


def test_an_unknown_time_is_replaced_by_the_mean_of_the_training_trials(folder: Path) -> None:
    dataset, predictions = made(folder, NUMBER)
    train, test = parts(predictions)
    time = dataset.trials["tth"].copy()
    time[test["trial_id"].iloc[0]] = pd.NA
    row = keyed(replace(dataset, trials=dataset.trials.assign(tth=time)), predictions)["tth"]
    assert row["predicted"][0] == pytest.approx(train["label"].mean())


def test_a_colour_that_shows_the_number_is_found(folder: Path) -> None:
    dataset, predictions = made(folder, NUMBER)
    labels = predictions.set_index("trial_id")["label"]
    row = keyed(dataset, predictions, (labels / 10).astype(int))["colour"]
    assert row["scores"]["r2"] > 0.99
    assert row["verdict"] == "worse than", "the model is worse than the control"
    assert row["difference"] > 0, "its RMSE is higher"
    _, test = parts(predictions)
    found = rmse_difference(test["label"], test["predicted"], row["predicted"], test["participant_id"])
    assert (row["difference"], row["difference_interval"]) == (found.value, found.interval)


def test_a_colour_that_shows_the_class_is_found(folder: Path) -> None:
    dataset, predictions = made(folder, CLASSES)
    labels = predictions.set_index("trial_id")["label"]
    row = keyed(dataset, predictions, labels.map({"Fair": 60, "good": 120, "poor": 180}))["colour"]
    _, test = parts(predictions)
    assert roc_auc_score(test["label"], row["probabilities"], multi_class="ovr") == row["scores"]["auroc"] == 1
    assert row["scores"]["accuracy"] == 1
    assert row["verdict"] == "worse than"
    assert row["difference"] < 0


@pytest.mark.parametrize("target", [NUMBER, CLASSES])
def test_test_trials_teach_a_control_nothing(folder: Path, target: str) -> None:
    """Other true values of the test trials change the scores, but no prediction of a control."""
    dataset, predictions = made(folder, target)
    levels = predictions.set_index("trial_id")["label"].rank(method="dense").astype(int) * 3
    before = keyed(dataset, predictions, levels)
    held_out = predictions["split"] == "test"
    turned = predictions.assign(label=predictions["label"].mask(held_out, predictions["label"][held_out].iloc[0]))
    after = keyed(dataset, turned, levels)
    assert {key: row["predicted"] for key, row in before.items()} == {
        key: row["predicted"] for key, row in after.items()
    }
    assert before["colour"]["scores"] != after["colour"]["scores"]


def test_a_class_that_no_training_trial_has_is_never_predicted(folder: Path) -> None:
    dataset, predictions = made(folder, CLASSES)
    train = predictions["split"] == "train"
    lacking = predictions.assign(label=predictions["label"].mask(train & (predictions["label"] == "poor"), "good"))
    levels = lacking.set_index("trial_id")["label"].map({"Fair": 60, "good": 120, "poor": 180})
    row = keyed(dataset, lacking, levels)["colour"]
    assert {probabilities[2] for probabilities in row["probabilities"]} == {0.0}
    assert set(row["predicted"]) == {"Fair", "good"}


def test_without_boxes_the_tools_control_is_named_but_has_no_scores(folder: Path) -> None:
    dataset, predictions = made(folder, NUMBER)
    row = keyed(replace(dataset, boxes=dataset.boxes.iloc[:0]), predictions)["tools"]
    assert (row["scores"], row["difference"], row["verdict"]) == ({"rmse": None}, None, None)
    assert "the data have no boxes" in row["description"]


def test_trials_of_unknown_surgeons_are_no_group(folder: Path) -> None:
    """As one group they would leave too few surgeons for an interval."""
    dataset, predictions = made(folder, NUMBER)
    assert keyed(dataset, predictions.assign(participant_id=""))["colour"]["difference_interval"]


@pytest.mark.parametrize(("target", "score"), [(NUMBER, "RMSE"), (CLASSES, "AUROC")])
def test_the_sentence_has_verdicts_numbers_and_the_unit(folder: Path, target: str, score: str) -> None:
    dataset, predictions = made(folder, target)
    clips = greys(predictions, pd.Series(100, index=predictions["trial_id"]))
    rows = target_controls(dataset, predictions, WINDOW, clips)
    metrics = {**scores_of_test_trials(predictions, dataset.target), "controls": rows}
    text = target_comparison(metrics)
    assert text.startswith(f"The model ({score} ")
    assert " the colour control (" in text and " the tools control (" in text
    assert (" mL; difference " in text) is (target == NUMBER)


def test_few_test_surgeons_leave_the_sentence_without_an_interval(folder: Path) -> None:
    dataset, predictions = made(folder, NUMBER)
    _, test = parts(predictions)
    few = predictions[(predictions["split"] != "test") | predictions["participant_id"].isin(test["participant_id"][:4])]
    clips = greys(few, pd.Series(100, index=few["trial_id"]))
    rows = target_controls(dataset, few, WINDOW, clips)
    text = target_comparison({**scores_of_test_trials(few, dataset.target), "controls": rows})
    assert "no interval: too few surgeons in the test subset" in text
