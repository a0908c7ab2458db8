import os
from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.frames import in_trial_order, load_frames
from socal_core.dataset.media import find_media
from socal_core.dataset.problems import ProblemLog
from tests.dataset.editing import found
from tests.factories import write_csv


def name(trial: str, index: int) -> str:
    return f"{trial}_frame_{index:08d}.jpeg"


def make(root: Path, frames: list[str], mapping: list[tuple[object, ...]] | None = None) -> Path:
    """A folder with empty frame files (nothing here opens one) and perhaps a mapping."""
    images = root / layout.IMAGES_DIR
    images.mkdir(parents=True)
    for frame in frames:
        (images / frame).touch()
    if mapping is not None:
        write_csv(root / layout.MAPPING_FILE, [list(row) for row in mapping], layout.MAPPING_COLUMNS)
    return root


def loaded(root: Path, log: ProblemLog) -> pd.DataFrame:
    folder = DataFolder(root)
    return load_frames(folder, find_media(folder, log), log)


def ordered(root: Path, log: ProblemLog) -> list[tuple[str, str, int, int]]:
    """The frames in order, trials sorted by name."""
    frames = loaded(root, log)
    table = in_trial_order(frames, pd.Index(sorted(frames["trial_id"].unique())))
    return list(table.itertuples(index=False, name=None))


def test_the_mapping_decides_trial_and_time(tmp_path: Path, log: ProblemLog) -> None:
    mapping = [
        (name("S311T1a", 7), "S311T1", 1),
        (name("S311T1a", 8), "S311T1", 2),
        (name("S311T1b", 1), "S311T1", 3),
        ("oddly named.png", "S311T1", 4),
    ]
    assert ordered(make(tmp_path, [row[0] for row in mapping], mapping), log) == [
        (frame, "S311T1", place, place) for place, (frame, _, _) in enumerate(mapping)
    ]
    assert log.problems() == ()


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("parts", "seconds"),
    [
        ({"": [5, 6, 7]}, [0, 1, 2]),
        ({"": [5, 6, 9]}, [0, 1, 4]),
        ({"a": [1, 2, 3], "b": [1, 2]}, [0, 1, 2, 3, 4]),
        ({"a": [1, 2, 3], "b": [4, 5]}, [0, 1, 2, 3, 4]),
        ({"a": [1, 2, 3], "b": [9, 10]}, [0, 1, 2, 8, 9]),
        ({"a": [10, 11], "b": [11, 13]}, [0, 1, 2, 4]),
        ({"a": [1, 2], "b": [1, 2], "c": [1, 2]}, [0, 1, 2, 3, 4, 5]),
        ({"a": [10, 11], "b": [3, 4], "c": [5, 6]}, [0, 1, 2, 3, 4, 5]),
        ({"": [1, 2], "a": [1]}, [0, 1, 2]),
    ],
)
def test_parts_of_a_recording_join_by_name(
    tmp_path: Path, log: ProblemLog, parts: dict[str, list[int]], seconds: list[int]
) -> None:
    frames = [name(f"S311T1{letter}", index) for letter, indices in parts.items() for index in indices]
    table = ordered(make(tmp_path, [*frames, name("S311T2", 1)]), log)
    assert [row[0] for row in table[:-1]] == frames
    assert {row[1] for row in table[:-1]} == {"S311T1"}
    assert [row[3] for row in table[:-1]] == seconds
    assert table[-1] == (name("S311T2", 1), "S311T2", 0, 0)
    assert [problem.severity for problem in found(log.problems(), "no-mapping-file")] == [Severity.INFO]


def test_the_mapping_may_turn_the_order_of_names_round(tmp_path: Path, log: ProblemLog) -> None:
    frames = [name("S1T1", index) for index in (1, 2, 3)]
    mapping = [(frame, "S1T1", 10 - place) for place, frame in enumerate(frames)]
    assert [row[0] for row in ordered(make(tmp_path, frames, mapping), log)] == frames[::-1]
    assert log.problems() == ()


def test_one_trial_does_not_move_the_next(tmp_path: Path, log: ProblemLog) -> None:
    frames = [name("S1T1", 100), name("S1T2a", 1), name("S1T2a", 2), name("S1T2b", 9), name("S1T2b", 10)]
    assert [row[3] for row in ordered(make(tmp_path, frames), log)] == [0, 0, 1, 8, 9]


def test_a_frame_that_the_mapping_lacks_goes_where_its_name_says(tmp_path: Path, log: ProblemLog) -> None:
    frames = [name("S1T1a", 1), name("S1T1a", 2), name("S1T1b", 1), name("S1T1b", 2), name("S1T1b", 3)]
    mapping = [(frames[0], "S1T1", 11), (frames[1], "S1T1", 12), (frames[2], "S1T1", 14), (frames[4], "S1T1", 16)]
    table = ordered(make(tmp_path, frames, mapping), log)
    assert [row[0] for row in table] == frames
    assert [row[3] for row in table] == [0, 1, 3, 4, 5]
    (problem,) = found(log.problems(), "frame-not-in-mapping")
    assert problem.path == f"{layout.IMAGES_DIR}/{frames[3]}"
    (gap,) = found(log.problems(), "gap-in-trial")
    assert gap.parameters == {"trial_id": "S1T1", "frames": 1, "gaps": 1}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("row", "code", "severity", "parameters"),
    [
        ((name("S1T1", 9), "S1T1", 9), "mapping-without-frame", Severity.WARNING, {"frame": name("S1T1", 9)}),
        (("../outside.jpeg", "S1T1", 9), "mapping-without-frame", Severity.WARNING, {"frame": "../outside.jpeg"}),
        (("/etc/passwd", "S1T1", 9), "mapping-without-frame", Severity.WARNING, {"frame": "/etc/passwd"}),
        (
            (name("S1T1", 1), "S1T1", 1),
            "doubled-mapping-row",
            Severity.WARNING,
            {"frame": name("S1T1", 1), "first": 2, "trial_id": "S1T1", "frame_number": 1},
        ),
        (
            (name("S1T1", 2), "S2T1", 1),
            "mapping-contradicts-name",
            Severity.WARNING,
            {"frame": name("S1T1", 2), "trial_id": "S2T1"},
        ),
        ((name("S1T1", 2), "S1T1a", 2), "bad-trial-id", Severity.ERROR, {"trial_id": "S1T1a", "form": "S102T1"}),
        ((name("S1T1", 2), "", 2), "bad-trial-id", Severity.ERROR, {"trial_id": "", "form": "S102T1"}),
        ((name("S1T1", 2), "S1T1", "2.5"), "bad-frame-number", Severity.ERROR, {"least": 0, "number": "2.5"}),
        ((name("S1T1", 2), "S1T1", "-2"), "bad-frame-number", Severity.ERROR, {"least": 0, "number": "-2"}),
        ((name("S1T1", 2), "S1T1", "NA"), "bad-frame-number", Severity.ERROR, {"least": 0, "number": "NA"}),
        ((name("S1T1", 2), "S1T1", "9" * 30), "bad-frame-number", Severity.ERROR, {"least": 0, "number": "9" * 30}),
        ((name("S1T1", 2), "S1T1", 1), "doubled-frame-number", Severity.WARNING, {"frame": name("S1T1", 2)}),
    ],
)
def test_bad_mapping_rows(
    tmp_path: Path,
    log: ProblemLog,
    row: tuple[object, ...],
    code: str,
    severity: Severity,
    parameters: dict[str, object],
) -> None:
    (tmp_path / "outside.jpeg").touch()
    frames = [name("S1T1", 1), name("S1T1", 2)]
    table = ordered(make(tmp_path / "data", frames, [(frames[0], "S1T1", 1), row]), log)
    assert {frame for frame, *_ in table} == set(frames)
    (problem,) = found(log.problems(), code)
    assert (problem.severity, problem.path, problem.row) == (severity, layout.MAPPING_FILE, 3)
    assert problem.parameters == parameters


def test_a_bad_mapping_row_leaves_the_order_by_name(tmp_path: Path, log: ProblemLog) -> None:
    frames = [name("S1T1", index) for index in (1, 2, 3)]
    mapping = [(frames[0], "S1T1", 5), (frames[1], "S1T1", "x"), (frames[2], "S1T1", 7)]
    table = ordered(make(tmp_path, frames, mapping), log)
    assert [(row[0], row[3]) for row in table] == list(zip(frames, range(3), strict=True))


@pytest.mark.parametrize("header", ["frame,trial_id", "frame,trial_id,frame_number,frame_number"])
def test_a_useless_mapping_is_an_error_and_names_are_used(tmp_path: Path, log: ProblemLog, header: str) -> None:
    frames = [name("S1T1", 1), name("S1T1", 2)]
    make(tmp_path, frames)
    rows = [f"{frames[0]},S1T1,2,1", f"{frames[1]},S1T1,1,2"]
    (tmp_path / layout.MAPPING_FILE).write_text("\n".join([header, *rows]))
    assert [row[0] for row in ordered(tmp_path, log)] == frames
    errors = [problem.path for problem in log.problems() if problem.severity is Severity.ERROR]
    assert layout.MAPPING_FILE in errors


def test_frames_of_no_trial_are_named_and_left_out(tmp_path: Path, log: ProblemLog) -> None:
    make(tmp_path, [name("S1T1", 1), "IMG_0001.jpg", "weird\n.png"], [(name("S1T1", 1), "S1T1", 1)])
    assert len(ordered(tmp_path, log)) == 1
    problems = found(log.problems(), "frame-without-trial")
    assert [problem.path for problem in problems] == ["JPEGImages/IMG_0001.jpg", "JPEGImages/weird\\n.png"]
    assert all(problem.severity is Severity.ERROR for problem in problems)


def test_other_files_are_named_and_hidden_ones_are_not(tmp_path: Path, log: ProblemLog) -> None:
    make(tmp_path, [name("S1T1", 1), "Thumbs.db", "jpeg", ".DS_Store", "._" + name("S1T1", 1)])
    images = tmp_path / layout.IMAGES_DIR
    (images / name("S1T1", 2)).mkdir()
    (images / name("S1T1", 3)).symlink_to(tmp_path / "nowhere.jpeg")
    (images / name("S1T1", 4)).symlink_to(name("S1T1", 4))  # a loop
    (images / name("S1T1", 5)).symlink_to(images / name("S1T1", 1))
    assert find_media(DataFolder(tmp_path), log).frames == [name("S1T1", 1), name("S1T1", 5)]
    problems = found(log.problems(), "not-a-frame")
    assert [problem.path.split("/")[1] for problem in problems] == sorted([name("S1T1", 2), "Thumbs.db", "jpeg"])
    linked = found(log.problems(), "linked-frame")
    assert [problem.path.split("/")[1] for problem in linked] == [name("S1T1", 3), name("S1T1", 4)]


def test_a_file_name_that_is_no_text_is_named(tmp_path: Path, log: ProblemLog) -> None:
    make(tmp_path, [name("S1T1", 1)])
    (tmp_path / layout.IMAGES_DIR / os.fsdecode(b"S1T1\xff.jpeg")).touch()
    assert len(ordered(tmp_path, log)) == 1
    (problem,) = found(log.problems(), "not-a-frame")
    assert problem.parameters == {"frame": "S1T1\\udcff.jpeg"}
    assert problem.message.encode("utf-8").startswith(b"S1T1\\udcff.jpeg")


def test_two_images_of_one_second_are_both_kept(tmp_path: Path, log: ProblemLog) -> None:
    make(tmp_path, [name("S1T1", 1), "S1T1_frame_00000001.png"])
    assert [row[2:] for row in ordered(tmp_path, log)] == [(0, 0), (1, 0)]
    (problem,) = found(log.problems(), "doubled-frame-number")
    assert problem.path == f"{layout.IMAGES_DIR}/S1T1_frame_00000001.png"


def test_gaps_are_told_once_a_trial(tmp_path: Path, log: ProblemLog) -> None:
    make(tmp_path, [name("S1T1", index) for index in (3, 4, 7, 9)] + [name("S2T1", index) for index in (1, 2)])
    assert [row[3] for row in ordered(tmp_path, log)] == [0, 1, 4, 6, 0, 1]
    (problem,) = found(log.problems(), "gap-in-trial")
    assert (problem.severity, problem.count) == (Severity.INFO, 1)
    assert problem.parameters == {"trial_id": "S1T1", "frames": 3, "gaps": 2}


def test_no_folder_of_frames_is_the_callers_business(tmp_path: Path, log: ProblemLog) -> None:
    with pytest.raises(FileNotFoundError):
        find_media(DataFolder(tmp_path), log)
