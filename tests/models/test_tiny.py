"""The weights of `tiny`, which come with the project."""

import json
import shutil
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from socal_core.errors import ModelError
from socal_core.models import find
from socal_core.models.build import build_classifier
from socal_core.models.weights_record import describe_weights
from socal_core.runs.architecture import TINY_ARCHITECTURE
from socal_core.settings import TINY, config_from

FOLDER = Path(find.__file__).with_name("tiny")
WEIGHTS = FOLDER / "model.safetensors"


def state(**values: object) -> dict[str, torch.Tensor]:
    model = build_classifier(config_from({"model": TINY, **values}, TINY)).model
    weights: dict[str, torch.Tensor] = model.state_dict()
    return weights


def test_the_config_file_has_the_sizes_that_estimates_use() -> None:
    values = json.loads((FOLDER / "config.json").read_text())
    for item in fields(TINY_ARCHITECTURE):
        assert values[item.name] == getattr(TINY_ARCHITECTURE, item.name), item.name


@pytest.mark.parametrize("frames", [8, 16])
def test_every_weight_of_the_file_is_loaded_in_float32(frames: int) -> None:
    loaded, written = state(num_frames=frames), load_file(WEIGHTS)
    assert {"fc_norm.weight", "fc_norm.bias"} <= set(written)
    assert set(loaded) - set(written) == {"classifier.weight", "classifier.bias"}
    for name, value in written.items():
        assert torch.equal(loaded[name], value.float()), name
    assert {value.dtype for value in loaded.values()} == {torch.float32}


def test_eight_frames_give_two_logits() -> None:
    classifier = build_classifier(config_from({"model": TINY, "num_frames": 8}, TINY))
    with torch.no_grad():
        assert classifier.model(pixel_values=torch.zeros(1, 8, 3, 96, 96)).logits.shape == (1, 2)


def test_the_seed_samples_only_the_new_classifier() -> None:
    first, again, other = state(seed=1), state(seed=1), state(seed=2)
    assert torch.equal(first["classifier.weight"], again["classifier.weight"])
    assert [name for name in first if not torch.equal(first[name], other[name])] == ["classifier.weight"]


@pytest.mark.parametrize(("damage", "reason"), [("missing", "are missing"), ("other", "are not those of this version")])
def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, reason: str) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "tiny"))
    monkeypatch.setattr(find, "TINY_FOLDER", folder)
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    file.unlink()
    if damage == "other":
        content[-1] ^= 1
        file.write_bytes(content)
    for use in (build_classifier, lambda config: describe_weights(config.model)):
        with pytest.raises(ModelError, match=rf"`tiny` {reason} .*git checkout socal_core/models/tiny"):
            use(config_from({"model": TINY}, TINY))


def test_the_file_is_small() -> None:
    assert WEIGHTS.stat().st_size < 12e6
