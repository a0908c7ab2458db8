"""The batches of training: clips that are read, augmented, mixed and normalized, with their labels and weights."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from socal_core.clips.augment import Augmentation
from socal_core.clips.loader import ClipReader
from socal_core.clips.mix import Mix, apply_mix, mix_of, partner_of
from socal_core.clips.plan import ClipId, training_clips
from socal_core.clips.sampling import derive_seed
from socal_core.settings import TrainConfig


@dataclass(frozen=True)
class Rank:
    """A process of a run: it takes every `world_size`-th clip of each batch, starting at its rank."""

    number: int
    """The rank, from 0."""
    world_size: int
    """The number of processes."""
    device: torch.device


@dataclass(frozen=True)
class Batch:
    """The part of a batch that one process computes, on its device."""

    pixel_values: torch.Tensor
    """Input of the model, (clips, frames, 3, size, size)."""
    labels: torch.Tensor
    """Label of each clip, (clips,): the index of its class (int64), or its standardized number (float32)."""
    partner_labels: torch.Tensor
    """Label of the clip that is mixed into each clip, (clips,)."""
    weights: torch.Tensor
    """Class weight of each clip, (clips,), 1 for a number; 0 in a process without clips."""
    partner_weights: torch.Tensor
    """Class weight of each mixed-in clip, (clips,), 1 for a number; 0 in a process without clips."""
    lam: float
    """Weight of a clip's own label; 1 without mixing."""
    size: int
    """Number of clips in the whole batch."""
    full_size: int
    """Number of clips in a full batch of this epoch; the last batch may be smaller."""
    waited: float
    """Seconds that the step waited for its clips."""

    def parts(self, count: int) -> list["Batch"]:
        """Divide the clips into at most `count` parts of similar size, whose losses add up to that of the whole."""
        names = ("pixel_values", "labels", "partner_labels", "weights", "partner_weights")
        chunks = zip(*(getattr(self, name).chunk(count) for name in names), strict=True)
        return [replace(self, **dict(zip(names, tensors, strict=True))) for tensors in chunks]


def training_batches(
    reader: ClipReader,
    trial_ids: Sequence[str],
    values: Mapping[str, float],
    class_weights: torch.Tensor | None,
    config: TrainConfig,
    epoch: int,
    rank: Rank,
    done: int = 0,
) -> Iterator[Batch]:
    """Yield the batches of an epoch after the first `done`.

    All random numbers depend only on the seed, the epoch, and the trial or step.

    Args:
        reader: Reads the clips.
        trial_ids: The training trials.
        values: The index of the class of each trial (int), or its standardized number (float).
        class_weights: The weight of each class, (classes,); None for a number.
        config: The settings of the run.
        epoch: The epoch, from 1.
        rank: The process that computes its part of each batch.
        done: The number of batches to skip at the beginning of the epoch.
    """
    augment = Augmentation(config.augmentation)
    batches = training_clips(trial_ids, config, epoch)
    parts = [_part(batch, config, reader.shape[-1], epoch, step, rank) for step, batch in enumerate(batches)]
    full_size = len(batches[0])
    batches, parts = batches[done:], parts[done:]
    read = reader.batches([part.clips for part in parts])
    for batch, part in zip(batches, parts, strict=True):
        started = time.perf_counter()
        pixels = next(read)  # uint8, (needed clips, frames, 3, size, size)
        waited = time.perf_counter() - started
        clips = pixels.to(rank.device).float().div_(255)
        clips = augment(clips, [clip.seed(config.split.seed, "augment") for clip in part.clips])
        own = clips[[part.needed.index(index) for index in part.own]]
        if part.mix is not None:
            own = apply_mix(own, clips[[part.needed.index(index) for index in part.partners]], part.mix)
        batch_labels = torch.tensor([values[clip.trial_id] for clip in batch])
        weights = torch.ones(len(batch)) if class_weights is None else class_weights[batch_labels]
        # A process without clips contributes nothing.
        weights = weights * float(rank.number < len(batch))
        yield Batch(
            pixel_values=reader.preprocessor.normalise(own),
            labels=batch_labels[part.own].to(rank.device),
            partner_labels=batch_labels[part.partners].to(rank.device),
            weights=weights[part.own].to(rank.device),
            partner_weights=weights[part.partners].to(rank.device),
            lam=1.0 if part.mix is None else part.mix.lam,
            size=len(batch),
            full_size=full_size,
            waited=waited,
        )


@dataclass(frozen=True)
class _Part:
    """The part of a batch that one process computes, as indices into the batch."""

    own: list[int]
    partners: list[int]
    """The clip that is mixed into each own clip."""
    needed: list[int]
    """All own clips and partners, in order."""
    clips: list[ClipId]
    """The needed clips."""
    mix: Mix | None


def _part(batch: Sequence[ClipId], config: TrainConfig, size: int, epoch: int, step: int, rank: Rank) -> _Part:
    # A process without clips uses the first one with weight 0, because all processes must average the gradients.
    own = list(range(rank.number, len(batch), rank.world_size)) or [0]
    mix = mix_of(config.augmentation, len(batch), size, derive_seed(config.split.seed, epoch, "mix", step))
    partners = own if mix is None else [partner_of(index, len(batch)) for index in own]
    needed = sorted({*own, *partners})
    return _Part(own, partners, needed, [batch[index] for index in needed], mix)
