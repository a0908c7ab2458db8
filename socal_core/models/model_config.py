"""Read what describes the network from a VideoMAE's config.json; the app sets everything else itself."""

from dataclasses import asdict
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import VideoMAEConfig
from transformers.activations import ACT2FN

from socal_core.errors import ModelError
from socal_core.models.checkpoint_files import ModelFiles
from socal_core.runs.architecture import CONFIG_FILE, Architecture, architecture_in, refuse_remainder

LABELS = {0: "failure", 1: "success"}
CHANNELS = 3
OTHER_FIELDS = ("hidden_act", "initializer_range", "layer_norm_eps")


def read_config(files: ModelFiles) -> dict[str, Any]:
    """Read the config.json of a VideoMAE.

    Args:
        files: The model's folder.

    Returns:
        The content of the file, values by name.

    Raises:
        ModelError: The file cannot be read, or describes a model that is not supported.
    """
    values = files.read_json(CONFIG_FILE)
    kind = values.get("model_type")
    if values.get("auto_map"):
        raise ModelError(
            f"{files.name} needs its own code (auto_map in its {CONFIG_FILE}), which this app does not run: the "
            "model is not supported. Choose a VideoMAE."
        )
    if not kind:
        raise ModelError(f'{files.name}: its {CONFIG_FILE} has no model_type. Set it to "videomae" for a VideoMAE.')
    if kind != VideoMAEConfig.model_type:
        raise ModelError(f"{files.name} is a {kind} model. Choose a VideoMAE.")
    if values.get("quantization_config"):
        raise ModelError(
            f"{files.name}: its {CONFIG_FILE} has a quantization_config. Quantized weights cannot be trained; choose "
            "the original ones."
        )
    return values


def videomae_config(
    files: ModelFiles, values: dict[str, Any], num_frames: int, dropout_rate: float, mean_pooling: bool
) -> VideoMAEConfig:
    """Create the configuration of a classifier for the two outcomes.

    Only the fields that describe the network come from the file. Its number types, attention kernels, output formats,
    labels and dropout are ignored: they describe how others used the model.

    Args:
        files: The model's folder.
        values: The content of its config.json.
        num_frames: Frames in a clip.
        dropout_rate: Dropout of hidden states and attention, which cannot be changed in a built model.
        mean_pooling: Whether the classifier averages all tokens; otherwise it uses the first one.

    Returns:
        The configuration.

    Raises:
        ModelError: A value has the wrong type or is not supported. The message names the field.
        ConfigError: `num_frames` is not a multiple of `tubelet_size`.
    """
    sizes = _sizes(files, values)
    refuse_remainder(num_frames, sizes.tubelet_size)
    others = {name: values[name] for name in OTHER_FIELDS if values.get(name) is not None}
    for name in ("initializer_range", "layer_norm_eps"):
        if type(others.get(name)) is int:
            others[name] = float(others[name])  # JSON has only one type of number
    biases = values.get("qv_bias", values.get("qkv_bias"))
    try:
        return VideoMAEConfig(
            **asdict(sizes),
            **others,
            qv_bias=True if biases is None else biases,
            use_mean_pooling=mean_pooling,
            num_frames=num_frames,
            hidden_dropout_prob=dropout_rate,
            attention_probs_dropout_prob=dropout_rate,
            id2label=LABELS,
            label2id={name: i for i, name in LABELS.items()},
        )
    except StrictDataclassError as error:
        cause = str(error).splitlines()[-1].split(": ", 1)[-1]
        raise ModelError(_wrong(files, cause)) from None


def _sizes(files: ModelFiles, values: dict[str, Any]) -> Architecture:
    """Read the sizes of the network; raise ModelError for values that VideoMAE or the clips do not support."""
    wrong = ""
    try:
        sizes = architecture_in(values)
    except ValueError as error:
        raise ModelError(_wrong(files, str(error))) from None
    activation, channels = values.get("hidden_act") or "gelu", values.get("num_channels") or CHANNELS
    if sizes.hidden_size % sizes.num_attention_heads:
        wrong = f"hidden_size {sizes.hidden_size} is not a multiple of {sizes.num_attention_heads} heads"
    elif not sizes.tokens(sizes.tubelet_size):
        wrong = f"patch_size {sizes.patch_size} is larger than image_size {sizes.image_size}"
    elif channels != CHANNELS:
        wrong = f"num_channels is {channels!r}, but frames have {CHANNELS} channels"
    elif str(activation) not in ACT2FN:
        wrong = f"hidden_act {activation!r} is unknown"
    if wrong:
        raise ModelError(_wrong(files, wrong))
    return sizes


def _wrong(files: ModelFiles, what: str) -> str:
    return f"{files.name}: its {CONFIG_FILE} is wrong: {what}. Correct the file, or choose another model."
