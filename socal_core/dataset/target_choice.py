"""Find out what a column of the outcomes holds, and choose it as the target of a data set."""

from dataclasses import replace

import pandas as pd

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.outcome_values import order_of_words
from socal_core.dataset.tables import plain_title
from socal_core.dataset.targets import SUCCESS_TARGET, Target, numbers_of, plain, target_values, texts_of
from socal_core.errors import ConfigError
from socal_core.presets import Preset
from socal_core.presets.preset import SUCCESS

MOST_CLASSES = 20
"""A text with more different values is a name or a note, not an outcome."""
MOST_WHOLE_NUMBERS = 10
"""Up to so many different whole numbers without a unit are classes, such as grades; more are a number."""


def with_target(dataset: Dataset, column: str) -> Dataset:
    """Return the data set with another target: its usable trials are those with frames and a known value of it.

    Args:
        dataset: The data set.
        column: A column of the outcomes, such as `success` or `blood_loss`.

    Raises:
        ConfigError: The column does not exist or cannot be a target.
    """
    if column == dataset.target.column:
        return dataset
    target = find_target(dataset.trials, dataset.preset, column)
    reasons = why_unusable(dataset.trials, target)
    trials = dataset.trials.assign(unusable_because=reasons, usable=reasons == "")
    return replace(dataset, trials=trials, target=target, checked=True)


def find_target(trials: pd.DataFrame, preset: Preset, column: str) -> Target:
    """Find out what a column of the outcomes holds.

    A measure with a unit is a number. Other values are classes if they are text, or up to MOST_WHOLE_NUMBERS different
    whole numbers.

    Args:
        trials: The trials of a data set. Only those with frames count.
        preset: The published data set as which it was read.
        column: The name of the column, or its title in the file of a published data set.

    Raises:
        ConfigError: There is no such column, no value is known, all values are the same, or a text is not an outcome.
    """
    known = target_columns(trials, preset)
    name = next((own for own in known if plain_title(own) == plain_title(column)), None)
    if name is None:
        rule = f"must be a column of the outcomes with values, which are {', '.join(known)}"
        raise ConfigError("target", rule, column)
    if name == SUCCESS:
        return SUCCESS_TARGET
    measure = next((item for item in preset.measures if item.name == name), None)
    values = _known(trials, name)
    if values.empty:
        raise ConfigError("target", "must be known for some trials with frames", column)
    label, unit = (measure.label, measure.unit) if measure else (name, "")
    numbers = numbers_of(values)
    _refuse_mixture(numbers, values, column)
    if numbers.notna().all() and (unit or not _is_whole(numbers)):
        if numbers.nunique() < 2:
            raise _constant(column, f"{numbers.iloc[0]:g}")
        return Target(name, label, unit)
    classes = _classes(values, numbers)
    if len(classes) < 2:
        raise _constant(column, classes[0])
    if len(classes) > MOST_CLASSES:
        rule = f"must have at most {MOST_CLASSES} different texts to be an outcome, but has {len(classes)}"
        raise ConfigError("target", rule, column)
    return Target(name, label, unit, classes)


def target_columns(trials: pd.DataFrame, preset: Preset) -> list[str]:
    """List the columns of the outcomes that may be a target: success, measures, and further columns of the file.

    Args:
        trials: The trials of a data set.
        preset: The published data set as which it was read.
    """
    measures = [measure.name for measure in preset.measures if trials[measure.name].notna().any()]
    return [SUCCESS, *measures, *further_columns(trials)]


def further_columns(trials: pd.DataFrame) -> list[str]:
    """List the columns of the outcomes file that the preset does not describe; they hold text."""
    # They come after those of the schema, the last of which is training_status.
    names = list(trials.columns)
    return names[names.index("training_status") + 1 :]


def why_unusable(trials: pd.DataFrame, target: Target) -> pd.Series:
    """Return why each trial cannot be used for a target; "" if it can.

    Args:
        trials: The trials of a data set.
        target: The target.
    """
    reasons = trials["unusable_because"].mask(trials["unusable_because"] == f"{SUCCESS} unknown", "")
    unknown = target_values(trials, target).isna() & (reasons == "")
    return reasons.mask(unknown, f"{target.column} unknown").astype("str")


def _known(trials: pd.DataFrame, name: str) -> pd.Series:
    values = trials.loc[trials["n_frames"] > 0, name]
    return values[texts_of(values).notna()]


def _refuse_mixture(numbers: pd.Series, values: pd.Series, column: str) -> None:
    """Raise ConfigError for a column of numbers with some values that are none, and must not become classes."""
    odd = values[numbers.isna()]
    if len(odd) and len(odd) < len(values) / 2 and not _is_whole(numbers.dropna()):
        trial = odd.index[0]
        raise ConfigError("target", f"must be a number in each trial, but {trial} has {odd.iloc[0]!r}", column)


def _is_whole(numbers: pd.Series) -> bool:
    return bool((numbers % 1 == 0).all()) and numbers.nunique() <= MOST_WHOLE_NUMBERS


def _classes(values: pd.Series, numbers: pd.Series) -> tuple[str, ...]:
    """Return the names of the classes: numbers in their order, yes after no, other text in alphabetical order."""
    if numbers.notna().all():
        return tuple(f"{value:g}" for value in sorted(numbers.unique()))
    names = {plain(name): name for name in sorted(values, reverse=True)}
    return tuple(names[key] for key in order_of_words(sorted(names)))


def _constant(column: str, value: str) -> ConfigError:
    rule = f"must differ between trials, but all with frames have {value}: there is nothing to learn"
    return ConfigError("target", rule, column)
