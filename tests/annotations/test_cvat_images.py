from pathlib import Path

import pandas as pd
import pytest

from socal_core.annotations import cvat_images
from socal_core.annotations.rows import CORNERS, KnownFrames
from socal_core.dataset import layout
from socal_core.dataset.dataset import Problem, Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from tests.dataset.editing import found

SHARED = Path(__file__).parents[3] / "shared" / "data"
FRAME = "S100T1_frame_00000001.jpeg"
BOX = '<box label="suction" occluded="1" xtl="2.00" ytl="5" xbr="12" ybr="20"/>'


def image(shapes: str, name: str = FRAME, size: str = 'width="64" height="48"') -> str:
    return f'<image id="0" name="{name}" {size}>\n{shapes}\n</image>\n'


def annotate(folder: Path, images: str, path: str = "annotations.xml") -> None:
    (folder / layout.BOXES_FILE).unlink(missing_ok=True)
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(f"<annotations>\n<meta/>\n{images}</annotations>\n")


def opened(folder: Path) -> tuple[list[str], list[Problem]]:
    """The boxes as text, and the problems but that frames have no row."""
    data = open_dataset(folder)
    columns = ["frame", *CORNERS, "label", "track_id"]
    texts = [",".join(map(str, row)) for row in data.boxes[columns].itertuples(index=False)]
    return texts, [problem for problem in data.problems if problem.code != "frame-without-row"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", ["annotations.xml", "train.xml", "annotations/train.xml"])
@pytest.mark.parametrize("name", [FRAME, "S100T1_frame_00000001.png", f"upload/{FRAME}"])
def test_a_box(folder: Path, path: str, name: str) -> None:
    annotate(folder, image(BOX, name), path)
    assert opened(folder) == ([f"{FRAME},2,5,12,20,suction,<NA>"], [])
    assert open_dataset(folder).box_format == "cvat-images"


@pytest.mark.parametrize("title", ["track_id", "tracking_id", "Track_ID"])
def test_track_ids(folder: Path, title: str) -> None:
    shape = BOX.replace("/>", f'><attribute name="x">7</attribute><attribute name="{title}"> 3 </attribute></box>')
    annotate(folder, image(shape))
    assert opened(folder) == ([f"{FRAME},2,5,12,20,suction,3"], [])


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "1e300"])
def test_bad_track_ids(folder: Path, value: str) -> None:
    annotate(folder, image(BOX.replace("/>", f'><attribute name="track_id">{value}</attribute></box>')))
    (text,), (problem,) = opened(folder)
    assert text.endswith("<NA>")
    assert (problem.code, problem.severity, problem.row) == ("bad-track-id", Severity.WARNING, 4)
    assert problem.parameters == {"expected": "a whole number of at least 0", "track_id": value}


def test_a_track_id_twice_in_a_frame(folder: Path) -> None:
    shape = BOX.replace("/>", '><attribute name="track_id">3</attribute></box>')
    annotate(folder, image(f"{shape}\n{shape.replace('suction', 'grasper')}") + image(shape, FRAME.replace("1.", "2.")))
    texts, (problem,) = opened(folder)
    assert len(texts) == 3
    assert (problem.code, problem.row) == ("doubled-track-id", 5)


def test_an_image_without_a_box_is_a_frame_without_a_tool(folder: Path) -> None:
    second, third = FRAME.replace("1.", "2."), FRAME.replace("1.", "3.")
    annotate(folder, image(BOX) + image('<tag label="good"/>', second) + image('<points points="1,2"/>', third))
    data = open_dataset(folder)
    assert [problem.count for problem in found(data, "frame-without-row")] == [22]


def test_other_shapes_are_counted_once(folder: Path) -> None:
    rotated = BOX.replace("/>", ' rotation="90.00"/>')
    skeleton = '<skeleton label="s"><points label="1" points="1,1"/></skeleton>'
    annotate(folder, image(BOX.replace("/>", ' rotation="0"/>') + rotated + skeleton + '<polygon points=""/>' * 2))
    texts, (enclosed, problem) = opened(folder)
    assert len(texts) == 2
    assert (problem.code, problem.severity, problem.count) == ("other-shapes", Severity.WARNING, 3)
    assert problem.parameters == {"shapes": "2 x polygon, 1 x skeleton"}
    assert (enclosed.code, enclosed.severity, enclosed.count) == ("enclosed-shapes", Severity.WARNING, 1)
    assert enclosed.parameters == {"shapes": "1 x rotated box"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("shape", "code"),
    [
        *((BOX.replace("2.00", value), "bad-coordinates") for value in ("", "two", "nan", "inf", "1e300", "9" * 400)),
        ('<box label="a" xtl="1"/>', "bad-coordinates"),
        (BOX.replace("suction", ""), "box-without-label"),
        (BOX.replace("2.00", "90"), "box-without-area"),
        (BOX.replace(' label="suction"', ""), "box-without-label"),
        ("<box", "broken-xml"),
    ],
)
def test_bad_boxes_are_named(folder: Path, shape: str, code: str) -> None:
    annotate(folder, image(f"{BOX}\n{shape}"))
    texts, (problem,) = opened(folder)
    assert len(texts) == 1
    assert (problem.code, problem.severity, problem.path) == (code, Severity.ERROR, "annotations.xml")
    assert problem.row in (5, 6)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["", "../x.jpeg", "/etc/passwd", "..\\x.jpeg", "S100T1_frame_00000099.jpeg"])
@pytest.mark.parametrize("shape", [BOX, ""])
def test_a_frame_that_does_not_exist(folder: Path, name: str, shape: str) -> None:
    annotate(folder, image(shape, name))
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.row) == ("box-without-frame", 4 if shape else 3)


def test_another_frame_size_is_refused(folder: Path) -> None:
    annotate(folder, image(BOX, size='width="1280" height="720"'))
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.severity, problem.row) == ("other-frame-size", Severity.ERROR, 3)
    size = {"width": 1280, "height": 720, "trial_width": 64, "trial_height": 48}
    assert problem.parameters == {"annotated": FRAME, **size}


@pytest.mark.slow
def test_truncated_files(folder: Path) -> None:
    annotate(folder, "".join(image(BOX, FRAME.replace("1.", f"{number}.")) for number in (1, 2, 3)))
    data = (folder / "annotations.xml").read_bytes()
    for part in range(2, 10):
        (folder / "annotations.xml").write_bytes(data[: len(data) * part // 10])
        texts, (problem,) = opened(folder)
        assert len(texts) == data[: len(data) * part // 10].count(b'ybr="20"/>')
        assert (problem.code, problem.path) == ("broken-xml", "annotations.xml")


def test_several_files_and_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    annotate(folder, image(BOX))
    annotate(folder, image(BOX, "x.jpeg"), "b.xml")
    texts, (problem,) = opened(folder)
    assert len(texts) == 1
    assert (problem.code, problem.path, problem.row) == ("box-without-frame", "b.xml", 4)
    monkeypatch.setattr(cvat_images, "MOST_BOXES", 1)
    assert [problem.code for problem in opened(folder)[1]] == ["too-many-boxes"]


@pytest.mark.parametrize("content", [b"", b"<annotations></annotations>", b"<x><image /></x>", b"\0\xff<image "])
def test_other_xml_is_not_taken_for_cvat(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "annotations.xml").write_bytes(content)
    assert cvat_images.find(DataFolder(tmp_path)) == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is absent")
def test_the_fixture() -> None:
    folder, log = DataFolder(SHARED / "annotation-formats" / "cvat_dataset" / "for_images"), ProblemLog()
    frames = pd.DataFrame({"frame": ["img0.jpg", "img1.jpg"], "trial_id": ["a", "b"], "position": [0, 0]})
    trials = pd.DataFrame({"width": [8, 10], "height": [8, 10]}, index=["a", "b"])
    rows = cvat_images.read(folder, cvat_images.find(folder), KnownFrames(frames, trials), log)
    assert rows.boxes[["frame", *CORNERS, "label"]].to_numpy().tolist() == [
        ["img0.jpg", 0, 2, 4, 4, "label1"],
        ["img1.jpg", 1, 2, 6, 5, ""],
    ]
    assert rows.without_tool.empty
    enclosed, others = log.problems()
    assert enclosed.parameters == {"shapes": "1 x polygon"}
    assert others.parameters == {"shapes": "1 x points, 1 x polyline, 2 x skeleton"}
