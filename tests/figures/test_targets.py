"""socal_core.figures.targets: the data and texts of the figures."""

import numpy as np
import pandas as pd
import pytest

from socal_core.dataset.targets import Target
from socal_core.figures.compare import overlaid_errors, overlaid_losses
from socal_core.figures.frozen import inner_candidates, inner_fold_bars
from socal_core.figures.targets import bland_altman, class_confusion, distribution, predicted_against_true
from socal_core.figures.training import error_curve, loss_curves
from socal_core.runs.events import epochs_table, steps_table
from tests.pages.target_runs import HOSTILE

LOSS = Target("blood_loss", "Blood loss", "mL")
GRADE = Target("grade", "grade", classes=("low", "middle", "high"))
TRIALS = pd.DataFrame(
    {
        "trial_id": ["S1T1", "S1T2", "S2T1"],
        "participant_id": ["1", "1", "<b>"],
        "label": [100.0, 400.0, 1250.0],
        "predicted": [110.0, 370.0, 1200.0],
    }
)
EPOCHS = epochs_table(
    [
        {"type": "epoch", "epoch": epoch, "val_loss": 1 / epoch, "val_rmse": 300 / epoch, "best": True}
        for epoch in (1, 2)
    ]
)


def texts_of(figure) -> str:
    return figure.to_json()


def test_classes_are_counted_in_their_order() -> None:
    figure = distribution(pd.Series([2, 0, 0, 2, 2]), GRADE)
    bars = figure.data[0]
    assert (list(bars.y), list(bars.text)) == ([2, 0, 3], ["2 (40%)", "0 (0%)", "3 (60%)"])
    assert list(figure.layout.xaxis.ticktext) == ["low", "middle", "high"]
    assert figure.layout.title.text == "grade of 5 trials"


def test_numbers_are_a_histogram_with_the_unit() -> None:
    figure = distribution(pd.Series([1.0, 2.0, 5.0]), LOSS)
    assert list(figure.data[0].x) == [1.0, 2.0, 5.0]
    assert figure.layout.xaxis.title.text == "Blood loss (mL)"
    assert "No trial" in distribution(pd.Series([], dtype=float), LOSS).layout.annotations[0].text


def test_the_confusion_matrix_reads_rows_as_truth() -> None:
    heat = class_confusion([[3, 1, 0], [0, 4, 0], [0, 0, 0]], GRADE.classes).data[0]
    assert np.allclose(heat.z, [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]])
    assert heat.text[0][1] == "<b>1</b><br>25% of the row"
    assert heat.customdata[0][1] == "Predicted middle, true low"


def test_many_classes_have_room_and_short_names() -> None:
    names = [f"class {number} with a long name" for number in range(20)]
    figure = class_confusion(np.eye(20, dtype=int).tolist(), names)
    assert figure.layout.height > 900
    assert figure.data[0].text[3][3] == "<b>1</b>"
    assert max(len(name) for name in figure.layout.xaxis.ticktext) <= 18
    assert len(figure.layout.yaxis.tickvals) == 20, "names that are alike when shortened stay apart"


def test_predictions_are_shown_against_the_truth_on_equal_axes() -> None:
    figure = predicted_against_true(TRIALS, "blood loss", "mL")
    line, points = figure.data
    assert list(line.x) == list(line.y)
    assert line.x[0] < 100
    assert line.x[1] > 1250
    assert (list(points.x), list(points.y)) == ([100, 400, 1250], [110, 370, 1200])
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == tuple(line.x)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.xaxis.dtick == figure.layout.yaxis.dtick == 200
    titles = (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text)
    assert titles == ("True blood loss (mL)", "Predicted (mL)")
    assert points.customdata[2] == "S2T1, surgeon &lt;b&gt;<br>true 1,250 mL, predicted 1,200 mL"


def test_bland_altman_has_the_mean_error_and_the_limits_of_agreement() -> None:
    figure = bland_altman(TRIALS, "mL")
    errors = np.array([10.0, -30.0, -50.0])
    assert list(figure.data[0].y) == errors.tolist()
    assert list(figure.data[0].x) == [105, 385, 1225]
    mean, spread = errors.mean(), 1.96 * errors.std(ddof=1)
    assert [shape.y0 for shape in figure.layout.shapes] == pytest.approx([mean, mean + spread, mean - spread])
    assert [note.text for note in figure.layout.annotations] == [
        "mean<br>-23.3 mL",
        "+1.96 SD<br>36.5 mL",
        "−1.96 SD<br>-83.2 mL",
    ]
    assert figure.layout.yaxis.range[1] > mean + spread


def test_a_single_trial_has_no_limits() -> None:
    assert len(bland_altman(TRIALS[:1], "").layout.shapes) == 1
    line, _ = predicted_against_true(TRIALS[:1].assign(predicted=100.0), "x", "").data
    assert list(line.x) == [99, 101]


def test_names_from_files_are_shown_without_markup() -> None:
    target = Target("a", HOSTILE[0], HOSTILE[0], tuple(HOSTILE))
    number = Target("a", HOSTILE[0], HOSTILE[0])
    figures = [
        class_confusion(np.eye(3, dtype=int).tolist(), HOSTILE),
        distribution(pd.Series([0, 1, 2]), target),
        distribution(pd.Series([0.0, 1.0]), number),
        predicted_against_true(TRIALS, HOSTILE[0], HOSTILE[0]),
        bland_altman(TRIALS, HOSTILE[0]),
        error_curve(EPOCHS, HOSTILE[0]),
        overlaid_errors({"a": EPOCHS}, HOSTILE[0]),
    ]
    for figure in figures:
        assert "<script" not in texts_of(figure).replace("\\u003c", "<")
        assert "x" * 100 not in texts_of(figure)


def test_the_error_of_a_number_is_plotted_in_its_unit() -> None:
    figure = error_curve(EPOCHS, "mL")
    curve, best = figure.data
    assert (list(curve.x), list(curve.y)) == ([1, 2], [300, 150])
    assert (list(best.x), list(best.y)) == ([2], [150])
    assert figure.layout.yaxis.title.text == "RMSE (mL)"
    assert loss_curves(EPOCHS, steps_table([]), LOSS).layout.yaxis.title.text == "Squared error (1: predict the mean)"
    assert "starts when the first epoch" in error_curve(epochs_table([]), "mL").layout.annotations[0].text


def test_errors_of_runs_are_overlaid_with_a_star_at_the_lowest() -> None:
    (curve,) = overlaid_errors({"run": EPOCHS}, "mL").data
    assert list(curve.y) == [300, 150]
    assert list(curve.marker.symbol) == ["circle", "star"]
    assert overlaid_losses({"run": EPOCHS}, LOSS).layout.yaxis.title.text.startswith("Squared error")


def test_inner_folds_of_a_number_show_its_loss_and_those_of_classes_their_chance() -> None:
    folds = pd.DataFrame({"fold": [1, 2], "trials": [4, 4], "loss": [0.8, None], "auroc": [None, None]})
    figure = inner_fold_bars(folds, LOSS)
    assert figure.data[0].y[0] == 0.8
    assert figure.layout.shapes[0].y0 == 1
    row = {"encoders": ["image"], "statistics": ["mean"], "strength": 1.0, "loss": 0.9, "auroc": 0.5, "member": True}
    assert inner_candidates([row], GRADE).layout.xaxis.title.text == "Log loss (1.10: chance)"
    assert inner_candidates([row], LOSS).layout.xaxis.title.text.startswith("Squared error")
    assert inner_candidates([row]).layout.xaxis.title.text == "Log loss (0.69: chance)"
