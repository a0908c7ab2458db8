"""Names that count frames from another start than the frames here, and labels in several spellings."""

from pathlib import Path

import pytest

from socal_core.dataset import layout
from tests.annotations.matching_files import NAMING, annotate, boxes_of, frames
from tests.dataset.editing import found, put


def flat(numbers: range) -> list[str]:
    return [f"S102T1_frame_{number:08d}.jpeg" for number in numbers]


def nested(numbers: range) -> list[str]:
    return [f"S102T1/{number:06d}.jpg" for number in numbers]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
@pytest.mark.parametrize("named", [flat, nested])
@pytest.mark.parametrize(("here", "given"), [(range(1, 5), range(4)), (range(4), range(1, 5)), (range(1, 9), range(3))])
def test_names_that_fit_from_another_start_are_not_used(
    tmp_path: Path, form: str, named: object, here: range, given: range
) -> None:
    frames(tmp_path, *named(here))  # type: ignore[operator]
    annotate(tmp_path, form, named(given))  # type: ignore[operator]
    texts, _, data = boxes_of(tmp_path)
    assert texts == []
    assert [problem.parameters["trial_id"] for problem in found(data, "renumbered-frames")] == ["S102T1"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
@pytest.mark.parametrize(
    ("given", "used"),
    [
        ([1, 2, 3, 4, 9], 4),  # an entry of a frame that is missing
        ([1, 2, 3, 4, 5], 4),  # the last frame is missing, and the others fit from no other start
        ([2, 3], 2),
        ([5], 0),  # nothing fits by chance
    ],
)
def test_names_that_fit_from_no_other_start(tmp_path: Path, form: str, given: list[int], used: int) -> None:
    frames(tmp_path, *flat(range(1, 5)))
    annotate(tmp_path, form, [f"S102T1_frame_{number:08d}.jpeg" for number in given])
    texts, codes, _ = boxes_of(tmp_path)
    assert len(texts) == used
    assert "renumbered-frames" not in codes


def test_labels_that_differ_in_blanks_are_named(tmp_path: Path) -> None:
    names = flat(range(1, 5))
    labels = ["suction tool", "suction_tool", "Suction-Tool", "grasper"]
    rows = "".join(f"{name},1,1,9,9,{label}\n" for name, label in zip(names, labels, strict=True))
    put(frames(tmp_path, *names), {layout.BOXES_FILE: rows})
    _, _, data = boxes_of(tmp_path)
    (problem,) = found(data, "similar-labels")
    assert problem.parameters["labels"] == "suction tool, suction-tool, suction_tool"
