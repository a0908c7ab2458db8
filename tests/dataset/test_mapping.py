"""Which frames the rows of the mapping mean: those that they certainly mean, or none."""

from pathlib import Path

import pandas as pd
import pytest

from socal_core.dataset import layout
from socal_core.dataset.frame_names import read_names
from socal_core.dataset.mapping import join_mapping
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.presets import SOCAL
from tests.annotations.matching_files import frames as write_frames
from tests.annotations.matching_files import numbered
from tests.dataset.editing import found, put

FIRST, SECOND = "frame_000000.jpg", "frame_000001.jpg"


@pytest.fixture
def log() -> ProblemLog:
    return ProblemLog()


def joined(frames: list[str], rows: list[tuple[str, str, int]], log: ProblemLog) -> list[tuple[str, int | None]]:
    """The trial of each frame, and the number that the mapping gives it."""
    mapping = pd.DataFrame(rows, columns=["frame", "trial_id", "number"], index=range(2, 2 + len(rows)))
    mapping = mapping.astype({"frame": "str", "trial_id": "str", "number": "Int64"})
    table = join_mapping(read_names(frames), mapping, SOCAL, log)
    return [
        (trial, None if pd.isna(number) else int(number))
        for trial, number in zip(table["trial_id"], table["number"], strict=True)
    ]


@pytest.mark.parametrize(
    "spelled",
    ["{}.jpeg", "{}.png", "{}", "C:\\data\\{}.jpg", "/home/somebody/JPEGImages/{}.jpeg", "5f3c91ab-{}.jpeg"],
)
def test_a_name_that_contains_its_trial(spelled: str, log: ProblemLog) -> None:
    frames = ["S1T1_frame_00000001.jpeg", "S1T1_frame_00000002.jpeg"]
    assert joined(frames, [(spelled.format(frames[1][:-5]), "S1T1", 7)], log) == [("S1T1", None), ("S1T1", 7)]


def test_a_bare_name_is_a_frame_of_the_trial_in_its_row(log: ProblemLog) -> None:
    frames = [*numbered("S102T1", 2), *numbered("S103T1", 2)]
    rows = [(FIRST, "S102T1", 5), (SECOND, "S102T1", 9), (FIRST, "S103T1", 1), (SECOND, "S103T1", 8)]
    assert joined(frames, rows, log) == [("S102T1", 5), ("S102T1", 9), ("S103T1", 1), ("S103T1", 8)]
    assert [entry.basis for entry in log.evidence] == ["All 4 names fit one frame of it each."]


def test_a_bare_name_is_no_frame_of_another_trial(log: ProblemLog) -> None:
    frames = [*numbered("S102T1", 1), *numbered("S103T1", 2)]
    rows = [(FIRST, "S102T1", 5), (SECOND, "S102T1", 9)]
    assert joined(frames, rows, log) == [("S102T1", None), ("S103T1", None), ("S103T1", None)]
    (problem,) = found(log.problems(), "names-left-over")
    assert problem.parameters["name"] == SECOND


def test_a_frame_that_states_no_trial_is_found_by_its_only_name(log: ProblemLog) -> None:
    frames = ["0001.png", "0002.png"]
    assert joined(frames, [("0001", "S102T1", 5), ("0002.jpg", "S103T1", 6)], log) == [("S102T1", 5), ("S103T1", 6)]


def test_a_bare_name_of_two_frames_is_not_used(log: ProblemLog) -> None:
    frames = ["0001.png", "0001.jpg"]
    assert joined(frames, [("0001", "S102T1", 5)], log) == [("", None), ("", None)]
    assert found(log.problems(), "several-frames-of-name")


def test_rows_that_contradict_each_other_are_not_used(log: ProblemLog) -> None:
    frames = ["S1T1_frame_00000001.jpeg", "S1T1_frame_00000002.jpeg"]
    rows = [(frames[0], "S1T1", 5), (frames[0], "S1T1", 6), (frames[1], "S1T1", 7), (frames[1], "S1T1", 7)]
    assert joined(frames, rows, log) == [("S1T1", None), ("S1T1", 7)]
    (problem,) = found(log.problems(), "contradicting-mapping-rows")
    assert problem.row == 3
    assert [problem.row for problem in found(log.problems(), "doubled-mapping-row")] == [5]


@pytest.mark.parametrize("step", [7, 25])
def test_numbers_that_rise_by_a_constant_are_reported(tmp_path: Path, step: int) -> None:
    names = [f"S1T1_frame_{number:08d}.jpeg" for number in (1, 2, 3)]
    rows = "".join(f"{name},S1T1,{place * step}\n" for place, name in enumerate(names))
    put(write_frames(tmp_path, *names), {layout.MAPPING_FILE: f"{','.join(layout.MAPPING_COLUMNS)}\n{rows}"})
    (problem,) = found(open_dataset(tmp_path), "numbers-in-steps")
    assert problem.parameters == {"trial_id": "S1T1", "step": step}


def test_two_frames_a_frame_rate_apart_are_reported(tmp_path: Path) -> None:
    write_frames(tmp_path, "S1T1_frame_00000025.jpeg", "S1T1_frame_00000050.jpeg")
    assert [problem.parameters["step"] for problem in found(open_dataset(tmp_path), "numbers-in-steps")] == [25]
