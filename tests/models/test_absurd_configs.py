"""Values of a config.json that make no sense are refused before memory is taken for the network."""

import json
import shutil
import struct
import tracemalloc
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from socal_core.errors import ConfigError, ModelError, SocalError
from socal_core.models.build import build_classifier
from socal_core.runs.architecture import architecture_for
from socal_core.settings import TINY, config_from
from tests.models.checkpoints import write_classifier, write_json
from tests.models.small_families import MODELS, write_family
from tests.models.test_frame_encoders import ENCODERS, write_encoder

ABSURD: tuple[Any, ...] = (
    *(0, -1, 1, None, "x", "1", 1e9, 10**9, 10**30, -0.5, True, [], {}, [16, 16, 16], [0, 16, 16], [[]]),
    *(float("nan"), float("inf"), "gelu_magic"),
)
FIELDS = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "image_size", "patch_size"),
    *("num_frames", "tubelet_size", "hidden_act", "layer_norm_eps", "initializer_range", "num_channels", "mlp_ratio"),
    *("crop_size", "frames_per_clip", "num_register_tokens", "layerscale_value", "rope_theta", "num_pooler_layers"),
    *("num_spatial_layers", "num_temporal_layers", "id2label", "label2id", "attention_type", "qkv_bias"),
)
KINDS = ("videomae", *MODELS, *ENCODERS)


@cache
def written(parent: Path, kind: str) -> Path:
    """A folder with a model of a kind, which no test changes."""
    if kind == "videomae":
        write_classifier(parent / kind)
    elif kind in MODELS:
        write_family(parent / kind, kind)
    else:
        write_encoder(parent / kind, kind)
    return parent / kind


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.sampled(6)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field", FIELDS)
def test_a_model_with_an_absurd_field_works_or_is_refused(models: Path, tmp_path: Path, kind: str, field: str) -> None:
    original = written(models, kind)
    values = json.loads((original / "config.json").read_text())
    if field not in values:
        return
    folder = tmp_path / "model"
    shutil.copytree(original, folder)
    config = config_from({"model": str(folder), "num_frames": 4}, TINY)
    for value in ABSURD:
        write_json(folder / "config.json", {**values, field: value})
        try:
            build_classifier(config)
        except (ModelError, ConfigError) as error:
            assert isinstance(error, ConfigError) or str(error).startswith("model"), str(error)
        architecture_for(config)


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("videomae", {"image_size": 4096, "patch_size": 1}, "patch_size 1 divides a frame into 16,777,216"),
        ("siglip_vision_model", {"num_channels": 0}, "num_channels is 0"),
        ("videomae", {"hidden_act": ""}, "hidden_act '' is unknown"),
        ("dinov2", {"image_size": 10**9}, r"image_size 1000000000 is not a whole number up to 4,096"),
        ("dinov2", {"image_size": []}, r"image_size \[\] is not a whole number"),
        ("dinov3_vit", {"num_register_tokens": -1}, "num_register_tokens -1 is not a whole number up to 1,024"),
        ("dinov3_vit", {"num_register_tokens": 10**9}, "num_register_tokens 1000000000 is not"),
        ("dinov3_vit", {"num_register_tokens": 1}, "no network can be built from its config.json|weights do not fit"),
        ("videomae", {"hidden_size": float("nan")}, "config.json cannot be read: NaN is not a finite number"),
    ],
    ids=str,
)
def test_the_field_is_named(models: Path, tmp_path: Path, kind: str, changes: dict[str, Any], reason: str) -> None:
    shutil.copytree(written(models, kind), tmp_path / "model")
    file = tmp_path / "model" / "config.json"
    write_json(file, json.loads(file.read_text()) | changes)
    with pytest.raises(ModelError, match=f"^model.*({reason})"):
        build_classifier(config_from({"model": str(tmp_path / "model"), "num_frames": 4}, TINY))


def test_a_deeply_nested_config_is_refused(tmp_path: Path) -> None:
    write_classifier(tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text('{"model_type": "videomae", "x": ' + "[" * 3000 + "]" * 3000 + "}")
    config = config_from({"model": str(tmp_path / "model"), "num_frames": 4}, TINY)
    with pytest.raises(ModelError, match=r"^model: its config\.json cannot be read"):
        build_classifier(config)
    assert architecture_for(config).hidden_size == 768, "as for any model whose file says nothing"


def test_weights_of_which_the_header_promises_more_than_the_file_holds(tmp_path: Path) -> None:
    write_classifier(tmp_path / "model")
    header = json.dumps({"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}).encode()
    (tmp_path / "model" / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))
    tracemalloc.start()
    try:
        with pytest.raises(SocalError, match=r"its model\.safetensors cannot be read"):
            build_classifier(config_from({"model": str(tmp_path / "model"), "num_frames": 4}, TINY))
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
