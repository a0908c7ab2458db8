"""socal_core.figures.training: the data and texts of the curves."""

import numpy as np
import pandas as pd
import pytest

from socal_core.figures.training import MAX_STEP_POINTS, accuracy_curves, error_curve, learning_rates, loss_curves
from socal_core.runs.events import EPOCH_FIELDS, STEP_FIELDS

NO_EPOCHS, NO_STEPS = pd.DataFrame(columns=list(EPOCH_FIELDS)), pd.DataFrame(columns=list(STEP_FIELDS))
INTERVALS = {"val_accuracy_low": 0.3, "val_accuracy_high": 0.8, "val_auroc_low": 0.4, "val_auroc_high": 0.9}


def epochs_of(*val_losses: float, **more: float | None) -> pd.DataFrame:
    """As events give it: fields that no event has are None."""
    rows = []
    for number, loss in enumerate(val_losses, start=1):
        row = {"epoch": number, "epochs": 5, "train_loss": loss + 0.1, "val_loss": loss, "val_accuracy": 0.5}
        row |= {"val_auroc": None if number == 1 else 0.6, "learning_rate": 10.0**-number, "seconds": 2.0}
        row |= {"best": loss == min(val_losses[:number]), **more}
        rows.append([row.get(field) for field in EPOCH_FIELDS])
    return pd.DataFrame(rows, columns=list(EPOCH_FIELDS))


def with_intervals(epochs: pd.DataFrame) -> pd.DataFrame:
    return epochs.assign(**INTERVALS)


def steps_of(count: int, rate: float = 1e-3) -> pd.DataFrame:
    return pd.DataFrame([[1, 5, n + 1, count, 0.7, rate] for n in range(count)], columns=list(STEP_FIELDS))


def by_name(figure) -> dict[str, object]:
    return {trace.name: trace for trace in figure.data}


def test_loss_curves_show_both_losses_and_mark_the_best_epoch() -> None:
    traces = by_name(loss_curves(epochs_of(0.9, 0.6, 0.7), steps_of(4)))
    assert list(traces["Training"].y) == pytest.approx([1.0, 0.7, 0.8])
    assert list(traces["Validation"].y) == [0.9, 0.6, 0.7]
    assert list(traces["Single steps"].x) == [0.25, 0.5, 0.75, 1.0]
    assert (list(traces["Best epoch: 2"].x), list(traces["Best epoch: 2"].y)) == ([2], [0.6])


def test_accuracy_curves_have_a_gap_where_auroc_is_not_defined() -> None:
    traces = by_name(accuracy_curves(epochs_of(0.9, 0.6)))
    assert np.isnan(float(traces["AUROC"].y[0]))
    assert list(traces["Accuracy"].y) == [0.5, 0.5]


def test_bands_lie_between_the_ends_of_the_intervals() -> None:
    figure = accuracy_curves(with_intervals(epochs_of(0.9, 0.6)))
    band = by_name(figure)["Interval of Accuracy"]
    assert list(zip(band.x, band.y, strict=True)) == [(1, 0.8), (2, 0.8), (2, 0.3), (1, 0.3)]
    assert "95%" in figure.layout.title.text
    assert list(by_name(figure)["Accuracy"].customdata) == [" (0.30 to 0.80)"] * 2


def test_an_epoch_without_an_interval_is_left_out_of_the_band() -> None:
    epochs = with_intervals(epochs_of(0.9, 0.6, 0.5))
    epochs.loc[0, ["val_auroc_low", "val_auroc_high"]] = None
    traces = by_name(accuracy_curves(epochs))
    assert set(traces["Interval of AUROC"].x) == {2, 3}
    assert set(traces["Interval of Accuracy"].x) == {1, 2, 3}
    assert list(traces["AUROC"].customdata) == ["", " (0.40 to 0.90)", " (0.40 to 0.90)"]


@pytest.mark.parametrize("absent", [True, False], ids=["columns of an earlier version", "columns of None"])
def test_old_runs_have_no_bands(absent: bool) -> None:
    epochs = epochs_of(0.9, 0.6)
    epochs = (
        epochs.drop(columns=list(INTERVALS), errors="ignore") if absent else epochs.assign(**dict.fromkeys(INTERVALS))
    )
    figure = accuracy_curves(epochs)
    assert set(by_name(figure)) == {"Accuracy", "AUROC", "Best epoch: 2"}
    assert figure.layout.title.text == "On the validation trials (no intervals: too few surgeons)"


def test_the_error_of_a_number_has_a_band() -> None:
    epochs = epochs_of(0.9, 0.6).assign(
        val_rmse=[300.0, 250.0], val_rmse_low=[200.0, None], val_rmse_high=[500.0, None]
    )
    traces = by_name(error_curve(epochs, "mL"))
    assert list(traces["Interval of RMSE"].y) == [500, 200]
    assert list(traces["RMSE"].customdata) == [" (200.00 to 500.00)", ""]


def test_the_learning_rate_is_that_of_the_steps_else_of_the_epochs() -> None:
    assert list(learning_rates(epochs_of(0.9), steps_of(2)).data[0].y) == [1e-3, 1e-3]
    curve = learning_rates(epochs_of(0.9, 0.6), NO_STEPS)
    assert (list(curve.data[0].x), list(curve.data[0].y)) == ([1, 2], [0.1, 0.01])
    assert curve.layout.yaxis.type == "log"


def test_a_learning_rate_of_zero_is_a_gap_on_a_logarithmic_axis() -> None:
    assert np.isnan(learning_rates(NO_EPOCHS, steps_of(1, rate=0.0)).data[0].y[0])


def test_before_the_first_step_the_curves_show_what_they_wait_for() -> None:
    assert "first training step" in loss_curves(NO_EPOCHS, NO_STEPS).layout.annotations[0].text
    assert "first epoch" in accuracy_curves(NO_EPOCHS).layout.annotations[0].text
    assert "first training step" in learning_rates(NO_EPOCHS, NO_STEPS).layout.annotations[0].text
    assert not loss_curves(NO_EPOCHS, steps_of(1)).layout.annotations


@pytest.mark.parametrize("count", [1, 499, 500, 999, 1000, 20_000, 20_001])
def test_a_long_run_is_thinned_and_ends_with_its_last_step(count: int) -> None:
    points = loss_curves(NO_EPOCHS, steps_of(count)).data[0].x
    assert min(count, MAX_STEP_POINTS) <= len(points) <= 2 * MAX_STEP_POINTS
    assert points[-1] == 1


def test_figures_have_the_axes_of_the_house() -> None:
    for figure in (
        loss_curves(epochs_of(0.9), steps_of(2)),
        accuracy_curves(NO_EPOCHS),
        learning_rates(NO_EPOCHS, NO_STEPS),
    ):
        assert figure.layout.xaxis.title.text == "Epoch"
        assert tuple(figure.layout.xaxis.range) == (0, pytest.approx(5.1))
        assert figure.layout.template.layout.font is not None
