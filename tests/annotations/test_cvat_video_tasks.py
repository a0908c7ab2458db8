"""The trial and the recording that a file of CVAT for video is about."""

from pathlib import Path

import pandas as pd
import pytest

from socal_core.annotations import cvat_video
from socal_core.annotations.rows import KnownFrames
from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.video import Video
from tests.annotations.cvat_video_files import annotate, box, opened, pixels, track, two_trials
from tests.dataset.editing import found

folder = two_trials  # stands for the folder of tests/dataset/conftest.py here


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("meta", "path"),
    [
        ("<source>S100T2.mp4</source>", "x.xml"),
        ("<task><name>v1</name></task><source>C:\\videos\\S100T2.avi</source>", "x.xml"),
        ("<task><name>S100T2</name></task>", "x.xml"),
        ("<task><name>S100T2, second look</name></task>", "annotations.xml"),
        ("<task><original><name>S100T2.mkv</name></original></task>", "x.xml"),
        ("<task><labels><label><name>S100T1</name></label></labels></task>", "annotations/S100T2.xml"),
        ("", "annotations/S100T2_final.xml"),
    ],
)
def test_the_trial_of_a_file(folder: Path, meta: str, path: str) -> None:
    annotate(folder, track(box(2)), meta, path)
    assert opened(folder) == (["S100T2 2 0,0,10,10 suction 0"], [])


def test_a_file_without_a_trial(folder: Path) -> None:
    annotate(folder, track(box(2) + box(3)), "<source>t.mp4</source>", "x.xml")
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.severity, problem.path, problem.count) == (
        "unknown-trial",
        Severity.ERROR,
        "x.xml",
        2,
    )
    assert problem.parameters == {"names": "t.mp4"}
    for path in (folder / layout.IMAGES_DIR).glob("S100T2*"):
        path.unlink()
    assert [problem.code for problem in opened(folder)[1] if problem.path == "x.xml"] == ["unknown-trial"]


@pytest.mark.parametrize(("size", "shown"), [(12, 2), (11, 0), (13, 0), (300, 0)])
def test_the_only_trial_must_be_as_long_as_a_file_that_names_none(folder: Path, size: int, shown: int) -> None:
    for path in (folder / layout.IMAGES_DIR).glob("S100T2*"):
        path.unlink()
    annotate(folder, track(box(2) + box(3)), f"<task><name>day 1</name><size>{size}</size></task>", "x.xml")
    assert len(opened(folder)[0]) == shown


@pytest.mark.parametrize(
    ("meta", "path", "code"),
    [
        ("<task><name>S100T1</name><source>S100T2.mp4</source></task>", "x.xml", "several-trials-named"),
        ("<source>S100T2.mp4</source>", "S100T1.xml", "several-trials-named"),
        ("<task><name>S999T1</name></task>", "annotations.xml", "other-trial"),
        ("", "annotations/S100T3.xml", "other-trial"),
        ("", "annotations/S100T1a.xml", "other-trial"),
    ],
)
def test_a_file_of_two_trials_or_of_another_is_not_read(folder: Path, meta: str, path: str, code: str) -> None:
    annotate(folder, track(box(2)), meta, path)
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.severity, problem.path) == (code, Severity.ERROR, path)


def test_an_export_of_a_project_holds_several_trials(folder: Path) -> None:
    tasks = "".join(
        f"<task><id>{n}</id><name>{name}</name></task>" for n, name in ((4, "S100T1"), (9, "S100T2"), (11, "x"))
    )
    tracks = "".join(
        track(box(n), n).replace("<track", f'<track task_id="{task}"') for n, task in ((1, 9), (2, 4), (3, 11))
    )
    annotate(folder, tracks, f"<project><name>p</name><tasks>{tasks}</tasks></project>", "annotations.xml")
    texts, (problem,) = opened(folder)
    assert texts == ["S100T1 2 0,0,10,10 suction 2", "S100T2 1 0,0,10,10 suction 1"]
    assert (problem.code, problem.count) == ("unknown-trial", 1)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("task", "count"),
    [
        ("", 23),
        ("<start_frame>0</start_frame><stop_frame>11</stop_frame>", 12),
        ("<size>12</size>", 12),
        ("<start_frame>8</start_frame><stop_frame>11</stop_frame>", 19),
        ("<start_frame>2</start_frame><size>4</size><frame_filter>step=3</frame_filter>", 14),
        ("<size>nan</size><start_frame>x</start_frame><stop_frame>-5</stop_frame>", 23),
    ],
)
def test_frames_of_the_task_that_show_nothing_are_without_a_tool(folder: Path, task: str, count: int) -> None:
    annotate(folder, track(box(2)), f"<task><name>S100T1</name>{task}</task>")
    assert [problem.count for problem in found(open_dataset(folder), "frame-without-row")] == [count]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("task", "length"),
    [
        ("<size>1800</size>", 1_800),
        ("<size>13</size>", 13),
        ("<stop_frame>12</stop_frame>", 13),
        ("<start_frame>0</start_frame><stop_frame>999999999999</stop_frame>", 1_000_000_000_000),
        ("<size>1800</size><stop_frame>0</stop_frame>", 1_800),
        ("<start_frame>8</start_frame><size>5</size>", 13),
        ("<size>12</size><stop_frame>359</stop_frame><frame_filter>step=30</frame_filter>", 360),
        ("<size>5</size><frame_filter>step=3</frame_filter>", 13),
        ("<size>inf</size>", "inf"),
    ],
)
def test_a_task_of_a_longer_recording_is_not_read(folder: Path, task: str, length: int | str) -> None:
    annotate(folder, track(box(0) + box(9)), f"<task><name>S100T1</name>{task}{pixels(1920, 1080)}</task>")
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.severity, problem.path, problem.count) == (
        "other-recording",
        Severity.ERROR,
        "annotations/S100T1.xml",
        2,
    )
    assert problem.parameters == {"annotated": length, "trial_id": "S100T1", "frames": 12}
    assert found(open_dataset(folder), "frame-without-row") == []


def test_only_the_task_that_does_not_fit_is_left_out(folder: Path) -> None:
    tasks = "".join(
        f"<task><id>{n}</id><name>S100T{n}</name><size>{size}</size></task>" for n, size in ((1, 300), (2, 12))
    )
    tracks = "".join(track(box(1), n).replace("<track", f'<track task_id="{n}"') for n in (1, 2))
    annotate(folder, tracks, f"<project><tasks>{tasks}</tasks></project>", "annotations.xml")
    texts, (problem,) = opened(folder)
    assert texts == ["S100T2 1 0,0,10,10 suction 2"]
    assert problem.code == "other-recording"


@pytest.mark.parametrize(
    ("rate", "seconds", "last", "fits"),
    [
        (30.0, 60, 1799, True),
        (30.0, 60, 1800, True),
        (30.0, 60, 1801, False),
        (29.97, 3, 89, True),
        (10.4, 2, 20, True),
        (30.0, 60, 59, False),
        (30.0, 60, 300, True),
        (30.0, 60, 8999, False),
        (30.0, 1, 29, True),
    ],
)
def test_a_video_may_go_on_for_a_second_after_its_last_frame(
    tmp_path: Path, log: ProblemLog, rate: float, seconds: int, last: int, fits: bool
) -> None:
    names = [f"S1T1_frame_{n:08d}.jpeg" for n in range(1, seconds + 1)]
    frames = pd.DataFrame({"frame": names, "trial_id": "S1T1", "position": range(seconds)})
    trials = pd.DataFrame({"width": [64], "height": [48]}, index=["S1T1"])
    known = KnownFrames(frames, trials, {"S1T1": Video("S1T1.mp4", seconds, rate, 64, 48)})
    annotate(tmp_path, track(box(0)), f"<task><stop_frame>{last}</stop_frame></task>", "annotations/S1T1.xml")
    source = DataFolder(tmp_path)
    assert len(cvat_video.read(source, cvat_video.find(source), known, log).boxes) == int(fits)
    code = "ambiguous-frame-numbers" if last == seconds - 1 else "other-recording"
    assert [problem.code for problem in log.problems()] == ([] if fits else [code])


@pytest.mark.parametrize("task", ["<size>6</size>", "<start_frame>2</start_frame><stop_frame>5</stop_frame>"])
def test_images_of_which_only_some_are_counted(folder: Path, task: str) -> None:
    annotate(folder, track(box(2)), f"<task><name>S100T1</name>{task}</task>")
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.parameters) == (
        "partly-annotated",
        {"annotated": 6, "frames": 12, "trial_id": "S100T1"},
    )


def test_another_frame_size_is_refused(folder: Path) -> None:
    annotate(folder, track(box(2)), f"<task>\n{pixels(1920, 1080)}</task>")
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.severity, problem.path, problem.row) == (
        "other-frame-size",
        Severity.ERROR,
        "annotations/S100T1.xml",
        2,
    )
    size = {"width": 1920, "height": 1080, "trial_width": 64, "trial_height": 48}
    assert problem.parameters == {"annotated": "trial S100T1", **size}


@pytest.mark.parametrize("size", [(64, 48), (0, 0), ("", "x")])
def test_the_frame_size_fits_or_is_not_said(folder: Path, size: tuple[object, object]) -> None:
    annotate(folder, track(box(2)), f"<task>{pixels(*size)}</task>")
    assert opened(folder) == (["S100T1 2 0,0,10,10 suction 0"], [])


@pytest.mark.parametrize("other", ['<polygon frame="1" points="1,2"/>', box("x"), "<broken"])
def test_nothing_is_said_to_be_without_a_tool_where_not_all_was_understood(folder: Path, other: str) -> None:
    annotate(folder, track(box(2) + other), "<task><size>12</size></task>")
    assert [problem.count for problem in found(open_dataset(folder), "frame-without-row")] == [23]
