"""Small VideoMAE checkpoints with the names and fields that transformers 4 writes."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import PreTrainedModel, VideoMAEConfig, VideoMAEForPreTraining, VideoMAEForVideoClassification

SIZES = {
    "image_size": 32,
    "patch_size": 16,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "decoder_hidden_size": 16,
    "decoder_num_hidden_layers": 1,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 32,
    "num_frames": 4,
}
PROCESSOR = {
    "image_processor_type": "VideoMAEImageProcessor",
    "size": {"shortest_edge": 32},
    "crop_size": {"height": 32, "width": 32},
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
OUTCOMES = {"id2label": {"0": "failure", "1": "success"}, "label2id": {"failure": 0, "success": 1}}
Weights = dict[str, torch.Tensor]


def write_classifier(folder: Path, classes: int = 2, **config: Any) -> Weights:
    """Write a fine-tuned classifier. `config` overrides its config.json; None removes a field."""
    sizes = {name: config[name] for name in ("use_mean_pooling", "tubelet_size") if name in config}
    return _write(folder, VideoMAEForVideoClassification(VideoMAEConfig(**SIZES, **sizes, num_labels=classes)), config)


def write_pretrained(folder: Path, **config: Any) -> Weights:
    """Write a checkpoint of masked pre-training like the published ones: encoder, decoder, `use_mean_pooling` false."""
    return _write(folder, VideoMAEForPreTraining(VideoMAEConfig(**SIZES, use_mean_pooling=False)), config)


def write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


def save_weights(folder: Path, weights: Weights) -> None:
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _write(folder: Path, model: PreTrainedModel, config: dict[str, Any]) -> Weights:
    rng = torch.Generator().manual_seed(0)
    # New biases are zero, and a zero hides that it was not loaded.
    weights = {
        name.replace("query.bias", "q_bias").replace("value.bias", "v_bias"): torch.randn(value.shape, generator=rng)
        / 9
        for name, value in model.state_dict().items()
    }
    folder.mkdir()
    save_weights(folder, weights)
    values = model.config.to_dict()
    values["qkv_bias"] = values.pop("qv_bias")
    values |= config
    write_json(folder / "config.json", {name: value for name, value in values.items() if value is not None})
    write_json(folder / "preprocessor_config.json", PROCESSOR)
    return weights
