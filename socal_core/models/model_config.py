"""Read what describes the network from a model's config.json; the app sets everything else itself."""

from dataclasses import dataclass
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedConfig

from socal_core.errors import ModelError
from socal_core.models.checkpoint_files import ModelFiles
from socal_core.models.families.family import ClassifierShape, ClipSize, Family
from socal_core.models.families.frames import FrameEncoder
from socal_core.models.families.positions import Grid
from socal_core.models.families.timesformer import Timesformer
from socal_core.models.families.videomae import VideoMAE
from socal_core.models.families.videoprism import VideoPrism
from socal_core.models.families.vivit import Vivit
from socal_core.models.families.vjepa2 import VJepa2
from socal_core.runs.architecture import CONFIG_FILE, Architecture, refuse_remainder, refuse_size

REGRESSION = "regression"
"""The `problem_type` in the config.json of a model that predicts a number."""
NO_LABELS = ("LABEL_0", "LABEL_1")
"""The labels of a config.json without labels: transformers does not write these."""
_FAMILIES: tuple[Family, ...] = (VideoMAE(), Timesformer(), Vivit(), VJepa2(), VideoPrism(), FrameEncoder())
FAMILIES = {family.model_type: family for family in _FAMILIES}
"""The families, by the `model_type` of their classifiers."""
SUPPORTED = ", ".join(sorted(family.title for family in _FAMILIES))


@dataclass(frozen=True)
class ModelConfig:
    """A model's config.json, checked."""

    files: ModelFiles
    family: Family
    values: dict[str, Any]
    """The content of the file."""
    sizes: Architecture

    @property
    def averages_tokens(self) -> bool:
        """Whether its classifier uses all tokens, or one that stands for them."""
        return self.family.averages_tokens(self.values)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each output; empty if id2label and label2id contradict each other."""
        by_id, by_label = self.values.get("id2label"), self.values.get("label2id")
        if "id2label" not in self.values and "label2id" not in self.values:
            return NO_LABELS
        try:
            labels = {int(number): str(label) for number, label in (by_id or {}).items()}
            reverse = {int(number): str(label) for label, number in (by_label or {}).items()}
        except (AttributeError, TypeError, ValueError):
            return ()
        if labels and reverse and labels != reverse:
            return ()
        found = labels or reverse
        return tuple(found[number] for number in range(len(found))) if set(found) == set(range(len(found))) else ()

    @property
    def predicts_number(self) -> bool:
        """Whether its only output is a number."""
        return self.values.get("problem_type") == REGRESSION

    @property
    def norm_of_classifier(self) -> str:
        """Part of the names of the norm that its classifier needs."""
        return self.family.norm_of_classifier(self.values)

    @property
    def dropout_rates(self) -> tuple[Any, Any]:
        """The dropout of hidden states (None if the file lacks it) and of attention weights, as the file has them."""
        return self.family.dropout_rates(self.values)

    def clip_of_training(self, unknown: int) -> ClipSize:
        """Return the size of the clips that the model was trained on.

        Args:
            unknown: The number of frames if the file does not say it.
        """
        named = self.values.get(self.family.frames_field, getattr(self.sizes, "num_frames", unknown))
        return ClipSize(named if type(named) is int and named > 0 else unknown, self.sizes.image_size)

    def grid(self, clip: ClipSize) -> Grid:
        """Return the number of tokens of a clip in time, vertically and horizontally."""
        patch = self.sizes.patch_size
        height, width = (patch, patch) if isinstance(patch, int) else patch
        return clip.num_frames // self.sizes.tubelet_size, clip.image_size // height, clip.image_size // width


def read_config(files: ModelFiles) -> ModelConfig:
    """Read the config.json of a video model.

    Args:
        files: The model's folder.

    Returns:
        The checked content of the file.

    Raises:
        ModelError: The file cannot be read, or describes a model that is not supported. The message names the field.
    """
    values = files.read_json(CONFIG_FILE)
    kind = values.get("model_type")
    if _needs_own_code(values):
        raise ModelError(
            f"{files.name} needs its own code (auto_map in its {CONFIG_FILE}), which this app does not run: the "
            f"model is not supported. Choose one of these: {SUPPORTED}."
        )
    if not kind:
        raise ModelError(f'{files.name}: its {CONFIG_FILE} has no model_type. Set it to "videomae" for a VideoMAE.')
    family = next((family for family in _FAMILIES if isinstance(kind, str) and family.architecture.reads(kind)), None)
    if family is None:
        raise ModelError(f"{files.name} is a {kind} model, which is not supported. Choose one of these: {SUPPORTED}.")
    if values.get("quantization_config"):
        raise ModelError(
            f"{files.name}: its {CONFIG_FILE} has a quantization_config. Quantized weights cannot be trained; choose "
            "the original ones."
        )
    try:
        sizes = family.architecture.from_config(values)
    except ValueError as error:
        raise ModelError(_wrong(files, str(error))) from None
    if wrong := family.why_wrong(values, sizes):
        raise ModelError(_wrong(files, wrong))
    return ModelConfig(files, family, values, sizes)


def classifier_config(found: ModelConfig, shape: ClassifierShape) -> PreTrainedConfig:
    """Create the configuration of a classifier for the outputs of a run.

    Only the fields that describe the network come from the file. Its number types, attention kernels, output formats,
    labels and dropout are ignored: they describe how others used the model.

    Args:
        found: The model's config.json.
        shape: What the run decides.

    Returns:
        The configuration.

    Raises:
        ModelError: A value has the wrong type or is not supported. The message names the field.
        ConfigError: The model cannot take this number of frames or this size.
    """
    refuse_remainder(shape.clip.num_frames, found.sizes.tubelet_size)
    refuse_size(shape.clip.image_size, found.sizes)
    sizes = found.sizes.for_clip(shape.clip.num_frames, shape.clip.image_size)
    outputs: dict[str, Any] = {
        "id2label": dict(enumerate(shape.labels)),
        "label2id": {name: row for row, name in enumerate(shape.labels)},
    }
    if shape.predicts_number:
        outputs["problem_type"] = REGRESSION
    try:
        return found.family.config_class(**found.family.configure(found.values, sizes, shape), **outputs)
    except StrictDataclassError as error:
        cause = str(error).splitlines()[-1].split(": ", 1)[-1]
        raise ModelError(_wrong(found.files, cause)) from None


def _needs_own_code(values: dict[str, Any]) -> bool:
    """Whether a config.json, or that of a network inside it, names code that transformers would run."""
    inside = (part for part in values.values() if isinstance(part, dict))
    return bool(values.get("auto_map")) or any(_needs_own_code(part) for part in inside)


def _wrong(files: ModelFiles, what: str) -> str:
    return f"{files.name}: its {CONFIG_FILE} is wrong: {what}. Correct the file, or choose another model."
