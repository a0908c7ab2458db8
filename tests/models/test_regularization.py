"""socal_core.models.regularization: stochastic depth and the dropout of the head."""

from pathlib import Path

import pytest
import torch
from torch import nn

from socal_core.errors import ConfigError
from socal_core.models.build import build_classifier
from socal_core.models.layers import blocks_of
from socal_core.models.regularization import DropPath, _add_drop_path, regularize
from socal_core.settings import TINY, config_from
from tests.models.small_families import MODELS, write_family
from tests.models.test_frame_encoders import ENCODERS, write_encoder

TEMPORAL_DENSE = "timesformer.encoder.layer.1.temporal_dense"
CLIPS = torch.rand((64, 2, 3, 96, 96), generator=torch.Generator().manual_seed(1))


def network(**settings: object) -> nn.Module:
    config = config_from({"recipe": "finetune", "num_frames": 2, "dropout_rate": 0.0, **settings}, TINY)
    model = build_classifier(config).model
    regularize(model, config.model)
    return model


def test_a_branch_is_left_out_for_whole_clips_and_keeps_its_mean() -> None:
    torch.manual_seed(0)
    out = DropPath(0.25).train()(torch.ones(8000, 3, 2))
    values = out.flatten(1)
    assert torch.equal(values, values[:, :1].expand_as(values))
    assert sorted(set(values[:, 0].tolist())) == pytest.approx([0.0, 4 / 3])
    assert float((values[:, 0] == 0).float().mean()) == pytest.approx(0.25, abs=0.02)


def test_rates_rise_from_the_first_block_to_the_last() -> None:
    rates = [module.rate for module in network(drop_path=0.5).modules() if isinstance(module, DropPath)]
    assert rates == pytest.approx([0, 0, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5])


@pytest.mark.parametrize("family", MODELS)
def test_each_family_of_video_models_can_leave_out_its_blocks(tmp_path: Path, family: str) -> None:
    """A last block whose branches are left out passes on what it receives."""
    write_family(tmp_path / "model", family)
    config = config_from(
        {"model": str(tmp_path / "model"), "recipe": "finetune", "num_frames": 4, "dropout_rate": 0.0}, TINY
    )
    model = build_classifier(config).model
    blocks = blocks_of(model)
    _add_drop_path(model, 1 - 1e-6)
    rates = [{module.rate for module in block.modules() if isinstance(module, DropPath)} for block in blocks]
    assert [len(found) for found in rates] == [1] * len(blocks)
    assert [found.pop() for found in rates] == pytest.approx(torch.linspace(0, 1, len(blocks)).tolist(), abs=1e-5)
    seen: list[torch.Tensor] = []
    blocks[-1].register_forward_hook(lambda module, inputs, output: seen.extend((inputs[0], first_of(output))))
    with torch.no_grad():
        model.train()(pixel_values=torch.randn(2, 4, 3, 32, 32))
        model.eval()(pixel_values=torch.randn(2, 4, 3, 32, 32))
    before, after, before_in_use, after_in_use = seen
    tolerance = {"rtol": 0, "atol": 1e-4}
    bias = model.get_parameter(f"{TEMPORAL_DENSE}.bias") if family == "timesformer" else 0
    expected = before.clone()
    expected[:, 1 if family == "timesformer" else 0 :] += bias  # of the layer after the attention over time
    torch.testing.assert_close(after, expected, **tolerance)
    assert not torch.allclose(after_in_use, before_in_use, **tolerance)


def first_of(output: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    return output if isinstance(output, torch.Tensor) else output[0]


@pytest.mark.parametrize("kind", ENCODERS)
def test_image_encoders_leave_out_their_blocks_or_say_that_they_cannot(tmp_path: Path, kind: str) -> None:
    write_encoder(tmp_path / "model", kind)
    values = {"recipe": "finetune", "num_frames": 2, "image_size": 32, "drop_path": 0.5}
    config = config_from({"model": str(tmp_path / "model"), **values}, TINY)
    model = build_classifier(config).model
    if kind in {"siglip_vision_model", "clip_vision_model"}:
        with pytest.raises(ConfigError, match="drop_path: must be 0: the blocks of this model cannot be left out"):
            regularize(model, config.model)
        return
    regularize(model, config.model)
    assert {module.rate for module in model.modules() if isinstance(module, DropPath)} == {0.0, 0.5}


def test_a_left_out_block_passes_its_input_on() -> None:
    """With both branches of the last block left out for a clip, its tokens are those that the block before gives."""
    model = network()
    block = model.get_submodule("videomae.encoder.layer.5")
    tokens = torch.randn(3, 5, 192)
    for name in ("attention.output.dropout", "output.dropout"):
        block.set_submodule(name, DropPath(1 - 1e-9))
    torch.testing.assert_close(block.train()(tokens), tokens)
    assert not torch.allclose(block.eval()(tokens), tokens, atol=0.1)


@pytest.mark.parametrize("settings", [{"drop_path": 0.5}, {"head_dropout": 0.5}])
def test_it_changes_training_alone_and_no_weight(settings: dict[str, float]) -> None:
    model, plain = network(**settings), network()
    assert list(model.state_dict()) == list(plain.state_dict())
    with torch.no_grad():
        assert torch.equal(model.eval()(pixel_values=CLIPS[:2]).logits, plain.eval()(pixel_values=CLIPS[:2]).logits)
        model.train()
        assert not torch.equal(model(pixel_values=CLIPS[:2]).logits, model(pixel_values=CLIPS[:2]).logits)


def test_dropout_of_the_head_leaves_out_half_of_its_input() -> None:
    model = network(head_dropout=0.5).train()
    seen: list[torch.Tensor] = []
    model.get_submodule("classifier").register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with torch.no_grad():
        model(pixel_values=CLIPS)
    assert float((seen[0] == 0).float().mean()) == pytest.approx(0.5, abs=0.02)


def test_a_new_head_can_begin_small() -> None:
    full, small = network().get_submodule("classifier"), network(head_scale=0.001).get_submodule("classifier")
    torch.testing.assert_close(small.weight, full.weight * 0.001)
