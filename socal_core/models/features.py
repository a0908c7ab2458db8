"""Read the features of a run's clips from the store on disk, or compute and store them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from socal_core.clips.features import ClipFrames, EncodedBy, FeatureStore, frames_of_clip
from socal_core.clips.loader import ClipReader, open_clips
from socal_core.clips.plan import ClipId
from socal_core.dataset.dataset import Dataset
from socal_core.file_handles import os_reason
from socal_core.models.encoders import Encoder
from socal_core.models.processes import compute_shares, whole_progress
from socal_core.settings import TrainConfig

FILE_BYTES = 4096
"""Upper limit of the disk space that a file takes in addition to its features."""


class Embedder:
    """Computes the features of a run's evaluation clips.

    Each clip is embedded separately: its features depend on no other clip, and a resumed run gets the same ones.
    """

    def __init__(self, encoder: Encoder, reader: ClipReader, dataset: Dataset, device: torch.device) -> None:
        self.encoder = encoder
        self.reader = reader
        self.note = ""
        """Why features are not stored; "" if they are."""
        self._dataset = dataset
        self._device = device
        self._store: FeatureStore | None = None
        self._checked_room = False
        self._features: dict[ClipId, NDArray[np.float32]] = {}

    def use_store(self, store: FeatureStore) -> None:
        """Read features from a store, which must be locked for use, and add new ones to it."""
        self._store = store

    def notices(self) -> list[str]:
        """List what the user should know about the encoder, the clips and the features, without repetitions."""
        not_stored = (
            f"The features of {self.encoder.title} are not stored: {self.note}. A later run computes them again."
        )
        return [
            *([self.encoder.note] if self.encoder.note else []),
            *self.reader.notices(),
            *([not_stored] if self.note else []),
        ]

    def embed(self, trial_ids: Sequence[str], progress: Callable[[int, int], None]) -> NDArray[np.float32]:
        """Compute the features of the evaluation clips of trials.

        The processes of a run share the clips. All of them call this with the same trials in the same order of calls,
        and each receives all features. A further call for the same trials exchanges nothing.

        Args:
            trial_ids: At least one trial; each has evaluation clips.
            progress: Called before each clip with the number of finished clips and of all clips; may raise.

        Returns:
            Features, float32 (trials, clips, steps, dims).
        """
        clips = {trial_id: self.reader.plan.evaluation_clips(trial_id) for trial_id in trial_ids}
        every = [clip for of_trial in clips.values() for clip in of_trial]
        wanted = [clip for clip in every if clip not in self._features]
        show = whole_progress(progress, len(every), len(every) - len(wanted))
        if wanted:
            found = compute_shares(wanted, lambda share: self._embed(share, show))
            self._features.update(zip(wanted, found, strict=True))
        else:
            show(0)
        return np.stack([np.stack([self._features[clip] for clip in of_trial]) for of_trial in clips.values()])

    def embed_pixels(
        self, pixels: torch.Tensor, similar: tuple[torch.Tensor, NDArray[np.float32]] | None = None
    ) -> NDArray[np.float32]:
        """Compute the features of clips that need not be those of a trial; they are not stored.

        Args:
            pixels: As `reader` reads clips, uint8 (clips, frames, 3, height, width).
            similar: Clips of the same shape and their features. An encoder of single frames embeds only the frames
                that differ.

        Returns:
            Features, float32 (clips, steps, dims).
        """
        if similar is None or not self.encoder.by_frame:
            return np.stack([self._embed_clip(clip) for clip in pixels])  # one by one, as in `embed`
        others, features = similar
        differs = (pixels != others).flatten(start_dim=2).any(dim=-1)
        found = features.copy()
        if differs.any():
            found[differs.numpy()] = self._embed_clip(pixels[differs])
        return found

    def _embed_clip(self, clip: torch.Tensor) -> NDArray[np.float32]:
        inputs = torch.empty((1, *clip.shape), device=self._device)
        values = self.reader.preprocessor.model_input(clip[None].to(self._device), inputs)
        features: NDArray[np.float32] = self.encoder.embed(values)[0].numpy()
        return features

    def _embed(self, clips: Sequence[ClipId], progress: Callable[[int], None]) -> list[NDArray[np.float32]]:
        """Read the features of clips from the store, or compute and store them."""
        # Taken before the frames are read: if a file changes meanwhile, its stored features do not match its new stamp.
        frames = {clip: frames_of_clip(self._dataset, self.reader.plan, clip) for clip in clips}
        stored = {clip: self._read_stored(made_from) for clip, made_from in frames.items()}
        found = {clip: features for clip, features in stored.items() if features is not None}
        missing = [clip for clip in frames if clip not in found]
        inputs = torch.empty((1, *self.reader.shape), device=self._device)
        for done, (clip, pixels) in enumerate(zip(missing, self.reader.batches([[c] for c in missing]), strict=True)):
            progress(len(clips) - len(missing) + done)
            values = self.reader.preprocessor.model_input(pixels.to(self._device), inputs)
            found[clip] = self.encoder.embed(values)[0].numpy()
            self._store_features(found[clip], frames[clip], len(missing) - done)
        progress(len(clips))
        return [found[clip] for clip in clips]

    def _read_stored(self, frames: ClipFrames) -> NDArray[np.float32] | None:
        """Read a clip's features from the store; None if they are not there."""
        return None if self._store is None else self._store.read(frames)

    def _store_features(self, features: NDArray[np.float32], frames: ClipFrames, remaining: int) -> None:
        """Add a clip's features to the store. `remaining` clips are still to come; a full disk ends the storing."""
        if self._store is None or self.note:
            return
        if not self.reader.stand_ins.get(frames.trial_id, {}).keys().isdisjoint(frames.frames):
            return  # they depend on the files of other clips
        try:
            if not self._checked_room:
                self.note = self._store.room_for(remaining * (features.nbytes + FILE_BYTES))
                self._checked_room = True
            if not self.note:
                self._store.write(frames, features)
        except OSError as error:
            self.note = os_reason(error)


@contextmanager
def open_embedder(
    encoder: Encoder,
    dataset: Dataset,
    config: TrainConfig,
    trial_ids: Sequence[str],
    device: torch.device,
    progress: Callable[[str, int, int], None],
) -> Iterator[Embedder]:
    """Open an embedder for the clips of trials, after reading each of their frames once into the clip cache.

    Args:
        encoder: The encoder; its module is moved to the device.
        dataset: The data set with the frames.
        config: The settings of the run, which determine the clips.
        trial_ids: The trials whose clips may be embedded; `reader.left_out` lists those without a clip.
        device: The device that computes the features.
        progress: Called with (stage, done, total); may raise.
    """
    encoder.module.to(device)
    with ExitStack() as stack:
        reader = stack.enter_context(open_clips(dataset, config, encoder.preprocessor, trial_ids, (), progress))
        embedder = Embedder(encoder, reader, dataset, device)
        store = FeatureStore(dataset.root, _made_by(encoder, reader, device))
        try:
            stack.enter_context(store.in_use())
        except OSError as error:
            embedder.note = os_reason(error)
        else:
            embedder.use_store(store)
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
