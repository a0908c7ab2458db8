"""socal_core.cli.pretraining: the command as a user types it."""

import io
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from socal_core.cli import main
from socal_core.cli.pretraining import run_pretraining
from socal_core.errors import RunError
from socal_core.pretraining.loop import Ending, run_task
from socal_core.pretraining.pretrain_files import CHECKPOINT_FILE
from socal_core.pretraining.procedural import ProceduralTask
from tests.models.checkpoints import write_pretrained
from tests.pretraining.test_procedural import SMALL, files_of_at_most
from tests.test_cli import run_cli

COMMAND = ("pretrain", "procedural", "--out")
OPTIONS = ("--steps", 7, "--batch-size", 3, "--objective", "masked", "--seed", 5)


class SignalAt(io.StringIO):
    """A stderr that sends a real signal to this process when a text appears."""

    def __init__(self, text: str, number: signal.Signals) -> None:
        super().__init__()
        self._text, self._number = text, number

    def write(self, text: str) -> int:
        written = super().write(text)
        if text == self._text:
            signal.raise_signal(self._number)
        return written


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_the_options_reach_the_run_and_a_signal_stops_it(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Not in a fixture: pytest puts its own stderr back between a fixture and the test.
    stderr = SignalAt("Rendering clips", number)
    monkeypatch.setattr("sys.stderr", stderr)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    out = tmp_path / "run"
    assert main([*COMMAND, str(out), *map(str, OPTIONS)]) == 0
    assert "run is stopped. Continue with the same command and --resume." in capsys.readouterr().out
    state = torch.load(out / CHECKPOINT_FILE, weights_only=True)
    assert state["step"] == 0
    expected = {"steps": 7, "batch_size": 3, "objective": "masked", "seed": 5}
    sizes = {"frames": 16, "pool_clips": 2048, "scaling_clips": 512, "held_out_clips": 1024}
    assert state["settings"] == {**expected, **sizes}
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert main([*COMMAND, str(out), *map(str, OPTIONS), "--resume"]) == 0
    assert main([*COMMAND, str(out), "--resume"]) == 2
    assert "Resume it with --steps 7 --batch-size 3 --objective masked --seed 5." in stderr.getvalue()


BUSY = """
import hashlib, sys
from pathlib import Path
from socal_core.cli.pretraining import run_pretraining
def make_task():
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # returns to Python only after many minutes
run_pretraining(Path(sys.argv[1]), make_task, resume=False)
"""


@pytest.mark.slow
def test_a_second_sigterm_ends_it_at_once_whatever_it_is_doing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BUSY, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            while process.poll() is None:  # signals that arrive together count once
                process.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
            assert process.returncode == 128 + signal.SIGTERM
            assert process.stderr is not None
            assert "Ended at once by a second signal" in process.stderr.read()
        finally:
            process.kill()
    assert run_task(tmp_path / "run", lambda: ProceduralTask(replace(SMALL, steps=1))) is Ending.DONE, (
        "its lock is free"
    )


@pytest.mark.slow
def test_progress_and_the_end_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    settings = replace(SMALL, steps=11, batch_size=1)
    assert run_pretraining(out, lambda: ProceduralTask(settings), resume=False) == 0
    text = capsys.readouterr()
    assert f"run is done. Fine-tune it with --set model={out}." in text.out
    lines = text.err.splitlines()
    assert lines[:2] == ["Rendering clips", "Training"]
    shown = [line for line in lines if line.startswith("Step ")]
    assert [line.split(":")[0] for line in shown] == ["Step 10 of 11", "Step 11 of 11"]
    assert all(name in shown[0] for name in ("clip loss", "token loss", "masked loss", " s, 00:00 left"))
    assert run_pretraining(out, lambda: ProceduralTask(settings), resume=True) == 0
    assert "run is already done" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--steps", 0), "steps: must be at least 1, got 0"),
        (("--batch-size", 0), "batch_size: must be at least 1, got 0"),
        (("--resume",), "nothing to resume"),
        (("--set", "seed=1"), "--set: needs a data folder: leave it out with procedural, got ['seed=1']"),
        (("--include-test",), "--include-test: needs a data folder"),
    ],
    ids=str,
)
def test_errors_end_with_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[object, ...], said: str
) -> None:
    code, out, err = run_cli(capsys, *COMMAND, tmp_path / "run", *options)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert not (tmp_path / "run").exists()


def test_an_existing_folder_and_one_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").touch()
    assert run_cli(capsys, *COMMAND, tmp_path / "run")[0] == 2
    code, _, err = run_cli(capsys, *COMMAND, tmp_path / "run" / "file" / "model")
    assert code == 2
    assert "model cannot be written: Not a directory" in err


def test_a_full_disk_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with files_of_at_most(100_000), pytest.raises(RunError, match="File too large") as caught:
        run_pretraining(tmp_path / "run", lambda: ProceduralTask(replace(SMALL, steps=1)), resume=False)
    assert "start again in a new folder" in str(caught.value)


@pytest.mark.slow
def test_a_data_folder_is_pretrained_on_and_the_model_can_be_trained(
    tmp_path: Path, shared_data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pretrained(tmp_path / "start")
    settings = [f"model={tmp_path / 'start'}", "num_frames=4", "num_epochs=2"]
    arguments = ["pretrain", shared_data_folder, "--out", tmp_path / "model"]
    arguments += [part for text in settings for part in ("--set", text)]
    code, out, err = run_cli(capsys, *arguments)
    assert code == 0
    assert f"model is done. Fine-tune it with --set model={tmp_path / 'model'}." in out
    assert "Pre-training uses 16 trials of 8 surgeons. Surgeons of the test subset, who are left out: 2." in err
    assert "Step 2 of 2: masked loss" in err
    assert run_cli(capsys, *arguments, "--resume")[:2] == (0, out.replace("is done", "is already done"))
    code, _, err = run_cli(capsys, *arguments, "--include-test", "--resume")
    assert code == 2
    assert "model was started with other settings. Resume it with no --include-test." in err
    code, _, err = run_cli(capsys, *arguments)
    assert code == 2
    assert "model exists already. Choose another folder, or continue with --resume." in err


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--steps", 5), "--steps: applies only to procedural; change the settings of --set instead, got 5"),
        (("--batch-size", 5), "--batch-size: applies only to procedural"),
        (("--set", "tune=lora"), "tune: has no effect on pre-training: leave it out"),
        (("--set", "num_frames=64"), "has the 64 frames of a clip (num_frames) in the window (whole trial)"),
        (("--set", "model=nowhere"), "Model nowhere cannot be loaded from this machine"),
        (("--resume",), "model is not a folder, so there is nothing to resume"),
    ],
    ids=str,
)
def test_errors_of_pretraining_on_frames(
    tmp_path: Path,
    shared_data_folder: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[object, ...],
    said: str,
) -> None:
    arguments = ["--out", tmp_path / "model", "--set", "num_frames=4", *options]
    code, out, err = run_cli(capsys, "pretrain", shared_data_folder, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert not (tmp_path / "model").exists()
