"""Render what the model sees of a trial: its clips after resizing and cropping, and as training changes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from socal_core.clips.augment import Augmentation
from socal_core.clips.clip_change import ClipChange, sample_change
from socal_core.clips.loader import ClipReader
from socal_core.clips.mix import Mix, apply_mix, mix_of, partner_of
from socal_core.clips.plan import ClipId, training_clips
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.sampling import derive_seed
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.images import quiet_pillow
from socal_core.errors import DataError
from socal_core.settings import Recipe, TrainConfig

FRAMES_SHOWN = 8
"""The largest number of frames in a row."""
EPOCHS = (1, 2, 3)
"""The epochs whose training clips are shown."""
READABLE_SIZE = 192
"""Smaller frames are enlarged to about this many pixels per edge. Each pixel becomes a square."""
GAP = 4
"""Pixels between two frames."""


@dataclass(frozen=True)
class StripRow:
    """Evenly spaced frames of one clip, the first and last included."""

    title: str
    text: str
    """How the clip was changed, and the seconds of its frames."""
    frames: NDArray[np.uint8]
    """RGB, (frames, height, width, 3)."""


@dataclass(frozen=True)
class Strip:
    """One trial as the model of a run receives it, before normalisation."""

    rows: tuple[StripRow, ...]
    """A clip of validation and test, the clips of the first epochs and, if clips are mixed, a mixed one."""
    notes: tuple[str, ...]
    """Which frames cannot be read, and what cannot be shown."""


def build_strip(
    dataset: Dataset, config: TrainConfig, preprocessor: Preprocessor, trial_id: str, trained: Sequence[str] = ()
) -> Strip:
    """Build the strip of one trial with the settings of a run, bitwise equal to what that run will use on a CPU.

    Args:
        dataset: The data set that contains the trial.
        config: The settings of the run.
        preprocessor: Resizes and crops the frames.
        trial_id: The trial.
        trained: The run's training trials in their order, which determine the partner if clips are mixed. A run that
            has to leave some of them out has different batches and partners.

    Raises:
        DataError: The window has no frame, or too few of its frames can be read.
    """
    with quiet_pillow():
        clips = _Clips(dataset, config, preprocessor)
        evaluated = ClipId(trial_id)
        of = f" The first of {config.clip.test_clips} clips." if config.clip.test_clips > 1 else ""
        frozen = config.model.recipe is Recipe.FROZEN
        title = "Training, validation and test" if frozen else "Validation and test"
        rows = [clips.row(title, f"never changed.{of}", evaluated, clips.read(evaluated), named=True)]
        if frozen:
            return Strip(tuple(rows), tuple(clips.reader.notices()))
        rows += [clips.training_row(trial_id, epoch) for epoch in EPOCHS]
        notes = []
        if config.augmentation.mixup or config.augmentation.cutmix:
            try:
                rows.append(clips.mixed_row(trial_id, trained))
            except DataError as error:
                notes.append(f"No mixed clip is shown: {error}")
        return Strip(tuple(rows), (*notes, *clips.reader.notices()))


def describe_change(change: ClipChange) -> str:
    """Describe how augmentation changes a clip. Changes that round to zero are left out."""
    jitter = change.jitter
    factors = {"brightness": jitter.brightness, "contrast": jitter.contrast, "saturation": jitter.saturation}
    parts = [f"{name} × {factor:.2f}" for name, factor in factors.items() if round(factor, 2) != 1]
    if round(360 * jitter.hue):
        parts.append(f"hue {360 * jitter.hue:+.0f}°")
    if change.flip:
        parts.append("mirrored")
    if round(change.rotation):
        parts.append(f"rotated by {abs(change.rotation):.0f}° to the {'left' if change.rotation > 0 else 'right'}")
    top, left, bottom, right = change.crop
    area = (bottom - top) * (right - left)
    if round(area, 2) < 1:
        parts.append(f"cropped to {area:.0%} of the frame")
    if change.steps:
        parts.append(f"RandAugment: {', '.join(step.operation for step in change.steps)}")
    if change.erased is not None:
        parts.append("a rectangle erased")
    return "; ".join(parts) or "unchanged, or nearly so"


def side_by_side(frames: NDArray[np.uint8]) -> Image.Image:
    """Place frames in a row with transparent gaps. Small frames are enlarged; each pixel becomes a square.

    Args:
        frames: RGB, (frames, height, width, 3).
    """
    count, height, width, _ = frames.shape
    factor = max(1, READABLE_SIZE // max(height, width))
    large = frames.repeat(factor, axis=1).repeat(factor, axis=2)
    step = width * factor + GAP
    picture = Image.new("RGBA", (count * step - GAP, height * factor))
    for number, frame in enumerate(large):
        picture.paste(Image.fromarray(frame), (number * step, 0))
    return picture


class _Clips:
    """The clips of a run as tensors (1, frames, 3, height, width) on a 0-1 scale. Equal clips are read once."""

    def __init__(self, dataset: Dataset, config: TrainConfig, preprocessor: Preprocessor) -> None:
        self.reader = ClipReader(dataset, config, replace(preprocessor, scaled=config.machine.scaled_decoding))
        self._dataset = dataset
        self._config = config
        self._augment = Augmentation(config.augmentation)
        self._pixels: dict[tuple[str, tuple[int, ...]], torch.Tensor] = {}

    def read(self, clip: ClipId) -> torch.Tensor:
        key = clip.trial_id, tuple(self.reader.plan.indices_of(clip))
        if key not in self._pixels:
            pixels = np.empty((1, *self.reader.shape), np.uint8)
            self.reader.read(clip, pixels[0])
            self._pixels[key] = torch.from_numpy(pixels)
        return self._pixels[key].float() / 255

    def augmented(self, clip: ClipId) -> torch.Tensor:
        return self._augment(self.read(clip), [self._seed(clip)])

    def training_row(self, trial_id: str, epoch: int) -> StripRow:
        clip = ClipId(trial_id, epoch)
        text = describe_change(sample_change(self._config.augmentation, self._seed(clip))) + "."
        return self.row(
            f"Training, epoch {epoch}", text, clip, self.augmented(clip), self._config.clip.sampling.is_random
        )

    def mixed_row(self, trial_id: str, trained: Sequence[str]) -> StripRow:
        """Return the clip of the epoch in which it is mixed most evenly; raise DataError if it never has a partner."""
        found = [pair for epoch in EPOCHS if (pair := self._mix_in(trial_id, trained, epoch)) is not None]
        if not found:
            raise DataError(
                f"in epochs {EPOCHS[0]} to {EPOCHS[-1]} the batch of {trial_id} holds no clip to mix it with."
            )
        mix, clip, partner = min(found, key=lambda pair: abs(pair[0].lam - 0.5))
        mixed = apply_mix(self.augmented(clip), self.augmented(partner), mix)
        own, other = f"{mix.lam:.0%}", f"{1 - mix.lam:.0%}"
        text = (
            f"{own} of this clip blended with {other} of {partner.trial_id} (mixup)."
            if mix.box is None
            else f"a rectangle of {other} comes from {partner.trial_id} (CutMix)."
        )
        return self.row(f"Training, epoch {clip.epoch}, mixed", text, clip, mixed, self._config.clip.sampling.is_random)

    def row(self, title: str, text: str, clip: ClipId, pixels: torch.Tensor, named: bool) -> StripRow:
        """Return the row of a clip; `named` says whether the text lists the seconds of its frames."""
        shown = np.linspace(0, pixels.shape[1] - 1, min(FRAMES_SHOWN, pixels.shape[1])).round().astype(int)
        if named:
            indices = np.array(self.reader.plan.indices_of(clip))[shown]
            seconds = self._dataset.frames_of(clip.trial_id)["second"].to_numpy()[indices]
            text += f" At {', '.join(map(str, seconds))} s."
        frames = (pixels[0, shown] * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
        return StripRow(title, text, frames.contiguous().numpy())

    def _mix_in(self, trial_id: str, trained: Sequence[str], epoch: int) -> tuple[Mix, ClipId, ClipId] | None:
        """Return how training mixes the clip in an epoch, and with which clip; None if it has no other partner."""
        config = self._config
        clip = ClipId(trial_id, epoch)
        for step, batch in enumerate(training_clips(trained, config, epoch)):
            if clip in batch:
                seed = derive_seed(config.split.seed, epoch, "mix", step)
                mix = mix_of(config.augmentation, len(batch), self.reader.shape[-1], seed)
                partner = batch[partner_of(batch.index(clip), len(batch))]
                if mix is not None and partner != clip:
                    return mix, clip, partner
        return None

    def _seed(self, clip: ClipId) -> int:
        return clip.seed(self._config.split.seed, "augment")
