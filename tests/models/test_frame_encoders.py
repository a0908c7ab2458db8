"""socal_core.models.families.frames: image encoders with a temporal head."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoModel, PreTrainedModel

from socal_core.errors import ConfigError, ModelError
from socal_core.lifecycle.state import RunState, read_status
from socal_core.models.build import VideoClassifier, build_classifier, load_classifier, save_classifier
from socal_core.models.encoders import build_encoder
from socal_core.models.layers import layers_below_head
from socal_core.runs.architecture import architecture_in
from socal_core.runs.checkpoint_folders import newest_checkpoint
from socal_core.runs.events import Event
from socal_core.settings import TINY, config_from
from socal_core.training.worker import work
from tests.models.checkpoints import PROCESSOR, save_weights, write_json
from tests.training.small_runs import new_run

SIZES: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 16}
WIDE = {**SIZES, "image_size": 32, "intermediate_size": 48}
ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "vit": ("ViTConfig", WIDE),
    "dinov2": ("Dinov2Config", {**SIZES, "image_size": 224, "mlp_ratio": 2}),
    "dinov2_with_registers": ("Dinov2WithRegistersConfig", {**SIZES, "image_size": 224, "mlp_ratio": 2}),
    "dinov3_vit": ("DINOv3ViTConfig", {**WIDE, "num_register_tokens": 2}),
    "siglip_vision_model": ("SiglipVisionConfig", WIDE),
    "clip_vision_model": ("CLIPVisionConfig", WIDE),
}
"""The configuration of an encoder by its model_type. DINOv2 always takes 224 pixels."""
CLIPS = torch.randn(3, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=ENCODERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def encoder_of(kind: str) -> PreTrainedModel:
    name, sizes = ENCODERS[kind]
    torch.manual_seed(0)
    model = AutoModel.from_config(getattr(transformers, name)(**sizes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) / 9)
    return model


def write_encoder(folder: Path, kind: str) -> PreTrainedModel:
    model = encoder_of(kind)
    model.save_pretrained(folder)
    size = 224 if kind.startswith("dinov2") else 32
    crop = {"size": {"shortest_edge": size}, "crop_size": {"height": size, "width": size}}
    write_json(folder / "preprocessor_config.json", {**PROCESSOR, **crop})
    return model


def built(folder: Path, **settings: Any) -> VideoClassifier:
    values = {"recipe": "finetune", "num_frames": 4, "image_size": 32, "dropout_rate": 0.0, **settings}
    return build_classifier(config_from({"model": str(folder), **values}, TINY))


def logits(classifier: VideoClassifier, clips: torch.Tensor = CLIPS) -> torch.Tensor:
    classifier.model.eval()
    with torch.no_grad():
        return classifier.model(pixel_values=clips).logits


def features(model: PreTrainedModel, kind: str, clips: torch.Tensor) -> torch.Tensor:
    """What transformers says about each frame, (clips, frames, dims)."""
    options = {} if kind.startswith("dino") else {"interpolate_pos_encoding": True}
    with torch.no_grad():
        found = model(pixel_values=clips.flatten(0, 1), **options)
    pooled = (
        found.pooler_output if kind in {"siglip_vision_model", "clip_vision_model"} else found.last_hidden_state[:, 0]
    )
    return pooled.unflatten(0, clips.shape[:2])


@pytest.mark.parametrize("size", [32, 48])
def test_the_head_receives_what_the_encoder_says_of_each_frame(tmp_path: Path, kind: str, size: int) -> None:
    theirs = write_encoder(tmp_path / "model", kind)
    classifier = built(tmp_path / "model", image_size=size)
    clips = torch.randn(2, 4, 3, size, size)
    with torch.no_grad():
        expected = classifier.model.classifier(classifier.model.temporal.eval()(features(theirs, kind, clips)))
    torch.testing.assert_close(logits(classifier, clips), expected)
    assert ("interpolated to" in classifier.note) == (size != 32 or kind.startswith("dinov2_") or kind == "dinov2")


@pytest.mark.sampled(2)
def test_a_saved_classifier_is_loaded_to_identical_logits(tmp_path: Path, kind: str) -> None:
    write_encoder(tmp_path / "model", kind)
    classifier = built(tmp_path / "model", dropout_rate=0.1)
    save_classifier(classifier, tmp_path / "epoch-0001")
    again = load_classifier(tmp_path / "epoch-0001")
    assert torch.equal(logits(again), logits(classifier))
    assert json.loads((tmp_path / "epoch-0001" / "config.json").read_text())["backbone"]["model_type"] == kind
    further = built(tmp_path / "epoch-0001", image_size=0)
    assert "its trained classifier for success and failure is used" in further.note
    assert torch.equal(logits(further), logits(classifier))


def test_one_step_changes_every_parameter_that_is_trained(tmp_path: Path, kind: str) -> None:
    write_encoder(tmp_path / "model", kind)
    model = built(tmp_path / "model").model.train()
    trained = {name: value.clone() for name, value in model.named_parameters() if value.requires_grad}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    torch.nn.functional.cross_entropy(model(pixel_values=CLIPS).logits, torch.tensor([0, 1, 0])).backward()
    optimizer.step()
    unchanged = {
        name for name, value in model.named_parameters() if name in trained and torch.equal(value, trained[name])
    }
    assert all(name.endswith("k_proj.bias") for name in unchanged), unchanged
    assert trained.keys() == dict(model.named_parameters()).keys()
    assert not any("mask_token" in name or "pooler" in name for name in trained)


def test_the_order_of_the_frames_counts_and_any_number_is_taken(tmp_path: Path) -> None:
    write_encoder(tmp_path / "model", "vit")
    classifier = built(tmp_path / "model", num_frames=7)
    clips = torch.randn(2, 7, 3, 32, 32)
    assert not torch.allclose(logits(classifier, clips), logits(classifier, clips.flip(1)), atol=1e-4)


def test_the_cost_is_that_of_the_model(tmp_path: Path, kind: str) -> None:
    write_encoder(tmp_path / "model", kind)
    count = sum(value.numel() for value in built(tmp_path / "model").model.parameters() if value.requires_grad)
    name, sizes = ENCODERS[kind]
    values = json.loads(getattr(transformers, name)(**sizes).to_json_string(use_diff=False))
    assert architecture_in(values).parameters == pytest.approx(count, rel=0.03)


def test_layers_are_counted_from_the_head(tmp_path: Path, kind: str) -> None:
    write_encoder(tmp_path / "model", kind)
    below = layers_below_head([name for name, _ in built(tmp_path / "model").model.named_parameters()])
    assert set(below.values()) == {0, 1, 2, 3}
    assert {below[name] for name in below if name.startswith(("temporal.", "classifier."))} == {0}
    assert {below[name] for name in below if ".embeddings." in name} == {3}


def test_a_frozen_encoder_describes_each_frame(tmp_path: Path, kind: str) -> None:
    write_encoder(tmp_path / "model", kind)
    settings = {"model": str(tmp_path / "model"), "recipe": "frozen", "encoder": "video", "num_frames": 4}
    encoder = build_encoder("video", config_from({**settings, "image_size": 32}, TINY))
    assert encoder.embed(CLIPS).shape == (3, 4, 64)


@pytest.mark.parametrize(("prefix", "kind"), [("vit.", "vit"), ("dinov2.", "dinov2")])
def test_the_encoder_of_an_image_classifier_is_found(tmp_path: Path, prefix: str, kind: str) -> None:
    theirs = write_encoder(tmp_path / "model", kind)
    file = tmp_path / "model" / "model.safetensors"
    weights = {f"{prefix}{name}": value for name, value in load_file(file).items()}
    weights |= {"classifier.weight": torch.ones(1000, 32), "classifier.bias": torch.ones(1000)}
    save_weights(tmp_path / "model", weights)
    classifier = built(tmp_path / "model")
    with torch.no_grad():
        expected = classifier.model.classifier(classifier.model.temporal.eval()(features(theirs, kind, CLIPS)))
    torch.testing.assert_close(logits(classifier), expected)


@pytest.mark.parametrize("family", ["Siglip", "CLIP"])
def test_the_tower_of_a_model_of_images_and_text_is_found(tmp_path: Path, family: str) -> None:
    text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    config = getattr(transformers, f"{family}Config")(vision_config=WIDE, text_config=text)
    torch.manual_seed(0)
    whole = getattr(transformers, f"{family}Model")(config).eval()
    whole.save_pretrained(tmp_path / "model")
    write_json(tmp_path / "model" / "preprocessor_config.json", PROCESSOR)
    classifier = built(tmp_path / "model")
    with torch.no_grad():
        pooled = whole.vision_model(pixel_values=CLIPS.flatten(0, 1)).pooler_output.unflatten(0, (3, 4))
        expected = classifier.model.classifier(classifier.model.temporal.eval()(pooled))
    torch.testing.assert_close(logits(classifier), expected)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"model_type": "siglip"}, "vision_config is missing"),
        ({"model_type": "siglip", "vision_config": {"hidden_size": 10**9}}, "hidden_size 1000000000 is larger than"),
        ({"model_type": "socal_frame_classifier", "backbone": {"model_type": "bert"}}, "its backbone is a bert model"),
        ({"model_type": "dinov2", "mlp_ratio": "4"}, "mlp_ratio '4' is not a number"),
        ({"model_type": "vit", "patch_size": [16, 8]}, r"patch_size \[16, 8\] is not square"),
        ({"model_type": "vit", "hidden_act": "magic"}, "hidden_act 'magic' is unknown"),
        ({"model_type": "vit", "layer_norm_eps": "tiny"}, "Field 'layer_norm_eps' expected float"),
    ],
    ids=str,
)
def test_an_unsupported_config_is_refused(tmp_path: Path, values: dict[str, Any], reason: str) -> None:
    write_encoder(tmp_path / "model", "vit")
    write_json(tmp_path / "model" / "config.json", values)
    with pytest.raises(ModelError, match=f"^model: its config.json is wrong: {reason}"):
        built(tmp_path / "model", image_size=0)


def test_a_size_that_patches_do_not_fill_is_refused(tmp_path: Path) -> None:
    write_encoder(tmp_path / "model", "vit")
    with pytest.raises(ConfigError, match="image_size: must be a multiple of 16"):
        built(tmp_path / "model", image_size=40)


@pytest.mark.slow
def test_a_stopped_run_resumes_to_the_same_weights(tmp_path: Path, shared_data_folder: Path) -> None:
    write_encoder(tmp_path / "model", "vit")
    settings = {"model": str(tmp_path / "model"), "num_epochs": 2, "layer_decay": 0.7, "gradient_checkpointing": True}
    whole = new_run(tmp_path / "whole", shared_data_folder, **settings)
    assert work(whole, resume=False) is RunState.DONE, read_status(whole).reason
    halved = new_run(tmp_path / "halved", shared_data_folder, **settings)

    def stop(event: Event) -> None:
        if event["type"] == "step" and event["step"] == 2:
            halved.stop_file.touch()

    assert work(halved, resume=False, echo=stop) is RunState.STOPPED
    assert work(halved, resume=True) is RunState.DONE
    checkpoints = [newest_checkpoint(run) for run in (whole, halved)]
    expected, found = (load_file(checkpoint / "model.safetensors") for checkpoint in checkpoints if checkpoint)
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
