"""Build, save and load a video classifier with its preprocessing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from socal_core.clips.preprocess import PREPROCESSOR_FILE, Preprocessor
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.errors import ModelError
from socal_core.models.checkpoint_files import ModelFiles
from socal_core.models.families.family import ClassifierShape, ClipSize, Family
from socal_core.models.find import find_model
from socal_core.models.layers import head_of
from socal_core.models.model_config import ModelConfig, classifier_config, read_config
from socal_core.models.processor import read_preprocessor, resized
from socal_core.models.trained_head import Weights, classifier_rows, head_note, reorder_rows, without_head
from socal_core.runs.architecture import CONFIG_FILE
from socal_core.runs.catalogue import check_licence
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.folder import RunFolder
from socal_core.settings import TrainConfig

_CANNOT_BE_BUILT = (
    *(AttributeError, KeyError, IndexError, TypeError, ValueError, ArithmeticError, RuntimeError, AssertionError),
    *(MemoryError, StrictDataclassError),
)
"""What transformers and PyTorch raise for a value that no check foresaw; which of them depends on the value."""
LARGE = 200_000_000
"""Weights of a network whose memory matters before it is known whether its files fit."""


@dataclass(frozen=True)
class VideoClassifier:
    """A model with one logit for each class, or one number, and the preprocessing of its input.

    The model takes `pixel_values` of shape (batch, frames, 3, size, size).
    """

    model: PreTrainedModel
    preprocessor: Preprocessor
    note: str = ""
    """What the user should know about how it was loaded."""


def build_classifier(config: TrainConfig, target: Target = SUCCESS_TARGET) -> VideoClassifier:
    """Build the classifier that a new run starts from.

    A pre-trained model gets a new classifier; that of a VideoMAE is on the mean of all tokens, as in its own
    fine-tuning (Tong et al., NeurIPS 2022). A fine-tuned model keeps its classifier and its pooling if its labels are
    the classes of the target. Learned positions are interpolated to the clips of the run.

    Args:
        config: The settings of the run.
        target: What the run predicts. For a number the classifier has a single output, the standardized value.

    Returns:
        The model in float32, whatever the type of its stored weights.

    Raises:
        ModelError: The model cannot be found, is damaged, or is not supported.
        ConfigError: The model does not support this number of frames, or this size, or the licence of weights that
            would be downloaded was not accepted.
    """
    check_licence(config.model)
    files = find_model(config.model.model, config.model.allow_download)
    found = read_config(files)
    clip = ClipSize(config.clip.num_frames, config.model.image_size or found.sizes.image_size)
    outline = found.family.own_weights(found.values, files.read_outline())
    _refuse_empty_network(found, outline)
    notes = [head_note(found, outline, target)]
    rows = classifier_rows(found, outline, target)
    averages = rows is None or found.averages_tokens
    labels = target.classes or (target.column,)
    rates = config.model.dropout_rate, config.model.attention_dropout
    shape = ClassifierShape(clip, *rates, averages, labels, target.is_number)
    model_config = classifier_config(found, shape)
    trained = found.clip_of_training(clip.num_frames)

    def fitted(weights: Weights) -> Weights:
        weights = without_head(weights) if rows is None else reorder_rows(weights, rows)
        return found.family.fit_weights(weights, found.grid(trained), found.grid(clip))

    if note := found.family.shape_note(trained, clip):
        notes.append(f"{files.name}: {note}")
    may_be_new = found.family.head if rows is None else ()
    _check_shapes(files, found.family, model_config, fitted(outline), may_be_new)
    weights = fitted(found.family.own_weights(found.values, files.read_weights()))
    model = _load(files, found.family, model_config, weights, may_be_new, config.split.seed)
    if rows is None:
        _scale_head(model, config.model.head_scale)
    preprocessor = read_preprocessor(files, found.sizes.image_size)
    if preprocessor is None:
        # The published weights were not trained with the defaults of the class, a mean and std of 0.5.
        preprocessor, normalization = found.family.default_preprocessor(found.sizes.image_size)
        missing = f"{files.name} has no {PREPROCESSOR_FILE}: its input is normalized with {normalization}."
        notes.insert(0, missing)
    return VideoClassifier(model, resized(preprocessor, clip.image_size), " ".join(filter(None, notes)))


def load_classifier(folder: Path) -> VideoClassifier:
    """Load a classifier that `save_classifier` wrote.

    Args:
        folder: The checkpoint.

    Returns:
        The classifier that was saved, with identical weights.

    Raises:
        ModelError: A file is missing or damaged.
    """
    files = ModelFiles(f"Checkpoint {folder.name}", folder)
    found = read_config(files)
    frames, rates = found.values.get(found.family.frames_field), found.dropout_rates
    if type(frames) is not int or not all(isinstance(rate, (int, float)) for rate in rates) or not found.labels:
        raise ModelError(f"{files.name}: its config.json is damaged. Use another checkpoint, or start a new run.")
    size = ClipSize(frames, found.sizes.image_size)
    shape = ClassifierShape(size, *rates, found.averages_tokens, found.labels, found.predicts_number)
    outline, model_config = files.read_outline(), classifier_config(found, shape)
    _refuse_empty_network(found, outline)
    _check_shapes(files, found.family, model_config, outline, ())
    model = _load(files, found.family, model_config, files.read_weights(), (), seed=0)
    preprocessor = read_preprocessor(files, found.sizes.image_size)
    if preprocessor is None:
        raise ModelError(f"{files.name}: {PREPROCESSOR_FILE} is missing. Use another checkpoint, or start a new run.")
    return VideoClassifier(model, preprocessor)


def preprocessor_of_network(run: RunFolder) -> Preprocessor:
    """Load the preprocessing of a run's model.

    Raises:
        ModelError: The model cannot be found or is damaged.
    """
    checkpoint, config = newest_checkpoint(run), run.read_config()
    classifier = build_classifier(config) if checkpoint is None else load_classifier(checkpoint)
    return replace(classifier.preprocessor, scaled=config.machine.scaled_decoding)


def save_classifier(classifier: VideoClassifier, folder: Path, weights: dict[str, Any] | None = None) -> None:
    """Write a model folder that Hugging Face's tools can load.

    Args:
        classifier: The model and its preprocessing.
        folder: Receives config.json, model.safetensors and preprocessor_config.json.
        weights: A state dict of the model from an earlier step; None saves its present weights.
    """
    classifier.model.save_pretrained(folder, state_dict=weights)
    classifier.preprocessor.processor.save_pretrained(folder)


def _load(
    files: ModelFiles,
    family: Family,
    config: PreTrainedConfig,
    weights: Weights,
    may_be_new: tuple[str, ...],
    seed: int,
) -> PreTrainedModel:
    """Load weights into a float32 model, and initialize those that may be new from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, info = _from_weights(files, family, config, weights)
    _check_weights(files.name, family, info, may_be_new)
    for name, tensor in weights.items():
        if name not in info["unexpected_keys"] and not torch.isfinite(tensor).all():
            raise ModelError(
                f"{files.name}: weight {name} holds values that are not finite numbers (NaN or infinity). Choose "
                "other weights, such as those of an earlier checkpoint."
            )
    return model


def _check_shapes(
    files: ModelFiles, family: Family, config: PreTrainedConfig, outline: Weights, may_be_new: tuple[str, ...]
) -> None:
    """Raise ModelError if weights do not fit the network, before memory is taken for either.

    Args:
        files: The files of the model.
        family: Its family.
        config: The configuration of the network.
        outline: The weights on the meta device.
        may_be_new: How the names of weights begin that may be missing or have another shape.
    """
    _, info = _from_weights(files, family, config, outline, device_map="meta")
    _check_weights(files.name, family, info, may_be_new)


def _from_weights(
    files: ModelFiles, family: Family, config: PreTrainedConfig, weights: Weights, **options: Any
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Return a float32 network with weights, and transformers' report on how they fit."""
    try:
        with quiet_transformers():
            loaded: Any = family.classifier.from_pretrained(
                None,
                config=config,
                state_dict=dict(weights),
                dtype=torch.float32,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **options,
            )
    except _CANNOT_BE_BUILT as error:
        raise ModelError(
            f"{files.name}: no network can be built from its {CONFIG_FILE} and its weights ({_first_line(error)}). "
            "Choose another model."
        ) from error
    model, info = loaded
    return model, info


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


@torch.no_grad()
def _scale_head(model: PreTrainedModel, factor: float) -> None:
    for parameter in head_of(model).parameters():
        parameter.mul_(factor)


def _refuse_empty_network(found: ModelConfig, weights: Weights) -> None:
    """Raise ModelError for a large network of which the files hold less than half, before memory is taken for it."""
    needed, held = found.sizes.parameters, sum(tensor.numel() for tensor in weights.values())
    if needed > LARGE and held < needed / 2:
        raise ModelError(
            f"{found.files.name}: its weights do not fit the model of its config.json, which has {needed / 1e6:,.0f} "
            f"million, while its files hold {held / 1e6:,.0f} million. Choose weights of this architecture."
        )


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Suppress transformers' report of missing weights; notes and errors report what matters."""
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)


def _check_weights(name: str, family: Family, info: dict[str, Any], may_be_new: tuple[str, ...]) -> None:
    """Raise ModelError if weights are missing, and would be random, or have no parameter to be loaded into."""
    gaps = dict.fromkeys(info["missing_keys"], "is missing in its files")
    for key, in_files, in_model in info["mismatched_keys"]:
        gaps[key] = f"is {_shape(in_files)} in its files and {_shape(in_model)} in the model"
    gaps = {key: problem for key, problem in gaps.items() if not (may_be_new and key.startswith(may_be_new))}
    prefix = f"{family.backbone}."
    for key in info["unexpected_keys"]:
        if key.removeprefix(prefix).startswith(family.needed):
            gaps[key] = "the model does not have"
    if gaps:
        first = min(gaps)
        raise ModelError(
            f"{name}: {len(gaps)} weights do not fit the model of its config.json, such as {first}, which "
            f"{gaps[first]}. Choose weights of this architecture."
        )


def _shape(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes)) or "a single number"
