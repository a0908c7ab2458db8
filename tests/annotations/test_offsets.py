"""socal_core.annotations.offsets: planted shifts of boxes in generated frames."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from socal_core.annotations.offsets import CLEAR, FEWEST_FRAMES, candidates, clear_best, structure

WIDTH, HEIGHT, SIZE = 160, 120, 36
LENGTH = 32
SEEDS = 20
NAMES = [f"S1T1_frame_{number:08d}.jpeg" for number in range(1, LENGTH + 1)]

Boxes = list[NDArray[np.float64]]


def made_trial(seed: int, pace: float = 0.5) -> tuple[list[NDArray[np.uint8]], Boxes]:
    """Frames of a striped tool that moves over soft spots, by `pace` of its size a frame, and its boxes."""
    rng = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(rng.uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 6) * 3 % 255
    tool = np.repeat(rng.integers(60, 200, (SIZE // 4, 1, 3)), 4, axis=0).repeat(SIZE, axis=1)
    place, pictures, boxes = np.array([60.0, 40.0]), [], []
    for _ in range(LENGTH):
        place = np.clip(place + rng.normal(0, pace * SIZE, 2), 0, (WIDTH - SIZE, HEIGHT - SIZE))
        x, y = place.astype(int)
        picture = ground + rng.normal(0, 8, ground.shape)
        picture[y : y + SIZE, x : x + SIZE] = tool + rng.normal(0, 8, tool.shape)
        pictures.append(picture.clip(0, 255).astype(np.uint8))
        boxes.append(np.array([[x, y, x + SIZE, y + SIZE]], np.float64))
    return pictures, boxes


def chosen_shift(pictures: list[NDArray[np.uint8]], boxes: Boxes, planted: int) -> int | None:
    """The shift that is chosen for boxes whose numbers are `planted` too high."""
    annotated = np.arange(max(0, planted), LENGTH + min(0, planted))
    found = candidates(annotated, NAMES)
    measures = [structure(picture, WIDTH) for picture in pictures]
    scores = np.array(
        [
            [measures[one.rows[entry]](boxes[index - planted]) if one.rows[entry] >= 0 else np.nan for one in found]
            for entry, index in enumerate(annotated)
        ]
    )
    best, margin = clear_best(scores, [one.is_control for one in found])
    assert best is None or margin >= CLEAR
    return None if best is None else found[best].shift


@pytest.mark.slow
def test_most_planted_shifts_are_found_and_none_is_mistaken() -> None:
    told = [
        (chosen_shift(*made_trial(seed), planted), -planted) for seed in range(SEEDS) for planted in (seed % 5 - 2,)
    ]
    assert sum(shift == right for shift, right in told) >= 0.9 * SEEDS
    assert [shift for shift, right in told if shift not in (right, None)] == []


@pytest.mark.slow
def test_nothing_is_chosen_if_no_candidate_is_right() -> None:
    far = [chosen_shift(*made_trial(seed), planted) for seed in range(SEEDS) for planted in ((-7, -4, 4, 7)[seed % 4],)]
    foreign = [chosen_shift(made_trial(seed)[0], made_trial(seed + 100)[1], 0) for seed in range(SEEDS)]
    assert [shift for shift in far + foreign if shift is not None] == []


def test_nothing_is_chosen_if_the_tool_stands_still() -> None:
    assert [chosen_shift(*made_trial(seed, pace=0), 1) for seed in range(10)] == [None] * 10


def test_names_with_gaps_and_names_in_another_order_are_candidates() -> None:
    gaps = [f"S1T1_frame_{number}.jpeg" for number in (1, 2, 5, 10)]
    found = {(one.order, one.shift): one.rows.tolist() for one in candidates(np.array([0, 1, 2, 3]), gaps)}
    assert found["in time", 0] == [0, 1, 2, 3]
    assert found["in time", 1] == [1, 2, 3, -1]
    assert found["in the order of names", 0] == [0, 3, 1, 2]
    assert found["in the order of names", -1] == [-1, 0, 3, 1]
    named = {(one.order, one.shift): one.rows.tolist() for one in candidates(np.array([0, 1, 4, 9]), gaps)}
    assert named["by the numbers in the names", 0] == [0, 1, 2, 3]


def test_a_trial_with_more_frames_may_be_annotated_from_a_later_one() -> None:
    shifts = {one.shift: one.is_control for one in candidates(np.arange(22), NAMES, extra=10)}
    assert [shift for shift, is_control in shifts.items() if is_control] == [-3, 13]
    assert max(shifts) == 13


@pytest.mark.parametrize("rows", [0, FEWEST_FRAMES // 2 - 1])
def test_too_few_frames_decide_nothing(rows: int) -> None:
    scores = np.tile([0.0, 1.0, 0.0], (rows, 1)) + np.random.default_rng(0).normal(0, 0.01, (rows, 3))
    assert clear_best(scores, [False] * 3)[0] is None


def test_the_best_of_all_must_be_clear_and_no_control() -> None:
    first, second, third = np.random.default_rng(0).normal(0, 0.1, (3, 40))
    clear, equal = np.stack([first, second + 1, third], axis=1), np.stack([first, second + 1, third + 1], axis=1)
    assert clear_best(clear, [False] * 3)[0] == 1
    assert clear_best(clear, [False, True, False])[0] is None
    assert clear_best(equal, [False] * 3)[0] is None
