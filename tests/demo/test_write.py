import hashlib
import os
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.demo.simulate import FRAME_SIZES
from socal_core.demo.tables import Faults
from socal_core.demo.write import write_demo
from socal_core.errors import ConfigError, DataError, SocalError
from socal_core.presets import SOCAL
from tests.demo.conftest import SURGEONS, Demo


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_also_on_one_core(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    again = digests(write_demo(tmp_path / "again", SURGEONS, seed=0))
    assert again == digests(demo.folder)


@pytest.mark.slow
def test_another_seed_gives_different_frames_and_tables(demo: Demo, tmp_path: Path) -> None:
    other, first = digests(write_demo(tmp_path / "other", SURGEONS, seed=1)), digests(demo.folder)
    assert not set(other.values()) & set(first.values())


@pytest.mark.slow
def test_the_folder_has_the_published_layout(demo: Demo) -> None:
    assert sorted(path.name for path in demo.folder.iterdir()) == sorted(
        [
            layout.IMAGES_DIR,
            layout.BOXES_FILE,
            layout.MAPPING_FILE,
            layout.OUTCOMES_FILE,
            layout.DEMOGRAPHICS_FILE,
            layout.TRACKS_FILE,
            "README.txt",
        ]
    )
    assert tuple(demo.table(layout.MAPPING_FILE)) == layout.MAPPING_COLUMNS
    assert tuple(demo.table(layout.OUTCOMES_FILE)) == layout.OUTCOME_COLUMNS
    assert tuple(demo.table(layout.TRACKS_FILE)) == layout.TRACK_COLUMNS
    demographics = demo.table(layout.DEMOGRAPHICS_FILE)
    assert set(demographics["training_status"]) <= {"Attending", "Trainee", "NA"}
    assert set(demographics["participant_id"]) >= {trial.participant_id for trial in demo.trials}


def test_every_frame_is_mapped_and_named_as_in_socal(demo: Demo) -> None:
    mapping = demo.table(layout.MAPPING_FILE)
    on_disk = {path.name for path in (demo.folder / layout.IMAGES_DIR).iterdir()}
    assert set(mapping["frame"]) == on_disk == set(demo.table(layout.BOXES_FILE, layout.BOX_COLUMNS)["frame"])
    assert all(SOCAL.frame_name.match(name) for name in on_disk)
    for trial in demo.trials:
        numbers = mapping.loc[mapping["trial_id"] == trial.trial_id, "frame_number"].astype(int)
        assert list(numbers) == list(range(1, trial.frames + 1))
        assert 46 <= len(numbers) <= 120


def test_frames_have_the_size_of_their_trial(demo: Demo) -> None:
    mapping = demo.table(layout.MAPPING_FILE).groupby("trial_id")["frame"].first()
    sizes = set()
    for row in demo.table(layout.OUTCOMES_FILE).itertuples():
        if row.trial_id in mapping.index:
            with Image.open(demo.folder / layout.IMAGES_DIR / mapping[row.trial_id]) as image:
                sizes.add(image.size)
                assert [str(length) for length in image.size] == [row.trial_video_width, row.trial_video_height]
    assert sizes == set(FRAME_SIZES)


def test_boxes_lie_inside_their_frame_and_some_frames_have_none(demo: Demo) -> None:
    trials = demo.table(layout.MAPPING_FILE).set_index("frame")["trial_id"]
    boxes = demo.boxes.join(trials, on="frame")
    for trial in demo.trials:
        rows = boxes[boxes["trial_id"] == trial.trial_id]
        assert ((rows["x1"] >= 0) & (rows["x1"] < rows["x2"]) & (rows["x2"] <= trial.width)).all()
        assert ((rows["y1"] >= 0) & (rows["y1"] < rows["y2"]) & (rows["y2"] <= trial.height)).all()
    assert set(boxes["label"]) <= set(layout.LABELS)
    assert 0 < demo.table(layout.BOXES_FILE, layout.BOX_COLUMNS).eq("").any(axis=1).mean() < 0.2


def test_tracks_repeat_the_boxes_and_belong_to_one_label(demo: Demo) -> None:
    tracks = demo.table(layout.TRACKS_FILE)
    corners = demo.boxes.astype(str)
    pd.testing.assert_frame_equal(
        tracks[list(layout.BOX_COLUMNS)].reset_index(drop=True), corners.reset_index(drop=True), check_dtype=False
    )
    tracks = tracks.join(demo.table(layout.MAPPING_FILE).set_index("frame")[["trial_id", "frame_number"]], on="frame")
    for _, rows in tracks.groupby(["trial_id", "track_id"]):
        assert rows["label"].nunique() == 1
        numbers = rows["frame_number"].astype(int)
        assert list(numbers) == list(range(numbers.iloc[0], numbers.iloc[0] + len(rows)))


def test_every_fault_exists_and_is_named_in_the_readme(demo: Demo) -> None:
    faults = Faults.of(demo.trials)
    mapping, outcomes = demo.table(layout.MAPPING_FILE), demo.table(layout.OUTCOMES_FILE)
    names = mapping.loc[mapping["trial_id"] == faults.split_trial, "frame"]
    assert {name.removeprefix(faults.split_trial)[0] for name in names} == {"a", "b"}
    assert faults.trial_without_outcome in set(mapping["trial_id"]) - set(outcomes["trial_id"])
    assert faults.outcome_without_video in set(outcomes["trial_id"]) - set(mapping["trial_id"])
    with (
        pytest.raises(OSError, match="truncated"),
        Image.open(demo.folder / layout.IMAGES_DIR / faults.broken_frame) as image,
    ):
        image.load()
    assert (outcomes["blood_loss"] == "NA").sum() == 1
    readme = (demo.folder / "README.txt").read_text(encoding="utf-8")
    for part in ("CC0", f"Surgeons: {SURGEONS}.", "Seed: 0.", *vars(faults).values()):
        assert part in readme


def test_opening_the_demo_finds_its_faults_and_nothing_else(demo: Demo) -> None:
    dataset = open_dataset(demo.folder)
    faults = Faults.of(demo.trials)
    assert len(dataset.problems) == 2
    assert {(problem.code, problem.parameters["trial_id"]) for problem in dataset.problems} == {
        ("trial-without-outcome", faults.trial_without_outcome),
        ("outcome-without-frames", faults.outcome_without_video),
    }
    assert len(dataset.usable_trials) == 2 * SURGEONS - 1
    assert len(dataset.frames_of(faults.split_trial)) == demo.trials[2].frames
    assert dataset.boxes["track_id"].notna().all()


def test_outcomes_agree_with_the_course(demo: Demo) -> None:
    outcomes = demo.table(layout.OUTCOMES_FILE).set_index("trial_id")
    for trial in demo.trials:
        if trial.trial_id in outcomes.index:
            row = outcomes.loc[trial.trial_id]
            assert row["success"] == str(int(trial.success))
            assert float(row["tth"]) == pytest.approx(trial.tth, abs=0.5)
            assert (row["muscle"] == "NA") == (trial.muscle is None)
            if trial.success:
                assert float(row["cottonoid"]) < float(row["muscle"]) < float(row["tth"])


def test_progress_counts_all_trials(demo: Demo) -> None:
    assert demo.progress == [(done, 8) for done in range(1, 9)]


@pytest.mark.parametrize(("surgeons", "seed", "field"), [(3, 0, "surgeons"), (-1, 0, "surgeons"), (4, -1, "seed")])
def test_invalid_settings_are_refused(tmp_path: Path, surgeons: int, seed: int, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        write_demo(tmp_path / "out", surgeons, seed)
    assert caught.value.field == field
    assert not list(tmp_path.iterdir())


def test_existing_files_are_not_changed(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    (folder / "mine.txt").write_text("keep")
    file.write_text("keep")
    for out in (folder, file, file / "below"):
        with pytest.raises(DataError, match=out.name):
            write_demo(out, SURGEONS)
    assert digests(tmp_path) == dict.fromkeys(["file", "folder/mine.txt"], hashlib.sha256(b"keep").hexdigest())


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError], ids=["interrupt", "error"])
def test_an_interrupted_call_leaves_nothing_behind(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "out").mkdir()  # an empty folder is allowed, and stays

    def stop(done: int, total: int) -> None:
        assert list(tmp_path.glob(".out.*"))
        raise error

    with pytest.raises(error):
        write_demo(tmp_path / "out", SURGEONS, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not list((tmp_path / "out").iterdir())


def test_an_error_of_the_disk_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SocalError, match="Choose a folder that you may write to"):
        write_demo(tmp_path / "file" / "below" / "out", SURGEONS)
