import pytest

from socal_core.dataset.frame_names import UNKNOWN_INDEX, copies_of_frames, read_names


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


@pytest.mark.parametrize(
    ("names", "copies"),
    [
        (["a 1.jpg", "a 1 (1).jpg", "a 1(12).jpg"], ["a 1 (1).jpg", "a 1(12).jpg"]),
        (["1/a.jpg", "1/a - Kopie.jpg", "1/a - Copy (2).jpg"], ["1/a - Kopie.jpg", "1/a - Copy (2).jpg"]),
        (["a.jpg", "a copy.jpg", "a copy 2.jpg"], ["a copy.jpg", "a copy 2.jpg"]),
        (["frame (1).jpg", "frame (2).jpg"], []),
        (["a.png", "a (1).jpg"], []),
        (["a.jpg", "b (1).jpg"], []),
    ],
    ids=str,
)
def test_copies_have_the_name_of_their_frame(names: list[str], copies: list[str]) -> None:
    assert copies_of_frames(names) == copies
