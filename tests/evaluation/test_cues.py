"""socal_core.evaluation.cues"""

import numpy as np
import pandas as pd
import pytest

from socal_core.evaluation.cues import colour_over_time, predict_from, presence_in_parts


@pytest.mark.parametrize(
    "values",
    [
        pd.DataFrame({"a": [1.0, 2, np.nan, 4, 5, 6], "b": [2.0, 2, 2, 2, 3, 4]}, index=list("uvwxyz")),
        pd.DataFrame({"a": ["p", "q", "q", None, "p", "new"]}, index=list("uvwxyz")),
    ],
    ids=["numbers", "text"],
)
def test_held_out_rows_teach_nothing(values: pd.DataFrame) -> None:
    train = pd.Series([0, 1, 1, 0], index=list("uvwx"))
    before = predict_from(values, train)
    changed = values.copy()
    for column in changed:
        changed.loc["z", column] = "other" if values.shape[1] == 1 else -1e6
    after = predict_from(changed, train)
    assert after[list("uvwxy")].tolist() == before[list("uvwxy")].tolist()
    assert before.between(0, 1).all()


def test_colour_and_slope_agree_with_a_fitted_line() -> None:
    clips = np.random.default_rng(0).integers(0, 256, (3, 2, 6, 3, 4, 5), dtype=np.uint8)  # 3 trials of 2 clips
    table = colour_over_time(clips)
    for trial, row in zip(clips, table.to_numpy(), strict=True):
        means = [[[frame[channel].mean() for frame in clip] for channel in range(3)] for clip in trial]
        lines = np.array([[np.polyfit(np.arange(6) / 5, line, 1) for line in clip] for clip in means])
        assert row[:3] == pytest.approx(np.mean(means, axis=(0, 2)))
        assert row[3:] == pytest.approx(lines[..., 0].mean(axis=0))
    assert table.columns.to_list() == ["red", "green", "blue", "red_slope", "green_slope", "blue_slope"]


def test_the_slope_is_the_change_over_a_clip_for_any_number_of_frames() -> None:
    """Red rises by 60; a trial of few frames, whose clip repeats them, has the same mean and about the same slope."""
    for frames in (2, 5, 31):
        clip = np.zeros((1, frames, 3, 2, 2), np.uint8)
        clip[0, :, 0] = np.linspace(100, 160, frames).round()[:, None, None]
        (row,) = colour_over_time([clip]).to_numpy()
        assert row == pytest.approx([130, 0, 0, 60, 0, 0], abs=0.5)


def test_a_clip_that_does_not_change_has_no_slope() -> None:
    (row,) = colour_over_time([np.full((1, 4, 3, 2, 2), 77, np.uint8)]).to_numpy()
    assert row == pytest.approx([77, 77, 77, 0, 0, 0])


def test_tool_presence_counts_frames_and_not_boxes() -> None:
    parts = pd.DataFrame({"frame": ["a0", "a1", "a2", "b0"], "trial_id": ["a", "a", "a", "b"], "part": [0, 0, 1, 0]})
    boxes = pd.DataFrame(
        [
            ("a0", "a", "drill"),
            ("a0", "a", "drill"),
            ("a2", "a", "string"),
            ("z9", "z", "tool"),
            ("a9", "a", "scalpel"),
        ],
        columns=["frame", "trial_id", "label"],
    )
    table = presence_in_parts(boxes, parts, pd.Index(["b", "a"]))
    assert table.columns.to_list() == [("drill", 0), ("drill", 1), ("string", 0), ("string", 1)]
    assert table.loc["a"].to_list() == [0.5, 0, 0, 1]
    assert table.loc["b"].fillna(-1).to_list() == [0, -1, 0, -1]  # it has no frame in part 1
    assert presence_in_parts(boxes.iloc[:0], parts, pd.Index(["b", "a"])).shape == (2, 0)
