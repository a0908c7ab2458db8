"""socal_core.models.regularization: stochastic depth and the dropout of the head."""

import pytest
import torch
from torch import nn

from socal_core.models.build import build_classifier
from socal_core.models.regularization import DropPath, regularize
from socal_core.settings import TINY, config_from

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
