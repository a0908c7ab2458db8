import pytest

from socal_core.presets import SOCAL


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("S102T1_frame_00000078.jpeg", ("S102T1", "102", "1", "", "00000078")),
        ("S311T1a_frame_00000001.jpg", ("S311T1", "311", "1", "a", "00000001")),
        ("SA21T2b_frame_5.PNG", ("SA21T2", "A21", "2", "b", "5")),
        ("S01T13_frame_00000001.jpeg", ("S01T13", "01", "13", "", "00000001")),
        ("S102T1_frame_00000078.jpeg\n", None),
        ("S102T1_00000078.jpeg", None),
        ("s102T1_frame_00000078.jpeg", None),
        ("S102T1ab_frame_00000078.jpeg", None),
        ("S102T1_frame_.jpeg", None),
        ("S102T1_frame_-1.jpeg", None),
        ("S102T1_frame_1234567890.jpeg", None),
        ("S102T1234567890_frame_1.jpeg", None),
        ("S102T1_frame_٣.jpeg", None),
        ("../S102T1_frame_00000078.jpeg", None),
    ],
)
def test_frame_names(name: str, parts: tuple[str, ...] | None) -> None:
    match = SOCAL.frame_name.fullmatch(name)
    assert (match and match.group("trial", "participant", "number", "video", "index")) == parts
