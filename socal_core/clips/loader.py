"""Read the clips of trials from the store of frames or by decoding, prefetched by threads.

The frames of a clip depend only on the settings, the trial and the epoch (clips/plan.py), so any number of threads and
processes gives the same clips.
"""

import logging
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from socal_core.clips.fill import Filled, cores, fill, stamp_of_frame, threads
from socal_core.clips.plan import ClipId, ClipPlan, Visible
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.store import FrameStore, TrialFrames
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.images import quiet_pillow
from socal_core.errors import DataError, SocalError
from socal_core.file_handles import os_reason
from socal_core.settings import TrainConfig

logger = logging.getLogger(__name__)

MAX_STAND_IN_FRACTION = 0.2
"""The largest fraction of a clip's frames that may be unreadable. A trial with more is left out."""
BATCHES_AHEAD = 2
"""Number of batches that are read while the model works on another."""


class ClipReader:
    """Reads the clips of a run as bytes. Several threads may use it at the same time."""

    def __init__(
        self, dataset: Dataset, config: TrainConfig, preprocessor: Preprocessor, store: FrameStore | None = None
    ) -> None:
        """Prepare to read; no frame is read yet.

        Args:
            dataset: The data set that contains the trials.
            config: The run's settings.
            preprocessor: Resizes and crops the frames.
            store: Where frames are stored. The caller holds it with `in_use`. None decodes each frame at each use.
        """
        self.plan = ClipPlan(dataset, config.clip, config.split.seed)
        self.preprocessor = preprocessor
        self.shape = (config.clip.num_frames, *preprocessor.frame_shape)
        """Shape of a clip, (frames, 3, height, width)."""
        self.stand_ins: dict[str, dict[str, str]] = {}
        """By trial id and name of a frame, why it cannot be read and which frame is used instead."""
        self.left_out: dict[str, str] = {}
        """By trial id, why the trial has no clip."""
        self.filled = Filled()
        """The result of filling the store."""
        self.keeps = store is not None
        """Whether a frame that is missing from the store is added to it."""
        self._dataset = dataset
        self._workers = config.machine.num_workers
        self._store = store
        self._unreadable: dict[str, str] = {}

    def check(self, trial_ids: Sequence[str], progress: Callable[[int, int], None]) -> None:
        """Read the evaluation clips of trials once, and list the trials without a clip in `left_out`.

        Args:
            trial_ids: The trials to check.
            progress: Called with (done, total) after each trial. It may raise to stop.
        """

        def read(trial_id: str) -> str:
            out = np.empty(self.shape, np.uint8)
            try:
                for clip in self.plan.evaluation_clips(trial_id):
                    self.read(clip, out)
            except DataError as error:
                return str(error)
            return ""

        with quiet_pillow(), threads(cores()) as pool:
            for done, (trial_id, reason) in enumerate(zip(trial_ids, pool.map(read, trial_ids), strict=True), start=1):
                if reason:
                    self.left_out[trial_id] = reason
                progress(done, len(trial_ids))

    def notices(self) -> list[str]:
        """Return what the user should know: no clip cache, trials left out, unreadable frames. Each appears once."""
        stand_ins = [text for texts in self.stand_ins.values() for text in texts.values()]
        named = {frame for texts in self.stand_ins.values() for frame in texts}
        others = [
            f"{reason} A clip that needs it uses the nearest readable frame instead."
            for frame, reason in self.filled.unreadable.items()
            if frame not in named
        ]
        return [*([self.filled.note] if self.filled.note else []), *self.left_out.values(), *stand_ins, *others]

    def batches(self, batches: Iterable[Sequence[ClipId]]) -> Generator[torch.Tensor, None, None]:
        """Yield the clips of each batch in order.

        The run's number of threads reads them ahead. With 0 threads, they are read when requested.

        Args:
            batches: The clips of each batch; taken one by one as they are read.

        Yields:
            uint8, (clips, frames, 3, height, width).

        Raises:
            DataError: Too few frames of a clip can be read.
        """
        if self._workers == 0:
            for batch in batches:
                pixels = np.empty((len(batch), *self.shape), np.uint8)
                for clip, out in zip(batch, pixels, strict=True):
                    self.read(clip, out)
                yield torch.from_numpy(pixels)
            return
        with threads(self._workers) as pool:
            ahead: list[tuple[NDArray[np.uint8], list[Future[None]]]] = []
            waiting = iter(batches)
            while True:
                for batch in islice(waiting, 1 + BATCHES_AHEAD - len(ahead)):
                    pixels = np.empty((len(batch), *self.shape), np.uint8)
                    clips = zip(batch, pixels, strict=True)
                    ahead.append((pixels, [pool.submit(self.read, clip, out) for clip, out in clips]))
                if not ahead:
                    return
                pixels, reads = ahead.pop(0)
                for read in reads:
                    read.result()
                yield torch.from_numpy(pixels)

    def read(self, clip: ClipId, out: NDArray[np.uint8]) -> None:
        """Read one clip.

        Args:
            clip: The clip to read.
            out: Receives the pixels, (frames, 3, height, width).

        Raises:
            DataError: Too few of its frames can be read.
        """
        visible = self.plan.visible(clip.trial_id)
        try:
            self._read(visible, self.plan.indices_of(clip), out)
        except DataError:
            if clip.epoch is None:
                raise
            # The sampled clip has too many unreadable frames. The evaluation clip has been checked.
            self._read(visible, self.plan.indices_of(ClipId(clip.trial_id)), out)

    def _read(self, visible: Visible, indices: Sequence[int], out: NDArray[np.uint8]) -> None:
        """Fill `out` with these frames of a trial. The nearest readable frame replaces one that cannot be read."""
        trial = visible.trial
        found = np.zeros(len(indices), np.bool_) if self._store is None else self._store.read(trial, indices, out)
        broken = [i for i in np.flatnonzero(~found).tolist() if not self._decode(trial, indices[i], out[i])]
        if len(broken) > MAX_STAND_IN_FRACTION * len(indices):
            raise DataError(
                f"{trial.trial_id}: {len(broken)} of the clip's {len(indices)} frames cannot be read, more than "
                f"{MAX_STAND_IN_FRACTION:.0%}; the first: {self._unreadable[trial.frames[indices[broken[0]]]]}"
            )
        for i in broken:
            self._stand_in(visible, indices[i], out[i])

    def _stand_in(self, visible: Visible, index: int, out: NDArray[np.uint8]) -> None:
        """Fill `out` with the nearest readable frame of the window, the earlier of two at the same distance."""
        trial = visible.trial
        for other in sorted(visible.indices, key=lambda other: abs(other - index)):
            kept = self._store is not None and self._store.read(trial, [other], out[None])[0]
            if kept or self._decode(trial, other, out):
                text = f"{self._unreadable[trial.frames[index]]} {trial.frames[other]} is used instead."
                self.stand_ins.setdefault(trial.trial_id, {})[trial.frames[index]] = text
                return

    def _decode(self, trial: TrialFrames, index: int, out: NDArray[np.uint8]) -> bool:
        """Decode one frame into `out` and store it. Return False, and remember the reason, if it cannot be read."""
        name = trial.frames[index]
        if name in self._unreadable:
            return False
        stamp = stamp_of_frame(self._dataset, name)
        try:
            out[:] = self.preprocessor.read(self._dataset, name)
        except DataError as error:
            self._unreadable[name] = str(error)
            return False
        if self._store is not None and self.keeps:
            try:
                self._store.write(trial, index, out, stamp)
            except OSError as error:
                logger.warning("The clip cache cannot be written to (%s).", os_reason(error))
                self.keeps = False
        return True


@contextmanager
def open_clips(
    dataset: Dataset,
    config: TrainConfig,
    preprocessor: Preprocessor,
    trial_ids: Sequence[str],
    trained: Collection[str],
    progress: Callable[[str, int, int], None],
) -> Iterator[ClipReader]:
    """Open the clips of trials: fill the store with the frames that they may use, and check each trial once.

    Without a store, for example on a full disk, frames are decoded at each use. A notice reports this.

    Args:
        dataset: The data set that contains the trials.
        config: The run's settings.
        preprocessor: Resizes and crops the frames.
        trial_ids: The trials whose evaluation clips will be read.
        trained: Those of the trials whose training clips will be read too.
        progress: Called with (what is being done, done, total). It may raise to stop.

    Yields:
        The reader of the clips.
    """
    preprocessor = replace(preprocessor, scaled=config.machine.scaled_decoding)
    with ExitStack() as stack:
        try:
            store = FrameStore(dataset.root, preprocessor.recipe, preprocessor.frame_shape)
            stack.enter_context(store.in_use())
        except (OSError, SocalError) as error:
            reason = f"{os_reason(error)}." if isinstance(error, OSError) else error
            reader = ClipReader(dataset, config, preprocessor)
            reader.filled = Filled(note=f"There is no clip cache: {reason} Frames are decoded again at each use.")
        else:
            reader = ClipReader(dataset, config, preprocessor, store)
            wanted = reader.plan.wanted(trial_ids, trained)
            reader.filled = fill(dataset, preprocessor, store, wanted, partial(progress, "Filling the clip cache"))
            reader.keeps = not reader.filled.note
        reader.check(trial_ids, partial(progress, "Reading clips"))
        yield reader
