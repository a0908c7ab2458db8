"""socal_core.annotations.alignment"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from socal_core.annotations.alignment import Answer, frames_to_check, read_answer, write_answer
from socal_core.dataset.opening import open_dataset


def boxes_of(*rows: tuple[str, int, str, int]) -> pd.DataFrame:
    """Boxes of 10 by 10 pixels: trial, position, label, x1."""
    table = pd.DataFrame(rows, columns=["trial_id", "position", "label", "x1"])
    return table.assign(
        frame=[f"{trial}_frame_{position + 1:08d}.jpeg" for trial, position, *_ in rows],
        y1=0,
        x2=table["x1"] + 10,
        y2=10,
        track_id=pd.array([None] * len(rows), "Int64"),
    )


def test_the_frame_after_the_largest_movement_comes_first() -> None:
    still = [("S1T1", position, "suction", 50) for position in range(9)]
    jump = [("S1T1", position, "drill", 0 if position < 6 else 80) for position in range(9)]
    assert frames_to_check(boxes_of(*still, *jump), 1) == ["S1T1_frame_00000007.jpeg"]


def test_a_movement_over_a_gap_or_of_several_boxes_does_not_count() -> None:
    gap = [("S1T1", 0, "drill", 0), ("S1T1", 2, "drill", 90)]
    several = [("S1T1", position, "muscle", x + 70 * (position == 4)) for position in (3, 4) for x in (0, 20)]
    slow = [("S1T1", 5, "suction", 0), ("S1T1", 6, "suction", 4)]
    assert frames_to_check(boxes_of(*gap, *several, *slow), 1) == ["S1T1_frame_00000007.jpeg"]


def test_each_trial_has_a_frame_before_any_has_two() -> None:
    fast = [("S1T1", position, "drill", 40 * position) for position in range(5)]
    slow = [("S2T1", position, "drill", position) for position in range(5)]
    chosen = frames_to_check(boxes_of(*fast, *slow), 3)
    assert [frame[:4] for frame in chosen] == ["S1T1", "S1T1", "S2T1"]


def test_without_boxes_there_is_nothing_to_check() -> None:
    assert frames_to_check(boxes_of()) == []


def test_an_answer_belongs_to_the_data_and_the_format(shared_data_folder: Path) -> None:
    dataset = open_dataset(shared_data_folder)
    assert read_answer(dataset) is None
    write_answer(dataset, fits=False)
    write_answer(dataset, fits=True)
    answer = read_answer(dataset)
    assert isinstance(answer, Answer)
    assert answer.fits
    assert read_answer(replace(dataset, fingerprint="0" * 64)) is None
    assert read_answer(replace(dataset, box_format="coco")) is None
