"""What the player is given of a trial."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pages.components.trial_viewer.player.trial_data import boxes_table, trial_data
from socal_core.annotations.tracker import track_all
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.runs.folder import RunFolder
from tests.factories import write_csv, write_outcomes
from tests.made_runs import write_run

TRIAL = "S100T1"


def boxes_of(dataset: Dataset, trial: str = TRIAL) -> pd.DataFrame:
    tracked = track_all(dataset.boxes)
    return tracked[tracked["trial_id"] == trial]


@pytest.fixture
def dataset(shared_data_folder: Path) -> Dataset:
    return open_dataset(shared_data_folder)


def test_boxes_are_columns_that_refer_to_tracks(dataset: Dataset) -> None:
    data = trial_data(dataset, TRIAL, boxes_of(dataset), None)
    boxes = data["boxes"]
    columns = (boxes[name] for name in ("position", "track", "x1", "y1", "x2", "y2"))
    shown = {
        (position, data["tracks"][track]["label"], *corners) for position, track, *corners in zip(*columns, strict=True)
    }
    expected = {(frame, "suction", 2 + frame, 5, 12 + frame, 20) for frame in range(12)}
    expected |= {(frame, "grasper", 30, 10, 45, 30) for frame in range(0, 12, 2)}
    assert shown == expected
    assert data["seconds"] == [*range(12)]
    assert (data["sizes"], data["size_of"]) == ([[64, 48]], [])
    assert (data["start"], data["source"]) == (0, "tracker")
    assert len({track["colour"] for track in data["tracks"]}) == len(data["tracks"])
    json.dumps(data)


def test_it_starts_at_the_first_frame_with_boxes(data_folder: Path) -> None:
    file = data_folder / layout.BOXES_FILE
    rows = file.read_text().splitlines(keepends=True)
    file.write_text(
        "".join(row for row in rows if not row.startswith(tuple(f"{TRIAL}_frame_0000000{n}" for n in "123")))
    )
    dataset = open_dataset(data_folder)
    assert trial_data(dataset, TRIAL, boxes_of(dataset), None)["start"] == 3


def test_a_trial_without_boxes(dataset: Dataset) -> None:
    data = trial_data(dataset, TRIAL, boxes_of(dataset).iloc[:0], None)
    assert (data["tracks"], data["boxes"]["x1"], data["start"], data["source"]) == ([], [], 0, "")
    assert boxes_table(dataset, TRIAL, boxes_of(dataset).iloc[:0]).empty


def test_events_are_marked_at_their_seconds(data_folder: Path) -> None:
    boxes = data_folder / layout.BOXES_FILE
    with boxes.open("a") as file:
        for number, label in ((4, "muscle"), (6, "muscle"), (3, "cottonoid")):
            file.write(f"{TRIAL}_frame_{number:08d}.jpeg,1,1,9,9,{label}\n")
    dataset = open_dataset(write_outcomes(data_folder, tth=["30"] * 20))
    assert dataset.trials["success"][TRIAL] == 1
    assert trial_data(dataset, TRIAL, boxes_of(dataset), None)["marks"] == [
        {"second": 2.0, "text": "First cottonoid"},
        {"second": 3.0, "text": "First muscle"},
        {"second": 30.0, "text": "Haemostasis"},
    ]
    failed = dataset.trials.index[dataset.trials["success"] == 0][0]
    assert trial_data(dataset, failed, boxes_of(dataset, failed), None)["marks"] == []


def test_the_frames_and_the_window_of_the_model_are_marked(
    dataset: Dataset, shared_data_folder: Path, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run-1", shared_data_folder, window="2:9", num_frames=4)
    data = trial_data(dataset, TRIAL, boxes_of(dataset), run)
    assert data["window"] == [2, 8]
    assert set(data["seen"]) <= set(range(2, 9))
    assert len(data["seen"]) >= 4
    none_inside = write_run(tmp_path / "run-2", shared_data_folder, window="500:600")
    data = trial_data(dataset, TRIAL, boxes_of(dataset), none_inside)
    assert (data["seen"], data["window"]) == ([], None)


def test_a_run_that_cannot_be_read_marks_nothing(dataset: Dataset, tmp_path: Path) -> None:
    data = trial_data(dataset, TRIAL, boxes_of(dataset), RunFolder(tmp_path / "gone"))
    assert (data["seen"], data["window"]) == ([], None)


def test_sizes_that_differ_within_a_trial(data_folder: Path) -> None:
    images = data_folder / layout.IMAGES_DIR
    Image.fromarray(np.zeros((96, 128, 3), np.uint8)).save(images / f"{TRIAL}_frame_00000003.jpeg")
    dataset = open_dataset(data_folder)
    data = trial_data(dataset, TRIAL, boxes_of(dataset), None)
    sizes = [data["sizes"][size] for size in data["size_of"]] or data["sizes"] * 12
    assert sizes[2] == [128, 96]
    assert sizes[1] == [64, 48]


def test_nine_thousand_frames_stay_below_two_megabytes(dataset: Dataset) -> None:
    count = 9000
    names = [layout.name_of_second("S1T1", number) for number in range(1, count + 1)]
    frames = pd.DataFrame({"frame": names, "trial_id": "S1T1", "position": range(count), "second": range(count)})
    boxes = pd.DataFrame(
        {
            "frame": np.repeat(names, 4),
            "trial_id": "S1T1",
            "position": np.repeat(np.arange(count), 4),
            **{name: np.tile([100, 1200, 300, 1500], count) for name in ("x1", "y1")},
            **{name: np.tile([400, 1800, 900, 1900], count) for name in ("x2", "y2")},
            "label": ["suction", "grasper", "muscle", "string"] * count,
            "track_id": pd.array(np.tile(np.arange(4), count), "Int64"),
            "track_source": "file",
        }
    )
    trials = dataset.trials.loc[[TRIAL]].rename(index={TRIAL: "S1T1"}).assign(n_frames=count)
    long = Dataset(dataset.root, trials, frames, boxes[dataset.boxes.columns], 1, ())
    data = trial_data(long, "S1T1", boxes, None)
    assert len(json.dumps(data)) < 2_000_000
    assert len(data["tracks"]) == 4


@pytest.mark.sampled(2)
@pytest.mark.parametrize("label", ["<script>alert(1)</script>", "\"'`", "🔧" * 9, "x" * 300, "\u202eרקמה"])
def test_labels_are_handed_on_as_they_are(data_folder: Path, label: str) -> None:
    rows = [[f"{TRIAL}_frame_{number:08d}.jpeg", 1, 1, 9, 9, label] for number in (1, 2)]
    write_csv(data_folder / layout.BOXES_FILE, rows)
    dataset = open_dataset(data_folder)
    kept = dataset.boxes["label"].iloc[0]
    data = trial_data(dataset, TRIAL, boxes_of(dataset), None)
    assert [track["label"] for track in data["tracks"]] == [kept]
    table = boxes_table(dataset, TRIAL, boxes_of(dataset))
    assert table["label"].to_list() == [kept, kept]


def test_the_file_has_every_box_with_its_area(dataset: Dataset) -> None:
    boxes = boxes_of(dataset)
    table = boxes_table(dataset, TRIAL, boxes)
    assert len(table) == len(boxes) == 18
    first = table[table["label"] == "grasper"].iloc[0]
    assert (first["area_px"], first["second"], first["id_source"]) == (300, 0, "tracker")
    assert first["area_percent"] == pytest.approx(100 * 300 / 3072, abs=1e-3)
