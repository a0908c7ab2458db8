"""socal_core.models.trained_head: which classifier is kept, and which tokens it uses."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import layer_norm, linear
from transformers import VideoMAEConfig, VideoMAEForVideoClassification, VideoMAEModel

from socal_core.errors import ModelError
from socal_core.models.build import VideoClassifier, build_classifier
from socal_core.models.checkpoint_files import ModelFiles
from socal_core.settings import TINY, config_from
from tests.models.checkpoints import OUTCOMES, SIZES, Weights, save_weights, write_classifier, write_pretrained

CLIP = torch.randn(2, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
SWAPPED = {"id2label": {"0": "success", "1": "failure"}, "label2id": {"success": 0, "failure": 1}}


def built(folder: Path) -> VideoClassifier:
    classifier = build_classifier(config_from({"model": str(folder), "num_frames": 4, "dropout_rate": 0.0}, TINY))
    classifier.model.eval()
    return classifier


def logits(classifier: VideoClassifier) -> torch.Tensor:
    with torch.no_grad():
        return classifier.model(pixel_values=CLIP).logits


def tokens(weights: Weights, final_norm: bool) -> torch.Tensor:
    """Encode the clip with transformers' own encoder, (2, tokens, 32)."""
    encoder = VideoMAEModel(VideoMAEConfig(**SIZES, use_mean_pooling=not final_norm)).eval()
    names = {
        name.removeprefix("videomae.").replace("q_bias", "query.bias").replace("v_bias", "value.bias"): tensor
        for name, tensor in weights.items()
        if name.startswith("videomae.") and (final_norm or not name.startswith("videomae.layernorm"))
    }
    encoder.load_state_dict(names)
    with torch.no_grad():
        return encoder(CLIP).last_hidden_state


@pytest.mark.parametrize(
    "labels",
    [
        OUTCOMES,
        {"id2label": {"0": "Failure", "1": " SUCCESS"}, "label2id": None},
        {"id2label": None, "label2id": {"failure": 0, "success": 1}},
    ],
    ids=str,
)
def test_a_classifier_of_outcomes_is_kept(tmp_path: Path, labels: dict[str, Any]) -> None:
    weights = write_classifier(tmp_path / "model", **labels)
    classifier = built(tmp_path / "model")
    pooled = layer_norm(tokens(weights, False).mean(1), (32,), weights["fc_norm.weight"], weights["fc_norm.bias"])
    expected = linear(pooled, weights["classifier.weight"], weights["classifier.bias"])
    torch.testing.assert_close(logits(classifier), expected)
    assert classifier.note == "model: its trained classifier for success and failure is used."


def test_rows_follow_the_labels(tmp_path: Path) -> None:
    weights = write_classifier(tmp_path / "normal", **OUTCOMES)
    write_classifier(tmp_path / "swapped", **SWAPPED)
    save_weights(
        tmp_path / "swapped",
        weights | {name: weights[name].flip(0).contiguous() for name in ("classifier.weight", "classifier.bias")},
    )
    normal, swapped = built(tmp_path / "normal"), built(tmp_path / "swapped")
    torch.testing.assert_close(logits(swapped), logits(normal), rtol=0, atol=0)
    assert "in the order of its labels (success, failure)" in swapped.note
    assert swapped.model.config.id2label == {0: "failure", 1: "success"}


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"LABEL_0": 0, "LABEL_1": 1}},
        {"id2label": None, "label2id": None},
    ],
    ids=str,
)
def test_the_second_of_two_unnamed_classes_is_success(tmp_path: Path, labels: dict[str, Any]) -> None:
    weights = write_classifier(tmp_path / "model", **labels)
    classifier = built(tmp_path / "model")
    pooled = layer_norm(tokens(weights, False).mean(1), (32,), weights["fc_norm.weight"], weights["fc_norm.bias"])
    expected = linear(pooled, weights["classifier.weight"], weights["classifier.bias"])
    torch.testing.assert_close(logits(classifier), expected)
    assert classifier.model.config.id2label == {0: "failure", 1: "success"}
    assert "Its classes have no names; the second one is assumed to be success." in classifier.note


@pytest.mark.parametrize(
    ("classes", "labels", "message"),
    [
        (2, {"id2label": {"0": "walking", "1": "running"}, "label2id": None}, "labels (walking, running) other than"),
        (2, {"id2label": SWAPPED["id2label"], "label2id": OUTCOMES["label2id"]}, "has labels other than"),
        (2, {"id2label": ["failure", "success"], "label2id": None}, "has labels other than"),
        (
            4,
            {"id2label": {str(i): name for i, name in enumerate("abcd")}, "label2id": None},
            "labels (a, b, c, …) other than",
        ),
        (3, OUTCOMES, "labels (failure, success) other than"),
    ],
)
def test_any_other_classifier_is_replaced(tmp_path: Path, classes: int, labels: dict[str, Any], message: str) -> None:
    weights = write_classifier(tmp_path / "model", classes, **labels)
    classifier = built(tmp_path / "model")
    assert message in classifier.note
    assert "a new classifier is trained" in classifier.note
    new = classifier.model.state_dict()
    assert new["classifier.weight"].shape == (2, 32)
    assert not any(torch.equal(row, old) for row in new["classifier.weight"] for old in weights["classifier.weight"])
    assert new["classifier.weight"].std() < 0.03  # sampled with VideoMAE's initializer_range of 0.02
    assert torch.equal(new["fc_norm.weight"], weights["fc_norm.weight"])


def test_a_pretrained_model_gets_a_classifier_on_the_mean_of_all_tokens(tmp_path: Path) -> None:
    weights = write_pretrained(tmp_path / "model")
    classifier = built(tmp_path / "model")
    new = classifier.model.state_dict()
    # As in VideoMAE's own fine-tuning: the mean of the tokens is normalized, not each token.
    pooled = layer_norm(tokens(weights, False).mean(1), (32,))
    torch.testing.assert_close(logits(classifier), linear(pooled, new["classifier.weight"], new["classifier.bias"]))
    assert classifier.model.config.use_mean_pooling is True
    assert "use_mean_pooling: false" in classifier.note
    assert "averages all tokens" in classifier.note


def test_a_pretrained_model_that_averages_needs_no_note(tmp_path: Path) -> None:
    write_pretrained(tmp_path / "model", use_mean_pooling=True)
    assert built(tmp_path / "model").note == ""


def test_a_kept_classifier_keeps_its_pooling(tmp_path: Path) -> None:
    weights = write_classifier(tmp_path / "model", use_mean_pooling=False, **OUTCOMES)
    classifier = built(tmp_path / "model")
    first = tokens(weights, True)[:, 0]
    expected = linear(first, weights["classifier.weight"], weights["classifier.bias"])
    torch.testing.assert_close(logits(classifier), expected)
    assert "only the first token" in classifier.note


def test_a_new_classifier_averages_the_tokens_of_a_model_that_used_the_first(tmp_path: Path) -> None:
    write_classifier(tmp_path / "model", 3, use_mean_pooling=False)
    classifier = built(tmp_path / "model")
    assert classifier.model.config.use_mean_pooling is True
    assert "labels (LABEL_0, LABEL_1, LABEL_2)" in classifier.note
    assert "averages all tokens" in classifier.note


@pytest.mark.parametrize("lost", ["classifier.bias", "fc_norm."])
def test_an_incomplete_classifier_is_not_kept(tmp_path: Path, lost: str) -> None:
    weights = write_classifier(tmp_path / "model", **OUTCOMES)
    save_weights(tmp_path / "model", {name: value for name, value in weights.items() if not name.startswith(lost)})
    assert "a new classifier is trained" in built(tmp_path / "model").note


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("videomae.encoder.layer.1.output.dense.weight", float("nan")),
        ("videomae.encoder.layer.0.attention.attention.q_bias", float("inf")),
        ("classifier.bias", float("-inf")),
    ],
)
def test_weights_that_are_not_finite_are_named(tmp_path: Path, name: str, value: float) -> None:
    weights = write_classifier(tmp_path / "model", **OUTCOMES)
    weights[name].flatten()[0] = value
    save_weights(tmp_path / "model", weights)
    with pytest.raises(ModelError, match=f"^model: weight {name} holds values that are not finite"):
        built(tmp_path / "model")


def test_unused_weights_need_not_be_finite(tmp_path: Path) -> None:
    weights = write_pretrained(tmp_path / "model")
    weights["decoder.head.weight"].fill_(torch.nan)
    save_weights(tmp_path / "model", weights)
    assert torch.isfinite(logits(built(tmp_path / "model"))).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_layers": 1}, r"such as videomae.encoder.layer.1.*, which the model does not have\."),
        ({"num_hidden_layers": 3}, r"such as videomae.encoder.layer.2.*, which is missing in its files\."),
        ({"qkv_bias": False}, "4 weights do not fit"),
        ({"hidden_size": 64}, r"patch_embeddings.projection.bias, which is 32 in its files and 64 in the model\."),
        ({"intermediate_size": 96}, r"layer.0.intermediate.dense.bias, which is 64 in its files and 96 in the model\."),
        (
            {"patch_size": 8},
            r"patch_embeddings.projection.weight, which is 32 x 3 x 2 x 16 x 16 in its files and ",
        ),
    ],
    ids=str,
)
def test_weights_and_config_must_be_of_the_same_network(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_pretrained(tmp_path / "model", **changes)
    with pytest.raises(ModelError, match=message):
        built(tmp_path / "model")


def test_weights_of_another_shape_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pretrained(tmp_path / "model", intermediate_size=96)
    monkeypatch.setattr(ModelFiles, "read_weights", lambda self: pytest.fail("the values were read"))
    with pytest.raises(ModelError, match="which is 64 in its files and 96 in the model"):
        built(tmp_path / "model")


def test_an_encoder_saved_alone_is_read(tmp_path: Path) -> None:
    weights = write_pretrained(tmp_path / "model")
    encoder = {name.removeprefix("videomae."): value for name, value in weights.items() if name.startswith("videomae.")}
    write_pretrained(tmp_path / "whole")
    save_weights(tmp_path / "model", encoder)
    torch.testing.assert_close(logits(built(tmp_path / "model")), logits(built(tmp_path / "whole")), rtol=0, atol=0)


def test_a_kept_classifier_gives_the_logits_of_transformers(tmp_path: Path) -> None:
    write_classifier(tmp_path / "model", **OUTCOMES)
    theirs = VideoMAEForVideoClassification.from_pretrained(tmp_path / "model", trust_remote_code=False).eval()
    with torch.no_grad():
        torch.testing.assert_close(logits(built(tmp_path / "model")), theirs(pixel_values=CLIP).logits)
