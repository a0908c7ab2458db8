"""What the advice on a run depends on besides its settings: the subsets, the frames in the window, and the machine."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from socal_core.dataset.dataset import Dataset
from socal_core.settings import TrainConfig
from socal_core.splits import Split


@dataclass(frozen=True)
class SubsetCounts:
    """The numbers of trials of a subset that have a frame in the window."""

    successes: int
    failures: int

    @property
    def trials(self) -> int:
        """The number of trials."""
        return self.successes + self.failures

    @property
    def one_outcome(self) -> str:
        """`successes` or `failures` if all trials have that outcome; empty for both outcomes or no trials."""
        if not self.trials or (self.successes and self.failures):
            return ""
        return "successes" if self.successes else "failures"


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


def circumstances(dataset: Dataset, split: Split, config: TrainConfig, cores: int, gpus: int) -> Circumstances:
    """Collect what the advice depends on.

    Args:
        dataset: The data set.
        split: The split of its usable trials.
        config: The settings of the run.
        cores: The number of CPU cores.
        gpus: The number of GPUs that a run may use.
    """
    shown = config.clip.observation.select(dataset.frames).groupby("trial_id").size()
    trials = dataset.usable_trials

    def counts(trial_ids: Iterable[str]) -> SubsetCounts:
        success = trials.loc[[trial for trial in trial_ids if trial in shown.index], "success"]
        return SubsetCounts(int((success == 1).sum()), int((success == 0).sum()))

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
    )
