"""The split of a run during training, without trials that have no clip."""

from dataclasses import replace

from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.runs.folder import RunFolder
from socal_core.settings import SplitSettings
from socal_core.splits import Split, make_split


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
    usable = dataset.usable_trials
    if run.split_file.exists():
        split = run.read_split()
    else:
        split = make_split(usable, settings)
        if main_process:
            run.write_split(split)
    missing = sorted(set(split.trial_ids) - set(usable.index))
    if missing:
        raise DataError(
            f"{len(missing)} trials of the run's split are no longer usable in the data folder, such as {missing[0]}. "
            "Restore the data, or start a new run."
        )
    return split


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
