import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from socal_core.dataset import inspection, layout
from socal_core.dataset.dataset import Severity
from socal_core.dataset.inspection import check_frames, frame_table, summarise
from socal_core.dataset.opening import open_dataset
from tests.dataset.editing import append_line, drop_lines, edit_column, replace_line, write_frame
from tests.dataset.image_files import png_header


def test_a_sound_folder(folder: Path) -> None:
    assert summarise(open_dataset(folder)) == {
        "preset": "socal",
        "trials": 8,
        "usable_trials": 8,
        "frames": 24,
        "boxes": 40,
        "frames_without_boxes": 0,
        "labels": {"suction": 24, "grasper": 16},
        "outcomes": {"rows": 8, "success": 3, "failure": 5, "unknown": 0},
        "images_dir": layout.IMAGES_DIR,
        "videos": 0,
        "box_format": "csv",
        "box_formats": ["csv"],
        "fingerprint": open_dataset(folder).fingerprint,
        "evidence": [
            {
                "path": "socal_trial_outcomes.csv",
                "interpretation": "The data set is SOCAL.",
                "basis": "No other known data set has a file of this name.",
            },
            {
                "path": "JPEGImages",
                "interpretation": "The size of a frame is taken from its own header, with its orientation applied.",
                "basis": "The headers of 24 of 24 frames were read.",
            },
            {
                "path": "socal.csv",
                "interpretation": "Each entry is of the frame that it names.",
                "basis": "24 of 24 names are exactly those of frames.",
            },
        ],
        "problems": [],
    }


def test_trials_have_frames_and_outcomes_count_usable_trials(folder: Path) -> None:
    outcomes = folder / layout.OUTCOMES_FILE
    replace_line(outcomes, 2, "S100T1,100,20,1,30,1,100,NA,250,64,48")  # frames, success unknown
    drop_lines(outcomes, "S101T1")  # frames, no row
    append_line(outcomes, "S900T1,900,20,1,30,1,100,1,250,64,48")  # a row, no frames
    append_line(outcomes, "S900T2,900,20,1,30,1,100,NA,250,64,48")
    drop_lines(folder / layout.BOXES_FILE, "S103T2_frame_00000001")
    append_line(folder / layout.BOXES_FILE, "S103T2_frame_00000001.jpeg,,,,,")
    summary = summarise(open_dataset(folder))
    assert summary["trials"] == 8
    assert summary["usable_trials"] == 6
    assert summary["frames_without_boxes"] == 1
    assert summary["outcomes"] == {"rows": 9, "success": 2, "failure": 4, "unknown": 2}


def test_the_summary_is_json_with_the_problems(folder: Path) -> None:
    row = append_line(folder / layout.BOXES_FILE, "S100T1_frame_00000001.jpeg,9,9,1,1,tool")
    summary = json.loads(json.dumps(summarise(open_dataset(folder))))
    (problem,) = summary["problems"]
    assert set(problem) == {"code", "severity", "path", "row", "message", "count", "parameters"}
    assert (problem["code"], problem["severity"], problem["path"], problem["row"], problem["count"]) == (
        "box-without-area",
        "error",
        "socal.csv",
        row,
        1,
    )


def test_the_deep_check_names_frames_that_do_not_decode(folder: Path) -> None:
    images = folder / layout.IMAGES_DIR
    broken = images / "S100T1_frame_00000001.jpeg"
    broken.write_bytes(broken.read_bytes()[:700])
    (images / "S100T1_frame_00000002.jpeg").write_bytes(b"no image")
    png_header(images / "S101T1_frame_00000001.jpeg", 12_000, 9_000)
    write_frame(folder, "S102T1_frame_00000003.jpeg", size=(48, 64))
    data = open_dataset(folder)
    (several,) = data.problems
    assert (several.code, several.parameters["sizes"]) == ("several-frame-sizes", "64x48 (2), 48x64 (1)")
    (images / "S103T1_frame_00000001.jpeg").unlink()
    problems = check_frames(data)
    assert [(problem.code, problem.severity, problem.path.split("/")[1][:22]) for problem in problems] == [
        ("unreadable-frame", Severity.ERROR, "S100T1_frame_00000001."),
        ("unreadable-frame", Severity.ERROR, "S100T1_frame_00000002."),
        ("unreadable-frame", Severity.ERROR, "S101T1_frame_00000001."),
        ("unreadable-frame", Severity.ERROR, "S103T1_frame_00000001."),
        ("frame-size-differs", Severity.WARNING, "S102T1_frame_00000003."),
    ]
    *unreadable, other = [problem.parameters for problem in problems]
    reasons = ["cut off or damaged", "no JPEG, PNG", "40,000,000", "No such file"]
    assert all(reason in found["reason"] for reason, found in zip(reasons, unreadable, strict=True))
    size = {"width": 48, "height": 64, "trial_width": 64, "trial_height": 48}
    assert other == {"frame": "S102T1_frame_00000003.jpeg", **size}
    assert all(str(folder) not in problem.message for problem in problems)


def test_sizes_are_held_against_the_first_frame_where_the_outcomes_do_not_say(folder: Path) -> None:
    edit_column(folder / layout.OUTCOMES_FILE, "trial_video_height", "")
    write_frame(folder, "S100T1_frame_00000002.jpeg", size=(32, 24))
    problems = check_frames(open_dataset(folder))
    assert [problem.path for problem in problems] == [f"{layout.IMAGES_DIR}/S100T1_frame_00000002.jpeg"]


def test_progress_counts_every_frame(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    assert check_frames(open_dataset(folder), lambda done, total: told.append((done, total))) == []
    assert told == [(done, 24) for done in range(1, 25)]


def test_a_check_that_is_interrupted_stops_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    interrupted = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            interrupted.set()
            super().shutdown(wait)

    def check(path: Path) -> tuple[int, int]:
        opened.append(path)
        if len(opened) > 1:
            interrupted.wait()
        return 64, 48

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(inspection, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(inspection, "check_image", check)
    with pytest.raises(KeyboardInterrupt):
        check_frames(open_dataset(folder), stop)
    assert len(opened) <= 2, "of 24 frames"


def test_the_check_uses_no_size_that_nobody_knows(folder: Path) -> None:
    edit_column(folder / layout.OUTCOMES_FILE, "trial_video_height", "")
    for path in (folder / layout.IMAGES_DIR).glob("S100T1_*"):
        path.write_bytes(b"no image")
    data = open_dataset(folder)
    Image.new("RGB", (5, 5)).save(folder / layout.IMAGES_DIR / "S100T1_frame_00000002.jpeg")
    assert [problem.code for problem in check_frames(data)] == ["unreadable-frame"] * 2


def test_each_frame_has_the_evidence_of_its_picture_and_of_its_boxes(folder: Path) -> None:
    table = frame_table(open_dataset(folder))
    assert len(table) == 24
    for evidence in table["evidence"]:
        assert "The size of a frame is taken from its own header" in evidence
        assert "Each entry is of the frame that it names." in evidence
    (folder / layout.BOXES_FILE).unlink()
    without_boxes = frame_table(open_dataset(folder))["evidence"]
    assert not without_boxes.str.contains("Each entry").any()
