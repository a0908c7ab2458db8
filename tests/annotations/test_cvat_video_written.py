"""Files of CVAT for video that were written, and read again."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from socal_core.annotations import cvat_video
from socal_core.annotations.rows import CORNERS, BoxRows, KnownFrames
from socal_core.annotations.validate import validate
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.dataset.video import Video
from tests.dataset.editing import found
from tests.factories import write_dataset
from tests.figures.made_tables import make_trials


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


@settings(max_examples=settings().max_examples // 3, deadline=None)
@given(rows=st.lists(ROW, max_size=12), rate=st.sampled_from([None, 1.0, 7.5, 29.97]))
@example(rows=[(0, 0, " ", None)], rate=None)
def test_round_trip_of_random_boxes(
    rows: list[tuple[int, int, str, int | None]], rate: float | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    frames = pd.DataFrame(
        {
            "frame": [f"S1T1_frame_{n:08d}.jpeg" for n in range(1, 7)],
            "trial_id": "S1T1",
            "position": range(6),
            "second": range(6),
        }
    )
    frames = frames.astype({"frame": "str", "trial_id": "str"})
    trials = make_trials(["S1T1"], n_frames=[6], width=[64], height=[48])
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
