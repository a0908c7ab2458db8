from socal_core.demo.scene import Box
from socal_core.demo.simulate import simulate_trials
from socal_core.demo.tables import box_rows, frame_names, track_rows

NAMES = ["f1", "f2", "f3", "f4"]


def box(actor: str, x1: int = 0) -> Box:
    return Box(actor, actor.split()[0], x1, 1, x1 + 9, 8)


def test_a_frame_without_a_tool_has_one_row_with_empty_fields() -> None:
    assert box_rows(NAMES[:2], [[], [box("suction", 3), box("grasper")]]) == [
        ["f1", "", "", "", "", ""],
        ["f2", 3, 1, 12, 8, "suction"],
        ["f2", 0, 1, 9, 8, "grasper"],
    ]


def test_a_tool_that_returns_to_the_view_starts_a_new_track() -> None:
    frames = [[box("suction"), box("suction 2")], [box("suction")], [], [box("suction 2"), box("suction")]]
    assert [(row[0], row[5], row[6]) for row in track_rows(NAMES, frames)] == [
        ("f1", "suction", 1),
        ("f1", "suction", 2),
        ("f2", "suction", 1),
        ("f4", "suction", 3),
        ("f4", "suction", 4),
    ]


def test_a_split_recording_counts_from_one_in_each_video() -> None:
    trial = simulate_trials(4, 0)[0]
    whole, split = frame_names(trial, split=False), frame_names(trial, split=True)
    half = trial.frames // 2
    assert len(whole) == len(split) == trial.frames
    assert whole[-1] == f"S101T1_frame_{trial.frames:08d}.jpeg"
    assert split[0] == "S101T1a_frame_00000001.jpeg"
    assert split[half] == "S101T1b_frame_00000001.jpeg"
    assert split == sorted(split)
