"""socal_core.models.tuning: which weights of a network are trained."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from socal_core.errors import ConfigError
from socal_core.models.build import VideoClassifier, build_classifier, load_classifier, save_classifier
from socal_core.models.layers import BLOCK, blocks_of
from socal_core.models.regularization import regularize
from socal_core.models.tuning import choose_trained_weights, merged_weights
from socal_core.settings import TINY, config_from
from tests.models.small_families import MODELS, write_family

CLIPS = torch.rand((2, 4, 3, 96, 96), generator=torch.Generator().manual_seed(1))
BLOCKS = 6


def tuned(**settings: object) -> VideoClassifier:
    config = config_from({"recipe": "finetune", "num_frames": 4, **settings}, TINY)
    classifier = build_classifier(config)
    choose_trained_weights(classifier.model, config.model, seed=0)
    classifier.model.eval()
    return classifier


def trained(model: PreTrainedModel) -> set[str]:
    return {name for name, tensor in model.named_parameters() if tensor.requires_grad}


def logits(model: PreTrainedModel) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(pixel_values=CLIPS).logits
    return found


def test_all_weights_are_trained_by_default() -> None:
    model = tuned().model
    assert trained(model) == {name for name, _ in model.named_parameters()}


def test_only_the_head_and_its_norm() -> None:
    names = {"fc_norm.weight", "fc_norm.bias", "classifier.weight", "classifier.bias"}
    assert trained(tuned(tune="frozen").model) == names


def test_the_last_blocks() -> None:
    model = tuned(tune="last:2").model
    blocks = {name.split(".")[3] for name in trained(model) if ".layer." in name}
    assert blocks == {"4", "5"}
    assert trained(model) >= trained(tuned(tune="frozen").model)
    assert not any("embeddings" in name for name in trained(model))
    assert not any("embeddings" in name for name in trained(tuned(tune=f"last:{BLOCKS}").model))


def test_more_blocks_than_the_model_has() -> None:
    with pytest.raises(ConfigError, match=r"tune: must be full or last:K with K up to 6, got 'last:7'"):
        tuned(tune="last:7")


@pytest.mark.slow
def test_low_rank_updates_begin_without_effect_and_are_all_that_is_trained() -> None:
    model = tuned(tune="lora", lora_rank=4).model
    assert torch.equal(logits(model), logits(tuned().model))
    updates = trained(model) - trained(tuned(tune="frozen").model)
    assert len(updates) == BLOCKS * 2 * 2  # two matrices for query and value of each block
    parameters = dict(model.named_parameters())
    assert {min(parameters[name].shape) for name in updates} == {4}


def test_merged_updates_are_a_plain_model_that_computes_the_same(tmp_path: Path) -> None:
    classifier = tuned(tune="lora")
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, tensor in classifier.model.named_parameters():
            if ".lora_" in name:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.05)
    found = logits(classifier.model)
    assert (found - logits(tuned().model)).abs().max() > 0.01
    save_classifier(classifier, tmp_path, merged_weights(classifier.model))
    plain = load_classifier(tmp_path).model.eval()
    assert not any("lora" in name for name, _ in plain.named_parameters())
    torch.testing.assert_close(logits(plain), found, atol=1e-5, rtol=0)


def test_names_that_match_no_layer() -> None:
    with pytest.raises(ConfigError, match=r"lora_modules: must be names of linear layers.*query.*got 'q_proj'"):
        tuned(tune="lora", lora_modules="query q_proj")


@pytest.mark.parametrize("value", ["", "all", "last", "last:0", "last:-1", "last:1.5", "LORA"])
def test_other_values(value: str) -> None:
    with pytest.raises(ConfigError, match="tune: must be full, last:K"):
        config_from({"recipe": "finetune", "tune": value}, TINY)


def test_a_recipe_that_trains_no_network() -> None:
    with pytest.raises(ConfigError, match="tune: must be full with the recipe frozen"):
        config_from({"recipe": "frozen", "tune": "lora"}, TINY)


@pytest.mark.parametrize("family", list(MODELS))
def test_parts_of_any_family_are_trained(tmp_path: Path, family: str) -> None:
    write_family(tmp_path, family)
    settings = {"recipe": "finetune", "model": str(tmp_path), "num_frames": 4}
    config = config_from({**settings, "head_dropout": 0.5}, TINY)
    model = build_classifier(config).model
    blocks = len(blocks_of(model))
    assert blocks == (3 if family == "videoprism" else 2)
    choose_trained_weights(model, config.replace(tune="frozen").model, seed=0)
    head = trained(model)
    assert any(name.startswith("classifier.") for name in head)
    assert not any(BLOCK.search(name) for name in head)
    model.requires_grad_(True)
    choose_trained_weights(model, config.replace(tune="last:1").model, seed=0)
    assert {match.groups() for name in trained(model) if (match := BLOCK.search(name))} == {
        max(match.groups() for name, _ in model.named_parameters() if (match := BLOCK.search(name)))
    }
    regularize(model, config.model)
    model(pixel_values=torch.rand(2, 4, 3, 32, 32)).logits.sum().backward()
    assert all((tensor.grad is not None) == tensor.requires_grad for tensor in model.parameters())


@pytest.mark.parametrize("family", list(MODELS))
def test_names_of_layers_for_updates_are_those_of_the_family(tmp_path: Path, family: str) -> None:
    write_family(tmp_path, family)
    settings = {"recipe": "finetune", "model": str(tmp_path), "num_frames": 4, "tune": "lora"}
    config = config_from(settings, TINY)
    model = build_classifier(config).model
    names = {"timesformer": "qkv", "vivit": "q_proj v_proj", "videoprism": "q_proj v_proj"}
    if family in names:
        with pytest.raises(
            ConfigError, match=f"lora_modules: must be names of linear layers.*{names[family].split()[0]}"
        ):
            choose_trained_weights(model, config.model, seed=0)
        config = config.replace(lora_modules=names[family])
    choose_trained_weights(model, config.model, seed=0)
    assert any(".lora_" in name for name in trained(model))
    model.train()(pixel_values=torch.rand(2, 4, 3, 32, 32)).logits.sum().backward()
    assert set(merged_weights(model)) == set(build_classifier(config).model.state_dict())
