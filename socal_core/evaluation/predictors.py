"""Compute logits with the best checkpoint of a run, whether it is fine-tuned or has frozen features."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from socal_core.clips.loader import ClipReader, open_clips
from socal_core.dataset.dataset import Dataset
from socal_core.errors import ModelError
from socal_core.evaluation.logits import average_clips, clip_logits_of
from socal_core.evaluation.predictor import Change, Predictor
from socal_core.evaluation.trained_model import TrainedModel, trained_model
from socal_core.models.build import VideoClassifier, load_classifier
from socal_core.models.encoders import Encoder, build_encoder
from socal_core.models.features import Embedder, open_embedder
from socal_core.models.head import Features, FrozenHead, load_head
from socal_core.runs.checkpoint_folders import best_checkpoint
from socal_core.runs.folder import RunFolder
from socal_core.settings import Recipe


class ClassifierPredictor:
    """A fine-tuned video classifier."""

    def __init__(self, classifier: VideoClassifier, readers: Sequence[ClipReader], epoch: int) -> None:
        """Create a predictor.

        Args:
            classifier: The model.
            readers: The clips of the trials, one reader for each crop of the frames.
            epoch: The epoch of the checkpoint.
        """
        self._classifier = classifier
        self._readers = readers
        self._epoch = epoch

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why trials have no prediction, by trial_id."""
        return _left_out(self._readers)

    @property
    def stand_ins(self) -> list[str]:
        """Texts about frames that cannot be read and the frames that replace them."""
        return _stand_ins(self._readers)

    def logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Compute logits, (trials, outputs) on the CPU; `progress` as in `logits_of`, once for each crop."""
        return average_crops(self.clip_logits(trial_ids, progress))

    def clip_logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Compute the logits of each clip, (trials, crops, clips, outputs) on the CPU."""
        model, device = self._classifier.model, best_device()
        crops = [clip_logits_of(model, reader, trial_ids, device, progress) for reader in self._readers]
        return torch.stack(crops, dim=1)

    def clips(self, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """Yield the evaluation clips of each trial as bytes, (clips, frames, 3, height, width), of the first crop."""
        return _clips_of(self._readers[0], trial_ids)

    def changed_logits(self, trial_id: str, change: Change) -> torch.Tensor:
        """Compute the logits of a trial whose clips are changed, (outputs,) on the CPU."""
        crops = [self._logits_of_pixels(reader, _changed(reader, trial_id, change)) for reader in self._readers]
        return average_clips(torch.cat(crops)[None])[0]

    def frames_seen(self, trial_id: str) -> list[int]:
        """Return the sorted indices, in the trial, of the frames in its evaluation clips."""
        return _frames_seen(self._readers[0], trial_id)

    @torch.no_grad()
    def _logits_of_pixels(self, reader: ClipReader, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the logits of clips as bytes, (clips, outputs) on the CPU."""
        model, device = self._classifier.model, best_device()
        model.eval()
        inputs = reader.preprocessor.model_input(pixels.to(device), torch.empty(pixels.shape, device=device))
        logits: torch.Tensor = model(pixel_values=inputs).logits
        return logits.float().cpu()

    def describe(self) -> dict[str, Any]:
        """Describe the model in values for JSON."""
        text = f"weights of epoch {self._epoch} (lowest validation loss)"
        return {"recipe": str(Recipe.FINETUNE), "text": text}


class FrozenPredictor:
    """A logistic or ridge regression on the features of frozen encoders."""

    def __init__(self, head: FrozenHead, embedders: Sequence[Embedder]) -> None:
        """Create a predictor; `embedders` must include those of the encoders of the head."""
        self._head = head
        by_name = {embedder.encoder.name: embedder for embedder in embedders}
        self._embedders = {name: by_name[name] for name in head.encoders}

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why trials have no prediction, by trial_id."""
        return _left_out([embedder.reader for embedder in self._embedders.values()])

    @property
    def stand_ins(self) -> list[str]:
        """Texts about frames that cannot be read and the frames that replace them."""
        return _stand_ins([embedder.reader for embedder in self._embedders.values()])

    def logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Compute logits, (trials, outputs) on the CPU; `progress` as in `logits_of`, once for each encoder."""
        return average_crops(self.clip_logits(trial_ids, progress))

    def clip_logits(self, trial_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> torch.Tensor:
        """Compute the logits of each clip, (trials, 1, clips, outputs) on the CPU."""
        show = progress or (lambda done, total: None)
        return self._logits_of_features(
            {name: embedder.embed(trial_ids, show) for name, embedder in self._embedders.items()}
        )[:, None]

    def _logits_of_features(self, features: Features) -> torch.Tensor:
        """Return the logits of each clip, (trials, clips, outputs)."""
        logits = torch.from_numpy(self._head.logits(features))
        if logits.dim() == 2:  # log odds of the second of two classes, (trials, clips)
            logits = torch.stack([torch.zeros_like(logits), logits], dim=-1)
        return logits

    def clips(self, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """Yield the evaluation clips of each trial for the first encoder, (clips, frames, 3, height, width)."""
        return _clips_of(next(iter(self._embedders.values())).reader, trial_ids)

    def changed_logits(self, trial_id: str, change: Change) -> torch.Tensor:
        """Compute the logits of a trial whose clips are changed, (outputs,) on the CPU."""
        features = {}
        for name, embedder in self._embedders.items():
            whole = _changed(embedder.reader, trial_id, lambda clip, indices, preprocessor: clip)
            similar = whole, embedder.embed([trial_id], lambda done, total: None)[0]
            features[name] = embedder.embed_pixels(_changed(embedder.reader, trial_id, change), similar)[None]
        return average_clips(self._logits_of_features(features))[0]

    def frames_seen(self, trial_id: str) -> list[int]:
        """Return the sorted indices, in the trial, of the frames in its evaluation clips."""
        return _frames_seen(next(iter(self._embedders.values())).reader, trial_id)

    def describe(self) -> dict[str, Any]:
        """Describe the model in values for JSON."""
        titles = [embedder.encoder.title for embedder in self._embedders.values()]
        return {
            "recipe": str(Recipe.FROZEN),
            "text": f"{self._head.text} on frozen features of {' and '.join(titles)}",
            "encoders": titles,
            "members": [item.as_dict() for item in self._head.members],
        }


@contextmanager
def open_predictor(
    run: RunFolder, dataset: Dataset, trial_ids: Sequence[str], progress: Callable[[str, int, int], None]
) -> Iterator[Predictor]:
    """Open the best checkpoint of a run and the clips of some trials, exactly as the model receives them.

    Args:
        run: A run that has a checkpoint.
        dataset: The data set with the trials.
        trial_ids: The trials to predict.
        progress: Called with the current stage, the amount of work done and the total; may raise.

    Yields:
        The predictor.

    Raises:
        RunError: The run has no complete checkpoint.
        ModelError: The weights of an encoder are missing, or differ from those that the run was trained with.
    """
    with open_model(trained_model(run), dataset, trial_ids, progress) as predictor:
        yield predictor


@contextmanager
def open_model(
    model: TrainedModel, dataset: Dataset, trial_ids: Sequence[str], progress: Callable[[str, int, int], None]
) -> Iterator[Predictor]:
    """Open a trained model and the clips of some trials; see `open_predictor`."""
    with LoadedModel(model).on(dataset, trial_ids, progress) as predictor:
        yield predictor


class LoadedModel:
    """A trained model in memory, which predicts trials of one data set after the other."""

    def __init__(self, model: TrainedModel) -> None:
        """Load the model onto the best device.

        Raises:
            ModelError: A file of the model is missing or damaged.
        """
        self.config = model.config
        self._epoch = model.epoch
        self._classifier: VideoClassifier | None = None
        if model.config.model.recipe is Recipe.FROZEN:
            self._head = load_head(model.folder)
            self._encoders = encoders_of(model, self._head)
        else:
            self._classifier = _on_best_device(load_classifier(model.folder))

    @contextmanager
    def on(
        self, dataset: Dataset, trial_ids: Sequence[str], progress: Callable[[str, int, int], None]
    ) -> Iterator[Predictor]:
        """Open the clips of some trials, and yield the predictor of them; the arguments are those of `open_model`."""
        config = self.config
        with ExitStack() as stack:
            if self._classifier is None:
                embedders = [
                    stack.enter_context(open_embedder(encoder, dataset, config, trial_ids, best_device(), progress))
                    for encoder in self._encoders
                ]
                yield FrozenPredictor(self._head, embedders)
            else:
                readers = [
                    stack.enter_context(open_clips(dataset, config, preprocessor, trial_ids, (), progress))
                    for preprocessor in self._classifier.preprocessor.crops(config.clip.test_crops)
                ]
                yield ClassifierPredictor(self._classifier, readers, self._epoch)


def average_crops(logits: torch.Tensor) -> torch.Tensor:
    """Average the clips of each crop and then the crops, (trials, crops, clips, outputs) to (trials, outputs)."""
    return average_clips(torch.stack([average_clips(crop) for crop in logits.unbind(1)], dim=1))


def _left_out(readers: Sequence[ClipReader]) -> dict[str, str]:
    found: dict[str, str] = {}
    for reader in readers:
        found = {**reader.left_out, **found}
    return found


def _stand_ins(readers: Sequence[ClipReader]) -> list[str]:
    texts = [text for reader in readers for by_frame in reader.stand_ins.values() for text in by_frame.values()]
    return list(dict.fromkeys(texts))


def encoders_of(model: TrainedModel, head: FrozenHead) -> list[Encoder]:
    """Build the encoders of a fitted head.

    Raises:
        ModelError: Weights are missing, or the weights or the preprocessing differ from those of the fitted head.
    """
    encoders = [build_encoder(name, model.config) for name in head.encoders]
    for encoder in encoders:
        # Earlier versions stored only the hash of the weights.
        if head.digests[encoder.name] not in {encoder.identity, encoder.digest}:
            raise ModelError(
                f"The weights or the preprocessing of {encoder.title} differ from those that {model.owner} was "
                "trained with. Restore those, or train a new run."
            )
    return encoders


def _changed(reader: ClipReader, trial_id: str, change: Change) -> torch.Tensor:
    """Return the changed evaluation clips of a trial as bytes, (clips, frames, 3, height, width)."""
    changed = []
    for clip in reader.plan.evaluation_clips(trial_id):
        pixels = np.empty(reader.shape, np.uint8)
        reader.read(clip, pixels)
        changed.append(change(pixels, reader.plan.indices_of(clip), reader.preprocessor))
    return torch.from_numpy(np.stack(changed))


def _frames_seen(reader: ClipReader, trial_id: str) -> list[int]:
    return sorted({index for clip in reader.plan.evaluation_clips(trial_id) for index in reader.plan.indices_of(clip)})


def _clips_of(reader: ClipReader, trial_ids: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
    batches = reader.batches([reader.plan.evaluation_clips(trial_id) for trial_id in trial_ids])
    return (pixels.numpy() for pixels in batches)


def best_classifier(run: RunFolder) -> VideoClassifier:
    """Load the model of a run at its lowest validation loss, onto the best device.

    Raises:
        RunError: The run has no checkpoint.
    """
    return _on_best_device(load_classifier(best_checkpoint(run)))


def _on_best_device(classifier: VideoClassifier) -> VideoClassifier:
    # transformers wraps `to`, which hides its arguments from mypy.
    classifier.model.to(best_device())  # type: ignore[arg-type]
    return classifier


def best_device() -> torch.device:
    """Return the accelerator of this machine, or the CPU if there is none."""
    return torch.accelerator.current_accelerator() or torch.device("cpu")
