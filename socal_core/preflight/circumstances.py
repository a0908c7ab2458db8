"""What the advice on a run depends on besides its settings: the subsets, the frames in the window, and the machine."""

from dataclasses import dataclass

import pandas as pd

from socal_core.dataset.dataset import Dataset
from socal_core.dataset.targets import SUCCESS_TARGET, Target, short_name
from socal_core.settings import TrainConfig
from socal_core.splits import Split


@dataclass(frozen=True)
class SubsetCounts:
    """The trials of a subset that have a frame in the window."""

    trials: int
    """The number of trials."""
    one_outcome: str = ""
    """Completes *All trials are …* if all have the same outcome, such as `successes`; "" otherwise."""
    missing: tuple[str, ...] = ()
    """The classes of the target of which there is no trial."""

    @classmethod
    def of(cls, values: pd.Series, target: Target) -> "SubsetCounts":
        """Count trials by their value of the target.

        Args:
            values: The values of the trials, from `Dataset.target_values`.
            target: The target.
        """
        found = set(values)
        missing = tuple(name for number, name in enumerate(target.classes) if number not in found)
        one = _in_words(found.pop(), target) if len(found) == 1 else ""
        return cls(len(values), one, missing)


@dataclass(frozen=True)
class Circumstances:
    """What the advice depends on besides the settings: the subsets, the frames in the window, and the machine."""

    train: SubsetCounts
    validation: SubsetCounts
    test: SubsetCounts
    window_frames: int
    """The median number of frames in the window over the training trials; 0 if no trial has any."""
    frame_edge: int | None
    """The shorter edge in pixels of the largest frames; None if no size is known."""
    cores: int
    gpus: int
    """The number of GPUs that a run may use."""
    target: Target = SUCCESS_TARGET
    lock_problem: str = ""
    """Why the locks of the workspace may not keep two workers apart, for the user; "" if they do."""


def circumstances(
    dataset: Dataset, split: Split, config: TrainConfig, cores: int, gpus: int, lock_problem: str = ""
) -> Circumstances:
    """Collect what the advice depends on.

    Args:
        dataset: The data set.
        split: The split of its usable trials.
        config: The settings of the run.
        cores: The number of CPU cores.
        gpus: The number of GPUs that a run may use.
        lock_problem: Why the locks of the workspace may not keep two workers apart.
    """
    shown = config.clip.observation.select(dataset.frames).groupby("trial_id").size()
    trials, values = dataset.usable_trials, dataset.target_values
    visible = values[values.index.isin(shown.index)]

    def counts(trial_ids: tuple[str, ...]) -> SubsetCounts:
        return SubsetCounts.of(visible[visible.index.isin(trial_ids)], dataset.target)

    frames = shown[shown.index.isin(split.train)].median()
    edge = trials[["width", "height"]].min(axis=1, skipna=False).max()
    return Circumstances(
        train=counts(split.train),
        validation=counts(split.validation),
        test=counts(split.test),
        window_frames=0 if pd.isna(frames) else int(frames),
        frame_edge=None if pd.isna(edge) else int(edge),
        cores=cores,
        gpus=gpus,
        target=dataset.target,
        lock_problem=lock_problem,
    )


def _in_words(value: float, target: Target) -> str:
    """Complete *All trials are …* for trials that all have this value of the target."""
    if target.is_number:
        return f"equal in {target.label}"
    if target.is_success:
        return "successes" if value else "failures"
    return f"of class {short_name(target.classes[int(value)])}"
