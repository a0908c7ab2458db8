"""The data and texts of figures. The browser tests show how they look."""

import numpy as np
import pandas as pd

from socal_core.figures.dataset import boxes_by_label, class_balance, frames_by_outcome
from socal_core.figures.evaluation import confusion_matrix, roc_curve
from socal_core.figures.style import FAILURE, SUCCESS

TRIALS = pd.DataFrame({"success": pd.array([1, 1, 1, 0], dtype="Int64"), "n_frames": [50, 60, 110, 120]})


def test_class_balance_counts_each_outcome() -> None:
    bars = class_balance(TRIALS).data[0]
    assert dict(zip(bars.x, bars.y, strict=True)) == {"Failure": 1, "Success": 3}
    assert list(bars.text) == ["1 (25%)", "3 (75%)"]
    assert list(bars.marker.color) == [FAILURE, SUCCESS]


def test_frames_by_outcome_has_common_bins() -> None:
    failure, success = frames_by_outcome(TRIALS).data
    assert (list(failure.x), list(success.x)) == ([120], [50, 60, 110])
    assert failure.xbins == success.xbins


def test_boxes_by_label_shows_the_commonest_on_top() -> None:
    bars = boxes_by_label(pd.DataFrame({"label": ["suction", "grasper", "suction"]})).data[0]
    assert list(bars.y) == ["grasper", "suction"]
    assert list(bars.x) == [1, 2]


def test_confusion_matrix_reads_rows_as_truth() -> None:
    heat = confusion_matrix([[3, 1], [0, 4]]).data[0]
    assert list(heat.x) == list(heat.y) == ["Failure", "Success"]
    assert [[cell.split("<")[1][2:] for cell in row] for row in heat.text] == [["3", "1"], ["0", "4"]]
    assert np.allclose(heat.z, [[0.75, 0.25], [0, 1]])


def test_an_outcome_without_trials_divides_nothing() -> None:
    assert np.allclose(confusion_matrix([[0, 0], [1, 3]]).data[0].z, [[0, 0], [0.25, 0.75]])


def test_roc_curve_names_its_auroc() -> None:
    chance, model = roc_curve([0, 0.5, 1], [0, 1, 1], 0.75).data
    assert (list(model.x), list(model.y)) == ([0, 0.5, 1], [0, 1, 1])
    assert "0.75" in model.name
    assert list(chance.x) == list(chance.y) == [0, 1]
