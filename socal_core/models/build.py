"""Build, save and load a video classifier with its preprocessing."""

import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForVideoClassification, PreTrainedModel, VideoMAEConfig
from transformers.models.videomae.image_processing_pil_videomae import VideoMAEImageProcessorPil
from transformers.utils import logging as transformers_logging

from socal_core.clips.preprocess import Preprocessor
from socal_core.errors import ModelError
from socal_core.runs.architecture import TINY_ARCHITECTURE
from socal_core.runs.checkpoints import newest_checkpoint
from socal_core.runs.config import TINY, TrainConfig
from socal_core.runs.folder import RunFolder
from socal_core.runs.model_choice import local_folder

logger = logging.getLogger(__name__)
# A bar for each load and save would fill the run's log; the run shows its own progress.
transformers_logging.disable_progress_bar()

LABELS = {0: "failure", 1: "success"}
NEW_HEAD = ("classifier.", "fc_norm.")
"""Weights that a pre-trained backbone does not bring and that fine-tuning learns."""
PREPROCESSOR_FILE = "preprocessor_config.json"


@dataclass(frozen=True)
class VideoClassifier:
    """A model with two logits (failure, success) and the preprocessing of its input.

    The model takes `pixel_values` of shape (batch, frames, 3, size, size).
    """

    model: PreTrainedModel
    preprocessor: Preprocessor
    note: str = ""
    """What the user should know of how it was loaded."""


def build_classifier(config: TrainConfig) -> VideoClassifier:
    """The classifier that a new run starts from; ModelError when it cannot be found or does not fit."""
    if config.model == TINY:
        return _build_tiny(config)
    source = str(local_folder(config.model) or config.model)
    hub = {"local_files_only": not config.allow_download}
    _check_architecture(source, config, hub)
    settings: dict[str, Any] = {"id2label": LABELS, "label2id": {name: i for i, name in LABELS.items()}}
    # Attention dropout is fixed when the model is built: it goes in through the configuration or not at all.
    settings |= {"hidden_dropout_prob": config.dropout_rate, "attention_probs_dropout_prob": config.dropout_rate}
    # Sine-cosine positions are computed, not learned, so that any even number of frames can be built.
    settings["num_frames"] = config.num_frames
    model = _load_weights(source, config, {**settings, **hub})
    return _with_preprocessor(model, source, config, hub)


def load_classifier(folder: Path) -> VideoClassifier:
    """A classifier that `save_classifier` wrote; ModelError when the folder is damaged."""
    try:
        model, info = AutoModelForVideoClassification.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
        processor = VideoMAEImageProcessorPil.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError, SafetensorError):
        raise ModelError(f"Checkpoint {folder.name} cannot be read: a file is missing or damaged.") from None
    _refuse_gaps(folder.name, info, allowed=())
    return VideoClassifier(model, _checked(f"Checkpoint {folder.name}", processor, model))


def preprocessor_of_run(run: RunFolder) -> Preprocessor:
    """What the run's model is given its frames by; ModelError when the model cannot be found."""
    checkpoint, config = newest_checkpoint(run), run.read_config()
    classifier = build_classifier(config) if checkpoint is None else load_classifier(checkpoint)
    return replace(classifier.preprocessor, scaled=config.scaled_decoding)


def save_classifier(classifier: VideoClassifier, folder: Path, weights: dict[str, Any] | None = None) -> None:
    """Write config.json, model.safetensors and preprocessor_config.json: a model that Hugging Face's tools can load.

    weights: the model's state dict at an earlier moment; None takes the present one.
    """
    classifier.model.save_pretrained(folder, state_dict=weights)
    classifier.preprocessor.processor.save_pretrained(folder)


def _build_tiny(config: TrainConfig) -> VideoClassifier:
    model_config = VideoMAEConfig(
        **asdict(TINY_ARCHITECTURE),
        use_mean_pooling=True,
        num_frames=config.num_frames,
        hidden_dropout_prob=config.dropout_rate,
        attention_probs_dropout_prob=config.dropout_rate,
        id2label=LABELS,
        label2id={name: i for i, name in LABELS.items()},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = AutoModelForVideoClassification.from_config(model_config)
    return VideoClassifier(model, Preprocessor.for_size(TINY_ARCHITECTURE.image_size))


def _check_architecture(source: str, config: TrainConfig, hub: dict[str, Any]) -> None:
    try:
        found = AutoConfig.from_pretrained(source, **hub)
    except (OSError, ValueError):
        raise ModelError(_not_found(config)) from None
    if not isinstance(found, VideoMAEConfig):
        raise ModelError(f"{config.model} is a {found.model_type} model. Choose a VideoMAE.")


def _load_weights(source: str, config: TrainConfig, settings: dict[str, Any]) -> PreTrainedModel:
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)  # draws the new head
            model, info = AutoModelForVideoClassification.from_pretrained(
                source, use_safetensors=True, ignore_mismatched_sizes=True, output_loading_info=True, **settings
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        logger.info("loading %s failed: %s", config.model, error)
        raise ModelError(_not_found(config)) from None
    _refuse_gaps(config.model, info, allowed=NEW_HEAD)
    found: PreTrainedModel = model
    return found


def _with_preprocessor(
    model: PreTrainedModel, source: str, config: TrainConfig, hub: dict[str, Any]
) -> VideoClassifier:
    try:
        processor = VideoMAEImageProcessorPil.from_pretrained(source, **hub)
    except OSError as error:
        if isinstance(error.__context__, json.JSONDecodeError) or (Path(source) / PREPROCESSOR_FILE).exists():
            raise ModelError(f"{config.model}: its {PREPROCESSOR_FILE} cannot be read or is no JSON.") from None
        # The class's own defaults (mean and std 0.5) are not what the published weights were trained with.
        note = f"{config.model} has no {PREPROCESSOR_FILE}: its input is normalised by ImageNet's mean and std."
        return VideoClassifier(model, Preprocessor.for_size(model.config.image_size), note)
    except (ValueError, TypeError, AttributeError):
        raise ModelError(f"{config.model}: its {PREPROCESSOR_FILE} holds values that cannot be worked with.") from None
    return VideoClassifier(model, _checked(config.model, processor, model))


def _checked(name: str, processor: VideoMAEImageProcessorPil, model: PreTrainedModel) -> Preprocessor:
    """The preprocessing, which must give every frame in the size that the model takes."""
    preprocessor = Preprocessor(processor)
    size = model.config.image_size
    try:
        preprocessor.check()
        _, height, width = preprocessor.frame_shape
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from None
    if (height, width) != (size, size):
        raise ModelError(
            f"{name}: its {PREPROCESSOR_FILE} gives frames of {width}x{height} pixels, and the model takes "
            f"{size}x{size}. Set crop_size, or size, to what the model takes."
        )
    return preprocessor


def _refuse_gaps(name: str, info: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """Weights that were not loaded are random ones: never go on with them unseen."""
    gaps = {*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])}
    gaps = {key for key in gaps if not (allowed and key.startswith(allowed))}
    if gaps:
        raise ModelError(
            f"{name}: {len(gaps)} weights do not fit the model, such as {min(gaps)}. "
            "Choose weights of this architecture."
        )


def _not_found(config: TrainConfig) -> str:
    if config.allow_download:
        return (
            f"Model {config.model} cannot be loaded: it needs config.json and model.safetensors, on this machine or on "
            f"the Hugging Face hub. Check the name and the connection, or choose `{TINY}`."
        )
    return (
        f"Model {config.model} cannot be loaded from this machine: it needs config.json and model.safetensors. "
        f"Allow the download (allow_download), name a local folder, or choose `{TINY}`."
    )
