"""socal_core.models.build"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import VideoMAEConfig, VideoMAEForPreTraining, VideoMAEForVideoClassification

from socal_core.errors import ModelError
from socal_core.models.build import build_classifier, load_classifier, save_classifier
from socal_core.settings import TINY, TrainConfig, config_from
from tests.models.checkpoints import SIZES

SMALL = {name: size for name, size in SIZES.items() if name != "num_frames"}


def settings(model: object, **values: object) -> TrainConfig:
    return config_from({"model": str(model), "num_frames": 4, **values}, TINY)


def randomise_biases(model: torch.nn.Module) -> None:
    """Replace the biases, since a new bias is zero and a zero hides that it was not loaded."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.copy_(torch.randn_like(parameter))


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    """A pre-training checkpoint like the published ones: encoder and decoder, no classifier."""
    torch.manual_seed(0)
    model = VideoMAEForPreTraining(VideoMAEConfig(**SMALL, num_frames=16))
    randomise_biases(model)
    model.save_pretrained(tmp_path / "pretrained")
    (tmp_path / "pretrained" / "preprocessor_config.json").write_text(
        json.dumps({"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}, "image_mean": [0.1] * 3})
    )
    return tmp_path / "pretrained"


def test_tiny_is_a_video_classifier_of_two_outcomes() -> None:
    classifier = build_classifier(settings(TINY))
    logits = classifier.model(pixel_values=torch.zeros(2, 4, *classifier.preprocessor.frame_shape)).logits
    assert logits.shape == (2, 2)
    assert classifier.model.config.id2label == {0: "failure", 1: "success"}


def test_the_seed_fixes_the_random_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = build_classifier(settings(TINY, seed=1)).model.state_dict()
    assert torch.equal(torch.rand(1), expected)
    second = build_classifier(settings(TINY, seed=1)).model.state_dict()
    other = build_classifier(settings(TINY, seed=2)).model.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_all_pretrained_weights_are_loaded_including_q_and_v_biases(pretrained: Path) -> None:
    original = VideoMAEForPreTraining.from_pretrained(pretrained).videomae.state_dict()
    model = build_classifier(settings(pretrained)).model
    loaded = model.videomae.state_dict()
    compared = [name for name in loaded if "layernorm" not in name.split(".")[0]]
    assert sum(name.endswith(("query.bias", "value.bias", "q_bias", "v_bias")) for name in compared) == 4
    for name in compared:
        assert torch.equal(loaded[name], original[name]), name
    assert model.config.num_frames == 4


def test_each_dropout_reaches_what_it_names(pretrained: Path) -> None:
    """The attention has no module of dropout that a loop over modules could set: its rate is in the configuration."""
    for model in (TINY, pretrained):
        built = build_classifier(settings(model, dropout_rate=0.5, attention_dropout=0.25)).model
        assert {module.p for module in built.modules() if isinstance(module, torch.nn.Dropout)} == {0.5}
        assert {module.dropout_prob for module in built.modules() if hasattr(module, "dropout_prob")} == {0.25}


@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.25)])
def test_a_checkpoint_keeps_the_dropout_of_its_run(
    pretrained: Path, tmp_path: Path, rates: tuple[float, float]
) -> None:
    built = build_classifier(settings(pretrained, dropout_rate=rates[0], attention_dropout=rates[1]))
    save_classifier(built, tmp_path / "epoch-0001")
    config = load_classifier(tmp_path / "epoch-0001").model.config
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == rates


def test_the_models_own_preprocessing_is_used(pretrained: Path) -> None:
    assert build_classifier(settings(pretrained)).preprocessor.processor.image_mean == (0.1, 0.1, 0.1)


def test_without_a_preprocessor_file_imagenets_mean_is_used(pretrained: Path) -> None:
    (pretrained / "preprocessor_config.json").unlink()
    classifier = build_classifier(settings(pretrained))
    assert "has no preprocessor_config.json" in classifier.note
    processor = classifier.preprocessor.processor
    assert processor.image_mean == (0.485, 0.456, 0.406)
    assert processor.crop_size["height"] == 32


def test_a_saved_classifier_is_loaded_unchanged(tmp_path: Path) -> None:
    classifier = build_classifier(settings(TINY))
    randomise_biases(classifier.model)
    save_classifier(classifier, tmp_path / "epoch-0001")
    again = load_classifier(tmp_path / "epoch-0001")
    before, after = classifier.model.state_dict(), again.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert again.preprocessor.processor.to_dict() == classifier.preprocessor.processor.to_dict()
    assert isinstance(VideoMAEForVideoClassification.from_pretrained(tmp_path / "epoch-0001"), torch.nn.Module)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "preprocessor_config.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, file: str, damage: str) -> None:
    folder = tmp_path / "epoch-0001"
    save_classifier(build_classifier(settings(TINY)), folder)
    content = (folder / file).read_bytes()
    (folder / file).unlink()
    if damage != "missing":
        (folder / file).write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    with pytest.raises(ModelError, match="epoch-0001"):
        load_classifier(folder)


@pytest.mark.parametrize("model", ["nobody/no-such-model", "no such model", "../elsewhere", "~nobody-here/x"])
def test_a_missing_model_is_refused(model: str) -> None:
    with pytest.raises(ModelError, match="cannot be loaded from this machine") as caught:
        build_classifier(settings(model))
    assert "tiny" in str(caught.value)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match="is a bert model"):
        build_classifier(settings(tmp_path))


def write_processor(folder: Path, **values: object) -> None:
    crop = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps({**crop, **values}))


@pytest.mark.parametrize(
    "values", [{"rescale_factor": 0.00784}, {"do_rescale": False}, {"do_normalize": False}], ids=str
)
def test_the_scaling_of_a_processor_is_applied(pretrained: Path, values: dict[str, object]) -> None:
    write_processor(pretrained, **values)
    preprocessor = build_classifier(settings(pretrained)).preprocessor
    frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    expected = torch.from_numpy(preprocessor.processor([frame], return_tensors="np")["pixel_values"][0].astype("f4"))
    clip = torch.from_numpy(preprocessor.shrink(frame))[None].float() / 255
    torch.testing.assert_close(preprocessor.normalise(clip), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"crop_size": {"height": 64, "width": 64}}, "gives frames of 64x64 pixels, but the model takes 32x32"),
        ({"crop_size": {"height": 32, "width": 40}}, "gives frames of 40x32 pixels"),
        ({"do_center_crop": False}, "frames whose size depends on the picture"),
        ({"size": {"edge": 32}}, "holds values that do not work"),
        ({"size": "large"}, "holds values that do not work"),
        ({"size": {"shortest_edge": 10**9}}, "not a whole number from 1 to 4096"),
        ({"image_std": [0, 0, 0]}, "holds values that do not work"),
    ],
    ids=str,
)
def test_a_processor_that_does_not_fit_is_refused(pretrained: Path, values: dict[str, object], reason: str) -> None:
    write_processor(pretrained, **values)
    with pytest.raises(ModelError, match=reason) as caught:
        build_classifier(settings(pretrained))
    assert "preprocessor_config.json" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b'{"size": ', b"null", b"3", b"[]", b"\xff\xfe\x00"])
def test_a_processor_file_that_cannot_be_read_is_refused(pretrained: Path, content: bytes) -> None:
    (pretrained / "preprocessor_config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"its preprocessor_config\.json (cannot be read|holds values)"):
        build_classifier(settings(pretrained))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"size": {"edge": 32}}, "Checkpoint epoch-0001: .*do not work"),
        (
            {"crop_size": {"height": 32, "width": 32}},
            "Checkpoint epoch-0001: .*32x32 pixels, but the model takes 96x96",
        ),
        ({"resample": 99}, "Checkpoint epoch-0001: .*do not work"),
    ],
    ids=str,
)
def test_a_checkpoint_with_another_processor_is_refused(tmp_path: Path, values: dict[str, object], reason: str) -> None:
    save_classifier(build_classifier(settings(TINY)), tmp_path / "epoch-0001")
    write_processor(tmp_path / "epoch-0001", **values)
    with pytest.raises(ModelError, match=reason):
        load_classifier(tmp_path / "epoch-0001")


def test_weights_of_another_size_are_refused(pretrained: Path) -> None:
    config = json.loads((pretrained / "config.json").read_text())
    (pretrained / "config.json").write_text(json.dumps({**config, "hidden_size": 64}))
    with pytest.raises(ModelError, match="weights do not fit"):
        build_classifier(settings(pretrained))


def test_a_pickle_with_code_is_not_opened(pretrained: Path) -> None:
    (pretrained / "model.safetensors").unlink()
    (pretrained / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin .* could run code"):
        build_classifier(settings(pretrained))
