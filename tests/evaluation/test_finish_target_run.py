"""socal_core.evaluation.predict: from logits to predictions.csv and metrics.json of other targets than success."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.evaluation.predict import finish_run, outputs_of_logits
from socal_core.runs.checkpoint_folders import checkpoint_path, write_manifest, write_training_state
from socal_core.runs.files.records import TrainingState
from socal_core.runs.folder import RunFolder
from tests.made_target_runs import CLASSES, NUMBER, write_target_dataset, write_target_run

GRADES = Target("grade", "grade", classes=("Fair", "good", "poor"))


class Knows:
    """A predictor whose logits follow from the true values; one trial has no clip."""

    def __init__(self, dataset: Dataset, without_clip: str) -> None:
        self._dataset = dataset
        self.left_out: Mapping[str, str] = {without_clip: "No frame lies in the window."}
        self.stand_ins: list[str] = []

    def logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        values = self._dataset.target_values[list(trial_ids)].to_numpy(float)
        target = self._dataset.target
        if target.is_number:
            return torch.tensor((values + 30 - target.mean) / target.scale)[:, None].float()
        return 4 * torch.eye(target.outputs)[torch.tensor(values).long()]

    def clips(self, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        return (np.full((1, 2, 3, 4, 4), 100, dtype=np.uint8) for _ in trial_ids)

    def describe(self) -> dict[str, Any]:
        return {"recipe": "finetune", "text": "made"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_target_dataset(tmp_path_factory.mktemp("targets") / "data")


def finished(tmp_path: Path, data: Path, target: str) -> tuple[RunFolder, str]:
    """Finish a run again with known logits; return it and the test trial without a clip."""
    run = write_target_run(tmp_path / "run", data, target)
    checkpoint = checkpoint_path(run, 2)
    checkpoint.mkdir()
    write_training_state(checkpoint, TrainingState(epoch=2, best_epoch=2, best_val_loss=0.1))
    write_manifest(checkpoint)
    missing = run.read_split().test[0]
    dataset = run.open_dataset()
    finish_run(run, dataset, Knows(dataset, missing))
    assert run.read_metrics()["data_fingerprint"] == dataset.fingerprint
    return run, missing


@pytest.mark.slow
def test_a_number_is_predicted_in_its_unit(tmp_path: Path, data: Path) -> None:
    run, missing = finished(tmp_path, data, NUMBER)
    predictions, metrics = run.read_predictions(), run.read_metrics()
    assert list(predictions) == ["trial_id", "participant_id", "split", "label", "predicted"]
    assert missing not in set(predictions["trial_id"])
    assert predictions["label"].tolist() == run.open_dataset().target_values[predictions["trial_id"]].tolist()
    assert predictions["predicted"].tolist() == pytest.approx((predictions["label"] + 30).tolist(), abs=0.01)
    assert metrics["scores"]["mean_error"] == pytest.approx(30, abs=0.01)
    assert (metrics["unknown"], metrics["epoch"], metrics["unit"]) == (1, 2, "mL")
    assert metrics["left_out"] == [{"trial_id": missing, "reason": "No frame lies in the window."}]
    assert metrics["n"] == len(run.read_split().test) - 1
    assert "tth" in {row["key"] for row in metrics["controls"]}


@pytest.mark.slow
def test_classes_are_predicted_by_name(tmp_path: Path, data: Path) -> None:
    run, _ = finished(tmp_path, data, CLASSES)
    predictions, metrics = run.read_predictions(), run.read_metrics()
    assert list(predictions)[3:] == ["label", "prob_Fair", "prob_good", "prob_poor", "predicted"]
    assert (predictions["label"] == predictions["predicted"]).all()
    sure = np.exp(4) / (np.exp(4) + 2)
    row = predictions.iloc[0]
    assert row[f"prob_{row['label']}"] == pytest.approx(sure)
    assert metrics["scores"]["log_loss"] == pytest.approx(-np.log(sure))
    assert (metrics["scores"]["auroc"], metrics["unknown"]) == (1, 1)


def test_logits_become_probabilities_or_numbers_in_their_unit() -> None:
    assert outputs_of_logits(torch.zeros(2, 2), SUCCESS_TARGET).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    odds = np.array([1.0, 2.0, 5.0])
    assert outputs_of_logits(torch.tensor(np.log(odds))[None], GRADES)[0] == pytest.approx(odds / 8)
    loss = Target("blood_loss", "Blood loss", "mL", mean=500, scale=200)
    assert outputs_of_logits(torch.tensor([[0.0], [-1.5]]), loss).tolist() == [[500], [200]]
