import pytest

from socal_core.dataset.frame_names import UNKNOWN_INDEX, read_names


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
