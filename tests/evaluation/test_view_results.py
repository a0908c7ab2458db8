"""socal_core.evaluation.view_results, where the command line does not show it (tests/test_cli_views.py)."""

from pathlib import Path

import pytest

from socal_core.dataset.filters import TrialFilter
from socal_core.dataset.saved_views import SavedView
from socal_core.evaluation.metrics import auroc
from socal_core.evaluation.run_results import read_results
from socal_core.evaluation.view_results import results_in_view
from tests.made_cross_validations import write_cross_validation

FIRST = SavedView("first trials", TrialFilter(trial_numbers=(1,)))


@pytest.mark.slow
def test_a_cross_validation_in_a_view(tmp_path: Path, shared_data_folder: Path) -> None:
    whole = read_results(write_cross_validation(tmp_path / "cv", shared_data_folder))
    part = results_in_view(whole, FIRST)
    test = whole.test[whole.test["trial_id"].str.endswith("T1")]
    assert part.metrics["n"] == len(test) < whole.metrics["n"]
    assert part.metrics["auroc"] == auroc(test["label"], test["prob_success"])
    assert part.metrics["cross_validation"] is None
    assert len(part.metrics["controls"]) == len(whole.metrics["controls"])
    places = whole.test["trial_id"].str.endswith("T1").to_numpy()
    for row, before in zip(part.metrics["controls"], whole.metrics["controls"], strict=True):
        kept = [value for value, inside in zip(before["probabilities"], places, strict=True) if inside]
        assert row["auroc"] == auroc(test["label"], kept)
        assert row["accuracy"] is None  # the thresholds of the folds are not recorded


@pytest.mark.slow
def test_controls_without_probabilities_are_left_out(tmp_path: Path, shared_data_folder: Path) -> None:
    """As an earlier version wrote them."""
    whole = read_results(write_cross_validation(tmp_path / "cv", shared_data_folder))
    for row in whole.metrics["controls"]:
        del row["probabilities"]
    assert results_in_view(whole, FIRST).metrics["controls"] == []
