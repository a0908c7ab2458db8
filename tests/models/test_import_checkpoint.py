"""socal_core.models.import_checkpoint: original VideoMAE checkpoints become model folders, or are refused in words."""

import argparse
import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from socal_core.cli import main
from socal_core.errors import ModelError
from socal_core.models.build import VideoClassifier, build_classifier
from socal_core.models.import_checkpoint import ImportReport, import_checkpoint
from socal_core.settings import TINY, config_from
from tests.models.original_videomae import OriginalVideoMAE, pretraining_weights, sinusoid_table

CLIPS = torch.randn(3, 4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
CONTAINERS = {
    "model": lambda weights: {"model": weights, "epoch": 3, "args": argparse.Namespace(input_size=32, lr=0.1)},
    "module": lambda weights: {"module": weights},
    "flat": lambda weights: weights,
    "parallel": lambda weights: {"state_dict": {f"module.{name}": value for name, value in weights.items()}},
    "backbone": lambda weights: {"model": {f"backbone.{name}": value for name, value in weights.items()}},
}


def converted(tmp_path: Path, content: Any, **options: Any) -> ImportReport:
    torch.save(content, tmp_path / "checkpoint.pth")
    return import_checkpoint(tmp_path / "checkpoint.pth", tmp_path / "out", **{"heads": 4, "image_size": 32, **options})


def built(folder: Path) -> VideoClassifier:
    values = {"recipe": "finetune", "num_frames": 4, "dropout_rate": 0.0}
    return build_classifier(config_from({"model": str(folder), **values}, TINY))


def logits(folder: Path) -> torch.Tensor:
    model = built(folder).model.eval()
    with torch.no_grad():
        return model(pixel_values=CLIPS).logits


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("mean_pooling", [True, False])
def test_the_logits_are_those_of_the_original(tmp_path: Path, container: str, mean_pooling: bool) -> None:
    original = OriginalVideoMAE(mean_pooling=mean_pooling).eval()
    report = converted(tmp_path, CONTAINERS[container](original.state_dict()))
    assert report.matched == len(original.state_dict())
    assert (report.missing, report.left_out, report.unexpected) == ((), (), ())
    with torch.no_grad():
        expected = original(CLIPS.transpose(1, 2))
    assert expected.std() > 0.1, "the logits differ between clips"
    torch.testing.assert_close(logits(tmp_path / "out"), expected, rtol=0, atol=1e-5)


def test_a_pretraining_checkpoint_gives_the_tokens_of_its_encoder(tmp_path: Path) -> None:
    original = OriginalVideoMAE().eval()
    report = converted(tmp_path, {"model": pretraining_weights(original)})
    assert report.missing == ("fc_norm.weight", "fc_norm.bias", "classifier.weight", "classifier.bias")
    assert len(report.left_out) == 7
    assert report.unexpected == ()
    classifier = built(tmp_path / "out")
    assert classifier.note == ""
    with torch.no_grad():
        tokens = classifier.model.videomae(pixel_values=CLIPS).last_hidden_state
        torch.testing.assert_close(tokens, original.tokens(CLIPS.transpose(1, 2)), rtol=0, atol=1e-5)


def test_a_bias_of_the_key_changes_nothing_and_is_dropped(tmp_path: Path) -> None:
    original = OriginalVideoMAE().eval()
    weights = original.state_dict()
    for layer in range(2):
        query, value = (weights.pop(f"blocks.{layer}.attn.{name}_bias") for name in "qv")
        weights[f"blocks.{layer}.attn.qkv.bias"] = torch.cat([query, torch.randn(64), value])
    converted(tmp_path, weights)
    with torch.no_grad():
        torch.testing.assert_close(logits(tmp_path / "out"), original(CLIPS.transpose(1, 2)), rtol=0, atol=1e-5)


def test_positions_in_the_file_must_be_the_computed_ones(tmp_path: Path) -> None:
    original = OriginalVideoMAE()
    weights = {**original.state_dict(), "pos_embed": sinusoid_table(8, 64)[None]}
    assert converted(tmp_path, weights).unexpected == ()
    with pytest.raises(ModelError, match="has learned positions"):
        torch.save({**weights, "pos_embed": torch.randn(1, 8, 64)}, tmp_path / "other.pth")
        import_checkpoint(tmp_path / "other.pth", tmp_path / "other", heads=4)


def test_source_hash_and_names_are_stored(tmp_path: Path) -> None:
    report = converted(tmp_path, {"model": {**OriginalVideoMAE().state_dict(), "queue": torch.zeros(3)}})
    assert report.unexpected == ("queue",)
    stored = json.loads((tmp_path / "out" / "import.json").read_text())
    digest = hashlib.sha256((tmp_path / "checkpoint.pth").read_bytes()).hexdigest()
    assert (stored["source"], stored["sha256"]) == ("checkpoint.pth", digest)
    assert (stored["matched"], stored["unexpected"]) == (report.matched, ["queue"])
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128, "tubelet_size": 2, "patch_size": 16}
    assert sizes.items() <= config.items()


@pytest.mark.parametrize(("arguments", "expected"), [(argparse.Namespace(input_size=64), 64), (None, 224)])
def test_the_size_of_the_training_is_read_from_its_arguments(tmp_path: Path, arguments: Any, expected: int) -> None:
    report = converted(tmp_path, {"model": OriginalVideoMAE().state_dict(), "args": arguments}, image_size=None)
    assert report.sizes.image_size == expected


def test_heads_are_those_of_the_published_models(tmp_path: Path) -> None:
    assert (
        converted(tmp_path, OriginalVideoMAE(dims=384, layers=1).state_dict(), heads=None).sizes.num_attention_heads
        == 6
    )
    with pytest.raises(ModelError, match=r"hidden size is 64\. Give a number of attention heads that divides it"):
        torch.save(OriginalVideoMAE().state_dict(), tmp_path / "odd.pth")
        import_checkpoint(tmp_path / "odd.pth", tmp_path / "odd")


def without(*parts: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in OriginalVideoMAE().state_dict().items() if not name.startswith(parts)}


class Code:
    """An object whose unpickling creates a folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"model": {"weight": torch.ones(2)}}, r"is not a checkpoint of VideoMAE's own code: it has no patch_embed"),
        ({"model": [1, 2]}, "is not a checkpoint of VideoMAE's own code"),
        (torch.ones(3), "is not a checkpoint of VideoMAE's own code"),
        ({"patch_embed.proj.weight": torch.ones(8, 3, 16, 16)}, r"its patch_embed.* has the shape \(8, 3, 16, 16\)"),
        (without("blocks.0."), "no complete list of blocks"),
        (without("blocks.1.mlp.fc2"), r"lacks 2 weights of a VideoMAE, such as videomae\.encoder\.layer\.1\."),
        ({**without(), "cls_token": torch.ones(1, 1, 64)}, "it has a class token"),
        ({**without(), "blocks.0.gamma_1": torch.ones(64)}, r"has blocks\.0\.gamma_1, which"),
        ({f"{name}.{key}": value for name in "ab" for key, value in without().items()}, r"several models \(a\., b\.\)"),
        ({**without(), "head.bias": torch.full((2,), torch.nan)}, r"classifier\.bias holds values that are not finite"),
        ({"model": without(), "callback": Code()}, "could run code, so it is not opened"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, reason: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=reason) as caught:
        converted(tmp_path, content)
    assert str(caught.value).startswith("checkpoint.pth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pth"]


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float, legacy: bool) -> None:
    path = tmp_path / "checkpoint.pth"
    torch.save({"model": OriginalVideoMAE().state_dict()}, path, _use_new_zipfile_serialization=not legacy)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ModelError, match=r"^checkpoint\.pth .*(cut short|damaged)"):
        import_checkpoint(path, tmp_path / "out", heads=4)


@pytest.mark.parametrize("content", [b"not a checkpoint", pickle.dumps({"model": 1}), b"PK\x03\x04"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.pth").write_bytes(content)
    with pytest.raises(ModelError, match=r"^checkpoint\.pth "):
        import_checkpoint(tmp_path / "checkpoint.pth", tmp_path / "out")


def test_the_command_prints_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "checkpoint.pth", tmp_path / "out"
    torch.save({"model": {**pretraining_weights(OriginalVideoMAE()), "queue": torch.zeros(3)}}, path)
    options = [str(path), str(out), "--heads", "4", "--image-size", "32"]
    assert main(["import", *options]) == 0
    printed = capsys.readouterr().out
    assert "a VideoMAE of 2 layers of size 64 with 4 heads, frames of 32 pixels; 28 weights matched." in printed
    assert "Missing, started anew by training: 4 (fc_norm.weight, fc_norm.bias, classifier.weight, …)." in printed
    assert "Used by pre-training only, left out: 7" in printed
    assert "Unexpected, left out: 1 (queue)." in printed
    assert f"--set model={out}" in printed
    assert main(["import", *options]) == 2
    assert "out exists already" in capsys.readouterr().err
    for wrong, reason in (
        ([str(tmp_path / "none.pth"), str(tmp_path / "x")], "none.pth cannot be read: No such file"),
        ([str(path), str(tmp_path / "none" / "x")], "x cannot be written: No such file"),
        ([str(path), str(tmp_path / "x"), "--heads", "0"], "--heads: must be between 1 and 256, got 0"),
    ):
        assert main(["import", *wrong, *(["--heads", "4"] if "--heads" not in wrong else [])]) == 2
        assert reason in capsys.readouterr().err
