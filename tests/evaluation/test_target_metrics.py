"""socal_core.evaluation.target_metrics"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import pearsonr
from sklearn import metrics as sklearn_metrics
from sklearn.metrics import recall_score

from socal_core.dataset.targets import Target, class_numbers
from socal_core.evaluation.intervals import class_estimates, number_estimates
from socal_core.evaluation.target_metrics import (
    class_target_scores,
    current_target_metrics,
    labels_of,
    large_recall,
    number_scores,
    outputs_of,
    score_text,
    scores_of,
    scores_of_test_trials,
    with_outputs,
)

GRADES = Target("grade", "grade", classes=("Fair", "good", "poor"))
LOSS = Target("blood_loss", "Blood loss", "mL", mean=500, scale=200)


def draw(seed: int, classes: int, trials: int = 40) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Classes of which all occur, and probabilities that follow them a little."""
    chance = np.random.default_rng(seed)
    y = np.r_[np.arange(classes), chance.integers(0, classes, trials - classes)]
    return y, 0.3 * np.eye(classes)[y] + 0.7 * chance.dirichlet(np.ones(classes), trials)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 3, 6])
def test_scores_of_classes_are_those_of_scikit_learn(seed: int, classes: int) -> None:
    y, p = draw(seed, classes)
    decided = p.argmax(axis=1)
    several = {} if classes == 2 else {"multi_class": "ovr", "average": "macro"}
    assert class_target_scores(y, p, decided) == pytest.approx(
        {
            "accuracy": sklearn_metrics.accuracy_score(y, decided),
            "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(y, decided),
            "f1": sklearn_metrics.f1_score(y, decided, average="macro"),
            "auroc": sklearn_metrics.roc_auc_score(y, p[:, 1] if classes == 2 else p, **several),
            "log_loss": sklearn_metrics.log_loss(y, p),
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_numbers_are_those_of_scikit_learn(seed: int) -> None:
    chance = np.random.default_rng(seed)
    y = chance.normal(500, 200, 30)
    p = y + chance.normal(-50, 100, 30)
    assert number_scores(y, p) == pytest.approx(
        {
            "rmse": sklearn_metrics.root_mean_squared_error(y, p),
            "mae": sklearn_metrics.mean_absolute_error(y, p),
            "mean_error": np.mean(p) - np.mean(y),
            "r2": sklearn_metrics.r2_score(y, p),
            "correlation": pearsonr(y, p).statistic,
        }
    )


def test_trials_of_one_class_have_no_auroc() -> None:
    scores = class_target_scores([1, 1], [[0.2, 0.8, 0.0], [0.6, 0.4, 0.0]], [1, 0])
    assert (scores["accuracy"], scores["auroc"], scores["balanced_accuracy"]) == (0.5, None, None)


def test_a_class_of_no_trial_does_not_count_in_means() -> None:
    """Class 2 is predicted once; class 3 neither occurs nor is predicted."""
    y, p = [0, 0, 1, 1], [[0.9, 0.1, 0, 0], [0.1, 0.2, 0.7, 0], [0.4, 0.6, 0, 0], [0.2, 0.8, 0, 0]]
    scores = class_target_scores(y, p, [0, 2, 1, 1])
    assert scores["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert scores["f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores["auroc"] == pytest.approx((2 / 4 + 4 / 4) / 2)


def test_a_class_that_was_thought_impossible_has_a_finite_loss() -> None:
    assert class_target_scores([0, 1], [[0.0, 1.0], [0.0, 1.0]], [1, 1])["log_loss"] == pytest.approx(18.02, abs=0.01)


@pytest.mark.parametrize(
    ("y", "p", "undefined"),
    [([5, 5], [4, 6], {"r2", "correlation"}), ([4, 6], [5, 5], {"correlation"}), ([4], [5], {"r2", "correlation"})],
)
def test_equal_numbers_have_no_correlation(y: list[float], p: list[float], undefined: set[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = number_scores(y, p)
    assert {name for name, value in scores.items() if value is None} == undefined
    assert scores["rmse"] == 1


def table_of(target: Target, labels: list[Any], outputs: list[list[float]]) -> pd.DataFrame:
    """Predictions of trials a, b, …; the first is a training trial."""
    ids = list("abcdefgh"[: len(labels)])
    subset = ["train", *["test"] * (len(labels) - 1)]
    table = pd.DataFrame({"trial_id": ids, "participant_id": "7", "split": subset, "label": labels})
    return with_outputs(table, np.array(outputs, dtype=float), target)


def test_metrics_are_of_the_test_trials_alone_and_list_them_by_name() -> None:
    outputs = [[1, 0, 0], [0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]]
    metrics = scores_of_test_trials(table_of(GRADES, ["poor", "good", "poor", "poor"], outputs), GRADES)
    assert (metrics["n"], metrics["main"], metrics["classes"]) == (3, "auroc", ["Fair", "good", "poor"])
    assert metrics["scores"]["accuracy"] == pytest.approx(2 / 3)
    assert metrics["intervals"] == dict.fromkeys(["accuracy", "balanced_accuracy", "f1", "auroc"]), "one surgeon"
    assert metrics["surgeons"] == 1
    assert metrics["confusion_matrix"] == [[0, 0, 0], [0, 1, 0], [1, 0, 1]], "the first of equals is predicted"
    assert metrics["per_class"]["Fair"] == {"precision": 0, "recall": None, "f1": 0, "support": 0}
    assert metrics["per_class"]["poor"] == {"precision": 1, "recall": 1 / 2, "f1": pytest.approx(2 / 3), "support": 2}
    assert metrics["trials"][0] == {
        "trial_id": "b",
        "participant_id": "7",
        "label": "good",
        "predicted": "good",
        "probabilities": [0.2, 0.5, 0.3],
    }


def test_metrics_of_a_number_have_its_unit_and_no_classes() -> None:
    metrics = scores_of_test_trials(table_of(LOSS, [9.0, 400.0, 600.0], [[900], [300], [600]]), LOSS)
    assert (metrics["n"], metrics["main"], metrics["unit"], metrics["label"]) == (2, "rmse", "mL", "Blood loss")
    assert (metrics["scores"]["mae"], metrics["scores"]["mean_error"]) == (50, -50)
    names = ("rmse", "mae", "mean_error", "r2", "correlation", "large_recall")
    assert (tuple(metrics["scores"]), metrics["intervals"]) == (names, dict.fromkeys(names))
    assert metrics["scores"]["large_recall"] == 1
    assert metrics["per_class"] == {}
    assert metrics["confusion_matrix"] == metrics["classes"] == []
    assert metrics["trials"][1] == {"trial_id": "c", "participant_id": "7", "label": 600.0, "predicted": 600.0}


@pytest.mark.parametrize("seed", range(3))
def test_the_sensitivity_for_large_losses_is_the_recall_of_scikit_learn(seed: int) -> None:
    chance = np.random.default_rng(seed)
    true, predicted = chance.gamma(1.5, 370, 40), chance.gamma(1.5, 370, 40)
    expected = recall_score(true > 500, predicted > 500)
    assert large_recall(true, predicted) == pytest.approx(expected)
    table = pd.DataFrame({"label": true, "predicted": predicted})
    assert scores_of(table, LOSS)["large_recall"] == pytest.approx(expected)
    assert "large_recall" not in scores_of(table, Target("tth", "Time", "s"))
    assert large_recall([500.0, 20.0], [900.0, 900.0]) is None
    assert large_recall([501.0], [500.0]) == 0


def test_the_intervals_are_those_over_surgeons() -> None:
    chance = np.random.default_rng(0)
    n = 80
    true = chance.gamma(1.5, 370, n)
    ids = [f"t{number}" for number in range(n)]
    surgeons = [str(number // 2) for number in range(n)]
    table = pd.DataFrame({"trial_id": ids, "participant_id": surgeons, "split": "test", "label": true})
    numbers = table.assign(predicted=true + chance.normal(0, 100, n))
    metrics = scores_of_test_trials(numbers, LOSS)
    expected = number_estimates(true, numbers["predicted"], surgeons)
    assert metrics["scores"] == pytest.approx({name: found.value for name, found in expected.items()})
    assert metrics["intervals"] == {name: found.interval for name, found in expected.items()}
    assert metrics["intervals"]["large_recall"] is not None
    named = table.assign(label=chance.choice(GRADES.classes, n))
    classes = with_outputs(named, chance.dirichlet(np.ones(3), n), GRADES)
    metrics = scores_of_test_trials(classes, GRADES)
    codes = [class_numbers(classes[column], GRADES) for column in ("label", "predicted")]
    of_classes = class_estimates(codes[0], outputs_of(classes, GRADES), codes[1], surgeons)
    for name, interval in metrics["intervals"].items():
        found = of_classes.get(name) or of_classes[f"macro_{name}"]
        assert interval == found.interval
        assert metrics["scores"][name] == pytest.approx(found.value)


def test_metrics_of_an_earlier_version_are_completed() -> None:
    predictions = table_of(LOSS, [9.0, 400.0, 600.0], [[900], [300], [600]])
    now = scores_of_test_trials(predictions, LOSS)
    scores = {name: value for name, value in now["scores"].items() if name != "large_recall"}
    before = {name: value for name, value in now.items() if name != "surgeons"} | {"scores": scores, "intervals": {}}
    assert current_target_metrics(before, predictions, LOSS) == now
    assert current_target_metrics(before, None, LOSS) == before
    assert current_target_metrics({**now, "intervals": {}}, predictions, LOSS)["intervals"] == {}


def test_values_become_names_or_numbers() -> None:
    assert labels_of(pd.Series([2, 0], dtype="Int64"), GRADES).tolist() == ["poor", "Fair"]
    assert labels_of(pd.Series([2, 0], dtype="Float64"), LOSS).dtype == np.float64


@pytest.mark.parametrize(
    ("name", "value", "unit", "text"),
    [
        ("rmse", 1234.5, "mL", "1,234 mL"),
        ("mean_error", -4.567, "s", "-4.57 s"),
        ("mae", 0.123, "", "0.123"),
        ("r2", 0.3456, "mL", "0.346"),
        ("auroc", None, "", "not defined"),
    ],
)
def test_scores_of_a_number_are_written_with_its_unit(name: str, value: float | None, unit: str, text: str) -> None:
    assert score_text(name, value, unit) == text
