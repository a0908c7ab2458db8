"""Names of frames and folders that systems and tools spell in their own way."""

import unicodedata
from pathlib import Path

import pytest

from socal_core.dataset.folder import DataFolder
from tests.annotations.matching_files import NAMING, SINGLE, annotate, boxes_of, frames, numbered
from tests.dataset.editing import put


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
def test_an_accent_of_macos_is_that_of_the_annotation(tmp_path: Path, form: str) -> None:
    composed, split = (unicodedata.normalize(kind, "S102T1/vidéo_{}.jpg") for kind in ("NFC", "NFD"))
    frames(tmp_path, *(split.format(number) for number in (1, 2)))
    annotate(tmp_path, form, [composed.format(number) for number in (1, 2)])
    assert boxes_of(tmp_path)[0] == [f"{split.format(1)} 10", f"{split.format(2)} 11"]


@pytest.mark.parametrize("form", SINGLE)
def test_a_name_from_an_address(tmp_path: Path, form: str) -> None:
    frames(tmp_path, "S102T1/day 1 001.jpg", "S102T1/day 1 002.jpg")
    annotate(tmp_path, form, ["/data/local-files/?d=S102T1/day%201%20001.jpg", "S102T1/day%201%20002.jpg"])
    texts, _, data = boxes_of(tmp_path)
    assert texts == ["S102T1/day 1 001.jpg 10", "S102T1/day 1 002.jpg 11"]
    assert any("written as %20" in entry.interpretation for entry in data.evidence)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
@pytest.mark.parametrize("folder", ["S102T1_export", "task_2_S102T1"])
def test_a_folder_whose_name_contains_the_trial(tmp_path: Path, form: str, folder: str) -> None:
    frames(tmp_path, *numbered("S102T1", 2), *numbered("S103T1", 2))
    annotate(tmp_path, form, [f"{folder}/frame_000000.jpg", f"{folder}/frame_000001.jpg"])
    assert boxes_of(tmp_path)[0] == ["S102T1/frame_000000.jpg 10", "S102T1/frame_000001.jpg 11"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("form", NAMING)
def test_a_folder_whose_name_contains_two_trials_names_none(tmp_path: Path, form: str) -> None:
    frames(tmp_path, *numbered("S102T1", 2), *numbered("S103T1", 2))
    annotate(tmp_path, form, ["S102T1_S103T1/frame_000000.jpg", "S102T1_S103T1/frame_000001.jpg"])
    texts, codes, _ = boxes_of(tmp_path)
    assert texts == []
    assert "names-without-trial" in codes


def test_files_in_a_folder_of_another_case_are_read(tmp_path: Path) -> None:
    put(tmp_path, {"Labels/First.TXT": "1", "Labels/deeper/second.txt": "2"})
    folder = DataFolder(tmp_path)
    assert folder.listing("labels").files == ["First.TXT"]
    assert folder.read("labels/First.TXT") == b"1"
    assert folder.read("labels/first.txt") == b"1"
    assert folder.read("LABELS/Deeper/second.txt") == b"2"
