"""Runs that start from a checkpoint of another tool: training starts from the weights in its folder."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.checkpoint_folders import best_checkpoint
from socal_core.runs.events import Event, notices, read_events
from socal_core.runs.files.records import WeightsRecord
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
from tests.models.checkpoints import OUTCOMES, save_weights, write_classifier, write_pretrained
from tests.training.small_runs import new_run

STILL = {"num_epochs": 1, "learning_rate": 1e-8}
"""A learning rate so small that the weights stay the same within 1e-6."""


def trained(run: RunFolder) -> dict[str, torch.Tensor]:
    assert work(run, resume=False) is RunState.DONE
    return load_file(best_checkpoint(run) / "model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_trained_in_float32(tmp_path: Path, shared_data_folder: Path, kind: torch.dtype) -> None:
    weights = write_classifier(tmp_path / "model", torch_dtype=str(kind)[6:], **OUTCOMES)
    half = {name: tensor.to(kind) for name, tensor in weights.items()}
    save_weights(tmp_path / "model", half)
    found = trained(new_run(tmp_path / "run", shared_data_folder, model=str(tmp_path / "model"), **STILL))
    assert found.keys() == half.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, half[name].to(torch.float32), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_weights_of_a_pickle_are_trained(tmp_path: Path, shared_data_folder: Path) -> None:
    weights = write_classifier(tmp_path / "model", **OUTCOMES)
    (tmp_path / "model" / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "model" / "pytorch_model.bin")
    found = trained(new_run(tmp_path / "run", shared_data_folder, model=str(tmp_path / "model"), **STILL))
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, weights[name], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_a_pretrained_model_averages_tokens_and_the_run_says_so(tmp_path: Path, shared_data_folder: Path) -> None:
    weights = write_pretrained(tmp_path / "model")
    run = new_run(tmp_path / "run", shared_data_folder, model=str(tmp_path / "model"), **STILL)
    found = trained(run)
    config = json.loads((best_checkpoint(run) / "config.json").read_text())
    assert (config["use_mean_pooling"], config["dtype"]) == (True, "float32")
    assert {"fc_norm.weight", "fc_norm.bias"} <= found.keys()
    for name in weights.keys() & found.keys():
        torch.testing.assert_close(found[name], weights[name], rtol=0, atol=1e-6)
    (notice,) = notices(read_events(run.events_file))
    assert "use_mean_pooling: false" in notice
    digest = hashlib.sha256((tmp_path / "model" / "model.safetensors").read_bytes()).hexdigest()
    assert run.read_environment().weights == WeightsRecord("model", None, digest)


@pytest.mark.slow
def test_a_resumed_run_keeps_the_record_of_its_weights(tmp_path: Path, shared_data_folder: Path) -> None:
    write_classifier(tmp_path / "model", **OUTCOMES)
    run = new_run(tmp_path / "run", shared_data_folder, model=str(tmp_path / "model"))

    def stop(event: Event) -> None:
        if event["type"] == "step":
            run.stop_file.touch()

    assert work(run, resume=False, echo=stop) is RunState.STOPPED
    recorded = run.read_environment().weights
    (tmp_path / "model" / "model.safetensors").unlink()
    assert work(run, resume=True) is RunState.DONE
    assert run.read_environment().weights == recorded
    assert recorded is not None and len(recorded.sha256) == 64


def test_a_model_that_cannot_be_used_ends_the_run_with_its_reason(tmp_path: Path, shared_data_folder: Path) -> None:
    weights = write_classifier(tmp_path / "model")
    weights["videomae.encoder.layer.1.output.dense.weight"][0, 0] = torch.nan
    save_weights(tmp_path / "model", weights)
    run = new_run(tmp_path / "run", shared_data_folder, model=str(tmp_path / "model"))
    assert work(run, resume=False) is RunState.FAILED
    reason = read_status(run).reason
    assert "weight videomae.encoder.layer.1.output.dense.weight holds values that are not finite" in reason
    assert "learning_rate" not in reason
    assert str(tmp_path) not in reason
