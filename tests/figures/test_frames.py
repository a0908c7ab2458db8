import numpy as np
import pandas as pd
import pytest
from PIL import Image

from socal_core.figures.frames import LABEL_COLOURS, draw_boxes, label_colour, name_area, track_colours

TISSUE = (120, 30, 30)


def boxes_of(*rows: tuple[object, ...]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["x1", "y1", "x2", "y2", "label", "track_id"])
    return table.astype({"x1": int, "y1": int, "x2": int, "y2": int, "label": str, "track_id": "Int64"})


@pytest.mark.parametrize("size", [(480, 270), (1920, 1080), (596, 334)])
def test_a_box_is_drawn_in_its_colour_on_a_copy(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, TISSUE)
    x1, y1, x2, y2 = size[0] // 4, size[1] // 2, size[0] // 2, size[1] - 20
    drawn = np.asarray(draw_boxes(image, boxes_of((x1, y1, x2, y2, "suction", 4))))
    suction = (0x56, 0xB4, 0xE9)
    assert drawn.shape == (size[1], size[0], 3)
    assert (drawn[y1:y2, x2] == suction).all()
    assert (drawn[y2, x1:x2] == suction).all()
    assert (drawn[(y1 + y2) // 2, (x1 + x2) // 2] == TISSUE).all()
    assert (np.asarray(image) == TISSUE).all()


@pytest.mark.parametrize("size", [(480, 270), (1920, 1080)])
def test_a_name_is_as_readable_on_small_frames_as_on_large_ones(size: tuple[int, int]) -> None:
    """The plate of the name fills a few per cent of the frame's height, and at least 12 pixels."""
    box = (size[0] // 2, size[1] // 2, size[0] - 1, size[1] - 1, "grasper", 2)
    drawn = np.asarray(draw_boxes(Image.new("RGB", size, TISSUE), boxes_of(box)))
    above = drawn[: size[1] // 2]
    rows_of_the_plate = (above == (0xF0, 0xE4, 0x42)).all(axis=-1).any(axis=1).sum()
    assert rows_of_the_plate >= max(12, 0.03 * size[1])


@pytest.mark.parametrize("image", [Image.new("L", (64, 48)), Image.new("RGBA", (64, 48)), Image.new("P", (64, 48))])
def test_any_kind_of_picture_becomes_rgb(image: Image.Image) -> None:
    assert draw_boxes(image, boxes_of()).mode == "RGB"


FRAME = (480, 270)


@pytest.mark.parametrize(
    ("box", "size", "taken", "top"),
    [
        ((100, 100, 200, 150), (60, 15), [], 85),  # above
        ((100, 5, 200, 150), (60, 15), [], 150),  # no room above: below
        ((100, 5, 200, 265), (60, 15), [], 5),  # neither: inside
        ((100, 100, 200, 150), (60, 15), [(90, 80, 130, 95)], 150),  # another name is above
        ((0, 0, 480, 270), (60, 15), [(0, 0, 60, 15)], 255),
        ((0, 0, 480, 10), (60, 300), [], 0),  # higher than the frame
    ],
)
def test_a_name_gets_a_free_area(
    box: tuple[float, float, float, float],
    size: tuple[float, float],
    taken: list[tuple[float, float, float, float]],
    top: float,
) -> None:
    assert name_area(box, size, FRAME, taken)[1] == top


@pytest.mark.parametrize("x1", [0, 200, 470])
def test_a_name_keeps_within_the_width(x1: float) -> None:
    left, _, right, _ = name_area((x1, 50, x1 + 10, 60), (120, 15), FRAME, [])
    assert left >= 0
    assert right <= FRAME[0]


def test_labels_have_colours_of_their_own_and_unknown_ones_a_steady_one() -> None:
    assert len(set(LABEL_COLOURS.values())) == len(LABEL_COLOURS)
    assert label_colour("Suction") == LABEL_COLOURS["suction"]
    assert label_colour("scissors") == label_colour("scissors")
    assert label_colour("scissors") in LABEL_COLOURS.values()


def test_tracks_have_colours_of_their_own_as_long_as_there_are_any() -> None:
    suction = LABEL_COLOURS["suction"]
    one, two, drill = track_colours(["suction", "suction", "drill"])
    assert (one, drill) == (suction, LABEL_COLOURS["drill"])
    assert two not in {one, drill}
    many = track_colours(["suction"] * 20)
    assert set(many) == set(LABEL_COLOURS.values())
    assert many[8:] == [suction] * 12
    assert track_colours([]) == []
