"""What the families of video models have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.activations import ACT2FN

from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.targets import SUCCESS_TARGET
from socal_core.models.families.positions import Grid, Learned, fit_positions
from socal_core.runs.architecture import Architecture

CHANNELS = 3
MOST_PATCHES = 65_536
"""Of a frame: 4096 pixels in patches of 16. The positions of more would take all memory."""
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class ClipSize:
    """The size of a clip."""

    num_frames: int
    image_size: int
    """Height and width of a frame in pixels."""

    def __str__(self) -> str:
        return f"{self.num_frames} frames of {self.image_size} pixels"


@dataclass(frozen=True)
class ClassifierShape:
    """What a run decides about the network."""

    clip: ClipSize
    dropout_rate: float
    """Dropout of hidden states. Like that of attention, it cannot be changed in a built model."""
    attention_dropout: float
    """Dropout of attention weights."""
    mean_pooling: bool
    """Whether a VideoMAE averages all tokens; otherwise its classifier uses the first one."""
    labels: tuple[str, ...] = SUCCESS_TARGET.classes
    """The name of each output: of the classes, or of the number."""
    predicts_number: bool = False
    """Whether the only output is a number instead of the logit of a class."""


class Family(ABC):
    """One family of models of transformers, such as VideoMAE.

    Its classifier takes `pixel_values`, (batch, frames, 3, size, size), and returns an object with `logits`,
    (batch, outputs).
    """

    title: ClassVar[str]
    architecture: ClassVar[type[Architecture]]
    config_class: ClassVar[type[PreTrainedConfig]]
    classifier: ClassVar[type[PreTrainedModel]]
    backbone: ClassVar[str]
    """The name of the submodule without the head."""
    head: ClassVar[tuple[str, ...]]
    """Prefixes of the weights that a pre-trained backbone lacks and that fine-tuning learns."""
    last_norm: ClassVar[str]
    """Part of the names of the norm before the classifier, without which a classifier is not complete."""
    needed: ClassVar[tuple[str, ...]]
    """Prefixes of the weights of the backbone that must all exist in the model."""
    positions: ClassVar[tuple[Learned, ...]] = ()
    """Its learned positions, which are interpolated for clips of another length or size."""
    frames_field: ClassVar[str] = "num_frames"
    size_field: ClassVar[str] = "image_size"
    channels_field: ClassVar[str] = "num_channels"
    dropout_fields: ClassVar[tuple[str, ...]] = ("hidden_dropout_prob",)
    """Fields of config.json for the dropout of hidden states."""
    attention_dropout_fields: ClassVar[tuple[str, ...]] = ("attention_probs_dropout_prob",)
    """Fields of config.json for the dropout of attention weights."""
    other_fields: ClassVar[tuple[str, ...]] = ("hidden_act", "initializer_range", "layer_norm_eps", "qkv_bias")
    """Fields of config.json that describe the network beside its sizes."""

    @property
    def model_type(self) -> str:
        """The name of the family in a config.json."""
        return self.architecture.model_type

    @abstractmethod
    def size_fields(self, sizes: Architecture) -> dict[str, Any]:
        """Return the fields of the configuration for the sizes of a network, without frames."""

    @abstractmethod
    def layer_tokens(self, backbone: nn.Module, clips: torch.Tensor, steps: int) -> list[torch.Tensor]:
        """Embed clips.

        Args:
            backbone: The submodule `backbone` of a classifier.
            clips: (clips, frames, 3, size, size), normalized.
            steps: The number of time steps of the tokens.

        Returns:
            The tokens before the first layer and after each layer, (clips, steps, positions, dims).
        """

    def configure(self, values: Mapping[str, Any], sizes: Architecture, shape: ClassifierShape) -> dict[str, Any]:
        """Return the fields of the configuration of a classifier, without its labels.

        Args:
            values: The content of config.json.
            sizes: The sizes that were read from it, for clips of this shape.
            shape: What the run decides.
        """
        others = {name: values[name] for name in self.other_fields if values.get(name) is not None}
        for name in ("initializer_range", "layer_norm_eps"):
            if type(others.get(name)) is int:
                others[name] = float(others[name])  # JSON has only one type of number
        dropout = dict.fromkeys(self.dropout_fields, shape.dropout_rate)
        dropout |= dict.fromkeys(self.attention_dropout_fields, shape.attention_dropout)
        return {**self.size_fields(sizes), **others, **dropout, self.frames_field: shape.clip.num_frames}

    def why_wrong(self, values: Mapping[str, Any], sizes: Architecture) -> str:
        """Say why a network of a config.json cannot be built or used; "" if it can.

        Args:
            values: The content of config.json.
            sizes: The sizes that were read from it.
        """
        activation, channels = values.get("hidden_act"), values.get(self.channels_field)
        patch = sizes.patch_size if isinstance(sizes.patch_size, int) else max(sizes.patch_size)
        if sizes.hidden_size % sizes.num_attention_heads:
            return f"hidden_size {sizes.hidden_size} is not a multiple of {sizes.num_attention_heads} heads"
        if patch > sizes.image_size:
            return f"patch_size {sizes.patch_size} is larger than {self.size_field} {sizes.image_size}"
        if sizes.patches > MOST_PATCHES:
            return f"patch_size {sizes.patch_size} divides a frame into {sizes.patches:,}, more than {MOST_PATCHES:,}"
        if channels is not None and channels != CHANNELS:
            return f"{self.channels_field} is {channels!r}, but frames have {CHANNELS} channels"
        if activation is not None and str(activation) not in ACT2FN:
            return f"hidden_act {activation!r} is unknown"
        return ""

    def dropout_rates(self, values: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the dropout of a config.json: of hidden states, None if it is missing; and of attention weights."""
        attention = next((values[name] for name in self.attention_dropout_fields if name in values), 0.0)
        return values.get(self.dropout_fields[0]) if self.dropout_fields else 0.0, attention

    def averages_tokens(self, values: Mapping[str, Any]) -> bool:
        """Whether the classifier of a config.json uses all tokens, or one that stands for them."""
        return True

    def norm_of_classifier(self, values: Mapping[str, Any]) -> str:
        """Return part of the names of the norm that the classifier of a config.json needs."""
        return self.last_norm

    def own_weights(self, values: Mapping[str, Any], weights: Weights) -> Weights:
        """Return the weights of a model's files that belong to the network.

        Args:
            values: The content of config.json.
            weights: All weights, by their names in the files.
        """
        return weights

    def fit_weights(self, weights: Weights, before: Grid, after: Grid) -> Weights:
        """Interpolate learned positions to another grid of tokens.

        Args:
            weights: The weights of the model's files.
            before: The tokens of the model of the files: in time, vertically and horizontally.
            after: Those of the model of the run.

        Returns:
            The weights, with the positions of the run.
        """
        return fit_positions(weights, self.positions, before, after)

    def shape_note(self, trained: ClipSize, used: ClipSize) -> str:
        """Describe what happens to the positions of a model that was trained on other clips; "" if nothing does.

        Args:
            trained: The clips of its training.
            used: The clips of the run.
        """
        return f"its positions, learned for {trained}, are interpolated to {used}." if trained != used else ""

    def default_preprocessor(self, size: int) -> tuple[Preprocessor, str]:
        """Return the preprocessing of the family's published weights, for a model without a file of it.

        Args:
            size: Height and width of a frame in pixels.

        Returns:
            The preprocessing, and how it normalizes, for the user.
        """
        return Preprocessor.for_size(size), "ImageNet's mean and std"
