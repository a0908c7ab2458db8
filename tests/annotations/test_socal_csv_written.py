"""Boxes files that were written, and read again."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socal_core.annotations import socal_csv
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset, Severity
from socal_core.dataset.opening import open_dataset
from tests.annotations.test_socal_csv import FRAME, boxes_file
from tests.dataset.editing import DRAWN_COLUMNS, found, with_boxes
from tests.factories import write_dataset


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two trials of two frames."""
    return open_dataset(write_dataset(tmp_path_factory.mktemp("sound") / "data", surgeons=1, frames=2))


LABELS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
BOXES = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 62), st.integers(0, 46), st.integers(1, 64), st.integers(1, 48),
        LABELS | st.sampled_from(layout.LABELS), st.none() | st.integers(0, 10**9),
    ),
    max_size=8,
    unique_by=lambda box: box[:6],
)  # fmt: skip


TWO_TRACKS = [(3, 0, 0, 1, 1, "tool", 1), (3, 0, 0, 2, 2, "tool", 2)]
"""With them, ids are never one to one with labels, as class numbers are."""


@pytest.mark.slow
@settings(
    max_examples=settings().max_examples // 3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=BOXES)
def test_what_is_written_is_read_again(sound: Dataset, drawn: list[tuple[object, ...]]) -> None:
    tracked = any(box[-1] is not None for box in drawn)
    data = with_boxes(sound, as_read([*TWO_TRACKS, *drawn] if tracked else drawn))
    boxes_file(data.root).unlink()
    socal_csv.write(data, data.root)
    first = boxes_file(data.root).read_bytes()
    again = open_dataset(data.root)
    assert [problem.code for problem in again.problems if problem.severity is not Severity.INFO] == []
    assert found(again, "frame-without-row") == []
    pd.testing.assert_frame_equal(again.boxes, data.boxes)
    socal_csv.write(again, data.root)
    assert boxes_file(data.root).read_bytes() == first


def as_read(drawn: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Of boxes, those that a reader would keep, as it would keep them: once each, with area, label in lower case."""
    table = pd.DataFrame(drawn, columns=DRAWN_COLUMNS).astype({"label": "str"})
    table["label"] = table["label"].str.strip().str.lower()
    usable = (table["x2"] > table["x1"]) & (table["y2"] > table["y1"])
    usable &= ~table["label"].isin(layout.MISSING_VALUES) & (table["label"].str.strip() == table["label"])
    kept = table[usable].drop_duplicates(DRAWN_COLUMNS[:-1]).astype({"track_id": "Int64"})
    return list(kept.itertuples(index=False, name=None))


def test_as_published_where_no_box_has_an_id(sound: Dataset, tmp_path: Path) -> None:
    socal_csv.write(with_boxes(sound, [(2, 1, 2, 3, 4, "drill", None)]), tmp_path)
    lines = boxes_file(tmp_path).read_text().splitlines()
    assert lines[0] == "S100T2_frame_00000001.jpeg,1,2,3,4,drill"
    assert lines[1:] == [
        f"{frame},,,,," for frame in (FRAME, FRAME.replace("1.j", "2.j"), "S100T2_frame_00000002.jpeg")
    ]


def test_a_label_of_several_lines_is_written_on_one(sound: Dataset, tmp_path: Path) -> None:
    socal_csv.write(with_boxes(sound, [(0, 1, 2, 3, 4, "drill\nbit", 3)]), tmp_path)
    assert boxes_file(tmp_path).read_text().splitlines()[:2] == [
        "frame,x1,y1,x2,y2,label,tracking_id",
        f"{FRAME},1,2,3,4,drill bit,3",
    ]
