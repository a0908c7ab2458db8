"""The split methods, each a pure function of trial ids, surgeons, outcomes and seed.

`trials` is a table like `Dataset.usable_trials`: indexed by trial_id, with participant_id and, for `column_split`, the
attributes of the surgeon. Trials are distributed evenly by their column `stratum`, or by success if there is none. All
functions raise a DataError for trials that cannot be split, and a ConfigError for a setting that is out of range.
"""

import pandas as pd

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.filter_text import filter_from_json, filter_in_words
from socal_core.errors import ConfigError, DataError
from socal_core.presets import SOCAL
from socal_core.settings.split import (
    SplitMethod,
    SplitSettings,
    check_column,
    check_fold,
    check_fractions,
)
from socal_core.splits.balance import make_folds, make_subsets
from socal_core.splits.subsets import SUBSETS, Split

SOCAL20_TRIALS = SOCAL.test_trials


def make_split(trials: pd.DataFrame, settings: SplitSettings, strata: pd.Series | None = None) -> Split:
    """Split the trials as the settings specify.

    Args:
        trials: The usable trials of a data set.
        settings: The settings of the split.
        strata: The stratum of each trial, from `Dataset.strata`; None for its success.

    Returns:
        The split.

    Raises:
        DataError: The trials do not allow this split, such as too few surgeons.
        ConfigError: A setting does not suit the trials, such as a `split_value` that no trial has.
    """
    validation, seed = settings.validation_fraction, settings.seed
    trials = trials if strata is None else trials.assign(stratum=strata)
    match settings.split_method:
        case SplitMethod.SURGEON:
            return surgeon_split(trials, validation, settings.test_fraction, seed)
        case SplitMethod.SOCAL20:
            return socal20_split(trials, validation, seed)
        case SplitMethod.COLUMN:
            return column_split(trials, settings.split_column, settings.split_value, validation, seed)
        case SplitMethod.KFOLD:
            return k_fold_split(trials, settings.folds, settings.fold, validation, seed)
        case SplitMethod.RANDOM:
            return random_split(trials, validation, settings.test_fraction, seed)


def split_dataset(dataset: Dataset, settings: SplitSettings) -> Split:
    """Split the usable trials of a data set, with its target distributed evenly.

    Args:
        dataset: The data set.
        settings: The settings of the split.

    Raises:
        DataError: As in `make_split`.
        ConfigError: As in `make_split`.
    """
    if settings.trials and dataset.usable_trials.empty:
        view = f"The view {settings.view}" if settings.view else "The filter in trials"
        raise DataError(
            f"{view} matches no usable trial of this data folder ({filter_in_words(filter_from_json(settings.trials))})"
            ". Choose another view, or change it on the Dataset page."
        )
    # Without strata, a message about trials that end alike says how they end.
    return make_split(dataset.usable_trials, settings, None if dataset.target.is_success else dataset.strata)


def surgeon_split(trials: pd.DataFrame, validation_fraction: float, test_fraction: float, seed: int) -> Split:
    """Split by surgeon, stratified by outcome.

    The subsets are as close to their fractions as whole surgeons allow. Each has at least one surgeon and, if possible,
    both outcomes.

    Raises:
        DataError: There are fewer than three surgeons, or all trials have the same outcome.
    """
    check_fractions(validation_fraction, test_fraction)
    _check_trials(trials, seed)
    surgeons = _surgeons(trials)
    _check_surgeons(surgeons, len(SUBSETS))
    test, validation, train = make_subsets(surgeons, _strata(trials), (test_fraction, validation_fraction), seed)
    return Split(train, validation, test, seed)


def random_split(trials: pd.DataFrame, validation_fraction: float, test_fraction: float, seed: int) -> Split:
    """Split by trial, stratified by outcome, ignoring surgeons; `split_warning` says why the scores are too high.

    Raises:
        DataError: There are fewer than three trials, or all have the same outcome.
    """
    check_fractions(validation_fraction, test_fraction)
    _check_trials(trials, seed)
    if len(trials) < len(SUBSETS):
        raise DataError(f"There are {len(trials)} usable trials; a split needs at least {len(SUBSETS)}. Add trials.")
    each = trials.index.to_series()
    test, validation, train = make_subsets(each, _strata(trials), (test_fraction, validation_fraction), seed)
    return Split(train, validation, test, seed, SplitMethod.RANDOM)


def socal20_split(trials: pd.DataFrame, validation_fraction: float, seed: int) -> Split:
    """Test on the twenty published trials; split the other surgeons into train and validation.

    Other trials of the ten test surgeons are in no subset.

    Raises:
        DataError: One of the twenty trials is missing.
    """
    check_fractions(validation_fraction)
    _check_trials(trials, seed)
    missing = [trial for trial in SOCAL20_TRIALS if trial not in trials.index]
    if missing:
        raise DataError(
            f"Of the {len(SOCAL20_TRIALS)} published test trials, {len(missing)} are not among the usable ones: "
            f"{', '.join(missing)}. Add their frames and outcomes, or choose another split_method."
        )
    surgeons = _surgeons(trials)
    tested = trials.index.isin(SOCAL20_TRIALS)
    rest = trials[~surgeons.isin(surgeons[tested])]
    return _with_test(trials[tested], rest, validation_fraction, seed, SplitMethod.SOCAL20)


def column_split(trials: pd.DataFrame, column: str, value: str, validation_fraction: float, seed: int) -> Split:
    """Test on all trials with this value in cohort, specialty or training_status; split the other surgeons.

    Trials with an unknown value are in no subset. They may belong to the tested cohort, and training on them would
    invalidate the test on a cohort that the model has never seen.

    Raises:
        ConfigError: No usable trial has the value.
        DataError: No value of the column is known, or a surgeon has several.
    """
    check_fractions(validation_fraction)
    check_column(column)
    _check_trials(trials, seed)
    surgeons = _surgeons(trials)
    known = trials[column].dropna().astype("str") if column in trials else pd.Series(dtype="str")
    values = sorted(known.unique())
    if not values:
        raise DataError(f"No usable trial has a known {column}. Add the file of demographics, or split by surgeon.")
    if value.strip() not in values:
        raise ConfigError("split_value", f"must be a {column} of the usable trials: {', '.join(values)}", value)
    split_up = sorted(name for name, group in known.groupby(surgeons[known.index]) if group.nunique() > 1)
    if split_up:
        raise DataError(f"Surgeon {', '.join(split_up)} has more than one {column}. Correct the demographics.")
    tested = known == value.strip()
    test, rest = trials.loc[known.index[tested]], trials.loc[known.index[~tested]]
    return _with_test(test, rest, validation_fraction, seed, SplitMethod.COLUMN)


def k_fold_split(trials: pd.DataFrame, folds: int, fold: int, validation_fraction: float, seed: int) -> Split:
    """Divide the surgeons into folds, stratified by outcome; test on fold `fold` (from 1) and split the others.

    With the same seed, each trial is in the test subset of exactly one fold.

    Raises:
        DataError: There are fewer surgeons than folds.
    """
    check_fractions(validation_fraction)
    check_fold(folds, fold)
    _check_trials(trials, seed)
    surgeons = _surgeons(trials)
    _check_surgeons(surgeons, max(folds, len(SUBSETS)))
    test = make_folds(surgeons, _strata(trials), folds, seed)[fold - 1]
    tested = trials.index.isin(test)
    return _with_test(trials[tested], trials[~tested], validation_fraction, seed, SplitMethod.KFOLD)


def _with_test(
    test: pd.DataFrame, rest: pd.DataFrame, validation_fraction: float, seed: int, method: SplitMethod
) -> Split:
    """Return the split with this test subset, and the other trials divided by surgeon into train and validation."""
    surgeons = _surgeons(rest)
    if surgeons.nunique() < 2:
        raise DataError(
            f"Outside the test subset there are trials of {surgeons.nunique()} surgeons; training and validation need "
            "one each. Add trials of other surgeons, or choose another split."
        )
    if _strata(rest).nunique() < 2:
        raise DataError(
            f"All trials outside the test subset {_outcome(rest)}: there is nothing to learn. Add trials of other "
            "outcomes, or choose another split."
        )
    validation, train = make_subsets(surgeons, _strata(rest), (validation_fraction,), seed)
    return Split(train, validation, tuple(sorted(test.index)), seed, method)


def _check_trials(trials: pd.DataFrame, seed: int) -> None:
    """Check what all methods require."""
    if seed < 0:
        raise ConfigError("seed", "must not be negative", seed)
    if _strata(trials).isna().any():
        raise DataError("Only trials with a known success can be split. Leave the others out.")
    if _strata(trials).nunique() == 1:
        raise DataError(
            f"All usable trials {_outcome(trials)}: there is nothing to learn. Add trials of other outcomes."
        )


def _surgeons(trials: pd.DataFrame) -> pd.Series:
    """Return the surgeon of each trial; a trial of unknown surgeon raises a DataError, because it could leak."""
    surgeons = trials["participant_id"]
    nameless = trials.index[surgeons.isna() | (surgeons == "")]
    if len(nameless):
        raise DataError(
            f"The surgeon of {', '.join(nameless)} is unknown, so subsets may share a surgeon. "
            "Add participant_id to the outcomes, or remove the trials."
        )
    return surgeons


def _check_surgeons(surgeons: pd.Series, least: int) -> None:
    found = surgeons.nunique()
    if found < least:
        raise DataError(
            f"The usable trials are of {found} surgeons; this split needs at least {least}. "
            "Add trials of other surgeons."
        )


def _strata(trials: pd.DataFrame) -> pd.Series:
    return trials["stratum"] if "stratum" in trials else trials["success"]


def _outcome(trials: pd.DataFrame) -> str:
    """Complete *All trials …* for trials that have the same outcome."""
    if "stratum" in trials:
        return "have the same outcome"
    return "end in success" if trials["success"].iloc[0] == 1 else "end in failure"
