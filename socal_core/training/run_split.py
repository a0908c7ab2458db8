"""The split and the target of a run during training, without trials that have no clip."""

from dataclasses import replace

from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.runs.folder import RunFolder
from socal_core.settings import SplitSettings
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


def with_clips(split: Split, readable: set[str]) -> Split:
    """Return the split without trials that have no clip.

    Args:
        split: The split.
        readable: The trials that have a clip.

    Raises:
        DataError: A subset has no trial left.
    """

    def kept(subset: str, trials: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(trial for trial in trials if trial in readable)
        if not found:
            raise DataError(f"No {subset} trial has a clip that can be read. The run's notices name the frames.")
        return found

    return replace(
        split,
        train=kept("training", split.train),
        validation=kept("validation", split.validation),
        test=kept("test", split.test),
    )
