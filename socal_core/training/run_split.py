"""The split of a run that trains: which trials are in which subset, and which of them have a clip."""

from dataclasses import replace

from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.runs.folder import RunFolder
from socal_core.settings import SplitSettings
from socal_core.splits import Split, make_split


def split_of(run: RunFolder, settings: SplitSettings, dataset: Dataset, main_process: bool) -> Split:
    """The run's split: read from the run where it is there, else drawn by the settings and written.

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
            "Bring the data back, or start a new run."
        )
    return split


def with_clips(split: Split, readable: set[str]) -> Split:
    """The split without the trials that have no clip.

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
