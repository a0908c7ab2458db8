"""The video of a trial: what it shows, and that nothing is lost."""

from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from socal_core.cli import main
from socal_core.dataset import layout
from socal_core.exporting import trial_video
from socal_core.exporting.trial_video import VideoOptions, about_trial, write_trial_video
from socal_core.figures.frames import LABEL_COLOURS
from socal_core.figures.trial_video import Bar, bar_height, fitted, video_picture
from socal_core.runs.folder import RunFolder
from tests.disks import files_up_to
from tests.factories import write_dataset
from tests.made_runs import write_run

TRIAL = "S101T1"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return write_run(tmp_path / "run-1", write_dataset(tmp_path / "data", frames=5, size=(320, 180)))


def pictures_in(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    found = []
    while True:
        there, picture = capture.read()
        if not there:
            return found
        found.append(picture[:, :, ::-1])


@pytest.mark.slow
def test_an_mp4_has_every_frame_with_boxes_above_a_bar(run: RunFolder, tmp_path: Path) -> None:
    assert write_trial_video(run, TRIAL, tmp_path / "out.mp4") == 5
    pictures = pictures_in(tmp_path / "out.mp4")
    assert len(pictures) == 5
    with av.open(tmp_path / "out.mp4") as video:
        stream = video.streams.video[0]
        assert (stream.codec.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 5)
    height, width = pictures[0].shape[:2]
    assert width == 320
    assert height > 180
    assert pictures[0][190:].mean() < 120, "the bar is dark"
    box = np.array([int(LABEL_COLOURS["suction"][at : at + 2], 16) for at in (1, 3, 5)])
    assert np.abs(pictures[0][8:18, 2:5].astype(int) - box).mean() < 60, "the left edge of the box of suction"
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in {"", ".mp4"}] == []


@pytest.mark.slow
def test_a_gif_has_every_frame_and_lasts_as_long(run: RunFolder, tmp_path: Path) -> None:
    assert main(["render", str(run.path), TRIAL, str(tmp_path / "out.gif"), "--fps", "4", "--width", "160"]) == 0
    with Image.open(tmp_path / "out.gif") as image:
        assert (image.n_frames, image.width, image.info["duration"]) == (5, 160, 250)


@pytest.mark.slow
def test_a_frame_that_cannot_be_read_is_said_to_be(run: RunFolder, tmp_path: Path) -> None:
    frame = run.read_data() / layout.IMAGES_DIR / f"{TRIAL}_frame_00000003.jpeg"
    frame.write_bytes(b"no image")
    assert write_trial_video(run, TRIAL, tmp_path / "out.mp4") == 5
    assert pictures_in(tmp_path / "out.mp4")[2][60:170, :].mean() < 20


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("trial", "name", "more", "message"),
    [
        (TRIAL, "out.avi", [], "OUT: must end with .mp4 or .gif"),
        (TRIAL, "there.mp4", [], "there.mp4 already exists. Choose another name, or replace it with --force"),
        ("S999T1", "out.mp4", [], "S999T1 has no frame"),
        (TRIAL, "out.mp4", ["--fps", "0"], "--fps: must be between"),
        (TRIAL, "out.mp4", ["--width", "7"], "--width: must be between"),
    ],
)
def test_what_cannot_be_written_is_refused(
    capsys: pytest.CaptureFixture[str], run: RunFolder, tmp_path: Path, trial: str, name: str, more: list, message: str
) -> None:
    (tmp_path / "there.mp4").write_bytes(b"mine")
    before = sorted(tmp_path.iterdir())
    assert main(["render", str(run.path), trial, str(tmp_path / name), *more]) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"


@pytest.mark.slow
def test_an_existing_file_is_replaced_only_by_a_complete_one(run: RunFolder, tmp_path: Path) -> None:
    out, force = tmp_path / "out.mp4", VideoOptions(replace=True)
    out.write_bytes(b"mine")

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_trial_video(run, TRIAL, out, force, stop)
    assert out.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out.mp4", "run-1"]
    write_trial_video(run, TRIAL, out, force)
    assert len(pictures_in(out)) == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out.mp4", "out.gif"])
def test_on_a_full_disk_nothing_is_left(run: RunFolder, tmp_path: Path, name: str) -> None:
    with files_up_to(8_000), pytest.raises(trial_video.RunError, match="cannot be written"):
        write_trial_video(run, TRIAL, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "run-1"]


@pytest.mark.slow
def test_the_bar_says_what_is_known(run: RunFolder) -> None:
    dataset, predictions = run.open_dataset(), run.read_predictions().set_index("trial_id")
    row = predictions.loc[TRIAL]
    outcome = {0: "failure", 1: "success"}
    about = about_trial(run, dataset, TRIAL)
    assert about[0] == TRIAL
    probability = f"probability of success {row['prob_success']:.0%}"
    assert about[1] == f"Predicted: {outcome[row['predicted']]} ({probability})"
    assert about[2] == f"True: {outcome[row['label']]}"
    kinds = {"train": "Training", "validation": "Validation", "test": "Test"}
    assert about[3] == f"{kinds[row['split']]} trial of run-1"
    run.predictions_file.unlink()
    assert about_trial(run, dataset, TRIAL)[1] == "No prediction"


def test_boxes_follow_a_frame_that_is_reduced() -> None:
    frame = Image.new("RGB", (400, 100), "#880000")
    picture, scale = fitted(frame, (200, 200))
    assert (picture.size, scale) == ((200, 200), 0.5)
    assert picture.getpixel((100, 150)) == (0, 0, 0), "below the frame"
    boxes = pd.DataFrame({"x1": [100], "y1": [20], "x2": [300], "y2": [80], "label": ["tool"], "track_id": [3]})
    boxes = boxes.astype({"track_id": "Int64"})
    texts = ["a" * 20, "b" * 20]
    height = bar_height((200, 200), texts)
    assert height > bar_height((800, 200), texts), "on one line where there is room"
    drawn = video_picture(frame, boxes, ["#00ff00"], Bar(texts, 0.5), (200, 200), height)
    assert drawn.size == (200, 200 + height)
    assert drawn.getpixel((100, 40)) == (0, 255, 0), "the lower edge"
