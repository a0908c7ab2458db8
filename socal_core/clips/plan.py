"""Determine which frames the clips of a run use. Only the settings count, so the pages know it before any is read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from socal_core.clips.sampling import Positions, derive_seed, epoch_batches, evaluation_positions, training_positions
from socal_core.clips.store import TrialFrames
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.settings import ClipSettings, Control, TrainConfig
from socal_core.splits import Split


@dataclass(frozen=True)
class ClipId:
    """One clip of a trial."""

    trial_id: str
    epoch: int | None = None
    """The training epoch, from 1; None for a clip of validation and test."""
    number: int = 0
    """Number among the trial's clips of validation and test, or of the epoch, from 0."""

    def seed(self, seed: int, purpose: str) -> int:
        """Derive the seed of something that is random in a training clip.

        Args:
            seed: The seed of the run.
            purpose: What the seed is for.
        """
        # The first clip has the seed that it had before there were others.
        repeat = (self.number,) if self.number else ()
        return derive_seed(seed, self.epoch, purpose, self.trial_id, *repeat)


@dataclass(frozen=True)
class Visible:
    """A trial, and the part of it inside the observation window."""

    trial: TrialFrames
    indices: range
    """Indices of the frames in the window, where 0 is the first frame of the trial."""


class ClipPlan:
    """Chooses the frames of a run's clips. Frames are identified by their index in the trial, from 0."""

    def __init__(self, dataset: Dataset, settings: ClipSettings, seed: int) -> None:
        self._dataset = dataset
        self._settings = settings
        self._seed = seed
        self._visible: dict[str, Visible] = {}
        self._rows = dataset.frames.groupby("trial_id", sort=False).indices

    def visible(self, trial_id: str) -> Visible:
        """Return the part of a trial inside the window.

        Raises:
            DataError: The trial does not exist, or has no frame in the window.
        """
        if trial_id not in self._visible:
            if trial_id not in self._rows:
                self._dataset.frames_of(trial_id)  # raises the error
            rows = self._dataset.frames.iloc[self._rows[trial_id]]
            inside = self._settings.observation.select(rows)["position"]
            if inside.empty:
                raise DataError(f"{trial_id}: no frame in the window ({self._settings.observation.describe()}).")
            trial = TrialFrames(trial_id, tuple(rows["frame"]))
            self._visible[trial_id] = Visible(trial, range(int(inside.iloc[0]), int(inside.iloc[-1]) + 1))
        return self._visible[trial_id]

    def evaluation_clips(self, trial_id: str) -> list[ClipId]:
        """Return the clips of a trial for validation and test."""
        return [ClipId(trial_id, number=number) for number in range(self._settings.test_clips)]

    def indices_of(self, clip: ClipId) -> list[int]:
        """Return the indices of the frames of a clip, in temporal order unless a control shuffles them.

        Raises:
            DataError: The trial has no frame in the window.
        """
        shown = self.visible(clip.trial_id).indices
        if clip.epoch is None:
            positions = evaluation_positions(len(shown), self._settings)[clip.number]
        else:
            positions = training_positions(len(shown), self._settings, clip.seed(self._seed, "frames"))
        return _at(shown, positions[self._order(clip.trial_id)])

    def _order(self, trial_id: str) -> Positions:
        """Return the order of the frames of the clips of a trial, (num_frames,)."""
        count = self._settings.num_frames
        if self._settings.control is not Control.SHUFFLED_FRAMES:
            return np.arange(count)
        return np.random.default_rng(derive_seed(self._seed, "shuffled frames", trial_id)).permutation(count)

    def wanted(self, trial_ids: Sequence[str], trained: Collection[str]) -> list[tuple[TrialFrames, list[int]]]:
        """Return the frames that the clips of trials may use.

        Args:
            trial_ids: The trials.
            trained: Those of the trials that also have training clips.

        Returns:
            Each trial with the sorted indices of its frames. Trials without a frame in the window are left out.
        """
        sampled = set(trained) if self._settings.sampling.is_random else set()
        wanted = []
        for trial_id in trial_ids:
            try:
                visible = self.visible(trial_id)
            except DataError:
                continue
            indices = set(visible.indices) if trial_id in sampled else set()
            for clip in self.evaluation_clips(trial_id):
                indices.update(self.indices_of(clip))
            wanted.append((visible.trial, sorted(indices)))
        return wanted


def training_clips(trial_ids: Sequence[str], config: TrainConfig, epoch: int) -> list[list[ClipId]]:
    """Return the clips of each batch of an epoch, those of the same trial one after the other.

    Args:
        trial_ids: The training trials.
        config: The settings of the run.
        epoch: The epoch, from 1.
    """
    repeats = range(config.augmentation.repeated_augmentation)
    batches = epoch_batches(trial_ids, config.optimization.batch_size, config.split.seed, epoch)
    return [[ClipId(trial_id, epoch, number) for trial_id in batch for number in repeats] for batch in batches]


def frames_of_run(dataset: Dataset, config: TrainConfig, split: Split) -> list[tuple[TrialFrames, list[int]]]:
    """Return the frames that the clips of a run may use, as `ClipPlan.wanted` does.

    A run with frozen features has no training clips.
    """
    trained = split.train if config.model.recipe.trains_network else ()
    return ClipPlan(dataset, config.clip, config.split.seed).wanted(split.trial_ids, trained)


def _at(shown: range, positions: Positions) -> list[int]:
    return [shown[int(position)] for position in positions]
