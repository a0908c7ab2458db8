"""Regularize a network for training: stochastic depth, and dropout of the features that the head receives.

Both act only in training mode and have no weights, so a checkpoint is the same with and without them.
"""

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

from socal_core.errors import ConfigError
from socal_core.models.layers import blocks_of, head_of
from socal_core.settings import ModelSettings

RESIDUALS = (("drop_path",), ("attention.output.dropout", "output.dropout"), ("dropout",))
"""The modules of a transformer block whose results are added to its residual stream, in three kinds of blocks.

Those of TimeSformer, V-JEPA 2 and DINO have an empty place for drop path, those of VideoMAE a dropout at the end of
each branch, and those of ViViT, VideoPrism and ViT one dropout that ends both branches.
"""


class DropPath(nn.Module):
    """Leaves out a residual branch for random clips (stochastic depth, Huang et al., ECCV 2016).

    Where attention is over time or over space alone, the network passes the patches or frames of a clip as sequences of
    their own, and each of them is left out or kept, as in TimeSformer's own code.
    """

    def __init__(self, rate: float) -> None:
        """Create the module.

        Args:
            rate: The probability with which a clip loses the branch, below 1.
        """
        super().__init__()
        self.rate = rate

    def forward(self, branch: torch.Tensor) -> torch.Tensor:
        """Set the branch of random clips to 0, and scale the others so that the mean is the same.

        Args:
            branch: Values that are added to the residual stream, (clips, ...).
        """
        if not self.training or self.rate == 0:
            return branch
        kept = torch.rand((len(branch), *(1,) * (branch.ndim - 1)), device=branch.device) >= self.rate
        return branch * kept / (1 - self.rate)


def regularize(model: PreTrainedModel, settings: ModelSettings) -> None:
    """Add stochastic depth and the dropout of the head to a network, as far as the settings ask for them.

    Args:
        model: A video classifier; it is changed.
        settings: `drop_path` and `head_dropout`.

    Raises:
        ConfigError: The network has no blocks whose branches can be left out.
    """
    if settings.drop_path:
        _add_drop_path(model, settings.drop_path)
    if settings.head_dropout:
        head_of(model).register_forward_pre_hook(_HeadDropout(settings.head_dropout))


def _add_drop_path(model: PreTrainedModel, rate: float) -> None:
    """Add drop path with rates that rise linearly from 0 in the first block to `rate` in the last one."""
    blocks = blocks_of(model)
    for block, block_rate in zip(blocks, torch.linspace(0, rate, len(blocks)).tolist(), strict=True):
        modules = dict(block.named_modules())
        names = next((names for names in RESIDUALS if set(names) <= modules.keys()), None)
        if names is None:
            raise ConfigError("drop_path", "must be 0: the blocks of this model cannot be left out", rate)
        for name in names:
            block.set_submodule(name, nn.Sequential(modules[name], DropPath(block_rate)))


class _HeadDropout:
    """Applies dropout to the input of a module, as a forward pre-hook."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def __call__(self, module: nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (functional.dropout(inputs[0], self._rate, module.training),)
