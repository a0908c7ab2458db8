"""What the model sees of a trial, as images: its clips after resizing and cropping, and as training changes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from socal_core.clips.augment import Augmentation, ClipDraw, draw_of
from socal_core.clips.loader import ClipReader
from socal_core.clips.mix import Mix, apply_mix, mix_of, partner_of
from socal_core.clips.plan import ClipId
from socal_core.clips.preprocess import Preprocessor
from socal_core.clips.sampling import draw_seed, epoch_batches
from socal_core.dataset.dataset import Dataset
from socal_core.dataset.images import quiet_pillow
from socal_core.errors import DataError
from socal_core.settings import Recipe, TrainConfig

FRAMES_SHOWN = 8
EPOCHS = (1, 2, 3)
READABLE_SIDE = 192
"""Smaller frames are enlarged to about this many pixels, each pixel to a square."""
GAP = 4


@dataclass(frozen=True)
class StripRow:
    """Some frames of one clip, evenly chosen, first and last included."""

    title: str
    text: str
    """What was done to the clip, and the seconds of its frames."""
    frames: NDArray[np.uint8]
    """(frames, height, width, 3), RGB."""


@dataclass(frozen=True)
class Strip:
    """One trial as the model of a run receives it, except for normalisation."""

    rows: tuple[StripRow, ...]
    """The clip of validation and test, those of the first epochs and, where clips are mixed, a mixed one."""
    notes: tuple[str, ...]
    """Frames that cannot be read, and what could not be shown."""


def draw_strip(
    dataset: Dataset, config: TrainConfig, preprocessor: Preprocessor, trial_id: str, trained: Sequence[str] = ()
) -> Strip:
    """Return the clips of one trial with the settings of a run, bitwise what that run will use on a CPU.

    trained: the run's training trials in their order, for the trial's partner where clips are mixed. A run that has
    to leave some of them out has other batches, and so other partners.
    DataError if the window has no frame, or if too few of its frames can be read.
    """
    with quiet_pillow():
        clips = _Clips(dataset, config, preprocessor)
        still = ClipId(trial_id)
        of = f" The first of {config.clip.test_clips} clips." if config.clip.test_clips > 1 else ""
        frozen = config.model.recipe is Recipe.FROZEN
        title = "Training, validation and test" if frozen else "Validation and test"
        rows = [clips.row(title, f"never changed.{of}", still, clips.read(still), named=True)]
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


def describe_draw(draw: ClipDraw) -> str:
    """Describe what the augmentation does to a clip; what rounds to nothing is left out."""
    jitter = draw.jitter
    factors = {"brightness": jitter.brightness, "contrast": jitter.contrast, "saturation": jitter.saturation}
    parts = [f"{name} × {factor:.2f}" for name, factor in factors.items() if round(factor, 2) != 1]
    if round(360 * jitter.hue):
        parts.append(f"hue {360 * jitter.hue:+.0f}°")
    if draw.flip:
        parts.append("mirrored")
    if round(draw.rotation):
        parts.append(f"rotated by {abs(draw.rotation):.0f}° to the {'left' if draw.rotation > 0 else 'right'}")
    top, left, bottom, right = draw.crop
    share = (bottom - top) * (right - left)
    if round(share, 2) < 1:
        parts.append(f"cropped to {share:.0%} of the frame")
    if draw.steps:
        parts.append(f"RandAugment: {', '.join(step.operation for step in draw.steps)}")
    if draw.erased is not None:
        parts.append("a rectangle erased")
    return "; ".join(parts) or "unchanged, or nearly so"


def side_by_side(frames: NDArray[np.uint8]) -> Image.Image:
    """Frames (frames, height, width, 3) in a row with transparent gaps; small ones enlarged, each pixel to a square."""
    count, height, width, _ = frames.shape
    factor = max(1, READABLE_SIDE // max(height, width))
    large = frames.repeat(factor, axis=1).repeat(factor, axis=2)
    step = width * factor + GAP
    picture = Image.new("RGBA", (count * step - GAP, height * factor))
    for number, frame in enumerate(large):
        picture.paste(Image.fromarray(frame), (number * step, 0))
    return picture


class _Clips:
    """The clips of a run as tensors (1, frames, 3, height, width) on a 0-1 scale; the same frames are read once."""

    def __init__(self, dataset: Dataset, config: TrainConfig, preprocessor: Preprocessor) -> None:
        self.reader = ClipReader(dataset, config, replace(preprocessor, scaled=config.machine.scaled_decoding))
        self._dataset = dataset
        self._config = config
        self._augment = Augmentation(config.augmentation)
        self._pixels: dict[tuple[str, tuple[int, ...]], torch.Tensor] = {}

    def read(self, clip: ClipId) -> torch.Tensor:
        key = clip.trial_id, tuple(self.reader.plan.places_of(clip))
        if key not in self._pixels:
            pixels = np.empty((1, *self.reader.shape), np.uint8)
            self.reader.read(clip, pixels[0])
            self._pixels[key] = torch.from_numpy(pixels)
        return self._pixels[key].float() / 255

    def augmented(self, clip: ClipId) -> torch.Tensor:
        return self._augment(self.read(clip), [self._seed(clip)])

    def training_row(self, trial_id: str, epoch: int) -> StripRow:
        clip = ClipId(trial_id, epoch)
        text = describe_draw(draw_of(self._config.augmentation, self._seed(clip))) + "."
        return self.row(f"Training, epoch {epoch}", text, clip, self.augmented(clip), self._config.clip.sampling.draws)

    def mixed_row(self, trial_id: str, trained: Sequence[str]) -> StripRow:
        """The clip of the epoch in which it is mixed most evenly; DataError if it has no partner in any."""
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
        return self.row(f"Training, epoch {clip.epoch}, mixed", text, clip, mixed, self._config.clip.sampling.draws)

    def row(self, title: str, text: str, clip: ClipId, pixels: torch.Tensor, named: bool) -> StripRow:
        """A row of the frames shown of a clip; `named`: whether the text gives their seconds."""
        shown = np.linspace(0, pixels.shape[1] - 1, min(FRAMES_SHOWN, pixels.shape[1])).round().astype(int)
        if named:
            places = np.array(self.reader.plan.places_of(clip))[shown]
            seconds = self._dataset.frames_of(clip.trial_id)["second"].to_numpy()[places]
            text += f" At {', '.join(map(str, seconds))} s."
        frames = (pixels[0, shown] * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
        return StripRow(title, text, frames.contiguous().numpy())

    def _mix_in(self, trial_id: str, trained: Sequence[str], epoch: int) -> tuple[Mix, ClipId, ClipId] | None:
        """How training mixes the clip in an epoch, and with which other clip; None if it has no other partner."""
        config = self._config
        for step, batch in enumerate(epoch_batches(trained, config.optimization.batch_size, config.split.seed, epoch)):
            if trial_id in batch:
                mix = mix_of(
                    config.augmentation,
                    len(batch),
                    self.reader.shape[-1],
                    draw_seed(config.split.seed, epoch, "mix", step),
                )
                partner = batch[partner_of(batch.index(trial_id), len(batch))]
                if mix is not None and partner != trial_id:
                    return mix, ClipId(trial_id, epoch), ClipId(partner, epoch)
        return None

    def _seed(self, clip: ClipId) -> int:
        return draw_seed(self._config.split.seed, clip.epoch, "augment", clip.trial_id)
