"""Frozen pre-trained networks that encode clips."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from socal_core.clips.preprocess import Preprocessor
from socal_core.dataset.targets import SUCCESS_TARGET, Target
from socal_core.models import build, efficientnet
from socal_core.models.build import build_classifier
from socal_core.models.families.family import Family
from socal_core.models.head import load_head
from socal_core.models.model_config import FAMILIES
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.folder import RunFolder
from socal_core.settings import IMAGE_ENCODER, IMAGE_SIZE, VIDEO_ENCODER, TrainConfig


@dataclass(frozen=True)
class Encoder:
    """A network in eval mode that embeds clips, and the preprocessing of its input."""

    name: str
    """IMAGE_ENCODER or VIDEO_ENCODER."""
    title: str
    """Name shown to the user, such as `EfficientNet-Lite0`."""
    stage: str
    """Name of the stage that computes its features, such as `Embedding frames: EfficientNet-Lite0`."""
    digest: str
    """SHA-256 of its weights."""
    preprocessor: Preprocessor
    module: nn.Module
    """Maps (clips, frames, 3, height, width) to (clips, steps, dims)."""
    note: str = ""
    """What the user should know about how it was loaded."""

    @property
    def by_frame(self) -> bool:
        """Whether it embeds each frame by itself, so that a step is one frame."""
        return self.name == IMAGE_ENCODER

    @property
    def identity(self) -> str:
        """SHA-256 of the weights and the preprocessing. A head works only with features of the same identity."""
        preprocessing = {**self.preprocessor.recipe, "normalisation": self.preprocessor.normalisation}
        return hashlib.sha256(json.dumps([self.digest, preprocessing], sort_keys=True).encode()).hexdigest()

    @torch.inference_mode()
    def embed(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Embed clips.

        Args:
            pixel_values: (clips, frames, 3, height, width), normalized, on the device of the module.

        Returns:
            Features, (clips, steps, dims), float32 on the CPU. A step is one frame for the image encoder, and the
            `tubelet_size` frames of a token for the video encoder.
        """
        features: torch.Tensor = self.module(pixel_values)
        return features.float().cpu()


def build_encoder(name: str, config: TrainConfig) -> Encoder:
    """Load an encoder for the settings of a run.

    Args:
        name: IMAGE_ENCODER or VIDEO_ENCODER.
        config: The settings, which name the model of the video encoder.

    Raises:
        ModelError: The weights are missing, damaged or not the expected ones.
    """
    return _BUILDERS[name](config)


def preprocessors_of(config: TrainConfig, target: Target = SUCCESS_TARGET) -> list[tuple[Preprocessor, str]]:
    """Load the preprocessing of each network of a new run, with a note for the user ("" for none)."""
    if config.model.recipe.trains_network:
        classifier = build_classifier(config, target)
        return [(classifier.preprocessor, classifier.note)]
    encoders = [build_encoder(name, config) for name in config.model.encoder.names]
    return [(encoder.preprocessor, encoder.note) for encoder in encoders]


def preprocessor_of_run(run: RunFolder) -> Preprocessor:
    """Load the preprocessing of a run's network; for a run with frozen features, that of its first encoder.

    Raises:
        ModelError: The weights of the network are missing.
    """
    config, checkpoint = run.read_config(), newest_checkpoint(run)
    if config.model.recipe.trains_network:
        return build.preprocessor_of_network(run)
    names = config.model.encoder.names if checkpoint is None else load_head(checkpoint).encoders
    return replace(build_encoder(names[0], config).preprocessor, scaled=config.machine.scaled_decoding)


class _FrameEncoder(nn.Module):
    """Embeds each frame separately."""

    def __init__(self) -> None:
        super().__init__()
        # The convolutions of torch are fastest in this memory layout.
        self.network = efficientnet.load_efficientnet().fused().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        frames = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        features: torch.Tensor = self.network.features(frames)
        return features.reshape(*clips.shape[:2], -1)


class _ClipEncoder(nn.Module):
    """A video model without its head, which describes the appearance of each step and its change from the step before.

    The appearance is the mean over the frame of the tokens after two thirds of the layers, which represent appearance
    better than the last layers. The change is the absolute difference of the last layer's tokens, computed for each
    position before the mean over the frame, since small moving objects hardly affect the mean of a frame.
    """

    def __init__(self, family: Family, backbone: nn.Module, tubelet_size: int) -> None:
        super().__init__()
        self.family = family
        self.backbone = backbone
        self.tubelet_size = tubelet_size

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        steps = clips.shape[1] // self.tubelet_size
        tokens = self.family.layer_tokens(self.backbone, clips, steps)
        appearance, last = tokens[round((len(tokens) - 1) * 2 / 3)], tokens[-1]
        change = torch.zeros_like(last)
        if steps > 1:
            change[:, 1:] = last.diff(dim=1).abs()
            change[:, 0] = change[:, 1]  # no step comes before the first one
        return torch.cat([appearance.mean(dim=2), change.mean(dim=2)], dim=-1)


def _image_encoder(config: TrainConfig) -> Encoder:
    return Encoder(
        name=IMAGE_ENCODER,
        title=efficientnet.NAME,
        stage=f"Embedding frames: {efficientnet.NAME}",
        digest=efficientnet.SHA256,
        preprocessor=image_preprocessor(),
        module=_FrameEncoder().eval(),
    )


def image_preprocessor() -> Preprocessor:
    """Return the preprocessing of the image encoder: the whole frame at IMAGE_SIZE, (x - 127) / 128."""
    return Preprocessor.whole_frame(IMAGE_SIZE, [efficientnet.MEAN] * 3, [efficientnet.STD] * 3)


def _video_encoder(config: TrainConfig) -> Encoder:
    # Nothing drops out of a frozen network, but the rates are part of the digest, and heads of earlier versions know
    # their encoder by one in which the two are equal.
    classifier = build_classifier(config.replace(attention_dropout=config.model.dropout_rate))
    model_config = classifier.model.config
    family = FAMILIES[model_config.model_type]
    backbone = classifier.model.get_submodule(family.backbone)
    sizes = family.architecture.from_config(json.loads(model_config.to_json_string(use_diff=False)))
    title = f"{family.title} ({config.model.model})"
    return Encoder(
        name=VIDEO_ENCODER,
        title=title,
        stage=f"Embedding clips: {title}",
        digest=digest_of_weights(backbone, model_config.to_json_string(use_diff=False)),
        preprocessor=classifier.preprocessor,
        module=_ClipEncoder(family, backbone, sizes.tubelet_size).eval(),
        note=classifier.note,
    )


def digest_of_weights(module: nn.Module, config: str) -> str:
    """Compute the SHA-256 of a module's configuration and of the names, types, shapes and values of its weights.

    The configuration is included because it changes the features that the same weights give.
    """
    digest = hashlib.sha256(config.encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()


_BUILDERS: dict[str, Callable[[TrainConfig], Encoder]] = {IMAGE_ENCODER: _image_encoder, VIDEO_ENCODER: _video_encoder}
