import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from socal_core.dataset import layout
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.folder import Stamp
from socal_core.dataset.opening import open_dataset
from socal_core.errors import DataError
from socal_core.serving.pictures import Kept, Pictures
from tests.dataset.test_video import write_video


def key(name: str) -> tuple[str, str, Stamp, int | None]:
    return "root", name, Stamp(1, 1), 480


def grey(picture: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(picture))).mean())


def test_kept_pictures_stay_below_the_limit_and_the_last_used_remain() -> None:
    kept = Kept(limit=100)
    for name in "abc":
        kept.put(key(name), b"x" * 30)
    assert kept.get(key("a")) is not None
    kept.put(key("d"), b"x" * 30)
    assert [kept.get(key(name)) is not None for name in "abcd"] == [True, False, True, True]
    assert kept.size == 90
    kept.put(key("a"), b"x" * 10)
    assert kept.size == 70
    kept.put(key("e"), b"x" * 101)
    assert kept.size == 0
    assert kept.get(key("e")) is None


@pytest.fixture
def videos(folder: Path) -> Dataset:
    for path in (folder / layout.IMAGES_DIR).glob("S100T1*"):
        path.unlink()
    write_video(folder / "S100T1.mp4", 9)
    return open_dataset(folder)


def test_frames_of_a_video_are_read_in_one_pass(videos: Dataset) -> None:
    names = videos.frames_of("S100T1")["frame"].to_list()
    kept = Kept()
    pictures = Pictures(kept)
    assert grey(pictures.read(videos, names[1:], 480)) == pytest.approx(40, abs=4)
    ahead = kept.size
    assert grey(pictures.read(videos, names[4:], 480)) == pytest.approx(100, abs=4)
    assert kept.size == ahead
    assert grey(pictures.read(videos, names[:1], 480)) == pytest.approx(20, abs=4)


def test_a_video_that_ends_early_is_served_up_to_its_end(videos: Dataset) -> None:
    names = videos.frames_of("S100T1")["frame"].to_list()
    write_video(videos.root / "S100T1.mp4", 3)
    pictures = Pictures()
    assert grey(pictures.read(videos, names, None)) == pytest.approx(20, abs=4)
    with pytest.raises(DataError, match="the video ends or is damaged before it"):
        pictures.read(videos, names[5:], None)
