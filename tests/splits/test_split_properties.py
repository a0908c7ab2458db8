"""Properties of every split, with 1 to 3 trials per surgeon and any pattern of outcomes and cohorts."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sklearn.metrics.cluster import contingency_matrix
from sklearn.model_selection import StratifiedGroupKFold

from socal_core.dataset.outcomes import SURGEON_COLUMNS
from socal_core.errors import SocalError
from socal_core.settings import SplitMethod, SplitSettings
from socal_core.splits import (
    SOCAL20_TRIALS,
    SUBSETS,
    Split,
    column_split,
    describe,
    k_fold_split,
    left_out,
    make_split,
    random_split,
    socal20_split,
    surgeon_split,
    surgeons_in_common,
)
from tests.splits.split_tables import table

BY_SURGEON = [method for method in SplitMethod if method is not SplitMethod.RANDOM]
LARGEST = 3
"""The most trials of one surgeon in these cohorts."""

OUTCOMES = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=LARGEST), min_size=6, max_size=25).filter(
    lambda surgeons: len({success for trials in surgeons for success in trials}) == 2
)
# Enough surgeons of either outcome that no subset has to grow to have both outcomes.
EVEN_OUTCOMES = st.lists(
    st.sampled_from([[0], [1], [0, 1], [1, 0], [0, 1, 1], [1, 0, 0]]), min_size=12, max_size=30
).map(lambda surgeons: [[0], [1], [0, 1], [0, 1], [1, 0, 1], [0, 1, 0], *surgeons])
SEEDS = st.integers(0, 2**31 - 1)
FRACTIONS = st.sampled_from([(0.1, 0.1), (0.2, 0.2), (0.01, 0.8), (0.4, 0.4), (0.3, 0.05)])
COHORTS = st.sampled_from(["USC", "EMORY", None])


@dataclass(frozen=True)
class Case:
    """A cohort that suits every method, and the settings of a split."""

    trials: pd.DataFrame
    settings: SplitSettings

    def split(self, trials: pd.DataFrame | None = None) -> Split:
        return make_split(self.trials if trials is None else trials, self.settings)


@st.composite
def cases(draw: st.DrawFn, method: SplitMethod) -> Case:
    outcomes = draw(OUTCOMES)
    trials = table(outcomes)
    if method is SplitMethod.SOCAL20:
        published = table([[1, 0]] * 10, surgeons=[trial[1:-2] for trial in SOCAL20_TRIALS[::2]])
        more = table([[1]], surgeons=["203"], first_number=3)
        trials = pd.concat([trials, published, more])
    chosen = draw(st.lists(COHORTS, min_size=25, max_size=25))
    surgeons = list(dict.fromkeys(trials["participant_id"]))
    trials["cohort"] = trials["participant_id"].map(dict(zip(surgeons, chosen * 2, strict=False)))
    validation, test = draw(FRACTIONS)
    folds = draw(st.integers(2, 4))
    return Case(
        trials,
        SplitSettings(
            split_method=method,
            validation_fraction=validation,
            test_fraction=test,
            seed=draw(SEEDS),
            split_value="USC" if method is SplitMethod.COLUMN else "",
            folds=folds,
            fold=draw(st.integers(1, folds)),
        ),
    )


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("method", SplitMethod)
def test_the_subsets_contain_each_trial_once(method: SplitMethod) -> None:
    @given(cases(method), st.randoms(use_true_random=False))
    def check(case: Case, chance: Random) -> None:
        try:
            split = case.split()
        except SocalError:  # such as outcomes that are all alike outside the test subset
            reject()
        away = left_out(split, case.trials)
        assert sorted((*split.trial_ids, *away)) == sorted(case.trials.index)
        assert all(len(getattr(split, subset)) > 0 for subset in SUBSETS)
        assert split.method is method
        if method is SplitMethod.SOCAL20:
            assert split.test == tuple(sorted(SOCAL20_TRIALS))
            assert away == ("S203T3",)
        elif method is SplitMethod.COLUMN:
            assert set(case.trials.loc[list(split.test), "cohort"]) == {"USC"}
            assert set(case.trials.loc[[*split.train, *split.validation], "cohort"]) == {"EMORY"}
            assert case.trials.loc[list(away), "cohort"].isna().all()
        else:
            assert away == ()
        shuffled = list(case.trials.index)
        chance.shuffle(shuffled)
        assert case.split(case.trials.loc[shuffled]) == split, "the order of the rows does not matter"
        assert Split.from_dict(split.as_dict()) == split

    check()


@pytest.mark.slow
@pytest.mark.parametrize("method", BY_SURGEON)
def test_no_surgeon_is_in_two_subsets(method: SplitMethod) -> None:
    @given(cases(method))
    def check(case: Case) -> None:
        try:
            split = case.split()
        except SocalError:
            reject()
        subsets = [subset for subset in SUBSETS for _ in getattr(split, subset)]
        surgeons = case.trials.loc[list(split.trial_ids), "participant_id"]
        assert ((contingency_matrix(surgeons, subsets) > 0).sum(axis=1) == 1).all()
        assert surgeons_in_common(split, case.trials) == 0

    check()


@pytest.mark.slow
@pytest.mark.parametrize("split_by", [surgeon_split, random_split])
def test_sizes_are_near_the_fractions(split_by: Callable[[pd.DataFrame, float, float, int], Split]) -> None:
    """Sizes are within the trials of the largest surgeon of the fractions, and successes within half as many."""

    @given(EVEN_OUTCOMES, st.sampled_from([(0.1, 0.1), (0.2, 0.2), (0.4, 0.4), (0.3, 0.1)]), SEEDS)
    def check(outcomes: list[list[int]], fractions: tuple[float, float], seed: int) -> None:
        trials = table(outcomes)
        subsets = describe(split_by(trials, *fractions, seed), trials)
        expected = np.array([1 - sum(fractions), *fractions])
        assert np.abs(subsets["trials"] - len(trials) * expected).max() <= LARGEST
        assert (subsets["successes"] - subsets["trials"] * trials["success"].mean()).abs().max() <= LARGEST / 2

    check()


@pytest.mark.slow
@given(EVEN_OUTCOMES, st.integers(2, 9), SEEDS)
def test_the_folds_contain_each_trial_once(outcomes: list[list[int]], folds: int, seed: int) -> None:
    """Folds differ by at most the trials of the largest surgeon, and their successes stay within as many."""
    trials = table(outcomes)
    tests = [k_fold_split(trials, folds, fold, 0.1, seed).test for fold in range(1, folds + 1)]
    assert sorted(trial for test in tests for trial in test) == sorted(trials.index)
    sizes = np.array([len(test) for test in tests])
    assert np.ptp(sizes) <= LARGEST
    successes = np.array([trials.loc[list(test), "success"].sum() for test in tests])
    assert np.abs(successes - sizes * float(trials["success"].mean())).max() <= LARGEST


@pytest.mark.slow
@pytest.mark.parametrize("folds", [3, 5, 10])
def test_folds_are_as_even_as_those_of_scikit_learn(folds: int) -> None:
    """On six cohorts like the published one, in sizes and outcomes together; no size is off by more than one."""
    ours, theirs = [], []
    for seed in range(6):
        chance = np.random.default_rng(seed)
        sizes = chance.choice([1, 2, 2, 2, 2, 3], 75)
        trials = table([chance.binomial(1, chance.beta(2, 1), size).tolist() for size in sizes])
        success = trials["success"].to_numpy(dtype=int)
        tests = [k_fold_split(trials, folds, fold, 0.1, seed).test for fold in range(1, folds + 1)]
        ours.append(unevenness([trials.index.get_indexer(list(test)) for test in tests], success))
        peer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        theirs.append(unevenness([test for _, test in peer.split(success, success, trials["participant_id"])], success))
        assert np.ptp([len(test) for test in tests]) <= 1
    assert np.mean(ours) <= np.mean(theirs)


def unevenness(folds: list[np.ndarray], success: np.ndarray) -> float:
    """Return the sum of all deviations of the folds from even numbers of trials and successes."""
    sizes = np.array([len(fold) for fold in folds])
    successes = np.array([success[fold].sum() for fold in folds])
    return float(np.abs(sizes - len(success) / len(folds)).sum() + np.abs(successes - sizes * success.mean()).sum())


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.1, 0.2, 0.5])
SURGEONS = st.sampled_from(["1", "2", "3", "4", "5", "", None])
ROWS = st.lists(st.tuples(SURGEONS, st.sampled_from([0, 1, None]), COHORTS), max_size=12)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(ROWS, st.sampled_from(SplitMethod), NUMBERS, NUMBERS, st.integers(-2, 9), st.data())
def test_trials_that_cannot_be_split_raise_an_expected_error(
    rows: list[tuple[str | None, int | None, str | None]],
    method: SplitMethod,
    validation: float,
    test: float,
    seed: int,
    data: st.DataObject,
) -> None:
    """With any trials and settings, the result is a valid split or one of the two expected errors."""
    index = pd.Index([f"S{row}T1" for row in range(len(rows))], name="trial_id", dtype="str")
    trials = pd.DataFrame(rows, index, columns=["participant_id", "success", "cohort"])
    trials = trials.astype({"participant_id": "str", "success": "Int64", "cohort": "str"})
    column = data.draw(st.sampled_from([*SURGEON_COLUMNS, "tth", "success", "no-column", ""]))
    value = data.draw(st.sampled_from(["USC", "EMORY", "elsewhere", "", "usc", "\x00"]))
    folds, fold = data.draw(st.integers(-1, 9)), data.draw(st.integers(-1, 9))
    ways: dict[SplitMethod, Callable[[], Split]] = {
        SplitMethod.SURGEON: lambda: surgeon_split(trials, validation, test, seed),
        SplitMethod.RANDOM: lambda: random_split(trials, validation, test, seed),
        SplitMethod.SOCAL20: lambda: socal20_split(trials, validation, seed),
        SplitMethod.COLUMN: lambda: column_split(trials, column, value, validation, seed),
        SplitMethod.KFOLD: lambda: k_fold_split(trials, folds, fold, validation, seed),
    }
    try:
        split = ways[method]()
    except SocalError as error:
        assert len(str(error)) > 20
    else:
        assert method is SplitMethod.RANDOM or surgeons_in_common(split, trials) == 0
        assert set(split.trial_ids) <= set(trials.index)
