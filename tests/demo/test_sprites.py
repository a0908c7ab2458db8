import numpy as np
import pytest

from socal_core.demo.sprites import cottonoids, instruments, muscle
from socal_core.demo.tissue import Image

HEIGHT, WIDTH = 270, 480


@pytest.fixture
def frame() -> Image:
    return np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)


@pytest.fixture
def visible() -> Image:
    return np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)


@pytest.mark.parametrize("name", sorted(instruments(HEIGHT)))
def test_an_instrument_reaches_from_its_tip_to_the_edge_of_the_frame(frame: Image, visible: Image, name: str) -> None:
    box = instruments(HEIGHT)[name].paste(frame, visible, (300.0, 135.0), 0.0)
    assert box is not None
    x1, y1, x2, y2 = box
    assert abs(x1 - 300) < 12
    assert x2 == WIDTH
    assert y1 < 135 < y2
    assert 12 < y2 - y1 < 110


def test_the_box_contains_all_of_the_sprite_but_its_shadow(frame: Image, visible: Image) -> None:
    box = muscle(HEIGHT).paste(frame, visible, (240.0, 135.0), 0.5)
    assert box is not None
    x1, y1, x2, y2 = box
    reddish = frame[..., 2].astype(int) - frame[..., 0] > 20
    rows, columns = np.nonzero(reddish)
    assert x1 <= columns.min() <= x1 + 3
    assert y1 <= rows.min() <= y1 + 3
    assert x2 - 4 <= columns.max() < x2
    assert y2 - 4 <= rows.max() < y2


@pytest.mark.parametrize(("tip", "expected"), [((-300.0, 135.0), None), ((240.0, 900.0), None), ((2.0, 3.0), (0, 0))])
def test_a_sprite_is_cut_off_at_the_edge_of_the_frame(
    frame: Image, visible: Image, tip: tuple[float, float], expected: tuple[int, int] | None
) -> None:
    box = muscle(HEIGHT).paste(frame, visible, tip, 0.0)
    assert (box and box[:2]) == expected


def test_the_box_ends_at_the_edge_of_the_field_of_view(frame: Image, visible: Image) -> None:
    visible[:, 240:] = 0
    box = muscle(HEIGHT).paste(frame, visible, (240.0, 135.0), 0.0)
    assert box is not None
    assert box[2] == 240
    visible[:] = 0
    assert muscle(HEIGHT).paste(frame, visible, (240.0, 135.0), 0.0) is None


def test_a_cottonoid_becomes_darker_as_it_soaks(frame: Image, visible: Image) -> None:
    greens = []
    for sprite in cottonoids(HEIGHT):
        sprite.paste(frame, visible, (240.0, 135.0), 0.0)
        greens.append(frame[125:145, 225:255, 1].mean())
    assert greens == sorted(greens, reverse=True)
    assert greens[0] > 2 * greens[-1]
