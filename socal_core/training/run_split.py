"""The split and the target of a run during training, without trials that have no clip."""

from dataclasses import replace

import numpy as np

from socal_core.clips.sampling import derive_seed
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.runs.folder import RunFolder
from socal_core.settings import Control, SplitSettings, TrainConfig
from socal_core.splits import Split, split_dataset


def split_of(run: RunFolder, settings: SplitSettings, dataset: Dataset, main_process: bool) -> Split:
    """Read the split of a run; if it has none, make and write one.

    Args:
        run: The run.
        settings: The settings of the split.
        dataset: The data set.
        main_process: Whether this process writes the files of the run.

    Raises:
        DataError: A trial of the split is no longer usable.
    """
    if run.split_file.exists():
        split = run.read_split()
        if not run.target_file.exists():
            given, split = split, _with_known_target(split, dataset)
            if main_process and split != given:
                run.write_split(split)
    else:
        split = split_dataset(dataset, settings)
        if main_process:
            run.write_split(split)
    missing = sorted(set(split.trial_ids) - set(dataset.usable_trials.index))
    if missing:
        raise DataError(
            f"{len(missing)} trials of the run's split are no longer usable in the data folder, such as {missing[0]}. "
            "Restore the data, or start a new run."
        )
    return split


def with_target_of_run(run: RunFolder, dataset: Dataset, split: Split, main_process: bool) -> Dataset:
    """Return the data set of a run with the mean and the standard deviation of its target, and write the target once.

    Args:
        run: The run.
        dataset: The data set, with the target of the run.
        split: The split of the run.
        main_process: Whether this process writes the files of the run.

    Raises:
        ConfigError: All training trials have the same number.
    """
    if run.target_file.exists():
        # Another process may have written it after this one had opened the data set.
        return replace(dataset, target=run.read_target())
    target = dataset.target.standardized_on(dataset.target_values[list(split.train)])
    if main_process:
        run.write_target(target)
    return replace(dataset, target=target)


def with_outcomes_of_control(dataset: Dataset, split: Split, config: TrainConfig) -> Dataset:
    """Return the data set of a run; for a control with shuffled outcomes, with those that it is trained on.

    The outcomes of the training trials are exchanged at random among each other, and so are those of the validation
    trials, which choose the epoch and the threshold. Those of the test trials stay. The seed determines the exchange.

    Args:
        dataset: The data set, with the target of the run.
        split: The split of the run.
        config: Its settings.
    """
    if config.clip.control is not Control.SHUFFLED_OUTCOMES:
        return dataset
    column = dataset.target.column
    values = dataset.trials[column].copy()
    for subset in ("train", "validation"):
        trials = list(getattr(split, subset))
        chance = np.random.default_rng(derive_seed(config.split.seed, "shuffled outcomes", subset))
        values.loc[trials] = values.loc[trials].array.take(chance.permutation(len(trials)))
    return replace(dataset, trials=dataset.trials.assign(**{column: values}), checked=True)


def unknown_target_note(dataset: Dataset) -> str:
    """Report for the user how many trials are left out because their target is unknown; "" for none and for success."""
    count = len(_trials_of_unknown_target(dataset))
    if dataset.target.is_success or not count:
        return ""
    return f"{count} trials with frames are left out, because their {dataset.target.column} is not known."


def with_clips(split: Split, readable: set[str]) -> Split:
    """Return the split without trials that have no clip.

    Args:
        split: The split.
        readable: The trials that have a clip.

    Raises:
        DataError: A subset has no trial left.
    """
    return _kept(split, readable, "has a clip that can be read. The run's notices name the frames.")


def _with_known_target(split: Split, dataset: Dataset) -> Split:
    """Return a split that was taken over from a run with another target, without trials whose target is unknown."""
    unknown = _trials_of_unknown_target(dataset) & set(split.trial_ids)
    if dataset.target.is_success or not unknown:
        return split
    known = set(split.trial_ids) - unknown
    return _kept(split, known, f"has a known {dataset.target.column}. Choose another target or another model.")


def _trials_of_unknown_target(dataset: Dataset) -> set[str]:
    reasons = dataset.trials["unusable_because"]
    return set(reasons.index[reasons == f"{dataset.target.column} unknown"])


def _kept(split: Split, trials: set[str], what: str) -> Split:
    """Return the split with only these trials; DataError names a subset without any, of which no trial is `what`."""

    def kept(subset: str, before: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(trial for trial in before if trial in trials)
        if not found:
            raise DataError(f"No {subset} trial {what}")
        return found

    return replace(
        split,
        train=kept("training", split.train),
        validation=kept("validation", split.validation),
        test=kept("test", split.test),
    )
