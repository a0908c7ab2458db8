"""socal_core.evaluation.earliness, on trials whose outcome becomes visible at a known second."""

import json
from dataclasses import asdict

import pytest
from PIL import Image

from socal_core.cli import main
from socal_core.dataset import layout
from socal_core.dataset.windows import Window
from socal_core.errors import RunError
from socal_core.evaluation.earliness import earliness, earliness_text, seconds_within
from socal_core.evaluation.intervals import outcome_estimates
from socal_core.evaluation.trial_course import course_of
from socal_core.lifecycle.state import RunState
from socal_core.runs.files.earliness_record import EARLINESS, Earliness
from socal_core.runs.files.trial_course import read_course, write_course
from socal_core.runs.folder import RunFolder
from socal_core.settings import IMAGE_ENCODER
from socal_core.training.worker import work
from tests.factories import write_dataset
from tests.training.small_runs import new_run

VISIBLE_FROM = 15
"""The second from which frames are green in successes and red in failures; before, all are of the same grey."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run with frozen features of 30 s."""
    folder = tmp_path_factory.mktemp("early")
    data = write_dataset(folder / "data", surgeons=10, frames=30)
    for path in (data / layout.IMAGES_DIR).iterdir():
        second = int(path.stem.split("_")[-1]) - 1
        if second < VISIBLE_FROM:
            Image.new("RGB", (64, 48), (100, 100, 100)).save(path)
    made = new_run(folder / "run", data, recipe="frozen", encoder=IMAGE_ENCODER, window="0:30", test_fraction=0.4)
    assert work(made, resume=False) is RunState.DONE
    return made


@pytest.fixture(scope="module")
def found(run: RunFolder) -> Earliness:
    return earliness(run)


@pytest.mark.slow
def test_the_outcome_is_predicted_only_once_it_is_visible(found: Earliness) -> None:
    assert [point.seconds for point in found.points] == [10, 20, None]
    assert [point.auroc for point in found.points] == [0.5, 1.0, 1.0]
    assert found.points[0].accuracy < found.points[-1].accuracy


@pytest.mark.slow
def test_the_last_point_is_the_result_of_the_run(run: RunFolder, found: Earliness) -> None:
    metrics, predictions = run.read_metrics(), run.read_predictions()
    last = found.points[-1]
    assert (last.auroc, last.accuracy, last.n) == (metrics["auroc"], metrics["accuracy"], metrics["n"])
    test = predictions[predictions["split"] == "test"]
    scores = outcome_estimates(test["label"], test["prob_success"], test["predicted"], test["participant_id"])
    assert (last.auroc_interval, last.accuracy_interval) == (scores["auroc"].interval, scores["accuracy"].interval)
    assert (found.window, found.epoch, found.threshold) == ("0:30", metrics["epoch"], metrics["threshold"])
    # All trials last 30 s: they end inside the window, not before.
    assert [point.task for point in found.points] == ["prediction", "prediction", metrics["task"]]
    assert metrics["task"] == "recognition"
    assert found.is_of(metrics, "0:30")
    assert not found.is_of({**metrics, "epoch": metrics["epoch"] + 1}, "0:30")


@pytest.mark.slow
def test_the_file_and_the_command_have_the_same_points(
    run: RunFolder, found: Earliness, capsys: pytest.CaptureFixture[str]
) -> None:
    assert EARLINESS.read(run.path, "Run run") == found
    assert main(["earliness", str(run.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(asdict(found)))
    text = earliness_text(found)
    assert "first 10 s (prediction, 8 trials): auroc 0.500 (no interval: too few surgeons)" in text


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        (Window(0, 60), [10, 20, 30, 40, 50]),
        (Window(0, None), [10, 20, 30, 40, 50, 60]),
        (Window(0, -10), [10, 20, 30, 40, 50, 60]),
        (Window(30, 55), [10, 20]),
        (Window(0, 90), [10, 20, 30, 40, 50, 60]),
    ],
)
def test_there_is_no_point_beyond_the_window(window: Window, seconds: list[int]) -> None:
    assert seconds_within(window) == seconds


@pytest.mark.slow
def test_the_course_of_a_trial_has_the_same_predictions(run: RunFolder, found: Earliness) -> None:
    predictions = run.read_predictions()
    row = predictions[(predictions["split"] == "test") & (predictions["label"] == 1)].iloc[0]
    course = course_of(run, row["trial_id"], lambda *_: None)
    assert [point.seconds for point in course.points] == [10, 20, None]
    early, late, whole = (point.outputs[1] for point in course.points)
    assert whole == pytest.approx(row["prob_success"], abs=1e-6)
    assert early < late, "green only shows after 15 s"
    assert sum(course.clips[0]) == pytest.approx(1)
    assert sum(clip[1] for clip in course.clips) / len(course.clips) == pytest.approx(whole)
    write_course(run.path, course)
    assert read_course(run.path, row["trial_id"]) == course
    assert course.is_of(found.epoch, "0:30", outputs=2)
    assert not course.is_of(found.epoch + 1, "0:30", outputs=2)
    assert not course.is_of(found.epoch, "0:30", outputs=3)


def test_results_of_another_checkpoint_are_refused(run: RunFolder) -> None:
    metrics = run.read_metrics()
    run.write_metrics({**metrics, "epoch": metrics["epoch"] + 1})
    with pytest.raises(RunError, match="are of another checkpoint"):
        earliness(run)
    run.write_metrics(metrics)
