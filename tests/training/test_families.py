"""Runs of every family of video models: trained, stopped, resumed to the same weights, and evaluated."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from socal_core.lifecycle.state import RunState, read_status
from socal_core.runs.checkpoint_folders import best_checkpoint, newest_checkpoint
from socal_core.runs.events import Event, notices, read_events
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
from tests.models.small_families import MODELS, write_family
from tests.training.small_runs import new_run


def weights_of(run: RunFolder) -> dict[str, torch.Tensor]:
    checkpoint = newest_checkpoint(run)
    assert checkpoint is not None
    return load_file(checkpoint / "model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("family", MODELS)
@pytest.mark.sampled(1)
def test_a_stopped_run_resumes_to_the_same_weights(tmp_path: Path, shared_data_folder: Path, family: str) -> None:
    write_family(tmp_path / "model", family, backbone_only=True)
    settings = {"model": str(tmp_path / "model"), "num_epochs": 2, "num_frames": 8, "layer_decay": 0.7}
    settings |= {"dropout_rate": 0.1, "learning_rate": 1e-3}
    whole = new_run(tmp_path / "whole", shared_data_folder, **settings)
    assert work(whole, resume=False) is RunState.DONE, read_status(whole).reason
    halved = new_run(tmp_path / "halved", shared_data_folder, **settings)

    def stop(event: Event) -> None:
        if event["type"] == "step" and event["step"] == 2:
            halved.stop_file.touch()

    assert work(halved, resume=False, echo=stop) is RunState.STOPPED
    assert work(halved, resume=True) is RunState.DONE
    expected, found = weights_of(whole), weights_of(halved)
    assert expected.keys() == found.keys()
    assert not any("predictor" in name for name in found)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert halved.metrics_file.read_text() == whole.metrics_file.read_text()
    assert any("4 frames of 32 pixels" in text for text in notices(read_events(whole.events_file)))


@pytest.mark.slow
def test_checkpointing_changes_no_weight(tmp_path: Path, shared_data_folder: Path) -> None:
    """Gradient checkpointing computes layers again; the result is the same."""
    found = []
    for family in ("vjepa2", "videoprism"):
        write_family(tmp_path / family, family)
        for checkpointing in (False, True):
            run = new_run(
                tmp_path / f"{family}-{checkpointing}",
                shared_data_folder,
                model=str(tmp_path / family),
                num_epochs=1,
                gradient_checkpointing=checkpointing,
            )
            assert work(run, resume=False) is RunState.DONE, read_status(run).reason
            found.append(load_file(best_checkpoint(run) / "model.safetensors"))
    for plain, sparing in (found[:2], found[2:]):
        for name, value in plain.items():
            torch.testing.assert_close(sparing[name], value, rtol=0, atol=1e-6)
