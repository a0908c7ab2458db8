"""What the frame route serves, and that it serves nothing else."""

import gc
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.opening import open_dataset
from socal_core.serving.opened import OpenedFrames, open_frames
from socal_core.serving.routes import address_of, frame_routes

CLIENT = TestClient(Starlette(routes=frame_routes()))


@pytest.fixture
def opened(shared_data_folder: Path) -> OpenedFrames:
    return open_frames(open_dataset(shared_data_folder))


def picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def write_frame(dataset: Dataset, name: str, size: tuple[int, int], **options: object) -> None:
    """Replace a frame by one whose left half is black and whose right half is white."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, size[0] // 2 :] = 255
    Image.fromarray(pixels).save(dataset.file_of(name), **options)


def test_a_frame_is_served_at_its_own_size(opened: OpenedFrames) -> None:
    answer = CLIENT.get(f"{address_of(opened)}/S100T1/11")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    served = picture(answer.content)
    assert served.size == (64, 48)
    kept = opened.dataset.read_frame("S100T1_frame_00000012.jpeg").astype(int)
    assert np.abs(np.asarray(served).astype(int) - kept).mean() < 6


def test_a_large_frame_is_reduced_and_a_small_one_is_not(data_folder: Path) -> None:
    opened = open_frames(open_dataset(data_folder))
    write_frame(opened.dataset, "S100T1_frame_00000001.jpeg", (1921, 1081), quality=90)
    write_frame(opened.dataset, "S100T1_frame_00000002.jpeg", (1080, 1920), quality=90)
    sizes = {}
    for position in (0, 1, 2):
        for width in (480, 960):
            answer = CLIENT.get(f"{address_of(opened)}/S100T1/{position}", params={"width": width})
            sizes[position, width] = picture(answer.content).size
    assert sizes == {
        (0, 480): (480, 270),
        (0, 960): (960, 540),
        (1, 480): (480, 853),
        (1, 960): (960, 1707),
        (2, 480): (64, 48),
        (2, 960): (64, 48),
    }


def test_a_picture_is_upright_and_has_no_metadata(data_folder: Path) -> None:
    opened = open_frames(open_dataset(data_folder))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "name of a patient"
    write_frame(opened.dataset, "S100T1_frame_00000001.jpeg", (1920, 1080), exif=exif)
    for query in ("", "?width=480"):
        answer = CLIENT.get(f"{address_of(opened)}/S100T1/0{query}")
        assert b"patient" not in answer.content
        served = np.asarray(picture(answer.content).convert("L"))
        height, width = served.shape
        assert height > width
        assert served[: height // 4].mean() < 10 and served[-height // 4 :].mean() > 245


def test_a_browser_that_has_a_frame_is_not_sent_it_again_until_the_file_changes(data_folder: Path) -> None:
    opened = open_frames(open_dataset(data_folder))
    address = f"{address_of(opened)}/S100T1/0"
    first = CLIENT.get(address)
    assert "private" in first.headers["cache-control"] and "max-age" in first.headers["cache-control"]
    again = CLIENT.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert CLIENT.get(f"{address}?width=480").headers["etag"] != first.headers["etag"]
    write_frame(opened.dataset, "S100T1_frame_00000001.jpeg", (64, 48))
    changed = CLIENT.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.content != first.content


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0 cut off"])
def test_a_broken_frame_says_so_and_the_next_is_served(data_folder: Path, content: bytes) -> None:
    opened = open_frames(open_dataset(data_folder))
    opened.dataset.file_of("S100T1_frame_00000002.jpeg").write_bytes(content)
    for query in ("", "?width=960"):
        answer = CLIENT.get(f"{address_of(opened)}/S100T1/1{query}")
        assert answer.headers["content-type"] == "application/json"
        assert "cannot be read" in answer.json()["problem"]
        assert str(data_folder) not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert CLIENT.get(f"{address_of(opened)}/S100T1/2").headers["content-type"] == "image/jpeg"


def test_a_folder_that_is_gone_is_a_message(data_folder: Path) -> None:
    opened = open_frames(open_dataset(data_folder))
    (data_folder / layout.IMAGES_DIR).rename(data_folder / "elsewhere")
    answer = CLIENT.get(f"{address_of(opened)}/S100T1/0")
    assert answer.json() == {"problem": "Frame S100T1_frame_00000001.jpeg cannot be read: No such file or directory."}


NOT_THERE = [
    "{token}/S100T1/12",
    "{token}/S100T1/-1",
    "{token}/S100T1/1.0",
    "{token}/S100T1/x",
    "{token}/S100T1/99999999999999999999999",
    "{token}/S999T9/0",
    "{token}/S100T1_frame_00000001.jpeg/0",
    "{token}/S100T1",
    "{token}/S100T1/0/",
    "{token}/S100T1/0/0",
    "{token}//0",
    "{token}",
    "",
    "nobody/S100T1/0",
    "{token}x/S100T1/0",
    "{token}/S100T1/0?width=10000000",
    "{token}/S100T1/0?width=",
    "{token}/S100T1/0?width=-1",
    "{token}/S100T1/0?width=480&width=481",
    "{token}/../S100T1/0",
    "{token}/%2e%2e%2fsocal_outcomes.csv/0",
    "{token}/..%2F..%2Fetc%2Fpasswd/0",
    "{token}/%2Fetc%2Fpasswd/0",
    "{token}/%00/0",
    "{token}/%F0%9F%98%80%0A/0",
    "{token}/S100T1/0%2F..%2F..",
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", NOT_THERE)
def test_anything_else_is_not_found(opened: OpenedFrames, path: str) -> None:
    answer = CLIENT.get(f"/frames/{path.format(token=opened.token)}")
    assert answer.status_code == 404
    assert len(answer.content) < 20


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_frames_are_only_read(opened: OpenedFrames, method: str) -> None:
    assert CLIENT.request(method, f"{address_of(opened)}/S100T1/0").status_code == 405


def test_a_token_ends_with_its_session(shared_data_folder: Path) -> None:
    opened = open_frames(open_dataset(shared_data_folder))
    other = open_frames(opened.dataset)
    address, lasting = f"{address_of(opened)}/S100T1/0", f"{address_of(other)}/S100T1/0"
    assert opened.token != other.token
    assert CLIENT.get(address).status_code == 200
    del opened
    gc.collect()
    assert CLIENT.get(address).status_code == 404
    assert CLIENT.get(lasting).status_code == 200


def test_an_app_below_a_path_serves_frames_below_it(opened: OpenedFrames) -> None:
    client = TestClient(Starlette(routes=frame_routes("socal/app")))
    assert client.get(f"{address_of(opened, 'socal/app')}/S100T1/0").status_code == 200
    assert client.get(f"{address_of(opened)}/S100T1/0").status_code == 404
