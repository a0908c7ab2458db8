"""A run's best checkpoint with the clips of some trials, whichever way it was trained: clips in, logits out."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from socal_core.clips.loader import ClipReader, open_clips
from socal_core.dataset.dataset import Dataset
from socal_core.errors import ModelError
from socal_core.models.build import VideoClassifier, load_classifier
from socal_core.models.encoders import Encoder, build_encoder
from socal_core.models.features import Embedder, open_embedder
from socal_core.models.head import FrozenHead, load_head
from socal_core.runs.checkpoint_folders import best_checkpoint, read_training_state
from socal_core.runs.folder import RunFolder
from socal_core.settings import Recipe

PREDICTION_BATCH = 8
"""Clips per forward pass; results depend on it only by rounding."""


class Predictor(Protocol):
    """A trained model and some trials' clips."""

    @property
    def left_out(self) -> Mapping[str, str]:
        """By trial_id: why there is no prediction."""

    @property
    def stand_ins(self) -> list[str]:
        """Texts: which frames cannot be read, and which replace them."""

    def logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Logits (trials, 2) on the CPU; `progress` as in `logits_of`."""

    def clips(self, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """The evaluation clips of each trial as bytes, (clips, frames, 3, height, width)."""

    def describe(self) -> dict[str, Any]:
        """Describe the model, JSON-ready: `recipe`, and `text` for the user."""


class ClassifierPredictor:
    """A fine-tuned video classifier."""

    def __init__(self, classifier: VideoClassifier, reader: ClipReader, epoch: int) -> None:
        self._classifier = classifier
        self._reader = reader
        self._epoch = epoch

    @property
    def left_out(self) -> Mapping[str, str]:
        """By trial_id: why there is no prediction."""
        return self._reader.left_out

    @property
    def stand_ins(self) -> list[str]:
        """Texts: which frames cannot be read, and which replace them."""
        return [text for texts in self._reader.stand_ins.values() for text in texts.values()]

    def logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Logits (trials, 2) on the CPU; `progress` as in `logits_of`."""
        return logits_of(self._classifier.model, self._reader, trial_ids, best_device(), progress)

    def clips(self, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """The evaluation clips of each trial as bytes, (clips, frames, 3, height, width)."""
        return _clips_of(self._reader, trial_ids)

    def describe(self) -> dict[str, Any]:
        """Describe the model, JSON-ready."""
        text = f"weights of epoch {self._epoch} (lowest validation loss)"
        return {"recipe": str(Recipe.FINETUNE), "text": text}


class FrozenPredictor:
    """A logistic regression on the features of frozen encoders."""

    def __init__(self, head: FrozenHead, embedders: Sequence[Embedder]) -> None:
        """`embedders`: of the head's encoders, and perhaps others."""
        self._head = head
        by_name = {embedder.encoder.name: embedder for embedder in embedders}
        self._embedders = {name: by_name[name] for name in head.encoders}

    @property
    def left_out(self) -> Mapping[str, str]:
        """By trial_id: why there is no prediction."""
        found: dict[str, str] = {}
        for embedder in self._embedders.values():
            found = {**embedder.reader.left_out, **found}
        return found

    @property
    def stand_ins(self) -> list[str]:
        """Texts: which frames cannot be read, and which replace them."""
        readers = [embedder.reader for embedder in self._embedders.values()]
        texts = [text for reader in readers for by_frame in reader.stand_ins.values() for text in by_frame.values()]
        return list(dict.fromkeys(texts))

    def logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Logits (trials, 2) on the CPU; `progress` as in `logits_of`, once for each encoder."""
        show = progress or (lambda done, total: None)
        features = {name: embedder.embed(trial_ids, show) for name, embedder in self._embedders.items()}
        odds = torch.from_numpy(self._head.logits(features))  # (trials, clips)
        return average_clips(torch.stack([torch.zeros_like(odds), odds], dim=-1))

    def clips(self, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """As the first encoder sees them: the evaluation clips of each trial, (clips, frames, 3, height, width)."""
        return _clips_of(next(iter(self._embedders.values())).reader, trial_ids)

    def describe(self) -> dict[str, Any]:
        """Describe the model, JSON-ready."""
        titles = [embedder.encoder.title for embedder in self._embedders.values()]
        count = len(self._head.members)
        fitted = "logistic regression" if count == 1 else f"mean of {count} logistic regressions"
        return {
            "recipe": str(Recipe.FROZEN),
            "text": f"{fitted} on frozen features of {' and '.join(titles)}",
            "encoders": titles,
            "members": [item.as_dict() for item in self._head.members],
        }


@contextmanager
def open_predictor(
    run: RunFolder, dataset: Dataset, trial_ids: Sequence[str], progress: Callable[[str, int, int], None]
) -> Iterator[Predictor]:
    """Open the run's best checkpoint and the clips of some trials, exactly as the model receives them.

    Args:
        run: A run that has a checkpoint.
        dataset: Where the trials are.
        trial_ids: Trials that may be predicted.
        progress: (what is being done, done, total); may raise.

    Raises:
        RunError: The run has no whole checkpoint.
        ModelError: The weights of an encoder are missing, or not those that the run was trained with.
    """
    config, checkpoint = run.read_config(), best_checkpoint(run)
    with ExitStack() as stack:
        if config.model.recipe is Recipe.FROZEN:
            head = load_head(checkpoint)
            encoders = encoders_of(run, head)
            embedders = [
                stack.enter_context(open_embedder(encoder, dataset, config, trial_ids, best_device(), progress))
                for encoder in encoders
            ]
            yield FrozenPredictor(head, embedders)
        else:
            classifier = best_classifier(run)
            reader = stack.enter_context(open_clips(dataset, config, classifier.preprocessor, trial_ids, (), progress))
            yield ClassifierPredictor(classifier, reader, read_training_state(checkpoint).epoch)


def best_predictor(run: RunFolder, reader: ClipReader) -> ClassifierPredictor:
    """The best checkpoint of a fine-tuned run, with clips that are already open."""
    return ClassifierPredictor(best_classifier(run), reader, read_training_state(best_checkpoint(run)).epoch)


def encoders_of(run: RunFolder, head: FrozenHead) -> list[Encoder]:
    """The encoders of a fitted head.

    Raises:
        ModelError: Weights are missing, or weights or preprocessing are not those that the head was fitted on.
    """
    encoders = [build_encoder(name, run.read_config()) for name in head.encoders]
    for encoder in encoders:
        # Earlier versions kept the hash of the weights alone.
        if head.digests[encoder.name] not in {encoder.identity, encoder.digest}:
            raise ModelError(
                f"The weights or the preprocessing of {encoder.title} are not those that run {run.name} was trained "
                "with. Bring those back, or train a new run."
            )
    return encoders


@torch.no_grad()
def logits_of(
    model: PreTrainedModel,
    reader: ClipReader,
    trial_ids: Sequence[str],
    device: torch.device,
    progress: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Logits (trials, 2) on the CPU for the clips of some trials, never augmented; the model is left in eval mode.

    Of a trial with several clips: the logarithm of their mean probabilities. `progress` is called with the number of
    clips that are done, and of all, before each batch, and may raise.
    """
    model.eval()
    clips = [clip for trial_id in trial_ids for clip in reader.plan.evaluation_clips(trial_id)]
    batches = [clips[start : start + PREDICTION_BATCH] for start in range(0, len(clips), PREDICTION_BATCH)]
    inputs = torch.empty((PREDICTION_BATCH, *reader.shape), device=device)
    parts = []
    for number, batch in enumerate(reader.batches(batches)):
        if progress is not None:
            progress(number * PREDICTION_BATCH, len(clips))
        pixel_values = reader.preprocessor.model_input(batch.to(device), inputs[: len(batch)])
        parts.append(model(pixel_values=pixel_values).logits.float().cpu())
    return average_clips(torch.cat(parts).view(len(trial_ids), -1, 2))


def _clips_of(reader: ClipReader, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
    batches = reader.batches([reader.plan.evaluation_clips(trial_id) for trial_id in trial_ids])
    return (pixels.numpy() for pixels in batches)


def average_clips(logits: torch.Tensor) -> torch.Tensor:
    """From (trials, clips, 2) to (trials, 2): of several clips the logarithm of their mean probabilities."""
    if logits.shape[1] == 1:
        return logits[:, 0]
    return logits.log_softmax(dim=-1).logsumexp(dim=1) - math.log(logits.shape[1])


def best_classifier(run: RunFolder) -> VideoClassifier:
    """The run's model at its lowest validation loss, on the device at hand; RunError when there is none."""
    classifier = load_classifier(best_checkpoint(run))
    # transformers wraps `to` so that a checker cannot see its arguments.
    classifier.model.to(best_device())  # type: ignore[arg-type]
    return classifier


def best_device() -> torch.device:
    """The accelerator of this machine, else the CPU."""
    return torch.accelerator.current_accelerator() or torch.device("cpu")
