"""socal_core.clips.sampling"""

from itertools import chain

import numpy as np
import pytest

from socal_core.clips.sampling import clip_positions, draw_seed, epoch_batches


@pytest.mark.parametrize(
    ("available", "num_frames", "expected"),
    [
        (16, 16, list(range(16))),
        (60, 4, [0, 20, 39, 59]),
        (2, 4, [0, 0, 1, 1]),
        (1, 4, [0, 0, 0, 0]),
        (5, 10, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
    ],
)
def test_positions(available: int, num_frames: int, expected: list[int]) -> None:
    assert clip_positions(available, num_frames).tolist() == expected


@pytest.mark.parametrize("available", [1, 3, 15, 46, 60, 300])
def test_positions_rise_evenly_from_the_first_to_the_last(available: int) -> None:
    positions = clip_positions(available, 16)
    steps = np.diff(positions)
    assert (positions[0], positions[-1]) == (0, available - 1)
    assert steps.min() >= 0
    assert steps.max() - steps.min() <= 1


@pytest.mark.parametrize(("available", "num_frames"), [(0, 4), (4, 0)])
def test_nothing_cannot_be_sampled(available: int, num_frames: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        clip_positions(available, num_frames)


def test_a_draw_depends_on_each_of_its_parts_and_on_nothing_else() -> None:
    assert draw_seed(0, 1, "S1T1") == draw_seed(0, 1, "S1T1")
    assert len({draw_seed(s, e, t) for s in range(3) for e in range(3) for t in ("a", "b")}) == 18
    assert draw_seed(1, 11, "a") != draw_seed(11, 1, "a")


def test_an_epoch_holds_every_trial_once_in_an_order_of_its_own() -> None:
    trials = [f"T{i}" for i in range(10)]
    first, second = epoch_batches(trials, 4, seed=0, epoch=1), epoch_batches(trials, 4, seed=0, epoch=2)
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert sorted(chain(*first)) == trials == sorted(chain(*second))
    assert first != second
    assert first == epoch_batches(trials, 4, seed=0, epoch=1)
    assert first != epoch_batches(trials, 4, seed=1, epoch=1)
