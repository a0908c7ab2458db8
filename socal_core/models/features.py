"""Features of a run's clips by an encoder: from the store on disk, or computed and kept there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from socal_core.clips.features import ClipFrames, EncodedBy, FeatureStore
from socal_core.clips.fill import stamp_of_frame
from socal_core.clips.loader import ClipReader, open_clips
from socal_core.clips.plan import ClipId
from socal_core.dataset.dataset import Dataset
from socal_core.models.encoders import Encoder
from socal_core.settings import TrainConfig

FILE_BYTES = 4096
"""What a file takes on the disk beside its features, at most."""


class Embedder:
    """Gives the features of a run's evaluation clips.

    Each clip is embedded alone, so that its features depend on no other clip, and a resumed run has the same ones.
    """

    def __init__(self, encoder: Encoder, reader: ClipReader, dataset: Dataset, device: torch.device) -> None:
        self.encoder = encoder
        self.reader = reader
        self.note = ""
        """Why features are not kept; "" where they are."""
        self._dataset = dataset
        self._device = device
        self._store: FeatureStore | None = None
        self._made_room = False
        self._found: dict[ClipId, NDArray[np.float32]] = {}

    def keep_in(self, store: FeatureStore) -> None:
        """Read from a store, which must be in use, and add to it."""
        self._store = store

    def notices(self) -> list[str]:
        """What the user should know of the encoder, its clips and its features, each once."""
        kept = f"The features of {self.encoder.title} are not kept: {self.note}. A later run computes them again."
        return [
            *([self.encoder.note] if self.encoder.note else []),
            *self.reader.notices(),
            *([kept] if self.note else []),
        ]

    def embed(self, trial_ids: Sequence[str], progress: Callable[[int, int], None]) -> NDArray[np.float32]:
        """Embed the evaluation clips of trials that have some.

        Args:
            trial_ids: At least one.
            progress: Called with the number of clips that are done, and of all, before each clip; may raise.

        Returns:
            (trials, clips, steps, dims).
        """
        clips = {trial_id: self.reader.plan.evaluation_clips(trial_id) for trial_id in trial_ids}
        every = [clip for of_trial in clips.values() for clip in of_trial]
        # Asked for before the frames are read: a file that changes meanwhile has another stamp than its features.
        frames = {clip: self._frames_of(clip) for clip in every if clip not in self._found}
        missing = [clip for clip, made_from in frames.items() if not self._kept(clip, made_from)]
        inputs = torch.empty((1, *self.reader.shape), device=self._device)
        for done, (clip, pixels) in enumerate(zip(missing, self.reader.batches([[c] for c in missing]), strict=True)):
            progress(len(every) - len(missing) + done, len(every))
            values = self.reader.preprocessor.model_input(pixels.to(self._device), inputs)
            self._found[clip] = self.encoder.embed(values)[0].numpy()
            self._keep(self._found[clip], frames[clip], len(missing) - done)
        progress(len(every), len(every))
        return np.stack([np.stack([self._found[clip] for clip in of_trial]) for of_trial in clips.values()])

    def _kept(self, clip: ClipId, frames: ClipFrames) -> bool:
        """Take a clip's features from the store; False where they are not there."""
        features = None if self._store is None else self._store.read(frames)
        if features is not None:
            self._found[clip] = features
        return features is not None

    def _keep(self, features: NDArray[np.float32], frames: ClipFrames, left: int) -> None:
        """Add a clip's features to the store, of `left` that are to come; a disk without room ends the keeping."""
        if self._store is None or self.note:
            return
        if not self.reader.stand_ins.get(frames.trial_id, {}).keys().isdisjoint(frames.frames):
            return  # they depend on more than the clip's own files
        try:
            if not self._made_room:
                self.note = self._store.room_for(left * (features.nbytes + FILE_BYTES))
                self._made_room = True
            if not self.note:
                self._store.write(frames, features)
        except OSError as error:
            self.note = f"{error.strerror}"

    def _frames_of(self, clip: ClipId) -> ClipFrames:
        trial = self.reader.plan.visible(clip.trial_id).trial
        names = tuple(trial.frames[place] for place in self.reader.plan.places_of(clip))
        return ClipFrames(clip.trial_id, names, tuple(stamp_of_frame(self._dataset, name) for name in names))


@contextmanager
def open_embedder(
    encoder: Encoder,
    dataset: Dataset,
    config: TrainConfig,
    trial_ids: Sequence[str],
    device: torch.device,
    progress: Callable[[str, int, int], None],
) -> Iterator[Embedder]:
    """An embedder of some trials' clips, whose frames are in the clip cache and have been tried once.

    Args:
        encoder: Moved to the device.
        dataset: Where the frames are.
        config: Settings of the run, which decide the clips.
        trial_ids: The trials whose clips may be embedded; those without a clip are in `reader.left_out`.
        device: Where to compute.
        progress: (what is being done, done, total); may raise.
    """
    encoder.module.to(device)
    with ExitStack() as stack:
        reader = stack.enter_context(open_clips(dataset, config, encoder.preprocessor, trial_ids, (), progress))
        embedder = Embedder(encoder, reader, dataset, device)
        store = FeatureStore(dataset.root, _made_by(encoder, reader, device))
        try:
            stack.enter_context(store.in_use())
        except OSError as error:
            embedder.note = f"{error.strerror}"
        else:
            embedder.keep_in(store)
        yield embedder


def _made_by(encoder: Encoder, reader: ClipReader, device: torch.device) -> EncodedBy:
    preprocessor = reader.preprocessor
    return EncodedBy(
        encoder=encoder.name,
        digest=encoder.digest,
        recipe={**preprocessor.recipe, "normalisation": preprocessor.normalisation},
        shape=preprocessor.frame_shape,
        device=device.type,
    )
