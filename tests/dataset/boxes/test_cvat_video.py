from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.dataset import layout
from socal_core.dataset.boxes import cvat_video
from socal_core.dataset.boxes.rows import CORNERS, BoxRows, KnownFrames
from socal_core.dataset.boxes.validate import validate
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.types import Dataset, Problem, Severity
from socal_core.dataset.video import Video
from tests.dataset.editing import found
from tests.factories import write_dataset

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two trials, S100T1 and S100T2, of twelve frames without boxes."""
    root = write_dataset(tmp_path / "data", surgeons=1, frames=12)
    (root / layout.BOXES_FILE).unlink()
    return root


def box(frame: object, corners: str = "0,0,10,10", **more: object) -> str:
    sides = dict(zip(cvat_video.SIDES, corners.split(","), strict=True))
    values = {"frame": frame, "outside": 0, "occluded": 0, "keyframe": 1, **sides, **more}
    return "<box " + " ".join(f'{name}="{value}"' for name, value in values.items()) + "/>\n"


def track(boxes: str, own: object = 0, label: str = "suction") -> str:
    return f'<track id="{own}" label="{label}">\n{boxes}</track>\n'


def pixels(width: object, height: object) -> str:
    return f"<original_size><width>{width}</width><height>{height}</height></original_size>"


def annotate(folder: Path, tracks: str, meta: str = "", path: str = "annotations/S100T1.xml") -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(f"<annotations><meta>{meta}</meta>\n{tracks}</annotations>\n")


def opened(folder: Path) -> tuple[list[str], list[Problem]]:
    """The boxes as `trial position x1,y1,x2,y2 label id`, and the problems but that frames have no row."""
    data = open_dataset(folder)
    texts = [
        f"{b.trial_id} {b.position} {b.x1},{b.y1},{b.x2},{b.y2} {b.label} {b.track_id}" for b in data.boxes.itertuples()
    ]
    return texts, [problem for problem in data.problems if problem.code != "frame-without-row"]


def positions(folder: Path) -> list[int]:
    return open_dataset(folder).boxes["position"].tolist()


def test_corners_move_on_a_line_between_boxes(folder: Path) -> None:
    annotate(folder, track(box(1, "0,0,10,10", occluded=1) + box(5, "8,4,26,18"), 7, " Grasper "))
    texts, problems = opened(folder)
    assert texts == [
        "S100T1 1 0,0,10,10 grasper 7",
        "S100T1 2 2,1,14,12 grasper 7",
        "S100T1 3 4,2,18,14 grasper 7",
        "S100T1 4 6,3,22,16 grasper 7",
        "S100T1 5 8,4,26,18 grasper 7",
    ]
    assert [problem.code for problem in problems] == ["label-case"]


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        (box(2), [2]),
        (box(2) + box(4, outside=1), [2, 3]),
        (box(2) + box(4, outside=1) + box(7) + box(8), [2, 3, 7, 8]),
        (box(2, outside=1) + box(5), [5]),
        (box(2) + box(4, rotation=20) + box(6), [2, 6]),
        (box(6) + box(3), [3, 4, 5, 6]),
        (box(0) + box(999_999_999), list(range(12))),
        (box(3, outside="true"), []),
        (box(2, keyframe=0) + box(4, keyframe=0), [2, 3, 4]),
    ],
)
def test_where_a_track_is_shown(folder: Path, boxes: str, expected: list[int]) -> None:
    annotate(folder, track(boxes))
    assert positions(folder) == expected


@settings(max_examples=25, deadline=None)
@given(
    given=st.lists(
        st.tuples(st.integers(0, 40), st.booleans(), st.integers(0, 500)), max_size=8, unique_by=lambda g: g[0]
    ),
    step=st.integers(1, 7),
)
def test_interpolation_against_a_plain_loop(given: list[tuple[int, bool, int]], step: int) -> None:
    shapes = cvat_video.Shapes()
    for frame, shown, x in given:
        shapes.add(0, frame, shown, [x, 0, x + 10, 10], frame)
    expected = []
    for place, index in enumerate(range(0, 36, step)):
        before = max((g for g in given if g[0] <= index), default=None)
        after = min((g for g in given if g[0] >= index), default=None)
        if before is not None and before[1] and after is not None:
            span = (after[0] - before[0]) or 1
            expected.append((place, before[2] + (after[2] - before[2]) * (index - before[0]) / span, before[0]))
    table = cvat_video.boxes_at(shapes.table(), np.arange(0, 36, step), 10_000)
    assert table["place"].tolist() == [place for place, _, _ in expected]
    assert np.allclose(table["x1"], [x for _, x, _ in expected])
    assert table.index.tolist() == [row for _, _, row in expected]


def test_frames_of_a_recording_that_is_sampled() -> None:
    frames = pd.DataFrame(
        {"frame": [f"S1T1_frame_{n:08d}.jpeg" for n in (1, 2, 3)], "trial_id": "S1T1", "position": [0, 1, 2]}
    )
    trials = pd.DataFrame({"width": [64], "height": [48]}, index=["S1T1"])
    known = KnownFrames(frames, trials, {"S1T1": Video("S1T1.mp4", 3, 30.0, 64, 48)})
    shapes = cvat_video.Shapes()
    for frame, x in ((15, 0.0), (45, 30.0), (61, 46.0)):
        shapes.add(0, frame, True, [x, 0, x + 10, 10], frame)
    table = cvat_video.boxes_at(shapes.table(), known.recording_indices("S1T1"), 10)
    assert table[["place", "x1"]].to_numpy().tolist() == [[1, 15], [2, 45]]


def test_boxes_between_and_beyond_the_frames(folder: Path) -> None:
    annotate(folder, track(box(11) + box(12) + box(10**9)))
    texts, problems = opened(folder)
    assert len(texts) == 1
    assert [(problem.code, problem.row) for problem in problems] == [("box-without-frame", 4), ("box-without-frame", 5)]
    assert "12 frames of trial S100T1" in problems[0].message


@pytest.mark.parametrize(
    ("meta", "path"),
    [
        ("<source>S100T2.mp4</source>", "x.xml"),
        ("<task><name>v1</name></task><source>C:\\videos\\S100T2.avi</source>", "x.xml"),
        ("<task><name>S100T2</name></task>", "x.xml"),
        ("<task><name>S100T2, second look</name></task>", "annotations.xml"),
        ("<task><name>S100T1</name><source>S100T2.mp4</source></task>", "x.xml"),
        ("<task><original><name>S100T2.mkv</name></original></task>", "x.xml"),
        ("<task><labels><label><name>S100T1</name></label></labels></task>", "annotations/S100T2.xml"),
        ("", "annotations/S100T2_final.xml"),
        ("<source>S100T2.mp4</source>", "S100T1.xml"),
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
    assert "t.mp4" in problem.message
    for path in (folder / layout.IMAGES_DIR).glob("S100T2*"):
        path.unlink()
    assert len(open_dataset(folder).boxes) == 2


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


@pytest.mark.parametrize(
    ("task", "count"),
    [
        ("", 23),
        ("<start_frame>0</start_frame><stop_frame>11</stop_frame>", 12),
        ("<size>12</size>", 12),
        ("<start_frame>2</start_frame><stop_frame>5</stop_frame>", 20),
        ("<start_frame>2</start_frame><size>3</size><frame_filter>step=3</frame_filter>", 17),
        ("<size>nan</size><start_frame>x</start_frame><stop_frame>-5</stop_frame>", 23),
    ],
)
def test_frames_of_the_task_that_show_nothing_are_without_a_tool(folder: Path, task: str, count: int) -> None:
    annotate(folder, track(box(2)), f"<task><name>S100T1</name>{task}</task>")
    assert [problem.count for problem in found(open_dataset(folder), "frame-without-row")] == [count]


@pytest.mark.parametrize(
    ("task", "length"),
    [
        ("<size>1800</size>", "1,800"),
        ("<size>13</size>", "13"),
        ("<stop_frame>12</stop_frame>", "13"),
        ("<start_frame>0</start_frame><stop_frame>999999999999</stop_frame>", "1,000,000,000,000"),
        ("<size>1800</size><stop_frame>0</stop_frame>", "1,800"),
        ("<start_frame>8</start_frame><size>5</size>", "13"),
        ("<size>12</size><stop_frame>359</stop_frame><frame_filter>step=30</frame_filter>", "360"),
        ("<size>5</size><frame_filter>step=3</frame_filter>", "13"),
        ("<size>inf</size>", "inf"),
    ],
)
def test_a_task_of_a_longer_recording_is_not_read(folder: Path, task: str, length: str) -> None:
    annotate(folder, track(box(0) + box(9)), f"<task><name>S100T1</name>{task}{pixels(1920, 1080)}</task>")
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.severity, problem.path, problem.count) == (
        "other-recording",
        Severity.ERROR,
        "annotations/S100T1.xml",
        2,
    )
    assert f"at least {length} frames, and trial S100T1 has 12 " in problem.message
    assert "Annotate the frames of the data folder" in problem.message
    assert [problem.count for problem in found(open_dataset(folder), "frame-without-row")] == [24]


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
        (30.0, 60, 59, True),
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
    annotate(tmp_path, track(box(0)), f"<task><stop_frame>{last}</stop_frame></task>")
    source = DataFolder(tmp_path)
    assert len(cvat_video.read(source, cvat_video.find(source), known, log).boxes) == int(fits)
    assert [problem.code for problem in log.problems()] == [] if fits else ["other-recording"]


def test_another_frame_size_is_a_warning(folder: Path) -> None:
    annotate(folder, track(box(2)), f"<task>\n{pixels(1920, 1080)}</task>")
    texts, (problem,) = opened(folder)
    assert len(texts) == 1
    assert (problem.code, problem.severity, problem.path, problem.row) == (
        "other-frame-size",
        Severity.WARNING,
        "annotations/S100T1.xml",
        2,
    )
    assert "trial S100T1 were drawn on a picture of 1920x1080 pixels and its trial has 64x48" in problem.message


@pytest.mark.parametrize("size", [(64, 48), (0, 0), ("", "x")])
def test_the_frame_size_fits_or_is_not_said(folder: Path, size: tuple[object, object]) -> None:
    annotate(folder, track(box(2)), f"<task>{pixels(*size)}</task>")
    assert opened(folder) == (["S100T1 2 0,0,10,10 suction 0"], [])


@pytest.mark.parametrize("other", ['<polygon frame="1" points="1,2"/>', box("x"), "<broken"])
def test_nothing_is_said_to_be_without_a_tool_where_not_all_was_understood(folder: Path, other: str) -> None:
    annotate(folder, track(box(2) + other), "<task><size>12</size></task>")
    assert [problem.count for problem in found(open_dataset(folder), "frame-without-row")] == [23]


@pytest.mark.parametrize("own", ["-1", "x", "1.5", ""])
def test_bad_track_ids(folder: Path, own: str) -> None:
    annotate(folder, track(box(2) + box(3), own))
    texts, (problem,) = opened(folder)
    assert texts == ["S100T1 2 0,0,10,10 suction <NA>", "S100T1 3 0,0,10,10 suction <NA>"]
    assert (problem.code, problem.severity, problem.row) == ("bad-track-id", Severity.WARNING, 2)


def test_doubled_track_ids(folder: Path) -> None:
    annotate(folder, track(box(2), 5) + track(box(3), 5))
    annotate(folder, track(box(3), 5), path="annotations/S100T2.xml")
    texts, (problem,) = opened(folder)
    assert [text[-1] for text in texts] == ["5", "5", "5"]
    assert (problem.code, problem.path, problem.row) == ("doubled-track-id", "annotations/S100T1.xml", 5)


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        *((box(value), "bad-frame-number") for value in ("", "x", "-1", "1.5", "1e300", "nan", "9" * 5000)),
        *((box(6, f"{value},0,10,10"), "bad-coordinates") for value in ("", "two", "nan", "inf", "1e300")),
        (box(6, "10,0,0,10"), "box-without-area"),
        ("<box/>", "bad-frame-number"),
        ("&bomb;", "broken-xml"),
    ],
)
def test_bad_boxes_are_named(folder: Path, shape: str, code: str) -> None:
    annotate(folder, track(box(2) + box(3, outside=1) + shape))
    texts, (problem,) = opened(folder)
    assert len(texts) == 1
    assert (problem.code, problem.severity, problem.row) == (code, Severity.ERROR, 5)
    assert problem.path == "annotations/S100T1.xml"


def test_other_shapes_are_counted_once(folder: Path) -> None:
    skeleton = '<skeleton frame="1" outside="0"/>\n<track id="0" label="1"><points frame="1" points="1,1"/></track>'
    annotate(folder, track(box(2)) + track(skeleton, 1) + track('<mask frame="3" rle="1"/>' * 2, 2))
    texts, (problem,) = opened(folder)
    assert len(texts) == 1
    assert (problem.code, problem.severity, problem.count) == ("other-shapes", Severity.INFO, 3)
    assert "2 x mask, 1 x skeleton" in problem.message


def test_truncated_files(folder: Path) -> None:
    annotate(folder, track("".join(box(number) for number in range(8))))
    path = folder / "annotations/S100T1.xml"
    data = path.read_bytes()
    for part in range(1, 10):
        path.write_bytes(data[: len(data) * part // 10])
        texts, (problem,) = opened(folder)
        assert len(texts) == data[: len(data) * part // 10].count(b"/>") - data[:60].count(b"/>")
        assert (problem.code, problem.path) == ("broken-xml", "annotations/S100T1.xml")


@pytest.mark.parametrize(("most", "shown"), [(12, 12), (11, 0)])
def test_the_number_of_boxes_has_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch, most: int, shown: int) -> None:
    monkeypatch.setattr(cvat_video, "MOST_BOXES", most)
    annotate(folder, track(box(0) + box(999_999_999)))
    texts, problems = opened(folder)
    assert len(texts) == shown
    assert ("too-many-boxes" in [problem.code for problem in problems]) == (shown == 0)


@pytest.mark.parametrize("content", [b"", b"<annotations></annotations>", b"<x><track /></x>", b"\0\xff<track "])
def test_other_xml_is_not_taken_for_cvat(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "annotations.xml").write_bytes(content)
    assert cvat_video.find(DataFolder(tmp_path)) == []


@pytest.mark.parametrize("tracked", [False, True])
def test_round_trip(tmp_path: Path, tracked: bool) -> None:
    root = write_dataset(tmp_path / "data", surgeons=2, frames=4)
    lines = (root / layout.BOXES_FILE).read_text().splitlines()
    numbered = [f"{line},{number % 4 if number % 3 else ''}" for number, line in enumerate(lines[:-6])]
    if tracked:
        text = ["frame,x1,y1,x2,y2,label,tracking_id", *numbered]
        (root / layout.BOXES_FILE).write_text("\n".join(text))
    before = open_dataset(root)
    (root / layout.BOXES_FILE).unlink()
    cvat_video.write(before, root)
    after = open_dataset(root)
    assert before.boxes["track_id"].notna().any() == tracked
    assert not found(after, "frame-without-row")
    order = ["frame", "label", *CORNERS]
    first, second = (data.boxes.sort_values(order, ignore_index=True) for data in (before, after))
    pd.testing.assert_frame_equal(second, first)


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=6)
ROW = st.tuples(st.integers(0, 5), st.integers(0, 40), TEXT, st.one_of(st.none(), st.integers(0, 3)))


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ROW, max_size=12), rate=st.sampled_from([None, 1.0, 7.5, 29.97]))
def test_round_trip_of_random_boxes(
    rows: list[tuple[int, int, str, int | None]], rate: float | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    frames = pd.DataFrame(
        {"frame": [f"S1T1_frame_{n:08d}.jpeg" for n in range(1, 7)], "trial_id": "S1T1", "position": range(6)}
    )
    frames = frames.astype({"frame": "str", "trial_id": "str"})
    trials = pd.DataFrame({"width": [64], "height": [48]}, index=pd.Index(["S1T1"]), dtype="Int64")
    videos = {} if rate is None else {"S1T1": Video("S1T1.mp4", 6, rate, 64, 48)}
    known, log = KnownFrames(frames, trials, videos), ProblemLog()
    columns = ["frame", *CORNERS, "label", "track_id"]
    table = pd.DataFrame(
        [(frames["frame"][n], x, 2, x + 9, 11, label, own) for n, x, label, own in rows], columns=columns
    )
    table = table.astype({"frame": "str", "label": "str", "track_id": "Int64"})
    boxes = validate(BoxRows(table, table.loc[:-1, ["frame"]]), "x", known, log)
    out = tmp_path_factory.mktemp("cvat")
    cvat_video.write(Dataset(out, trials, frames, boxes, 0, (), videos=videos), out)
    folder = DataFolder(out)
    read = cvat_video.read(folder, cvat_video.find(folder), known, log)
    assert set(read.without_tool["frame"]) == set(frames["frame"]) - set(boxes["frame"])
    order = ["frame", "label", *CORNERS, "track_id"]
    after = validate(read, "x", known, log).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(after, boxes.sort_values(order, ignore_index=True))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is absent")
def test_the_fixture_counts_frames_of_the_recording() -> None:
    folder, log = DataFolder(SHARED / "annotation-formats" / "cvat_dataset" / "for_video"), ProblemLog()
    frames = pd.DataFrame({"frame": [f"{n}.png" for n in range(20)], "trial_id": "t", "position": range(20)})
    trials = pd.DataFrame({"width": [25], "height": [20]}, index=["t"])
    rows = cvat_video.read(folder, cvat_video.find(folder), KnownFrames(frames, trials), log)
    assert rows.boxes["frame"].tolist() == ["10.png", "11.png", "12.png"]
    assert rows.boxes[list(CORNERS)].iloc[0].tolist() == [3, 4, 10, 5]
    assert rows.boxes["label"].tolist() == ["II"] * 3
    assert rows.boxes["track_id"].tolist() == [0] * 3
    assert [problem.code for problem in log.problems()] == ["other-shapes"]
