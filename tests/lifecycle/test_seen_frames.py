"""socal_core.lifecycle.further.frames_seen_before: test trials whose frames the model saw in pre-training."""

from pathlib import Path

import pytest

from socal_core.lifecycle.further import frames_seen_before
from socal_core.runs.checkpoint_folders import checkpoint_path
from socal_core.runs.files.pretraining_record import PRETRAINING, PretrainingRecord, SeenFrames
from socal_core.runs.files.records import WeightsRecord
from socal_core.runs.folder import RunFolder
from socal_core.settings import TINY, config_from
from socal_core.splits import Split

SPLIT = Split(("S1T1", "S2T1"), ("S3T1",), ("S4T1", "S5T1"), seed=0)


def pretrained(folder: Path, seen: SeenFrames, *earlier: SeenFrames) -> str:
    folder.mkdir()
    weights = WeightsRecord("tiny", None, "ab")
    PRETRAINING.write(folder, PretrainingRecord(seen, earlier, (), {}, {}, weights, True, "", "0.1.0"))
    return str(folder)


def test_trials_outside_the_test_subset_are_no_concern(tmp_path: Path) -> None:
    model = pretrained(tmp_path / "model", SeenFrames("one", ("S1T1", "S3T1", "S9T1")))
    assert frames_seen_before(model, SPLIT, "one") == ""
    assert frames_seen_before(TINY, SPLIT, "one") == ""
    assert frames_seen_before(str(tmp_path), SPLIT, "one") == ""


def test_test_trials_of_the_same_data_were_seen(tmp_path: Path) -> None:
    model = pretrained(tmp_path / "model", SeenFrames("one", ("S1T1", "S5T1")))
    notice = frames_seen_before(model, SPLIT, "one")
    assert "pre-trained on the frames of 1 of the 2 test trials of this run, such as S5T1, though not on" in notice


def test_trials_of_other_data_may_be_the_same(tmp_path: Path) -> None:
    model = pretrained(tmp_path / "model", SeenFrames("two", ("S4T1", "S5T1")))
    notice = frames_seen_before(model, SPLIT, "one")
    assert "frames of another data set or of an earlier state of this one. 2 of the 2 test trials" in notice
    assert "If they are the same trials" in notice


def test_earlier_pretraining_counts(tmp_path: Path) -> None:
    model = pretrained(tmp_path / "model", SeenFrames("two", ("S9T1",)), SeenFrames("one", ("S4T1",)))
    assert "such as S4T1, though not on their outcomes" in frames_seen_before(model, SPLIT, "one")


def test_the_folds_of_a_cross_validation_test_every_trial(tmp_path: Path) -> None:
    model = pretrained(tmp_path / "model", SeenFrames("one", ("S1T1", "S5T1")))
    notice = frames_seen_before(model, Split((), (), ("S1T1", "S2T1", "S5T1"), seed=0), "one")
    assert "of 2 of the 3 test trials of this run, such as S1T1, though not on" in notice
    assert notice.endswith("Pre-train on other data, since every trial is tested in one of the folds.")


def test_a_run_between_does_not_hide_it(tmp_path: Path) -> None:
    model = pretrained(tmp_path / "model", SeenFrames("one", ("S4T1",)))
    (tmp_path / "data").mkdir()
    run = RunFolder.create(tmp_path / "run-1", config_from({"model": model}, TINY), tmp_path / "data")
    checkpoint = checkpoint_path(run, 1)
    checkpoint.mkdir()
    assert "such as S4T1" in frames_seen_before(str(checkpoint), SPLIT, "one")


@pytest.mark.parametrize("content", ["{", '{"format": 1, "seen": 3}'])
def test_a_damaged_record_is_reported_but_stops_no_run(tmp_path: Path, content: str) -> None:
    (tmp_path / PRETRAINING.name).write_text(content)
    notice = frames_seen_before(str(tmp_path), SPLIT, "one")
    assert "may have been pre-trained on the frames of test trials of this run. Model" in notice
