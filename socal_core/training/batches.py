"""What a training step is given: clips read, augmented, mixed and normalised, with their labels and weights."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from socal_core.clips.augment import Augmentation
from socal_core.clips.loader import ClipReader
from socal_core.clips.mix import Mix, apply_mix, mix_of, partner_of
from socal_core.clips.plan import ClipId
from socal_core.clips.sampling import derive_seed, epoch_batches
from socal_core.settings import TrainConfig


@dataclass(frozen=True)
class Share:
    """Which part of each batch a process takes, and where it computes."""

    index: int
    of: int
    device: torch.device


@dataclass(frozen=True)
class Batch:
    """This process's share of a step's batch, on its device."""

    pixel_values: torch.Tensor
    """Model input, (clips, frames, 3, size, size)."""
    labels: torch.Tensor
    """0 or 1, (clips,)."""
    partner_labels: torch.Tensor
    """Of the clips that were mixed in, (clips,)."""
    weights: torch.Tensor
    """The class weight of each clip, (clips,); 0 in a process without clips."""
    partner_weights: torch.Tensor
    """The class weight of each partner, (clips,); 0 in a process without clips."""
    lam: float
    """The share of a clip's own label, 1 where nothing is mixed in."""
    size: int
    """Clips in the whole batch."""
    full_size: int
    """Clips in a full batch of this epoch: the last batch may be smaller."""
    waited: float
    """Seconds for which the step had to wait for its clips."""

    def parts(self, count: int) -> list["Batch"]:
        """Split the clips into at most `count` batches of about equal size; their losses add up to that of this one."""
        names = ("pixel_values", "labels", "partner_labels", "weights", "partner_weights")
        cut = zip(*(getattr(self, name).chunk(count) for name in names), strict=True)
        return [replace(self, **dict(zip(names, tensors, strict=True))) for tensors in cut]


def training_batches(
    reader: ClipReader,
    trial_ids: Sequence[str],
    labels: Mapping[str, int],
    class_weights: torch.Tensor,
    config: TrainConfig,
    epoch: int,
    share: Share,
    done: int = 0,
) -> Iterator[Batch]:
    """Yield the batches of one epoch but the first `done`.

    All that is random is drawn from the seed and the epoch, with the trial or the step.

    Args:
        reader: Reads the clips.
        trial_ids: The training trials.
        labels: 0 or 1 by trial id.
        class_weights: The weight of each class, (2,).
        config: The run's settings.
        epoch: The epoch, from 1.
        share: Which clips of each batch this process takes.
        done: Batches at the beginning of the epoch to leave out.
    """
    augment = Augmentation(config.augmentation)
    batches = epoch_batches(trial_ids, config.optimization.batch_size, config.split.seed, epoch)
    parts = [_part(batch, config, reader.shape[-1], epoch, step, share) for step, batch in enumerate(batches)]
    full_size = len(batches[0])
    batches, parts = batches[done:], parts[done:]
    read = reader.batches([part.clips for part in parts])
    for batch, part in zip(batches, parts, strict=True):
        started = time.perf_counter()
        pixels = next(read)  # uint8, (clips that are needed, frames, 3, size, size)
        waited = time.perf_counter() - started
        clips = pixels.to(share.device).float().div_(255)
        clips = augment(clips, [derive_seed(config.split.seed, epoch, "augment", clip.trial_id) for clip in part.clips])
        own = clips[[part.places.index(place) for place in part.own]]
        if part.mix is not None:
            own = apply_mix(own, clips[[part.places.index(place) for place in part.partners]], part.mix)
        batch_labels = torch.tensor([labels[trial_id] for trial_id in batch])
        weights = class_weights[batch_labels]
        # A process without clips adds nothing.
        weights = weights * float(share.index < len(batch))
        yield Batch(
            pixel_values=reader.preprocessor.normalise(own),
            labels=batch_labels[part.own].to(share.device),
            partner_labels=batch_labels[part.partners].to(share.device),
            weights=weights[part.own].to(share.device),
            partner_weights=weights[part.partners].to(share.device),
            lam=1.0 if part.mix is None else part.mix.lam,
            size=len(batch),
            full_size=full_size,
            waited=waited,
        )


@dataclass(frozen=True)
class _Part:
    """One process's part of a batch; places are positions in the batch."""

    own: list[int]
    partners: list[int]
    """Of each own clip, the one that is mixed in."""
    places: list[int]
    """Of all clips that are needed, in order."""
    clips: list[ClipId]
    mix: Mix | None


def _part(batch: Sequence[str], config: TrainConfig, size: int, epoch: int, step: int, share: Share) -> _Part:
    # A process that gets nothing goes along with the first clip: all have to take part in averaging the gradients.
    own = list(range(share.index, len(batch), share.of)) or [0]
    mix = mix_of(config.augmentation, len(batch), size, derive_seed(config.split.seed, epoch, "mix", step))
    partners = own if mix is None else [partner_of(place, len(batch)) for place in own]
    places = sorted({*own, *partners})
    return _Part(own, partners, places, [ClipId(batch[place], epoch) for place in places], mix)
