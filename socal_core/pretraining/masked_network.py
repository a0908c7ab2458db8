"""The VideoMAE that learns to fill in masked patches of frames, built from weights with or without a decoder."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import VideoMAEConfig, VideoMAEForPreTraining

from socal_core.clips.preprocess import Preprocessor
from socal_core.errors import ModelError
from socal_core.models.build import build_classifier
from socal_core.models.checkpoint_files import ModelFiles
from socal_core.models.find import find_model
from socal_core.runs.architecture import CONFIG_FILE
from socal_core.settings import TrainConfig

Weights = dict[str, torch.Tensor]

NOT_OF_ENCODER = ("decoder.", "encoder_to_decoder.", "mask_token")
FINAL_NORM = "videomae.layernorm."
"""The norm after the encoder that the published pre-training has. A classifier that averages tokens has none."""
CLASSIFIER_NORM = "fc_norm."
"""The norm before the head of a classifier that averages tokens."""
OF_CLASSIFIER = ("id2label", "label2id")
DECODER_SIZES = (
    "decoder_hidden_size",
    "decoder_num_hidden_layers",
    "decoder_num_attention_heads",
    "decoder_intermediate_size",
)


class MaskedNetwork(nn.Module):
    """A VideoMAE with a decoder; the loss is the squared error of the normalized pixels of masked patches."""

    def __init__(self, config: VideoMAEConfig) -> None:
        super().__init__()
        self.model = VideoMAEForPreTraining(config)

    def forward(self, pixel_values: torch.Tensor, masked: torch.Tensor) -> Weights:
        """Compute the loss.

        Args:
            pixel_values: Normalized clips, (clips, frames, 3, size, size).
            masked: Which tokens are masked, bool (clips, tokens), the same number in each clip.

        Returns:
            The scalar loss, as `masked`.
        """
        return {"masked": self.model(pixel_values, bool_masked_pos=masked).loss}


@dataclass(frozen=True)
class StartModel:
    """The weights that pre-training starts from, and the preprocessing of their input."""

    config: VideoMAEConfig
    weights: Weights
    """By their names in VideoMAEForPreTraining. Those of a new decoder are absent."""
    classifier_norm: Weights
    """The norm of a classifier that averages tokens, which pre-training keeps for it; empty if there is none."""
    preprocessor: Preprocessor
    grid: tuple[int, int]
    """Number of tokens of a clip in time, and of patches in a frame."""

    @property
    def new_decoder(self) -> bool:
        """Whether the weights have no decoder of the sizes in the configuration."""
        return not any(name.startswith(NOT_OF_ENCODER) for name in self.weights)

    def network(self, seed: int) -> MaskedNetwork:
        """Build the network.

        Args:
            seed: Determines the weights of a new decoder.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = MaskedNetwork(self.config)
        network.model.load_state_dict(self.weights, strict=False)
        return network


def load_start_model(config: TrainConfig) -> StartModel:
    """Load the VideoMAE that the settings name.

    Its encoder and its preprocessing are those of a run that fine-tunes it.

    Raises:
        ModelError: The model cannot be found, is damaged, or is not a VideoMAE with several square patches.
        ConfigError: The model does not support this number of frames.
    """
    classifier = build_classifier(config)
    files = find_model(config.model.model, config.model.allow_download)
    built: Any = classifier.model.config
    if not isinstance(built, VideoMAEConfig):
        raise ModelError(
            f"{files.name} is a {built.model_type} model, which has no masked pre-training here. Choose a VideoMAE "
            "(model)."
        )
    patch, size = built.patch_size, built.image_size
    if not (isinstance(patch, int) and isinstance(size, int)) or size < 2 * patch:
        raise ModelError(
            f"{files.name}: its {CONFIG_FILE} has patch_size {patch} and image_size {size}. Masked pre-training needs "
            "several square patches in a frame: choose another model."
        )
    grid = built.num_frames // built.tubelet_size, (size // patch) ** 2
    stored = {_present_name(name): tensor for name, tensor in files.read_weights().items()}
    norm = _part(stored, FINAL_NORM)
    backbone = classifier.model.get_submodule("videomae").state_dict()
    encoder = {f"videomae.{name}": tensor for name, tensor in backbone.items()}
    model_config = _with_decoder(files, built, averages_tokens=not norm)
    weights = {**encoder, **norm, **_decoder(stored, model_config)}
    return StartModel(model_config, weights, _part(stored, CLASSIFIER_NORM), classifier.preprocessor, grid)


def _part(stored: Weights, prefix: str) -> Weights:
    return {name: tensor for name, tensor in stored.items() if name.startswith(prefix)}


def _with_decoder(files: ModelFiles, built: VideoMAEConfig, averages_tokens: bool) -> VideoMAEConfig:
    """Create the configuration for pre-training; its decoder has the sizes of config.json, or else the usual ones."""
    stored = files.read_json(CONFIG_FILE)
    sizes = {name: stored[name] for name in DECODER_SIZES if stored.get(name) is not None}
    values = {name: value for name, value in built.to_dict().items() if name not in OF_CLASSIFIER}
    wrong = [name for name, size in sizes.items() if type(size) is not int or size < 1]
    if not wrong:
        values |= {**sizes, "use_mean_pooling": averages_tokens, "norm_pix_loss": True}
        config = VideoMAEConfig.from_dict({**values, "architectures": ["VideoMAEForPreTraining"]})
        if config.decoder_hidden_size % config.decoder_num_attention_heads == 0:
            return config
        wrong = ["decoder_num_attention_heads"]
    raise ModelError(
        f"{files.name}: its {CONFIG_FILE} is wrong: {wrong[0]} is {stored.get(wrong[0])!r}. Correct the file, or "
        "choose another model."
    )


def _decoder(stored: Weights, config: VideoMAEConfig) -> Weights:
    """Return the weights of the decoder; none if one of them is missing or of another size."""
    with torch.device("meta"):
        needed = VideoMAEForPreTraining(config).state_dict()
    needed = {name: tensor for name, tensor in needed.items() if name.startswith(NOT_OF_ENCODER)}
    if any(name not in stored or stored[name].shape != tensor.shape for name, tensor in needed.items()):
        return {}
    return {name: stored[name] for name in needed}


def _present_name(name: str) -> str:
    """Return the present name of a weight: earlier versions of transformers stored q_bias and v_bias."""
    return name.replace(".q_bias", ".query.bias").replace(".v_bias", ".value.bias")
