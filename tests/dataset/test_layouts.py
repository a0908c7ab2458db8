"""Layouts as tools and cameras leave them: read, or refused by naming what is there and the step that helps."""

from pathlib import Path

import pytest
from PIL import Image

from socal_core.dataset import layout
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from tests.dataset.editing import found, put
from tests.dataset.test_video import write_video

HASH = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
BOX = [10, 5, 30, 25]
YOLO = f"0 {20 / 64} {15 / 48} {20 / 64} {20 / 48}\n"
VOC = """<annotation><filename>x.jpg</filename><size><width>64</width><height>48</height></size>
<object><name>suction</name><bndbox><xmin>10</xmin><ymin>5</ymin><xmax>30</xmax><ymax>25</ymax></bndbox></object>
</annotation>"""


def frame(path: Path, grey: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (grey, grey, grey)).save(path)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("picture", "frame_name", "annotations"),
    [
        ("S1T1/img1/000001.jpg", "S1T1/img1/000001.jpg", {"S1T1/gt/gt.txt": "1,1,10,5,20,20,1,1,1\n"}),
        ("images/S1T1/img1/000001.jpg", "S1T1/img1/000001.jpg", {"mot/S1T1/gt/gt.txt": "1,1,10,5,20,20,1,1,1\n"}),
        (
            f"train/images/S1T1_frame_00000001_jpeg.rf.{HASH}.jpg",
            f"train/S1T1_frame_00000001_jpeg.rf.{HASH}.jpg",
            {f"train/labels/S1T1_frame_00000001_jpeg.rf.{HASH}.txt": YOLO},
        ),
        ("valid/images/S1T1/1.png", "valid/S1T1/1.png", {"valid/labels/S1T1/1.txt": YOLO}),
        ("images/train/S1T1/1.png", "train/S1T1/1.png", {"labels/train/S1T1/1.txt": YOLO}),
        (
            "JPEGImages/S1T1_frame_00000001.jpeg",
            "S1T1_frame_00000001.jpeg",
            {"JPEGImages/S1T1_frame_00000001.xml": VOC},
        ),
        ("S1T1_frame_00000001.jpeg", "S1T1_frame_00000001.jpeg", {"S1T1_frame_00000001.xml": VOC}),
        ("images/S1T1/1.png", "S1T1/1.png", {"images/S1T1/1.xml": VOC}),
        (
            f"train/S1T1_frame_00000001_jpg.rf.{HASH}.jpg",
            f"train/S1T1_frame_00000001_jpg.rf.{HASH}.jpg",
            {f"train/S1T1_frame_00000001_jpg.rf.{HASH}.xml": VOC},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_layouts_of_tools(tmp_path: Path, picture: str, frame_name: str, annotations: dict[str, str]) -> None:
    frame(tmp_path / picture)
    put(tmp_path, annotations)
    data = open_dataset(tmp_path)
    assert data.frames[["frame", "trial_id"]].to_numpy().tolist() == [[frame_name, "S1T1"]]
    assert data.file_of(frame_name) == tmp_path / picture
    assert data.read_frame(frame_name).shape == (48, 64, 3)
    assert data.boxes["frame"].tolist() == [frame_name]
    assert data.boxes[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [BOX]


def test_roboflow_renames_frames_in_order(tmp_path: Path) -> None:
    for number in (2, 10, 9):
        frame(tmp_path / "train" / "images" / f"S1T1_frame_{number:08d}_jpeg.rf.{number}{HASH}.jpg")
    frame(tmp_path / "test" / "images" / f"S1T1_frame_00000003_jpeg.rf.{HASH}.jpg")
    data = open_dataset(tmp_path)
    assert [name.partition("_frame_")[2][:8] for name in data.frames["frame"]] == [
        "00000002",
        "00000003",
        "00000009",
        "00000010",
    ]
    assert data.frames["second"].tolist() == [0, 1, 7, 8]


@pytest.mark.parametrize("suffix", [".bmp", ".tif", ".tiff", ".webp", ".PNG"])
def test_kinds_of_images(tmp_path: Path, suffix: str) -> None:
    frame(tmp_path / layout.IMAGES_DIR / f"S1T1_frame_00000001{suffix}")
    data = open_dataset(tmp_path)
    assert data.read_frame(data.frames["frame"].iloc[0]).mean() == pytest.approx(90, abs=1)


@pytest.mark.parametrize("suffix", [".mov", ".m4v", ".MOV"])
def test_kinds_of_videos(tmp_path: Path, suffix: str) -> None:
    write_video(tmp_path / "S1T1.mp4", 2).rename(tmp_path / f"S1T1{suffix}")
    assert len(open_dataset(tmp_path).frames) == 2


def test_webm_is_read_as_matroska(tmp_path: Path) -> None:
    write_video(tmp_path / "S1T1.mkv", 2).rename(tmp_path / "S1T1.webm")
    assert len(open_dataset(tmp_path).frames) == 2


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        (["JPEGImages/S1T1_frame_00000001.heic"], "other-image-kind", "is an image of a kind that is not read"),
        (["S1T1/00000001.gif"], "other-image-kind", "Convert it to .png"),
        (["S1T1.wmv"], "other-video-kind", "Video S1T1.wmv is of a kind that is not read"),
        (["videos/S1T1.mpg"], "other-video-kind", "Convert it to .mp4"),
    ],
)
def test_kinds_that_are_not_read_are_named(tmp_path: Path, files: list[str], code: str, said: str) -> None:
    put(tmp_path, dict.fromkeys(files, b"x"))
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path)
    assert said in str(caught.value)
    frame(tmp_path / ("S2T1/1.png" if files[0].startswith("S1T1/") else "JPEGImages/S2T1_frame_00000001.png"))
    assert len(found(open_dataset(tmp_path), code)) == 1


@pytest.mark.parametrize(
    "link", ["JPEGImages/S1T1_frame_00000001.jpeg", "S1T1_frame_00000001.jpeg", "images/S1T1/1.png"]
)
def test_frames_that_are_links_out_of_the_folder(tmp_path: Path, link: str) -> None:
    frame(tmp_path / "cache" / "1.png")
    path = tmp_path / "data" / link
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "cache" / "1.png")
    with pytest.raises(DataError, match=r"is a link that leads out of the data folder.*`cp -rL`"):
        open_dataset(tmp_path / "data")


@pytest.mark.parametrize(
    ("inner", "step"),
    [("SOCAL", "Open {}/SOCAL."), ("a/SOCAL", "Open {}/a/SOCAL.")],
)
def test_a_folder_too_high_up(tmp_path: Path, inner: str, step: str) -> None:
    frame(tmp_path / inner / "JPEGImages" / "S1T1_frame_00000001.jpeg")
    put(tmp_path, {"__MACOSX/SOCAL/._socal.csv": b"\0"})
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path)
    assert step.format(tmp_path) in str(caught.value)
    frame(tmp_path / "b" / "S1T1" / "1.png")
    with pytest.raises(DataError, match="Open one of these folders"):
        open_dataset(tmp_path)


def test_what_is_there_is_named(tmp_path: Path) -> None:
    put(tmp_path, {"notes.txt": "", "letters/a.txt": ""})
    with pytest.raises(DataError, match=r"has no JPEGImages\. It holds notes\.txt, letters\."):
        open_dataset(tmp_path)


def test_names_in_another_case(tmp_path: Path) -> None:
    frame(tmp_path / "JpegImages" / "S1T1_frame_00000001.jpeg")
    put(
        tmp_path,
        {
            "SOCAL.csv": "S1T1_frame_00000001.jpeg,10,5,30,25,suction\n",
            "Socal_Trial_Outcomes.CSV": "trial_id,success\nS1T1,1\n",
        },
    )
    data = open_dataset(tmp_path)
    assert data.images_dir == "JpegImages"
    assert data.boxes[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [BOX]
    assert data.trials["success"].tolist() == [1]
    assert "SOCAL.csv is read as socal.csv." in [item.interpretation for item in data.evidence]
    assert "JpegImages is read as JPEGImages." in [item.interpretation for item in data.evidence]
    put(tmp_path, {"Socal.csv": "S1T1_frame_00000001.jpeg,1,1,3,3,suction\n"})
    data = open_dataset(tmp_path)
    assert data.boxes.empty
    (problem,) = found(data, "ambiguous-case")
    assert problem.parameters["names"] == "SOCAL.csv, Socal.csv"


def test_a_folder_in_which_nothing_was_read_is_not_evidence(tmp_path: Path) -> None:
    """COCO is looked for in `annotations`; `Annotations` holds Pascal VOC under its usual name."""
    frame(tmp_path / "JPEGImages" / "S1T1_frame_00000001.jpeg")
    voc = "<annotation><object><name>suction</name><bndbox>{}</bndbox></object></annotation>"
    corners = "".join(
        f"<{name}>{value}</{name}>" for name, value in zip(("xmin", "ymin", "xmax", "ymax"), BOX, strict=True)
    )
    put(tmp_path, {"Annotations/S1T1_frame_00000001.xml": voc.format(corners)})
    data = open_dataset(tmp_path)
    assert data.boxes[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [BOX]
    assert not any("is read as" in item.interpretation for item in data.evidence)


def test_a_loop_of_folders_ends(tmp_path: Path) -> None:
    frame(tmp_path / "images" / "train" / "S1T1_frame_00000001.png")
    (tmp_path / "images" / "train" / "train").symlink_to("../train")
    assert open_dataset(tmp_path).frames["trial_id"].tolist()[0] == "S1T1"
