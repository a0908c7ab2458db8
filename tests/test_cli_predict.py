"""socal_core.cli: predict, for trials of the data set and for new material."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import pytest

from socal_core.dataset import layout
from socal_core.dataset.material import open_material
from socal_core.errors import DataError
from socal_core.evaluation.calibration import calibration_report
from socal_core.evaluation.predict_trials import Decision, predict_loaded
from socal_core.runs.folder import RunFolder
from socal_core.training.worker import work
from socal_core.workspace import cache_folder, temporary_cache, workspace
from tests.test_cli import run_cli
from tests.training.small_runs import new_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, shared_data_folder: Path) -> RunFolder:
    settings = {"sampling": "segments", "test_clips": 2, "validation_fraction": 0.5, "window": "0:10"}
    run = new_run(tmp_path_factory.mktemp("runs") / "run-1", shared_data_folder, **settings)
    work(run, resume=False)
    return run


def frames_of(data: Path, trial: str, out: Path, name: str = "{number:03d}.jpeg") -> Path:
    """Copy the frames of a trial into a folder under other names."""
    out.mkdir(parents=True)
    for number, frame in enumerate(sorted((data / layout.IMAGES_DIR).glob(f"{trial}_*")), start=1):
        shutil.copy(frame, out / name.format(number=number, own=frame.name))
    return out


def write_video(path: Path, frames: Path, rate: float = 5.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (64, 48))
    for frame in sorted(frames.iterdir()):
        for _ in range(int(rate)):
            writer.write(cv2.imread(str(frame)))
    writer.release()
    return path


def predicted(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    code, out, err = run_cli(capsys, "predict", *arguments, "--json")
    assert code == 0, err
    rows: list[dict[str, Any]] = json.loads(out)
    return rows


@pytest.mark.slow
def test_a_trial_has_its_subset_its_clips_and_its_calibrated_probability(
    capsys: pytest.CaptureFixture[str], trained: RunFolder
) -> None:
    written = trained.read_predictions().set_index("trial_id")
    temperature = calibration_report(trained.read_predictions()).temperature
    for subset in ("train", "validation", "test"):
        trial = written.index[written["split"] == subset][0]
        (row,) = predicted(capsys, trained.path, trial)
        assert row["subset"] == subset
        assert row["prob_success"] == pytest.approx(written["prob_success"][trial], abs=1e-6)
        assert sum(row["clips"]) / 2 == pytest.approx(row["prob_success"], abs=1e-6)
        assert row["temperature"] == pytest.approx(temperature.value)
        assert row["calibrated"] == pytest.approx(float(temperature.scale([row["prob_success"]])[0]))
        text = run_cli(capsys, "predict", trained.path, trial)[1]
        assert ("from whose outcome the model has learned" in text) == (subset == "train")
        assert "2 clips" in text


@pytest.mark.slow
def test_frames_outside_the_data_set_are_predicted_as_the_trial_they_are(
    capsys: pytest.CaptureFixture[str], trained: RunFolder, shared_data_folder: Path, tmp_path: Path
) -> None:
    (expected,) = predicted(capsys, trained.path, "S103T2")
    before = sorted(workspace().rglob("*"))
    plain = frames_of(shared_data_folder, "S103T2", tmp_path / "new one")
    named = frames_of(shared_data_folder, "S103T2", tmp_path / "named", "{own}")
    nested = frames_of(shared_data_folder, "S103T2", tmp_path / "zip" / "outer" / "inner", "frame{number}.jpeg")
    rows = predicted(capsys, trained.path, plain, named, nested.parents[1])
    assert [row["trial_id"] for row in rows] == ["new-one", "S103T2", "inner"]
    assert [row["source"] for row in rows] == list(map(str, (plain, named, nested.parents[1])))
    assert [row["prob_success"] for row in rows] == pytest.approx([expected["prob_success"]] * 3, abs=1e-6)
    assert [row["subset"] for row in rows] == [None] * 3
    assert [row["same_id"] for row in rows] == [None, expected["subset"], None]
    assert sorted(workspace().rglob("*")) == before, "nothing of the material is kept"


@pytest.mark.slow
def test_a_video_and_a_data_folder_are_predicted(
    capsys: pytest.CaptureFixture[str], trained: RunFolder, shared_data_folder: Path, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "S9 late.mp4", frames_of(shared_data_folder, "S103T2", tmp_path / "frames"))
    (row,) = predicted(capsys, trained.path, video)
    (same,) = predicted(capsys, trained.path, "S103T2")
    assert row["trial_id"] == "S9-late"
    assert row["prob_success"] == pytest.approx(same["prob_success"], abs=0.1)  # compressed once more
    rows = predicted(capsys, trained.path, shared_data_folder)
    assert len(rows) == 20


def test_a_source_that_cannot_be_predicted_does_not_end_the_others(
    capsys: pytest.CaptureFixture[str], trained: RunFolder, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run_cli(capsys, "predict", trained.path, "S103T2", tmp_path / "empty", "S999T1", "--json")
    assert (code, len(json.loads(out))) == (1, 1)
    assert "empty holds neither frames" in err
    assert "S999T1" in err
    code, out, err = run_cli(capsys, "predict", trained.path, tmp_path / "none")
    assert (code, out) == (2, "")
    assert "none: there is no such file or folder" in err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tool.mp4", b"MZ\x90\x00" + bytes(60), "tool.mp4 cannot be used as a video: it is no mp4 video"),
        ("cut.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(20), "cut.mp4 cannot be used as a video"),
        ("notes.txt", b"text", "notes.txt is neither a folder nor a video"),
        ("frames/001.jpeg", b"MZ\x90\x00", "frames holds no frame that can be read. 001.jpeg: it is no JPEG"),
    ],
)
def test_files_are_known_by_their_content(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_material((tmp_path / name) if name.endswith(("mp4", "txt")) else (tmp_path / name).parent)


def test_seconds_come_from_the_names_if_all_have_a_number(shared_data_folder: Path, tmp_path: Path) -> None:
    folder = frames_of(shared_data_folder, "S100T1", tmp_path / "a", "img{number}.jpeg")
    (folder / "img3.jpeg").unlink()
    frames = open_material(folder).frames
    assert frames["second"].to_list() == [0, 1, *range(3, 12)]
    assert frames["frame"].iloc[-1] == "img12.jpeg"
    (folder / "img2.jpeg").rename(folder / "last.jpeg")
    assert open_material(folder).frames["second"].to_list() == list(range(11))


def test_a_temporary_cache_is_deleted(workspace: Path) -> None:
    with temporary_cache():
        inside = cache_folder()
        (inside / "file").touch()
        assert not inside.is_relative_to(workspace)
    assert not inside.exists()
    assert cache_folder().is_relative_to(workspace)


def test_decisions_without_a_temperature_have_no_calibrated_probability(
    trained: RunFolder, shared_data_folder: Path
) -> None:
    from socal_core.evaluation.predict_sources import forecaster_of

    forecaster = forecaster_of(trained)
    decision = Decision(forecaster.decision.target, 0.5)
    rows, left_out = predict_loaded(forecaster.model, decision, trained.open_dataset(), ["S100T1"])
    assert (rows[0]["calibrated"], left_out) == (None, {})
