"""socal_core.models.statistics, against a computation one number at a time."""

import statistics
from itertools import pairwise

import numpy as np
import pytest

from socal_core.models.statistics import STATISTICS

FEATURES = np.random.default_rng(0).normal(size=(2, 3, 7, 4))


@pytest.mark.parametrize("name", STATISTICS)
def test_each_statistic_of_each_feature(name: str) -> None:
    found = STATISTICS[name](FEATURES)
    assert found.shape == (2, 3, 4)
    for place in np.ndindex(2, 3, 4):
        series = FEATURES[place[0], place[1], :, place[2]].tolist()
        expected = {
            "mean": statistics.fmean(series),
            "slope": statistics.linear_regression(range(7), series).slope * 6,  # over the whole clip
            "curvature": np.polynomial.Polynomial.fit(range(7), series, 2).coef[2],  # fitted on -1 to 1
            "difference": statistics.fmean(abs(b - a) for a, b in pairwise(series)),
            "spread": statistics.pstdev(series),
        }
        assert found[place] == pytest.approx(expected[name])


def test_two_steps_have_no_curvature() -> None:
    np.testing.assert_array_equal(STATISTICS["curvature"](FEATURES[:, :, :2]), np.zeros((2, 3, 4)))


def test_one_step_does_not_change() -> None:
    step = FEATURES[:, :, :1]
    np.testing.assert_array_equal(STATISTICS["mean"](step), step[:, :, 0])
    for name in ("slope", "curvature", "difference", "spread"):
        np.testing.assert_array_equal(STATISTICS[name](step), np.zeros((2, 3, 4)))
