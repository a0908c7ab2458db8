"""A third data set is one file with a preset, and one entry in the list."""

import re
from pathlib import Path

import pytest
from PIL import Image

from socal_core import presets
from socal_core.annotations.convert import convert
from socal_core.dataset.inspection import summarise
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.table_cache import open_cached
from socal_core.presets import PRESETS, Preset
from socal_core.presets.preset import SUCCESS, SURGEON, TRIAL, Licence, OutcomeColumn, Published
from tests.factories import write_csv

KNOTS = Preset(
    name="knots",
    title="Knots",
    description="Invented: surgeons tie knots.",
    trial_id=re.compile(r"^(?P<participant>[a-z]{3})-(?P<number>[0-9]{1,9})$"),
    frame_name=re.compile(r"^(?P<trial>[a-z]{3}-[0-9]{1,9})@(?P<index>[0-9]{1,9})\.png$"),
    example_trial="abc-1",
    example_frame="abc-1@0001.png",
    outcomes_file="knots.csv",
    boxes_file="knot_boxes.csv",
    outcomes=(
        OutcomeColumn(TRIAL, "case", "Case"),
        OutcomeColumn(SURGEON, "who", "Surgeon"),
        OutcomeColumn(SUCCESS, "holds", "Outcome", "1 if the knot holds"),
        OutcomeColumn("force", "force", "Force", "force at which the knot gives way", "N", "it is measured afterwards"),
    ),
    successes=("holds",),
    failures=("slips",),
    success="the knot holds",
    ending="A trial ends with the knot.",
    longest_trial=60,
    licences=(Licence("CC0", "its readme", "https://example.org/cc0"),),
    citation="Nobody. Nowhere. 2025.",
    doi="10.0000/none",
    address="https://example.org/knots",
    published=Published(surgeons=2, trials=4, frames=8, boxes=8),
    box_titles=("picture", "left", "top", "right", "bottom", "what"),
    labels=("thread",),
)


@pytest.fixture
def knots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(presets, "PRESETS", (*PRESETS, KNOTS))
    root = tmp_path / "knots"
    (root / "images").mkdir(parents=True)
    cases = ["abc-1", "abc-2", "xyz-1", "xyz-2"]
    frames = [f"{case}@{number:04d}.png" for case in cases for number in (1, 2)]
    for frame in frames:
        Image.new("RGB", (32, 24)).save(root / "images" / frame)
    outcomes: list[list[object]] = [[case, case[:3], "Slips" if case.endswith("1") else "holds", 7.5] for case in cases]
    write_csv(root / KNOTS.outcomes_file, outcomes, ("case", "who", "holds", "force"))
    write_csv(root / KNOTS.boxes_file, [[frame, 1, 2, 9, 12, "thread"] for frame in frames], KNOTS.box_titles)
    return root


def test_it_is_read(knots: Path) -> None:
    data = open_dataset(knots)
    assert data.preset == KNOTS
    assert data.problems == ()
    assert data.trials["success"].to_dict() == {"abc-1": 0, "abc-2": 1, "xyz-1": 0, "xyz-2": 1}
    assert data.trials["participant_id"].to_list() == ["abc", "abc", "xyz", "xyz"]
    assert data.trials["force"].to_list() == [7.5] * 4
    assert data.frames["second"].to_list() == [0, 1] * 4
    assert data.boxes["label"].to_list() == ["thread"] * 8
    assert summarise(data)["preset"] == "knots"


def test_its_tables_are_kept_and_converted(knots: Path, tmp_path: Path) -> None:
    assert open_cached(knots).preset == open_cached(knots).preset == KNOTS
    convert(open_dataset(knots), tmp_path / "out", "csv", True, lambda done, total: None)
    assert (tmp_path / "out" / "knot_boxes.csv").read_text().startswith("picture,left,top,right,bottom,what\n")
    again = open_dataset(tmp_path / "out")
    assert (again.preset, len(again.boxes)) == (KNOTS, 8)


def test_the_presets_are_told_apart() -> None:
    """No file name and no example of one preset belongs to another, so that each folder has one meaning."""
    for one in (*PRESETS, KNOTS):
        assert one.is_trial(one.example_trial)
        parsed = one.parse_frame(one.example_frame)
        assert parsed is not None
        assert parsed[0] == one.example_trial
        assert {TRIAL, SUCCESS} <= set(one.outcome_columns)
        for other in (*PRESETS, KNOTS):
            if other is not one:
                assert not other.is_trial(one.example_trial)
                assert other.parse_frame(one.example_frame) is None
                assert not set(one.files) - {one.mapping_file} & set(other.files)
