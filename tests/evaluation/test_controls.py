"""socal_core.evaluation.controls"""

from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset.types import Dataset
from socal_core.dataset.windows import Window
from socal_core.evaluation.controls import controls


def data_set(lengths: dict[str, int]) -> Dataset:
    """Trials of these lengths at one frame a second; only what the controls look at."""
    frames = [(f"{trial}_{second}", trial, second) for trial, n in lengths.items() for second in range(n)]
    return Dataset(
        root=Path(),
        trials=pd.DataFrame(),
        frames=pd.DataFrame(frames, columns=["frame", "trial_id", "second"]),
        boxes=pd.DataFrame(),
        outcome_rows=len(lengths),
        problems=(),
    )


def predictions(labels: dict[str, int], sides: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"trial_id": labels.keys(), "split": [sides[t] for t in labels], "label": labels.values(), "prob_success": 0.5}
    )


LABELS = {f"S{i}T1": int(i % 3 != 0) for i in range(30)}
SIDES = {f"S{i}T1": ("train", "validation", "test")[0 if i < 12 else 1 if i < 21 else 2] for i in range(30)}
# As in SOCAL: failures run to the time limit, successes end early.
LENGTHS = {trial: 70 + 5 * (i % 4) if label else 120 for i, (trial, label) in enumerate(LABELS.items())}


def test_length_gives_the_outcome_away_and_the_window_hides_it() -> None:
    rows = {row["name"]: row for row in controls(data_set(LENGTHS), predictions(LABELS, SIDES), Window(0, 60))}
    assert rows["Length of the trial alone"]["auroc"] == 1
    assert rows["Length of the trial alone"]["accuracy"] == 1
    assert rows["Frames in the window alone"]["auroc"] == 0.5
    commoner = rows["Always the commoner outcome"]
    assert commoner["accuracy"] == pytest.approx(6 / 9)
    assert (commoner["balanced_accuracy"], commoner["auroc"]) == (0.5, 0.5)


def test_for_the_whole_trial_the_window_is_no_control_of_its_own() -> None:
    names = [row["name"] for row in controls(data_set(LENGTHS), predictions(LABELS, SIDES), Window(0, None))]
    assert names == ["Always the commoner outcome", "Length of the trial alone"]


def test_test_trials_teach_a_control_nothing() -> None:
    """The test outcomes turned round turn the score round: the control was not fitted to them."""
    turned = {trial: 1 - label if SIDES[trial] == "test" else label for trial, label in LABELS.items()}
    rows = {row["name"]: row for row in controls(data_set(LENGTHS), predictions(turned, SIDES), Window(0, None))}
    assert rows["Length of the trial alone"]["auroc"] == 0
