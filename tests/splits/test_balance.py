"""How the trials of groups are counted, checked against pandas."""

import numpy as np
import pandas as pd
import pytest

from socal_core.splits.balance import _count


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_a_crosstab(seed: int) -> None:
    rng = np.random.default_rng(seed)
    surgeons = pd.Series(rng.permutation(np.arange(60) % 7).astype(str), dtype="string")
    strata = pd.Series(rng.integers(0, 3, 60))
    names, counts = _count(surgeons, strata)
    expected = pd.crosstab(surgeons, strata)
    assert list(names) == list(expected.index)
    assert counts[:, 0].tolist() == expected.sum(axis=1).tolist()
    assert counts[:, 1:].tolist() == expected[[1, 2]].to_numpy().tolist()


def test_an_outcome_without_a_trial_has_a_column() -> None:
    names, counts = _count(pd.Series(["b", "a", "b"]), pd.Series([0, 0, 0]))
    assert list(names) == ["a", "b"]
    assert counts.tolist() == [[1, 0], [2, 0]]
