"""socal_core.training.compilation: a run with torch.compile gives the same weights, and works without a compiler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from socal_core.lifecycle.state import RunState, written_status
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.events import Event, notices, read_events
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
from tests.training.small_runs import NO_DROPOUT, new_run

SETTINGS = {**NO_DROPOUT, "num_epochs": 2, "batch_size": 6}
"""All batches have six clips, so that one program is compiled."""


def weights(run: RunFolder) -> dict[str, torch.Tensor]:
    checkpoint = newest_checkpoint(run)
    assert checkpoint is not None
    return load_file(checkpoint / "model.safetensors")


def stop_in_second_epoch(run: RunFolder, event: Event) -> None:
    if event["type"] == "step" and event["epoch"] == 2:
        run.stop_file.touch()


@pytest.mark.full
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")
def test_a_compiled_run_reaches_the_same_weights_also_when_it_is_resumed(
    tmp_path: Path, shared_data_folder: Path
) -> None:
    plain = new_run(tmp_path / "plain", shared_data_folder, **SETTINGS)
    through = new_run(tmp_path / "through", shared_data_folder, **SETTINGS, compile=True)
    stopped = new_run(tmp_path / "stopped", shared_data_folder, **SETTINGS, compile=True)
    frames_compiled = torch._dynamo.utils.counters["frames"]["ok"]
    assert work(plain, resume=False) is RunState.DONE
    assert torch._dynamo.utils.counters["frames"]["ok"] == frames_compiled
    assert work(through, resume=False) is RunState.DONE
    assert torch._dynamo.utils.counters["frames"]["ok"] > frames_compiled + 1  # more than the trial of the compiler
    assert work(stopped, False, lambda event: stop_in_second_epoch(stopped, event)) is RunState.STOPPED
    assert work(stopped, resume=True) is RunState.DONE
    expected, found, resumed = weights(plain), weights(through), weights(stopped)
    assert found.keys() == resumed.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-5)
        assert torch.equal(resumed[name], found[name])
    predicted = [run.read_predictions() for run in (plain, through)]
    assert predicted[0] is not None and predicted[1] is not None
    assert predicted[1]["prob_success"].to_numpy() == pytest.approx(predicted[0]["prob_success"].to_numpy(), abs=1e-4)


@pytest.mark.slow
def test_without_a_compiler_the_run_says_so_and_trains(tmp_path: Path, shared_data_folder: Path) -> None:
    run = new_run(tmp_path / "run", shared_data_folder, num_epochs=1, compile=True)
    nowhere = {"CXX": str(tmp_path / "no-compiler"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    # A new process, since PyTorch looks for the compiler only once.
    command = [sys.executable, "-m", "socal_core.training.worker", str(run.path)]
    done = subprocess.run(command, env={**os.environ, **nowhere}, capture_output=True, text=True, check=False)
    assert (done.returncode, written_status(run).state) == (0, RunState.DONE), done.stderr
    told = [notice for notice in notices(read_events(run.events_file)) if "torch.compile" in notice]
    assert len(told) == 1
    assert "is trained without being compiled" in told[0]
    assert str(tmp_path / "no-compiler") in told[0]
    assert "Traceback" not in done.stderr
