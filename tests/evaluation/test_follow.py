"""Predictions of a trial while its frames are being recorded."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.components.trial_viewer.live import read_predictions
from socal_core.dataset import layout
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.errors import DataError
from socal_core.evaluation.follow import GrowingFolder, follow, follow_camera
from socal_core.evaluation.predict_sources import Forecaster, forecaster_of
from socal_core.evaluation.predict_trials import predict_trials
from socal_core.figures.live import live_figure
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
from tests.camera_stream import stream_of
from tests.test_cli import run_cli
from tests.training.small_runs import new_run

TRIAL = "S103T2"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    run = new_run(tmp_path_factory.mktemp("runs") / "run-1", shared_data_folder, window="2:10", num_epochs=1)
    work(run, resume=False)
    return run


@pytest.fixture(scope="module")
def forecaster(run: RunFolder) -> Forecaster:
    return forecaster_of(run)


@pytest.fixture(scope="module")
def frames(shared_data_folder: Path) -> list[bytes]:
    found = sorted((shared_data_folder / layout.IMAGES_DIR).glob(f"{TRIAL}_*"))
    return [path.read_bytes() for path in found]


@pytest.mark.slow
def test_the_probability_develops_until_the_window_is_over(
    run: RunFolder, forecaster: Forecaster, frames: list[bytes], tmp_path: Path
) -> None:
    recording = tmp_path / "recording"
    recording.mkdir()
    rest: Iterator[tuple[int, bytes]] = iter(enumerate(frames, start=1))

    def record() -> None:
        """Half of the next frame is there at one look, the rest of it at the next one."""
        number, content = next(rest)
        (recording / f"{number:03d}.jpeg").write_bytes(content)
        following = frames[number] if number < len(frames) else b""
        (recording / f"{number + 1:03d}.jpeg").write_bytes(following[: len(following) // 2])

    rows = list(follow(forecaster, recording, wait=record, clock=lambda: 0.0))
    assert [row["frames"] for row in rows] == list(range(3, 11)), "from the third frame, the first in the window"
    assert [row["second"] for row in rows] == list(range(2, 10))
    assert [row["complete"] for row in rows] == [False] * 7 + [True]
    (expected,) = predict_trials(run, run.open_dataset(), [TRIAL])
    assert rows[-1]["prob_success"] == pytest.approx(expected["prob_success"], abs=1e-6)


@pytest.mark.slow
def test_a_camera_is_predicted_until_the_window_is_over(
    run: RunFolder, forecaster: Forecaster, frames: list[bytes], tmp_path: Path
) -> None:
    taken: list[int] = []
    with stream_of([*frames, frames[-1]]) as address:
        for row in follow_camera(forecaster, address, tmp_path, wait=lambda: None, seconds_per_frame=0):
            taken.append(row["frames"])
    assert taken == sorted(set(taken))
    assert (taken[-1] >= 10, row["complete"]) == (True, True)
    (expected,) = predict_trials(run, run.open_dataset(), [TRIAL])
    assert row["prob_success"] == pytest.approx(expected["prob_success"], abs=0.05), "coded as JPEG once more"


@pytest.mark.slow
def test_a_folder_without_new_frames_is_left(forecaster: Forecaster, frames: list[bytes], tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.jpeg").write_bytes(frames[number])
    now = [0.0]

    def pass_time() -> None:
        now[0] += 20

    rows = list(follow(forecaster, tmp_path, idle=60, wait=pass_time, clock=lambda: now[0]))
    assert [(row["frames"], row["complete"]) for row in rows] == [(5, False)]
    assert now[0] == 80
    with pytest.raises(DataError, match="none cannot be read as a folder"):
        next(follow(forecaster, tmp_path / "none"))


def test_each_version_of_a_file_is_decoded_once(frames: list[bytes], tmp_path: Path) -> None:
    growing = GrowingFolder(tmp_path)
    (tmp_path / "1.jpeg").write_bytes(frames[0])
    (tmp_path / "2.jpeg").write_bytes(frames[1][:-50])
    (tmp_path / "3.jpeg").symlink_to(tmp_path / "1.jpeg")
    (tmp_path / ".4.jpeg").write_bytes(frames[0])
    assert growing.complete() == ["1.jpeg"]
    (tmp_path / "2.jpeg").write_bytes(frames[1])
    assert sorted(growing.complete()) == ["1.jpeg", "2.jpeg"]


def test_the_command_prints_a_line_per_prediction(
    capsys: pytest.CaptureFixture[str], run: RunFolder, frames: list[bytes], tmp_path: Path
) -> None:
    for number, content in enumerate(frames):
        (tmp_path / f"{number}.jpeg").write_bytes(content)
    code, out, _ = run_cli(capsys, "predict", run.path, tmp_path, "--follow", "--json")
    assert (code, json.loads(out)["complete"]) == (0, True)
    text = run_cli(capsys, "predict", run.path, tmp_path, "--follow")[1]
    assert "11 s, 12 frames: " in text
    assert "the window of the run is over" in text
    code, _, err = run_cli(capsys, "predict", run.path, "S100T1", "--follow")
    assert (code, "must be one folder of frames" in err) == (2, True)
    (tmp_path / "empty").mkdir()
    code, _, err = run_cli(capsys, "predict", run.path, tmp_path / "empty", "--follow", "--idle", "0")
    assert (code, "no frame in the window came" in err) == (2, True)


def test_the_figure_shows_predictions_that_are_written_to_their_end(tmp_path: Path) -> None:
    assert read_predictions(tmp_path / "none") == []
    row = {"prob_success": 0.25, "predicted": 0, "threshold": 0.5, "second": 3, "frames": 4, "complete": False}
    (tmp_path / "out").write_text(json.dumps(row) + "\n" + json.dumps(row)[:10])
    rows = read_predictions(tmp_path / "out")
    assert rows == [row]
    figure = live_figure(rows, SUCCESS_TARGET)
    assert (figure.data[0].x, figure.data[0].y) == ((3,), (0.25,))
    blood = Target("blood_loss", "Blood loss", unit="mL", mean=1.0, scale=2.0)
    figure = live_figure([{"predicted": 250.0, "second": 0, "unit": "mL"}], blood)
    assert figure.data[0].customdata == ("250 mL",)
