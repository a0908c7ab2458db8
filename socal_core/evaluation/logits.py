"""Compute the logits of clips with a classifier, and average those of the clips of a trial."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from socal_core.clips.loader import ClipReader
from socal_core.clips.plan import ClipId
from socal_core.models.processes import compute_shares, whole_progress

PREDICTION_BATCH = 8
"""Clips per forward pass. It affects results only by rounding, as does the number of processes that share the clips:
both change which clips are in a batch together."""


def logits_of(
    model: PreTrainedModel,
    reader: ClipReader,
    trial_ids: Sequence[str],
    device: torch.device,
    progress: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Compute the logits of trials: those of their evaluation clips (`clip_logits_of`), averaged.

    Args:
        model: As in `clip_logits_of`, like the other arguments.
        reader: The clips of the trials.
        trial_ids: The trials.
        device: The device of the model.
        progress: Called before each batch with the number of finished clips and of all clips; may raise.

    Returns:
        Logits, (trials, outputs) on the CPU; see `average_clips` for trials with several clips.
    """
    return average_clips(clip_logits_of(model, reader, trial_ids, device, progress))


def clip_logits_of(
    model: PreTrainedModel,
    reader: ClipReader,
    trial_ids: Sequence[str],
    device: torch.device,
    progress: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Compute the logits of the evaluation clips of trials, which are never augmented.

    The processes of a run share the trials. All of them call this, and each receives all logits.

    Args:
        model: The classifier. It stays in eval mode.
        reader: The clips of the trials.
        trial_ids: The trials.
        device: The device of the model.
        progress: Called before each batch with the number of finished clips and of all clips; may raise.

    Returns:
        Logits, (trials, clips, outputs) on the CPU.
    """
    model.eval()
    clips = [clip for trial_id in trial_ids for clip in reader.plan.evaluation_clips(trial_id)]
    show = whole_progress(progress or (lambda done, total: None), len(clips))
    found = compute_shares(clips, lambda share: _logits_of_clips(model, reader, share, device, show))
    logits = torch.from_numpy(np.stack(found))
    return logits.view(len(trial_ids), -1, logits.shape[-1])


@torch.no_grad()
def _logits_of_clips(
    model: PreTrainedModel,
    reader: ClipReader,
    clips: Sequence[ClipId],
    device: torch.device,
    progress: Callable[[int], None],
) -> list[NDArray[np.float32]]:
    """Compute the logits of each clip, (outputs,)."""
    batches = [clips[start : start + PREDICTION_BATCH] for start in range(0, len(clips), PREDICTION_BATCH)]
    inputs = torch.empty((PREDICTION_BATCH, *reader.shape), device=device)
    parts = []
    for number, batch in enumerate(reader.batches(batches)):
        progress(number * PREDICTION_BATCH)
        pixel_values = reader.preprocessor.model_input(batch.to(device), inputs[: len(batch)])
        parts.append(model(pixel_values=pixel_values).logits.float().cpu())
    return list(torch.cat(parts).numpy())


def average_clips(logits: torch.Tensor) -> torch.Tensor:
    """Average the clips of each trial: the logarithm of their mean probabilities, or the mean of a number.

    Args:
        logits: Logits of classes, (trials, clips, classes), or a number, (trials, clips, 1).

    Returns:
        Logits, (trials, classes) or (trials, 1). Those of a single clip are returned unchanged.
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    if logits.shape[2] == 1:
        return logits.mean(dim=1)
    return logits.log_softmax(dim=-1).logsumexp(dim=1) - math.log(logits.shape[1])
