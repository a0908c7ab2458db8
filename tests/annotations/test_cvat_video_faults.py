"""Files of CVAT for video with faults: each is named, and the other boxes are read."""

from pathlib import Path

import pytest

from socal_core.annotations import cvat_video
from socal_core.dataset.dataset import Severity
from socal_core.dataset.folder import DataFolder
from tests.annotations.cvat_video_files import annotate, box, opened, track, two_trials

folder = two_trials  # stands for the folder of tests/dataset/conftest.py here


@pytest.mark.parametrize("own", ["-1", "x", "1.5", ""])
def test_bad_track_ids(folder: Path, own: str) -> None:
    annotate(folder, track(box(2) + box(3), own))
    texts, (problem,) = opened(folder)
    assert texts == ["S100T1 2 0,0,10,10 suction <NA>", "S100T1 3 0,0,10,10 suction <NA>"]
    assert (problem.code, problem.severity, problem.row) == ("bad-track-id", Severity.WARNING, 2)


def test_doubled_track_ids(folder: Path) -> None:
    annotate(folder, track(box(2), 5) + track(box(3), 5))
    annotate(folder, track(box(3), 5), path="annotations/S100T2.xml")
    texts, (problem,) = opened(folder)
    assert [text[-1] for text in texts] == ["5", "5", "5"]
    assert (problem.code, problem.path, problem.row) == ("shared-track-id", "annotations/S100T1.xml", 5)
    assert problem.parameters == {"track_id": 5, "trial_id": "S100T1"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("shape", "code"),
    [
        *((box(value), "bad-frame-number") for value in ("", "x", "-1", "1.5", "1e300", "nan", "9" * 5000)),
        *((box(6, f"{value},0,10,10"), "bad-coordinates") for value in ("", "two", "nan", "inf", "1e300")),
        (box(6, "10,0,0,10"), "box-without-area"),
        ("<box/>", "bad-frame-number"),
        ("&bomb;", "broken-xml"),
    ],
)
def test_bad_boxes_are_named(folder: Path, shape: str, code: str) -> None:
    annotate(folder, track(box(2) + box(3, outside=1) + shape))
    texts, (problem,) = opened(folder)
    assert len(texts) == 1
    assert (problem.code, problem.severity, problem.row) == (code, Severity.ERROR, 5)
    assert problem.path == "annotations/S100T1.xml"


def test_other_shapes_are_counted_once(folder: Path) -> None:
    skeleton = '<skeleton frame="1" outside="0"/>\n<track id="0" label="1"><points frame="1" points="1,1"/></track>'
    annotate(folder, track(box(2)) + track(skeleton, 1) + track('<mask frame="3" rle="1"/>' * 2, 2))
    texts, (problem,) = opened(folder)
    assert len(texts) == 1
    assert (problem.code, problem.severity, problem.count) == ("other-shapes", Severity.WARNING, 3)
    assert problem.parameters == {"shapes": "2 x mask, 1 x skeleton"}


@pytest.mark.slow
def test_truncated_files(folder: Path) -> None:
    annotate(folder, track("".join(box(number) for number in range(8))))
    path = folder / "annotations/S100T1.xml"
    data = path.read_bytes()
    for part in range(1, 10):
        path.write_bytes(data[: len(data) * part // 10])
        texts, (problem,) = opened(folder)
        assert len(texts) == data[: len(data) * part // 10].count(b"/>") - data[:60].count(b"/>")
        assert (problem.code, problem.path) == ("broken-xml", "annotations/S100T1.xml")


@pytest.mark.parametrize(("most", "shown"), [(12, 12), (11, 0)])
def test_the_number_of_boxes_has_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch, most: int, shown: int) -> None:
    monkeypatch.setattr(cvat_video, "MOST_BOXES", most)
    annotate(folder, track(box(0) + box(11)))
    texts, problems = opened(folder)
    assert len(texts) == shown
    assert ("too-many-boxes-in-tracks" in [problem.code for problem in problems]) == (shown == 0)


@pytest.mark.parametrize("content", [b"", b"<annotations></annotations>", b"<x><track /></x>", b"\0\xff<track "])
def test_other_xml_is_not_taken_for_cvat(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "annotations.xml").write_bytes(content)
    assert cvat_video.find(DataFolder(tmp_path)) == []
