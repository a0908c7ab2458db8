"""Which frames the clips of a run use, by its settings alone: known before any is read, also to the pages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from socal_core.clips.sampling import Positions, draw_seed, evaluation_positions, training_positions
from socal_core.clips.store import TrialFrames
from socal_core.dataset.dataset import Dataset
from socal_core.errors import DataError
from socal_core.settings import ClipSettings, Recipe, TrainConfig
from socal_core.splits import Split


@dataclass(frozen=True)
class ClipId:
    """One clip of a trial: the one of a training epoch (from 1), or, with epoch None, one for validation and test."""

    trial_id: str
    epoch: int | None = None
    number: int = 0
    """Of the trial's clips for validation and test, from 0."""


@dataclass(frozen=True)
class Visible:
    """A trial, and the part of it that the window shows."""

    trial: TrialFrames
    places: range
    """Of the frames in the window, from 0 for the trial's first frame."""


class ClipPlan:
    """The frames of a run's clips. A place is the index of a frame in its trial, from 0."""

    def __init__(self, dataset: Dataset, settings: ClipSettings, seed: int) -> None:
        self._dataset = dataset
        self._settings = settings
        self._seed = seed
        self._visible: dict[str, Visible] = {}
        self._rows = dataset.frames.groupby("trial_id", sort=False).indices

    def visible(self, trial_id: str) -> Visible:
        """The part of a trial inside the window; DataError if it has no frame."""
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
        """The clips of a trial for validation and test."""
        return [ClipId(trial_id, number=number) for number in range(self._settings.test_clips)]

    def places_of(self, clip: ClipId) -> list[int]:
        """The frames of a clip; DataError if the window has none."""
        shown = self.visible(clip.trial_id).places
        if clip.epoch is None:
            return _at(shown, evaluation_positions(len(shown), self._settings)[clip.number])
        seed = draw_seed(self._seed, clip.epoch, "frames", clip.trial_id)
        return _at(shown, training_positions(len(shown), self._settings, seed))

    def wanted(self, trial_ids: Sequence[str], trained: Collection[str]) -> list[tuple[TrialFrames, list[int]]]:
        """The frames that the clips of these trials may use; trials without a frame in the window are left out.

        trained: those of the trials that also have training clips.
        """
        drawn = set(trained) if self._settings.sampling.draws else set()
        wanted = []
        for trial_id in trial_ids:
            try:
                visible = self.visible(trial_id)
            except DataError:
                continue
            places = set(visible.places) if trial_id in drawn else set()
            for clip in self.evaluation_clips(trial_id):
                places.update(self.places_of(clip))
            wanted.append((visible.trial, sorted(places)))
        return wanted


def frames_of_run(dataset: Dataset, config: TrainConfig, split: Split) -> list[tuple[TrialFrames, list[int]]]:
    """Return the frames that the clips of a run may use, as `ClipPlan.wanted`. A frozen run has no training clips."""
    trained = split.train if config.model.recipe is Recipe.FINETUNE else ()
    return ClipPlan(dataset, config.clip, config.split.seed).wanted(split.trial_ids, trained)


def _at(shown: range, positions: Positions) -> list[int]:
    return [shown[int(position)] for position in positions]
