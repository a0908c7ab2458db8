import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socal_core.annotations import voc
from socal_core.annotations.rows import CORNERS, BoxRows, KnownFrames
from socal_core.annotations.validate import validate
from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset, Problem, Severity
from socal_core.dataset.folder import DataFolder
from socal_core.dataset.open_options import OpenOptions
from socal_core.dataset.opening import open_dataset
from socal_core.dataset.problems import ProblemLog
from tests.dataset.editing import found, write_frame
from tests.figures.made_tables import make_trials

SHARED = Path(__file__).parents[3] / "shared" / "data"
FRAME = "S100T1_frame_00000001.jpeg"
OWN = "Annotations/S100T1_frame_00000001.xml"
KEY = ["frame", *CORNERS, "label"]


def annotate(folder: Path, objects: str, name: str = FRAME, path: str = OWN, size: str = "64,48") -> None:
    """Replace the boxes of a folder by one annotation."""
    (folder / layout.BOXES_FILE).unlink(missing_ok=True)
    width, height = size.split(",")
    (folder / path).parent.mkdir(exist_ok=True, parents=True)
    (folder / path).write_text(
        f"<annotation>\n<filename>{name}</filename>\n<size><width>{width}</width><height>{height}</height></size>\n"
        f"{objects}\n</annotation>"
    )


def box(corners: str = "2,5,12,20", label: str = "suction", more: str = "") -> str:
    sides = zip(("xmin", "ymin", "xmax", "ymax"), corners.split(","), strict=True)
    bounds = "".join(f"<{name}>{value}</{name}>" for name, value in sides)
    return f"<object><name>{label}</name>{more}<bndbox>{bounds}</bndbox></object>"


def opened(folder: Path) -> tuple[list[str], list[Problem]]:
    """The boxes as text, and the problems but that frames have no row."""
    data = open_dataset(folder)
    texts = [",".join(map(str, row)) for row in data.boxes[KEY].itertuples(index=False)]
    return texts, [problem for problem in data.problems if problem.code != "frame-without-row"]


def test_a_box(folder: Path) -> None:
    part = "<part><name>tip</name><bndbox><xmin>3</xmin><ymin>6</ymin><xmax>5</xmax><ymax>9</ymax></bndbox></part>"
    annotate(folder, box(more=part) + box("30.4,10,45.6,30", " Grasper "))
    texts, problems = opened(folder)
    assert texts == [f"{FRAME},2,5,12,20,suction", f"{FRAME},30,10,46,30,grasper"]
    assert [problem.code for problem in problems] == ["label-case"]
    assert open_dataset(folder).box_format == "voc"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("S100T1_frame_00000001.jpg", "Annotations/other.xml"),
        ("C:\\data\\S100T1_frame_00000001.jpg", "Annotations/other.xml"),
        ("", OWN),
        ("picture.png", OWN),
        (FRAME, "Annotations/train/other.xml"),
        ("", "annotations/train/S100T1_frame_00000001.xml"),
    ],
)
def test_the_frame_is_that_of_the_name_or_of_the_file(folder: Path, name: str, path: str) -> None:
    annotate(folder, box(), name, path)
    assert opened(folder) == ([f"{FRAME},2,5,12,20,suction"], [])


def test_a_name_that_disagrees_with_the_file_is_said(folder: Path) -> None:
    annotate(folder, box(), "S100T1_frame_00000002.jpeg")
    texts, (problem,) = opened(folder)
    assert texts == [f"{FRAME},2,5,12,20,suction"]
    assert (problem.code, problem.severity, problem.path) == ("other-frame-name", Severity.WARNING, OWN)


def test_frames_in_folders_of_trials(folder: Path) -> None:
    shutil.rmtree(folder / layout.IMAGES_DIR)
    for name in ("JPEGImages/S100T1", "JPEGImages/S100T2", "out"):
        (folder / name).mkdir(parents=True)
    for trial in ("S100T1", "S100T2"):
        write_frame(folder, f"{trial}/0001.jpg")
    (folder / layout.BOXES_FILE).write_text("S100T1/0001.jpg,1,2,3,4,suction\nS100T2/0001.jpg,5,6,7,8,tool\n")
    (folder / layout.MAPPING_FILE).unlink()
    before = open_dataset(folder)
    voc.write(before, folder)
    (folder / layout.BOXES_FILE).unlink()
    assert (folder / "Annotations/S100T2/0001.xml").is_file()
    pd.testing.assert_frame_equal(open_dataset(folder).boxes, before.boxes)
    assert len(before.boxes) == 2


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\x.jpeg", "nothing.jpeg", "a\x85b"])
def test_a_frame_that_does_not_exist(folder: Path, name: str) -> None:
    annotate(folder, box(), name, "Annotations/other.xml")
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.path, problem.row) == ("box-without-frame", "Annotations/other.xml", 4)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("objects", "code", "severity"),
    [
        ("<object><name>tool</name></object>", "object-without-box", Severity.ERROR),
        (box(label=""), "box-without-label", Severity.ERROR),
        ("<object><name>tool</name><bndbox><xmin>1</xmin></bndbox></object>", "bad-coordinates", Severity.ERROR),
        *((box(f"2,5,{value},20"), "bad-coordinates", Severity.ERROR) for value in ("", "two", "nan", "inf", "1e300")),
        (box("2,5,12," + "9" * 400), "bad-coordinates", Severity.ERROR),
        (box("12,5,2,20"), "box-without-area", Severity.ERROR),
        (box("-9,-9,-2,-1"), "box-outside-frame", Severity.ERROR),
        (box() + "<object><name>gras", "broken-xml", Severity.ERROR),
        (box() + "&bomb;", "broken-xml", Severity.ERROR),
    ],
)
def test_bad_entries_are_named(folder: Path, objects: str, code: str, severity: Severity) -> None:
    annotate(folder, box("1,1,9,9") + "\n" + objects)
    texts, (problem,) = opened(folder)
    assert texts[0] == f"{FRAME},1,1,9,9,suction"
    assert (problem.code, problem.severity, problem.path) == (code, severity, OWN)
    assert problem.row in (5, 6)


@pytest.mark.parametrize("size", ["1280,720", "64,45", "67,48"])
def test_another_frame_size_is_refused(folder: Path, size: str) -> None:
    annotate(folder, box(), size=size)
    texts, (problem,) = opened(folder)
    assert texts == []
    assert (problem.code, problem.severity, problem.path) == ("other-frame-size", Severity.ERROR, OWN)
    width, height = map(int, size.split(","))
    own = {"width": width, "height": height, "trial_width": 64, "trial_height": 48}
    assert problem.parameters == {"annotated": FRAME, **own}


@pytest.mark.parametrize("size", ["0,0", ",", "x,y", "64.0,48"])
def test_a_size_that_is_not_said(folder: Path, size: str) -> None:
    annotate(folder, box(), size=size)
    assert opened(folder)[1] == []


def test_a_file_without_an_object_is_a_frame_without_a_tool(folder: Path) -> None:
    annotate(folder, "")
    (problem,) = open_dataset(folder).problems
    assert (problem.code, problem.count) == ("frame-without-row", 23)
    (folder / OWN).write_text((folder / OWN).read_text()[:-5])
    assert [problem.count for problem in found(open_dataset(folder), "frame-without-row")] == [24]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"<other><object/></other>", "unreadable-file"),
        (b"\xff\xfe\x00", "broken-xml"),
        (b"<annotation>\xf3</annotation>", "broken-xml"),
        (b"<annotation>" + b" " * 1_000_000, "unreadable-file"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>', "broken-xml"),
    ],
)
def test_files_that_are_no_annotations(folder: Path, content: bytes, code: str) -> None:
    annotate(folder, box())
    (folder / "Annotations" / "x.xml").write_bytes(content)
    texts, (problem,) = opened(folder)
    assert len(texts) == 1
    assert (problem.code, problem.severity, problem.path) == (code, Severity.ERROR, "Annotations/x.xml")


@pytest.mark.slow
def test_truncated_files(folder: Path) -> None:
    annotate(folder, "\n".join(box(f"{2 + 7 * number},5,{9 + 7 * number},20") for number in range(6)))
    data = (folder / OWN).read_bytes()
    for part in range(10):
        (folder / OWN).write_bytes(data[: len(data) * part // 10])
        texts, (problem,) = opened(folder)
        assert len(texts) == data[: len(data) * part // 10].count(b"</object>")
        assert problem.path == OWN


def test_links_out_of_the_folder_are_not_read(folder: Path, tmp_path: Path) -> None:
    annotate(folder, box())
    (folder / OWN).rename(tmp_path / "out.xml")
    (folder / OWN).symlink_to(tmp_path / "out.xml")
    assert voc.find(DataFolder(folder)) == []


def test_cvat_in_the_same_folder_is_not_taken_for_voc(folder: Path) -> None:
    annotate(folder, box())
    (folder / OWN).write_text("<annotations><image name='a'/></annotations>")
    assert voc.find(DataFolder(folder)) == []


def test_the_number_of_boxes_has_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voc, "MOST_BOXES", 2)
    annotate(folder, box("1,1,2,2") + box("2,2,3,3"))
    annotate(folder, box(), "S100T1_frame_00000002.jpeg", "Annotations/z.xml")
    texts, (problem,) = opened(folder)
    assert len(texts) == 2
    assert (problem.code, problem.path) == ("too-many-boxes", "Annotations/z.xml")


def test_round_trip(folder: Path) -> None:
    before = open_dataset(folder)
    (folder / layout.BOXES_FILE).unlink()
    voc.write(before, folder)
    after = open_dataset(folder)
    assert after.problems == ()
    pd.testing.assert_frame_equal(after.boxes, before.boxes)


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=12)
BOXES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(0, 30), TEXT), max_size=12)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(rows=BOXES)
def test_round_trip_of_random_boxes(
    rows: list[tuple[int, int, int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    frames = pd.DataFrame(
        {
            "frame": [f"S1T1_frame_{n:08d}.jpeg" for n in range(6)],
            "trial_id": "S1T1",
            "position": range(6),
            "second": range(6),
        }
    )
    frames = frames.astype({"frame": "str", "trial_id": "str"})
    trials = make_trials(["S1T1"], n_frames=[6], width=[64], height=[48])
    known, log = KnownFrames(frames, trials), ProblemLog()
    table = pd.DataFrame(
        [(frames["frame"][n], x, y, x + 9, y + 9, label) for n, x, y, label in rows], columns=KEY
    ).astype({"frame": "str", "label": "str"})
    table["track_id"] = pd.array([pd.NA] * len(table), "Int64")
    boxes = validate(BoxRows(table, table.loc[:-1, ["frame"]]), "x", known, log)
    out = tmp_path_factory.mktemp("voc")
    voc.write(Dataset(out, trials, frames, boxes, 0, ()), out)
    folder = DataFolder(out)
    read = voc.read(folder, voc.find(folder), known, log)
    assert set(read.without_tool["frame"]) == set(frames["frame"]) - set(boxes["frame"])
    pd.testing.assert_frame_equal(validate(read, "x", known, log), boxes)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is absent")
def test_the_real_trials_agree_with_their_csv() -> None:
    root = SHARED / "real-trials"
    csv, xml = (
        open_dataset(root, OpenOptions(boxes=key)).boxes.sort_values(KEY, ignore_index=True) for key in ("csv", "voc")
    )
    pd.testing.assert_frame_equal(xml, csv)
    assert len(xml) == 1000


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is absent")
def test_the_fixture() -> None:
    folder, log = DataFolder(SHARED / "annotation-formats" / "voc_dataset" / "voc_dataset1"), ProblemLog()
    frames = pd.DataFrame({"frame": ["2007_000001.jpg"], "trial_id": ["a"], "position": [0]})
    trials = pd.DataFrame({"width": [20], "height": [10]}, index=["a"])
    rows = voc.read(folder, voc.find(folder), KnownFrames(frames, trials), log)
    assert rows.boxes[list(CORNERS)].to_numpy().tolist() == [[1, 2, 3, 4], [4, 5, 6, 7]]
    assert rows.boxes["label"].tolist() == ["cat", "person"]
    assert rows.boxes.index.tolist() == [11, 23]
    assert log.problems() == ()
