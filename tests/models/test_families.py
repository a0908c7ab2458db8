"""socal_core.models.families: every family of video models is read, built, trained, saved and loaded."""

from pathlib import Path
from typing import Any

import pytest
import torch

from socal_core.errors import ConfigError, ModelError
from socal_core.models.build import VideoClassifier, build_classifier, load_classifier, save_classifier
from socal_core.models.encoders import build_encoder
from socal_core.models.families.positions import Learned, fit_positions
from socal_core.models.layers import layers_below_head
from socal_core.settings import TINY, config_from
from tests.models.small_families import FRAMES_FIELD, MODELS, logits_of_transformers, write_family

CLIPS = torch.randn(3, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def built(folder: Path, **settings: Any) -> VideoClassifier:
    values = {"recipe": "finetune", "num_frames": 4, "dropout_rate": 0.0, **settings}
    return build_classifier(config_from({"model": str(folder), **values}, TINY))


def logits(classifier: VideoClassifier, clips: torch.Tensor = CLIPS) -> torch.Tensor:
    classifier.model.eval()
    with torch.no_grad():
        return classifier.model(pixel_values=clips).logits


@pytest.fixture(params=MODELS)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_trained_classifier_gives_the_logits_of_transformers(tmp_path: Path, family: str) -> None:
    theirs = write_family(tmp_path / "model", family)
    classifier = built(tmp_path / "model")
    assert "its trained classifier for success and failure is used" in classifier.note
    assert logits(classifier).shape == (3, 2)
    torch.testing.assert_close(logits(classifier), logits_of_transformers(theirs, CLIPS))


def test_a_backbone_gets_a_new_head(tmp_path: Path, family: str) -> None:
    theirs = write_family(tmp_path / "model", family, backbone_only=True).base_model.state_dict()
    classifier = built(tmp_path / "model")
    ours = classifier.model.base_model.state_dict()
    assert {name for name in theirs if "predictor." not in name} - {"pooler.dense.weight"} == ours.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert logits(classifier).isfinite().all()


def test_a_classifier_of_other_classes_is_replaced(tmp_path: Path, family: str) -> None:
    theirs = write_family(tmp_path / "model", family, id2label={"0": "dog", "1": "cat"}, label2id={"dog": 0, "cat": 1})
    classifier = built(tmp_path / "model")
    assert "labels (dog, cat) other than success and failure" in classifier.note
    assert not torch.equal(classifier.model.classifier.weight, theirs.classifier.weight)


def test_one_step_changes_every_parameter(tmp_path: Path, family: str) -> None:
    write_family(tmp_path / "model", family)
    model = built(tmp_path / "model").model.train()
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    torch.nn.functional.cross_entropy(model(pixel_values=CLIPS).logits, torch.tensor([0, 1, 0])).backward()
    optimizer.step()
    # A key's bias shifts all scores of a query by the same number, which the softmax cancels.
    unchanged = {name for name, value in model.named_parameters() if torch.equal(value, before[name])}
    assert not any("predictor" in name for name in before)
    assert all(name.endswith(("key.bias", "k_proj.bias")) for name in unchanged), unchanged


def test_a_saved_classifier_is_loaded_to_identical_logits(tmp_path: Path, family: str) -> None:
    write_family(tmp_path / "model", family)
    classifier = built(tmp_path / "model", num_frames=8, image_size=48, dropout_rate=0.1)
    save_classifier(classifier, tmp_path / "epoch-0001")
    again = load_classifier(tmp_path / "epoch-0001")
    clips = torch.randn(2, 8, *again.preprocessor.frame_shape)
    assert clips.shape[-1] == 48
    assert torch.equal(logits(again, clips), logits(classifier, clips))
    assert again.preprocessor.normalisation == classifier.preprocessor.normalisation
    assert again.model.config.to_dict() == load_classifier(tmp_path / "epoch-0001").model.config.to_dict()


def test_the_saved_classifier_is_one_of_transformers(tmp_path: Path, family: str) -> None:
    theirs = write_family(tmp_path / "model", family)
    classifier = built(tmp_path / "model")
    save_classifier(classifier, tmp_path / "epoch-0001")
    loaded = type(theirs).from_pretrained(tmp_path / "epoch-0001").eval()
    torch.testing.assert_close(logits_of_transformers(loaded, CLIPS), logits(classifier))
    assert loaded.config.architectures == [type(theirs).__name__]


@pytest.mark.parametrize("changes", [{"num_frames": 8}, {"image_size": 64}, {"num_frames": 2, "image_size": 16}])
def test_other_clips_are_taken_and_the_note_says_so(tmp_path: Path, family: str, changes: dict[str, int]) -> None:
    write_family(tmp_path / "model", family)
    classifier = built(tmp_path / "model", **changes)
    frames, size = changes.get("num_frames", 4), changes.get("image_size", 32)
    assert f"{frames} frames of {size} pixels" in classifier.note
    assert "4 frames of 32 pixels" in classifier.note
    assert ("interpolated" in classifier.note) == (family != "vjepa2")
    assert classifier.preprocessor.frame_shape == (3, size, size)
    clips = torch.randn(2, frames, 3, size, size)
    other = clips.clone()
    other[:, -1, :, -1, -1] += 9.0  # no frame and no edge is ignored
    assert not torch.equal(logits(classifier, clips), logits(classifier, other))


def test_the_note_is_silent_about_the_clips_of_the_training(tmp_path: Path, family: str) -> None:
    write_family(tmp_path / "model", family)
    assert "positions" not in built(tmp_path / "model").note


def test_a_frame_count_or_size_that_does_not_fit_is_refused(tmp_path: Path, family: str) -> None:
    write_family(tmp_path / "model", family)
    with pytest.raises(ConfigError, match="image_size: must be a multiple of 16, the model's patch size"):
        built(tmp_path / "model", image_size=40)
    if family in {"vivit", "vjepa2"}:
        with pytest.raises(ConfigError, match="num_frames: must be a multiple of 2"):
            built(tmp_path / "model", num_frames=5)
    else:
        assert logits(built(tmp_path / "model", num_frames=5), torch.zeros(1, 5, 3, 32, 32)).shape == (1, 2)


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        ("timesformer", {"attention_type": "space_only"}, "attention_type 'space_only' is not supported"),
        ("timesformer", {"patch_size": [16, 8]}, r"patch_size \[16, 8\] is not square"),
        ("timesformer", {"num_frames": 0}, "num_frames 0 is not a positive whole number"),
        ("vivit", {"tubelet_size": 2}, "tubelet_size 2 is not a list of three positive whole numbers"),
        ("vivit", {"tubelet_size": [2, 0, 16]}, r"tubelet_size \[2, 0, 16\] is not a list of three"),
        ("vjepa2", {"mlp_ratio": 0}, "mlp_ratio 0 is not a number between 0 and 100"),
        ("vjepa2", {"in_chans": 1}, "in_chans is 1, but frames have 3 channels"),
        ("vjepa2", {"crop_size": 8}, "patch_size 16 is larger than crop_size 8"),
        ("videoprism", {"tubelet_size": [2, 16, 16]}, r"tubelet_size \[2, 16, 16\] combines frames"),
        ("videoprism", {"num_spatial_layers": "2"}, "num_spatial_layers '2' is not a positive whole number"),
        ("videoprism", {"intermediate_size": 47}, "intermediate_size 47 is not a multiple of 2 heads"),
        ("vivit", {"num_frames": 10**9}, "num_frames 1000000000 is larger than 4,096"),
        ("vjepa2", {"hidden_size": 10**9}, "hidden_size 1000000000 is larger than 16,384"),
        ("vjepa2", {"num_pooler_layers": 0}, "num_pooler_layers 0 is not a positive whole number"),
        ("videoprism", {"num_spatial_layers": 10**6}, "num_hidden_layers 1000001 is larger than 256"),
        ("vivit", {"hidden_act": "magic"}, "hidden_act 'magic' is unknown"),
    ],
    ids=str,
)
def test_an_unsupported_config_is_refused(tmp_path: Path, family: str, changes: dict[str, Any], reason: str) -> None:
    write_family(tmp_path / "model", family, **changes)
    with pytest.raises(ModelError, match=f"^model: its config.json is wrong: {reason}"):
        built(tmp_path / "model")


def test_weights_of_another_length_are_refused(tmp_path: Path) -> None:
    write_family(tmp_path / "model", "timesformer", num_frames=6)
    with pytest.raises(ModelError, match=r"1 weights do not fit .* timesformer\.embeddings\.time_embeddings"):
        built(tmp_path / "model", num_frames=6)


@pytest.mark.parametrize("name", ["dropout_rate", "attention_dropout"])
def test_dropout_is_that_of_the_settings(tmp_path: Path, family: str, name: str) -> None:
    write_family(tmp_path / "model", family)
    model = built(tmp_path / "model", **{name: 0.5}).model.train()
    same = torch.equal(model(pixel_values=CLIPS).logits, model(pixel_values=CLIPS).logits)
    assert same == (family == "vjepa2" and name == "dropout_rate")  # its hidden states have no dropout


def test_layers_are_counted_from_the_head(tmp_path: Path, family: str) -> None:
    write_family(tmp_path / "model", family)
    below = layers_below_head([name for name, _ in built(tmp_path / "model").model.named_parameters()])
    layers = 3 if family == "videoprism" else 2
    assert set(below.values()) == set(range(layers + 2))
    assert below["classifier.weight"] == 0
    assert {depth for name, depth in below.items() if "embeddings." in name} == {layers + 1}
    if family == "videoprism":
        named = {"temporal_layers.0": 1, "spatial_layers.1": 2, "spatial_layers.0": 3}
        assert all(below[f"vision_model.{name}.mlp.fc1.weight"] == depth for name, depth in named.items())


def test_a_frozen_encoder_describes_each_step(tmp_path: Path, family: str) -> None:
    write_family(tmp_path / "model", family)
    settings = {"model": str(tmp_path / "model"), "recipe": "frozen", "encoder": "video", "num_frames": 4}
    encoder = build_encoder("video", config_from(settings, TINY))
    steps = 2 if family in {"vivit", "vjepa2"} else 4
    assert encoder.embed(CLIPS).shape == (3, steps, 64)
    still = CLIPS[:, :1].expand(-1, 4, -1, -1, -1)
    moving = still.clone()
    moving[:, 2:] += 1.0
    change = (encoder.embed(moving) - encoder.embed(still)).abs().mean(dim=(0, 2))
    assert change.argmax() >= steps // 2, "the tokens of a step describe its own frames most"


def test_the_frames_of_the_training_are_read_from_their_field(tmp_path: Path, family: str) -> None:
    write_family(tmp_path / "model", family)
    save_classifier(built(tmp_path / "model", num_frames=8), tmp_path / "epoch-0001")
    config = load_classifier(tmp_path / "epoch-0001").model.config
    assert getattr(config, FRAMES_FIELD.get(family, "num_frames")) == 8


def test_positions_are_interpolated_linearly() -> None:
    """Positions that grow linearly in time and space keep their values at the old places, away from the border."""
    time, row, column = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), torch.arange(4.0), indexing="ij")
    values = torch.stack([time, row, column], dim=-1).reshape(1, 64, 3)
    weights = {
        "model.positions": torch.cat([torch.full((1, 1, 3), 9.0), values], dim=1),
        "other": torch.zeros(1, 65, 3),
    }
    learned = (Learned("positions", in_time=True, in_space=True, class_token=True),)
    fitted = fit_positions(weights, learned, (4, 4, 4), (8, 12, 4))
    found = fitted["model.positions"]
    assert found.shape == (1, 1 + 8 * 12 * 4, 3)
    assert torch.equal(found[0, 0], torch.full((3,), 9.0))
    grid = found[0, 1:].reshape(8, 12, 4, 3)
    torch.testing.assert_close(grid[1:-1, :, :, 0], ((torch.arange(8) - 0.5) / 2)[1:-1, None, None].expand(-1, 12, 4))
    torch.testing.assert_close(grid[:, 1:-1, :, 1], ((torch.arange(12) - 1) / 3)[None, 1:-1, None].expand(8, -1, 4))
    torch.testing.assert_close(grid[..., 2], torch.arange(4.0).expand(8, 12, 4))
    assert fitted["other"] is weights["other"]
    assert fit_positions(weights, learned, (4, 4, 4), (4, 4, 4))["model.positions"] is weights["model.positions"]
