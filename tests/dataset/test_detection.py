"""Which published data set a folder holds."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from socal_core.dataset.detection import detect_preset
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from socal_core.errors import DataError

SOCAL_FRAME, SPINE_FRAME = "S102T1_frame_00000001.jpeg", "S1A2_frame_00000001.jpeg"


def make(root: Path, names: Sequence[str]) -> DataFolder:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return DataFolder(root)


@pytest.mark.parametrize(
    ("names", "preset", "evidence"),
    [
        (["socal.csv"], "socal", "socal.csv"),
        (["socal_participant_demographics.csv"], "socal", "socal_participant_demographics.csv"),
        (["SOSpine_Outcomes.csv"], "sospine", "SOSpine_Outcomes.csv"),
        (["sospine_tool_tips.csv", f"frames/{SPINE_FRAME}"], "sospine", "sospine_tool_tips.csv"),
        ([f"JPEGImages/{SOCAL_FRAME}"], "socal", "JPEGImages"),
        ([f"frames/S1A2/{SPINE_FRAME}"], "sospine", "frames"),
        (["frames/S1A2/0001.png"], "sospine", "frames"),
        (["images/train/Clip0/0001.png"], "sospine", "images/train"),
        ([f"train/images/{SPINE_FRAME}"], "sospine", "train/images"),
        (["videos/S1A2.mp4"], "sospine", "videos"),
        (["S1A2.mp4"], "sospine", ""),
        ([f"images/{SPINE_FRAME[:-5]}_jpeg.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg"], "sospine", "images"),
        # The mapping may be added to any data set, so the frames decide.
        (["frame_to_trial_mapping.csv", f"frames/{SPINE_FRAME}"], "sospine", "frames"),
        # The files decide; the other frames are reported as frames without a trial.
        (["socal.csv", f"frames/{SOCAL_FRAME}", f"frames/{SPINE_FRAME}"], "socal", "socal.csv"),
    ],
)
def test_what_decides(tmp_path: Path, names: list[str], preset: str, evidence: str) -> None:
    log = ProblemLog()
    assert detect_preset(make(tmp_path, names), "data", log).name == preset
    (item,) = log.evidence
    assert item.path == evidence
    assert item.interpretation == {"socal": "The data set is SOCAL.", "sospine": "The data set is SOSpine."}[preset]


@pytest.mark.parametrize("names", [[], ["frames/0001.jpeg", "labels.csv"]])
def test_without_evidence_it_is_the_first(tmp_path: Path, names: list[str]) -> None:
    log = ProblemLog()
    assert detect_preset(make(tmp_path, names), "data", log).name == "socal"
    assert log.evidence == ()


def test_the_frames_decide_between_files_of_several(tmp_path: Path) -> None:
    log = ProblemLog()
    folder = make(tmp_path, ["socal.csv", "sospine_bbox.csv", f"frames/{SPINE_FRAME}"])
    assert detect_preset(folder, "data", log).name == "sospine"
    (problem,) = log.problems()
    assert (problem.code, problem.path) == ("other-data-set", "socal.csv")
    assert problem.parameters == {"other": "SOCAL", "preset": "SOSpine"}


@pytest.mark.parametrize(
    "names",
    [
        [f"frames/{SOCAL_FRAME}", f"frames/{SPINE_FRAME}"],
        ["socal.csv", "sospine_bbox.csv", f"frames/{SOCAL_FRAME}", f"frames/{SPINE_FRAME}"],
        ["socal.csv", "sospine_bbox.csv", "frames/0001.jpeg"],
    ],
)
def test_a_folder_of_several_data_sets_is_refused(tmp_path: Path, names: list[str]) -> None:
    make(tmp_path, names)
    with pytest.raises(DataError, match=r"files of SOCAL \(.*\) and of SOSpine \(.*\)\. Move each data set"):
        open_dataset(tmp_path)
