import pandas as pd
import pytest

from socal_core.dataset.frame_names import UNKNOWN_INDEX, FrameIndex, read_names


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("S102T1_frame_00000078.jpeg", ("S102T1", "", 78)),
        ("S311T1b_frame_00000002.jpg", ("S311T1", "b", 2)),
        ("train/S102T1_frame_00000078.jpeg", ("S102T1", "", 78)),
        ("S102T1/00000078.png", ("S102T1", "", 78)),
        ("S102T1/frame 7 of 9.png", ("S102T1", "", 9)),
        ("S102T1/S102T1_frame_00000078.jpeg", ("S102T1", "", 78)),
        ("S102T1/S311T1a_frame_00000078.jpeg", ("S102T1", "a", 78)),
        ("S102T1/title.png", ("", "", UNKNOWN_INDEX)),
        ("train/0001.png", ("", "", UNKNOWN_INDEX)),
        ("0001.png", ("", "", UNKNOWN_INDEX)),
    ],
)
def test_what_a_name_says(name: str, said: tuple[str, str, int]) -> None:
    (row,) = read_names([name]).itertuples(index=False, name=None)
    assert row == (name, *said)


FRAMES = ["S1T1_frame_00000001.jpeg", "S1T1_frame_00000002.jpeg", "S2T1/0001.png", "S2T2/0001.png", "S2T2/7.png"]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("S1T1_frame_00000002.jpeg", 1),
        ("S1T1_frame_00000002.png", 1),
        ("S1T1_frame_00000002", 1),
        ("C:\\data\\S1T1_frame_00000002.jpg", 1),
        ("/home/somebody/JPEGImages/S1T1_frame_00000002.jpeg", 1),
        ("./S1T1_frame_00000002.jpeg", 1),
        ("../JPEGImages/S1T1_frame_00000002.jpeg", -1),
        ("S2T2/0001.png", 3),
        ("images/S2T2/0001.jpg", 3),
        ("S2T2\\0001", 3),
        ("0001.png", -1),
        ("7", 4),
        ("labels/7.txt", 4),
        ("S9T9/7.png", -1),
        ("S2T1/7.png", -1),
        ("S2T1/S1T1_frame_00000002.png", -1),
        ("", -1),
        ("/", -1),
        ("S1T1_frame_00000003.jpeg", -1),
        ("\0", -1),
    ],
)
def test_a_frame_is_found_by_the_name_that_a_tool_gives_it(given: str, place: int) -> None:
    assert FrameIndex(pd.Series(FRAMES, dtype="str")).positions([given, FRAMES[0]]).tolist() == [place, 0]


def test_a_stem_that_two_frames_share_finds_neither() -> None:
    index = FrameIndex(pd.Series(["S1T1_frame_00000001.jpeg", "S1T1_frame_00000001.png"], dtype="str"))
    assert index.positions(["S1T1_frame_00000001", "S1T1_frame_00000001.png"]).tolist() == [-1, 1]
