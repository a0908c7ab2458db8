"""socal_core.pretraining.procedural and pretrain_files: stop, kill, resume, and the model that is written."""

import json
import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from socal_core.clips.preprocess import Preprocessor
from socal_core.errors import RunError
from socal_core.models.build import build_classifier
from socal_core.pretraining.loop import LOCK_FILE, SUMMARY_FILE, Ending, Observer, run_task
from socal_core.pretraining.pretrain_files import CHECKPOINT_FILE, LOG_FILE
from socal_core.pretraining.pretrain_settings import Objective, PretrainSettings
from socal_core.pretraining.procedural import ProceduralTask
from socal_core.settings import TINY, config_from
from socal_core.storage import try_lock
from tests.preloaded import run_preloaded

# A pool is used for 8 steps, so a second one is rendered before the end.
SMALL = PretrainSettings(
    steps=12,
    batch_size=2,
    objective=Objective.BOTH,
    frames=4,
    pool_clips=2,
    scaling_clips=2,
    held_out_clips=4,
)
KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from socal_core.pretraining.loop import run_task
from socal_core.pretraining.pretrain_settings import Objective, PretrainSettings
from socal_core.pretraining.procedural import ProceduralTask
written = []
def kill_at_the_eleventh(file):
    written.append(file)
    if len(written) == 11:  # the first checkpoint has no step
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = kill_at_the_eleventh
task = ProceduralTask(PretrainSettings(12, 2, Objective.BOTH, 0, 4, 2, 2, 4))
run_task(Path(sys.argv[1]), lambda: task, checkpoint_seconds=0)
"""


def pretrain(out: Path, settings: PretrainSettings, resume: bool = False, observer: Observer | None = None) -> Ending:
    return run_task(out, lambda: ProceduralTask(settings), resume, observer)


def stop_after(step: int) -> Observer:
    done = [0]

    def stage(name: str, number: int, total: int) -> None:
        if name == "Training":
            done[0] = number

    return Observer(stage=stage, stop=lambda: done[0] >= step)


def checkpoint(out: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(out / CHECKPOINT_FILE, weights_only=True)
    return state


def log_steps(out: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (out / LOG_FILE).read_text().splitlines()]


def assert_same_result(out: Path, other: Path) -> None:
    mine, theirs = checkpoint(out), checkpoint(other)
    assert mine["step"] == theirs["step"] == 12
    assert all(torch.equal(mine["network"][name], value) for name, value in theirs["network"].items())
    assert (out / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    scores = [json.loads((folder / SUMMARY_FILE).read_text())["held_out_r2"] for folder in (out, other)]
    assert scores[0] == scores[1]
    assert log_steps(out) == [10, 12]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pretraining") / "whole"
    assert pretrain(out, SMALL) is Ending.DONE
    return out


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pretraining") / "stopped"
    assert pretrain(out, SMALL, observer=stop_after(5)) is Ending.STOPPED
    return out


@pytest.fixture
def to_resume(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / "run"))


@pytest.mark.slow
def test_a_stopped_run_is_resumed_to_identical_weights(finished: Path, to_resume: Path) -> None:
    assert checkpoint(to_resume)["step"] == 5
    assert not (to_resume / "model.safetensors").exists()
    assert pretrain(to_resume, SMALL, resume=True, observer=stop_after(9)) is Ending.STOPPED
    assert checkpoint(to_resume)["step"] == 9
    assert pretrain(to_resume, SMALL, resume=True) is Ending.DONE
    assert_same_result(to_resume, finished)


@pytest.mark.slow
def test_a_run_killed_while_writing_is_resumed_to_identical_weights(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run_preloaded("-c", KILLED_WHILE_WRITING, out).returncode == -signal.SIGKILL
    assert len(list(out.glob(".*.tmp"))) == 1
    assert checkpoint(out)["step"] == 9
    assert log_steps(out) == [10]
    with (out / LOG_FILE).open("a") as file:
        file.write('{"step": 1')  # an incomplete line, as after a kill
    assert pretrain(out, SMALL, resume=True) is Ending.DONE
    assert_same_result(out, finished)
    assert not list(out.glob(".*.tmp"))


@pytest.mark.slow
def test_a_run_stopped_while_measuring_is_resumed(finished: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    observer = Observer(stage=lambda name, done, total: stages.append(name), stop=lambda: stages[-1] == "Measuring")
    assert pretrain(tmp_path / "run", SMALL, observer=observer) is Ending.STOPPED
    assert list(dict.fromkeys(stages)) == ["Rendering clips", "Training", "Measuring"]
    assert pretrain(tmp_path / "run", SMALL, resume=True) is Ending.DONE
    assert_same_result(tmp_path / "run", finished)


@pytest.mark.slow
def test_another_seed_gives_different_weights(finished: Path, tmp_path: Path) -> None:
    pretrain(tmp_path / "run", replace(SMALL, seed=1))
    assert (tmp_path / "run" / "model.safetensors").read_bytes() != (finished / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_the_written_model_is_the_network(finished: Path) -> None:
    network = checkpoint(finished)["network"]
    classifier = build_classifier(config_from({"model": str(finished), "num_frames": 4}, TINY))
    model = classifier.model.state_dict()
    backbone = {name for name in model if name.startswith("videomae.")}
    assert len(backbone) > 50
    for name in backbone:
        assert torch.equal(model[name], network[f"model.{name}"].half().float()), name
    for name in ("weight", "bias"):
        assert torch.equal(model[f"fc_norm.{name}"], network[f"norm.{name}"].half().float())
    assert {value.dtype for value in load_file(finished / "model.safetensors").values()} == {torch.float16}
    assert classifier.note == ""
    assert classifier.preprocessor.recipe == Preprocessor.whole_frame(96).recipe


@pytest.mark.slow
@pytest.mark.parametrize("objective", [Objective.PARAMETERS, Objective.MASKED])
def test_each_objective_reports_its_losses(tmp_path: Path, objective: Objective) -> None:
    settings = replace(SMALL, steps=1, objective=objective)
    seen: list[dict[str, Any]] = []
    assert pretrain(tmp_path / "run", settings, observer=Observer(report=seen.append)) is Ending.DONE
    losses = {"clip", "token"} if objective is Objective.PARAMETERS else {"masked"}
    assert [set(values) for values in seen] == [{"step", "seconds", *losses}]
    scores = json.loads((tmp_path / "run" / SUMMARY_FILE).read_text())["held_out_r2"]
    assert bool(scores) == (objective is Objective.PARAMETERS)


def test_a_finished_run_is_not_changed(finished: Path) -> None:
    before = {file.name: file.read_bytes() for file in finished.iterdir()}
    assert pretrain(finished, SMALL, resume=True) is Ending.WAS_DONE
    assert {file.name: file.read_bytes() for file in finished.iterdir()} == before


def test_a_folder_is_not_overwritten(to_resume: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run exists already\. .* continue with --resume"):
        pretrain(to_resume, SMALL)
    (tmp_path / "file").touch()
    for resume in (False, True):
        with pytest.raises(RunError, match=r"file (exists already|is not a folder)"):
            pretrain(tmp_path / "file", SMALL, resume)


@pytest.mark.parametrize("exists", [False, True])
def test_nothing_to_resume(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "run").mkdir()
    with pytest.raises(RunError, match=r"nothing to resume\. .*without --resume"):
        pretrain(tmp_path / "run", SMALL, resume=True)


def test_a_run_is_resumed_only_with_its_own_settings(to_resume: Path) -> None:
    with pytest.raises(RunError, match=r"other settings\. Resume it with --steps 12 --objective both\.$"):
        pretrain(to_resume, replace(SMALL, steps=13, objective=Objective.MASKED), resume=True)


def test_a_folder_is_used_by_one_process_at_a_time(to_resume: Path) -> None:
    lock = try_lock(to_resume / LOCK_FILE)
    assert lock is not None
    try:
        with pytest.raises(RunError, match="run is in use by another process"):
            pretrain(to_resume, SMALL, resume=True)
    finally:
        os.close(lock)


@pytest.mark.parametrize("damage", ["empty", "text", "half", "a list", "no weights", "other weights", "other version"])
@pytest.mark.sampled(2)
def test_a_damaged_checkpoint_is_refused(to_resume: Path, damage: str) -> None:
    file = to_resume / CHECKPOINT_FILE
    state = checkpoint(to_resume)
    if damage in {"empty", "text", "half"}:
        content = file.read_bytes()
        file.write_bytes({"empty": b"", "text": b"no checkpoint", "half": content[: len(content) // 2]}[damage])
    else:
        others = {name: value for name, value in state["settings"].items() if name != "frames"}
        torch.save(
            {
                "a list": [1, 2],
                "no weights": {"settings": state["settings"]},
                "other weights": {**state, "network": {"weight": torch.ones(1)}},
                "other version": {**state, "settings": others},
            }[damage],
            file,
        )
    with pytest.raises(RunError, match=r"its checkpoint\.pt is damaged or of another version\. Start without --resume"):
        pretrain(to_resume, SMALL, resume=True)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Limit the size of files, so that the kernel refuses to write as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_checkpoint_that_cannot_be_written_does_not_harm_the_last_one(to_resume: Path) -> None:
    before = (to_resume / CHECKPOINT_FILE).read_bytes()
    with files_of_at_most(100_000), pytest.raises(OSError, match="File too large"):
        pretrain(to_resume, SMALL, resume=True, observer=stop_after(6))
    assert (to_resume / CHECKPOINT_FILE).read_bytes() == before
    assert not list(to_resume.glob(".*.tmp"))
